"""The client and the transactions, against two chains of different authors and nodes that misbehave."""

import http.server
import json
import socket
import threading
import time
from contextlib import contextmanager

import pytest
from servers import anvil_node, dev_chain, free_port
from small_contracts import RECORDER, REVERTER, creation_code, word

from contracts import registry
from contracts.artifact import load_artifact
from ledger.chain.answers import BlockRef, parse_anything
from ledger.chain.client import ChainClient, ChainRefusedError
from ledger.chain.finality import parse_finality
from ledger.chain.transactions import Account, FeeQuote, build_transaction, compute_contract_address
from ledger.core.errors import ChainUnavailableError, MalformedDocumentError, NotFoundError

ETHER = 10**18
PATIENCE_SECONDS = 20
ACCOUNT = Account(b"\x44" * 32)
ABSENT = b"\x01" * 32


class Chain:
    """A running node, its client, and an account with ether."""

    def __init__(self, name, client):
        self.name = name
        self.client = client
        self.chain_id = client.chain_id()
        client.fund(ACCOUNT.address, 100 * ETHER)

    def sign(self, to, data=b"", **changes):
        usual = {
            "chain_id": self.chain_id, "nonce": self.client.nonce(ACCOUNT.address, pending=True), "to": to,
            "data": data, "gas": 200_000, "fees": self.client.fees(),
        }  # fmt: skip
        return build_transaction(ACCOUNT, **{**usual, **changes})

    def send(self, to, data=b"", **changes):
        signed = self.sign(to, data, **changes)
        assert self.client.send_raw(signed.raw) == signed.hash
        return self.mined(signed.hash)

    def mined(self, tx_hash):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if (receipt := self.client.receipt(tx_hash)) is not None:
                return receipt
            time.sleep(0.02)
        return pytest.fail("not mined in time")

    def deploy(self, runtime):
        return self.send(None, creation_code(runtime)).contract_address

    def ask(self, method, *params):
        return self.client._ask(parse_anything, method, *params)


@contextmanager
def chain_on(name, folder):
    starter = anvil_node() if name == "anvil" else dev_chain(folder)
    with starter as node, ChainClient(node.url) as client:
        yield Chain(name, client)


@pytest.fixture(scope="module", params=["devchain", "anvil"])
def chain(request, tmp_path_factory):
    with chain_on(request.param, tmp_path_factory.mktemp("chain")) as opened:
        opened.recorder = opened.deploy(RECORDER)
        yield opened


@pytest.fixture
def anvil(tmp_path):
    with chain_on("anvil", tmp_path) as opened:
        opened.ask("evm_setIntervalMining", 0)  # the test says when a block is made
        yield opened


# Both chains


def test_it_names_its_chain(chain):
    assert chain.client.chain_id() == 31337
    assert chain.client.genesis_hash() == chain.client.block("earliest").hash
    assert chain.client.client_version().startswith(
        "hengzheng-devchain" if chain.name == "devchain" else "anvil"
    )


def test_a_block_is_the_same_however_it_is_named(chain):
    first = chain.client.block(1)
    assert chain.client.block(first.hash) == first
    assert (first.number, len(first.hash)) == (1, 32)
    assert abs(first.timestamp - time.time()) < 120


@pytest.mark.parametrize("selector", [10**6, 2**63, ABSENT])
def test_an_absent_block_is_not_found(chain, selector):
    with pytest.raises(NotFoundError):
        chain.client.block(selector)


def test_accounts(chain):
    stranger = b"\x55" * 20
    assert (chain.client.balance(stranger), chain.client.nonce(stranger), chain.client.code(stranger)) == (
        0,
        0,
        b"",
    )
    assert chain.client.balance(ACCOUNT.address) > 99 * ETHER
    before = chain.client.nonce(ACCOUNT.address, pending=True)
    chain.send(stranger, value_wei=7)
    assert (chain.client.balance(stranger), chain.client.nonce(ACCOUNT.address)) == (7, before + 1)


