"""The one page and its style sheet; a package, so that they are shipped."""
