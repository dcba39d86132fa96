"""Finds instruments by their nameplates and sites by their names: for whoever has no code to scan.

It follows the log's store, which it only reads, into a database of its own, and may be thrown away and made again.
Leaves are believed to be what their headers say: what is found is then looked up in the log.

Meters of households are not found by number (whoever knows a neighbour's meter could watch it), unless somebody
has entered them at a site in use, which is a place of business. What the law withholds is not found at all.

>>> search = Search(SqlStore(database), Database("sqlite:////srv/search.db"), origin)
>>> search.follow()
312
>>> search.find_instruments("示例机械", "SN20240001").instruments
(b'...',)
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Final, Protocol

from sqlalchemy import Connection

from ledger.core.act_content import parse_act_content
from ledger.core.canonical import JsonObject, as_object, parse_canonical_json
from ledger.core.category import Category
from ledger.core.certificate import MAX_CERTIFICATE_BYTES
from ledger.core.entry import LeafHeader, parse_leaf
from ledger.core.errors import InputError, LogIntegrityError, StateError, UnavailableError
from ledger.core.event import ISSUE_TYPES, EventType
from ledger.core.ids import Digest, InstrumentId, LeafIndex, TreeSize
from ledger.core.instrument import normalise_for_search
from ledger.core.register_fields import RegisterState
from ledger.core.registration import InstrumentContent
from ledger.core.site import SiteContent, SiteName
from ledger.core.statement import ActClaims, IssueClaims, Statement, parse_signed_statement
from ledger.core.status import Status
from ledger.map_history import LeafReading
from ledger.store.records import Head, Withheld
from ledger.store.search_queries import EnteredSite, Plate, SearchQueries

CHUNK: Final = 2048
"""Leaves of one transaction."""

MOST_HITS: Final = 20
MOST_SITES: Final = 50
"""Sites of one instrument."""

HOUSEHOLD: Final = frozenset(
    {
        Category.WATER_METER_SMALL,
        Category.WATER_METER_MID,
        Category.GAS_METER_NG,
        Category.GAS_METER_OTHER,
        Category.GAS_METER_ULTRASONIC,
        Category.ELEC_METER_C,
        Category.ELEC_METER_A,
    }
)
"""What stands in homes: found by number only where a site in use names it."""

_FOLLOWED: Final = ISSUE_TYPES | {EventType.INSTRUMENT, EventType.SITE}


class SearchedReading(LeafReading, Protocol):
    """One state of the log."""

    def read_head(self) -> Head:
        """Return the newest tree head."""
        ...

    def read_leaves_at(self, indices: Sequence[LeafIndex]) -> Mapping[LeafIndex, bytes]:
        """Return the leaves at these indices; what is not stored is left out."""
        ...

    def read_documents(self, digests: Sequence[Digest]) -> Mapping[Digest, bytes]:
        """Return the documents with these SHA-256 digests; what is not stored, or withheld, is left out."""
        ...

    def find_withheld(self, digest: Digest) -> Withheld | None:
        """Return why a document is withheld; None: it is not."""
        ...


class SearchedStore(Protocol):
    """Where the log lives."""

    def read(self) -> AbstractContextManager[SearchedReading]:
        """Open a view of one committed state that does not change while its block is entered."""
        ...


class SearchDatabase(Protocol):
    """Where the search lies: SQLite or PostgreSQL, see `store.engine`."""

    def write(self) -> AbstractContextManager[Connection]:
        """Open a transaction as the only writer; committed when the block is left."""
        ...

    def read(self) -> AbstractContextManager[Connection]:
        """Open a view of one unchanging state."""
        ...


@dataclass(frozen=True, slots=True)
class FoundInstruments:
    """Instruments whose nameplates say what was asked for."""

    instruments: tuple[InstrumentId, ...]
    """16 bytes each, rising; at most `MOST_HITS`."""
    has_more: bool
    tree_size: TreeSize
    """Leaves that were searched."""


@dataclass(frozen=True, slots=True)
class FoundSites:
    """Sites whose names say what was asked for."""

    sites: tuple[SiteName, ...]
    """At most `MOST_HITS`."""
    has_more: bool
    tree_size: TreeSize
    """Leaves that were searched."""


@dataclass(slots=True)
class _Run:
    """What a run of leaves brings."""

    plates: dict[tuple[InstrumentId, str, str], Plate] = field(default_factory=dict)
    sites: dict[SiteName, SiteContent] = field(default_factory=dict)

    def add_plate(
        self, instrument: InstrumentId, maker: str, serial: str, category: Category, source: LeafIndex
    ) -> None:
        folded = normalise_for_search(maker), normalise_for_search(serial)
        if all(folded):
            self.plates[instrument, *folded] = Plate(instrument, *folded, int(category), source)


class Search:
    """Follows one log, and finds. Safe to share between threads and processes.

    Every method raises `UnavailableError` when a database is out of reach, or the search that of another log.
    """

    def __init__(
        self,
        store: SearchedStore,
        database: SearchDatabase,
        origin: str,
        *,
        alone: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """Ask nothing yet: a database that is out of reach is used from when it is back.

        Args:
            store: the log.
            database: for the search.
            origin: name of the log.
            alone: keeps other processes from writing, see `catalogue.Catalogue`.
        """
        self._store = store
        self._database = database
        self._origin = origin
        self._alone = alone
        self._is_prepared = False

    def prepare(self) -> None:
        """Make the tables, unless they are there.

        Raises:
            StateError: the database holds the search of another log.
        """
        with self._alone(), self._database.write() as connection:
            SearchQueries(connection).prepare(self._origin)
        self._is_prepared = True

    def _require_tables(self) -> None:
        """Make the tables now where the database could not be had, or used, before."""
        if self._is_prepared:
            return
        try:
            self.prepare()
        except StateError as err:
            raise UnavailableError(f"nothing can be searched: {err}") from err

    def follow(self, stop: Callable[[], bool] = lambda: False) -> TreeSize:
        """Take in what the log has committed since; return how many leaves have been taken.

        One whose last leaf is not the log's, as after a backup was restored, begins anew.

        Args:
            stop: is asked after each chunk whether to leave off.

        Raises:
            LogIntegrityError: a stored leaf cannot be read.
        """
        self._require_tables()
        before = self._read_size()
        with self._store.read() as reading:
            size = reading.read_head().tree_size
            if before == size:
                return size
            with self._alone():
                if before > size:
                    self._begin_anew()
                while True:
                    done = self._take_chunk(reading, size)
                    if done >= size or stop():
                        return done

    def find_instruments(self, maker: str, serial: str) -> FoundInstruments:
        """Return the instruments of a serial number and a maker, of whose name a part is given.

        What documents said whose content the law withholds by now is left out.
        """
        self._require_tables()
        with self._database.read() as connection:
            queries = SearchQueries(connection)
            size, _ = queries.read_head()
            words = normalise_for_search(maker), normalise_for_search(serial)
            hidden = sorted(map(int, HOUSEHOLD))
            found = queries.find_plates(*words, hidden, MOST_HITS + 1)
        shown = self._leave_out_withheld(found[:MOST_HITS])
        return FoundInstruments(tuple(shown), len(found) > MOST_HITS, size)

    def find_sites(self, name: str, division: str) -> FoundSites:
        """Return the sites in use within a division of whose names a part is given."""
        self._require_tables()
        with self._database.read() as connection:
            queries = SearchQueries(connection)
            size, _ = queries.read_head()
            found = queries.find_sites(normalise_for_search(name), division, MOST_HITS + 1)
        return FoundSites(tuple(found[:MOST_HITS]), len(found) > MOST_HITS, size)

    def find_sites_of(self, instrument: InstrumentId) -> Sequence[SiteName]:
        """Return the sites in use whose newest entries name an instrument; at most 50."""
        self._require_tables()
        with self._database.read() as connection:
            return SearchQueries(connection).find_sites_of(instrument, MOST_SITES)

    # --- following ------------------------------------------------------------------------------------------

    def _read_size(self) -> TreeSize:
        with self._database.read() as connection:
            return SearchQueries(connection).read_head()[0]

    def _begin_anew(self) -> None:
        with self._database.write() as connection:
            SearchQueries(connection).clear()

    def _take_chunk(self, reading: SearchedReading, size: TreeSize) -> TreeSize:
        with self._database.write() as connection:
            queries = SearchQueries(connection)
            begin = _require_same(queries, reading, size)
            end = TreeSize(min(begin + CHUNK, size))
            if begin >= end:
                return begin
            leaves = reading.read_leaves(begin, end)
            run = _take(begin, leaves, reading)
            entered = {_describe(each): each.instruments for each in run.sites.values()}
            queries.write(run.plates.values(), entered)
            queries.write_head(end, hashlib.sha256(leaves[-1]).digest())
        return end

    def _leave_out_withheld(self, found: Sequence[tuple[InstrumentId, LeafIndex]]) -> Iterator[InstrumentId]:
        with self._store.read() as reading:
            leaves = reading.read_leaves_at([source for _, source in found])
            for instrument, source in found:
                header = None if source not in leaves else parse_leaf(leaves[source]).header
                if header is not None and reading.find_withheld(header.certificate_digest) is None:
                    yield instrument


def _require_same(queries: SearchQueries, reading: SearchedReading, size: TreeSize) -> TreeSize:
    """Return how many leaves have been taken already; none if they are not those of this log."""
    done, last = queries.read_head()
    if done > size:  # another process has followed further than the view of this one
        return done
    if done and hashlib.sha256(reading.read_leaves(done - 1, done)[0]).digest() != last:
        queries.clear()
        return TreeSize(0)
    return done


def _take(begin: int, leaves: Sequence[bytes], reading: SearchedReading) -> _Run:
    """Return what leaves bring that have an effect, in their order."""
    logged = list(_parse(begin, leaves))
    issued = [header.certificate_digest for _, header, _ in logged if header.type in ISSUE_TYPES]
    bodies, run = reading.read_documents(issued), _Run()
    for index, header, statement in logged:
        match statement.claims:
            case IssueClaims() as claims:
                _take_document(run, index, claims, bodies.get(header.certificate_digest))
            case ActClaims() as claims:
                content = parse_act_content(statement.type, claims.content)
                if isinstance(content, InstrumentContent) and content.maker is not None:
                    run.add_plate(content.id, content.maker, content.serial, content.category, index)
                elif isinstance(content, SiteContent):
                    run.sites[content.site] = content
    return run


def _parse(begin: int, leaves: Sequence[bytes]) -> Iterator[tuple[LeafIndex, LeafHeader, Statement]]:
    for index, raw in enumerate(leaves, start=begin):
        try:
            leaf = parse_leaf(raw)
            if leaf.header.type in _FOLLOWED and leaf.header.status != Status.VOID:
                yield LeafIndex(index), leaf.header, parse_signed_statement(leaf.statement_raw).statement
        except InputError as err:
            raise LogIntegrityError(f"leaf {index} is damaged: {err}") from err


def _take_document(run: _Run, index: LeafIndex, claims: IssueClaims, body: bytes | None) -> None:
    """Take the nameplate that a document describes; of one whose bytes are not at hand nobody can know it."""
    credential: JsonObject = {}
    with suppress(InputError):
        credential = as_object(parse_canonical_json(body or b"{}", max_bytes=MAX_CERTIFICATE_BYTES))
    record = credential.get("credentialSubject")
    instrument = record.get("instrument") if isinstance(record, dict) else None
    if isinstance(instrument, dict):
        maker, serial = instrument.get("maker"), instrument.get("serial")
        if isinstance(maker, str) and isinstance(serial, str):
            run.add_plate(claims.instrument_id, maker, serial, claims.category, index)


def _describe(content: SiteContent) -> EnteredSite:
    return EnteredSite(
        content.subject,
        content.site.keeper,
        content.site.id,
        normalise_for_search(content.name.zh),
        normalise_for_search(content.name.en or ""),
        content.division,
        int(content.state is RegisterState.ACTIVE),
    )
