"""The fold of documents: what an issue, and an act on what was issued, does to certificates and instruments.

A calibration, and what is entered from paper, is an event of its instrument that leaves its status and its newest
verification as they were; an instrument that nothing was known of becomes REGISTERED: known, never verified.

>>> judge_issue(statement, claims, key_id, index, registers, view).state.status
<Status.VALID: 1>
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ledger.core.act import Act, NamedInstrument, find_act_fault
from ledger.core.authority import Trade
from ledger.core.event import EventType, certificate_subject, instrument_subject
from ledger.core.ids import KeyId, LeafIndex, Subject
from ledger.core.powers import (
    NoEffectError,
    check_decider,
    check_institution,
    check_own,
    check_version,
    require_trade,
)
from ledger.core.statement import IssueClaims, SignedStatement, Statement
from ledger.core.status import (
    Effect,
    IssueSubjects,
    Registers,
    StateView,
    Status,
    SubjectState,
    find_issued_status,
)


@dataclass(frozen=True, slots=True)
class Transition:
    """What an act does to the status of a certificate."""

    before: frozenset[Status]
    """From any other status it has no effect."""
    after: Status


TRANSITIONS: Final[Mapping[EventType, Transition]] = {
    EventType.WITHDRAW: Transition(
        frozenset({Status.VALID, Status.FAILED, Status.SUSPENDED}), Status.WITHDRAWN
    ),
    EventType.CANCEL: Transition(frozenset({Status.VALID, Status.SUSPENDED}), Status.CANCELLED),
    EventType.SUSPEND: Transition(frozenset({Status.VALID}), Status.SUSPENDED),
    EventType.REINSTATE: Transition(frozenset({Status.SUSPENDED, Status.CANCELLED}), Status.VALID),
}
"""The acts on certificates; what was withdrawn stays withdrawn. A SUPPLEMENT changes no status."""

SUPPLEMENTED: Final = frozenset({Status.VALID, Status.FAILED, Status.SUSPENDED})
"""Of a certificate to which something can be added."""

ON_INSTRUMENTS: Final = frozenset({EventType.REVERIFY_NEEDED, EventType.OPENED_FOR_REPAIR})
"""Acts after which an instrument needs another verification, whatever its certificate says."""

INSTITUTION_ACTS: Final = frozenset(
    {
        EventType.SUPPLEMENT,
        EventType.WITHDRAW,
        EventType.SUSPEND,
        EventType.REVERIFY_NEEDED,
        EventType.OPENED_FOR_REPAIR,
    }
)
"""What an institution may do to its own certificates and the instruments that they are the newest of."""

OPENER_ACTS: Final = frozenset({EventType.OPENED_FOR_REPAIR})
"""What repairers and owners may say of instruments in their region."""

AUTHORITY_ACTS: Final = frozenset(
    {EventType.CANCEL, EventType.SUSPEND, EventType.REINSTATE, EventType.REVERIFY_NEEDED}
)
"""What an authority may do to the certificates of the institutions in its region."""


def judge_issue(
    statement: Statement,
    claims: IssueClaims,
    key_id: KeyId,
    index: LeafIndex,
    registers: Registers,
    view: StateView,
    issues: IssueSubjects,
) -> Effect:
    """Return what an issue, or a replacement, does.

    Raises:
        NoEffectError: nothing; with the reason.
    """
    institution = check_institution(statement.issuer, key_id, index, registers)
    require_trade(institution, Trade.VERIFICATION)
    document = certificate_subject(institution.id, claims.number)
    if view(document) is not None:
        raise NoEffectError(f"number {claims.number} is taken")
    subject = instrument_subject(claims.instrument_id, claims.part)
    before = view(subject)
    check_version(statement, before)
    status = find_issued_status(claims)
    changes = {document: SubjectState(status, 1, index, index)}
    if claims.predecessor is not None:
        replaced = NamedInstrument(institution.id, claims.predecessor, claims.instrument_id, claims.part)
        changes[replaced.certificate] = _supersede(replaced, claims, index, view, issues)
        if status is Status.VALID and before is not None and before.status is Status.NEEDS_REVERIFICATION:
            status = before.status  # a replacement corrects a paper; nobody has verified again
    newest: LeafIndex | None = index
    if not claims.is_verification:
        status, newest = _keep_verification(before)
    changes[subject] = SubjectState(status, statement.expected_version + 1, index, newest)
    return Effect(subject, None if before is None else before.last_event, changes)


def _keep_verification(before: SubjectState | None) -> tuple[Status, LeafIndex | None]:
    """Return how an instrument stands after a document that verifies nothing: as it stood before."""
    return (Status.REGISTERED, None) if before is None else (before.status, before.current_certificate)


def _supersede(
    replaced: NamedInstrument, claims: IssueClaims, index: LeafIndex, view: StateView, issues: IssueSubjects
) -> SubjectState:
    """Return the state of a certificate after it has been replaced."""
    certificate, instrument = find_named(replaced, view, issues)
    if claims.is_verification:
        _require_newest(replaced.number, certificate, instrument)
    elif certificate.current_certificate == instrument.current_certificate:
        raise NoEffectError(
            f"certificate {replaced.number} is a verification: only a verification replaces it"
        )
    if certificate.status not in _REPLACEABLE:
        raise NoEffectError(f"certificate {replaced.number} is {certificate.status.name}: it is not replaced")
    return _follow(certificate, Status.SUPERSEDED, index)


_REPLACEABLE: Final = frozenset({Status.VALID, Status.FAILED, Status.SUSPENDED})


def judge_act(
    statement: Statement, act: Act, index: LeafIndex, view: StateView, issues: IssueSubjects
) -> Effect:
    """Return what an act does, provided that who speaks may; raises as `judge_issue`."""
    certificate, instrument = find_named(act.named, view, issues)
    check_version(statement, instrument)
    is_current = instrument.current_certificate == certificate.current_certificate
    changes: dict[Subject, SubjectState] = {}
    if statement.type in ON_INSTRUMENTS:
        _require_newest(act.number, certificate, instrument)
        status = require_verification(instrument.status)
    else:
        after = _find_status_after(statement.type, act, certificate.status)
        changes[act.certificate] = _follow(certificate, after, index)
        keeps = not is_current or instrument.status is Status.NEEDS_REVERIFICATION
        status = instrument.status if keeps else after
    changes[act.subject] = _follow(instrument, status, index)
    return Effect(act.subject, instrument.last_event, changes)


def find_named(
    named: NamedInstrument, view: StateView, issues: IssueSubjects
) -> tuple[SubjectState, SubjectState]:
    """Return the states of a certificate and its instrument, if they belong together."""
    certificate, instrument = view(named.certificate), view(named.subject)
    if certificate is None or certificate.current_certificate is None:
        raise NoEffectError(f"institution {named.issuer} has no certificate {named.number}")
    if instrument is None or issues(certificate.current_certificate) != named.subject:
        raise NoEffectError(f"certificate {named.number} is about another instrument")
    return certificate, instrument


def require_verification(status: Status) -> Status:
    """Return the status of an instrument that must be verified again; what has failed stays failed."""
    return Status.FAILED if status is Status.FAILED else Status.NEEDS_REVERIFICATION


def _require_newest(number: str, certificate: SubjectState, instrument: SubjectState) -> None:
    if instrument.current_certificate != certificate.current_certificate:
        raise NoEffectError(f"certificate {number} is not the newest of its instrument")


def _find_status_after(event_type: EventType, act: Act, before: Status) -> Status:
    allowed = SUPPLEMENTED if event_type is EventType.SUPPLEMENT else TRANSITIONS[event_type].before
    if before not in allowed:
        raise NoEffectError(
            f"certificate {act.number} is {before.name}: {event_type.name} does not follow that"
        )
    return before if event_type is EventType.SUPPLEMENT else TRANSITIONS[event_type].after


def _follow(before: SubjectState, status: Status, index: LeafIndex) -> SubjectState:
    return SubjectState(status, before.version + 1, index, before.current_certificate)


def check_actor(
    signed: SignedStatement, act: Act, index: LeafIndex, sequenced_at: datetime, registers: Registers
) -> None:
    """Require that who speaks may do this to certificates of this institution."""
    statement, issuer = signed.statement, registers.institutions.get(act.issuer)
    if statement.issuer in registers.authorities:
        _require_one_of(AUTHORITY_ACTS, statement, "an authority")
        check_decider(signed, [act.issuer], index, sequenced_at, registers)
        fault = find_act_fault(statement.type, act, by_authority=True)
    else:
        speaker = check_institution(statement.issuer, signed.key_id, index, registers)
        if speaker.trade is Trade.VERIFICATION:
            _require_one_of(INSTITUTION_ACTS, statement, "an institution")
            check_own(statement, act.issuer, f"certificate {act.number}")
        else:
            _require_one_of(OPENER_ACTS, statement, f"a registered {speaker.trade.value}")
            if issuer is None or not issuer.division.startswith(speaker.division):
                raise NoEffectError(f"{act.issuer} is not within the region of {speaker.id}")
        fault = find_act_fault(statement.type, act, by_authority=False)
    if fault is not None:
        raise NoEffectError(fault)


def _require_one_of(acts: frozenset[EventType], statement: Statement, who: str) -> None:
    if statement.type not in acts:
        raise NoEffectError(f"{statement.type.name} is not for {who}")
