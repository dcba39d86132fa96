"""Writing derived rows anew. Leaves, documents, checkpoints and anchors have no way through here.

>>> with database.write() as connection, open_derived(connection) as mender:
...     mender.put(tiles, (0, 3, hashes))
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Column, Connection, Table, and_, bindparam, delete, text, update

from ledger.store.bulk import OnConflict, insert_rows
from ledger.store.scan import RawRow, get_key
from ledger.store.tables import entries, head, map_pages, replaced_states, subjects, tiles

DERIVED: Final = (tiles, subjects, map_pages, replaced_states, head)
"""Tables that follow from the leaves, whole."""

DERIVED_OF_ENTRY: Final = ("statement_name", "type", "issuer", "number")
"""Columns of `entries` that follow from the leaf beside them."""

_GUARDED: Final = (entries, replaced_states)


class Mender:
    """Changes derived rows, in the transaction of one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, table: Table, row: RawRow) -> None:
        """Store a derived row in the place of whatever has its key."""
        _require_derived(table)
        self.remove(table, get_key(table, row))
        insert_rows(self._connection, table, [row], OnConflict.REFUSE)

    def remove(self, table: Table, key: RawRow) -> None:
        """Remove a row that follows from no leaf."""
        _require_derived(table)
        columns: Sequence[Column[Any]] = list(table.primary_key)
        is_it = and_(*(column == value for column, value in zip(columns, key, strict=True)))
        self._connection.execute(delete(table).where(is_it))

    def clear_names(self, leaf_index: int) -> None:
        """Take away what is derived from a leaf beside it, so that it is in no other row's way."""
        self.set_names(leaf_index, (leaf_index.to_bytes(8), 0, "", None))

    def set_names(self, leaf_index: int, values: RawRow) -> None:
        """Store what is derived from a leaf beside it; the leaf itself is not touched."""
        named = dict(zip(DERIVED_OF_ENTRY, values, strict=True))
        at = entries.c.leaf_index == bindparam("at")
        self._connection.execute(update(entries).where(at).values(named), {"at": leaf_index})


@contextmanager
def open_derived(connection: Connection) -> Iterator[Mender]:
    """Yield what changes derived rows; the triggers that forbid it are back when the block is left.

    Indices of SQLite are built anew at the end: they are derived too.
    """
    is_sqlite = connection.dialect.name == "sqlite"
    made_again = []
    for table in _GUARDED:
        if is_sqlite:
            wanted = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = :table"
            for name, sql in connection.execute(text(wanted), {"table": table.name}).all():
                connection.execute(text(f'DROP TRIGGER "{name}"'))
                made_again.append(sql)
        else:
            connection.execute(text(f"ALTER TABLE {table.name} DISABLE TRIGGER {table.name}_insert_only"))
            made_again.append(f"ALTER TABLE {table.name} ENABLE TRIGGER {table.name}_insert_only")
    if is_sqlite:
        connection.execute(text("REINDEX"))
    yield Mender(connection)
    for sql in made_again:
        connection.exec_driver_sql(sql)


def _require_derived(table: Table) -> None:
    if table not in DERIVED:
        raise AssertionError(f"{table.name} is not derived")  # a fault of ours, never of the data
