"""Every table of the log's database, and nothing else; `migrations` creates them.

Entries, checkpoints, cosignatures, documents, what each batch replaced in the status map and the moves of anchors
are insert-only, guarded by triggers. Tiles, subjects, the map's pages and what was replaced are derived: they
follow from the entries. Bytes are bytes; instants are milliseconds since 1970-01-01 UTC, in columns that end in
`_ms`.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)

INSERT_ONLY: Final = (
    "entries",
    "checkpoints",
    "documents",
    "withheld_documents",
    "replaced_states",
    "cosignatures",
    "anchor_moves",
)
"""Tables whose rows are never changed or removed; but see `withheld_documents`."""

FIRST_REGISTER_TYPE: Final = 32
LAST_REGISTER_TYPE: Final = 254
"""Event types between these are register events: few, and read again whenever a log is opened."""

_Index = BigInteger().with_variant(Integer, "sqlite")
"""64 bits everywhere; SQLite takes a primary key for its row id only under the name INTEGER."""

meta = Table(
    "meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
"""What this database was made for: format version, origin, chain."""

entries = Table(
    "entries",
    metadata,
    Column("leaf_index", _Index, primary_key=True, autoincrement=False),
    Column("statement_name", LargeBinary, nullable=False, unique=True),
    Column("leaf", LargeBinary, nullable=False),
    Column("type", SmallInteger, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("number", Text),
    UniqueConstraint("issuer", "number"),
)
"""Leaves in their order. Whatever else is asked of a leaf stands in its header: a further index would cost a
page written for each leaf."""
Index(
    "entries_register_idx",
    entries.c.leaf_index,
    sqlite_where=entries.c.type.between(FIRST_REGISTER_TYPE, LAST_REGISTER_TYPE),
    postgresql_where=entries.c.type.between(FIRST_REGISTER_TYPE, LAST_REGISTER_TYPE),
)

documents = Table(
    "documents",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)
"""Published bytes of certificates under their SHA-256; empty where they are withheld."""

withheld_documents = Table(
    "withheld_documents",
    metadata,
    Column("digest", LargeBinary, ForeignKey("documents.digest"), primary_key=True),
    Column("grounds", Text, nullable=False),
    Column("withheld_at_ms", BigInteger, nullable=False),
    Column("related", LargeBinary, nullable=False),
)
"""Documents whose bytes the law withholds, and on what grounds; triggers let the body of no others be emptied."""

tiles = Table(
    "tiles",
    metadata,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("tile_index", _Index, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),
)
"""1 to 256 hashes of 32 bytes each, see `core.tiles`; a partial tile is replaced as it grows."""

subjects = Table(
    "subjects",
    metadata,
    Column("subject", LargeBinary, primary_key=True),
    Column("status", SmallInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("last_event", BigInteger, nullable=False),
    Column("current_certificate", BigInteger),
    sqlite_with_rowid=False,
)
"""Newest state of every subject."""

map_pages = Table(
    "map_pages",
    metadata,
    Column("depth", SmallInteger, primary_key=True, autoincrement=False),
    Column("prefix", Integer, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""Hashes of the newest status map's pages, see `core.status_map`; the subjects themselves are the last page."""

replaced_states = Table(
    "replaced_states",
    metadata,
    Column("tree_size", _Index, primary_key=True, autoincrement=False),
    Column("states", LargeBinary, nullable=False),
)
"""By the size of its checkpoint, what a batch replaced in the status map: the way back to older maps."""

head = Table(
    "head",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="single"), primary_key=True, autoincrement=False),
    Column("tree_size", BigInteger, nullable=False),
    Column("root_hash", LargeBinary, nullable=False),
    Column("sequenced_at_ms", BigInteger, nullable=False),
)
"""The one newest tree head, replaced by compare-and-swap."""

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("tree_size", _Index, primary_key=True, autoincrement=False),
    Column("root_hash", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),
    Column("signed_at_ms", BigInteger, nullable=False),
)
"""Every signed tree head."""

Index("checkpoints_signed_at_idx", checkpoints.c.signed_at_ms, checkpoints.c.tree_size)

cosignatures = Table(
    "cosignatures",
    metadata,
    Column("tree_size", _Index, ForeignKey("checkpoints.tree_size"), primary_key=True, autoincrement=False),
    Column("witness", Text, primary_key=True),
    Column("cosigned_at", BigInteger, primary_key=True, autoincrement=False),
    Column("signature", LargeBinary, nullable=False),
)
"""What witnesses have signed of checkpoints, verified: vkey, POSIX seconds, and the 72 bytes of time and signature
of an Ed25519 key or the 96 bytes of a BLS key."""

anchors = Table(
    "anchors",
    metadata,
    Column("id", _Index, primary_key=True),
    Column("tree_size", _Index, ForeignKey("checkpoints.tree_size"), nullable=False, unique=True),
    Column("root_hash", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("tx_hash", LargeBinary),
    Column("block_number", BigInteger),
    Column("block_hash", LargeBinary),
    Column("block_time", BigInteger),
    Column("receipt", LargeBinary),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
)
"""Outbox of tree heads that go to the chain; `block_time` is in the chain's whole seconds."""

anchor_attempts = Table(
    "anchor_attempts",
    metadata,
    Column("tx_hash", LargeBinary, primary_key=True),
    Column("anchor_id", _Index, ForeignKey("anchors.id"), nullable=False),
    Column("nonce", BigInteger, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("max_fee_per_gas", BigInteger, nullable=False),
    Column("priority_fee_per_gas", BigInteger),
    Column("created_at_ms", BigInteger, nullable=False),
)
"""Signed transactions, stored before they are sent.

Fees are in wei; there is no priority fee where blocks have no base fee."""

anchor_moves = Table(
    "anchor_moves",
    metadata,
    Column("id", _Index, primary_key=True),
    Column("anchor_id", _Index, ForeignKey("anchors.id"), nullable=False),
    Column("tree_size", _Index, nullable=False),
    Column("state", Text, nullable=False),
    Column("tx_hash", LargeBinary),
    Column("block_number", BigInteger),
    Column("block_hash", LargeBinary),
    Column("reason", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)
"""Every move of every anchor, with the transaction and the block that it is about."""

conditions = Table(
    "conditions",
    metadata,
    Column("name", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("en", Text, nullable=False),
    Column("zh", Text, nullable=False),
    Column("value", Text),
    Column("at_ms", BigInteger, nullable=False),
)
"""What the ledger's process found out last, for other processes and the next start; see `store.conditions`."""
