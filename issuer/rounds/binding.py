"""Stickers of a round are bound once the document that the finding became is in the log.

    waiting --document logged, sticker ours and free--> bound, the one before is released
    waiting --not ours, elsewhere, taken off since, no such part, instrument failed--> refused, with the reason;
                                                                                     may be asked again
    waiting --draft given up, number void, document names another--> dropped, with the reason

The approved document decides which sticker stands on the instrument as a whole: an operator may have corrected it
in the draft. Which stand on its parts no document says: there the finding counts. Every step may be done again:
killed anywhere, or the log out of reach, the next approval goes on; a sticker that is bound already stays so, and
one that was bound there and has been taken off since is not put back.

>>> StickerBinder(office, make_seal).bind_waiting()
[StoredSticker(position=1, draft=7, sticker='7KQ2-M9X0-01RC-CF83', part=None, state='bound', leaf_index=91, ...)]
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from issuer.faults import Fault
from issuer.rounds.remarks import describe_faults, make_fault, read_faults
from issuer.rounds.store import RoundStore, StoredSticker
from issuer.saying_store import Saying, SayingStore
from issuer.signing import Seal
from issuer.signoff.office import Office, to_ms
from issuer.signoff.states import DraftState
from issuer.signoff.store import StoredDraft
from issuer.speaking import Speaker, read_content
from issuer.sticker_desk import StickerDesk, find_bound, list_standing
from issuer.store import StoredDocument
from issuer.tables import DocumentState
from ledger.core.certificate import parse_certificate
from ledger.core.errors import InputError, StateError, UnavailableError
from ledger.core.event import EventType, instrument_subject, placement_subject, sticker_subject
from ledger.core.ids import InstitutionId, InstrumentId, LeafIndex, Subject
from ledger.core.qr import format_code
from ledger.core.record import Record
from ledger.core.register_fields import RegisterState
from ledger.core.statement import Conclusion, IssueClaims, parse_signed_statement
from ledger.core.status import Registers
from ledger.core.sticker import StickerId, find_roll, is_of_roll, parse_sticker_id
from ledger.core.sticker_use import StickerBinding, StickerReason, parse_binding, parse_release

_CHUNK: Final = 256


@dataclass(frozen=True, slots=True)
class _Issued:
    """A document in the log, as far as its stickers need it."""

    instrument_id: InstrumentId
    part: str | None
    """What the document as a whole is about."""
    record: Record
    leaf_index: LeafIndex | None


@dataclass(frozen=True, slots=True)
class StickerBinder:
    """Binds the stickers of rounds for one institution; its caller holds the desk alone."""

    office: Office
    make_seal: Callable[[], Seal]

    def bind_waiting(self) -> list[StoredSticker]:
        """Bind what can be bound now; return what was settled, in order.

        What the log does not answer now goes on waiting; so does what has no document in the log yet.
        """
        rounds = RoundStore(self.office.store.database)
        if not rounds.has_stickers():
            return []
        with rounds.read() as reading:
            waiting = reading.list_waiting_stickers()
        settled = []
        try:
            registers = self.office.log.registers()
            self._sayings.prepare()
            for one in waiting:
                found = self._try(one, registers)
                if found is None:
                    continue
                self.office.failpoint("rounds.before_settling")
                with rounds.write() as writing:
                    writing.settle_sticker(found)
                self.office.failpoint("rounds.settled")
                settled.append(found)
        except UnavailableError:
            pass  # it waits, and says so
        return settled

    def _try(self, one: StoredSticker, registers: Registers) -> StoredSticker | None:
        """Return what becomes of a sticker; None: it waits for its document.

        Raises:
            UnavailableError: the log is out of reach.
        """
        with self.office.store.read() as desk:
            draft = desk.find_drafts([one.draft]).get(one.draft)
            number = None if draft is None else draft.number
            known = None if number is None else desk.find_documents([number]).get(number)
            files = None if known is None else desk.fetch(known.number)
        gone = _find_end(draft, known)
        if gone is not None:
            return _settle(one, "dropped", gone)
        if known is None or files is None or known.state is not DocumentState.LOGGED:
            return None
        claims = parse_signed_statement(files.statement).statement.claims
        if not isinstance(claims, IssueClaims):
            return None
        record = parse_certificate(files.certificate).record
        issued = _Issued(claims.instrument_id, claims.part, record, known.leaf_index)
        return self._bind(one, issued, registers)

    def _bind(self, one: StoredSticker, issued: _Issued, registers: Registers) -> StoredSticker:
        one, dropped = _choose(one, issued.record)
        if dropped is not None:
            return _settle(one, "dropped", dropped)
        if one.part is not None and all(one.part != part.id for part in issued.record.instrument.parts):
            return _settle(one, "refused", _say_no_part(one.part))
        part = issued.part if one.part is None else one.part
        if issued.record.conclusion is Conclusion.FAIL:
            return _settle(one, "refused", _FAILED)
        place = _Place(instrument_subject(issued.instrument_id, None), part)
        done = self._find_done(one, place, issued)
        if done is not None:
            return replace(one, state="bound", leaf_index=done.leaf_index, remarks={})
        when = _choose_time(one, self.office)
        fault = find_fault(one, place, registers, self.office)
        fault = fault or self._find_newer(one, placement_subject(issued.instrument_id, part), when)
        if fault is not None:
            return _settle(one, "refused", fault)
        self.office.failpoint("rounds.before_binding")
        try:
            sticker = parse_sticker_id(one.sticker)
            said = self._make_desk().bind(sticker, issued.instrument_id, part, when)
        except StateError as err:
            if self._stands(one, place):  # but an older one there could not be released
                return replace(one, state="bound", leaf_index=self._find_leaf(one), remarks={})
            zh = err.zh or f"账本未接受该标志的粘贴：{err}"
            return _settle(one, "refused", make_fault("STICKER_REFUSED", "stickers", str(err), zh))
        self.office.failpoint("rounds.bound")
        return replace(one, state="bound", leaf_index=said.leaf_index, remarks={})

    def _find_done(self, one: StoredSticker, place: "_Place", issued: _Issued) -> Saying | None:
        """Return how a sticker was bound in its place that has been taken off since: killed in between, say."""
        said, when = list[Saying](), _choose_time(one, self.office)
        with suppress(InputError):  # which `find_fault` says
            said = self._sayings.list_about(sticker_subject(parse_sticker_id(one.sticker)))
        if not said or said[-1].type is EventType.STICKER_BOUND:
            return None
        for saying in reversed(said):
            if saying.type is EventType.STICKER_BOUND:
                binding = parse_binding(read_content(saying))
                is_since = binding.effective_at >= when or _is_behind(saying.leaf_index, issued.leaf_index)
                if is_since and _find_place(binding) == place:
                    return saying
        return None

    def _find_newer(self, one: StoredSticker, placement: Subject, when: datetime) -> Fault | None:
        """Say that another sticker was put there later: one that was refused long ago does not replace it."""
        sticker = parse_sticker_id(one.sticker)
        for other in list_standing(self._sayings, placement):
            if other.sticker != sticker and other.effective_at > when:
                en = f"sticker {format_code(other.sticker)} was put there later"
                zh = f"该位置此后已粘贴标志{format_code(other.sticker)}"
                return make_fault("STICKER_OLDER", "stickers", en, zh)
        return None

    def _stands(self, one: StoredSticker, place: "_Place") -> bool:
        bound = find_bound(self._sayings, parse_sticker_id(one.sticker))
        return bound is not None and place == _find_place(bound) and self._find_leaf(one) is not None

    def _find_leaf(self, one: StoredSticker) -> int | None:
        said = self._sayings.find_newest(sticker_subject(parse_sticker_id(one.sticker)))
        return None if said is None else said.leaf_index

    @property
    def _sayings(self) -> SayingStore:
        return SayingStore(self.office.store.database)

    def _make_desk(self) -> StickerDesk:
        office = self.office
        return StickerDesk(
            Speaker(self._sayings, office.log, self.make_seal, office.clock, office.randomness)
        )


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a sticker is to stand."""

    instrument: Subject
    """As a whole."""
    part: str | None


