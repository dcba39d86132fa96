"""Where the development chain keeps its state: one SQLite file, one transaction a block, and a log index.

py-evm sees a mapping of bytes to bytes (`NodeStore` has the four methods it uses). What it writes is held
back in memory until `commit`, which saves the nodes of one block and its log entries in one SQLite
transaction: a process that is killed at any moment leaves the chain at a block, never between two.

Rules:
    * One process: the connection holds SQLite's exclusive lock for its whole life, and the operating system
      gives it back even after SIGKILL. A second process gets `HomeLockedError` at once.
    * `journal_mode=WAL` and `synchronous=FULL`: a block that was acknowledged is on the disk.
    * The identity of a chain (its id, and random bytes that go into the genesis block) is chosen when the
      file is made, and cannot be changed afterwards.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ledger.core.errors import HomeLockedError, StateError, StoreUnavailableError, WrongChainError

FORMAT = 1
"""Version of the file's tables; a file of another version is refused."""

MAX_LOG_ENTRIES = 10_000
"""One query for log entries answers no more; the asker narrows the range."""

_CACHED_NODES = 50_000
"""Nodes kept in memory (some 10 MB) before the cache starts anew."""

_SCHEMA = """
CREATE TABLE identity (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    chain_id INTEGER NOT NULL, entropy BLOB NOT NULL, created_at INTEGER NOT NULL
);
CREATE TABLE node (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE log (
    block_number INTEGER NOT NULL, log_index INTEGER NOT NULL, transaction_index INTEGER NOT NULL,
    block_hash BLOB NOT NULL, transaction_hash BLOB NOT NULL, address BLOB NOT NULL,
    topic0 BLOB, topic1 BLOB, topic2 BLOB, topic3 BLOB, data BLOB NOT NULL,
    PRIMARY KEY (block_number, log_index)
) WITHOUT ROWID;
CREATE INDEX log_by_address ON log (address, block_number);
"""


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes one development chain this one."""

    chain_id: int
    """EIP-155 chain id."""
    entropy: bytes
    """32 random bytes, the extra data of the genesis block: no two chains share a genesis hash."""
    created_at: int
    """Seconds since 1970-01-01 UTC, the time of the genesis block."""


@dataclass(frozen=True, slots=True)
class LogRow:
    """One event that a contract emitted."""

    block_number: int
    log_index: int
    """Position in the block, from 0."""
    transaction_index: int
    block_hash: bytes
    transaction_hash: bytes
    address: bytes
    """20 bytes: the contract."""
    topics: tuple[bytes, ...]
    """At most four of 32 bytes."""
    data: bytes


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which log entries are wanted: first to last block inclusive, any of the addresses, topics by place."""

    first_block: int
    last_block: int
    addresses: tuple[bytes, ...] = ()
    """Empty: any contract."""
    topics: tuple[tuple[bytes, ...], ...] = ()
    """For each place the accepted values; an empty place accepts any topic, but there must be one."""


class TooManyLogEntriesError(StateError):
    """A query matches more than `MAX_LOG_ENTRIES` entries."""


class NodeStore:
    """The mapping that py-evm reads and writes, kept in one SQLite file."""

    def __init__(self, connection: sqlite3.Connection, identity: Identity) -> None:
        self._connection = connection
        self._saved: dict[bytes, bytes] = {}
        self._pending: dict[bytes, bytes | None] = {}
        self.identity = identity

    def __getitem__(self, key: bytes) -> bytes:
        if key in self._pending:
            pending = self._pending[key]
            if pending is None:
                raise KeyError(key)
            return pending
        if (saved := self._saved.get(key)) is not None:
            return saved
        row = self._connection.execute("SELECT value FROM node WHERE key = ?", (key,)).fetchone()
        if row is None:
            raise KeyError(key)
        value: bytes = row[0]
        self._remember(key, value)
        return value

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._pending[key] = value

    def __delitem__(self, key: bytes) -> None:
        self._pending[key] = None

    def __contains__(self, key: bytes) -> bool:
        with suppress(KeyError):
            self[key]
            return True
        return False

    def _remember(self, key: bytes, value: bytes) -> None:
        if len(self._saved) >= _CACHED_NODES:
            self._saved.clear()
        self._saved[key] = value

    def discard(self) -> None:
        """Forget everything written since the last commit."""
        self._pending.clear()

    def commit(self, log: Sequence[LogRow] = ()) -> None:
        """Save everything written since the last commit, and these log entries, in one transaction.

        Raises:
            sqlite3.Error: it is not known whether the block was saved; the process must end.
        """
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(
                "INSERT OR REPLACE INTO node VALUES (?, ?)",
                [(key, value) for key, value in self._pending.items() if value is not None],
            )
            self._connection.executemany(
                "DELETE FROM node WHERE key = ?",
                [(key,) for key, value in self._pending.items() if value is None],
            )
            self._connection.executemany(
                "INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [_columns(entry) for entry in log]
            )
        for key, value in self._pending.items():
            if value is None:
                self._saved.pop(key, None)
            else:
                self._remember(key, value)
        self._pending.clear()

    def find_log(self, wanted: LogFilter) -> list[LogRow]:
        """Return the matching log entries in the order of the chain.

        Raises:
            TooManyLogEntriesError: more than `MAX_LOG_ENTRIES` match.
        """
        where, values = _conditions(wanted)
        rows = self._connection.execute(
            f"SELECT * FROM log WHERE {where} ORDER BY block_number, log_index LIMIT ?",  # noqa: S608 - placeholders only
            (*values, MAX_LOG_ENTRIES + 1),
        ).fetchall()
        if len(rows) > MAX_LOG_ENTRIES:
            raise TooManyLogEntriesError(
                f"more than {MAX_LOG_ENTRIES} log entries match; ask for fewer blocks"
            )
        return [_log_row(row) for row in rows]

    def find_log_of_block(self, block_number: int) -> list[LogRow]:
        """Return the log entries of one block."""
        return self.find_log(LogFilter(block_number, block_number))

    def close(self) -> None:
        """Give the file back."""
        self._connection.close()


