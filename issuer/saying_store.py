"""What a desk has said of instruments and stickers, and what the log answered.

>>> store = SayingStore(database)
>>> store.prepare()
>>> store.find_newest(subject) is None
True
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, inspect, select, update

from issuer.saying_tables import metadata, photos, sayings
from issuer.store import Database
from issuer.tables import DocumentState
from ledger.core.errors import UnavailableError
from ledger.core.event import EventType
from ledger.core.ids import Digest, LeafIndex, Subject


@dataclass(frozen=True, slots=True)
class Saying:
    """A statement of the desk, and how far it has come."""

    position: int
    type: EventType
    subject: Subject
    statement: bytes
    state: DocumentState = DocumentState.SIGNED
    leaf_index: LeafIndex | None = None
    reason: str | None = None
    """Why the log refused it."""
    place: Subject | None = None
    """Of a sticker: where it was put."""


class SayingStore:
    """Statements that were signed here. One process at a time writes. Raises as the database does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def prepare(self) -> None:
        """Make the table if it is not there."""
        with self._database.write() as connection:
            metadata.create_all(connection)

    def add(
        self,
        event_type: EventType,
        subject: Subject,
        statement: bytes,
        now_ms: int,
        place: Subject | None = None,
    ) -> Saying:
        """Store a statement that was signed just now, behind all others."""
        with self._database.write() as connection:
            last = connection.execute(select(func.max(sayings.c.position))).scalar_one() or 0
            saying = Saying(last + 1, event_type, subject, statement, place=place)
            connection.execute(insert(sayings).values(**_to_row(saying, now_ms)))
        return saying

    def save(self, saying: Saying, now_ms: int) -> Saying:
        """Store how far a statement has come, and its bytes, which change when it is signed anew."""
        with self._database.write() as connection:
            changed = update(sayings).where(sayings.c.position == saying.position)
            connection.execute(changed.values(**_to_row(saying, now_ms)))
        return saying

    def find_newest(self, subject: Subject) -> Saying | None:
        """Return what was said last of a subject and was not refused; None: nothing."""
        with self._database.read() as connection:
            return _find_newest(connection, subject)

    def list_about(self, subject: Subject) -> list[Saying]:
        """Return everything that was said of a subject and was not refused, oldest first."""
        query = select(sayings).where(
            sayings.c.subject == subject, sayings.c.state != DocumentState.VOIDED.value
        )
        with self._database.read() as connection:
            return [_to_saying(row) for row in connection.execute(query.order_by(sayings.c.position))]

    def list_newest(self, event_type: EventType) -> list[Saying]:
        """Return, of every subject of which something was said, the newest if it is of this type; by position."""
        newest = (
            select(func.max(sayings.c.position).label("position"))
            .where(sayings.c.state != DocumentState.VOIDED.value)
            .group_by(sayings.c.subject)
            .subquery()
        )
        query = select(sayings).join(newest, newest.c.position == sayings.c.position)
        with self._database.read() as connection:
            rows = connection.execute(
                query.where(sayings.c.type == int(event_type)).order_by(sayings.c.position)
            )
            return [_to_saying(row) for row in rows]

    def list_after(self, position: int, limit: int) -> list[Saying]:
        """Return what was said after a position, oldest first, at most so many."""
        with self._database.read() as connection:
            return list_sayings(connection, position, limit)

    def list_positions(self, positions: Sequence[int]) -> list[Saying]:
        """Return what stands at these positions, as it is now."""
        query = select(sayings).where(sayings.c.position.in_(positions)).order_by(sayings.c.position)
        with self._database.read() as connection:
            return [_to_saying(row) for row in connection.execute(query)]

    def list_at(self, place: Subject) -> list[Subject]:
        """Return every sticker that was ever put in this place, by its subject."""
        query = select(sayings.c.subject).where(sayings.c.place == place).distinct()
        with self._database.read() as connection:
            return [Subject(bytes(row.subject)) for row in connection.execute(query)]

    def list_waiting(self) -> Sequence[Saying]:
        """Return what the log has not answered yet, in the order of signing."""
        query = select(sayings).where(sayings.c.state == DocumentState.SIGNED.value)
        with self._database.read() as connection:
            return [_to_saying(row) for row in connection.execute(query.order_by(sayings.c.position))]

    # --- photographs ------------------------------------------------------------------------------------------

    def keep_photo(self, digest: Digest, body: bytes) -> None:
        """Keep a photograph under its SHA-256; the same again changes nothing."""
        with self._database.write() as connection:
            if _find_photo(connection, digest) is None:
                connection.execute(insert(photos).values(digest=digest, body=body))

    def find_photo(self, digest: Digest) -> bytes | None:
        """Return a photograph; None: it is not kept."""
        with self._database.read() as connection:
            return _find_photo(connection, digest)

    def forget_photos(self, named: Collection[Digest]) -> None:
        """Forget every photograph but these."""
        with self._database.write() as connection:
            kept = [Digest(bytes(row.digest)) for row in connection.execute(select(photos.c.digest))]
            gone = set(kept) - set(named)
            for digest in gone:
                connection.execute(delete(photos).where(photos.c.digest == digest))
        if gone:
            with suppress(UnavailableError):  # somebody reads just now: then the next time
                self._database.drop_traces()


def has_sayings(connection: Connection) -> bool:
    """Tell whether a database has the table."""
    return inspect(connection).has_table(sayings.name)


def list_sayings(connection: Connection, after: int, limit: int) -> list[Saying]:
    """Return statements beyond a position, in the order of signing."""
    query = select(sayings).where(sayings.c.position > after).order_by(sayings.c.position).limit(limit)
    return [_to_saying(row) for row in connection.execute(query)]


def list_logged_sayings(connection: Connection) -> Iterator[tuple[LeafIndex, bytes]]:
    """Yield leaf and statement of everything that the log has taken."""
    logged = select(sayings.c.leaf_index, sayings.c.statement).where(
        sayings.c.state == DocumentState.LOGGED.value
    )
    for row in connection.execute(logged.order_by(sayings.c.position)):
        yield LeafIndex(row.leaf_index), bytes(row.statement)


def _find_newest(connection: Connection, subject: Subject) -> Saying | None:
    wanted = (sayings.c.subject == subject, sayings.c.state != DocumentState.VOIDED.value)
    query = select(sayings).where(*wanted).order_by(sayings.c.position.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return None if row is None else _to_saying(row)


def _find_photo(connection: Connection, digest: Digest) -> bytes | None:
    body = connection.execute(select(photos.c.body).where(photos.c.digest == digest)).scalar_one_or_none()
    return None if body is None else bytes(body)


def _to_row(saying: Saying, now_ms: int) -> dict[str, Any]:
    return {
        "position": saying.position,
        "type": int(saying.type),
        "subject": saying.subject,
        "state": saying.state.value,
        "statement": saying.statement,
        "leaf_index": saying.leaf_index,
        "reason": saying.reason,
        "place": saying.place,
        "changed_at_ms": now_ms,
    }


def _to_saying(row: Row[Any]) -> Saying:
    return replace(
        Saying(row.position, EventType(row.type), Subject(bytes(row.subject)), bytes(row.statement)),
        state=DocumentState(row.state),
        leaf_index=None if row.leaf_index is None else LeafIndex(row.leaf_index),
        reason=row.reason,
        place=None if row.place is None else Subject(bytes(row.place)),
    )
