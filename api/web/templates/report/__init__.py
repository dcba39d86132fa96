"""Pages about reports of consumers; a package, so that they are shipped."""
