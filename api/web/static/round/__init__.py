"""The page that works at the petrol station; a package, so that it is shipped."""
