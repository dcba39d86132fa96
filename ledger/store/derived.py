"""Databases that follow from the log, the auditors' catalogue and the search: whose they are, how far they are.

Each has a table of what it was made for and one of how many leaves it has taken; a database of another log, or of
another version of the program, is refused, and can be removed and made again.
"""

from typing import Final

from sqlalchemy import Connection, MetaData, Table, insert, select

from ledger.core.errors import StateError
from ledger.store.bulk import insert_rows

FIRST_HEAD: Final = {"id": 1, "tree_size": 0, "last_leaf": b""}
"""Row of a database that has taken no leaf yet."""


def prepare_derived(
    connection: Connection, metadata: MetaData, meta: Table, head: Table, wanted: dict[str, str], name: str
) -> None:
    """Make the tables of a derived database, unless they are there.

    Args:
        connection: in its transaction.
        metadata: of all its tables.
        meta: what it was made for, `key` and `value`.
        head: how far it has come.
        wanted: rows of `meta`, with `format` and `origin`.
        name: what it is called, as `audit`.

    Raises:
        StateError: the database is that of another log, or of another version of this program.
    """
    metadata.create_all(connection)
    stored = {row.key: row.value for row in connection.execute(select(*meta.c))}
    if not stored:
        insert_rows(connection, meta, list(wanted.items()))
        connection.execute(insert(head).values(**FIRST_HEAD))
    elif stored != wanted:
        raise StateError(
            f"the {name} database is that of the log {stored.get('origin')}, format {stored.get('format')}: "
            "remove it, and it is made again"
        )
