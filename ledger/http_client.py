"""How other machines of this product are asked: over TLS, and what runs on this machine without a proxy.

>>> with make_client("https://ledger.example.cn", field="ledger") as client:
...     client.get("checkpoint")
"""

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

import httpx2

from ledger.core.errors import InputError, UnavailableError

TIMEOUT_SECONDS: Final = 40.0
"""Longer than a server waits for a commit."""

_LOCAL_HOSTS: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def make_client(url: str, *, field: str, transport: httpx2.BaseTransport | None = None) -> httpx2.Client:
    """Return a client for addresses below a URL; nothing is sent yet.

    Args:
        url: `https://...`, or `http://...` of this machine; a path in it stands before the routes.
        field: what the URL is called where it comes from.
        transport: in place of the network.

    Raises:
        InputError: not such a URL.
    """
    try:
        address = urlsplit(url)
        host, scheme = address.hostname, address.scheme
    except ValueError:
        host = scheme = None
    is_local = host in _LOCAL_HOSTS
    if not host or scheme not in ({"http", "https"} if is_local else {"https"}):
        raise InputError("is the https URL of a ledger, or an http one of this machine", field=field)
    return httpx2.Client(
        base_url=url.rstrip("/") + "/", timeout=TIMEOUT_SECONDS, trust_env=not is_local, transport=transport
    )


def read_body(response: httpx2.Response, most: int) -> bytes:
    """Return the body of a streamed answer.

    Raises:
        UnavailableError: it is longer than `most` bytes.
    """
    return b"".join(_cut(response.iter_bytes(), most))


def _cut(chunks: Iterator[bytes], most: int) -> Iterator[bytes]:
    for chunk in chunks:
        most -= len(chunk)
        if most < 0:
            raise UnavailableError("the ledger's server answers with more than it should")
        yield chunk
