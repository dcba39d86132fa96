"""Failpoints: nothing by default, a record of what was passed, death at the n-th time."""

import os
import signal
import subprocess
import sys

import pytest

from ledger import failpoint as module
from ledger.failpoint import KILL_VARIABLE, LOG_VARIABLE, failpoint

PROGRAM = """
from ledger.failpoint import failpoint
for _ in range(3):
    failpoint("a.one")
    failpoint("a.two")
print("alive")
"""


def run(**variables):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HENGZHENG_FAIL")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        env=environment | variables,
        check=False,
    )
    return done.returncode, done.stdout.strip()


def test_without_a_plan_nothing_happens():
    assert module._PLAN is None
    failpoint("a.one")
    assert run() == (0, "alive")


@pytest.mark.parametrize(("plan", "passed"), [("a.one", 1), ("a.one:1", 1), ("a.two:1", 2), ("a.one:3", 5)])
def test_the_process_dies_at_the_nth_time_and_the_record_says_where(tmp_path, plan, passed):
    record = tmp_path / "passed"
    code, _ = run(**{KILL_VARIABLE: plan, LOG_VARIABLE: str(record)})
    assert code == -signal.SIGKILL
    assert len(record.read_text().splitlines()) == passed


def test_a_record_alone_kills_nobody(tmp_path):
    record = tmp_path / "passed"
    assert run(**{LOG_VARIABLE: str(record)}) == (0, "alive")
    assert record.read_text().split() == ["a.one", "a.two"] * 3


@pytest.mark.parametrize("plan", ["a.one:4", "a.three"])
def test_a_place_that_is_not_reached_kills_nobody(plan):
    assert run(**{KILL_VARIABLE: plan}) == (0, "alive")
