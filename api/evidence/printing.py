"""The readable document of a pack, as PDF/A-3, typeset in a confined process of its own.

A process that faces the public loads nothing that can hold a key. The renderer of documents holds none, but stands
among what does, and reads what others wrote: so it runs where nothing can be opened, and answers with bytes.

>>> print_copy(copy)[:5]
b'%PDF-'
"""

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

from ledger.confined.runner import Limits, read_confined
from ledger.core.encoding import encode_instant
from ledger.core.errors import InputError, OutOfTimeError, UnavailableError
from ledger.core.step import Sentence

LIMITS: Final = Limits(
    memory_bytes=2 * 1024 * 1024 * 1024, cpu_seconds=20, wall_seconds=30, answer_bytes=32 * 1024 * 1024
)
_RENDERER: Final = "issuer.rendering.public_copy:render_public_copy"


@dataclass(frozen=True, slots=True)
class PublicCopy:
    """What the readable document is made from."""

    bundle: bytes
    """Whose certificate it shows; attached to it, as the certificate is."""
    host: str
    """Where its QR code leads."""
    zone: ZoneInfo
    development: bool
    made_at: datetime
    """Stands in the file as its date, aware."""
    banners: tuple[Sentence, ...]
    """Stand at the head of every page."""
    issuer_en: str | None = None
    """English name of the institution, as registered."""


def print_copy(copy: PublicCopy) -> bytes:
    """Return the PDF.

    Raises:
        InputError: a character that no font has, or it did not come to an end within its limits.
        UnavailableError: no process could be started, or it had no end in its time: a busy machine is slow.
    """
    try:
        rows = read_confined(_RENDERER, _encode_order(copy), LIMITS)
    except OutOfTimeError as err:
        raise UnavailableError("the document was not typeset in its time") from err
    if len(rows) != 1 or not isinstance(rows[0], str):
        raise InputError("the typesetter made no document", field="document")
    return base64.b64decode(rows[0])


def _encode_order(copy: PublicCopy) -> bytes:
    return json.dumps(
        {
            "bundle": copy.bundle.decode(),
            "host": copy.host,
            "zone": copy.zone.key,
            "zone_file": base64.b64encode(_read_zone(copy.zone.key)).decode(),
            "development": copy.development,
            "made_at": encode_instant(copy.made_at),
            "issuer_en": copy.issuer_en,
            "banners": [[each.zh, each.en] for each in copy.banners],
        }
    ).encode()


def _read_zone(key: str) -> bytes:
    try:
        return files("tzdata").joinpath("zoneinfo", *key.split("/")).read_bytes()
    except OSError as err:
        raise InputError(f"the time zone {key} is not at hand", field="zone") from err
