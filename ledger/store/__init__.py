"""The database of the log: tables, transactions and named queries."""
