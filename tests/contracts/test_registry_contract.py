"""Each function, refusal and event of the committed bytecode, on py-evm and on revm."""

import hashlib

import pytest
from eth_utils import keccak
from evm import Reverted
from lazy_tree import LazyTree

from contracts.artifact import load_artifact
from contracts.registry import (
    EMPTY_ROOT,
    NO_PREDECESSOR,
    AnchoredEvent,
    FrozenEvent,
    OpenedEvent,
    OperatorChangedEvent,
    OperatorProposedEvent,
    RegistryHead,
    compute_log_id,
    compute_origin_hash,
    encode_anchor,
    encode_open,
)

NOBODY = bytes(20)
UNKNOWN = bytes.fromhex("77" * 32)
ROOT = bytes.fromhex("ab" * 32)
TREE = LazyTree(cuts=range(1, 20))


def test_deployed_code_is_the_committed_one(registry):
    assert registry.evm.code_at(registry.address) == load_artifact().deployed_bytecode


def test_open_creates_an_empty_log_of_the_sender(registry):
    origin = registry.fresh_origin()
    log_id = hashlib.sha256(origin + registry.other + NO_PREDECESSOR).digest()
    assert registry.events(encode_open(origin), registry.other) == [
        OpenedEvent(log_id, origin, NO_PREDECESSOR, registry.other)
    ]
    assert registry.head(log_id) == RegistryHead(0, EMPTY_ROOT, registry.other, is_frozen=False)
    assert registry.operator_of(log_id) == registry.other
    assert registry.proposed_operator_of(log_id) == NOBODY


def test_open_answers_the_log_id(registry):
    origin = registry.fresh_origin()
    answer = registry.evm.simulate(registry.operator, registry.address, encode_open(origin))
    assert answer == compute_log_id(origin, registry.operator)


def test_the_same_origin_gives_each_sender_a_log_of_its_own(registry):
    origin = compute_origin_hash("log.example.org/shared")
    for sender in (registry.operator, registry.other):
        registry.send(encode_open(origin), sender)
        assert registry.operator_of(compute_log_id(origin, sender)) == sender


def test_a_log_is_opened_once(registry, refused):
    origin = registry.fresh_origin()
    registry.send(encode_open(origin))
    log_id = compute_log_id(origin, registry.operator)
    registry.anchor(log_id, 5, TREE.root(5))
    with refused("LogAlreadyOpen", log_id):
        registry.send(encode_open(origin))
    assert registry.head(log_id).size == 5


def test_a_handed_over_log_cannot_be_opened_again_by_its_founder(registry, refused):
    origin = registry.fresh_origin()
    registry.send(encode_open(origin))
    log_id = compute_log_id(origin, registry.operator)
    registry.propose(log_id, registry.other)
    registry.accept(log_id, registry.other)
    with refused("LogAlreadyOpen", log_id):
        registry.send(encode_open(origin))


@pytest.mark.parametrize("predecessor", [UNKNOWN, bytes(31) + b"\x01"])
def test_a_successor_names_any_predecessor_and_gains_no_power_over_it(registry, predecessor):
    origin = registry.fresh_origin()
    (event,) = registry.events(encode_open(origin, predecessor))
    assert event.predecessor == predecessor
    assert event.log_id == compute_log_id(origin, registry.operator, predecessor)
    assert event.log_id != compute_log_id(origin, registry.operator)
    assert registry.operator_of(predecessor) == NOBODY


def test_recovery_leaves_the_old_log_as_it_was(registry):
    old = registry.open(5, TREE.root(5))
    before = registry.head(old)
    (event,) = registry.events(encode_open(registry.fresh_origin(), old), registry.stranger)
    assert event.predecessor == old
    assert registry.head(event.log_id).size == 0
    assert registry.head(old) == before


def test_first_anchor_takes_any_head(registry):
    log_id = registry.open()
    assert registry.anchor(log_id, 2**64 - 1, ROOT) == [AnchoredEvent(log_id, 2**64 - 1, ROOT)]
    assert registry.head(log_id) == RegistryHead(2**64 - 1, ROOT, registry.operator, is_frozen=False)


def test_first_anchor_takes_no_proof(registry, refused):
    log_id = registry.open()
    with refused("InconsistentHeads", 0, 5):
        registry.anchor(log_id, 5, TREE.root(5), [ROOT])


@pytest.mark.parametrize(("old", "new"), [(old, new) for new in range(2, 20) for old in range(1, new)])
def test_every_small_step_is_accepted_with_its_proof(revm_registry, old, new):
    log_id = revm_registry.open(old, TREE.root(old))
    proof = TREE.consistency(old, new)
    assert revm_registry.anchor(log_id, new, TREE.root(new), proof) == [
        AnchoredEvent(log_id, new, TREE.root(new))
    ]
    assert revm_registry.head(log_id).root == TREE.root(new)


