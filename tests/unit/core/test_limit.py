from contextlib import suppress
from dataclasses import replace
from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_tables import limits_table

from ledger.core.errors import InputError, MalformedDocumentError, UnitError
from ledger.core.limit import (
    LIMIT_COLUMNS,
    LimitedItem,
    compute_limit_in_error_unit,
    compute_limit_in_unit,
    compute_load_in_intervals,
    judge_indication_error,
    limit_for,
    parse_limits,
)
from ledger.core.quantity import compute_relative_error_percent, parse_quantity
from ledger.core.unit import UNITS

STEPS = [
    {"load_up_to": "500", "mpe_lower": "-0.5", "mpe_upper": "0.5"},
    {"load_over": "500", "load_up_to": "2000", "mpe_lower": "-1.0", "mpe_upper": "1.0"},
    {"load_over": "2000", "load_up_to": "10000", "mpe_lower": "-1.5", "mpe_upper": "1.5"},
]


def one(**cells):
    [limit] = parse_limits(limits_table(cells))
    return limit


def scale():
    return parse_limits(
        limits_table(
            *({"accuracy_class": "III", "unit": "e", "in_service_factor": "2", **step} for step in STEPS)
        )
    )


@pytest.mark.parametrize(
    ("indicated", "passes"),
    [
        ("20.06", True),
        ("20.061", False),
        ("19.94", True),
        ("19.939", False),
        ("20.00", True),
        ("20.0600001", False),
    ],
)
def test_a_pump_is_judged_unrounded_and_its_limit_passes(indicated, passes):
    error = compute_relative_error_percent(Decimal(indicated), Decimal("20.00"))
    assert judge_indication_error(one(), error) is passes


def test_a_limit_that_is_not_inclusive_fails_at_the_limit():
    limit = one(inclusive="no")
    assert [judge_indication_error(limit, Decimal(text)) for text in ("0.30", "-0.30", "0.2999")] == [
        False,
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("error", "passes"),
    [("0.30499", True), ("0.305", True), ("0.3051", False), ("0.315", False), ("-0.305", True)],
)
def test_a_regulation_that_rounds_is_followed(error, passes):
    assert judge_indication_error(one(rounding_interval="0.01"), Decimal(error)) is passes


@pytest.mark.parametrize(
    ("value", "passes"), [("0.10", True), ("0", True), ("0.1001", False), ("-0.01", False), ("-5", False)]
)
def test_a_magnitude_has_no_lower_limit_and_is_never_negative(value, passes):
    limit = one(item="repeatability", mpe_lower="", mpe_upper="0.10")
    assert judge_indication_error(limit, Decimal(value)) is passes
    assert limit.maximum_permissible_error == Decimal("0.10")


@pytest.mark.parametrize(
    ("value", "passes"), [("-4.0", True), ("1.0", True), ("1.01", False), ("-4.01", False)]
)
def test_limits_need_not_be_symmetric(value, passes):
    limit = one(item="error_in_use", mpe_lower="-4.0", mpe_upper="1.0")
    assert judge_indication_error(limit, Decimal(value)) is passes
    assert limit.maximum_permissible_error == Decimal("1.0")


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_not_judged(value):
    with pytest.raises(MalformedDocumentError):
        judge_indication_error(one(), Decimal(value))


@given(st.fractions(min_value=-1, max_value=1))
def test_judging_agrees_with_the_plain_comparison_in_any_context(error):
    with localcontext() as context:
        context.prec = 1
        assert judge_indication_error(one(), error) is (abs(error) <= Fraction(3, 10))


@pytest.mark.parametrize(
    ("load", "unit", "permitted", "in_service"),
    [
        ("0", "kg", "2.5", "5"),
        ("2.5", "kg", "2.5", "5"),
        ("2.505", "kg", "5", "10"),
        ("2500.001", "g", "5", "10"),
        ("10", "kg", "5", "10"),
        ("10.005", "kg", "7.5", "15"),
        ("50", "kg", "7.5", "15"),
    ],
)
def test_a_scale_of_class_three_with_e_of_five_grams(load, unit, permitted, in_service):
    interval = parse_quantity("5", "g")
    intervals = compute_load_in_intervals(parse_quantity(load, unit), interval)
    for is_in_service, expected in ((False, permitted), (True, in_service)):
        limit = limit_for(
            scale(), "indication_error", accuracy_class="III", load=intervals, in_service=is_in_service
        )
        in_grams = compute_limit_in_unit(limit, interval)
        assert (in_grams.lower, in_grams.upper, in_grams.unit.code) == (
            -Decimal(expected),
            Decimal(expected),
            "g",
        )
        assert judge_indication_error(in_grams, Decimal(expected))
        assert not judge_indication_error(in_grams, Decimal(expected) + Decimal("0.001"))


def test_what_a_limit_in_e_rounds_to_is_stated_in_e_too():
    """An error of 2.7 g at e = 5 g is 0.54 e, rounded to 0.1 e: 0.5 e, which keeps the limit."""
    interval = parse_quantity("5", "g")
    limit = replace(scale()[0], rounding_interval=Decimal("0.1"))
    in_grams = compute_limit_in_unit(limit, interval)
    in_kilograms = compute_limit_in_error_unit(limit, interval, UNITS["kg"])
    assert (in_grams.rounding_interval, in_kilograms.rounding_interval) == (Decimal("0.5"), Decimal("0.0005"))
    for error, passes in (("2.7", True), ("2.75", False), ("2.8", False)):
        assert judge_indication_error(in_grams, Decimal(error)) is passes
        assert judge_indication_error(in_kilograms, Decimal(error) / 1000) is passes
        assert judge_indication_error(limit, Decimal(error) / 5) is passes


