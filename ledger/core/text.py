"""Which characters a text may hold: one set, written out, for documents, statements and nameplates alike.

What a language's own library calls printable, or white space, changes with its version of Unicode; what
verifies must not. So both sets stand here, and `ledger/core/README.md` §1 lists them for other languages.

>>> has_forbidden_character("SN\u202e1"), has_outer_space("SN1\u3000")
(True, True)
"""

import re
from typing import Final

FORBIDDEN_CHARACTERS: Final = (
    "\x00-\x1f\x7f-\x9f"  # control characters
    "\u2028\u2029"  # line and paragraph separators
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # what changes the direction of writing
    "\ud800-\udfff"  # halves of surrogate pairs
)
"""Ranges of a regular expression's character class."""

WHITE_SPACE: Final = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f\x20\x85\xa0\u1680"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
"""No text begins or ends with one of these."""

_FORBIDDEN: Final = re.compile(f"[{FORBIDDEN_CHARACTERS}]")


def is_plain(text: str) -> bool:
    """Answer quickly: a text of which this is true has neither of the faults below; others may be good too.

    In every version of Unicode the one white space among the printable characters is U+0020, and no forbidden
    character is printable.
    """
    return text.isprintable() and text.strip(" ") == text


def has_forbidden_character(text: str) -> bool:
    """Say whether a text holds a control, direction or surrogate character, or breaks its line."""
    return not text.isprintable() and _FORBIDDEN.search(text) is not None


def has_outer_space(text: str) -> bool:
    """Say whether a text begins or ends with white space."""
    return text != text.strip(WHITE_SPACE)
