"""The rules that desk, log and verifier share: worked numbers, reasons, and what is never decided."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ledger_in_memory import (
    SHANGHAI,
    MemoryLedger,
    make_point,
    make_record,
    make_rejection,
    make_result,
    make_signer,
    seal_record,
)
from rule_reading import assert_bilingual, codes

from ledger.core.calendar_rules import ValidityKind, compute_last_valid_date
from ledger.core.canonical import encode_canonical_json
from ledger.core.category import Category
from ledger.core.certificate import parse_certificate
from ledger.core.data import load_rule_book
from ledger.core.encoding import encode_decimal
from ledger.core.fields import Reader
from ledger.core.limit import judge_indication_error
from ledger.core.quantity import compute_relative_error_percent
from ledger.core.record import Record, Role
from ledger.core.record_parsing import parse_record
from ledger.core.regulation import RuleBook
from ledger.core.rule_result import RuleResult
from ledger.core.rules import (
    Clocks,
    build_issue_claims,
    check_binding,
    check_expiry,
    check_limits,
    check_regulation,
    check_times,
    compute_indication_error,
    local_date,
)
from ledger.core.statement import Conclusion, RegisterClaims, Statement, parse_signed_statement
from ledger.core.step import Outcome, Sentence

BOOK = load_rule_book()
PUMP = "JJG 443-2023(试行)"


def parse(**changes) -> Record:
    return parse_record(Reader(make_record(1, **changes), ""))


@cache
def edited_book(**cells: str) -> RuleBook:
    """Return the shipped rules with some members of the pump's rule changed."""
    (rule,) = [row for row in BOOK.rows if row.category is Category.FUEL_DISPENSER]
    changed = replace(rule, **cells)
    return replace(BOOK, rows=tuple(changed if row is rule else row for row in BOOK.rows))


UNCONFIRMED = edited_book(confidence="K")


def with_limits(**changes) -> RuleBook:
    (rule,) = [row for row in BOOK.rows if row.category is Category.FUEL_DISPENSER]
    return edited_book(limits=tuple(replace(limit, **changes) for limit in rule.limits))


# --- binding ----------------------------------------------------------------------------------------------


def make_pair(**changes):
    credential = seal_record(make_record(1, **changes), make_signer("seal"))
    certificate = parse_certificate(encode_canonical_json(credential))
    return parse_signed_statement(MemoryLedger().sign_issue(credential)).statement, certificate


def test_a_statement_that_was_built_from_the_certificate_agrees():
    result = check_binding(*make_pair())
    assert (result.outcome, result.reasons) == (Outcome.PASSED, ())
    assert_bilingual(result)


OTHERS = {
    "number": "JY2026-000002",
    "instrument_id": bytes(16),
    "serial": None,
    "category": Category.OTHER,
    "conclusion": Conclusion.FAIL,
    "verified_on": date(2026, 2, 27),
    "valid_until": None,
    "validity_kind": ValidityKind.NONE,
    "certificate_digest": bytes(32),
    "seals_digest": None,
}


@pytest.mark.parametrize("name", OTHERS)
def test_every_field_of_the_statement_is_compared(name):
    statement, certificate = make_pair()
    wrong = replace(statement, claims=replace(statement.claims, **{name: OTHERS[name]}))
    result = check_binding(wrong, certificate)
    assert result.outcome is Outcome.FAILED
    assert codes(result) == [("BINDING", f"statement.{name}")]
    assert_bilingual(result)


def test_issuer_part_and_type_are_compared_too():
    statement, certificate = make_pair()
    assert codes(check_binding(replace(statement, issuer="350100-02"), certificate)) == [
        ("BINDING", "statement.issuer")
    ]
    for part, expected in (("1", []), ("3", [("BINDING", "statement.part")])):
        said = replace(statement, claims=replace(statement.claims, part=part))
        assert codes(check_binding(said, certificate)) == expected
    register = Statement(statement.type, statement.issuer, RegisterClaims(bytes(8), b"{}"))
    assert codes(check_binding(register, certificate)) == [("BINDING", "statement.type")]


def test_without_seals_there_is_no_digest_of_them():
    assert build_issue_claims(parse(seals=[]), bytes(32)).seals_digest is None
    assert len(build_issue_claims(parse(), bytes(32)).seals_digest) == 8


# --- regulation -------------------------------------------------------------------------------------------

