"""Every member is read once, in its type; every error names its path."""

import datetime as dt
from decimal import Decimal
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.errors import InputError, MalformedDocumentError, NonCanonicalEncodingError
from ledger.core.fields import Reader


class Colour(StrEnum):
    RED = "red"
    DARK_BLUE = "dark-blue"


READS = {
    "text": lambda reader: reader.text("x"),
    "integer": lambda reader: reader.integer("x", -5, 5),
    "boolean": lambda reader: reader.boolean("x"),
    "decimal": lambda reader: reader.decimal("x"),
    "date": lambda reader: reader.date("x"),
    "instant": lambda reader: reader.instant("x"),
    "hex": lambda reader: reader.hex("x", 2),
    "base64": lambda reader: reader.base64("x", size=2),
    "enum": lambda reader: reader.enum("x", Colour),
    "object": lambda reader: reader.object("x"),
    "objects": lambda reader: reader.objects("x"),
    "texts": lambda reader: reader.texts("x"),
}
OPTIONAL = {
    "text": lambda reader: reader.opt_text("x"),
    "integer": lambda reader: reader.opt_integer("x", -5, 5),
    "boolean": lambda reader: reader.opt_boolean("x"),
    "decimal": lambda reader: reader.opt_decimal("x"),
    "date": lambda reader: reader.opt_date("x"),
    "instant": lambda reader: reader.opt_instant("x"),
    "hex": lambda reader: reader.opt_hex("x", 2),
    "base64": lambda reader: reader.opt_base64("x", size=2),
    "enum": lambda reader: reader.opt_enum("x", Colour),
    "object": lambda reader: reader.opt_object("x"),
    "objects": lambda reader: reader.opt_objects("x"),
    "texts": lambda reader: reader.opt_texts("x"),
}
GOOD = {
    "text": ("衡器 A-17 😀", "衡器 A-17 😀"),
    "integer": (-5, -5),
    "boolean": (False, False),
    "decimal": ("-0.50", Decimal("-0.50")),
    "date": ("2028-02-29", dt.date(2028, 2, 29)),
    "instant": ("2026-03-01T08:00:00.250Z", dt.datetime(2026, 3, 1, 8, 0, 0, 250_000, tzinfo=dt.UTC)),
    "hex": ("00ff", b"\x00\xff"),
    "base64": ("AP8=", b"\x00\xff"),
    "enum": ("dark-blue", Colour.DARK_BLUE),
    "texts": (["b", "a"], ["b", "a"]),
}
BAD = {
    "text": ["", " ", " a", "a ", "a\n", "\ta", "\u3000a", "a\u00a0", 1, True, [], {}, None],
    "integer": [-6, 6, "1", True, 1.0, [], None, 2**80],
    "boolean": [0, 2, "true", "", None, []],
    "decimal": [1, "1e3", "-0", "+1", "1,5", "", " 1", "NaN", True, None, "1" * 31],
    "date": ["2027-02-29", "20270228", "2027-2-8", 20270228, "", None, "2027-02-28T00:00:00Z"],
    "instant": ["2026-03-01T08:00:00", "2026-03-01T08:00:00.000Z", "2026-03-01", 0, None, ""],
    "hex": ["00FF", "0ff", "00", "0x00", "00ff00", "zzzz", "", 0, None],
    "base64": ["AP9=", "AP8", "AAAA", "", 0, None],
    "enum": ["RED", "Red", "", "red ", 1, None, ["red"]],
    "object": [[], "x", 1, None, True],
    "objects": [{}, "x", [1], [{}, "x"], [[]], None],
    "texts": [{}, "x", [1], ["a", ""], ["a", " b"], [None], None, [["a"]]],
}


@pytest.mark.parametrize("kind", GOOD)
def test_good_values_are_read_once_in_their_type(kind):
    written, expected = GOOD[kind]
    for read in (READS[kind], OPTIONAL[kind]):
        reader = Reader({"x": written})
        value = read(reader)
        assert (value, type(value)) == (expected, type(expected))
        reader.finish()
        with pytest.raises(MalformedDocumentError, match="missing"):
            READS[kind](reader)


@pytest.mark.parametrize(
    ("kind", "value"), [(kind, value) for kind, values in BAD.items() for value in values]
)
def test_bad_values_are_refused_by_path(kind, value):
    for read in (READS[kind], OPTIONAL[kind]):
        with pytest.raises(InputError) as caught:
            read(Reader({"x": value}, "record.part[2]"))
        assert caught.value.field.startswith("record.part[2].x")
        assert str(caught.value).startswith("record.part[2].x")


@pytest.mark.parametrize("kind", READS)
def test_a_missing_member_is_named_or_none(kind):
    with pytest.raises(MalformedDocumentError, match=r"^a\.x: this member is missing$"):
        READS[kind](Reader({}, "a"))
    assert OPTIONAL[kind](Reader({}, "a")) is None


def test_several_decimals_are_read_like_one():
    reader = Reader({"a": "0.50", "c": "-1"}, "at")
    assert reader.opt_decimals("a", "b", "c") == [Decimal("0.50"), None, Decimal(-1)]
    reader.finish()
    for value in BAD["decimal"]:
        with pytest.raises(InputError, match=r"^at\.b: "):
            Reader({"a": "1", "b": value}, "at").opt_decimals("a", "b")


def test_another_spelling_stays_another_spelling():
    with pytest.raises(NonCanonicalEncodingError, match=r"^x: .*lower case"):
        Reader({"x": "AB"}).hex("x", 1)
    with pytest.raises(NonCanonicalEncodingError, match=r"^x: "):
        Reader({"x": "AP9="}).base64("x")


