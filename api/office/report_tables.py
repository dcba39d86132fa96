"""Tables of the reports that an authority has fetched, in the database of its own desk.

What people have written stays sealed here too; it is opened for one look, by the passphrase of whoever looks.
Steps are insert-only: what was done, by whom and when, and who has opened the report. Both go when it is forgotten.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
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

cases = Table(
    "desk_report_cases",
    metadata,
    Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("case_id", LargeBinary, nullable=False, unique=True),
    Column("authority", Text, nullable=False),
    Column("route", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("institution", Text),
    Column("instrument", LargeBinary),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("file", LargeBinary, nullable=False),
    Column("sent_at_ms", BigInteger, nullable=False),
    Column("keep_until", BigInteger, nullable=False),
    Column("leaf_index", BigInteger),
    Column("state", Text, nullable=False),
    Index("desk_report_cases_state_idx", "authority", "state", "position"),
)
"""`state` is that of the newest step that changes one; `leaf_index` is where the log has the digest."""

steps = Table(
    "desk_report_steps",
    metadata,
    Column("case_id", LargeBinary, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("what", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("sentence", Text),
    Column("note", Text),
    Column("at_ms", BigInteger, nullable=False),
    Column("is_sent", Boolean, nullable=False),
    PrimaryKeyConstraint("case_id", "number"),
    Index("desk_report_steps_sent_idx", "is_sent"),
)
"""`what` is a state, or `opened`; `sentence` is for whoever holds the case code, `note` for colleagues only."""
