"""Tiles: the Merkle tree cut into pieces of 256 hashes that never change again (C2SP tlog-tiles).

The tile at level L and index N holds the hashes of the perfect subtrees of 256^L leaves with the numbers
256 N to 256 N + 255; all hashes between two tile levels follow from it. The last tile of a level may be
partial and is named with its width. Entry bundles hold the leaves themselves, 256 a bundle.

>>> tile_path(Tile(0, 1234067)), tile_path(Tile(1, 0, 17))
('tile/0/x001/x234/067', 'tile/1/000.p/17')
>>> [tile_path(tile) for tile in list_new_tiles(TreeSize(255), TreeSize(257))]
['tile/0/000', 'tile/0/001.p/1', 'tile/1/000.p/1']
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from ledger.core.errors import MalformedDocumentError, NonCanonicalEncodingError
from ledger.core.ids import LeafHash, TreeSize
from ledger.core.merkle import HASH_SIZE, CompactRange, MemoryTree, compute_root

TILE_HEIGHT: Final = 8
"""Levels of the tree in one tile."""

TILE_WIDTH: Final = 256
"""Hashes in a full tile, leaves in a full entry bundle."""

ENTRIES: Final = -1
"""Level that stands for entry bundles."""

MAX_ENTRY_BYTES: Final = 65_535
"""Longest leaf in an entry bundle: its length is written in two bytes."""

_PATH = re.compile(
    r"tile/(0|[1-9]|[1-5][0-9]|6[0-3]|entries)/((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?"
)


@dataclass(frozen=True, slots=True)
class Tile:
    """Name of one tile or entry bundle, full or partial."""

    level: int
    """0 to 63; level 0 holds leaf hashes. `ENTRIES` for an entry bundle."""
    index: int
    """Zero-based from the left."""
    width: int = TILE_WIDTH
    """1 to 256 hashes or leaves."""


class TilePosition(NamedTuple):
    """Where a perfect subtree is found: in which tile, and where within."""

    tile_level: int
    tile_index: int
    level_in_tile: int
    """0 to 7 above the tile's own hashes."""
    index_in_tile: int


