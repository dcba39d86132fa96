"""Lots: many instruments that are judged together, so that one event changes what holds of all of them.

A lot is an institution's own number, which the documents of its members name. It needs no founding: as long as
nothing is said of it, its members stand for themselves. What is then said of the lot holds of every member, be
it one or a hundred thousand: a member's state is the worse of its own and its lot's.

>>> parse_lot(encode_lot(content)) == content
True
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from ledger.core.act import Decision, ReasonCode, encode_decision, parse_opt_decision
from ledger.core.canonical import JsonObject, encode_canonical_json, parse_canonical_json
from ledger.core.encoding import encode_instant
from ledger.core.event import lot_subject
from ledger.core.fields import Reader
from ledger.core.ids import ID_PATTERN, InstitutionId, Subject

MAX_LOT_NUMBER_BYTES: Final = 64


class LotStatus(StrEnum):
    """What is said of a lot as a whole."""

    VALID = "valid"
    """Nothing stands against it any more."""
    FAILED = "failed"
    """Its sample failed (抽样检定不合格), or a spot check of it."""
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class LotContent:
    """What is said of a lot."""

    issuer: InstitutionId
    """Institution whose lot it is."""
    number: str
    """The lot's number, at most 64 bytes, as its members' documents name it."""
    status: LotStatus
    reason: ReasonCode
    effective_at: datetime
    """Aware UTC, whole milliseconds; informs."""
    decision: Decision | None = None

    @property
    def subject(self) -> Subject:
        """Return the lot."""
        return lot_subject(self.issuer, self.number)


def encode_lot(content: LotContent) -> bytes:
    """Return the canonical bytes of a LOT content."""
    members: JsonObject = {
        "issuer": content.issuer,
        "lot": content.number,
        "status": content.status.value,
        "reason": content.reason.value,
        "effective_at": encode_instant(content.effective_at),
    }
    if content.decision is not None:
        members["decision"] = encode_decision(content.decision)
    return encode_canonical_json(members)


def parse_lot(raw: bytes) -> LotContent:
    """Parse a LOT content.

    Raises:
        InputError: not such a content.
    """
    reader = Reader(parse_canonical_json(raw), "content")
    content = LotContent(
        issuer=InstitutionId(reader.text("issuer", max_bytes=12, pattern=ID_PATTERN)),
        number=reader.text("lot", max_bytes=MAX_LOT_NUMBER_BYTES),
        status=reader.enum("status", LotStatus),
        reason=reader.enum("reason", ReasonCode),
        effective_at=reader.instant("effective_at"),
        decision=parse_opt_decision(reader),
    )
    reader.finish()
    return content
