"""What every request passes before the application sees it, and every response on its way out (plain ASGI).

- A body is read here, whole, up to its limit and within its time; one that says it is longer is refused unread.
- Addresses and headers have a limit, and so has the number of requests that one caller has under way; where bodies
  are long, a door lets few of them in at a time.
- HEAD is answered as GET without the body.
- Every response carries the security headers.

How long a request line and headers may take is limited in `api.connection`: an application sees a request only
when they are complete. Rates, TLS and HSTS belong to the server in front.

>>> app = Guard(FastAPI(), {"/entries": 8 * 1024 * 1024}, {"X-Content-Type-Options": "nosniff"})
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.callers import find_caller
from api.door import Door
from api.problems import answer_problem, build_http_problem

USUAL_BODY_BYTES: Final = 16 * 1024
"""Longest body on a path that has no limit of its own."""

BODY_SECONDS: Final = 20.0
MAX_TARGET_BYTES: Final = 2048
"""Path and query; the longest of ours has 530."""

MAX_HEADER_BYTES: Final = 16 * 1024
MAX_UNDER_WAY: Final = 128
"""Requests of one caller at a time; of an IPv6 address the network counts, see `api.callers`."""

_BODILESS: Final = {"GET", "HEAD"}
_LENGTH_DIGITS: Final = 18


class _RefusedError(Exception):
    """Ends a request before the application has seen it."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.problem = build_http_problem(status, detail)


class Guard:
    """An application behind its limits."""

    def __init__(
        self,
        app: ASGIApp,
        body_limits: Mapping[str, int],
        headers: Mapping[str, str],
        *,
        body_seconds: float = BODY_SECONDS,
        doors: Mapping[str, Door] = MappingProxyType({}),
    ) -> None:
        """Wrap an application.

        Args:
            app: what answers.
            body_limits: path -> longest body in bytes, where it is not the usual one.
            headers: put on every response that does not have them.
            body_seconds: how long a body may take to arrive.
            doors: path -> its door, where few bodies are taken at a time.
        """
        self._app = app
        self._body_limits = body_limits
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        self._body_seconds = body_seconds
        self._doors = doors
        self._under_way: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI 3)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        caller = find_caller(scope["client"][0]) if scope.get("client") else ""
        self._under_way[caller] += 1
        try:
            await self._answer(scope, receive, self._dress(scope, send), caller)
        finally:
            self._under_way[caller] -= 1
            if not self._under_way[caller]:
                del self._under_way[caller]

    async def _answer(self, scope: Scope, receive: Receive, send: Send, caller: str) -> None:
        try:
            _check_head(scope, self._under_way[caller])
            if scope["method"] in _BODILESS:
                await self._app({**scope, "method": "GET"}, _replay(b"", receive), send)
            elif (door := self._doors.get(scope["path"])) is None:
                await self._take(scope, receive, send)
            else:
                await self._ask_at(door, scope, receive, send, caller)
        except _RefusedError as refused:
            response = answer_problem(refused.problem, {"Connection": "close"})
            await response(scope, receive, send)

    async def _ask_at(self, door: Door, scope: Scope, receive: Receive, send: Send, caller: str) -> None:
        with door.enter(caller) as is_let_in:
            if is_let_in:
                await self._take(scope, receive, send)
            else:
                await door.write_busy(Request(scope))(scope, receive, send)

    async def _take(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application answer a request with a body.

        Raises:
            _RefusedError: the body is too long, or does not come.
        """
        body = await self._read_body(scope, receive)
        await self._app(scope, _replay(body, receive), send)

    async def _read_body(self, scope: Scope, receive: Receive) -> bytes:
        limit = self._body_limits.get(scope["path"], USUAL_BODY_BYTES)
        if _read_length(scope) > limit:
            raise _too_large(limit)
        body = bytearray()
        try:
            async with asyncio.timeout(self._body_seconds):
                more = True
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise _RefusedError(HTTPStatus.BAD_REQUEST, "The body broke off.")
                    body += message.get("body", b"")
                    more = message.get("more_body", False)
                    if len(body) > limit:
                        raise _too_large(limit)
        except TimeoutError:
            detail = f"The body did not arrive within {self._body_seconds:g} s."
            raise _RefusedError(HTTPStatus.REQUEST_TIMEOUT, detail) from None
        return bytes(body)

    def _dress(self, scope: Scope, send: Send) -> Send:
        """Return a `send` that adds our headers, and leaves the body out for HEAD."""
        is_head = scope["method"] == "HEAD"

        async def send_dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name for name, _ in message["headers"]}
                added = [header for header in self._headers if header[0] not in present]
                message = {**message, "headers": [*map(_allow_head, message["headers"]), *added]}
            elif is_head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        return send_dressed


def _allow_head(header: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    """Return a header as it is, but `Allow` with HEAD wherever it has GET."""
    name, value = header
    methods = value.split(b", ")
    is_short = name == b"allow" and b"GET" in methods and b"HEAD" not in methods
    return (name, value + b", HEAD") if is_short else header


def _check_head(scope: Scope, under_way: int) -> None:
    if under_way > MAX_UNDER_WAY:
        detail = f"More than {MAX_UNDER_WAY} requests of one caller are under way."
        raise _RefusedError(HTTPStatus.TOO_MANY_REQUESTS, detail)
    if len(scope["raw_path"]) + len(scope["query_string"]) > MAX_TARGET_BYTES:
        detail = f"The address is longer than {MAX_TARGET_BYTES} bytes."
        raise _RefusedError(HTTPStatus.REQUEST_URI_TOO_LONG, detail)
    if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADER_BYTES:
        detail = f"The headers are longer than {MAX_HEADER_BYTES} bytes."
        raise _RefusedError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, detail)


def _read_length(scope: Scope) -> int:
    """Return the length that the request says its body has; 0 if it does not."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            if not value.isdigit() or len(value) > _LENGTH_DIGITS:
                raise _RefusedError(HTTPStatus.BAD_REQUEST, "Content-Length is not a length.")
            return int(value)
    return 0


def _too_large(limit: int) -> _RefusedError:
    return _RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A body here has at most {limit} bytes.")


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that hands out the body that was read already."""
    waiting = [body]

    async def receive_again() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return receive_again
