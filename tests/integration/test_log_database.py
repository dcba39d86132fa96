"""The log on real databases: SQLite and PostgreSQL keep the same promises."""

import threading

import pytest
from breaker import LOG_FAILPOINTS, broken_at, recorded
from log_invariants import assert_sound
from sqlalchemy import text
from world import FOUNDING, INSTITUTION, ORIGIN, Clock, Issued, World, make_signer, submit, to_submission

from ledger.core.errors import (
    AlreadyIssuedError,
    DocumentRefusedError,
    LogIntegrityError,
    StaleVersionError,
    StateError,
    StoreUnavailableError,
)
from ledger.core.register_fields import RegisterState
from ledger.log import Log
from ledger.store.engine import Database
from ledger.store.queries import WriteQueries
from ledger.store.unit_of_work import SqlStore
from ledger.submission import Acknowledgement, Refusal

WORLD = World()


def open_log(store, clock=None):
    return Log(store, ORIGIN, WORLD.log_key, clock or Clock())


def test_a_log_of_several_tiles_is_sound_and_reopens(log, store):
    for start, count in ((0, 1), (1, 250), (251, 5), (256, 300), (556, 1)):
        size = log.head.tree_size
        results = submit(log, *map(WORLD.bare_issue, range(start, start + count)))
        assert [result.leaf_index for result in results] == list(range(size, size + count))
        assert log.head.tree_size == size + count + 1
    assert_sound(store)
    again = open_log(store)
    assert (again.head, again.checkpoint, again.registers) == (log.head, log.checkpoint, log.registers)


def test_documents_and_numbers_are_found_again(log, store):
    issued = WORLD.issue(7)
    (result,) = submit(log, issued)
    with store.read() as queries:
        assert queries.find_issue(INSTITUTION, "2026-0000007").leaf == result.leaf
        assert queries.find_issue(INSTITUTION, "2026-0000008") is None
        digest = result.header.certificate_digest
        assert queries.read_documents([digest, bytes(32)]) == {digest: issued.body}
        assert queries.read_leaves_at([result.leaf_index, 999]) == {result.leaf_index: result.leaf}


def test_a_statement_sent_again_is_the_same_leaf(log, store):
    first = submit(log, *map(WORLD.bare_issue, range(10)))
    again = submit(log, *map(WORLD.bare_issue, reversed(range(12))))
    assert again[2:] == first[::-1]
    assert log.head.tree_size == FOUNDING + 10 + 1 + 2 + 1
    assert_sound(store)


def test_refusals_have_their_kinds(log):
    submit(log, Issued(WORLD.bare_issue(1), b"the certificate"))
    results = submit(
        log,
        WORLD.bare_issue(1, instrument=5, certificate=5),
        WORLD.bare_issue(2, instrument=1, version=4),
        WORLD.bare_issue(3, certificate=1),
        WORLD.bare_issue(4, seal=make_signer("stranger")),
    )
    assert [type(result.error) for result in results] == [
        AlreadyIssuedError,
        StaleVersionError,
        AlreadyIssuedError,
        DocumentRefusedError,
    ]


def test_a_row_that_changes_before_it_is_read_again_is_not_signed(log, store, database, monkeypatch):
    def write_and_flip(self, batch):
        done = write(self, batch)
        dialect = self._connection.dialect.name
        self._connection.execute(text(DROP[dialect]))
        self._connection.execute(text(FLIP[dialect]), {"at": log.head.tree_size})
        return done

    write = WriteQueries.write_batch
    monkeypatch.setattr(WriteQueries, "write_batch", write_and_flip)
    with pytest.raises(LogIntegrityError, match="level 0"):
        submit(log, *map(WORLD.bare_issue, range(3)))
    monkeypatch.undo()
    results = submit(log, *map(WORLD.bare_issue, range(3)))
    assert [result.leaf_index for result in results] == [FOUNDING, FOUNDING + 1, FOUNDING + 2]
    assert_sound(store)


DROP = {
    "sqlite": "DROP TRIGGER entries_no_update",
    "postgresql": "DROP TRIGGER entries_insert_only ON entries",
}
_SQLITE_FLIP = "CAST(substr(leaf, 1, length(leaf) - 1) || 'x' AS BLOB)"
_POSTGRESQL_FLIP = "set_byte(leaf, length(leaf) - 1, get_byte(leaf, length(leaf) - 1) # 1)"
FLIP = {
    "sqlite": f"UPDATE entries SET leaf = {_SQLITE_FLIP} WHERE leaf_index = :at",
    "postgresql": f"UPDATE entries SET leaf = {_POSTGRESQL_FLIP} WHERE leaf_index = :at",
}


