"""How long somebody waits after refused log-ins: nothing at first, then longer and longer.

Counted for each account name, also one that nobody has, and for each address. What is counted is forgotten after
a day without another failure, or, of the name, by a log-in.

>>> wait_until(Failures(5, at), FREE_FOR_NAME) is None
True
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

FREE_FOR_NAME: Final = 5
"""Refused log-ins of one name that cost nothing."""
FREE_FOR_ADDRESS: Final = 30
"""The same of one address, behind which a whole institution may sit."""
FIRST_WAIT: Final = timedelta(seconds=30)
LONGEST_WAIT: Final = timedelta(hours=1)
FORGOTTEN_AFTER: Final = timedelta(days=1)
_DOUBLINGS: Final = 7


@dataclass(frozen=True, slots=True)
class Failures:
    """Refused log-ins in a row."""

    count: int
    last_at: datetime


def add_failure(before: Failures | None, now: datetime) -> Failures:
    """Return the failures after one more."""
    if before is None or now - before.last_at >= FORGOTTEN_AFTER:
        return Failures(1, now)
    return Failures(before.count + 1, max(now, before.last_at))


def wait_until(failures: Failures | None, free: int) -> datetime | None:
    """Return until when no log-in is tried; None: at once."""
    if failures is None or failures.count <= free:
        return None
    doublings = min(failures.count - free - 1, _DOUBLINGS)
    return failures.last_at + min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)
