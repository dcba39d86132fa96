"""The desk of an authority: what it decides is previewed, signed, kept and handed in."""
