"""Tables of a desk's own database; they may lie in one database with those of a log, whose names differ.

Bytes are bytes; instants are milliseconds since 1970-01-01 UTC, in columns that end in `_ms`.
"""

from enum import StrEnum
from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    literal_column,
)

metadata = MetaData()


class DocumentState(StrEnum):
    """How far a document has come."""

    SIGNED = "signed"
    """It has its number and its seal, and waits for the log."""
    LOGGED = "logged"
    """The log has it."""
    VOIDED = "voided"
    """The log will never have it; its number is not used again (作废)."""


_Position = BigInteger().with_variant(Integer, "sqlite")

meta = Table(
    "desk_meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
"""What this database was made for: format version, institution, origin of the log."""

series = Table(
    "desk_series",
    metadata,
    Column("series", Text, primary_key=True),
    Column("counter", BigInteger, CheckConstraint("counter >= 1"), nullable=False),
)
"""Last counter of every series of numbers."""

documents = Table(
    "desk_documents",
    metadata,
    Column("position", _Position, primary_key=True, autoincrement=False),
    Column("request_id", Text, nullable=False, unique=True),
    Column("content_digest", LargeBinary, nullable=False),
    Column("number", Text, nullable=False, unique=True),
    Column("brings_number", Integer, CheckConstraint("brings_number IN (0, 1)"), nullable=False),
    Column("subject", LargeBinary, nullable=False),
    Column("expected_version", BigInteger, nullable=False),
    Column("state", Text, CheckConstraint("state IN ('signed', 'logged', 'voided')"), nullable=False),
    Column("certificate", LargeBinary, nullable=False),
    Column("statement", LargeBinary, nullable=False),
    Column("disclosure", LargeBinary),
    Column("leaf_index", BigInteger, unique=True),
    Column("reason", Text),
    Column("signed_at_ms", BigInteger, nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
    CheckConstraint("(state = 'logged') = (leaf_index IS NOT NULL)", name="logged_has_index"),
    CheckConstraint("(state = 'voided') = (reason IS NOT NULL)", name="voided_has_reason"),
    Index("desk_documents_subject_idx", "subject"),
)
"""Every document that the desk has signed, in the order of signing: `position` counts from 1.

`subject` is what the statement touches; `brings_number` is 1 where the input document brought its own number.
"""
acts = Table(
    "desk_acts",
    metadata,
    Column("position", _Position, primary_key=True, autoincrement=False),
    Column("number", Text, nullable=False),
    Column("type", Integer, nullable=False),
    Column("state", Text, CheckConstraint("state IN ('signed', 'logged', 'voided')"), nullable=False),
    Column("statement", LargeBinary, nullable=False),
    Column("leaf_index", BigInteger, unique=True),
    Column("reason", Text),
    Column("signed_at_ms", BigInteger, nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
    CheckConstraint("(state = 'logged') = (leaf_index IS NOT NULL)", name="acts_logged_has_index"),
    CheckConstraint("(state = 'voided') = (reason IS NOT NULL)", name="acts_voided_has_reason"),
    Index("desk_acts_number_idx", "number", "position"),
)
"""Every act on a certificate that the desk has signed, in the order of signing; `type` is that of the event."""

erasures = Table(
    "desk_erasures",
    metadata,
    Column("number", Text, primary_key=True),
    Column("grounds", Text, nullable=False),
    Column("erased_by", Text, nullable=False),
    Column("erased_at_ms", BigInteger, nullable=False),
)
"""Documents whose personal members the desk no longer holds, see `erasing`."""

IS_WAITING: Final = documents.c.state == literal_column(f"'{DocumentState.SIGNED}'")
BRINGS_NUMBER: Final = documents.c.brings_number == literal_column("1")
"""Conditions as their indices have them: SQLite uses a partial index only where the same words stand in a query."""

Index(
    "desk_documents_waiting_idx",
    documents.c.position,
    sqlite_where=IS_WAITING,
    postgresql_where=IS_WAITING,
)
Index(
    "desk_documents_brought_idx",
    documents.c.position,
    sqlite_where=BRINGS_NUMBER,
    postgresql_where=BRINGS_NUMBER,
)
