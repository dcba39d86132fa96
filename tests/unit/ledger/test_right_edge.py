"""The right edge grows as the whole tree does, and a stored tree that differs is found."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import ReferenceTree

from ledger.core.errors import LogIntegrityError
from ledger.core.ids import RootHash, TreeSize
from ledger.core.merkle import hash_leaf
from ledger.core.tiles import Tile, compute_tile_width
from ledger.right_edge import EMPTY_EDGE, load_edge, verify_last_leaf, verify_stored
from ledger.store.records import Head

LEAVES = [hashlib.sha256(number.to_bytes(4)).digest()[: number % 31] for number in range(66_000)]
HASHES = [hash_leaf(leaf) for leaf in LEAVES]
SIZES = (0, 1, 2, 3, 255, 256, 257, 511, 512, 513, 1000, 65_535, 65_536, 65_537)


class StoredTree:
    """Leaves and tiles as a store keeps them."""

    def __init__(self):
        self.edge = EMPTY_EDGE
        self.leaves = []
        self.tiles = {}

    @property
    def head(self):
        return Head(self.edge.size, self.edge.root_hash, 0)

    def append(self, count):
        begin = len(self.leaves)
        self.leaves += LEAVES[begin : begin + count]
        self.edge, changed = self.edge.extend(HASHES[begin : begin + count])
        self.tiles.update({(tile.level, tile.tile_index): tile.hashes for tile in changed})
        return changed

    def read_leaves(self, begin, end):
        return self.leaves[begin:end]

    def read_tile(self, tile):
        hashes = self.tiles.get((tile.level, tile.index), b"")
        if len(hashes) < tile.width * 32:
            raise LogIntegrityError("missing")
        return hashes[: tile.width * 32]


def make_tree(*counts):
    tree = StoredTree()
    for count in counts:
        tree.append(count)
    return tree


@given(st.lists(st.integers(0, 600), max_size=6))
def test_the_root_is_that_of_the_recursion_however_the_tree_grew(counts):
    tree = make_tree(*counts)
    assert tree.edge.size == sum(counts)
    assert tree.edge.root_hash == ReferenceTree(tree.leaves).mth(0, sum(counts))


@pytest.mark.parametrize("size", SIZES)
def test_tiles_hold_every_hash_of_their_level(size):
    tree = make_tree(size)
    for (level, index), hashes in tree.tiles.items():
        width = compute_tile_width(level, index, TreeSize(size))
        assert len(hashes) == 32 * width
    assert b"".join(tree.tiles.get((0, index), b"") for index in range(size // 256 + 1)) == b"".join(
        HASHES[:size]
    )


@given(st.lists(st.integers(1, 700), min_size=1, max_size=5))
def test_the_tiles_do_not_depend_on_the_batches(counts):
    assert make_tree(*counts).tiles == make_tree(sum(counts)).tiles


@given(st.integers(0, 1500), st.integers(1, 600))
def test_only_new_and_grown_tiles_are_written(size, count):
    tree = make_tree(size)
    before = dict(tree.tiles)
    changed = tree.append(count)
    assert {(tile.level, tile.tile_index) for tile in changed} == {
        key for key, hashes in tree.tiles.items() if before.get(key) != hashes
    }


@pytest.mark.parametrize("size", SIZES)
def test_a_loaded_edge_is_the_one_that_grew(size):
    tree = make_tree(size)
    loaded = load_edge(tree, tree.head)
    assert (loaded.size, loaded.hashes, loaded.root_hash) == (size, tree.edge.hashes, tree.edge.root_hash)
    grown, _ = loaded.extend(HASHES[size : size + 300])
    assert grown == tree.edge.extend(HASHES[size : size + 300])[0]


def test_an_edge_stays_as_it_was_when_it_is_extended():
    edge = make_tree(300).edge
    before = edge.root_hash
    edge.extend(HASHES[300:400])
    assert edge.root_hash == before


@pytest.mark.parametrize("size", [1, 256, 257, 65_537])
def test_a_head_with_another_root_is_not_loaded(size):
    tree = make_tree(size)
    with pytest.raises(LogIntegrityError):
        load_edge(tree, Head(TreeSize(size), RootHash(bytes(32)), 0))


@given(st.integers(0, 1000), st.integers(1, 600))
def test_what_was_stored_as_meant_is_verified(size, count):
    tree = make_tree(size)
    before = tree.head
    tree.append(count)
    verify_stored(tree, before, tree.head)


@given(st.integers(0, 600), st.integers(1, 600), st.data())
def test_any_flipped_bit_of_what_was_added_is_found(size, count, data):
    tree = make_tree(size)
    before = tree.head
    changed = tree.append(count)
    if data.draw(st.booleans()):
        index = data.draw(st.integers(size, size + count - 1).filter(lambda index: tree.leaves[index]))
        tree.leaves[index] = flip(tree.leaves[index], data)
    else:
        tile = data.draw(st.sampled_from(changed))
        key = tile.level, tile.tile_index
        tree.tiles[key] = flip_new_hash(tree, key, before, data)
    with pytest.raises(LogIntegrityError):
        verify_stored(tree, before, tree.head)


def flip(raw, data, start=0):
    at = data.draw(st.integers(start * 8, len(raw) * 8 - 1))
    changed = bytearray(raw)
    changed[at // 8] ^= 1 << at % 8
    return bytes(changed)


def flip_new_hash(tree, key, before, data):
    level, index = key
    old = compute_tile_width(level, index, before.tree_size)
    return flip(tree.tiles[key], data, start=old * 32)


def test_old_hashes_in_the_edge_are_verified_too():
    tree = make_tree(100)
    before = tree.head
    tree.append(10)
    tree.tiles[0, 0] = bytes(32) + tree.tiles[0, 0][32:]
    with pytest.raises(LogIntegrityError, match="another root"):
        verify_stored(tree, before, tree.head)


def test_a_leaf_that_is_not_there_is_found():
    tree = make_tree(10)
    before = tree.head
    tree.append(3)
    tree.leaves.pop()
    with pytest.raises(LogIntegrityError):
        verify_stored(tree, before, tree.head)


def test_another_root_is_found():
    tree = make_tree(10)
    before = tree.head
    tree.append(3)
    with pytest.raises(LogIntegrityError, match="another root"):
        verify_stored(tree, before, Head(tree.head.tree_size, RootHash(bytes(32)), 0))


def test_a_tile_is_read_by_its_own_name():
    tree = make_tree(257)
    assert tree.read_tile(Tile(1, 0, 1)) == ReferenceTree(LEAVES[:256]).mth(0, 256)


SOME_SIZES = [size for size in SIZES if size]


@pytest.mark.parametrize("size", SOME_SIZES)
def test_the_newest_leaf_is_the_one_in_the_tree(size):
    tree = make_tree(size)
    verify_last_leaf(tree, TreeSize(size))
    tree.leaves[-1] += b"x"
    with pytest.raises(LogIntegrityError, match=f"leaf {size - 1} is not the one"):
        verify_last_leaf(tree, TreeSize(size))


@pytest.mark.parametrize("size", SOME_SIZES)
def test_the_newest_leaf_is_not_compared_with_a_tile_that_is_gone(size):
    tree = make_tree(size)
    del tree.tiles[0, (size - 1) // 256]
    with pytest.raises(LogIntegrityError):
        verify_last_leaf(tree, TreeSize(size))
