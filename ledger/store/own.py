"""Databases that no log makes again, of reports, scans and an office: whose they are.

Each has a table of what it was made for; one of another log, or of another version of the program, is refused.
"""

from sqlalchemy import Connection, MetaData, Table, insert, inspect, select

from ledger.core.errors import StateError


def prepare_own(
    connection: Connection, metadata: MetaData, meta: Table, made_for: dict[str, str], name: str
) -> bool:
    """Make the tables, or check that those found are the right ones; return whether they were made.

    Args:
        connection: in its transaction.
        metadata: of all tables.
        meta: what they were made for, `key` and `value`.
        made_for: rows of `meta`, with `format` and `origin`.
        name: what the tables hold, as `reports`.

    Raises:
        StateError: tables of another format, or of another log's.
    """
    is_new = not inspect(connection).has_table(meta.name)
    metadata.create_all(connection)
    if is_new:
        connection.execute(insert(meta), [{"key": key, "value": value} for key, value in made_for.items()])
    found = {row.key: row.value for row in connection.execute(select(meta))}
    for key, value in made_for.items():
        if found.get(key) != value:
            raise StateError(f"the database of {name} is of the {key} {found.get(key)!r}, not {value!r}")
    return is_new
