"""Comparison of two measured values by their uncertainties: the normalised error En (计量比对).

Two values of one quantity agree if they differ by no more than their expanded uncertainties (k = 2) together:
En = |x1 - x2| / sqrt(U1² + U2²) <= 1. Whether it does is decided on the squares, exactly; En itself is a root,
rounded, for people to read.

>>> is_consistent(Measured(Decimal(5), Decimal(13)), Measured(Decimal("-3.1"), Decimal("7.4")))
True
>>> compute_normalised_error(Measured(Decimal(5), Decimal(13)), Measured(Decimal("-3.1"), Decimal("7.4")))
Decimal('0.541')

Source: ISO 13528:2022 §9.7; JJF 1117-2010.
"""

from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from ledger.core.errors import MalformedDocumentError
from ledger.core.exact import fraction_from_decimal
from ledger.core.fields import Reader
from ledger.core.unit import Unit, parse_unit

_PLACES: Final = Decimal("0.001")
_ROOTS: Final = Context(prec=80, rounding=ROUND_HALF_EVEN)


class Measured(NamedTuple):
    """A value and its expanded uncertainty, both in one unit."""

    value: Decimal
    expanded_uncertainty: Decimal
    """U with k = 2, above 0."""


class Comparison(NamedTuple):
    """What a laboratory has found where another's value, or a reference value, is known."""

    name: str
    """Of the comparison, or of whose value it is compared with."""
    unit: Unit
    own: Measured
    reference: Measured


def parse_comparison(reader: Reader) -> Comparison:
    """Parse one comparison of a calibration certificate.

    Raises:
        InputError: not such a member.
    """
    unit = parse_unit(reader.text("unit", max_bytes=16), field=reader.path_of("unit"))
    found = Comparison(
        reader.text("name", max_bytes=200),
        unit,
        _parse_measured(reader, "value", "u"),
        _parse_measured(reader, "reference", "reference_u"),
    )
    reader.finish()
    return found


def _parse_measured(reader: Reader, name: str, uncertainty: str) -> Measured:
    measured = Measured(reader.decimal(name), reader.decimal(uncertainty))
    if measured.expanded_uncertainty <= 0:
        reader.refuse(uncertainty, "an expanded uncertainty is above 0")
    return measured


def is_consistent(one: Measured, other: Measured) -> bool:
    """Say whether En <= 1, exactly; the limit itself is within.

    Raises:
        MalformedDocumentError: not plain numbers, or an uncertainty is not above 0.
    """
    return _compute_square(one, other) <= 1


def compute_normalised_error(one: Measured, other: Measured) -> Decimal:
    """Return En to three places, for people; raises as `is_consistent`, which decides."""
    square = _compute_square(one, other)
    root = _ROOTS.sqrt(_ROOTS.divide(Decimal(square.numerator), Decimal(square.denominator)))
    return root.quantize(_PLACES, context=_ROOTS)


def _compute_square(one: Measured, other: Measured) -> Fraction:
    uncertainties = [fraction_from_decimal(item.expanded_uncertainty) for item in (one, other)]
    if min(uncertainties) <= 0:
        raise MalformedDocumentError("an expanded uncertainty is above 0")
    difference = fraction_from_decimal(one.value) - fraction_from_decimal(other.value)
    first, second = uncertainties
    return difference**2 / (first**2 + second**2)
