"""Stickers at the desk: rolls are allotted, stickers put on instruments, and released from them.

What fails bears no sticker: none is put on it, and after a rejection notice, by whichever institution, the desk's
own stickers on that instrument are released. A new sticker on an instrument releases the one before.

>>> roll = desk.allot(1000)
>>> desk.bind(compute_sticker_id(roll, 0), instrument_id, None).leaf_index
17
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Final

from issuer.amending import ActLog, check_not_later, cut_to_milliseconds
from issuer.saying_store import Saying, SayingStore
from issuer.signing import Randomness, Seal
from issuer.speaking import Speaker, read_content
from issuer.store import Database
from issuer.tables import DocumentState
from ledger.core.errors import StateError, UnavailableError
from ledger.core.event import EventType, instrument_subject, roll_subject, sticker_subject
from ledger.core.ids import InstitutionId, InstrumentId, Subject
from ledger.core.qr import spell_symbols
from ledger.core.register_fields import RegisterState
from ledger.core.status import Status
from ledger.core.sticker import (
    MAX_STICKERS,
    ROLL_SYMBOLS,
    SEED_BYTES,
    RollContent,
    StickerId,
    encode_roll_content,
    parse_roll_content,
)
from ledger.core.sticker_use import (
    StickerBinding,
    StickerReason,
    StickerRelease,
    encode_binding,
    encode_release,
    parse_binding,
)

_ROLL_BYTES: Final = 5
_CHUNK: Final = 1000


class StickerDesk:
    """The stickers of one institution."""

    def __init__(self, speaker: Speaker) -> None:
        """Take who speaks for the institution."""
        self._speaker = speaker

    # --- rolls ------------------------------------------------------------------------------------------------

    def allot(self, count: int) -> RollContent:
        """Allot a new roll of so many stickers to the institution, and return it.

        Raises:
            StateError: no roll has so many, or the log refuses it.
            UnavailableError: the log is out of reach: what was signed waits, see `finish`.
        """
        if not 1 <= count <= MAX_STICKERS:
            raise StateError(
                f"a roll has 1 to {MAX_STICKERS} stickers, not {count}",
                zh=f"每卷为1至{MAX_STICKERS}枚，不能为{count}枚",
            )
        number = int.from_bytes(self._speaker.randomness(_ROLL_BYTES))
        roll = RollContent(
            spell_symbols(number, ROLL_SYMBOLS),
            InstitutionId(self._speaker.institution),
            count,
            self._speaker.randomness(SEED_BYTES),
            RegisterState.ACTIVE,
        )
        self._speaker.say(EventType.STICKER_ALLOTTED, roll_subject(roll.roll), encode_roll_content(roll))
        return roll

    def withdraw(self, code: str) -> RollContent:
        """Withdraw what is left of a roll (lost, damaged): none of its stickers is bound any more.

        Raises:
            StateError: the desk has not allotted this roll, or the log refuses it.
            UnavailableError: the log is out of reach: ask the same again.
        """
        known = self._speaker.finish(roll_subject(code))
        if known is None or known.type is not EventType.STICKER_ALLOTTED:
            raise StateError(f"this desk has allotted no roll {code}", zh=f"本机构未发放过卷号{code}")
        roll = parse_roll_content(read_content(known))
        if roll.state is RegisterState.WITHDRAWN:
            return roll
        roll = replace(roll, state=RegisterState.WITHDRAWN)
        self._speaker.say(EventType.STICKER_ALLOTTED, roll_subject(code), encode_roll_content(roll))
        return roll

    def list_rolls(self) -> list[RollContent]:
        """Return the rolls that were allotted here, oldest first, as they stand now."""
        known = self._speaker.store.list_newest(EventType.STICKER_ALLOTTED)
        return [parse_roll_content(read_content(saying)) for saying in known]

    # --- stickers ---------------------------------------------------------------------------------------------

    def bind(
        self,
        sticker: StickerId,
        instrument_id: InstrumentId,
        part: str | None,
        put_on: datetime | None = None,
    ) -> Saying:
        """Say that a sticker was put on an instrument or a part; what stood there before is released.

        The same again changes nothing.

        Args:
            sticker: of a roll of this institution.
            instrument_id: 16 bytes.
            part: of the instrument.
            put_on: when, aware UTC; None: now.

        Raises:
            InputError: it was put on in the future.
            StateError: it stands on another instrument, what it is put on has failed, or the log refuses it.
            UnavailableError: the log is out of reach: ask the same again.
        """
        now = self._speaker.clock()
        check_not_later(put_on, now)
        binding = StickerBinding(sticker, instrument_id, part, cut_to_milliseconds(put_on or now))
        known = self._speaker.finish(binding.subject)
        bound = None if known is None else _find_binding(known)
        if known is not None and bound is not None:
            if (bound.instrument_id, bound.part) != (instrument_id, part):
                raise StateError(
                    f"sticker {sticker} stands on another instrument: unbind it first",
                    zh=f"标志{sticker}仍在其他器具上，请先解除绑定",
                )
            self._release_older(bound)
            return known
        if self._find_failed(_list_subjects(binding)):
            raise StateError(
                "what fails bears no sticker: it has failed, and has not been verified again",
                zh="检定不合格且尚未重新检定合格，不得粘贴合格标志",
            )
        content = encode_binding(binding)
        said = self._speaker.say(EventType.STICKER_BOUND, binding.subject, content, binding.placement)
        self._release_older(binding)
        return said

    def _release_older(self, newest: StickerBinding) -> None:
        """Release whatever else stands where a sticker was put."""
        for older in list_standing(self._speaker.store, newest.placement):
            if older.sticker != newest.sticker:
                self.release(older.sticker, StickerReason.REPLACED)

    def release(self, sticker: StickerId, reason: StickerReason, since: datetime | None = None) -> Saying:
        """Say that a sticker stands on its instrument no longer; the same again changes nothing.

        Raises:
            InputError: that is to hold from a later time on.
            StateError: the desk has bound no such sticker, or the log refuses it.
            UnavailableError: the log is out of reach: ask the same again.
        """
        now = self._speaker.clock()
        check_not_later(since, now)
        known = self._speaker.finish(sticker_subject(sticker))
        if known is not None and known.type is EventType.STICKER_UNBOUND:
            return known
        bound = None if known is None else _find_binding(known)
        if bound is None:
            raise StateError(f"this desk has bound no sticker {sticker}", zh=f"本机构未启用过标志{sticker}")
        release = StickerRelease(replace(bound, effective_at=cut_to_milliseconds(since or now)), reason)
        return self._speaker.say(EventType.STICKER_UNBOUND, release.subject, encode_release(release))

    def release_failed(self) -> Iterator[StickerId]:
        """Release every sticker of an instrument, or a part, that has failed; yield each that was.

        One whose release the log refuses, as an authority has taken it off, keeps no other from its release.

        Raises:
            UnavailableError: the log is out of reach: ask the same again.
        """
        for sticker in self.find_on_failed():
            try:
                self.release(sticker, StickerReason.VERIFICATION_FAILED)
            except StateError:
                continue
            yield sticker

    def find_on_failed(self) -> list[StickerId]:
        """Return every sticker that stands on an instrument, or a part, that has failed.

        Raises:
            UnavailableError: the log is out of reach.
        """
        bound = self.list_bound()
        failed = self._find_failed({subject for binding in bound for subject in _list_subjects(binding)})
        return [binding.sticker for binding in bound if failed.intersection(_list_subjects(binding))]

    def list_bound(self) -> list[StickerBinding]:
        """Return the stickers that stand on instruments now, in the order in which they were put on."""
        known = self._speaker.store.list_newest(EventType.STICKER_BOUND)
        return [parse_binding(read_content(saying)) for saying in known]

    def finish(self) -> int:
        """Hand in what waits from earlier runs, release what newer stickers have replaced; return how many waited.

        What the log refuses keeps nothing else from being handed in or released.

        Raises:
            UnavailableError: the log is out of reach: ask the same again.
        """
        waiting = self._speaker.store.list_waiting()
        for saying in waiting:
            self._speaker.finish(saying.subject)
        bound = self.list_bound()
        newest = {binding.placement: binding.sticker for binding in bound}
        for binding in bound:
            if newest[binding.placement] != binding.sticker:
                with suppress(StateError):
                    self.release(binding.sticker, StickerReason.REPLACED)
        return len(waiting)

    def _find_failed(self, subjects: Iterable[Subject]) -> set[Subject]:
        listed, failed = sorted(subjects), set[Subject]()
        for begin in range(0, len(listed), _CHUNK):
            chunk: Sequence[Subject] = listed[begin : begin + _CHUNK]
            states = self._speaker.log.find_states(chunk)
            failed |= {subject for subject, state in states.items() if state.status is Status.FAILED}
        return failed


def release_from_failed(
    database: Database,
    log: ActLog,
    make_seal: Callable[[], Seal],
    clock: Callable[[], datetime],
    randomness: Randomness,
) -> list[StickerId]:
    """Release the desk's stickers from what has failed, after documents were issued; return which.

    What waits from earlier runs is handed in first. Where the ledger is out of reach, or does not take a release,
    the next issue asks again: until then the sticker shows all the same that its instrument has failed.
    """
    sayings, released = SayingStore(database), list[StickerId]()
    sayings.prepare()
    desk = StickerDesk(Speaker(sayings, log, make_seal, clock, randomness))
    with suppress(UnavailableError):
        desk.finish()
        released.extend(desk.release_failed())
    return released


def find_bound(sayings: SayingStore, sticker: StickerId) -> StickerBinding | None:
    """Return where a sticker stands, by what this desk has said; None: nowhere."""
    known = sayings.find_newest(sticker_subject(sticker))
    return None if known is None else _find_binding(known)


def list_standing(sayings: SayingStore, placement: Subject) -> list[StickerBinding]:
    """Return the stickers that stand in a place, by what this desk has said: one, but for a moment."""
    known = (sayings.find_newest(subject) for subject in sayings.list_at(placement))
    bound = (None if one is None else _find_binding(one) for one in known)
    return [one for one in bound if one is not None and one.placement == placement]


def _list_subjects(binding: StickerBinding) -> set[Subject]:
    """Return whose failing takes a sticker off: what it stands on, and the whole that this is a part of."""
    return {binding.instrument, instrument_subject(binding.instrument_id, None)}


def _find_binding(saying: Saying) -> StickerBinding | None:
    is_bound = saying.type is EventType.STICKER_BOUND and saying.state is not DocumentState.VOIDED
    return parse_binding(read_content(saying)) if is_bound else None
