"""Databases that follow from the log, the auditors' catalogue and the search: whose they are, how far they are.

Each has a table of what it was made for and one of how many leaves it has taken; a database of another log, or of
another version of the program, is refused, and can be removed and made again.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    insert,
    select,
    update,
)

from ledger.core.errors import LogIntegrityError, StateError
from ledger.core.ids import TreeSize
from ledger.store.bulk import insert_rows

FIRST_HEAD: Final = {"id": 1, "tree_size": 0, "last_leaf": b""}
"""Row of a database that has taken no leaf yet."""


def make_meta(name: str, metadata: MetaData) -> Table:
    """Return the table of what a derived database was made for: format version, origin of the log."""
    return Table(
        f"{name}_meta",
        metadata,
        Column("key", Text, primary_key=True),
        Column("value", Text, nullable=False),
    )


def make_head(name: str, metadata: MetaData) -> Table:
    """Return the table of how many leaves have been taken, and SHA-256 of the last of them."""
    return Table(
        f"{name}_head",
        metadata,
        Column("id", Integer, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
        Column("tree_size", BigInteger, nullable=False),
        Column("last_leaf", LargeBinary, nullable=False),
    )


def read_derived_head(connection: Connection, head: Table, name: str) -> tuple[TreeSize, bytes]:
    """Return how many leaves have been taken, and SHA-256 of the last of them (empty if there is none).

    Raises:
        LogIntegrityError: the row is missing.
    """
    row = connection.execute(select(head.c.tree_size, head.c.last_leaf)).one_or_none()
    if row is None:
        raise LogIntegrityError(f"the {name} database has no head")
    return TreeSize(row.tree_size), bytes(row.last_leaf)


def write_derived_head(connection: Connection, head: Table, tree_size: TreeSize, last_leaf: bytes) -> None:
    """Say how far a derived database has come."""
    connection.execute(update(head).values(tree_size=tree_size, last_leaf=last_leaf))


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
