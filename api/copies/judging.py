"""Goes round every few seconds: writes counts, judges codes about which something is new, finds what pages show.

    pages ──note──► counter ──round──► counts ──rules──► finding ──► the desk of the authority in charge
    button ──────► place ────────────────┘                 └──► mark on the page

What nobody is in charge of is counted and judged, and no desk gets a note of it.

>>> Judging(watch, load_numbers(), keep_days=90).go_round()
1
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from api.background import Background
from api.copies.evidence import Evidence
from api.copies.findings import OVER, Finding
from api.copies.marks import CopyMark, choose_mark
from api.copies.rules import Area, CodeKind, Numbers, Standing, Suspicion, Watched, judge
from api.copies.store import Key, Tally
from api.copies.watch import Watch
from api.reports.directory import Named
from ledger.core.calendar_rules import days_from_date
from ledger.core.errors import LedgerError

LOOP_SECONDS: Final = 5.0
TIDY_SECONDS: Final = 600.0
_FIRST_HOURS: Final = 48
"""A process that has just begun judges again what was told in these."""
_ID_BYTES: Final = 8
_LOG: Final = structlog.get_logger(__name__)


class Judging:
    """Judges the scans of one site. One at a time goes round."""

    def __init__(self, watch: Watch, numbers: Numbers, keep_days: int) -> None:
        """Take what was noted, the numbers of the rules, and for how many days counts and places are kept."""
        self._watch = watch
        self._store = watch.store
        self._numbers = numbers
        self._keep_days = keep_days
        self._areas: dict[tuple[str, str], Area] | None = None

    def go_round(self) -> int:
        """Write, judge, show; return how many findings are new.

        Raises:
            LedgerError: log or database is out of reach, or damaged; what was noted since is lost.
        """
        now = self._watch.clock()
        tallies = [self._keep_known_roll(one) for one in self._watch.counter.drain(now)]
        if tallies:
            self._store.add_counts(tallies)
        odd = {(one.kind, one.code) for one in tallies if one.standing is not Standing.BOUND}
        told = {self._watch.told.pop() for _ in range(len(self._watch.told))}
        keys = odd | told | self._find_changed(now)
        try:
            found = sum(self._judge(key, now) for key in sorted(keys))
        except LedgerError:
            self._watch.told |= told
            raise
        self._watch.show(self._find_marks())
        return found

    def tidy(self) -> int:
        """Forget what is past its time; return how many rows."""
        first = self._watch.clock().astimezone(UTC).date() - timedelta(days=self._keep_days)
        return self._store.tidy(days_from_date(first))

    def _keep_known_roll(self, tally: Tally) -> Tally:
        """Return what is counted; of a roll that nobody has, only that it was none: anybody can make one up."""
        if tally.kind is not CodeKind.ROLL or self._watch.directory.find_holder(tally.code) is not None:
            return tally
        return replace(tally, code="")

    def _find_changed(self, now: datetime) -> set[Key]:
        """Return codes whose area was entered since; at the first round, all of which places were told lately."""
        areas = self._store.list_areas()
        before, self._areas = self._areas, areas
        if before is None:
            return set(self._store.list_told_since(_to_hour(now) - _FIRST_HOURS))
        changed = set(before.items()) ^ set(areas.items())
        return {(CodeKind.STICKER, code) for (_, code), _ in changed}

    def _judge(self, key: Key, now: datetime) -> int:
        kind, code = key
        over = [at_ms for _, state, at_ms in self._store.list_states([key]) if state in OVER]
        scans = self._store.read_scans(key, max(over, default=0))
        if scans is None:
            return 0
        named = self._name(kind, code)
        taker = self._watch.directory.in_charge(named.institution)
        if taker is None:
            return 0
        area = (self._areas or {}).get((taker.id, code))
        watched = Watched(kind, scans.standing, scans.is_mobile, area)
        found = judge(watched, scans.seen, scans.counted, self._numbers, _to_hour(now))
        return sum(self._raise(one, key, taker.id, named, now, is_mobile=scans.is_mobile) for one in found)

    def _name(self, kind: CodeKind, code: str) -> Named:
        directory = self._watch.directory
        return Named(None, directory.find_holder(code)) if kind is CodeKind.ROLL else directory.find(code)

    def _raise(
        self,
        suspicion: Suspicion,
        key: Key,
        authority: str,
        named: Named,
        now: datetime,
        *,
        is_mobile: bool,
    ) -> bool:
        now_ms = int(now.timestamp() * 1000)
        evidence = Evidence(suspicion.seen, suspicion.counted)
        return self._store.raise_finding(
            Finding(
                self._watch.randomness(_ID_BYTES),
                *key,
                suspicion.rule,
                authority,
                named.institution,
                named.instrument,
                named.part,
                is_mobile,
                evidence,
                now_ms,
                now_ms,
            )
        )

    def _find_marks(self) -> dict[Key, CopyMark]:
        by_code: dict[Key, list[Finding]] = {}
        states = {}
        for finding, state, _ in self._store.list_states():
            by_code.setdefault((finding.kind, finding.code), []).append(finding)
            states[finding.id] = state
        marks = {
            key: choose_mark(key[0], [(one.rule, states[one.id]) for one in found])
            for key, found in by_code.items()
        }
        return {key: mark for key, mark in marks.items() if mark is not None}


def _to_hour(now: datetime) -> int:
    return int(now.timestamp()) // 3600


class JudgingLoop(Background):
    """One thread that goes round while pages are served."""

    def __init__(self, judging: Judging, *, seconds: float = LOOP_SECONDS) -> None:
        """Prepare the thread.

        Args:
            judging: what it does.
            seconds: from one round to the next.
        """
        super().__init__("judging scans")
        self._judging = judging
        self._seconds = seconds
        self._is_away = False

    def _run(self) -> None:
        wait, since_tidied = 0.0, TIDY_SECONDS
        while not self._stopping.wait(wait):
            since_tidied += wait
            wait = self._seconds
            try:
                found = self._judging.go_round()
                if since_tidied >= TIDY_SECONDS:
                    since_tidied = 0.0
                    self._judging.tidy()
            except LedgerError as err:
                if not self._is_away:
                    _LOG.warning("scans are not judged; tried again", error=str(err), seconds=wait)
                self._is_away = True
            else:
                self._is_away = False
                if found:
                    _LOG.info("scans suggest copied stickers", findings=found)
