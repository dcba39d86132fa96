"""Merkle tree of the log: leaf and node hashes, roots, inclusion and consistency proofs (RFC 9162 §2.1).

Rules it keeps: leaves and inner nodes are hashed with different prefixes; a proof has exactly one length for
its sizes, so that nothing can be added, dropped or moved; sizes are named by the caller, never guessed from a
proof. Sizes go up to 2^63 - 1, and a proof touches O(log size) nodes per leaf. The tree itself is kept
elsewhere: builders get a `SubtreeReader`.

>>> tree = MemoryTree([hash_leaf(b"a"), hash_leaf(b"b"), hash_leaf(b"c")])
>>> proof = build_inclusion_proof(LeafIndex(2), TreeSize(3), tree.read)
>>> verify_inclusion(hash_leaf(b"c"), LeafIndex(2), TreeSize(3), proof, tree.root())
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Self

from ledger.core.errors import (
    ConsistencyProofError,
    InclusionProofError,
    MalformedDocumentError,
    NotFoundError,
    VerificationError,
)
from ledger.core.ids import LeafHash, LeafIndex, RootHash, TreeSize

HASH_SIZE = 32
"""Bytes of every hash in the tree."""

MAX_TREE_SIZE = 2**63 - 1
"""Most leaves a log can have."""

EMPTY_ROOT = RootHash(sha256(b"").digest())
"""Root of the tree without leaves: SHA-256 of nothing (RFC 9162 §2.1.1)."""

SubtreeReader = Callable[[int, int], bytes]
"""Maps (level, index) to the hash of the perfect subtree over the 2^level leaves that start at
index * 2^level; level 0 holds the leaf hashes."""

Node = tuple[int, int, bytes]
"""Level, index and hash of one perfect subtree."""

NodeRow = tuple[int, int, list[bytes]]
"""Level, first index and hashes of neighbouring perfect subtrees."""


def hash_leaf(leaf: bytes) -> LeafHash:
    """Return SHA-256(0x00 || leaf), 32 bytes (RFC 9162 §2.1.1)."""
    return LeafHash(sha256(b"\x00" + leaf).digest())


def hash_node(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 || left || right), 32 bytes (RFC 9162 §2.1.1)."""
    return sha256(b"\x01" + left + right).digest()


def _hash_pairs(row: Sequence[bytes]) -> list[bytes]:
    """Return the parents of a row; a last node without a partner gets none."""
    return [sha256(b"\x01" + left + right).digest() for left, right in zip(row[::2], row[1::2], strict=False)]