def test_a_contract_is_deployed_and_called(chain):
    assert chain.client.code(chain.recorder) == RECORDER
    value = int.from_bytes(chain.client.call(chain.recorder, b""), "big") + 1
    receipt = chain.send(chain.recorder, word(value))
    assert chain.client.call(chain.recorder, b"") == word(value)
    assert chain.client.call(chain.recorder, b"", block=receipt.block_number) == word(value)
    assert chain.client.call(chain.recorder, b"", block=receipt.block_number - 1) != word(value)
    assert (receipt.succeeded, receipt.contract_address) == (True, None)
    assert chain.client.block(receipt.block_hash).number == receipt.block_number
    assert receipt.gas_price_wei > 0


def test_the_address_of_a_contract_can_be_told_beforehand(chain):
    nonce = chain.client.nonce(ACCOUNT.address)
    receipt = chain.send(None, creation_code(REVERTER))
    assert receipt.contract_address == compute_contract_address(ACCOUNT.address, nonce)


@pytest.mark.parametrize("fees", [FeeQuote(10**11, None), FeeQuote(10**11, 0), FeeQuote(10**11, 10**9)])
def test_both_types_of_transactions_are_taken(chain, fees):
    assert chain.send(b"\x66" * 20, fees=fees).succeeded


def test_events_are_found(chain):
    receipts = [chain.send(chain.recorder, word(1000 + n)) for n in range(2)]
    first, last = receipts[0].block_number, receipts[1].block_number
    wanted = [receipt.logs[0] for receipt in receipts]
    assert list(chain.client.logs(chain.recorder, [], first, last)) == wanted
    assert list(chain.client.logs(chain.recorder, [word(1001)], 0, last)) == wanted[1:]
    assert list(chain.client.logs(chain.recorder, [None], first, first)) == wanted[:1]
    assert list(chain.client.logs(b"\x66" * 20, [], 0, last)) == []
    assert list(chain.client.logs(chain.recorder, [], last + 1, last)) == []


def test_a_revert_carries_what_the_contract_said(chain):
    reverter = chain.deploy(REVERTER)
    for refused in (
        lambda: chain.client.call(reverter, b"\xde\xad\xbe\xef"),
        lambda: chain.client.estimate_gas(ACCOUNT.address, reverter, b"\xde\xad\xbe\xef"),
    ):
        with pytest.raises(ChainRefusedError) as refusal:
            refused()
        assert (refusal.value.code, refusal.value.data, refusal.value.is_revert) == (
            3,
            b"\xde\xad\xbe\xef",
            True,
        )
    receipt = chain.send(reverter)
    assert not receipt.succeeded
    assert receipt.gas_used > 0


def test_an_estimate_suffices(chain):
    data = word(int.from_bytes(chain.client.call(chain.recorder, b""), "big") + 1)
    gas = chain.client.estimate_gas(ACCOUNT.address, chain.recorder, data)
    assert chain.send(chain.recorder, data, gas=gas).succeeded
    assert chain.client.estimate_gas(ACCOUNT.address, None, creation_code(RECORDER)) > 53_000


def test_refusals_are_told_from_faults(chain):
    nonce = chain.client.nonce(ACCOUNT.address, pending=True)
    for signed in (
        chain.sign(b"\x66" * 20, nonce=nonce - 1),
        chain.sign(b"\x66" * 20, chain_id=chain.chain_id + 1),
        chain.sign(b"\x66" * 20, value_wei=10**6 * ETHER),
        chain.sign(b"\x66" * 20, gas=20_000),
        chain.sign(b"\x66" * 20, gas=10**12),
    ):
        with pytest.raises(ChainRefusedError) as refusal:
            chain.client.send_raw(signed.raw)
        assert not refusal.value.is_revert
        assert not refusal.value.is_missing_method
    with pytest.raises(ChainRefusedError):
        chain.client.send_raw(b"\x02\xc0")
    with pytest.raises(ChainRefusedError) as refusal:
        chain.ask("hengzheng_nothing")
    assert refusal.value.is_missing_method


