"""Reading files that others made, in a process that can do nothing else: see `runner`."""
