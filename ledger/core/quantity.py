"""A measured value: decimal number, unit, expanded uncertainty and coverage factor.

Numbers are read and written by `encoding.parse_decimal`; trailing zeros are significant: `20.00` says that
hundredths were read, so they are kept and never added. Whatever decides is computed exactly, see `exact`.

>>> compute_relative_error_percent(Decimal("20.06"), Decimal("20.00"))
Fraction(3, 10)
>>> round_to_interval(Decimal("60.25"), Decimal("0.5"))
Decimal('60.0')
"""

from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Final

from ledger.core.encoding import encode_decimal, parse_decimal
from ledger.core.errors import MalformedDocumentError
from ledger.core.exact import Exact, fraction_from_decimal, make_decimal
from ledger.core.unit import Unit, parse_unit

_DIGITS: Final = 30
_DISPLAY: Final = Context(prec=_DIGITS)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value with its unit, and with its uncertainty where one was stated."""

    value: Decimal
    unit: Unit
    expanded_uncertainty: Decimal | None = None
    """U = k * u, in the unit of the value, above 0 (JJF 1059.1-2012 §5.2)."""
    coverage_factor: Decimal | None = None
    """k, at least 1; stands exactly where the uncertainty does."""

    def __post_init__(self) -> None:
        for number in (self.value, self.expanded_uncertainty, self.coverage_factor):
            if number is not None:
                encode_decimal(number)
        if (self.expanded_uncertainty is None) != (self.coverage_factor is None):
            raise MalformedDocumentError("an expanded uncertainty and its coverage factor go together")
        if self.expanded_uncertainty is not None and self.expanded_uncertainty <= 0:
            raise MalformedDocumentError("an expanded uncertainty is above 0")
        if self.coverage_factor is not None and self.coverage_factor < 1:
            raise MalformedDocumentError("a coverage factor is at least 1")


def parse_quantity(
    value: str, unit: str, expanded_uncertainty: str | None = None, coverage_factor: str | None = None
) -> Quantity:
    """Return the quantity that these texts say.

    Raises:
        MalformedDocumentError: not numbers in their one spelling, or an uncertainty without its factor.
        UnitError: unknown unit.
    """
    return Quantity(
        parse_decimal(value),
        parse_unit(unit),
        None if expanded_uncertainty is None else parse_decimal(expanded_uncertainty),
        None if coverage_factor is None else parse_decimal(coverage_factor),
    )


def compute_resolution(value: Decimal) -> Decimal:
    """Return the weight of the last place that was written: 0.01 for 20.00, 1 for 20."""
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):
        raise MalformedDocumentError(f"{value} is not a plain number")
    return make_decimal(1, min(exponent, 0))


def round_to_interval(value: Exact, interval: Decimal) -> Decimal:
    """Round once to a multiple of the rounding interval (修约间隔), ties to the even multiple.

    Args:
        value: the exact number, not one that was rounded before (GB/T 8170-2008 §3.3).
        interval: above 0, as 0.1, 0.5 or 20; the result has its decimal places.

    Raises:
        MalformedDocumentError: not plain numbers, or the interval is not above 0.
    Source: GB/T 8170-2008 §3.2, §3.4, §3.5.
    """
    step = fraction_from_decimal(interval)
    if step <= 0:
        raise MalformedDocumentError(f"a rounding interval is above 0, not {interval}")
    exponent = min(int(interval.as_tuple().exponent), 0)
    multiple = round(fraction_from_decimal(value) / step)
    return make_decimal(int(multiple * step * 10**-exponent), exponent)


def compute_standard_uncertainty(quantity: Quantity) -> Decimal | None:
    """Return u = U / k to 30 significant digits, for display and combination; None where none was stated."""
    if quantity.expanded_uncertainty is None or quantity.coverage_factor is None:
        return None
    return _DISPLAY.divide(quantity.expanded_uncertainty, quantity.coverage_factor)


@lru_cache(maxsize=8192)
def compute_uncertainty_ratio(expanded_uncertainty: Decimal, maximum_permissible_error: Decimal) -> Fraction:
    """Return U / |MPE|, exactly; both in the same unit. Kept, as most readings of a batch share both.

    Raises:
        MalformedDocumentError: the maximum permissible error is 0, or not plain numbers.
    """
    limit = abs(fraction_from_decimal(maximum_permissible_error))
    if limit == 0:
        raise MalformedDocumentError("a maximum permissible error of 0 has no ratio")
    return fraction_from_decimal(expanded_uncertainty) / limit


def compute_relative_error_percent(indicated: Decimal, reference: Decimal) -> Fraction:
    """Return the relative indication error in percent, exactly: (indicated - reference) / reference * 100.

    Args:
        indicated: what the instrument showed.
        reference: what the reference standard gave, above 0, in the same unit and at the same conditions.

    Raises:
        MalformedDocumentError: the reference is not above 0, or not plain numbers.
    """
    actual = fraction_from_decimal(reference)
    if actual <= 0:
        raise MalformedDocumentError(f"a relative error needs a reference above 0, not {reference}")
    return (fraction_from_decimal(indicated) - actual) / actual * 100
