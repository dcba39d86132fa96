from contextlib import suppress

import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.errors import InputError, MalformedDocumentError, NonCanonicalEncodingError, NotFoundError
from ledger.core.merkle import (
    MemoryTree,
    build_consistency_proof,
    build_inclusion_proof,
    build_multi_proof,
    build_root,
    hash_leaf,
)
from ledger.core.tiles import (
    ENTRIES,
    Tile,
    TileReader,
    compute_tile_width,
    encode_entry_bundle,
    encode_tile,
    list_new_tiles,
    parse_entry_bundle,
    parse_tile,
    parse_tile_path,
    read_subtree_from_tile,
    tile_coordinates,
    tile_path,
)

LEAVES = [index.to_bytes(4) for index in range(70_000)]
TREE = MemoryTree([hash_leaf(leaf) for leaf in LEAVES])
REFERENCE = reference.ReferenceTree(LEAVES)

tiles = st.builds(
    Tile,
    st.integers(-1, 63),
    st.one_of(st.integers(0, 2_000), st.integers(0, 10**18 - 1)),
    st.integers(1, 256),
)


def write_tile(tile):
    """Return a tile's content by its definition: MTH over the leaves of each of its hashes."""
    span = 256**tile.level
    first = tile.index * 256
    return b"".join(REFERENCE.mth(at * span, (at + 1) * span) for at in range(first, first + tile.width))


# Paths


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 999), "tile/0/999"),
        (Tile(0, 1_000), "tile/0/x001/000"),
        (Tile(0, 999_999), "tile/0/x999/999"),
        (Tile(3, 1_234_067), "tile/3/x001/x234/067"),
        (Tile(63, 1_000_000, 1), "tile/63/x001/x000/000.p/1"),
        (Tile(0, 5, 255), "tile/0/005.p/255"),
        (Tile(ENTRIES, 1_234_067, 42), "tile/entries/x001/x234/067.p/42"),
    ],
)
def test_paths(tile, path):
    assert tile_path(tile) == path
    assert parse_tile_path(path) == tile


@given(tiles)
def test_every_path_is_read_back(tile):
    assert parse_tile_path(tile_path(tile)) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/1000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/x/000",
        "tile/data/000",
        "/tile/0/000",
        "tile/0/000/",
        "tile/0/001/000",
        "tile/0/x001/x000",
        "tile/0/x001",
        "tile/0/x01/000",
        "tile/0/X001/000",
        "tile/0/x001//000",
        "tile/0/../000",
        "tile/0/00a",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/-1",
        "tile/0/000.p/1000",
        "tile/0/000.p/1/",
        "tile/0/000\n",
        "tile/0/٠٠٠",
        "tile/٣/000",
        "tile/0/" + "x001/" * 6 + "000",
    ],
)
def test_what_is_no_path_of_a_tile_is_refused(path):
    with pytest.raises(MalformedDocumentError):
        parse_tile_path(path)


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/x000/000",
        "tile/0/x000/x001/000",
        "tile/0/000.p/256",
        "tile/0/000.p/999",
        "tile/entries/x000/001",
    ],
)
def test_a_second_spelling_of_a_path_is_refused(path):
    with pytest.raises(NonCanonicalEncodingError):
        parse_tile_path(path)


@given(st.one_of(st.text(), st.from_regex(r"tile/[0-9e]*/[x0-9/]*(\.p/[0-9]*)?", fullmatch=True)))
def test_any_text_as_a_path_is_read_or_refused(path):
    with suppress(InputError):
        assert tile_path(parse_tile_path(path)) == path


