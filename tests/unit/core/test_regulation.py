from contextlib import suppress
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_tables import limits_table, rules_table

from ledger.core.calendar_rules import ValidityKind
from ledger.core.category import Category
from ledger.core.errors import InputError, MalformedDocumentError
from ledger.core.regulation import (
    RULE_COLUMNS,
    Control,
    ExpiryBound,
    VerificationMode,
    is_in_force,
    is_unit_admitted,
    latest_allowed_valid_until,
    normalise_citation,
    parse_rule_book,
)
from ledger.core.unit import UNITS

NO_LIMITS = limits_table()
OLD = {"regulation": "JJG 1-2015", "superseded_on": "2024-05-01", "superseded_by": "JJG 1-2023(试行)"}
NEW = {"regulation": "JJG 1-2023(试行)", "effective_on": "2024-05-01"}
OTHER = {
    "category_code": "OTHER",
    "regulation": "",
    "control": "",
    "verification_mode": "",
    "validity_months": "",
    "confidence": "U",
}


def book(*rows, limits=NO_LIMITS):
    return parse_rule_book(rules_table(*rows), limits)


def rule(**cells):
    return book(cells).rows[0]


def test_a_row_says_all_it_holds():
    row = rule(
        seal_points="3", uncertainty_share="1/5", restricted_units="mmHg", note="n", accuracy_or_mpe="±0.3 %"
    )
    assert row.category is Category.FUEL_DISPENSER
    assert row.control is Control.TYPE_APPROVAL_AND_VERIFICATION
    assert row.verification_mode is VerificationMode.PERIODIC
    assert (row.validity_months, row.seal_points, row.uncertainty_share) == (6, 3, Fraction(1, 5))
    assert row.restricted_units == (UNITS["mmHg"],)
    assert (row.accuracy_prose, row.note, row.is_confirmed) == ("±0.3 %", "n", True)


@pytest.mark.parametrize("tag", ["K", "U", "V/K", "K/U", "V/U"])
def test_only_a_tag_of_exactly_v_is_confirmed(tag):
    assert not rule(confidence=tag).is_confirmed


def test_the_verification_date_chooses_the_version():
    versions = book(OLD, NEW)
    assert versions.find_rule(Category.FUEL_DISPENSER, date(2024, 4, 30)).regulation_id == "JJG 1-2015"
    assert versions.find_rule(Category.FUEL_DISPENSER, date(2024, 5, 1)).regulation_id == "JJG 1-2023(试行)"


def test_in_a_transition_both_are_in_force_and_the_newer_is_chosen():
    transition = book({**OLD, "superseded_on": "2024-11-01"}, NEW)
    old, new = (transition.rule_named(Category.FUEL_DISPENSER, name) for name in ("JJG 1-2015", "JJG 1-2023"))
    assert is_in_force(old, date(2024, 10, 31))
    assert is_in_force(new, date(2024, 10, 31))
    assert not is_in_force(old, date(2024, 11, 1))
    assert transition.find_rule(Category.FUEL_DISPENSER, date(2024, 10, 31)) == new


def test_before_the_first_version_no_rule_is_in_force():
    assert book(NEW).find_rule(Category.FUEL_DISPENSER, date(2024, 4, 30)) is None


def test_between_two_versions_no_rule_is_in_force():
    gap = book({**OLD, "superseded_on": "2024-04-01"}, NEW)
    assert gap.find_rule(Category.FUEL_DISPENSER, date(2024, 4, 15)) is None


def test_a_category_without_rules_is_named():
    with pytest.raises(MalformedDocumentError, match="TAXIMETER"):
        book(OLD).find_rule(Category.TAXIMETER, date(2026, 1, 1))
    with pytest.raises(MalformedDocumentError, match="TAXIMETER"):
        book(OLD).rule_named(Category.TAXIMETER, "JJG 517-2016")


@pytest.mark.parametrize(
    "cited",
    ["JJG 1-2023(试行)", "JJG 1-2023", "JJG1-2023", "JJG 1—2023", "JJG 1-2023（试行）", "jjg 1-2023 (试行)"],
)
def test_usual_ways_to_cite_a_version_are_understood(cited):
    assert book(OLD, NEW).rule_named(Category.FUEL_DISPENSER, cited).effective_on == date(2024, 5, 1)


@pytest.mark.parametrize(
    "cited", ["", "JJG 1", "JJG 1-2006", "JJG 11-2023", "JJF 1-2023", "JJG 1-20231", "1-2023"]
)
def test_another_version_is_not_taken_for_a_known_one(cited):
    assert book(OLD, NEW).rule_named(Category.FUEL_DISPENSER, cited) is None


@given(st.text())
def test_any_text_may_be_looked_up(text):
    found = book(NEW).rule_named(Category.FUEL_DISPENSER, text)
    assert (found is None) is (normalise_citation(text) != "JJG1-2023")


def test_other_instruments_have_no_rule_to_break():
    anything = book(OTHER).rule_named(Category.OTHER, "whatever it says")
    assert anything == book(OTHER).find_rule(Category.OTHER, date(1999, 1, 1))
    assert (anything.regulation_id, anything.limits, anything.uncertainty_share) == (None, (), None)
    assert latest_allowed_valid_until(anything, date(2026, 1, 1)) == ExpiryBound(None, None)


