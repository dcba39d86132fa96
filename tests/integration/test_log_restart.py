"""PostgreSQL dies and comes back under a running log."""

import threading
import time
from contextlib import closing

import pytest
from log_invariants import assert_sound
from servers import Restarter, postgres_server
from world import FOUNDING, ORIGIN, Clock, World, submit

from ledger.core.errors import StoreUnavailableError
from ledger.log import Log
from ledger.store.engine import Database
from ledger.store.migrations import migrate
from ledger.store.unit_of_work import SqlStore

WORLD = World()


@pytest.fixture
def server():
    """A server of its own, since this test kills it; `fsync` is on."""
    with postgres_server(fsync="on", synchronous_commit="on") as server:
        yield server


@pytest.fixture
def restarter(server):
    with closing(Restarter(server)) as restarter:
        yield restarter


def test_the_log_says_that_the_store_is_gone_and_heals_when_it_is_back(server, restarter):
    database = Database(server.url)
    migrate(database)
    store = SqlStore(database)
    log = Log(store, ORIGIN, WORLD.log_key, Clock())
    submit(log, *WORLD.founding())
    restarter.kill()
    for _ in range(2):
        with pytest.raises(StoreUnavailableError):
            submit(log, WORLD.bare_issue(1))
    restarter.start()
    (result,) = retry(log, WORLD.bare_issue(1))
    assert result.leaf_index == FOUNDING
    assert_sound(store)
    database.close()


def test_killed_under_load_the_store_loses_nothing_that_was_acknowledged(server, restarter):
    database = Database(server.url)
    migrate(database)
    store = SqlStore(database)
    log = Log(store, ORIGIN, WORLD.log_key, Clock())
    submit(log, *WORLD.founding())
    acknowledged, stop = {}, threading.Event()

    def write():
        number = 0
        while not stop.is_set():
            for result in retry(log, WORLD.bare_issue(number)):
                assert acknowledged.setdefault(number, result.leaf_index) == result.leaf_index
            number += 1

    thread = threading.Thread(target=write)
    thread.start()
    for _ in range(3):
        time.sleep(0.3)
        restarter.kill()
        restarter.start()
    time.sleep(0.3)
    stop.set()
    thread.join()
    assert len(acknowledged) > 10
    assert sorted(acknowledged.values()) == list(range(FOUNDING, FOUNDING + 2 * len(acknowledged), 2))
    assert_sound(store)
    database.close()


def retry(log, raw, seconds=20.0):
    deadline = time.monotonic() + seconds
    while True:
        try:
            return submit(log, raw)
        except StoreUnavailableError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
