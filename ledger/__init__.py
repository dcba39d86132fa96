"""The append-only ledger: pure core, log, store, chain."""
