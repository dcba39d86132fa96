"""Pages for people: no script, no cookie, nothing from elsewhere."""
