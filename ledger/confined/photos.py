"""Photographs: read in a confined process, made anew without what cameras write into them, or refused.

What is kept is a JPEG made from the pixels alone: no place, no time, no name of a device, nothing that stood behind
the picture. The file that came is never kept.

>>> remake_photo(raw, REPORTED)[:2].hex()
'ffd8'
"""

import base64
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from PIL import Image, ImageOps, MpoImagePlugin, TiffImagePlugin, WebPImagePlugin

from ledger.confined.runner import Limits, read_confined
from ledger.core.errors import InputError
from ledger.core.photo import MAX_PHOTO_BYTES, MAX_PHOTO_SIDE

MAX_GIVEN_BYTES: Final = 5 * 1024 * 1024
MAX_PIXELS: Final = 50_000_000
LIMITS: Final = Limits(
    memory_bytes=1024 * 1024 * 1024, cpu_seconds=20, wall_seconds=40, answer_bytes=16 * 1024 * 1024
)
_FORMATS: Final = ("JPEG", "PNG", WebPImagePlugin.WebPImageFile.format)
_NEEDED: Final = (MpoImagePlugin, TiffImagePlugin)
"""What reads the several pictures of some cameras, and what they write beside them."""
Image.preinit()
"""Loads the other readers here: the confined process can open no file any more once it reads."""

_NO_PHOTO_ZH: Final = "不是可读取的JPEG、PNG或WebP照片"


@dataclass(frozen=True, slots=True)
class Kept:
    """In what form photographs of one kind are kept."""

    reader: str
    """Name of the function below that makes it."""
    max_side: int
    """Pixels."""
    qualities: tuple[int, ...]
    """Of the JPEG, tried in this order until it is short enough."""
    max_bytes: int | None = None
    """None: however long the first becomes."""


REPORTED: Final = Kept("read_reported", 2048, (82,))
"""What consumers send with a report: only the authority sees it."""
REGISTERED: Final = Kept("read_registered", MAX_PHOTO_SIDE, (82, 74, 64, 52, 40, 28, 16), MAX_PHOTO_BYTES)
"""What stands on public pages, see `core.photo`."""


def remake_photo(raw: bytes, kept: Kept, field: str = "photo") -> bytes:
    """Return a photograph as it is kept.

    Raises:
        InputError: longer than 5 MiB, no photograph, too many pixels, or it cannot be read within the limits.
        UnavailableError: no process could be started.
    """
    if len(raw) > MAX_GIVEN_BYTES:
        raise InputError("is longer than 5 MiB", field=field, zh="超过5 MiB")
    try:
        (row,) = read_confined(f"ledger.confined.photos:{kept.reader}", raw, LIMITS)
    except InputError as err:
        raise InputError(err.reason, field=field, zh=_NO_PHOTO_ZH) from None
    return base64.b64decode(row)


def read_reported(file: BinaryIO) -> Iterator[str]:
    """Yield the picture as a new JPEG in base64; runs in the confined process; raises InputError."""
    yield base64.b64encode(_make(file, REPORTED)).decode()


def read_registered(file: BinaryIO) -> Iterator[str]:
    """Yield the picture as a new JPEG in base64; runs in the confined process; raises InputError."""
    yield base64.b64encode(_make(file, REGISTERED)).decode()


def _make(file: BinaryIO, kept: Kept) -> bytes:
    """Return the picture as it is kept.

    Raises:
        InputError: no picture of these kinds, or too large.
    """
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        with Image.open(file, formats=_FORMATS) as found:
            found.draft("RGB", (kept.max_side, kept.max_side))
            upright = ImageOps.exif_transpose(found).convert("RGB")
    except (
        OSError,
        ValueError,
        SyntaxError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as err:
        raise InputError("is no photograph as JPEG, PNG or WebP that can be read", field="photo") from err
    upright.thumbnail((kept.max_side, kept.max_side))
    clean = Image.new("RGB", upright.size)
    clean.paste(upright)
    for quality in kept.qualities:
        out = io.BytesIO()
        clean.save(out, "JPEG", quality=quality)
        if kept.max_bytes is None or out.tell() <= kept.max_bytes:
            return out.getvalue()
    raise InputError(f"cannot be made shorter than {kept.max_bytes} bytes", field="photo")
