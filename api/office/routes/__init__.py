"""What an office does when it is asked: one file for each thing it keeps, each with a list of its operations."""