class CompactRange:
    """The right edge of a growing log: the roots of its perfect subtrees, largest first.

    Holds one hash per bit set in the size, enough to append for ever and to know every root on the way.
    """

    __slots__ = ("_hashes", "_size")

    def __init__(self) -> None:
        self._size = 0
        self._hashes: list[bytes] = []

    @classmethod
    def from_hashes(cls, size: TreeSize, hashes: Sequence[bytes]) -> Self:
        """Return the range that had this size and these hashes.

        Args:
            size: number of leaves, at most 2^63 - 1.
            hashes: one of 32 bytes per bit set in `size`, largest subtree first.

        Raises:
            MalformedDocumentError: wrong size, or wrong number or length of hashes.
        """
        _check_tree_size(size)
        if len(hashes) != size.bit_count() or not _are_hashes(hashes):
            raise MalformedDocumentError(
                f"a compact range of {size} leaves needs {size.bit_count()} hashes of {HASH_SIZE} bytes"
            )
        restored = cls()
        restored._size = size
        restored._hashes = list(hashes)
        return restored

    @property
    def size(self) -> TreeSize:
        """Number of leaves."""
        return TreeSize(self._size)

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """Roots of the perfect subtrees, largest first; with `size` all that must be stored."""
        return tuple(self._hashes)

    def append(self, leaf_hash: LeafHash) -> list[Node]:
        """Add one leaf; return each perfect subtree that it completes, the leaf itself first.

        Raises:
            MalformedDocumentError: the hash has not 32 bytes.
        """
        if len(leaf_hash) != HASH_SIZE:
            raise MalformedDocumentError(f"a leaf hash has {HASH_SIZE} bytes, not {len(leaf_hash)}")
        hashes, level, index = self._hashes, 0, self._size
        node: bytes = leaf_hash
        completed: list[Node] = [(0, index, node)]
        while index & 1:
            node = sha256(b"\x01" + hashes.pop() + node).digest()
            level += 1
            index >>= 1
            completed.append((level, index, node))
        hashes.append(node)
        self._size += 1
        return completed

    def extend(self, leaf_hashes: Sequence[LeafHash]) -> list[NodeRow]:
        """Add many leaves at once, level by level; return the completed subtrees as one row per level.

        The same as `append` for each, several times faster: what a store saves lies in the rows of the
        levels it keeps (0, 8, 16, ... for tiles).

        Raises:
            MalformedDocumentError: a hash has not 32 bytes; nothing was added.
        """
        if not _are_hashes(leaf_hashes):
            raise MalformedDocumentError(f"every leaf hash has {HASH_SIZE} bytes")
        rows: list[NodeRow] = []
        edge: list[bytes] = []
        row, first = list[bytes](leaf_hashes), self._size
        while row:
            rows.append((len(rows), first, row))
            paired = [self._hashes.pop(), *row] if first & 1 else row
            if len(paired) & 1:
                edge.append(paired[-1])
            row, first = _hash_pairs(paired), first >> 1
        self._hashes.extend(reversed(edge))
        self._size += len(leaf_hashes)
        return rows

    def root(self) -> RootHash:
        """Return the root of the leaves so far."""
        return _join(self._hashes)


class MemoryTree:
    """Every perfect subtree of a log in memory: for audits, vectors and tests (about 150 bytes a leaf)."""

    __slots__ = ("_edge", "_rows")

    def __init__(self, leaf_hashes: Sequence[LeafHash] = ()) -> None:
        self._edge = CompactRange()
        self._rows: list[list[bytes]] = []
        self.extend(leaf_hashes)

    @property
    def size(self) -> TreeSize:
        """Number of leaves."""
        return self._edge.size

    def extend(self, leaf_hashes: Sequence[LeafHash]) -> None:
        """Add leaves, 32-byte hashes each."""
        for level, _, hashes in self._edge.extend(leaf_hashes):
            if level == len(self._rows):
                self._rows.append([])
            self._rows[level].extend(hashes)

    def read(self, level: int, index: int) -> bytes:
        """Return the hash of one perfect subtree: a `SubtreeReader`.

        Raises:
            NotFoundError: the tree has no such subtree yet.
        """
        if not 0 <= level < len(self._rows) or not 0 <= index < len(self._rows[level]):
            raise NotFoundError(
                f"a tree of {self.size} leaves has no perfect subtree {index} at level {level}"
            )
        return self._rows[level][index]

    def root(self) -> RootHash:
        """Return the root of all leaves."""
        return self._edge.root()


def compute_root(leaf_hashes: Iterable[LeafHash]) -> RootHash:
    """Return the root over all leaf hashes (32 bytes each), level by level (RFC 9162 §2.1.1)."""
    row = list[bytes](leaf_hashes)
    if not row:
        return EMPTY_ROOT
    while len(row) > 1:
        unpaired = row[-1:] if len(row) & 1 else []
        row = _hash_pairs(row) + unpaired
    return RootHash(row[0])


def build_root(tree_size: TreeSize, read: SubtreeReader) -> RootHash:
    """Return the root of the first `tree_size` leaves, read as perfect subtrees.

    Raises:
        MalformedDocumentError: the size is negative or above 2^63 - 1.
    """
    _check_tree_size(tree_size)
    return _read_range(0, tree_size, read) if tree_size else EMPTY_ROOT


