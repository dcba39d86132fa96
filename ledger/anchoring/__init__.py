"""A log on a chain: its contract, and the sender of its checkpoints."""
