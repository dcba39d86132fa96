"""Tiles and entry bundles as the prover reads them from a store: each that exists, at the sizes where they turn."""

import pytest
from bare_log import LOG_KEY, bare_leaf, make_bare_store
from reference import ReferenceTree
from tlog_client import check_proof, read_log
from world import ORIGIN

from ledger.core.errors import LogIntegrityError, NotFoundError
from ledger.core.ids import LeafIndex
from ledger.core.note import NoteVerifier
from ledger.core.tiles import ENTRIES, Tile, list_files, parse_tile_path, tile_path
from ledger.core.tlog_proof import parse_tlog_proof, verify_tlog_proof
from ledger.proving import Prover

SIZES = (1, 2, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537)
BEYOND = [Tile(0, 10**17), Tile(63, 0, 1), Tile(ENTRIES, 10**17, 3), Tile(7, 0)]


def make_prover(size):
    return Prover(make_bare_store(size), ORIGIN)


def make_get(prover):
    """Return what stands in for HTTP."""

    def get(path):
        if path == "checkpoint":
            return prover.newest_checkpoint().note.encode()
        return prover.tile(parse_tile_path(path))

    return get


@pytest.mark.parametrize("size", SIZES)
def test_a_foreign_reader_finds_every_entry_and_every_hash(size):
    entries, found, _ = read_log(make_get(make_prover(size)))
    assert (found, entries) == (size, [bare_leaf(index) for index in range(size)])


@pytest.mark.parametrize("size", SIZES)
def test_what_is_listed_exists_and_nothing_after_it(size):
    prover = make_prover(size)
    listed = list_files(size)
    assert len(set(map(tile_path, listed))) == len(listed)
    assert {tile.level for tile in listed} >= {0, ENTRIES}
    for tile in [tile for tile in listed if tile.width < 256 or tile.index in {0, size // 256 - 1}]:
        assert prover.tile(tile)
    for tile in listed:
        wider = (
            Tile(tile.level, tile.index + 1, 1)
            if tile.width == 256
            else Tile(tile.level, tile.index, tile.width + 1)
        )
        if wider not in listed and wider.index * 256 + wider.width > size >> 8 * max(tile.level, 0):
            with pytest.raises(NotFoundError):
                prover.tile(wider)


def test_every_narrower_tile_is_the_beginning_of_the_full_one():
    prover = make_prover(600)
    for level in (0, ENTRIES):
        for index in (0, 1):
            full = prover.tile(Tile(level, index))
            for width in (1, 2, 100, 255):
                assert full.startswith(prover.tile(Tile(level, index, width)))


@pytest.mark.parametrize("tile", BEYOND, ids=tile_path)
def test_what_lies_far_beyond_is_not_found(tile):
    for size in (0, 1, 70_000):
        with pytest.raises(NotFoundError):
            make_prover(size).tile(tile)


def test_an_empty_log_lists_nothing():
    assert list_files(0) == []
    with pytest.raises(NotFoundError):
        make_prover(0).tile(Tile(ENTRIES, 0, 1))


def test_what_the_store_has_lost_is_not_taken_for_absent():
    store = make_bare_store(300)
    prover = Prover(store, ORIGIN)
    del store.data.tiles[0, 1], store.data.entries[299]
    for tile in (Tile(0, 1, 44), Tile(ENTRIES, 1, 44)):
        with pytest.raises(LogIntegrityError):
            prover.tile(tile)


@pytest.mark.parametrize("size", [1, 255, 256, 257, 65_537])
def test_proof_files_hold_for_foreign_readers_and_for_us(size):
    prover, reference = make_prover(size), ReferenceTree([bare_leaf(index) for index in range(size)])
    log = NoteVerifier(ORIGIN, LOG_KEY.public_key)
    for index in {0, size // 2, size - 1}:
        text = prover.tlog_proof(LeafIndex(index))
        assert check_proof(text, bare_leaf(index))[0] == index
        proof = parse_tlog_proof(text.encode())
        assert verify_tlog_proof(proof, bare_leaf(index), log).root_hash == reference.mth(0, size)


@pytest.mark.parametrize(("size", "index"), [(0, 0), (1, 1), (300, 300), (300, 2**62), (300, -1)])
def test_a_leaf_beyond_the_checkpoint_has_no_proof(size, index):
    with pytest.raises(NotFoundError, match="no leaf"):
        make_prover(size).tlog_proof(LeafIndex(index))
