"""What stands against a code on its page: a hint while a finding is open, amber once a person has confirmed it.

>>> choose_mark(CodeKind.STICKER, [(Rule.TRAVEL, FindingState.OPEN)])
<CopyMark.SUSPECTED: 'suspected'>
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from api.copies.findings import FindingState
from api.copies.rules import CodeKind, Rule


class CopyMark(StrEnum):
    """What a page says of copies of its code."""

    OUTSIDE = "outside"
    """Open: scanned away from where the instrument stands."""
    SUSPECTED = "suspected"
    """Open: scanned at places far apart."""
    CONFIRMED = "confirmed"
    """A person at the authority says that it was copied."""


_HINTS: Final = {
    Rule.OUTSIDE: CopyMark.OUTSIDE,
    Rule.TRAVEL: CopyMark.SUSPECTED,
    Rule.PLACES: CopyMark.SUSPECTED,
}
_ORDER: Final = tuple(CopyMark)


def choose_mark(kind: CodeKind, found: Iterable[tuple[Rule, FindingState]]) -> CopyMark | None:
    """Return the heaviest mark of a code; None: nothing.

    The code of a document stands on paper and in files, which travel: nothing is hinted before a person has looked.
    """
    marks = []
    for rule, state in found:
        if state is FindingState.CONFIRMED:
            marks.append(CopyMark.CONFIRMED)
        elif state is FindingState.OPEN and kind is CodeKind.STICKER and rule in _HINTS:
            marks.append(_HINTS[rule])
    return max(marks, key=_ORDER.index, default=None)
