"""Proofs against the committed bytecode: published vectors, huge trees, one verdict with our verifier."""

import json
from base64 import b64decode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lazy_tree import LazyTree, leaf_hash, node_hash
from vectors import vector_path

from contracts.registry import RegistryHead
from ledger.core.errors import VerificationError
from ledger.core.merkle import verify_consistency, verify_inclusion

EFFORT = max(1, settings.default.max_examples // 100)
MAX_BITS = 40
ROOT = bytes.fromhex("ab" * 32)


def cctv(name):
    return json.loads(vector_path("tlog", "cctv-merkle", "testdata", f"{name}.json").read_text())


def _holds(verify, *arguments) -> bool:
    try:
        verify(*arguments)
    except VerificationError:
        return False
    return True


@st.composite
def sizes(draw, bits=MAX_BITS):
    """A number of 1 to `bits` bits, each length equally likely, so that short and huge trees both come."""
    return draw(st.integers(1, bits).flatmap(lambda count: st.integers(1 << (count - 1), (1 << count) - 1)))


@st.composite
def growths(draw):
    """(old, new) with old < new; powers of two and their neighbours come often."""
    old, added = draw(sizes()), draw(sizes())
    snap = draw(st.sampled_from(["no", "old", "new"]))
    if snap == "old":
        old = max(1, (1 << old.bit_length()) + draw(st.integers(-1, 1)))
    new = old + added
    if snap == "new":
        new = max(old + 1, (1 << new.bit_length()) + draw(st.integers(-1, 1)))
    return old, new


def _flipped(value, bit):
    return (int.from_bytes(value, "big") ^ 1 << bit).to_bytes(32, "big")


def _one_bit_off(registry, proof, bit):
    """The proof with this bit of one hash flipped: of each in turn, or of one where the EVM is slow."""
    positions = range(len(proof)) if registry.evm.is_fast else [bit % len(proof)] if proof else []
    for position in positions:
        yield [*proof[:position], _flipped(proof[position], bit), *proof[position + 1 :]]


def _case_id(case):
    return f"{case['old_size']}-{case['new_size']}"


# ---- published vectors -------------------------------------------------------------------------------


def _is_accepted(registry, case) -> bool:
    log_id = registry.open(case["old_size"], b64decode(case["old_root"]))
    proof = [b64decode(item) for item in case["consistency_path"] or []]
    return registry.would_accept(log_id, case["new_size"], b64decode(case["new_root"]), proof)


def test_cctv_valid_consistency(registry):
    cases = cctv("consistency-valid")
    assert cases
    assert [_case_id(case) for case in cases if not _is_accepted(registry, case)] == []


def test_cctv_invalid_consistency(registry):
    """One case differs on purpose: on chain, size 0 has one root and takes any first head without a proof."""
    cases = cctv("consistency-invalid")
    accepted = [case for case in cases if _is_accepted(registry, case)]
    assert len(cases) > 10
    assert [(case["old_size"], case["consistency_path"]) for case in accepted] == [(0, [])]


def test_cctv_growing_tree(registry):
    """The 16 published heads are anchored one after the other, and every leaf opens under every head."""
    rows = cctv("merkle_tree")
    leaves = {index: row["leaf_data"].encode() for index, row in enumerate(rows)}
    tree = LazyTree(cuts=range(len(rows) + 1), leaves=leaves)
    log_id = registry.open()
    for size, row in enumerate(rows, start=1):
        root = b64decode(row["root_hash"])
        registry.anchor(log_id, size, root, tree.consistency(size - 1, size))
        for index in range(size):
            assert registry.has_leaf(log_id, index, leaves[index], tree.inclusion(index, size))


@pytest.mark.parametrize("kind", ["valid", "invalid"])
def test_cctv_inclusion(registry, kind):
    """The registry hashes the leaf itself: the published leaf data goes in where a vector gives its hash."""
    data = {row["leaf_hash"]: row["leaf_data"].encode() for row in cctv("merkle_tree")}
    cases = cctv(f"inclusion-{kind}")
    assert cases
    for case in cases:
        log_id = registry.open(case["tree_size"], b64decode(case["root_hash"]))
        leaf = data.get(case["leaf_hash"], b"no such leaf")
        proof = [b64decode(item) for item in case["inclusion_path"] or []]
        assert registry.has_leaf(log_id, case["leaf_index"], leaf, proof) == (kind == "valid")


# ---- consistency -------------------------------------------------------------------------------------


@settings(max_examples=60 * EFFORT)
@given(growth=growths())
def test_any_growth_is_accepted(registry, growth):
    old, new = growth
    tree = LazyTree(cuts=growth)
    log_id = registry.open(old, tree.root(old))
    registry.anchor(log_id, new, tree.root(new), tree.consistency(old, new))
    assert registry.head(log_id) == RegistryHead(new, tree.root(new), registry.operator, is_frozen=False)


def _spoilt(proof):
    """Every kind of damage to a list of hashes, each with its name."""
    if proof:
        yield "without the first", proof[1:]
        yield "without the last", proof[:-1]
    yield "with one more in front", [ROOT, *proof]
    yield "with one more behind", [*proof, ROOT]
    yield "with the last twice", [*proof, proof[-1]] if proof else [ROOT]
    if len(set(proof)) > 1:
        yield "backwards", proof[::-1]
        yield "with two exchanged", [proof[1], proof[0], *proof[2:]]


@settings(max_examples=40 * EFFORT)
@given(growth=growths(), bit=st.integers(0, 255))
def test_any_damage_to_a_proof_is_refused(registry, growth, bit):
    old, new = growth
    tree = LazyTree(cuts=growth)
    log_id = registry.open(old, tree.root(old))
    proof = tree.consistency(old, new)
    for name, bad in _spoilt(proof):
        assert not registry.would_accept(log_id, new, tree.root(new), bad), name
    for bad in _one_bit_off(registry, proof, bit):
        assert not registry.would_accept(log_id, new, tree.root(new), bad)
    assert not registry.would_accept(log_id, new, _flipped(tree.root(new), bit), proof)
    assert registry.would_accept(log_id, new, tree.root(new), proof)


def test_every_bit_of_a_proof_counts(revm_registry):
    tree = LazyTree(cuts=[11, 29])
    log_id = revm_registry.open(11, tree.root(11))
    proof = tree.consistency(11, 29)
    assert revm_registry.would_accept(log_id, 29, tree.root(29), proof)
    for bit in range(256):
        for bad in _one_bit_off(revm_registry, proof, bit):
            assert not revm_registry.would_accept(log_id, 29, tree.root(29), bad)


@settings(max_examples=150 * EFFORT)
@given(
    growth=growths(), claim=st.one_of(st.integers(-3, 3), sizes()), is_relative=st.booleans(), data=st.data()
)
def test_contract_and_python_verifier_agree_whatever_size_is_claimed(
    registry, growth, claim, is_relative, data
):
    """A proof for (old, new) is shown as one for (old, claimed): both must say the same, yes or no."""
    old, new = growth
    claimed = new + claim if is_relative else claim
    if claimed <= old:
        claimed = old + 1
    tree = LazyTree(cuts=growth)
    log_id = registry.open(old, tree.root(old))
    proof = tree.consistency(old, new)
    if data.draw(st.booleans(), label="shorten"):
        proof = proof[: data.draw(st.integers(0, len(proof)), label="length")]
    expected = _holds(verify_consistency, old, claimed, tree.root(old), tree.root(new), proof)
    assert registry.would_accept(log_id, claimed, tree.root(new), proof) == expected


def _climb(first, last, old, new, path):
    """Return (fr, sr) of RFC 9162 §2.1.4.2 for any path, neither its length nor a root being looked at."""
    for item in path:
        if first & 1 or first == last:
            old, new = node_hash(item, old), node_hash(item, new)
            while first and not first & 1:
                first, last = first >> 1, last >> 1
        else:
            new = node_hash(new, item)
        first, last = first >> 1, last >> 1
    return old, new


pools = st.lists(st.sampled_from([bytes([number]) * 32 for number in range(3)]), max_size=7)
"""Few hashes, often repeated, so that accidental equalities (fr == sr, c == fr) happen all the time."""


@settings(max_examples=200 * EFFORT)
@given(old=st.integers(1, 9), added=st.integers(1, 9), proof=pools)
def test_contract_and_python_verifier_agree_on_proofs_of_any_length(registry, old, added, proof):
    """The roots are those that the proof leads to: only its length can be wrong."""
    new = old + added
    path = ([ROOT] if old & (old - 1) == 0 else []) + proof
    start = path[0] if path else ROOT
    shift = (old & -old).bit_length() - 1
    old_root, new_root = _climb((old - 1) >> shift, (new - 1) >> shift, start, start, path[1:])
    log_id = registry.open(old, old_root)
    expected = _holds(verify_consistency, old, new, old_root, new_root, proof)
    assert registry.would_accept(log_id, new, new_root, proof) == expected


def test_sizes_are_not_bound_by_roots(registry):
    """A limit, not a feature: one proof and one 8-leaf root pass from size 4 for 5, 6, 7 and 8 alike."""
    tree = LazyTree(cuts=[4, 8])
    log_id = registry.open(4, tree.root(4))
    proof = tree.consistency(4, 8)
    accepted = [size for size in range(5, 20) if registry.would_accept(log_id, size, tree.root(8), proof)]
    assert accepted == [5, 6, 7, 8]


@pytest.mark.parametrize(
    ("old", "new"), [(2**63, 2**64 - 1), (2**64 - 2, 2**64 - 1), (1, 2**64 - 1), (2**62, 2**63)]
)
def test_the_largest_sizes_work(registry, old, new):
    tree = LazyTree(cuts=[old, new])
    log_id = registry.open(old, tree.root(old))
    proof = tree.consistency(old, new)
    assert not registry.would_accept(log_id, new, tree.root(new), proof[:-1])
    registry.anchor(log_id, new, tree.root(new), proof)
    assert registry.head(log_id).size == new


# ---- one leaf ----------------------------------------------------------------------------------------


@st.composite
def openings(draw):
    size = draw(sizes())
    index = draw(st.one_of(st.integers(0, size - 1), st.sampled_from([0, size - 1, size // 2])))
    return index, size, draw(st.binary(max_size=400))


@settings(max_examples=60 * EFFORT)
@given(opening=openings(), bit=st.integers(0, 255))
def test_a_leaf_opens_with_its_proof_and_with_no_other(registry, opening, bit):
    index, size, leaf = opening
    tree = LazyTree(leaves={index: leaf})
    log_id = registry.open(size, tree.root(size))
    proof = tree.inclusion(index, size)
    assert registry.has_leaf(log_id, index, leaf, proof)
    for name, bad in _spoilt(proof):
        assert not registry.has_leaf(log_id, index, leaf, bad), name
    for bad in _one_bit_off(registry, proof, bit):
        assert not registry.has_leaf(log_id, index, leaf, bad)
    for other in (leaf + b"\0", b"\0" + leaf, leaf[:-1] if leaf else b"x"):
        assert not registry.has_leaf(log_id, index, other, proof)


@settings(max_examples=100 * EFFORT)
@given(opening=openings(), claim=st.one_of(st.integers(-3, 3), sizes()), is_relative=st.booleans())
def test_contract_and_python_verifier_agree_whatever_index_is_claimed(registry, opening, claim, is_relative):
    index, size, leaf = opening
    claimed = max(0, index + claim if is_relative else claim)
    tree = LazyTree(leaves={index: leaf})
    log_id = registry.open(size, tree.root(size))
    proof = tree.inclusion(index, size)
    expected = _holds(verify_inclusion, leaf_hash(leaf), claimed, size, proof, tree.root(size))
    assert registry.has_leaf(log_id, claimed, leaf, proof) == expected == (claimed == index)


@settings(max_examples=200 * EFFORT)
@given(size=st.integers(1, 18), index=st.integers(0, 20), proof=pools)
def test_contract_and_python_verifier_agree_on_openings_of_any_length(registry, size, index, proof):
    """The root is the one that the proof leads to: only its length or the index can be wrong."""
    _, root = _climb(index, size - 1, ROOT, leaf_hash(b"leaf"), proof)
    log_id = registry.open(size, root)
    expected = _holds(verify_inclusion, leaf_hash(b"leaf"), index, size, proof, root)
    assert registry.has_leaf(log_id, index, b"leaf", proof) == expected


def test_no_leaf_opens_in_an_empty_log(registry):
    log_id = registry.open()
    assert not registry.has_leaf(log_id, 0, b"", [])


@pytest.mark.parametrize("index", [4, 5, 2**63, 2**64 - 1])
def test_an_index_beyond_the_tree_does_not_open(registry, index):
    tree = LazyTree(leaves={3: b"last"})
    log_id = registry.open(4, tree.root(4))
    assert not registry.has_leaf(log_id, index, b"last", tree.inclusion(3, 4))


def test_an_inner_node_does_not_pass_for_a_leaf(registry):
    tree = LazyTree(leaves={0: b"left", 1: b"right"}, cuts=[4])
    children = leaf_hash(b"left") + leaf_hash(b"right")
    for size in (2, 3, 4):
        log_id = registry.open(size, tree.root(size))
        for disguise in (children, b"\x01" + children):
            for proof in (tree.inclusion(0, size), tree.inclusion(0, size)[1:]):
                assert not registry.has_leaf(log_id, 0, disguise, proof)


def test_a_proof_for_an_older_head_does_not_open(registry):
    tree = LazyTree(cuts=[4, 7], leaves={2: b"leaf"})
    log_id = registry.open(4, tree.root(4))
    assert registry.has_leaf(log_id, 2, b"leaf", tree.inclusion(2, 4))
    registry.anchor(log_id, 7, tree.root(7), tree.consistency(4, 7))
    assert not registry.has_leaf(log_id, 2, b"leaf", tree.inclusion(2, 4))
    assert registry.has_leaf(log_id, 2, b"leaf", tree.inclusion(2, 7))


def test_the_largest_leaf_opens(registry):
    leaf = bytes(range(256)) * 256
    tree = LazyTree(leaves={2: leaf[:65_535]})
    log_id = registry.open(5, tree.root(5))
    assert registry.has_leaf(log_id, 2, leaf[:65_535], tree.inclusion(2, 5))
