"""Certificate numbers: one series a pattern, without gaps and without doubles.

A pattern is text with the fields `{prefix}`, `{year}`, `{month}` and, exactly once, `{counter}`, which may
say its width: `{counter:06d}`. Year and month are those of the day of issue. All numbers that differ in the
counter only form one series; it starts at 1 and never skips. A number that could not be used stays recorded
as voided.

>>> pattern = NumberPattern("{prefix}{year}-{counter:06d}", "JY")
>>> pattern.format_number(date(2026, 11, 20), 1), pattern.name_series(date(2026, 11, 20))
('JY2026-000001', 'JY2026-*')
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date
from string import Formatter
from typing import Final

from ledger.core.errors import MalformedDocumentError
from ledger.core.fields import Reader
from ledger.core.ids import CertificateNumber

MAX_COUNTER: Final = 10**12
MAX_NUMBER_BYTES: Final = 64
_WIDTH: Final = re.compile(r"0([1-9])d")
_FIELDS: Final = frozenset({"prefix", "year", "month", "counter"})


@dataclass(frozen=True, slots=True)
class NumberPattern:
    """How one institution numbers its documents."""

    pattern: str
    prefix: str = ""
    _head: str = field(init=False, repr=False, compare=False)
    _tail: str = field(init=False, repr=False, compare=False)
    _width: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Raise MalformedDocumentError unless this gives proper numbers for every day."""
        head, tail, width = _split(self.pattern)
        object.__setattr__(self, "_head", head)
        object.__setattr__(self, "_tail", tail)
        object.__setattr__(self, "_width", width)
        longest = self.format_number(date.max, MAX_COUNTER)
        Reader({"pattern": str(longest)}, "numbers").text("pattern", max_bytes=MAX_NUMBER_BYTES)
        if not longest.isprintable():
            raise MalformedDocumentError("a number holds printable characters only", field="numbers.pattern")

    def format_number(self, day: date, counter: int) -> CertificateNumber:
        """Return the number that this counter has on this day of issue."""
        return CertificateNumber(
            f"{self._fill(self._head, day)}{counter:0{self._width}d}{self._fill(self._tail, day)}"
        )

    def name_series(self, day: date) -> str:
        """Return what all numbers of one series have in common, `*` for the counter."""
        return f"{self._fill(self._head, day)}*{self._fill(self._tail, day)}"

    def _fill(self, text: str, day: date) -> str:
        return text.format(prefix=self.prefix, year=f"{day.year:04d}", month=f"{day.month:02d}")


class NumberAllotment:
    """The numbers of one transaction: reads each series once, remembers where it stands."""

    def __init__(
        self,
        pattern: NumberPattern,
        read_counter: Callable[[str], int],
        is_taken: Callable[[CertificateNumber], bool],
    ) -> None:
        """Begin with what is stored.

        Args:
            pattern: of the institution.
            read_counter: returns the last counter that a series has used, 0 for a new series.
            is_taken: tells whether a document that brought its own number has this one.
        """
        self._pattern = pattern
        self._read_counter = read_counter
        self._is_taken = is_taken
        self.counters: dict[str, int] = {}
        """Last counter of every series that was used: to be stored in the same transaction."""

    def take(self, day: date, reserved: Collection[CertificateNumber]) -> CertificateNumber:
        """Return the next number of the series of this day.

        Args:
            day: of issue.
            reserved: numbers that other documents of the same transaction bring along.
        """
        series = self._pattern.name_series(day)
        counter = self.counters.get(series)
        if counter is None:
            counter = self._read_counter(series)
        while True:
            counter += 1
            number = self._pattern.format_number(day, counter)
            if number not in reserved and not self._is_taken(number):
                self.counters[series] = counter
                return number


def _split(pattern: str) -> tuple[str, str, int]:
    """Return what stands before and after the counter, still with fields, and the counter's least width."""
    before, found, width = "", None, 1
    try:
        for literal, name, spec, conversion in Formatter().parse(pattern):
            before += literal.replace("{", "{{").replace("}", "}}")
            if name is None:
                continue
            if (
                name not in _FIELDS
                or conversion
                or (spec and (name != "counter" or not _WIDTH.fullmatch(spec)))
            ):
                raise _malformed(f"{{{name}}} is none of the fields of a number")
            if name != "counter":
                before += f"{{{name}}}"
            elif found is not None:
                raise _malformed("{counter} stands here twice")
            else:
                found, before, width = before, "", int(spec[1]) if spec else 1
    except ValueError as err:
        raise _malformed(f"not a pattern: {err}") from None
    if found is None:
        raise _malformed("{counter} is missing")
    return found, before, width


def _malformed(message: str) -> MalformedDocumentError:
    return MalformedDocumentError(message, field="numbers.pattern")
