"""When a block counts as final: a setting of the chain, because chains differ.

    immediate       every block is final (QBFT, IBFT, PBFT; the development chain)
    depth:N         a block is final once N blocks stand on it (Clique, proof of work)
    tag:safe        a block is final once the node's `safe` block has reached it
    tag:finalized   the same with `finalized` (public proof of stake)

>>> parse_finality("depth:12")
Finality(kind=<FinalityKind.DEPTH: 'depth'>, depth=12, tag='')
>>> str(parse_finality("tag:safe"))
'tag:safe'
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from ledger.core.errors import MalformedDocumentError

_DEPTH = re.compile(r"depth:([1-9][0-9]{0,4})", re.ASCII)
_TAGS = frozenset({"safe", "finalized"})


class FinalityKind(StrEnum):
    """How finality is known."""

    IMMEDIATE = "immediate"
    DEPTH = "depth"
    TAG = "tag"


@dataclass(frozen=True, slots=True)
class Finality:
    """One rule; made by `parse_finality`."""

    kind: FinalityKind
    depth: int = 0
    """Blocks that must stand on a block; 0 unless the kind is DEPTH."""
    tag: str = ""
    """`safe` or `finalized`; empty unless the kind is TAG."""

    def __str__(self) -> str:
        """Return the spelling that `parse_finality` reads."""
        if self.kind is FinalityKind.DEPTH:
            return f"depth:{self.depth}"
        return f"tag:{self.tag}" if self.kind is FinalityKind.TAG else "immediate"


def parse_finality(text: str) -> Finality:
    """Return the rule that a setting names.

    Raises:
        MalformedDocumentError: not `immediate`, `depth:` with 1 to 99999, `tag:safe` or `tag:finalized`.
    """
    if text == "immediate":
        return Finality(FinalityKind.IMMEDIATE)
    if (match := _DEPTH.fullmatch(text)) is not None:
        return Finality(FinalityKind.DEPTH, depth=int(match[1]))
    kind, _, tag = text.partition(":")
    if kind == "tag" and tag in _TAGS:
        return Finality(FinalityKind.TAG, tag=tag)
    raise MalformedDocumentError("finality is immediate, depth:N, tag:safe or tag:finalized")
