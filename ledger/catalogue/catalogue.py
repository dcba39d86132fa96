"""The auditors' catalogue: every leaf in columns, and how every certificate stood after every leaf.

It follows the log's store, which it only reads, into a database of its own, and may be thrown away and made again.
What each leaf does is said by the log's own fold; what follows for certificates, for older ones too, is weighed by
the rule of whoever opens the catalogue, which for this product is the verifier's: see `run`. An event costs
time in proportion to the certificates that it bears on: those of its instruments, or of its lot.

>>> catalogue = Catalogue(SqlStore(database), Database("sqlite:////srv/audit.db"), origin, find_stated_status)
>>> catalogue.follow()
312
>>> catalogue.read_page(Filters(category=Category.TAXIMETER), catalogue.view_at(day), after=-1, limit=100)
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from ledger.catalogue.run import Run, Weigh
from ledger.core.calendar_rules import days_from_date
from ledger.core.ids import Digest, TreeSize
from ledger.core.replay import replay_registers
from ledger.core.status import Registers
from ledger.map_history import LeafReading
from ledger.store.catalogue_queries import CatalogueQueries, Filters, FoundEntry, View
from ledger.store.records import Head, StoredEntry

CHUNK: Final = 2048
"""Leaves of one transaction."""

MANY: Final = 256
"""After so many new leaves the database counts anew what it holds."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

OnProgress = Callable[[int, int], None]
"""Is told how many leaves are catalogued, and how many there are."""


class SourceReading(LeafReading, Protocol):
    """One state of the log."""

    def read_head(self) -> Head:
        """Return the newest tree head."""
        ...

    def read_register_leaves(self) -> Sequence[StoredEntry]:
        """Return every leaf of a register event or a link, in order."""
        ...

    def read_documents(self, digests: Sequence[Digest]) -> Mapping[Digest, bytes]:
        """Return the documents with these SHA-256 digests; what is not stored is left out."""
        ...


@dataclass(frozen=True, slots=True)
class _Folded:
    """What the first leaves of the log establish."""

    tree_size: TreeSize
    last_leaf: bytes
    """SHA-256 of the last of them; empty if there is none."""
    registers: Registers = field(default_factory=Registers)


class Source(Protocol):
    """Where the log lives."""

    def read(self) -> AbstractContextManager[SourceReading]:
        """Open a view of one committed state that does not change while its block is entered."""
        ...


class CatalogueDatabase(Protocol):
    """Where the catalogue lies: SQLite or PostgreSQL, see `store.engine`."""

    def write(self) -> AbstractContextManager[Connection]:
        """Open a transaction as the only writer; committed when the block is left."""
        ...

    def read(self) -> AbstractContextManager[Connection]:
        """Open a view of one unchanging state."""
        ...


class Catalogue:
    """Follows one log, and answers. Safe to share between threads and processes.

    Every method raises `UnavailableError` when a database is out of reach.
    """

    def __init__(
        self,
        source: Source,
        database: CatalogueDatabase,
        origin: str,
        weigh: Weigh,
        *,
        alone: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """Make the tables, unless they are there.

        Args:
            source: the log.
            database: its catalogue.
            origin: name of the log.
            weigh: how certificates stand.
            alone: keeps other processes from writing; SQLite below 3.51.3 can lose data where two move the
                write-ahead log.

        Raises:
            StateError: the database holds the catalogue of another log.
        """
        self._source = source
        self._database = database
        self._weigh = weigh
        self._alone = alone
        self._folded = _Folded(TreeSize(0), b"")
        with alone(), database.write() as connection:
            CatalogueQueries(connection).prepare(origin)

    def follow(self, on_progress: OnProgress = lambda _done, _all: None) -> TreeSize:
        """Take in what the log has committed since; return how many leaves are catalogued now.

        A catalogue whose last leaf is not the log's, as after a backup was restored, begins anew.

        Raises:
            LogIntegrityError: a stored leaf cannot be read.
        """
        with self._alone():
            return self._follow(on_progress)

    def _follow(self, on_progress: OnProgress) -> TreeSize:
        done = before = self._read_size()
        with self._source.read() as reading:
            size = reading.read_head().tree_size
            if before > size:
                with self._database.write() as connection:
                    CatalogueQueries(connection).clear()
            while True:
                done = self._take_chunk(reading, size)
                on_progress(done, size)
                if done >= size:
                    break
        if done - before >= MANY:
            with self._database.write() as connection:
                CatalogueQueries(connection).analyze()
        return done

    def view_now(self, day: date) -> View:
        """Return the view of all that is catalogued.

        Args:
            day: today, in the policy's zone.
        """
        return View(self._read_size(), days_from_date(day))

    def view_at(self, day: date, zone: ZoneInfo) -> View:
        """Return the view of what had been sequenced when a day ended."""
        with self._database.read() as connection:
            size = CatalogueQueries(connection).count_before(to_ms(day + timedelta(days=1), zone))
        return View(size, days_from_date(day))

    def read_registers(self) -> Registers:
        """Return what the catalogued leaves establish."""
        with self._database.read() as connection, self._source.read() as reading:
            return self._find_registers(CatalogueQueries(connection), reading)

    def is_institution(self, name: str) -> bool:
        """Say whether an institution was ever registered."""
        with self._database.read() as connection:
            return CatalogueQueries(connection).is_institution(name)

    def read_page(self, filters: Filters, view: View, *, after: int, limit: int) -> list[FoundEntry]:
        """Return the next entries that fit; see `CatalogueQueries.read_page`."""
        with self._database.read() as connection:
            return CatalogueQueries(connection).read_page(filters, view, after=after, limit=limit)

    def _read_size(self) -> TreeSize:
        with self._database.read() as connection:
            return CatalogueQueries(connection).read_head()[0]

    def _take_chunk(self, reading: SourceReading, size: TreeSize) -> TreeSize:
        with self._database.write() as connection:
            queries = CatalogueQueries(connection)
            begin = _require_same(queries, reading, size)
            end = TreeSize(min(begin + CHUNK, size))
            if begin >= end:
                return begin
            leaves = reading.read_leaves(begin, end)
            run = Run(queries, self._weigh, self._find_registers(queries, reading))
            run.take(begin, leaves, reading.read_documents)
            folded = _Folded(end, hashlib.sha256(leaves[-1]).digest(), run.registers)
            queries.write_head(folded.tree_size, folded.last_leaf)
        self._folded = folded
        return end

    def _find_registers(self, queries: CatalogueQueries, reading: SourceReading) -> Registers:
        """Return what the catalogued leaves establish; whoever asks may change it."""
        size, last_leaf = queries.read_head()
        known = self._folded
        if (known.tree_size, known.last_leaf) == (size, last_leaf):
            return known.registers.copy()
        leaves = ((item.leaf_index, item.leaf) for item in reading.read_register_leaves())
        return replay_registers((index, leaf) for index, leaf in leaves if index < size)


def to_ms(day: date, zone: ZoneInfo) -> int:
    """Return when a day begins in a zone, in milliseconds since 1970-01-01 UTC."""
    return int((datetime.combine(day, time(), zone) - _EPOCH) // timedelta(milliseconds=1))


def _require_same(queries: CatalogueQueries, reading: SourceReading, size: TreeSize) -> TreeSize:
    """Return how many leaves are catalogued already; none if they are not those of this log."""
    done, last = queries.read_head()
    if done > size:  # another process has followed further than the view of this one
        return done
    if done and hashlib.sha256(reading.read_leaves(done - 1, done)[0]).digest() != last:
        queries.clear()
        return TreeSize(0)
    return done
