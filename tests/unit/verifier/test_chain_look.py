"""The look at the contract: what a node may say, and what is made of it; nothing it says is a traceback."""

import hashlib
import json
from dataclasses import replace

import pytest
from anchored_stage import SIZES, URL, Stage, serve
from chain_helpers import make_policy
from fake_chain import CHAIN_ID
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.errors import ChainUnavailableError, InputError
from ledger.core.step import Outcome, Step
from verifier import chain as module
from verifier.chain import look_at_contract
from verifier.node import Node


@pytest.fixture
def stage(monkeypatch):
    stage = Stage()
    serve(monkeypatch, stage)
    return stage


# --- what is there ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", range(len(SIZES)))
def test_every_anchored_state_is_seen_in_its_block(stage, place):
    check = stage.look(stage.checkpoints[place])
    assert (check.step, check.outcome) == (Step.CHAIN, Outcome.PASSED)
    assert check.reason.en == f"anchored in block {2 + 10 * place} of chain {CHAIN_ID}"
    assert check.reason.zh == f"已在链{CHAIN_ID}的区块{2 + 10 * place}中核对"


def test_a_checkpoint_is_looked_up_once(stage):
    look = look_at_contract(URL, make_policy(stage.pin))
    first = look(stage.checkpoints[0])
    asked = len(stage.chain.requests)
    assert look(stage.checkpoints[0]) is first
    assert len(stage.chain.requests) == asked
    look(stage.checkpoints[1])
    assert len(stage.chain.requests) > asked


def test_a_policy_without_a_contract_looks_nowhere(stage):
    check = look_at_contract(URL, make_policy(None))(stage.checkpoints[0])
    assert check.outcome is Outcome.NOT_CHECKED
    assert not stage.chain.requests


@pytest.mark.parametrize(
    ("finality", "outcome"),
    [
        ("immediate", Outcome.PASSED),
        ("depth:9", Outcome.PASSED),
        ("depth:10", Outcome.NOT_CHECKED),
        ("tag:safe", Outcome.PASSED),
        ("tag:finalized", Outcome.PASSED),
    ],
)
def test_the_policy_says_when_a_block_is_final(stage, finality, outcome):
    check = stage.look(pin=replace(stage.pin, finality=finality))
    assert check.outcome is outcome
    assert ("not final yet" in check.reason.en) is (outcome is Outcome.NOT_CHECKED)


@pytest.mark.parametrize("block", [None, {"number": "0x1", "hash": "0x"}, "refused"])
def test_a_node_that_names_no_final_block_leaves_it_open(stage, block):
    def without(answer, selector, _full):
        if selector != "finalized":
            return answer
        if block == "refused":
            raise LookupError("no such tag")
        return block

    stage.chain.overrides["eth_getBlockByNumber"] = without
    check = stage.look(pin=replace(stage.pin, finality="tag:finalized"))
    assert check.outcome is Outcome.NOT_CHECKED


# --- contradictions -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "lie", "sentence"),
    [
        ("eth_chainId", "0x1", "the node serves chain 1"),
        ("eth_getCode", "0x6001", "code is not what"),
        ("eth_getCode", "0x", "code is not what"),
    ],
)
def test_another_chain_or_code_fails(stage, method, lie, sentence):
    stage.chain.overrides[method] = lambda *_: lie
    check = stage.look()
    assert check.outcome is Outcome.FAILED
    assert sentence in check.reason.en


def test_another_genesis_block_fails(stage):
    stage.chain.blocks[0].hash = hashlib.sha256(b"other").digest()
    check = stage.look()
    assert check.outcome is Outcome.FAILED
    assert "genesis" in check.reason.en


def test_a_log_that_the_contract_does_not_know_fails(stage):
    pin = replace(stage.pin, chain=replace(stage.pin.chain, log_id=bytes(32)))
    check = stage.look(pin=pin)
    assert check.outcome is Outcome.FAILED
    assert "does not know this ledger" in check.reason.en


