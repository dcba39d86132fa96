"""The verifier's own HTTP: one request to one place, with limits; whatever comes back, the step is NOT_CHECKED."""

import socket
import threading
import time
from contextlib import contextmanager

import pytest
from chain_helpers import make_policy
from servers import free_port
from world import ORIGIN

from ledger.core.anchor import ChainIdentity
from ledger.core.checkpoint import Checkpoint
from ledger.core.policy import ContractPin
from ledger.core.step import Outcome
from verifier import node as module
from verifier.chain import look_at_contract
from verifier.node import Node

PIN = ContractPin(ChainIdentity(1, bytes(32), bytes(20), bytes(32)), bytes(32), "immediate")
CHECKPOINT = Checkpoint(ORIGIN, 1, b"\x01" * 32)


@contextmanager
def speaking(*pieces: bytes, pause: float = 0.0):
    """Answer every connection with these bytes, piece by piece, then hang up; yield URL and what was asked."""
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    asked.append(read_request(connection))
                    try:
                        for piece in pieces:
                            connection.sendall(piece)
                            time.sleep(pause)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def read_request(connection: socket.socket) -> bytes:
    """Read head and body, so that hanging up afterwards is no reset."""
    raw = b""
    while not (head := raw.partition(b"\r\n\r\n"))[1] or len(head[2]) < int(
        head[0].lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    ):
        raw += connection.recv(65_536)
    return raw


def answer(body: bytes, status: str = "200 OK", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def look(url, timeout_seconds=1.0):
    return look_at_contract(url, make_policy(PIN), timeout_seconds=timeout_seconds)(CHECKPOINT)


def test_one_json_rpc_request_is_one_post():
    with speaking(answer(b'{"jsonrpc":"2.0","id":1,"result":"0x1e"}')) as (url, asked):
        assert Node(url).ask_quantity("eth_chainId") == 30
    (request,) = asked
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST / HTTP/1.1\r\n")
    assert b"content-type: application/json" in head.lower()
    assert body == b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}'


@pytest.mark.parametrize(
    ("pieces", "reason"),
    [
        ([], "out of reach"),
        ([b"SSH-2.0-OpenSSH_9.2\r\n"], "out of reach"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"], "does not speak JSON-RPC"),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"], "out of reach"),
        ([b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5_000], "out of reach"),
        ([answer(b"")], "does not speak JSON-RPC"),
        ([answer(b"<html>")], "does not speak JSON-RPC"),
        ([answer(b"\x1f\x8b\x08", **{"Content-Encoding": "gzip"})], "does not speak JSON-RPC"),
        ([answer(b"{}")], "a member that must be there"),
        ([answer(b"no", "500 Internal Server Error")], "answers HTTP 500"),
        ([answer(b"no", "429 Too Many Requests")], "answers HTTP 429"),
        ([answer(b"no", "401 Unauthorized", **{"WWW-Authenticate": "Basic realm=x"})], "answers HTTP 401"),
    ],
)
def test_whatever_a_server_says_is_no_traceback(pieces, reason):
    with speaking(*pieces) as (url, _):
        check = look(url)
    assert check.outcome is Outcome.NOT_CHECKED
    assert reason in check.reason.en


def test_nobody_there_is_not_checked():
    check = look(f"http://127.0.0.1:{free_port()}")
    assert check.outcome is Outcome.NOT_CHECKED
    assert check.reason.en == "the node is out of reach"


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"]
)
def test_no_redirect_is_followed(status):
    with speaking(answer(b'{"result": false}')) as (other, asked_there):
        with speaking(answer(b"", status, Location=other)) as (url, asked_here):
            check = look(url)
        assert not asked_there
    assert len(asked_here) == 1
    assert check.outcome is Outcome.NOT_CHECKED
    assert f"HTTP {status[:3]}" in check.reason.en


def test_an_endless_answer_is_cut_off(monkeypatch):
    monkeypatch.setattr(module, "MAX_ANSWER_BYTES", 100_000)
    with speaking(answer(b" " * 200_000)) as (url, _):
        check = look(url)
    assert check.outcome is Outcome.NOT_CHECKED
    assert "more than can be meant" in check.reason.en


@pytest.mark.parametrize("first", [b"", answer(b" " * 99)[:-99]], ids=["silent", "body drop by drop"])
def test_a_slow_answer_is_not_waited_for(first):
    with speaking(first, *[b" "] * 20, pause=0.2) as (url, _):
        before = time.monotonic()
        check = look(url, timeout_seconds=0.5)
        assert time.monotonic() - before < 3
    assert check.outcome is Outcome.NOT_CHECKED


def test_a_node_on_this_machine_is_asked_without_a_proxy(monkeypatch):
    with speaking(answer(b"")) as (proxy, asked_there):
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.delenv("no_proxy", raising=False)
        with speaking(answer(b'{"result": "0x7"}')) as (url, asked_here):
            assert Node(url).ask_quantity("eth_chainId") == 7
        assert not asked_there
    assert len(asked_here) == 1
