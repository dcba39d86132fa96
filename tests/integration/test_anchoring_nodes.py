"""Contract, sender and verifier's look on real nodes: our development chain and anvil."""

from dataclasses import replace

import pytest
from breaker import broken_at
from chain_helpers import (
    QUICK,
    WORLD,
    found_log,
    fresh_account,
    make_anchorer,
    make_policy,
    read_events,
)
from servers import anvil_node, dev_chain
from world import ORIGIN, Clock, submit

from contracts.artifact import load_artifact
from contracts.registry import compute_anchor_gas_limit, encode_anchor, encode_freeze, encode_propose_operator
from ledger.anchoring.deployment import Founder
from ledger.chain.answers import parse_anything
from ledger.chain.client import ChainClient
from ledger.chain.finality import parse_finality
from ledger.chain.transactions import Account, build_transaction
from ledger.core.anchor import AnchorGrade, AnchorState, verify_receipt
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
from ledger.log import Log
from ledger.store.anchor_queries import AnchorQueries
from ledger.store.engine import Database
from ledger.store.migrations import migrate
from ledger.store.unit_of_work import SqlStore
from verifier.chain import look_at_contract

IMMEDIATE = parse_finality("immediate")
FINALITY = {"devchain": "immediate", "anvil": "tag:safe"}


@pytest.fixture(scope="module", params=["devchain", "anvil"])
def node(request, tmp_path_factory):
    """A running node: its kind and its URL."""
    starter = anvil_node() if request.param == "anvil" else dev_chain(tmp_path_factory.mktemp("chain"))
    with starter as running:
        yield request.param, running.url


@pytest.fixture(scope="module")
def contract(node):
    """One registry contract for all logs of this file, as in life."""
    with ChainClient(node[1]) as client:
        return Founder(client, fresh_account(client), IMMEDIATE, pace=QUICK).deploy_registry()


@pytest.fixture
def client(node):
    with ChainClient(node[1]) as client:
        yield client


@pytest.fixture
def account(client):
    return fresh_account(client)


@pytest.fixture
def binding(client, account, contract):
    return Founder(client, account, IMMEDIATE, pace=QUICK).open_log(contract, ORIGIN)


@pytest.fixture
def database_url(tmp_path):
    """SQLite only: what depends on the database is tested with kill -9, on both kinds."""
    return f"sqlite:///{tmp_path}/log.sqlite3"


@pytest.fixture
def anchorer(store, log, client, account, binding, clock):
    return make_anchorer(store, client, account, binding, clock)


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


def test_founding_again_finds_what_is_there(node, client, account):
    first = found_log(client, account, FINALITY[node[0]])
    again = found_log(client, account, FINALITY[node[0]])
    assert again.chain == first.chain
    assert client.nonce(account.address) == 2


@pytest.mark.parametrize("place", ["deployment.sent", "deployment.deployed", "deployment.opened"])
def test_a_founding_that_broke_is_finished_by_the_next_one(client, account, place):
    with broken_at(place), pytest.raises(StoreUnavailableError):
        found_log(client, account)
    found_log(client, account)
    assert client.nonce(account.address) == 2


def test_logs_of_two_operators_live_in_one_contract(client, binding, contract):
    other = Founder(client, fresh_account(client), IMMEDIATE, pace=QUICK).open_log(contract, ORIGIN)
    assert other.chain.contract == binding.chain.contract
    assert other.chain.log_id != binding.chain.log_id


def test_a_log_is_not_opened_in_something_else(client, account):
    with pytest.raises(WrongChainError, match="is not the registry contract"):
        Founder(client, account, IMMEDIATE, pace=QUICK).open_log(bytes(19) + b"\x09", ORIGIN)


def test_a_log_that_was_frozen_is_not_opened_again(client, account, binding):
    send(client, account, binding, encode_freeze(binding.chain.log_id))
    with pytest.raises(StateError, match="frozen"):
        Founder(client, account, IMMEDIATE, pace=QUICK).open_log(binding.chain.contract, ORIGIN)


def test_an_account_without_ether_is_told_what_it_needs(client):
    poor = Account(bytes(range(1, 33)))
    with pytest.raises(UnavailableError, match=f"0x{poor.address.hex()} owns 0 wei and needs"):
        Founder(client, poor, IMMEDIATE, pace=QUICK).deploy_registry()


# --- the line: checkpoint, anchor, receipt, look ------------------------------------------------------------


