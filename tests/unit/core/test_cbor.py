"""One encoding for each value, compared with a general library; every other encoding is refused."""

import cbor2
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ledger.core.cbor import encode_byte_string, encode_cbor, encode_head, parse_cbor
from ledger.core.errors import InputError, MalformedDocumentError, NonCanonicalEncodingError

INTEGERS = st.integers(-(2**64), 2**64 - 1) | st.integers(-300, 70_000)
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
VALUES = st.recursive(
    INTEGERS | st.booleans() | st.binary(max_size=300) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.integers(0, 2**64 - 1), inner, max_size=5),
    max_leaves=20,
)


def depth(value):
    inner = value if isinstance(value, list) else value.values() if isinstance(value, dict) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


@given(VALUES)
def test_our_encoding_is_the_deterministic_one_and_comes_back(value):
    assume(depth(value) <= 8)
    raw = encode_cbor(value)
    assert raw == cbor2.dumps(value, canonical=True)
    again = parse_cbor(raw)
    assert again == value
    assert cbor2.loads(raw) == again
    assert encode_cbor(again) == raw


# RFC 8949 Appendix A, as far as it lies in the profile.
@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (0, "00"),
        (23, "17"),
        (24, "1818"),
        (255, "18ff"),
        (256, "190100"),
        (1000, "1903e8"),
        (65535, "19ffff"),
        (65536, "1a00010000"),
        (1000000, "1a000f4240"),
        (2**32 - 1, "1affffffff"),
        (2**32, "1b0000000100000000"),
        (1000000000000, "1b000000e8d4a51000"),
        (18446744073709551615, "1bffffffffffffffff"),
        (-18446744073709551616, "3bffffffffffffffff"),
        (-1, "20"),
        (-10, "29"),
        (-100, "3863"),
        (-1000, "3903e7"),
        (False, "f4"),
        (True, "f5"),
        (b"", "40"),
        (b"\x01\x02\x03\x04", "4401020304"),
        ("", "60"),
        ("IETF", "6449455446"),
        ('"\\', "62225c"),
        ("ü", "62c3bc"),
        ("水", "63e6b0b4"),
        ("𐅑", "64f0908591"),
        ([], "80"),
        ([1, [2, 3], [4, 5]], "8301820203820405"),
        (list(range(1, 26)), "98190102030405060708090a0b0c0d0e0f101112131415161718181819"),
        ({}, "a0"),
        ({1: 2, 3: 4}, "a201020304"),
    ],
)
def test_the_examples_of_rfc_8949(value, encoded):
    assert encode_cbor(value).hex() == encoded
    assert parse_cbor(bytes.fromhex(encoded)) == value
    assert type(parse_cbor(bytes.fromhex(encoded))) is type(value)


@pytest.mark.parametrize(
    "encoded",
    [
        "1800",
        "1817",
        "190018",
        "1900ff",
        "1a0000ffff",
        "1b00000000ffffffff",
        "3800",
        "5800",
        "580161",
        "59000161",
        "7800",
        "9800",
        "980101",
        "b800",
        "a2030401 02",
        "a201020102",
        "a1180101",
        "a2181800180a00",
        "0000",
        "00ff",
        "a000",
        "8000",
    ],
)
def test_other_encodings_are_refused_as_such(encoded):
    with pytest.raises(NonCanonicalEncodingError):
        parse_cbor(bytes.fromhex(encoded))


