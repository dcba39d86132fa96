"""Rows as they are stored: no type is believed, so that damage is seen and not translated.

>>> rows = RawRows(connection)
>>> rows.count(tiles)
17
>>> for row in rows.scan(tiles): ...
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Table, and_, func, literal_column, select, tuple_
from sqlalchemy.sql import Select

CHUNK: Final = 1024
"""Rows read at once."""

RawRow = tuple[Any, ...]
"""A value for every column of the table, as the driver gives it."""


class RawRows:
    """Reads whole rows, in the transaction of one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def count(self, table: Table) -> int:
        """Return how many rows a table has."""
        return self._connection.execute(select(func.count()).select_from(table)).scalar_one()

    def scan(self, table: Table) -> Iterator[RawRow]:
        """Yield every row by ascending primary key; the table may be changed behind the row that was given out."""
        last: RawRow | None = None
        while True:
            query = _select(table).order_by(*_key(table)).limit(CHUNK)
            if last is not None:
                query = query.where(_is_after(table, last))
            rows = self._connection.execute(query).all()
            yield from (tuple(row) for row in rows)
            if len(rows) < CHUNK:
                return
            last = get_key(table, tuple(rows[-1]))

    def find(self, table: Table, keys: Sequence[RawRow]) -> dict[RawRow, RawRow]:
        """Return the rows with these primary keys, by key; what is not stored is left out."""
        found: dict[RawRow, RawRow] = {}
        for begin in range(0, len(keys), CHUNK):
            some = keys[begin : begin + CHUNK]
            key = _key(table)
            chosen = key[0].in_([item[0] for item in some]) if len(key) == 1 else tuple_(*key).in_(some)
            for row in self._connection.execute(_select(table).where(chosen)):
                found[get_key(table, tuple(row))] = tuple(row)
        return found


def get_key(table: Table, row: RawRow) -> RawRow:
    """Return the primary key of a row."""
    names = list(table.columns.keys())
    return tuple(row[names.index(column.name)] for column in table.primary_key)


def _select(table: Table) -> Select[Any]:
    return select(*(_raw(table, column.name) for column in table.columns)).select_from(table)


def _key(table: Table) -> list[ColumnElement[Any]]:
    return [_raw(table, column.name) for column in table.primary_key]


def _raw(table: Table, name: str) -> ColumnElement[Any]:
    """Return a column without its type; SQLAlchemy translates what has one."""
    return literal_column(f'{table.name}."{name}"')


def _is_after(table: Table, last: RawRow) -> ColumnElement[bool]:
    key = _key(table)
    if len(key) == 1:
        return and_(key[0] > last[0])
    return tuple_(*key) > tuple_(*last)
