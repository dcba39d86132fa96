"""Connections that say too little, too slowly: closed in time, and honest clients do not notice."""

import socket
import threading
import time
from contextlib import contextmanager, suppress

import httpx2
import pytest
import uvicorn

from api import connection
from api.connection import TimedProtocol
from api.limits import Guard

HEAD = 0.5
"""Seconds for a request's head in these tests; a body has four times as long."""


async def app(scope, receive, send):
    body = (await receive())["body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def port(monkeypatch):
    monkeypatch.setattr(connection, "HEAD_SECONDS", HEAD)
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    config = uvicorn.Config(
        Guard(app, {}, {}, body_seconds=4 * HEAD),
        http=TimedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_keep_alive=30,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join()


@contextmanager
def connect(port):
    with socket.create_connection(("127.0.0.1", port), timeout=20 * HEAD) as client:
        yield client


def read_all(client):
    """Return what the server sends until it closes the connection."""
    parts = []
    while part := client.recv(65536):
        parts.append(part)
    return b"".join(parts)


def seconds_until_closed(client):
    start = time.monotonic()
    assert read_all(client) == b""
    return time.monotonic() - start


@pytest.mark.parametrize("said", [b"", b"G", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: "])
def test_a_head_that_does_not_come_to_its_end_is_not_waited_for(port, said):
    with connect(port) as client:
        client.sendall(said)
        assert HEAD / 2 < seconds_until_closed(client) < 10 * HEAD


def trickle(client, raw):
    """Send byte by byte; return how many seconds the server puts up with it."""
    start = time.monotonic()
    with suppress(OSError):
        for byte in raw:
            client.sendall(bytes([byte]))
            time.sleep(HEAD / 5)
    return time.monotonic() - start


def test_a_head_that_trickles_in_has_no_more_time(port):
    with connect(port) as client:
        assert trickle(client, b"GET / HTTP/1.1\r\nX: " + b"a" * 100) < 10 * HEAD


def test_the_second_head_of_a_connection_has_its_own_time(port):
    with connect(port) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 200")
        time.sleep(2 * HEAD)
        client.sendall(b"GET / HTTP/1.1\r\n")
        assert HEAD / 2 < seconds_until_closed(client) < 10 * HEAD


def test_a_body_that_does_not_arrive_is_not_waited_for(port):
    with connect(port) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
        answer = read_all(client)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"application/problem+json" in answer


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(port):
    with connect(port) as client:
        client.sendall(
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n"
        )
        answer = read_all(client)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"100 Continue" not in answer


@pytest.mark.parametrize(
    "head",
    [
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -3\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x3\r\n\r\n",
        b"nonsense\r\n\r\n",
    ],
)
def test_a_head_that_can_be_read_in_two_ways_is_refused(port, head):
    with connect(port) as client:
        client.sendall(head + b"abc")
        assert read_all(client).startswith(b"HTTP/1.1 400")


def test_honest_clients_are_served_while_many_say_nothing(port):
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(200)]
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            for _ in range(20):
                assert client.post("/", content=b"hello").text == "hello"
    finally:
        for one in silent:
            one.close()


def test_a_request_that_takes_longer_than_a_head_may_is_not_cut_off(port):
    """The clock is for the head alone."""
    with connect(port) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\n")
        for byte in b"abc":
            time.sleep(HEAD / 1.5)
            client.sendall(bytes([byte]))
        assert read_all(client).endswith(b"abc\r\n0\r\n\r\n")
