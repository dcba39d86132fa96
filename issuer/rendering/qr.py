"""Pictures of QR texts, as PNG and SVG, for certificates, stickers and label sheets.

Two writers make the modules of a text, with one signature: `write_single` (qrcode, the default, 50 to 200
pictures/s) and `write_bulk` (zxing-cpp, for label sheets, 1,200 pictures/s of the largest long form, 4,500 of
the short one). Both put the address into a byte segment and its content into a numeric or alphanumeric one
and choose the same version. The mask differs: `write_single` takes the best of eight, as ISO/IEC 18004 says;
looking for it is nine tenths of the work, so `write_bulk` always takes the same one. Signed content is random
and looks alike under every mask: in 500 simulated photos of each, all eight were read equally often.
Everything behind the modules is shared.

Level M is for the long form in the hand, Q for the short form and wherever the code is 37 mm wide or exposed;
L is too weak for prints, and H costs more pixels than it saves (a lost corner defeats every level). Host and
code may stand below in words, for the day when the picture is scratched.

The same input gives the same bytes. Sizes: 214 bytes at M are version 11, 69 modules with the quiet zone,
35 mm at 8 dots and 400 dpi; modules below 0.45 mm (thermal) or 0.40 mm (laser) do not print well.

>>> text = encode_long_url(statement, "v.example.cn")
>>> png = render_png(text, caption=build_caption(text))
>>> sheet = [render_svg(text, PrintStyle(dots=4, dpi=203), writer=write_bulk) for text in texts]

Source: ISO/IEC 18004 (quiet zone of 4 modules, segments, levels).
"""

import html
import io
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from enum import Enum
from functools import lru_cache
from typing import Final, TypeAlias

import zxingcpp
from PIL import Image, ImageDraw, ImageFont
from qrcode.constants import ERROR_CORRECT_M, ERROR_CORRECT_Q
from qrcode.image.base import BaseImage
from qrcode.main import QRCode
from qrcode.util import QRData

from ledger.core.errors import InputError
from ledger.core.qr import MAX_TEXT, LongForm, compute_code, format_code, parse_qr_text

QUIET_ZONE: Final = 4
"""Light modules on each side; part of every picture."""

MAX_CAPTION_LINES: Final = 4
MAX_CAPTION_LINE: Final = 64
"""Longest caption line, in characters."""

_BULK_MASK: Final = 2
_MM_PER_INCH: Final = Decimal("25.4")
_LINE_PITCH: Final = 5
_LETTER_HEIGHT: Final = 4
_LETTER_WIDTH: Final = Decimal("0.62")
_BLACK: Final = 0
_WHITE: Final = 255
_TOO_LONG: Final = "a caption line is too long for the width of this QR picture"
_DARK_RUN: Final = re.compile(rb"\x00+")


class Level(Enum):
    """Error correction: share of the code words that may be lost."""

    M = "M"
    """15 %."""
    Q = "Q"
    """25 %."""


@dataclass(frozen=True, slots=True)
class PrintStyle:
    """How a picture is printed; PNG and SVG of one style have the same size on paper."""

    dots: int = 8
    """Printer dots, that is PNG pixels, per module: 2 to 64."""
    dpi: int = 400
    """Printer dots per inch: 72 to 4800."""
    level: Level | None = None
    """None: M for the long form, Q for everything else."""

    def __post_init__(self) -> None:
        """Raise InputError where no printer prints this."""
        if not (2 <= self.dots <= 64 and 72 <= self.dpi <= 4800):
            raise InputError("a QR picture has 2 to 64 dots per module and 72 to 4800 dpi")

    @property
    def module_mm(self) -> Decimal:
        """Width of one module on paper, in millimetres, to 0.1 micrometre."""
        return (self.dots * _MM_PER_INCH / self.dpi).quantize(Decimal("0.0001"))


DEFAULT_STYLE: Final = PrintStyle()


