"""The desk's memory: what it has signed, under which number, and what the log said to it.

It is given a database and never opens one. Every write happens in one transaction that holds the writer's
lock from its beginning, and returns only when the disk has it: so a document is never submitted, nor its
number seen by anybody, before it is stored. The log is never called inside a transaction.

>>> store = DeskStore(database, institution, origin)
>>> store.prepare()
>>> with store.write() as desk:
...     desk.find(["R-1"])
{}
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol

from sqlalchemy import (
    Connection,
    Row,
    Text,
    bindparam,
    cast,
    func,
    insert,
    inspect,
    literal,
    select,
    union_all,
    update,
)
from sqlalchemy.sql import Select

from issuer.signoff.tables import submissions
from issuer.tables import (
    BRINGS_NUMBER,
    IS_WAITING,
    DocumentState,
    acts,
    documents,
    erasures,
    meta,
    metadata,
    series,
)
from ledger.core.errors import DamagedRowError, NotFoundError, StateError
from ledger.core.event import EventType
from ledger.core.ids import CertificateNumber, InstitutionId, LeafIndex, Subject

FORMAT: Final = "2"
"""Format of these tables; a database of another one is refused."""

_LIGHT: Final = (
    documents.c.request_id,
    documents.c.content_digest,
    documents.c.number,
    documents.c.state,
    documents.c.leaf_index,
    documents.c.reason,
)
_WHOLE: Final = (
    documents.c.position,
    documents.c.number,
    documents.c.subject,
    documents.c.expected_version,
    documents.c.state,
    documents.c.certificate,
    documents.c.statement,
    documents.c.disclosure,
    documents.c.leaf_index,
)
_WAITING: Final = (
    documents.c.position,
    documents.c.number,
    documents.c.subject,
    documents.c.certificate,
    documents.c.statement,
)


class Database(Protocol):
    """Where the desk's tables lie: SQLite or PostgreSQL, by SQLAlchemy.

    Errors of the database come out as StoreUnavailableError or LogIntegrityError of `ledger.core.errors`.
    """

    def write(self) -> AbstractContextManager[Connection]:
        """Open a transaction as the only writer; committed, on disk, when the block is left."""
        ...

    def read(self) -> AbstractContextManager[Connection]:
        """Open a view of one unchanging state."""
        ...

    def drop_traces(self) -> None:
        """Let nothing that was overwritten be left in a write-ahead log, as far as the database can."""
        ...


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """What the desk knows of a document, without its bytes."""

    request_id: str
    content_digest: bytes
    number: CertificateNumber
    state: DocumentState
    leaf_index: LeafIndex | None
    reason: str | None
    """Why it was voided."""


@dataclass(frozen=True, slots=True)
class SignedDocument:
    """A new document, about to be stored."""

    request_id: str
    content_digest: bytes
    number: CertificateNumber
    brings_number: bool
    subject: Subject
    expected_version: int
    certificate: bytes
    statement: bytes
    disclosure: bytes | None


@dataclass(frozen=True, slots=True)
class WaitingDocument:
    """A signed document that the log has not answered yet."""

    position: int
    number: CertificateNumber
    subject: Subject
    certificate: bytes
    statement: bytes


@dataclass(frozen=True, slots=True)
class DocumentBytes:
    """What a document consists of."""

    certificate: bytes
    statement: bytes
    disclosure: bytes | None


@dataclass(frozen=True, slots=True)
class StoredAct:
    """An act on a certificate, and how far it has come."""

    position: int
    number: CertificateNumber
    type: EventType
    statement: bytes
    state: DocumentState
    leaf_index: LeafIndex | None = None
    reason: str | None = None
    """Why the log refused it."""


@dataclass(frozen=True, slots=True)
class WholeDocument:
    """A document with everything that its statement, its certificate or the log says too."""

    position: int
    number: str
    subject: bytes
    expected_version: int
    state: str
    certificate: bytes
    statement: bytes
    disclosure: bytes | None
    leaf_index: int | None


def has_desk(connection: Connection) -> bool:
    """Tell whether a database has the tables of a desk."""
    return inspect(connection).has_table(documents.name)


class DeskReading:
    """Questions about one state of the desk."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def read_institution(self) -> InstitutionId:
        """Return whose desk this is.

        Raises:
            LogIntegrityError: the database does not say.
        """
        found = _read_meta(self._connection).get("institution")
        if found is None:
            raise DamagedRowError("desk_meta", "key institution", "value", "the institution's id")
        return InstitutionId(found)

    def find(self, request_ids: Sequence[str]) -> dict[str, StoredDocument]:
        """Return what is stored under these request ids, at most a few hundred; absent ones are left out."""
        rows = self._connection.execute(select(*_LIGHT).where(documents.c.request_id.in_(request_ids)))
        stored = map(_to_stored, rows)
        return {document.request_id: document for document in stored}

    def find_documents(self, numbers: Sequence[CertificateNumber]) -> dict[CertificateNumber, StoredDocument]:
        """Return what is known of the documents with these numbers, at most a few hundred; others are left out."""
        rows = self._connection.execute(select(*_LIGHT).where(documents.c.number.in_(numbers)))
        return {document.number: document for document in map(_to_stored, rows)}

    def find_numbers(self, numbers: Sequence[CertificateNumber]) -> dict[CertificateNumber, str]:
        """Return which of these numbers were given, and to which request or, in sign-off, to which draft."""
        of_draft = (literal("draft ") + cast(submissions.c.draft, Text)).label("request_id")
        query = union_all(
            select(submissions.c.number, of_draft).where(submissions.c.number.in_(numbers)),
            select(documents.c.number, documents.c.request_id).where(documents.c.number.in_(numbers)),
        )
        rows = self._connection.execute(query)
        return {CertificateNumber(row.number): row.request_id for row in rows}

    def find_next_versions(self, subjects: Iterable[Subject]) -> dict[Subject, int]:
        """Return the version that each subject has once all that is stored here is in the log."""
        newest = func.max(documents.c.expected_version)
        rows = self._connection.execute(
            select(documents.c.subject, newest.label("newest"))
            .where(documents.c.subject.in_(list(subjects)), documents.c.state != DocumentState.VOIDED)
            .group_by(documents.c.subject)
        )
        return {Subject(bytes(row.subject)): row.newest + 1 for row in rows}

    def list_waiting(self, after: int, limit: int) -> list[WaitingDocument]:
        """Return signed documents beyond a position, in the order of signing."""
        chosen = (IS_WAITING, documents.c.position > after)
        rows = self._connection.execute(
            select(*_WAITING).where(*chosen).order_by(documents.c.position).limit(limit)
        )
        return [
            WaitingDocument(row.position, row.number, row.subject, row.certificate, row.statement)
            for row in rows
        ]

    def list_documents(self, state: DocumentState | None = None) -> Iterator[StoredDocument]:
        """Yield what is known of every document, or of those in one state, in the order of signing."""
        query: Select[Any] = select(*_LIGHT).order_by(documents.c.position)
        if state is not None:
            query = query.where(IS_WAITING if state is DocumentState.SIGNED else documents.c.state == state)
        for row in self._connection.execute(query):
            yield _to_stored(row)

    def list_voided_documents(self) -> list[StoredDocument]:
        """Return the documents that the log has refused for good, in the order of signing."""
        return list(self.list_documents(DocumentState.VOIDED))

    def list_logged(self) -> Iterator[tuple[LeafIndex, bytes]]:
        """Yield leaf and statement of every issue, then of every act, that the log has taken."""
        for table in (documents, acts):
            columns = (table.c.leaf_index, table.c.statement)
            logged = select(*columns).where(table.c.state == DocumentState.LOGGED)
            for row in self._connection.execute(logged.order_by(table.c.position)):
                yield LeafIndex(row.leaf_index), bytes(row.statement)

    def list_series(self) -> dict[str, int]:
        """Return the last counter of every series."""
        return {row.series: row.counter for row in self._connection.execute(select(series))}

    def fetch(self, number: CertificateNumber) -> DocumentBytes:
        """Return the bytes of one document.

        Raises:
            NotFoundError: no document has this number.
        """
        columns = (documents.c.certificate, documents.c.statement, documents.c.disclosure)
        row = self._connection.execute(select(*columns).where(documents.c.number == number)).one_or_none()
        if row is None:
            raise NotFoundError(f"the desk has no document {number}")
        return DocumentBytes(row.certificate, row.statement, row.disclosure)

    def list_whole(self, after: int, limit: int) -> list[WholeDocument]:
        """Return documents with all that the log repeats, beyond a position, in the order of signing."""
        query = select(*_WHOLE).where(documents.c.position > after).order_by(documents.c.position)
        return [WholeDocument(*row) for row in self._connection.execute(query.limit(limit))]

    def list_erased(self) -> frozenset[CertificateNumber]:
        """Return the numbers of documents whose personal members were erased."""
        return frozenset(
            CertificateNumber(row.number) for row in self._connection.execute(select(erasures.c.number))
        )

    def list_acts(self, after: int, limit: int) -> list[StoredAct]:
        """Return acts beyond a position, in the order of signing."""
        query = select(acts).where(acts.c.position > after).order_by(acts.c.position)
        return [_to_act(row) for row in self._connection.execute(query.limit(limit))]

    def find_newest_act(self, number: CertificateNumber) -> StoredAct | None:
        """Return the act on a certificate that was signed last; None: there is none."""
        wanted = select(acts).where(acts.c.number == number).order_by(acts.c.position.desc()).limit(1)
        row = self._connection.execute(wanted).one_or_none()
        return None if row is None else _to_act(row)


