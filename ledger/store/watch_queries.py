"""Every query of a watch's database, by name.

>>> with database.write() as connection:
...     WatchQueries(connection).add_leaves({LeafIndex(5): leaf}, own=True)
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, delete, insert, inspect, select, update

from ledger.core.errors import StateError
from ledger.core.ids import LeafIndex, RootHash, TreeSize
from ledger.store.bulk import OnConflict, insert_rows
from ledger.store.engine import Database
from ledger.store.watch_tables import watch_leaves, watch_meta, watch_metadata, watch_notes, watch_sought

WATCH_FORMAT: Final = "1"
"""Version of these tables; until 1.0 no database of another version is opened."""


@dataclass(frozen=True, slots=True)
class SeenNote:
    """A checkpoint that the log has signed."""

    tree_size: TreeSize
    root_hash: RootHash
    note: str


@dataclass(frozen=True, slots=True)
class WatchedLeaf:
    """A leaf that is proved."""

    leaf_index: LeafIndex
    leaf: bytes
    own: bool
    """Holds a statement of one's own."""


def prepare_watch_database(database: Database, origin: str, log_key: str) -> None:
    """Make the tables of a watch, or check that they are of this log.

    Args:
        database: of the watch.
        origin: name of the log.
        log_key: as multikey.

    Raises:
        StateError: the database is of another log, or of another format.
        StoreUnavailableError: it is out of reach.
    """
    wanted = {"format": WATCH_FORMAT, "origin": origin, "log_key": log_key}
    with database.write() as connection:
        if not inspect(connection).has_table(watch_meta.name):
            watch_metadata.create_all(connection)
            insert_rows(connection, watch_meta, list(wanted.items()))
        found = {row.key: row.value for row in connection.execute(select(*watch_meta.c))}
    for name, value in wanted.items():
        if found.get(name) != value:
            raise StateError(f"what was watched here has the {name} {found.get(name)!r}, not {value!r}")


class WatchQueries:
    """Questions and changes, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # --- checkpoints ----------------------------------------------------------------------------------------

    def add_note(self, seen: SeenNote) -> None:
        """Write down that the log has signed a checkpoint."""
        row = (seen.tree_size, seen.root_hash, seen.note, False)
        insert_rows(self._connection, watch_notes, [row], OnConflict.KEEP)

    def mark_followed(self, seen: SeenNote) -> None:
        """Write down that a checkpoint extends all that was followed before."""
        chosen = (watch_notes.c.tree_size == seen.tree_size, watch_notes.c.root_hash == seen.root_hash)
        self._connection.execute(update(watch_notes).where(*chosen).values(followed=True))

    def find_followed(self) -> SeenNote | None:
        """Return the newest checkpoint that was followed; None: there is none."""
        query = select(watch_notes).where(watch_notes.c.followed).order_by(watch_notes.c.tree_size.desc())
        row = self._connection.execute(query.limit(1)).one_or_none()
        return None if row is None else SeenNote(row.tree_size, RootHash(bytes(row.root_hash)), row.note)

    def find_other(self, seen: SeenNote) -> SeenNote | None:
        """Return a checkpoint of the same size and with another root; None: there is none."""
        chosen = (watch_notes.c.tree_size == seen.tree_size, watch_notes.c.root_hash != seen.root_hash)
        row = self._connection.execute(select(watch_notes).where(*chosen).limit(1)).one_or_none()
        return None if row is None else SeenNote(row.tree_size, RootHash(bytes(row.root_hash)), row.note)

    # --- leaves ---------------------------------------------------------------------------------------------

    def add_leaves(self, leaves: Mapping[LeafIndex, bytes], *, own: bool) -> None:
        """Store leaves that are proved; another's that turns out to be one's own becomes it."""
        rows = [(index, leaf, own) for index, leaf in leaves.items()]
        how = OnConflict.REPLACE if own else OnConflict.KEEP
        insert_rows(self._connection, watch_leaves, rows, how)

    def read_leaves(self) -> Iterator[WatchedLeaf]:
        """Yield every leaf that is proved, oldest first."""
        for row in self._connection.execute(select(watch_leaves).order_by(watch_leaves.c.leaf_index)):
            yield WatchedLeaf(LeafIndex(row.leaf_index), bytes(row.leaf), row.own)

    # --- statements whose leaf is not known -----------------------------------------------------------------

    def read_sought(self) -> dict[bytes, int]:
        """Return how many leaves do not hold a statement, by its digest."""
        return {bytes(row.digest): row.searched for row in self._connection.execute(select(watch_sought))}

    def replace_sought(self, sought: Mapping[bytes, int]) -> None:
        """Store which statements are sought, and no others."""
        self._connection.execute(delete(watch_sought))
        rows = [{"digest": digest, "searched": searched} for digest, searched in sought.items()]
        if rows:
            self._connection.execute(insert(watch_sought), rows)
