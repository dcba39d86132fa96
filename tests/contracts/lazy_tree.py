"""RFC 9162 trees of any size in O(log n) work: perfect subtrees that nobody looks into get an invented hash.

Written from the recursive definitions of RFC 9162 §2.1.1, §2.1.3.1, §2.1.4.1, independently of the product.
"""

import hashlib
from collections.abc import Iterable


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _split(size: int) -> int:
    """Return the largest power of two below `size` (k in the RFC)."""
    return 1 << ((size - 1).bit_length() - 1)


class LazyTree:
    """One endless sequence of leaves; `cuts` are the sizes and leaf bounds whose proofs will be asked for."""

    def __init__(
        self, cuts: Iterable[int] = (), leaves: dict[int, bytes] | None = None, seed: bytes = b""
    ) -> None:
        self.leaves = leaves or {}
        self.cuts = frozenset(cuts) | {bound for index in self.leaves for bound in (index, index + 1)}
        self.seed = seed

    def _subtree(self, low: int, high: int) -> bytes:
        size = high - low
        is_perfect = size & (size - 1) == 0 and low % size == 0
        if size == 1 and low in self.leaves:
            return leaf_hash(self.leaves[low])
        if is_perfect and not any(low < cut < high for cut in self.cuts):
            return hashlib.sha256(self.seed + low.to_bytes(16, "big") + high.to_bytes(16, "big")).digest()
        middle = low + _split(size)
        return node_hash(self._subtree(low, middle), self._subtree(middle, high))

    def root(self, size: int) -> bytes:
        return self._subtree(0, size) if size else hashlib.sha256(b"").digest()

    def consistency(self, old: int, new: int) -> list[bytes]:
        return [] if old in {0, new} else self._subproof(old, 0, new, is_complete=True)

    def _subproof(self, old: int, low: int, high: int, *, is_complete: bool) -> list[bytes]:
        if old == high:
            return [] if is_complete else [self._subtree(low, high)]
        middle = low + _split(high - low)
        if old <= middle:
            return [*self._subproof(old, low, middle, is_complete=is_complete), self._subtree(middle, high)]
        return [*self._subproof(old, middle, high, is_complete=False), self._subtree(low, middle)]

    def inclusion(self, index: int, size: int) -> list[bytes]:
        low, high, proof = 0, size, []
        while high - low > 1:
            middle = low + _split(high - low)
            if index < middle:
                proof.append(self._subtree(middle, high))
                high = middle
            else:
                proof.append(self._subtree(low, middle))
                low = middle
        return proof[::-1]
