"""Comparisons: the numbers of a BIPM comparison, borders decided on the squares."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.comparison import Measured, compute_normalised_error, is_consistent, parse_comparison
from ledger.core.errors import InputError, MalformedDocumentError
from ledger.core.fields import Reader

IRA = Measured(Decimal(5), Decimal(13))
NPL = Measured(Decimal("-3.1"), Decimal("7.4"))
REFERENCE = Measured(Decimal(0), Decimal("0.0000001"))
COMPARISON = {"name": "BIPM.RI(II)-K2.Tb-161", "unit": "1", "value": "5", "u": "13", "reference": "-3.1"}
COMPARISON |= {"reference_u": "7.4"}
VALUES = st.decimals(-1000, 1000, places=3)
SIZES = st.decimals("0.001", 1000, places=3)


@pytest.mark.parametrize(
    ("one", "other", "expected"), [(IRA, NPL, "0.541"), (IRA, REFERENCE, "0.385"), (NPL, REFERENCE, "0.419")]
)
def test_the_numbers_of_the_bipm_comparison(one, other, expected):
    """Source: domain.md §2.8, from the file of the comparison of Tb-161 activities."""
    assert compute_normalised_error(one, other) == Decimal(expected)
    assert is_consistent(one, other)


def test_the_limit_itself_is_consistent():
    one, other = Measured(Decimal(5), Decimal(3)), Measured(Decimal(0), Decimal(4))
    assert is_consistent(one, other)
    assert compute_normalised_error(one, other) == Decimal("1.000")


def test_what_rounds_to_the_limit_is_not_consistent_by_that():
    one = Measured(Decimal("5.000000000000000000000001"), Decimal(3))
    assert compute_normalised_error(one, Measured(Decimal(0), Decimal(4))) == Decimal("1.000")
    assert not is_consistent(one, Measured(Decimal(0), Decimal(4)))


@given(VALUES, SIZES, VALUES, SIZES)
def test_neither_of_the_two_comes_first(value, uncertainty, other, other_uncertainty):
    one, two = Measured(value, uncertainty), Measured(other, other_uncertainty)
    assert compute_normalised_error(one, two) == compute_normalised_error(two, one) >= 0
    assert is_consistent(one, two) == is_consistent(two, one)
    near = compute_normalised_error(one, two)
    assert near == 1 or is_consistent(one, two) == (near < 1)


def test_the_largest_numbers_of_a_document_are_compared():
    one = Measured(Decimal("9" * 30), Decimal("0." + "0" * 28 + "1"))
    assert not is_consistent(one, Measured(Decimal("-" + "9" * 30), one.expanded_uncertainty))
    assert compute_normalised_error(one, REFERENCE) > 1


@pytest.mark.parametrize("uncertainty", ["0", "-1", "NaN"])
def test_an_uncertainty_is_a_size(uncertainty):
    with pytest.raises(MalformedDocumentError):
        is_consistent(IRA, Measured(Decimal(0), Decimal(uncertainty)))


def test_a_comparison_is_read():
    found = parse_comparison(Reader(COMPARISON, "comparisons[0]"))
    assert (found.own, found.reference, found.unit.code) == (IRA, NPL, "1")


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"u": "0"}, "u"),
        ({"reference_u": "-7.4"}, "reference_u"),
        ({"unit": "furlong"}, "unit"),
        ({"value": "5,0"}, "value"),
        ({"name": ""}, "name"),
    ],
)
def test_a_comparison_that_is_none_is_refused_by_its_member(changes, name):
    with pytest.raises(InputError, match=rf"^comparisons\[0\]\.{name}: "):
        parse_comparison(Reader(COMPARISON | changes, "comparisons[0]"))


def test_a_comparison_says_no_more():
    with pytest.raises(InputError, match=r"^comparisons\[0\]: unknown member: more"):
        parse_comparison(Reader(COMPARISON | {"more": "1"}, "comparisons[0]"))