@pytest.mark.parametrize("place", range(len(SIZES)))
def test_another_root_of_an_anchored_size_fails(stage, place):
    check = stage.look(replace(stage.checkpoints[place], root_hash=b"\x01" * 32))
    assert check.outcome is Outcome.FAILED
    assert f"another root for {SIZES[place]} leaves" in check.reason.en


def test_another_root_in_the_contract_fails_even_if_the_node_shows_no_event(stage):
    stage.chain.overrides["eth_getLogs"] = lambda *_: []
    assert stage.look().outcome is Outcome.NOT_CHECKED
    assert stage.look(replace(stage.checkpoints[-1], root_hash=b"\x01" * 32)).outcome is Outcome.FAILED


# --- what cannot be seen ------------------------------------------------------------------------------------


def test_a_state_beyond_the_contracts_is_not_anchored_yet(stage):
    check = stage.look(replace(stage.checkpoints[-1], tree_size=21))
    assert check.outcome is Outcome.NOT_CHECKED
    assert check.reason.en == "not anchored yet: the contract holds 20 leaves, the checkpoint has 21"


def test_a_state_between_two_anchors_has_no_event(stage):
    check = stage.look(replace(stage.checkpoints[0], tree_size=5))
    assert check.outcome is Outcome.NOT_CHECKED
    assert check.reason.en == "the node shows no event for this state"
    assert stage.chain.requests.count("eth_getLogs") == 1


def test_a_node_that_is_catching_up_is_not_believed(stage):
    stage.chain.overrides["eth_syncing"] = lambda *_: {"currentBlock": "0x1"}
    stage.chain.overrides["eth_getCode"] = lambda *_: "0x"
    check = stage.look()
    assert check.outcome is Outcome.NOT_CHECKED
    assert "catching up" in check.reason.en


def test_a_node_out_of_reach_is_never_a_failure(stage, monkeypatch):
    def away(_node, _body):
        raise ChainUnavailableError("the node is out of reach")

    monkeypatch.setattr(Node, "_post", away)
    check = stage.look()
    assert check.outcome is Outcome.NOT_CHECKED
    assert (check.reason.en, check.reason.zh) == ("the node is out of reach", "节点无法连接")


def refuse(monkeypatch, stage, method, error):
    answer = stage.chain.answer
    monkeypatch.setattr(
        stage.chain,
        "answer",
        lambda asked, params: {"error": error} if asked == method else answer(asked, params),
    )


@pytest.mark.parametrize(
    "error",
    [
        {"code": -32000, "message": "no"},
        {"code": 3, "message": "reverted", "data": "0x"},
        {"code": 3, "message": "reverted", "data": "0xdeadbeef"},
        {"code": 3, "message": "reverted", "data": {"data": "0x3d199f11"}},
        "no",
        7,
        [None],
    ],
)
@pytest.mark.parametrize(
    "method", ["eth_chainId", "eth_getBlockByNumber", "eth_getCode", "eth_call", "eth_getLogs"]
)
def test_a_refusal_is_not_a_failure(stage, monkeypatch, method, error):
    refuse(monkeypatch, stage, method, error)
    assert stage.look().outcome is Outcome.NOT_CHECKED


def test_a_node_without_the_method_for_syncing_is_asked_all_the_same(stage, monkeypatch):
    refuse(monkeypatch, stage, "eth_syncing", {"code": -32601, "message": "unknown method"})
    assert stage.look().outcome is Outcome.PASSED


# --- events in pages ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [1, 2, 5, 16, 32, 33])
@pytest.mark.parametrize("place", range(len(SIZES)))
def test_a_node_that_shows_few_blocks_at_once_is_asked_page_by_page(stage, monkeypatch, most, place):
    answer = stage.chain.answer
    seen = []

    def limited(method, params):
        if method == "eth_getLogs":
            first, last = (int(params[0][name], 16) for name in ("fromBlock", "toBlock"))
            if last - first + 1 > most:
                return {"error": {"code": -32005, "message": "range too large"}}
            seen.append((first, last))
        return answer(method, params)

    monkeypatch.setattr(stage.chain, "answer", limited)
    assert stage.look(stage.checkpoints[place]).outcome is Outcome.PASSED
    assert all(last + 1 == first for (_, last), (first, _) in zip(seen[1:], seen, strict=False))


