"""The fold: what every leaf does to the state of its subjects, and who may do it.

An event takes effect only if its key is registered and active at its own index, its signer has the power for
it, and the subject's version is the one it expects. Any other well-formed leaf is VOID: it stays provable and
changes nothing. The fold is a pure function of the leaves in their order, so that replaying gives the same
states everywhere. `fold_documents`, `fold_lots`, `fold_links`, `fold_stickers`, `fold_reports`, `fold_sites` and
`fold_registers` hold what each kind of event does, `powers` who may.

>>> outcome = judge_event(signed, index, sequenced_at, registers, view)
>>> isinstance(outcome, Effect)
True
"""

from contextlib import suppress
from datetime import datetime

from ledger.core.act import Act
from ledger.core.act_content import ActContent, parse_act_content
from ledger.core.entry import NO_CERTIFICATE, LeafHeader
from ledger.core.errors import BrokenSignatureError, InputError
from ledger.core.event import (
    EventType,
    SubjectKind,
    certificate_subject,
    compute_subject,
    instrument_subject,
    lot_subject,
)
from ledger.core.fold_documents import check_actor, judge_act, judge_issue
from ledger.core.fold_links import check_linker, judge_same_as, judge_split, spread
from ledger.core.fold_lots import judge_lot
from ledger.core.fold_registers import judge_register
from ledger.core.fold_reports import judge_report
from ledger.core.fold_sites import judge_pledge, judge_site
from ledger.core.fold_stickers import judge_binding, judge_registration, judge_release
from ledger.core.ids import Digest, InstitutionId, LeafIndex, Subject
from ledger.core.link import SameAs, Split
from ledger.core.lot import LotContent
from ledger.core.pledge import PledgeContent
from ledger.core.powers import NoEffectError, refuse_acts
from ledger.core.register_content import parse_content
from ledger.core.register_subject import list_register_subjects
from ledger.core.registration import InstrumentContent
from ledger.core.report import ReportContent
from ledger.core.site import SiteContent
from ledger.core.statement import (
    ActClaims,
    IssueClaims,
    RegisterClaims,
    SignedStatement,
    Statement,
    verify_statement,
)
from ledger.core.status import Effect, IssueSubjects, Registers, StateView, Status, VerifyStatement, Void
from ledger.core.sticker_use import StickerBinding, StickerRelease


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
                key_id = signed.key_id
                effect = judge_issue(statement, claims, key_id, index, registers, view, issues)
                return spread(effect, view, registers)
            case ActClaims() as claims:
                content = parse_act_content(statement.type, claims.content)
                return _judge_content(signed, content, index, sequenced_at, registers, view, issues)
            case RegisterClaims() as claims:
                return judge_register(signed, claims, index, sequenced_at, registers, view)
    except (NoEffectError, InputError, BrokenSignatureError) as err:
        return Void(find_subject(statement), str(err))


def _judge_content(
    signed: SignedStatement,
    content: ActContent,
    index: LeafIndex,
    sequenced_at: datetime,
    registers: Registers,
    view: StateView,
    issues: IssueSubjects,
) -> Effect:
    statement = signed.statement
    match content:
        case Act():
            check_actor(signed, content, index, sequenced_at, registers)
            return spread(judge_act(statement, content, index, view, issues), view, registers)
        case LotContent():
            return judge_lot(signed, content, index, sequenced_at, registers, view)
        case SameAs():
            check_linker(signed, content, index, sequenced_at, registers)
            return judge_same_as(statement, content, index, view, issues, registers)
        case Split():
            check_linker(signed, content, index, sequenced_at, registers)
            return judge_split(statement, content, index, view, issues, registers)
        case InstrumentContent():
            return judge_registration(signed, content, index, view, registers)
        case StickerBinding():
            return judge_binding(signed, content, index, view, registers)
        case StickerRelease():
            return judge_release(signed, content, index, sequenced_at, view, registers)
        case ReportContent():
            return judge_report(signed, content, index, sequenced_at, view, registers)
        case SiteContent() | PledgeContent():
            return _judge_place(signed, content, index, registers, view)


def _judge_place(
    signed: SignedStatement,
    content: SiteContent | PledgeContent,
    index: LeafIndex,
    registers: Registers,
    view: StateView,
) -> Effect:
    if isinstance(content, SiteContent):
        return judge_site(signed, content, index, view, registers)
    return judge_pledge(signed, content, index, view, registers)


def find_subject(statement: Statement) -> Subject:
    """Return the subject that a leaf's header names for this statement.

    An act or a register statement whose content cannot be read is about nothing but that content.
    """
    claims = statement.claims
    if isinstance(claims, IssueClaims):
        return instrument_subject(claims.instrument_id, claims.part)
    try:
        if isinstance(claims, ActClaims):
            return parse_act_content(statement.type, claims.content).subject
        return list_register_subjects(parse_content(statement.type, claims.content))[0]
    except InputError:
        return compute_subject(SubjectKind.UNREADABLE, claims.content)


def list_touched(statement: Statement) -> tuple[Subject, ...]:
    """Return the subjects on which a statement bears, its own first, and a document's certificate second.

    A document bears on its instrument, or the part of it, on itself, on what it replaces and on its lot; an act on
    a document on the instrument and that document. Instruments that are the same as others are left out: that is
    for the fold to know.
    """
    claims, own = statement.claims, find_subject(statement)
    if isinstance(claims, IssueClaims):
        issuer = InstitutionId(statement.issuer)
        numbers = [claims.number, *([] if claims.predecessor is None else [claims.predecessor])]
        lots = [] if claims.lot is None else [lot_subject(issuer, claims.lot)]
        return own, *(certificate_subject(issuer, number) for number in numbers), *lots
    if isinstance(claims, ActClaims):
        with suppress(InputError):
            return own, *_list_others(parse_act_content(statement.type, claims.content))
    if isinstance(claims, RegisterClaims):
        with suppress(InputError):
            return list_register_subjects(parse_content(statement.type, claims.content))
    return (own,)


def list_changed(statement: Statement) -> tuple[Subject, ...]:
    """Return the subjects that a statement surely changes if it takes effect, its own first.

    Instruments that are the same as its own change too, which is for the fold to know.
    """
    touched = list_touched(statement)
    if isinstance(statement.claims, IssueClaims):
        return touched if statement.claims.lot is None else touched[:-1]
    match statement.type:
        case EventType.REVERIFY_NEEDED | EventType.OPENED_FOR_REPAIR | EventType.STICKER_UNBOUND:
            return touched[:1]
        case EventType.INSTRUMENT_SAME_AS:
            return touched[0], touched[2]
        case EventType.INSTRUMENT_SPLIT:
            return touched[0], *touched[2:]
        case _:
            return touched


def _list_others(content: ActContent) -> tuple[Subject, ...]:
    """Return the subjects beside its own that a content names."""
    match content:
        case Act():
            return (content.certificate,)
        case LotContent() | InstrumentContent() | SiteContent() | PledgeContent():
            return ()
        case StickerBinding():
            return (content.placement,)
        case StickerRelease():
            return (content.binding.placement,)
        case ReportContent():
            return content.subjects[1:]
        case SameAs():
            return content.instrument.certificate, content.other.subject, content.other.certificate
        case Split():
            part = content.instrument.part
            others = (instrument_subject(instrument_id, part) for instrument_id in content.into)
            return content.instrument.certificate, *others


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
