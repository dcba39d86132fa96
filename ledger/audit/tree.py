"""The tiles that follow from the leaves, beside those that are published.

>>> tree = TreeComparison(source)
>>> for hashes in leaf_hashes_by_256:
...     tree.take(hashes)
>>> tree.finish()
"""

from collections.abc import Sequence

from ledger.audit.reading import TreeSource
from ledger.core.errors import ContradictionError
from ledger.core.ids import LeafHash
from ledger.core.merkle import HASH_SIZE
from ledger.core.tiles import ENTRIES, TILE_WIDTH, GrowingTiles, Tile, tile_path


class TreeComparison:
    """Takes the hashes of all leaves in their order, and compares every tile as soon as it is complete."""

    def __init__(self, source: TreeSource) -> None:
        self._source = source
        self._tiles = GrowingTiles()

    def take(self, leaf_hashes: Sequence[LeafHash]) -> None:
        """Take further leaves.

        Raises:
            ContradictionError: a tile is missing, or is not what the leaves give.
        """
        for tile, expected in self._tiles.take(leaf_hashes):
            self._compare(tile, expected)

    def finish(self) -> None:
        """Compare the partial tiles at the right edge, when all leaves have been taken.

        Raises:
            ContradictionError: as `take`.
        """
        for tile, expected in self._tiles.finish():
            self._compare(tile, expected)

    def _compare(self, tile: Tile, expected: bytes) -> None:
        path = tile_path(tile)
        found = self._source.read(path, TILE_WIDTH * HASH_SIZE)
        if found is None:
            raise ContradictionError("is missing", file=path)
        if found != expected:
            _explain(tile, expected, found)


def _explain(tile: Tile, expected: bytes, found: bytes) -> None:
    """Say where a tile differs from what the leaves give."""
    path = tile_path(tile)
    if len(found) != len(expected):
        raise ContradictionError(f"has {len(found)} bytes instead of {len(expected)}", file=path)
    place = next(at for at in range(len(found)) if found[at] != expected[at]) // HASH_SIZE
    index = tile.index * TILE_WIDTH + place
    if tile.level > 0:
        below = tile_path(Tile(tile.level - 1, index))
        raise ContradictionError(f"hash {place} is not that of {below}", file=path)
    bundle = tile_path(Tile(ENTRIES, tile.index, tile.width))
    raise ContradictionError(f"is not the hash of the leaf in {bundle}", file=path, leaf_index=index)
