"""Each spelling is read back to what was written; every other spelling is refused."""

import base64
import contextlib
import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.encoding import (
    encode_base58,
    encode_base64,
    encode_date,
    encode_decimal,
    encode_hex,
    encode_instant,
    parse_base58,
    parse_base64,
    parse_date,
    parse_decimal,
    parse_hex,
    parse_instant,
)
from ledger.core.errors import InputError, MalformedDocumentError, NonCanonicalEncodingError

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def slow_base58(raw):
    number, digits = int.from_bytes(raw, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        digits = ALPHABET[digit] + digits
    return "1" * (len(raw) - len(raw.lstrip(b"\0"))) + digits


# Test vectors of draft-msporny-base58-03 §5.
@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"Hello World!", "2NEpo7TZRRrLZSi2U"),
        (
            b"The quick brown fox jumps over the lazy dog.",
            "USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z",
        ),
        (bytes.fromhex("0000287fb4cd"), "11233QC4"),
        (b"", ""),
        (b"\0", "1"),
    ],
)
def test_base58_of_the_draft(raw, text):
    assert encode_base58(raw) == text
    assert parse_base58(text) == raw


@given(st.binary(max_size=128))
def test_base58_equals_the_textbook_and_comes_back(raw):
    text = encode_base58(raw)
    assert text == slow_base58(raw)
    assert parse_base58(text) == raw


@given(st.text(alphabet=ALPHABET, max_size=170))
def test_base58_text_has_one_value_or_is_too_long(text):
    try:
        assert encode_base58(parse_base58(text)) == text
    except MalformedDocumentError:
        assert len(text) >= 128


@pytest.mark.parametrize(
    "text", ["0", "O", "I", "l", " 2", "2\n", "z!", "é", "2\u0661", "\ud800", "2" * 200, "1" * 129]
)
def test_base58_refuses(text):
    with pytest.raises(MalformedDocumentError):
        parse_base58(text)


def test_base58_keeps_to_the_given_size():
    assert parse_base58(encode_base58(b"\xff" * 64), max_bytes=64) == b"\xff" * 64
    assert parse_base58("1" * 64, max_bytes=64) == bytes(64)
    for raw in (b"\x01" + bytes(64), bytes(65), b"\xff" * 65):
        with pytest.raises(MalformedDocumentError):
            parse_base58(encode_base58(raw), max_bytes=64)


@given(st.binary(max_size=100))
def test_hex_and_base64_come_back(raw):
    assert parse_hex(encode_hex(raw), size=len(raw)) == raw
    assert parse_base64(encode_base64(raw), size=len(raw)) == raw
    assert encode_base64(raw) == base64.b64encode(raw).decode()


@pytest.mark.parametrize("text", ["0", "0g", "zz", "٠٠", "0x00", "\ud800a", "0\n"])
def test_hex_refuses_what_is_none(text):
    with pytest.raises(MalformedDocumentError):
        parse_hex(text)


@pytest.mark.parametrize("text", ["AB", "aB", "ab cd", " ab", "ab\n"])
def test_hex_refuses_other_spellings(text):
    with pytest.raises(NonCanonicalEncodingError):
        parse_hex(text)


@pytest.mark.parametrize("text", ["", "00", "000000"])
def test_hex_refuses_other_sizes(text):
    with pytest.raises(MalformedDocumentError):
        parse_hex(text, size=2)


@pytest.mark.parametrize(
    "text",
    [
        "A",
        "AA",
        "AA=",
        "AA==AA==",
        "A A=",
        "AA==\n",
        "\nAA==",
        "_-8=",
        "AA--",
        "é===",
        "=",
        "====",
        "\ud800AAA",
    ],
)
def test_base64_refuses_what_is_none(text):
    with pytest.raises(MalformedDocumentError):
        parse_base64(text)


@pytest.mark.parametrize("text", ["AB==", "AAB=", "//9="])
def test_base64_refuses_trailing_bits(text):
    with pytest.raises(NonCanonicalEncodingError):
        parse_base64(text)


def test_base64_refuses_padding_that_nothing_needs():
    with pytest.raises(InputError):
        parse_base64("AAAA=")


def test_base64_refuses_other_sizes():
    with pytest.raises(MalformedDocumentError):
        parse_base64("AA==", size=2)


@given(st.dates())
def test_dates_come_back(value):
    assert parse_date(encode_date(value)) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-02-29",
        "2026-2-01",
        "20260201",
        "2026-W01-1",
        "2026-02-01T00:00:00",
        " 2026-02-01",
        "2026-02-01\n",
        "2026/02/01",
        "0000-01-01",
        "２０２６-02-01",
        "2026-00-01",
        "10000-01-01",
        "-2026-01-01",
        "\ud800",
    ],
)
def test_dates_refused(text):
    with pytest.raises(MalformedDocumentError):
        parse_date(text)