SCALE = {**make_record(1)["instrument"], "category": "PRICE_SCALE", "class": "III"}


def cite(name: str | None, **changes) -> dict:
    return {"regulation": None if name is None else {"id": name, "title": "x"}, **changes}


@pytest.mark.parametrize("name", [PUMP, "JJG443-2023", "jjg 443—2023（试行）"])
def test_a_confirmed_regulation_in_force_passes(name):
    result = check_regulation(parse(**cite(name)), BOOK)
    assert (result.outcome, result.reasons) == (Outcome.PASSED, ())


@pytest.mark.parametrize("name", ["JJG 443-2015", "JJG 539-2016", "JJG 9999-2030", None])
def test_a_regulation_that_the_rules_do_not_have_is_not_checked_but_refused_at_the_desk(name):
    result = check_regulation(parse(**cite(name)), BOOK)
    assert result.outcome is Outcome.NOT_CHECKED
    assert codes(result) == [("REGULATION", "regulation" if name is None else "regulation.id")]
    assert_bilingual(result)


def test_a_confirmed_regulation_that_is_not_in_force_fails():
    day = date(2026, 2, 28)
    for cells, outcome in (
        ({"effective_on": day}, Outcome.PASSED),
        ({"effective_on": date(2026, 3, 1)}, Outcome.FAILED),
        ({"superseded_on": date(2026, 3, 1), "superseded_by": "x"}, Outcome.PASSED),
        ({"superseded_on": day, "superseded_by": "x"}, Outcome.FAILED),
    ):
        assert check_regulation(parse(), edited_book(**cells)).outcome is outcome


def test_an_unconfirmed_regulation_is_never_failed():
    results = [make_result("indication_error", "kg")]
    record = parse(**cite("JJG 539-2016", instrument=SCALE, results=results))
    assert check_regulation(record, BOOK).outcome is Outcome.NOT_CHECKED
    late = replace(record, verified_on=date(2027, 1, 8))
    result = check_regulation(late, BOOK)
    assert result.outcome is Outcome.NOT_CHECKED
    assert codes(result) == [("REGULATION", "regulation.id")], "but the desk refuses it"
    assert "not confirmed" in result.text.en
    assert "is not in force on 2027-01-08" in result.text.en


def test_a_unit_for_another_category_is_refused():
    results = [
        make_result("indication_error", "mmHg"),
        make_result("indication_error", "mmHg", error_unit="kPa"),
    ]
    result = check_regulation(parse(results=results), BOOK)
    assert (result.outcome, codes(result)) == (Outcome.FAILED, [("UNIT", "results.unit")])


@pytest.mark.parametrize("check", [check_regulation, check_expiry])
def test_other_instruments_have_no_rules(check):
    record = parse(instrument=make_record(1)["instrument"] | {"category": "OTHER"})
    result = check(record, BOOK)
    assert (result.outcome, result.reasons) == (Outcome.NOT_CHECKED, ())


def test_a_book_without_the_category_decides_nothing():
    empty = replace(BOOK, rows=())
    for check in (check_regulation, check_expiry, check_limits):
        assert check(parse(), empty).outcome is Outcome.NOT_CHECKED


# --- expiry -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verified_on", "months", "last"),
    [
        ("2026-11-20", 6, "2027-05-19"),
        ("2026-08-31", 6, "2027-02-27"),
        ("2024-02-29", 12, "2025-02-27"),
        ("2024-02-29", 48, "2028-02-28"),
        ("2026-03-01", 72, "2032-02-29"),
    ],
)
def test_periods_are_maxima(verified_on, months, last):
    book, day = edited_book(validity_months=months), date.fromisoformat(verified_on)
    assert compute_last_valid_date(day, months) == date.fromisoformat(last)
    record = replace(parse(), verified_on=day)
    latest = date.fromisoformat(last)
    for until, reason, expected in (
        (latest, None, []),
        (latest + timedelta(days=1), None, [("EXPIRY", "validity.until")]),
        (latest + timedelta(days=1), "a reason", [("EXPIRY", "validity.until")]),
        (latest - timedelta(days=1), None, [("EXPIRY", "validity.reason")]),
        (latest - timedelta(days=1), "a reason", []),
    ):
        validity = replace(record.validity, until=until, reason=reason)
        result = check_expiry(replace(record, validity=validity), book)
        assert codes(result) == expected
        assert result.outcome is (Outcome.FAILED if expected else Outcome.PASSED)
        assert_bilingual(result)