def test_a_long_life_of_one_log(registry):
    log_id = registry.open()
    sizes = [1, 2, 3, 5, 8, 13, 19]
    for old, new in zip([0, *sizes], sizes, strict=False):
        registry.anchor(log_id, new, TREE.root(new), TREE.consistency(old, new))
    assert (registry.head(log_id).size, registry.head(log_id).root) == (19, TREE.root(19))


def test_logs_do_not_touch_each_other(registry):
    first, second = registry.open(5, TREE.root(5)), registry.open(7, TREE.root(7))
    registry.anchor(first, 6, TREE.root(6), TREE.consistency(5, 6))
    registry.freeze(second)
    assert registry.head(first) == RegistryHead(6, TREE.root(6), registry.operator, is_frozen=False)
    assert registry.head(second) == RegistryHead(7, TREE.root(7), registry.operator, is_frozen=True)


@pytest.mark.parametrize("proof", [[], TREE.consistency(3, 5), [ROOT] * 9])
def test_anchoring_the_stored_head_again_is_silent(registry, proof):
    log_id = registry.open(5, TREE.root(5))
    before = registry.head(log_id)
    assert registry.anchor(log_id, 5, TREE.root(5), proof) == []
    assert registry.head(log_id) == before


def test_anchoring_the_empty_head_again_is_silent(registry):
    log_id = registry.open()
    assert registry.anchor(log_id, 0, EMPTY_ROOT) == []
    assert registry.head(log_id).size == 0


def test_another_root_for_the_stored_size_is_refused(registry, refused):
    log_id = registry.open(5, TREE.root(5))
    with refused("RootDiffers", 5, TREE.root(5), ROOT):
        registry.anchor(log_id, 5, ROOT)
    empty = registry.open()
    with refused("RootDiffers", 0, EMPTY_ROOT, ROOT):
        registry.anchor(empty, 0, ROOT)


@pytest.mark.parametrize("size", [0, 1, 4])
def test_a_head_never_shrinks(registry, refused, size):
    log_id = registry.open(5, TREE.root(5))
    with refused("SizeShrinks", 5, size):
        registry.anchor(log_id, size, TREE.root(size), TREE.consistency(size, 5))
    assert registry.head(log_id).size == 5


def test_a_rewritten_history_is_refused(registry, refused):
    log_id = registry.open(5, TREE.root(5))
    forged = LazyTree(cuts=range(1, 20), seed=b"other leaves")
    with refused("InconsistentHeads", 5, 9):
        registry.anchor(log_id, 9, forged.root(9), forged.consistency(5, 9))
    assert registry.head(log_id).root == TREE.root(5)


def test_a_size_of_more_than_64_bits_is_refused(registry):
    log_id = registry.open()
    good = encode_anchor(log_id, 1, ROOT, [])
    with pytest.raises(Reverted):
        registry.send(good[:36] + (2**64).to_bytes(32, "big") + good[68:])


def test_cut_off_call_data_is_refused(registry):
    log_id = registry.open(1, TREE.root(1))
    good = encode_anchor(log_id, 2, TREE.root(2), TREE.consistency(1, 2))
    for length in (0, 3, 4, 100, len(good) - 32, len(good) - 1):
        with pytest.raises(Reverted):
            registry.send(good[:length])


def test_money_is_refused(pyevm_registry):
    log_id = pyevm_registry.open()
    tester = pyevm_registry.evm.tester
    data = encode_anchor(log_id, 1, ROOT, [])
    transaction = {
        "from": tester.get_accounts()[0],
        "to": "0x" + pyevm_registry.address.hex(),
        "gas": 200_000,
    }
    receipt = tester.get_transaction_receipt(
        tester.send_transaction({**transaction, "data": "0x" + data.hex(), "value": 1})
    )
    assert receipt["status"] == 0


def test_unknown_logs_are_named(registry, refused):
    for act in (
        lambda: registry.anchor(UNKNOWN, 1, ROOT),
        lambda: registry.propose(UNKNOWN, registry.other),
        lambda: registry.accept(UNKNOWN, registry.other),
        lambda: registry.freeze(UNKNOWN),
        lambda: registry.head(UNKNOWN),
        lambda: registry.has_leaf(UNKNOWN, 0, b"", []),
    ):
        with refused("UnknownLog", UNKNOWN):
            act()
    assert registry.operator_of(UNKNOWN) == NOBODY
    assert registry.proposed_operator_of(UNKNOWN) == NOBODY


def test_only_the_operator_changes_a_log(registry, refused):
    log_id = registry.open(5, TREE.root(5))
    for act in (
        lambda: registry.anchor(log_id, 6, TREE.root(6), TREE.consistency(5, 6), registry.stranger),
        lambda: registry.anchor(log_id, 5, TREE.root(5), [], registry.stranger),
        lambda: registry.propose(log_id, registry.stranger, registry.stranger),
        lambda: registry.freeze(log_id, registry.stranger),
    ):
        with refused("NotOperator", log_id, registry.stranger):
            act()
    assert registry.head(log_id) == RegistryHead(5, TREE.root(5), registry.operator, is_frozen=False)