def build_inclusion_proof(
    leaf_index: LeafIndex, tree_size: TreeSize, read: SubtreeReader
) -> tuple[bytes, ...]:
    """Return the sibling hashes from leaf to root, 32 bytes each: PATH(m, D_n) of RFC 9162 §2.1.3.1.

    Raises:
        MalformedDocumentError: requires 0 <= leaf_index < tree_size < 2^63.
    """
    _check_tree_size(tree_size)
    _check_leaf_index(leaf_index, tree_size)
    siblings = []
    begin, end = 0, int(tree_size)
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if leaf_index < middle:
            siblings.append(_read_range(middle, end, read))
            end = middle
        else:
            siblings.append(_read_range(begin, middle, read))
            begin = middle
    return tuple(reversed(siblings))


def build_consistency_proof(old_size: TreeSize, new_size: TreeSize, read: SubtreeReader) -> tuple[bytes, ...]:
    """Return the hashes that show the old tree as a prefix of the new: PROOF(m, D_n) of RFC 9162 §2.1.4.1.

    Raises:
        MalformedDocumentError: requires 0 < old_size <= new_size < 2^63; nothing can be shown of the empty
            tree, so a caller that starts from it needs no proof.
    """
    _check_tree_size(new_size)
    if not 0 < old_size <= new_size:
        raise MalformedDocumentError(f"no consistency proof exists from {old_size} to {new_size} leaves")
    hashes = []
    begin, end, is_old_root_known = 0, int(new_size), True
    while end != old_size:
        middle = begin + _split(end - begin)
        if old_size <= middle:
            hashes.append(_read_range(middle, end, read))
            end = middle
        else:
            hashes.append(_read_range(begin, middle, read))
            begin, is_old_root_known = middle, False
    if not is_old_root_known:
        hashes.append(_read_range(begin, end, read))
    return tuple(reversed(hashes))


def compute_root_from_inclusion(
    leaf_hash: LeafHash, leaf_index: LeafIndex, tree_size: TreeSize, proof: Sequence[bytes]
) -> RootHash:
    """Return the root hash that this proof implies.

    Args:
        leaf_hash: 32 bytes, from `hash_leaf`.
        leaf_index: zero-based; requires 0 <= leaf_index < tree_size.
        tree_size: at most 2^63 - 1.
        proof: sibling hashes from leaf to root, 32 bytes each.

    Raises:
        InclusionProofError: index out of range, or wrong number or size of hashes.

    Source: RFC 9162 §2.1.3.2; the bits of index and size give the side of each sibling in advance: up to
    `inner` the leaf's path is free of the right edge, above it every sibling is on the left.
    """
    if not 0 <= leaf_index < tree_size <= MAX_TREE_SIZE:
        raise InclusionProofError(f"no leaf {leaf_index} exists in a tree of {tree_size} leaves")
    inner = (leaf_index ^ (tree_size - 1)).bit_length()
    _check_proof(proof, inner + (leaf_index >> inner).bit_count(), InclusionProofError)
    _check_hashes((leaf_hash,), InclusionProofError)
    node: bytes = leaf_hash
    for height, sibling in enumerate(proof):
        is_right = height >= inner or leaf_index >> height & 1
        node = hash_node(sibling, node) if is_right else hash_node(node, sibling)
    return RootHash(node)


def verify_inclusion(
    leaf_hash: LeafHash,
    leaf_index: LeafIndex,
    tree_size: TreeSize,
    proof: Sequence[bytes],
    root_hash: RootHash,
) -> None:
    """Check that the leaf is at that index of the tree with that size and root (RFC 9162 §2.1.3.2).

    Raises:
        InclusionProofError: the proof is misshapen or leads to another root.
    """
    implied = compute_root_from_inclusion(leaf_hash, leaf_index, tree_size, proof)
    _check_root(implied, root_hash, "the tree", InclusionProofError)


