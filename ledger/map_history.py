"""The stored status map, under the newest checkpoint and under older ones.

Only the newest map is stored; every batch also keeps what it replaced, and that leads back.

>>> status_map = open_map_under(reading, tree_size)
>>> build_map_proof(status_map, [subject], reading.load_pages)

Who proves much keeps the pages that one proof has loaded for the next:

>>> proofs = MapProofs(most=250_000)
>>> proofs.open(reading, tree_size).prove([subject])
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ledger.core.entry import LeafHeader
from ledger.core.errors import InputError, LogIntegrityError, VerificationError
from ledger.core.ids import LeafIndex, Subject, TreeSize
from ledger.core.map_proof import build_map_proof
from ledger.core.maphead import get_map_root, require_maphead
from ledger.core.status import SubjectState
from ledger.core.status_map import Page, PageContent, StatusMap, open_map
from ledger.store.records import Head


class LeafReading(Protocol):
    """Stored leaves, at one state of the log."""

    def read_leaves(self, begin: int, end: int) -> Sequence[bytes]:
        """Return the leaves with begin <= index < end; raise `LogIntegrityError` if one is missing."""
        ...


class MapReading(LeafReading, Protocol):
    """The stored map, at one state of the log."""

    def read_head(self) -> Head:
        """Return the newest tree head."""
        ...

    def load_pages(self, pages: Sequence[Page]) -> Iterable[PageContent]:
        """Return the contents of pages of the newest status map, in their order."""
        ...

    def read_replaced_states(self, tree_size: TreeSize) -> Mapping[Subject, SubjectState | None]:
        """Return what leads from the newest status map back to that under the checkpoint of this size."""
        ...


def read_maphead(reading: LeafReading, tree_size: TreeSize) -> LeafHeader:
    """Return the MAPHEAD under a checkpoint of this size.

    Raises:
        LogIntegrityError: its last leaf is none.
    """
    index = LeafIndex(tree_size - 1)
    try:
        return require_maphead(reading.read_leaves(index, tree_size)[0])
    except (InputError, VerificationError) as err:
        raise LogIntegrityError(f"leaf {index} does not state the status map: {err}") from err


def open_map_under(reading: MapReading, tree_size: TreeSize) -> StatusMap:
    """Return the status map under a checkpoint of this size; its content is loaded as it is needed.

    Raises:
        LogIntegrityError: what is stored does not lead to the map that the checkpoint's MAPHEAD states.
    """
    newest_size = reading.read_head().tree_size
    newest = open_map(get_map_root(read_maphead(reading, newest_size)))
    if newest_size == tree_size:
        return newest
    older = newest.update(reading.read_replaced_states(tree_size), reading.load_pages)
    if older.root_hash != get_map_root(read_maphead(reading, tree_size)):
        raise LogIntegrityError(f"the status map does not lead back to that under {tree_size} leaves")
    return older


class MapProofs:
    """Proves from the map that was asked for last, as long as it is the one. Safe to share between threads.

    Every call reads the two roots that the store states, and what was kept under others is forgotten. Pages are
    compared with their hashes when they are loaded, so that one that is kept is right for ever.
    """

    def __init__(self, most: int) -> None:
        """Keep at most this many subjects and pages beyond those of the newest call, 300 bytes each."""
        self._most = most
        self._kept: _Kept | None = None

    def open(self, reading: MapReading, tree_size: TreeSize) -> "ProvingMap":
        """Return what proves from the map under the checkpoint of this size; raises as `open_map_under`."""
        newest = read_maphead(reading, reading.read_head().tree_size)
        roots = get_map_root(newest), get_map_root(read_maphead(reading, tree_size))
        kept = self._kept
        if kept is None or kept.roots != roots or kept.loaded > self._most:
            kept = self._kept = _Kept(roots, open_map_under(reading, tree_size))
        return ProvingMap(kept, reading)


@dataclass(slots=True)
class _Kept:
    roots: tuple[bytes, bytes]
    """Of the newest map, from which pages are loaded, and of this one."""
    map: StatusMap
    loaded: int = 0
    """Subjects and pages."""


class ProvingMap:
    """One map, as one reading of the store has it."""

    def __init__(self, kept: _Kept, reading: MapReading) -> None:
        self._kept = kept
        self._reading = reading

    def prepare(self, subjects: Iterable[Subject]) -> None:
        """Load together what the proofs of many subjects need."""
        self._kept.map.open_pages(subjects, self._load)

    def prove(self, subjects: Iterable[Subject]) -> bytes:
        """Return the proof of what the map says of these subjects; at least one."""
        return build_map_proof(self._kept.map, subjects, self._load)

    def _load(self, pages: Sequence[Page]) -> list[PageContent]:
        contents = list(self._reading.load_pages(pages))
        self._kept.loaded += sum(map(len, contents))
        return contents
