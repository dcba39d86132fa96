"""What a database says of itself, and whether its tables are still guarded as they were made.

>>> check_database(database)
'ok'
"""

import tempfile
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, text

from ledger.core.errors import DamagedRowError, LogIntegrityError
from ledger.store.engine import Database
from ledger.store.migrations import migrate
from ledger.store.tables import INSERT_ONLY

_MOST_COMPLAINTS: Final = 5

_ENABLED: Final = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')"
_GUARDS: Final = {f"{table}_insert_only": table for table in INSERT_ONLY} | {
    "documents_withheld_only": "documents"
}
"""Triggers of PostgreSQL, each with its table."""


def check_database(connection: Connection) -> str:
    """Ask the database about its own pages and indices, and look for its triggers.

    SQLite checks every page. PostgreSQL checks the pages that it reads, where the cluster has checksums.

    Returns:
        What SQLite's `integrity_check` says, `ok`; `not asked` of PostgreSQL.

    Raises:
        LogIntegrityError: it complains, or what keeps rows from being changed is not as it was made.
    """
    if connection.dialect.name == "sqlite":
        check_file(connection)
        _compare_schema(_read_schema(connection), _make_schema())
        return "ok"
    guarded = {row[0] for row in connection.execute(text(_ENABLED))}
    for trigger, table in _GUARDS.items():
        if trigger not in guarded:
            raise LogIntegrityError(f"the trigger that keeps the rows of {table} is gone or switched off")
    return "not asked"


def check_file(connection: Connection) -> None:
    """Let SQLite check every page, index and foreign key of its file.

    Raises:
        LogIntegrityError: what it says, the first sentences.
    """
    rows = connection.execute(text(f"PRAGMA integrity_check({_MOST_COMPLAINTS})")).all()
    said = [str(row[0]) for row in rows]
    if said != ["ok"]:
        raise LogIntegrityError(f"SQLite's integrity check: {'; '.join(said)}")
    lonely = connection.execute(text("PRAGMA foreign_key_check")).first()
    if lonely is not None:
        raise DamagedRowError(
            lonely[0], f"rowid {lonely[1]}", "", f"about a row of {lonely[2]} that is there"
        )


def _read_schema(connection: Connection) -> dict[str, Any]:
    rows = connection.execute(text("SELECT name, type, tbl_name, sql FROM sqlite_schema"))
    return {str(row[0]): tuple(row[1:]) for row in rows}


@lru_cache(maxsize=1)
def _make_schema() -> dict[str, Any]:
    """Return the schema of a database that has just been made."""
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(Database(f"sqlite:///{Path(folder) / 'new.db'}")) as fresh,
    ):
        migrate(fresh)
        with fresh.read() as connection:
            return _read_schema(connection)


def _compare_schema(found: dict[str, Any], expected: dict[str, Any]) -> None:
    for name, definition in expected.items():
        if found.get(name) != definition:
            raise LogIntegrityError(f"the {definition[0]} {name} is not as it was made, or gone")
    tables = {definition[1] for definition in expected.values()}
    for name, definition in found.items():
        if name not in expected and definition[1] in tables:
            raise LogIntegrityError(f"the {definition[0]} {name} was added to the table {definition[1]}")