class DeskWriting(DeskReading):
    """Changes to the desk, inside one transaction."""

    def has_brought_numbers(self) -> bool:
        """Tell whether any document brought its own number."""
        query = select(documents.c.position).where(BRINGS_NUMBER).limit(1)
        drafted = select(submissions.c.draft).where(submissions.c.brings_number == 1).limit(1)
        return any(self._connection.execute(one).first() is not None for one in (query, drafted))

    def read_counter(self, name: str) -> int:
        """Return the last counter of a series, 0 if it is new."""
        row = self._connection.execute(select(series.c.counter).where(series.c.series == name)).one_or_none()
        return 0 if row is None else row.counter

    def write_counters(self, counters: Mapping[str, int]) -> None:
        """Store the last counter of each of these series."""
        for name, counter in counters.items():
            changed = self._connection.execute(
                update(series).where(series.c.series == name).values(counter=counter)
            )
            if changed.rowcount == 0:
                self._connection.execute(insert(series).values(series=name, counter=counter))

    def add(self, signed: Sequence[SignedDocument], now_ms: int) -> list[WaitingDocument]:
        """Store new documents behind all others."""
        last = self._connection.execute(select(func.max(documents.c.position))).scalar_one() or 0
        rows = [_to_row(item, last + 1 + offset, now_ms) for offset, item in enumerate(signed)]
        if rows:
            self._connection.execute(insert(documents), rows)
        return [
            WaitingDocument(row["position"], item.number, item.subject, item.certificate, item.statement)
            for row, item in zip(rows, signed, strict=True)
        ]

    def add_act(
        self, number: CertificateNumber, event_type: EventType, statement: bytes, now_ms: int
    ) -> StoredAct:
        """Store a new act behind all others."""
        last = self._connection.execute(select(func.max(acts.c.position))).scalar_one() or 0
        act = StoredAct(last + 1, number, event_type, statement, DocumentState.SIGNED)
        row = {"position": act.position, "number": number, "type": int(event_type), "statement": statement}
        times = {"state": act.state, "signed_at_ms": now_ms, "changed_at_ms": now_ms}
        self._connection.execute(insert(acts).values(**row, **times))
        return act

    def save_act(self, act: StoredAct, now_ms: int) -> None:
        """Store how far an act has come that waited for the log so far."""
        waiting = update(acts).where(acts.c.position == act.position, acts.c.state == DocumentState.SIGNED)
        values = {"statement": act.statement, "state": act.state, "leaf_index": act.leaf_index}
        self._connection.execute(waiting.values(**values, reason=act.reason, changed_at_ms=now_ms))

    def mark_logged(self, indices: Mapping[int, LeafIndex], now_ms: int) -> None:
        """Note the leaf index of each position."""
        values = [{"at": position, "index": index, "now": now_ms} for position, index in indices.items()]
        self._update(values, state=DocumentState.LOGGED, leaf_index=bindparam("index"))

    def void(self, reasons: Mapping[int, str], now_ms: int) -> None:
        """Note why the document at each position will never be in the log."""
        values = [{"at": position, "why": reason, "now": now_ms} for position, reason in reasons.items()]
        self._update(values, state=DocumentState.VOIDED, reason=bindparam("why"))

    def replace_signed(self, signed: Mapping[int, tuple[DocumentBytes, int]], now_ms: int) -> None:
        """Store documents that were signed again, for an expected version."""
        values = [
            {
                "at": position,
                "body": new.certificate,
                "raw": new.statement,
                "names": new.disclosure,
                "version": version,
                "now": now_ms,
            }
            for position, (new, version) in signed.items()
        ]
        self._update(
            values,
            certificate=bindparam("body"),
            statement=bindparam("raw"),
            disclosure=bindparam("names"),
            expected_version=bindparam("version"),
        )

    def _update(self, values: list[dict[str, Any]], **columns: Any) -> None:  # noqa: ANN401 -- column values
        if values:
            change = (
                update(documents)
                .where(documents.c.position == bindparam("at"), IS_WAITING)
                .values(changed_at_ms=bindparam("now"), **columns)
            )
            self._connection.execute(change, values)


