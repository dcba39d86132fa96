"""Tables of what scans suggest about stickers, in the database of an authority's desk: notes and what was done.

Steps and areas are insert-only: what was decided, by whom, when and why. Nothing here is about whoever scanned.
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
_Position = BigInteger().with_variant(Integer, "sqlite")

notes = Table(
    "desk_copy_notes",
    metadata,
    Column("position", _Position, primary_key=True, autoincrement=False),
    Column("finding", LargeBinary, nullable=False, unique=True),
    Column("authority", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("institution", Text),
    Column("instrument", LargeBinary),
    Column("part", Text),
    Column("is_mobile", Boolean, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("found_at_ms", BigInteger, nullable=False),
    Column("renewed_at_ms", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Index("desk_copy_notes_state_idx", "authority", "state", "position"),
    Index("desk_copy_notes_renewed_idx", "authority", "renewed_at_ms"),
)
"""`finding` is the site's id of it; `state` is that of the newest step."""

steps = Table(
    "desk_copy_steps",
    metadata,
    Column("finding", LargeBinary, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("is_sent", Boolean, nullable=False),
    PrimaryKeyConstraint("finding", "number"),
    Index("desk_copy_steps_sent_idx", "is_sent"),
)

areas = Table(
    "desk_copy_areas",
    metadata,
    Column("position", _Position, primary_key=True, autoincrement=False),
    Column("authority", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("south", BigInteger, nullable=False),
    Column("west", BigInteger, nullable=False),
    Column("km", BigInteger, nullable=False),
    Column("person", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("is_sent", Boolean, nullable=False),
    Index("desk_copy_areas_sent_idx", "authority", "is_sent"),
)
"""Where the instruments of stickers belong; of one sticker the newest row holds."""
