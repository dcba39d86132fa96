"""Photographs: read in a confined process, made anew without what cameras write into them, or refused.

What is kept is a JPEG of at most 2,048 pixels a side, made from the pixels alone: no place, no time, no name of a
device, nothing that stood behind the picture. The file that came is never kept, and never shown to the public.

>>> clean_photo(raw)[:2].hex()
'ffd8'
"""

import base64
import io
import warnings
from collections.abc import Iterator
from typing import BinaryIO, Final

from PIL import Image, ImageOps, MpoImagePlugin, TiffImagePlugin, WebPImagePlugin

from ledger.confined.runner import Limits, read_confined
from ledger.core.errors import InputError

MAX_PHOTO_BYTES: Final = 5 * 1024 * 1024
MAX_PHOTOS: Final = 3
MAX_SIDE: Final = 2048
MAX_PIXELS: Final = 50_000_000
QUALITY: Final = 82
LIMITS: Final = Limits(
    memory_bytes=1024 * 1024 * 1024, cpu_seconds=20, wall_seconds=40, answer_bytes=16 * 1024 * 1024
)
_FORMATS: Final = ("JPEG", "PNG", WebPImagePlugin.WebPImageFile.format)
_NEEDED: Final = (MpoImagePlugin, TiffImagePlugin)
"""What reads the several pictures of some cameras, and what they write beside them."""
Image.preinit()
"""Loads the other readers here: the confined process can open no file any more once it reads."""

_NO_PHOTO_ZH: Final = "不是可读取的JPEG、PNG或WebP照片"


def clean_photo(raw: bytes, field: str = "photo") -> bytes:
    """Return a photograph as it is kept.

    Raises:
        InputError: longer than 5 MiB, no photograph, too many pixels, or it cannot be read within the limits.
        UnavailableError: no process could be started.
    """
    if len(raw) > MAX_PHOTO_BYTES:
        raise InputError("is longer than 5 MiB", field=field, zh="超过5 MiB")
    try:
        (row,) = read_confined("api.reports.photos:read_photo", raw, LIMITS)
    except InputError as err:
        raise InputError(err.reason, field=field, zh=_NO_PHOTO_ZH) from None
    return base64.b64decode(row)


def read_photo(file: BinaryIO) -> Iterator[str]:
    """Yield the picture as a new JPEG in base64; runs in the confined process.

    Raises:
        InputError: no picture of these kinds, or too large.
    """
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        with Image.open(file, formats=_FORMATS) as found:
            found.draft("RGB", (MAX_SIDE, MAX_SIDE))
            upright = ImageOps.exif_transpose(found).convert("RGB")
    except (
        OSError,
        ValueError,
        SyntaxError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as err:
        raise InputError("is no photograph as JPEG, PNG or WebP that can be read", field="photo") from err
    upright.thumbnail((MAX_SIDE, MAX_SIDE))
    clean = Image.new("RGB", upright.size)
    clean.paste(upright)
    out = io.BytesIO()
    clean.save(out, "JPEG", quality=QUALITY)
    yield base64.b64encode(out.getvalue()).decode()
