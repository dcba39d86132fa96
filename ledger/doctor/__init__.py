"""Reads everything again and compares it with the leaves; builds derived rows anew."""
