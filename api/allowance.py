"""How often a caller may ask: enough for a person, too few to copy a register. Counted in this process.

A caller is a hash of the address under a salt of the day, which is forgotten with the day: no address is kept, and
tomorrow nobody can tell who asked today. Of an IPv6 address only the network counts (64 bits): a caller has it all.

>>> allowance.find_wait("192.0.2.7") is None
True
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from threading import Lock
from typing import Final

from api.callers import find_caller

A_MINUTE: Final = 30
A_DAY: Final = 300
MOST_CALLERS: Final = 100_000
"""Callers that are counted at once, about 20 MB; of more, those that asked longest ago are forgotten."""

_SALT_BYTES: Final = 32
_NAME_BYTES: Final = 16
_MINUTE: Final = 60


@dataclass(slots=True)
class _Counted:
    """What one caller has asked today."""

    today: int = 0
    minute: int = -1
    in_minute: int = 0


@dataclass(slots=True)
class _Day:
    """Who has asked on a day."""

    day: date
    salt: bytes
    callers: OrderedDict[bytes, _Counted] = field(default_factory=OrderedDict)


class Allowance:
    """Counts searches, or whatever else is asked for. Safe to share between threads."""

    def __init__(
        self,
        clock: Callable[[], datetime],
        randomness: Callable[[int], bytes],
        a_minute: int = A_MINUTE,
        a_day: int = A_DAY,
    ) -> None:
        """Begin with nothing.

        Args:
            clock: returns the time, aware UTC.
            randomness: returns so many random bytes.
            a_minute: what a caller has in a minute.
            a_day: what a caller has in a day.
        """
        self._a_minute = a_minute
        self._a_day = a_day
        self._clock = clock
        self._randomness = randomness
        self._lock = Lock()
        self._day: _Day | None = None

    def find_wait(self, address: str) -> int | None:
        """Count one search; return how many seconds the caller has to wait, None: not at all."""
        now = self._clock()
        with self._lock:
            counted = self._find(address, now.date())
            minute = now.hour * _MINUTE + now.minute
            if counted.minute != minute:
                counted.minute, counted.in_minute = minute, 0
            if counted.today >= self._a_day:
                return 24 * 3600 - (now.hour * 3600 + now.minute * 60 + now.second)
            if counted.in_minute >= self._a_minute:
                return _MINUTE - now.second
            counted.today += 1
            counted.in_minute += 1
            return None

    def _find(self, address: str, day: date) -> _Counted:
        if self._day is None or self._day.day != day:
            self._day = _Day(day, self._randomness(_SALT_BYTES))
        callers, caller = self._day.callers, find_caller(address).encode()
        name = hashlib.blake2b(caller, key=self._day.salt, digest_size=_NAME_BYTES).digest()
        counted = callers.setdefault(name, _Counted())
        callers.move_to_end(name)
        while len(callers) > MOST_CALLERS:
            callers.popitem(last=False)
        return counted
