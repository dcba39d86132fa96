"""What consumers have reported, as the public site and authorities' desks see it: the only SQL about it there.

A report is committed before anybody sees its case code, so that none is lost.

>>> store = ReportStore(database, "ledger.example/2026")
>>> store.prepare()
>>> store.add(report, meters, day, randomness)
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from api.reports.case_code import CaseCode, hash_case_code
from api.reports.floods import Meter, TooManyError, hash_who
from api.reports.kinds import OVER, CaseState, Route
from api.reports.tables import answers, counts, meta, metadata, reports, salts
from ledger.core.calendar_rules import days_from_date
from ledger.core.errors import StoreUnavailableError
from ledger.core.ids import Digest
from ledger.store.engine import Database
from ledger.store.own import prepare_own

FORMAT: Final = "1"
_SALT_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class NewReport:
    """A report on its way into the database."""

    case: bytes
    code: CaseCode
    authority: str
    route: Route
    digest: Digest
    raw: bytes
    """Its file, see `file`."""
    taken_at_ms: int
    keep_until: date


@dataclass(frozen=True, slots=True)
class Answer:
    """What an authority says of a case to whoever holds its code."""

    case: bytes
    number: int
    state: CaseState
    sentence: str | None
    at_ms: int


@dataclass(frozen=True, slots=True)
class KnownCase:
    """A case as whoever holds its code may know it."""

    case: bytes
    authority: str
    route: Route
    digest: Digest
    taken_at_ms: int
    answers: tuple[Answer, ...]
    """Oldest first."""


@dataclass(frozen=True, slots=True)
class WaitingReport:
    """A report that its authority has not fetched yet."""

    case: bytes
    digest: Digest
    raw: bytes
    taken_at_ms: int
    keep_until: int
    """Days since 1970-01-01."""


class ReportStore:
    """Reports of one site. Safe to share between threads; raises as the database does."""

    def __init__(self, database: Database, origin: str) -> None:
        self._database = database
        self._made_for = {"format": FORMAT, "origin": origin}
        self._is_prepared = False

    @property
    def database(self) -> Database:
        """Return where the tables lie."""
        return self._database

    def prepare(self) -> None:
        """Make the tables, or check that those found are the right ones.

        Raises:
            StateError: tables of another format, or of reports for another log.
        """
        with self._database.write() as connection:
            prepare_own(connection, metadata, meta, self._made_for, "reports")
        self._is_prepared = True

    def _require_tables(self) -> None:
        """Make the tables now where the database could not be had before; raises as `prepare`."""
        if not self._is_prepared:
            self.prepare()

    # --- the public site ------------------------------------------------------------------------------------

    def add(
        self, report: NewReport, meters: Sequence[Meter], today: date, randomness: Callable[[int], bytes]
    ) -> bool:
        """Store a report; return whether it is new: one whose code is there already stays as it is.

        Raises:
            TooManyError: of one of the meters, on this day; nothing was stored.
        """
        self._require_tables()
        with self._database.write() as connection:
            known = select(reports.c.case_id).where(reports.c.code_hash == hash_case_code(report.code))
            if connection.execute(known).first() is not None:
                return False
            count_meters(connection, meters, days_from_date(today), randomness)
            last = connection.execute(select(func.max(reports.c.position))).scalar_one() or 0
            connection.execute(insert(reports), [_to_row(report, last + 1)])
        return True

    def find(self, code: CaseCode) -> KnownCase | None:
        """Return the case of a code; None: there is none."""
        self._require_tables()
        query = select(reports).where(reports.c.code_hash == hash_case_code(code))
        with self._database.read() as connection:
            row = connection.execute(query).first()
            if row is None:
                return None
            wanted = select(answers).where(answers.c.case_id == row.case_id).order_by(answers.c.number)
            found = tuple(_to_answer(one) for one in connection.execute(wanted))
        return KnownCase(
            bytes(row.case_id),
            row.authority,
            Route(row.route),
            Digest(bytes(row.digest)),
            row.taken_at_ms,
            found,
        )

    def is_over(self, meter: Meter, today: date) -> bool:
        """Tell whether a meter has reached its most on this day."""
        self._require_tables()
        day = days_from_date(today)
        with self._database.read() as connection:
            salt = _find_salt(connection, day)
            return salt is not None and _find_count(connection, day, meter, salt) >= meter.most

    def count(self, meter: Meter, today: date, randomness: Callable[[int], bytes]) -> None:
        """Count something; raises TooManyError if there is too much of it."""
        self._require_tables()
        with self._database.write() as connection:
            count_meters(connection, [meter], days_from_date(today), randomness)

    def tidy(
        self, today: date, has_logged: Callable[[Sequence[Digest]], Iterable[Digest]]
    ) -> tuple[int, int]:
        """Empty files that their authority and the log have, and forget what is past its time and not open.

        Args:
            today: in the zone of the site.
            has_logged: says which digests the log has.

        Returns:
            How many files were emptied, and how many reports forgotten.
        """
        self._require_tables()
        taken = select(answers.c.case_id)
        full = select(reports.c.digest).where(reports.c.file.is_not(None), reports.c.case_id.in_(taken))
        with self._database.read() as connection:
            waiting = [Digest(bytes(row.digest)) for row in connection.execute(full.limit(_CHUNK))]
        logged = list(has_logged(waiting)) if waiting else []
        over = select(answers.c.case_id).where(answers.c.state.in_([state.value for state in OVER]))
        past = select(reports.c.case_id).where(
            reports.c.keep_until < days_from_date(today),
            reports.c.case_id.not_in(taken) | reports.c.case_id.in_(over),
        )
        with self._database.write() as connection:
            if logged:
                chosen = update(reports).where(reports.c.digest.in_(logged))
                connection.execute(chosen.values(file=None))
            gone = [row.case_id for row in connection.execute(past.limit(_CHUNK))]
            if gone:
                connection.execute(delete(answers).where(answers.c.case_id.in_(gone)))
                connection.execute(delete(reports).where(reports.c.case_id.in_(gone)))
        if logged or gone:
            with suppress(StoreUnavailableError):  # the write-ahead log is emptied the next time
                self._database.drop_traces()
        return len(logged), len(gone)

    # --- authorities' desks ---------------------------------------------------------------------------------

    def list_waiting(self, authority: str, limit: int) -> list[WaitingReport]:
        """Return reports for an authority that it has not answered yet, oldest first."""
        self._require_tables()
        answered = select(answers.c.case_id)
        query = select(reports).where(reports.c.authority == authority, reports.c.file.is_not(None))
        query = query.where(reports.c.case_id.not_in(answered)).order_by(reports.c.position).limit(limit)
        with self._database.read() as connection:
            return [
                WaitingReport(
                    bytes(row.case_id),
                    Digest(bytes(row.digest)),
                    bytes(row.file),
                    row.taken_at_ms,
                    row.keep_until,
                )
                for row in connection.execute(query)
            ]

    def answer(self, authority: str, given: Sequence[Answer]) -> None:
        """Store what an authority says of its cases; what is there already stays as it is."""
        if not given:
            return
        self._require_tables()
        with self._database.write() as connection:
            for one in given:
                own = select(reports.c.case_id).where(
                    reports.c.case_id == one.case, reports.c.authority == authority
                )
                there = select(answers.c.number).where(
                    answers.c.case_id == one.case, answers.c.number == one.number
                )
                if connection.execute(own).first() and not connection.execute(there).first():
                    row = {"case_id": one.case, "number": one.number, "state": one.state.value}
                    row |= {"sentence": one.sentence, "at_ms": one.at_ms}
                    connection.execute(insert(answers), [row])


_CHUNK: Final = 500


def count_meters(
    connection: Connection, meters: Sequence[Meter], day: int, randomness: Callable[[int], bytes]
) -> None:
    """Count something on a day within a transaction, under the salt of that day, which is made if need be.

    Raises:
        TooManyError: one of the meters is full; what was counted before it in this call stays in the transaction.
    """
    salt = _find_salt(connection, day)
    if salt is None:
        salt = randomness(_SALT_BYTES)
        connection.execute(delete(salts).where(salts.c.day < day))
        connection.execute(delete(counts).where(counts.c.day < day))
        connection.execute(insert(salts), [{"day": day, "salt": salt}])
    for meter in meters:
        found = _find_count(connection, day, meter, salt)
        if found >= meter.most:
            raise TooManyError
        key = {"day": day, "kind": meter.kind, "who": hash_who(salt, meter)}
        if found == 0:
            connection.execute(insert(counts), [{**key, "count": 1}])
        else:
            where = (counts.c.day == day) & (counts.c.kind == meter.kind) & (counts.c.who == key["who"])
            connection.execute(update(counts).where(where).values(count=found + 1))


def _find_salt(connection: Connection, day: int) -> bytes | None:
    found = connection.execute(select(salts.c.salt).where(salts.c.day == day)).scalar()
    return None if found is None else bytes(found)


def _find_count(connection: Connection, day: int, meter: Meter, salt: bytes) -> int:
    where = (counts.c.day == day) & (counts.c.kind == meter.kind) & (counts.c.who == hash_who(salt, meter))
    return int(connection.execute(select(counts.c.count).where(where)).scalar() or 0)


def _to_row(report: NewReport, position: int) -> dict[str, Any]:
    return {
        "position": position,
        "case_id": report.case,
        "code_hash": hash_case_code(report.code),
        "authority": report.authority,
        "route": report.route.value,
        "digest": report.digest,
        "file": report.raw,
        "taken_at_ms": report.taken_at_ms,
        "keep_until": days_from_date(report.keep_until),
    }


def _to_answer(row: Row[Any]) -> Answer:
    return Answer(bytes(row.case_id), row.number, CaseState(row.state), row.sentence, row.at_ms)
