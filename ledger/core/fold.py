"""The fold: what every leaf does to the state of its subjects, and who may do it.

An event takes effect only if its key is registered and active at its own index, its signer has the power for
it, and the subject's version is the one it expects. Any other well-formed leaf is VOID: it stays provable and
changes nothing. The fold is a pure function of the leaves in their order, so that replaying gives the same
states everywhere. `fold_documents` and `fold_registers` hold what each kind of event does, `powers` who may.

>>> outcome = judge_event(signed, index, sequenced_at, registers, view)
>>> isinstance(outcome, Effect)
True
"""

from contextlib import suppress
from datetime import datetime

from ledger.core.act import parse_act
from ledger.core.authority import parse_content
from ledger.core.entry import NO_CERTIFICATE, LeafHeader
from ledger.core.errors import BrokenSignatureError, InputError
from ledger.core.event import (
    EventType,
    SubjectKind,
    certificate_subject,
    compute_subject,
    instrument_subject,
)
from ledger.core.fold_documents import TRANSITIONS, check_actor, judge_act, judge_issue
from ledger.core.fold_registers import judge_register, register_subject
from ledger.core.ids import Digest, InstitutionId, LeafIndex, Subject
from ledger.core.powers import NoEffectError, refuse_acts
from ledger.core.statement import (
    ActClaims,
    IssueClaims,
    RegisterClaims,
    SignedStatement,
    Statement,
    verify_statement,
)
from ledger.core.status import Effect, IssueSubjects, Registers, StateView, Status, VerifyStatement, Void


def judge_signed_event(
    signed: SignedStatement,
    index: LeafIndex,
    sequenced_at: datetime,
    registers: Registers,
    view: StateView,
    issues: IssueSubjects = refuse_acts,
    verify: VerifyStatement = verify_statement,
) -> Effect | Void:
    """Verify the statement's signature and say what its leaf does at this index.

    Args:
        signed: the statement.
        index: the leaf's index; also decides which keys are active.
        sequenced_at: the header's time, aware UTC; only ever narrows an authority's period.
        registers: state after the leaves before `index`; not changed.
        view: states of instruments and certificates after the leaves before `index`.
        issues: subjects of the issues before `index`.
        verify: for who has verified signatures ahead.
    """
    known = registers.keys.get(signed.key_id)
    if signed.statement.type is EventType.ROOT:
        return judge_event(signed, index, sequenced_at, registers, view, issues)
    if known is None or registers.root is None:
        return Void(find_subject(signed.statement), "the key is not registered")
    try:
        verify(signed, known.key, registers.root.origin)
    except BrokenSignatureError as err:
        return Void(find_subject(signed.statement), str(err))
    return judge_event(signed, index, sequenced_at, registers, view, issues)


def judge_event(
    signed: SignedStatement,
    index: LeafIndex,
    sequenced_at: datetime,
    registers: Registers,
    view: StateView,
    issues: IssueSubjects = refuse_acts,
) -> Effect | Void:
    """As `judge_signed_event`, for a statement whose signature has been verified already."""
    statement = signed.statement
    try:
        match statement.claims:
            case IssueClaims() as claims:
                return judge_issue(statement, claims, signed.key_id, index, registers, view)
            case ActClaims() as claims:
                act = parse_act(claims.content)
                check_actor(signed, act, index, sequenced_at, registers)
                return judge_act(statement, act, index, view, issues)
            case RegisterClaims() as claims:
                return judge_register(signed, claims, index, sequenced_at, registers, view)
    except (NoEffectError, InputError, BrokenSignatureError) as err:
        return Void(find_subject(statement), str(err))


def find_subject(statement: Statement) -> Subject:
    """Return the subject that a leaf's header names for this statement.

    An act or a register statement whose content cannot be read is about nothing but that content.
    """
    claims = statement.claims
    if isinstance(claims, IssueClaims):
        return instrument_subject(claims.instrument_id, claims.part)
    try:
        if isinstance(claims, ActClaims):
            return parse_act(claims.content).subject
        return register_subject(parse_content(statement.type, claims.content))
    except InputError:
        return compute_subject(SubjectKind.UNREADABLE, claims.content)


def list_touched(statement: Statement) -> tuple[Subject, ...]:
    """Return every subject whose state a statement changes if it takes effect, its own first.

    A document touches its instrument, or the part of it, and itself, and so does an act on a document; a register
    event only what it registers.
    """
    claims, own = statement.claims, find_subject(statement)
    if isinstance(claims, IssueClaims):
        return own, certificate_subject(InstitutionId(statement.issuer), claims.number)
    if isinstance(claims, ActClaims) and statement.type in TRANSITIONS:
        with suppress(InputError):
            return own, parse_act(claims.content).certificate
    return (own,)


def build_header(signed: SignedStatement, outcome: Effect | Void, sequenced_at_ms: int) -> LeafHeader:
    """Return the header that the log writes before this statement, given what the fold says of it."""
    claims = signed.statement.claims
    certificate = claims.certificate_digest if isinstance(claims, IssueClaims) else NO_CERTIFICATE
    common = (len(signed.raw), Digest(certificate), signed.digest)
    if isinstance(outcome, Void):
        return LeafHeader(
            signed.statement.type, Status.VOID, sequenced_at_ms, outcome.subject, None, 0, *common
        )
    state = outcome.state
    return LeafHeader(
        signed.statement.type,
        state.status,
        sequenced_at_ms,
        outcome.subject,
        outcome.prev,
        state.version,
        *common,
    )
