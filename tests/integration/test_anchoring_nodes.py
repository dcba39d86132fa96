"""Contract, sender and verifier's look on real nodes: our development chain and anvil."""

from dataclasses import replace

import pytest
from breaker import broken_at
from chain_helpers import (
    QUICK,
    WORLD,
    fresh_account,
    found_log,
    make_anchorer,
    make_policy,
    read_events,
)
from servers import anvil_node, dev_chain
from world import ORIGIN, submit

from contracts.artifact import load_artifact
from contracts.registry import compute_anchor_gas_limit, encode_anchor, encode_freeze, encode_propose_operator
from ledger.chain.answers import parse_anything
from ledger.chain.client import ChainClient
from ledger.chain.finality import parse_finality
from ledger.chain.transactions import build_transaction
from ledger.core.anchor import AnchorGrade, verify_receipt
from ledger.core.checkpoint import Checkpoint
from ledger.core.errors import (
    ChainUnavailableError,
    LogIntegrityError,
    StateError,
    StoreUnavailableError,
    UnavailableError,
    WrongChainError,
)
from ledger.core.policy import ContractPin
from ledger.core.step import Outcome
from ledger.deployment import Founder
from ledger.store.anchor_queries import AnchorQueries, AnchorState
from verifier.chain import look_at_contract

FINALITY = {"devchain": "immediate", "anvil": "tag:safe"}


@pytest.fixture(scope="module", params=["devchain", "anvil"])
def node(request, tmp_path_factory):
    starter = anvil_node() if request.param == "anvil" else dev_chain(tmp_path_factory.mktemp("chain"))
    with starter as running:
        yield request.param, running.url


@pytest.fixture
def client(node):
    with ChainClient(node[1]) as client:
        yield client


@pytest.fixture
def finality(node):
    return FINALITY[node[0]]


@pytest.fixture
def account(client):
    return fresh_account(client)


@pytest.fixture
def binding(client, account, finality):
    return found_log(client, account, finality)


@pytest.fixture
def anchorer(store, log, client, account, binding, clock, finality):
    return make_anchorer(store, client, account, binding, clock, finality)


def newest(log):
    return Checkpoint(ORIGIN, log.head.tree_size, log.head.root_hash)


def send(client, account, binding, data, gas=100_000):
    """Send a call to the registry past the sender, and wait for it."""
    transaction = build_transaction(
        account,
        chain_id=binding.chain.chain_id,
        nonce=client.nonce(account.address),
        to=binding.chain.contract,
        data=data,
        gas=gas,
        fees=client.fees(),
    )
    client.send_raw(transaction.raw)
    while (receipt := client.receipt(transaction.hash)) is None:
        QUICK.sleep(0.05)
    assert receipt.succeeded


# --- contract and log ---------------------------------------------------------------------------------------


def test_the_deployed_code_is_the_committed_code(client, binding):
    assert client.code(binding.chain.contract) == load_artifact().deployed_bytecode
    assert binding.code_hash == load_artifact().code_sha256
    assert binding.chain.chain_id == client.chain_id()
    assert binding.chain.genesis_hash == client.genesis_hash()


def test_founding_again_finds_what_is_there(client, account, binding, finality):
    nonce = client.nonce(account.address)
    again = found_log(client, account, finality)
    assert again.chain == binding.chain
    assert client.nonce(account.address) == nonce


@pytest.mark.parametrize("place", ["deployment.sent", "deployment.deployed", "deployment.opened"])
def test_a_founding_that_broke_is_finished_by_the_next_one(client, account, finality, place):
    with broken_at(place), pytest.raises(StoreUnavailableError):
        found_log(client, account, finality)
    found_log(client, account, finality)
    assert client.nonce(account.address) == 2


def test_two_logs_live_in_one_contract(client, account, binding, finality):
    founder = Founder(client, account, parse_finality(finality), pace=QUICK)
    other = founder.open_log(binding.chain.contract, "other.example/log")
    assert other.chain.contract == binding.chain.contract
    assert other.chain.log_id != binding.chain.log_id


def test_a_log_is_not_opened_in_something_else(client, account, finality):
    founder = Founder(client, account, parse_finality(finality), pace=QUICK)
    with pytest.raises(WrongChainError, match="is not the registry contract"):
        founder.open_log(bytes(19) + b"\x09", ORIGIN)


def test_a_log_that_was_frozen_is_not_opened_again(client, account, binding, finality):
    send(client, account, binding, encode_freeze(binding.chain.log_id))
    with pytest.raises(StateError, match="frozen"):
        found_log(client, account, finality)


