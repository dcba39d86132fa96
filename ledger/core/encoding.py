"""Strict text spellings of bytes, dates, instants and decimals: one spelling each, nothing else is read.

Every `parse_` function here accepts exactly what its `encode_` twin writes, so that two files which say the
same thing are equal byte for byte. Bytes live inside the program; these forms live at its edge.

>>> encode_base58(bytes.fromhex("0000287fb4cd"))
'11233QC4'
>>> parse_decimal("0.050"), parse_instant("2026-03-01T08:00:00.250Z").microsecond
(Decimal('0.050'), 250000)
"""

import binascii
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from operator import mul

from ledger.core.errors import MalformedDocumentError, NonCanonicalEncodingError

_QUOTED_CHARACTERS = 60


def _quote(text: str) -> str:
    """Return `text` shortened and escaped, so that a sentence can show it safely."""
    shown = text if len(text) <= _QUOTED_CHARACTERS else text[:_QUOTED_CHARACTERS] + "…"
    return ascii(shown)


# --- hexadecimal and base64 -------------------------------------------------------------------------------


def encode_hex(raw: bytes) -> str:
    """Return lower-case hexadecimal digits, two a byte."""
    return raw.hex()


def parse_hex(text: str, *, size: int | None = None) -> bytes:
    """Return the bytes that lower-case hexadecimal digits stand for.

    Args:
        text: an even number of characters 0-9 and a-f.
        size: required number of bytes, if there is one.

    Raises:
        MalformedDocumentError: not hexadecimal, or another number of bytes.
        NonCanonicalEncodingError: upper-case digits or white space.
    """
    if size is not None and len(text) != 2 * size:
        message = f"expected {2 * size} hexadecimal digits, got {len(text)} characters"
        raise MalformedDocumentError(message)
    try:
        raw = bytes.fromhex(text)
    except ValueError as err:
        message = f"{_quote(text)} is not hexadecimal"
        raise MalformedDocumentError(message) from err
    if raw.hex() != text:
        message = "hexadecimal digits are written in lower case and without white space"
        raise NonCanonicalEncodingError(message)
    return raw


def encode_base64(raw: bytes) -> str:
    """Return padded base64 in the standard alphabet, without line breaks (RFC 4648 §4)."""
    return binascii.b2a_base64(raw, newline=False).decode("ascii")


def parse_base64(text: str, *, size: int | None = None) -> bytes:
    """Return the bytes that padded standard base64 stands for (RFC 4648 §4).

    Args:
        text: base64 with padding, zero trailing bits and no line breaks.
        size: required number of bytes, if there is one.

    Raises:
        MalformedDocumentError: not base64, or another number of bytes.
        NonCanonicalEncodingError: another spelling of the same bytes, as with trailing bits set.
    """
    try:
        raw = binascii.a2b_base64(text, strict_mode=True)
    except ValueError as err:
        message = f"{_quote(text)} is not padded standard base64"
        raise MalformedDocumentError(message) from err
    if encode_base64(raw) != text:
        message = "base64 with trailing bits or padding that its bytes do not need"
        raise NonCanonicalEncodingError(message)
    if size is not None and len(raw) != size:
        message = f"expected {size} bytes in base64, got {len(raw)}"
        raise MalformedDocumentError(message)
    return raw


