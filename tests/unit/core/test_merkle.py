import random

import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.errors import (
    ConsistencyProofError,
    InclusionProofError,
    MalformedDocumentError,
    NotFoundError,
)
from ledger.core.merkle import (
    EMPTY_ROOT,
    MAX_TREE_SIZE,
    CompactRange,
    MemoryTree,
    build_consistency_proof,
    build_inclusion_proof,
    build_multi_proof,
    build_root,
    compute_root,
    compute_root_from_inclusion,
    compute_root_from_multi_proof,
    hash_leaf,
    hash_node,
    verify_consistency,
    verify_inclusion,
    verify_multi_proof,
)

LARGEST = 2_000
LEAVES = [index.to_bytes(4) for index in range(LARGEST)]
HASHES = [hash_leaf(leaf) for leaf in LEAVES]
REFERENCE = reference.ReferenceTree(LEAVES)
TREE = MemoryTree(HASHES)
JUNK = b"\x5a" * 32

sizes = st.integers(1, LARGEST)
digests = st.binary(min_size=32, max_size=32)


@st.composite
def inclusions(draw):
    """Leaf index and tree size."""
    size = draw(sizes)
    return draw(st.integers(0, size - 1)), size


@st.composite
def growths(draw):
    """Old size and new size."""
    new = draw(sizes)
    return draw(st.integers(1, new)), new


@st.composite
def selections(draw):
    """Some leaf indices and the tree size."""
    size = draw(sizes)
    return draw(st.sets(st.integers(0, size - 1), min_size=1, max_size=20)), size


def root_at(size):
    return build_root(size, TREE.read)


def flip(value, bit):
    return (int.from_bytes(value) ^ (1 << bit)).to_bytes(len(value))


def misshapen(proof):
    """Every proof with one hash missing, doubled, foreign, swapped with the next, cut or prolonged."""
    yield (*proof, JUNK)
    yield (JUNK, *proof)
    for at, node in enumerate(proof):
        yield (*proof[:at], *proof[at + 1 :])
        yield (*proof[:at], node, *proof[at:])
        yield (*proof[:at], node[:-1], *proof[at + 1 :])
        yield (*proof[:at], node + b"\x00", *proof[at + 1 :])
        yield (*proof[:at], b"", *proof[at + 1 :])
        yield (*proof[:at], JUNK, *proof[at + 1 :])
    for at in range(len(proof) - 1):
        yield (*proof[:at], proof[at + 1], proof[at], *proof[at + 2 :])


# Hashes and roots


def test_hashes_of_leaf_and_node_are_separated():
    pair = HASHES[0] + HASHES[1]
    assert hash_leaf(b"") == reference.sha256(b"\x00")
    assert hash_leaf(pair) == reference.sha256(b"\x00" + pair)
    assert hash_node(HASHES[0], HASHES[1]) == reference.sha256(b"\x01" + pair)


def test_every_root_up_to_2000_leaves_equals_the_recursion_in_each_way_of_computing_it():
    edge = CompactRange()
    for size in range(LARGEST + 1):
        expected = REFERENCE.mth(0, size)
        assert edge.root() == expected
        assert root_at(size) == expected
        if size < 300 or size % 97 == 0:
            assert compute_root(HASHES[:size]) == expected
        if size < LARGEST:
            edge.append(HASHES[size])


