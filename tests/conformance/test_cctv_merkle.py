"""C2SP CCTV Merkle vectors: heads leaf by leaf, proofs to generate, proofs to accept and to refuse.

One quirk: they call a consistency proof from size 0 valid when it is empty. Nothing can be shown of the empty
tree, so `verify_consistency` refuses old size 0 and its callers decide.
"""

import base64
import json

import pytest
from vectors import vector_path

from ledger.core.errors import ConsistencyProofError, InclusionProofError, MalformedDocumentError
from ledger.core.merkle import (
    EMPTY_ROOT,
    CompactRange,
    MemoryTree,
    build_consistency_proof,
    build_inclusion_proof,
    build_multi_proof,
    build_root,
    compute_root,
    compute_root_from_inclusion,
    hash_leaf,
    verify_consistency,
    verify_inclusion,
    verify_multi_proof,
)


def load(name):
    return json.loads(vector_path("tlog", "cctv-merkle", "testdata", name).read_bytes())


def decode(value):
    return [base64.b64decode(item) for item in value] if isinstance(value, list) else base64.b64decode(value)


def inclusion(case):
    return (
        decode(case["leaf_hash"]),
        case["leaf_index"],
        case["tree_size"],
        decode(case["inclusion_path"]),
        decode(case["root_hash"]),
    )


def consistency(case):
    return (
        case["old_size"],
        case["new_size"],
        decode(case["old_root"]),
        decode(case["new_root"]),
        decode(case["consistency_path"]),
    )


HEADS = load("merkle_tree.json")
LEAF_HASHES = [decode(head["leaf_hash"]) for head in HEADS]
TREE = MemoryTree(LEAF_HASHES)
CONSISTENCY = load("consistency-valid.json")
FROM_EMPTY = [case for case in CONSISTENCY if case["old_size"] == 0]
FROM_LEAVES = [case for case in CONSISTENCY if case["old_size"] > 0]


def test_the_vectors_are_all_there():
    counts = [len(HEADS), len(load("inclusion-valid.json")), len(load("inclusion-invalid.json"))]
    assert counts == [16, 4, 4]
    assert [len(FROM_EMPTY), len(FROM_LEAVES), len(load("consistency-invalid.json"))] == [2, 2, 16]


def test_leaf_and_root_hashes():
    edge = CompactRange()
    for size, head in enumerate(HEADS, start=1):
        assert hash_leaf(head["leaf_data"].encode()) == decode(head["leaf_hash"])
        edge.append(LEAF_HASHES[size - 1])
        assert edge.root() == build_root(size, TREE.read) == compute_root(LEAF_HASHES[:size])
        assert edge.root() == decode(head["root_hash"])


@pytest.mark.parametrize("case", load("inclusion-valid.json"))
def test_valid_inclusion_is_generated_and_accepted(case):
    leaf_hash, index, size, proof, root = inclusion(case)
    assert list(build_inclusion_proof(index, size, TREE.read)) == proof
    assert compute_root_from_inclusion(leaf_hash, index, size, proof) == root
    verify_inclusion(leaf_hash, index, size, proof, root)
    verify_multi_proof({index: leaf_hash}, size, build_multi_proof([index], size, TREE.read), root)


@pytest.mark.parametrize("case", load("inclusion-invalid.json"))
def test_invalid_inclusion_is_refused(case):
    with pytest.raises(InclusionProofError):
        verify_inclusion(*inclusion(case))


@pytest.mark.parametrize("case", FROM_LEAVES)
def test_valid_consistency_is_generated_and_accepted(case):
    old_size, new_size, old_root, new_root, proof = consistency(case)
    assert list(build_consistency_proof(old_size, new_size, TREE.read)) == proof
    verify_consistency(old_size, new_size, old_root, new_root, proof)


@pytest.mark.parametrize("case", FROM_EMPTY)
def test_consistency_from_the_empty_tree_is_left_to_the_caller(case):
    old_size, new_size, old_root, new_root, proof = consistency(case)
    assert (old_root, proof) == (EMPTY_ROOT, [])
    with pytest.raises(ConsistencyProofError):
        verify_consistency(old_size, new_size, old_root, new_root, proof)
    with pytest.raises(MalformedDocumentError):
        build_consistency_proof(old_size, new_size, TREE.read)


@pytest.mark.parametrize("case", load("consistency-invalid.json"))
def test_invalid_consistency_is_refused(case):
    with pytest.raises(ConsistencyProofError):
        verify_consistency(*consistency(case))