def test_an_account_without_ether_is_told_what_it_needs(client, finality):
    poor = replace(fresh_account(client), private_key=bytes(range(1, 33)))
    founder = Founder(client, poor, parse_finality(finality), pace=QUICK)
    with pytest.raises(UnavailableError, match=f"0x{poor.address.hex()} owns 0 wei and needs"):
        founder.deploy_registry()


# --- the line: checkpoint, anchor, receipt, look ------------------------------------------------------------


def test_checkpoints_are_anchored_once_each_and_seen_by_the_verifier(
    node, anchorer, log, client, account, binding, finality
):
    checkpoints = []
    for number in range(3):
        submit(log, WORLD.bare_issue(number))
        checkpoints.append(newest(log))
        receipt = anchorer.anchor_newest()
        verify_receipt(receipt, WORLD.log_key.public_key)
        assert (receipt.tree_size, receipt.root_hash) == (newest(log).tree_size, newest(log).root_hash)
        assert receipt.chain == binding.chain
        assert receipt.grade is (AnchorGrade.SAFE if finality == "tag:safe" else AnchorGrade.FINAL)
        block = client.block(receipt.block_number)
        assert (block.hash, block.timestamp) == (receipt.block_hash, int(receipt.anchored_at.timestamp()))
    assert read_events(client, binding.chain) == [(each.tree_size, each.root_hash) for each in checkpoints]

    nonce = client.nonce(account.address)
    assert anchorer.anchor_newest() == receipt
    assert client.nonce(account.address) == nonce

    look = look_at_contract(node[1], make_policy(ContractPin(binding.chain, binding.code_hash, finality)))
    for checkpoint in checkpoints:
        check = look(checkpoint)
        assert check.outcome is Outcome.PASSED, check
        assert f"of chain {binding.chain.chain_id}" in check.reason.en
        assert str(binding.chain.chain_id) in check.reason.zh


@pytest.mark.parametrize(
    "place",
    [
        "anchoring.before_queue",
        "anchoring.queued",
        "anchoring.before_outbox",
        "anchoring.outbox",
        "anchoring.sent",
        "anchoring.before_included",
        "anchoring.included",
        "anchoring.before_final",
        "anchoring.final",
    ],
)
def test_an_error_at_any_step_leaves_one_anchor(anchorer, log, client, binding, place):
    with broken_at(place), pytest.raises(StoreUnavailableError):
        anchorer.anchor_newest()
    receipt = anchorer.anchor_newest()
    verify_receipt(receipt, WORLD.log_key.public_key)
    assert read_events(client, binding.chain) == [(log.head.tree_size, log.head.root_hash)]


def test_a_foreign_head_is_an_alarm_and_stays(anchorer, client, account, binding):
    forged = encode_anchor(binding.chain.log_id, 2, b"\x0b" * 32, [])
    send(client, account, binding, forged, compute_anchor_gas_limit(0))
    with pytest.raises(LogIntegrityError):
        anchorer.anchor_newest()
    assert read_events(client, binding.chain) == [(2, b"\x0b" * 32)]


def test_another_operator_may_not_be_sent_for(store, log, client, account, binding, clock):
    other = fresh_account(client)
    send(client, account, binding, encode_propose_operator(binding.chain.log_id, other.address))
    with pytest.raises(StateError, match="operator"):
        make_anchorer(store, client, other, binding, clock).anchor_newest()


# --- nodes that are away or others --------------------------------------------------------------------------


def test_work_is_queued_while_the_chain_is_away_and_goes_out_when_it_is_back(store, log, clock, tmp_path):
    directory = tmp_path / "chain"
    with dev_chain(directory) as node, ChainClient(node.url) as client:
        account = fresh_account(client)
        binding = found_log(client, account)
    with ChainClient(node.url) as client, pytest.raises(ChainUnavailableError):
        make_anchorer(store, client, account, binding, clock).anchor_newest()
    with store.database.read() as connection:
        assert AnchorQueries(connection).find_open().state is AnchorState.DRAFTED
    submit(log, WORLD.bare_issue(1))
    with dev_chain(directory) as node, ChainClient(node.url) as client:
        receipt = make_anchorer(store, client, account, binding, clock).resume()
        assert receipt.tree_size == log.head.tree_size
        assert read_events(client, binding.chain) == [(log.head.tree_size, log.head.root_hash)]


