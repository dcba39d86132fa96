"""Fault drills on a real anvil: blocks, fees, funds, nonces, nodes and heads go wrong while issuing goes on.

Each fault either heals by itself, or stops with a sentence that says what a person does. The long form
(`HENGZHENG_LONG=1`) takes every depth, and an hour without a node in a hundred steps.
"""

import os
import signal
import time
from dataclasses import replace

import httpx2
import pytest
from breaker import broken_at
from chain_helpers import QUICK, WORLD, fresh_account, make_anchorer, make_policy, read_events
from line import Line, write_meters
from relay import Relay
from served_home import serve, wait_until
from servers import anvil_node
from world import ORIGIN, submit

from contracts.registry import compute_anchor_gas_limit, encode_anchor
from ledger.anchoring.deployment import Founder
from ledger.anchoring.review import dismiss_lost
from ledger.chain.answers import parse_anything
from ledger.chain.client import ChainClient
from ledger.chain.finality import parse_finality
from ledger.chain.transactions import build_transaction
from ledger.core.anchor import parse_anchor_list
from ledger.core.bundle import parse_bundle
from ledger.core.checkpoint import Checkpoint
from ledger.core.errors import (
    ChainContradictionError,
    ChainUnavailableError,
    LedgerError,
    LogIntegrityError,
    StoreUnavailableError,
    UnavailableError,
    WrongChainError,
)
from ledger.core.ids import LeafIndex
from ledger.core.policy import ContractPin
from ledger.core.qr import compute_code
from ledger.core.step import Outcome
from ledger.proving import Prover
from ledger.receipts import Receipts
from ledger.standing import ANCHORING
from ledger.store.anchor_queries import AnchorQueries
from ledger.store.condition_queries import ConditionQueries
from verifier.chain import look_at_contract

LONG = os.environ.get("HENGZHENG_LONG") == "1"
SLOW = pytest.mark.slow
DEPTHS = [1, pytest.param(2, marks=SLOW), 8, pytest.param(32, marks=SLOW), 64]
GWEI = 10**9
BRIEF = 0.8
"""Seconds after which a sender gives up."""


@pytest.fixture
def database_url(tmp_path):
    """SQLite only: what depends on the database is tested with kill -9, on both kinds."""
    return f"sqlite:///{tmp_path}/log.sqlite3"


@pytest.fixture(scope="module")
def shared_node():
    with anvil_node() as node:
        yield node


class Drill:
    """A log that grows, its contract on an anvil, and the sender between them."""

    def __init__(self, store, log, clock, url):
        self.store, self.log, self.clock, self.url = store, log, clock, url
        self.client = ChainClient(url, timeout_seconds=2.0)
        self.account = fresh_account(self.client)
        self.pace = replace(QUICK, sleep=self._sleep)
        founder = Founder(self.client, self.account, parse_finality("immediate"), pace=self.pace)
        self.binding = founder.open_log(founder.deploy_registry(), ORIGIN)
        self.number = 0

    def _sleep(self, _seconds):
        """Mine a block instead of waiting a second for it."""
        self.mine(1)
        time.sleep(0.01)

    def ask(self, method, *params):
        """Send a request of anvil's own."""
        return self.client._ask(lambda answer: answer, method, *params)

    def mine(self, blocks):
        self.ask("anvil_mine", hex(blocks))

    def grow(self, count=1):
        for _ in range(count):
            submit(self.log, WORLD.bare_issue(self.number))
            self.number += 1

    def anchor(self, finality="depth:3", *, client=None, binding=None, **pace):
        where = client or self.client, self.account, binding or self.binding
        sender = make_anchorer(self.store, *where, self.clock, finality, replace(self.pace, **pace))
        return sender.anchor_newest()

    def include(self):
        """Bring the newest state into a block, and no further; return its anchor."""
        with broken_at("anchoring.included"), pytest.raises(StoreUnavailableError):
            self.anchor()
        return self.under_way()

    def submit_only(self):
        """Sign a transaction for the newest state, and send nothing."""
        with broken_at("anchoring.outbox"), pytest.raises(StoreUnavailableError):
            self.anchor()

    def under_way(self):
        with self.store.database.read() as connection:
            return AnchorQueries(connection).find_open()

    def moves(self):
        with self.store.database.read() as connection:
            return [move.state.value for move in AnchorQueries(connection).read_moves()]

    @property
    def receipts(self):
        return Receipts(self.store).list_all()

    @property
    def head(self):
        return self.log.head.tree_size, self.log.head.root_hash

    def check(self):
        """The contract holds our newest head; each size went into it once; every receipt has its event."""
        events = read_events(self.client, self.binding.chain)
        assert events[-1] == self.head
        assert len({size for size, _ in events}) == len(events)
        assert [(receipt.tree_size, receipt.root_hash) for receipt in self.receipts] == events
        for receipt in self.receipts:
            assert self.client.receipt(receipt.tx_hash).block_hash == receipt.block_hash
        assert self.under_way() is None


