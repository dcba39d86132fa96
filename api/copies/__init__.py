"""Copied stickers: how often and roughly where codes are scanned, what that suggests, what a person made of it."""