@dataclass(frozen=True, slots=True)
class Modules:
    """A code before it is a picture, quiet zone included."""

    side: int
    """Modules per side: 4 * version + 17 + 8."""
    cells: bytes
    """side * side bytes, row by row: 0 dark, 255 light."""

    @property
    def version(self) -> int:
        """QR version, 1 to 40."""
        return (self.side - 2 * QUIET_ZONE - 17) // 4


Writer: TypeAlias = Callable[[str, Level], Modules]

_QRCODE_LEVELS: Final = {Level.M: ERROR_CORRECT_M, Level.Q: ERROR_CORRECT_Q}


def write_single(text: str, level: Level) -> Modules:
    """Return the modules of a text, by qrcode, under the best mask."""
    code = QRCode[BaseImage](error_correction=_QRCODE_LEVELS[level], border=QUIET_ZONE)
    address, slash, content = text.rpartition("/")
    for segment in filter(None, (address + slash, content)):
        code.add_data(QRData(segment))  # type: ignore[no-untyped-call] # qrcode is half typed
    rows = code.get_matrix()  # type: ignore[no-untyped-call] # likewise
    return Modules(len(rows), b"".join(bytes(_BLACK if dark else _WHITE for dark in row) for row in rows))


def write_bulk(text: str, level: Level) -> Modules:
    """Return the modules of a text, by zxing-cpp, under one mask."""
    kind = zxingcpp.BarcodeFormat.QRCode
    barcode = zxingcpp.create_barcode(text, kind, ec_level=level.value, data_mask=_BULK_MASK)
    picture = barcode.to_image(scale=1, add_quiet_zones=True)
    cells = bytes(memoryview(picture))  # type: ignore[arg-type] # its stub omits the buffer protocol
    return Modules(picture.shape[0], cells)


def render_png(
    text: str,
    style: PrintStyle = DEFAULT_STYLE,
    *,
    caption: Sequence[str] = (),
    writer: Writer = write_single,
) -> bytes:
    """Return a black and white PNG that knows its size on paper.

    Args:
        text: printable ASCII, at most 1,024 characters.
        style: dots, resolution and level.
        caption: printable ASCII lines below the code, see `build_caption`.
        writer: `write_single` or `write_bulk`.

    Raises:
        InputError: a text or caption that cannot be printed.
    Source: PNG (W3C) §11.3.4.3 pHYs.
    """
    modules = _write(text, style, caption, writer)
    cells = Image.frombytes("L", (modules.side, modules.side), modules.cells)
    width = modules.side * style.dots
    picture = cells.convert("1", dither=Image.Dither.NONE).resize((width, width), Image.Resampling.NEAREST)
    if caption:
        picture = _add_caption(picture, caption, style.dots)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", dpi=(style.dpi, style.dpi), compress_type=zlib.Z_RLE)
    return buffer.getvalue()


def render_svg(
    text: str,
    style: PrintStyle = DEFAULT_STYLE,
    *,
    caption: Sequence[str] = (),
    writer: Writer = write_single,
) -> bytes:
    """Return an SVG of the same size on paper as the PNG; arguments and errors as there.

    One user unit is one module. UTF-8, no scripts, no links, nothing fetched.
    """
    modules = _write(text, style, caption, writer)
    side, height = modules.side, modules.side + _compute_caption_height(caption)
    lines = "".join(
        f'<text x="{Decimal(side) / 2}" y="{side + index * _LINE_PITCH + _LETTER_HEIGHT - 1}" '
        f'font-size="{_compute_letter_height(line, side)}">{html.escape(line)}</text>'
        for index, line in enumerate(caption)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{side * style.module_mm}mm" '
        f'height="{height * style.module_mm}mm" viewBox="0 0 {side} {height}">'
        f'<rect width="{side}" height="{height}" fill="#fff"/>'
        f'<path shape-rendering="crispEdges" d="{_trace(modules)}"/>'
        f'<g font-family="monospace" text-anchor="middle">{lines}</g></svg>\n'
    ).encode()


