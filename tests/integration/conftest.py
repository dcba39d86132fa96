"""A fresh database of either kind, and a log in it."""

import pytest
from servers import postgres_server
from world import ORIGIN, Clock, World, submit

from ledger.log import Log
from ledger.store.engine import Database
from ledger.store.migrations import migrate
from ledger.store.unit_of_work import SqlStore


@pytest.fixture(scope="session")
def postgres():
    with postgres_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    """Address of an empty database; every test that asks for it runs on both kinds."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/log.sqlite3"
    else:
        with request.getfixturevalue("postgres").fresh_database() as url:
            yield url


@pytest.fixture
def database(database_url):
    """A database with the tables of the log."""
    database = Database(database_url)
    migrate(database)
    yield database
    database.close()


@pytest.fixture
def store(database):
    return SqlStore(database)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def log(store, clock):
    """A log with a root, an authority, and one institution that may issue."""
    world = World()
    log = Log(store, ORIGIN, world.log_key, clock)
    submit(log, *world.founding())
    return log
