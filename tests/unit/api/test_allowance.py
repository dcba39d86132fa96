"""How many searches a caller has."""

from datetime import UTC, datetime, timedelta

import pytest

from api.allowance import A_DAY, A_MINUTE, Allowance


class Asking:
    def __init__(self):
        self.now = datetime(2026, 11, 2, 10, 0, 20, tzinfo=UTC)
        self.salts = iter(range(1, 10))
        self.allowance = Allowance(lambda: self.now, lambda size: bytes([next(self.salts)]) * size)

    def ask(self, address="192.0.2.7", times=1):
        return [self.allowance.find_wait(address) for _ in range(times)]


@pytest.fixture
def asking():
    return Asking()


def test_a_minute_has_thirty_and_the_next_one_again(asking):
    assert asking.ask(times=A_MINUTE) == [None] * A_MINUTE
    assert asking.ask() == [40], "seconds until the next minute"
    assert asking.ask("192.0.2.8") == [None], "others are not held off"
    asking.now += timedelta(seconds=40)
    assert asking.ask() == [None]


def test_a_day_has_three_hundred_and_the_next_one_again(asking):
    for _ in range(A_DAY // A_MINUTE):
        assert set(asking.ask(times=A_MINUTE)) == {None}
        asking.now += timedelta(minutes=1)
    (wait,) = asking.ask()
    assert timedelta(seconds=wait) == datetime(2026, 11, 3, tzinfo=UTC) - asking.now
    asking.now += timedelta(days=1)
    assert asking.ask() == [None]


def test_refused_searches_do_not_count(asking):
    asking.ask(times=A_MINUTE + 500)
    asking.now += timedelta(minutes=1)
    assert asking.ask() == [None]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.7", "192.0.2.7", True),
        ("192.0.2.7", "192.0.2.8", False),
        ("testclient", "testclient", True),
        ("", "testclient", False),
    ],
)
def test_a_caller_is_an_address_or_a_network(asking, one, other, same):
    asking.ask(one, times=A_MINUTE)
    assert (asking.ask(other) != [None]) is same


def test_no_address_is_kept_and_tomorrow_is_another_salt(asking):
    asking.ask("192.0.2.7")
    first = repr(asking.allowance._day)
    assert "192.0.2.7" not in first
    names = set(asking.allowance._day.callers)
    asking.now += timedelta(days=1)
    asking.ask("192.0.2.7")
    assert names.isdisjoint(asking.allowance._day.callers)


def test_only_so_many_callers_are_counted(asking, monkeypatch):
    monkeypatch.setattr("api.allowance.MOST_CALLERS", 3)
    for number in range(10):
        asking.ask(f"192.0.2.{number}")
    assert len(asking.allowance._day.callers) == 3