def test_an_unconfirmed_period_is_never_failed_but_refused_at_the_desk():
    record = parse()
    for days, expected in (
        (0, []),
        (1, ["validity.until"]),
        (-1, ["validity.reason"]),
        (9999, ["validity.until"]),
    ):
        until = record.validity.until + timedelta(days=days)
        result = check_expiry(replace(record, validity=replace(record.validity, until=until)), UNCONFIRMED)
        assert (result.outcome, [reason.field for reason in result.reasons]) == (
            Outcome.NOT_CHECKED,
            expected,
        )
        assert "not confirmed" in result.text.en


@pytest.mark.parametrize(
    ("category", "regulation", "validity", "good"),
    [
        ("FUEL_DISPENSER", PUMP, {"kind": "service_life", "until": "2026-08-27"}, False),
        ("FUEL_DISPENSER", PUMP, {"kind": "none"}, False),
        ("WATER_METER_SMALL", None, {"kind": "service_life", "until": "2032-02-27"}, True),
        ("WATER_METER_SMALL", None, {"kind": "date", "until": "2032-02-27"}, False),
        ("WATER_METER_SMALL", None, {"kind": "none"}, False),
    ],
)
def test_the_kind_of_validity_is_the_rules(category, regulation, validity, good):
    rule = BOOK.find_rule(Category[category], date(2026, 2, 28))
    instrument = make_record(1)["instrument"] | {"category": category}
    record = parse(**cite(regulation or rule.regulation_id, instrument=instrument, validity=validity))
    assert (codes(check_expiry(record, BOOK)) == []) == good


def test_what_is_scrapped_when_it_fails_has_no_date():
    rule = next(row for row in BOOK.rows if row.validity_kind is ValidityKind.NONE)
    instrument = make_record(1)["instrument"] | {"category": rule.category.name}
    for validity, expected in (
        ({"kind": "none"}, []),
        ({"kind": "date", "until": "2026-08-27"}, ["validity.kind"]),
    ):
        record = parse(**cite(rule.regulation_id, instrument=instrument, validity=validity))
        assert [reason.field for reason in check_expiry(record, BOOK).reasons] == expected


def test_a_rejection_has_no_validity():
    assert check_expiry(parse_record(Reader(make_rejection(1), "")), BOOK).outcome is Outcome.PASSED


def test_a_period_beyond_the_calendar_is_refused():
    record = replace(parse(), verified_on=date(9999, 12, 1))
    result = check_expiry(record, BOOK)
    assert (result.outcome, codes(result)) == (Outcome.FAILED, [("EXPIRY", "verified_on")])


# --- limits -----------------------------------------------------------------------------------------------


def judge(point: dict, book: RuleBook = BOOK, **result) -> RuleResult:
    members = make_result("indication_error", "L") | result | {"points": [point], "pass": point["pass"]}
    record = make_rejection(1) if not point["pass"] else make_record(1)
    return check_limits(parse_record(Reader(record | {"results": [members]}, "")), book)


@pytest.mark.parametrize(
    ("measured", "error", "within"),
    [
        ("20.06", "0.30", True),
        ("20.061", "0.30", False),
        ("20.061", "0.305", False),
        ("19.94", "-0.30", True),
        ("19.939", "-0.305", False),
        ("20.00", "0.00", True),
        ("20.060", "0.300", True),
    ],
)
def test_limits_are_inclusive_and_judged_on_the_exact_error(measured, error, within):
    for passed in (True, False):
        point = make_point(error, "0.30", passed=passed, nominal="20.00", measured=measured)
        result = judge(point)
        if passed == within:
            assert (result.outcome, result.reasons) == (Outcome.PASSED, ())
        else:
            assert result.outcome is Outcome.FAILED
            assert codes(result) == [("LIMITS", "results[0].points[0].pass")]


@pytest.mark.parametrize(
    ("error", "passed"), [("0.10", True), ("0.1000", True), ("0.11", False), ("0.00", True)]
)
def test_a_magnitude_has_an_upper_limit_only(error, passed):
    result = {
        "item": "repeatability",
        "error_unit": "%",
        "points": [make_point(error, "0.10", passed=passed)],
    }
    make = make_record if passed else make_rejection
    record = parse_record(Reader(make(1, results=[{**result, "pass": passed}]), ""))
    assert check_limits(record, BOOK).outcome is Outcome.PASSED