class DeskStore:
    """The desk of one institution for one log. Safe to share between threads."""

    def __init__(self, database: Database, institution: InstitutionId, origin: str) -> None:
        self._database = database
        self._made_for = {"format": FORMAT, "institution": institution, "origin": origin}

    def prepare(self) -> None:
        """Make the tables, or check that those found are the right ones.

        Raises:
            StateError: tables of another format, institution or log.
            UnavailableError: the database is out of reach.
        """
        with self._database.write() as connection:
            found = _read_meta(connection)
            for key, value in self._made_for.items():
                if found and found.get(key) != value:
                    raise StateError(_say_other(key, found.get(key), value))
            metadata.create_all(connection)
            if not found:
                rows = [{"key": key, "value": value} for key, value in self._made_for.items()]
                connection.execute(insert(meta), rows)

    @property
    def database(self) -> Database:
        """Return where the desk's tables lie."""
        return self._database

    @contextmanager
    def read(self) -> Iterator[DeskReading]:
        """Ask questions of one unchanging state; raises as the database does."""
        with self._database.read() as connection:
            yield DeskReading(connection)

    @contextmanager
    def write(self) -> Iterator[DeskWriting]:
        """Change the desk; stored when the block is left. Raises as the database does."""
        with self._database.write() as connection:
            yield DeskWriting(connection)


