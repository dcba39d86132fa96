"""What auditors ask for, in a database of its own."""
