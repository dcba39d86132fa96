"""Every query of the auditors' catalogue, by name; see `catalogue_tables`.

>>> with database.read() as connection:
...     CatalogueQueries(connection).read_page(Filters(institution="350100-01"), view, after=-1, limit=100)
"""

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    delete,
    literal_column,
    null,
    or_,
    select,
    text,
)

from ledger.core.calendar_rules import ValidityKind
from ledger.core.ids import Subject, TreeSize
from ledger.core.status import SubjectState
from ledger.store.bulk import OnConflict, insert_rows, select_by_keys
from ledger.store.catalogue_tables import (
    IS_VOID,
    NEVER,
    documents,
    entries,
    head,
    institutions,
    meta,
    metadata,
    periods,
    relatives,
    states,
    uses,
)
from ledger.store.derived import prepare_derived, read_derived_head, write_derived_head
from ledger.store.queries import to_state_rows, to_states

FORMAT: Final = "4"
"""Format of these tables; a database of another one is refused."""

VOID: Final = "VOID"
IN_FORCE: Final = "VALID"
"""Standing of a certificate of which nothing but its own dates can say more."""

CALIBRATED: Final = "CALIBRATED"
"""The same of a calibration certificate."""
_DATED: Final = (IN_FORCE, CALIBRATED)

EXPIRED: Final = {ValidityKind.DATE: "EXPIRED", ValidityKind.SERVICE_LIFE: "SERVICE_LIFE_ENDED"}
"""What becomes of that standing after the last day, by the kind of validity."""

_RARE: Final = frozenset(
    {"NEEDS_REVERIFICATION", "SUSPENDED", "FAILED_SINCE", "FAILED", "CANCELLED", "WITHDRAWN"}
)
"""How few certificates stand."""

_KEYS: Final = 4096
"""Keys in one statement; SQLite names at most 32,766, and one instrument may have more certificates."""

_ENTRY: Final = select(*entries.c)
_DOCUMENT: Final = select(*documents.c)
_RELATED: Final = select(*relatives.c)
_STATE: Final = select(*states.c)
_OPEN_PERIOD: Final = select(*periods.c).where(periods.c.until == literal_column(str(NEVER)))


class CatalogueEntry(NamedTuple):
    """One leaf; the members are the columns of `catalogue_tables.entries`."""

    leaf_index: int
    document: int | None
    event: int
    is_void: int
    sequenced_at_ms: int
    speaker: str
    institution: str | None = None
    division: str | None = None
    number: str | None = None
    instrument: bytes | None = None
    part: str | None = None
    serial: str | None = None
    category: int | None = None
    conclusion: int | None = None
    verified_on: int | None = None
    valid_until: int | None = None
    validity_kind: int | None = None
    reason: str | None = None
    lot: str | None = None
    """Number of the lot that a document belongs to, or that is spoken of."""
    lot_status: str | None = None
    """What is said of a lot."""
    replaces: str | None = None
    """Number of the certificate that a document replaces."""
    other_instruments: str | None = None
    """Of a link: what else it names, in hexadecimal, `/` and the part behind it, parted by spaces."""
    supplement_digest: bytes | None = None
    sticker: str | None = None
    """Id of the sticker that is bound or unbound."""
    certificate_digest: bytes | None = None
    statement_digest: bytes = b""
    document_kind: int | None = None
    """Of a document that verifies nothing; None: a verification, or no document."""


class CatalogueDocument(NamedTuple):
    """One certificate; the members are the columns of `catalogue_tables.documents`."""

    document: int
    subject: Subject
    name: Subject
    lot: Subject | None
    kind: int


class Period(NamedTuple):
    """How a certificate stood for some leaves; the members are the columns of `catalogue_tables.periods`."""

    document: int
    since: int
    until: int
    standing: str


@dataclass(frozen=True, slots=True)
class Filters:
    """What is asked for; None asks for nothing."""

    institution: str | None = None
    category: int | None = None
    event: int | None = None
    region: str | None = None
    """Decimal digits with which the division code begins."""
    verified_from: int | None = None
    verified_to: int | None = None
    """Days since 1970-01-01, both inclusive."""
    sequenced_from_ms: int | None = None
    sequenced_before_ms: int | None = None
    """Milliseconds since 1970-01-01 UTC; the first is inclusive, the second is not."""
    status: str | None = None
    used: frozenset[Subject] | None = None
    """Persons, standards, materials, type approvals: what is about certificates that name one of them."""


@dataclass(frozen=True, slots=True)
class View:
    """The state of the log that is looked at."""

    tree_size: TreeSize
    """Leaves from here on have not happened yet."""
    day: int
    """Days since 1970-01-01: decides what has expired."""


@dataclass(frozen=True, slots=True)
class FoundEntry:
    """One leaf, and how its certificate stands in the view."""

    entry: CatalogueEntry
    status: str | None
    """None for what is about no certificate."""