@pytest.mark.parametrize(
    "question",
    [
        {"item": "repeatability", "accuracy_class": "III", "load": Decimal(100)},
        {"item": "indication_error", "accuracy_class": "IIII", "load": Decimal(100)},
        {"item": "indication_error", "load": Decimal(100)},
        {"item": "indication_error", "accuracy_class": "III"},
        {"item": "indication_error", "accuracy_class": "III", "load": Decimal("10000.001")},
        {"item": "indication_error", "accuracy_class": "III", "load": Decimal(-1)},
        {"item": "indication_error", "accuracy_class": "III", "load": Decimal(100), "unit": UNITS["g"]},
        {"item": "", "accuracy_class": "III", "load": Decimal(100)},
    ],
)
def test_no_limit_is_made_up(question):
    assert limit_for(scale(), **question) is None


def test_in_service_without_a_known_factor_has_no_limit():
    assert limit_for([one()], LimitedItem.INDICATION_ERROR, in_service=True) is None


def test_a_limit_without_class_applies_to_all():
    assert limit_for([one()], "indication_error", accuracy_class="2") == one()


def test_two_units_stand_side_by_side():
    limits = parse_limits(
        limits_table({"unit": "kPa"}, {"unit": "mmHg", "mpe_lower": "-4", "mpe_upper": "4"})
    )
    assert limit_for(limits, "indication_error", unit=UNITS["mmHg"]).upper == 4
    assert limit_for(limits, "indication_error").unit is UNITS["kPa"]
    assert limit_for(limits, "indication_error", unit=UNITS["Pa"]) is None


@given(st.fractions(min_value=0, max_value=10_000))
def test_every_load_up_to_the_last_step_has_exactly_one_limit(load):
    found = [
        limit for limit in scale() if limit_for([limit], "indication_error", accuracy_class="III", load=load)
    ]
    assert len(found) == 1


@pytest.mark.parametrize(
    ("load", "interval", "error"),
    [
        (("1", "L"), ("5", "g"), UnitError),
        (("1", "kg"), ("5", "%"), UnitError),
        (("1", "e"), ("1", "e"), UnitError),
        (("1", "kg"), ("0", "g"), MalformedDocumentError),
        (("1", "kg"), ("-5", "g"), MalformedDocumentError),
        (("-1", "kg"), ("5", "g"), MalformedDocumentError),
    ],
)
def test_a_load_that_makes_no_sense_is_refused(load, interval, error):
    with pytest.raises(error):
        compute_load_in_intervals(parse_quantity(*load), parse_quantity(*interval))


def test_only_limits_in_e_are_turned_into_grams():
    with pytest.raises(UnitError, match="not in e"):
        compute_limit_in_unit(one(), parse_quantity("5", "g"))
    with pytest.raises(MalformedDocumentError):
        compute_limit_in_unit(scale()[0], parse_quantity("0", "g"))


@pytest.mark.parametrize("tag", ["K", "U", "V/K", "K/U", "V/U", "K/V"])
def test_only_a_tag_of_exactly_v_is_confirmed(tag):
    assert not one(confidence=tag).is_confirmed
    assert one(confidence="V").is_confirmed


@pytest.mark.parametrize(
    "cells",
    [
        {"regulation": ""},
        {"item": ""},
        {"item": "appearance"},
        {"mpe_upper": ""},
        {"mpe_upper": "0"},
        {"mpe_upper": "-0.30"},
        {"mpe_lower": "0"},
        {"mpe_lower": "0.1"},
        {"mpe_upper": "0.3e1"},
        {"unit": ""},
        {"unit": "bar"},
        {"inclusive": ""},
        {"inclusive": "maybe"},
        {"rounding_interval": "0"},
        {"rounding_interval": "-0.1"},
        {"in_service_factor": "0.5"},
        {"in_service_factor": "-2"},
        {"load_over": "-1"},
        {"load_over": "500", "load_up_to": "500"},
        {"load_over": "500", "load_up_to": "100"},
        {"load_up_to": "0"},
        {"confidence": ""},
        {"confidence": "X"},
        {"confidence": "V/V"},
        {"confidence": "VK"},
        {"confidence": "V/"},
        {"confidence": "v"},
    ],
)
def test_a_wrong_row_is_refused(cells):
    with pytest.raises(InputError) as refused:
        one(**cells)
    assert refused.value.field.startswith("limits row 2")


@pytest.mark.parametrize(
    "rows",
    [
        [{}, {}],
        [{"accuracy_class": "2"}, {}],
        [{"load_up_to": "500"}, {}],
        [{"load_up_to": "500"}, {"load_over": "499", "load_up_to": "2000"}],
        [{"load_over": "500"}, {"load_over": "2000"}],
    ],
)
def test_two_answers_to_one_question_are_refused(rows):
    with pytest.raises(MalformedDocumentError, match="twice"):
        parse_limits(limits_table(*rows))


@pytest.mark.parametrize(
    "rows",
    [
        [{"accuracy_class": "1"}, {"accuracy_class": "2"}],
        [{"unit": "kPa"}, {"unit": "mmHg"}],
        [{}, {"regulation": "JJG 2-2026"}],
        [{}, {"item": "repeatability"}],
        [{"load_over": "500"}, {"load_up_to": "500"}],
    ],
)
def test_answers_to_different_questions_stand_together(rows):
    assert len(parse_limits(limits_table(*rows))) == 2


@given(st.lists(st.text(alphabet=st.characters(exclude_characters=',"\n\r')), max_size=14))
def test_parsing_raises_nothing_else(cells):
    with suppress(InputError):
        parse_limits(",".join(LIMIT_COLUMNS) + "\n" + ",".join(cells) + "\n")