@pytest.mark.parametrize("size", [255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537])
def test_roots_and_proofs_around_tile_boundaries_equal_the_recursion(size):
    leaves = [index.to_bytes(4) for index in range(size)]
    tree, yardstick = MemoryTree([hash_leaf(leaf) for leaf in leaves]), reference.ReferenceTree(leaves)
    root = yardstick.mth(0, size)
    assert tree.root() == compute_root([hash_leaf(leaf) for leaf in leaves]) == root
    for index in {0, 1, 254, size // 2, size - 2, size - 1}:
        proof = build_inclusion_proof(index, size, tree.read)
        assert list(proof) == yardstick.path(index, 0, size)
        verify_inclusion(hash_leaf(leaves[index]), index, size, proof, root)
    for old in {1, 128, 254, 255, size // 2, size - 1, size}:
        proof = build_consistency_proof(old, size, tree.read)
        assert list(proof) == yardstick.proof(old, size)
        verify_consistency(old, size, yardstick.mth(0, old), root, proof)


def test_the_empty_tree_has_the_root_of_nothing():
    assert reference.sha256(b"") == EMPTY_ROOT
    assert compute_root([]) == CompactRange().root() == MemoryTree().root() == root_at(0) == EMPTY_ROOT


# The growing edge


def test_append_names_every_perfect_subtree_once():
    edge, saved = CompactRange(), {}
    for leaf_hash in HASHES[:600]:
        for level, index, node in edge.append(leaf_hash):
            assert (level, index) not in saved
            saved[level, index] = node
    expected = {
        (level, index): REFERENCE.mth(index << level, (index + 1) << level)
        for level in range(10)
        for index in range(600 >> level)
    }
    assert saved == expected


@given(st.lists(st.integers(0, 300), max_size=12))
def test_batches_complete_the_same_subtrees_as_single_leaves(batches):
    single, batched, start = CompactRange(), CompactRange(), 0
    for count in batches:
        chunk = HASHES[:count]
        one_by_one = {(level, index): node for leaf in chunk for level, index, node in single.append(leaf)}
        rows = batched.extend(chunk)
        assert [level for level, _, _ in rows] == list(range(len(rows)))
        at_once = {(level, first + i): node for level, first, row in rows for i, node in enumerate(row)}
        assert at_once == one_by_one
        start += count
        assert batched.size == single.size == start
        assert batched.hashes == single.hashes
        assert batched.root() == single.root()


@given(sizes)
def test_a_stored_edge_goes_on_where_it_stopped(size):
    edge = CompactRange()
    edge.extend(HASHES[:size])
    restored = CompactRange.from_hashes(edge.size, edge.hashes)
    assert restored.root() == root_at(size)
    restored.extend(HASHES[size:])
    assert restored.root() == TREE.root()
    assert edge.root() == root_at(size), "the restored edge has its own hashes"


@pytest.mark.parametrize(
    ("size", "hashes"),
    [
        (-1, []),
        (0, [JUNK]),
        (1, []),
        (2, [JUNK, JUNK]),
        (3, [JUNK]),
        (1, [JUNK[:31]]),
        (1, [JUNK + b"\x00"]),
        (2**63, [JUNK]),
    ],
)
def test_an_edge_that_does_not_fit_its_size_is_refused(size, hashes):
    with pytest.raises(MalformedDocumentError):
        CompactRange.from_hashes(size, hashes)


@pytest.mark.parametrize("wrong", [b"", JUNK[:31], JUNK + b"\x00"])
def test_a_leaf_hash_of_another_length_changes_nothing(wrong):
    edge = CompactRange()
    edge.extend(HASHES[:5])
    with pytest.raises(MalformedDocumentError):
        edge.append(wrong)
    with pytest.raises(MalformedDocumentError):
        edge.extend([HASHES[5], wrong])
    assert (edge.size, edge.root()) == (5, root_at(5))


@pytest.mark.parametrize(("level", "index"), [(0, 3), (1, 1), (2, 0), (-1, 0), (0, -1), (9, 0)])
def test_a_memory_tree_has_no_subtree_beyond_its_leaves(level, index):
    with pytest.raises(NotFoundError):
        MemoryTree(HASHES[:3]).read(level, index)


# Inclusion


def test_every_inclusion_proof_of_small_trees_equals_the_recursion():
    for size in range(1, 70):
        for index in range(size):
            proof = build_inclusion_proof(index, size, TREE.read)
            assert list(proof) == REFERENCE.path(index, 0, size)
            verify_inclusion(HASHES[index], index, size, proof, root_at(size))


@given(inclusions())
def test_every_inclusion_proof_equals_the_recursion_and_verifies(case):
    index, size = case
    proof = build_inclusion_proof(index, size, TREE.read)
    assert list(proof) == REFERENCE.path(index, 0, size)
    assert compute_root_from_inclusion(HASHES[index], index, size, proof) == root_at(size)
    verify_inclusion(HASHES[index], index, size, proof, root_at(size))


@given(inclusions(), st.integers(0, 255))
def test_a_changed_bit_anywhere_breaks_inclusion(case, bit):
    index, size = case
    proof, root = build_inclusion_proof(index, size, TREE.read), root_at(size)
    for at, node in enumerate(proof):
        forged = (*proof[:at], flip(node, bit), *proof[at + 1 :])
        with pytest.raises(InclusionProofError):
            verify_inclusion(HASHES[index], index, size, forged, root)
    with pytest.raises(InclusionProofError):
        verify_inclusion(flip(HASHES[index], bit), index, size, proof, root)
    with pytest.raises(InclusionProofError):
        verify_inclusion(HASHES[index], index, size, proof, flip(root, bit))


@given(inclusions())
def test_a_misshapen_proof_breaks_inclusion(case):
    index, size = case
    proof, root = build_inclusion_proof(index, size, TREE.read), root_at(size)
    for forged in misshapen(proof):
        with pytest.raises(InclusionProofError):
            verify_inclusion(HASHES[index], index, size, forged, root)


@given(inclusions())
def test_a_leaf_hash_or_root_of_another_length_breaks_inclusion(case):
    index, size = case
    proof, root = build_inclusion_proof(index, size, TREE.read), root_at(size)
    for wrong in (HASHES[index][:31], HASHES[index] + b"\x00", b""):
        with pytest.raises(InclusionProofError):
            verify_inclusion(wrong, index, size, proof, root)
    for wrong in (root[:31], root + b"\x00", b""):
        with pytest.raises(InclusionProofError):
            verify_inclusion(HASHES[index], index, size, proof, wrong)


@given(inclusions(), st.integers(-1, LARGEST + 1))
def test_another_index_breaks_inclusion(case, other):
    index, size = case
    if other != index:
        proof = build_inclusion_proof(index, size, TREE.read)
        with pytest.raises(InclusionProofError):
            verify_inclusion(HASHES[index], other, size, proof, root_at(size))


def test_another_size_is_accepted_only_where_the_rfc_accepts_it():
    """A root does not bind its size: the checkpoint does. No size is accepted that the RFC refuses."""
    for size in range(1, 40):
        for index in range(size):
            proof = build_inclusion_proof(index, size, TREE.read)
            for other in range(-1, 80):
                args = (HASHES[index], index, other, proof, root_at(size))
                if other > 0 and reference.is_included(*args):
                    verify_inclusion(*args)
                else:
                    with pytest.raises(InclusionProofError):
                        verify_inclusion(*args)


@given(st.integers(0, 40), st.integers(1, 40), st.lists(digests, max_size=8))
def test_foreign_hashes_get_the_verdict_of_the_rfc(index, size, proof):
    if index < size:
        try:
            root = compute_root_from_inclusion(HASHES[0], index, size, proof)
        except InclusionProofError:
            root = None
        for candidate in (root, root_at(size)):
            accepted = root is not None and candidate == root
            assert reference.is_included(HASHES[0], index, size, proof, candidate) == accepted


@pytest.mark.parametrize(
    ("index", "size"), [(0, 0), (1, 1), (-1, 1), (5, 4), (0, -1), (0, 2**63), (2**63, 2**63), (2**64, 2**64)]
)
def test_an_index_outside_the_tree_is_refused(index, size):
    with pytest.raises(MalformedDocumentError):
        build_inclusion_proof(index, size, TREE.read)
    with pytest.raises(InclusionProofError):
        compute_root_from_inclusion(HASHES[0], index, size, [])
    with pytest.raises(InclusionProofError):
        compute_root_from_multi_proof({index: HASHES[0]}, size, [])
    with pytest.raises(MalformedDocumentError):
        build_multi_proof([index], size, TREE.read)


# Consistency


def test_every_consistency_proof_of_small_trees_equals_the_recursion():
    for new in range(1, 70):
        for old in range(1, new + 1):
            proof = build_consistency_proof(old, new, TREE.read)
            assert list(proof) == REFERENCE.proof(old, new)
            verify_consistency(old, new, root_at(old), root_at(new), proof)


@given(growths())
def test_every_consistency_proof_equals_the_recursion_and_verifies(case):
    old, new = case
    proof = build_consistency_proof(old, new, TREE.read)
    assert list(proof) == REFERENCE.proof(old, new)
    verify_consistency(old, new, root_at(old), root_at(new), proof)


@given(growths(), st.integers(0, 255))
def test_a_changed_bit_anywhere_breaks_consistency(case, bit):
    old, new = case
    proof, old_root, new_root = build_consistency_proof(old, new, TREE.read), root_at(old), root_at(new)
    for at, node in enumerate(proof):
        forged = (*proof[:at], flip(node, bit), *proof[at + 1 :])
        with pytest.raises(ConsistencyProofError):
            verify_consistency(old, new, old_root, new_root, forged)
    with pytest.raises(ConsistencyProofError):
        verify_consistency(old, new, flip(old_root, bit), new_root, proof)
    with pytest.raises(ConsistencyProofError):
        verify_consistency(old, new, old_root, flip(new_root, bit), proof)


@given(growths())
def test_a_misshapen_proof_breaks_consistency(case):
    old, new = case
    proof = build_consistency_proof(old, new, TREE.read)
    for forged in misshapen(proof):
        with pytest.raises(ConsistencyProofError):
            verify_consistency(old, new, root_at(old), root_at(new), forged)


@given(growths())
def test_a_root_of_another_length_breaks_consistency(case):
    old, new = case
    proof, old_root, new_root = build_consistency_proof(old, new, TREE.read), root_at(old), root_at(new)
    for wrong in (b"", old_root[:31], old_root + b"\x00"):
        with pytest.raises(ConsistencyProofError):
            verify_consistency(old, new, wrong, new_root, proof)
        with pytest.raises(ConsistencyProofError):
            verify_consistency(old, new, old_root, wrong, proof)
        with pytest.raises(ConsistencyProofError):
            verify_consistency(new, new, wrong, wrong, [])


def test_other_sizes_are_accepted_only_where_the_rfc_accepts_them():
    for old, new in [
        (1, 1),
        (1, 2),
        (2, 3),
        (3, 7),
        (4, 8),
        (4, 5),
        (6, 8),
        (7, 13),
        (8, 16),
        (9, 10),
        (16, 33),
    ]:
        proof = build_consistency_proof(old, new, TREE.read)
        for other_old in range(-1, 40):
            for other_new in range(-1, 40):
                args = (other_old, other_new, root_at(old), root_at(new), proof)
                if 0 < other_old <= other_new and reference.is_consistent(*args):
                    verify_consistency(*args)
                else:
                    with pytest.raises(ConsistencyProofError):
                        verify_consistency(*args)


@given(growths(), st.integers(0, LARGEST - 1))
def test_a_rewritten_history_is_inconsistent(case, rewritten):
    old, new = case
    changed = [*HASHES[:rewritten], JUNK, *HASHES[rewritten + 1 : new]]
    fork = MemoryTree(changed[:new])
    proof = build_consistency_proof(old, new, fork.read)
    if rewritten < old:
        with pytest.raises(ConsistencyProofError):
            verify_consistency(old, new, root_at(old), fork.root(), proof)
    else:
        verify_consistency(old, new, root_at(old), fork.root(), proof)


@pytest.mark.parametrize(
    ("old", "new"), [(0, 0), (0, 1), (2, 1), (-1, 1), (1, 0), (1, 2**63), (2**63, 2**63)]
)
def test_sizes_out_of_order_are_refused(old, new):
    with pytest.raises(MalformedDocumentError):
        build_consistency_proof(old, new, TREE.read)
    with pytest.raises(ConsistencyProofError):
        verify_consistency(old, new, HASHES[0], HASHES[0], [])
    with pytest.raises(ConsistencyProofError):
        verify_consistency(old, new, EMPTY_ROOT, EMPTY_ROOT, [])


# Several leaves at once


@given(selections())
def test_one_proof_for_several_leaves_equals_its_definition_and_verifies(case):
    wanted, size = case
    proof = build_multi_proof(wanted, size, TREE.read)
    assert list(proof) == REFERENCE.multi_path(wanted, 0, size)
    verify_multi_proof({index: HASHES[index] for index in wanted}, size, proof, root_at(size))
    singles = [build_inclusion_proof(index, size, TREE.read) for index in wanted]
    assert len(proof) <= sum(map(len, singles)), "never longer than the proofs it replaces"


def test_every_selection_from_small_trees():
    for size in range(1, 9):
        for mask in range(1, 1 << size):
            leaf_hashes = {index: HASHES[index] for index in range(size) if mask >> index & 1}
            proof = build_multi_proof(leaf_hashes, size, TREE.read)
            verify_multi_proof(leaf_hashes, size, proof, root_at(size))


@given(inclusions())
def test_for_one_leaf_it_holds_the_hashes_of_the_rfc_proof(case):
    index, size = case
    proof = build_multi_proof([index, index], size, TREE.read)
    assert sorted(proof) == sorted(build_inclusion_proof(index, size, TREE.read))
    verify_multi_proof({index: HASHES[index]}, size, proof, root_at(size))


@given(st.integers(1, 300))
def test_all_leaves_need_no_hash(size):
    assert build_multi_proof(range(size), size, TREE.read) == ()
    verify_multi_proof(dict(enumerate(HASHES[:size])), size, (), root_at(size))


@given(selections(), st.integers(0, 255))
def test_a_changed_bit_anywhere_breaks_the_proof_of_several_leaves(case, bit):
    wanted, size = case
    proof, root = build_multi_proof(wanted, size, TREE.read), root_at(size)
    leaf_hashes = {index: HASHES[index] for index in wanted}
    for at, node in enumerate(proof[:40]):
        forged = (*proof[:at], flip(node, bit), *proof[at + 1 :])
        with pytest.raises(InclusionProofError):
            verify_multi_proof(leaf_hashes, size, forged, root)
    for index, leaf_hash in leaf_hashes.items():
        with pytest.raises(InclusionProofError):
            verify_multi_proof(leaf_hashes | {index: flip(leaf_hash, bit)}, size, proof, root)
    with pytest.raises(InclusionProofError):
        verify_multi_proof(leaf_hashes, size, proof, flip(root, bit))


@given(selections())
def test_a_misshapen_proof_of_several_leaves_is_refused(case):
    wanted, size = case
    proof, root = build_multi_proof(wanted, size, TREE.read), root_at(size)
    leaf_hashes = {index: HASHES[index] for index in wanted}
    for forged in misshapen(proof[:20]):
        with pytest.raises(InclusionProofError):
            verify_multi_proof(leaf_hashes, size, (*forged, *proof[20:]), root)
    if proof:
        with pytest.raises(InclusionProofError):
            verify_multi_proof(leaf_hashes, size, (), root)


@given(selections(), st.data())
def test_a_leaf_that_moved_came_or_went_breaks_the_proof_of_several_leaves(case, data):
    wanted, size = case
    proof, root = build_multi_proof(wanted, size, TREE.read), root_at(size)
    leaf_hashes = {index: HASHES[index] for index in wanted}
    index, other = data.draw(st.sampled_from(sorted(wanted))), data.draw(st.integers(0, size - 1))
    without = {at: value for at, value in leaf_hashes.items() if at != index}
    with pytest.raises(InclusionProofError):
        verify_multi_proof(without, size, proof, root)
    if other not in wanted:
        with pytest.raises(InclusionProofError):
            verify_multi_proof(without | {other: HASHES[index]}, size, proof, root)
        with pytest.raises(InclusionProofError):
            verify_multi_proof(leaf_hashes | {other: JUNK}, size, proof, root)
    with pytest.raises(InclusionProofError):
        verify_multi_proof(leaf_hashes | {index: HASHES[index][:31]}, size, proof, root)


@given(selections(), st.integers(-1, LARGEST))
def test_a_size_with_another_shape_breaks_the_proof_of_several_leaves(case, other):
    wanted, size = case
    leaf_hashes = {index: HASHES[index] for index in wanted}
    proof = build_multi_proof(wanted, size, TREE.read)
    if other <= max(wanted) or len(build_multi_proof(wanted, other, TREE.read)) != len(proof):
        with pytest.raises(InclusionProofError):
            verify_multi_proof(leaf_hashes, other, proof, root_at(size))


def test_a_proof_of_no_leaf_is_refused():
    with pytest.raises(MalformedDocumentError):
        build_multi_proof([], 5, TREE.read)
    with pytest.raises(InclusionProofError):
        verify_multi_proof({}, 5, [root_at(5)], root_at(5))
    with pytest.raises(InclusionProofError):
        verify_multi_proof({}, 0, [], EMPTY_ROOT)


@pytest.mark.parametrize("indices", [[0, 5], [-1, 0], [5]])
def test_several_leaves_with_one_outside_the_tree_are_refused(indices):
    with pytest.raises(MalformedDocumentError):
        build_multi_proof(indices, 5, TREE.read)
    with pytest.raises(InclusionProofError):
        compute_root_from_multi_proof(dict.fromkeys(indices, JUNK), 5, [])


# Growth and extremes


@given(inclusions(), st.integers(0, 300))
def test_appending_alters_no_older_proof(case, more):
    index, size = case
    young, grown = MemoryTree(HASHES[:size]), MemoryTree(HASHES[:size])
    grown.extend([JUNK] * more)
    assert build_inclusion_proof(index, size, grown.read) == build_inclusion_proof(index, size, young.read)
    assert build_multi_proof([index], size, grown.read) == build_multi_proof([index], size, young.read)
    assert build_consistency_proof(index + 1, size, grown.read) == build_consistency_proof(
        index + 1, size, young.read
    )
    assert build_root(size, grown.read) == young.root()


def uniform_reader():
    """Read a log whose leaves are all alike, however large."""
    levels = [HASHES[0]]
    for _ in range(64):
        levels.append(hash_node(levels[-1], levels[-1]))
    return lambda level, index: levels[level]


@pytest.mark.parametrize("size", [2**32 + 1, 2**53 + 7, 2**62, 2**63 - 2, MAX_TREE_SIZE])
def test_proofs_of_the_largest_logs_verify(size):
    read, chooser = uniform_reader(), random.Random(size)
    root = build_root(size, read)
    indices = [0, 1, size - 1, size // 2, *(chooser.randrange(size) for _ in range(20))]
    for index in indices:
        proof = build_inclusion_proof(index, size, read)
        assert len(proof) <= 63
        verify_inclusion(HASHES[0], index, size, proof, root)
        with pytest.raises(InclusionProofError):
            verify_inclusion(HASHES[1], index, size, proof, root)
        old_proof = build_consistency_proof(index + 1, size, read)
        verify_consistency(index + 1, size, build_root(index + 1, read), root, old_proof)
        with pytest.raises(ConsistencyProofError):
            verify_consistency(index + 1, size, HASHES[1], root, old_proof)
    leaf_hashes = dict.fromkeys(indices, HASHES[0])
    verify_multi_proof(leaf_hashes, size, build_multi_proof(indices, size, read), root)


def test_hashes_whose_bytes_moved_to_a_neighbour_are_refused():
    """Joined they give the same node; their lengths alone betray them."""
    first, second, root = HASHES[0], HASHES[1], hash_node(HASHES[0], HASHES[1])
    for left, right in [
        (first[:31], first[31:] + second),
        (first + second[:1], second[1:]),
        (b"", first + second),
    ]:
        assert hash_node(left, right) == root
        with pytest.raises(InclusionProofError):
            verify_inclusion(left, 0, 2, [right], root)
        with pytest.raises(InclusionProofError):
            verify_inclusion(right, 1, 2, [left], root)
        with pytest.raises(InclusionProofError):
            verify_multi_proof({0: left, 1: right}, 2, [], root)
        with pytest.raises(InclusionProofError):
            verify_multi_proof({0: left}, 2, [right], root)
        with pytest.raises(ConsistencyProofError):
            verify_consistency(1, 2, left, root, [right])


@pytest.mark.parametrize("wrong", [b"", JUNK[:31], JUNK + b"\x00"])
def test_no_root_is_computed_from_a_hash_of_another_length(wrong):
    with pytest.raises(InclusionProofError):
        compute_root_from_inclusion(wrong, 0, 1, [])
    with pytest.raises(InclusionProofError):
        compute_root_from_inclusion(JUNK, 0, 2, [wrong])
    with pytest.raises(InclusionProofError):
        compute_root_from_multi_proof({0: wrong}, 1, [])
    with pytest.raises(InclusionProofError):
        compute_root_from_multi_proof({0: JUNK}, 2, [wrong])


def test_a_size_beyond_the_largest_is_refused():
    proof = [JUNK] * 63
    compute_root_from_inclusion(JUNK, 0, 2**63 - 1, proof)
    with pytest.raises(InclusionProofError):
        compute_root_from_inclusion(JUNK, 0, 2**63, proof)
    with pytest.raises(InclusionProofError):
        compute_root_from_multi_proof({0: JUNK}, 2**63, proof)
    with pytest.raises(ConsistencyProofError):
        verify_consistency(2**62, 2**63, JUNK, hash_node(JUNK, JUNK), [JUNK])
    verify_consistency(2**61, 2**62, JUNK, hash_node(JUNK, JUNK), [JUNK])
    with pytest.raises(MalformedDocumentError):
        build_root(MAX_TREE_SIZE + 1, uniform_reader())
    with pytest.raises(MalformedDocumentError):
        build_root(-1, uniform_reader())


@given(
    st.integers(-(2**65), 2**65), st.integers(-(2**65), 2**65), st.lists(st.binary(max_size=33), max_size=70)
)
def test_verification_of_anything_raises_its_own_error_only(first, second, proof):
    with pytest.raises(InclusionProofError):
        verify_inclusion(JUNK, first, second, proof, EMPTY_ROOT)
    with pytest.raises(ConsistencyProofError):
        verify_consistency(first, second, JUNK, EMPTY_ROOT, proof)
    with pytest.raises(InclusionProofError):
        verify_multi_proof({first: JUNK, second: JUNK}, first, proof, EMPTY_ROOT)