class CatalogueQueries:
    """What is asked of the catalogue, and what the follower writes, in the transaction of one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # --- making ---------------------------------------------------------------------------------------------

    def prepare(self, origin: str) -> None:
        """Make the tables of one log's catalogue, unless they are there.

        Raises:
            StateError: the catalogue is that of another log, or of another version of this program.
        """
        wanted = {"format": FORMAT, "origin": origin}
        prepare_derived(self._connection, metadata, meta, head, wanted, "audit")

    def clear(self) -> None:
        """Forget every leaf."""
        for table in (entries, documents, states, periods, institutions, uses, relatives):
            self._connection.execute(delete(table))
        self.write_head(TreeSize(0), b"")

    def read_head(self) -> tuple[TreeSize, bytes]:
        """Return how many leaves are catalogued, and SHA-256 of the last of them (empty if there is none)."""
        return read_derived_head(self._connection, head, "audit")

    def write_head(self, tree_size: TreeSize, last_leaf: bytes) -> None:
        """Say how far the catalogue has come."""
        write_derived_head(self._connection, head, tree_size, last_leaf)

    def find_documents_of(self, subjects: Sequence[Subject]) -> list[CatalogueDocument]:
        """Return every certificate of these instruments and parts."""
        return self._find_documents(documents.c.subject, subjects)

    def find_documents_in(self, lots: Sequence[Subject]) -> list[CatalogueDocument]:
        """Return every certificate of these lots."""
        return self._find_documents(documents.c.lot, lots)

    def find_documents(self, indices: Sequence[int]) -> list[CatalogueDocument]:
        """Return the certificates that these leaves issued; others are left out."""
        return self._find_documents(documents.c.document, indices)

    def _find_documents(self, column: Column[Any], keys: Sequence[Any]) -> list[CatalogueDocument]:
        return [CatalogueDocument(*row) for row in self._select(_DOCUMENT, column, keys)]

    def find_documents_near(self, subjects: Sequence[Subject]) -> list[CatalogueDocument]:
        """Return every certificate on which these instruments and parts bear beside its own."""
        found = self._select(_RELATED, relatives.c.relative, subjects)
        return self.find_documents([row.document for row in found])

    def find_relatives(self, wanted: Sequence[int]) -> dict[int, list[Subject]]:
        """Return what bears on these certificates beside their own instruments."""
        found: dict[int, list[Subject]] = {document: [] for document in wanted}
        for row in self._select(_RELATED, relatives.c.document, wanted):
            found[row.document].append(row.relative)
        return found

    def find_states(self, subjects: Sequence[Subject]) -> dict[Subject, SubjectState]:
        """Return the newest states of these subjects; whoever has none is left out."""
        return to_states(self._select(_STATE, states.c.subject, subjects))

    def find_open_periods(self, wanted: Sequence[int]) -> list[Period]:
        """Return the period that goes on of each of these certificates."""
        return [Period(*row) for row in self._select(_OPEN_PERIOD, periods.c.document, wanted)]

    def find_entries(self, indices: Sequence[int]) -> list[CatalogueEntry]:
        """Return the entries of these leaves; others are left out."""
        return [CatalogueEntry(*row) for row in self._select(_ENTRY, entries.c.leaf_index, indices)]

    def _select(
        self, query: Select[*tuple[Any, ...]], column: Column[Any], keys: Sequence[Any]
    ) -> Iterator[Row[*tuple[Any, ...]]]:
        """Yield the rows with these keys, of which there may be more than a statement can name."""
        for start in range(0, len(keys), _KEYS):
            yield from select_by_keys(self._connection, query, column, keys[start : start + _KEYS])

    def write(
        self,
        new: Sequence[CatalogueEntry],
        issued: Sequence[CatalogueDocument],
        changed_states: Mapping[Subject, SubjectState],
        changed_periods: Iterable[Period],
        divisions: Mapping[str, str],
        used: Iterable[tuple[Subject, int]],
        related: Iterable[tuple[Subject, int]],
    ) -> None:
        """Store what a run of leaves has brought and changed."""
        insert_rows(self._connection, entries, new)
        insert_rows(self._connection, documents, issued)
        insert_rows(self._connection, states, to_state_rows(changed_states), OnConflict.REPLACE)
        insert_rows(self._connection, periods, list(changed_periods), OnConflict.REPLACE)
        insert_rows(self._connection, institutions, list(divisions.items()), OnConflict.REPLACE)
        insert_rows(self._connection, uses, list(used))
        insert_rows(self._connection, relatives, list(related))

    def analyze(self) -> None:
        """Let the database count what it holds, so that it chooses its indices well."""
        for table in (entries, periods):
            self._connection.execute(text(f"ANALYZE {table.name}"))

    # --- asking ---------------------------------------------------------------------------------------------

    def is_institution(self, name: str) -> bool:
        """Say whether an institution was ever registered."""
        found = self._connection.execute(select(institutions.c.id).where(institutions.c.id == name))
        return found.one_or_none() is not None

    def count_before(self, sequenced_at_ms: int) -> TreeSize:
        """Return how many catalogued leaves there are up to the last entry sequenced before an instant.

        The MAPHEAD behind that entry has its time too, and changes nothing.
        """
        before = select(entries.c.leaf_index).where(entries.c.sequenced_at_ms < sequenced_at_ms)
        newest = before.order_by(entries.c.sequenced_at_ms.desc(), entries.c.leaf_index.desc()).limit(1)
        last = self._connection.execute(newest).scalar_one_or_none()
        return TreeSize(0 if last is None else last + 1)

    def read_page(self, filters: Filters, view: View, *, after: int, limit: int) -> list[FoundEntry]:
        """Return the next entries that fit, in the order of their leaves.

        Args:
            filters: what is asked for.
            view: the state of the log that is looked at.
            after: only leaves behind this one; -1 begins.
            limit: most entries.
        """
        rows = self._connection.execute(self.build_page(filters, view, after, limit))
        return [_to_found(row, view) for row in rows]

    def build_page(self, filters: Filters, view: View, after: int, limit: int) -> Select[*tuple[Any, ...]]:
        """Return the query of one page; tests look at how the database would answer it."""
        first, end = after + 1, int(view.tree_size)
        if filters.sequenced_from_ms is not None:
            first = max(first, self.count_before(filters.sequenced_from_ms))
        if filters.sequenced_before_ms is not None:
            end = min(end, self.count_before(filters.sequenced_before_ms))
        is_sqlite = self._connection.dialect.name == "sqlite"
        return _build_page(filters, view, range(first, end), hint=is_sqlite).limit(limit)


def _build_page(filters: Filters, view: View, leaves: range, *, hint: bool) -> Select[*tuple[Any, ...]]:
    """Return the query of all leaves in a range that fit.

    Args:
        filters: what is asked for.
        view: the state of the log that is looked at.
        leaves: their indices.
        hint: for SQLite, which does not count how many rows lie in a range, or stand in a way, and would rather
            walk along all leaves: a plus sign keeps it from the index behind it.
    """
    index: ColumnElement[int] = entries.c.leaf_index
    document: ColumnElement[int | None] = periods.c.document
    if hint and (filters.status in _RARE or _has_range(filters)):
        index = literal_column("+audit_entries.leaf_index", BigInteger)
    if hint and filters.status in _RARE:
        document = literal_column("+audit_periods.document", BigInteger)
    current = and_(
        document == entries.c.document, periods.c.since < view.tree_size, periods.c.until >= view.tree_size
    )
    joined = entries.join(periods, current, isouter=not _needs_period(filters.status))
    conditions = [
        index >= leaves.start,
        index < leaves.stop,
        *_list_conditions(filters),
        *_list_status_conditions(filters.status, view.day),
    ]
    wanted = select(*entries.c, periods.c.standing).select_from(joined).where(*conditions)
    return wanted.order_by(entries.c.leaf_index)


def _has_range(filters: Filters) -> bool:
    return {filters.region, filters.verified_from, filters.verified_to} != {None}


def _list_conditions(filters: Filters) -> list[ColumnElement[bool]]:
    columns = entries.c
    given: list[tuple[Any, Column[Any], Callable[[Any, Any], ColumnElement[bool]]]] = [
        (filters.institution, columns.institution, operator.eq),
        (filters.category, columns.category, operator.eq),
        (filters.event, columns.event, operator.eq),
        (filters.region, columns.division, begins_with),
        (filters.verified_from, columns.verified_on, operator.ge),
        (filters.verified_to, columns.verified_on, operator.le),
    ]
    found = [compare(column, value) for value, column, compare in given if value is not None]
    if filters.used is not None:
        of_these = select(uses.c.document).where(uses.c.used.in_(sorted(filters.used)))
        found.append(columns.document.in_(of_these))
    return found


def begins_with(column: Column[Any], digits: str) -> ColumnElement[bool]:
    """Return the condition that digits begin with these, in a form that an index serves in every collation."""
    stem = digits.rstrip("9")
    if not stem:
        return column >= digits
    return and_(column >= digits, column < f"{stem[:-1]}{int(stem[-1]) + 1}")


def _needs_period(status: str | None) -> bool:
    return status not in {None, VOID}


def _list_status_conditions(status: str | None, day: int) -> list[ColumnElement[bool]]:
    if status is None:
        return []
    if status == VOID:
        return [IS_VOID]
    until = entries.c.valid_until
    if status in _DATED:
        return [periods.c.standing == status, or_(until == null(), until >= day)]
    for kind, name in EXPIRED.items():
        if status == name:
            is_over = [until < day, entries.c.validity_kind == int(kind)]
            return [periods.c.standing.in_(_DATED), *is_over]
    return [periods.c.standing == status]


def _to_found(row: Row[*tuple[Any, ...]], view: View) -> FoundEntry:
    *values, standing = row
    entry = CatalogueEntry(*values)
    if entry.is_void:
        return FoundEntry(entry, VOID)
    until, kind = entry.valid_until, entry.validity_kind
    if standing in _DATED and until is not None and kind is not None and until < view.day:
        standing = EXPIRED[ValidityKind(kind)]
    return FoundEntry(entry, standing)
