"""Files of an issued document: certificate, bundle, QR pictures; written whole or not at all, and again at will.

    DIR/certificates/JY2026-000001/certificate.json
                                   bundle.json
                                   qr.png
                                   qr.svg
                                   certificate.pdf         by `document_cli`, on demand
                                   certificate.dcc.xml           written by `hengzheng dcc export`
                                   certificate-holder.dcc.xml    the holder's copy: personal data

The folder is the number, percent-encoded outside `[A-Za-z0-9._-]`. A file that is there already with the same
content is left alone; a bundle is replaced once there is a newer anchor. Disclosures are not written here: they
hold personal data and go to few.

>>> write_outputs(Path("demo-out"), files, "localhost:8000")
PosixPath('demo-out/certificates/JY2026-000001')
"""

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from issuer.rendering.qr import DEFAULT_STYLE, Writer, build_caption, render_png, render_svg, write_single
from ledger.core.bundle import parse_bundle
from ledger.core.errors import InputError
from ledger.core.ids import CertificateNumber, TreeSize
from ledger.core.qr import QrForm, choose_form, compute_code, encode_long_url, encode_short_url

FOLDER: Final = "certificates"
BUNDLE: Final = "bundle.json"
DCC: Final = "certificate.dcc.xml"
HOLDER_DCC: Final = "certificate-holder.dcc.xml"
_PUBLIC: Final = 0o666
"""Less what the operator's umask takes away."""
_PRIVATE: Final = 0o600
_DRAFT: Final = re.compile(r"\.[^/]+\.[0-9a-f]{16}")
_ENCODED: Final = re.compile(rb"[^A-Za-z0-9._-]")


@dataclass(frozen=True, slots=True)
class DocumentFiles:
    """What is written of one document."""

    number: CertificateNumber
    certificate: bytes
    statement: bytes
    """Goes into the QR code."""
    bundle: bytes | None
    """None where it is there already, or not to be had yet."""


def write_outputs(directory: Path, files: DocumentFiles, host: str, *, writer: Writer = write_single) -> Path:
    """Write the files of a document, and return their folder.

    Args:
        directory: where `certificates` lies or will lie.
        files: of the document.
        host: lower-case DNS name that the QR code leads to.
        writer: makes the QR modules; `write_bulk` is many times faster.

    Raises:
        InputError: not such a host.
        OSError: the folder cannot be written.
    """
    contents = dict(_make_files(files, host, writer))
    folder = find_folder(directory, files.number)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        _replace_file(folder / name, content)
    _remove_drafts(folder)
    return folder


def write_dcc(directory: Path, number: CertificateNumber, content: bytes, *, holder: bool) -> Path:
    """Write a document's DCC beside its other files, and return its path; the holder's copy is the owner's to read.

    Raises:
        OSError: the folder cannot be written.
    """
    path = find_folder(directory, number) / (HOLDER_DCC if holder else DCC)
    path.parent.mkdir(parents=True, exist_ok=True)
    _replace_file(path, content, mode=_PRIVATE if holder else _PUBLIC)
    return path


def has_newest_bundle(
    directory: Path, number: CertificateNumber, document: tuple[bytes, bytes], anchored_size: TreeSize
) -> bool:
    """Tell whether a document's bundle lies in its folder: whole, of this document, under the newest anchor.

    Args:
        directory: as in `write_outputs`.
        number: of the document.
        document: signed statement and published certificate.
        anchored_size: how many leaves the newest anchor holds.
    """
    try:
        bundle = parse_bundle(find_folder(directory, number).joinpath(BUNDLE).read_bytes())
    except (OSError, InputError):
        return False
    is_whole = bundle.stated_digest == bundle.computed_digest
    is_own = (bundle.statement_raw, bundle.certificate.raw) == document
    return is_whole and is_own and bundle.receipt is not None and bundle.receipt.tree_size == anchored_size


def find_folder(directory: Path, number: CertificateNumber) -> Path:
    """Return the folder of a document, which need not be there."""
    return directory / FOLDER / encode_folder_name(number)


def encode_folder_name(number: CertificateNumber) -> str:
    """Return the name of a document's folder: percent-encoded, and never `.` or `..`."""
    encoded = _ENCODED.sub(lambda found: f"%{found[0][0]:02X}".encode(), number.encode()).decode()
    return encoded if encoded.strip(".") else encoded.replace(".", "%2E")


def build_qr_text(statement: bytes, host: str) -> str:
    """Return the text of a document's QR code: the whole statement if a printed code holds it, else its name.

    Raises:
        InputError: not such a host.
    """
    if choose_form(statement).form is QrForm.LONG:
        return encode_long_url(statement, host)
    return encode_short_url(compute_code(statement), host)


def _make_files(files: DocumentFiles, host: str, writer: Writer) -> Iterator[tuple[str, bytes]]:
    text = build_qr_text(files.statement, host)
    caption = build_caption(text)
    writer = cache(writer)
    yield "certificate.json", files.certificate
    if files.bundle is not None:
        yield BUNDLE, files.bundle
    yield "qr.png", render_png(text, DEFAULT_STYLE, caption=caption, writer=writer)
    yield "qr.svg", render_svg(text, DEFAULT_STYLE, caption=caption, writer=writer)


def _remove_drafts(folder: Path) -> None:
    """Take away what a run that was killed has begun to write."""
    for path in folder.iterdir():
        if _DRAFT.fullmatch(path.name):
            path.unlink(missing_ok=True)


def _replace_file(path: Path, content: bytes, *, mode: int = _PUBLIC) -> None:
    """Put a file in its place at once; readers see the old content or the new one, whole."""
    if path.is_file() and path.read_bytes() == content:
        return
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        draft.touch(mode)
        draft.write_bytes(content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
