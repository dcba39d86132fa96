from contextlib import suppress
from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.encoding import encode_decimal
from ledger.core.errors import InputError, MalformedDocumentError, UnitError
from ledger.core.quantity import (
    Quantity,
    compute_relative_error_percent,
    compute_resolution,
    compute_standard_uncertainty,
    compute_uncertainty_ratio,
    parse_quantity,
    round_to_interval,
)
from ledger.core.unit import UNITS

VALUES = st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**9), max_value=10**9)
INTERVALS = st.sampled_from(
    [Decimal(text) for text in ("0.001", "0.01", "0.02", "0.05", "0.5", "1", "2", "20")]
)


def test_a_quantity_keeps_its_trailing_zeros():
    quantity = parse_quantity("0.120", "%", "0.070", "2")
    assert encode_decimal(quantity.value) == "0.120"
    assert quantity == Quantity(Decimal("0.120"), UNITS["%"], Decimal("0.070"), Decimal(2))
    assert parse_quantity("20.00", "L").expanded_uncertainty is None


@pytest.mark.parametrize(
    ("uncertainty", "factor"),
    [("0.07", None), (None, "2"), ("0", "2"), ("-0.07", "2"), ("0.07", "0.9"), ("0.07", "0"), ("0.07", "-2")],
)
def test_an_uncertainty_that_says_nothing_is_refused(uncertainty, factor):
    with pytest.raises(MalformedDocumentError):
        parse_quantity("0.12", "%", uncertainty, factor)


@pytest.mark.parametrize(
    "value", ["", "1e3", "+1", "01", "-0", "-0.0", ".5", "1.", "１", "NaN", "1" * 31, "1,5"]
)
def test_a_value_in_another_spelling_is_refused(value):
    with pytest.raises(MalformedDocumentError):
        parse_quantity(value, "%")


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1E+40", "1E-40"])
def test_a_value_that_cannot_be_written_is_no_quantity(value):
    with pytest.raises(MalformedDocumentError):
        Quantity(Decimal(value), UNITS["kg"])


def test_an_unknown_unit_is_refused():
    with pytest.raises(UnitError):
        parse_quantity("1", "stone")


@given(st.text(), st.text(), st.none() | st.text(), st.none() | st.text())
def test_parsing_raises_nothing_else(value, unit, uncertainty, factor):
    with suppress(InputError):
        parse_quantity(value, unit, uncertainty, factor)


@pytest.mark.parametrize(
    ("text", "resolution"), [("20.06", "0.01"), ("20.00", "0.01"), ("20", "1"), ("200", "1"), ("-0.5", "0.1")]
)
def test_resolution_is_the_weight_of_the_last_place(text, resolution):
    assert encode_decimal(compute_resolution(Decimal(text))) == resolution


def test_a_number_without_places_has_no_resolution():
    assert compute_resolution(Decimal("2E+1")) == 1
    with pytest.raises(MalformedDocumentError):
        compute_resolution(Decimal("NaN"))


@pytest.mark.parametrize(
    ("value", "interval", "rounded"),
    [
        ("12.1498", "1", "12"),
        ("12.1498", "0.1", "12.1"),
        ("1268", "100", "1300"),
        ("10.5002", "1", "11"),
        ("1.050", "0.1", "1.0"),
        ("0.35", "0.1", "0.4"),
        ("2500", "1000", "2000"),
        ("3500", "1000", "4000"),
        ("-355", "10", "-360"),
        ("-325", "10", "-320"),
        ("-365", "10", "-360"),
        ("-0.0365", "0.001", "-0.036"),
        ("97.46", "1", "97"),
        ("15.4546", "1", "15"),
        ("60.25", "0.5", "60.0"),
        ("60.38", "0.5", "60.5"),
        ("60.28", "0.5", "60.5"),
        ("-60.75", "0.5", "-61.0"),
        ("830", "20", "840"),
        ("842", "20", "840"),
        ("832", "20", "840"),
        ("-930", "20", "-920"),
        ("-0.001", "0.01", "0.00"),
    ],
)
def test_rounding_examples_of_the_national_standard(value, interval, rounded):
    assert encode_decimal(round_to_interval(Decimal(value), Decimal(interval))) == rounded


@given(VALUES, INTERVALS)
def test_a_rounded_value_is_a_near_multiple_and_stays_when_rounded_again(value, interval):
    rounded = round_to_interval(value, interval)
    assert (Fraction(rounded) / Fraction(interval)).denominator == 1
    assert abs(Fraction(rounded) - Fraction(value)) * 2 <= Fraction(interval)
    assert round_to_interval(rounded, interval) == rounded
    assert rounded.as_tuple().exponent == interval.as_tuple().exponent


@given(VALUES, INTERVALS)
def test_rounding_treats_both_signs_alike(value, interval):
    assert round_to_interval(-Fraction(value), interval) == -Fraction(round_to_interval(value, interval))


@given(st.integers(-(10**6), 10**6), INTERVALS)
def test_ties_go_to_the_even_multiple(multiple, interval):
    tie = (Fraction(multiple) + Fraction(1, 2)) * Fraction(interval)
    assert (Fraction(round_to_interval(tie, interval)) / Fraction(interval)) % 2 == 0


@pytest.mark.parametrize("interval", ["0", "-0.1", "NaN", "Infinity"])
def test_rounding_needs_an_interval_above_zero(interval):
    with pytest.raises(MalformedDocumentError):
        round_to_interval(Decimal(1), Decimal(interval))


def test_standard_uncertainty_is_the_expanded_one_by_its_factor():
    assert compute_standard_uncertainty(parse_quantity("0.12", "%", "0.07", "2")) == Decimal("0.035")
    assert compute_standard_uncertainty(parse_quantity("0.12", "%")) is None
    with localcontext() as context:
        context.prec = 2
        third = compute_standard_uncertainty(parse_quantity("0.12", "%", "0.10", "3"))
    assert str(third) == "0.0" + "3" * 30


@pytest.mark.parametrize(
    ("uncertainty", "is_enough"), [("0.07", True), ("0.10", True), ("0.1001", False), ("0.11", False)]
)
def test_a_third_of_the_permissible_error_is_enough(uncertainty, is_enough):
    ratio = compute_uncertainty_ratio(Decimal(uncertainty), Decimal("-0.30"))
    assert (ratio <= Fraction(1, 3)) is is_enough


@pytest.mark.parametrize("limit", ["0", "0.00", "NaN"])
def test_a_ratio_needs_a_limit(limit):
    with pytest.raises(MalformedDocumentError):
        compute_uncertainty_ratio(Decimal("0.07"), Decimal(limit))


@pytest.mark.parametrize(
    ("indicated", "reference", "percent"),
    [
        ("20.06", "20.00", Fraction(3, 10)),
        ("20.061", "20.00", Fraction(305, 1000)),
        ("19.94", "20.00", Fraction(-3, 10)),
        ("20.00", "20.00", Fraction(0)),
        ("1", "3", Fraction(-200, 3)),
    ],
)
def test_relative_error_is_exact(indicated, reference, percent):
    with localcontext() as context:
        context.prec = 3
        assert compute_relative_error_percent(Decimal(indicated), Decimal(reference)) == percent


@pytest.mark.parametrize("reference", ["0", "-20.00", "NaN", "Infinity"])
def test_a_relative_error_needs_a_reference_above_zero(reference):
    with pytest.raises(MalformedDocumentError):
        compute_relative_error_percent(Decimal(20), Decimal(reference))
