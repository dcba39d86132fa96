"""Before a report is read: how many of these long bodies are under way at once, of everybody and of one caller.

>>> app = ReportDoor(guard, "/report", write_busy_page)
"""

from collections import Counter
from collections.abc import Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.callers import find_caller

MAX_UNDER_WAY: Final = 8
"""Reports that are read at a time, each up to 16 MiB."""
MAX_OF_CALLER: Final = 2


class ReportDoor:
    """An application in which few reports are read at a time."""

    def __init__(self, app: ASGIApp, path: str, write_busy: Callable[[Request], Response]) -> None:
        """Wrap an application.

        Args:
            app: what answers.
            path: where reports are sent to.
            write_busy: the answer for those who come too many.
        """
        self._app = app
        self._path = path
        self._write_busy = write_busy
        self._under_way: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI 3)."""
        if scope["type"] != "http" or scope["path"] != self._path or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        caller = find_caller(scope["client"][0]) if scope.get("client") else ""
        if self._under_way.total() >= MAX_UNDER_WAY or self._under_way[caller] >= MAX_OF_CALLER:
            await self._write_busy(Request(scope))(scope, receive, send)
            return
        self._under_way[caller] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._under_way[caller] -= 1
            if not self._under_way[caller]:
                del self._under_way[caller]
