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
    """A log with documents in the leaves 10, 12, … 20, each with a MAPHEAD; anchored at 14 and 18 leaves."""
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


def test_each_leaf_is_proved_under_the_newest_anchor_or_the_newest_checkpoint(served):
    bundles = build(served, 20, 10, 16, 12, 14, 18)
    assert {index: read_size(raw) for index, raw in bundles.items()} == {
        10: 18,
        12: 18,
        14: 18,
        16: 18,
        18: 22,
        20: 22,
    }
    receipts = {index: parse_bundle(raw).receipt for index, raw in bundles.items()}
    assert {index: receipt and receipt.tree_size for index, receipt in receipts.items()} == {
        10: 18, 12: 18, 14: 18, 16: 18, 18: None, 20: None,
    }  # fmt: skip
    assert all(parse_bundle(raw).leaf_index == index for index, raw in bundles.items())


def test_many_bundles_are_the_single_ones_until_there_is_a_newer_anchor(served):
    before = build(served, 10, 16, 18, 18)
    assert before == build(served, 10) | build(served, 16) | build(served, 18)
    served.anchor()
    after = build(served, 10, 16, 18)
    assert {read_size(raw) for raw in before.values()} == {18, 22}
    assert {read_size(raw) for raw in after.values()} == {22}


def test_nothing_comes_of_nothing(served):
    assert build(served) == {}


@pytest.mark.parametrize("index", [0, 8, 9, 11, 22, 2**53 - 1])
def test_what_is_no_issue_in_the_log_is_not_found(served, index):
    with pytest.raises(NotFoundError):
        build(served, 10, index)


def test_an_empty_log_has_no_checkpoint():
    with ApiWorld("ledger") as empty, pytest.raises(NotFoundError):
        find_checkpoint(empty.prover, empty.receipts, LeafIndex(0))


def test_bundles_are_found_by_the_names_of_their_statements_in_order(served):
    raws = [parse_leaf(entry.leaf).statement_raw for entry in served.store.data.entries]
    names = [compute_statement_name(raw) for raw in raws]
    found = find_bundles(served.prover, served.receipts, [names[18], names[10], names[18]])
    assert [parse_bundle(raw).statement_raw for raw in found] == [raws[18], raws[10], raws[18]]


@pytest.mark.parametrize("wrong", [bytes(32), b"", b"x"])
def test_an_unknown_name_is_not_found(served, wrong):
    name = compute_statement_name(parse_leaf(served.store.data.entries[10].leaf).statement_raw)
    with pytest.raises(NotFoundError):
        find_bundles(served.prover, served.receipts, [name, wrong])
