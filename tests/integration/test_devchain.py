"""The development chain as a process: start, stop, kill -9, its front door."""

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress

import pytest
from servers import dev_chain, free_port
from small_contracts import RECORDER, RECURSER, creation_code, word

from ledger.chain.client import ChainClient, ChainRefusedError
from ledger.chain.devchain import MAX_BODY_BYTES
from ledger.chain.devchain_launch import launch_devchain
from ledger.chain.transactions import Account, FeeQuote, build_transaction, compute_contract_address
from ledger.core.errors import ChainUnavailableError, NotFoundError, WrongChainError

ACCOUNT = Account(b"\x33" * 32)
FEES = FeeQuote(10**11, 10**9)
ETHER = 10**18
JSON = {"Content-Type": "application/json"}


def sign(nonce, to, data=b"", gas=200_000):
    return build_transaction(ACCOUNT, chain_id=31337, nonce=nonce, to=to, data=data, gas=gas, fees=FEES)


@contextmanager
def running(folder):
    """Start the chain, or start it again, and end it however the test left it."""
    with dev_chain(folder) as node, ChainClient(node.url) as client:
        yield node, client


def kill(node):
    os.kill(node.process.pid, signal.SIGKILL)
    node.process.communicate()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with running(tmp_path_factory.mktemp("chain")) as (node, client):
        client.fund(ACCOUNT.address, 1000 * ETHER)
        yield node


# Kill


def drill(folder, *, seed, kills, sends):
    """Send transactions while the process is killed again and again; check everything after each start."""
    dice = random.Random(seed)
    recorder = compute_contract_address(ACCOUNT.address, 0)
    acknowledged, tried, genesis = {}, 0, None
    for _ in range(kills + 1):
        with running(folder) as (node, client):
            genesis = genesis or client.genesis_hash()
            assert client.genesis_hash() == genesis
            if client.block("latest").number == 0:
                client.fund(ACCOUNT.address, 1000 * ETHER)
            start = check(client, recorder, acknowledged, tried)
            killer = threading.Timer(dice.uniform(0.0, 0.6), kill, [node])
            killer.start()
            with suppress(ChainUnavailableError):
                for nonce in range(start, start + sends):
                    tried = nonce + 1
                    signed = (
                        sign(nonce, recorder, word(nonce))
                        if nonce
                        else sign(0, None, creation_code(RECORDER))
                    )
                    assert client.send_raw(signed.raw) == signed.hash
                    acknowledged[nonce] = signed.hash
            killer.join()
    return len(acknowledged)


def check(client, recorder, acknowledged, tried):
    """Compare the chain with what it acknowledged; return the next nonce."""
    mined = client.nonce(ACCOUNT.address)
    assert set(range(mined)) >= set(acknowledged)  # nothing lost
    assert mined <= tried  # nothing twice
    for tx_hash in acknowledged.values():
        receipt = client.receipt(tx_hash)
        assert receipt.succeeded
        assert client.block(receipt.block_number).hash == receipt.block_hash
    head = client.block("latest")
    assert head.number == mined + 1  # one block for the ether, one for each transaction
    with pytest.raises(NotFoundError):
        client.block(head.number + 1)
    events = list(client.logs(recorder, [], 0, head.number))
    assert [int.from_bytes(event.data, "big") for event in events] == list(range(1, mined))
    if mined:
        assert int.from_bytes(client.call(recorder, b""), "big") == mined - 1
    return mined


def test_nothing_acknowledged_is_lost_when_it_is_killed(tmp_path):
    assert drill(tmp_path, seed=1, kills=5, sends=100) > 20


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_nothing_acknowledged_is_lost_in_many_kills(tmp_path, seed):
    assert drill(tmp_path, seed=seed, kills=20, sends=200) > 100


def test_blocks_hang_together_after_a_kill(tmp_path):
    with running(tmp_path) as (node, client):
        client.fund(ACCOUNT.address, ETHER)
        for nonce in range(5):
            client.send_raw(sign(nonce, bytes(20)).raw)
        before = [client.block(number) for number in range(7)]
        kill(node)
    with running(tmp_path) as (node, client):
        assert [client.block(number) for number in range(7)] == before
        client.send_raw(sign(5, bytes(20)).raw)
        parents = [
            raw_call(node.port, "eth_getBlockByNumber", hex(n), *[False])["parentHash"] for n in range(1, 8)
        ]
        assert [bytes.fromhex(parent[2:]) for parent in parents] == [block.hash for block in before]


def test_a_chain_killed_while_it_is_made_can_be_made_again(tmp_path):
    command = [sys.executable, "-m", "ledger.chain.devchain", "--data", str(tmp_path)]
    for wait in (0.1, 0.2, 0.4, 0.8):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        time.sleep(wait)
        process.kill()
        process.wait()
    with running(tmp_path) as (_, client):
        assert client.block("latest").number == 0


