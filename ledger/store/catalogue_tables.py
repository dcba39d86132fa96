"""Tables of the auditors' catalogue: what they ask for, in columns with indices. All of it follows from the leaves.

They lie in a database of their own: none of their indices costs the log a page when it takes a leaf in, and a
reader of the log need not write to it. Bytes are bytes; instants are milliseconds since 1970-01-01 UTC, in columns
that end in `_ms`; dates are days since 1970-01-01.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    literal_column,
)

from ledger.store.derived import make_head, make_meta

metadata = MetaData()

NEVER: Final = 2**63 - 1
"""End of a period that goes on."""

_Index = BigInteger().with_variant(Integer, "sqlite")

meta = make_meta("audit", metadata)
head = make_head("audit", metadata)

institutions = Table(
    "audit_institutions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("division", Text, nullable=False),
)
"""Where every institution is registered now."""

entries = Table(
    "audit_entries",
    metadata,
    Column("leaf_index", _Index, primary_key=True, autoincrement=False),
    Column("document", BigInteger),
    Column("event", SmallInteger, nullable=False),
    Column("is_void", SmallInteger, nullable=False),
    Column("sequenced_at_ms", BigInteger, nullable=False),
    Column("speaker", Text, nullable=False),
    Column("institution", Text),
    Column("division", Text),
    Column("number", Text),
    Column("instrument", LargeBinary),
    Column("part", Text),
    Column("serial", Text),
    Column("category", SmallInteger),
    Column("conclusion", SmallInteger),
    Column("verified_on", Integer),
    Column("valid_until", Integer),
    Column("validity_kind", SmallInteger),
    Column("reason", Text),
    Column("lot", Text),
    Column("lot_status", Text),
    Column("replaces", Text),
    Column("other_instruments", Text),
    Column("supplement_digest", LargeBinary),
    Column("sticker", Text),
    Column("certificate_digest", LargeBinary),
    Column("statement_digest", LargeBinary, nullable=False),
    Column("document_kind", SmallInteger),
    Index("audit_entries_document_idx", "document", "leaf_index"),
    Index("audit_entries_event_idx", "event", "leaf_index"),
    Index("audit_entries_sequenced_idx", "sequenced_at_ms", "leaf_index"),
    Index("audit_entries_institution_idx", "institution", "leaf_index"),
    Index("audit_entries_division_idx", "division", "leaf_index"),
    Index("audit_entries_category_idx", "category", "leaf_index"),
    Index("audit_entries_verified_idx", "verified_on", "leaf_index"),
)
"""Every leaf but the MAPHEADs.

`document` is the leaf of the issue that an event is about; acts and links repeat what their certificate says of
instrument, category and dates. A lot's event is about no certificate of its own. `division` is that of the
institution when the certificate was issued.
"""

uses = Table(
    "audit_uses",
    metadata,
    Column("used", LargeBinary, primary_key=True),
    Column("document", BigInteger, primary_key=True, autoincrement=False),
)
"""What certificates name: persons, standards, materials, type approvals, by subject, and the leaf of the issue."""

IS_VOID: Final = entries.c.is_void == literal_column("1")
"""As the index has it: SQLite uses a partial index only where the same words stand in a query."""

Index("audit_entries_void_idx", entries.c.leaf_index, sqlite_where=IS_VOID, postgresql_where=IS_VOID)

documents = Table(
    "audit_documents",
    metadata,
    Column("document", _Index, primary_key=True, autoincrement=False),
    Column("subject", LargeBinary, nullable=False),
    Column("name", LargeBinary, nullable=False),
    Column("lot", LargeBinary),
    Column("kind", SmallInteger, nullable=False),
    Index("audit_documents_subject_idx", "subject"),
)
"""Every certificate: its instrument (or part), its own subject, its lot if it has one, and what kind it is."""

relatives = Table(
    "audit_relatives",
    metadata,
    Column("relative", LargeBinary, primary_key=True),
    Column("document", BigInteger, primary_key=True, autoincrement=False),
    Index("audit_relatives_document_idx", "document"),
)
"""Parts that a certificate names, or the whole of which its instrument is one, by subject: they bear on it too."""

_IS_IN_LOT: Final = documents.c.lot.is_not(None)

Index("audit_documents_lot_idx", documents.c.lot, sqlite_where=_IS_IN_LOT, postgresql_where=_IS_IN_LOT)

states = Table(
    "audit_states",
    metadata,
    Column("subject", LargeBinary, primary_key=True),
    Column("status", SmallInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("last_event", BigInteger, nullable=False),
    Column("current_certificate", BigInteger),
    sqlite_with_rowid=False,
)
"""Newest state of every subject, as the fold gives it: what the next leaves are judged by."""

periods = Table(
    "audit_periods",
    metadata,
    Column("document", BigInteger, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("standing", Text, nullable=False),
    PrimaryKeyConstraint("document", "since"),
    Index("audit_periods_standing_idx", "standing", "document"),
    sqlite_with_rowid=False,
)
"""How a certificate stood, from the leaf `since` on, up to and without the leaf `until`; expiry apart.

In a log of n leaves the period with since < n <= until is the one that counts.
"""
