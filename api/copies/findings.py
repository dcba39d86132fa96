"""A finding on its way from the site to a desk, and what a person there made of it.

>>> list_next(FindingState.OPEN)
(<FindingState.CONFIRMED: 'confirmed'>, <FindingState.DISMISSED: 'dismissed'>)
"""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from api.copies.evidence import Evidence
from api.copies.rules import CodeKind, Rule
from ledger.core.step import Sentence


class FindingState(StrEnum):
    """How a finding stands."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    """A person says that the sticker was copied."""
    DISMISSED = "dismissed"
    """A person says that it is nothing."""
    LIFTED = "lifted"
    """It was confirmed, and is over: the copies were found, or it was a mistake."""

    @property
    def words(self) -> Sentence:
        """Return how people call it."""
        return _STATES[self]


_STATES: Final = MappingProxyType(
    {
        FindingState.OPEN: Sentence("to be looked at", "待核查"),
        FindingState.CONFIRMED: Sentence("confirmed: copied", "已确认被复制"),
        FindingState.DISMISSED: Sentence("dismissed", "已排除"),
        FindingState.LIFTED: Sentence("warning lifted", "已解除提示"),
    }
)
_NEXT: Final = MappingProxyType(
    {
        FindingState.OPEN: (FindingState.CONFIRMED, FindingState.DISMISSED),
        FindingState.CONFIRMED: (FindingState.LIFTED,),
    }
)
OVER: Final = frozenset({FindingState.DISMISSED, FindingState.LIFTED})


def list_next(state: FindingState) -> tuple[FindingState, ...]:
    """Return what a person may make of it next."""
    return _NEXT.get(state, ())


@dataclass(frozen=True, slots=True)
class Finding:
    """What is odd about one code, by one rule."""

    id: bytes
    """8 random bytes."""
    kind: CodeKind
    code: str
    """16 symbols; of ids that nobody was given, the roll."""
    rule: Rule
    authority: str
    institution: str | None
    instrument: bytes | None
    part: str | None
    is_mobile: bool
    evidence: Evidence
    found_at_ms: int
    renewed_at_ms: int


@dataclass(frozen=True, slots=True)
class FindingAnswer:
    """What a person at the desk made of a finding."""

    finding: bytes
    number: int
    state: FindingState
    at_ms: int


@dataclass(frozen=True, slots=True)
class EnteredArea:
    """Where the instrument of a sticker belongs, as it was entered at a desk."""

    code: str
    south: int
    west: int
    km: int
    at_ms: int
