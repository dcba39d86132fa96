"""The rules' numbers, each with its reason."""
