"""Tables of what consumers have reported, in a database of their own: the public site's, and the authorities'.

The public site adds reports; authorities' desks add answers and nothing else. Nothing that a person has written is
readable here: files are sealed (`file`), codes and callers are hashes, the salt of callers is forgotten daily.
Instants are milliseconds since 1970-01-01 UTC, days are days since then.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)

metadata = MetaData()
_Position = BigInteger().with_variant(Integer, "sqlite")

meta = Table(
    "report_meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
"""Format version, and the origin of the log."""

reports = Table(
    "reports",
    metadata,
    Column("position", _Position, primary_key=True, autoincrement=False),
    Column("case_id", LargeBinary, nullable=False, unique=True),
    Column("code_hash", LargeBinary, nullable=False, unique=True),
    Column("authority", Text, nullable=False),
    Column("route", Text, CheckConstraint("route IN ('tip', 'complaint')"), nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("file", LargeBinary),
    Column("taken_at_ms", BigInteger, nullable=False),
    Column("keep_until", BigInteger, nullable=False),
    Index("reports_authority_idx", "authority", "position"),
    Index("reports_keep_idx", "keep_until"),
)
"""`file` is emptied once the authority has it and the log has its digest; the whole row goes after `keep_until`."""

answers = Table(
    "report_answers",
    metadata,
    Column("case_id", LargeBinary, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("sentence", Text),
    Column("at_ms", BigInteger, nullable=False),
    PrimaryKeyConstraint("case_id", "number"),
)
"""What an authority says of a case to whoever holds its code; insert-only, `number` counts from 1."""

salts = Table(
    "report_salts",
    metadata,
    Column("day", BigInteger, primary_key=True, autoincrement=False),
    Column("salt", LargeBinary, nullable=False),
)

counts = Table(
    "report_counts",
    metadata,
    Column("day", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("who", LargeBinary, nullable=False),
    Column("count", BigInteger, nullable=False),
    PrimaryKeyConstraint("day", "kind", "who"),
)
"""How often a caller, or what a code names, has been counted on a day; `who` is a hash with the day's salt."""
