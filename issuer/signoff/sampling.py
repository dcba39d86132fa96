"""Which documents of a batch an approver must open before one approval signs them all.

    all of them                   up to 5
    the square root, rounded up   of more; at least 5: 32 of 1,000, 100 of 10,000

Beside those that are drawn, every replacement, every document in conflict with another one, and whatever was
drawn for this approver before and never opened must be opened: drawing again is no way around.

>>> compute_sample_size(1000)
32
"""

import hashlib
from collections.abc import Collection, Sequence
from math import isqrt
from typing import Final

LEAST: Final = 5
SEED_BYTES: Final = 16
_DOMAIN: Final = b"hengzheng/sample/v1\x00"


def compute_sample_size(count: int) -> int:
    """Return how many of so many documents are drawn."""
    root = isqrt(count)
    return min(count, max(LEAST, root + (root * root < count)))


def draw_sample(members: Sequence[int], seed: bytes, always: Collection[int] = ()) -> list[int]:
    """Return the documents that must be opened, rising.

    Args:
        members: ids of the documents, each once.
        seed: 16 random bytes; kept, so that the draw can be repeated by whoever doubts it.
        always: of these members, those that must be opened in any case; they are not counted as drawn.
    """
    order = sorted(members, key=lambda member: hashlib.sha256(_DOMAIN + seed + member.to_bytes(8)).digest())
    drawn = order[: compute_sample_size(len(order))]
    return sorted({*drawn, *(member for member in members if member in always)})
