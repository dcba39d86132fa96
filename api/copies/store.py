"""Scans of one site as its public pages and authorities' desks see them: the only SQL about it there.

>>> store = ScanStore(reports, "ledger.example/2026")
>>> store.add_place(CodeKind.STICKER, "7KQ2M9X0A1B2C3D4", cell, now, "203.0.113.7", randomness)
True
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from api.callers import find_caller
from api.copies.cells import Cell
from api.copies.evidence import read_evidence, write_evidence
from api.copies.findings import OVER, EnteredArea, Finding, FindingAnswer, FindingState
from api.copies.rules import Area, CodeKind, Counted, Rule, Seen, Standing, Suspicion
from api.copies.tables import answers, areas, counts, findings, meta, metadata, places
from api.reports.floods import Meter, TooManyError
from api.reports.store import ReportStore, count_meters
from ledger.core.calendar_rules import days_from_date
from ledger.store.engine import Database
from ledger.store.own import prepare_own

FORMAT: Final = "1"
PLACES_A_DAY: Final = 20
"""Of one caller, of different codes; of one code a caller tells one place a day."""
CODE_A_DAY: Final = 200
"""Places of one code, of all callers."""
MOST_SEEN: Final = 300
"""Newest observations that the rules look at: more would take them seconds, and show no more."""
_HOUR_MS: Final = 3_600_000
_CHUNK: Final = 500

Key = tuple[CodeKind, str]


@dataclass(frozen=True, slots=True)
class Tally:
    """What a round has counted of one code on one day."""

    day: int
    kind: CodeKind
    code: str
    scans: int
    callers: int
    standing: Standing
    is_mobile: bool


@dataclass(frozen=True, slots=True)
class Scans:
    """All that the rules look at of one code."""

    standing: Standing
    is_mobile: bool
    seen: tuple[Seen, ...]
    counted: tuple[Counted, ...]


class ScanStore:
    """Scans of one site. Safe to share between threads; raises as the database does."""

    def __init__(self, reports: ReportStore, origin: str) -> None:
        """Take the store of the site's reports, whose database and whose limits of callers are used."""
        self._reports = reports
        self._database: Database = reports.database
        self._made_for = {"format": FORMAT, "origin": origin}
        self._is_prepared = False

    def prepare(self) -> None:
        """Make the tables, or check that those found are the right ones.

        Raises:
            StateError: tables of another format, or of scans of another log's codes.
        """
        self._reports.prepare()
        with self._database.write() as connection:
            prepare_own(connection, metadata, meta, self._made_for, "scans")
        self._is_prepared = True

    def _require_tables(self) -> None:
        """Make the tables now where the database could not be had before; raises as `prepare`."""
        if not self._is_prepared:
            self.prepare()

    # --- the public site: what comes in ---------------------------------------------------------------------

    def add_counts(self, tallies: Iterable[Tally]) -> None:
        """Add what a round has counted."""
        self._require_tables()
        with self._database.write() as connection:
            for one in tallies:
                _add_tally(connection, one)

    def add_place(
        self,
        kind: CodeKind,
        code: str,
        cell: Cell,
        now: datetime,
        address: str,
        randomness: Callable[[int], bytes],
    ) -> bool:
        """Store where somebody scanned a code; False: the same caller has told a place of it today.

        Args:
            kind: of the code.
            code: which one.
            cell: where.
            now: aware; only its hour is stored.
            address: of the caller; only a hash under the salt of the day is stored, apart from the place.
            randomness: makes that salt.

        Raises:
            TooManyError: this caller has told too many places today, or this code has too many.
        """
        self._require_tables()
        caller, today = find_caller(address), days_from_date(now.astimezone(UTC).date())
        here = Meter("place-here", f"{caller}\0{kind}\0{code}", 1)
        limits = [Meter("place", caller, PLACES_A_DAY), Meter("place-code", f"{kind}\0{code}", CODE_A_DAY)]
        with self._database.write() as connection:
            try:
                count_meters(connection, [here], today, randomness)
            except TooManyError:
                return False
            count_meters(connection, limits, today, randomness)
            _add_seen(connection, kind, code, Seen(cell, int(now.timestamp()) // 3600, 1))
        return True

    # --- the public site: judging ---------------------------------------------------------------------------

    def list_told_since(self, hour: int) -> list[Key]:
        """Return codes of which places were told in this hour or later."""
        self._require_tables()
        query = select(places.c.kind, places.c.code).where(places.c.hour >= hour).distinct()
        with self._database.read() as connection:
            return [(CodeKind(row.kind), row.code) for row in connection.execute(query)]

    def read_scans(self, key: Key, since_ms: int) -> Scans | None:
        """Return what the rules look at of a code, from an instant on; None: no page of it was ever handed out."""
        kind, code = key
        self._require_tables()
        of_day = (counts.c.kind == kind.value) & (counts.c.code == code)
        of_place = (places.c.kind == kind.value) & (places.c.code == code)
        told = select(places).where(of_place, places.c.hour > since_ms // _HOUR_MS)
        told = told.order_by(places.c.hour.desc(), places.c.south, places.c.west).limit(MOST_SEEN)
        with self._database.read() as connection:
            days = connection.execute(select(counts).where(of_day).order_by(counts.c.day)).all()
            seen = connection.execute(told).all()
        if not days:
            return None
        first = since_ms // (24 * _HOUR_MS)
        return Scans(
            Standing(days[-1].standing),
            days[-1].is_mobile,
            tuple(Seen(Cell(row.south, row.west), row.hour, row.callers) for row in seen),
            tuple(
                Counted(row.day, row.scans, row.callers)
                for row in days
                if row.day > first and row.standing == days[-1].standing
            ),
        )

    def list_areas(self) -> dict[tuple[str, str], Area]:
        """Return authority and sticker -> where it belongs, as that authority has entered it."""
        self._require_tables()
        with self._database.read() as connection:
            rows = connection.execute(select(areas))
            return {(row.authority, row.code): Area(Cell(row.south, row.west), row.km) for row in rows}

    def list_states(self, keys: Sequence[Key] | None = None) -> list[tuple[Finding, FindingState, int]]:
        """Return findings with their states and when they came about.

        Args:
            keys: of these codes; None: all that are not over.
        """
        self._require_tables()
        query = select(findings)
        if keys is not None:
            query = query.where(findings.c.code.in_([code for _, code in keys]))
        with self._database.read() as connection:
            rows = connection.execute(query).all()
            last = _read_last(connection)
        found = []
        for row in rows:
            state, at_ms = last.get(bytes(row.id), (FindingState.OPEN, row.found_at_ms))
            if (keys is None and state not in OVER) or (
                keys is not None and (CodeKind(row.kind), row.code) in keys
            ):
                found.append((_to_finding(row), state, at_ms))
        return found

    def raise_finding(self, finding: Finding) -> bool:
        """Store a finding; False: there is one of this code and rule that is not over, which is renewed."""
        self._require_tables()
        same = (findings.c.kind == finding.kind.value) & (findings.c.code == finding.code)
        with self._database.write() as connection:
            last = _read_last(connection)
            for row in connection.execute(
                select(findings).where(same, findings.c.rule == finding.rule.value)
            ):
                state = last.get(bytes(row.id), (FindingState.OPEN, 0))[0]
                if state not in OVER:
                    _renew(connection, row, finding)
                    return False
            connection.execute(insert(findings), [_to_row(finding)])
        return True

    def tidy(self, first_day: int) -> int:
        """Forget counts and places from before a day, and findings that were over by then; return how many rows."""
        self._require_tables()
        with self._database.write() as connection:
            gone = connection.execute(delete(counts).where(counts.c.day < first_day)).rowcount
            gone += connection.execute(delete(places).where(places.c.hour < first_day * 24)).rowcount
            over = [
                id_
                for id_, (state, at_ms) in _read_last(connection).items()
                if state in OVER and at_ms < first_day * 24 * _HOUR_MS
            ][:_CHUNK]
            if over:
                connection.execute(delete(findings).where(findings.c.id.in_(over)))
                gone += connection.execute(delete(answers).where(answers.c.finding.in_(over))).rowcount
        return gone

    # --- whoever keeps the site -----------------------------------------------------------------------------

    def list_counts(self, first_day: int, code: str | None = None) -> list[Tally]:
        """Return counts from a day on, newest first, of one code or of all."""
        self._require_tables()
        query = select(counts).where(counts.c.day >= first_day)
        if code is not None:
            query = query.where(counts.c.code == code)
        query = query.order_by(counts.c.day.desc(), counts.c.scans.desc(), counts.c.kind, counts.c.code)
        with self._database.read() as connection:
            return [
                Tally(
                    row.day,
                    CodeKind(row.kind),
                    row.code,
                    row.scans,
                    row.callers,
                    Standing(row.standing),
                    row.is_mobile,
                )
                for row in connection.execute(query)
            ]

    def list_places(self, first_hour: int, kind: CodeKind) -> list[tuple[str, Seen]]:
        """Return what was told of codes of a kind, oldest first."""
        self._require_tables()
        query = select(places).where(places.c.hour >= first_hour, places.c.kind == kind.value)
        query = query.order_by(places.c.hour, places.c.code, places.c.south, places.c.west)
        with self._database.read() as connection:
            return [
                (row.code, Seen(Cell(row.south, row.west), row.hour, row.callers))
                for row in connection.execute(query)
            ]

    # --- authorities' desks ---------------------------------------------------------------------------------

    def list_renewed(self, authority: str, since_ms: int, limit: int, offset: int = 0) -> list[Finding]:
        """Return findings for an authority that were found, or found again, from an instant on, oldest first."""
        self._require_tables()
        query = select(findings).where(
            findings.c.authority == authority, findings.c.renewed_at_ms >= since_ms
        )
        query = query.order_by(findings.c.renewed_at_ms, findings.c.id).limit(limit).offset(offset)
        with self._database.read() as connection:
            return [_to_finding(row) for row in connection.execute(query)]

    def answer(self, authority: str, given: Sequence[FindingAnswer]) -> None:
        """Store what persons of an authority made of its findings; what is there already stays as it is."""
        self._require_tables()
        with self._database.write() as connection:
            for one in given:
                own = select(findings.c.id).where(
                    findings.c.id == one.finding, findings.c.authority == authority
                )
                there = select(answers.c.number).where(
                    answers.c.finding == one.finding, answers.c.number == one.number
                )
                if connection.execute(own).first() and not connection.execute(there).first():
                    row = {"finding": one.finding, "number": one.number, "state": one.state.value}
                    connection.execute(insert(answers), [row | {"at_ms": one.at_ms}])

    def enter_areas(self, authority: str, entered: Sequence[EnteredArea]) -> None:
        """Store where stickers belong; of one sticker the newest holds."""
        self._require_tables()
        with self._database.write() as connection:
            for one in entered:
                row = {"authority": authority, "south": one.south, "west": one.west, "km": one.km}
                same = (areas.c.code == one.code) & (areas.c.authority == authority)
                connection.execute(delete(areas).where(same))
                connection.execute(insert(areas), [row | {"code": one.code, "at_ms": one.at_ms}])


def _add_tally(connection: Connection, one: Tally) -> None:
    where = (counts.c.day == one.day) & (counts.c.kind == one.kind.value) & (counts.c.code == one.code)
    facts = {"standing": one.standing.value, "is_mobile": one.is_mobile}
    row = connection.execute(select(counts).where(where)).first()
    if row is None:
        key = {"day": one.day, "kind": one.kind.value, "code": one.code}
        connection.execute(insert(counts), [key | facts | {"scans": one.scans, "callers": one.callers}])
        return
    # who looked while a sticker was in use does not count as looking after it was replaced
    callers = one.callers if row.standing != one.standing.value else row.callers + one.callers
    values = facts | {"scans": row.scans + one.scans, "callers": callers}
    connection.execute(update(counts).where(where).values(values))


def _add_seen(connection: Connection, kind: CodeKind, code: str, seen: Seen) -> None:
    key = {"kind": kind.value, "code": code, "hour": seen.hour}
    key |= {"south": seen.cell.south, "west": seen.cell.west}
    where = [places.c[name] == value for name, value in key.items()]
    found = connection.execute(select(places.c.callers).where(*where)).scalar()
    if found is None:
        connection.execute(insert(places), [key | {"callers": seen.count}])
    else:
        connection.execute(update(places).where(*where).values(callers=found + seen.count))


def _read_last(connection: Connection) -> Mapping[bytes, tuple[FindingState, int]]:
    """Return of each finding that has answers the newest one, and when it was given."""
    newest = select(answers.c.finding, func.max(answers.c.number).label("number")).group_by(answers.c.finding)
    of = newest.subquery()
    query = select(answers).join(of, (answers.c.finding == of.c.finding) & (answers.c.number == of.c.number))
    return {bytes(row.finding): (FindingState(row.state), row.at_ms) for row in connection.execute(query)}


def _renew(connection: Connection, row: Row[Any], finding: Finding) -> None:
    evidence = write_evidence(_to_suspicion(finding))
    if row.evidence != evidence:
        values = {"evidence": evidence, "renewed_at_ms": finding.renewed_at_ms}
        connection.execute(update(findings).where(findings.c.id == row.id).values(values))


def _to_suspicion(finding: Finding) -> Suspicion:
    return Suspicion(finding.rule, finding.evidence.seen, finding.evidence.counted)


def _to_row(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.id,
        "kind": finding.kind.value,
        "code": finding.code,
        "rule": finding.rule.value,
        "authority": finding.authority,
        "institution": finding.institution,
        "instrument": finding.instrument,
        "part": finding.part,
        "is_mobile": finding.is_mobile,
        "evidence": write_evidence(_to_suspicion(finding)),
        "found_at_ms": finding.found_at_ms,
        "renewed_at_ms": finding.renewed_at_ms,
    }


def _to_finding(row: Row[Any]) -> Finding:
    return Finding(
        bytes(row.id),
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
