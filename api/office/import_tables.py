"""Files that were uploaded to be issued: as they came, what was found, and what became of them.

They hold personal data in the clear, so that a file is kept only until it was issued or dropped.
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
    Column("raw", LargeBinary),
    Column("common", LargeBinary),
    Column("state", Text, CheckConstraint("state IN ('checked', 'issued', 'dropped')"), nullable=False),
    Column("summary", LargeBinary, nullable=False),
    Column("errors", LargeBinary),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
    Index("office_imports_tenant_idx", "tenant", "created_at_ms"),
)
"""`summary` is JSON of our own, `errors` the workbook of errors."""
