"""The auditors' catalogue: every leaf in columns, and how every certificate stood after every leaf.

It follows the log's store, which it only reads, into a database of its own, and may be thrown away and made again.
What each leaf does stands in its header, as the fold has written it; what follows for the certificates of an
instrument, for older ones too, is weighed by the rule of whoever opens the catalogue, which for this product is the
verifier's. An event costs time in proportion to the certificates of its instrument.

>>> catalogue = Catalogue(SqlStore(database), Database("sqlite:////srv/audit.db"), origin, find_stated_status)
>>> catalogue.follow()
312
>>> catalogue.read_page(Filters(category=Category.TAXIMETER), catalogue.view_at(day), after=-1, limit=100)
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from ledger.core.act import Act, parse_act
from ledger.core.authority import InstitutionContent, KeyContent, ScopeContent, parse_content
from ledger.core.calendar_rules import days_from_date
from ledger.core.entry import Leaf, parse_leaf
from ledger.core.errors import InputError, LogIntegrityError
from ledger.core.event import EventType, certificate_subject
from ledger.core.fold_documents import TRANSITIONS
from ledger.core.ids import InstitutionId, LeafIndex, Subject, TreeSize
from ledger.core.instrument import StatementSerial
from ledger.core.statement import (
    ActClaims,
    Conclusion,
    IssueClaims,
    RegisterClaims,
    Statement,
    parse_signed_statement,
)
from ledger.core.status import Status, SubjectState
from ledger.map_history import LeafReading
from ledger.store.catalogue_queries import (
    IN_FORCE,
    CatalogueDocument,
    CatalogueEntry,
    CatalogueInstrument,
    CatalogueQueries,
    Filters,
    FoundEntry,
    Period,
    View,
)
from ledger.store.catalogue_tables import NEVER
from ledger.store.records import Head

CHUNK: Final = 2048
"""Leaves of one transaction."""

MANY: Final = 256
"""After so many new leaves the database counts anew what it holds."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Weigh = Callable[[SubjectState, SubjectState], str | None]
"""Says of the states of a certificate and of its instrument how the certificate stands; None: as it says itself."""

OnProgress = Callable[[int, int], None]
"""Is told how many leaves are catalogued, and how many there are."""


class SourceReading(LeafReading, Protocol):
    """One state of the log."""

    def read_head(self) -> Head:
        """Return the newest tree head."""
        ...


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
            if begin < end:
                leaves = reading.read_leaves(begin, end)
                _Chunk(queries, self._weigh).take(begin, leaves)
                queries.write_head(end, hashlib.sha256(leaves[-1]).digest())
            return max(begin, end)


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


