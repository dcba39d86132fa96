"""Deterministic CBOR, the small part of it that our formats use.

Integers of 64 bits, byte strings, text, booleans, arrays, and maps whose keys are non-negative integers in
rising order. No floats, tags, null, undefined, indefinite lengths; nothing after the item. Each value has one
encoding (RFC 8949 §4.2.1), and this reader accepts no other, so `encode_cbor(parse_cbor(raw)) == raw`.

It is written out here because a general decoder gives meaning to tags (huge powers, regular expressions)
before anybody can refuse them, and ignores trailing bytes. Tests compare it with such a decoder.

>>> encode_cbor({1: b"ab", 0: [True, -1]}).hex()
'a20082f52001426162'
"""

from typing import TypeAlias

from ledger.core.errors import MalformedDocumentError, NonCanonicalEncodingError

CborValue: TypeAlias = "int | bytes | str | bool | list[CborValue] | dict[int, CborValue]"
"""A value of this profile."""

MAX_BYTES = 1 << 16
"""Largest item read unless the caller says otherwise: 64 KiB."""

MAX_LEVELS = 8
"""Deepest nesting of arrays and maps; an outermost map is level 1."""

_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _TAG, _SIMPLE = range(8)
_SMALLEST = {24: 24, 25: 1 << 8, 26: 1 << 16, 27: 1 << 32}
"""The least number that needs a head of this kind; a smaller one has a shorter head."""
_SHORT_HEADS = [bytes((first,)) for first in range(256)]
"""Every head of one byte, at its own value."""


def encode_cbor(value: CborValue) -> bytes:
    """Return the one encoding of a value of this profile.

    Raises:
        MalformedDocumentError: a kind, key, size or depth that the profile does not have.
    """
    return _encode(value, 1)


def parse_cbor(raw: bytes, *, max_bytes: int = MAX_BYTES) -> CborValue:
    """Read exactly one item.

    Raises:
        MalformedDocumentError: cut off, too large, too deep, or of a kind outside the profile.
        NonCanonicalEncodingError: another encoding of the value is the deterministic one, or bytes follow.
    """
    if len(raw) > max_bytes:
        message = f"{len(raw)} bytes of CBOR are more than the {max_bytes} allowed here"
        raise MalformedDocumentError(message)
    value, end = _parse(raw, 0, 1)
    if end != len(raw):
        message = f"{len(raw) - end} bytes follow the CBOR item"
        raise NonCanonicalEncodingError(message)
    return value


# --- writing ----------------------------------------------------------------------------------------------


def encode_head(major: int, argument: int) -> bytes:
    """Return the shortest head of an item (RFC 8949 §3).

    Args:
        major: major type, 0 to 7.
        argument: value or length, 0 <= argument < 2**64.
    """
    major <<= 5
    if argument < 24:
        return _SHORT_HEADS[major | argument]
    if argument < 1 << 8:
        return bytes((major | 24, argument))
    if argument < 1 << 16:
        return bytes((major | 25,)) + argument.to_bytes(2, "big")
    if argument < 1 << 32:
        return bytes((major | 26,)) + argument.to_bytes(4, "big")
    return bytes((major | 27,)) + argument.to_bytes(8, "big")


def encode_byte_string(value: bytes) -> bytes:
    """Return head and content of a byte string."""
    return encode_head(_BYTES, len(value)) + value


def _encode(value: CborValue, level: int) -> bytes:
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return _encode_integer(value)
    if isinstance(value, bytes):
        return encode_byte_string(value)
    if isinstance(value, str):
        return _encode_text(value)
    if isinstance(value, (list, dict)):
        _check_level(level, "the value")
        return _encode_array(value, level) if isinstance(value, list) else _encode_map(value, level)
    message = f"a value of the kind {type(value).__name__} has no place in this CBOR"
    raise MalformedDocumentError(message)


def _encode_integer(value: int) -> bytes:
    if not -(1 << 64) <= value < 1 << 64:
        message = "an integer of more than 64 bits"
        raise MalformedDocumentError(message)
    return encode_head(_UNSIGNED, value) if value >= 0 else encode_head(_NEGATIVE, -1 - value)


def _encode_text(value: str) -> bytes:
    try:
        raw = value.encode()
    except UnicodeEncodeError as err:
        message = "text with half of a surrogate pair"
        raise MalformedDocumentError(message) from err
    return encode_head(_TEXT, len(raw)) + raw


