"""Transactions on a real database: locks, durability settings, translated errors."""

import threading
import time

import pytest
from servers import free_port
from sqlalchemy import text
from world import World, submit

from ledger.core.errors import InputError, LogIntegrityError, StoreUnavailableError, WrongChainError
from ledger.store import engine
from ledger.store.engine import Database
from ledger.store.migrations import migrate
from ledger.store.unit_of_work import SqlStore

WORLD = World()


@pytest.fixture
def sqlite(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/log.sqlite3")
    migrate(database)
    yield database
    database.close()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "no address",
        "sqlite://",
        "sqlite:///:memory:",
        "mysql://x/y",
        "postgresql://x/y",
        "sqlite+aiosqlite:///x",
    ],
)
def test_other_databases_are_refused(url):
    with pytest.raises(InputError):
        Database(url)


def test_sqlite_is_set_up_to_keep_what_it_acknowledged(sqlite):
    with sqlite.write() as connection:
        pragma = {
            name: connection.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "mmap_size")
        }
    full = 2
    assert pragma == {
        "journal_mode": "wal",
        "synchronous": full,
        "foreign_keys": 1,
        "busy_timeout": engine.BUSY_SECONDS * 1000,
        "mmap_size": 0,
    }


def test_only_the_writer_of_sqlite_moves_the_log_into_the_database(sqlite):
    with sqlite.write() as writer, sqlite.read() as reader:
        assert writer.scalar(text("PRAGMA wal_autocheckpoint")) > 0
        assert reader.scalar(text("PRAGMA wal_autocheckpoint")) == 0


def test_postgresql_syncs_at_commit_whatever_the_server_says(postgres):
    with postgres.fresh_database() as url:
        database = Database(url)
        with database.write() as connection:
            assert connection.scalar(text("SHOW synchronous_commit")) == "on"
            assert connection.scalar(text("SHOW statement_timeout")) == f"{engine.BUSY_SECONDS}s"
        database.close()


def test_readers_cannot_write(database):
    with pytest.raises((StoreUnavailableError, LogIntegrityError)), database.read() as connection:
        connection.execute(text("INSERT INTO meta VALUES ('a', 'b')"))


def test_a_block_that_raises_changes_nothing(database, store):
    def write_and_fail():
        with database.write() as connection:
            connection.execute(text("INSERT INTO meta VALUES ('a', 'b')"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    with store.read() as queries:
        assert queries.read_meta() == {}


def test_a_refused_change_is_an_alarm_and_the_next_transaction_works(database, store):
    for _ in range(3):
        with pytest.raises(LogIntegrityError), database.write() as connection:
            connection.execute(text("INSERT INTO meta VALUES ('a', NULL)"))
    with store.write() as queries:
        queries.bind_meta({"a": "b"})


def test_a_connection_that_failed_is_not_used_again(database):
    mark = {
        "sqlite": ("PRAGMA cache_size = 777", "PRAGMA cache_size", 777),
        "postgresql": ("SET application_name = 'marked'", "SHOW application_name", "marked"),
    }
    with database.write() as connection:
        set_mark, ask, value = mark[connection.dialect.name]
        connection.execute(text(set_mark))
    with database.write() as connection:
        assert connection.scalar(text(ask)) == value
    with pytest.raises(LogIntegrityError), database.write() as connection:
        connection.execute(text("INSERT INTO meta VALUES ('a', NULL)"))
    with database.write() as connection:
        assert connection.scalar(text(ask)) != value


def test_a_reader_sees_one_state_while_others_write(store):
    with store.read() as before:
        assert before.read_meta() == {}
        with store.write() as queries:
            queries.bind_meta({"a": "b"})
        assert before.read_meta() == {}
    with store.read() as after:
        assert after.read_meta() == {"a": "b"}


def test_writers_of_two_processes_wait_for_each_other(database_url, database):
    other, order = Database(database_url), []

    def write_second():
        started.set()
        with other.write():
            order.append("second")

    started = threading.Event()
    thread = threading.Thread(target=write_second)
    with database.write():
        thread.start()
        started.wait()
        time.sleep(0.1)
        order.append("first")
    thread.join()
    other.close()
    assert order == ["first", "second"]


def test_a_writer_that_waits_too_long_gives_up(database_url, database, monkeypatch):
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.2)
    monkeypatch.setattr(engine, "_POSTGRES_OPTIONS", "-c statement_timeout=200ms")
    other = Database(database_url)
    with database.write(), pytest.raises(StoreUnavailableError), other.write():
        pass
    with other.write():
        pass
    other.close()


def test_an_absent_server_is_out_of_reach():
    database = Database(f"postgresql+psycopg://postgres@127.0.0.1:{free_port()}/none")
    with pytest.raises(StoreUnavailableError), database.read():
        pass
    with pytest.raises(StoreUnavailableError), database.write():
        pass


def test_an_absent_folder_is_out_of_reach(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/absent/log.sqlite3")
    with pytest.raises(StoreUnavailableError), database.write():
        pass


def test_a_file_of_something_else_is_an_alarm(tmp_path):
    (tmp_path / "log.sqlite3").write_bytes(b"something else" * 1000)
    with pytest.raises(LogIntegrityError), Database(f"sqlite:///{tmp_path}/log.sqlite3").write():
        pass


def test_a_full_sqlite_database_is_out_of_reach_and_loses_nothing(sqlite, tmp_path):
    def set_pages(count):
        with sqlite.write() as connection:
            connection.execute(text(f"PRAGMA max_page_count = {count}"))

    with sqlite.write() as connection:
        used = connection.scalar(text("PRAGMA page_count"))
    set_pages(used)
    rows = [{"key": number, "value": "x" * 999} for number in range(500)]
    with pytest.raises(StoreUnavailableError), sqlite.write() as connection:
        connection.execute(text("INSERT INTO meta VALUES (:key, :value)"), rows)
    store = SqlStore(sqlite)
    with store.read() as queries:
        assert queries.read_meta() == {}
    set_pages(1_000_000)
    with store.write() as queries:
        queries.bind_meta({"a": "b"})


def test_what_a_database_is_for_is_written_once(store):
    with store.write() as queries:
        queries.bind_meta({"origin": "a", "chain_id": "1"})
    with store.write() as queries:
        queries.bind_meta({"origin": "a"})
        queries.bind_meta({"contract": "c"})
    with pytest.raises(WrongChainError, match="chain_id 1, not for 2"), store.write() as queries:
        queries.bind_meta({"new": "x", "chain_id": "2"})
    with store.read() as queries:
        assert queries.read_meta() == {"origin": "a", "chain_id": "1", "contract": "c"}


def test_a_database_serves_many_threads(log, store):
    def read():
        for _ in range(20):
            with store.read() as queries:
                size = queries.read_head().tree_size
                sizes.append(len(queries.read_leaves(0, size)) - size)

    sizes = []
    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for number in range(40):
        submit(log, WORLD.bare_issue(number))
    for thread in threads:
        thread.join()
    assert sizes == [0] * 160
