"""Counts pages of codes: noted in memory when they were answered, taken out by a thread every few seconds.

Nobody waits for it, and nothing of it is worth waiting for: a process that is killed loses a few seconds. Of a
caller there is a hash under a random salt of the day, in memory only, so that ten looks of one person are one; the
address itself is gone as soon as the thread has come round.

>>> counter.note("/c/Y0E5Q0BVPKA486WB", "203.0.113.7", finding)
>>> counter.drain(now)
[Tally(day=20759, kind=<CodeKind.DOCUMENT: 'c'>, ...)]
"""

import hashlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final

from api.callers import find_caller
from api.copies.codes import Observed, identify
from api.copies.store import Tally
from api.verdicts import Finding
from ledger.core.calendar_rules import days_from_date

MOST_WAITING: Final = 50_000
"""Pages between two rounds; of more, the oldest are not counted."""
MOST_CALLERS: Final = 1_000_000
"""Callers of codes that are told apart on one day, some 100 MB; of more, each look counts."""
_SALT_BYTES: Final = 32
_NAME_BYTES: Final = 8


@dataclass(slots=True)
class _Day:
    """Who has looked at what on a day."""

    day: date
    salt: bytes = field(repr=False)
    callers: set[bytes] = field(default_factory=set, repr=False)


class ScanCounter:
    """Counts pages. `note` may be called by anybody at any time, `drain` by one thread."""

    def __init__(self, randomness: Callable[[int], bytes]) -> None:
        """Begin with nothing.

        Args:
            randomness: returns so many random bytes.
        """
        self._randomness = randomness
        self._waiting: deque[tuple[str, str, Finding]] = deque(maxlen=MOST_WAITING)
        self._day: _Day | None = None

    def note(self, path: str, address: str, finding: Finding) -> None:
        """Note that a page was answered; takes no lock and looks at nothing."""
        self._waiting.append((path, address, finding))

    def drain(self, now: datetime) -> list[Tally]:
        """Return what was noted since the last time, by code; it is forgotten here."""
        today = self._turn_to(now.astimezone(UTC).date())
        found: dict[Observed, list[int]] = {}
        for (path, address, _), (times, finding) in self._take_waiting().items():
            observed = identify(path, finding)
            if observed is not None:
                numbers = found.setdefault(observed, [0, 0])
                numbers[0] += times
                numbers[1] += self._count_new(today, address, observed, times)
        day = days_from_date(today.day)
        return [
            Tally(day, one.kind, one.code, scans, callers, one.standing, one.is_mobile)
            for one, (scans, callers) in found.items()
        ]

    def _turn_to(self, day: date) -> _Day:
        if self._day is None or self._day.day != day:
            self._day = _Day(day, self._randomness(_SALT_BYTES))
        return self._day

    def _take_waiting(self) -> dict[tuple[str, str, int], tuple[int, Finding]]:
        """Return what waits, the same page for the same caller once, with how often."""
        taken: dict[tuple[str, str, int], tuple[int, Finding]] = {}
        for _ in range(len(self._waiting)):
            path, address, finding = self._waiting.popleft()
            key = path, address, id(finding)
            before = taken.get(key)
            taken[key] = (1 if before is None else before[0] + 1, finding)
        return taken

    @staticmethod
    def _count_new(today: _Day, address: str, observed: Observed, times: int) -> int:
        """Return how many callers these looks add: one, if it was not here today."""
        message = f"{find_caller(address)}\0{observed.kind}\0{observed.code}\0{observed.standing}".encode()
        name = hashlib.blake2b(message, key=today.salt, digest_size=_NAME_BYTES).digest()
        if name in today.callers:
            return 0
        if len(today.callers) >= MOST_CALLERS:
            return times
        today.callers.add(name)
        return 1
