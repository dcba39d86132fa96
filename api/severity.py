"""How a whole instrument stands, by its own newest document and those of its parts: one rule for pages and lists.

A part may have documents of its own. One that is newer than the newest of the whole counts beside it; what was said
before, that one settles: whoever verifies the whole verifies its parts. Where nothing verifies the whole, documents
of its parts stand for it, unless one of them names a part that nothing verifies.

>>> stand_part(part, whole, is_named=True).document
19
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from api.shown import Shown
from ledger.core.ids import LeafIndex
from ledger.core.status import SubjectState
from verifier.relatives import find_status_against
from verifier.report import DocumentStatus

SEVERITY: Final = (
    *(Shown.TAMPERED, Shown.FAILED, Shown.FAILED_SINCE, Shown.CANCELLED, Shown.WITHDRAWN, Shown.SUSPENDED),
    *(Shown.NEEDS_REVERIFICATION, Shown.EXPIRED, Shown.SUPERSEDED, Shown.CANNOT_CHECK, Shown.NOT_VERIFIED),
    *(Shown.CONTENT_WITHHELD, Shown.PAPER, Shown.CALIBRATED, Shown.PENDING, Shown.ATTENTION, Shown.VALID),
)
"""What is shown of an instrument whose parts differ: the first of these."""


@dataclass(frozen=True, slots=True)
class PartStanding:
    """What a part adds to how the whole stands."""

    document: LeafIndex | None = None
    """Its own newest, where that counts beside the whole's."""
    against: DocumentStatus | None = None
    """What else stands against the whole: of a part without such a document, its newest state."""
    is_open: bool = False
    """Nothing verifies it."""


def stand_part(part: SubjectState | None, whole: SubjectState | None, *, is_named: bool) -> PartStanding:
    """Return what a part adds.

    Args:
        part: its newest state; None: nobody has said anything of it.
        whole: newest state of the whole instrument; None: the same.
        is_named: whether the newest document of the whole names it, and so verifies it.
    """
    own = None if part is None else part.current_certificate
    newest = None if whole is None else whole.current_certificate
    if own is not None and (newest is None or own > newest):
        return PartStanding(own)
    against = None if part is None or whole is None else find_status_against(part, whole)
    return PartStanding(against=against, is_open=against is None and not is_named)


def find_worst(shown: Iterable[Shown]) -> Shown:
    """Return what is shown of the whole, of what is said of it and of its parts."""
    return min(shown, key=SEVERITY.index)
