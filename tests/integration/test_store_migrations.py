"""The migrated database is the one that `tables` describes, and keeps what was written."""

import hashlib
from contextlib import closing

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text
from world import NOW, World, submit

from ledger.core.errors import LogIntegrityError, StateError, StoreUnavailableError
from ledger.core.merkle import EMPTY_ROOT
from ledger.store.anchor_queries import AnchorQueries
from ledger.store.engine import Database
from ledger.store.integrity import check_database
from ledger.store.migrations import _make_config, migrate, require_current
from ledger.store.queries import ReadQueries, WriteQueries
from ledger.store.records import EMPTY_HEAD, StoredCosignature, Withheld
from ledger.store.tables import INSERT_ONLY, metadata
from ledger.store.unit_of_work import SqlStore

WORLD = World()
CHANGES = {
    "entries": "UPDATE entries SET issuer = 'X'",
    "checkpoints": "UPDATE checkpoints SET note = 'X'",
    "documents": "UPDATE documents SET body = digest",
    "withheld_documents": "UPDATE withheld_documents SET grounds = 'X'",
    "replaced_states": "UPDATE replaced_states SET tree_size = 1",
    "cosignatures": "UPDATE cosignatures SET cosigned_at = 2",
    "anchor_moves": "UPDATE anchor_moves SET state = 'final'",
}


def list_triggers(connection):
    if connection.dialect.name == "sqlite":
        wanted = "SELECT tbl_name, sql FROM sqlite_master WHERE type = 'trigger'"
        return {
            (table, sql.split("BEFORE ")[1].split()[0]) for table, sql in connection.execute(text(wanted))
        }
    wanted = "SELECT event_object_table, event_manipulation FROM information_schema.triggers"
    found = {tuple(row) for row in connection.execute(text(wanted))}
    # the standard's view leaves TRUNCATE out: bit 5 of tgtype
    more = "SELECT relname FROM pg_trigger JOIN pg_class ON tgrelid = pg_class.oid WHERE tgtype & 32 > 0"
    return found | {(row[0], "TRUNCATE") for row in connection.execute(text(more))}


def test_the_migrated_tables_are_those_described(database):
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_primary_keys_checks_and_partial_indexes_are_those_described(
    database, database_url, tmp_path, postgres
):
    """What `compare_metadata` does not look at, compared with tables made from the description."""
    if database_url.startswith("sqlite"):
        described = describe_metadata(f"sqlite:///{tmp_path}/described.sqlite3")
    else:
        with postgres.fresh_database() as url:
            described = describe_metadata(url)
    assert describe(database) == described


def describe_metadata(url):
    database = Database(url)
    with database.write() as connection:
        metadata.create_all(connection)
    found = describe(database)
    database.close()
    return found


def describe(database):
    with database.read() as connection:
        found = inspect(connection)
        return {table: describe_table(found, table) for table in metadata.tables}


def describe_table(found, table):
    indexes = [
        (
            index["name"],
            index["column_names"],
            sorted((key, str(value)) for key, value in index["dialect_options"].items()),
        )
        for index in found.get_indexes(table)
    ]
    options = found.get_table_options(table) if found.dialect.name == "sqlite" else None
    return found.get_pk_constraint(table), found.get_check_constraints(table), sorted(indexes), options


def test_the_guarded_tables_have_their_triggers(database):
    with database.read() as connection:
        kinds = {"UPDATE", "DELETE"} | ({"TRUNCATE"} if connection.dialect.name == "postgresql" else set())
        assert list_triggers(connection) == {(table, kind) for table in INSERT_ONLY for kind in kinds}


