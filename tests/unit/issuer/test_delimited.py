import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuer.delimited import read_delimited
from issuer.tabular import read_table, read_table_rows
from ledger.core.errors import InputError

TEXT = "no,instrument.name\n1,电子计价秤\n"


@pytest.mark.parametrize(
    ("raw", "encoding"),
    [
        (TEXT.encode(), "UTF-8"),
        (TEXT.encode("utf-8-sig"), "UTF-8"),
        (TEXT.encode("gb18030"), "GB18030"),
        (TEXT.replace("秤", "𠮷").encode("gb18030"), "GB18030"),
        (b"no\n1\n", "UTF-8"),
    ],
)
def test_the_encoding_is_told(raw, encoding):
    table = read_table(raw)
    assert table.source == f"CSV, {encoding}"
    assert len(list(table.lines)) == 1


def test_both_encodings_give_the_same_documents():
    found = [list(read_table_rows(TEXT.encode(name))) for name in ("utf-8", "utf-8-sig", "gb18030")]
    assert found[0] == found[1] == found[2] == [(2, {"no": "1", "instrument": {"name": "电子计价秤"}})]


@pytest.mark.parametrize(
    ("mark", "said"), [(",", ""), (";", ", separated by ';'"), ("\t", ", separated by '\\t'")]
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_excels_own_hint_is_followed_and_is_no_row(mark, said, end):
    table = read_table(f"SEP={mark}{end}no{mark}kind{end}1{mark}x{end}".encode())
    assert table.source == f"CSV, UTF-8{said}"
    assert [(line.number, line.cells) for line in table.lines] == [(2, ["1", "x"])]


@pytest.mark.parametrize("raw", ["no;kind\n1;x\n", "no\tkind\n1\tx\n"])
def test_other_separators_without_the_hint_are_refused(raw):
    with pytest.raises(InputError, match="row 1: columns are separated by commas"):
        read_table(raw.encode())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_wide_encodings_are_refused(encoding):
    with pytest.raises(InputError, match="UTF-8"):
        read_table(TEXT.encode(encoding))


def test_latin_letters_are_not_taken_for_chinese_ones():
    with pytest.raises(InputError):
        read_delimited("no\n1\nMüller\x81\xff".encode("latin-1"))


@given(st.text(st.characters(codec="gb18030", exclude_categories=["Cs", "Cc", "Co", "Cn"]), max_size=40))
def test_what_gb18030_holds_comes_back(text):
    found = read_delimited(text.encode("gb18030"))
    assert found.encoding == "UTF-8" or found.text == text


@given(st.binary(max_size=200))
def test_any_bytes_are_a_table_or_an_input_error(raw):
    try:
        list(read_table(raw).lines)
    except InputError:
        return