def open_node_store(directory: Path, *, chain_id: int | None, fresh: Identity) -> NodeStore:
    """Open the chain in this directory, or make one.

    Args:
        directory: the chain's own directory; made if absent.
        chain_id: the id that an existing chain must have; None accepts any.
        fresh: the identity that a new chain gets.

    Raises:
        HomeLockedError: another process serves this chain.
        WrongChainError: the chain in this directory has another id.
        StateError: the file is not a development chain's, or of another format.
        StoreUnavailableError: the file cannot be opened.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            directory / "chain.sqlite3", timeout=0, isolation_level=None, check_same_thread=False
        )
    except (OSError, sqlite3.Error) as err:
        raise StoreUnavailableError(f"the chain's file in {directory} cannot be opened: {err}") from err
    try:
        return NodeStore(connection, _open_identity(connection, directory, chain_id, fresh))
    except sqlite3.OperationalError as err:
        connection.close()
        if err.sqlite_errorcode in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise HomeLockedError(f"another process serves the development chain in {directory}") from err
        raise StoreUnavailableError(f"the chain's file in {directory} cannot be used: {err}") from err
    except sqlite3.DatabaseError as err:
        connection.close()
        raise StateError(f"{directory / 'chain.sqlite3'} is not a development chain's file: {err}") from err
    except BaseException:
        connection.close()
        raise


def _open_identity(
    connection: sqlite3.Connection, directory: Path, chain_id: int | None, fresh: Identity
) -> Identity:
    """Take the lock, make the tables of a new file, and return whose chain it is."""
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("BEGIN IMMEDIATE")
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        _create(connection, fresh)
    connection.execute("COMMIT")
    if version not in {0, FORMAT}:
        raise StateError(
            f"the chain in {directory} has format {version}, this program reads {FORMAT}: make a new one"
        )
    identity = Identity(*connection.execute("SELECT chain_id, entropy, created_at FROM identity").fetchone())
    if chain_id not in {None, identity.chain_id}:
        raise WrongChainError(f"the chain in {directory} has id {identity.chain_id}, not {chain_id}")
    return identity


def _create(connection: sqlite3.Connection, fresh: Identity) -> None:
    for statement in _SCHEMA.split(";"):
        connection.execute(statement)
    connection.execute(
        "INSERT INTO identity VALUES (1, ?, ?, ?)", (fresh.chain_id, fresh.entropy, fresh.created_at)
    )
    connection.execute(f"PRAGMA user_version = {FORMAT}")


def _columns(entry: LogRow) -> tuple[int | bytes | None, ...]:
    topics = (*entry.topics, None, None, None, None)[:4]
    place = (entry.block_number, entry.log_index, entry.transaction_index)
    return (*place, entry.block_hash, entry.transaction_hash, entry.address, *topics, entry.data)


def _log_row(row: tuple[int, int, int, bytes, bytes, bytes, *tuple[bytes, ...]]) -> LogRow:
    *topics, data = row[6:]
    return LogRow(*row[:6], topics=tuple(topic for topic in topics if topic is not None), data=data)


def _conditions(wanted: LogFilter) -> tuple[str, list[int | bytes]]:
    """Return a WHERE clause of placeholders, and the values that fill it."""
    clauses = ["block_number BETWEEN ? AND ?"]
    bound: list[int | bytes] = [wanted.first_block, wanted.last_block]
    if wanted.addresses:
        clauses.append(f"address IN ({', '.join('?' * len(wanted.addresses))})")
        bound.extend(wanted.addresses)
    for place, accepted in enumerate(wanted.topics):
        marks = ", ".join("?" * len(accepted))
        clauses.append(f"topic{place} IN ({marks})" if accepted else f"topic{place} IS NOT NULL")
        bound.extend(accepted)
    return " AND ".join(clauses), bound