def tile_coordinates(level: int, index: int) -> TilePosition:
    """Return the place of the perfect subtree `index` over 2^level leaves."""
    tile_level, level_in_tile = divmod(level, TILE_HEIGHT)
    per_tile = TILE_WIDTH >> level_in_tile
    return TilePosition(tile_level, index // per_tile, level_in_tile, index % per_tile)


def read_subtree_from_tile(hashes: bytes, level_in_tile: int, index_in_tile: int) -> bytes:
    """Return the 32-byte hash of a perfect subtree inside a tile.

    Args:
        hashes: content of the tile, 32 bytes a hash; partial is enough if it reaches that far.
        level_in_tile: 0 to 7.
        index_in_tile: number of the subtree at that level.

    Raises:
        MalformedDocumentError: the tile does not reach that far.
    """
    size = HASH_SIZE << level_in_tile
    piece = hashes[index_in_tile * size : (index_in_tile + 1) * size]
    if len(piece) != size:
        raise MalformedDocumentError(
            f"a tile of {len(hashes)} bytes has no subtree {level_in_tile}/{index_in_tile}"
        )
    return compute_root(_split(piece))


def encode_tile(hashes: Sequence[bytes]) -> bytes:
    """Return the content of a tile with these hashes.

    Raises:
        MalformedDocumentError: not 1 to 256 hashes of 32 bytes.
    """
    if not 1 <= len(hashes) <= TILE_WIDTH or any(len(value) != HASH_SIZE for value in hashes):
        raise MalformedDocumentError("a tile has 1 to 256 hashes of 32 bytes")
    return b"".join(hashes)


def parse_tile(raw: bytes, width: int) -> list[LeafHash]:
    """Return the hashes of a tile.

    Raises:
        MalformedDocumentError: not `width` hashes of 32 bytes, or a width outside 1 to 256.
    """
    if not 1 <= width <= TILE_WIDTH or len(raw) != width * HASH_SIZE:
        raise MalformedDocumentError(f"a tile of width {width} cannot have {len(raw)} bytes")
    return _split(raw)


def tile_path(tile: Tile) -> str:
    """Return `tile/<L>/<N>[.p/<W>]`, or `tile/entries/...`, relative to the log's URL prefix."""
    rest, last = divmod(tile.index, 1000)
    number = f"{last:03}"
    while rest:
        rest, group = divmod(rest, 1000)
        number = f"x{group:03}/{number}"
    level = "entries" if tile.level == ENTRIES else tile.level
    return f"tile/{level}/{number}" + ("" if tile.width == TILE_WIDTH else f".p/{tile.width}")


def parse_tile_path(path: str) -> Tile:
    """Return the tile that a path names; whether the log has it is not looked at.

    Raises:
        MalformedDocumentError: not the path of a tile.
        NonCanonicalEncodingError: an index with too many groups of digits, or a width above 255.
    """
    match = _PATH.fullmatch(path)
    if not match:
        raise MalformedDocumentError(
            "not the path of a tile: tile/<level>/<index>, then .p/<width> where partial"
        )
    level, number, width = match.groups()
    tile = Tile(
        ENTRIES if level == "entries" else int(level),
        int(number.replace("/", "").replace("x", "")),
        int(width or TILE_WIDTH),
    )
    if tile_path(tile) != path or tile.width > TILE_WIDTH:
        raise NonCanonicalEncodingError(
            "the index of a tile has no leading groups of zeros, its width is 1 to 255"
        )
    return tile


def list_new_tiles(old_size: TreeSize, new_size: TreeSize) -> list[Tile]:
    """Return the tiles to write when the log grows, level by level: every one whose content is new.

    These are the tiles that became full and the partial ones at the new right edge; from size 0 they are all
    tiles of the new tree.

    Raises:
        MalformedDocumentError: requires 0 <= old_size <= new_size.
    """
    if not 0 <= old_size <= new_size:
        raise MalformedDocumentError(f"a log of {old_size} leaves cannot have grown to {new_size}")
    tiles: list[Tile] = []
    level, old_count, new_count = 0, int(old_size), int(new_size)
    while old_count < new_count:
        full, rest = divmod(new_count, TILE_WIDTH)
        tiles.extend(Tile(level, index) for index in range(old_count // TILE_WIDTH, full))
        if rest:
            tiles.append(Tile(level, full, rest))
        level, old_count, new_count = level + 1, old_count // TILE_WIDTH, full
    return tiles


def list_files(tree_size: TreeSize) -> list[Tile]:
    """Return everything that stands under `tile/` at this size, and nothing else: tiles, then entry bundles.

    Raises:
        MalformedDocumentError: the size is negative.
    """
    tiles = list_new_tiles(TreeSize(0), tree_size)
    return tiles + [Tile(ENTRIES, tile.index, tile.width) for tile in tiles if tile.level == 0]


def compute_tile_width(level: int, index: int, tree_size: TreeSize) -> int:
    """Return how many hashes that tile has in a tree of this size: 0 (no such tile) to 256."""
    count = tree_size >> (TILE_HEIGHT * max(level, 0))
    return min(max(count - index * TILE_WIDTH, 0), TILE_WIDTH)


class GrowingTiles:
    """The tiles that follow from leaves which come in their order; each is given out once, when it is complete."""

    __slots__ = ("_done", "_edge", "_rows")

    def __init__(self) -> None:
        self._edge = CompactRange()
        self._rows: list[list[bytes]] = []
        """By tile level: hashes whose tile is not complete yet."""
        self._done: list[int] = []
        """By tile level: tiles given out."""

    def take(self, leaf_hashes: Sequence[LeafHash]) -> Iterator[tuple[Tile, bytes]]:
        """Take further leaves; yield every tile that they complete, with its content."""
        for level, (_, _, hashes) in enumerate(self._edge.extend(leaf_hashes)[::TILE_HEIGHT]):
            if level == len(self._rows):
                self._rows.append([])
                self._done.append(0)
            row = self._rows[level]
            row += hashes
            while len(row) >= TILE_WIDTH:
                yield self._give(level, row[:TILE_WIDTH])
                del row[:TILE_WIDTH]

    def finish(self) -> Iterator[tuple[Tile, bytes]]:
        """Yield the partial tiles at the right edge, when all leaves have been taken."""
        for level, row in enumerate(self._rows):
            if row:
                yield self._give(level, row)

    def _give(self, level: int, hashes: Sequence[bytes]) -> tuple[Tile, bytes]:
        tile = Tile(level, self._done[level], len(hashes))
        self._done[level] += 1
        return tile, b"".join(hashes)


class TileReader:
    """Answers a proof builder from tiles, each fetched and hashed once.

    Lives as long as one request or one batch at one tree size; it keeps every tile that it has fetched.
    """

    __slots__ = ("_fetch", "_tiles", "_tree_size")

    def __init__(self, tree_size: TreeSize, fetch: Callable[[Tile], bytes]) -> None:
        """Read from the tree of this size.

        Args:
            tree_size: decides how wide the tiles at the right edge are.
            fetch: returns the content of a tile of exactly that width; its errors pass through.
        """
        self._tree_size = tree_size
        self._fetch = fetch
        self._tiles: dict[tuple[int, int], MemoryTree] = {}

    def read(self, level: int, index: int) -> bytes:
        """Return the hash of one perfect subtree: a `SubtreeReader`.

        Raises:
            MalformedDocumentError: a tile has another length than its width needs.
            NotFoundError: the tree is too small to have this subtree.
        """
        place = tile_coordinates(level, index)
        key = place.tile_level, place.tile_index
        if key not in self._tiles:
            self._tiles[key] = self._load(*key)
        return self._tiles[key].read(place.level_in_tile, place.index_in_tile)

    def _load(self, level: int, index: int) -> MemoryTree:
        width = compute_tile_width(level, index, self._tree_size)
        return MemoryTree(parse_tile(self._fetch(Tile(level, index, width)), width) if width else ())


def encode_entry_bundle(leaves: Sequence[bytes]) -> bytes:
    """Return the leaves one after the other, each behind its length as two big-endian bytes.

    Raises:
        MalformedDocumentError: not 1 to 256 leaves, or one has more than 65,535 bytes.
    """
    if not 1 <= len(leaves) <= TILE_WIDTH or any(len(leaf) > MAX_ENTRY_BYTES for leaf in leaves):
        raise MalformedDocumentError(
            f"an entry bundle has 1 to 256 leaves of at most {MAX_ENTRY_BYTES} bytes"
        )
    return b"".join(len(leaf).to_bytes(2) + leaf for leaf in leaves)


def parse_entry_bundle(raw: bytes, width: int) -> tuple[bytes, ...]:
    """Return the leaves of an entry bundle.

    Raises:
        MalformedDocumentError: not exactly `width` leaves, which is 1 to 256.
    """
    leaves: list[bytes] = []
    at = 0
    while at < len(raw) and len(leaves) <= TILE_WIDTH:
        start = at + 2
        at = start + int.from_bytes(raw[at:start])
        leaves.append(raw[start:at])
    if at != len(raw) or len(leaves) != width or not 1 <= width <= TILE_WIDTH:
        raise MalformedDocumentError(f"not an entry bundle of {width} leaves")
    return tuple(leaves)


def _split(hashes: bytes) -> list[LeafHash]:
    return [LeafHash(hashes[at : at + HASH_SIZE]) for at in range(0, len(hashes), HASH_SIZE)]
