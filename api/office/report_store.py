"""The reports of one authority at its desk: fetched once, each step recorded for good.

>>> store = CaseStore(database, "CN-35")
>>> store.prepare()
>>> store.list_cases(only_open=True, limit=50)
[]
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from api.office.report_tables import cases, metadata, steps
from api.reports.file import FileHead, read_head
from api.reports.kinds import OVER, About, CaseState, Route, list_next
from api.reports.store import Answer, WaitingReport
from ledger.core.calendar_rules import days_from_date
from ledger.core.errors import StateError
from ledger.core.ids import Digest, LeafIndex
from ledger.store.engine import Database

REPORT_KEY: Final = "reports"
"""Name in an authority's keystore of the X25519 key to which reports are sealed."""
OPENED: Final = "opened"
_OVER: Final = tuple(state.value for state in OVER)
_CHANGED: Final = "somebody has taken another step since: look at the case again"
_CHANGED_ZH: Final = "其间已有其他处理，请重新查看本件"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done about a report."""

    number: int
    what: str
    """A state, or `opened`."""
    person: str
    """Who did it; "" for the office itself."""
    sentence: str | None
    note: str | None
    at_ms: int

    @property
    def state(self) -> CaseState | None:
        """Return the state that it brought about, if it did."""
        return None if self.what == OPENED else CaseState(self.what)


@dataclass(frozen=True, slots=True)
class Case:
    """A report at the desk, still sealed."""

    position: int
    """How staff call it; counts from 1."""
    id: bytes
    route: Route
    about: About
    institution: str | None
    instrument: bytes | None
    digest: Digest
    sent_at_ms: int
    leaf_index: LeafIndex | None
    state: CaseState


class CaseStore:
    """Reports of one authority. One process at a time writes. Raises as the database does."""

    def __init__(self, database: Database, authority: str) -> None:
        self._database = database
        self._authority = authority

    def prepare(self) -> None:
        """Make the tables if they are not there."""
        with self._database.write() as connection:
            metadata.create_all(connection)

    # --- fetching and logging -------------------------------------------------------------------------------

    def add(self, fetched: Sequence[WaitingReport], now_ms: int) -> int:
        """Store reports with their first step; those that are there stay as they are. Return how many are new."""
        added = 0
        with self._database.write() as connection:
            for report in fetched:
                there = select(cases.c.position).where(cases.c.case_id == report.case)
                if connection.execute(there).first() is not None:
                    continue
                last = connection.execute(select(func.max(cases.c.position))).scalar_one() or 0
                row = _to_row(report, read_head(report.raw), self._authority)
                connection.execute(insert(cases), [row | {"position": last + 1}])
                _add_step(connection, report.case, CaseState.TAKEN.value, "", None, None, now_ms)
                added += 1
        return added

    def list_unlogged(self, limit: int) -> list[Digest]:
        """Return digests that are not known to be in the log, oldest first."""
        query = select(cases.c.digest).where(cases.c.authority == self._authority)
        query = query.where(cases.c.leaf_index.is_(None)).order_by(cases.c.position).limit(limit)
        with self._database.read() as connection:
            return [Digest(bytes(row.digest)) for row in connection.execute(query)]

    def note_logged(self, found: Mapping[Digest, LeafIndex]) -> None:
        """Store where digests stand in the log."""
        if not found:
            return
        with self._database.write() as connection:
            for digest, index in found.items():
                connection.execute(
                    update(cases).where(cases.c.digest == digest).values(leaf_index=int(index))
                )

    def list_unsent(self, limit: int) -> list[Answer]:
        """Return steps that whoever holds the case code has not been told of, oldest first."""
        query = select(steps).join(cases, cases.c.case_id == steps.c.case_id)
        query = query.where(cases.c.authority == self._authority, steps.c.is_sent.is_(False))
        query = query.order_by(steps.c.at_ms, steps.c.number).limit(limit)
        with self._database.read() as connection:
            return [
                Answer(bytes(row.case_id), row.number, CaseState(row.what), row.sentence, row.at_ms)
                for row in connection.execute(query)
            ]

    def mark_sent(self, sent: Sequence[Answer]) -> None:
        """Note that steps were told."""
        with self._database.write() as connection:
            for one in sent:
                where = (steps.c.case_id == one.case) & (steps.c.number == one.number)
                connection.execute(update(steps).where(where).values(is_sent=True))

    # --- working on them ------------------------------------------------------------------------------------

    def list_cases(self, *, only_open: bool, limit: int, before: int = 2**53) -> list[Case]:
        """Return cases: open ones oldest first, all newest first."""
        query = select(cases).where(cases.c.authority == self._authority).limit(limit)
        if only_open:
            query = query.where(cases.c.state.not_in(_OVER)).order_by(cases.c.position)
        else:
            query = query.where(cases.c.position < before).order_by(cases.c.position.desc())
        with self._database.read() as connection:
            return [_to_case(row) for row in connection.execute(query)]

    def list_steps(self, found: Sequence[Case]) -> dict[bytes, list[Step]]:
        """Return the steps of cases, oldest first."""
        ids = [case.id for case in found]
        query = select(steps).where(steps.c.case_id.in_(ids)).order_by(steps.c.number)
        taken: dict[bytes, list[Step]] = {case.id: [] for case in found}
        with self._database.read() as connection:
            for row in connection.execute(query):
                taken[bytes(row.case_id)].append(
                    Step(row.number, row.what, row.person, row.sentence, row.note, row.at_ms)
                )
        return taken

    def find(self, position: int) -> Case | None:
        """Return a case of this authority; None: it has none of this number."""
        query = select(cases).where(cases.c.position == position, cases.c.authority == self._authority)
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return None if row is None else _to_case(row)

    def read_file(self, case: Case) -> bytes:
        """Return the sealed file of a case."""
        with self._database.read() as connection:
            return bytes(
                connection.execute(select(cases.c.file).where(cases.c.case_id == case.id)).scalar_one()
            )

    def note_opened(self, case: Case, person: str, now_ms: int) -> None:
        """Record that somebody has opened a report; committed before anything is shown."""
        with self._database.write() as connection:
            _add_step(connection, case.id, OPENED, person, None, None, now_ms, is_sent=True)

    def take_step(
        self,
        case: Case,
        state: CaseState,
        person: str,
        sentence: str | None,
        note: str | None,
        now_ms: int,
    ) -> None:
        """Record a step.

        Raises:
            StateError: the case is in another state than the caller has seen, or this does not follow it.
        """
        with self._database.write() as connection:
            query = select(cases.c.state).where(cases.c.case_id == case.id)
            now_in = CaseState(connection.execute(query).scalar_one())
            if now_in is not case.state or state not in list_next(now_in, case.route):
                raise StateError(_CHANGED, zh=_CHANGED_ZH)
            _add_step(connection, case.id, state.value, person, sentence, note, now_ms)
            connection.execute(update(cases).where(cases.c.case_id == case.id).values(state=state.value))

    def forget(self, today: date) -> int:
        """Forget closed reports whose time is over; return how many."""
        past = select(cases.c.case_id).where(
            cases.c.authority == self._authority,
            cases.c.keep_until < days_from_date(today),
            cases.c.state.in_(_OVER),
        )
        with self._database.write() as connection:
            gone = [row.case_id for row in connection.execute(past)]
            if gone:
                connection.execute(delete(steps).where(steps.c.case_id.in_(gone)))
                connection.execute(delete(cases).where(cases.c.case_id.in_(gone)))
        return len(gone)


def _add_step(
    connection: Connection,
    case: bytes,
    what: str,
    person: str,
    sentence: str | None,
    note: str | None,
    now_ms: int,
    *,
    is_sent: bool = False,
) -> None:
    last = connection.execute(select(func.max(steps.c.number)).where(steps.c.case_id == case)).scalar_one()
    row = {"case_id": case, "number": (last or 0) + 1, "what": what, "person": person}
    row |= {"sentence": sentence, "note": note, "at_ms": now_ms, "is_sent": is_sent}
    connection.execute(insert(steps), [row])


def _to_row(report: WaitingReport, head: FileHead, authority: str) -> dict[str, Any]:
    return {
        "case_id": report.case,
        "authority": authority,
        "route": head.route.value,
        "about": head.about.value,
        "institution": head.institution,
        "instrument": head.instrument,
        "digest": report.digest,
        "file": report.raw,
        "sent_at_ms": report.taken_at_ms,
        "keep_until": report.keep_until,
        "leaf_index": None,
        "state": CaseState.TAKEN.value,
    }


def _to_case(row: Row[Any]) -> Case:
    return Case(
        row.position,
        bytes(row.case_id),
        Route(row.route),
        About(row.about),
        row.institution,
        None if row.instrument is None else bytes(row.instrument),
        Digest(bytes(row.digest)),
        row.sent_at_ms,
        None if row.leaf_index is None else LeafIndex(row.leaf_index),
        CaseState(row.state),
    )
