"""Tiles are fetched once, never more than asked for are kept, and sizes do not mix."""

import hashlib
import threading

import pytest
from reference import ReferenceTree

from ledger.core.errors import LogIntegrityError, MalformedDocumentError
from ledger.core.merkle import build_inclusion_proof, hash_leaf
from ledger.right_edge import EMPTY_EDGE
from ledger.tile_cache import TileCache

LEAVES = [hashlib.sha256(number.to_bytes(4)).digest() for number in range(1500)]
TREE = ReferenceTree(LEAVES)
TILES = {
    (tile.level, tile.tile_index): tile.hashes
    for tile in EMPTY_EDGE.extend([hash_leaf(leaf) for leaf in LEAVES])[1]
}


class Source:
    def __init__(self):
        self.asked = []

    def fetch(self, tiles):
        self.asked.append(list(tiles))
        return {tile: TILES[tile.level, tile.index][: tile.width * 32] for tile in tiles}


@pytest.fixture
def source():
    return Source()


def names(asked):
    return [[(tile.level, tile.index, tile.width) for tile in tiles] for tiles in asked]


@pytest.mark.parametrize("size", [1, 255, 256, 257, 1500])
def test_proofs_are_those_of_the_recursion(source, size):
    cache = TileCache(most=100)
    for index in range(0, size, 37):
        proof = build_inclusion_proof(index, size, cache.reader(size, source.fetch))
        assert list(proof) == TREE.path(index, 0, size)


def test_each_tile_is_fetched_once(source):
    cache = TileCache(most=100)
    for index in (0, 1, 300, 2, 301):
        build_inclusion_proof(index, 1500, cache.reader(1500, source.fetch))
    asked = [tile for tiles in source.asked for tile in tiles]
    assert len(asked) == len(set(asked))


def test_a_partial_tile_of_another_width_is_another_tile(source):
    cache = TileCache(most=100)
    for size in (10, 20):
        proof = build_inclusion_proof(3, size, cache.reader(size, source.fetch))
        assert list(proof) == TREE.path(3, 0, size)
    assert names(source.asked) == [[(0, 0, 10)], [(0, 0, 20)]]


def test_tiles_ahead_come_in_one_fetch(source):
    cache = TileCache(most=100)
    read = cache.reader(1500, source.fetch, ahead=[0, 5, 700, 1499, 9999])
    assert {tile.index for tile in source.asked[0]} == {0, 2, 5}
    for index in (0, 5, 700, 1499):
        build_inclusion_proof(index, 1500, read)
    assert all(tile.level == 1 or tile.index == 5 for tiles in source.asked[1:] for tile in tiles)


def test_the_least_recently_used_tiles_go(source):
    cache = TileCache(most=2)
    for index in (0, 300, 0, 600, 0):
        cache.reader(1500, source.fetch)(0, index)
    assert names(source.asked) == [[(0, 0, 256)], [(0, 1, 256)], [(0, 2, 256)]]
    cache.reader(1500, source.fetch)(0, 300)
    assert len(source.asked) == 4


def test_a_subtree_that_the_tree_does_not_have_is_an_alarm(source):
    with pytest.raises(LogIntegrityError):
        TileCache(most=2).reader(256, source.fetch)(0, 256)


def test_a_tile_of_another_length_is_refused():
    with pytest.raises(MalformedDocumentError):
        TileCache(most=2).reader(256, lambda tiles: dict.fromkeys(tiles, b"short"))(0, 0)


def test_many_threads_read_the_same(source):
    def work():
        for index in range(0, 1500, 7):
            proof = build_inclusion_proof(index, 1500, cache.reader(1500, source.fetch))
            wrong.extend([index] if list(proof) != expected[index] else [])

    cache, wrong = TileCache(most=3), []
    expected = {index: TREE.path(index, 0, 1500) for index in range(0, 1500, 7)}
    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
