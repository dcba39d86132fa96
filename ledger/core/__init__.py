"""Pure rules and formats: no I/O, no clock, no randomness, no settings."""