def test_a_magnitude_below_zero_does_not_pass():
    result = {
        "item": "repeatability",
        "error_unit": "%",
        "points": [make_point("-0.01", "0.10")],
        "pass": True,
    }
    assert codes(check_limits(parse(results=[result]), BOOK)) == [("LIMITS", "results[0].points[0].pass")]


@pytest.mark.parametrize(
    ("error", "good"),
    [
        ("0.10", True),
        ("0.1", True),
        ("0.100", True),
        ("0.11", False),
        ("0.15", False),
        ("0", True),
        ("-0.10", False),
    ],
)
def test_the_stated_error_must_follow_from_the_reading(error, good):
    result = judge(make_point(error, "0.30", nominal="20.00", measured="20.02"))
    assert (result.outcome is Outcome.PASSED) == good
    if not good:
        assert codes(result) == [("LIMITS", "results[0].points[0].error")]


@pytest.mark.parametrize("error", ["0.12", "0.13"])
def test_a_tie_may_be_rounded_either_way(error):
    point = make_point(error, "0.30", nominal="20.000", measured="20.025")
    assert judge(point).outcome is Outcome.PASSED


def test_another_limit_than_the_regulations_is_refused():
    for mpe, good in (("0.30", True), ("0.3", True), ("0.5", False), ("0.29", False), ("-0.30", False)):
        result = judge(make_point("0.10", mpe, nominal="20.00", measured="20.02"))
        assert (result.outcome is Outcome.PASSED) == good
        assert codes(result) == ([] if good else [("LIMITS", "results[0].points[0].mpe")])


@pytest.mark.parametrize(
    ("unit", "error_unit", "nominal", "measured", "error", "good"),
    [
        ("kg", "g", "2.500", "2.5024", "2.4", True),
        ("kg", "g", "2.500", "2.5024", "24", False),
        ("g", "kg", "2500", "2502", "0.002", True),
        ("m3/h", "L/min", "1.5", "1.6", "1.67", True),
        ("m3/h", "L/min", "1.5", "1.6", "1.66", False),
        ("m3/h", "L/min", "1.5", "1.6", "1.666667", True),
        ("°C", "K", "20.0", "20.5", "0.5", True),
        ("kg", "L", "1", "2", "55", True),
        ("kg", "e", "1", "2", "55", True),
        ("%", "%", "50", "51", "2", True),
        ("%", "%", "50", "51", "1", False),
        ("L", "%", "0", "1", "7", True),
        ("L", "%", "-1", "1", "7", True),
        ("L", "L", "20.00", "20.02", "0.02", True),
        ("L", "L", "20.00", "20.02", "0.2", False),
    ],
)
def test_errors_are_recomputed_in_their_own_unit_where_that_is_possible(
    unit, error_unit, nominal, measured, error, good
):
    point = make_point(error, "99", nominal=nominal, measured=measured)
    result = judge(point, replace(BOOK, rows=()), unit=unit, error_unit=error_unit)
    assert result.outcome is (Outcome.NOT_CHECKED if good else Outcome.FAILED)


def test_unconfirmed_limits_decide_nothing():
    book = with_limits(confidence="K")
    for error, mpe, passed in (("0.30", "0.30", True), ("0.40", "0.50", True), ("0.20", "0.10", False)):
        result = judge(make_point(error, mpe, passed=passed), book)
        assert (result.outcome, result.reasons) == (Outcome.NOT_CHECKED, ())
        assert result.text == Sentence(
            "limit not confirmed: indication_error", "限值未经确认：indication_error"
        )


@pytest.mark.parametrize(
    ("error", "mpe", "passed", "contradicts"),
    [
        ("0.34", "0.3", True, False),
        ("0.35", "0.3", True, False),
        ("0.36", "0.3", True, True),
        ("-0.36", "0.3", True, True),
        ("0.26", "0.3", False, False),
        ("0.25", "0.3", False, False),
        ("0.24", "0.3", False, True),
        ("5", "1", True, True),
        ("0", "1", False, True),
    ],
)
def test_a_document_that_contradicts_itself_fails_whatever_the_rule_is(error, mpe, passed, contradicts):
    result = judge(make_point(error, mpe, passed=passed), replace(BOOK, rows=()))
    assert result.outcome is (Outcome.FAILED if contradicts else Outcome.NOT_CHECKED)
    assert codes(result) == ([("LIMITS", "results[0].points[0].pass")] if contradicts else [])


