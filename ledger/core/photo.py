"""A photograph of an instrument: what a registration says of it, and which bytes may be one.

Whoever stands before an instrument compares what is sealed and written on it with a picture that its verification
institution has taken. The picture's digest is signed; its bytes are kept beside the statement. They are a plain
baseline JPEG and nothing else: no place, no device, no text, no second picture, nothing behind the end. What the
picture shows is not for bytes to say: whoever registers it looks at it.

>>> measure_photo(raw)
(1280, 960)
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from ledger.core.canonical import JsonObject
from ledger.core.encoding import encode_hex
from ledger.core.errors import MalformedDocumentError
from ledger.core.fields import Reader
from ledger.core.ids import Digest

MAX_PHOTO_BYTES: Final = 200 * 1024
MAX_PHOTO_SIDE: Final = 1280
"""Pixels."""

_DIGEST_BYTES: Final = 32
_BEGIN, _END = b"\xff\xd8", b"\xff\xd9"
_JFIF, _FRAME, _HUFFMAN, _QUANTISATION, _SCAN = 0xE0, 0xC0, 0xC4, 0xDB, 0xDA
_PARTS: Final = frozenset({_JFIF, _FRAME, _HUFFMAN, _QUANTISATION, _SCAN})
_JFIF_BYTES: Final = 16
"""Without a small picture of its own."""
_FRAME_BYTES: Final = 17
"""Of three components: colour."""
_EIGHT_BITS: Final = 8


@dataclass(frozen=True, slots=True)
class Photograph:
    """What a registration says of its picture."""

    digest: Digest
    """SHA-256 of its bytes."""
    width: int
    """Pixels, at most 1,280."""
    height: int
    taken_on: date
    """By the word of who registers it."""


def encode_photograph(photograph: Photograph) -> JsonObject:
    """Return the member `photo`."""
    return {
        "sha256": encode_hex(photograph.digest),
        "width": photograph.width,
        "height": photograph.height,
        "taken_on": photograph.taken_on.isoformat(),
    }


def parse_photograph(reader: Reader) -> Photograph:
    """Parse the member `photo`; raises InputError."""
    found = Photograph(
        Digest(reader.hex("sha256", _DIGEST_BYTES)),
        reader.integer("width", 1, MAX_PHOTO_SIDE),
        reader.integer("height", 1, MAX_PHOTO_SIDE),
        reader.date("taken_on"),
    )
    reader.finish()
    return found


def check_photo(raw: bytes, photograph: Photograph) -> None:
    """Check that these bytes are the picture that a registration names.

    Raises:
        MalformedDocumentError: another digest or size, or no such JPEG.
    """
    if hashlib.sha256(raw).digest() != photograph.digest:
        raise MalformedDocumentError("has another SHA-256 than the registration names", field="photo")
    if measure_photo(raw) != (photograph.width, photograph.height):
        raise MalformedDocumentError("has another size than the registration names", field="photo")


def describe_photo(raw: bytes, taken_on: date) -> Photograph:
    """Return what is registered of a picture; raises as `measure_photo`."""
    width, height = measure_photo(raw)
    return Photograph(Digest(hashlib.sha256(raw).digest()), width, height, taken_on)


def measure_photo(raw: bytes) -> tuple[int, int]:
    """Return width and height of a baseline colour JPEG that holds its pixels and nothing beside them.

    Source: ITU-T T.81 annex B; JFIF 1.02.

    Raises:
        MalformedDocumentError: longer than 200 KiB, or something else.
    """
    if len(raw) > MAX_PHOTO_BYTES:
        raise MalformedDocumentError(f"has {len(raw)} bytes; at most {MAX_PHOTO_BYTES}", field="photo")
    frames = [part for marker, part in _list_parts(raw) if marker == _FRAME]
    if len(frames) != 1 or len(frames[0]) != _FRAME_BYTES - 2 or frames[0][0] != _EIGHT_BITS:
        raise _refuse("one frame of three components")
    height, width = int.from_bytes(frames[0][1:3]), int.from_bytes(frames[0][3:5])
    if not (1 <= width <= MAX_PHOTO_SIDE and 1 <= height <= MAX_PHOTO_SIDE):
        raise _refuse(f"sides of 1 to {MAX_PHOTO_SIDE} pixels")
    return width, height


def _list_parts(raw: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield marker and content of each part up to the one scan, behind which the file ends."""
    if not raw.startswith(_BEGIN):
        raise _refuse("a JPEG")
    at, marker = len(_BEGIN), 0
    while marker != _SCAN:
        marker = raw[at + 1] if raw[at : at + 1] == b"\xff" and at + 4 <= len(raw) else 0
        size = int.from_bytes(raw[at + 2 : at + 4])
        part = raw[at + 4 : at + 2 + size]
        if marker not in _PARTS or size < 2 or len(part) != size - 2:
            raise _refuse("no parts but those that hold the picture")
        if marker == _JFIF and (size != _JFIF_BYTES or not part.startswith(b"JFIF\0")):
            raise _refuse("no application data")
        yield marker, part
        at += 2 + size
    _check_scan(raw, at)


def _check_scan(raw: bytes, begin: int) -> None:
    """Require that the coded pixels end with the file: 0xFF in them is always followed by 0."""
    at = raw.find(b"\xff", begin)
    while at >= 0 and raw[at + 1 : at + 2] == b"\0":
        at = raw.find(b"\xff", at + 2)
    if at < 0 or raw[at:] != _END:
        raise _refuse("its end behind the one scan, and nothing more")


def _refuse(expected: str) -> MalformedDocumentError:
    return MalformedDocumentError(f"expected a plain baseline JPEG: {expected}", field="photo")
