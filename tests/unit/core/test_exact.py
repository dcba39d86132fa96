from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.errors import MalformedDocumentError
from ledger.core.exact import decimal_from_fraction, fraction_from_decimal, make_decimal

DECIMALS = st.decimals(
    allow_nan=False, allow_infinity=False, places=12, min_value=-(10**15), max_value=10**15
)


@given(DECIMALS)
def test_a_decimal_survives_the_way_through_a_fraction(value):
    assert decimal_from_fraction(fraction_from_decimal(value)) == value


@given(DECIMALS)
def test_a_coarse_thread_context_changes_nothing(value):
    with localcontext() as context:
        context.prec = 2
        assert decimal_from_fraction(fraction_from_decimal(value)) == value


@pytest.mark.parametrize(
    ("fraction", "text"),
    [(Fraction(1, 8), "0.125"), (Fraction(-3, 50), "-0.06"), (Fraction(100), "100"), (Fraction(0), "0")],
)
def test_a_finite_decimal_has_as_few_places_as_it_needs(fraction, text):
    assert str(decimal_from_fraction(fraction)) == text


@pytest.mark.parametrize("fraction", [Fraction(1, 3), Fraction(50, 3), Fraction(1, 70)])
def test_a_number_without_end_is_no_decimal(fraction):
    assert decimal_from_fraction(fraction) is None


@pytest.mark.parametrize("text", ["NaN", "sNaN", "Infinity", "-Infinity", "1E+101", "1E-101", "0E+999999"])
def test_what_is_no_plain_number_is_refused(text):
    with pytest.raises(MalformedDocumentError):
        fraction_from_decimal(Decimal(text))


def test_zero_has_no_sign():
    assert str(make_decimal(-0, -2)) == "0.00"
    assert str(make_decimal(-15, -1)) == "-1.5"
