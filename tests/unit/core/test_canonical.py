"""One spelling for each document of the profile, and a clear sentence for everything else."""

import datetime as dt
import enum
import json

import orjson
import pytest
import rfc8785
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ledger.core.canonical import (
    as_object,
    encode_canonical_json,
    parse_canonical_json,
    parse_json,
    reread_canonical_json,
)
from ledger.core.errors import InputError, MalformedDocumentError, NonCanonicalEncodingError

LARGEST = 2**53 - 1
NAMES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=12)
TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=20)
LEAVES = TEXTS | st.integers(-LARGEST, LARGEST) | st.booleans()
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=25,
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=3),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner),
    max_leaves=8,
)


def nest(levels, inner=b"1", left=b"[", right=b"]"):
    return left * levels + inner + right * levels


# --- the profile ------------------------------------------------------------------------------------------


@given(DOCUMENTS)
def test_our_spelling_is_rfc_8785_and_comes_back(value):
    raw = encode_canonical_json(value)
    assert raw == rfc8785.dumps(value)
    assert parse_canonical_json(raw) == value
    assert parse_json(raw) == value


@given(DOCUMENTS, st.integers(0, 4), st.booleans())
def test_free_spellings_mean_the_same_and_are_not_canonical(value, indent, ascii_only):
    raw = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
    assert parse_json(raw) == value
    if raw != encode_canonical_json(value):
        with pytest.raises(NonCanonicalEncodingError, match="byte"):
            parse_canonical_json(raw)


@given(ANYTHING)
@example({1: "x"})
@example({"a": {"\u00e9": 1}})
def test_any_python_value_is_written_right_or_refused(value):
    try:
        raw = encode_canonical_json(value)
    except MalformedDocumentError:
        return
    assert parse_canonical_json(raw) == value
    assert raw == rfc8785.dumps(value)


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (1.0, None),
        (None, None),
        ({"a": [0, 0.5]}, "a[1]"),
        ({"a": {"b": None}}, "a.b"),
        ({"a": (1, 2)}, "a"),
        ({"a": b"x"}, "a"),
        ({"a": dt.date(2026, 1, 1)}, "a"),
        ({"a": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)}, "a"),
        ([2**53], "[0]"),
        ([-(2**53)], "[0]"),
        ([2**64], "[0]"),
        (["\ud800"], "[0]"),
        ([["x\0"]], "[0][0]"),
        ({"中": 1}, None),
        ({"a": {"\x1f": 1}}, "a"),
        ({"a": {"\x7f": 1}}, "a"),
        ({"a": {"\ud800": 1}}, "a"),
        ({"a": {1: 1}}, "a"),
        ({"a": {None: 1}}, "a"),
        ([float("nan")], "[0]"),
    ],
)
def test_values_outside_the_profile_are_not_written(value, field):
    with pytest.raises(MalformedDocumentError) as caught:
        encode_canonical_json(value)
    assert caught.value.field == field


def test_the_limits_themselves_are_inside():
    for value in (LARGEST, -LARGEST, 0, "", {}, [], {"": 1}, {"\x20\x7e": "\x7f"}, "\U0010ffff"):
        assert parse_canonical_json(encode_canonical_json(value)) == value


def test_names_of_enumerations_are_text():
    class Colour(enum.StrEnum):
        RED = "red"

    assert encode_canonical_json({"a": Colour.RED}) == b'{"a":"red"}'


def test_a_value_that_holds_itself_is_refused():
    value = []
    value.append(value)
    with pytest.raises(MalformedDocumentError, match="deeper"):
        encode_canonical_json(value)


# --- the spelling -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        b' {"a":1}',
        b'{"a":1} ',
        b'{"a":1}\n',
        b'{"a": 1}',
        b'{"b":1,"a":1}',
        b'["\\u0041"]',
        b'["\\/"]',
        b'["\\u001F"]',
        b'["\\u4e2d"]',
        b'["\\ud83d\\ude00"]',
        b'["\\u0009"]',
        b"[1 ]",
        b'{"a":{"b":1, "c":2}}',
    ],
)
def test_another_spelling_is_refused_as_such(raw):
    parse_json(raw)
    with pytest.raises(NonCanonicalEncodingError):
        parse_canonical_json(raw)


