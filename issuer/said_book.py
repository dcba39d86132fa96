"""What a desk has said of instruments, rolls and stickers, as people ask for it: folded from its statements.

    free ──put on──► bound ──taken off──► released ──put on──► bound     while the roll is active
    free ──roll withdrawn──► withdrawn

What waits for the log counts as said, and is marked; what the log has refused counts as never said. Pure.

>>> book = SaidBook()
>>> book.take(saying)
>>> book.count(roll)
RollCounts(free=99, bound=1, released=0, withdrawn=0)
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from issuer.saying_store import Saying
from issuer.speaking import read_content
from issuer.tables import DocumentState
from ledger.core.event import EventType
from ledger.core.ids import InstrumentId, LeafIndex
from ledger.core.register_fields import RegisterState
from ledger.core.registration import InstrumentContent, parse_instrument_content
from ledger.core.sticker import RollContent, StickerId, find_roll, is_of_roll, parse_roll_content
from ledger.core.sticker_use import StickerBinding, StickerReason, parse_binding, parse_release

ContentT = TypeVar("ContentT")
KeyT = TypeVar("KeyT")


class StickerState(StrEnum):
    """Where a sticker is, by what was said here."""

    FREE = "free"
    """Given out with its roll, never put on."""
    BOUND = "bound"
    """On an instrument, or a part of one."""
    RELEASED = "released"
    """On nothing any more."""
    WITHDRAWN = "withdrawn"
    """Never put on, and never will be: its roll is withdrawn."""


@dataclass(frozen=True, slots=True)
class Said(Generic[ContentT]):
    """One statement of the desk, read."""

    position: int
    """In the order of signing, from 1."""
    state: DocumentState
    leaf_index: LeafIndex | None
    content: ContentT

    @property
    def waits(self) -> bool:
        """Tell whether the log has not answered yet."""
        return self.state is DocumentState.SIGNED


@dataclass(frozen=True, slots=True)
class Move:
    """A sticker was put on, or taken off."""

    binding: StickerBinding
    """Where, and since when; of a release, too."""
    reason: StickerReason | None
    """Why it was taken off; None: it was put on."""


@dataclass(frozen=True, slots=True)
class RollCounts:
    """How many stickers of a roll are where."""

    free: int
    bound: int
    released: int
    withdrawn: int


@dataclass(slots=True)
class SaidBook:
    """What one desk has said so far; mutable, owned by one reader."""

    _instruments: dict[InstrumentId, list[Said[InstrumentContent]]] = field(default_factory=dict)
    _rolls: dict[str, list[Said[RollContent]]] = field(default_factory=dict)
    _stickers: dict[StickerId, list[Said[Move]]] = field(default_factory=dict)
    _of_roll: dict[str, set[StickerId]] = field(default_factory=dict)
    _of_instrument: dict[InstrumentId, set[StickerId]] = field(default_factory=dict)

    def take(self, saying: Saying) -> None:
        """Note a statement, or what has become of one that was noted before.

        Raises:
            InputError: it is no statement about these.
        """
        raw = read_content(saying)
        if saying.type is EventType.INSTRUMENT:
            _note(self._instruments, saying, parse_instrument_content(raw), lambda content: content.id)
        elif saying.type is EventType.STICKER_ALLOTTED:
            _note(self._rolls, saying, parse_roll_content(raw), lambda content: content.roll)
        elif saying.type in {EventType.STICKER_BOUND, EventType.STICKER_UNBOUND}:
            move = _read_move(saying, raw)
            sticker, instrument_id = move.binding.sticker, move.binding.instrument_id
            _note(self._stickers, saying, move, lambda content: content.binding.sticker)
            self._of_roll.setdefault(find_roll(sticker), set()).add(sticker)
            self._of_instrument.setdefault(instrument_id, set()).add(sticker)

    # --- instruments ------------------------------------------------------------------------------------------

    def list_instruments(self) -> list[Said[InstrumentContent]]:
        """Return the newest registration of every instrument, in the order of signing."""
        return sorted((said[-1] for said in self._instruments.values()), key=lambda one: one.position)

    def list_registrations(self, instrument_id: InstrumentId) -> list[Said[InstrumentContent]]:
        """Return every registration of an instrument, oldest first."""
        return list(self._instruments.get(instrument_id, ()))

    # --- rolls ------------------------------------------------------------------------------------------------

    def list_rolls(self) -> list[Said[RollContent]]:
        """Return the rolls that were allotted here, as they stand now, oldest first."""
        return sorted((said[-1] for said in self._rolls.values()), key=lambda one: one.position)

    def count(self, roll: RollContent) -> RollCounts:
        """Return how many stickers of a roll are where."""
        states = Counter(self.find_state(each, roll) for each in self.list_used(roll.roll))
        bound, released = states[StickerState.BOUND], states[StickerState.RELEASED]
        left = roll.count - bound - released
        is_active = roll.state is RegisterState.ACTIVE
        return RollCounts(left if is_active else 0, bound, released, 0 if is_active else left)

    # --- stickers ---------------------------------------------------------------------------------------------

    def list_used(self, roll: str) -> list[StickerId]:
        """Return the stickers of a roll that were ever put on, by number."""
        return sorted(each for each in self._of_roll.get(roll, ()) if self._stickers.get(each))

    def list_moves(self, sticker: StickerId) -> list[Said[Move]]:
        """Return when a sticker was put on and taken off, oldest first."""
        return list(self._stickers.get(sticker, ()))

    def find_state(self, sticker: StickerId, roll: RollContent) -> StickerState | None:
        """Return where a sticker of a roll is; None: the roll has not given it out."""
        said = self._stickers.get(sticker)
        if said:
            return StickerState.BOUND if said[-1].content.reason is None else StickerState.RELEASED
        if not is_of_roll(sticker, roll):
            return None
        return StickerState.FREE if roll.state is RegisterState.ACTIVE else StickerState.WITHDRAWN

    def list_newest(self) -> list[Said[Move]]:
        """Return what happened last to every sticker that was ever put on, newest first."""
        newest = (said[-1] for said in self._stickers.values() if said)
        return sorted(newest, key=lambda one: -one.position)

    def list_on(self, instrument_ids: Iterable[InstrumentId]) -> list[Said[Move]]:
        """Return every move onto and off these instruments and their parts, newest first."""
        wanted = set(instrument_ids)
        stickers = {each for one in wanted for each in self._of_instrument.get(one, ())}
        moves = (move for each in stickers for move in self._stickers.get(each, ()))
        here = [move for move in moves if move.content.binding.instrument_id in wanted]
        return sorted(here, key=lambda one: -one.position)

    def list_standing(self, instrument_ids: Iterable[InstrumentId]) -> list[StickerBinding]:
        """Return what stands on these instruments and their parts now, the newest first."""
        moves = self.list_on(instrument_ids)
        newest = [move for move in moves if self._stickers[move.content.binding.sticker][-1] == move]
        return [move.content.binding for move in newest if move.content.reason is None]

    def list_replaced(self, bound: Said[Move], instrument_ids: Iterable[InstrumentId]) -> list[StickerId]:
        """Return the stickers that were taken off because one was put in their place.

        Args:
            bound: when it was put on.
            instrument_ids: every id of the instrument.
        """
        part, found = bound.content.binding.part, list[StickerId]()
        for move in reversed(self.list_on(instrument_ids)):
            if move.position <= bound.position or move.content.binding.part != part:
                continue
            if move.content.reason is None:
                break
            if move.content.reason is StickerReason.REPLACED:
                found.append(move.content.binding.sticker)
        return found


def _read_move(saying: Saying, raw: bytes) -> Move:
    if saying.type is EventType.STICKER_BOUND:
        return Move(parse_binding(raw), None)
    release = parse_release(raw)
    return Move(release.binding, release.reason)


def _note(
    shelf: dict[KeyT, list[Said[ContentT]]],
    saying: Saying,
    content: ContentT,
    name: Callable[[ContentT], KeyT],
) -> None:
    """Put a statement in its place, or take it away if the log has refused it."""
    kept = [one for one in shelf.get(name(content), ()) if one.position != saying.position]
    if saying.state is not DocumentState.VOIDED:
        kept.append(Said(saying.position, saying.state, saying.leaf_index, content))
    if kept:
        shelf[name(content)] = sorted(kept, key=lambda one: one.position)
    else:
        shelf.pop(name(content), None)