class _Chunk:
    """A run of leaves on its way into the catalogue."""

    def __init__(self, queries: CatalogueQueries, weigh: Weigh) -> None:
        self._queries = queries
        self._weigh = weigh
        self._divisions = queries.read_divisions()
        self._new: dict[int, CatalogueEntry] = {}
        self._old: dict[int, CatalogueEntry] = {}
        self._documents: dict[int, CatalogueDocument] = {}
        self._by_name: dict[bytes, int] = {}
        self._by_subject: dict[bytes, set[int]] = {}
        self._instruments: dict[bytes, CatalogueInstrument] = {}
        self._open: dict[int, Period] = {}
        self._changed: dict[tuple[int, int], Period] = {}

    def take(self, begin: int, leaves: Sequence[bytes]) -> None:
        """Take leaves in their order, and store what they change."""
        parsed = [(index, *_parse(index, raw)) for index, raw in enumerate(leaves, start=begin)]
        statements = [(index, leaf, statement) for index, leaf, statement in parsed if statement is not None]
        self._load({leaf.header.subject for _, leaf, _ in statements})
        for index, leaf, statement in statements:
            self._take(LeafIndex(index), leaf, statement)
        self._queries.write(
            list(self._new.values()),
            self._documents.values(),
            self._instruments.values(),
            self._changed.values(),
            self._divisions,
        )

    def _load(self, subjects: Iterable[Subject]) -> None:
        wanted = list(subjects)
        found = self._queries.find_documents_of(wanted)
        for document in found:
            self._add(document)
        indices = [document.document for document in found]
        self._instruments = {item.subject: item for item in self._queries.find_instruments(wanted)}
        self._open = {period.document: period for period in self._queries.find_open_periods(indices)}
        self._old = {entry.leaf_index: entry for entry in self._queries.find_entries(indices)}

    def _add(self, document: CatalogueDocument) -> None:
        self._documents[document.document] = document
        self._by_name[document.name] = document.document
        self._by_subject.setdefault(document.subject, set()).add(document.document)

    def _take(self, index: LeafIndex, leaf: Leaf, statement: Statement) -> None:
        header, claims = leaf.header, statement.claims
        common: dict[str, Any] = {
            "leaf_index": index,
            "event": int(header.type),
            "is_void": int(header.status == Status.VOID),
            "sequenced_at_ms": header.sequenced_at_ms,
            "speaker": statement.issuer,
            "statement_digest": header.statement_digest,
        }
        match claims:
            case IssueClaims():
                entry = self._take_issue(index, leaf, statement, claims, common)
            case ActClaims():
                entry = self._take_act(index, leaf, statement, claims, common)
            case RegisterClaims():
                entry = self._take_register(statement, claims, common)
        self._new[index] = entry

    def _take_issue(
        self, index: LeafIndex, leaf: Leaf, statement: Statement, claims: IssueClaims, common: dict[str, Any]
    ) -> CatalogueEntry:
        until = claims.valid_until
        entry = CatalogueEntry(
            **common,
            document=None if common["is_void"] else index,
            institution=statement.issuer,
            division=self._divisions.get(statement.issuer),
            number=claims.number,
            instrument=claims.instrument_id,
            part=claims.part,
            serial=describe_serial(claims.serial),
            category=int(claims.category),
            conclusion=int(claims.conclusion),
            verified_on=days_from_date(claims.verified_on),
            valid_until=None if until is None else days_from_date(until),
            validity_kind=int(claims.validity_kind),
            certificate_digest=claims.certificate_digest,
        )
        if not common["is_void"]:
            status = Status.VALID if claims.conclusion is Conclusion.PASS else Status.FAILED
            name = certificate_subject(InstitutionId(statement.issuer), claims.number)
            subject = leaf.header.subject
            self._add(CatalogueDocument(index, subject, name, int(status)))
            self._instruments[subject] = CatalogueInstrument(subject, leaf.header.status, index)
            self._weigh_all(subject, index)
        return entry

    def _take_act(
        self, index: LeafIndex, leaf: Leaf, statement: Statement, claims: ActClaims, common: dict[str, Any]
    ) -> CatalogueEntry:
        try:
            act = parse_act(claims.content)
        except InputError:
            return CatalogueEntry(**common, document=None)
        if common["is_void"]:
            return CatalogueEntry(**common, document=None, **_act_members(act))
        document = self._by_name.get(act.certificate)
        if document is None:
            raise LogIntegrityError(f"leaf {index} takes effect on a certificate that no earlier leaf issues")
        if statement.type in TRANSITIONS:
            status = int(TRANSITIONS[statement.type].after)
            self._documents[document] = self._documents[document]._replace(status=status)
        before = self._instruments[act.subject]
        self._instruments[act.subject] = before._replace(status=leaf.header.status)
        self._weigh_all(act.subject, index)
        issued = self._new.get(document) or self._old[document]
        return issued._replace(**common, document=document, reason=act.reason.value)

    def _take_register(
        self, statement: Statement, claims: RegisterClaims, common: dict[str, Any]
    ) -> CatalogueEntry:
        try:
            content = parse_content(statement.type, claims.content)
        except InputError:
            return CatalogueEntry(**common, document=None)
        if isinstance(content, InstitutionContent):
            if not common["is_void"]:
                self._divisions[content.id] = content.division
            return CatalogueEntry(**common, document=None, institution=content.id, division=content.division)
        if isinstance(content, KeyContent | ScopeContent):
            division = self._divisions.get(content.institution)
            return CatalogueEntry(**common, document=None, institution=content.institution, division=division)
        return CatalogueEntry(**common, document=None)

    def _weigh_all(self, subject: Subject, index: LeafIndex) -> None:
        """Weigh every certificate of an instrument anew, after this leaf."""
        found = self._instruments[subject]
        instrument = _state(found.status, found.current_certificate, index)
        for document in self._by_subject[subject]:
            status = Status(self._documents[document].status)
            itself = Status.FAILED.name if status is Status.FAILED else IN_FORCE
            standing = self._weigh(_state(status, document, index), instrument) or itself
            self._note(document, index, standing)

    def _note(self, document: int, index: LeafIndex, standing: str) -> None:
        before = self._open.get(document)
        if before is not None:
            if before.standing == standing:
                return
            self._put(before._replace(until=index))
        self._put(Period(document, index, NEVER, standing))

    def _put(self, period: Period) -> None:
        self._changed[period.document, period.since] = period
        if period.until == NEVER:
            self._open[period.document] = period


def _parse(index: int, raw: bytes) -> tuple[Leaf, Statement | None]:
    """Return a stored leaf and its statement; a MAPHEAD has none."""
    try:
        leaf = parse_leaf(raw)
        if leaf.header.type is EventType.MAPHEAD:
            return leaf, None
        return leaf, parse_signed_statement(leaf.statement_raw).statement
    except InputError as err:
        raise LogIntegrityError(f"leaf {index} is damaged: {err}") from err


def _state(status: int, current: int | None, index: LeafIndex) -> SubjectState:
    """Return a state as far as it matters how a certificate stands: status and current certificate."""
    return SubjectState(Status(status), 1, index, None if current is None else LeafIndex(current))


def _act_members(act: Act) -> dict[str, Any]:
    return {
        "institution": act.issuer,
        "number": act.number,
        "instrument": act.instrument_id,
        "part": act.part,
        "reason": act.reason.value,
    }


def describe_serial(serial: StatementSerial) -> str:
    """Return a serial number as its statement has it: a cut one ends in `~` and 8 digits of its hash."""
    return serial.text if serial.tail is None else f"{serial.text}~{serial.tail.hex()}"
