"""Bringing a database to the tables of `tables`, step by step, with alembic.

Additive first: old code runs on the new schema. Alembic's `batch_alter_table` copies tables on SQLite and
loses their triggers: a revision that uses it makes the triggers again, and the tests compare.

>>> migrate(Database("sqlite:////srv/hengzheng/log.sqlite3"))
"""

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from ledger.core.errors import StateError
from ledger.store.engine import Database


def migrate(database: Database) -> None:
    """Create or update every table, in one transaction; nothing happens where all is up to date.

    Raises:
        StateError: the database is newer than this program.
        StoreUnavailableError: it is out of reach.
    """
    with database.write() as connection:
        config = _make_config(connection)
        if _find_revision(connection) not in {None, *_list_revisions(config)}:
            raise StateError("the database was made by a newer version of this program")
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL statement_timeout = 0"))
        command.upgrade(config, "head")


def require_current(database: Database) -> None:
    """Refuse to work on a database whose tables are not those of this program.

    Raises:
        StateError: it is empty, older or newer.
        StoreUnavailableError: it is out of reach.
    """
    with database.read() as connection:
        revision = _find_revision(connection)
        newest = ScriptDirectory.from_config(_make_config(connection)).get_current_head()
    if revision != newest:
        raise StateError(
            f"the database has revision {revision or 'none'}; this program needs {newest}: migrate it"
        )


def _make_config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", "ledger.store:migrations")
    config.attributes["connection"] = connection
    return config


def _find_revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _list_revisions(config: Config) -> set[str]:
    return {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
