"""Asking a server over and over, as many callers at once do: each waits for its answer, then asks the next thing.

Plain sockets that stay open and one loop over them, so that asking costs little beside answering.

>>> ask("127.0.0.1", 8000, requests, connections=32, status=200)
[0.0041, 0.0039, ...]
"""

import re
import selectors
import socket
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

_HEAD_END: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
_ETAG: Final = re.compile(rb"\r\netag: ([^\r]+)\r\n", re.IGNORECASE)
_PATIENCE_SECONDS: Final = 30.0


def write_request(path: str, headers: Mapping[str, str]) -> bytes:
    """Return the bytes that ask for a path."""
    lines = [f"GET {path} HTTP/1.1", "Host: bench", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def fetch(host: str, port: int, request: bytes) -> bytes:
    """Return one answer, head and body, whatever it says."""
    with socket.create_connection((host, port), timeout=_PATIENCE_SECONDS) as line:
        line.sendall(request)
        answer = b""
        while not is_whole(answer):
            answer += _receive(line)
        return answer


def read_etag(answer: bytes) -> str:
    """Return the tag that names the bytes of an answer."""
    found = _ETAG.search(answer)
    if found is None:
        raise RuntimeError(f"an answer without a tag: {answer[:300]!r}")
    return found[1].decode()


def ask(host: str, port: int, requests: Sequence[bytes], *, connections: int, status: int) -> list[float]:
    """Return how many seconds each answer took, in the order in which they came.

    Raises:
        RuntimeError: an answer has another status, or the server has hung up.
    """
    waiting = iter(requests)
    begin = b"HTTP/1.1 %d " % status
    with selectors.DefaultSelector() as selector:
        for line in _connect(host, port, connections):
            caller = _Caller(line)
            selector.register(line, selectors.EVENT_READ, caller)
            caller.ask(waiting)
        try:
            return list(_collect(selector, waiting, begin, len(requests)))
        finally:
            for key in list(selector.get_map().values()):
                key.data.line.close()


def is_whole(answer: bytes) -> bool:
    """Return whether an answer has arrived, head and body."""
    head_end = answer.find(_HEAD_END)
    if head_end < 0:
        return False
    length = _LENGTH.search(answer, 0, head_end + 2)
    return len(answer) >= head_end + len(_HEAD_END) + (0 if length is None else int(length[1]))


@dataclass(slots=True)
class _Caller:
    """One open connection."""

    line: socket.socket
    answer: bytes = b""
    asked_at: float = field(default=0.0)

    def ask(self, waiting: Iterator[bytes]) -> None:
        """Send the next request; nothing once there is none."""
        request = next(waiting, None)
        if request is not None:
            self.answer, self.asked_at = b"", time.perf_counter()
            self.line.sendall(request)


def _connect(host: str, port: int, connections: int) -> Iterable[socket.socket]:
    return [socket.create_connection((host, port), timeout=_PATIENCE_SECONDS) for _ in range(connections)]


def _collect(
    selector: selectors.BaseSelector, waiting: Iterator[bytes], begin: bytes, count: int
) -> Iterator[float]:
    """Yield the seconds of each answer, and let its caller ask again."""
    while count:
        ready = selector.select(_PATIENCE_SECONDS)
        if not ready:
            raise RuntimeError("the server does not answer")
        for key, _ in ready:
            caller: _Caller = key.data
            caller.answer += _receive(caller.line)
            if is_whole(caller.answer):
                if not caller.answer.startswith(begin):
                    raise RuntimeError(f"another answer than {begin!r}: {caller.answer[:200]!r}")
                yield time.perf_counter() - caller.asked_at
                count -= 1
                caller.ask(waiting)


def _receive(line: socket.socket) -> bytes:
    received = line.recv(65_536)
    if not received:
        raise RuntimeError("the server has hung up")
    return received
