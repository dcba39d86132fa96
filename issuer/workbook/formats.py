"""What a number format says about a number: shown with fixed decimals, as a date, or in a way we do not read.

A spreadsheet keeps 20.00 as 20 and remembers beside it that two decimals are shown. Only where the format says
how many, the text that a person saw can be told from the file. Numbers are taken to 15 digits, as spreadsheets do.

>>> show_number("9.7699999999999996", Fixed(2))
'9.77'
>>> show_number("20", Fixed(2)), show_number("9.876", Fixed(2))
('20.00', '9.88')
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from enum import Enum
from typing import Final, TypeAlias

GENERAL: Final = "General"
_BUILT_IN: Final = {0: GENERAL, 1: "0", 2: "0.00", 49: GENERAL}
_BUILT_IN_DATES: Final = frozenset({14, 15, 16, 17, 22, 27, 28, 29, 30, 31, 36, 50, 51, 52, 53, 54, 57, 58})
_FIXED: Final = re.compile(r"0(?:\.(0{1,15}))?(?:_.)*")
_SPOKEN: Final = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
"""Parts of a format that are literal, or say colour, locale or condition."""
_DIGITS: Final = Context(prec=15, rounding=ROUND_HALF_UP)
_WIDE: Final = Context(prec=60, rounding=ROUND_HALF_UP)
_MAX_MAGNITUDE: Final = 15
_SECONDS: Final = 86_400
_EPOCH_1900: Final = datetime(1899, 12, 30)  # noqa: DTZ001 -- dates of spreadsheets have no zone
_EPOCH_1904: Final = datetime(1904, 1, 1)  # noqa: DTZ001 -- likewise
_FIRST_SERIAL: Final = 61
"""1900-03-01: before it some programs count a day that never was."""
_LAST_SERIAL: Final = 2_958_465
"""9999-12-31."""


class Kind(Enum):
    """Formats without a number of decimals."""

    GENERAL = "general"
    DATE = "date"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Fixed:
    """So many decimals are shown, always."""

    decimals: int


Format: TypeAlias = Kind | Fixed


def classify_format(number: int, code: str | None) -> Format:
    """Return what a format means.

    Args:
        number: its id in the file.
        code: its text, where the file defines it; else it is one of those that every program knows.
    """
    if code is None:
        if number in _BUILT_IN_DATES:
            return Kind.DATE
        code = _BUILT_IN.get(number, "")
    if code in {GENERAL, "@", "GENERAL"}:
        return Kind.GENERAL
    if fixed := _FIXED.fullmatch(code):
        return Fixed(len(fixed[1] or ""))
    first = _SPOKEN.sub("", code.partition(";")[0]).lower()
    is_date = "y" in first and "d" in first and not set(first) & set("0#?%")
    return Kind.DATE if is_date else Kind.OTHER


def name_format(number: int, code: str | None) -> str:
    """Return how a format is written, for messages."""
    return (code or _BUILT_IN.get(number) or f"#{number}")[:40]


def read_number(raw: str) -> Decimal | None:
    """Return a stored number to 15 digits, as spreadsheets show it; None: it is none, or beyond 10^15."""
    try:
        value = _DIGITS.create_decimal(raw.strip())
    except InvalidOperation:
        return None
    if not value.is_finite() or abs(value.adjusted()) > _MAX_MAGNITUDE:
        return Decimal(0) if value.is_finite() and not value else None
    return value


def spell_number(value: Decimal) -> str:
    """Return a number without exponent and without zeros that say nothing."""
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"-0", ""} else text


def show_number(value: Decimal | str, form: Fixed) -> str:
    """Return what a cell shows."""
    exact = Decimal(value) if isinstance(value, Decimal) else (read_number(value) or Decimal(0))
    shown = exact.quantize(Decimal(1).scaleb(-form.decimals), context=_WIDE)
    return format(abs(shown) if shown.is_zero() else shown, "f")


def show_date(value: Decimal, *, from_1904: bool) -> str | None:
    """Return a date, `2026-11-02`, or a date with a time of the day, `2026-11-02T16:40:00`; None: there is none."""
    if not _FIRST_SERIAL <= value <= _LAST_SERIAL:
        return None
    seconds = int((value * _SECONDS).to_integral_value(ROUND_HALF_UP))
    moment = (_EPOCH_1904 if from_1904 else _EPOCH_1900) + timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%d") if seconds % _SECONDS == 0 else moment.strftime("%Y-%m-%dT%H:%M:%S")