@given(st.datetimes(timezones=st.just(dt.UTC)))
def test_instants_come_back(value):
    value = value.replace(microsecond=value.microsecond // 1000 * 1000)
    assert parse_instant(encode_instant(value)) == value


def test_instants_are_written_in_utc():
    east = dt.timezone(dt.timedelta(hours=8))
    assert encode_instant(dt.datetime(2026, 3, 1, 8, tzinfo=east)) == "2026-03-01T00:00:00Z"
    assert encode_instant(dt.datetime(2026, 3, 1, 8, 0, 0, 5000, tzinfo=dt.UTC)) == "2026-03-01T08:00:00.005Z"
    assert parse_instant("2026-03-01T08:00:00Z").tzinfo is dt.UTC
    assert encode_instant(dt.datetime(1, 1, 1, tzinfo=dt.UTC)) == "0001-01-01T00:00:00Z"


@pytest.mark.parametrize(
    "value",
    [
        dt.datetime(2026, 3, 1),  # noqa: DTZ001 - a naive time is the case
        dt.datetime(2026, 3, 1, 0, 0, 0, 1, tzinfo=dt.UTC),
        dt.datetime(1, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=8))),
    ],
)
def test_instants_not_written(value):
    with pytest.raises(MalformedDocumentError):
        encode_instant(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-03-01T08:00:00",
        "2026-03-01T08:00:00+00:00",
        "2026-03-01T08:00:00.000Z",
        "2026-03-01T08:00:00.1Z",
        "2026-03-01T08:00:00.123456Z",
        "2026-03-01T08:00:00,123Z",
        "2026-03-01T24:00:00Z",
        "2026-03-01T23:59:60Z",
        "2026-02-29T00:00:00Z",
        "2026-03-01t08:00:00z",
        "2026-03-01 08:00:00Z",
        "2026-03-01T08:00Z",
        "2026-03-01T08:00:00Z\n",
        "٢٠٢٦-03-01T08:00:00Z",
        "0000-01-01T00:00:00Z",
        "\ud800",
    ],
)
def test_instants_refused(text):
    with pytest.raises(MalformedDocumentError):
        parse_instant(text)


@given(
    st.from_regex(
        r"20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]00)?Z", fullmatch=True
    )
)
def test_an_instant_that_is_read_is_written_in_the_same_way(text):
    with contextlib.suppress(MalformedDocumentError):
        assert encode_instant(parse_instant(text)) == text


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**20), max_value=10**20))
def test_decimals_come_back_with_their_zeros(value):
    value = value or abs(value)
    again = parse_decimal(encode_decimal(value))
    assert (again, again.as_tuple()) == (value, value.as_tuple())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "+1",
        "01",
        "-01",
        "00",
        ".5",
        "5.",
        "1e3",
        "1E-3",
        "1,5",
        " 1",
        "1 ",
        "1\n",
        "NaN",
        "Infinity",
        "-0",
        "-0.00",
        "٣",
        "１",
        "1_000",
        "0x1",
        "1" * 31,
        "0." + "1" * 30,
        "\ud800",
        "1.2.3",
        "--1",
    ],
)
def test_decimals_refused(text):
    with pytest.raises(MalformedDocumentError):
        parse_decimal(text)


@pytest.mark.parametrize(
    "text", ["0", "0.0", "0.00", "-0.01", "1" * 30, "-0." + "1" * 29, "-" + "9" * 30, "10"]
)
def test_decimals_read(text):
    assert encode_decimal(parse_decimal(text)) == text


@pytest.mark.parametrize(
    "text", ["NaN", "sNaN", "Infinity", "-Infinity", "1e31", "1e-31", "1e999999", "-0", "-0.0", "1e29999"]
)
def test_decimals_not_written(text):
    with pytest.raises(MalformedDocumentError):
        encode_decimal(Decimal(text))


def test_an_exponent_is_written_out():
    assert encode_decimal(Decimal("1E+3")) == "1000"
    assert encode_decimal(Decimal("1E-3")) == "0.001"


@given(st.text())
def test_any_text_is_read_or_refused_as_input(text):
    for parse in (parse_hex, parse_base64, parse_base58, parse_date, parse_instant, parse_decimal):
        with contextlib.suppress(InputError):
            parse(text)


@pytest.mark.parametrize(
    "parse", [parse_hex, parse_base64, parse_base58, parse_date, parse_instant, parse_decimal]
)
def test_an_error_does_not_repeat_a_long_input(parse):
    with pytest.raises(InputError) as caught:
        parse("!" * 100_000)
    assert len(str(caught.value)) < 200
