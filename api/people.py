"""Problems as people read them: a browser that came for a page gets a page, whatever stopped it on the way.

Programs, and scripts of the pages, do not name `text/html` in `Accept` and get the problem document as it is.

>>> app = PeoplePages(guard, ProblemPage(is_development=lambda: False))
"""

from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.negotiation import choose_language, names_html
from api.problems import MEDIA_TYPE
from api.web.problem_page import SECURITY, ProblemPage

_MAX_DEPTH: Final = 16
"""Addresses of ours are no deeper; from a deeper one the way to the root is said without counting."""
_HTML: Final = "text/html; charset=utf-8"


class PeoplePages:
    """An application whose problems are pages for browsers."""

    def __init__(self, app: ASGIApp, page: ProblemPage) -> None:
        """Wrap an application, with its limits."""
        self._app = app
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI 3)."""
        if scope["type"] == "http" and names_html(Headers(scope=scope).get("accept", "")):
            send = self._translate(scope, send)
        await self._app(scope, receive, send)

    def _translate(self, scope: Scope, send: Send) -> Send:
        """Return a `send` that puts the page in the place of a problem document."""
        is_replaced = False

        async def send_page(message: Message) -> None:
            nonlocal is_replaced
            if message["type"] == "http.response.start":
                is_replaced = Headers(raw=message["headers"]).get("content-type") == MEDIA_TYPE
                if is_replaced:
                    await self._send_page(scope, message, send)
                    return
            if not is_replaced:
                await send(message)

        return send_page

    async def _send_page(self, scope: Scope, start: Message, send: Send) -> None:
        asked = parse_qs(scope["query_string"].decode("latin-1")).get("lang", [None])[0]
        tongue = choose_language(Headers(scope=scope).get("accept-language", ""), asked)
        body = self._page.write(HTTPStatus(start["status"]), tongue, _find_root(scope))
        headers = MutableHeaders(raw=list(start["headers"]))
        headers["Content-Type"] = _HTML
        headers["Content-Length"] = str(len(body))
        headers["Content-Language"] = tongue.language.value
        headers["Content-Security-Policy"] = SECURITY
        await send({**start, "headers": headers.raw})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def _find_root(scope: Scope) -> str:
    """Return the way from the address that was asked for to the root of the site, wherever a proxy has put that."""
    depth = scope["raw_path"].count(b"/") - 1
    return "../" * depth if depth <= _MAX_DEPTH else "/"
