"""Every table of a watch's own database; `watch_queries` creates them.

It is a database and not a file that is replaced whole, because it grows with every statement of one's own: what one
round has checked is added in a transaction, and a watch that is killed between two of them goes on after the last.
"""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, LargeBinary, MetaData, Table, Text

watch_metadata: Final = MetaData()

watch_meta: Final = Table(
    "watch_meta",
    watch_metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
"""Format, and the log: its origin and key."""

watch_notes: Final = Table(
    "watch_notes",
    watch_metadata,
    Column("tree_size", BigInteger, primary_key=True, autoincrement=False),
    Column("root_hash", LargeBinary, primary_key=True),
    Column("note", Text, nullable=False),
    Column("followed", Boolean, nullable=False),
)
"""Every checkpoint that the log has signed and this watch has seen; `followed`: it extends all that was before."""

watch_leaves: Final = Table(
    "watch_leaves",
    watch_metadata,
    Column("leaf_index", BigInteger, primary_key=True, autoincrement=False),
    Column("leaf", LargeBinary, nullable=False),
    Column("own", Boolean, nullable=False),
    sqlite_with_rowid=False,
)
"""Leaves that are proved: one's own statements, and others that the status map has named."""

watch_sought: Final = Table(
    "watch_sought",
    watch_metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("searched", BigInteger, nullable=False),
)
"""Statements whose leaf is not known yet: SHA-256, and how many leaves do not hold them."""
