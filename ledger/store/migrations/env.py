"""What alembic runs: the revisions, on the connection and in the transaction that `migrate` opened."""

from alembic import context

from ledger.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True
)
context.run_migrations()
