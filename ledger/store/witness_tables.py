"""Every table of a witness's own database; `witness_queries` creates them.

Leaves, checkpoints, VOID leaves and faults are insert-only, guarded by triggers; what was cosigned last and how far
the leaves reach only ever grow. A witness's database is never restored from a backup: one that forgets what it has
signed would sign another history.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

witness_metadata = MetaData()

WITNESS_INSERT_ONLY: Final = ("witness_leaves", "witness_seen", "witness_void", "witness_faults")

witness_meta = Table(
    "witness_meta",
    witness_metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
"""Format and name of the witness."""

witness_logs = Table(
    "witness_logs",
    witness_metadata,
    Column("id", Integer, primary_key=True),
    Column("origin", Text, nullable=False, unique=True),
    Column("replayed_size", BigInteger, nullable=False),
    Column("replayed_root", LargeBinary, nullable=False),
    Column("cosigned_size", BigInteger, nullable=False),
    Column("cosigned_root", LargeBinary, nullable=False),
    Column("cosigned_note", Text, nullable=False),
    Column("cosigned_at", BigInteger, nullable=False),
    Column("least_size", BigInteger, nullable=False),
    CheckConstraint("cosigned_size <= replayed_size"),
)
"""Each log: leaves that are stored and right, the checkpoint that was cosigned last and when (POSIX seconds), and
the size below which nothing is cosigned any more."""

witness_leaves = Table(
    "witness_leaves",
    witness_metadata,
    Column("log_id", Integer, ForeignKey("witness_logs.id"), primary_key=True, autoincrement=False),
    Column("leaf_index", BigInteger, primary_key=True, autoincrement=False),
    Column("leaf", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""Leaves as the log served them, each proved under a checkpoint that the log has signed."""

witness_seen = Table(
    "witness_seen",
    witness_metadata,
    Column("log_id", Integer, ForeignKey("witness_logs.id"), primary_key=True, autoincrement=False),
    Column("tree_size", BigInteger, primary_key=True, autoincrement=False),
    Column("root_hash", LargeBinary, primary_key=True),
    Column("note", Text, nullable=False),
)
"""Every checkpoint with the log's signature that came by; two of one size are evidence against the log."""

witness_void = Table(
    "witness_void",
    witness_metadata,
    Column("log_id", Integer, ForeignKey("witness_logs.id"), primary_key=True, autoincrement=False),
    Column("leaf_index", BigInteger, primary_key=True, autoincrement=False),
    Column("reason", Text, nullable=False),
)
"""Leaves without effect: an alarm, and no reason to refuse."""

witness_faults = Table(
    "witness_faults",
    witness_metadata,
    Column("log_id", Integer, ForeignKey("witness_logs.id"), primary_key=True, autoincrement=False),
    Column("found_at", BigInteger, nullable=False),
    Column("sentence", Text, nullable=False),
)
"""Why a log is never cosigned again."""