def test_a_chain_of_the_same_id_with_another_genesis_is_refused(store, log, clock, tmp_path):
    with dev_chain(tmp_path / "one") as node, ChainClient(node.url) as client:
        account = fresh_account(client)
        binding = found_log(client, account)
    with dev_chain(tmp_path / "two") as node, ChainClient(node.url) as client:
        with pytest.raises(WrongChainError, match="genesis"):
            make_anchorer(store, client, account, binding, clock).anchor_newest()


# --- blocks that vanish (anvil only) ------------------------------------------------------------------------


def ask(client, method, *params):
    client._ask(parse_anything, method, *params)


@pytest.mark.parametrize("depth", [1, 4])
def test_a_reorg_before_finality_is_healed(store, log, clock, depth):
    with anvil_node() as node, ChainClient(node.url) as client:
        account = fresh_account(client)
        binding = found_log(client, account)
        make_anchorer(store, client, account, binding, clock).anchor_newest()
        first = log.head
        submit(log, WORLD.bare_issue(1))
        hasty = replace(QUICK, deadline=2.0)
        with pytest.raises(ChainUnavailableError):
            make_anchorer(store, client, account, binding, clock, "depth:50", hasty).anchor_newest()
        ask(client, "anvil_mine", hex(depth - 1))
        ask(client, "anvil_reorg", depth + 4, [])
        ask(client, "anvil_mine", hex(2))
        patient = make_anchorer(store, client, account, binding, clock, "depth:3")
        receipt = patient.resume()
        assert client.block(receipt.block_number).hash == receipt.block_hash
        assert read_events(client, binding.chain)[-1] == (log.head.tree_size, log.head.root_hash)
        assert read_events(client, binding.chain)[0] == (first.tree_size, first.root_hash)


# --- what the verifier makes of contradictions --------------------------------------------------------------


@pytest.fixture
def anchored(anchorer, log, node, binding, finality):
    anchorer.anchor_newest()
    return node[1], ContractPin(binding.chain, binding.code_hash, finality), newest(log)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"chain_id": 1}, "the policy names chain 1"),
        ({"genesis_hash": b"\x01" * 32}, "genesis block differs"),
        ({"contract": b"\x01" * 20}, "code is not what the policy names"),
        ({"log_id": b"\x01" * 32}, "does not know this ledger"),
        ({"code_hash": b"\x01" * 32}, "code is not what the policy names"),
    ],
    ids=["chain", "genesis", "contract", "log", "code"],
)
def test_another_contract_than_the_policy_names_fails(anchored, change, sentence):
    url, pin, checkpoint = anchored
    if "code_hash" in change:
        pin = replace(pin, **change)
    else:
        pin = replace(pin, chain=replace(pin.chain, **change))
    check = look_at_contract(url, make_policy(pin))(checkpoint)
    assert check.outcome is Outcome.FAILED
    assert sentence in check.reason.en


def test_another_root_of_this_size_fails(anchored):
    url, pin, checkpoint = anchored
    check = look_at_contract(url, make_policy(pin))(replace(checkpoint, root_hash=b"\x01" * 32))
    assert check.outcome is Outcome.FAILED
    assert "another root" in check.reason.en


def test_another_root_of_an_older_size_fails(anchored, anchorer, log):
    url, pin, checkpoint = anchored
    submit(log, WORLD.bare_issue(1))
    anchorer.anchor_newest()
    check = look_at_contract(url, make_policy(pin))(replace(checkpoint, root_hash=b"\x01" * 32))
    assert check.outcome is Outcome.FAILED


def test_a_state_that_is_not_anchored_yet_is_not_checked(anchored, log):
    url, pin, checkpoint = anchored
    check = look_at_contract(url, make_policy(pin))(replace(checkpoint, tree_size=checkpoint.tree_size + 1))
    assert check.outcome is Outcome.NOT_CHECKED
    assert "not anchored yet" in check.reason.en


def test_a_state_between_two_anchors_is_not_checked(anchored, anchorer, log):
    url, pin, checkpoint = anchored
    submit(log, WORLD.bare_issue(1))
    submit(log, WORLD.bare_issue(2))
    anchorer.anchor_newest()
    check = look_at_contract(url, make_policy(pin))(replace(checkpoint, tree_size=checkpoint.tree_size + 1))
    assert check.outcome is Outcome.NOT_CHECKED
    assert "no event" in check.reason.en


def test_a_block_that_is_not_final_by_the_policy_is_not_checked(anchored):
    url, pin, checkpoint = anchored
    check = look_at_contract(url, make_policy(replace(pin, finality="depth:5000")))(checkpoint)
    assert check.outcome is Outcome.NOT_CHECKED
    assert "not final yet" in check.reason.en