def test_sending_twice_is_refused_and_harmless(chain):
    signed = chain.sign(b"\x67" * 20, value_wei=5)
    chain.client.send_raw(signed.raw)
    with pytest.raises(ChainRefusedError):
        chain.client.send_raw(signed.raw)
    chain.mined(signed.hash)
    with pytest.raises(ChainRefusedError):
        chain.client.send_raw(signed.raw)
    assert chain.client.balance(b"\x67" * 20) == 5


def test_an_unknown_transaction_has_no_receipt(chain):
    assert chain.client.receipt(ABSENT) is None


def test_the_registry_lives_on_both_chains(chain):
    artifact = load_artifact()
    address = chain.send(None, artifact.bytecode, gas=registry.DEPLOY_GAS_LIMIT).contract_address
    assert chain.client.code(address) == artifact.deployed_bytecode
    origin = registry.compute_origin_hash("log.example/1")
    log_id = registry.compute_log_id(origin, ACCOUNT.address)
    opened = chain.send(address, registry.encode_open(origin), gas=registry.CALL_GAS_LIMIT)
    assert registry.parse_event(opened.logs[0].topics, opened.logs[0].data).log_id == log_id
    gas = registry.compute_anchor_gas_limit(0)
    chain.send(address, registry.encode_anchor(log_id, 3, ABSENT, []), gas=gas)
    head = registry.parse_head(chain.client.call(address, registry.encode_head_call(log_id)))
    assert (head.size, head.root, head.operator) == (3, ABSENT, ACCOUNT.address)
    shrinking = registry.encode_anchor(log_id, 2, ABSENT, [])
    with pytest.raises(ChainRefusedError) as refusal:
        chain.client.call(address, shrinking, sender=ACCOUNT.address)
    assert registry.parse_revert(refusal.value.data).name == "SizeShrinks"
    newest = chain.client.block("latest").number
    (event,) = chain.client.logs(address, [registry.ANCHORED_TOPIC, log_id], 0, newest)
    assert registry.parse_anchored_event(event.topics, event.data).size == 3


@pytest.mark.parametrize("rule", ["immediate", "depth:1", "depth:2"])
def test_finality_by_depth(chain, rule):
    for _ in range(3):
        chain.send(b"\x66" * 20)
    finality = parse_finality(rule)
    newest = chain.client.newest_final_block(finality)
    head = chain.client.block("latest").number
    assert head - finality.depth - 1 <= newest.number <= head - finality.depth
    assert chain.client.is_final(newest.number, finality)
    assert not chain.client.is_final(newest.number + 50, finality)
    assert chain.client.newest_final_block(parse_finality("depth:90000")) is None
    assert not chain.client.is_final(0, parse_finality("depth:90000"))


# One of the two


@pytest.mark.parametrize(("tag", "lag"), [("safe", 1), ("finalized", 2)])
def test_anvil_lags_behind_with_its_tags(anvil, tag, lag):
    finality = parse_finality(f"tag:{tag}")
    for _ in range(4):
        anvil.ask("evm_mine")
    head = anvil.client.block("latest").number
    assert anvil.client.newest_final_block(finality).number == head - lag
    assert anvil.client.is_final(head - lag, finality)
    assert not anvil.client.is_final(head - lag + 1, finality)


def test_a_replacement_takes_the_place_of_the_first(anvil):
    fees, nonce = anvil.client.fees(), anvil.client.nonce(ACCOUNT.address)
    first = anvil.sign(b"\x68" * 20, fees=fees, nonce=nonce)
    anvil.client.send_raw(first.raw)
    assert anvil.client.nonce(ACCOUNT.address, pending=True) == nonce + 1
    second = anvil.sign(b"\x68" * 20, fees=fees.bumped(), nonce=nonce)
    assert anvil.client.send_raw(second.raw) == second.hash
    anvil.ask("evm_mine")
    assert anvil.client.receipt(first.hash) is None
    assert anvil.client.receipt(second.hash).succeeded


