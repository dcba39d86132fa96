"""What must hold of a stored log after every fault: one function for all tests that break something."""

from collections import defaultdict
from itertools import pairwise

from reference import ReferenceTree, bits_of, reference_map_root
from world import ORIGIN, World

from ledger.core.checkpoint import Checkpoint, verify_checkpoint
from ledger.core.entry import HEADER_BYTES, parse_leaf
from ledger.core.event import EventType, certificate_subject
from ledger.core.fold import find_subject
from ledger.core.ids import TreeSize
from ledger.core.merkle import verify_consistency
from ledger.core.note import NoteVerifier
from ledger.core.statement import parse_signed_statement
from ledger.core.status import Status
from ledger.core.status_map import PAGE_DEPTHS
from ledger.core.tiles import list_new_tiles
from ledger.store.records import compute_leaf_name


def assert_sound(store) -> None:
    """Check a whole log from what is stored, without the code that wrote it.

    Indices without gap; leaves parse, each statement once; every checkpoint is signed, leads to the root of the
    stored leaves and is consistent with the next; tiles hold the hashes; states follow from the headers; the
    last leaf under every checkpoint, and no other, states the map of these states; pages and replaced states are
    theirs.
    """
    with store.read() as reading:
        head = reading.read_head()
        leaves = list(reading.read_leaves(0, head.tree_size))
        checkpoints = list(reading.read_checkpoints())
        tiles = {tile: reading.read_tile(tile) for tile in list_new_tiles(TreeSize(0), head.tree_size)}
        _assert_chained(leaves)
        _assert_map(reading, leaves, checkpoints)
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


def _fold_headers(leaves):
    """Yield each MAPHEAD's index, and the states before it, as the other leaves' headers and statements say."""
    states = {}
    for index, raw in enumerate(leaves):
        leaf = parse_leaf(raw)
        header = leaf.header
        if header.type is EventType.MAPHEAD:
            yield index, dict(states)
        elif header.status != Status.VOID:
            current = index if header.type is EventType.ISSUE else None
            states[header.subject] = header.status, header.version, index, current
            if header.type is EventType.ISSUE:
                statement = parse_signed_statement(leaf.statement_raw).statement
                document = certificate_subject(statement.issuer, statement.claims.number)
                assert document not in states
                states[document] = header.status, 1, index, index


def _assert_chained(leaves) -> None:
    """Every header counts on from the one before of the same subject; the status map's own among them."""
    newest = {}
    for index, raw in enumerate(leaves):
        header = parse_leaf(raw).header
        if header.status == Status.VOID:
            assert (header.prev, header.version) == (None, 0)
        else:
            before = newest.get(header.subject)
            assert header.prev == (before[0] if before else None)
            assert header.version == (before[1] if before else 0) + 1
            newest[header.subject] = index, header.version


def _assert_map(reading, leaves, checkpoints) -> None:
    """States, pages and what each batch replaced are those of a plain fold; each batch ends by stating its map."""
    mapheads, before = [], {}
    for index, states in _fold_headers(leaves):
        assert parse_leaf(leaves[index]).header.certificate_digest == reference_map_root(states)
        assert len(leaves[index]) == HEADER_BYTES
        replaced = {key: before.get(key) for key in states if states[key] != before.get(key)}
        assert _plain(reading.read_replaced_in(index + 1)) == replaced
        mapheads.append(index)
        before = states
    assert mapheads == [stored.tree_size - 1 for stored in checkpoints]
    assert reading.read_replaced_sizes() == [index + 1 for index in mapheads]
    assert _plain(reading.find_states(list(before))) == before
    assert reading.count_states() == len(before)
    assert reading.read_map_pages() == {
        (depth, int(bits, 2)): reference_map_root(some)
        for depth in PAGE_DEPTHS
        for bits, some in _group(before, depth).items()
    }


def _group(states, depth):
    groups = defaultdict(dict)
    for subject, state in states.items():
        groups[bits_of(subject)[:depth]][subject] = state
    return groups


def _plain(states):
    return {
        subject: state and (state.status, state.version, state.last_event, state.current_certificate)
        for subject, state in states.items()
    }


def _assert_names(reading, leaves) -> None:
    names = [compute_leaf_name(raw) for raw in leaves]
    assert len(set(names)) == len(names)
    assert {name: entry.leaf for name, entry in reading.find_entries(names).items()} == dict(
        zip(names, leaves, strict=True)
    )
    for raw in leaves:
        leaf = parse_leaf(raw)
        if leaf.header.type is not EventType.MAPHEAD:
            assert leaf.header.subject == find_subject(parse_signed_statement(leaf.statement_raw).statement)
