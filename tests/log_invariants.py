"""What must hold of a stored log after every fault: one function for all tests that break something."""

from itertools import pairwise

from reference import ReferenceTree
from world import ORIGIN, World

from ledger.core.checkpoint import Checkpoint, verify_checkpoint
from ledger.core.entry import parse_leaf
from ledger.core.ids import TreeSize
from ledger.core.merkle import verify_consistency
from ledger.core.note import NoteVerifier
from ledger.core.statement import parse_signed_statement
from ledger.core.status import Status, find_subject
from ledger.core.tiles import list_new_tiles
from ledger.store.records import compute_statement_name


def assert_sound(store) -> None:
    """Check a whole log from what is stored, without the code that wrote it.

    Indices without gap; leaves parse, each statement once; every checkpoint is signed, leads to the root of the
    stored leaves and is consistent with the next; tiles hold the hashes; states follow from the headers.
    """
    with store.read() as reading:
        head = reading.read_head()
        leaves = list(reading.read_leaves(0, head.tree_size))
        checkpoints = list(reading.read_checkpoints())
        tiles = {tile: reading.read_tile(tile) for tile in list_new_tiles(TreeSize(0), head.tree_size)}
        _assert_states(reading, leaves)
        _assert_names(reading, leaves)
    tree = ReferenceTree(leaves)
    assert head.root_hash == tree.mth(0, len(leaves))
    _assert_checkpoints(tree, checkpoints, head)
    for tile, hashes in tiles.items():
        width = 256**tile.level
        start = tile.index * 256 * width
        assert hashes == b"".join(
            tree.mth(start + i * width, start + (i + 1) * width) for i in range(tile.width)
        ), tile


def _assert_checkpoints(tree, checkpoints, head) -> None:
    verifier = NoteVerifier(ORIGIN, World().log_key.public_key)
    for stored in checkpoints:
        expected = Checkpoint(ORIGIN, stored.tree_size, tree.mth(0, stored.tree_size))
        assert verify_checkpoint(stored.note, verifier) == expected
        assert stored.root_hash == expected.root_hash
    sizes = [stored.tree_size for stored in checkpoints]
    assert sizes == sorted(set(sizes))
    assert sizes[-1:] == ([head.tree_size] if head.tree_size else [])
    for old, new in pairwise(checkpoints):
        proof = tree.proof(old.tree_size, new.tree_size)
        verify_consistency(old.tree_size, new.tree_size, old.root_hash, new.root_hash, proof)


def _assert_states(reading, leaves) -> None:
    newest = {}
    for index, raw in enumerate(leaves):
        header = parse_leaf(raw).header
        if header.status != Status.VOID:
            before = newest.get(header.subject)
            assert header.prev == (before[0] if before else None)
            assert header.version == (before[1] if before else 0) + 1
            newest[header.subject] = index, header.version
    states = reading.find_states(list(newest))
    assert {subject: (state.last_event, state.version) for subject, state in states.items()} == newest


def _assert_names(reading, leaves) -> None:
    names = [compute_statement_name(parse_leaf(raw).statement_raw) for raw in leaves]
    assert len(set(names)) == len(names)
    assert {name: entry.leaf for name, entry in reading.find_entries(names).items()} == dict(
        zip(names, leaves, strict=True)
    )
    for raw in leaves:
        leaf = parse_leaf(raw)
        assert leaf.header.subject == find_subject(parse_signed_statement(leaf.statement_raw).statement)
