"""The fold of documents: what an issue, and an act on what was issued, does to certificates and instruments.

>>> judge_issue(statement, claims, key_id, index, registers, view).state.status
<Status.VALID: 1>
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ledger.core.act import Act, find_decision_fault
from ledger.core.authority import Power
from ledger.core.event import EventType, certificate_subject, instrument_subject
from ledger.core.ids import KeyId, LeafIndex, Subject
from ledger.core.powers import NoEffectError, check_institution, check_power, check_version
from ledger.core.statement import Conclusion, IssueClaims, SignedStatement, Statement
from ledger.core.status import Effect, IssueSubjects, Registers, StateView, Status, SubjectState


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
"""The acts on certificates; what was withdrawn stays withdrawn. REVERIFY_NEEDED is about the instrument."""

INSTITUTION_ACTS: Final = frozenset({EventType.WITHDRAW, EventType.SUSPEND, EventType.REVERIFY_NEEDED})
"""What an institution may do to its own certificates and the instruments that they are the newest of."""

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
) -> Effect:
    """Return what an issue does.

    Raises:
        NoEffectError: nothing; with the reason.
    """
    institution = check_institution(statement.issuer, key_id, index, registers)
    document = certificate_subject(institution.id, claims.number)
    if view(document) is not None:
        raise NoEffectError(f"number {claims.number} is taken")
    subject = instrument_subject(claims.instrument_id, claims.part)
    before = view(subject)
    check_version(statement, before)
    status = Status.VALID if claims.conclusion is Conclusion.PASS else Status.FAILED
    after = SubjectState(status, statement.expected_version + 1, index, index)
    prev = None if before is None else before.last_event
    return Effect(subject, prev, {subject: after, document: SubjectState(status, 1, index, index)})


def judge_act(
    statement: Statement, act: Act, index: LeafIndex, view: StateView, issues: IssueSubjects
) -> Effect:
    """Return what an act does, provided that who speaks may; raises as `judge_issue`."""
    certificate, instrument = _find_named(act, view, issues)
    check_version(statement, instrument)
    is_current = instrument.current_certificate == certificate.current_certificate
    changes: dict[Subject, SubjectState] = {}
    if statement.type is EventType.REVERIFY_NEEDED:
        if not is_current:
            raise NoEffectError(f"certificate {act.number} is not the newest of its instrument")
        failed = instrument.status is Status.FAILED
        status = Status.FAILED if failed else Status.NEEDS_REVERIFICATION
    else:
        after = _find_status_after(statement.type, act, certificate.status)
        changes[act.certificate] = _follow(certificate, after, index)
        keeps = not is_current or instrument.status is Status.NEEDS_REVERIFICATION
        status = instrument.status if keeps else after
    changes[act.subject] = _follow(instrument, status, index)
    return Effect(act.subject, instrument.last_event, changes)


def _find_named(act: Act, view: StateView, issues: IssueSubjects) -> tuple[SubjectState, SubjectState]:
    """Return the states of certificate and instrument that an act names, if they belong together."""
    certificate, instrument = view(act.certificate), view(act.subject)
    if certificate is None or certificate.current_certificate is None:
        raise NoEffectError(f"institution {act.issuer} has no certificate {act.number}")
    if instrument is None or issues(certificate.current_certificate) != act.subject:
        raise NoEffectError(f"certificate {act.number} is about another instrument")
    return certificate, instrument


def _find_status_after(event_type: EventType, act: Act, before: Status) -> Status:
    transition = TRANSITIONS[event_type]
    if before not in transition.before:
        raise NoEffectError(
            f"certificate {act.number} is {before.name}: {event_type.name} does not follow that"
        )
    return transition.after


def _follow(before: SubjectState, status: Status, index: LeafIndex) -> SubjectState:
    return SubjectState(status, before.version + 1, index, before.current_certificate)


def check_actor(
    signed: SignedStatement, act: Act, index: LeafIndex, sequenced_at: datetime, registers: Registers
) -> None:
    """Require that who speaks may do this to certificates of this institution."""
    statement = signed.statement
    by_authority = statement.issuer in registers.authorities
    if statement.type not in (AUTHORITY_ACTS if by_authority else INSTITUTION_ACTS):
        who = "an authority" if by_authority else "an institution"
        raise NoEffectError(f"{statement.type.name} is not for {who}")
    if by_authority:
        issuer = registers.institutions.get(act.issuer)
        if issuer is None:
            raise NoEffectError(f"institution {act.issuer} is not registered")
        check_power(signed, Power.CERTIFICATE, [issuer.division], index, sequenced_at, registers)
    else:
        check_institution(signed.statement.issuer, signed.key_id, index, registers)
        if statement.issuer != act.issuer:
            raise NoEffectError(f"certificate {act.number} is of {act.issuer}, not of {statement.issuer}")
    fault = find_decision_fault(statement.type, act, by_authority=by_authority)
    if fault is not None:
        raise NoEffectError(fault)
