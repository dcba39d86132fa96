from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from world import make_signer

from ledger.core.anchor import AnchorGrade, AnchorState, ChainIdentity, sign_receipt
from ledger.core.ids import LeafIndex, RootHash, TreeSize
from ledger.receipts import Receipts
from ledger.store.anchor_queries import AnchorQueries
from ledger.store.engine import Database
from ledger.store.migrations import migrate
from ledger.store.queries import WriteQueries
from ledger.store.records import StoredCheckpoint
from ledger.store.unit_of_work import SqlStore

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
CHAIN = ChainIdentity(31337, bytes([1]) * 32, bytes([2]) * 20, bytes([3]) * 32)


@pytest.fixture
def database(tmp_path):
    with closing(Database(f"sqlite:///{tmp_path / 'ledger.db'}")) as made:
        migrate(made)
        yield made


def anchor(database, size, *, final=True):
    root = RootHash(size.to_bytes(32))
    receipt = sign_receipt(
        CHAIN, TreeSize(size), root, bytes(32), 7, bytes(32), NOW, AnchorGrade.FINAL, make_signer("log")
    )
    with database.write() as connection:
        WriteQueries(connection).write_checkpoint(StoredCheckpoint(TreeSize(size), root, "note", 0))
        queries = AnchorQueries(connection)
        draft = queries.add_draft(TreeSize(size), root, NOW)
        if final:
            block = {"tx_hash": bytes(32), "block_number": 7, "block_hash": bytes(32)}
            included = replace(draft, state=AnchorState.INCLUDED, **block)
            done = replace(included, state=AnchorState.FINAL, receipt=receipt)
            queries.save(draft, included, NOW)
            queries.save(included, done, NOW)


def lose(database, size):
    with database.write() as connection:
        queries = AnchorQueries(connection)
        final = queries.find_size(size)
        queries.save(final, replace(final, state=AnchorState.LOST), NOW)


def find_size(receipts, index):
    receipt = receipts.find(LeafIndex(index))
    return None if receipt is None else receipt.tree_size


def test_nothing_is_anchored_at_first(database):
    receipts = Receipts(SqlStore(database))
    assert (receipts.find(LeafIndex(0)), receipts.newest_size()) == (None, 0)


def test_a_leaf_has_the_receipt_of_the_newest_anchor_if_that_holds_it(database):
    for size in (5, 9, 20):
        anchor(database, size)
    receipts = Receipts(SqlStore(database))
    sizes = [find_size(receipts, index) for index in (0, 4, 5, 8, 9, 19, 20)]
    assert sizes == [20, 20, 20, 20, 20, 20, None]
    assert receipts.newest_size() == 20


def test_an_anchor_that_is_not_final_does_not_count(database):
    anchor(database, 5)
    anchor(database, 9, final=False)
    receipts = Receipts(SqlStore(database))
    assert [find_size(receipts, index) for index in (4, 5)] == [5, None]
    assert receipts.newest_size() == 5


def test_the_receipt_of_a_lost_block_is_handed_out_to_nobody(database):
    for size in (5, 9, 20):
        anchor(database, size)
    lose(database, 20)
    receipts = Receipts(SqlStore(database))
    assert [find_size(receipts, index) for index in (4, 8, 9)] == [9, 9, None]
    assert [receipt.tree_size for receipt in receipts.list_all()] == [5, 9]
    assert receipts.newest_size() == 9
