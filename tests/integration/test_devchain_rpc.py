"""The development chain behind its JSON-RPC, in this process: every method, every refusal, any bytes."""

import json
import sqlite3

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_contracts import BURNER, RECORDER, RECURSER, REVERTER, WANDERER, creation_code, word

from ledger.chain.devchain_evm import DevelopmentChain
from ledger.chain.devchain_rpc import MAX_BATCH, JsonRpc
from ledger.chain.devchain_store import Identity, open_node_store
from ledger.chain.transactions import Account, FeeQuote, build_transaction, compute_contract_address

CHAIN_ID = 4242
START = 1_700_000_000
ETHER = 10**18
FEES = FeeQuote(10**11, 10**9)


class Chain:
    """A chain in a folder with a clock that the test moves, spoken to as a client would."""

    def __init__(self, folder, **identity):
        self.folder = folder
        self.now = START
        self.faults = 0
        fresh = Identity(**{"chain_id": CHAIN_ID, "entropy": b"\x07" * 32, "created_at": START, **identity})
        self.store = open_node_store(folder, chain_id=None, fresh=fresh)
        self.evm = DevelopmentChain(self.store, clock=lambda: self.now)
        self.rpc = JsonRpc(self.evm, self.store, on_fault=self.note_fault)
        self.account = Account(b"\x11" * 32)

    def note_fault(self):
        self.faults += 1

    def raw(self, method, *params):
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        reply = json.loads(self.rpc.answer(json.dumps(request).encode()))
        assert (reply["jsonrpc"], reply["id"]) == ("2.0", 1)
        return reply

    def ask(self, method, *params):
        return self.raw(method, *params)["result"]

    def block(self, selector, *, full=False):
        return self.ask("eth_getBlockByNumber", selector, full)

    def block_by_hash(self, block_hash, *, full=False):
        return self.ask("eth_getBlockByHash", block_hash, full)

    def refusal(self, method, *params):
        return self.raw(method, *params)["error"]

    def fund(self, address=None):
        return self.ask("hengzheng_fund", hexed(address or self.account.address))

    def nonce(self):
        return int(self.ask("eth_getTransactionCount", hexed(self.account.address)), 16)

    def transaction(self, to, data=b"", **changes):
        usual = {
            "chain_id": CHAIN_ID,
            "nonce": self.nonce(),
            "to": to,
            "data": data,
            "gas": 200_000,
            "fees": FEES,
        }
        return build_transaction(self.account, **{**usual, **changes})

    def send(self, to, data=b"", **changes):
        return self.ask("eth_sendRawTransaction", hexed(self.transaction(to, data, **changes).raw))

    def deploy(self, runtime):
        address = compute_contract_address(self.account.address, self.nonce())
        self.send(None, creation_code(runtime))
        return address

    def again(self):
        """Close the chain and open it as the next process would."""
        self.store.close()
        return Chain(self.folder)


def hexed(value):
    return "0x" + value.hex()