# Start and stop


def test_id_and_genesis_are_chosen_when_the_chain_is_made(tmp_path):
    with dev_chain(tmp_path / "a", chain_id=7) as node, ChainClient(node.url) as client:
        first = client.chain_id(), client.genesis_hash()
    with dev_chain(tmp_path / "a") as node, ChainClient(node.url) as client:
        assert (client.chain_id(), client.genesis_hash()) == first
    with dev_chain(tmp_path / "b", chain_id=7) as node, ChainClient(node.url) as client:
        assert client.chain_id() == 7
        assert client.genesis_hash() != first[1]
    with pytest.raises(WrongChainError, match="has id 7, not 8"):
        launch_devchain(tmp_path / "a", chain_id=8)


def test_a_second_process_on_the_same_folder_is_refused(tmp_path):
    with running(tmp_path) as (_, client):
        with pytest.raises(ChainUnavailableError, match="another process serves the development chain"):
            launch_devchain(tmp_path)
        assert client.block("latest").number == 0  # and the first one does not notice
    with running(tmp_path) as (_, client):
        assert client.chain_id() == 31337


def test_a_taken_port_is_refused(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ChainUnavailableError, match=f"port {port} on 127.0.0.1 is taken"):
            launch_devchain(tmp_path, port=port)


def test_a_chosen_port_is_taken_again_at_once(tmp_path):
    port = free_port()
    for _ in range(2):
        node = launch_devchain(tmp_path, port=port)
        try:
            assert node.port == port
            with ChainClient(node.url) as client:
                client.chain_id()
        finally:
            kill(node)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(tmp_path, number):
    port_file = tmp_path / "port"
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "ledger.chain.devchain",
            "--data",
            str(tmp_path),
            "--port-file",
            str(port_file),
        ],
        stdout=subprocess.PIPE,
    )
    with process:
        said = process.stdout.readline().decode()
        assert said == f"development chain 31337 answers on http://127.0.0.1:{int(port_file.read_text())}\n"
        process.send_signal(number)
        assert process.wait(5) == 0
    assert not port_file.exists()
    assert {path.name for path in tmp_path.iterdir()} == {"chain.sqlite3"}


def test_it_ends_with_the_process_that_launched_it(tmp_path):
    program = (
        "import os, signal, sys; from pathlib import Path;"
        "from ledger.chain.devchain_launch import launch_devchain;"
        "launch_devchain(Path(sys.argv[1])); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    deadline = time.monotonic() + 10
    while True:  # the folder is free again once the first one has ended
        try:
            with running(tmp_path) as (_, client):
                assert client.chain_id() == 31337
        except ChainUnavailableError:
            assert time.monotonic() < deadline
        else:
            break


@pytest.mark.parametrize(
    "arguments",
    [[], ["--port", "70000"], ["--port", "-1"], ["--chain-id", "0"], ["--chain-id", "x"], ["--datta", "x"]],
)
def test_wrong_usage_is_exit_code_2(tmp_path, arguments):
    data = [] if not arguments else ["--data", str(tmp_path / "never")]
    done = subprocess.run(
        [sys.executable, "-m", "ledger.chain.devchain", *data, *arguments], capture_output=True, check=False
    )
    assert done.returncode == 2
    assert not (tmp_path / "never").exists()


def test_refusals_do_not_load_the_evm(tmp_path):
    watch = (
        "import sys; from ledger.chain.devchain import main; code = main(['--data', sys.argv[1]]);"
        "assert not {'eth', 'web3'} & set(sys.modules), 'loaded'; sys.exit(code)"
    )
    with dev_chain(tmp_path):
        done = subprocess.run([sys.executable, "-c", watch, str(tmp_path)], capture_output=True, check=False)
    assert (done.returncode, b"another process serves" in done.stderr) == (3, True)


def test_launching_does_not_load_web3_or_the_evm():
    watch = (
        "import sys, ledger.chain.devchain_launch, ledger.chain.client, ledger.chain.transactions;"
        "assert not {'eth', 'web3', 'requests', 'eth_account'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", watch], check=True)


# Front door


def raw_call(port, method, *params):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        connection.request("POST", "/", json.dumps(body), JSON)
        return json.loads(connection.getresponse().read())["result"]
    finally:
        connection.close()


