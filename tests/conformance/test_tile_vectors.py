"""Tile paths and widths of the C2SP tlog-tiles specification."""

import json
from collections import Counter

import pytest
from vectors import vector_path

from ledger.core.tiles import ENTRIES, Tile, list_new_tiles, parse_tile_path, tile_path

EXAMPLES = json.loads(vector_path("tlog", "c2sp", "examples.json").read_bytes())


@pytest.mark.parametrize(("index", "path"), EXAMPLES["tile_index_paths"].items())
def test_paths(index, path):
    for tile, expected in [
        (Tile(0, int(index)), f"tile/0/{path}"),
        (Tile(1, int(index), 17), f"tile/1/{path}.p/17"),
        (Tile(ENTRIES, int(index)), f"tile/entries/{path}"),
    ]:
        assert tile_path(tile) == expected
        assert parse_tile_path(expected) == tile


@pytest.mark.parametrize("size", [70_000, 256])
def test_widths(size):
    """The vectors name what exists: the number of full tiles of a level, the width of its partial one."""
    tiles = list_new_tiles(0, size)
    found = Counter(f"full_level{tile.level}" for tile in tiles if tile.width == 256)
    found |= {f"partial_level{tile.level}": tile.width for tile in tiles if tile.width < 256}
    assert dict(found) == EXAMPLES[f"tree_{size}"]
