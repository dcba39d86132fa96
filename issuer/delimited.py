r"""CSV as bytes: which encoding and which separator, told honestly, then lines of cells.

UTF-8 is tried first, strictly, with or without byte order mark; then GB18030, which Chinese spreadsheets write.
Bytes that both could be are UTF-8. A first line `sep=;` is Excel's own hint, and is followed; without it commas
separate. The result says what was read.

>>> read_delimited("no,kind\n1,x\n".encode()).encoding
'UTF-8'
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ledger.core.errors import MalformedDocumentError

_HINT: Final = re.compile(r"sep=(.)\r?\n|sep=(.)\r", re.IGNORECASE)
_SEPARATORS: Final = {",": "commas", ";": "semicolons", "\t": "tabs"}
_WIDE_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_STRANGE: Final = frozenset({"Cc", "Co", "Cn", "Cs"})


@dataclass(frozen=True, slots=True)
class Delimited:
    """A CSV file as text."""

    text: str
    encoding: str
    """`UTF-8` or `GB18030`."""
    separator: str

    def lines(self) -> Iterator[tuple[int, list[str]]]:
        """Yield number and cells of every line; the header is 1, as in a spreadsheet.

        Raises:
            InputError: not CSV.
        """
        reader = csv.reader(io.StringIO(self.text, newline=""), strict=True, delimiter=self.separator)
        number = 0
        try:
            for number, cells in enumerate(reader, start=1):
                yield number, cells
        except csv.Error as err:
            raise MalformedDocumentError(f"not CSV from here on: {err}", field=f"row {number + 1}") from None


def read_delimited(raw: bytes) -> Delimited:
    """Read the bytes of a CSV file.

    Raises:
        InputError: neither encoding, or a separator that no table has.
    """
    text, encoding = _decode(raw)
    hint = _HINT.match(text)
    if hint is None:
        return Delimited(text, encoding, ",")
    separator = hint[1] or hint[2]
    if separator not in _SEPARATORS:
        known = ", ".join(_SEPARATORS.values())
        message = f"cells are separated by {separator!r}; read are {known}"
        raise MalformedDocumentError(message, field="row 1")
    return Delimited(text[hint.end() :], encoding, separator)


def _decode(raw: bytes) -> tuple[str, str]:
    try:
        return raw.decode("utf-8-sig"), "UTF-8"
    except UnicodeDecodeError as err:
        row = raw.count(b"\n", 0, err.start) + 1
    message = "neither UTF-8 nor GB18030: save the table as 'CSV UTF-8'"
    if raw.startswith(_WIDE_MARKS) or b"\x00" in raw:
        raise MalformedDocumentError(message, field=f"row {row}")
    try:
        text = raw.decode("gb18030")
    except UnicodeDecodeError as err:
        row = raw.count(b"\n", 0, err.start) + 1
        raise MalformedDocumentError(message, field=f"row {row}") from None
    _refuse_strange(text, message)
    return text, "GB18030"


def _refuse_strange(text: str, message: str) -> None:
    """Refuse text that GB18030 gives only because it gives something for nearly all bytes."""
    if text.isascii():
        return
    for mark in sorted(set(text)):
        if mark not in "\r\n\t" and unicodedata.category(mark) in _STRANGE:
            row = text.count("\n", 0, text.index(mark)) + 1
            raise MalformedDocumentError(message, field=f"row {row}")
