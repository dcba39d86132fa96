"""What whoever has statements in a log checks at each of its checkpoints."""
