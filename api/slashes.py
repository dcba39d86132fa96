"""Redirects between an address with and without its last slash, said relative to the address that was asked for.

The framework makes them of the `Host` that a caller has sent; behind a proxy that leads to another place.

>>> app = RelativeRedirects(build_api(parts))
"""

import re
from http import HTTPStatus
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_BY_SLASH: Final = HTTPStatus.TEMPORARY_REDIRECT
"""Nothing else here answers with this status."""
_LAST_SLASHES: Final = re.compile(r"(?:/|%2[Ff])+$")


class RelativeRedirects:
    """An application whose redirects for a last slash name no host."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI 3)."""

        async def send_relative(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == _BY_SLASH:
                headers = MutableHeaders(raw=message["headers"])
                headers["Location"] = _find_other(scope)
            await send(message)

        await self._app(scope, receive, send_relative if scope["type"] == "http" else send)


def _find_other(scope: Scope) -> str:
    """Return the address that was asked for with a last slash more or less, relative to it."""
    path = scope["raw_path"].decode("ascii")
    query = scope["query_string"].decode("ascii")
    bare = _LAST_SLASHES.sub("", path)
    last, slashes = bare.rpartition("/")[2], path.removeprefix(bare)
    other = ("../" * slashes.count("/") or "./") + last if slashes else f"./{last}/"
    return f"{other}?{query}" if query else other
