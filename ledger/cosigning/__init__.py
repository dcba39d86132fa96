"""The log's side of witnessing: whom it asks, what it publishes, what they have seen."""
