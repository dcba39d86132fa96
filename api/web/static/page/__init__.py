"""Scripts of the verdict page; a package, so that they are shipped."""
