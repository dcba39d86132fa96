"""Pages of the office; a package, so that they are shipped."""
