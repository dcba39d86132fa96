"""The fold of links: what follows when registrations of instruments turn out to be one, or several.

Instruments that are the same share one state from then on: that of the newest certificate of both, unless the
other has failed, or must be verified again, since then. After a split nobody knows which instrument a document
is about, so that every one of them must be verified again. What changes is listed in one order, by subject: a
batch's row of replaced states keeps that order, and whoever replays the log must come to the same bytes.

>>> judge_same_as(statement, content, index, view, issues, registers).changes[content.other.subject].status
<Status.VALID: 1>
"""

from datetime import datetime

from ledger.core.act import find_decision_fault
from ledger.core.authority import Trade
from ledger.core.event import instrument_subject
from ledger.core.fold_documents import find_named, require_verification
from ledger.core.ids import InstitutionId, LeafIndex, Subject
from ledger.core.link import SameAs, Split
from ledger.core.powers import (
    NoEffectError,
    check_decider,
    check_institution,
    check_own,
    check_version,
    require_trade,
)
from ledger.core.statement import SignedStatement, Statement
from ledger.core.status import Effect, IssueSubjects, Registers, StateView, Status, SubjectState


def check_linker(
    signed: SignedStatement,
    content: SameAs | Split,
    index: LeafIndex,
    sequenced_at: datetime,
    registers: Registers,
) -> None:
    """Require an authority over everything that is named, or the institution that issued all of it."""
    statement, issuers = signed.statement, _list_issuers(content)
    by_authority = statement.issuer in registers.authorities
    if by_authority:
        check_decider(signed, issuers, index, sequenced_at, registers)
    else:
        speaker = check_institution(statement.issuer, signed.key_id, index, registers)
        require_trade(speaker, Trade.VERIFICATION)
        for issuer in issuers:
            check_own(statement, issuer, "a certificate that is named")
    fault = find_decision_fault(
        statement.type, content.decision, by_authority=by_authority, is_adverse=isinstance(content, Split)
    )
    if fault is not None:
        raise NoEffectError(fault)


def _list_issuers(content: SameAs | Split) -> list[InstitutionId]:
    others = [content.other.issuer] if isinstance(content, SameAs) else []
    return [content.instrument.issuer, *others]


def judge_same_as(
    statement: Statement,
    content: SameAs,
    index: LeafIndex,
    view: StateView,
    issues: IssueSubjects,
    registers: Registers,
) -> Effect:
    """Return what follows when two instruments are one.

    Raises:
        NoEffectError: nothing; with the reason.
    """
    first, second = content.instrument.subject, content.other.subject
    _, instrument = find_named(content.instrument, view, issues)
    _, other = find_named(content.other, view, issues)
    check_version(statement, instrument)
    if second in registers.twins.get(first, ()):
        raise NoEffectError("the two are known to be the same")
    group = (
        {first, second} | registers.twins.get(first, frozenset()) | registers.twins.get(second, frozenset())
    )
    joint = _join(instrument, other)
    changes = {subject: _take_over(view(subject), joint, index) for subject in sorted(group)}
    return Effect(first, instrument.last_event, changes, lambda target: apply_link(target, content))


def _join(one: SubjectState, other: SubjectState) -> SubjectState:
    """Return the state, of two, that holds of both."""
    newest, older = sorted((one, other), key=_get_newest_certificate, reverse=True)
    has_changed_since = older.last_event > _get_newest_certificate(newest)
    if has_changed_since and older.status in {Status.FAILED, Status.NEEDS_REVERIFICATION}:
        status = require_verification(newest.status)
        return SubjectState(status, newest.version, newest.last_event, newest.current_certificate)
    return newest


def _get_newest_certificate(state: SubjectState) -> int:
    return -1 if state.current_certificate is None else state.current_certificate


def _take_over(before: SubjectState | None, joint: SubjectState, index: LeafIndex) -> SubjectState:
    version = 1 if before is None else before.version + 1
    return SubjectState(joint.status, version, index, joint.current_certificate)


def judge_split(
    statement: Statement,
    content: Split,
    index: LeafIndex,
    view: StateView,
    issues: IssueSubjects,
    registers: Registers,
) -> Effect:
    """Return what follows when one instrument is several; raises as `judge_same_as`."""
    subject, part = content.instrument.subject, content.instrument.part
    _, instrument = find_named(content.instrument, view, issues)
    check_version(statement, instrument)
    into = {instrument_subject(instrument_id, part) for instrument_id in content.into}
    touched = {subject} | registers.twins.get(subject, frozenset()) | into
    changes = {item: _doubt(view(item), index) for item in sorted(touched)}
    return Effect(subject, instrument.last_event, changes, lambda target: apply_link(target, content))


def _doubt(before: SubjectState | None, index: LeafIndex) -> SubjectState:
    if before is None:
        return SubjectState(Status.NEEDS_REVERIFICATION, 1, index, None)
    status = require_verification(before.status)
    return SubjectState(status, before.version + 1, index, before.current_certificate)


def apply_link(registers: Registers, content: SameAs | Split) -> None:
    """Remember which instruments are the same, after a link that has taken effect."""
    subject = content.instrument.subject
    if isinstance(content, SameAs):
        _join_twins(registers.twins, subject, content.other.subject)
    else:  # none of it is sure any more
        for twin in registers.twins.pop(subject, frozenset()):
            registers.twins.pop(twin, None)


def _join_twins(twins: dict[Subject, frozenset[Subject]], first: Subject, second: Subject) -> None:
    group = {first, second} | twins.get(first, frozenset()) | twins.get(second, frozenset())
    for subject in group:
        twins[subject] = frozenset(group - {subject})


def spread(effect: Effect, view: StateView, registers: Registers) -> Effect:
    """Return an event's effect with what it does to the instruments that are the same as its own."""
    twins = registers.twins.get(effect.subject)
    if not twins:
        return effect
    state, changes = effect.state, dict(effect.changes)
    for twin in sorted(twins):
        changes[twin] = _take_over(view(twin), state, state.last_event)
    return Effect(effect.subject, effect.prev, changes, effect.apply)
