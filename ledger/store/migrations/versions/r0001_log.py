"""The log: every table, the empty tree head, and the triggers that keep what was written.

Revision ID: 0001
"""

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_INSERT_ONLY = ("entries", "checkpoints", "documents", "replaced_states", "cosignatures", "anchor_moves")
_Index = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    _create_log()
    _create_derived()
    _create_anchors()
    _create_records()
    for table in _INSERT_ONLY:
        for statement in _write_triggers(table):
            op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("a log is not taken back to nothing")


def _create_log() -> None:
    op.create_table(
        "meta",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("key", name="meta_pkey"),
    )
    op.create_table(
        "entries",
        sa.Column("leaf_index", _Index, autoincrement=False, nullable=False),
        sa.Column("statement_name", sa.LargeBinary, nullable=False),
        sa.Column("leaf", sa.LargeBinary, nullable=False),
        sa.Column("type", sa.SmallInteger, nullable=False),
        sa.Column("issuer", sa.Text, nullable=False),
        sa.Column("number", sa.Text),
        sa.PrimaryKeyConstraint("leaf_index", name="entries_pkey"),
        sa.UniqueConstraint("statement_name", name="entries_statement_name_key"),
        sa.UniqueConstraint("issuer", "number", name="entries_issuer_number_key"),
    )
    registers = sa.text("type BETWEEN 32 AND 254")
    op.create_index(
        "entries_register_idx", "entries", ["leaf_index"], sqlite_where=registers, postgresql_where=registers
    )
    op.create_table(
        "documents",
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="documents_pkey"),
    )
    op.create_table(
        "checkpoints",
        sa.Column("tree_size", _Index, autoincrement=False, nullable=False),
        sa.Column("root_hash", sa.LargeBinary, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("signed_at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tree_size", name="checkpoints_pkey"),
    )
    op.create_index("checkpoints_signed_at_idx", "checkpoints", ["signed_at_ms", "tree_size"])
    op.create_table(
        "cosignatures",
        sa.Column("tree_size", _Index, autoincrement=False, nullable=False),
        sa.Column("witness", sa.Text, nullable=False),
        sa.Column("cosigned_at", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("tree_size", "witness", "cosigned_at", name="cosignatures_pkey"),
        sa.ForeignKeyConstraint(["tree_size"], ["checkpoints.tree_size"], name="cosignatures_tree_size_fkey"),
    )
    head = op.create_table(
        "head",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("tree_size", sa.BigInteger, nullable=False),
        sa.Column("root_hash", sa.LargeBinary, nullable=False),
        sa.Column("sequenced_at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="head_pkey"),
        sa.CheckConstraint("id = 1", name=op.f("head_single_check")),
    )
    empty_root = hashlib.sha256().digest()
    op.bulk_insert(head, [{"id": 1, "tree_size": 0, "root_hash": empty_root, "sequenced_at_ms": 0}])


def _create_derived() -> None:
    op.create_table(
        "tiles",
        sa.Column("level", sa.SmallInteger, autoincrement=False, nullable=False),
        sa.Column("tile_index", _Index, autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("level", "tile_index", name="tiles_pkey"),
    )
    op.create_table(
        "subjects",
        sa.Column("subject", sa.LargeBinary, nullable=False),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("last_event", sa.BigInteger, nullable=False),
        sa.Column("current_certificate", sa.BigInteger),
        sa.PrimaryKeyConstraint("subject", name="subjects_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "map_pages",
        sa.Column("depth", sa.SmallInteger, autoincrement=False, nullable=False),
        sa.Column("prefix", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("depth", "prefix", name="map_pages_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "replaced_states",
        sa.Column("tree_size", _Index, autoincrement=False, nullable=False),
        sa.Column("states", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("tree_size", name="replaced_states_pkey"),
    )


def _create_anchors() -> None:
    op.create_table(
        "anchors",
        sa.Column("id", _Index, nullable=False),
        sa.Column("tree_size", _Index, nullable=False),
        sa.Column("root_hash", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("tx_hash", sa.LargeBinary),
        sa.Column("block_number", sa.BigInteger),
        sa.Column("block_hash", sa.LargeBinary),
        sa.Column("block_time", sa.BigInteger),
        sa.Column("receipt", sa.LargeBinary),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="anchors_pkey"),
        sa.UniqueConstraint("tree_size", name="anchors_tree_size_key"),
        sa.ForeignKeyConstraint(["tree_size"], ["checkpoints.tree_size"], name="anchors_tree_size_fkey"),
    )
    op.create_table(
        "anchor_attempts",
        sa.Column("tx_hash", sa.LargeBinary, nullable=False),
        sa.Column("anchor_id", _Index, nullable=False),
        sa.Column("nonce", sa.BigInteger, nullable=False),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        sa.Column("max_fee_per_gas", sa.BigInteger, nullable=False),
        sa.Column("priority_fee_per_gas", sa.BigInteger),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tx_hash", name="anchor_attempts_pkey"),
        sa.ForeignKeyConstraint(["anchor_id"], ["anchors.id"], name="anchor_attempts_anchor_id_fkey"),
    )


def _create_records() -> None:
    op.create_table(
        "anchor_moves",
        sa.Column("id", _Index, nullable=False),
        sa.Column("anchor_id", _Index, nullable=False),
        sa.Column("tree_size", _Index, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("tx_hash", sa.LargeBinary),
        sa.Column("block_number", sa.BigInteger),
        sa.Column("block_hash", sa.LargeBinary),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="anchor_moves_pkey"),
        sa.ForeignKeyConstraint(["anchor_id"], ["anchors.id"], name="anchor_moves_anchor_id_fkey"),
    )
    op.create_table(
        "conditions",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("en", sa.Text, nullable=False),
        sa.Column("zh", sa.Text, nullable=False),
        sa.Column("value", sa.Text),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="conditions_pkey"),
    )


def _write_triggers(table: str) -> list[str]:
    """Return the statements that make a table insert-only."""
    if op.get_bind().dialect.name == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is insert-only'); END"
            for change in ("UPDATE", "DELETE")
        ]
    function = f"{table}_refuse_change"
    body = f"BEGIN RAISE EXCEPTION '{table} is insert-only'; END"
    changes = "UPDATE OR DELETE OR TRUNCATE"
    return [
        f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$",
        f"CREATE TRIGGER {table}_insert_only BEFORE {changes} ON {table} EXECUTE FUNCTION {function}()",
    ]