def _choose_time(one: StoredSticker, office: Office) -> datetime:
    """Return when the sticker was put on, or now, where the device's clock was ahead."""
    return datetime.fromtimestamp(min(one.put_on_ms, to_ms(office.now())) / 1000, UTC)


def _is_behind(leaf: LeafIndex | None, other: LeafIndex | None) -> bool:
    return leaf is not None and other is not None and leaf > other


def _find_place(binding: StickerBinding) -> _Place:
    return _Place(instrument_subject(binding.instrument_id, None), binding.part)


def find_fault(
    one: StoredSticker, place: _Place | None, registers: Registers, office: Office
) -> Fault | None:
    """Return why a sticker would not be bound; None: nothing is known against it.

    Args:
        one: as it was written down.
        place: where it is to stand; None: that is not known yet.
        registers: which rolls there are.
        office: whose sticker it should be.
    """
    try:
        sticker = parse_sticker_id(one.sticker)
    except InputError as err:
        en = f"{one.sticker[:40]} is no sticker: {err.reason}"
        return make_fault("STICKER_ID", "stickers", en, f"{one.sticker[:40]}不是有效的标志编号")
    newest = SayingStore(office.store.database).find_newest(sticker_subject(sticker))
    if newest is not None and newest.type is EventType.STICKER_UNBOUND:
        release = parse_release(read_content(newest))
        if release.reason in _LASTING and release.effective_at >= _choose_time(one, office):
            return _say_taken_off(sticker, release.reason)
    bound = find_bound(SayingStore(office.store.database), sticker)
    if bound is not None:
        if place is None or _find_place(bound) == place:
            return None
        en = f"sticker {format_code(sticker)} stands on another instrument or part: release it there first"
        zh = f"标志{format_code(sticker)}已粘贴在另一器具或部位，须先解除"
        return make_fault("STICKER_ELSEWHERE", "stickers", en, zh)
    return _find_roll_fault(sticker, registers, office.profile.institution)