def test_a_leaf_that_changed_later_is_not_given_out_as_the_old_one(log, database):
    submit(log, WORLD.bare_issue(1))
    with database.write() as connection:
        dialect = connection.dialect.name
        connection.execute(text(DROP[dialect]))
        connection.execute(text(FLIP[dialect]), {"at": FOUNDING})
    with pytest.raises(LogIntegrityError, match="name of another"):
        submit(log, WORLD.bare_issue(1))


def test_a_tile_that_changed_is_found_when_the_log_is_opened(log, store, database):
    with database.write() as connection:
        connection.execute(text("UPDATE tiles SET hashes = :hashes"), {"hashes": bytes(32 * FOUNDING)})
    with pytest.raises(LogIntegrityError):
        open_log(store)


def test_a_leaf_that_is_gone_is_an_alarm(log, store, database):
    with database.write() as connection:
        drop = {"sqlite": "DROP TRIGGER entries_no_delete", "postgresql": DROP["postgresql"]}
        connection.execute(text(drop[connection.dialect.name]))
        connection.execute(text("DELETE FROM entries WHERE leaf_index = 2"))
    with store.read() as queries, pytest.raises(LogIntegrityError, match="missing"):
        queries.read_leaves(0, FOUNDING)


def test_two_logs_on_one_database_write_one_history(log, database_url, store):
    other_database = Database(database_url)
    other = open_log(SqlStore(other_database))
    logs, results = [log, other], {}

    def write(which):
        for number in range(which, 40, 2):
            results[number] = submit(logs[which], WORLD.bare_issue(number))[0]

    threads = [threading.Thread(target=write, args=(which,)) for which in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other_database.close()
    assert sorted(result.leaf_index for result in results.values()) == list(range(FOUNDING, FOUNDING + 80, 2))
    assert_sound(store)


def test_a_head_that_somebody_else_moved_is_not_overwritten(log, store, monkeypatch):
    """Somebody who ignores the lock: the compare-and-swap notices."""

    def meddle(self, *args):
        self._connection.execute(text("UPDATE head SET tree_size = tree_size + 1"))
        return find_known(self, *args)

    find_known = WriteQueries.find_known
    monkeypatch.setattr(WriteQueries, "find_known", meddle)
    with pytest.raises(LogIntegrityError, match="moved the head"):
        submit(log, WORLD.bare_issue(1))
    monkeypatch.undo()
    assert isinstance(submit(log, WORLD.bare_issue(1))[0], Acknowledgement)
    assert_sound(store)


def test_one_batch_passes_every_failpoint_once(log):
    with recorded() as passed:
        submit(log, WORLD.issue(1))
    assert passed == list(LOG_FAILPOINTS)


@pytest.mark.parametrize("name", LOG_FAILPOINTS)
def test_after_a_failure_at_any_step_a_retry_gives_the_same_indices(log, store, name):
    batch = [WORLD.institution("350200-02", division="350200"), WORLD.issue(1), WORLD.bare_issue(2)]
    with broken_at(name), pytest.raises(StoreUnavailableError):
        submit(log, *batch)
    with store.read() as queries:
        assert queries.read_head().tree_size == FOUNDING + (4 if name == "log.after_commit" else 0)
    assert_sound(store)
    results = submit(log, WORLD.bare_issue(3), *batch)
    assert all(isinstance(result, Acknowledgement) for result in results)
    expected = [4, 0, 1, 2] if name == "log.after_commit" else [0, 1, 2, 3]
    assert [result.leaf_index - FOUNDING for result in results] == expected
    assert "350200-02" in log.registers.institutions
    assert_sound(store)


def test_a_clock_that_went_back_across_a_restart_is_noticed(log, store, clock):
    clock.move(hours=2)
    submit(log, WORLD.bare_issue(1))
    again = open_log(store)
    with pytest.raises(StateError, match="clock"):
        submit(again, WORLD.bare_issue(2))


def test_a_withdrawn_key_stays_withdrawn_after_a_restart(log, store):
    submit(log, WORLD.key(version=1, state=RegisterState.WITHDRAWN))
    (result,) = submit(open_log(store), WORLD.bare_issue(1))
    assert isinstance(result, Refusal)


def test_the_largest_batch_goes_in_at_once(log, store):
    submissions = [to_submission(WORLD.bare_issue(number)) for number in range(4096)]
    results = log.append(submissions)
    assert [result.leaf_index for result in results] == list(range(FOUNDING, FOUNDING + 4096))
    assert log.append(submissions) == results
