"""Under which checkpoint a leaf is handed out, before and after it is anchored."""

import pytest
from api_world import ApiWorld

from ledger.bundling import build_bundles, find_bundles, find_checkpoint
from ledger.core.bundle import parse_bundle
from ledger.core.checkpoint import parse_checkpoint_body
from ledger.core.entry import parse_leaf
from ledger.core.errors import NotFoundError
from ledger.core.ids import LeafIndex
from ledger.core.note import parse_note
from ledger.store.records import compute_statement_name


@pytest.fixture
def served():
    """A log with documents in the leaves 5 to 10, anchored at 7 and 9 leaves."""
    with ApiWorld("ledger") as world:
        world.found()
        for number in range(1, 7):
            world.issue(number)
            if number in {2, 4}:
                world.anchor()
        yield world


def build(served, *indices):
    return build_bundles(served.prover, served.receipts, list(map(LeafIndex, indices)))


def read_size(raw):
    return parse_checkpoint_body(parse_note(parse_bundle(raw).checkpoint).text).tree_size


def test_each_leaf_is_proved_under_its_oldest_anchor_or_the_newest_checkpoint(served):
    bundles = build(served, 10, 5, 8, 6, 7, 9)
    assert {index: read_size(raw) for index, raw in bundles.items()} == {
        5: 7,
        6: 7,
        7: 9,
        8: 9,
        9: 11,
        10: 11,
    }
    receipts = {index: parse_bundle(raw).receipt for index, raw in bundles.items()}
    assert {index: receipt and receipt.tree_size for index, receipt in receipts.items()} == {
        5: 7, 6: 7, 7: 9, 8: 9, 9: None, 10: None,
    }  # fmt: skip
    assert all(parse_bundle(raw).leaf_index == index for index, raw in bundles.items())


def test_many_bundles_are_the_single_ones_and_settled_ones_stay(served):
    before = build(served, 5, 8, 9, 9)
    assert before == build(served, 5) | build(served, 8) | build(served, 9)
    served.anchor()
    after = build(served, 5, 8, 9)
    assert (after[5], after[8]) == (before[5], before[8])
    assert after[9] != before[9]


def test_nothing_comes_of_nothing(served):
    assert build(served) == {}


@pytest.mark.parametrize("index", [0, 4, 11, 2**53 - 1])
def test_what_is_no_issue_in_the_log_is_not_found(served, index):
    with pytest.raises(NotFoundError):
        build(served, 5, index)


def test_an_empty_log_has_no_checkpoint():
    with ApiWorld("ledger") as empty, pytest.raises(NotFoundError):
        find_checkpoint(empty.prover, empty.receipts, LeafIndex(0))


def test_bundles_are_found_by_the_names_of_their_statements_in_order(served):
    raws = [parse_leaf(entry.leaf).statement_raw for entry in served.store.data.entries]
    names = [compute_statement_name(raw) for raw in raws]
    found = find_bundles(served.prover, served.receipts, [names[9], names[5], names[9]])
    assert [parse_bundle(raw).statement_raw for raw in found] == [raws[9], raws[5], raws[9]]


@pytest.mark.parametrize("wrong", [bytes(32), b"", b"x"])
def test_an_unknown_name_is_not_found(served, wrong):
    name = compute_statement_name(parse_leaf(served.store.data.entries[5].leaf).statement_raw)
    with pytest.raises(NotFoundError):
        find_bundles(served.prover, served.receipts, [name, wrong])
