"""Statutory clocks: until when an authority has to decide, from tables that the operator confirms.

Days are counted from the day after the event, in the zone of the site. Working days are Monday to Friday but for
what the table of the calendar says otherwise. Of a year that it does not cover nobody knows the holidays yet: the
page says so.

>>> [clock.due for clock in load_deadlines().list_clocks(Route.COMPLAINT, events, today)]
[datetime.date(2026, 11, 11)]
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import Final

from api.reports.kinds import OVER, CaseState, Route
from ledger.core.errors import MalformedDocumentError
from ledger.core.step import Sentence
from ledger.core.table import read_table

_COLUMNS: Final = (
    *("route", "clock", "after", "days", "unit"),
    *("title_en", "title_zh", "source", "confidence"),
)
_CALENDAR: Final = ("day", "works", "holiday", "source", "confidence")
_MOST_DAYS: Final = 400
_SATURDAY: Final = 5
_ENDS: Final[Mapping[str, frozenset[CaseState]]] = {
    "accept": frozenset({CaseState.ACCEPTED, CaseState.NOT_ACCEPTED}),
    "mediate": OVER,
    "file": frozenset({CaseState.ACCEPTED, CaseState.NOT_ACCEPTED, CaseState.EXTENDED}),
    "file_extended": frozenset({CaseState.ACCEPTED, CaseState.NOT_ACCEPTED}),
}
"""Clock -> what stops it."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A row of the table."""

    route: Route
    clock: str
    after: CaseState
    days: int
    is_working: bool
    title: Sentence
    source: str
    confidence: str


@dataclass(frozen=True, slots=True)
class Clock:
    """How one deadline stands in one case."""

    title: Sentence
    due: date
    met_on: date | None
    """When what it waits for was done; None: not yet."""
    is_late: bool
    """Done too late, or not done although the day is over."""
    is_known: bool
    """Whether the calendar covers every day that was counted."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """Which days are worked on."""

    exceptions: Mapping[date, bool]

    def is_working(self, day: date) -> bool:
        """Tell whether a day is worked on."""
        return self.exceptions.get(day, day.weekday() < _SATURDAY)

    def covers(self, first: date, last: date) -> bool:
        """Tell whether the holidays of every year from one day to another are known."""
        years = {day.year for day in self.exceptions}
        return all(year in years for year in range(first.year, last.year + 1))

    def add(self, day: date, count: int) -> date:
        """Return the day so many working days later; the day itself does not count."""
        while count:
            day += timedelta(days=1)
            count -= self.is_working(day)
        return day


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The table, and the calendar that it is counted by."""

    rows: tuple[Deadline, ...]
    calendar: Calendar

    def list_clocks(self, route: Route, events: Sequence[tuple[CaseState, date]], today: date) -> list[Clock]:
        """Return the clocks that run in a case, or ran.

        Args:
            route: of the case.
            events: what has become of it and when, oldest first; TAKEN is the day on which it was sent.
            today: in the zone of the site.
        """
        return [
            self._find_clock(row, began, events, today)
            for row in self.rows
            if row.route is route
            for began in [next((day for state, day in events if state is row.after), None)]
            if began is not None
        ]

    def _find_clock(
        self, row: Deadline, began: date, events: Sequence[tuple[CaseState, date]], today: date
    ) -> Clock:
        due = self.calendar.add(began, row.days) if row.is_working else began + timedelta(days=row.days)
        met_on = next((day for state, day in events if state in _ENDS[row.clock]), None)
        is_known = not row.is_working or self.calendar.covers(began, due)
        return Clock(row.title, due, met_on, (met_on or today) > due, is_known)


@lru_cache(maxsize=1)
def load_deadlines() -> Deadlines:
    """Return the tables of the product."""
    folder = files("api.reports.data")
    return parse_deadlines(
        folder.joinpath("deadlines.csv").read_text(encoding="utf-8"),
        folder.joinpath("working_days.csv").read_text(encoding="utf-8"),
    )


def parse_deadlines(rows: str, days: str) -> Deadlines:
    """Parse the two tables.

    Raises:
        MalformedDocumentError: not such tables; the cell is named.
    """
    found = []
    for row in read_table("deadlines", rows, _COLUMNS):
        route, after = row.optional_code("route", Route), row.optional_code("after", CaseState)
        count, unit, clock = row.optional_count("days", _MOST_DAYS), row.text("unit"), row.text("clock")
        if route is None or after is None or count is None:
            raise MalformedDocumentError("route, after and days are needed", field=row.label)
        if unit not in {"working", "calendar"}:
            raise MalformedDocumentError("expected working or calendar", field=row.path("unit"))
        if clock not in _ENDS:
            raise MalformedDocumentError(f"expected one of {', '.join(_ENDS)}", field=row.path("clock"))
        title = Sentence(row.text("title_en"), row.text("title_zh"))
        source, confidence = row.text("source"), row.text("confidence")
        found.append(Deadline(route, clock, after, count, unit == "working", title, source, confidence))
    exceptions = {}
    for row in read_table("working_days", days, _CALENDAR):
        day = row.optional_date("day")
        if day is None or day in exceptions:
            raise MalformedDocumentError("expected each day once", field=row.path("day"))
        exceptions[day] = row.flag("works")
        row.text("source")
    return Deadlines(tuple(found), Calendar(exceptions))