@pytest.fixture
def drill(store, log, clock, shared_node):
    drill = Drill(store, log, clock, shared_node.url)
    yield drill
    drill.client.close()


# --- reorgs -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_reorg_while_issuing_goes_on_heals_by_itself(drill, depth):
    drill.anchor()
    drill.mine(2 * depth)
    for _ in range(3 if LONG else 1):
        drill.grow()
        drill.mine(max(0, depth - 3))
        included = drill.include()
        drill.grow()
        newest = drill.client.block("latest").number
        drill.ask("anvil_reorg", max(depth, newest - included.block_number + 1), [])
        assert drill.client.receipt(included.tx_hash) is None
        drill.grow()
        drill.anchor()
        drill.check()
    assert "reorged" in drill.moves()


@pytest.mark.parametrize("depth", [2, pytest.param(8, marks=SLOW), pytest.param(64, marks=SLOW)])
def test_blocks_that_are_rolled_back_are_made_up_for(drill, depth):
    drill.anchor()
    drill.mine(2 * depth)
    drill.grow()
    included = drill.include()
    newest = drill.client.block("latest").number
    drill.ask("anvil_rollback", max(depth, newest - included.block_number + 1))
    drill.anchor()
    drill.check()


def test_a_reorg_that_puts_our_transaction_into_another_block(drill):
    drill.anchor()
    drill.mine(8)
    drill.grow()
    drill.submit_only()
    with drill.store.database.read() as connection:
        queries = AnchorQueries(connection)
        raw = queries.find_attempts(queries.find_open())[-1].raw
    included = drill.include()
    drill.ask("anvil_reorg", drill.client.block("latest").number - included.block_number + 1, [])
    drill.client.send_raw(raw)
    receipt = drill.anchor()
    drill.check()
    assert (receipt.tx_hash, receipt.block_hash != included.block_hash) == (included.tx_hash, True)


def test_a_reorg_past_finality_is_an_alarm_and_no_receipt_changes(drill):
    first = drill.anchor()
    drill.mine(10)
    drill.grow()
    last = drill.anchor()
    drill.ask("anvil_reorg", drill.client.block("latest").number - last.block_number + 1, [])
    drill.grow()
    for _ in range(2):
        with pytest.raises(ChainContradictionError, match=r"was final, is gone .* --after-reorg`"):
            drill.anchor()
    assert drill.receipts == [first]
    with drill.store.database.read() as connection:
        assert AnchorQueries(connection).find_newest_lost().receipt == last
    assert Receipts(drill.store).find(LeafIndex(0)) == first
    drill.grow()  # issuing goes on
    assert dismiss_lost(drill.store, drill.clock) == [last.tree_size]
    drill.anchor()
    drill.check()


def test_the_public_side_of_a_final_block_that_is_gone(tmp_path):
    """The receipt is in no bundle and no list any more; issuing goes on; a person puts it right."""
    with anvil_node() as node, ChainClient(node.url) as client:
        line = Line(tmp_path, options=["--node", node.url, "--finality", "depth:1"])
        line.found()
        client._ask(parse_anything, "anvil_mine", hex(80))
        line.issue(write_meters(tmp_path / "first.jsonl", 1))
        code = compute_code(parse_bundle((line.folders()[0] / "bundle.json").read_bytes()).statement_raw)
        with serve(line.home, "all", "--anchor-seconds", 1) as server:

            def get(path):
                return httpx2.get(server.url + path, headers={"Accept": "application/json"}, trust_env=False)

            def read():
                bundle = parse_bundle(get(f"/c/{code}/bundle.json").content)
                receipts = parse_anchor_list(get("/anchors.json").content).receipts
                return get("/healthz").json()["status"], bundle.receipt is not None, len(receipts)

            assert read() == ("ok", True, 1)
            assert get(f"/c/{code}").json()["shown"] == "VALID"
            client._ask(parse_anything, "anvil_reorg", 60, [])
            wait_until(lambda: read() == ("alarm", False, 0) or None, 30)
            assert get(f"/c/{code}").json()["shown"] == "PENDING"
            words = line.issue_words(write_meters(tmp_path / "second.jsonl", 1, 2), anchor=False, out=False)
            assert line.run(*words, "--ledger", server.url)["logged"] == 1
            assert server.stop()[0] == 0
        sizes = [size for size, _ in line.anchors()]
        assert line.run("anchor", code=4)["kind"] == "ChainContradiction"
        assert line.run("anchor", "--status")["status"] == "alarm"
        line.run("anchor", "--after-reorg")
        assert line.anchors() == [(sizes[0], "dismissed"), (len(line.leaves()), "final")]
        assert line.events(node.url) == [len(line.leaves())]
        assert line.run("doctor")["status"] == "ok"
        line.issue(tmp_path / "first.jsonl")
        assert line.verify("JY2026-000001", "--chain", node.url, code=0)["verdict"] == "VALID"