def _read_meta(connection: Connection) -> dict[str, str]:
    """Return what a database was made for; nothing of a new one."""
    if not inspect(connection).has_table(meta.name):
        return {}
    return {row.key: row.value for row in connection.execute(select(meta))}


def _say_other(key: str, found: str | None, wanted: str) -> str:
    sentence = f"this desk's database is of the {key} {found!r}, not {wanted!r}"
    return f"{sentence}: until version 1.0 a new desk needs a new home" if key == "format" else sentence


def _to_stored(row: Row[*tuple[Any, ...]]) -> StoredDocument:
    request_id, content_digest, number, state, leaf_index, reason = row
    return StoredDocument(
        request_id,
        bytes(content_digest),
        CertificateNumber(number),
        DocumentState(state),
        None if leaf_index is None else LeafIndex(leaf_index),
        reason,
    )


def _to_act(row: Row[*tuple[Any, ...]]) -> StoredAct:
    return StoredAct(
        row.position,
        CertificateNumber(row.number),
        EventType(row.type),
        bytes(row.statement),
        DocumentState(row.state),
        None if row.leaf_index is None else LeafIndex(row.leaf_index),
        row.reason,
    )


def _to_row(item: SignedDocument, position: int, now_ms: int) -> dict[str, Any]:
    return {
        "position": position,
        "request_id": item.request_id,
        "content_digest": item.content_digest,
        "number": item.number,
        "brings_number": int(item.brings_number),
        "subject": item.subject,
        "expected_version": item.expected_version,
        "state": DocumentState.SIGNED,
        "certificate": item.certificate,
        "statement": item.statement,
        "disclosure": item.disclosure,
        "signed_at_ms": now_ms,
        "changed_at_ms": now_ms,
    }
