"""Many rows at once, at the driver's own speed.

SQLAlchemy writes the SQL, once for each table; the rows then go to the driver as they are: to SQLite one by one,
to PostgreSQL as one array for each column. Per row this saves more time than the database itself needs.
"""

from collections.abc import Sequence
from enum import Enum
from functools import lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import ARRAY, Column, Connection, Dialect, Row, Select, Table, bindparam, func, select, values
from sqlalchemy.dialects import postgresql, sqlite


class OnConflict(Enum):
    """What happens to a row whose primary key is stored already."""

    REFUSE = "refuse"
    KEEP = "keep"
    REPLACE = "replace"


def insert_rows(
    connection: Connection,
    table: Table,
    rows: Sequence[tuple[Any, ...]],
    on_conflict: OnConflict = OnConflict.REFUSE,
) -> None:
    """Insert rows, each with a value for every column of the table, in their order."""
    if not rows:
        return
    sql = _compile_insert(table, on_conflict, connection.dialect)
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(sql, tuple(map(list, zip(*rows, strict=True))))
    else:
        connection.exec_driver_sql(sql, list(rows))


def select_by_keys(
    connection: Connection, query: Select[*tuple[Any, ...]], column: Column[Any], keys: Sequence[Any]
) -> Sequence[Row[*tuple[Any, ...]]]:
    """Return the rows of a query whose column has one of these values; no key need be known.

    Args:
        connection: of a transaction.
        query: made once, at module level: its SQL is kept.
        column: what is compared.
        keys: any number, none included.
    """
    if not keys:
        return ()
    width = 1 << (len(keys) - 1).bit_length()
    padded = (*keys, *[keys[-1]] * (width - len(keys)))
    sql = _compile_select(query, column, width, connection.dialect)
    return connection.exec_driver_sql(sql, padded).all()


def select_in_ranges(
    connection: Connection,
    query: Select[*tuple[Any, ...]],
    column: Column[Any],
    ranges: Sequence[tuple[Any, Any]],
) -> Sequence[Row[*tuple[Any, ...]]]:
    """Return the rows of a query whose column lies in one of these ranges; else as `select_by_keys`.

    Args:
        connection: of a transaction.
        query: made once, at module level: its SQL is kept.
        column: what is compared; indexed.
        ranges: least and greatest value of each; they do not overlap.
    """
    if not ranges:
        return ()
    width = 1 << (len(ranges) - 1).bit_length()
    nothing = ranges[-1][1], ranges[-1][0]
    padded = chain.from_iterable((*ranges, *[nothing] * (width - len(ranges))))
    sql = _compile_ranges(query, column, width, connection.dialect)
    return connection.exec_driver_sql(sql, tuple(padded)).all()


@lru_cache(maxsize=64)
def _compile_insert(table: Table, on_conflict: OnConflict, dialect: Dialect) -> str:
    names = [column.name for column in table.columns]
    insert: postgresql.Insert | sqlite.Insert = sqlite.insert(table)
    if dialect.name == "postgresql":
        arrays = [bindparam(column.name, type_=ARRAY(column.type)) for column in table.columns]
        insert = postgresql.insert(table).from_select(names, select(*map(func.unnest, arrays)))
    keys = [column.name for column in table.primary_key]
    if on_conflict is OnConflict.KEEP:
        insert = insert.on_conflict_do_nothing(index_elements=keys)
    elif on_conflict is OnConflict.REPLACE:
        values = {name: insert.excluded[name] for name in names if name not in keys}
        insert = insert.on_conflict_do_update(index_elements=keys, set_=values)
    return str(insert.compile(dialect=dialect, column_keys=names))


@lru_cache(maxsize=256)
def _compile_select(
    query: Select[*tuple[Any, ...]], column: Column[Any], width: int, dialect: Dialect
) -> str:
    parameters = [bindparam(f"key_{number}", type_=column.type) for number in range(width)]
    return str(query.where(column.in_(parameters)).compile(dialect=dialect))


@lru_cache(maxsize=64)
def _compile_ranges(
    query: Select[*tuple[Any, ...]], column: Column[Any], width: int, dialect: Dialect
) -> str:
    names = [(f"first_{number}", f"last_{number}") for number in range(width)]
    rows = [tuple(bindparam(name, type_=column.type) for name in pair) for pair in names]
    table = values(Column("first", column.type), Column("last", column.type), name="ranges").data(rows)
    wanted = table.cte("ranges")
    joined = query.join(wanted, column.between(wanted.c.first, wanted.c.last))
    return str(joined.compile(dialect=dialect))