def test_a_receipt_is_gone_with_its_block(anvil):
    signed = anvil.sign(b"\x68" * 20)
    anvil.client.send_raw(signed.raw)
    anvil.ask("evm_mine")
    receipt = anvil.client.receipt(signed.hash)
    anvil.ask("anvil_reorg", 1, [])
    assert anvil.client.receipt(signed.hash) is None
    with pytest.raises(NotFoundError):
        anvil.client.block(receipt.block_hash)
    assert anvil.client.send_raw(signed.raw) == signed.hash  # the stored transaction is still good


# Nodes that misbehave


@contextmanager
def scripted_node(script):
    """A node that answers with what `script(method, params)` returns: a reply, or (status, body, header)."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append((request["method"], *request["params"]))
            answer = script(request["method"], request["params"])
            if isinstance(answer, tuple):
                status, body, *headers = answer
            else:
                status, headers = 200, []
                body = json.dumps({"jsonrpc": "2.0", "id": request["id"], **answer}).encode()
            self.send_response(status)
            for name, value in [("Content-Length", str(len(body))), *headers]:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        with ChainClient(f"http://127.0.0.1:{server.server_port}", timeout_seconds=2) as client:
            yield client, asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def result(value):
    return {"result": value}


def error(code, message, **more):
    return {"error": {"code": code, "message": message, **more}}


def hexed(value):
    return "0x" + value.hex()


BLOCK = {"number": "0x7", "hash": hexed(ABSENT), "timestamp": "0x65000000", "extraData": hexed(bytes(97))}


def test_a_closed_port_is_out_of_reach_at_once():
    started = time.monotonic()
    with ChainClient(f"http://127.0.0.1:{free_port()}") as client, pytest.raises(ChainUnavailableError):
        client.chain_id()
    assert time.monotonic() - started < 1


@pytest.mark.parametrize("method", ["chain_id", "send"])
def test_a_silent_node_is_given_up_in_time_and_asked_once(method):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with ChainClient(url, timeout_seconds=0.5) as client:
            started = time.monotonic()
            with pytest.raises(ChainUnavailableError, match="does not answer in time"):
                client.chain_id() if method == "chain_id" else client.send_raw(b"\x02")
            assert 0.4 < time.monotonic() - started < 1
        first, _ = server.accept()
        first.close()
        with pytest.raises(TimeoutError):  # there was no second try
            server.accept()


@pytest.mark.parametrize(
    "answer",
    [
        (503, b"busy"), (429, b"slow down"), (500, b""), (404, b"not here"), (401, b"who are you"),
        (200, b"<html>"), (200, b""), (200, b"\xff\xfe"), (200, b"[]"), (200, b'"0x1"'), (200, b"{}"),
        (200, b"null"), (200, b'{"jsonrpc":"2.0","id":1}'), (200, b'{"result"'), result(None), result(5),
        result("0x"), result("0x01"), result("five"), result({"a": 1}), {"error": "no"}, {"error": [1]},
    ],
)  # fmt: skip
def test_nonsense_is_out_of_reach_and_asked_once(answer):
    with scripted_node(lambda *_: answer) as (client, asked):
        with pytest.raises(ChainUnavailableError) as failure:
            client.chain_id()
        assert f"127.0.0.1:{client._place.rpartition(':')[2]}" in str(failure.value)
    assert asked == [("eth_chainId",)]


def test_an_answer_that_is_cut_off_is_out_of_reach():
    def cut(connection):
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=lambda: cut(server.accept()[0]))
        thread.start()
        with (
            ChainClient(f"http://127.0.0.1:{server.getsockname()[1]}") as client,
            pytest.raises(ChainUnavailableError),
        ):
            client.chain_id()
        thread.join()


def test_redirects_are_not_followed():
    with scripted_node(lambda *_: result("0x1")) as (elsewhere, asked_elsewhere):
        place = f"http://{elsewhere._place}/"
        for status in (301, 302, 307, 308):
            with (
                scripted_node(lambda *_, status=status: (status, b"", ("Location", place))) as (client, _),
                pytest.raises(ChainUnavailableError),
            ):
                client.chain_id()
        assert asked_elsewhere == []


def test_no_proxy_stands_between_us_and_a_node_of_this_machine(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with scripted_node(lambda *_: result("0x5")) as (client, _):
        assert client.chain_id() == 5


def test_secrets_of_the_url_are_not_repeated():
    url = f"http://user:pa55word@127.0.0.1:{free_port()}/v3/k3y"
    with ChainClient(url) as client, pytest.raises(ChainUnavailableError) as failure:
        client.chain_id()
    assert "pa55word" not in str(failure.value) + repr(client)
    assert "k3y" not in str(failure.value) + repr(client)


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:8545", "ws://127.0.0.1", "file:///x", "http://", "http://[::1", "http://a:b"]
)
def test_what_is_no_url_is_refused(url):
    with pytest.raises(MalformedDocumentError, match="chain url"):
        ChainClient(url)


@pytest.mark.parametrize(
    "answer",
    [
        result(None),  # Nethermind, reth
        error(-32000, "safe block not found"),  # geth
        error(-39001, "Unknown block"),  # Besu, Erigon
        error(-39001, "?"),
    ],
)
def test_a_node_without_tags_names_no_final_block(answer):
    with scripted_node(lambda *_: answer) as (client, _):
        assert client.newest_final_block(parse_finality("tag:safe")) is None
        assert client.is_final(0, parse_finality("tag:finalized")) is False
        with pytest.raises(NotFoundError):
            client.block("safe")


def test_another_refusal_is_no_answer_about_finality():
    with (
        scripted_node(lambda *_: error(-32000, "rate limit")) as (client, _),
        pytest.raises(ChainRefusedError),
    ):
        client.newest_final_block(parse_finality("tag:safe"))


def test_blocks_of_consortium_chains_are_read():
    with scripted_node(lambda *_: result(BLOCK)) as (client, asked):
        assert client.block("latest") == BlockRef(7, ABSENT, 0x65000000)
        assert client.block(ABSENT).number == 7
    assert asked == [("eth_getBlockByNumber", "latest", False), ("eth_getBlockByHash", hexed(ABSENT), False)]


@pytest.mark.parametrize(
    ("base", "price", "tip", "fees"),
    [
        (None, "0x64", "0x5", FeeQuote(100, None)),  # no base fee: type 0
        (None, "0x0", "0x5", FeeQuote(0, None)),
        ("0x0", "0x0", "0x0", FeeQuote(0, 0)),  # Besu with zeroBaseFee
        ("0x10", "0x18", "0x3", FeeQuote(35, 3)),
        ("0x10", "0x18", None, FeeQuote(40, 8)),  # no eth_maxPriorityFeePerGas
        ("0x10", "0x8", None, FeeQuote(32, 0)),
    ],
)
def test_fees_of_every_kind_of_chain(base, price, tip, fees):
    def script(method, _):
        if method == "eth_gasPrice":
            return result(price)
        if method == "eth_maxPriorityFeePerGas":
            return error(-32601, "no such method") if tip is None else result(tip)
        return result(BLOCK if base is None else {**BLOCK, "baseFeePerGas": base})

    with scripted_node(script) as (client, _):
        assert client.fees() == fees


@pytest.mark.parametrize(
    ("answer", "code", "data"),
    [
        (error(3, "reverted", data="0xdead"), 3, b"\xde\xad"),
        (error(-32000, "Execution reverted", data={"data": "0xdead"}), -32000, b"\xde\xad"),
        (error(-32000, "Reverted", data="Reverted 0xdead"), -32000, None),
        (error(-32000, "no", data=None), -32000, None),
        (error("x", "no"), 0, None),
        ({"error": {}}, 0, None),
    ],
)
def test_refusals_carry_code_and_data(answer, code, data):
    with scripted_node(lambda *_: answer) as (client, _), pytest.raises(ChainRefusedError) as refusal:
        client.call(bytes(20), b"")
    assert (refusal.value.code, refusal.value.data) == (code, data)


def test_the_words_of_a_node_are_cut_and_cleaned():
    with (
        scripted_node(lambda *_: error(-1, "a\x1b[31m\n" + "b" * 5000)) as (client, _),
        pytest.raises(ChainRefusedError) as refusal,
    ):
        client.chain_id()
    assert "a[31mb" in str(refusal.value)
    assert len(str(refusal.value)) < 400


def test_a_null_error_is_no_error():
    with scripted_node(lambda *_: {"error": None, "result": "0x5"}) as (client, _):
        assert client.chain_id() == 5


# Pages of events


def event(number, address=b"\x05" * 20):
    return {
        "address": hexed(address), "topics": [], "data": "0x", "blockNumber": hex(number),
        "blockHash": hexed(ABSENT), "transactionHash": hexed(ABSENT), "logIndex": "0x0",
    }  # fmt: skip


def paging_node(limit):
    """One event a block; ranges of more than `limit` blocks are refused."""

    def script(_, params):
        first, last = int(params[0]["fromBlock"], 16), int(params[0]["toBlock"], 16)
        if last - first + 1 > limit:
            return error(-32005, "range too large")
        return result([event(number) for number in range(first, last + 1)])

    return scripted_node(script)


@pytest.mark.parametrize(("limit", "requests"), [(5000, 3), (1000, 3), (999, 6), (500, 6), (600, 6)])
def test_pages_are_halved_until_the_node_agrees(limit, requests):
    with paging_node(limit) as (client, asked):
        found = [entry.block_number for entry in client.logs(b"\x05" * 20, [], 100, 2599)]
    assert found == list(range(100, 2600))
    assert len(asked) == requests


def test_pages_may_shrink_to_one_block():
    with paging_node(1) as (client, asked):
        assert [entry.block_number for entry in client.logs(b"\x05" * 20, [], 1, 5)] == [1, 2, 3, 4, 5]
    assert len(asked) == 7  # 5 and 2 blocks were refused


def test_a_node_that_refuses_one_block_is_believed():
    with paging_node(0) as (client, asked), pytest.raises(ChainRefusedError):
        list(client.logs(b"\x05" * 20, [], 1, 5000))
    assert len(asked) == 10


def test_a_node_without_a_log_is_not_asked_again():
    with (
        scripted_node(lambda *_: error(-32601, "no eth_getLogs")) as (client, asked),
        pytest.raises(ChainRefusedError),
    ):
        list(client.logs(b"\x05" * 20, [], 1, 5000))
    assert len(asked) == 1


@pytest.mark.parametrize("foreign", [event(3, b"\x06" * 20), event(9), event(0)])
def test_events_that_were_not_asked_for_are_nonsense(foreign):
    with (
        scripted_node(lambda *_: result([event(3), foreign])) as (client, _),
        pytest.raises(ChainUnavailableError, match="not asked for"),
    ):
        list(client.logs(b"\x05" * 20, [], 1, 5))


def test_funding_is_refused_where_ether_has_a_value():
    with (
        scripted_node(lambda *_: error(-32601, "no such method")) as (client, asked),
        pytest.raises(ChainRefusedError),
    ):
        client.fund(bytes(20), 1)
    assert [method for method, *_ in asked] == ["hengzheng_fund", "anvil_setBalance"]
