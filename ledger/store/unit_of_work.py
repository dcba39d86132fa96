"""The SQL store: transactions that speak in named queries.

>>> store = SqlStore(Database("sqlite:////srv/hengzheng/log.sqlite3"))
>>> with store.read() as queries:
...     queries.read_head().tree_size
"""

from collections.abc import Iterator
from contextlib import contextmanager

from ledger.store.engine import Database
from ledger.store.queries import ReadQueries, WriteQueries


class SqlStore:
    """One log in one database. Safe to share between threads."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @contextmanager
    def read(self) -> Iterator[ReadQueries]:
        """Ask questions of one unchanging state; raises as `Database.read` does."""
        with self.database.read() as connection:
            yield ReadQueries(connection)

    @contextmanager
    def write(self) -> Iterator[WriteQueries]:
        """Change the log as its only writer; committed when the block is left.

        Raises as `Database.write` does.
        """
        with self.database.write() as connection:
            yield WriteQueries(connection)
