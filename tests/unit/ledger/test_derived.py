"""Differences of derived rows: named, compared by kind too, shown shortly; and what a stored transaction says."""

import hashlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.chain.transactions import Account, FeeQuote, build_transaction, parse_transaction
from ledger.console import describe_error, find_exit_code
from ledger.core.errors import DamagedRowError, InputError
from ledger.core.merkle import hash_leaf
from ledger.core.tiles import GrowingTiles, list_new_tiles
from ledger.doctor.derived import Difference, is_same, show
from ledger.store.tables import head, tiles

ACCOUNT = Account(hashlib.sha256(b"chain").digest())


@pytest.mark.parametrize(
    ("expected", "found", "same"),
    [
        (1, 1, True),
        (1, True, False),
        (1, 1.0, False),
        (b"1", "1", False),
        (None, 0, False),
        (None, None, True),
    ],
)
def test_a_value_of_another_kind_is_another_value(expected, found, same):
    assert is_same(expected, found) is same


def test_long_values_are_cut():
    assert show(bytes(8)) == "00" * 8
    assert show(bytes(100)).endswith("… (200 characters)")


def test_the_first_column_that_differs_is_named():
    err = Difference(tiles, (0, 3), (0, 3, b"a"), (0, 3, b"b")).describe()
    assert (err.table, err.key, err.column, err.expected) == (
        "tiles",
        "level 0, tile_index 3",
        "hashes",
        "61",
    )
    assert find_exit_code(err) == 4
    assert describe_error(err) == {
        "kind": "DamagedRow",
        "table": "tiles",
        "key": "level 0, tile_index 3",
        "column": "hashes",
        "expected": "61",
    }


@pytest.mark.parametrize(
    ("expected", "found", "says"), [(None, (1, 0, b"", 0), "absent"), ((1, 0, b"", 0), None, "there")]
)
def test_a_row_too_many_or_too_few_is_named(expected, found, says):
    err = Difference(head, (1,), expected, found).describe()
    assert isinstance(err, DamagedRowError)
    assert (err.column, err.expected) == ("", says)


@given(st.lists(st.integers(0, 700), max_size=4))
def test_tiles_are_given_out_once_each_whatever_the_chunks(sizes):
    growing, given_out, leaves = GrowingTiles(), {}, 0
    for size in sizes:
        hashes = [hash_leaf((leaves + at).to_bytes(4)) for at in range(size)]
        for tile, content in growing.take(hashes):
            assert (tile.level, tile.index) not in given_out
            given_out[tile.level, tile.index] = tile, content
        leaves += size
    for tile, content in growing.finish():
        assert (tile.level, tile.index) not in given_out
        given_out[tile.level, tile.index] = tile, content
    assert {tile for tile, _ in given_out.values()} == set(list_new_tiles(0, leaves))
    assert all(len(content) == 32 * tile.width for tile, content in given_out.values())


@pytest.mark.parametrize("fees", [FeeQuote(30, 2), FeeQuote(30, None), FeeQuote(0, None), FeeQuote(0, 0)])
def test_a_stored_transaction_says_what_it_was_built_of(fees):
    sent = build_transaction(ACCOUNT, chain_id=7, nonce=3, to=b"t" * 20, data=b"abc", gas=90_000, fees=fees)
    said = parse_transaction(sent.raw)
    assert (said.hash, said.nonce, said.to, said.data, said.fees) == (sent.hash, 3, b"t" * 20, b"abc", fees)


@given(st.binary(max_size=200))
def test_other_bytes_are_no_transaction(raw):
    with pytest.raises(InputError):
        parse_transaction(raw)


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_a_changed_transaction_is_another_or_none(at, bit):
    sent = build_transaction(
        ACCOUNT, chain_id=7, nonce=3, to=b"t" * 20, data=b"abc", gas=90_000, fees=FeeQuote(30, 2)
    )
    raw = bytearray(sent.raw)
    raw[at % len(raw)] ^= 1 << bit
    with suppress(InputError):
        assert parse_transaction(bytes(raw)).hash != sent.hash
