"""Documents whose content the law withholds: the row stays, its bytes go, and why is written beside it.

Revision ID: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_IS_WITHHELD = "EXISTS (SELECT 1 FROM withheld_documents WHERE digest = OLD.digest)"


def upgrade() -> None:
    op.create_table(
        "withheld_documents",
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("grounds", sa.Text, nullable=False),
        sa.Column("withheld_at_ms", sa.BigInteger, nullable=False),
        sa.Column("related", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="withheld_documents_pkey"),
        sa.ForeignKeyConstraint(["digest"], ["documents.digest"], name="withheld_documents_digest_fkey"),
    )
    if op.get_bind().dialect.name == "sqlite":
        _guard_in_sqlite()
    else:
        _guard_in_postgresql()


def downgrade() -> None:
    raise NotImplementedError("what the law withholds does not come back")


def _guard_in_sqlite() -> None:
    """Let an update pass that empties the body of what stands among the withheld, and no other."""
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER withheld_documents_no_{change.lower()} BEFORE {change} ON withheld_documents "
            "BEGIN SELECT RAISE(ABORT, 'withheld_documents is insert-only'); END"
        )
    op.execute("DROP TRIGGER documents_no_update")
    op.execute(
        "CREATE TRIGGER documents_no_update BEFORE UPDATE ON documents "
        f"WHEN NEW.digest IS NOT OLD.digest OR length(NEW.body) IS NOT 0 OR NOT {_IS_WITHHELD} "
        "BEGIN SELECT RAISE(ABORT, 'documents is insert-only'); END"
    )


def _guard_in_postgresql() -> None:
    """Do the same; only a trigger for each row sees what it would become."""
    _make_trigger(
        "withheld_documents",
        "insert_only",
        "UPDATE OR DELETE OR TRUNCATE",
        "RAISE EXCEPTION 'withheld_documents is insert-only';",
    )
    op.execute("DROP TRIGGER documents_insert_only ON documents")
    op.execute(
        "CREATE TRIGGER documents_insert_only BEFORE DELETE OR TRUNCATE ON documents "
        "EXECUTE FUNCTION documents_refuse_change()"
    )
    _make_trigger(
        "documents",
        "withheld_only",
        "UPDATE",
        f"IF NEW.digest = OLD.digest AND length(NEW.body) = 0 AND {_IS_WITHHELD} THEN RETURN NEW; END IF; "
        "RAISE EXCEPTION 'documents is insert-only';",
        each="ROW",
    )


def _make_trigger(table: str, name: str, changes: str, body: str, each: str = "STATEMENT") -> None:
    op.execute(f"CREATE FUNCTION {table}_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$")
    op.execute(
        f"CREATE TRIGGER {table}_{name} BEFORE {changes} ON {table} "
        f"FOR EACH {each} EXECUTE FUNCTION {table}_{name}()"
    )
