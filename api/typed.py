"""What people type, as it is printed: keyboards of Chinese and phones give other forms of the same letters.

>>> fold_typed("Ｙ０Ｅ５－Ｑ０ＢＶ — PKA4 86WB")
'Y0E5-Q0BV-PKA486WB'
"""

import unicodedata
from typing import Final

_DASHES: Final = dict.fromkeys(map(ord, "‐‑‒–—―−ー"), "-")


def fold_width(text: str) -> str:
    """Return digits and letters in their plain forms, and every dash as a hyphen; blanks stay."""
    return unicodedata.normalize("NFKC", text).translate(_DASHES)


def fold_typed(text: str) -> str:
    """Return a code as it is printed: full-width forms become plain ones, every dash a hyphen, no blanks.

    Only for what has a check symbol, or is looked up whole: it makes different texts equal.
    """
    return "".join(fold_width(text).split())