def exchange(port, request):
    """Send bytes, and return the status line of the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        return connection.makefile("rb").readline()


def head(port, **changes):
    headers = {
        "Host": f"127.0.0.1:{port}",
        "Content-Type": "application/json",
        "Content-Length": "2",
        **changes,
    }
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return ("\r\n".join(["POST / HTTP/1.1", *lines]) + "\r\n\r\n").encode()


def test_a_usual_request_is_answered(served):
    assert b"200" in exchange(served.port, head(served.port) + b"{}")


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"Content-Length": None}, b"411"),
        ({"Content-Length": None, "Transfer-Encoding": "chunked"}, b"411"),
        ({"Content-Length": "-1"}, b"411"),
        ({"Content-Length": "two"}, b"411"),
        ({"Content-Length": "２"}, b"411"),
        ({"Content-Length": str(MAX_BODY_BYTES + 1)}, b"413"),
        ({"Content-Length": "9" * 5000}, b"413"),
        ({"Host": "chain.example:8545"}, b"403"),
        ({"Host": "127.0.0.1.example:80"}, b"403"),
        ({"Host": None}, b"403"),
        ({"Content-Type": "text/plain"}, b"415"),
        ({"Content-Type": None}, b"415"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"415"),
    ],
)
def test_what_web_pages_and_careless_programs_send_is_refused_unread(served, changes, status):
    assert status in exchange(served.port, head(served.port, **changes) + b"{}")


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "PUT"])
def test_other_methods_are_refused(served, method):
    assert b"501" in exchange(served.port, f"{method} / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())


def test_a_body_of_the_greatest_size_is_read(served):
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
    connection.request("POST", "/", b" " * (MAX_BODY_BYTES - 2) + b"{}", JSON)
    assert connection.getresponse().status == 200
    connection.close()


def test_idle_and_broken_connections_disturb_nobody(served):
    idle = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(50)]
    for connection in idle[:25]:
        connection.sendall(head(served.port, **{"Content-Length": "100"}) + b"{")
    with ChainClient(served.url) as client:
        assert client.chain_id() == 31337
    for connection in idle:
        connection.close()
    with ChainClient(served.url) as client:
        assert client.chain_id() == 31337


def test_replies_are_not_delayed(served):
    with ChainClient(served.url) as client:
        client.chain_id()
        started = time.perf_counter()
        for _ in range(50):
            client.chain_id()
        assert time.perf_counter() - started < 50 * 0.035  # a reply in two writes waits 40 ms each time


def test_many_clients_at_once_get_their_own_answers(served):
    wrong = []

    def work():
        with ChainClient(served.url) as client:
            for number in range(20):
                address = number.to_bytes(20, "big")
                if client.balance(address) != 0 or client.block(0).number != 0:
                    wrong.append(number)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_calling_oneself_as_deep_as_gas_allows_ends_nothing(served):
    with ChainClient(served.url, timeout_seconds=120) as client:
        nonce = client.nonce(ACCOUNT.address)
        client.send_raw(sign(nonce, None, creation_code(RECURSER)).raw)
        recurser = compute_contract_address(ACCOUNT.address, nonce)
        assert client.call(recurser, b"") == b""
        client.send_raw(sign(nonce + 1, recurser, gas=30_000_000).raw)
        assert client.nonce(ACCOUNT.address) == nonce + 2


def test_a_block_that_cannot_be_saved_ends_it_with_exit_code_4(tmp_path):
    """The file may not grow, as on a full disk: the process ends, and the chain is whole afterwards."""
    limited = (
        "import resource, signal, sys; from ledger.chain.devchain import main;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000)); sys.exit(main(sys.argv[1:]))"
    )
    port_file = tmp_path / "port"
    process = subprocess.Popen(
        [sys.executable, "-c", limited, "--data", str(tmp_path), "--port-file", str(port_file)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    with process:
        process.stdout.readline()
        with ChainClient(f"http://127.0.0.1:{int(port_file.read_text())}") as client:
            client.fund(ACCOUNT.address, ETHER)
            acknowledged = send_until_refused(client)
        assert process.wait(10) == 4
        assert b"a block could not be saved" in process.stderr.read()
    with running(tmp_path) as (_, client):
        mined = client.nonce(ACCOUNT.address)
        assert acknowledged <= mined <= acknowledged + 1
        assert client.block("latest").number == mined + 1
        client.send_raw(sign(mined, bytes(20)).raw)


def send_until_refused(client):
    """Return how many transactions were acknowledged before one was not."""
    for nonce in range(1000):
        try:
            client.send_raw(sign(nonce, bytes(20)).raw)
        except (ChainRefusedError, ChainUnavailableError):
            return nonce
    return pytest.fail("nothing was refused")


def test_a_folder_called_ledger_does_not_stand_in_the_way(tmp_path, monkeypatch):
    (tmp_path / "ledger").mkdir()
    (tmp_path / "ledger" / "__init__.py").write_text("raise SystemExit('not the ledger you want')")
    monkeypatch.chdir(tmp_path)
    with running(tmp_path / "chain") as (_, client):
        assert client.block("latest").number == 0
