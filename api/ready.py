"""Answers that are ready bytes: given again as they are until the log, its anchors or the minute have moved.

How far they have moved is looked at once a second, by whoever asks first then. So a page shows a change at most
a second after it was committed, and a page that many look at is computed, and compressed, once.

>>> answers.find(key) or answers.fill(key, compute)
"""

import gzip
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from threading import Lock
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from api.negotiation import takes_gzip
from api.verdicts import Finding

LOOK_SECONDS: Final = 1.0
NO_STORE: Final = "no-store"
ASK_AGAIN: Final = "no-cache"
"""May be kept, and is asked for again each time."""

IMMUTABLE: Final = "public, max-age=31536000, immutable"
"""For what never changes: tiles and entry bundles."""

MOST: Final = 4096
"""Answers kept."""

MOST_BYTES: Final = 64 * 1024 * 1024
"""Of the answers kept, compressed and not."""

LEAST_PACKED: Final = 512
"""Bodies below this many bytes are not worth compressing."""

PACKED_TYPES: Final = ("text/", "application/json", "application/wasm", "image/svg+xml")
"""Media types that begin so become smaller; tiles are hashes, which do not."""


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
    packed: bytes | None = None
    """The body in gzip, see `pack`."""
    etag: str = field(init=False, repr=False)
    """Names these very bytes."""

    def __post_init__(self) -> None:
        tag = f'"{hashlib.sha256(self.body).hexdigest()[:32]}"'
        object.__setattr__(self, "etag", tag)

    @property
    def packed_etag(self) -> str:
        """Return the tag that names the compressed bytes: another representation has another (RFC 9110 §8.8.3)."""
        return f'{self.etag[:-1]}-gzip"'

    @property
    def size(self) -> int:
        """Return how many bytes are kept."""
        return len(self.body) + len(self.packed or b"")


def pack(ready: Ready, *, level: int = 6) -> Ready:
    """Return an answer with its body compressed beside it, if that makes it smaller.

    Args:
        ready: the answer.
        level: 1 to 9; 6 takes a third of the time of 9 and gives 1 % more.
    """
    if ready.packed is not None or len(ready.body) < LEAST_PACKED:
        return ready
    if not ready.media_type.startswith(PACKED_TYPES):
        return ready
    packed = gzip.compress(ready.body, level, mtime=0)
    return replace(ready, packed=packed) if len(packed) < len(ready.body) else ready


def respond(
    ready: Ready, request: Request, *, vary: str | None = None, more: Mapping[str, str] | None = None
) -> Response:
    """Return the response for an answer: 304 where the client has these very bytes.

    Args:
        ready: the answer; sent compressed if it is packed and the client takes that.
        request: what was asked.
        vary: headers by which the answer was chosen, beside `Accept-Encoding`.
        more: further headers.
    """
    is_packed = ready.packed is not None and takes_gzip(request.headers.get("accept-encoding", ""))
    headers = {
        **(more or {}),
        "ETag": ready.packed_etag if is_packed else ready.etag,
        "Cache-Control": ready.cache_control,
    }
    varies = [vary, None if ready.packed is None else "Accept-Encoding"]
    if any(varies):
        headers["Vary"] = ", ".join(name for name in varies if name is not None)
    if ready.status is HTTPStatus.OK and _is_known(request.headers.get("if-none-match", ""), headers["ETag"]):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    if ready.language is not None:
        headers["Content-Language"] = ready.language
    if ready.file_name is not None:
        headers["Content-Disposition"] = f'attachment; filename="{ready.file_name}"'
    if is_packed:
        headers["Content-Encoding"] = "gzip"
    return Response(ready.packed if is_packed else ready.body, ready.status, headers, ready.media_type)


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
        self._bytes = 0
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

        An answer that says `no-store` is not kept here either. It is compressed here, once.

        Raises:
            LedgerError: as `look` and `compute` do; nothing is kept then.
        """
        state = self._refresh()
        ready = self.recall(key) or pack(compute())
        with self._changing:
            if state == self._state and ready.cache_control != NO_STORE:
                self._keep(key, ready)
        return ready

    def _keep(self, key: Hashable, ready: Ready) -> None:
        before = self._answers.pop(key, None)
        self._answers[key] = ready
        self._bytes += ready.size - (0 if before is None else before.size)
        while len(self._answers) > MOST or (self._bytes > MOST_BYTES and len(self._answers) > 1):
            _, oldest = self._answers.popitem(last=False)
            self._bytes -= oldest.size

    def _refresh(self) -> Hashable:
        with self._looking:
            if self._monotonic() >= self._look_at:
                state = self._look()
                with self._changing:
                    if state != self._state:
                        self._answers.clear()
                        self._bytes = 0
                    self._state = state
                self._look_at = self._monotonic() + LOOK_SECONDS
            return self._state


def _is_known(header: str, etag: str) -> bool:
    """Return whether `If-None-Match` names these bytes (RFC 9110 §13.1.2)."""
    tags = (tag.strip().removeprefix("W/") for tag in header.split(","))
    return any(tag in {etag, "*"} for tag in tags)