def verify_consistency(
    old_size: TreeSize, new_size: TreeSize, old_root: RootHash, new_root: RootHash, proof: Sequence[bytes]
) -> None:
    """Check that the old tree is a prefix of the new one.

    Args:
        old_size: requires 0 < old_size <= new_size; the caller decides about the empty tree.
        new_size: at most 2^63 - 1.
        old_root: 32 bytes.
        new_root: 32 bytes.
        proof: hashes of 32 bytes each in the order of RFC 9162 §2.1.4.1; none when the sizes are equal.

    Raises:
        ConsistencyProofError: sizes out of order, wrong number or size of hashes, or another root.

    Source: RFC 9162 §2.1.4.2. Both roots are climbed to from the largest subtree that the old tree ends
    with; on the way the old root takes only the siblings on its left.
    """
    if not 0 < old_size <= new_size <= MAX_TREE_SIZE:
        raise ConsistencyProofError(f"a log of {old_size} leaves cannot have grown to {new_size}")
    _check_hashes((old_root, new_root), ConsistencyProofError)
    if old_size == new_size:
        _check_proof(proof, 0, ConsistencyProofError)
        _check_root(old_root, new_root, "the same size", ConsistencyProofError)
        return
    last, level = old_size - 1, (old_size & -old_size).bit_length() - 1
    inner = (last ^ (new_size - 1)).bit_length()
    climb = inner - level + (last >> inner).bit_count()
    is_seed_needed = old_size != 1 << level
    _check_proof(proof, climb + is_seed_needed, ConsistencyProofError)
    old_node = new_node = proof[0] if is_seed_needed else old_root
    for height, sibling in enumerate(proof[is_seed_needed:], start=level):
        if height >= inner or last >> height & 1:
            old_node = hash_node(sibling, old_node)
            new_node = hash_node(sibling, new_node)
        else:
            new_node = hash_node(new_node, sibling)
    _check_root(old_node, old_root, "the old tree", ConsistencyProofError)
    _check_root(new_node, new_root, "the new tree", ConsistencyProofError)


def build_multi_proof(
    indices: Iterable[LeafIndex], tree_size: TreeSize, read: SubtreeReader
) -> tuple[bytes, ...]:
    """Return one proof for several leaves, without the hashes that they share.

    The ranges of the RFC's recursion over [0, tree_size) are visited from left to right: a range without a
    wanted leaf gives its hash, a single wanted leaf gives nothing, any other range is split.

    Raises:
        MalformedDocumentError: no index is given, or one is outside the tree; requires tree_size < 2^63.
    """
    _check_tree_size(tree_size)
    wanted = sorted(set(indices))
    if not wanted:
        raise MalformedDocumentError("a proof needs at least one leaf", field="leaf_index")
    _check_leaf_index(wanted[0], tree_size)
    _check_leaf_index(wanted[-1], tree_size)
    return tuple(_read_around(wanted, 0, tree_size, read))


def compute_root_from_multi_proof(
    leaf_hashes: Mapping[LeafIndex, LeafHash], tree_size: TreeSize, proof: Sequence[bytes]
) -> RootHash:
    """Return the root hash that a proof of `build_multi_proof` implies.

    Args:
        leaf_hashes: the wanted leaves by index, 32 bytes each; at least one.
        tree_size: at most 2^63 - 1.
        proof: hashes of the ranges between them from left to right, 32 bytes each.

    Raises:
        InclusionProofError: no leaf, an index out of range, or wrong number or size of hashes.
    """
    wanted = sorted(leaf_hashes)
    if not wanted or not 0 <= wanted[0] <= wanted[-1] < tree_size <= MAX_TREE_SIZE:
        raise InclusionProofError(f"a proof needs leaves inside the tree of {tree_size} leaves")
    _check_hashes(leaf_hashes.values(), InclusionProofError)
    _check_hashes(proof, InclusionProofError)
    rest = iter(proof)
    root = _climb([(index, leaf_hashes[index]) for index in wanted], 0, tree_size, rest)
    if next(rest, None) is not None:
        raise InclusionProofError("the proof has more hashes than its leaves need")
    return RootHash(root)


