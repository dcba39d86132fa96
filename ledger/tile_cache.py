"""Tiles in memory, hashed once: what makes many proofs fast.

A tile never changes at its width, so a cached one is right for ever; the least recently used ones go.

>>> cache = TileCache(most=1024)
>>> build_inclusion_proof(index, size, cache.reader(size, queries.read_tiles))
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Lock
from typing import TypeAlias

from ledger.core.errors import LogIntegrityError
from ledger.core.ids import LeafIndex, TreeSize
from ledger.core.merkle import MemoryTree, SubtreeReader
from ledger.core.tiles import TILE_WIDTH, Tile, compute_tile_width, parse_tile, tile_coordinates

Fetch: TypeAlias = Callable[[Sequence[Tile]], Mapping[Tile, bytes]]
"""Returns the contents of tiles, each of exactly its width."""


class TileCache:
    """Keeps tiles with all hashes inside them, about 40 kB a full tile. Safe to share between threads."""

    def __init__(self, most: int) -> None:
        """Keep at most this many tiles."""
        self._most = most
        self._trees: OrderedDict[Tile, MemoryTree] = OrderedDict()
        self._lock = Lock()

    def reader(self, tree_size: TreeSize, fetch: Fetch, ahead: Iterable[LeafIndex] = ()) -> SubtreeReader:
        """Return a reader of the tree of this size; it holds on to every tile that it has met.

        Args:
            tree_size: decides how wide the tiles at the right edge are.
            fetch: its errors pass through.
            ahead: leaves whose tiles are fetched at once, together.

        Raises:
            LogIntegrityError: on reading, a subtree that a tree of this size does not have.
        """
        met: dict[tuple[int, int], MemoryTree] = {}

        def read(level: int, index: int) -> bytes:
            tile_level, tile_index, level_in_tile, index_in_tile = tile_coordinates(level, index)
            tree = met.get((tile_level, tile_index))
            if tree is None:
                tile = _name(tile_level, tile_index, tree_size)
                tree = met[tile_level, tile_index] = self._get([tile], fetch)[tile]
            return tree.read(level_in_tile, index_in_tile)

        places = {index // TILE_WIDTH for index in ahead if 0 <= index < tree_size}
        wanted = [_name(0, place, tree_size) for place in places]
        met.update({(0, tile.index): tree for tile, tree in self._get(wanted, fetch).items()})
        return read

    def _get(self, tiles: Sequence[Tile], fetch: Fetch) -> dict[Tile, MemoryTree]:
        with self._lock:
            found = {tile: self._trees[tile] for tile in tiles if tile in self._trees}
            for tile in found:
                self._trees.move_to_end(tile)
        missing = [tile for tile in tiles if tile not in found]
        contents = fetch(missing) if missing else {}
        fresh = {tile: MemoryTree(parse_tile(contents[tile], tile.width)) for tile in missing}
        with self._lock:
            self._trees.update(fresh)
            while len(self._trees) > self._most:
                self._trees.popitem(last=False)
        return found | fresh


def _name(level: int, index: int, tree_size: TreeSize) -> Tile:
    width = compute_tile_width(level, index, tree_size)
    if not width:
        raise LogIntegrityError(f"a tree of {tree_size} leaves has no tile {index} of level {level}")
    return Tile(level, index, width)
