import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuer import batch
from issuer.batch import InputForm, Row, find_form, merge_common, parse_common, read_rows
from ledger.core.errors import InputError


def read(raw, form=InputForm.JSON_LINES, common=None):
    return list(read_rows(raw, form, common))


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("round.json", InputForm.JSON),
        ("round.jsonl", InputForm.JSON_LINES),
        ("ROUND.NDJSON", InputForm.JSON_LINES),
        ("a.b.csv", InputForm.CSV),
        ("Round.XLSX", InputForm.XLSX),
    ],
)
def test_the_name_tells_how_a_file_is_written(name, form):
    assert find_form(name) is form


@pytest.mark.parametrize("name", ["round.odt", "json", "", "round.json.gz"])
def test_another_name_is_refused(name):
    with pytest.raises(
        InputError, match=r"^file: .* ends in none of \.json, \.jsonl, \.ndjson, \.csv, \.xlsx"
    ):
        find_form(name + ("" if "." in name else ".x"))


@pytest.mark.parametrize("suffix", ["xlsm", "XLTM"])
def test_workbooks_that_may_hold_macros_are_refused(suffix):
    with pytest.raises(InputError, match=r"may hold macros: save it as \.xlsx"):
        find_form(f"round.{suffix}")


@pytest.mark.parametrize("suffix", ["xls", "xlsb", "ods", "et"])
def test_other_workbooks_are_refused(suffix):
    with pytest.raises(InputError, match=r"is another kind of workbook: save it as \.xlsx"):
        find_form(f"round.{suffix}")


def test_one_document_has_no_row_number():
    assert read(b' {"no": "1"}\n', InputForm.JSON) == [Row(None, {"no": "1"})]


def test_lines_are_numbered_as_in_an_editor_and_empty_ones_skipped():
    assert read(b'{"no":"1"}\r\n\r\n  \n{"no":"2"}') == [Row(1, {"no": "1"}), Row(4, {"no": "2"})]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", "not JSON: Expecting property name enclosed in double quotes (line 1 column 2)"),
        (b"[]", "a JSON object is expected here"),
        (b'"text"', "a JSON object is expected here"),
        (b'{"a": 1.5}', "a: the number 1.5 must be written as text (line 1 column 7)"),
        (b'{"a": NaN}', "a: NaN is not a number (line 1 column 7)"),
        (b'{"a": null}', "a: null is not allowed: leave the member out (line 1 column 7)"),
        (b'{"a": 1, "a": 2}', "a: this member stands here twice (line 1 column 15)"),
        ('{"a": "检"}'.encode("gbk"), "not UTF-8: byte 7 cannot be read"),
        (b"\xef\xbb\xbf{}", "the file starts with a byte order mark: save it as UTF-8 without one"),
        (b'{"a": "\\ud800"}', "a: text must not hold half of a surrogate pair (line 1 column 7)"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "nested deeper than 32 levels"),
        (b'{"a": 9007199254740992}', "a: an integer beyond"),
    ],
)
def test_a_bad_line_is_a_row_with_its_reason_and_the_next_is_read(line, message):
    bad, good = read(line + b'\n{"no":"2"}')
    assert (bad.number, bad.value) == (1, None)
    assert str(bad.error).startswith(message)
    assert good == Row(2, {"no": "2"})


def test_a_row_may_be_one_mebibyte_long_and_no_longer():
    line = b'{"a":"' + b"x" * (2**20 - 8) + b'"}'
    assert read(line)[0].error is None
    assert "more than the 1048576 allowed" in str(read(line.replace(b'"}', b'x"}'))[0].error)


def test_a_file_too_large_is_refused_as_a_whole(monkeypatch):
    monkeypatch.setattr(batch, "MAX_FILE_BYTES", 10)
    with pytest.raises(InputError, match="file: the file has 11 bytes; at most 10 are read"):
        read(b'{"a": "bc"}')


def test_a_file_with_too_many_rows_is_refused_as_a_whole(monkeypatch):
    monkeypatch.setattr(batch, "MAX_ROWS", 3)
    assert len(read(b"{}\n" * 3)) == 3
    with pytest.raises(InputError, match="file: the file has more than 3 rows; split it"):
        read(b"{}\n" * 4)


def test_limits_are_those_that_are_documented():
    assert (batch.MAX_FILE_BYTES, batch.MAX_ROWS) == (64 * 2**20, 100_000)


# --- members that all rows share -------------------------------------------------------------------------------


def test_a_row_has_the_common_members_unless_it_says_otherwise():
    common = {"kind": "periodic", "instrument": {"name": "水表", "maker": "甲"}, "seals": [{"no": "1"}]}
    own = {"instrument": {"serial": "7", "maker": "乙"}, "seals": []}
    assert merge_common(common, own) == {
        "kind": "periodic",
        "instrument": {"name": "水表", "maker": "乙", "serial": "7"},
        "seals": [],
    }
    assert common["instrument"] == {"name": "水表", "maker": "甲"}


def test_rows_do_not_share_what_they_merge():
    common = {"instrument": {"name": "水表"}}
    one, other = read(b'{"instrument":{"serial":"1"}}\n{"instrument":{"serial":"2"}}', common=common)
    assert (one.value["instrument"]["serial"], other.value["instrument"]["serial"]) == ("1", "2")


def test_a_bad_row_stays_bad_beside_common_members():
    assert read(b"[]", common={"kind": "periodic"})[0].value is None


@pytest.mark.parametrize("raw", [b"[]", b"{", b"1", b"\xff"])
def test_common_members_are_a_json_object(raw):
    with pytest.raises(InputError):
        parse_common(raw)


OBJECTS = st.recursive(
    st.integers(0, 9),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = st.dictionaries(st.sampled_from("abc"), OBJECTS, max_size=3)


@given(MEMBERS, MEMBERS)
def test_merging_keeps_every_member_of_the_row(common, own):
    merged = merge_common(common, own)
    assert merge_common(merged, own) == merged
    assert merge_common({}, own) == own
    assert merge_common(common, {}) == common
    assert merged.keys() == common.keys() | own.keys()


@given(st.binary(max_size=200), st.sampled_from(InputForm))
def test_any_bytes_give_rows_or_an_input_error(raw, form):
    try:
        rows = read(raw, form)
    except InputError:
        return
    assert all((row.value is None) != (row.error is None) for row in rows)
