"""Every query of a witness's database, by name.

>>> with database.write() as connection:
...     WitnessQueries(connection).move_cosigned(log, checkpoint, note, now)
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, func, insert, inspect, select, text, update

from ledger.core.errors import LogIntegrityError, StateError
from ledger.core.ids import LeafIndex, RootHash, TreeSize
from ledger.core.merkle import EMPTY_ROOT
from ledger.store.bulk import OnConflict, insert_rows
from ledger.store.engine import Database
from ledger.store.witness_tables import (
    WITNESS_INSERT_ONLY,
    witness_faults,
    witness_leaves,
    witness_logs,
    witness_meta,
    witness_metadata,
    witness_seen,
    witness_void,
)

WITNESS_FORMAT: Final = "1"
"""Version of these tables; until 1.0 no database of another version is opened."""

_CHUNK: Final = 4096


@dataclass(frozen=True, slots=True)
class WitnessedLog:
    """What a witness holds of one log."""

    id: int
    origin: str
    replayed_size: TreeSize
    """Leaves that are stored and right."""
    replayed_root: RootHash
    cosigned_size: TreeSize
    """0: nothing was cosigned yet."""
    cosigned_root: RootHash
    cosigned_note: str
    """As the log signed it."""
    cosigned_at: int
    """POSIX seconds of the newest cosignature."""
    least_size: TreeSize
    """Nothing smaller is cosigned."""


def prepare_witness_database(database: Database, name: str) -> None:
    """Make the tables of a witness, or check that they are this witness's.

    Raises:
        StateError: the database is another witness's, or of another format.
        StoreUnavailableError: it is out of reach.
    """
    with database.write() as connection:
        if not inspect(connection).has_table(witness_meta.name):
            witness_metadata.create_all(connection)
            for table in WITNESS_INSERT_ONLY:
                for change in ("UPDATE", "DELETE"):
                    connection.execute(text(_write_trigger(table, change)))
            values = {"format": WITNESS_FORMAT, "name": name}
            insert_rows(connection, witness_meta, list(values.items()))
        found = {row.key: row.value for row in connection.execute(select(*witness_meta.c))}
    if found != {"format": WITNESS_FORMAT, "name": name}:
        raise StateError(f"the database is of the witness {found.get('name')}, format {found.get('format')}")


def _write_trigger(table: str, change: str) -> str:
    return (
        f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is insert-only'); END"
    )


class WitnessQueries:
    """What a witness reads and writes, in the transaction of one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # --- reading --------------------------------------------------------------------------------------------

    def find_log(self, origin: str) -> WitnessedLog | None:
        """Return what is held of a log; None before its first checkpoint."""
        row = self._connection.execute(
            select(*witness_logs.c).where(witness_logs.c.origin == origin)
        ).one_or_none()
        if row is None:
            return None
        return WitnessedLog(
            row.id,
            row.origin,
            TreeSize(row.replayed_size),
            RootHash(row.replayed_root),
            TreeSize(row.cosigned_size),
            RootHash(row.cosigned_root),
            row.cosigned_note,
            row.cosigned_at,
            TreeSize(row.least_size),
        )

    def read_leaves(self, log: WitnessedLog) -> Iterator[Sequence[bytes]]:
        """Yield the leaves of a log in their order, some thousands at a time.

        Raises:
            LogIntegrityError: one is missing.
        """
        for begin in range(0, log.replayed_size, _CHUNK):
            end = min(begin + _CHUNK, log.replayed_size)
            wanted = select(witness_leaves.c.leaf).where(
                witness_leaves.c.log_id == log.id,
                witness_leaves.c.leaf_index >= begin,
                witness_leaves.c.leaf_index < end,
            )
            leaves = [
                row[0] for row in self._connection.execute(wanted.order_by(witness_leaves.c.leaf_index))
            ]
            if len(leaves) != end - begin:
                raise LogIntegrityError(f"the witness lacks leaves of {log.origin} between {begin} and {end}")
            yield leaves

    def read_leaf(self, log: WitnessedLog, index: LeafIndex) -> bytes:
        """Return one stored leaf.

        Raises:
            LogIntegrityError: it is missing.
        """
        wanted = select(witness_leaves.c.leaf).where(
            witness_leaves.c.log_id == log.id, witness_leaves.c.leaf_index == index
        )
        leaf = self._connection.execute(wanted).scalar_one_or_none()
        if leaf is None:
            raise LogIntegrityError(f"the witness lacks leaf {index} of {log.origin}")
        return bytes(leaf)

    def read_seen(self, log: WitnessedLog, tree_size: TreeSize) -> list[tuple[RootHash, str]]:
        """Return root and note of every signed checkpoint of this size that came by."""
        wanted = select(witness_seen.c.root_hash, witness_seen.c.note).where(
            witness_seen.c.log_id == log.id, witness_seen.c.tree_size == tree_size
        )
        return [(RootHash(row.root_hash), row.note) for row in self._connection.execute(wanted)]

    def find_newest_seen(self, log: WitnessedLog, most: TreeSize) -> str:
        """Return the note of the largest signed checkpoint of at most this size; empty where there is none."""
        wanted = select(witness_seen.c.note).where(
            witness_seen.c.log_id == log.id, witness_seen.c.tree_size <= most
        )
        found = self._connection.execute(wanted.order_by(witness_seen.c.tree_size.desc()).limit(1))
        return found.scalar_one_or_none() or ""

    def find_fault(self, log: WitnessedLog) -> str | None:
        """Return why a log is never cosigned again; None if it is in order."""
        wanted = select(witness_faults.c.sentence).where(witness_faults.c.log_id == log.id)
        return self._connection.execute(wanted).scalar_one_or_none()

    def count_void(self, log: WitnessedLog) -> int:
        """Return how many leaves of a log have no effect."""
        wanted = select(func.count()).select_from(witness_void).where(witness_void.c.log_id == log.id)
        return self._connection.execute(wanted).scalar_one()

    # --- writing --------------------------------------------------------------------------------------------

    def require_log(self, origin: str) -> WitnessedLog:
        """Return what is held of a log, with an empty row for one that is new."""
        found = self.find_log(origin)
        if found is not None:
            return found
        empty = {
            "replayed_size": 0,
            "replayed_root": EMPTY_ROOT,
            "cosigned_size": 0,
            "cosigned_root": EMPTY_ROOT,
        }
        rest = {"cosigned_note": "", "cosigned_at": 0, "least_size": 0}
        self._connection.execute(insert(witness_logs).values(origin=origin, **empty, **rest))
        return self.require_log(origin)

    def add_seen(self, log: WitnessedLog, tree_size: TreeSize, root_hash: RootHash, note: str) -> None:
        """Keep a checkpoint that the log has signed, once."""
        row = log.id, tree_size, root_hash, note
        insert_rows(self._connection, witness_seen, [row], OnConflict.KEEP)

    def raise_least(self, log: WitnessedLog, tree_size: TreeSize) -> None:
        """Remember that nothing below this size is cosigned any more."""
        self._connection.execute(
            update(witness_logs)
            .where(witness_logs.c.id == log.id, witness_logs.c.least_size < tree_size)
            .values(least_size=tree_size)
        )

    def add_leaves(
        self, log: WitnessedLog, leaves: Sequence[bytes], void: dict[LeafIndex, str], root_hash: RootHash
    ) -> None:
        """Store the next leaves of a log, after they have been found right.

        Raises:
            StateError: another process has stored some of them.
        """
        size = log.replayed_size + len(leaves)
        moved = self._connection.execute(
            update(witness_logs)
            .where(witness_logs.c.id == log.id, witness_logs.c.replayed_size == log.replayed_size)
            .values(replayed_size=size, replayed_root=root_hash)
        )
        if moved.rowcount != 1:
            raise StateError("another process has replayed this log meanwhile")
        rows = [(log.id, log.replayed_size + at, leaf) for at, leaf in enumerate(leaves)]
        insert_rows(self._connection, witness_leaves, rows)
        insert_rows(self._connection, witness_void, [(log.id, index, why) for index, why in void.items()])

    def move_cosigned(
        self, log: WitnessedLog, tree_size: TreeSize, root_hash: RootHash, note: str, cosigned_at: int
    ) -> bool:
        """Replace what was cosigned last, unless that is no longer what `log` says; tell which."""
        columns = witness_logs.c
        moved = self._connection.execute(
            update(witness_logs)
            .where(
                columns.id == log.id,
                columns.cosigned_size == log.cosigned_size,
                columns.cosigned_root == log.cosigned_root,
            )
            .values(
                cosigned_size=tree_size, cosigned_root=root_hash, cosigned_note=note, cosigned_at=cosigned_at
            )
        )
        return moved.rowcount == 1

    def add_fault(self, log: WitnessedLog, sentence: str, found_at: int) -> None:
        """Write down, once and for ever, why a log is not cosigned any more."""
        insert_rows(self._connection, witness_faults, [(log.id, found_at, sentence)], OnConflict.KEEP)