# --- text -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "character",
    [
        *map(chr, (*range(0x20), *range(0x7F, 0xA0), 0x200E, 0x200F, 0x2028, 0x2029)),
        *map(chr, range(0x202A, 0x202F)),
        *map(chr, range(0x2066, 0x206A)),
        *map(chr, (0xD800, 0xDFFF)),
    ],
    ids=ascii,
)
def test_characters_that_mislead_are_refused(character):
    for text in (f"a{character}b", f"中{character}文"):
        with pytest.raises(MalformedDocumentError):
            Reader({"x": text}).text("x")


@pytest.mark.parametrize(
    "character", ["\u3000", "\u00a0", "\u00ad", "\u200d", "\ue000", "\U0010ffff", "\u0661", "‰", "é"]
)
def test_other_characters_are_text(character):
    assert Reader({"x": f"a{character}b"}).text("x") == f"a{character}b"


def test_sizes_are_bytes():
    assert Reader({"x": "衡" * 4}).text("x", max_bytes=12) == "衡" * 4
    assert Reader({"x": "a" * 12}).text("x", max_bytes=12) == "a" * 12
    for text in ("衡" * 4 + "a", "a" * 13, "😀" * 4):
        with pytest.raises(MalformedDocumentError, match="at most 12"):
            Reader({"x": text}).text("x", max_bytes=12)
        with pytest.raises(MalformedDocumentError, match=r"x\[1\]: .*at most 12"):
            Reader({"x": ["a", text]}).texts("x", max_bytes=12)
    with pytest.raises(MalformedDocumentError, match="at most 4096"):
        Reader({"x": "a" * 4097}).text("x")


def test_a_pattern_is_for_the_whole_text():
    assert Reader({"x": "AB-1"}).text("x", pattern="[A-Z]+-[0-9]") == "AB-1"
    for text in ("AB-12", "aAB-1", "AB-"):
        with pytest.raises(MalformedDocumentError, match="form"):
            Reader({"x": text}).text("x", pattern="[A-Z]+-[0-9]")
        with pytest.raises(MalformedDocumentError, match=r"x\[0\]"):
            Reader({"x": [text]}).texts("x", pattern="[A-Z]+-[0-9]")
    with pytest.raises(MalformedDocumentError):
        Reader({"x": "cab"}).text("x", pattern="ca|b")


@given(st.text())
def test_any_text_is_read_or_refused_as_input(text):
    for read in READS.values():
        try:
            value = read(Reader({"x": text}))
        except InputError:
            continue
        assert value is not None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_value_is_read_or_refused_as_input(value):
    for read in [*READS.values(), *OPTIONAL.values()]:
        try:
            read(Reader({"x": value}))
        except InputError as err:
            found = err
            assert found.field.startswith("x")


# --- objects and lists ------------------------------------------------------------------------------------


def test_paths_lead_through_objects_and_lists():
    reader = Reader({"a": {"list": [{"b": "1"}, {"b": 2}], "opt": {"c": "x"}}})
    inner = reader.object("a")
    first, second = inner.objects("list")
    assert first.decimal("b") == 1
    with pytest.raises(MalformedDocumentError) as caught:
        second.decimal("b")
    assert caught.value.field == "a.list[1].b"
    with pytest.raises(MalformedDocumentError, match=r"^a\.opt\.d: this member is missing$"):
        inner.opt_object("opt").text("d")
    assert inner.path_of("z") == "a.z"
    assert Reader({}).path_of("z") == "z"


def test_lists_keep_to_their_numbers():
    for values in ([], [{}] * 4):
        with pytest.raises(MalformedDocumentError, match="expected 1 to 3"):
            Reader({"x": values}).objects("x", least=1, most=3)
        with pytest.raises(MalformedDocumentError, match="expected 1 to 3"):
            Reader({"x": ["a" for _ in values]}).opt_texts("x", least=1, most=3)
    assert len(Reader({"x": [{}] * 3}).opt_objects("x", least=1, most=3)) == 3
    with pytest.raises(MalformedDocumentError, match="10001"):
        Reader({"x": ["a"] * 10_001}).texts("x")


def test_unknown_members_are_named():
    reader = Reader({"a": "x", "serail": "1", "zz": 2}, "instrument")
    reader.text("a")
    assert "zz" in reader
    assert "a" not in reader
    with pytest.raises(MalformedDocumentError, match=r"^instrument: unknown members: serail, zz$"):
        reader.finish()
    reader.integer("zz", 0, 9)
    with pytest.raises(MalformedDocumentError, match=r"unknown member: serail$"):
        reader.finish()


def test_unknown_members_do_not_flood_the_sentence():
    with pytest.raises(MalformedDocumentError) as caught:
        Reader({f"{number}" + "n" * 10_000: 1 for number in range(1000)}).finish()
    assert len(str(caught.value)) < 600
    assert caught.value.field is None


def test_the_document_is_an_object_and_stays_untouched():
    for value in ([], "x", 1, True):
        with pytest.raises(MalformedDocumentError, match=r"^an object is expected here$"):
            Reader(value)
    document = {"x": "1"}
    Reader(document).text("x")
    assert document == {"x": "1"}


def test_refuse_names_the_member():
    with pytest.raises(MalformedDocumentError, match=r"^a\.x: ends before it begins$"):
        Reader({}, "a").refuse("x", "ends before it begins")


def test_an_unknown_choice_lists_the_known_ones():
    with pytest.raises(MalformedDocumentError, match="'green' is not one of: red, dark-blue"):
        Reader({"x": "green"}).enum("x", Colour)
