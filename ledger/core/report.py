"""REPORT_TAKEN: digests of what consumers have reported, so that no report can vanish.

A report itself (举报, 投诉) is personal and is never logged: it is a file, sealed to an authority, with a salt
of its own. The log has SHA-256 of that file: it says nothing to whoever does not hold the file, and proves to
whoever does that the authority had it.

>>> parse_report_content(encode_report_content(content)) == content
True
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ledger.core.canonical import encode_canonical_json, parse_canonical_json
from ledger.core.constants import REPORT_DOMAIN
from ledger.core.encoding import encode_hex, encode_instant, parse_hex
from ledger.core.errors import InputError
from ledger.core.event import report_subject
from ledger.core.fields import Reader
from ledger.core.ids import Digest, Subject

MOST_REPORTS: Final = 64
"""Digests of one statement."""
_DIGEST_BYTES: Final = 32
_DIGEST_DIGITS: Final = 2 * _DIGEST_BYTES


@dataclass(frozen=True, slots=True)
class ReportContent:
    """An authority has taken these reports."""

    digests: tuple[Digest, ...]
    """1 to 64 digests of 32 bytes, rising."""
    taken_at: datetime
    """When it had them all, by its own word; aware UTC, a whole minute."""

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """Return every report, in the order of the digests."""
        return tuple(report_subject(digest) for digest in self.digests)

    @property
    def subject(self) -> Subject:
        """Return the first report, which the header names."""
        return report_subject(self.digests[0])

    @property
    def effective_at(self) -> datetime:
        """Return when the reports were taken."""
        return self.taken_at


def compute_report_digest(raw: bytes) -> Digest:
    """Return what is logged of a report.

    Args:
        raw: its file, which holds a random salt.
    """
    return Digest(hashlib.sha256(REPORT_DOMAIN + raw).digest())


def make_report_content(digests: Iterable[Digest], now: datetime) -> ReportContent:
    """Return a content of these digests, taken in this minute."""
    return ReportContent(tuple(sorted(digests)), now.replace(second=0, microsecond=0))


def encode_report_content(content: ReportContent) -> bytes:
    """Return the canonical bytes of a REPORT_TAKEN content."""
    return encode_canonical_json(
        {
            "digests": [encode_hex(digest) for digest in content.digests],
            "taken_at": encode_instant(content.taken_at),
        }
    )


def parse_report_content(raw: bytes) -> ReportContent:
    """Parse a REPORT_TAKEN content.

    Raises:
        InputError: not such a content.
    """
    reader = Reader(parse_canonical_json(raw), "content")
    texts = reader.texts("digests", max_bytes=_DIGEST_DIGITS, most=MOST_REPORTS)
    if not texts or texts != sorted(set(texts)):
        reader.refuse("digests", "expected at least one, each once, in order")
    taken_at = reader.instant("taken_at")
    if taken_at.second or taken_at.microsecond:
        reader.refuse("taken_at", "expected a whole minute")
    reader.finish()
    try:
        digests = tuple(Digest(parse_hex(text, size=_DIGEST_BYTES)) for text in texts)
    except InputError as err:
        reader.refuse("digests", err.reason)
    return ReportContent(digests, taken_at)
