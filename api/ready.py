"""Answers that are ready bytes: given again as they are until the log, its anchors or the minute have moved.

How far they have moved is looked at once a second, by whoever asks first then. So a page shows a change at most
a second after it was committed, and a page that many look at is computed once.

>>> answers.find(key) or answers.fill(key, compute)
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from http import HTTPStatus
from threading import Lock
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from api.verdicts import Finding

LOOK_SECONDS: Final = 1.0
NO_STORE: Final = "no-store"
ASK_AGAIN: Final = "no-cache"
"""May be kept, and is asked for again each time."""

IMMUTABLE: Final = "public, max-age=31536000, immutable"
"""For what never changes: tiles and entry bundles."""

MOST: Final = 4096
"""Answers kept, at most about 60 MB."""


@dataclass(frozen=True, slots=True)
class Ready:
    """One answer."""

    body: bytes
    media_type: str
    cache_control: str
    status: HTTPStatus = HTTPStatus.OK
    language: str | None = None
    file_name: str | None = None
    """Set for what is saved rather than looked at."""
    finding: Finding | None = None
    """What the answer says."""

    @property
    def etag(self) -> str:
        """Return the tag that names these very bytes."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:32]}"'


def respond(ready: Ready, request: Request, *, vary: str | None = None) -> Response:
    """Return the response for an answer: 304 where the client has these very bytes."""
    headers = {"ETag": ready.etag, "Cache-Control": ready.cache_control}
    if vary is not None:
        headers["Vary"] = vary
    if ready.status is HTTPStatus.OK and _is_known(request.headers.get("if-none-match", ""), ready.etag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    if ready.language is not None:
        headers["Content-Language"] = ready.language
    if ready.file_name is not None:
        headers["Content-Disposition"] = f'attachment; filename="{ready.file_name}"'
    return Response(ready.body, ready.status, headers, ready.media_type)


class ReadyAnswers:
    """Keeps answers that were asked for last. Safe to share between threads."""

    def __init__(self, look: Callable[[], Hashable], monotonic: Callable[[], float]) -> None:
        """Start with nothing.

        Args:
            look: returns what every answer depends on; may be slow, and may raise what it likes.
            monotonic: returns a time in seconds that never runs back.
        """
        self._look = look
        self._monotonic = monotonic
        self._answers: OrderedDict[Hashable, Ready] = OrderedDict()
        self._state: Hashable = None
        self._look_at = float("-inf")
        self._looking = Lock()
        self._changing = Lock()

    def find(self, key: Hashable) -> Ready | None:
        """Return an answer that is still right, or None; never waits for the store."""
        if self._monotonic() >= self._look_at:
            return None
        return self.recall(key)

    def recall(self, key: Hashable) -> Ready | None:
        """Return an answer that was right when the log was last looked at."""
        with self._changing:
            ready = self._answers.get(key)
            if ready is not None:
                self._answers.move_to_end(key)
            return ready

    def fill(self, key: Hashable, compute: Callable[[], Ready]) -> Ready:
        """Return the answer, computed anew unless another thread has just done it.

        An answer that says `no-store` is not kept here either.

        Raises:
            LedgerError: as `look` and `compute` do; nothing is kept then.
        """
        state = self._refresh()
        ready = self.recall(key) or compute()
        with self._changing:
            if state == self._state and ready.cache_control != NO_STORE:
                self._answers[key] = ready
                while len(self._answers) > MOST:
                    self._answers.popitem(last=False)
        return ready

    def _refresh(self) -> Hashable:
        with self._looking:
            if self._monotonic() >= self._look_at:
                state = self._look()
                with self._changing:
                    if state != self._state:
                        self._answers.clear()
                    self._state = state
                self._look_at = self._monotonic() + LOOK_SECONDS
            return self._state


def _is_known(header: str, etag: str) -> bool:
    """Return whether `If-None-Match` names these bytes (RFC 9110 §13.1.2)."""
    tags = (tag.strip().removeprefix("W/") for tag in header.split(","))
    return any(tag in {etag, "*"} for tag in tags)
