"""Style and script of the office's pages; a package, so that they are shipped."""
