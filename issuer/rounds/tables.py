"""Tables of rounds, in the desk's own database, made when they are first used.

A finding's bytes and its signature never change; its row says besides what became of it.
"""

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
    UniqueConstraint,
)

metadata = MetaData()
_Position = BigInteger().with_variant(Integer, "sqlite")
STATES: Final = ("drafted", "held", "replaced")
STICKER_STATES: Final = ("waiting", "bound", "refused", "dropped")

devices = Table(
    "desk_round_devices",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("key", Text, nullable=False, unique=True),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("revoked_at_ms", BigInteger),
    Column("revoked_by", Text),
)
"""Devices of operators; `key` is a multikey of P-256 whose private half never leaves the device."""

rounds = Table(
    "desk_rounds",
    metadata,
    Column("position", _Position, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    Column("content", LargeBinary, nullable=False),
    Column("private", LargeBinary, nullable=False),
    Column("person", Text, nullable=False),
    Column("prepared_at_ms", BigInteger, nullable=False),
)
"""Rounds as devices get them; `private` has by item what they do not get."""

findings = Table(
    "desk_round_findings",
    metadata,
    Column("position", _Position, primary_key=True, autoincrement=False),
    Column("round", Text, nullable=False),
    Column("device", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("instrument", LargeBinary, nullable=False),
    Column("person", Text, nullable=False),
    Column("verified_on", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("received_at_ms", BigInteger, nullable=False),
    Column("state", Text, CheckConstraint("state IN ('drafted', 'held', 'replaced')"), nullable=False),
    Column("draft", BigInteger),
    Column("remarks", LargeBinary, nullable=False),
    UniqueConstraint("round", "device", "item", "revision", name="desk_round_findings_once"),
    Index("desk_round_findings_instrument_idx", "instrument"),
    CheckConstraint("state <> 'drafted' OR draft IS NOT NULL", name="desk_round_findings_drafted"),
)
"""What devices brought back. `remarks` is JSON: reasons why a finding is held, and flags such as a wrong clock."""

stickers = Table(
    "desk_round_stickers",
    metadata,
    Column("position", _Position, primary_key=True, autoincrement=False),
    Column("draft", BigInteger, nullable=False),
    Column("sticker", Text, nullable=False),
    Column("part", Text),
    Column("put_on_ms", BigInteger, nullable=False),
    Column(
        "state", Text, CheckConstraint("state IN ('waiting', 'bound', 'refused', 'dropped')"), nullable=False
    ),
    Column("remarks", LargeBinary, nullable=False),
    Column("leaf_index", BigInteger),
    CheckConstraint("(state = 'bound') = (leaf_index IS NOT NULL)", name="desk_round_stickers_bound"),
    Index("desk_round_stickers_draft_idx", "draft"),
    Index("desk_round_stickers_state_idx", "state"),
)
"""Stickers that were put on, by the drafts that findings became; `remarks` as in findings."""
