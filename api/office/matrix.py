"""Writes the authorisation matrix into this folder's README, made from the operations; a test compares.

>>> main(["--check"])
0
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from api.office.application import OPERATIONS
from api.office.operations import render_matrix

README: Final = Path(__file__).resolve().parent / "README.md"
_BEGIN: Final = "<!-- matrix: made by `python -m api.office.matrix` -->\n"
_END: Final = "<!-- end of the matrix -->"


def place_matrix(readme: str) -> str:
    """Return a README with the matrix in its place."""
    before, _, rest = readme.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}{render_matrix(OPERATIONS)}\n{_END}{after}"


def main(arguments: Sequence[str]) -> int:
    """Write the matrix, or with `--check` only say whether it differs; return the exit code."""
    present = README.read_text(encoding="utf-8")
    wanted = place_matrix(present)
    if present == wanted:
        return 0
    if "--check" in arguments:
        sys.stderr.write("the matrix is not what the operations say: run python -m api.office.matrix\n")
        return 1
    README.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