@pytest.mark.parametrize(
    "encoded",
    [
        "",
        "18",
        "19ff",
        "1bffffffffffffff",
        "41",
        "5affffffff",
        "5bffffffffffffffff",
        "61",
        "81",
        "8201",
        "9bffffffffffffffff",
        "9b000000ffffffffff",
        "9a7fffffff",
        "a1",
        "a101",
        "bbffffffffffffffff",
        "bb7fffffffffffffff",
        "a12001",
        "a1410001",
        "a1610001",
        "a1f501",
        "a1800001",
        "a1c10001",
        "1c",
        "1f",
        "3f",
        "5f4101ff",
        "7f6161ff",
        "9f01ff",
        "bf0101ff",
        "df00",
        "ff",
        "f6",
        "f7",
        "e0",
        "f0",
        "f3",
        "f8ff",
        "f820",
        "f814",
        "f815",
        "f90000",
        "f97e00",
        "fa00000000",
        "fb3ff199999999999a",
        "fc",
        "c000",
        "c11a514b67b0",
        "c249010000000000000000",
        "c5821a00ffffff01",
        "d81c80",
        "d823612e",
        "d9d9f700",
        "61ff",
        "62c328",
        "63eda080",
        "64f4908080",
    ],
)
def test_what_lies_outside_the_profile_is_refused(encoded):
    with pytest.raises(MalformedDocumentError):
        parse_cbor(bytes.fromhex(encoded))


@pytest.mark.parametrize("container", [b"\x81", b"\xa1\x01"])
def test_eight_levels_are_the_limit(container):
    value = parse_cbor(container * 8 + b"\x01")
    assert depth(value) == 8
    assert encode_cbor(value) == container * 8 + b"\x01"
    for raw in (container * 9 + b"\x01", container * 30_000):
        with pytest.raises(MalformedDocumentError, match="8 levels"):
            parse_cbor(raw)
    with pytest.raises(MalformedDocumentError, match="8 levels"):
        encode_cbor([value])


@pytest.mark.parametrize(
    "value",
    [
        None,
        1.0,
        float("nan"),
        2**64,
        -(2**64) - 1,
        (1, 2),
        {1, 2},
        bytearray(b"x"),
        {"a": 1},
        {-1: 1},
        {True: 1},
        {2**64: 1},
        {1: None},
        [[1.5]],
        "\ud800",
        cbor2.undefined,
        object(),
    ],
)
def test_other_values_are_not_written(value):
    with pytest.raises(MalformedDocumentError):
        encode_cbor(value)


def test_the_size_is_limited():
    raw = encode_cbor(b"x" * 97)
    assert parse_cbor(raw, max_bytes=99) == b"x" * 97
    with pytest.raises(MalformedDocumentError, match="99 bytes"):
        parse_cbor(raw, max_bytes=98)


def test_the_place_is_named():
    with pytest.raises(MalformedDocumentError, match="a tag at byte 4"):
        parse_cbor(bytes.fromhex("a1018205c001"))
    with pytest.raises(NonCanonicalEncodingError, match="byte 3 is twice there or out of order"):
        parse_cbor(bytes.fromhex("a201020102"))


@given(st.integers(0, 7), st.integers(0, 2**64 - 1))
def test_a_head_is_the_shortest(major, argument):
    head = encode_head(major, argument)
    assert len(head) == 1 + (0 if argument < 24 else next(n for n in (1, 2, 4, 8) if argument < 1 << 8 * n))
    assert head[0] >> 5 == major


@given(st.binary(max_size=400))
def test_a_byte_string(raw):
    assert encode_byte_string(raw) == cbor2.dumps(raw)


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused_as_input(raw):
    try:
        value = parse_cbor(raw)
    except InputError:
        return
    assert encode_cbor(value) == raw
    assert cbor2.loads(raw) == value


@given(VALUES, st.data())
def test_one_changed_bit_never_gives_the_same_value(value, data):
    assume(depth(value) <= 8)
    raw = bytearray(encode_cbor(value))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        again = parse_cbor(bytes(raw))
    except InputError:
        return
    assert encode_cbor(again) == bytes(raw)


@given(VALUES, st.integers(1, 400))
def test_no_beginning_of_an_item_is_an_item(value, count):
    assume(depth(value) <= 8)
    raw = encode_cbor(value)
    with pytest.raises(InputError):
        parse_cbor(raw[: -min(count, len(raw))])
