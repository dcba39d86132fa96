"""Tables of scans, in the database of the site's reports: counts, coarse places, findings, what came of them.

No address, no device, no place finer than a tenth of a degree and no time finer than an hour is in any of them. The
public site writes all but answers and areas, which authorities' desks write. Days and hours are counted since
1970-01-01 UTC, instants are milliseconds since then.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)

metadata = MetaData()

meta = Table(
    "scan_meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
"""Format version, and the origin of the log."""

counts = Table(
    "scan_counts",
    metadata,
    Column("day", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("scans", BigInteger, nullable=False),
    Column("callers", BigInteger, nullable=False),
    Column("standing", Text, nullable=False),
    Column("is_mobile", Boolean, nullable=False),
    PrimaryKeyConstraint("day", "kind", "code"),
    Index("scan_counts_code_idx", "kind", "code"),
)
"""Pages that were handed out; of ids that nobody was given only the roll is kept, as `code`."""

places = Table(
    "scan_places",
    metadata,
    Column("kind", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("hour", BigInteger, nullable=False),
    Column("south", BigInteger, nullable=False),
    Column("west", BigInteger, nullable=False),
    Column("callers", BigInteger, nullable=False),
    PrimaryKeyConstraint("kind", "code", "hour", "south", "west"),
    Index("scan_places_hour_idx", "hour"),
)
"""Where people said they were, to a tenth of a degree; a caller counts once a day and code."""

findings = Table(
    "scan_findings",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("authority", Text, nullable=False),
    Column("institution", Text),
    Column("instrument", LargeBinary),
    Column("part", Text),
    Column("is_mobile", Boolean, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("found_at_ms", BigInteger, nullable=False),
    Column("renewed_at_ms", BigInteger, nullable=False),
    Index("scan_findings_code_idx", "kind", "code"),
    Index("scan_findings_authority_idx", "authority", "renewed_at_ms"),
)
"""One for each code and rule until a person has dismissed it; `evidence` as `evidence.py` writes it."""

answers = Table(
    "scan_answers",
    metadata,
    Column("finding", LargeBinary, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    PrimaryKeyConstraint("finding", "number"),
)
"""What persons at a desk made of a finding; insert-only, `number` counts from 1. Who and why: kept there."""

areas = Table(
    "scan_areas",
    metadata,
    Column("authority", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("south", BigInteger, nullable=False),
    Column("west", BigInteger, nullable=False),
    Column("km", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    PrimaryKeyConstraint("authority", "code"),
)
"""Where the instrument of a sticker belongs, as an authority has entered it; no ledger has it."""
