"""The database behind transactions: connections, locks and the translation of errors.

Rules it keeps: one connection of the whole process writes, and on SQLite it alone moves the write-ahead log
into the database (SQLite below 3.51.3 can lose data where two do); a commit returns when the disk has it; a
write transaction holds its lock from its beginning, so nothing it read changes before it commits; a
connection that failed is never used again. Nothing of SQLAlchemy leaves this folder: its errors become those
of `core.errors`.

>>> database = Database("sqlite:////srv/hengzheng/log.sqlite3")
>>> with database.write() as connection:
...     connection.execute(statement)
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, Final

import sqlalchemy
from sqlalchemy import Connection, Engine, event, exc, text
from sqlalchemy.engine import URL, make_url

from ledger.core.errors import InputError, LogIntegrityError, StoreUnavailableError

BUSY_SECONDS: Final = 5
"""How long a statement may wait for a lock, or run."""
CONNECT_SECONDS: Final = 3
READERS: Final = 32
"""Most reading connections of one process."""
_WRITER_LOCK: Final = int.from_bytes(b"hengzhen")
"""Advisory lock of PostgreSQL, one per database, that a write transaction holds."""

_WRITER_PRAGMAS: Final = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "recursive_triggers=ON",
    "secure_delete=ON",
    "wal_autocheckpoint=8000",
    "cache_size=-65536",
)
"""After 8,000 pages (32 MB) the write-ahead log is moved into the database: sooner would write the same pages more
often, later would keep the batch that does it waiting for longer. What is deleted is overwritten in the file:
it may have been personal."""
_NOT_UTF8: Final = "Could not decode to UTF-8"
"""What SQLite's driver says of a text with a changed byte; to it this is a fault of operation."""
_NO_MOVES: Final = "wal_autocheckpoint=0"
_READER_PRAGMAS: Final = ("query_only=ON", _NO_MOVES)
_POSTGRES_OPTIONS: Final = " ".join(
    f"-c {name}={value}"
    for name, value in {
        "statement_timeout": f"{BUSY_SECONDS}s",
        "idle_in_transaction_session_timeout": "60s",
        "synchronous_commit": "on",
    }.items()
)


class Database:
    """One SQLite file or PostgreSQL database. Safe to share between threads."""

    def __init__(self, url: str, *, moves_log: bool = True) -> None:
        """Prepare connections; none is opened before it is needed.

        Args:
            url: `sqlite:///<path>` or `postgresql+psycopg://...`.
            moves_log: False where another process writes to this SQLite file, too, and moves its write-ahead log.

        Raises:
            InputError: another kind of database, or SQLite without a file.
        """
        parsed = _parse_url(url)
        pragmas = _WRITER_PRAGMAS if moves_log else (*_WRITER_PRAGMAS, _NO_MOVES)
        self._writer = _create_engine(parsed, pragmas, pool_size=1)
        self._reader = _create_engine(parsed, _READER_PRAGMAS, pool_size=READERS)
        self._is_sqlite = parsed.get_backend_name() == "sqlite"
        if self._is_sqlite:
            event.listen(self._writer, "begin", _begin_immediate)
            event.listen(self._reader, "begin", _begin_deferred)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Run one transaction as the only writer; it is committed, on disk, when the block is left.

        Raises:
            StoreUnavailableError: out of reach, locked for too long or full; what was asked may have
                been done or not.
            LogIntegrityError: the database refuses a change, or is damaged.
        """
        with _translate_errors(), self._writer.connect() as connection:
            try:
                with connection.begin():
                    if not self._is_sqlite:
                        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _WRITER_LOCK})
                    yield connection
            except exc.SQLAlchemyError:
                connection.invalidate()
                raise

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Run queries on one unchanging state of the database.

        Raises:
            StoreUnavailableError: out of reach, or busy for too long.
            LogIntegrityError: the database is damaged.
        """
        with _translate_errors(), self._reader.connect() as connection:
            if not self._is_sqlite:
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            yield connection

    def drop_traces(self) -> None:
        """Empty SQLite's write-ahead log, which still has what was overwritten in the database itself.

        PostgreSQL does so in its own time (`VACUUM`, its own write-ahead log).

        Raises:
            StoreUnavailableError: out of reach, or somebody reads an older state just now.
        """
        if not self._is_sqlite:
            return
        with _translate_errors(), closing(self._writer.raw_connection()) as connection:
            cursor = (
                connection.cursor()
            )  # a connection of SQLAlchemy's begins a transaction, which is in its way
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            (is_busy, *_) = cursor.fetchall()[0]
        if is_busy:
            raise StoreUnavailableError("somebody reads an older state of the database: try again")

    def close(self) -> None:
        """Close every connection that is not in use."""
        self._reader.dispose()
        self._writer.dispose()


def _parse_url(url: str) -> URL:
    try:
        parsed = make_url(url)
    except exc.ArgumentError as err:
        raise InputError("not a database address", field="database") from err
    if parsed.drivername == "postgresql+psycopg":
        return parsed
    if parsed.drivername != "sqlite" or parsed.database in {None, "", ":memory:"}:
        raise InputError("expected sqlite:///<file> or postgresql+psycopg://...", field="database")
    return parsed


def _create_engine(url: URL, pragmas: tuple[str, ...], *, pool_size: int) -> Engine:
    sizes: dict[str, Any] = {"pool_size": pool_size, "max_overflow": 0, "pool_timeout": BUSY_SECONDS}
    if url.get_backend_name() == "sqlite":
        arguments: dict[str, Any] = {"isolation_level": None, "timeout": BUSY_SECONDS}
        engine = sqlalchemy.create_engine(url, connect_args=arguments, **sizes)

        def set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
            for pragma in pragmas:
                connection.execute(f"PRAGMA {pragma}")

        event.listen(engine, "connect", set_pragmas)
        return engine
    arguments = {"connect_timeout": CONNECT_SECONDS, "options": _POSTGRES_OPTIONS}
    return sqlalchemy.create_engine(
        url, connect_args=arguments, paramstyle="format", pool_pre_ping=True, **sizes
    )


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_deferred(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


@contextmanager
def _translate_errors() -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as err:
        raise LogIntegrityError("a stored text is damaged") from err
    except exc.OperationalError as err:
        if _NOT_UTF8 in str(err.orig):
            raise LogIntegrityError("a stored text is damaged") from err
        raise StoreUnavailableError("the database is out of reach, busy or full") from err
    except (exc.InterfaceError, exc.TimeoutError) as err:
        raise StoreUnavailableError("the database is out of reach, busy or full") from err
    except exc.DBAPIError as err:
        raise LogIntegrityError("the database refuses a change, or is damaged") from err
