"""Builds derived rows anew from the leaves, in one transaction, and only where the leaves are beyond doubt.

Tiles, states of subjects, pages of the status map, replaced states, the head, and the names beside each leaf
follow from the leaves. They are mended if the leaves give the root of every signed checkpoint, the newest
included; else nothing changes. Leaves, statements, documents, checkpoints and receipts are never touched.

>>> repair(store, "ledger.example/2026")
Repaired(count=1, rows=('table tiles, row level 0, tile_index 3, column hashes: should be ...',))
"""

from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection

from ledger.core.errors import DamagedRowError, LogIntegrityError
from ledger.doctor.derived import Difference, is_same
from ledger.doctor.diagnosis import OnProgress, ignore_progress, replay_and_mend
from ledger.store.integrity import check_file
from ledger.store.mending import DERIVED_OF_ENTRY, Mender, open_derived
from ledger.store.scan import RawRow
from ledger.store.tables import entries, head
from ledger.store.unit_of_work import SqlStore

MOST_NAMED: Final = 100
"""Rows that a report names; it counts all."""


@dataclass(frozen=True, slots=True)
class Repaired:
    """What was mended."""

    count: int
    rows: tuple[str, ...]
    """The first `MOST_NAMED`, one sentence each."""


@dataclass(slots=True)
class _Repair:
    """Mends every difference that it meets."""

    mender: Mender
    count: int = 0
    rows: list[str] = field(default_factory=list)
    names: list[RawRow] = field(default_factory=list)
    """Rows of `entries` whose names are to be written when no wrong one is in their way."""

    def meet(self, difference: Difference) -> None:
        """Mend one row.

        Raises:
            DamagedRowError: the head says that there were more leaves: then some are lost.
        """
        self.count += 1
        if len(self.rows) < MOST_NAMED:
            self.rows.append(str(difference.describe()))
        expected = difference.expected
        if expected is None:
            self.mender.remove(difference.table, difference.key)
        elif difference.table is entries:
            self.mender.clear_names(expected[0])
            self.names.append(expected)
        else:
            if difference.table is head:
                _require_no_loss(difference)
            self.mender.put(difference.table, expected)

    def finish(self) -> None:
        """Write what had to wait."""
        columns = list(entries.columns.keys())
        for row in self.names:
            values = tuple(row[columns.index(name)] for name in DERIVED_OF_ENTRY)
            self.mender.set_names(row[0], values)


def repair(store: SqlStore, origin: str, on_progress: OnProgress = ignore_progress) -> Repaired:
    """Mend every derived row; nobody else has the ledger meanwhile.

    Raises:
        LogIntegrityError: the leaves do not give the signed roots, or leaves are lost; nothing has changed.
        UnavailableError: the store is out of reach; nothing has changed.
    """
    with store.database.write() as connection:
        return _repair(connection, origin, on_progress)


def _repair(connection: Connection, origin: str, on_progress: OnProgress) -> Repaired:
    with open_derived(connection) as mender:
        work = _Repair(mender)
        try:
            replay_and_mend(connection, origin, work.meet, on_progress)
        except DamagedRowError as err:
            raise LogIntegrityError(f"nothing was repaired: {err}; restore a backup") from err
        work.finish()
    if connection.dialect.name == "sqlite":
        check_file(connection)
    return Repaired(work.count, tuple(work.rows))


def _require_no_loss(difference: Difference) -> None:
    """Refuse to take back a head that names more leaves than there are: they may be lost.

    Raises:
        DamagedRowError: it does.
    """
    if difference.found is not None and difference.expected is not None:
        size = difference.found[1]
        if is_same(size, difference.expected[1]) or (isinstance(size, int) and size < difference.expected[1]):
            return
        raise difference.describe()