def test_the_place_of_another_spelling_is_named():
    with pytest.raises(NonCanonicalEncodingError, match=r"at byte 2$"):
        parse_canonical_json(b'{"b":1,"a":1}')


# --- what people get wrong --------------------------------------------------------------------------------

FAULTS = [
    (b'{"a":{"b":1.5}}', "a.b", "1.5"),
    (b'{"a":1.0}', "a", "1.0"),
    (b'{"a":1e999}', "a", "1e999"),
    (b'{"a":1E2}', "a", "1E2"),
    (b'{"a":-0}', "a", "minus"),
    (b'{"a":-0.0}', "a", "-0.0"),
    (b'{"a":NaN}', "a", "NaN"),
    (b'{"a":[Infinity]}', "a[0]", "Infinity"),
    (b'{"a":-Infinity}', "a", "-Infinity"),
    (b'{"a":null}', "a", "null"),
    (b'[{"a":1},{"a":null}]', "[1].a", "null"),
    (b'{"a":9007199254740992}', "a", "2**53"),
    (b'{"a":-9007199254740992}', "a", "2**53"),
    (b'{"a":18446744073709551616}', "a", "20 digits"),
    (b'{"a":' + b"9" * 5000 + b"}", "a", "5000 digits"),
    (b'{"a":{"b":1,"b":1}}', "a.b", "twice"),
    (b'{"a":1,"a":2}', "a", "twice"),
    (b'{"a":1,"\\u0061":2}', "a", "twice"),
    (b'{"a":"\\ud800"}', "a", "surrogate"),
    (b'{"a":"\\udc00\\ud800"}', "a", "surrogate"),
    (b'{"a":"\\u0000"}', "a", "U+0000"),
    ('{"a":{"é":1}}'.encode(), "a", "ASCII"),
    (b'{"a":{"\\u00e9":1}}', "a", "ASCII"),
    (b'{"a":{"\\n":1}}', "a", "ASCII"),
    (b'{"a":{"\\ud800":1}}', "a", "ASCII"),
]


@pytest.mark.parametrize(("raw", "field", "words"), FAULTS)
@pytest.mark.parametrize("parse", [parse_json, parse_canonical_json])
def test_faults_name_the_member(parse, raw, field, words):
    with pytest.raises(MalformedDocumentError) as caught:
        parse(raw)
    assert caught.value.field == field
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "line 1 column 1"),
        (b"   ", "not JSON"),
        (b"{", "not JSON"),
        (b'{"a":1', "line 1 column 7"),
        (b'{"a":1,}', "not JSON"),
        (b"[1,]", "not JSON"),
        (b'{"a":1}{}', "line 1 column 8"),
        (b'{"a":1}\n\nx', "line 3 column 1"),
        (b"{'a':1}", "not JSON"),
        (b"{a:1}", "not JSON"),
        (b"01", "not JSON"),
        (b"+1", "not JSON"),
        (b".5", "not JSON"),
        (b"0x1", "not JSON"),
        (b"nul", "not JSON"),
        (b'"\t"', "not JSON"),
        (b'"a\nb"', "not JSON"),
        (b'"\\x41"', "not JSON"),
        (b'"\\u12"', "not JSON"),
        (b'"abc', "not JSON"),
        (b"// x\n1", "not JSON"),
        (b"]" * 50 + b"[" * 50, "not JSON"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b"\xff\xfe{\x00}\x00", "not UTF-8"),
        (b'"\xc0\x80"', "not UTF-8: byte 1"),
        (b'"\xed\xa0\x80"', "not UTF-8"),
        (b'"\xf4\x90\x80\x80"', "not UTF-8"),
        (b"\x00", "not JSON"),
        (nest(33), "32 levels"),
        (nest(33, left=b'{"a":', right=b"}"), "32 levels"),
        (nest(100_000), "32 levels"),
        (b"[" * 100_000, "32 levels"),
        (b'{"":' * 100_000, "32 levels"),
        (b'["' + b"[" * 40 + b'",' + nest(33) + b"]", "32 levels"),
    ],
)
@pytest.mark.parametrize("parse", [parse_json, parse_canonical_json])
def test_what_is_no_document(parse, raw, words):
    with pytest.raises(MalformedDocumentError) as caught:
        parse(raw)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("parse", [parse_json, parse_canonical_json])
