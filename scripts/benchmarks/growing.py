"""What grows with the log: the hashes of proofs. Sizes only; nothing here is a matter of speed."""

import random
from typing import Final

from anchoring import Registry, invent_tree

from ledger.core.ids import LeafIndex, TreeSize
from ledger.core.merkle import build_inclusion_proof

SIZES: Final = (10**3, 10**4, 10**5, 10**6, 10**7)
HASH_BYTES: Final = 32
SAMPLE: Final = 200


def measure_inclusion(size: int) -> dict[str, int]:
    """Return bytes of inclusion proofs in a tree of this size: the longest, and the mean of a sample."""
    read, source = invent_tree(size), random.Random(size)  # noqa: S311 -- a fixed sample, not a secret
    indices = {0, *(source.randrange(size) for _ in range(SAMPLE))}
    lengths = [
        HASH_BYTES * len(build_inclusion_proof(LeafIndex(index), TreeSize(size), read)) for index in indices
    ]
    return {"longest": max(lengths), "mean": round(sum(lengths) / len(lengths))}


def measure_growth() -> dict[str, dict[str, int]]:
    """Return for each size of a log: bytes of inclusion proofs, and gas of anchoring 1,000 more entries."""
    registry = Registry()
    return {
        str(size): {
            "inclusion_proof_bytes": measure_inclusion(size)["longest"],
            "anchor_gas_1000_more": registry.measure(size, size + 1_000),
        }
        for size in SIZES
    }
