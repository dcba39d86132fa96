r"""The two spellings of Ethereum's JSON-RPC: quantities and data, strict both ways.

A *quantity* is an integer as `0x` and hexadecimal digits without leading zeros (`0x0`, `0x41`); *data* is
`0x` and an even number of digits. Both are met at the edge only: inside are `int` and `bytes`.

Source: Ethereum execution-apis, "Hex value encoding".

>>> encode_quantity(1024), encode_data(b"\x00\xff")
('0x400', '0x00ff')
>>> parse_quantity("0x400"), parse_data("0x00FF")
(1024, b'\x00\xff')
"""

import re

from ledger.core.errors import MalformedDocumentError

_QUANTITY = re.compile(r"0x(?:0|[1-9a-fA-F][0-9a-fA-F]{0,63})", re.ASCII)
_DATA = re.compile(r"0x(?:[0-9a-fA-F]{2})*", re.ASCII)


def encode_quantity(value: int) -> str:
    """Return `0x` and the digits of a non-negative integer."""
    return hex(value)


def encode_data(value: bytes) -> str:
    """Return `0x` and two lower-case digits a byte."""
    return "0x" + value.hex()


def parse_quantity(value: object) -> int:
    """Return the integer of at most 256 bits that a quantity spells.

    Raises:
        MalformedDocumentError: not a string, no `0x`, leading zeros, other characters, or too long.
    """
    if not isinstance(value, str) or _QUANTITY.fullmatch(value) is None:
        raise MalformedDocumentError("not a hexadecimal quantity")
    return int(value, 16)


def parse_data(value: object, *, size: int | None = None) -> bytes:
    """Return the bytes that data spells, in either case of the digits.

    Args:
        value: what JSON held.
        size: the number of bytes it must have, if that is fixed (20 for an address, 32 for a hash).

    Raises:
        MalformedDocumentError: not a string, no `0x`, an odd digit, other characters, or another size.
    """
    if not isinstance(value, str) or _DATA.fullmatch(value) is None:
        raise MalformedDocumentError("not hexadecimal data")
    data = bytes.fromhex(value[2:])
    if size is not None and len(data) != size:
        raise MalformedDocumentError(f"{len(data)} bytes of data where {size} are expected")
    return data