def test_a_regulation_may_round_before_it_judges():
    book = with_limits(rounding_interval=Decimal("0.1"))
    for error, within in (("0.34", True), ("0.35", False), ("-0.349", True)):
        assert judge(make_point(error, "0.30", passed=within), book).outcome is Outcome.PASSED
        assert judge(make_point(error, "0.30", passed=not within), book).outcome is Outcome.FAILED


def test_a_limit_may_exclude_its_end():
    book = with_limits(is_inclusive=False)
    for error, within in (("0.30", False), ("0.29", True), ("-0.30", False)):
        assert judge(make_point(error, "0.30", passed=within), book).outcome is Outcome.PASSED


def test_a_result_may_not_contradict_its_points():
    failed = make_point("0.50", "0.30", passed=False)
    result = make_result("indication_error", "L") | {"points": [failed], "pass": True}
    assert codes(check_limits(parse(results=[result]), BOOK)) == [("LIMITS", "results[0].pass")]


def test_an_item_judged_without_readings_may_fail():
    result = {"item": "appearance", "error_unit": "1", "points": [], "pass": False}
    record = parse_record(Reader(make_rejection(1, results=[result]), ""))
    assert check_limits(record, BOOK).outcome is Outcome.NOT_CHECKED


def test_without_results_there_is_nothing_to_check():
    result = check_limits(parse(results=[]), BOOK)
    assert (result.outcome, result.text.en) == (Outcome.NOT_CHECKED, "limit not confirmed: no results")
    assert_bilingual(result)


def test_limits_of_another_unit_or_item_do_not_apply():
    for result in (make_result("indication_error", "L", error_unit="L"), make_result("flow", "L")):
        points = [make_point("0.02", "0.30", nominal="20.00", measured="20.02")]
        if result["error_unit"] == "%":
            points = [make_point("0.10", "0.30", nominal="20.00", measured="20.02")]
        record = parse(results=[result | {"points": points}])
        assert check_limits(record, BOOK).outcome is Outcome.NOT_CHECKED


READINGS = st.decimals("0.01", "200", places=3) | st.decimals("0.001", "99999", places=5)
LIMITS_UNDER_TEST = st.builds(
    with_limits,
    rounding_interval=st.sampled_from([None, Decimal("0.1"), Decimal("0.05")]),
    is_inclusive=st.booleans(),
)


@given(READINGS, READINGS, st.integers(0, 6), LIMITS_UNDER_TEST)
@example(Decimal("20.06"), Decimal("20.00"), 2, BOOK)
def test_quick_decimals_agree_with_fractions(measured, nominal, places, book):
    exact = compute_relative_error_percent(measured, nominal)
    stated = encode_decimal(Decimal(round(exact * 10**places)).scaleb(-places))
    (rule,) = [row for row in book.rows if row.category is Category.FUEL_DISPENSER]
    (limit,) = [one for one in rule.limits if one.item == "indication_error"]
    within = judge_indication_error(limit, exact)
    texts = {"nominal": encode_decimal(nominal), "measured": encode_decimal(measured)}
    point = make_point(stated, "0.30", passed=within, **texts)
    assert judge(point, book).outcome is Outcome.PASSED
    assert judge(point | {"pass": not within}, book).outcome is Outcome.FAILED
    record = parse(results=[make_result("indication_error", "L") | {"points": [point | {"pass": True}]}])
    computed = compute_indication_error(record.results[0], record.results[0].points[0])
    assert computed.to_fraction() == exact
    too_far = encode_decimal(Decimal(stated) + Decimal(1).scaleb(-places))
    if abs(exact - Fraction(too_far)) > Fraction(1, 2 * 10**places):
        assert judge(point | {"error": too_far}, book).outcome is Outcome.FAILED


# --- times ------------------------------------------------------------------------------------------------

DAY = date(2026, 2, 28)


def at(text: str) -> datetime:
    """Return an instant of that day in Shanghai, `HH:MM`, or any other in ISO 8601."""
    if len(text) == 5:
        return datetime.fromisoformat(f"2026-02-28T{text}:00").replace(tzinfo=SHANGHAI).astimezone(UTC)
    return datetime.fromisoformat(text)


