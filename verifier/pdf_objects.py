"""Reads as much of a PDF as a verifier of ours needs: objects by number, strictly, within fixed bounds.

Only files in the form that our documents have are read: cross-reference tables (no streams of them), at most
one update behind the first revision, not encrypted. Everything else is refused with a sentence; a verifier that
guesses what a broken file means can be made to see something else than a reader does. Nothing is decompressed
but what `read_stream` is asked for, up to a size that its caller names.

>>> pdf = PdfFile(raw)
>>> pdf.resolve(pdf.trailer["Root"])
{'Type': Name('Catalog'), …}

Source: ISO 32000-1 §7.2 to §7.5.
"""

import re
import zlib
from dataclasses import dataclass
from typing import Final, NoReturn, TypeAlias, cast

from ledger.core.errors import MalformedDocumentError

MAX_PDF_BYTES: Final = 16 * 1024 * 1024
"""Largest file looked at."""

MAX_REVISIONS: Final = 2
"""The document, and its signature."""

_MAX_OBJECTS: Final = 200_000
_MAX_DEPTH: Final = 16
_MAX_ITEMS: Final = 10_000
"""Most names, strings and numbers in one object."""

_SPACE: Final = re.compile(rb"[\x00\t\n\f\r ]*")
_END: Final = re.compile(rb"startxref\n([0-9]{1,10})\n%%EOF\n?")
_SECTION: Final = re.compile(rb"([0-9]{1,10}) ([0-9]{1,7})\n")
_ENTRY: Final = re.compile(rb"([0-9]{10}) ([0-9]{5}) ([nf])(?: \n|\r\n)")
_OBJECT: Final = re.compile(rb"([0-9]{1,10}) ([0-9]{1,5}) obj[\x00\t\n\f\r ]")
_REFERENCE: Final = re.compile(rb"([0-9]{1,10}) ([0-9]{1,5}) R(?![A-Za-z0-9])")
_NUMBER: Final = re.compile(rb"[+-]?(?:[0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})")
_WORD: Final = re.compile(rb"[a-z]{1,5}")
_NAME: Final = re.compile(rb"/([^\x00\t\n\f\r ()<>\[\]{}/%]{1,127})")
_HEX: Final = re.compile(rb"<([0-9A-Fa-f\x00\t\n\f\r ]*)>")
_WORDS: Final = {b"true": True, b"false": False, b"null": None}
_ESCAPES: Final = {b"n": 10, b"r": 13, b"t": 9, b"b": 8, b"f": 12, b"(": 40, b")": 41, b"\\": 92}
_OCTAL: Final = re.compile(rb"[0-7]{1,3}")


class Name(str):
    """A name, without its solidus."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Reference:
    """An object elsewhere in the file."""

    number: int
    generation: int


@dataclass(frozen=True, slots=True)
class HexString:
    """A string written in hexadecimal digits, with the place of its angle brackets in the file."""

    content: bytes
    start: int
    """Of `<`."""
    end: int
    """Behind `>`."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream that has not been decoded."""

    members: "Dictionary"
    content: bytes


Plain: TypeAlias = "Name | Reference | HexString | Stream | bytes | int | float | None"
Value: TypeAlias = "Plain | list[Value] | dict[str, Value]"
"""An object of a PDF; a truth value counts as a whole number, as in Python."""

Dictionary: TypeAlias = dict[str, Value]