def test_checkpoints_are_anchored_once_each_and_seen_by_the_verifier(
    node, store, log, client, account, binding, clock
):
    finality = FINALITY[node[0]]
    anchorer = make_anchorer(store, client, account, binding, clock, finality)
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
        anchorer = make_anchorer(store, client, account, binding, clock)
        with pytest.raises(WrongChainError, match="genesis"):
            anchorer.anchor_newest()


# --- blocks that vanish (anvil only) ------------------------------------------------------------------------


@pytest.mark.parametrize("on_top", [0, 3])
def test_a_reorg_before_finality_is_healed(store, log, clock, on_top):
    with anvil_node() as node, ChainClient(node.url) as client:
        account = fresh_account(client)
        binding = found_log(client, account)
        make_anchorer(store, client, account, binding, clock).anchor_newest()
        first = log.head
        submit(log, WORLD.bare_issue(1))
        hasty = replace(QUICK, deadline=2.0)
        with pytest.raises(ChainUnavailableError, match="included"):
            make_anchorer(store, client, account, binding, clock, "depth:50", hasty).anchor_newest()
        with store.database.read() as connection:
            included = AnchorQueries(connection).find_open()
        client._ask(parse_anything, "anvil_mine", hex(on_top))
        lost = client.block("latest").number - included.block_number + 1
        client._ask(parse_anything, "anvil_reorg", lost, [])
        assert client.receipt(included.tx_hash) is None
        receipt = make_anchorer(store, client, account, binding, clock, "depth:3").resume()
        assert client.block(receipt.block_number).hash == receipt.block_hash != included.block_hash
        heads = [(head.tree_size, head.root_hash) for head in (first, log.head)]
        assert read_events(client, binding.chain) == heads


# --- what the verifier makes of contradictions --------------------------------------------------------------


@pytest.fixture(scope="module")
def anchored(node, contract, tmp_path_factory):
    """Two anchors with an unanchored state between them: URL, pin, and the three checkpoints."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('log')}/log.sqlite3")
    migrate(database)
    store, clock = SqlStore(database), Clock()
    log = Log(store, ORIGIN, WORLD.log_key, clock)
    with ChainClient(node[1]) as client:
        account = fresh_account(client)
        binding = Founder(client, account, IMMEDIATE, pace=QUICK).open_log(contract, ORIGIN)
        checkpoints = []
        for raws in (WORLD.founding(), [WORLD.bare_issue(1)], [WORLD.bare_issue(2)]):
            submit(log, *raws)
            checkpoints.append(newest(log))
            if len(checkpoints) != 2:
                make_anchorer(store, client, account, binding, clock).anchor_newest()
    database.close()
    return node[1], ContractPin(binding.chain, binding.code_hash, "immediate"), checkpoints


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
    url, pin, (checkpoint, *_) = anchored
    pin = replace(pin, **(change if "code_hash" in change else {"chain": replace(pin.chain, **change)}))
    check = look_at_contract(url, make_policy(pin))(checkpoint)
    assert check.outcome is Outcome.FAILED
    assert sentence in check.reason.en


@pytest.mark.parametrize("place", [0, 2], ids=["older", "newest"])
def test_another_root_of_an_anchored_size_fails(anchored, place):
    url, pin, checkpoints = anchored
    forged = replace(checkpoints[place], root_hash=b"\x01" * 32)
    check = look_at_contract(url, make_policy(pin))(forged)
    assert check.outcome is Outcome.FAILED
    assert "another root" in check.reason.en


def test_a_state_that_is_not_anchored_yet_is_not_checked(anchored):
    url, pin, (*_, newest_anchored) = anchored
    later = replace(newest_anchored, tree_size=newest_anchored.tree_size + 1)
    check = look_at_contract(url, make_policy(pin))(later)
    assert check.outcome is Outcome.NOT_CHECKED
    assert "not anchored yet" in check.reason.en


def test_a_state_between_two_anchors_is_not_checked(anchored):
    url, pin, (_, between, _) = anchored
    check = look_at_contract(url, make_policy(pin))(between)
    assert check.outcome is Outcome.NOT_CHECKED
    assert "no event" in check.reason.en


def test_a_block_that_is_not_final_by_the_policy_is_not_checked(anchored):
    url, pin, (checkpoint, *_) = anchored
    check = look_at_contract(url, make_policy(replace(pin, finality="depth:5000")))(checkpoint)
    assert check.outcome is Outcome.NOT_CHECKED
    assert "not final yet" in check.reason.en