@pytest.mark.parametrize("table", INSERT_ONLY)
def test_what_was_written_is_not_changed_removed_or_replaced(log, database, table):
    submit(log, WORLD.issue(1))
    with SqlStore(database).write() as queries:
        queries.add_cosignature(StoredCosignature(log.head.tree_size, "w1.example", 1, bytes(72)))
    with database.write() as connection:
        AnchorQueries(connection).add_draft(log.head.tree_size, log.head.root_hash, NOW)
        digest = hashlib.sha256(WORLD.issue(1).body).digest()
        WriteQueries(connection).withhold_document(digest, Withheld("榕市监〔2026〕8号", 1, b""))
    before = count(database, table)
    for statement in (CHANGES[table], f"DELETE FROM {table}"):
        with pytest.raises(LogIntegrityError, match="refuses"), database.write() as connection:
            connection.execute(text(statement))
    assert count(database, table) == before > 0


def test_the_body_of_a_withheld_document_alone_can_be_emptied(log, database):
    submit(log, WORLD.issue(1), WORLD.issue(2))
    one, other = (hashlib.sha256(WORLD.issue(number).body).digest() for number in (1, 2))
    empty = text("UPDATE documents SET body = :body WHERE digest = :digest")
    for digest in (one, other):
        with pytest.raises(LogIntegrityError, match="refuses"), database.write() as connection:
            connection.execute(empty, {"body": b"", "digest": digest})
    with SqlStore(database).write() as queries:
        queries.withhold_document(one, Withheld("榕市监〔2026〕8号", 1, b""))
        assert queries.read_documents([one, other]) == {other: WORLD.issue(2).body}
        assert queries.find_withheld(one) == Withheld("榕市监〔2026〕8号", 1, b"")
        assert queries.find_withheld(other) is None
        assert queries.count_withheld() == 1
    for digest, body in ((one, b"x"), (other, b"")):
        with pytest.raises(LogIntegrityError, match="refuses"), database.write() as connection:
            connection.execute(empty, {"body": body, "digest": digest})


def test_a_database_of_the_first_revision_is_brought_on(database_url):
    with closing(Database(database_url)) as database:
        with database.write() as connection:
            command.upgrade(_make_config(connection), "0001")
            row = {"digest": bytes(32), "body": b"kept"}
            connection.execute(text("INSERT INTO documents VALUES (:digest, :body)"), row)
        with pytest.raises(StateError, match="revision 0001"):
            require_current(database)
        migrate(database)
        with database.read() as connection:
            assert ReadQueries(connection).read_documents([bytes(32)]) == {bytes(32): b"kept"}
            assert check_database(connection) in {"ok", "not asked"}


def test_rows_are_not_replaced_either_where_sqlite_would(log, database):
    replace = {
        "sqlite": "INSERT OR REPLACE INTO entries SELECT * FROM entries",
        "postgresql": "TRUNCATE entries",
    }
    with pytest.raises(LogIntegrityError), database.write() as connection:
        connection.execute(text(replace[connection.dialect.name]))


def count(database, table):
    with database.read() as connection:
        return connection.scalar(text(f"SELECT count(*) FROM {table}"))


def test_a_new_log_begins_empty(store):
    with store.read() as queries:
        assert queries.read_head() == EMPTY_HEAD
        assert queries.read_head().root_hash == EMPTY_ROOT
        assert queries.read_newest_checkpoint() is None


def test_migrating_again_changes_nothing(log, database, store):
    head = log.head
    migrate(database)
    require_current(database)
    with store.read() as queries:
        assert queries.read_head() == head


def test_an_empty_database_is_refused_until_it_is_migrated(database_url):
    database = Database(database_url)
    with pytest.raises(StateError, match="revision none"):
        require_current(database)
    migrate(database)
    require_current(database)
    database.close()


def test_a_newer_database_is_refused(database):
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StateError, match="newer"):
        migrate(database)
    with pytest.raises(StateError, match="9999"):
        require_current(database)


def test_a_migration_that_breaks_off_leaves_nothing(database_url, monkeypatch):
    database = Database(database_url)
    monkeypatch.setattr("alembic.operations.Operations.bulk_insert", fail)
    with pytest.raises(StoreUnavailableError):
        migrate(database)
    with database.read() as connection:
        assert inspect(connection).get_table_names() == []
    monkeypatch.undo()
    migrate(database)
    require_current(database)
    database.close()


def fail(*args, **kwargs):
    raise StoreUnavailableError("injected")
