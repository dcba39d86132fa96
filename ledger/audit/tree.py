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
from ledger.core.merkle import HASH_SIZE, CompactRange
from ledger.core.tiles import ENTRIES, TILE_HEIGHT, TILE_WIDTH, Tile, tile_path


class TreeComparison:
    """Takes the hashes of all leaves in their order, and compares every tile as soon as it is complete."""

    def __init__(self, source: TreeSource) -> None:
        self._source = source
        self._edge = CompactRange()
        self._rows: list[list[bytes]] = []
        """By tile level: hashes whose tile is not complete yet."""
        self._done: list[int] = []
        """By tile level: tiles compared."""

    def take(self, leaf_hashes: Sequence[LeafHash]) -> None:
        """Take further leaves.

        Raises:
            ContradictionError: a tile is missing, or is not what the leaves give.
        """
        for level, (_, _, hashes) in enumerate(self._edge.extend(leaf_hashes)[::TILE_HEIGHT]):
            if level == len(self._rows):
                self._rows.append([])
                self._done.append(0)
            row = self._rows[level]
            row += hashes
            while len(row) >= TILE_WIDTH:
                self._compare(level, row[:TILE_WIDTH])
                del row[:TILE_WIDTH]

    def finish(self) -> None:
        """Compare the partial tiles at the right edge, when all leaves have been taken.

        Raises:
            ContradictionError: as `take`.
        """
        for level, row in enumerate(self._rows):
            if row:
                self._compare(level, row)

    def _compare(self, level: int, hashes: Sequence[bytes]) -> None:
        tile = Tile(level, self._done[level], len(hashes))
        path = tile_path(tile)
        expected = b"".join(hashes)
        found = self._source.read(path, TILE_WIDTH * HASH_SIZE)
        if found is None:
            raise ContradictionError("is missing", file=path)
        if found != expected:
            _explain(tile, expected, found)
        self._done[level] += 1


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