def time_record(operator="09:00", checker="10:00", approver="11:00", **changes) -> Record:
    persons = [
        {"role": role, "pid": role, "signed_at": at(text).isoformat()[:19] + "Z"}
        for role, text in (("operator", operator), ("checker", checker), ("approver", approver))
        if text is not None
    ]
    return parse(persons=persons, **changes)


def check(
    record=None, *, sealed="12:00", sequenced="13:00", anchored="14:00", now="15:00", **options
) -> RuleResult:
    clocks = Clocks(
        sealed_at=at(sealed),
        sequenced_at=None if sequenced is None else at(sequenced),
        anchored_at=None if anchored is None else at(anchored),
        now=at(now),
    )
    given_options = {"zone": SHANGHAI, "tolerance": timedelta(minutes=5), "lag": timedelta(days=30)} | options
    return check_times(record or time_record(), clocks, *given_options.values())


def test_times_in_order_pass():
    for result in (check(), check(anchored=None), check(anchored=None, sequenced=None)):
        assert (result.outcome, result.reasons, result.warning) == (Outcome.PASSED, (), False)
        assert_bilingual(result)


def test_all_may_happen_at_once():
    same = dict.fromkeys(("sealed", "sequenced", "anchored", "now"), "11:00")
    assert check(time_record("11:00", "11:00", "11:00"), **same).outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("record", "times", "field", "saying"),
    [
        (
            {"approver": "08:54"},
            {},
            "persons.signed_at",
            "the approver's signature is before the operator's or",
        ),
        (
            {"checker": "11:06"},
            {},
            "persons.signed_at",
            "the approver's signature is before the operator's or",
        ),
        ({}, {"sealed": "10:54"}, "proof.created", "the seal is before the approver's signature"),
        ({}, {"sequenced": "11:54"}, "sequenced_at", "the entry in the log is before the seal"),
        ({}, {"anchored": "12:54"}, "anchored_at", "the anchor is before the entry in the log"),
        ({}, {"sequenced": None, "anchored": "11:54"}, "anchored_at", "the anchor is before the seal"),
        (
            {"approver": None},
            {"sealed": "09:54"},
            "proof.created",
            "before the operator's or checker's signature",
        ),
    ],
)
def test_a_step_back_in_time_is_refused(record, times, field, saying):
    result = check(time_record(**record), **times)
    assert result.outcome is Outcome.FAILED
    assert codes(result) == [("TIME", field)]
    assert saying in result.text.en
    assert_bilingual(result)


def test_operator_and_checker_may_sign_in_either_order():
    assert check(time_record("10:00", "09:00")).outcome is Outcome.PASSED


@pytest.mark.parametrize(("sealed", "outcome"), [("10:55", Outcome.PASSED), ("10:54", Outcome.FAILED)])
def test_clocks_may_disagree_by_the_tolerance(sealed, outcome):
    assert check(sealed=sealed).outcome is outcome
    assert check(sealed=sealed, tolerance=timedelta(minutes=6)).outcome is Outcome.PASSED
    assert check(sealed="10:59", tolerance=timedelta(0)).outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("approver", "outcome"),
    [
        ("2026-02-28T15:59:59+00:00", Outcome.PASSED),
        ("2026-02-28T16:00:00+00:00", Outcome.FAILED),
        ("2026-02-27T15:59:59+00:00", Outcome.FAILED),
        ("2026-02-27T16:00:00+00:00", Outcome.PASSED),
    ],
)
def test_the_day_of_issue_is_the_approvers_day_in_the_policys_zone(approver, outcome):
    record = time_record(operator="00:00", checker="00:00", approver=approver)
    late = dict.fromkeys(("sealed", "sequenced", "anchored", "now"), "2026-03-01T01:00:00+00:00")
    result = check(record, **late)
    assert result.outcome is outcome
    if outcome is Outcome.FAILED:
        assert ("TIME", "issued_on") in codes(result)