class PdfFile:
    """The objects of a file, read when they are asked for.

    Raises:
        InputError: not a PDF in this form; so do all methods.
    """

    def __init__(self, raw: bytes) -> None:
        """Read the cross-reference tables and trailers."""
        if len(raw) > MAX_PDF_BYTES:
            refuse(f"has more than {MAX_PDF_BYTES // 1024**2} MiB")
        if not raw.startswith(b"%PDF-1."):
            refuse("is not a PDF of version 1")
        self.raw = raw
        self._places: dict[int, tuple[int, int]] = {}
        trailers = list(self._read_revisions())
        self.revisions = len(trailers)
        self.trailer = trailers[0]
        if any("Encrypt" in trailer for trailer in trailers):
            refuse("is encrypted")

    def resolve(self, value: Value) -> Value:
        """Return the object behind a reference, which is never another reference; other values as they are."""
        if not isinstance(value, Reference):
            return value
        offset, generation = self._places.get(value.number, (-1, -1))
        if offset < 0 or generation != value.generation:
            refuse(f"has no object {value.number}")
        found = _Scanner(self.raw, offset).read_object(value, self)
        if isinstance(found, Reference):
            refuse(f"has an object {value.number} that is only a reference")
        return found

    def resolve_dictionary(self, value: Value, what: str) -> Dictionary:
        """Return the dictionary behind a value."""
        found = self.resolve(value)
        if not isinstance(found, dict):
            refuse(f"has no {what}")
        return found

    def resolve_list(self, value: Value, what: str) -> list[Value]:
        """Return the array behind a value."""
        found = self.resolve(value)
        if not isinstance(found, list):
            refuse(f"has no {what}")
        return found

    def read_stream(self, value: Value, what: str, max_bytes: int) -> bytes:
        """Return the content of a stream, decoded.

        Args:
            value: refers to the stream.
            what: names it in errors.
            max_bytes: longest content; nothing beyond it is decompressed.
        """
        found = self.resolve(value)
        if not isinstance(found, Stream):
            refuse(f"has no {what}")
        if "DecodeParms" in found.members or found.members.get("Filter", "FlateDecode") != "FlateDecode":
            refuse(f"has a {what} that is encoded in another way than ours")
        content = _inflate(found.content, what, max_bytes) if "Filter" in found.members else found.content
        if len(content) > max_bytes:
            refuse(f"has a {what} of more than {max_bytes} bytes")
        return content

    def _read_revisions(self) -> "list[Dictionary]":
        """Return the trailers, newest first, and note where every object lies."""
        found = _END.fullmatch(self.raw, max(self.raw.rfind(b"startxref"), 0))
        if found is None:
            refuse("is cut off, or something was added behind its end")
        trailers: list[Dictionary] = []
        position: Value = int(found[1])
        while position is not None:
            if len(trailers) == MAX_REVISIONS:
                refuse("was updated more often than signing does")
            if not isinstance(position, int) or not 0 < position < len(self.raw):
                refuse("has a table of objects at no place")
            trailers.append(self._read_table(position))
            position = trailers[-1].get("Prev")
        return trailers

    def _read_table(self, position: int) -> Dictionary:
        """Note the objects of one table, older ones behind newer ones, and return its trailer."""
        if not self.raw.startswith(b"xref\n", position):
            refuse("has no plain table of objects")
        position += 5
        while (section := _SECTION.match(self.raw, position)) is not None:
            position = self._read_section(section)
        if not self.raw.startswith(b"trailer", position):
            refuse("has a damaged table of objects")
        trailer = _Scanner(self.raw, position + 7).read_value()
        if not isinstance(trailer, dict) or "XRefStm" in trailer:
            refuse("has no plain trailer")
        return trailer

    def _read_section(self, section: re.Match[bytes]) -> int:
        """Note the objects of one section of a table, and return where it ends."""
        first, count, position = int(section[1]), int(section[2]), section.end()
        if first + count > _MAX_OBJECTS:
            refuse(f"has more than {_MAX_OBJECTS} objects")
        for number in range(first, first + count):
            entry = _ENTRY.match(self.raw, position)
            if entry is None:
                refuse("has a damaged table of objects")
            position = entry.end()
            place = (int(entry[1]), int(entry[2])) if entry[3] == b"n" else (-1, -1)
            self._places.setdefault(number, place)
        return position


def refuse(reason: str) -> NoReturn:
    """Say what is wrong with a PDF.

    Raises:
        MalformedDocumentError: always.
    """
    raise MalformedDocumentError(f"this PDF {reason}", field="document")


def _inflate(content: bytes, what: str, max_bytes: int) -> bytes:
    """Return what a zlib stream holds, at most one byte more than allowed."""
    machine = zlib.decompressobj()
    try:
        found = machine.decompress(content, max_bytes + 1)
    except zlib.error:
        refuse(f"has a damaged {what}")
    if len(found) <= max_bytes and (not machine.eof or machine.unused_data.strip(b"\r\n")):
        refuse(f"has a damaged {what}")
    return found


