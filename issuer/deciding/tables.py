"""Table of what an authority has decided at its desk, in a database of its own home.

It is made when it is first used. Grounds in words, and who decided, are kept here and nowhere else: what is logged
is never erased, and holds codes only.
"""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, LargeBinary, MetaData, Table, Text

metadata = MetaData()

decisions = Table(
    "desk_decisions",
    metadata,
    Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("taken_together", BigInteger, nullable=False),
    Column("type", Integer, nullable=False),
    Column("subject", LargeBinary, nullable=False),
    Column("label", Text, nullable=False),
    Column("ground", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("state", Text, CheckConstraint("state IN ('signed', 'logged', 'voided')"), nullable=False),
    Column("statement", LargeBinary, nullable=False),
    Column("leaf_index", BigInteger, unique=True),
    Column("reason", Text),
    Column("reason_zh", Text),
    Column("decided_at_ms", BigInteger, nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
    CheckConstraint("(state = 'logged') = (leaf_index IS NOT NULL)", name="decisions_logged_has_index"),
    CheckConstraint("(state = 'voided') = (reason IS NOT NULL)", name="decisions_voided_has_reason"),
    Index("desk_decisions_together_idx", "taken_together", "position"),
)
"""Every statement in the order of signing: `position` counts from 1.

`taken_together` is the first position of what was decided in one go, `label` what it is about, in words.
"""
