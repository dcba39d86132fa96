"""Documents as PDF/A-3: the sheet of a certificate, its QR code, and the files that verifiers read, in one file.

Always PDF/A-3a (ISO 19005-3): there the typesetter refuses a character that no font has, instead of printing an
empty box. Fonts are those of `fonts`. The same input and the same time give the same bytes.

    certificate.json   /Source       the published certificate, byte for byte
    bundle.json        /Data         its proof bundle, where there is one
    disclosure.json    /Supplement   of a holder's copy only
    supplement.json    /Supplement   of a supplement only: what is added to the certificate

>>> typesetter = Typesetter(())
>>> pdf = typesetter.render(content, made_at)
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import typst

from issuer.rendering.fonts import explain_unprintable, find_unprintable, load_fonts, load_letters
from issuer.rendering.qr import PrintStyle, Writer, build_caption, render_svg, write_bulk
from issuer.rendering.sheet import Letterhead, build_sheet, pair
from issuer.rendering.supplement_sheet import build_supplement_sheet
from issuer.rendering.wording import Words
from ledger.core.canonical import JsonObject, JsonValue
from ledger.core.certificate import Certificate
from ledger.core.disclosure import Disclosure, encode_disclosure, verify_disclosure
from ledger.core.errors import InputError
from ledger.core.supplement import Supplement, encode_supplement

CERTIFICATE_NAME: Final = "certificate.json"
BUNDLE_NAME: Final = "bundle.json"
DISCLOSURE_NAME: Final = "disclosure.json"
SUPPLEMENT_NAME: Final = "supplement.json"

STANDARD: Final = "a-3a"
_STYLE: Final = PrintStyle(dots=8, dpi=400)


@dataclass(frozen=True, slots=True)
class DocumentContent:
    """What becomes one PDF."""

    certificate: Certificate
    bundle: bytes | None
    """Canonical proof bundle of the certificate; None before there is one."""
    disclosure: Disclosure | None
    """Of a holder's copy; None makes a public copy."""
    qr_text: str
    letterhead: Letterhead
    zone: ZoneInfo
    development: bool
    supplement: Supplement | None = None
    """What the PDF adds to the certificate; None: it is the certificate itself."""
    banners: tuple[Words, ...] = ()
    """What stands at the head of every page beside that."""


class Typesetter:
    """Makes PDFs; reads fonts and template once. Not to be shared between threads."""

    def __init__(self, font_folders: Sequence[Path]) -> None:
        """Read the fonts.

        Args:
            font_folders: with fonts for letters that the package lacks.

        Raises:
            InputError: a folder is not there.
        """
        found = load_fonts(font_folders)
        self._template = files("issuer.rendering").joinpath("templates", "document.typ").read_bytes()
        self._fonts = found
        self._compiler = typst.Compiler(font_paths=found.fonts)

    def warm_up(self) -> None:
        """Read the fonts' letters and start the typesetter's threads now: a confined process cannot do so later."""
        load_letters(self._fonts)

    def render(self, content: DocumentContent, made_at: datetime, *, writer: Writer = write_bulk) -> bytes:
        """Return the unsigned PDF.

        Args:
            content: the document.
            made_at: aware; stands in the file as its date.
            writer: makes the modules of the QR code.

        Raises:
            InputError: a character that no font has; the member of the record is named.
            VerificationError: the disclosure is not that of the certificate.
        """
        inputs = self._build_inputs(content, writer)
        moment = made_at.replace(microsecond=0)
        try:
            made = self._compiler.compile(
                input=self._template,
                format="pdf",
                pdf_standards=[STANDARD],
                timestamp=moment,
                sys_inputs=inputs,
            )
        except typst.TypstError as err:
            raise explain_refusal(err.message, content) from err
        if not isinstance(made, bytes):
            raise InputError("the typesetter made no document", field="document")
        return made + b"\n"

    def _build_inputs(self, content: DocumentContent, writer: Writer) -> dict[str, str]:
        check_content(content)
        return {
            "sheet": json.dumps(_build_sheet(content), ensure_ascii=False),
            "fonts": json.dumps(self._fonts.families),
            "attachments": json.dumps(list(_list_attachments(content)), ensure_ascii=False),
            "qr": render_svg(content.qr_text, _STYLE, writer=writer).decode(),
            "qr_lines": json.dumps(build_caption(content.qr_text)),
            "qr_alt": content.qr_text,
        }


def _build_sheet(content: DocumentContent) -> JsonObject:
    sheet = _build_plain_sheet(content)
    banner = sheet["banner"]
    more = [pair(words) for words in content.banners]
    return sheet | {"banner": [*banner, *more]} if isinstance(banner, list) else sheet


def _build_plain_sheet(content: DocumentContent) -> JsonObject:
    if content.supplement is not None:
        return build_supplement_sheet(
            content.supplement, content.certificate, content.letterhead, development=content.development
        )
    return build_sheet(
        content.certificate,
        content.disclosure,
        content.letterhead,
        content.zone,
        development=content.development,
    )


def check_content(content: DocumentContent) -> None:
    """Check that the personal values to be shown are those of the certificate.

    Raises:
        VerificationError: one is not.
    """
    if content.disclosure is not None:
        verify_disclosure(_find_record(content), content.disclosure)


def explain_refusal(message: str, content: DocumentContent) -> InputError:
    """Return why the typesetter made nothing, with the member that holds the character it cannot print."""
    letters = find_unprintable(message)
    if letters is None:
        return InputError(f"the document cannot be typeset: {message}", field="document")
    field = next((path for path, text in _walk(content) if letters in text), "document")
    return InputError(explain_unprintable(letters), field=field)


def _walk(content: DocumentContent) -> Iterator[tuple[str, str]]:
    """Yield the path and the text of everything that may be printed."""
    yield from _walk_json("", _find_record(content))
    members = {} if content.disclosure is None else content.disclosure.members
    for path, member in members.items():
        yield from _walk_json(path, member.value)
    for number, text in enumerate(() if content.supplement is None else content.supplement.paragraphs):
        yield f"supplement.text.{number}", text
    for name in Letterhead.__dataclass_fields__:
        yield f"letterhead.{name}", getattr(content.letterhead, name) or ""


def _walk_json(path: str, value: JsonValue) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from _walk_json(f"{path}.{name}".removeprefix("."), member)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _walk_json(f"{path}.{number}", item)


def _find_record(content: DocumentContent) -> dict[str, JsonValue]:
    record = content.certificate.document["credentialSubject"]
    return record if isinstance(record, dict) else {}


def _list_attachments(content: DocumentContent) -> Iterator[dict[str, str]]:
    yield _attach(CERTIFICATE_NAME, content.certificate.raw, "source", "the certificate as published")
    if content.bundle is not None:
        yield _attach(BUNDLE_NAME, content.bundle, "data", "its proof bundle")
    if content.disclosure is not None:
        raw = encode_disclosure(content.disclosure)
        yield _attach(DISCLOSURE_NAME, raw, "supplement", "the personal members behind its commitments")
    if content.supplement is not None:
        raw = encode_supplement(content.supplement)
        yield _attach(SUPPLEMENT_NAME, raw, "supplement", "what is added to the certificate")


def _attach(name: str, raw: bytes, relationship: str, description: str) -> dict[str, str]:
    """Return an attachment; canonical JSON is UTF-8, so that its text is its bytes."""
    return {
        "name": name,
        "content": raw.decode(),
        "relationship": relationship,
        "description": description,
    }
