"""The fold of reports: any active authority may say which it has taken, each once and for ever.

No power is asked for. What is logged are digests, which decide nothing; so whoever answers the telephone for an
authority may have a key that can do nothing else.

>>> judge_report(signed, content, index, sequenced_at, view, registers).state.status
<Status.ACTIVE: 16>
"""

from datetime import datetime

from ledger.core.ids import LeafIndex
from ledger.core.powers import NoEffectError, check_period, check_version, find_authority
from ledger.core.report import ReportContent
from ledger.core.statement import SignedStatement
from ledger.core.status import Effect, Registers, StateView, Status, SubjectState


def judge_report(
    signed: SignedStatement,
    content: ReportContent,
    index: LeafIndex,
    sequenced_at: datetime,
    view: StateView,
    registers: Registers,
) -> Effect:
    """Return what it does that an authority has taken reports: each is known from now on, and never changes.

    Raises:
        NoEffectError: who speaks is no active authority, or one of the reports was taken before.
    """
    authority = find_authority(signed, index, registers)
    check_period(authority, sequenced_at.date())
    check_version(signed.statement, view(content.subject))
    for digest, subject in zip(content.digests, content.subjects, strict=True):
        before = view(subject)
        if before is not None:
            raise NoEffectError(f"report {digest.hex()} was taken in leaf {before.last_event}")
    state = SubjectState(Status.ACTIVE, 1, index, None)
    return Effect(content.subject, None, dict.fromkeys(content.subjects, state))