# --- base58 (multibase "z") -------------------------------------------------------------------------------

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE58_PAIRS = [left + right for left in _BASE58 for right in _BASE58]
_BASE58_VALUES = bytes(_BASE58.find(chr(byte)) % 256 for byte in range(256))
"""The value of each character; 255 for those outside the alphabet."""
_CHUNK = 58**10
"""Ten base58 digits fit into one machine word, so that few divisions work on a long integer."""
_MAX_BASE58_BYTES = 128
"""Largest value read: keys and signatures have at most 96 bytes."""
_POWERS = [58**place for place in range(_MAX_BASE58_BYTES * 7 // 5 + 1)]


def encode_base58(raw: bytes) -> str:
    """Return base58 in the Bitcoin alphabet, one leading `1` a leading zero byte.

    Meant for keys and signatures: the cost grows with the square of the size.

    Source: draft-msporny-base58-03 §3, as used by W3C Controlled Identifiers 1.0 §2.4 (multibase `z`).
    """
    number = int.from_bytes(raw, "big")
    pairs: list[str] = []
    while number:
        number, chunk = divmod(number, _CHUNK)
        for _ in range(5):
            chunk, pair = divmod(chunk, 3364)
            pairs.append(_BASE58_PAIRS[pair])
    pairs.reverse()
    zeros = len(raw) - len(raw.lstrip(b"\x00"))
    return "1" * zeros + "".join(pairs).lstrip("1")


def parse_base58(text: str, *, max_bytes: int = _MAX_BASE58_BYTES) -> bytes:
    """Return the bytes that a base58 text stands for.

    Args:
        text: characters of the Bitcoin alphabet; the empty text is the empty byte string.
        max_bytes: largest number of bytes to return, at most 128; longer text is refused at once.

    Raises:
        MalformedDocumentError: a character outside the alphabet, or too long.

    Source: draft-msporny-base58-03 §4. Every text has one value and every value one text.
    """
    if len(text) > min(max_bytes * 7 // 5 + 1, len(_POWERS)):
        message = f"base58 text of {len(text)} characters is longer than {max_bytes} bytes need"
        raise MalformedDocumentError(message)
    digits = text.encode("ascii", "replace").translate(_BASE58_VALUES)
    if 255 in digits:
        message = f"{_quote(text)} holds a character outside base58"
        raise MalformedDocumentError(message)
    number: int = sum(map(mul, reversed(digits), _POWERS))
    zeros = len(text) - len(text.lstrip("1"))
    raw = bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
    if len(raw) > max_bytes:
        message = f"base58 text of {len(raw)} bytes, at most {max_bytes} are allowed"
        raise MalformedDocumentError(message)
    return raw


# --- calendar dates, instants, decimals -------------------------------------------------------------------

_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{3})?Z")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_DECIMAL_DIGITS = 30


def encode_date(value: date) -> str:
    """Return `YYYY-MM-DD`."""
    return value.isoformat()


def parse_date(text: str) -> date:
    """Return the calendar date of `YYYY-MM-DD`.

    Raises:
        MalformedDocumentError: another form, or no such day.
    """
    try:
        value = date.fromisoformat(text)
    except ValueError as err:
        message = f"{_quote(text)} is not a calendar date YYYY-MM-DD"
        raise MalformedDocumentError(message) from err
    if value.isoformat() != text:
        message = f"{_quote(text)} is not a calendar date in the form YYYY-MM-DD"
        raise MalformedDocumentError(message)
    return value


def encode_instant(value: datetime) -> str:
    """Return `YYYY-MM-DDTHH:MM:SSZ`, or with `.mmm` when the milliseconds are not zero.

    Raises:
        MalformedDocumentError: no time zone, finer than a millisecond, or outside the years 1 to 9999.
    """
    if value.tzinfo is None or value.microsecond % 1000:
        message = "an instant needs a time zone and whole milliseconds"
        raise MalformedDocumentError(message)
    try:
        value = value.astimezone(UTC)
    except OverflowError as err:
        message = "an instant before the year 1 or after the year 9999"
        raise MalformedDocumentError(message) from err
    return value.isoformat(timespec="milliseconds" if value.microsecond else "seconds")[:-6] + "Z"


def parse_instant(text: str) -> datetime:
    """Return the UTC instant of `YYYY-MM-DDTHH:MM:SSZ`, or of the same with `.mmm` other than `.000`.

    Raises:
        MalformedDocumentError: another form, or no such time.
    """
    try:
        value = datetime.fromisoformat(text) if _INSTANT.fullmatch(text) else None
    except ValueError as err:
        message = f"{_quote(text)} is not a time that exists"
        raise MalformedDocumentError(message) from err
    if value is None or text.endswith(".000Z") or text[11:13] == "24":  # Python 3.14 reads hour 24
        message = f"{_quote(text)} is not a UTC instant YYYY-MM-DDTHH:MM:SSZ (.mmm only where not .000)"
        raise MalformedDocumentError(message)
    return value


def encode_decimal(value: Decimal) -> str:
    """Return the plain digits of a finite decimal, keeping its trailing zeros.

    Raises:
        MalformedDocumentError: infinite, not a number, negative zero, or more than 30 digits.
    """
    text = format(value, "f") if value.is_finite() and abs(value.adjusted()) < _DECIMAL_DIGITS else "huge"
    parse_decimal(text)
    return text


@lru_cache(maxsize=8192)
def parse_decimal(text: str) -> Decimal:
    """Return the decimal that plain digits stand for; trailing zeros are kept, as they state a resolution.

    Args:
        text: optional `-`, digits without leading zeros, optionally `.` and digits; at most 30 digits.

    Raises:
        MalformedDocumentError: another form (exponent, `+`, `,`, spaces), negative zero, too many digits.
    """
    if not _DECIMAL.fullmatch(text):
        message = f"{_quote(text)} is not a plain decimal number such as 0.05 or -12"
        raise MalformedDocumentError(message)
    if len(text) > _DECIMAL_DIGITS and sum(map(str.isdigit, text)) > _DECIMAL_DIGITS:
        message = f"a decimal number of more than {_DECIMAL_DIGITS} digits"
        raise MalformedDocumentError(message)
    value = Decimal(text)
    if not value and text[0] == "-":
        message = f"{_quote(text)} is zero with a minus sign: write it without"
        raise MalformedDocumentError(message)
    return value