# --- the node is away, or has no money, or gas is dear ------------------------------------------------------


def test_an_hour_without_a_node_ends_in_one_transaction(store, log, clock):
    with anvil_node() as node:
        drill = Drill(store, log, clock, node.url)
        drill.anchor()
        drill.client = ChainClient(node.url, timeout_seconds=0.2)
        nonce, known = drill.client.nonce(drill.account.address), drill.receipts
        prover = Prover(store, log.origin)
        os.kill(node.process.pid, signal.SIGSTOP)
        try:
            for _ in range(100 if LONG else 6):
                drill.grow()
                with pytest.raises(ChainUnavailableError, match="does not answer in time"):
                    drill.anchor()
                prover.tlog_proof(LeafIndex(log.head.tree_size - 2))
                assert drill.receipts == known
        finally:
            os.kill(node.process.pid, signal.SIGCONT)
        drill.client = ChainClient(node.url)
        drill.anchor()
        drill.check()
        assert drill.client.nonce(drill.account.address) == nonce + 1


def test_without_funds_the_queue_is_kept_and_heals_when_funded(drill):
    address = "0x" + drill.account.address.hex()
    drill.ask("anvil_setBalance", address, "0x0")
    with pytest.raises(UnavailableError, match=f"{address} owns 0 wei and needs .*: pay into it"):
        drill.anchor()
    drill.grow()
    drill.ask("anvil_setBalance", address, hex(10**18))
    drill.anchor()
    drill.check()


def test_funds_that_vanish_after_signing_are_the_nodes_refusal_and_heal(drill):
    """anvil answers -32003; the signed transaction stays in the outbox, and no fee is raised for nothing."""
    address = "0x" + drill.account.address.hex()
    drill.submit_only()
    drill.ask("anvil_setBalance", address, "0x0")
    with pytest.raises(ChainUnavailableError, match=r"is submitted .*owns 0 wei and needs .*: pay into it"):
        drill.anchor(deadline=BRIEF, resend=0.1)
    assert drill.moves() == ["drafted", "submitted"]
    drill.ask("anvil_setBalance", address, hex(10**18))
    drill.anchor()
    drill.check()


def test_a_fee_that_is_stuck_is_raised_with_the_same_nonce(drill):
    drill.submit_only()
    dear = 40 * drill.client.fees().max_fee_wei
    drill.ask("anvil_setNextBlockBaseFeePerGas", hex(dear))
    drill.mine(1)
    receipt = drill.anchor(resend=0.05)
    drill.check()
    moves = drill.moves()
    assert moves.count("submitted") >= 2
    assert moves.count("drafted") == 1
    assert receipt.tree_size == drill.head[0]


def test_a_transaction_that_the_node_forgets_is_sent_again(drill):
    with broken_at("anchoring.sent"), pytest.raises(StoreUnavailableError):
        drill.anchor()
    with drill.store.database.read() as connection:
        queries = AnchorQueries(connection)
        sent = queries.find_attempts(queries.find_open())[-1]
    drill.ask("anvil_dropTransaction", "0x" + sent.tx_hash.hex())
    drill.anchor(resend=0.1)
    drill.check()


def test_a_nonce_gap_is_filled(drill):
    """A stranger's transaction with a later nonce waits in the pool; ours fills the gap before it."""
    nonce = drill.client.nonce(drill.account.address)
    send_call(drill, nonce + 1, b"")
    drill.anchor()
    drill.check()
    assert drill.client.nonce(drill.account.address) >= nonce + 1
    drill.grow()
    drill.anchor()
    drill.check()


def test_a_nonce_that_went_to_another_transaction_is_replaced(drill):
    drill.submit_only()
    send_call(drill, drill.client.nonce(drill.account.address), b"")
    drill.mine(1)
    drill.anchor()
    drill.check()
    assert "replaced" in drill.moves()


def send_call(drill, nonce, data, gas=100_000):
    """Send something with the operator's key past the sender; without data it only moves the nonce."""
    transaction = build_transaction(
        drill.account,
        chain_id=drill.client.chain_id(),
        nonce=nonce,
        to=drill.binding.chain.contract if data else drill.account.address,
        data=data,
        gas=gas,
        fees=drill.client.fees(),
    )
    drill.client.send_raw(transaction.raw)


