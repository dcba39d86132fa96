"""Exact arithmetic on decimal numbers: `Decimal` as written, `Fraction` as computed, no accidental rounding.

Python's `+`, `abs` and `/` on `Decimal` round to the thread's context; what decides about a certificate must
not depend on it. So values are compared and computed as fractions and written as decimals.

>>> fraction_from_decimal(Decimal("20.06")) - 20
Fraction(3, 50)
>>> decimal_from_fraction(Fraction(3, 50))
Decimal('0.06')
"""

from decimal import Context, Decimal, Inexact, InvalidOperation
from fractions import Fraction
from functools import lru_cache
from typing import Final, TypeAlias

from ledger.core.errors import MalformedDocumentError

Exact: TypeAlias = Decimal | Fraction
"""A number that is exactly what it says."""

_LARGEST_EXPONENT: Final = 100

EXACT: Final = Context(prec=1000, traps=[Inexact, InvalidOperation])
"""Adds and multiplies decimals of documents (at most 30 digits each) without rounding, twenty times faster
than fractions; raises `Inexact`, rather than round, what needs more than 1000 digits."""


def fraction_from_decimal(value: Exact) -> Fraction:
    """Return the same number as a fraction.

    Raises:
        MalformedDocumentError: NaN, infinite, or with an exponent beyond +-100.
    """
    if isinstance(value, Fraction):
        return value
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > _LARGEST_EXPONENT:
        raise MalformedDocumentError(f"{value} is not a plain number")
    return _convert(value)


@lru_cache(maxsize=8192)
def _convert(value: Decimal) -> Fraction:
    """Readings and limits repeat within a batch; 1 and 1.00 are one entry, so nothing else may depend on it."""
    return Fraction(value)


def decimal_from_fraction(value: Fraction) -> Decimal | None:
    """Return the same number with as few decimal places as it needs, None if no number of places suffices."""
    places = _count_places(value.denominator)
    if places is None:
        return None
    return make_decimal(value.numerator * (10**places // value.denominator), -places)


def make_decimal(coefficient: int, exponent: int) -> Decimal:
    """Return coefficient * 10**exponent, exactly, written with -exponent places; zero has no sign."""
    digits = tuple(int(digit) for digit in str(abs(coefficient)))
    return Decimal((int(coefficient < 0), digits, exponent))


def _count_places(denominator: int) -> int | None:
    """Return the least n for which 10**n is a multiple of the denominator, None if there is none."""
    twos = fives = 0
    while denominator % 2 == 0:
        denominator, twos = denominator // 2, twos + 1
    while denominator % 5 == 0:
        denominator, fives = denominator // 5, fives + 1
    return max(twos, fives) if denominator == 1 else None
