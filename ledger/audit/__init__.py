"""Audits of a published log from public data alone: every file, every leaf, on anybody's machine."""
