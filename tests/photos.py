"""Pictures for tests: plain ones as they are kept, and what people and attackers hand in.

>>> measure_photo(KEPT)
(64, 48)
"""

import io
import struct
import zlib
from datetime import date

from PIL import Image, ImageDraw, ImageFont

from ledger.core.photo import describe_photo

MAKER = b"MAKER-OF-THE-CAMERA"


def paint(size=(640, 480), colour=(120, 140, 160), words="示例 EX-1224 SN1"):
    """Return a picture with a plate on it."""
    image = Image.new("RGB", size, colour)
    draw = ImageDraw.Draw(image)
    width, height = size
    draw.rectangle(
        (width // 8, height // 4, width * 7 // 8, height * 3 // 4), fill="white", outline="black", width=3
    )
    font = ImageFont.load_default(size=max(8, height // 12))
    draw.text((width // 6, height * 9 // 20), words.encode("ascii", "ignore").decode(), "black", font)
    return image


def save(image, form="JPEG", **options):
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def kept(colour=(120, 140, 160), size=(64, 48)):
    """Return a picture as a ledger takes it."""
    return save(paint(size, colour), quality=70)


def taken_by_phone(size=(3000, 2000)):
    """Return a JPEG with what phones write beside the pixels: maker, place, an orientation."""
    exif = Image.Exif()
    exif[0x010F] = MAKER.decode()
    exif[0x0112] = 6
    exif.get_ifd(0x8825).update({1: "N", 2: (26.0, 4.0, 30.0), 3: "E", 4: (119.0, 18.0, 0.0)})
    return save(paint(size), exif=exif, comment=b"private note")


def bomb():
    """Return a PNG of few bytes that says it has billions of pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 4096)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def describe(raw, taken_on=date(2026, 2, 28)):
    return describe_photo(raw, taken_on)


KEPT = kept()
OTHER = kept((200, 40, 40))