def _encode_array(values: list[CborValue], level: int) -> bytes:
    return encode_head(_ARRAY, len(values)) + b"".join([_encode(item, level + 1) for item in values])


def _encode_map(members: dict[int, CborValue], level: int) -> bytes:
    for key in members:
        if type(key) is not int or not 0 <= key < 1 << 64:
            message = "a map key that is not a non-negative integer of 64 bits"
            raise MalformedDocumentError(message)
    parts = [encode_head(_MAP, len(members))]
    for key in sorted(members):
        parts.append(encode_head(_UNSIGNED, key))
        parts.append(_encode(members[key], level + 1))
    return b"".join(parts)


# --- reading ----------------------------------------------------------------------------------------------


def _parse_head(raw: bytes, at: int) -> tuple[int, int, int]:
    """Return major type, argument and the offset behind the head that starts at `at`."""
    try:
        first = raw[at]
    except IndexError as err:
        message = f"the CBOR is cut off at byte {at}"
        raise MalformedDocumentError(message) from err
    major, short = first >> 5, first & 31
    at += 1
    if short < 24:
        return major, short, at
    if short > 27:
        message = f"a reserved or indefinite length at byte {at - 1}"
        raise MalformedDocumentError(message)
    end = at + (1 << short - 24)
    if end > len(raw):
        message = f"the CBOR is cut off at byte {len(raw)}"
        raise MalformedDocumentError(message)
    argument = int.from_bytes(raw[at:end], "big")
    if argument < _SMALLEST[short] and major != _SIMPLE:
        message = f"a number that has a shorter form at byte {at - 1}"
        raise NonCanonicalEncodingError(message)
    return major, argument, end


def _parse(raw: bytes, start: int, level: int) -> tuple[CborValue, int]:
    """Return one value and the offset behind it."""
    major, argument, at = _parse_head(raw, start)
    if major == _UNSIGNED:
        return argument, at
    if major == _NEGATIVE:
        return -1 - argument, at
    if major in {_BYTES, _TEXT}:
        end = at + argument
        if end > len(raw):
            message = f"a string of {argument} bytes is cut off at byte {len(raw)}"
            raise MalformedDocumentError(message)
        return (raw[at:end] if major == _BYTES else _parse_text(raw, at, end)), end
    if major in {_ARRAY, _MAP}:
        _check_level(level, f"byte {start}")
        return (
            _parse_array(raw, at, argument, level)
            if major == _ARRAY
            else _parse_map(raw, at, argument, level)
        )
    if raw[start] in {0xF4, 0xF5}:
        return raw[start] == 0xF5, at
    kind = "a tag" if major == _TAG else "a float, null or another simple value"
    message = f"{kind} at byte {start} has no place in this CBOR"
    raise MalformedDocumentError(message)


def _parse_text(raw: bytes, at: int, end: int) -> str:
    try:
        return raw[at:end].decode("utf-8")
    except UnicodeDecodeError as err:
        message = f"text at byte {at} is not UTF-8"
        raise MalformedDocumentError(message) from err


def _parse_array(raw: bytes, at: int, count: int, level: int) -> tuple[list[CborValue], int]:
    _check_count(raw, at, count)
    values: list[CborValue] = []
    for _ in range(count):
        value, at = _parse(raw, at, level + 1)
        values.append(value)
    return values, at


def _parse_map(raw: bytes, at: int, count: int, level: int) -> tuple[dict[int, CborValue], int]:
    _check_count(raw, at, 2 * count)
    members: dict[int, CborValue] = {}
    last = -1
    for _ in range(count):
        major, key, behind = _parse_head(raw, at)
        if major != _UNSIGNED:
            message = f"the map key at byte {at} is not a non-negative integer"
            raise MalformedDocumentError(message)
        if key <= last:
            message = f"the map key {key} at byte {at} is twice there or out of order"
            raise NonCanonicalEncodingError(message)
        last = key
        members[key], at = _parse(raw, behind, level + 1)
    return members, at


def _check_count(raw: bytes, at: int, count: int) -> None:
    """Refuse a length that the remaining bytes cannot hold, before any work is done."""
    if count > len(raw) - at:
        message = f"{count} items are announced at byte {at}, but {len(raw) - at} bytes remain"
        raise MalformedDocumentError(message)


def _check_level(level: int, where: str) -> None:
    if level > MAX_LEVELS:
        message = f"{where} is nested deeper than {MAX_LEVELS} levels"
        raise MalformedDocumentError(message)