# Which tiles there are


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 70_000])
def test_the_tiles_of_a_tree_are_those_of_the_specification(size):
    """Full tiles, then one partial of floor(s / 256^l) mod 256 hashes, at each level."""
    expected = [
        Tile(level, index, min(256, (size // 256**level) - index * 256))
        for level in range(8)
        for index in range(-(-(size // 256**level) // 256))
    ]
    assert list_new_tiles(0, size) == expected
    for tile in expected:
        assert compute_tile_width(tile.level, tile.index, size) == tile.width
    assert compute_tile_width(0, size // 256 + 1, size) == 0
    assert compute_tile_width(9, 0, size) == 0


@given(st.integers(0, 70_000), st.integers(0, 600))
def test_writing_the_new_tiles_at_each_step_keeps_the_whole_tree_in_store(old, step):
    new = min(old + step, 70_000)
    before = {(tile.level, tile.index): tile.width for tile in list_new_tiles(0, old)}
    written = list_new_tiles(old, new)
    after = before | {(tile.level, tile.index): tile.width for tile in written}
    assert after == {(tile.level, tile.index): tile.width for tile in list_new_tiles(0, new)}
    for tile in written:
        assert before.get((tile.level, tile.index), 0) < tile.width, "nothing is written twice"


def test_tiles_of_the_largest_step_are_few():
    assert [tile.level for tile in list_new_tiles(2**63 - 2, 2**63 - 1)] == [0]
    assert [tile_path(tile) for tile in list_new_tiles(256**4 - 1, 256**4)][-2:] == [
        "tile/3/000",
        "tile/4/000.p/1",
    ]
    assert list_new_tiles(5, 5) == []


@pytest.mark.parametrize(("old", "new"), [(1, 0), (-1, 0), (-1, 5)])
def test_a_log_cannot_shrink(old, new):
    with pytest.raises(MalformedDocumentError):
        list_new_tiles(old, new)


# Content


@given(st.integers(0, 16), st.integers(0, 69_999))
def test_each_perfect_subtree_is_found_in_its_tile(level, leaf):
    index = leaf >> level
    if (index + 1) << level > 70_000:
        return
    place = tile_coordinates(level, index)
    width = compute_tile_width(place.tile_level, place.tile_index, 70_000)
    content = write_tile(Tile(place.tile_level, place.tile_index, width))
    found = read_subtree_from_tile(content, place.level_in_tile, place.index_in_tile)
    assert found == REFERENCE.mth(index << level, (index + 1) << level)


@pytest.mark.parametrize(
    ("level", "index", "place"),
    [
        (0, 0, (0, 0, 0, 0)),
        (0, 255, (0, 0, 0, 255)),
        (0, 256, (0, 1, 0, 0)),
        (7, 1, (0, 0, 7, 1)),
        (7, 2, (0, 1, 7, 0)),
        (8, 0, (1, 0, 0, 0)),
        (15, 3, (1, 1, 7, 1)),
        (62, 1, (7, 0, 6, 1)),
    ],
)
def test_coordinates(level, index, place):
    assert tile_coordinates(level, index) == place


@pytest.mark.parametrize(("level", "index"), [(0, 112), (0, 255), (4, 7), (6, 1), (7, 0)])
def test_a_subtree_beyond_a_partial_tile_is_refused(level, index):
    content = write_tile(Tile(0, 273, 112))
    with pytest.raises(MalformedDocumentError):
        read_subtree_from_tile(content, level, index)


@pytest.mark.parametrize(
    ("raw", "width"),
    [
        (b"", 0),
        (b"", 1),
        (bytes(31), 1),
        (bytes(33), 1),
        (bytes(32), 2),
        (bytes(64), 1),
        (bytes(32 * 257), 257),
        (bytes(32), -1),
    ],
)
def test_a_tile_of_another_size_is_refused(raw, width):
    with pytest.raises(MalformedDocumentError):
        parse_tile(raw, width)


@pytest.mark.parametrize("hashes", [[], [bytes(31)], [bytes(32), bytes(33)], [bytes(32)] * 257])
def test_a_tile_is_not_written_from_wrong_hashes(hashes):
    with pytest.raises(MalformedDocumentError):
        encode_tile(hashes)


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=256))
def test_tiles_are_read_back(hashes):
    assert parse_tile(encode_tile(hashes), len(hashes)) == hashes


# Reading proofs from tiles


@given(st.integers(1, 70_000), st.data())
def test_proofs_from_tiles_equal_proofs_from_the_tree(size, data):
    index = data.draw(st.integers(0, size - 1))
    fetched = []

    def fetch(tile):
        fetched.append(tile)
        return write_tile(tile)

    reader = TileReader(size, fetch)
    assert build_inclusion_proof(index, size, reader.read) == build_inclusion_proof(index, size, TREE.read)
    assert build_root(size, reader.read) == build_root(size, TREE.read)
    assert build_consistency_proof(index + 1, size, reader.read) == build_consistency_proof(
        index + 1, size, TREE.read
    )
    assert build_multi_proof([0, index], size, reader.read) == build_multi_proof([0, index], size, TREE.read)
    assert len(fetched) == len(set(fetched)), "each tile is fetched once"
    assert set(fetched) <= set(list_new_tiles(0, size)), "only tiles that this size has"


def test_a_tile_of_wrong_length_from_the_store_is_refused():
    with pytest.raises(MalformedDocumentError):
        TileReader(70_000, lambda tile: write_tile(tile)[:-1]).read(0, 0)
    with pytest.raises(MalformedDocumentError):
        TileReader(70_000, lambda tile: bytes(8192)).read(0, 69_999)


@pytest.mark.parametrize(("level", "index"), [(0, 70_000), (0, 70_400), (4, 4_375), (16, 1), (24, 0)])
def test_tiles_beyond_the_tree_are_not_fetched(level, index):
    def fetch(tile):
        assert tile in list_new_tiles(0, 70_000)
        return write_tile(tile)

    with pytest.raises(NotFoundError):
        TileReader(70_000, fetch).read(level, index)


# Entry bundles


def test_an_entry_bundle_has_two_bytes_of_length_before_each_leaf():
    assert encode_entry_bundle([b"", b"ab", bytes(300)]) == b"\x00\x00" + b"\x00\x02ab" + b"\x01\x2c" + bytes(
        300
    )


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
def test_entry_bundles_are_read_back(leaves):
    assert parse_entry_bundle(encode_entry_bundle(leaves), len(leaves)) == tuple(leaves)


def test_the_largest_leaf_fits():
    assert parse_entry_bundle(encode_entry_bundle([bytes(65_535)]), 1) == (bytes(65_535),)


@pytest.mark.parametrize("leaves", [[], [b""] * 257, [bytes(65_536)]])
def test_an_impossible_entry_bundle_is_not_written(leaves):
    with pytest.raises(MalformedDocumentError):
        encode_entry_bundle(leaves)


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=20), st.data())
def test_a_cut_prolonged_or_miscounted_entry_bundle_is_refused(leaves, data):
    raw = encode_entry_bundle(leaves)
    cut = data.draw(st.integers(0, len(raw) - 1))
    for damaged in (raw[:cut], raw + b"\x00", raw + b"\x00\x00"):
        with pytest.raises(MalformedDocumentError):
            parse_entry_bundle(damaged, len(leaves))
    for width in (-1, 0, len(leaves) - 1, len(leaves) + 1, 257):
        with pytest.raises(MalformedDocumentError):
            parse_entry_bundle(raw, width)


def test_a_bundle_of_257_leaves_is_refused():
    for width in (256, 257):
        with pytest.raises(MalformedDocumentError):
            parse_entry_bundle(b"\x00\x00" * 257, width)


@given(st.binary(max_size=200), st.integers(-1, 300))
def test_any_bytes_as_an_entry_bundle_are_read_or_refused(raw, width):
    with suppress(InputError):
        assert encode_entry_bundle(parse_entry_bundle(raw, width)) == raw
