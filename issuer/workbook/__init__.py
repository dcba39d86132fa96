"""XLSX files, read by nothing but the standard library: cells as they are typed, formatted and shown."""
