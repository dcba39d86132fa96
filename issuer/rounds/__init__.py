"""The round: a day's list of instruments that a device takes along, and the findings that it brings back."""
