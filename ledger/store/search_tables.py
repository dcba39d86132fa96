"""Tables that let people find an instrument or a site without a code. All of it follows from the leaves.

They lie in a database of their own, as the auditors' catalogue does: a search costs the log nothing, and the tables
may be thrown away and made again. Texts are folded by `core.instrument.normalise_for_search`, so that a comparison
of bytes compares what people see; what is shown is read from the log, never from here.
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
    SmallInteger,
    Table,
    Text,
)

metadata: Final = MetaData()

meta = Table(
    "search_meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
"""What this database was made for: format version, origin of the log."""

head = Table(
    "search_head",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    Column("tree_size", BigInteger, nullable=False),
    Column("last_leaf", LargeBinary, nullable=False),
)
"""How many leaves have been taken, and SHA-256 of the last of them."""

plates = Table(
    "search_plates",
    metadata,
    Column("instrument", LargeBinary, primary_key=True),
    Column("maker", Text, primary_key=True),
    Column("serial", Text, primary_key=True),
    Column("category", SmallInteger, nullable=False),
    Column("source", BigInteger, nullable=False),
    Index("search_plates_serial_idx", "serial"),
)
"""Every reading of a nameplate, folded, and the newest leaf that has it: a document or a registration."""

sites = Table(
    "search_sites",
    metadata,
    Column("subject", LargeBinary, primary_key=True),
    Column("keeper", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("division", Text, nullable=False),
    Column("is_open", SmallInteger, nullable=False),
    Index("search_sites_division_idx", "division"),
)
"""The newest entry of every site; names are folded, an English one that is not there is empty."""

listed = Table(
    "search_listed",
    metadata,
    Column("instrument", LargeBinary, primary_key=True),
    Column("site", LargeBinary, primary_key=True),
    Index("search_listed_site_idx", "site"),
)
"""Which instruments the newest entry of a site names."""
