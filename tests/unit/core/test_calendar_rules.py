import calendar
import json
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vectors import vector_path

from ledger.core.calendar_rules import (
    MAX_MONTHS,
    add_months,
    compute_last_valid_date,
    date_from_days,
    days_from_date,
)
from ledger.core.errors import MalformedDocumentError

DAYS = st.dates(min_value=date(1970, 1, 1), max_value=date(8000, 1, 1))
MONTHS = st.integers(1, MAX_MONTHS)


@pytest.mark.parametrize(
    ("verified_on", "months", "valid_until"),
    [
        ("2026-11-20", 6, "2027-05-19"),
        ("2026-08-31", 6, "2027-02-27"),
        ("2024-02-29", 12, "2025-02-27"),
        ("2024-02-29", 48, "2028-02-28"),
        ("2026-03-01", 72, "2032-02-29"),
        ("2027-08-31", 6, "2028-02-28"),
        ("2026-12-01", 1, "2026-12-31"),
        ("2026-12-31", 2, "2027-02-27"),
        ("2026-01-01", 12, "2026-12-31"),
        ("2099-02-28", 12, "2100-02-27"),
    ],
)
def test_worked_dates(verified_on, months, valid_until):
    last_day = compute_last_valid_date(date.fromisoformat(verified_on), months)
    assert last_day == date.fromisoformat(valid_until)


def test_real_registry_records_obey_the_rule_except_their_sentinel():
    records = json.loads(vector_path("domain", "registries", "arshin_serial_000257_2022.json").read_bytes())
    begin, end = records["fields"].index("verification_date"), records["fields"].index("valid_date")
    sentinels = 0
    for record in records["records"]:
        verified_on, valid_until = (_parse_dotted(record[column]) for column in (begin, end))
        if valid_until == date(2099, 12, 31):
            sentinels += 1
            continue
        years = round((valid_until - verified_on).days / 365.25)
        assert compute_last_valid_date(verified_on, 12 * years) == valid_until
    assert sentinels == 2


def test_yearly_certificates_of_a_speed_meter_obey_the_rule():
    path = vector_path("domain", "registries", "rbmlq_inmetro_speed_meter_AC.json")
    history = json.loads(path.read_bytes())[0]["Historico"]
    for entry in history:
        verified_on = _parse_dotted(entry["DataLaudo"].replace("/", "."))
        assert compute_last_valid_date(verified_on, 12) == _parse_dotted(
            entry["DataValidade"].replace("/", ".")
        )
    assert len(history) == 3


@given(DAYS, MONTHS)
def test_the_day_stays_or_the_month_ends(day, months):
    later = add_months(day, months)
    assert (later.year - day.year) * 12 + later.month - day.month == months
    assert later.day == min(day.day, calendar.monthrange(later.year, later.month)[1])


@given(DAYS, MONTHS, MONTHS)
def test_a_longer_period_never_ends_earlier(day, one, other):
    short, long = sorted((one, other))
    assert day <= compute_last_valid_date(day, short) <= compute_last_valid_date(day, long)


@given(DAYS, MONTHS)
def test_a_later_verification_never_ends_earlier(day, months):
    assert compute_last_valid_date(day, months) <= compute_last_valid_date(day + timedelta(days=1), months)


@pytest.mark.parametrize("months", [0, -1, -12, MAX_MONTHS + 1])
def test_a_period_out_of_range_is_refused(months):
    with pytest.raises(MalformedDocumentError):
        compute_last_valid_date(date(2026, 1, 1), months)


@pytest.mark.parametrize(("day", "months"), [(date(9999, 12, 31), 1), (date(9950, 1, 1), 600)])
def test_a_period_beyond_the_calendar_is_refused(day, months):
    with pytest.raises(MalformedDocumentError, match="9999"):
        add_months(day, months)


@pytest.mark.parametrize(
    ("day", "days"),
    [
        ("1970-01-01", 0),
        ("1970-01-02", 1),
        ("2000-03-01", 11017),
        ("2026-11-20", 20777),
        ("9999-12-31", 2932896),
    ],
)
def test_days_since_1970(day, days):
    assert days_from_date(date.fromisoformat(day)) == days
    assert date_from_days(days) == date.fromisoformat(day)


@given(st.dates(min_value=date(1970, 1, 1)))
def test_days_and_dates_are_one_to_one(day):
    assert date_from_days(days_from_date(day)) == day
    assert days_from_date(day) == (day - date(1970, 1, 1)).days


@pytest.mark.parametrize("days", [-1, 2932897, 2**63, -(2**63)])
def test_days_out_of_range_are_refused(days):
    with pytest.raises(MalformedDocumentError):
        date_from_days(days)


@pytest.mark.parametrize("day", [date(1969, 12, 31), date.min])
def test_dates_before_1970_are_refused(day):
    with pytest.raises(MalformedDocumentError):
        days_from_date(day)


def _parse_dotted(text):
    day, month, year = (int(part) for part in text.split("."))
    return date(year, month, day)
