"""What auditors are answered; the norm of the columns is `api/auditing.py`."""

from typing import Any

from api.schemas.base import Shape


class AuditRow(Shape):
    """One leaf; what it does not have is absent."""

    leaf_index: int
    event: str
    effect: bool
    sequenced_at: str
    speaker: str
    statement_digest: str
    institution: str | None = None
    division: str | None = None
    number: str | None = None
    instrument: str | None = None
    part: str | None = None
    serial: str | None = None
    category: str | None = None
    conclusion: str | None = None
    verified_on: str | None = None
    valid_until: str | None = None
    validity_kind: str | None = None
    reason: str | None = None
    status: str | None = None
    certificate_digest: str | None = None
    document_leaf: int | None = None
    lot: str | None = None
    lot_status: str | None = None
    replaces: str | None = None
    """Number of the certificate that this document replaces."""
    other_instruments: str | None = None
    """What a link or a registration names beside its own: hexadecimal ids, `/` and a part, parted by spaces."""
    supplement_digest: str | None = None
    sticker: str | None = None
    document_kind: str | None = None
    """CALIBRATION or PAPER; absent: a verification, or no document."""
    proof: dict[str, Any] | None = None


class AuditAnswer(Shape):
    """One page."""

    tree_size: int
    """Leaves of the log that was looked at."""
    entries: list[AuditRow]
    next: str | None = None
    """What is asked next; absent at the end."""
