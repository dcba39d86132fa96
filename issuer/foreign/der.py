r"""DER, as much of it as a time stamp needs: values one after the other, definite lengths, nothing left over.

>>> list_values(bytes.fromhex("020105"))
[DerValue(tag=2, content=b'\x05', raw=b'\x02\x01\x05')]
"""

from dataclasses import dataclass
from typing import Final

from ledger.core.errors import MalformedDocumentError

INTEGER: Final = 0x02
OCTETS: Final = 0x04
OBJECT_ID: Final = 0x06
TIME: Final = 0x18
SEQUENCE: Final = 0x30
SET: Final = 0x31
CONTEXT_0: Final = 0xA0
_MAX_VALUES: Final = 256
_MAX_LENGTH_BYTES: Final = 3


@dataclass(frozen=True, slots=True)
class DerValue:
    """One value: identifier octet, content octets, and all of its octets."""

    tag: int
    content: bytes
    raw: bytes


def list_values(data: bytes) -> list[DerValue]:
    """Return the values that these bytes are made of.

    Raises:
        MalformedDocumentError: not values in DER, or more than 256.
    """
    found, at = [], 0
    while at < len(data):
        value = _read_value(data, at)
        found.append(value)
        at += len(value.raw)
        if len(found) > _MAX_VALUES:
            raise MalformedDocumentError(f"more than {_MAX_VALUES} values", field="DER")
    return found


def take(values: list[DerValue], tag: int) -> DerValue:
    """Take the first value off a list; it must have this tag.

    Raises:
        MalformedDocumentError: there is none, or another one.
    """
    if not values or values[0].tag != tag:
        raise MalformedDocumentError(f"expected a value with tag {tag:#04x}", field="DER")
    return values.pop(0)


def open_value(raw: bytes, tag: int) -> list[DerValue]:
    """Return what is inside the only value of these bytes.

    Raises:
        MalformedDocumentError: another value, or more than one.
    """
    values = list_values(raw)
    value = take(values, tag)
    if values:
        raise MalformedDocumentError("bytes are left over", field="DER")
    return list_values(value.content)


def _read_value(data: bytes, at: int) -> DerValue:
    header = data[at : at + 2]
    if len(header) < 2 or header[0] & 0x1F == 0x1F:
        raise MalformedDocumentError("a value is cut off, or its tag is too long", field="DER")
    length, begin = header[1], at + 2
    if length & 0x80:
        count = length & 0x7F
        if not 1 <= count <= _MAX_LENGTH_BYTES:
            raise MalformedDocumentError("a length that is not DER, or too large", field="DER")
        length, begin = int.from_bytes(data[begin : begin + count], "big"), begin + count
    end = begin + length
    if end > len(data):
        raise MalformedDocumentError("a value is cut off", field="DER")
    return DerValue(header[0], data[begin:end], data[at:end])