def verify_multi_proof(
    leaf_hashes: Mapping[LeafIndex, LeafHash],
    tree_size: TreeSize,
    proof: Sequence[bytes],
    root_hash: RootHash,
) -> None:
    """Check that all these leaves are in the tree with that size and root.

    Raises:
        InclusionProofError: the proof is misshapen or leads to another root.
    """
    implied = compute_root_from_multi_proof(leaf_hashes, tree_size, proof)
    _check_root(implied, root_hash, "the tree", InclusionProofError)


def _split(count: int) -> int:
    """Return the largest power of two below `count`, which is at least 2 (RFC 9162 §2.1.1)."""
    return 1 << ((count - 1).bit_length() - 1)


def _join(hashes: Sequence[bytes]) -> RootHash:
    """Return the root over perfect subtrees that lie side by side, largest first."""
    if not hashes:
        return EMPTY_ROOT
    node = hashes[-1]
    for left in reversed(hashes[:-1]):
        node = hash_node(left, node)
    return RootHash(node)


def _read_range(begin: int, end: int, read: SubtreeReader) -> RootHash:
    """Return the root over the leaves [begin, end), a range that the RFC's recursion meets."""
    hashes = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        hashes.append(read(level, begin >> level))
        begin += 1 << level
    return _join(hashes)


def _read_around(wanted: Sequence[int], begin: int, end: int, read: SubtreeReader) -> Iterator[bytes]:
    """Yield the hashes of the largest ranges within [begin, end) that hold no wanted leaf."""
    if not wanted:
        yield _read_range(begin, end, read)
    elif end - begin > 1:
        middle = begin + _split(end - begin)
        cut = bisect_left(wanted, middle)
        yield from _read_around(wanted[:cut], begin, middle, read)
        yield from _read_around(wanted[cut:], middle, end, read)


def _climb(leaves: Sequence[tuple[int, bytes]], begin: int, end: int, proof: Iterator[bytes]) -> bytes:
    """Return the root over [begin, end): of the leaves known there, and of the proof where none is."""
    if not leaves:
        node = next(proof, None)
        if node is None:
            raise InclusionProofError("the proof has fewer hashes than its leaves need")
        return node
    if end - begin == 1:
        return leaves[0][1]
    middle = begin + _split(end - begin)
    cut = bisect_left(leaves, (middle,))
    left = _climb(leaves[:cut], begin, middle, proof)
    return hash_node(left, _climb(leaves[cut:], middle, end, proof))


def _are_hashes(values: Iterable[bytes]) -> bool:
    return all(len(value) == HASH_SIZE for value in values)


def _check_tree_size(tree_size: int) -> None:
    if not 0 <= tree_size <= MAX_TREE_SIZE:
        raise MalformedDocumentError(f"{tree_size} is outside 0 to 2^63 - 1", field="tree_size")


def _check_leaf_index(leaf_index: int, tree_size: int) -> None:
    if not 0 <= leaf_index < tree_size:
        raise MalformedDocumentError(
            f"{leaf_index} is outside a tree of {tree_size} leaves", field="leaf_index"
        )


def _check_hashes(hashes: Iterable[bytes], error: type[VerificationError]) -> None:
    if not _are_hashes(hashes):
        raise error(f"every hash has {HASH_SIZE} bytes")


def _check_proof(proof: Sequence[bytes], length: int, error: type[VerificationError]) -> None:
    if len(proof) != length:
        raise error(f"the proof has {len(proof)} hashes instead of {length}")
    _check_hashes(proof, error)


def _check_root(implied: bytes, expected: bytes, tree: str, error: type[VerificationError]) -> None:
    if implied != expected:
        raise error(f"the proof leads to root {implied.hex()}, but {tree} has root {expected.hex()}")
