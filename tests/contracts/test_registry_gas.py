"""Gas of whole transactions (21,000 and call data included) on py-evm; the bounds are the product's targets.

Prague rules, steady state: the log was anchored before, so both slots hold something.
"""

import random

import pytest
from lazy_tree import LazyTree

from contracts.artifact import load_artifact
from contracts.registry import (
    CALL_GAS_LIMIT,
    DEPLOY_GAS_LIMIT,
    compute_anchor_gas_limit,
    compute_log_id,
    encode_accept_operator,
    encode_anchor,
    encode_freeze,
    encode_open,
    encode_propose_operator,
)

WORST = (2**30 - 1, 2**30 + 12_345)
"""32 hashes, all of them on the left: the dearest step of a log of a thousand million leaves."""


@pytest.fixture
def registry(pyevm_registry):
    return pyevm_registry


def anchor_gas(registry, old: int, new: int) -> int:
    """Gas of the step, sent with no more than the limit that a sender would give."""
    tree = LazyTree(cuts=[old, new])
    log_id = registry.open(old, tree.root(old))
    proof = tree.consistency(old, new)
    data = encode_anchor(log_id, new, tree.root(new), proof)
    limit = compute_anchor_gas_limit(len(proof))
    return registry.evm.send(registry.operator, registry.address, data, gas=limit).gas_used


@pytest.mark.parametrize(
    ("old", "new", "bound"),
    [
        (1, 2, 38_000),
        (1_000, 2_000, 48_000),
        (1_001_000, 1_002_000, 56_000),
        (1_000_012_345, 1_001_012_345, 75_000),
        (*WORST, 82_000),
    ],
)
def test_an_anchor_stays_below_its_target(registry, old, new, bound):
    assert 21_000 < anchor_gas(registry, old, new) <= bound


def _random_pairs(count: int) -> list[tuple[int, int]]:
    source = random.Random(20260101)
    pairs = []
    for _ in range(count):
        new = source.randint(2, 2 ** source.randint(1, 30))
        pairs.append((source.randint(1, new - 1), new))
    return pairs


@pytest.mark.parametrize("count", [60, pytest.param(1_000, marks=pytest.mark.slow)])
def test_the_worst_of_random_pairs_stays_below_its_target(registry, count):
    gas = {pair: anchor_gas(registry, *pair) for pair in _random_pairs(count)}
    assert max(gas.values()) <= 82_000, max(gas, key=gas.__getitem__)


def test_gas_grows_with_the_proof_only(registry):
    """A thousand certificates more or a million: the same number of hashes, the same cost."""
    few, many = anchor_gas(registry, 2**20, 2**20 + 2**9), anchor_gas(registry, 2**20, 2**20 + 2**19)
    proofs = [len(LazyTree(cuts=[2**20]).consistency(2**20, 2**20 + added)) for added in (2**9, 2**19)]
    assert proofs[0] == proofs[1]
    assert abs(few - many) < 1_000


def test_a_thousand_certificates_cost_less_than_sixty_gas_each(registry):
    assert anchor_gas(registry, 1_001_000, 1_002_000) / 1_000 < 60


@pytest.mark.parametrize(("old", "new"), [(2**63, 2**64 - 1), (2**63 - 1, 2**64 - 1), (2**40 - 1, 2**41 - 2)])
def test_the_gas_limit_is_enough_for_the_largest_trees(registry, old, new):
    proof_length = len(LazyTree(cuts=[old]).consistency(old, new))
    assert anchor_gas(registry, old, new) < 0.9 * compute_anchor_gas_limit(proof_length)


def test_the_first_anchor_costs_no_more_than_a_later_one(registry):
    log_id = registry.open()
    data = encode_anchor(log_id, 1_000, LazyTree().root(1_000), [])
    assert registry.send(data).gas_used <= 36_000


def test_a_repeated_anchor_writes_nothing(registry):
    tree = LazyTree()
    log_id = registry.open(7, tree.root(7))
    assert registry.send(encode_anchor(log_id, 7, tree.root(7), [])).gas_used <= 28_500


def test_the_other_calls_stay_below_their_common_limit(registry):
    origin = registry.fresh_origin()
    log_id = compute_log_id(origin, registry.operator)
    calls = [
        (registry.operator, encode_open(origin), 71_000),
        (registry.operator, encode_propose_operator(log_id, registry.other), 52_000),
        (registry.other, encode_accept_operator(log_id), 37_000),
        (registry.other, encode_freeze(log_id), 36_000),
    ]
    for sender, data, bound in calls:
        receipt = registry.evm.send(sender, registry.address, data, gas=CALL_GAS_LIMIT)
        assert receipt.gas_used <= bound


def test_deployment_stays_below_its_limit(registry):
    registry.evm.deploy(load_artifact().bytecode)
    assert registry.evm.deploy_gas <= 1_100_000 < DEPLOY_GAS_LIMIT
