"""The fold of registrations and stickers: who may register an instrument, bind a sticker and release it.

The place for a sticker on an instrument is a subject of its own, which every binding touches. Its last event is the
newest binding there: a sticker whose own last event is another one has been replaced. A release ends the place,
too, if the sticker that is released is the newest.

>>> judge_binding(signed, content, index, view, registers).changes[content.subject].status
<Status.ACTIVE: 16>
"""

from datetime import datetime

from ledger.core.act import find_decision_fault
from ledger.core.authority import Trade
from ledger.core.ids import InstitutionId, LeafIndex, Subject
from ledger.core.powers import (
    NoEffectError,
    check_decider,
    check_institution,
    check_own,
    check_version,
    require_trade,
)
from ledger.core.register_fields import RegisterState
from ledger.core.registration import InstrumentContent
from ledger.core.statement import SignedStatement
from ledger.core.status import Effect, Registers, StateView, Status, SubjectState
from ledger.core.sticker import RollContent, StickerId, find_roll, is_of_roll
from ledger.core.sticker_use import StickerBinding, StickerRelease


def judge_registration(
    signed: SignedStatement,
    content: InstrumentContent,
    index: LeafIndex,
    view: StateView,
    registers: Registers,
) -> Effect:
    """Return what a registration of an instrument does: it is the newest, and nothing else changes.

    Raises:
        NoEffectError: who speaks is no active verification institution, or does not know the newest version.
    """
    _require_verifier(signed, index, registers)
    before = view(content.subject)
    check_version(signed.statement, before)
    return _build_effect(content.subject, before, {content.subject: _follow(before, Status.ACTIVE, index)})


def judge_binding(
    signed: SignedStatement, content: StickerBinding, index: LeafIndex, view: StateView, registers: Registers
) -> Effect:
    """Return what a binding does; raises as `judge_registration`, and if the sticker is not this institution's."""
    _require_verifier(signed, index, registers)
    roll = _find_roll(content.sticker, registers)
    check_own(signed.statement, roll.institution, f"roll {roll.roll}")
    if roll.state is not RegisterState.ACTIVE:
        raise NoEffectError(f"roll {roll.roll} is {roll.state.value}: none of its stickers is bound any more")
    before = view(content.subject)
    check_version(signed.statement, before)
    if before is not None and before.status is Status.ACTIVE:
        raise NoEffectError(
            f"sticker {content.sticker} stands on an instrument since leaf {before.last_event}"
        )
    changes = {
        content.subject: _follow(before, Status.ACTIVE, index),
        content.placement: _follow(view(content.placement), Status.ACTIVE, index),
    }
    return _build_effect(content.subject, before, changes)


def judge_release(
    signed: SignedStatement,
    content: StickerRelease,
    index: LeafIndex,
    sequenced_at: datetime,
    view: StateView,
    registers: Registers,
) -> Effect:
    """Return what a release does; raises as `judge_binding`, and if the sticker is not bound."""
    binding = content.binding
    _check_releaser(signed, content, index, sequenced_at, registers)
    before, placed = view(content.subject), view(binding.placement)
    check_version(signed.statement, before)
    if before is None or before.status is not Status.ACTIVE:
        raise NoEffectError(f"sticker {binding.sticker} stands on no instrument")
    if placed is None or placed.last_event < before.last_event:
        raise NoEffectError(f"sticker {binding.sticker} stands on another instrument")
    changes = {content.subject: _follow(before, Status.INACTIVE, index)}
    if placed.last_event == before.last_event:
        changes[binding.placement] = _follow(placed, Status.INACTIVE, index)
    return _build_effect(content.subject, before, changes)


def _require_verifier(signed: SignedStatement, index: LeafIndex, registers: Registers) -> None:
    institution = check_institution(signed.statement.issuer, signed.key_id, index, registers)
    require_trade(institution, Trade.VERIFICATION)


def _find_roll(sticker: StickerId, registers: Registers) -> RollContent:
    roll = registers.rolls.get(find_roll(sticker))
    if roll is None or not is_of_roll(sticker, roll):
        raise NoEffectError(f"sticker {sticker} was never given out")
    return roll


def _check_releaser(
    signed: SignedStatement,
    content: StickerRelease,
    index: LeafIndex,
    sequenced_at: datetime,
    registers: Registers,
) -> None:
    """Require the institution that the roll was allotted to, or an authority over it with its decision."""
    statement, roll = signed.statement, _find_roll(content.binding.sticker, registers)
    by_authority = statement.issuer in registers.authorities
    if by_authority:
        check_decider(signed, [InstitutionId(roll.institution)], index, sequenced_at, registers)
    else:
        _require_verifier(signed, index, registers)
        check_own(statement, roll.institution, f"roll {roll.roll}")
    fault = find_decision_fault(statement.type, content.decision, by_authority=by_authority, is_adverse=True)
    if fault is not None:
        raise NoEffectError(fault)


def _follow(before: SubjectState | None, status: Status, index: LeafIndex) -> SubjectState:
    return SubjectState(status, 1 if before is None else before.version + 1, index, None)


def _build_effect(
    subject: Subject, before: SubjectState | None, changes: dict[Subject, SubjectState]
) -> Effect:
    return Effect(subject, None if before is None else before.last_event, changes)
