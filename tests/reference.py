"""What a tree and a trie are, written literally, as the yardstick for the code.

The recursions of RFC 9162 §2.1 for `ledger.core.merkle`: D[a:b] is written as the pair (a, b); hashes of ranges
are remembered, so that logs of some ten thousand leaves stay affordable. The definition of the status map for
`ledger.core.status_map`. Nothing here is shared with the code under test.
"""

import hashlib


def sha256(data):
    return hashlib.sha256(data).digest()


def split(n):
    """Return the largest power of two smaller than n: k < n <= 2k."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


class ReferenceTree:
    """MTH, PATH and PROOF over D_n, where D holds leaves (not their hashes)."""

    def __init__(self, leaves):
        self.leaves = list(leaves)
        self.remembered = {}

    def mth(self, a, b):
        """MTH(D[a:b]), RFC 9162 §2.1.1."""
        if (a, b) not in self.remembered:
            self.remembered[a, b] = self.mth_afresh(a, b)
        return self.remembered[a, b]

    def mth_afresh(self, a, b):
        n = b - a
        if n == 0:
            return sha256(b"")
        if n == 1:
            return sha256(b"\x00" + self.leaves[a])
        k = split(n)
        return sha256(b"\x01" + self.mth(a, a + k) + self.mth(a + k, b))

    def path(self, m, a, b):
        """PATH(m, D[a:b]), RFC 9162 §2.1.3.1."""
        n = b - a
        if n == 1:
            return []
        k = split(n)
        if m < k:
            return [*self.path(m, a, a + k), self.mth(a + k, b)]
        return [*self.path(m - k, a + k, b), self.mth(a, a + k)]

    def proof(self, m, n):
        """PROOF(m, D_n), RFC 9162 §2.1.4.1."""
        return self.subproof(m, 0, n, is_complete=True)

    def subproof(self, m, a, b, *, is_complete):
        """SUBPROOF(m, D[a:b], b), RFC 9162 §2.1.4.1."""
        n = b - a
        if m == n:
            return [] if is_complete else [self.mth(a, b)]
        k = split(n)
        if m <= k:
            return [*self.subproof(m, a, a + k, is_complete=is_complete), self.mth(a + k, b)]
        return [*self.subproof(m - k, a + k, b, is_complete=False), self.mth(a, a + k)]

    def multi_path(self, wanted, a, b):
        """The batched proof as `build_multi_proof` defines it, over D[a:b]."""
        if not any(a <= m < b for m in wanted):
            return [self.mth(a, b)]
        if b - a == 1:
            return []
        k = split(b - a)
        return [*self.multi_path(wanted, a, a + k), *self.multi_path(wanted, a + k, b)]


def is_included(leaf_hash, leaf_index, tree_size, path, root_hash):
    """The verification algorithm of RFC 9162 §2.1.3.2, step by step."""
    if leaf_index >= tree_size:
        return False
    fn, sn, r = leaf_index, tree_size - 1, leaf_hash
    for p in path:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = sha256(b"\x01" + p + r)
            while not (fn & 1 or fn == 0):
                fn, sn = fn >> 1, sn >> 1
        else:
            r = sha256(b"\x01" + r + p)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and r == root_hash


def is_consistent(first, second, first_hash, second_hash, consistency_path):
    """The verification algorithm of RFC 9162 §2.1.4.2, step by step; 0 < first <= second."""
    if first == second:
        return not consistency_path and first_hash == second_hash
    path = list(consistency_path)
    if not path:
        return False
    if first & (first - 1) == 0:
        path.insert(0, first_hash)
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = sha256(b"\x01" + c + fr), sha256(b"\x01" + c + sr)
            while not (fn & 1 or fn == 0):
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = sha256(b"\x01" + sr + c)
        fn, sn = fn >> 1, sn >> 1
    return fr == first_hash and sr == second_hash and sn == 0


# --- the status map -----------------------------------------------------------------------------------------


def reference_map_root(states):
    """Return the root of the status map, written literally.

    Args:
        states: by subject (32 bytes): status, version, last event, current certificate or None.
    """
    return map_subtree(sorted((bits_of(subject), subject, state) for subject, state in states.items()))


def bits_of(subject):
    return "".join(f"{byte:08b}" for byte in subject)


def map_subtree(items):
    if not items:
        return sha256(b"\x04")
    if len(items) == 1:
        (_, subject, (status, version, last_event, current)) = items[0]
        value = bytes([status]) + version.to_bytes(4) + last_event.to_bytes(8)
        value += b"\xff" * 8 if current is None else current.to_bytes(8)
        return sha256(b"\x02" + subject + value)
    bit = next(bit for bit in range(256) if len({bits[bit] for bits, _, _ in items}) == 2)
    sides = [[item for item in items if item[0][bit] == side] for side in "01"]
    return sha256(b"\x03" + bytes([bit]) + map_subtree(sides[0]) + map_subtree(sides[1]))
