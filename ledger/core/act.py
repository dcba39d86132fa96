"""Acts: what an institution or an authority says of a certificate, or of its instrument, after the issue.

An act names the certificate and the instrument (or the part) that it is about, why, and since when; an
authority's adverse act also carries the decision behind it: its document number, its ground, and where to
object. The content is a canonical JSON object inside the statement, so that whoever holds the leaf can read
it. Who may say what, and what follows, is for the fold: see `fold_documents`.

>>> parse_act(encode_act(act)) == act
True
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from ledger.core.canonical import JsonObject, encode_canonical_json, parse_canonical_json
from ledger.core.encoding import encode_hex, encode_instant
from ledger.core.errors import InputError
from ledger.core.event import EventType, certificate_subject, instrument_subject
from ledger.core.fields import Reader
from ledger.core.ids import ID_PATTERN, CertificateNumber, Digest, InstitutionId, InstrumentId, Subject

ADVERSE_TYPES: Final = frozenset({EventType.CANCEL, EventType.SUSPEND, EventType.REVERIFY_NEEDED})
"""Acts that an authority takes by a decision against which one may object."""

_INSTRUMENT_BYTES: Final = 16
_DOCUMENT_NUMBER_BYTES: Final = 120
_SENTENCE_BYTES: Final = 400


class ReasonCode(StrEnum):
    """Why: codes only, for what is logged is never erased."""

    TYPO = "TYPO"
    WRONG_INSTRUMENT = "WRONG_INSTRUMENT"
    WRONG_RESULT = "WRONG_RESULT"
    STANDARD_INVALID = "STANDARD_INVALID"
    OUT_OF_SCOPE = "OUT_OF_SCOPE"
    PERSON_UNQUALIFIED = "PERSON_UNQUALIFIED"
    FAILED_SPOT_CHECK = "FAILED_SPOT_CHECK"
    SEAL_BROKEN = "SEAL_BROKEN"
    REPAIRED = "REPAIRED"
    INSTRUMENT_SCRAPPED = "INSTRUMENT_SCRAPPED"
    RELOCATED = "RELOCATED"
    FORGED = "FORGED"
    KEY_COMPROMISED = "KEY_COMPROMISED"
    COURT_OR_AUTHORITY_ORDER = "COURT_OR_AUTHORITY_ORDER"
    CRM_RECALLED = "CRM_RECALLED"
    REG_MISAPPLIED = "REG_MISAPPLIED"


@dataclass(frozen=True, slots=True)
class Decision:
    """The administrative decision (行政决定) behind an authority's act."""

    number: str
    """Of the document (文号)."""
    ground: str
    """Legal ground (依据)."""
    dated: date
    until: date | None
    """Last day of a measure that is limited in time; ends nothing by itself."""
    remedy: str
    """Where and within which time to object (救济途径)."""


@dataclass(frozen=True, slots=True)
class NamedInstrument:
    """An instrument, or a part of one, and a certificate of it."""

    issuer: InstitutionId
    """Institution that issued the certificate."""
    number: CertificateNumber
    instrument_id: InstrumentId
    """16 bytes."""
    part: str | None = None

    @property
    def subject(self) -> Subject:
        """Return the instrument, or the part of it."""
        return instrument_subject(self.instrument_id, self.part)

    @property
    def certificate(self) -> Subject:
        """Return the certificate."""
        return certificate_subject(self.issuer, self.number)


@dataclass(frozen=True, slots=True)
class Act:
    """Content of the statement of an act."""

    issuer: InstitutionId
    """Institution that issued the certificate."""
    number: CertificateNumber
    instrument_id: InstrumentId
    """16 bytes; what the certificate is about."""
    part: str | None
    reason: ReasonCode
    effective_at: datetime
    """Since when it holds, by the word of who speaks; aware UTC, whole milliseconds. The state changes with the
    leaf."""
    decision: Decision | None = None
    document: Digest | None = None
    """Of a supplement: SHA-256 of its bytes, which whoever issues it keeps and hands out."""

    @property
    def named(self) -> NamedInstrument:
        """Return the instrument, or the part of it, that the act is about, with the certificate that it names."""
        return NamedInstrument(self.issuer, self.number, self.instrument_id, self.part)

    @property
    def subject(self) -> Subject:
        """Return the instrument, or the part of it, that the act is about."""
        return self.named.subject

    @property
    def certificate(self) -> Subject:
        """Return the certificate that the act names."""
        return self.named.certificate


