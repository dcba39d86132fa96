"""Counts that a drill wants seen: N of N, in pytest's own summary.

>>> note("1000 bits: 700 found, 300 without effect, 0 missed")
"""

LINES: list[str] = []


def note(line: str) -> None:
    """Show a line at the end of the run, whatever passes or fails."""
    LINES.append(line)