def test_the_same_instant_is_another_day_in_another_zone():
    record = time_record(operator="23:00", checker="23:10", approver="23:59")
    late = dict.fromkeys(("sealed", "sequenced", "anchored", "now"), "23:59")
    assert check(record, **late).outcome is Outcome.PASSED
    assert check(record, zone=ZoneInfo("Pacific/Auckland"), **late).outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("changes", "times", "field"),
    [
        ({"verified_on": "2026-03-01"}, {}, "issued_on"),
        ({"verified_on": "2026-03-01"}, {}, "persons.signed_at"),
        ({"issued_on": "2026-03-01"}, {}, "issued_on"),
        ({"issued_on": "2026-02-27", "verified_on": "2026-02-27"}, {}, "issued_on"),
        ({"issued_on": "2026-03-01"}, {"sealed": "23:54"}, "issued_on"),
    ],
)
def test_dates_must_agree_with_instants(changes, times, field):
    result = check(time_record(**changes), **times)
    assert result.outcome is Outcome.FAILED
    assert field in {reason.field for reason in result.reasons}
    assert_bilingual(result)


def test_a_signature_just_before_midnight_may_be_of_a_clock_that_is_behind():
    persons = {"operator": "2026-02-27T15:56:00+00:00", "checker": "00:00", "approver": "00:00"}
    assert check(time_record(**persons)).outcome is Outcome.PASSED
    persons["operator"] = "2026-02-27T15:54:00+00:00"
    assert codes(check(time_record(**persons))) == [("TIME", "persons.signed_at")]


@pytest.mark.parametrize(
    ("sequenced", "warning", "days"),
    [
        ("2026-03-30T15:59:00+00:00", False, 30),
        ("2026-03-30T16:00:00+00:00", True, 31),
        ("2027-03-30T16:00:00+00:00", True, 396),
    ],
)
def test_a_document_that_came_late_is_a_warning(sequenced, warning, days):
    result = check(sequenced=sequenced, anchored=sequenced, now="2028-01-01T00:00:00+00:00")
    assert (result.outcome, result.warning) == (Outcome.PASSED, warning)
    assert f"logged {days} days after" in result.text.en


def test_no_lag_is_too_long_for_the_desk():
    result = check(sequenced=None, anchored=None, now="2036-01-01T00:00:00+00:00", lag=timedelta.max)
    assert (result.outcome, result.warning) == (Outcome.PASSED, False)


@pytest.mark.parametrize("now", ["10:54", "13:54", "2020-01-01T00:00:00+00:00", "0001-01-01T00:00:00+00:00"])
def test_times_ahead_of_this_clock_are_not_checked_but_refused_at_the_desk(now):
    result = check(now=now)
    assert (result.outcome, result.warning) == (Outcome.NOT_CHECKED, True)
    assert {reason.code for reason in result.reasons} == {"TIME"}
    assert "the clock here is behind" in result.text.en
    assert_bilingual(result)


def test_a_contradiction_stays_one_whatever_the_clock_says():
    assert check(sealed="10:54", now="2020-01-01T00:00:00+00:00").outcome is Outcome.FAILED


ENDS = ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1970-01-01T00:00:00Z"]
INSTANTS = st.sampled_from(ENDS) | st.datetimes(timezones=st.just(UTC)).map(
    lambda instant: instant.replace(microsecond=0).isoformat()[:19] + "Z"
)


@given(
    st.lists(INSTANTS, min_size=7, max_size=7),
    st.sampled_from(["Asia/Shanghai", "America/New_York", "Pacific/Kiritimati", "Etc/GMT+12"]),
    st.dates(date(1970, 1, 1)),
    st.dates(date(1970, 1, 1)),
)
@example([ENDS[0]] * 7, "America/New_York", date.max, date.max)
@example([ENDS[1]] * 7, "Asia/Shanghai", date.max, date.max)
def test_no_time_of_the_calendar_is_too_much(texts, zone, verified_on, issued_on):
    persons = [
        {"role": role.value, "pid": role.value, "signed_at": text}
        for role, text in zip(Role, texts[:3], strict=True)
    ]
    record = replace(parse(persons=persons), verified_on=verified_on, issued_on=issued_on)
    clocks = Clocks(*(datetime.fromisoformat(text) for text in texts[3:]))
    result = check_times(record, clocks, ZoneInfo(zone), timedelta(days=1), timedelta(days=30))
    assert_bilingual(result)


def test_a_local_date_never_leaves_the_calendar():
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    assert local_date(first, ZoneInfo("America/New_York")) == date.min
    assert local_date(last, SHANGHAI) == date.max
    assert local_date(at("2026-02-28T16:00:00+00:00"), SHANGHAI) == date(2026, 3, 1)


# --- sentences --------------------------------------------------------------------------------------------