def test_an_operator_changes_in_two_steps(registry, refused):
    log_id = registry.open(5, TREE.root(5))
    assert registry.propose(log_id, registry.other) == [OperatorProposedEvent(log_id, registry.other)]
    assert registry.operator_of(log_id) == registry.operator
    assert registry.proposed_operator_of(log_id) == registry.other
    with refused("NotOperator", log_id, registry.other):
        registry.anchor(log_id, 6, TREE.root(6), TREE.consistency(5, 6), registry.other)
    assert registry.accept(log_id, registry.other) == [
        OperatorChangedEvent(log_id, registry.operator, registry.other)
    ]
    assert registry.head(log_id) == RegistryHead(5, TREE.root(5), registry.other, is_frozen=False)
    assert registry.proposed_operator_of(log_id) == NOBODY
    with refused("NotOperator", log_id, registry.operator):
        registry.anchor(log_id, 6, TREE.root(6), TREE.consistency(5, 6))
    registry.anchor(log_id, 6, TREE.root(6), TREE.consistency(5, 6), registry.other)


def test_only_the_proposed_address_accepts_and_only_once(registry, refused):
    log_id = registry.open()
    with refused("NotProposedOperator", log_id, registry.other):
        registry.accept(log_id, registry.other)
    registry.propose(log_id, registry.other)
    for sender in (registry.stranger, registry.operator):
        with refused("NotProposedOperator", log_id, sender):
            registry.accept(log_id, sender)
    registry.accept(log_id, registry.other)
    with refused("NotProposedOperator", log_id, registry.other):
        registry.accept(log_id, registry.other)


def test_an_offer_can_be_replaced_and_withdrawn(registry, refused):
    log_id = registry.open()
    registry.propose(log_id, registry.other)
    registry.propose(log_id, registry.stranger)
    with refused("NotProposedOperator", log_id, registry.other):
        registry.accept(log_id, registry.other)
    assert registry.propose(log_id, NOBODY) == [OperatorProposedEvent(log_id, NOBODY)]
    with refused("NotProposedOperator", log_id, registry.stranger):
        registry.accept(log_id, registry.stranger)
    assert registry.operator_of(log_id) == registry.operator


def test_freezing_is_final(registry, refused):
    log_id = registry.open(5, TREE.root(5))
    registry.propose(log_id, registry.other)
    assert registry.freeze(log_id) == [FrozenEvent(log_id, 5, TREE.root(5))]
    frozen = RegistryHead(5, TREE.root(5), registry.operator, is_frozen=True)
    for act in (
        lambda: registry.anchor(log_id, 6, TREE.root(6), TREE.consistency(5, 6)),
        lambda: registry.anchor(log_id, 5, TREE.root(5)),
        lambda: registry.propose(log_id, registry.stranger),
        lambda: registry.accept(log_id, registry.other),
        lambda: registry.freeze(log_id),
    ):
        with refused("LogFrozen", log_id):
            act()
    assert registry.head(log_id) == frozen


def test_a_frozen_log_still_proves_its_leaves(registry):
    tree = LazyTree(cuts=[5], leaves={3: b"certificate"})
    log_id = registry.open(5, tree.root(5))
    registry.freeze(log_id)
    assert registry.has_leaf(log_id, 3, b"certificate", tree.inclusion(3, 5))


def test_storage_is_two_packed_slots_a_log(pyevm_registry):
    log_id = pyevm_registry.open(5, TREE.root(5))
    pyevm_registry.freeze(log_id)
    slot = int.from_bytes(keccak(log_id + bytes(32)), "big")
    first = pyevm_registry.evm.storage_at(pyevm_registry.address, slot)
    assert first == bytes(3) + b"\x01" + pyevm_registry.operator + (5).to_bytes(8, "big")
    assert pyevm_registry.evm.storage_at(pyevm_registry.address, slot + 1) == TREE.root(5)


def test_the_code_holds_no_opcode_that_would_break_a_promise():
    """No proxy, no call out but the precompile, no clock, no chain id, nothing newer than Paris."""
    promises = {
        0x32: "ORIGIN", 0x41: "COINBASE", 0x42: "TIMESTAMP", 0x43: "NUMBER", 0x44: "PREVRANDAO",
        0x46: "CHAINID", 0x48: "BASEFEE", 0x49: "BLOBHASH", 0x5C: "TLOAD", 0x5D: "TSTORE", 0x5E: "MCOPY",
        0x5F: "PUSH0", 0xF0: "CREATE", 0xF1: "CALL", 0xF2: "CALLCODE", 0xF4: "DELEGATECALL",
        0xF5: "CREATE2", 0xFF: "SELFDESTRUCT",
    }  # fmt: skip
    code, position, seen = load_artifact().deployed_bytecode, 0, set()
    while position < len(code):
        opcode = code[position]
        seen.add(opcode)
        position += 1 + (opcode - 0x5F if 0x60 <= opcode <= 0x7F else 0)
    assert not {name for opcode, name in promises.items() if opcode in seen}
    assert 0xFA in seen  # STATICCALL, to the precompile
