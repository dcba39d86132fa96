"""What scans suggest about stickers, at the desk of one authority: fetched, looked at, each step recorded for good.

>>> store = CopyStore(database, "CN-35")
>>> store.prepare()
>>> store.list_notes(only_open=True, limit=50)
[]
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, func, insert, select, update

from api.copies.evidence import read_evidence, write_evidence
from api.copies.findings import EnteredArea, Finding, FindingAnswer, FindingState, list_next
from api.copies.rules import CodeKind, Rule, Suspicion
from api.office.copy_tables import areas, metadata, notes, steps
from ledger.core.errors import StateError
from ledger.store.engine import Database

_OPEN: Final = (FindingState.OPEN.value, FindingState.CONFIRMED.value)
_CHANGED: Final = "somebody has decided about it since: look at it again"
_CHANGED_ZH: Final = "其间已有其他处理，请重新查看"


@dataclass(frozen=True, slots=True)
class Note:
    """A finding at the desk."""

    position: int
    """How staff call it; counts from 1."""
    finding: Finding
    state: FindingState


@dataclass(frozen=True, slots=True)
class CopyStep:
    """What a person decided."""

    number: int
    state: FindingState
    person: str
    reason: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class DeskArea:
    """Where the instrument of a sticker belongs, and who has said so."""

    position: int
    entered: EnteredArea
    person: str


class CopyStore:
    """Notes of one authority. One process at a time writes. Raises as the database does."""

    def __init__(self, database: Database, authority: str) -> None:
        self._database = database
        self._authority = authority

    def prepare(self) -> None:
        """Make the tables if they are not there."""
        with self._database.write() as connection:
            metadata.create_all(connection)

    # --- fetching and telling -------------------------------------------------------------------------------

    def take(self, fetched: Sequence[Finding]) -> int:
        """Store findings; of those that are there the newest evidence. Return how many are new."""
        added = 0
        with self._database.write() as connection:
            for finding in fetched:
                there = select(notes.c.position).where(notes.c.finding == finding.id)
                if connection.execute(there).first() is None:
                    last = connection.execute(select(func.max(notes.c.position))).scalar_one() or 0
                    connection.execute(insert(notes), [_to_row(finding) | {"position": last + 1}])
                    added += 1
                else:
                    values = {"evidence": _write(finding), "renewed_at_ms": finding.renewed_at_ms}
                    own = notes.c.finding == finding.id
                    connection.execute(update(notes).where(own).values(values))
        return added

    def find_newest_ms(self) -> int:
        """Return when the newest note was found, or found again; 0: there is none."""
        query = select(func.max(notes.c.renewed_at_ms)).where(notes.c.authority == self._authority)
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one() or 0)

    def list_unsent(self, limit: int) -> list[FindingAnswer]:
        """Return steps that the site has not been told of, oldest first."""
        query = select(steps).join(notes, notes.c.finding == steps.c.finding)
        query = query.where(notes.c.authority == self._authority, steps.c.is_sent.is_(False))
        query = query.order_by(steps.c.at_ms, steps.c.number).limit(limit)
        with self._database.read() as connection:
            return [
                FindingAnswer(bytes(row.finding), row.number, FindingState(row.state), row.at_ms)
                for row in connection.execute(query)
            ]

    def mark_sent(self, sent: Sequence[FindingAnswer]) -> None:
        """Note that the site was told."""
        with self._database.write() as connection:
            for one in sent:
                where = (steps.c.finding == one.finding) & (steps.c.number == one.number)
                connection.execute(update(steps).where(where).values(is_sent=True))

    def list_unsent_areas(self, limit: int) -> list[DeskArea]:
        """Return areas that the site has not been told of, oldest first."""
        own = (areas.c.authority == self._authority) & areas.c.is_sent.is_(False)
        with self._database.read() as connection:
            query = select(areas).where(own).order_by(areas.c.position).limit(limit)
            return [_to_area(row) for row in connection.execute(query)]

    def mark_areas_sent(self, sent: Sequence[DeskArea]) -> None:
        """Note that the site was told."""
        where = areas.c.position.in_([one.position for one in sent])
        with self._database.write() as connection:
            connection.execute(update(areas).where(where).values(is_sent=True))

    # --- looking at them ------------------------------------------------------------------------------------

    def list_notes(self, *, only_open: bool, limit: int, before: int = 2**53) -> list[Note]:
        """Return notes, newest first: those that wait for somebody or are confirmed, or all."""
        query = select(notes).where(notes.c.authority == self._authority, notes.c.position < before)
        if only_open:
            query = query.where(notes.c.state.in_(_OPEN))
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(notes.c.position.desc()).limit(limit))
            return [_to_note(row) for row in rows]

    def find(self, position: int) -> Note | None:
        """Return a note of this authority; None: it has none of this number."""
        query = select(notes).where(notes.c.position == position, notes.c.authority == self._authority)
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return None if row is None else _to_note(row)

    def list_steps(self, note: Note) -> list[CopyStep]:
        """Return what was decided, oldest first."""
        query = select(steps).where(steps.c.finding == note.finding.id).order_by(steps.c.number)
        with self._database.read() as connection:
            return [
                CopyStep(row.number, FindingState(row.state), row.person, row.reason, row.at_ms)
                for row in connection.execute(query)
            ]

    def list_areas(self, limit: int, code: str | None = None) -> list[DeskArea]:
        """Return areas, newest first, of one sticker or of all."""
        query = select(areas).where(areas.c.authority == self._authority)
        if code is not None:
            query = query.where(areas.c.code == code)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(areas.c.position.desc()).limit(limit))
            return [_to_area(row) for row in rows]

    # --- deciding -------------------------------------------------------------------------------------------

    def take_step(self, note: Note, state: FindingState, person: str, reason: str, now_ms: int) -> None:
        """Record what a person decided.

        Raises:
            StateError: the note is in another state than the caller has seen, or this does not follow it.
        """
        id_ = note.finding.id
        with self._database.write() as connection:
            query = select(notes.c.state).where(notes.c.finding == id_)
            now_in = FindingState(connection.execute(query).scalar_one())
            if now_in is not note.state or state not in list_next(now_in):
                raise StateError(_CHANGED, zh=_CHANGED_ZH)
            number = _next_number(connection, id_)
            row = {"finding": id_, "number": number, "state": state.value, "person": person}
            row |= {"reason": reason, "at_ms": now_ms, "is_sent": False}
            connection.execute(insert(steps), [row])
            connection.execute(update(notes).where(notes.c.finding == id_).values(state=state.value))

    def enter_area(self, entered: EnteredArea, person: str) -> None:
        """Record where the instrument of a sticker belongs."""
        with self._database.write() as connection:
            last = connection.execute(select(func.max(areas.c.position))).scalar_one() or 0
            row = {"position": last + 1, "authority": self._authority, "code": entered.code}
            row |= {"south": entered.south, "west": entered.west, "km": entered.km}
            row |= {"person": person, "at_ms": entered.at_ms, "is_sent": False}
            connection.execute(insert(areas), [row])


def _next_number(connection: Connection, finding: bytes) -> int:
    query = select(func.max(steps.c.number)).where(steps.c.finding == finding)
    return int(connection.execute(query).scalar_one() or 0) + 1


def _write(finding: Finding) -> str:
    return write_evidence(Suspicion(finding.rule, finding.evidence.seen, finding.evidence.counted))


def _to_row(finding: Finding) -> dict[str, Any]:
    return {
        "finding": finding.id,
        "authority": finding.authority,
        "kind": finding.kind.value,
        "code": finding.code,
        "rule": finding.rule.value,
        "institution": finding.institution,
        "instrument": finding.instrument,
        "part": finding.part,
        "is_mobile": finding.is_mobile,
        "evidence": _write(finding),
        "found_at_ms": finding.found_at_ms,
        "renewed_at_ms": finding.renewed_at_ms,
        "state": FindingState.OPEN.value,
    }


def _to_note(row: Row[Any]) -> Note:
    finding = Finding(
        bytes(row.finding),
        CodeKind(row.kind),
        row.code,
        Rule(row.rule),
        row.authority,
        row.institution,
        None if row.instrument is None else bytes(row.instrument),
        row.part,
        row.is_mobile,
        read_evidence(row.evidence),
        row.found_at_ms,
        row.renewed_at_ms,
    )
    return Note(row.position, finding, FindingState(row.state))


def _to_area(row: Row[Any]) -> DeskArea:
    return DeskArea(row.position, EnteredArea(row.code, row.south, row.west, row.km, row.at_ms), row.person)
