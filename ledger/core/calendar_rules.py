"""Calendar arithmetic of certificates: 有效期至 = verification date + period - 1 day, in calendar months.

Months are added first; a day that the month reached does not have becomes its last day; then one day is taken
away. The result is the last day on which the certificate is valid, to 24:00 in the policy's zone. Statements
write a date as the number of days since 1970-01-01.

>>> compute_last_valid_date(date(2026, 8, 31), 6)
datetime.date(2027, 2, 27)
"""

import calendar
from datetime import date, timedelta
from enum import IntEnum
from typing import Final

from ledger.core.errors import MalformedDocumentError

MAX_MONTHS: Final = 1200
_EPOCH: Final = date(1970, 1, 1).toordinal()
_LAST_DAY: Final = date.max.toordinal() - _EPOCH


class ValidityKind(IntEnum):
    """What `valid_until` means: 有效期至, 限期使用至, or no date at all (失准报废)."""

    DATE = 1
    SERVICE_LIFE = 2
    NONE = 3


def add_months(start: date, months: int) -> date:
    """Return the same day of a later month, or that month's last day where it is shorter.

    Args:
        start: any date.
        months: 1 to 1200.

    Raises:
        MalformedDocumentError: number of months out of range, or a date beyond the year 9999.
    """
    if not 1 <= months <= MAX_MONTHS:
        raise MalformedDocumentError(f"a period of {months} months; expected 1 to {MAX_MONTHS}")
    years, month = divmod(start.month - 1 + months, 12)
    year = start.year + years
    if year > date.max.year:
        raise MalformedDocumentError(f"{start} and {months} months lead beyond the year {date.max.year}")
    last_day = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(start.day, last_day))


def compute_last_valid_date(verification_date: date, months: int) -> date:
    """Return the last day of a period of validity that begins on the verification date.

    Raises:
        MalformedDocumentError: number of months out of range (1 to 1200), or a date beyond the year 9999.
    """
    return add_months(verification_date, months) - timedelta(days=1)


def days_from_date(day: date) -> int:
    """Return the number of days from 1970-01-01 to this date, 0 to 2,932,896.

    Raises:
        MalformedDocumentError: a date before 1970.
    """
    days = day.toordinal() - _EPOCH
    if days < 0:
        raise MalformedDocumentError(f"{day} is before 1970-01-01")
    return days


def date_from_days(days: int) -> date:
    """Return the date that is this many days after 1970-01-01.

    Raises:
        MalformedDocumentError: negative, or beyond the year 9999.
    """
    if not 0 <= days <= _LAST_DAY:
        raise MalformedDocumentError(
            f"{days} days from 1970-01-01 is out of range; expected 0 to {_LAST_DAY}"
        )
    return date.fromordinal(days + _EPOCH)