@pytest.fixture
def chain(tmp_path):
    opened = Chain(tmp_path)
    opened.fund()
    yield opened
    opened.store.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A chain for tests that change nothing: blocks 0 to 4, the last two with an event each."""
    opened = Chain(tmp_path_factory.mktemp("shared"))
    opened.fund()
    opened.recorder = opened.deploy(RECORDER)
    opened.sent = [opened.send(opened.recorder, word(n)) for n in (1, 2)]
    yield opened
    opened.store.close()


# Which chain


def test_it_answers_its_own_chain_id_everywhere(chain):
    assert chain.ask("eth_chainId") == hex(CHAIN_ID)
    assert chain.ask("net_version") == str(CHAIN_ID)
    wanderer = chain.deploy(WANDERER)
    assert int(chain.ask("eth_call", {"to": hexed(wanderer)}, "latest")[:66], 16) == CHAIN_ID
    tx_hash = chain.send(wanderer)
    assert chain.ask("eth_getTransactionByHash", tx_hash)["chainId"] == hex(CHAIN_ID)


@pytest.mark.parametrize("chain_id", [1, CHAIN_ID + 1])
@pytest.mark.parametrize("fees", [FEES, FeeQuote(10**11, None)])
def test_a_transaction_for_another_chain_is_refused(chain, chain_id, fees):
    other = chain.transaction(bytes(20), chain_id=chain_id, fees=fees)
    assert f"chain {chain_id}" in chain.refusal("eth_sendRawTransaction", hexed(other.raw))["message"]
    assert chain.ask("eth_blockNumber") == "0x1"


def test_a_transaction_without_replay_protection_is_refused(chain):
    from eth_account import Account as ForeignAccount

    signed = ForeignAccount.from_key(chain.account.private_key).sign_transaction(
        {"nonce": 0, "to": bytes(20), "value": 0, "gas": 21_000, "gasPrice": 10**11}
    )
    assert chain.refusal("eth_sendRawTransaction", hexed(bytes(signed.raw_transaction)))["code"] == -32000


def test_two_chains_differ_in_their_genesis(tmp_path):
    first, second = Chain(tmp_path / "a"), Chain(tmp_path / "b", entropy=b"\x08" * 32)
    assert first.evm.genesis_hash != second.evm.genesis_hash
    assert first.block("earliest")["extraData"] == "0x" + "07" * 32
    first.store.close()
    second.store.close()


def test_the_identity_survives_a_restart(chain):
    before = chain.evm.genesis_hash
    chain.store.close()
    with_other_wishes = Chain(chain.folder, chain_id=5, entropy=b"\x09" * 32, created_at=START + 9)
    assert with_other_wishes.evm.genesis_hash == before
    assert with_other_wishes.ask("eth_chainId") == hex(CHAIN_ID)
    with_other_wishes.store.close()


# Blocks


@pytest.mark.parametrize("tag", ["latest", "safe", "finalized", "pending", "0x4"])
def test_every_tag_is_the_head(shared, tag):
    assert shared.block(tag)["number"] == "0x4"


def test_blocks_hang_together(shared):
    blocks = [shared.block(hex(n), full=True) for n in range(5)]
    assert [block["parentHash"] for block in blocks[1:]] == [block["hash"] for block in blocks[:-1]]
    assert [len(block["transactions"]) for block in blocks] == [0, 0, 1, 1, 1]
    for block in blocks:
        assert shared.block_by_hash(block["hash"], full=True) == block
        for transaction in block["transactions"]:
            assert shared.ask("eth_getTransactionByHash", transaction["hash"]) == transaction


def test_a_block_hash_is_the_keccak_hash_of_its_header(shared):
    from eth_hash.auto import keccak

    from ledger.chain.transactions import encode_rlp

    names = [
        "parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom",
        "difficulty", "number", "gasLimit", "gasUsed", "timestamp", "extraData", "mixHash", "nonce",
        "baseFeePerGas", "withdrawalsRoot", "blobGasUsed", "excessBlobGas", "parentBeaconBlockRoot",
        "requestsHash",
    ]  # fmt: skip
    quantities = {"difficulty", "number", "gasLimit", "gasUsed", "timestamp", "baseFeePerGas"}
    quantities |= {"blobGasUsed", "excessBlobGas"}
    for number in range(5):
        block = shared.block(hex(number))
        fields = [int(block[n], 16) if n in quantities else bytes.fromhex(block[n][2:]) for n in names]
        assert hexed(keccak(encode_rlp(fields))) == block["hash"]


def test_what_is_not_there_is_null(shared):
    assert shared.block("0x5") is None
    assert shared.block(hex(2**255)) is None
    for method in ("eth_getTransactionByHash", "eth_getTransactionReceipt"):
        assert shared.ask(method, "0x" + "00" * 32) is None
    assert shared.block_by_hash("0x" + "00" * 32) is None


def test_the_clock_of_the_chain_is_the_clock_of_the_wall(chain):
    for _ in range(3):
        chain.send(bytes(20))
    chain.now = START - 100
    chain.send(bytes(20))
    chain.now = START + 50
    chain.send(bytes(20))
    times = [int(chain.block(hex(n))["timestamp"], 16) - START for n in range(7)]
    assert times == [0, 0, 0, 0, 0, 0, 50]  # shared within a second, never backwards


def test_funding_is_a_withdrawal_that_survives(chain):
    address = "0x" + "77" * 20
    block_hash = chain.ask("hengzheng_fund", address, hex(3 * 10**9))
    assert chain.ask("eth_getBalance", address, "latest") == hex(3 * 10**9)
    chain = chain.again()
    assert chain.block_by_hash(block_hash, full=True)["withdrawals"][0]["address"] == address
    assert chain.ask("eth_getBalance", address) == hex(3 * 10**9)
    assert chain.ask("eth_getBalance", address, "0x1") == "0x0"
    chain.store.close()


@pytest.mark.parametrize("wei", ["0x0", "0x1", hex(10**9 + 1), hex(10**25), "12"])
def test_odd_amounts_are_not_funded(shared, wei):
    assert shared.refusal("hengzheng_fund", "0x" + "77" * 20, wei)["code"] == -32602


# Transactions


@pytest.mark.parametrize("fees", [FEES, FeeQuote(2 * 10**9, None)])
def test_a_contract_is_deployed_called_and_paid_for(chain, fees):
    before = int(chain.ask("eth_getBalance", hexed(chain.account.address)), 16)
    recorder = chain.deploy(RECORDER)
    assert chain.ask("eth_getCode", hexed(recorder)) == hexed(RECORDER)
    tx_hash = chain.send(recorder, word(99), fees=fees)
    assert chain.ask("eth_call", {"to": hexed(recorder)}, "latest") == hexed(word(99))
    receipt = chain.ask("eth_getTransactionReceipt", tx_hash)
    assert (receipt["status"], receipt["to"], receipt["contractAddress"]) == ("0x1", hexed(recorder), None)
    assert receipt["type"] == ("0x0" if fees.is_legacy else "0x2")
    receipts = [
        receipt,
        chain.ask("eth_getTransactionReceipt", chain.block("0x2")["transactions"][0]),
    ]
    assert receipts[1]["contractAddress"] == hexed(recorder)
    paid = sum(int(each["gasUsed"], 16) * int(each["effectiveGasPrice"], 16) for each in receipts)
    assert int(chain.ask("eth_getBalance", hexed(chain.account.address)), 16) == before - paid


def test_a_receipt_holds_its_own_events(shared):
    for tx_hash, value in zip(shared.sent, (1, 2), strict=True):
        (event,) = shared.ask("eth_getTransactionReceipt", tx_hash)["logs"]
        assert (event["data"], event["topics"]) == (hexed(word(value)), [hexed(word(value))])
        assert event["transactionHash"] == tx_hash


def test_a_failed_transaction_is_mined_and_says_so(chain):
    reverter = chain.deploy(REVERTER)
    receipt = chain.ask("eth_getTransactionReceipt", chain.send(reverter, b"no"))
    assert (receipt["status"], receipt["logs"]) == ("0x0", [])
    assert chain.ask("eth_getTransactionCount", hexed(chain.account.address), "pending") == "0x2"


def test_the_same_transaction_twice_is_known(chain):
    signed = chain.transaction(bytes(20))
    chain.ask("eth_sendRawTransaction", hexed(signed.raw))
    assert chain.refusal("eth_sendRawTransaction", hexed(signed.raw))["message"] == "already known"
    assert chain.ask("eth_getTransactionCount", hexed(chain.account.address)) == "0x1"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"nonce": 1}, "nonce too high"),
        ({"gas": 20_999}, "floor"),
        ({"gas": 21_039, "data": b"\xff"}, "floor"),  # EIP-7623: 10 gas for each of four tokens
        ({"gas": 30_000_001}, "gas limit"),
        ({"fees": FeeQuote(1, 0)}, "base fee"),
        ({"fees": FeeQuote(1, None)}, "base fee"),
        ({"value_wei": 10**24}, "balance"),
    ],
)
def test_what_cannot_be_mined_is_refused_and_leaves_no_trace(chain, changes, said):
    root = chain.block("latest")
    signed = chain.transaction(**{"to": b"\x01" * 20, **changes})
    refusal = chain.refusal("eth_sendRawTransaction", hexed(signed.raw))
    assert refusal["code"] == -32000
    assert said in refusal["message"]
    assert chain.block("latest") == root
    chain.send(bytes(20))  # and nothing is left half done


def test_an_old_nonce_is_refused(chain):
    chain.send(bytes(20))
    other = chain.transaction(b"\x01" * 20, nonce=0)
    assert "nonce too low" in chain.refusal("eth_sendRawTransaction", hexed(other.raw))["message"]


def test_who_owns_nothing_sends_nothing(chain):
    stranger = build_transaction(
        Account(b"\x22" * 32), chain_id=CHAIN_ID, nonce=0, to=bytes(20), data=b"", gas=21_000, fees=FEES
    )
    assert "balance" in chain.refusal("eth_sendRawTransaction", hexed(stranger.raw))["message"]


def test_every_flipped_bit_is_refused_or_another_sender(chain):
    raw = chain.transaction(b"\x01" * 20).raw
    for position in range(0, len(raw) * 8, 7):
        flipped = bytearray(raw)
        flipped[position // 8] ^= 1 << position % 8
        assert chain.refusal("eth_sendRawTransaction", hexed(bytes(flipped)))["code"] in {-32000, -32602}
    assert chain.ask("eth_blockNumber") == "0x1"


@given(raw=st.one_of(st.binary(max_size=200), st.binary(max_size=60).map(lambda b: b"\x02" + b)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_no_transaction(shared, raw):
    assert shared.refusal("eth_sendRawTransaction", hexed(raw))["code"] in {-32000, -32602}


def test_blobs_are_refused(shared):
    assert "blob" in shared.refusal("eth_sendRawTransaction", "0x03c0")["message"]


# Calls


def test_a_revert_gives_its_data(chain):
    reverter = chain.deploy(REVERTER)
    for method in ("eth_call", "eth_estimateGas"):
        error = chain.refusal(method, {"to": hexed(reverter), "data": "0xdeadbeef"})
        assert (error["code"], error["data"]) == (3, "0xdeadbeef")
        assert chain.refusal(method, {"to": hexed(reverter)})["data"] == "0x"


def test_out_of_gas_is_a_failed_call(chain):
    burner = chain.deploy(BURNER)
    error = chain.refusal("eth_call", {"to": hexed(burner), "gas": hex(100_000)}, "latest")
    assert (error["code"], error["data"]) == (3, "0x")
    assert "OutOfGas" in error["message"]


def test_calls_change_nothing(shared):
    before = shared.block("latest")
    shared.ask("eth_call", {"to": hexed(shared.recorder), "data": hexed(word(5))}, "latest")
    shared.ask("eth_estimateGas", {"to": hexed(shared.recorder), "data": hexed(word(5))})
    assert shared.ask("eth_call", {"to": hexed(shared.recorder)}, "latest") == hexed(word(2))
    assert shared.block("latest") == before
    assert not shared.store._pending


def test_old_states_can_be_read(shared):
    stored = [shared.ask("eth_call", {"to": hexed(shared.recorder)}, hex(n)) for n in (2, 3, 4)]
    assert stored == [hexed(word(n)) for n in (0, 1, 2)]
    assert shared.ask("eth_getCode", hexed(shared.recorder), "0x1") == "0x"
    head = shared.block("0x3")["hash"]
    assert shared.ask("eth_call", {"to": hexed(shared.recorder)}, {"blockHash": head}) == stored[1]
    assert shared.ask("eth_call", {"to": hexed(shared.recorder)}, {"blockNumber": "0x4"}) == stored[2]


@pytest.mark.parametrize("block", ["0x5", {"blockHash": "0x" + "00" * 32}, {"blockNumber": "0x99"}])
def test_the_state_of_an_unknown_block_is_refused(shared, block):
    assert shared.refusal("eth_call", {"to": hexed(shared.recorder)}, block)["code"] == -32000
    assert shared.refusal("eth_getBalance", hexed(shared.recorder), block)["code"] == -32000


def test_sha256_and_the_precompiles_of_prague_are_there(shared):
    import hashlib

    call = {"to": "0x" + "00" * 19 + "02", "data": "0x616263"}
    assert shared.ask("eth_call", call, "latest") == hexed(hashlib.sha256(b"abc").digest())
    nothing_paired = {
        "to": "0x" + "00" * 19 + "0f",
        "data": hexed(bytes(384)),
    }  # EIP-2537, points at infinity
    assert shared.ask("eth_call", nothing_paired, "latest") == hexed(word(1))


def test_a_gas_estimate_suffices_and_is_close(chain):
    recorder = chain.deploy(RECORDER)
    message = {"from": hexed(chain.account.address), "to": hexed(recorder), "data": hexed(word(7))}
    estimate = int(chain.ask("eth_estimateGas", message), 16)
    receipt = chain.ask("eth_getTransactionReceipt", chain.send(recorder, word(7), gas=estimate))
    assert receipt["status"] == "0x1"
    assert int(receipt["gasUsed"], 16) <= estimate <= int(receipt["gasUsed"], 16) + 500
    to_nobody = {"to": "0x" + "01" * 20, "data": "0x" + "ff" * 100}
    assert int(chain.ask("eth_estimateGas", to_nobody), 16) == 21_000 + 40 * 100  # EIP-7623


def test_calling_oneself_without_end_ends(chain):
    recurser = chain.deploy(RECURSER)
    assert chain.ask("eth_call", {"to": hexed(recurser), "gas": hex(300_000)}, "latest") == "0x"


# Log


def test_events_are_found_by_block_contract_and_topic(shared):
    contract, all_blocks = hexed(shared.recorder), {"fromBlock": "earliest", "toBlock": "latest"}

    def found(**wanted):
        return [int(event["data"], 16) for event in shared.ask("eth_getLogs", {**all_blocks, **wanted})]

    one, two = hexed(word(1)), hexed(word(2))
    assert found() == found(address=contract) == found(address=[contract, "0x" + "00" * 20]) == [1, 2]
    assert found(address="0x" + "00" * 20) == []
    assert found(fromBlock="0x4") == [2]
    assert found(toBlock="0x3") == [1]
    assert found(fromBlock="0x5", toBlock="0xffff") == []
    assert found(topics=[one]) == [1]
    assert found(topics=[[one, two]]) == found(topics=[None]) == found(topics=[]) == [1, 2]
    assert found(topics=[[]]) == [1, 2]
    assert found(topics=[one, None]) == found(topics=[None, one]) == []  # the events have one topic


def test_the_events_of_one_block(shared):
    block_hash = shared.block("0x4")["hash"]
    (event,) = shared.ask("eth_getLogs", {"blockHash": block_hash})
    assert (event["blockNumber"], event["blockHash"], event["logIndex"]) == ("0x4", block_hash, "0x0")
    assert shared.refusal("eth_getLogs", {"blockHash": "0x" + "00" * 32})["code"] == -32000


def test_the_log_survives_a_restart(chain):
    recorder = chain.deploy(RECORDER)
    chain.send(recorder, word(3))
    wanted = {"fromBlock": "0x0", "address": hexed(recorder)}
    before = chain.ask("eth_getLogs", wanted)
    chain = chain.again()
    assert chain.ask("eth_getLogs", wanted) == before
    assert len(before) == 1
    chain.store.close()


def test_too_many_events_are_refused(chain, monkeypatch):
    recorder = chain.deploy(RECORDER)
    for value in range(3):
        chain.send(recorder, word(value))
    monkeypatch.setattr("ledger.chain.devchain_store.MAX_LOG_ENTRIES", 2)
    assert chain.refusal("eth_getLogs", {"fromBlock": "0x0"})["code"] == -32005
    assert len(chain.ask("eth_getLogs", {"fromBlock": "0x4"})) == 2


@pytest.mark.parametrize(
    "wanted",
    [
        None, [], {"fromBlock": "0x2", "toBlock": "0x1"}, {"fromBlock": "zero"}, {"address": "0x01"},
        {"address": [1]}, {"topics": "0x"}, {"topics": ["0x01"]}, {"topics": [None] * 5},
        {"address": ["0x" + "00" * 20] * 1001}, {"fromBlock": {}}, {"toBlock": ["0x1"]},
    ],
)  # fmt: skip
def test_wrong_filters_are_refused(shared, wanted):
    assert shared.refusal("eth_getLogs", wanted)["code"] == -32602


# JSON-RPC


def test_fees_follow_the_base_fee(shared):
    base = int(shared.block("latest")["baseFeePerGas"], 16)
    tip = int(shared.ask("eth_maxPriorityFeePerGas"), 16)
    assert 0 < int(shared.ask("eth_gasPrice"), 16) - tip <= base * 9 // 8


def test_a_batch_is_answered_in_order(shared):
    batch = [
        {"jsonrpc": "2.0", "id": n, "method": "eth_getBlockByNumber", "params": [hex(n), False]}
        for n in range(5)
    ]
    batch[2]["method"] = "eth_nothing"
    replies = json.loads(shared.rpc.answer(json.dumps(batch).encode()))
    assert [reply["id"] for reply in replies] == [0, 1, 2, 3, 4]
    assert replies[2]["error"]["code"] == -32601
    assert replies[4]["result"]["number"] == "0x4"


def test_a_batch_may_send_transactions(chain):
    nonces = (0, 1, 5, 2)
    signed = [chain.transaction(bytes(20), nonce=nonce) for nonce in nonces]
    batch = [
        {"jsonrpc": "2.0", "id": n, "method": "eth_sendRawTransaction", "params": [hexed(each.raw)]}
        for n, each in enumerate(signed)
    ]
    replies = json.loads(chain.rpc.answer(json.dumps(batch).encode()))
    assert [reply.get("result") for reply in replies] == [
        None if nonce == 5 else hexed(each.hash) for nonce, each in zip(nonces, signed, strict=True)
    ]
    assert chain.ask("eth_getTransactionCount", hexed(chain.account.address)) == "0x3"


def test_a_notification_is_not_answered(shared):
    assert shared.rpc.answer(b'{"jsonrpc":"2.0","method":"eth_chainId"}') == b""
    assert shared.rpc.answer(b'[{"jsonrpc":"2.0","method":"eth_chainId"}]') == b""


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -32700), (b"{", -32700), (b"\xff", -32700), (b'{"a":NaN}', -32700), (b"[" * 10_000, -32700),
        (b"1", -32600), (b"null", -32600), (b"[]", -32600), (b"{}", -32600), (b'"x"', -32600),
        (b'{"jsonrpc":"1.0","id":1,"method":"eth_chainId"}', -32600), (b'{"jsonrpc":"2.0","id":1}', -32600),
        (b'{"jsonrpc":"2.0","id":{},"method":"eth_chainId"}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":7}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_sign"}', -32601),
        (b'{"jsonrpc":"2.0","id":1,"method":"close"}', -32601),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":{}}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[1]}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":[]}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":["0x00","latest"]}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_getBlockByNumber","params":["newest",false]}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_getBlockByNumber","params":[4,false]}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_getBlockByHash","params":["0x00",false]}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_call","params":["0x00","latest"]}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_call","params":[{"to":"0x00"},"latest"]}', -32602),
    ],
)  # fmt: skip
def test_what_is_no_request_is_refused_by_its_code(shared, body, code):
    assert json.loads(shared.rpc.answer(body))["error"]["code"] == code


def test_a_huge_batch_is_refused(shared):
    request = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"}
    assert (
        json.loads(shared.rpc.answer(json.dumps([request] * (MAX_BATCH + 1)).encode()))["error"]["code"]
        == -32600
    )
    assert len(json.loads(shared.rpc.answer(json.dumps([request] * MAX_BATCH).encode()))) == MAX_BATCH


values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.text(max_size=4),
        st.sampled_from(["0x1", "latest", "0x" + "00" * 20]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["to", "data", "gas", "value", "from", "topics", "blockHash"]), inner, max_size=3
        ),
    ),
    max_leaves=5,
)


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_parameters_give_a_result_or_a_refusal_but_no_fault(shared, data):
    method = data.draw(st.sampled_from(sorted(set(shared.rpc._methods) - {"hengzheng_fund"})))
    reply = shared.raw(method, *data.draw(st.lists(values, max_size=3)))
    assert "result" in reply or reply["error"]["code"] in {-32602, -32000, 3}


@given(body=st.binary(max_size=100))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_answered_with_json(shared, body):
    answer = shared.rpc.answer(body)
    assert answer == b"" or json.loads(answer)


def test_a_block_that_cannot_be_saved_ends_the_process(chain, caplog):
    signed = chain.transaction(bytes(20))
    chain.store._connection.execute("PRAGMA query_only = ON")
    error = chain.refusal("eth_sendRawTransaction", hexed(signed.raw))
    assert (error["code"], chain.faults) == (-32603, 1)
    assert "cannot be read or written" in caplog.text


def test_a_fault_of_ours_tells_the_client_nothing(shared, monkeypatch, caplog):
    monkeypatch.setitem(shared.rpc._methods, "eth_chainId", lambda: 1 // 0)
    assert shared.refusal("eth_chainId")["message"] == "internal fault, see the chain's own log"
    assert "ZeroDivisionError" in caplog.text


# Store


def test_the_file_of_something_else_is_refused(tmp_path):
    from ledger.core.errors import StateError

    (tmp_path / "chain.sqlite3").write_bytes(b"not a database, but long enough to be looked at" * 50)
    with pytest.raises(StateError, match="not a development chain"):
        Chain(tmp_path)


def test_another_format_is_refused(chain):
    from ledger.core.errors import StateError

    chain.store._connection.execute("PRAGMA user_version = 2")
    with pytest.raises(StateError, match="format 2"):
        chain.again()


def test_the_same_folder_twice_is_refused(chain):
    from ledger.core.errors import HomeLockedError

    with pytest.raises(HomeLockedError, match="another process serves"):
        Chain(chain.folder)


def test_another_chain_id_is_refused(chain):
    from ledger.core.errors import WrongChainError

    chain.store.close()
    with pytest.raises(WrongChainError, match="has id 4242, not 1"):
        open_node_store(chain.folder, chain_id=1, fresh=Identity(1, bytes(32), 0))


def test_a_folder_that_cannot_be_made_is_out_of_reach(tmp_path):
    from ledger.core.errors import StoreUnavailableError

    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailableError):
        Chain(tmp_path / "file" / "below")


def test_deleted_nodes_are_gone_after_a_commit(chain):
    chain.store[b"key"] = b"value"
    chain.store.commit()
    del chain.store[b"key"]
    assert b"key" not in chain.store
    chain.store.discard()
    assert chain.store[b"key"] == b"value"
    del chain.store[b"key"]
    chain.store.commit()
    assert b"key" not in chain.store
    with pytest.raises(KeyError):
        chain.store[b"key"]


def test_a_full_cache_starts_anew(chain, monkeypatch):
    monkeypatch.setattr("ledger.chain.devchain_store._CACHED_NODES", 3)
    for _ in range(5):
        chain.send(bytes(20))
    assert chain.ask("eth_blockNumber") == "0x6"


def test_sqlite_is_told_to_sync_at_every_block(chain):
    def pragma(name):
        return chain.store._connection.execute(f"PRAGMA {name}").fetchone()[0]

    assert (pragma("synchronous"), pragma("journal_mode"), pragma("locking_mode")) == (2, "wal", "exclusive")
    assert sqlite3.threadsafety >= 1