# --- other heads, other chains ------------------------------------------------------------------------------


def test_a_foreign_head_is_an_alarm_and_is_never_overwritten(drill):
    nonce = drill.client.nonce(drill.account.address)
    forged = encode_anchor(drill.binding.chain.log_id, 2, b"\x0b" * 32, [])
    send_call(drill, nonce, forged, compute_anchor_gas_limit(0))
    drill.mine(1)
    for _ in range(2):
        with pytest.raises(LogIntegrityError, match="put the newest copy back, or begin a new log"):
            drill.anchor()
    assert read_events(drill.client, drill.binding.chain) == [(2, b"\x0b" * 32)]
    assert drill.client.nonce(drill.account.address) == nonce + 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"chain_id": 1}, "the node serves chain 31337, this log is anchored on 1"),
        ({"genesis_hash": bytes(32)}, "another chain with the id 31337: its genesis block differs"),
        ({"contract": bytes(19) + b"\x09"}, "is not the registry contract of this version"),
        ({"log_id": bytes(32)}, "the contract does not know the log"),
    ],
    ids=["chain", "genesis", "contract", "log"],
)
def test_another_chain_contract_or_log_is_refused(drill, change, sentence):
    binding = replace(drill.binding, chain=replace(drill.binding.chain, **change))
    with pytest.raises(WrongChainError, match=sentence):
        drill.anchor(binding=binding)
    assert drill.receipts == []


def test_other_code_at_the_contract_is_refused_even_after_an_anchor(drill):
    drill.anchor()
    address = "0x" + drill.binding.chain.contract.hex()
    code = drill.ask("eth_getCode", address, "latest")
    drill.grow()
    drill.ask("anvil_setCode", address, "0x00")
    with pytest.raises(WrongChainError, match="is not the registry contract"):
        drill.anchor()
    drill.ask("anvil_setCode", address, code)
    drill.anchor()
    drill.check()


# --- a node that lies ---------------------------------------------------------------------------------------


def edit_logs(result, **changes):
    return result and result | {"logs": [log | changes for log in result["logs"]]}


def lie_about_block(result, _):
    if result is None:
        return None
    number = hex(int(result["blockNumber"], 16) - 1)
    return edit_logs(result, blockNumber=number) | {"blockNumber": number}


def lie_about_block_hash(result, _):
    return result and edit_logs(result, blockHash="0x" + "07" * 32) | {"blockHash": "0x" + "07" * 32}


LIES = {
    "root in the receipt": (
        "eth_getTransactionReceipt",
        lambda result, _: edit_logs(result, data="0x" + "07" * 32),
    ),
    "receipt without event": (
        "eth_getTransactionReceipt",
        lambda result, _: result and result | {"logs": []},
    ),
    "block number": ("eth_getTransactionReceipt", lie_about_block),
    "block hash": ("eth_getTransactionReceipt", lie_about_block_hash),
    "status": (
        "eth_getTransactionReceipt",
        lambda result, _: result and result | {"status": "0x0", "logs": []},
    ),
    "events": ("eth_getLogs", lambda _result, _params: []),
    "head root": ("eth_call", lambda result, _: result[:66] + "07" * 32 + result[130:]),
    "head size": ("eth_call", lambda result, _: "0x" + "0" * 63 + "3" + result[66:]),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lying_node_is_never_believed(drill, name):
    with Relay(drill.url) as relay, ChainClient(relay.url) as client:
        relay.change(*LIES[name])
        for _ in range(2):
            with pytest.raises(LedgerError):
                drill.anchor("depth:1", client=client, deadline=BRIEF)
            assert drill.receipts == []
        said = read_condition(drill)
        assert said.state in {"alarm", "waiting"}
        if name != "status":
            assert said.state == "alarm", said
        relay.be_honest()
        drill.anchor("depth:1", client=client)
    drill.check()


def read_condition(drill):
    with drill.store.database.read() as connection:
        return ConditionQueries(connection).find(ANCHORING)


def test_the_verifier_says_that_a_reorged_anchor_is_not_there(drill):
    drill.anchor()
    drill.mine(4)
    drill.grow()
    receipt = drill.anchor()
    pin = ContractPin(drill.binding.chain, drill.binding.code_hash, "depth:1")
    look = look_at_contract(drill.url, make_policy(pin))
    checkpoint = Checkpoint(drill.log.origin, *drill.head)
    assert look(checkpoint).outcome is Outcome.PASSED
    drill.ask("anvil_reorg", drill.client.block("latest").number - receipt.block_number + 1, [])
    look = look_at_contract(drill.url, make_policy(pin))
    assert look(checkpoint).outcome is Outcome.NOT_CHECKED