def encode_act(act: Act) -> bytes:
    """Return the canonical bytes of an act."""
    members: JsonObject = {
        "certificate": {"issuer": act.issuer, "number": act.number},
        "instrument": encode_hex(act.instrument_id),
        "reason": act.reason.value,
        "effective_at": encode_instant(act.effective_at),
    }
    if act.part is not None:
        members["part"] = act.part
    if act.document is not None:
        members["document"] = encode_hex(act.document)
    if act.decision is not None:
        members["decision"] = encode_decision(act.decision)
    return encode_canonical_json(members)


def parse_act(raw: bytes) -> Act:
    """Parse an act.

    Raises:
        InputError: not such a content.
    """
    reader = Reader(parse_canonical_json(raw), "content")
    certificate = reader.object("certificate")
    document = reader.opt_hex("document", 32)
    act = Act(
        issuer=InstitutionId(certificate.text("issuer", max_bytes=12, pattern=ID_PATTERN)),
        number=CertificateNumber(certificate.text("number", max_bytes=64)),
        instrument_id=InstrumentId(reader.hex("instrument", _INSTRUMENT_BYTES)),
        part=reader.opt_text("part", max_bytes=8),
        reason=reader.enum("reason", ReasonCode),
        effective_at=reader.instant("effective_at"),
        decision=parse_opt_decision(reader),
        document=None if document is None else Digest(document),
    )
    certificate.finish()
    reader.finish()
    return act


def parse_reason(text: str, field: str = "reason") -> ReasonCode:
    """Return the reason of this code.

    Raises:
        InputError: no such code; all are named.
    """
    try:
        return ReasonCode(text.upper())
    except ValueError:
        raise InputError(f"{text[:40]!r} is none of {', '.join(ReasonCode)}", field=field) from None


def find_act_fault(event_type: EventType, act: Act, *, by_authority: bool) -> str | None:
    """Say what an act lacks, or has that it must not have; None: nothing."""
    if (act.document is not None) != (event_type is EventType.SUPPLEMENT):
        return "a supplement names its document, and no other act does"
    is_adverse = event_type in ADVERSE_TYPES
    return find_decision_fault(event_type, act.decision, by_authority=by_authority, is_adverse=is_adverse)


def find_decision_fault(
    event_type: EventType, decision: Decision | None, *, by_authority: bool, is_adverse: bool
) -> str | None:
    """Say what is wrong with a decision: it is missing, or is not its speaker's to take."""
    if by_authority and is_adverse and decision is None:
        return f"an authority's {event_type.name} names its decision"
    if not by_authority and decision is not None:
        return "an institution's own act carries no decision"
    return None


def encode_decision(decision: Decision) -> JsonObject:
    """Return a decision as it stands in contents."""
    members: JsonObject = {
        "number": decision.number,
        "ground": decision.ground,
        "dated": decision.dated.isoformat(),
        "remedy": decision.remedy,
    }
    if decision.until is not None:
        members["until"] = decision.until.isoformat()
    return members


def parse_opt_decision(reader: Reader) -> Decision | None:
    """Parse the member `decision`, if there is one.

    Raises:
        InputError: not a decision.
    """
    inner = reader.opt_object("decision")
    return None if inner is None else parse_decision(inner)


def parse_decision(reader: Reader) -> Decision:
    """Parse a decision.

    Raises:
        InputError: not a decision.
    """
    decision = Decision(
        number=reader.text("number", max_bytes=_DOCUMENT_NUMBER_BYTES),
        ground=reader.text("ground", max_bytes=_SENTENCE_BYTES),
        dated=reader.date("dated"),
        until=reader.opt_date("until"),
        remedy=reader.text("remedy", max_bytes=_SENTENCE_BYTES),
    )
    if decision.until is not None and decision.until < decision.dated:
        reader.refuse("until", "ends before it begins")
    reader.finish()
    return decision
