"""Reads the text of the one QR code in a picture: a scan, a photo, a screenshot.

The picture comes from anybody, so its kind, its bytes and its pixels are limited before it is decoded. Its
text is not evidence yet: `ledger.core.qr.parse_qr_text` says whether it is one of ours.

Pillow and zxing-cpp are loaded on the first call, so that a verifier of files loads neither.

>>> parse_qr_text(read_qr_picture(path.read_bytes()), host="v.example.cn")
"""

import io
from typing import TYPE_CHECKING, Final

from ledger.core.errors import InputError

if TYPE_CHECKING:
    from PIL import Image

MAX_PICTURE_BYTES: Final = 32 * 1024 * 1024
"""Largest file looked at."""

MAX_JPEG_PIXELS: Final = 64_000_000
"""Largest JPEG decoded, in shades of grey, with 0.2 GB of memory; phones take 12 to 50 million pixels."""

MAX_PICTURE_PIXELS: Final = 16_000_000
"""Largest picture of other kinds decoded; a transparent WebP of 1 kB may need 0.3 GB meanwhile."""

MAX_ENLARGED_PIXELS: Final = 16_000_000
"""Largest picture that gets a second look, enlarged."""

_TOO_MANY_PIXELS: Final = (
    f"the picture has too many pixels: at most {MAX_JPEG_PIXELS // 1_000_000} million in a JPEG, "
    f"{MAX_PICTURE_PIXELS // 1_000_000} million in others"
)

FORMATS: Final = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
"""Kinds of picture that are read; of a moving one the first frame."""


def read_qr_picture(data: bytes) -> str:
    """Return the text of the QR code in a picture.

    The same code may be there more than once, as on a certificate with two copies of its sticker.

    Args:
        data: a whole file of one of `FORMATS`.

    Raises:
        InputError: not such a picture, too large, damaged, no QR code in it, or several different ones.
    """
    texts = _find_texts(_open_picture(data))
    if not texts:
        raise InputError("no QR code was found in the picture: take it nearer, sharp and evenly lit")
    if len(texts) > 1:
        raise InputError(
            f"{len(texts)} different QR codes are in the picture: take a picture of one of them only"
        )
    return texts.pop()


def _open_picture(data: bytes) -> "Image.Image":
    """Return a decoded picture in shades of grey."""
    if len(data) > MAX_PICTURE_BYTES:
        raise InputError(f"the picture has more than {MAX_PICTURE_BYTES // 1024**2} MiB")
    if data[:1024].lstrip().startswith(b"<") and b"<svg" in data[:1024]:
        raise InputError("this is an SVG drawing, not a picture: save it as PNG or take a screenshot")
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - see the module docstring

    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check_pixels(image)
            image.draft("L", None)
            return _flatten(image)
    except InputError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as err:
        raise InputError(_TOO_MANY_PIXELS) from err
    except UnidentifiedImageError as err:
        kinds = ", ".join(FORMATS)
        raise InputError(f"this is neither a bundle or certificate nor a picture ({kinds})") from err
    except Exception as err:  # on damaged files Pillow raises nearly everything
        raise InputError("the picture is damaged or cut off") from err


def _check_pixels(image: "Image.Image") -> None:
    """Raise InputError if an undecoded picture has too many pixels; MPO is a JPEG with two pictures in it."""
    limit = MAX_JPEG_PIXELS if image.format in {"JPEG", "MPO"} else MAX_PICTURE_PIXELS
    if image.width * image.height > limit:
        raise InputError(_TOO_MANY_PIXELS)


def _flatten(image: "Image.Image") -> "Image.Image":
    """Return the picture in shades of grey; what is transparent becomes white, as paper."""
    if not image.has_transparency_data:
        return image.convert("L")
    from PIL import Image  # noqa: PLC0415 - see the module docstring

    clear = image if image.mode == "RGBA" else image.convert("RGBA")
    paper = Image.new("L", clear.size, "white")
    paper.paste(clear.convert("L"), mask=clear.getchannel("A"))
    return paper


def _find_texts(image: "Image.Image") -> set[str]:
    """Return the different texts of all QR codes in a grey picture, which gets a second look if need be.

    Enlarged by two (bicubic, Pillow's default), codes are read from 3 pixels per module on instead of 4.
    """
    texts = _decode(image)
    if texts or image.width * image.height > MAX_ENLARGED_PIXELS:
        return texts
    return _decode(image.resize((2 * image.width, 2 * image.height)))


def _decode(image: "Image.Image") -> set[str]:
    """Return the different texts that one look finds."""
    import zxingcpp  # noqa: PLC0415 - see the module docstring

    formats = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCodeModel2)
    barcodes = zxingcpp.read_barcodes(image, formats=formats, text_mode=zxingcpp.TextMode.Plain)
    return {barcode.text for barcode in barcodes}
