"""Finding instruments and sites without a code."""
