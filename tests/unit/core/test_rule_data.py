"""What the shipped rule book says, against the worked numbers of the field."""

import csv
from datetime import date
from decimal import Decimal

import pytest
from vectors import vector_path

from ledger.core.calendar_rules import ValidityKind
from ledger.core.category import Category
from ledger.core.data import load_rule_book
from ledger.core.limit import (
    compute_limit_in_unit,
    compute_load_in_intervals,
    judge_indication_error,
    limit_for,
)
from ledger.core.quantity import compute_relative_error_percent, parse_quantity
from ledger.core.regulation import is_in_force, is_unit_admitted, latest_allowed_valid_until
from ledger.core.unit import UNITS

TODAY = date(2026, 11, 20)


def rule_of(category, on=TODAY):
    return load_rule_book().find_rule(category, on)


def test_it_is_read_once():
    assert load_rule_book() is load_rule_book()


@pytest.mark.parametrize("category", list(Category))
def test_every_category_has_a_rule_in_force_now_and_at_the_next_change(category):
    for on in (TODAY, date(2027, 1, 7), date(2027, 1, 8)):
        assert rule_of(category, on).category is category


def test_the_price_scale_changes_its_regulation_on_one_day():
    before, after = (rule_of(Category.PRICE_SCALE, on) for on in (date(2027, 1, 7), date(2027, 1, 8)))
    assert (before.regulation_id, after.regulation_id) == ("JJG 539-2016", "JJG 1204-2025(试行)")
    assert before.superseded_by == after.regulation_id
    assert not is_in_force(before, date(2027, 1, 8))
    assert rule_of(Category.DIGITAL_SCALE, date(2027, 1, 8)).regulation_id == "JJG 539-2016"


@pytest.mark.parametrize(
    ("category", "kind", "latest"),
    [
        (Category.FUEL_DISPENSER, ValidityKind.DATE, date(2027, 5, 19)),
        (Category.PRICE_SCALE, ValidityKind.DATE, date(2027, 11, 19)),
        (Category.WATER_METER_SMALL, ValidityKind.SERVICE_LIFE, date(2032, 11, 19)),
        (Category.WATER_METER_MID, ValidityKind.SERVICE_LIFE, date(2030, 11, 19)),
        (Category.WATER_METER_LARGE, ValidityKind.DATE, date(2028, 11, 19)),
        (Category.GAS_METER_NG, ValidityKind.SERVICE_LIFE, date(2036, 11, 19)),
        (Category.THERMOMETER_GLASS, ValidityKind.NONE, None),
        (Category.OTHER, None, None),
    ],
)
def test_last_allowed_dates(category, kind, latest):
    bound = latest_allowed_valid_until(rule_of(category), TODAY)
    assert (bound.kind, bound.latest) == (kind, latest)


@pytest.mark.parametrize(("indicated", "passes"), [("20.06", True), ("20.061", False)])
def test_a_pump_at_its_limit_passes_and_just_above_fails(indicated, passes):
    limit = limit_for(rule_of(Category.FUEL_DISPENSER).limits, "indication_error", unit=UNITS["%"])
    error = compute_relative_error_percent(Decimal(indicated), Decimal("20.00"))
    assert limit.is_confirmed
    assert judge_indication_error(limit, error) is passes


@pytest.mark.parametrize(
    ("load", "permitted"), [("2.5", "2.5"), ("2.505", "5"), ("10", "5"), ("10.005", "7.5")]
)
@pytest.mark.parametrize("category", [Category.PRICE_SCALE, Category.DIGITAL_SCALE, Category.TRUCK_SCALE])
def test_scales_of_class_three_have_steps_that_are_not_confirmed(category, load, permitted):
    interval = parse_quantity("5", "g")
    question = {
        "accuracy_class": "III",
        "load": compute_load_in_intervals(parse_quantity(load, "kg"), interval),
    }
    limits = rule_of(category).limits
    limit = compute_limit_in_unit(limit_for(limits, "indication_error", **question), interval)
    doubled = compute_limit_in_unit(
        limit_for(limits, "indication_error", in_service=True, **question), interval
    )
    assert (limit.lower, limit.upper) == (-Decimal(permitted), Decimal(permitted))
    assert (doubled.lower, doubled.upper) == (-2 * Decimal(permitted), 2 * Decimal(permitted))
    assert not limit.is_confirmed


@pytest.mark.parametrize(
    ("item", "permitted"), [("indication_error_low", "5"), ("indication_error_high", "2")]
)
def test_a_water_meter_has_one_limit_for_each_flow_zone(item, permitted):
    limits = rule_of(Category.WATER_METER_SMALL).limits
    limit = limit_for(limits, item, accuracy_class="2")
    assert limit.is_confirmed
    assert judge_indication_error(limit, Decimal(permitted))
    assert not judge_indication_error(limit, -Decimal(permitted) - Decimal("0.1"))
    assert limit_for(limits, item, accuracy_class="1") is None
    assert limit_for(limits, "indication_error", accuracy_class="2") is None


def test_confirmed_are_only_the_rows_found_in_public_text():
    rows = load_rule_book().rows
    assert {row.category.name for row in rows if row.is_confirmed} == {
        "FUEL_DISPENSER",
        "WATER_METER_SMALL",
        "WATER_METER_MID",
        "WATER_METER_LARGE",
        "GAS_METER_ULTRASONIC",
    }
    confirmed = {limit.regulation_id for row in rows for limit in row.limits if limit.is_confirmed}
    assert confirmed == {"JJG 443-2023(试行)", "JJG 162-2019"}


def test_millimetres_of_mercury_are_for_blood_pressure_only():
    admitted = {row.category for row in load_rule_book().rows if is_unit_admitted(row, UNITS["mmHg"])}
    assert admitted == {Category.SPHYG_MERCURY, Category.SPHYG_AUTO}


def test_every_successor_is_in_the_book_from_the_day_it_takes_over():
    for row in load_rule_book().rows:
        if row.superseded_by is not None:
            successor = load_rule_book().rule_named(row.category, row.superseded_by)
            assert successor.effective_on == row.superseded_on


def test_it_says_what_the_survey_of_the_field_says():
    with vector_path("domain", "team", "cn_verification_rules.csv").open(
        encoding="utf-8", newline=""
    ) as file:
        survey = list(csv.DictReader(file))
    rows = load_rule_book().rows
    assert len(survey) == len(rows)
    for source, row in zip(survey, rows, strict=True):
        assert source["category_code"] == row.category.name
        assert source["regulation"] == (row.regulation_id or "")
        assert source["validity_months"] == str(row.validity_months or "")
        assert source["verification_mode"] == (row.verification_mode or "")
        assert source["confidence"] == row.confidence
