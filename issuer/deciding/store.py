"""What an authority has decided, and what the log answered.

>>> store = DecisionStore(database)
>>> store.prepare()
>>> store.list_newest(20)
[]
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Connection, Row, func, insert, inspect, select, update

from issuer.deciding.tables import decisions, metadata
from issuer.store import Database
from issuer.tables import DocumentState
from ledger.core.event import EventType
from ledger.core.ids import LeafIndex, Subject

_BY_ITSELF: Final = (int(EventType.REPORT_TAKEN),)
"""What the office signs without anybody deciding it."""


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """A statement of the authority, and how far it has come."""

    position: int
    taken_together: int
    """First position of all that was decided in one go."""
    type: EventType
    subject: Subject
    label: str
    ground: str
    """Why, in the words of whoever decided."""
    person: str
    statement: bytes
    decided_at_ms: int
    state: DocumentState = DocumentState.SIGNED
    leaf_index: LeafIndex | None = None
    reason: str | None = None
    """Why the log refused it."""
    reason_zh: str | None = None


class DecisionStore:
    """Decisions of one authority. One process at a time writes. Raises as the database does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def database(self) -> Database:
        """Return where the table lies."""
        return self._database

    def prepare(self) -> None:
        """Make the table if it is not there."""
        with self._database.write() as connection:
            metadata.create_all(connection)

    def add(self, new: Sequence[StoredDecision]) -> list[StoredDecision]:
        """Store statements that were signed just now, behind all others; return them with their positions."""
        with self._database.write() as connection:
            first = (connection.execute(select(func.max(decisions.c.position))).scalar_one() or 0) + 1
            added = [
                replace(one, position=first + offset, taken_together=first) for offset, one in enumerate(new)
            ]
            connection.execute(insert(decisions), [_to_row(one, one.decided_at_ms) for one in added])
        return added

    def save(self, changed: Iterable[StoredDecision], now_ms: int) -> None:
        """Store how far statements have come that waited so far."""
        with self._database.write() as connection:
            for one in changed:
                waiting = (decisions.c.position == one.position) & (
                    decisions.c.state == DocumentState.SIGNED.value
                )
                connection.execute(update(decisions).where(waiting).values(**_to_row(one, now_ms)))

    def list_together(self, first: int) -> list[StoredDecision]:
        """Return what was decided in one go, by its first position; nothing where that is none."""
        query = select(decisions).where(decisions.c.taken_together == first).order_by(decisions.c.position)
        with self._database.read() as connection:
            return [_to_decision(row) for row in connection.execute(query)]

    def list_waiting(self, event: EventType) -> list[StoredDecision]:
        """Return statements of one type that the log has not answered yet, oldest first."""
        waiting = (decisions.c.type == int(event)) & (decisions.c.state == DocumentState.SIGNED.value)
        query = select(decisions).where(waiting).order_by(decisions.c.position)
        with self._database.read() as connection:
            return [_to_decision(row) for row in connection.execute(query)]

    def list_newest(self, limit: int, before: int = 2**62) -> list[tuple[StoredDecision, int]]:
        """Return the first of each that people decided in one go, newest first, with how many there are."""
        counted = (
            select(decisions.c.taken_together, func.count().label("number"))
            .where(decisions.c.taken_together < before, decisions.c.type.not_in(_BY_ITSELF))
            .group_by(decisions.c.taken_together)
            .order_by(decisions.c.taken_together.desc())
            .limit(limit)
            .subquery()
        )
        query = select(decisions, counted.c.number).join(
            counted, counted.c.taken_together == decisions.c.position
        )
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(decisions.c.position.desc()))
            return [(_to_decision(row), row.number) for row in rows]


def has_decisions(connection: Connection) -> bool:
    """Tell whether a database has the table."""
    return inspect(connection).has_table(decisions.name)


def list_decisions(connection: Connection, after: int, limit: int) -> list[StoredDecision]:
    """Return statements beyond a position, in the order of signing."""
    query = select(decisions).where(decisions.c.position > after).order_by(decisions.c.position).limit(limit)
    return [_to_decision(row) for row in connection.execute(query)]


def list_logged_decisions(connection: Connection) -> Iterator[tuple[LeafIndex, bytes]]:
    """Yield leaf and statement of everything that the log has taken."""
    logged = select(decisions.c.leaf_index, decisions.c.statement).where(
        decisions.c.state == DocumentState.LOGGED.value
    )
    for row in connection.execute(logged.order_by(decisions.c.position)):
        yield LeafIndex(row.leaf_index), bytes(row.statement)


def _to_row(one: StoredDecision, now_ms: int) -> dict[str, Any]:
    return {
        **{name: getattr(one, name) for name in StoredDecision.__dataclass_fields__},
        "type": int(one.type),
        "state": one.state.value,
        "changed_at_ms": now_ms,
    }


def _to_decision(row: Row[Any]) -> StoredDecision:
    return StoredDecision(
        row.position,
        row.taken_together,
        EventType(row.type),
        Subject(bytes(row.subject)),
        row.label,
        row.ground,
        row.person,
        bytes(row.statement),
        row.decided_at_ms,
        DocumentState(row.state),
        None if row.leaf_index is None else LeafIndex(row.leaf_index),
        row.reason,
        row.reason_zh,
    )
