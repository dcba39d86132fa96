"""Tables that let people find an instrument or a site without a code. All of it follows from the leaves.

They lie in a database of their own, as the auditors' catalogue does: a search costs the log nothing, and the tables
may be thrown away and made again. Texts are folded by `core.instrument.normalise_for_search`, so that a comparison
of bytes compares what people see; what is shown is read from the log, never from here.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
)

from ledger.store.derived import make_head, make_meta

metadata: Final = MetaData()

meta = make_meta("search", metadata)
head = make_head("search", metadata)

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
