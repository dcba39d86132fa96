"""Decision rules: exactly at each border, and to either side of it."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.decision import AcceptanceRule, DecisionRule, find_worst, judge_conformity
from ledger.core.errors import MalformedDocumentError
from ledger.core.statement import Conclusion

SIMPLE = DecisionRule(AcceptanceRule.SIMPLE, None, "x")
GUARDED = DecisionRule(AcceptanceRule.GUARDED, Decimal(1), "x")
PASS, CONDITIONAL, FAIL = Conclusion.PASS, Conclusion.CONDITIONAL, Conclusion.FAIL
NUMBERS = st.decimals(-100, 100, places=3)
SIZES = st.decimals("0.001", 100, places=3)


@pytest.mark.parametrize(
    ("error", "expected"),
    [("0.30", PASS), ("-0.30", PASS), ("0.3000001", FAIL), ("-0.31", FAIL), ("0", PASS)],
)
def test_simple_acceptance_looks_at_the_limit_alone(error, expected):
    assert judge_conformity(Decimal(error), Decimal("0.30"), Decimal(5), SIMPLE) is expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("0.25", PASS),
        ("-0.25", PASS),
        ("0.2500001", CONDITIONAL),
        ("0.30", CONDITIONAL),
        ("0.35", CONDITIONAL),
        ("-0.35", CONDITIONAL),
        ("0.3500001", FAIL),
        ("-9", FAIL),
    ],
)
def test_a_guard_band_leaves_a_zone_between(error, expected):
    assert judge_conformity(Decimal(error), Decimal("-0.30"), Decimal("0.05"), GUARDED) is expected


def test_the_guard_band_is_a_share_of_the_uncertainty():
    half = DecisionRule(AcceptanceRule.GUARDED, Decimal("0.5"), "x")
    assert judge_conformity(Decimal("0.27"), Decimal("0.30"), Decimal("0.05"), half) is PASS
    assert judge_conformity(Decimal("0.28"), Decimal("0.30"), Decimal("0.05"), half) is CONDITIONAL
    assert judge_conformity(Decimal("0.33"), Decimal("0.30"), Decimal("0.05"), half) is FAIL


def test_an_uncertainty_above_the_limit_lets_nothing_pass():
    assert judge_conformity(Decimal(0), Decimal("0.1"), Decimal("0.2"), GUARDED) is CONDITIONAL


def test_a_quotient_is_judged_exactly():
    third = Fraction(1, 3)
    assert judge_conformity(third, Decimal("0.333333333333333333333333"), Decimal(1), SIMPLE) is FAIL
    assert judge_conformity(third, Decimal("0.333333333333333333333334"), Decimal(1), SIMPLE) is PASS


@given(NUMBERS, SIZES, SIZES)
def test_guarding_is_never_kinder_and_the_sign_does_not_count(error, limit, uncertainty):
    simple = judge_conformity(error, limit, uncertainty, SIMPLE)
    guarded = judge_conformity(error, limit, uncertainty, GUARDED)
    assert simple is PASS or guarded is not PASS
    assert simple is FAIL or guarded is not FAIL
    assert judge_conformity(-error, limit, uncertainty, GUARDED) is guarded


def test_a_number_that_is_none_is_refused():
    with pytest.raises(MalformedDocumentError):
        judge_conformity(Decimal("NaN"), Decimal(1), Decimal(1), GUARDED)


def test_the_worst_of_the_parts_is_that_of_the_whole():
    assert find_worst([]) is PASS
    assert find_worst([PASS, CONDITIONAL, PASS]) is CONDITIONAL
    assert find_worst([CONDITIONAL, FAIL, PASS]) is FAIL