@pytest.mark.parametrize(
    ("mode", "months", "bound"),
    [
        ("periodic", "6", ExpiryBound(ValidityKind.DATE, date(2027, 5, 19))),
        ("first_only_limited_use", "72", ExpiryBound(ValidityKind.SERVICE_LIFE, date(2032, 11, 19))),
        ("first_only_scrap", "", ExpiryBound(ValidityKind.NONE, None)),
    ],
)
def test_the_mode_says_what_kind_of_date_there_is(mode, months, bound):
    row = rule(verification_mode=mode, validity_months=months)
    assert latest_allowed_valid_until(row, date(2026, 11, 20)) == bound


def test_a_period_beyond_the_calendar_is_refused():
    with pytest.raises(MalformedDocumentError):
        latest_allowed_valid_until(rule(), date(9999, 12, 1))


def test_a_restricted_unit_needs_a_rule_that_names_it():
    assert is_unit_admitted(rule(restricted_units="mmHg"), UNITS["mmHg"])
    assert not is_unit_admitted(rule(), UNITS["mmHg"])
    assert is_unit_admitted(rule(), UNITS["kPa"])


def test_limits_belong_to_the_regulation_of_the_row():
    limits = limits_table({}, {"regulation": "JJG 1-2015", "mpe_lower": "-0.5", "mpe_upper": "0.5"})
    rows = book(OLD, {"effective_on": "2024-05-01"}, limits=limits).rows
    assert [[str(limit.upper) for limit in row.limits] for row in rows] == [["0.5"], ["0.30"]]


@given(st.dates(), st.dates())
def test_a_version_is_in_force_from_its_first_day_to_the_day_before_its_successor(begin, on):
    end = begin + timedelta(days=min(1000, (date.max - begin).days))
    cells = {"effective_on": begin.isoformat()}
    if end > begin:
        cells |= {"superseded_on": end.isoformat(), "superseded_by": "JJG 2"}
    assert is_in_force(rule(**cells), on) is (begin <= on and (on < end or end == begin))


def test_the_digest_names_the_state_of_both_tables():
    digests = {
        book(OLD).digest,
        book(NEW).digest,
        book({}).digest,
        book({}, limits=limits_table({})).digest,
        book({}, limits=limits_table({"confidence": "K"})).digest,
    }
    assert len(digests) == 5
    assert all(len(digest) == 32 for digest in digests)
    assert book(OLD).digest == book(OLD).digest


@pytest.mark.parametrize(
    "cells",
    [
        {"category_code": ""},
        {"category_code": "PETROL_PUMP"},
        {"category_code": "fuel_dispenser"},
        {"name_zh": ""},
        {"name_en": " pump"},
        {"regulation": ""},
        {"control": ""},
        {"control": "P"},
        {"verification_mode": ""},
        {"verification_mode": "yearly"},
        {"validity_months": ""},
        {"validity_months": "0"},
        {"validity_months": "6.0"},
        {"validity_months": "-6"},
        {"validity_months": "1201"},
        {"verification_mode": "first_only_scrap"},
        {"verification_mode": "first_only_limited_use", "validity_months": ""},
        {"effective_on": "2024-5-1"},
        {"superseded_on": "2027-01-08"},
        {"superseded_by": "JJG 2"},
        {"effective_on": "2027-01-08", "superseded_on": "2027-01-08", "superseded_by": "JJG 2"},
        {"effective_on": "2027-01-09", "superseded_on": "2027-01-08", "superseded_by": "JJG 2"},
        {"seal_points": "many"},
        {"uncertainty_share": "0.3"},
        {"uncertainty_share": "1/0"},
        {"uncertainty_share": "2/3"},
        {"restricted_units": "kPa"},
        {"restricted_units": "Torr"},
        {"confidence": ""},
        {"confidence": "sure"},
        {**OTHER, "category_code": "TAXIMETER"},
        {**OTHER, "validity_months": "6"},
    ],
)
def test_a_wrong_row_is_refused_and_named(cells):
    with pytest.raises(InputError) as refused:
        rule(**cells)
    assert refused.value.field.startswith("rules row 2")


@pytest.mark.parametrize(
    ("rows", "limits"),
    [
        ([{}, {}], NO_LIMITS),
        ([{}, {"regulation": "JJG 2-2026"}], NO_LIMITS),
        ([NEW, {**NEW, "effective_on": "2025-01-01"}], NO_LIMITS),
        ([NEW, {**NEW, "regulation": "JJG 1-2023", "effective_on": "2025-01-01"}], NO_LIMITS),
        ([OTHER, OTHER], NO_LIMITS),
        ([OLD], limits_table({"regulation": "JJG 9-2020"})),
        ([], limits_table({})),
    ],
)
def test_tables_that_contradict_themselves_are_refused(rows, limits):
    with pytest.raises(MalformedDocumentError):
        book(*rows, limits=limits)


@given(st.lists(st.text(alphabet=st.characters(exclude_characters=',"\n\r')), min_size=14, max_size=16))
def test_parsing_raises_nothing_else(cells):
    with suppress(InputError):
        parse_rule_book(",".join(RULE_COLUMNS) + "\n" + ",".join(cells) + "\n", NO_LIMITS)


@given(st.text(alphabet=st.characters(codec=None), max_size=30), st.text(max_size=30))
def test_parsing_any_text_raises_nothing_else(rules, limits):
    with suppress(InputError):
        parse_rule_book(rules, limits)


def test_text_that_is_not_unicode_is_refused():
    with pytest.raises(MalformedDocumentError, match="Unicode"):
        book({"note": "\ud800"})
