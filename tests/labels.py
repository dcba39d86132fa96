"""Labels for tests, and how a page is read again: by poppler into pixels, by zxing-cpp into texts.

>>> [pdf] = print_labels([roll_label(0)], "a4-3x8")
>>> read_page(pdf, tmp_path).texts
['https://q.example.cn/s/7KQ2M9X0000...']
"""

import hashlib
import io
import shutil
import subprocess
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from issuer.rendering.label import Label, LabelLine
from issuer.rendering.label_templates import TEMPLATES, LabelTemplate
from issuer.rendering.stickers import StickerPress
from issuer.rendering.wording import LABELS, STICKER_TITLE, Words
from issuer.sticker_labels import StickerSource, list_roll_labels
from ledger.core.ids import InstitutionId
from ledger.core.qr import compute_code, encode_long_url, encode_short_url, format_code
from ledger.core.register_fields import RegisterState
from ledger.core.sticker import RollContent

HOST = "q.example.cn"
INSTITUTION = InstitutionId("350100-01")
NAME = Words("福州市计量所", "Fuzhou Institute of Metrology")
MADE_AT = datetime(2026, 11, 3, 8, tzinfo=UTC)
ROLL = RollContent("7KQ2M9X", INSTITUTION, 1 << 20, bytes(16), RegisterState.ACTIVE)
SOURCE = StickerSource(INSTITUTION, NAME, HOST, development=False)
CERTIFICATES = [name for name in TEMPLATES if name not in {"a4-5x13", "label-40x30-203"}]
"""Templates that hold the words of a certificate."""


def roll_label(number: int, source: StickerSource = SOURCE, *, date_line: bool = False) -> Label:
    [label] = list_roll_labels(ROLL, range(number, number + 1), source, date_line=date_line)
    return label


def certificate_label(number: int, size: int = 205, **changes: object) -> Label:
    """Return the label of a certificate whose statement has this size."""
    statement = (hashlib.sha256(b"statement %d" % number).digest() * 7)[:size]
    code = compute_code(statement)
    lines = (
        LabelLine("validity.until", LABELS["valid_until"], "2027-05-19", large=True),
        LabelLine("instrument.name", LABELS["name"], "电子计价秤"),
        LabelLine("instrument.model", LABELS["model"], "ACS-15A"),
        LabelLine("instrument.serial", LABELS["serial"], f"YH0103{number:04}"),
        LabelLine("no", LABELS["number"], f"JY2026-{number:06}"),
    )
    label = Label(
        name=f"JY2026-{number:06}",
        qr_texts=(encode_long_url(statement, HOST), encode_short_url(code, HOST)),
        host=HOST,
        code=format_code(code),
        issuer=NAME,
        title=STICKER_TITLE,
        lines=lines,
    )
    return replace(label, **changes)


@cache
def press() -> StickerPress:
    return StickerPress(())


def print_labels(labels: list[Label], name: str, first_slot: int = 0) -> list[bytes]:
    return press().render(press().fit(labels, TEMPLATES[name]), first_slot, MADE_AT)


@dataclass(frozen=True, slots=True)
class Found:
    """A code on a page."""

    text: str
    left: float
    """In millimetres."""
    top: float


def draw_pages(pdf: bytes, folder: Path, dpi: int = 300, *options: str) -> list[Image.Image]:
    """Return the pages in grey, as poppler draws them; `options` are its own."""
    if shutil.which("pdftoppm") is None:
        pytest.skip("poppler's pdftoppm is not installed")
    (folder / "sheet.pdf").write_bytes(pdf)
    for old in folder.glob("page*.png"):
        old.unlink()
    command = ["pdftoppm", "-r", str(dpi), "-png", "-gray", *options, "sheet.pdf", "page"]
    subprocess.run(command, cwd=folder, check=True)
    return [Image.open(path).convert("L") for path in sorted(folder.glob("page*.png"))]


def find_codes(page: Image.Image, dpi: int = 300) -> list[Found]:
    """Return the codes of a page in the order of reading, row by row."""
    per_mm = dpi / 25.4
    found = [
        Found(code.text, code.position.top_left.x / per_mm, code.position.top_left.y / per_mm)
        for code in zxingcpp.read_barcodes(page, formats=zxingcpp.BarcodeFormat.QRCode)
    ]
    return sorted(found, key=lambda code: (round(code.top / 10), code.left))


def read_texts(pdf: bytes, folder: Path, dpi: int = 300) -> list[str]:
    return [code.text for page in draw_pages(pdf, folder, dpi) for code in find_codes(page, dpi)]


def read_words(pdf: bytes, folder: Path) -> str:
    """Return the words of a PDF, as another program finds them, without blanks."""
    if shutil.which("pdftotext") is None:
        pytest.skip("poppler's pdftotext is not installed")
    (folder / "sheet.pdf").write_bytes(pdf)
    command = ["pdftotext", "-layout", str(folder / "sheet.pdf"), "-"]
    text = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    return "".join(text.split())


def crop_code(pdf: bytes, folder: Path, template: LabelTemplate, side_mm: float, dpi: int) -> bytes:
    """Return the code of the first label, with its quiet zone and nothing else, as PNG."""
    dot = dpi / 25.4
    left = float(template.left + template.to_mm(template.snap(template.padding)))
    top = float(template.top) + (float(template.size[1]) - side_mm) / 2
    x, y, side = (str(round(value * dot)) for value in (left, top, side_mm))
    [page] = draw_pages(pdf, folder, dpi, "-x", x, "-y", y, "-W", side, "-H", side)
    buffer = io.BytesIO()
    page.save(buffer, "PNG")
    return buffer.getvalue()
