"""The right edge of the stored tree: where it grows, and all that growing needs.

A log of any size has at most one partial tile per tile level at its right edge; they hold every hash that a
new leaf is combined with.

>>> edge, tiles = EMPTY_EDGE.extend([hash_leaf(b"a"), hash_leaf(b"b")])
>>> edge.size, [(tile.level, tile.tile_index, len(tile.hashes)) for tile in tiles]
(2, [(0, 0, 64)])
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from ledger.core.errors import LogIntegrityError
from ledger.core.ids import LeafHash, RootHash, TreeSize
from ledger.core.merkle import HASH_SIZE, CompactRange, NodeRow, build_root, compute_root, hash_leaf
from ledger.core.tiles import (
    TILE_HEIGHT,
    TILE_WIDTH,
    Tile,
    compute_tile_width,
    list_new_tiles,
    parse_tile,
    read_subtree_from_tile,
    tile_coordinates,
)
from ledger.store.records import Head, StoredTile

_TILE_BYTES: Final = TILE_WIDTH * HASH_SIZE


class TreeReading(Protocol):
    """Stored leaves and tiles, at one state of the log."""

    def read_leaves(self, begin: int, end: int) -> Sequence[bytes]:
        """Return the leaves with begin <= index < end; raise `LogIntegrityError` if one is missing."""
        ...

    def read_tile(self, tile: Tile) -> bytes:
        """Return a tile, cut to its width; raise `LogIntegrityError` if it is missing or too short."""
        ...


@dataclass(frozen=True, slots=True)
class RightEdge:
    """The edge at one size; never changed, only replaced."""

    size: TreeSize
    tiles: tuple[bytes, ...]
    """By tile level: the partial tile, empty where the last tile of the level is full."""
    hashes: tuple[bytes, ...]
    """Roots of the perfect subtrees that the tree consists of, largest first; they follow from `tiles`."""

    @property
    def root_hash(self) -> RootHash:
        """Return the root of the tree."""
        return CompactRange.from_hashes(self.size, self.hashes).root()

    def extend(self, leaf_hashes: Sequence[LeafHash]) -> tuple["RightEdge", list[StoredTile]]:
        """Return the edge after more leaves, and every tile that is new or has grown."""
        grown = CompactRange.from_hashes(self.size, self.hashes)
        rows = grown.extend(leaf_hashes)
        changed: list[StoredTile] = []
        tiles = list(self.tiles)
        for level, row in enumerate(rows[::TILE_HEIGHT]):
            before = tiles[level] if level < len(tiles) else b""
            content = _cut(level, row, before)
            changed += content
            tiles[level : level + 1] = [b"" if len(content[-1].hashes) == _TILE_BYTES else content[-1].hashes]
        return RightEdge(grown.size, tuple(tiles), grown.hashes), changed


EMPTY_EDGE: Final = RightEdge(TreeSize(0), (), ())
"""Edge of a log without leaves."""


def load_edge(reading: TreeReading, head: Head) -> RightEdge:
    """Return the edge of a stored log.

    Raises:
        LogIntegrityError: the stored tiles do not lead to the root of the head.
    """
    tiles: list[bytes] = []
    count = int(head.tree_size)
    while count:
        index, width = divmod(count, TILE_WIDTH)
        tiles.append(reading.read_tile(Tile(len(tiles), index, width)) if width else b"")
        count = index
    edge = RightEdge(head.tree_size, tuple(tiles), _find_subtrees(tiles, head.tree_size))
    if edge.root_hash != head.root_hash:
        raise LogIntegrityError("the stored tiles lead to another root than that of the head")
    return edge


def verify_last_leaf(reading: TreeReading, tree_size: TreeSize) -> None:
    """Compare the newest leaf with its hash in the tiles; what follows from it is about to be signed.

    Raises:
        LogIntegrityError: they differ, or one is missing.
    """
    index = (tree_size - 1) // TILE_WIDTH
    tile = reading.read_tile(Tile(0, index, compute_tile_width(0, index, tree_size)))
    (leaf,) = reading.read_leaves(tree_size - 1, tree_size)
    if tile[-HASH_SIZE:] != hash_leaf(leaf):
        raise LogIntegrityError(f"leaf {tree_size - 1} is not the one whose hash is in the tree")


def verify_stored(reading: TreeReading, before: Head, after: Head) -> None:
    """Read what was added again, hash it again, and compute the root from the bottom up.

    Raises:
        LogIntegrityError: what is stored is not what was meant: nothing may be signed.
    """
    leaves = reading.read_leaves(before.tree_size, after.tree_size)
    tiles = {tile: reading.read_tile(tile) for tile in list_new_tiles(before.tree_size, after.tree_size)}
    added: list[bytes] = [hash_leaf(leaf) for leaf in leaves]
    for level in range(1 + max(tile.level for tile in tiles)):
        row = [tile for tile in tiles if tile.level == level]
        if not b"".join(tiles[tile] for tile in row).endswith(b"".join(added)):
            raise LogIntegrityError(f"a tile of level {level} does not hold the hashes of what lies below it")
        added = [
            compute_root(parse_tile(tiles[tile], TILE_WIDTH)) for tile in row if tile.width == TILE_WIDTH
        ]
    if compute_stored_root(reading, after.tree_size, tiles) != after.root_hash:
        raise LogIntegrityError("the stored tiles lead to another root than the one to be signed")


def _cut(level: int, row: NodeRow, before: bytes) -> list[StoredTile]:
    """Return the tiles that a row of new hashes makes of the partial tile that was there before."""
    _, first, hashes = row
    content = before + b"".join(hashes)
    starts = range(0, len(content), _TILE_BYTES)
    return [
        StoredTile(level, first // TILE_WIDTH + number, content[at : at + _TILE_BYTES])
        for number, at in enumerate(starts)
    ]


def _find_subtrees(tiles: Sequence[bytes], tree_size: TreeSize) -> tuple[bytes, ...]:
    """Return the perfect subtrees that the tree consists of: each lies in a partial tile."""
    found = []
    for level in reversed(range(tree_size.bit_length())):
        if tree_size >> level & 1:
            place = tile_coordinates(level, (tree_size >> level) - 1)
            content = tiles[place.tile_level]
            found.append(read_subtree_from_tile(content, place.level_in_tile, place.index_in_tile))
    return tuple(found)


def compute_stored_root(
    reading: TreeReading, tree_size: TreeSize, tiles: Mapping[Tile, bytes] | None = None
) -> RootHash:
    """Return the root of the first `tree_size` leaves, from the stored tiles.

    Args:
        reading: the stored tree, at least of this size.
        tree_size: how many leaves.
        tiles: those that have been read already.

    Raises:
        LogIntegrityError: a tile is missing or too short.
    """
    known = tiles or {}

    def read(level: int, index: int) -> bytes:
        place = tile_coordinates(level, index)
        width = compute_tile_width(place.tile_level, place.tile_index, tree_size)
        tile = Tile(place.tile_level, place.tile_index, width)
        content = known[tile] if tile in known else reading.read_tile(tile)
        return read_subtree_from_tile(content, place.level_in_tile, place.index_in_tile)

    return build_root(tree_size, read)
