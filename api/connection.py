"""A connection whose request line and headers must arrive in time; uvicorn itself waits for them for ever.

450 idle or half-sent connections would otherwise stay open as long as somebody likes. The clock runs from the
opening of the connection, and from the first byte of each further request, until the headers are complete.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS: Final = 10.0


class TimedProtocol(HttpToolsProtocol):
    """HTTP/1.1 with a limit of time for the head of each request."""

    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 -- as in uvicorn, which types it narrowly
        """Start the clock."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._stop_timer()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Start the clock again for a further request."""
        self._await_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Stop the clock."""
        self._stop_timer()
        super().on_headers_complete()

    def _await_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
