"""A node that the verifier asks: JSON-RPC by hand, since web3 would take seconds to load.

Rules: the node is somebody else's computer; each request is sent once, to no other place than the one named, and
its answer is untrusted input with a limit of size and time. Whatever it is, `ChainUnavailableError` says so.

>>> Node("http://127.0.0.1:8545").ask_quantity("eth_chainId")
31337
"""

import http.client
import re
from collections.abc import Mapping
from threading import Thread
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

import orjson

from ledger.core.errors import ChainUnavailableError, InputError

TIMEOUT_SECONDS: Final = 10.0
"""For one answer, to its last byte."""

MAX_ANSWER_BYTES: Final = 1024 * 1024

Json = Any
"""What a node answered, before it is parsed."""

_MAX_BLOCK: Final = 2**53
_LOCAL_HOSTS: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_URL: Final = re.compile(r"[!-~]+", re.ASCII)
_QUANTITY: Final = re.compile(r"0x(?:0|[1-9a-fA-F][0-9a-fA-F]{0,63})", re.ASCII)
_DATA: Final = re.compile(r"0x(?:[0-9a-fA-F]{2})*", re.ASCII)


class RefusedError(ChainUnavailableError):
    """The node answers with an error; `data` is what a contract gave with its revert."""

    def __init__(self, data: bytes | None) -> None:
        super().__init__("the node refuses to answer")
        self.data = data


class NonsenseError(ChainUnavailableError):
    """The node answers what no node can mean."""


class _NoRedirects(HTTPRedirectHandler):
    """A node that sends us elsewhere is not the node that was named."""

    def redirect_request(self, *_: object) -> None:
        """Follow nothing; the answer then counts as an HTTP error."""


class Node:
    """One node; each request is sent once."""

    def __init__(self, url: str, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        """Take the address of a node; nothing is sent yet.

        Raises:
            InputError: not an http or https address, or with credentials before the host.
        """
        self._opener = _build_opener(url)
        self._url = url
        self._timeout = timeout_seconds

    def is_syncing(self) -> bool:
        """Return whether the node says that it does not know the newest blocks yet."""
        try:
            return self.ask("eth_syncing") is not False
        except RefusedError:
            return False

    def ask_quantity(self, method: str) -> int:
        """Return an integer."""
        return parse_quantity(self.ask(method))

    def read_block(self, selector: str) -> tuple[int, bytes]:
        """Return number and hash of a block."""
        answer = self.ask("eth_getBlockByNumber", selector, False)  # noqa: FBT003 - JSON
        block = parse_members(answer, "number", "hash")
        return parse_block_number(block["number"]), parse_data(block["hash"], size=32)

    def ask(self, method: str, *params: Json) -> Json:
        """Return the result of one call.

        Raises:
            ChainUnavailableError: no answer, an error, or an answer that is not JSON-RPC.
        """
        body = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        raw = self._post(body)
        try:
            answer = orjson.loads(raw)
        except orjson.JSONDecodeError as err:
            raise NonsenseError("the node does not speak JSON-RPC") from err
        if isinstance(answer, dict) and answer.get("error") is not None:
            raise RefusedError(_find_revert_data(answer["error"]))
        return parse_members(answer, "result")["result"]

    def _post(self, body: bytes) -> bytes:
        """Return the answer to one request, in a thread: a socket's own time limit begins anew with each byte."""
        outcome: list[bytes | ChainUnavailableError] = []
        thread = Thread(target=lambda: outcome.append(self._exchange(body)), daemon=True)
        thread.start()
        thread.join(self._timeout)
        found = outcome[0] if outcome else ChainUnavailableError("the node is too slow")
        if isinstance(found, ChainUnavailableError):
            raise found
        return found

    def _exchange(self, body: bytes) -> bytes | ChainUnavailableError:
        request = Request(self._url, body, {"Content-Type": "application/json"})  # noqa: S310 - see _build_opener
        try:
            with self._opener.open(request, timeout=self._timeout) as response:
                raw: bytes = response.read(MAX_ANSWER_BYTES + 1)
        except HTTPError as err:
            err.close()
            return ChainUnavailableError(f"the node answers HTTP {err.code}")
        except (OSError, ValueError, http.client.HTTPException):
            return ChainUnavailableError("the node is out of reach")
        if len(raw) > MAX_ANSWER_BYTES:
            return NonsenseError("the node answers more than can be meant")
        return raw


def _build_opener(url: str) -> OpenerDirector:
    """Return what opens this URL and no other; a node on this machine is asked without a proxy.

    Raises:
        InputError: not an http or https address, or with credentials before the host.
    """
    try:
        parts = urlsplit(url)
        host, usable = parts.hostname, parts.scheme in {"http", "https"} and parts.port != 0
    except ValueError:
        host, usable = None, False
    if not usable or not host or "@" in parts.netloc or _URL.fullmatch(url) is None:
        raise InputError("is the http or https address of a node", field="chain")
    proxies = [ProxyHandler({})] if host in _LOCAL_HOSTS else []
    return build_opener(_NoRedirects, *proxies)


def parse_members(answer: Json, *names: str) -> Mapping[str, Json]:
    """Return an object that has these members."""
    if not isinstance(answer, dict) or not all(name in answer for name in names):
        raise NonsenseError("the node answers without a member that must be there")
    return answer


def parse_list(answer: Json) -> list[Json]:
    """Return a list."""
    if not isinstance(answer, list):
        raise NonsenseError("the node answers no list of events")
    return answer


def parse_quantity(value: Json) -> int:
    """Return an integer of at most 256 bits."""
    if not isinstance(value, str) or _QUANTITY.fullmatch(value) is None:
        raise NonsenseError("the node answers no number")
    return int(value, 16)


def parse_block_number(value: Json) -> int:
    """Return the number of a block."""
    number = parse_quantity(value)
    if number >= _MAX_BLOCK:
        raise NonsenseError("the node names a block that no chain has reached")
    return number


def parse_data(value: Json, size: int | None = None) -> bytes:
    """Return bytes, of a certain size if one is given."""
    if not isinstance(value, str) or _DATA.fullmatch(value) is None:
        raise NonsenseError("the node answers no bytes")
    data = bytes.fromhex(value[2:])
    if size is not None and len(data) != size:
        raise NonsenseError(f"the node answers {len(data)} bytes instead of {size}")
    return data


def _find_revert_data(error: Json) -> bytes | None:
    """Return what a contract gave with its revert, where the node passes it on."""
    data = error.get("data") if isinstance(error, dict) else None
    if isinstance(data, dict):
        data = data.get("data")
    try:
        return parse_data(data)
    except NonsenseError:
        return None
