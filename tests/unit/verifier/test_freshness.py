"""How old a status is: in words that people can check, and against the policy's limit."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.freshness import judge_age

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
AS_OF = datetime(2026, 3, 1, 1, 0, tzinfo=UTC)


def read(age: timedelta) -> tuple[str, str]:
    text = judge_age(AS_OF, AS_OF + age, None).text
    en, zh = (
        re.fullmatch(r"as of 2026-03-01 01:00 UTC, (.*) old", text.en),
        re.match(r"截至(.*)，(.*)前", text.zh),
    )
    assert zh[1] == "2026-03-01 01:00 UTC"
    return en[1], zh[2]


@pytest.mark.parametrize(
    ("age", "en", "zh"),
    [
        (timedelta(), "0 minutes", "0分钟"),
        (timedelta(seconds=59), "0 minutes", "0分钟"),
        (timedelta(minutes=1), "1 minute", "1分钟"),
        (timedelta(minutes=2), "2 minutes", "2分钟"),
        (timedelta(minutes=119), "119 minutes", "119分钟"),
        (timedelta(hours=2), "2 hours", "2小时"),
        (timedelta(hours=47, minutes=59), "47 hours", "47小时"),
        (timedelta(days=2), "2 days", "2天"),
        (timedelta(days=400), "400 days", "400天"),
    ],
)
def test_the_age_is_in_the_largest_unit_of_which_there_are_two(age, en, zh):
    assert read(age) == (en, zh)


def test_a_clock_behind_the_evidence_finds_it_new():
    for behind in (timedelta(seconds=1), timedelta(days=400)):
        assert read(-behind) == ("0 minutes", "0分钟")
        assert not judge_age(AS_OF, AS_OF - behind, timedelta(seconds=1)).is_too_old


@pytest.mark.parametrize("limit", [timedelta(seconds=1), timedelta(hours=1), timedelta(days=30)])
def test_the_limit_itself_is_not_too_old(limit):
    assert not judge_age(AS_OF, AS_OF + limit, limit).is_too_old
    assert judge_age(AS_OF, AS_OF + limit + timedelta(microseconds=1), limit).is_too_old
    assert judge_age(AS_OF, datetime.max.replace(tzinfo=UTC), limit).is_too_old


@given(st.timedeltas(timedelta(0), timedelta(days=100_000)))
def test_without_a_limit_nothing_is_too_old(age):
    assert not judge_age(AS_OF, AS_OF + age, None).is_too_old


@given(
    st.timedeltas(timedelta(0), timedelta(days=2_900_000)).map(lambda age: EPOCH + age),
    st.datetimes(timezones=st.just(UTC)),
    st.timedeltas(timedelta(seconds=1), timedelta(days=3660)),
)
def test_any_two_instants_can_be_compared(as_of, now, limit):
    age = judge_age(as_of, now, limit)
    assert age.is_too_old == (now - as_of > limit)
    assert f"{as_of:%Y-%m-%d %H:%M} UTC" in age.text.en
    assert f"{as_of:%Y-%m-%d %H:%M} UTC" in age.text.zh
