"""A witness: its answers, its copy of a log, its directory."""
