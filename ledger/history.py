"""What has happened to an instrument: every event with effect, by the leaves themselves, newest first.

A leaf's header names its subject's previous event, so that the events of an instrument are a chain, whose newest
link stands in its state. The chains of its parts, of what is registered of it, of its lots and of the stickers
that stand on it now are walked beside it; where two instruments are found to be one, the other's chain as well.
Events without effect (VOID) are in no chain.

>>> [happening.signed.statement.type.name for happening in read_history(reading, instrument, None, ()).happenings]
['WITHDRAW', 'ISSUE']
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from ledger.core.act_content import ActContent, parse_act_content
from ledger.core.entry import LeafHeader, parse_leaf
from ledger.core.errors import InputError, LogIntegrityError
from ledger.core.event import (
    instrument_subject,
    lot_subject,
    placement_subject,
    registration_subject,
)
from ledger.core.ids import InstitutionId, InstrumentId, LeafIndex, Subject
from ledger.core.link import SameAs
from ledger.core.statement import ActClaims, IssueClaims, SignedStatement, parse_signed_statement
from ledger.core.status import SubjectState
from ledger.core.sticker_use import StickerBinding, StickerRelease
from ledger.store.records import StoredEntry

MOST: Final = 64
"""Events of one history; of what has more, the newest."""


class HistoryReading(Protocol):
    """What is asked of one state of the log."""

    def find_states(self, wanted: Sequence[Subject]) -> Mapping[Subject, SubjectState]:
        """Return the newest states of these subjects; whoever has none is left out."""
        ...

    def read_leaves_at(self, indices: Sequence[LeafIndex]) -> Mapping[LeafIndex, bytes]:
        """Return the leaves at these indices; what is not stored is left out."""
        ...

    def find_issue(self, issuer: str, number: str) -> StoredEntry | None:
        """Return the issue with this certificate number."""
        ...


@dataclass(frozen=True, slots=True)
class Happening:
    """One event."""

    leaf_index: LeafIndex
    header: LeafHeader
    signed: SignedStatement
    content: ActContent | None
    """Of every event but an issue."""


@dataclass(frozen=True, slots=True)
class History:
    """The events of an instrument and its parts."""

    happenings: tuple[Happening, ...]
    """The newest first."""
    is_cut: bool
    """Whether there are older ones, which are not here."""


def read_history(
    reading: HistoryReading, instrument: InstrumentId, part: str | None, parts: Iterable[str]
) -> History:
    """Return what has happened to an instrument and to its parts.

    Args:
        reading: one state of the log.
        instrument: 16 bytes.
        part: that is looked at; None: the whole.
        parts: of the instrument, as far as they are known.

    Raises:
        LogIntegrityError: a leaf that must be there is not, or cannot be read.
    """
    places = dict.fromkeys((None, part, *parts))
    placements = {placement_subject(instrument, place) for place in places}
    chains = [registration_subject(instrument), *(instrument_subject(instrument, place) for place in places)]
    walk = _Walk(reading, placements)
    walk.add_subjects([*chains, *sorted(placements)])
    return walk.run()


class _Walk:
    """Follows chains back, the newest event first."""

    def __init__(self, reading: HistoryReading, placements: set[Subject]) -> None:
        self._reading = reading
        self._placements = placements
        self._waiting: set[LeafIndex] = set()
        self._seen: set[LeafIndex] = set()

    def add_subjects(self, subjects: Sequence[Subject]) -> None:
        self._add(state.last_event for state in self._reading.find_states(subjects).values())

    def run(self) -> History:
        found: list[Happening] = []
        while self._waiting and len(found) < MOST:
            happening = self._read(self._take_newest())
            if self._is_elsewhere(happening.content):
                continue
            found.append(happening)
            self._add(self._list_earlier(happening))
        found.sort(key=lambda happening: happening.leaf_index, reverse=True)  # of a lot one hears late
        return History(tuple(found), bool(self._waiting))

    def _add(self, indices: Iterable[LeafIndex]) -> None:
        new = set(indices) - self._seen
        self._seen |= new
        self._waiting |= new

    def _take_newest(self) -> LeafIndex:
        index = max(self._waiting)
        self._waiting.remove(index)
        return index

    def _read(self, index: LeafIndex) -> Happening:
        raw = self._reading.read_leaves_at([index]).get(index)
        if raw is None:
            raise LogIntegrityError(f"the log has no leaf {index}, which a later one names")
        try:
            leaf = parse_leaf(raw)
            signed = parse_signed_statement(leaf.statement_raw)
            claims = signed.statement.claims
            content = None
            if isinstance(claims, ActClaims):
                content = parse_act_content(signed.statement.type, claims.content)
        except InputError as err:
            raise LogIntegrityError(f"leaf {index} cannot be read: {err}") from err
        return Happening(index, leaf.header, signed, content)

    def _is_elsewhere(self, content: ActContent | None) -> bool:
        """Say whether a sticker stood on something else then: its chain, not the instrument's, leads there."""
        binding = content.binding if isinstance(content, StickerRelease) else content
        return isinstance(binding, StickerBinding) and binding.placement not in self._placements

    def _list_earlier(self, happening: Happening) -> Iterator[LeafIndex]:
        if happening.header.prev is not None:
            yield happening.header.prev
        claims = happening.signed.statement.claims
        if isinstance(claims, IssueClaims) and claims.lot is not None:
            issuer = InstitutionId(happening.signed.statement.issuer)
            lot = lot_subject(issuer, claims.lot)
            yield from (state.last_event for state in self._reading.find_states([lot]).values())
        if isinstance(happening.content, SameAs):
            for named in (happening.content.instrument, happening.content.other):
                issue = self._reading.find_issue(named.issuer, named.number)
                if issue is not None:
                    yield issue.leaf_index
