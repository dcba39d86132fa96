"""Tiles in memory, hashed once: what makes many proofs fast.

A tile never changes at its width, so a cached one is right for ever; the least recently used ones go.

>>> cache = TileCache(most=1024)
>>> build_inclusion_proof(index, size, cache.reader(size, queries.read_tile))
"""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from ledger.core.errors import LogIntegrityError
from ledger.core.ids import TreeSize
from ledger.core.merkle import MemoryTree, SubtreeReader
from ledger.core.tiles import Tile, compute_tile_width, parse_tile, tile_coordinates


class TileCache:
    """Keeps tiles with all hashes inside them, about 40 kB a full tile. Safe to share between threads."""

    def __init__(self, most: int) -> None:
        """Keep at most this many tiles."""
        self._most = most
        self._trees: OrderedDict[Tile, MemoryTree] = OrderedDict()
        self._lock = Lock()

    def reader(self, tree_size: TreeSize, fetch: Callable[[Tile], bytes]) -> SubtreeReader:
        """Return a reader of the tree of this size.

        Args:
            tree_size: decides how wide the tiles at the right edge are.
            fetch: returns a tile of exactly that width; its errors pass through.
        """

        def read(level: int, index: int) -> bytes:
            place = tile_coordinates(level, index)
            width = compute_tile_width(place.tile_level, place.tile_index, tree_size)
            if not width:
                raise LogIntegrityError(
                    f"a tree of {tree_size} leaves has no subtree {index} of level {level}"
                )
            tree = self._get(Tile(place.tile_level, place.tile_index, width), fetch)
            return tree.read(place.level_in_tile, place.index_in_tile)

        return read

    def _get(self, tile: Tile, fetch: Callable[[Tile], bytes]) -> MemoryTree:
        with self._lock:
            tree = self._trees.get(tile)
            if tree is not None:
                self._trees.move_to_end(tile)
                return tree
        tree = MemoryTree(parse_tile(fetch(tile), tile.width))
        with self._lock:
            self._trees[tile] = tree
            while len(self._trees) > self._most:
                self._trees.popitem(last=False)
        return tree