def test_the_deepest_nesting_and_brackets_in_text_are_read(parse):
    assert parse(nest(32)) == json.loads(nest(32))
    assert parse(nest(31, b"{}")) == json.loads(nest(31, b"{}"))
    assert parse(nest(32, left=b'{"a":', right=b"}"))
    brackets = b'["' + b"[{" * 500 + b'\\"[","]"]'
    assert parse(brackets) == json.loads(brackets)


@pytest.mark.parametrize("parse", [parse_json, parse_canonical_json])
def test_the_size_is_limited(parse):
    raw = b'"' + b"a" * 98 + b'"'
    assert parse(raw, max_bytes=100)
    with pytest.raises(MalformedDocumentError, match="100 bytes are more than the 99"):
        parse(raw, max_bytes=99)
    with pytest.raises(MalformedDocumentError, match="allowed"):
        parse(b" " * (1 << 20) + b"1")


def test_line_and_column_are_those_of_the_value():
    raw = b'{\n  "list": [\n    1, {"x": "a\\"]", "y": [true, {"z": 2.5}]}\n  ],\n  "end": "n\xc3\xa4"\n}'
    with pytest.raises(MalformedDocumentError) as caught:
        parse_json(raw)
    assert caught.value.field == "list[1].y[1].z"
    assert caught.value.reason.endswith("(line 3 column 40)")
    assert raw.split(b"\n")[2][39:42] == b"2.5"


def test_the_second_of_two_equal_names_is_shown():
    with pytest.raises(MalformedDocumentError, match=r"a\.b: .*twice.* \(line 2 column 21\)"):
        parse_json(b'{"a":\n {"b": [1, 2], "b": {"c": 1}}}')


def test_long_names_do_not_flood_the_sentence():
    name = b"n" * 100_000
    for raw in (
        b'{"' + name + b'":null}',
        b'{"a":{"' + name + b'":{"b":1.5}}}',
        b'{"' + name + b'\xc3\xa9":1}',
    ):
        with pytest.raises(MalformedDocumentError) as caught:
            parse_json(raw)
        assert len(str(caught.value)) < 600


@given(
    st.binary(max_size=60)
    | st.text('[]{},:"\\ntfau0189.eE-+ \x00\ud800é', max_size=40).map(
        lambda t: t.encode("utf-8", "surrogatepass")
    )
)
@example(b'"\\ud83d\\ude00"')
def test_any_bytes_are_read_or_refused_as_input(raw):
    for parse in (parse_json, parse_canonical_json):
        try:
            value = parse(raw)
        except InputError:
            continue
        assert parse_canonical_json(encode_canonical_json(value)) == value


@given(
    st.binary(max_size=60)
    | ANYTHING.map(lambda value: repr(value).replace("'", '"').encode("utf-8", "replace"))
)
def test_canonical_bytes_are_written_back_unchanged(raw):
    try:
        value = parse_canonical_json(raw)
    except InputError:
        return
    assert encode_canonical_json(value) == raw
    assert orjson.loads(raw) == value


@given(DOCUMENTS, st.data())
def test_one_changed_bit_never_gives_the_same_document(value, data):
    raw = bytearray(encode_canonical_json(value))
    assume(raw)
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        again = parse_canonical_json(bytes(raw))
    except InputError:
        return
    assert encode_canonical_json(again) != encode_canonical_json(value)


@given(DOCUMENTS)
def test_what_was_written_here_is_read_again_as_it_was(value):
    raw = encode_canonical_json(value)
    assert reread_canonical_json(raw) == parse_canonical_json(raw)


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b'{"a":1}x', b"NaN"])
def test_bytes_that_are_no_json_are_not_read_again(raw):
    with pytest.raises(MalformedDocumentError, match="not JSON"):
        reread_canonical_json(raw)


def test_as_object():
    assert as_object({"a": 1}) == {"a": 1}
    for value in ([], "", 1, True):
        with pytest.raises(MalformedDocumentError, match="x: an object"):
            as_object(value, "x")
