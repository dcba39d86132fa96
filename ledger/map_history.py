"""The stored status map, under the newest checkpoint and under older ones.

Only the newest map is stored; every batch also keeps what it replaced, and that leads back.

>>> status_map = open_map_under(reading, tree_size)
>>> build_map_proof(status_map, [subject], reading.load_pages)
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from ledger.core.entry import LeafHeader
from ledger.core.errors import InputError, LogIntegrityError, VerificationError
from ledger.core.ids import LeafIndex, Subject, TreeSize
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