def _say_taken_off(sticker: StickerId, reason: StickerReason) -> Fault:
    code, (en, zh) = format_code(sticker), _LASTING[reason]
    return make_fault(
        "STICKER_TAKEN_OFF",
        "stickers",
        f"sticker {code} was taken off since, as {en}: put on another one",
        f"标志{code}此后已因{zh}解除，请换用其他标志",
    )


def _find_roll_fault(sticker: StickerId, registers: Registers, institution: InstitutionId) -> Fault | None:
    code, roll = format_code(sticker), registers.rolls.get(find_roll(sticker))
    if roll is None or not is_of_roll(sticker, roll):
        en = f"sticker {code} was never given out: no roll in the ledger has it"
        return make_fault("STICKER_UNKNOWN", "stickers", en, f"标志{code}从未发放，账本中没有该标志卷或编号")
    if roll.institution != institution:
        en = f"sticker {code} is of a roll of {roll.institution}, not of this institution"
        zh = f"标志{code}属于机构{roll.institution}的标志卷，不是本机构的"
        return make_fault("STICKER_FOREIGN", "stickers", en, zh)
    if roll.state is not RegisterState.ACTIVE:
        en = f"roll {roll.roll} was withdrawn: none of its stickers is put on any more"
        return make_fault("STICKER_WITHDRAWN", "stickers", en, f"标志卷{roll.roll}已停用，不得再粘贴")
    return None


def preview_stickers(
    office: Office, rounds: RoundStore, drafts: Iterable[StoredDraft]
) -> dict[int, list[tuple[StoredSticker, tuple[Fault, ...]]]]:
    """Return the stickers of drafts with what stands against each now, for whoever approves, by draft."""
    by_id = {draft.id: draft for draft in drafts}
    found: dict[int, list[StoredSticker]] = {}
    with rounds.read() as reading:
        ids = sorted(by_id)
        for start in range(0, len(ids), _CHUNK):
            found |= reading.find_stickers(ids[start : start + _CHUNK])
    if not found:
        return {}
    SayingStore(office.store.database).prepare()
    try:
        registers = office.log.registers()
    except UnavailableError:  # what was settled is shown all the same
        registers = None
    return {
        id_: [(one, _list_faults(one, by_id[id_], registers, office)) for one in stickers]
        for id_, stickers in found.items()
    }


def _list_faults(
    one: StoredSticker, draft: StoredDraft, registers: Registers | None, office: Office
) -> tuple[Fault, ...]:
    if one.state != "waiting" or registers is None:
        return read_faults(one.remarks, "reasons")
    place = None if draft.subject is None else _Place(draft.subject, one.part)
    fault = find_fault(one, place, registers, office)
    return () if fault is None else (fault,)


def _choose(one: StoredSticker, record: Record) -> tuple[StoredSticker, Fault | None]:
    """Return which sticker is meant, by the approved document, and why none, if it names none."""
    if one.part is not None:
        return one, None
    if record.sticker_id is None:
        return one, _NOT_NAMED
    return replace(one, sticker=record.sticker_id), None


def _find_end(draft: StoredDraft | None, document: StoredDocument | None) -> Fault | None:
    if draft is None or draft.state is DraftState.DISCARDED:
        return _GIVEN_UP
    if document is not None and document.state is DocumentState.VOIDED:
        return _VOIDED
    return None


def _say_no_part(part: str) -> Fault:
    en = f"the approved document names no part {part}: the sticker would stand on nothing"
    return make_fault("STICKER_PART", "stickers", en, f"批准的证书中没有部件{part}，标志无处可粘贴")


def _settle(one: StoredSticker, state: str, fault: Fault) -> StoredSticker:
    return replace(one, state=state, remarks={"reasons": describe_faults([fault])})


def describe_stickers(stickers: Sequence[StoredSticker]) -> list[dict[str, object]]:
    """Return what became of stickers, as programs read it."""
    return [
        {
            "draft": one.draft,
            "sticker": one.sticker,
            "state": one.state,
            "reasons": one.remarks.get("reasons", []),
            **({} if one.part is None else {"part": one.part}),
            **({} if one.leaf_index is None else {"leaf": one.leaf_index}),
        }
        for one in stickers
    ]


_LASTING: Final = {
    StickerReason.DAMAGED: ("damaged", "损坏"),
    StickerReason.LOST: ("lost", "遗失"),
    StickerReason.COPIED: ("copied", "疑似复制"),
    StickerReason.COURT_OR_AUTHORITY_ORDER: ("a court or an authority has ordered", "法院或主管部门决定"),
}
"""Reasons for which a sticker that was put on before does not come back."""
_FAILED: Final = make_fault(
    "STICKER_FAILED",
    "stickers",
    "what fails bears no sticker: take it off",
    "检定不合格，不得粘贴合格标志，请取下",
)
_GIVEN_UP: Final = make_fault("STICKER_DROPPED", "draft", "the draft was given up", "草稿已放弃")
_VOIDED: Final = make_fault("STICKER_DROPPED", "draft", "the document's number is void", "证书编号已作废")
_NOT_NAMED: Final = make_fault(
    "STICKER_DROPPED",
    "sticker_id",
    "the approved document names no one sticker",
    "批准的证书未填写唯一的标志编号",
)
