import socket
import sys

import pytest


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "0.0.0.0", "example.org"])
@pytest.mark.parametrize("event", ["socket.connect", "socket.sendto"])
def test_other_machines_cannot_be_reached(event, host):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as sock, pytest.raises(RuntimeError, match="this machine only"):
        sys.audit(event, sock, (host, 9))  # what a real connection announces before it starts


def test_the_guard_stands_in_the_way_of_a_real_connection():
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
        pytest.raises(RuntimeError, match="this machine only"),
    ):
        sock.connect(("192.0.2.1", 9))  # a datagram socket sends nothing on connecting


def test_host_names_cannot_be_looked_up():
    with pytest.raises(RuntimeError, match="host names"):
        sys.audit("socket.getaddrinfo", "example.org", 80, 0, 0, 0)


def test_loopback_and_literal_addresses_stay_open():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        socket.create_connection(("localhost", port), timeout=5).close()
    assert socket.getaddrinfo("192.0.2.1", 80)


def test_unix_sockets_stay_open():
    left, right = socket.socketpair()
    with left, right:
        left.sendall(b"x")
        assert right.recv(1) == b"x"