class _Scanner:
    """Reads values from a place in the file on."""

    def __init__(self, raw: bytes, position: int) -> None:
        self._raw = raw
        self._at = position
        self._items = 0

    def read_object(self, wanted: Reference, pdf: PdfFile) -> Value:
        """Return the object that begins here, which must be the one that is wanted."""
        head = _OBJECT.match(self._raw, self._at)
        if head is None or Reference(int(head[1]), int(head[2])) != wanted:
            refuse(f"has no object {wanted.number} where its table says")
        self._at = head.end()
        value = self.read_value()
        self._skip()
        if self._raw.startswith(b"stream", self._at):
            return self._read_stream(value, pdf)
        if not self._raw.startswith(b"endobj", self._at):
            refuse(f"has a damaged object {wanted.number}")
        return value

    def read_value(self, depth: int = 0) -> Value:
        """Return the value that begins here."""
        self._items += 1
        if depth > _MAX_DEPTH or self._items > _MAX_ITEMS:
            refuse("has an object that is too large or too deep")
        self._skip()
        start = self._raw[self._at : self._at + 2]
        if start == b"<<":
            return self._read_dictionary(depth)
        if start[:1] == b"[":
            return self._read_list(depth)
        if start[:1] == b"(":
            return self._read_string()
        return self._read_plain(start)

    def _read_plain(self, start: bytes) -> Value:
        """Return a name, a hexadecimal string, a reference, a number or a word."""
        if start[:1] == b"/":
            return Name(_unescape_name(self._take(_NAME)[1]))
        if start[:1] == b"<":
            found = self._take(_HEX)
            digits = b"".join(found[1].split())
            return HexString(bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode()), *found.span())
        if (reference := _REFERENCE.match(self._raw, self._at)) is not None:
            self._at = reference.end()
            return Reference(int(reference[1]), int(reference[2]))
        if start[:1] in b"+-.0123456789":
            digits = self._take(_NUMBER)[0]
            return float(digits) if b"." in digits else int(digits)
        word = self._take(_WORD)[0]
        if word not in _WORDS:
            refuse("has an object that cannot be read")
        return _WORDS[word]

    def _read_dictionary(self, depth: int) -> Dictionary:
        found: Dictionary = {}
        self._at += 2
        while not self._at_end(b">>"):
            name = self.read_value(depth + 1)
            if not isinstance(name, Name) or name in found:
                refuse("has a dictionary with a wrong name, or one name twice")
            found[name] = self.read_value(depth + 1)
        return found

    def _read_list(self, depth: int) -> "list[Value]":
        found: list[Value] = []
        self._at += 1
        while not self._at_end(b"]"):
            found.append(self.read_value(depth + 1))
        return found

    def _read_string(self) -> bytes:
        """Return a string in parentheses, which may hold others in balance."""
        found, depth = bytearray(), 0
        while True:
            letter = self._raw[self._at : self._at + 1]
            self._at += 1
            if letter == b"\\":
                found += self._read_escape()
                continue
            depth += {b"(": 1, b")": -1}.get(letter, 0)
            if depth == 0:
                return bytes(found[1:])
            if not letter:
                refuse("has a string without an end")
            found += letter

    def _read_escape(self) -> bytes:
        """Return what stands for itself behind a reverse solidus."""
        octal = _OCTAL.match(self._raw, self._at)
        if octal is not None:
            self._at = octal.end()
            return bytes([int(octal[0], 8) & 0xFF])
        letter = self._raw[self._at : self._at + 1]
        self._at += 1
        if letter not in _ESCAPES:
            refuse("has a string with an unknown escape")
        return bytes([_ESCAPES[letter]])

    def _read_stream(self, members: Value, pdf: PdfFile) -> Stream:
        """Return the stream whose dictionary has just been read."""
        length = members.get("Length") if isinstance(members, dict) else None
        if not isinstance(length, int) or isinstance(length, bool) or length < 0:
            refuse("has a stream without a plain length")
        start = self._at + len(b"stream")
        start += 2 if pdf.raw.startswith(b"\r\n", start) else 1
        end = start + length
        if _SPACE.match(pdf.raw, end) is None or not pdf.raw[end : end + 12].lstrip().startswith(
            b"endstream"
        ):
            refuse("has a stream of another length than it says")
        return Stream(cast("Dictionary", members), pdf.raw[start:end])

    def _at_end(self, mark: bytes) -> bool:
        """Say whether a container ends here, and go behind its mark if so."""
        self._skip()
        if not self._raw.startswith(mark, self._at):
            return False
        self._at += len(mark)
        return True

    def _skip(self) -> None:
        found = _SPACE.match(self._raw, self._at)
        self._at = self._at if found is None else found.end()

    def _take(self, pattern: re.Pattern[bytes]) -> re.Match[bytes]:
        found = pattern.match(self._raw, self._at)
        if found is None:
            refuse("has an object that cannot be read")
        self._at = found.end()
        return found


def _unescape_name(raw: bytes) -> str:
    """Return a name with its `#20` escapes resolved."""
    return re.sub(rb"#([0-9A-Fa-f]{2})", lambda code: bytes([int(code[1], 16)]), raw).decode("latin-1")
