"""What the public side answers."""

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from api.copies.marks import CopyMark
from api.schemas.base import Code, Hex16, Shape
from api.shown import Shown
from ledger.core.act import ReasonCode
from ledger.core.anchor import AnchorState
from ledger.core.step import Outcome, Verdict
from ledger.core.sticker_proof import StickerStanding
from ledger.core.sticker_use import StickerReason


class CheckShape(Shape):
    """One step of the verification."""

    step: int
    name: str
    outcome: Outcome
    reason: str
    reason_zh: str
    warning: bool | None = None


class DocumentShape(Shape):
    """What a person compares with the nameplate; there only if the evidence holds."""

    document_type: str
    number: str
    institution: str
    instrument: str | None = None
    model: str | None = None
    serial: str
    maker: str | None = None
    category: str
    verified_on: date
    valid_until: date | None = None
    conclusion: str | None = None
    """Of a calibration certificate `pass`, `conditional` or `fail`; of an entry from paper as the paper has it."""
    entered_on: date | None = None
    """Of an entry from paper."""


class StickerShape(Shape):
    """How a sticker stands, by its own proof."""

    id: Code
    standing: StickerStanding
    roll: str
    number: int = Field(ge=0, description="within the roll")
    institution: str | None = Field(default=None, description="whom the roll was allotted to")
    instrument: Hex16 | None = Field(default=None, description="what it stands on, or stood")
    part: str | None = None
    since: datetime | None = Field(default=None, description="when the log took its last event")
    reason: StickerReason | None = Field(default=None, description="of its release")
    leaf: int | None = Field(default=None, ge=0, description="of its last event")
    newest_document: int | None = Field(default=None, ge=0, description="leaf of the newest verification")


class InstrumentShape(Shape):
    """Which instrument was asked for."""

    id: Hex16
    part: str | None = None
    is_same: bool | None = Field(
        default=None, description="the document is about another registration of the same instrument"
    )
    is_split: bool | None = Field(default=None, description="it turned out to be several instruments")


class PartShape(Shape):
    """How one part of the instrument stands."""

    part: str
    shown: Shown | None = Field(
        default=None, description="absent: the document of the whole covers it, and nothing is against it"
    )
    until: date | None = None
    code: Code | None = None


class AsOfShape(Shape):
    """State of the log that was looked at."""

    tree_size: int
    signed_at: datetime


class ReplacedByShape(Shape):
    """The document that took the place of the one that was asked for."""

    number: str
    code: Code
    reason: ReasonCode | None = Field(default=None, description="absent: the law withholds it")


class VerdictAnswer(Shape):
    """This server's verdict: the verifier's report, and what the server adds to it."""

    verdict: Verdict
    authentic: bool
    status: str | None
    environment: str
    checks: list[CheckShape]
    document: DocumentShape | None = None
    note: str | None = None
    note_zh: str | None = None
    shown: Shown = Field(description="the one verdict that the page shows")
    checked_on: date = Field(description="the day for which validity was judged, in the policy's zone")
    as_of: AsOfShape | None = None
    code: Code | None = None
    newer: Code | None = Field(default=None, description="code of the instrument's newest document")
    replaced_by: ReplacedByShape | None = None
    sticker: StickerShape | None = None
    instrument: InstrumentShape | None = None
    parts: list[PartShape] | None = None
    proof: str | None = Field(
        default=None, description="path of the file that shows this, where it is not the document's bundle"
    )
    copies: CopyMark | None = Field(
        default=None,
        description="what scans of this code suggest; `confirmed`: a person at the authority says so; in no proof",
    )


class CertificateStatus(Shape):
    """Status of one institution's document."""

    issuer: str
    status: Shown


class CertificatesAnswer(Shape):
    """Documents with one number; each institution counts on its own."""

    number: str
    checked_on: date
    certificates: list[CertificateStatus]


class ConditionShape(Shape):
    """What was found out last, and when."""

    state: str
    at: datetime


class AnchoringShape(Shape):
    """How anchoring stands."""

    backlog: int = Field(ge=0, description="leaves that no final anchor holds")
    anchored_at: datetime | None = Field(default=None, description="block time of the newest final anchor")
    age_seconds: int | None = Field(default=None, ge=0, description="since then")
    under_way: AnchorState | None = Field(default=None, description="of the anchor that is on its way")
    lost_size: int | None = Field(default=None, description="leaves of an anchor whose final block is gone")
    last: ConditionShape | None = Field(default=None, description="what came of the last try")
    balance_wei: str | None = Field(default=None, description="what the anchoring account owned then")


class Health(Shape):
    """That the server answers, how far its log has come, and how it stands towards chain and witnesses."""

    status: Literal["ok", "read-only", "alarm"]
    reason: str | None = None
    reason_zh: str | None = None
    tree_size: int = Field(ge=0)
    anchored_size: int = Field(ge=0)
    witnessed_size: int | None = Field(default=None, ge=0, description="only where the log has witnesses")
    boot: ConditionShape | None = Field(
        default=None, description="the comparison with contract and witnesses"
    )
    anchoring: AnchoringShape | None = None