def test_a_result_says_what_was_found_and_every_reason():
    result = check_expiry(
        replace(parse(), validity=replace(parse().validity, until=date(2030, 1, 1))), UNCONFIRMED
    )
    assert result.text.en == (
        "the period of this rule is not confirmed; validity.until: later than 2026-08-27, the last day allowed"
    )
    assert RuleResult(Outcome.PASSED, Sentence("fine", "好")).text == Sentence("fine", "好")


def test_every_rule_speaks_both_languages():
    record = parse()
    for result in (
        check_regulation(record, BOOK),
        check_expiry(record, BOOK),
        check_limits(record, BOOK),
        check(),
    ):
        assert_bilingual(result)


# --- weighing instruments: limits in e, by steps of the load ----------------------------------------------


@cache
def confirmed_scales() -> RuleBook:
    """Return the shipped rules as if the row of digital scales were confirmed."""
    rows = tuple(
        replace(row, confidence="V", limits=tuple(replace(limit, confidence="V") for limit in row.limits))
        if row.category is Category.DIGITAL_SCALE
        else row
        for row in BOOK.rows
    )
    return replace(BOOK, rows=rows)


def weigh(load, error, *, passed, mpe=None, error_unit="g", kind="periodic", e="5"):
    """Return a record of one load on a class III scale with e = 5 g, that reads off by so many grams."""
    shown = Decimal(load) + Decimal(error) / (1000 if error_unit == "g" else 1)
    point = {"nominal": load, "measured": str(shown), "error": error, "pass": passed}
    point |= {} if mpe is None else {"mpe": mpe}
    result = {
        "item": "indication_error",
        "unit": "kg",
        "error_unit": error_unit,
        "points": [point],
        "pass": passed,
    }
    instrument = make_record(1)["instrument"] | {"category": "DIGITAL_SCALE", "class": "III"}
    instrument |= {} if e is None else {"e": {"value": e, "unit": "g"}}
    make = make_record if passed else make_rejection
    members = {"kind": kind, "results": [result], "regulation": {"id": "JJG 539-2016", "title": "x"}}
    return parse_record(Reader(make(1, **members, instrument=instrument), ""))


@pytest.mark.parametrize(
    ("load", "limit"),
    [("2.5", "2.5"), ("2.505", "5"), ("10", "5"), ("10.005", "7.5"), ("0", "2.5"), ("50", "7.5")],
)
@pytest.mark.parametrize("sign", ["", "-"])
def test_a_scale_is_judged_by_the_step_of_its_load(load, limit, sign):
    for kind, factor in (("periodic", 1), ("after_repair", 1), ("in_service", 2)):
        edge = Decimal(limit) * factor
        at_limit = weigh(load, f"{sign}{edge}", passed=True, mpe=str(edge), kind=kind)
        assert check_limits(at_limit, confirmed_scales()).outcome is Outcome.PASSED, (kind, edge)
        beyond = weigh(load, f"{sign}{edge + Decimal('0.1')}", passed=True, kind=kind)
        assert codes(check_limits(beyond, confirmed_scales())) == [("LIMITS", "results[0].points[0].pass")]
        failed = weigh(load, f"{sign}{edge + Decimal('0.1')}", passed=False, kind=kind)
        assert check_limits(failed, confirmed_scales()).outcome is Outcome.PASSED


def test_errors_of_a_scale_may_be_stated_in_the_unit_of_the_load():
    assert (
        check_limits(
            weigh("2.5", "0.0025", passed=True, mpe="0.0025", error_unit="kg"), confirmed_scales()
        ).reasons
        == ()
    )
    wrong = weigh("2.5", "0.0026", passed=True, error_unit="kg")
    assert codes(check_limits(wrong, confirmed_scales())) == [("LIMITS", "results[0].points[0].pass")]


@pytest.mark.parametrize("e", [None, "0.1"], ids=["no interval", "more than 10000 e"])
def test_a_load_without_a_step_is_not_judged(e):
    result = check_limits(weigh("2.5", "1", passed=True, e=e), confirmed_scales())
    assert (result.outcome, codes(result)) == (Outcome.NOT_CHECKED, [])


def test_an_in_service_inspection_gives_no_certificate():
    assert codes(check_regulation(weigh("2.5", "1", passed=True, kind="in_service"), confirmed_scales())) == [
        ("KIND", "kind")
    ]
    assert (
        codes(check_regulation(weigh("2.5", "9", passed=False, kind="in_service"), confirmed_scales())) == []
    )
