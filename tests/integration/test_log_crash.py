"""kill -9 at every write step: what was acknowledged is there, once, and the log goes on."""

import signal

import pytest
from breaker import LOG_FAILPOINTS
from log_invariants import assert_sound
from log_worker import BATCHES, append_batches, read_acknowledged
from world import FOUNDING, ORIGIN, Clock, World, submit

from ledger.log import Log
from ledger.store.engine import Database
from ledger.store.migrations import migrate
from ledger.store.unit_of_work import SqlStore

HITS = len(BATCHES) * len(LOG_FAILPOINTS)
NUMBERS = [number for batch in BATCHES for number in batch]
INDICES = [
    index
    for begin, batch in zip((FOUNDING, FOUNDING + len(BATCHES[0]) + 1), BATCHES, strict=True)
    for index in range(begin, begin + len(batch))
]
"""Where the numbers stand if each batch went in whole: a MAPHEAD lies between the two."""


@pytest.fixture
def url(database_url):
    database = Database(database_url)
    migrate(database)
    world = World()
    submit(Log(SqlStore(database), ORIGIN, world.log_key, Clock()), *world.founding())
    database.close()
    return database_url


def run(processes, url, acknowledged, hit=0):
    process = processes.Process(target=append_batches, args=(url, acknowledged, hit))
    process.start()
    process.join()
    return process.exitcode


@pytest.mark.parametrize("hit", range(1, HITS + 1))
def test_killed_at_any_step_the_log_loses_nothing_and_repeats_nothing(processes, url, tmp_path, hit):
    acknowledged = tmp_path / "acknowledged"
    assert run(processes, url, acknowledged, hit) == -signal.SIGKILL
    before = read_acknowledged(acknowledged)
    check(url, before)
    assert run(processes, url, acknowledged) == 0
    after = read_acknowledged(acknowledged)
    assert after == dict(zip(NUMBERS, INDICES, strict=True))
    check(url, after)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1, HITS + 1))
def test_killed_again_while_it_recovers_it_still_loses_nothing(processes, url, tmp_path, first):
    acknowledged = tmp_path / "acknowledged"
    for hit in (first, len(LOG_FAILPOINTS) - 1, len(LOG_FAILPOINTS), 4):
        run(processes, url, acknowledged, hit)
        check(url, read_acknowledged(acknowledged))
    assert run(processes, url, acknowledged) == 0
    assert read_acknowledged(acknowledged) == dict(zip(NUMBERS, INDICES, strict=True))


def check(url, acknowledged):
    database = Database(url)
    store = SqlStore(database)
    assert_sound(store)
    with store.read() as queries:
        found = {number: find_index(queries, number) for number in acknowledged}
    database.close()
    assert found == acknowledged


def find_index(queries, number):
    name = f"2026-{number:07}" if number % 100 == 0 else f"B-{number:07}"
    return queries.find_issue("350100-01", name).leaf_index