def test_a_search_that_would_not_end_is_given_up(stage, monkeypatch):
    monkeypatch.setattr(module, "MAX_LOG_REQUESTS", 8)
    answer = stage.chain.answer

    def limited(method, params):
        if method == "eth_getLogs" and params[0]["fromBlock"] != params[0]["toBlock"]:
            return {"error": {"code": -32005, "message": "range too large"}}
        return answer(method, params)

    monkeypatch.setattr(stage.chain, "answer", limited)
    check = stage.look(stage.checkpoints[0])
    assert check.outcome is Outcome.NOT_CHECKED
    assert "too few blocks" in check.reason.en


@pytest.mark.parametrize(
    "change",
    [
        {"address": "0x" + "09" * 20},
        {"topics": []},
        {"topics": ["0x" + "09" * 32]},
        {"data": "0x"},
        {"blockNumber": "0x7f"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_events_that_were_not_asked_for_are_passed_over(stage, change):
    stage.chain.overrides["eth_getLogs"] = lambda logs, _: [log | change for log in logs]
    check = stage.look()
    assert check.outcome is Outcome.NOT_CHECKED
    stage.chain.overrides["eth_getLogs"] = lambda logs, _: [*[log | change for log in logs], *logs]
    assert stage.look().outcome is Outcome.PASSED


def test_the_event_of_another_size_is_passed_over(stage):
    wanted = {}

    def others(logs, question):
        wanted.update(question)
        return stage.chain.eth_get_logs(question | {"topics": question["topics"][:2]})

    stage.chain.overrides["eth_getLogs"] = others
    check = stage.look(stage.checkpoints[1])
    assert "anchored in block 12" in check.reason.en


# --- nonsense -----------------------------------------------------------------------------------------------

METHODS = ("eth_syncing", "eth_chainId", "eth_getBlockByNumber", "eth_getCode", "eth_call", "eth_getLogs")
NUMBERS = st.sampled_from(
    ["0x", "0x0", "0x1e61", "0x00", "0xg", hex(2**64), hex(2**300), "1", 7777, 7777.0, True]
)
DATA = st.binary(max_size=200).map(lambda raw: "0x" + raw.hex())
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | NUMBERS | DATA
NAMES = st.sampled_from(["number", "hash", "address", "topics", "data", "blockNumber", "result", "error"])
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=12,
)
STAGE = Stage()


@given(method=st.sampled_from(METHODS), lie=JSON)
def test_no_answer_is_a_traceback_or_makes_a_forged_state_pass(method, lie):
    forged = replace(STAGE.checkpoints[-1], root_hash=b"\x01" * 32)
    with pytest.MonkeyPatch.context() as patch:
        serve(patch, STAGE)
        STAGE.chain.overrides = {method: lambda *_: lie}
        try:
            assert STAGE.look(forged).outcome in {Outcome.FAILED, Outcome.NOT_CHECKED}
            assert STAGE.look().outcome in set(Outcome)
        finally:
            STAGE.chain.overrides = {}


@given(raw=st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_bytes_are_a_traceback(raw):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Node, "_post", lambda *_: raw)
        assert STAGE.look().outcome in {Outcome.FAILED, Outcome.NOT_CHECKED}


def test_deep_json_is_no_traceback(stage, monkeypatch):
    monkeypatch.setattr(Node, "_post", lambda *_: b"[" * 500_000)
    assert stage.look().outcome is Outcome.NOT_CHECKED


# --- addresses ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:8545",
        "file:///etc/passwd",
        "ftp://node.example",
        "http://",
        "http://:8545",
        "http://node.example:99999",
        "http://node.example:x",
        "http://user:word@node.example",
        "http://[::1",
        "http://node.example/\nx",
        "http://knoten-ä.example",
        "http://node example",
    ],
)
def test_other_addresses_are_refused_at_once(url):
    with pytest.raises(InputError) as caught:
        look_at_contract(url, make_policy(STAGE.pin))
    assert caught.value.field == "chain"
    assert "word" not in str(caught.value)
