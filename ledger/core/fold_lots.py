"""The fold of lots: what is said of a lot as a whole, and by whom.

>>> judge_lot(statement, content, index, view).state.status
<Status.FAILED: 2>
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from ledger.core.act import find_decision_fault
from ledger.core.authority import Trade
from ledger.core.ids import LeafIndex
from ledger.core.lot import LotContent, LotStatus
from ledger.core.powers import (
    NoEffectError,
    check_decider,
    check_institution,
    check_own,
    check_version,
    require_trade,
)
from ledger.core.statement import SignedStatement
from ledger.core.status import Effect, Registers, StateView, Status, SubjectState

_STANDING: Final = frozenset({Status.VALID})
_OPEN: Final = frozenset({Status.VALID, Status.SUSPENDED})

INSTITUTION_LOTS: Final[Mapping[LotStatus, frozenset[Status]]] = {
    LotStatus.FAILED: _OPEN,
    LotStatus.SUSPENDED: _STANDING,
    LotStatus.WITHDRAWN: frozenset({Status.VALID, Status.FAILED, Status.SUSPENDED}),
}
"""What an institution may say of its own lot, and from which statuses; a lot of which nothing was said is VALID."""

AUTHORITY_LOTS: Final[Mapping[LotStatus, frozenset[Status]]] = {
    LotStatus.FAILED: _OPEN,
    LotStatus.SUSPENDED: _STANDING,
    LotStatus.CANCELLED: _OPEN,
    LotStatus.VALID: frozenset({Status.SUSPENDED, Status.CANCELLED}),
}
"""What an authority may say of the lots of the institutions in its region."""

_STATUSES: Final = {
    LotStatus.VALID: Status.VALID,
    LotStatus.FAILED: Status.FAILED,
    LotStatus.SUSPENDED: Status.SUSPENDED,
    LotStatus.WITHDRAWN: Status.WITHDRAWN,
    LotStatus.CANCELLED: Status.CANCELLED,
}


def judge_lot(
    signed: SignedStatement,
    content: LotContent,
    index: LeafIndex,
    sequenced_at: datetime,
    registers: Registers,
    view: StateView,
) -> Effect:
    """Return what is said of a lot.

    Raises:
        NoEffectError: who speaks may not say it, or not now; with the reason.
    """
    before = view(content.subject)
    check_version(signed.statement, before)
    allowed = _check_speaker(signed, content, index, sequenced_at, registers)
    status = Status.VALID if before is None else before.status
    if status not in allowed:
        raise NoEffectError(
            f"lot {content.number} is {status.name}: {content.status.name} does not follow that"
        )
    state = SubjectState(_STATUSES[content.status], signed.statement.expected_version + 1, index, None)
    return Effect(content.subject, None if before is None else before.last_event, {content.subject: state})


def _check_speaker(
    signed: SignedStatement,
    content: LotContent,
    index: LeafIndex,
    sequenced_at: datetime,
    registers: Registers,
) -> frozenset[Status]:
    """Return the statuses from which who speaks may say this."""
    statement, by_authority = signed.statement, signed.statement.issuer in registers.authorities
    if by_authority:
        check_decider(signed, [content.issuer], index, sequenced_at, registers)
    else:
        speaker = check_institution(statement.issuer, signed.key_id, index, registers)
        require_trade(speaker, Trade.VERIFICATION)
        check_own(statement, content.issuer, f"lot {content.number}")
    fault = find_decision_fault(
        statement.type,
        content.decision,
        by_authority=by_authority,
        is_adverse=content.status is not LotStatus.VALID,
    )
    if fault is not None:
        raise NoEffectError(fault)
    ways = AUTHORITY_LOTS if by_authority else INSTITUTION_LOTS
    if content.status not in ways:
        who = "an authority" if by_authority else "an institution"
        raise NoEffectError(f"{content.status.name} is not for {who} to say of a lot")
    return ways[content.status]
