"""Table of what a desk has said beside documents and acts on them: registrations, rolls, stickers.

It stands in the desk's database and is made when it is first used, see `instrument_store`.
"""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, LargeBinary, MetaData, Table, Text

metadata = MetaData()

sayings = Table(
    "desk_sayings",
    metadata,
    Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("type", Integer, nullable=False),
    Column("subject", LargeBinary, nullable=False),
    Column("place", LargeBinary),
    Column("state", Text, CheckConstraint("state IN ('signed', 'logged', 'voided')"), nullable=False),
    Column("statement", LargeBinary, nullable=False),
    Column("leaf_index", BigInteger, unique=True),
    Column("reason", Text),
    Column("changed_at_ms", BigInteger, nullable=False),
    CheckConstraint("(state = 'logged') = (leaf_index IS NOT NULL)", name="sayings_logged_has_index"),
    CheckConstraint("(state = 'voided') = (reason IS NOT NULL)", name="sayings_voided_has_reason"),
    Index("desk_sayings_subject_idx", "subject", "position"),
    Index("desk_sayings_type_idx", "type", "position"),
    Index("desk_sayings_place_idx", "place", "position"),
)
"""Every statement that was signed, in the order of signing: `position` counts from 1.

`type` is that of the event, `place` where on an instrument a sticker stands.
"""

photos = Table(
    "desk_photos",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)
"""Photographs that the newest registrations name, under their SHA-256: each goes in with every later version."""
