"""Files that were uploaded to be issued: as they came, what was found, and what became of them.

They hold personal data in the clear, so that a file is kept only until it was issued, became drafts or was dropped;
what was found in it is dropped after a while too, see `tidying`.
"""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, LargeBinary, Table, Text

from api.office.tables import metadata

imports = Table(
    "office_imports",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("raw", LargeBinary),
    Column("common", LargeBinary),
    Column(
        "state", Text, CheckConstraint("state IN ('checked', 'issued', 'drafted', 'dropped')"), nullable=False
    ),
    Column("summary", LargeBinary, nullable=False),
    Column("errors", LargeBinary),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
    Column("done_by", Text),
    Column("tidied_at_ms", BigInteger),
    Index("office_imports_tenant_idx", "tenant", "created_at_ms"),
    Index("office_imports_changed_idx", "changed_at_ms"),
)
"""`digest` is SHA-256 of the file, `summary` JSON of our own, `errors` the workbook of errors, `done_by` the
account that issued it or made drafts of it. Once tidied, no name, bytes or text of the file are left."""
