"""A pledge as a poster for the wall (诚信计量自我承诺书), PDF/A-3a: its words, and a code to the site's page.

It bears the owner's name and no institution's, says that nobody has verified it, and has nothing of the look of a
certificate. A change or a withdrawal does not reach a wall: the code leads to what holds now. The same content and
time give the same bytes.

>>> PosterPress(()).render(content, Paper.A4, made_at)[:5]
b'%PDF-'
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from importlib.resources import files
from pathlib import Path
from typing import Final

import typst

from issuer.rendering.fonts import explain_unprintable, find_unprintable, load_fonts
from issuer.rendering.qr import PrintStyle, render_svg
from ledger.core.canonical import JsonObject
from ledger.core.encoding import encode_date
from ledger.core.errors import InputError
from ledger.core.pledge import Promise
from ledger.core.qr import parse_host
from ledger.core.register_fields import Name
from ledger.core.site import SiteContent

STANDARD: Final = "a-3a"
_STYLE: Final = PrintStyle(dots=8, dpi=300)
_TOO_LONG: Final = "more than one page"
"""What the template stops with."""


class Paper(Enum):
    """Size of the paper, and how much larger than on A4 everything is printed."""

    A4 = ("a4", 1.0)
    A3 = ("a3", 1.4142)


@dataclass(frozen=True, slots=True)
class PosterContent:
    """What stands on a poster."""

    owner: Name
    site: SiteContent
    promise: Promise
    made_on: date
    host: str
    """Name of the public site, as it stands in QR codes."""
    development: bool

    @property
    def address(self) -> str:
        """Return the text of the QR code: the site's page."""
        return f"https://{parse_host(self.host)}/site/{self.site.site.keeper}/{self.site.site.id}"


class PosterPress:
    """Makes posters; reads fonts and template once. Not to be shared between threads."""

    def __init__(self, font_folders: Sequence[Path]) -> None:
        """Read the fonts.

        Args:
            font_folders: with fonts for letters that the package lacks.

        Raises:
            InputError: a folder is not there.
        """
        found = load_fonts(font_folders)
        template = files("issuer.rendering").joinpath("templates", "poster.typ")
        self._families = found.families
        self._compiler = typst.Compiler(str(template), font_paths=found.fonts)

    def render(self, content: PosterContent, paper: Paper, made_at: datetime) -> bytes:
        """Return the PDF: one page.

        Args:
            content: the pledge and its site.
            paper: its size.
            made_at: aware; stands in the file as its date.

        Raises:
            InputError: a character that no font has, or too many words for one page even in the smallest letters.
        """
        for size in _SIZES:
            pdf = self._try(content, paper, size, made_at)
            if pdf is not None:
                return pdf
        raise InputError(
            "the pledge is too long for one page: shorten it", field="text", zh="承诺过长，一页印不下"
        )

    def _try(self, content: PosterContent, paper: Paper, size: float, made_at: datetime) -> bytes | None:
        """Return the PDF with letters of this size; None: it does not fit on one page."""
        name, scale = paper.value
        inputs = {
            "poster": json.dumps(_build_members(content), ensure_ascii=False),
            "fonts": json.dumps(self._families),
            "paper": name,
            "scale": str(scale),
            "size": str(size),
            "qr": render_svg(content.address, _STYLE).decode(),
        }
        moment = made_at.replace(microsecond=0)
        try:
            made = self._compiler.compile(
                format="pdf", pdf_standards=[STANDARD], timestamp=moment, sys_inputs=inputs
            )
        except typst.TypstError as err:
            if _TOO_LONG in err.message:
                return None
            raise _explain(err.message, content) from err
        if not isinstance(made, bytes):
            raise InputError("the typesetter made no document", field="document")
        return made + b"\n"


_SIZES: Final = (17.0, 15.0, 13.0, 11.0, 9.0)
"""Sizes of the pledge's own words on A4, in points: the largest that fits."""


def _build_members(content: PosterContent) -> JsonObject:
    promise, place = content.promise, content.site
    compensation = promise.compensation
    return {
        "owner": {"zh": content.owner.zh, "en": content.owner.en or ""},
        "site": {"zh": place.name.zh, "en": place.name.en or ""},
        "text": {"zh": [*promise.text.zh], "en": [*promise.text.en]},
        "compensation": {
            "zh": [] if compensation is None else [*compensation.zh],
            "en": [] if compensation is None else [*compensation.en],
        },
        "made_on": encode_date(content.made_on),
        "until": "" if promise.until is None else encode_date(promise.until),
        "address": content.address,
        "development": content.development,
    }


def _explain(message: str, content: PosterContent) -> InputError:
    """Return why the typesetter made nothing, with the member that holds the character it cannot print."""
    letters = find_unprintable(message)
    if letters is None:
        return InputError(f"the poster cannot be typeset: {message}", field="document")
    field = next((path for path, text in _walk(content) if letters in text), "document")
    return InputError(explain_unprintable(letters), field=field)


def _walk(content: PosterContent) -> Iterator[tuple[str, str]]:
    """Yield the path and the text of everything that may be printed."""
    for path, name in (("institution.name", content.owner), ("site.name", content.site.name)):
        yield f"{path}.zh", name.zh
        yield f"{path}.en", name.en or ""
    for path, words in (("text", content.promise.text), ("compensation", content.promise.compensation)):
        for language, texts in (
            ("zh", () if words is None else words.zh),
            ("en", () if words is None else words.en),
        ):
            for number, text in enumerate(texts):
                yield f"{path}.{language}.{number}", text
