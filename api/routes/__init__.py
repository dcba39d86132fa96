"""One file a resource: parse, call, answer."""
