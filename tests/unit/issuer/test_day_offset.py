from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuer.day_offset import MAX_DAYS, resolve_date, resolve_instant, resolve_times
from issuer.faults import Gathering
from ledger.core.encoding import parse_date
from ledger.core.errors import MalformedDocumentError

SHANGHAI = ZoneInfo("Asia/Shanghai")
BASE = date(2026, 3, 1)


@pytest.mark.parametrize(
    ("day", "expected"), [(0, "2026-03-01"), (-1, "2026-02-28"), (31, "2026-04-01"), (-365, "2025-03-01")]
)
def test_an_offset_counts_days_from_the_base_date(day, expected):
    assert resolve_date({"day": day}, "verified_on", BASE) == expected


@given(st.integers(-MAX_DAYS, MAX_DAYS))
def test_offsets_and_dates_agree(day):
    assert (parse_date(resolve_date({"day": day}, "d", BASE)) - BASE).days == day


def test_a_time_is_one_of_the_zone():
    assert resolve_instant({"day": -1, "time": "07:30:00"}, "t", BASE, SHANGHAI) == "2026-02-27T23:30:00Z"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-20T10:30:00+08:00", "2026-11-20T02:30:00Z"),
        ("2026-11-20T10:30:00.250-05:30", "2026-11-20T16:00:00.250Z"),
        ("2026-11-20T10:30:00Z", "2026-11-20T10:30:00Z"),
        ("2026-11-20 10:30", "2026-11-20 10:30"),
        ("2026-11-20T10:30:00", "2026-11-20T10:30:00"),
    ],
)
def test_local_times_with_an_offset_are_converted_and_the_rest_is_left_to_the_record(text, expected):
    assert resolve_instant(text, "t", None, SHANGHAI) == expected


@pytest.mark.parametrize("value", ["2026-11-20", 7, ["2026-11-20"], True])
def test_what_is_no_offset_comes_back(value):
    assert resolve_date(value, "d", BASE) is value
    assert resolve_instant(value, "d", BASE, SHANGHAI) == value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"day": "3"}, "d.day: an integer is expected here"),
        ({"day": 40_000}, "d.day: 40000 is not between -36525 and 36525"),
        ({}, "d.day: this member is missing"),
        ({"day": 1, "time": "10:00:00"}, "d: unknown member: time"),
        ({"days": 1}, "d.day: this member is missing"),
    ],
)
def test_a_bad_offset_is_named(value, message):
    with pytest.raises(MalformedDocumentError) as caught:
        resolve_date(value, "d", BASE)
    assert str(caught.value) == message


def test_an_offset_needs_a_base_date():
    with pytest.raises(MalformedDocumentError, match=r"d\.day: a day offset is for examples only"):
        resolve_date({"day": 1}, "d", None)


@pytest.mark.parametrize("base", [date.min, date.max])
def test_an_offset_beyond_the_calendar_is_named(base):
    day = 1 if base == date.max else -1
    with pytest.raises(MalformedDocumentError, match=r"d\.day: -?1 days from .* is no date"):
        resolve_date({"day": day}, "d", base)


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"day": 1}, "t.time"),
        ({"day": 1, "time": "10:00"}, "t.time"),
        ({"day": 1, "time": "25:00:00"}, "t.time"),
        ({"day": 1, "time": 10}, "t.time"),
        ({"time": "10:00:00"}, "t.day"),
        ("2026-02-30T10:00:00+08:00", "t"),
        ("0001-01-01T00:00:00+08:00", "t"),
    ],
)
def test_a_bad_time_is_named(value, field):
    with pytest.raises(MalformedDocumentError) as caught:
        resolve_instant(value, "t", BASE, SHANGHAI)
    assert caught.value.field == field


def test_a_time_before_the_first_year_is_named():
    with pytest.raises(MalformedDocumentError) as caught:
        resolve_instant({"day": 0, "time": "00:00:00"}, "t", date.min, SHANGHAI)
    assert caught.value.field == "t.time"


def test_every_place_of_a_date_is_known_and_nothing_is_changed_in_place():
    offset = {"day": 1}
    members = {
        "verified_on": offset,
        "issued_on": offset,
        "validity": {"kind": "date", "until": offset},
        "standards": [{"exam_until": offset, "instruments": [{"until": offset}, 7]}, "x"],
        "persons": [{"signed_at": {"day": 1, "time": "10:00:00"}}],
        "lot": {"no": offset},
    }
    standards, gathering = members["standards"], Gathering()
    resolve_times(members, BASE, SHANGHAI, gathering)
    day = "2026-03-02"
    assert members == {
        "verified_on": day,
        "issued_on": day,
        "validity": {"kind": "date", "until": day},
        "standards": [{"exam_until": day, "instruments": [{"until": day}, 7]}, "x"],
        "persons": [{"signed_at": "2026-03-02T02:00:00Z"}],
        "lot": {"no": offset},
    }
    assert standards[0]["exam_until"] is offset
    assert not gathering.errors


def test_errors_of_several_members_are_gathered_and_the_others_resolved():
    persons = [{"signed_at": {"day": 0}}, {"signed_at": "2026-01-01T08:00:00+08:00"}]
    members = {"verified_on": {"day": "x"}, "issued_on": {"day": 0}, "persons": persons}
    gathering = Gathering()
    resolve_times(members, BASE, SHANGHAI, gathering)
    assert [error.field for error in gathering.errors] == ["verified_on.day", "persons[0].signed_at.time"]
    assert gathering.spoiled == {"verified_on", "persons[0].signed_at"}
    assert members["issued_on"] == "2026-03-01"
    assert members["persons"][1]["signed_at"] == "2026-01-01T00:00:00Z"