def build_caption(text: str) -> tuple[str, str]:
    """Return host and grouped code of a QR text of ours, of a document or of a sticker.

    Raises:
        InputError: not a QR text of ours.
    """
    form = parse_qr_text(text, host=None)
    code = compute_code(form.statement) if isinstance(form, LongForm) else form.code
    return form.host, format_code(code)


def choose_level(text: str) -> Level:
    """Return M for the long form, Q for everything else."""
    return Level.M if text.split("/")[-2:-1] == ["q"] else Level.Q


def _write(text: str, style: PrintStyle, caption: Sequence[str], writer: Writer) -> Modules:
    """Return the modules of a text that may be printed with this caption."""
    if not (text.isascii() and text.isprintable() and 0 < len(text) <= MAX_TEXT):
        raise InputError(f"a QR code holds 1 to {MAX_TEXT} printable ASCII characters")
    for line in caption:
        if not (line.isascii() and line.isprintable() and len(line) <= MAX_CAPTION_LINE):
            raise InputError(f"a caption line holds at most {MAX_CAPTION_LINE} printable ASCII characters")
    if len(caption) > MAX_CAPTION_LINES:
        raise InputError(f"a caption has at most {MAX_CAPTION_LINES} lines")
    return writer(text, style.level or choose_level(text))


def _trace(modules: Modules) -> str:
    """Return an SVG path of the dark runs, row by row."""
    side = modules.side
    return "".join(
        f"M{run.start()} {row}h{len(run[0])}v1h-{len(run[0])}z"
        for row in range(side)
        for run in _DARK_RUN.finditer(modules.cells[row * side : (row + 1) * side])
    )


def _add_caption(picture: Image.Image, caption: Sequence[str], dots: int) -> Image.Image:
    """Return a higher picture with the lines, centred, below the quiet zone."""
    width = picture.width
    taller = Image.new("1", (width, width + _compute_caption_height(caption) * dots), _WHITE)
    taller.paste(picture)
    for index, line in enumerate(caption):
        letters = _draw_line(line, dots, width - 2 * dots)
        left = (width - sum(letter.width for letter in letters)) // 2
        for letter in letters:
            taller.paste(letter, (left, width + index * _LINE_PITCH * dots))
            left += letter.width
    return taller


def _draw_line(line: str, dots: int, room: int) -> list[Image.Image]:
    """Return the letters of a line, as large as they fit into so many pixels."""
    for size in range(_LETTER_HEIGHT * dots, dots - 1, -1):
        letters = [_draw_letter(letter, size, dots) for letter in line]
        if sum(letter.width for letter in letters) <= room:
            return letters
    raise InputError(_TOO_LONG)


@lru_cache(maxsize=4096)
def _draw_letter(letter: str, size: int, dots: int) -> Image.Image:
    """Return one black letter on white, as wide as it advances and as high as the line."""
    font = ImageFont.load_default(size)
    picture = Image.new("1", (round(font.getlength(letter)), _LINE_PITCH * dots), _WHITE)
    ImageDraw.Draw(picture).text((0, (_LETTER_HEIGHT - 1) * dots), letter, _BLACK, font, anchor="ls")
    return picture


def _compute_caption_height(caption: Sequence[str]) -> int:
    """Return the modules that a caption adds below, the margin included."""
    return len(caption) * _LINE_PITCH + 1 if caption else 0


def _compute_letter_height(line: str, side: int) -> Decimal:
    """Return the font size in modules: 4, or less where a monospaced line would not fit in between."""
    room = Decimal(side - 2) / (_LETTER_WIDTH * max(len(line), 1))
    if room < 1:
        raise InputError(_TOO_LONG)
    return min(Decimal(_LETTER_HEIGHT), room).quantize(Decimal("0.01"), ROUND_DOWN)
