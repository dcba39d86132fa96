"""Answers that are ready bytes: given again as they are until the log, its anchors or the minute have moved.

How far they have moved is looked at once a second, by whoever asks first then. So a page shows a change at most
a second after it was committed, and a page that many look at is computed, and compressed, once.

A proof that was published stays true: it is kept until the memory is needed, and given again where the store is out
of reach. A page is not: how a document stands has to be looked up.

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

import brotli
from starlette.requests import Request
from starlette.responses import Response

from api.negotiation import Coding, choose_coding
from api.verdicts import Finding
from ledger.core.errors import LedgerError, UnavailableError

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


_GZIP_ALONE: Final = (Coding.GZIP,)
_BOTH: Final = (Coding.BROTLI, Coding.GZIP)


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
    denser: bytes | None = None
    """The body in brotli, see `pack_for_good`."""
    etag: str = field(init=False, repr=False)
    """Names these very bytes."""

    def __post_init__(self) -> None:
        tag = f'"{hashlib.sha256(self.body).hexdigest()[:32]}"'
        object.__setattr__(self, "etag", tag)

    @property
    def size(self) -> int:
        """Return how many bytes are kept."""
        return len(self.body) + len(self.packed or b"") + len(self.denser or b"")

    @property
    def codings(self) -> tuple[Coding, ...]:
        """Return in which ways it is compressed, the smallest first."""
        if self.packed is None:
            return ()
        return _GZIP_ALONE if self.denser is None else _BOTH

    def encode(self, coding: Coding | None) -> bytes | None:
        """Return the bytes in one of these ways, None: as they are."""
        return {None: self.body, Coding.GZIP: self.packed, Coding.BROTLI: self.denser}[coding]

    def tag(self, coding: Coding | None) -> str:
        """Return the tag that names these bytes: another representation has another (RFC 9110 §8.8.3)."""
        return self.etag if coding is None else f'{self.etag[:-1]}-{coding}"'


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


def pack_for_good(ready: Ready) -> Ready:
    """Return an answer that stays as long as the process, as small as it gets; takes seconds for a megabyte.

    WebAssembly is left at gzip: brotli saves a fifth of it, for three seconds of every start.
    """
    packed = pack(ready, level=9)
    if packed.packed is None or ready.media_type == "application/wasm":
        return packed
    denser: bytes = brotli.compress(ready.body)
    return replace(packed, denser=denser) if len(denser) < len(packed.packed) else packed


def respond(
    ready: Ready, request: Request, *, vary: str | None = None, more: Mapping[str, str] | None = None
) -> Response:
    """Return the response for an answer: 304 where the client has these very bytes.

    Args:
        ready: the answer; sent compressed as the client likes best of what there is.
        request: what was asked.
        vary: headers by which the answer was chosen, beside `Accept-Encoding`.
        more: further headers.
    """
    coding = choose_coding(request.headers.get("accept-encoding", ""), ready.codings)
    headers = {**(more or {}), "ETag": ready.tag(coding), "Cache-Control": ready.cache_control}
    varies = [vary, None if ready.packed is None else "Accept-Encoding"]
    if any(varies):
        headers["Vary"] = ", ".join(name for name in varies if name is not None)
    if ready.status is HTTPStatus.OK and _is_known(request.headers.get("if-none-match", ""), headers["ETag"]):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    if ready.language is not None:
        headers["Content-Language"] = ready.language
    if ready.file_name is not None:
        headers["Content-Disposition"] = f'attachment; filename="{ready.file_name}"'
    if coding is not None:
        headers["Content-Encoding"] = coding
    return Response(ready.encode(coding), ready.status, headers, ready.media_type)


@dataclass(frozen=True, slots=True)
class _Kept:
    ready: Ready
    turn: int
    """How often the log had moved when it was computed."""
    is_proof: bool


class ReadyAnswers:
    """Keeps answers that were asked for last. Safe to share between threads."""

    def __init__(
        self,
        look: Callable[[], Hashable],
        monotonic: Callable[[], float],
        count_withheld: Callable[[], int] = lambda: 0,
    ) -> None:
        """Start with nothing.

        Args:
            look: returns what every answer depends on; may be slow, and may raise what it likes.
            monotonic: returns a time in seconds that never runs back.
            count_withheld: returns how many documents the law withholds; where that changes, no proof is kept.
        """
        self._look = look
        self._monotonic = monotonic
        self._count_withheld = count_withheld
        self._answers: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._bytes = 0
        self._state: Hashable = None
        self._withheld = 0
        self._turn = 0
        self._look_at = float("-inf")
        self._retry_at = float("-inf")
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
            kept = self._answers.get(key)
            if kept is None or kept.turn != self._turn:
                return None
            self._answers.move_to_end(key)
            return kept.ready

    def fill(self, key: Hashable, compute: Callable[[], Ready]) -> Ready:
        """Return the answer, computed anew unless another thread has just done it.

        An answer that says `no-store` is not kept here either. It is compressed here, once.

        Raises:
            LedgerError: as `look` and `compute` do; nothing is kept then.
        """
        return self._fill(key, compute, is_proof=False)

    def fill_proof(self, key: Hashable, compute: Callable[[], Ready]) -> Ready:
        """Return a published file as `fill` does, or the one of before where the store is out of reach.

        Raises:
            LedgerError: as `look` and `compute` do; nothing is kept then.
        """
        try:
            return self._fill(key, compute, is_proof=True)
        except UnavailableError:
            with self._changing:
                kept = self._answers.get(key)
            if kept is None:
                raise
            return kept.ready
        except LedgerError:
            with self._changing:
                self._drop(key)
            raise

    def _fill(self, key: Hashable, compute: Callable[[], Ready], *, is_proof: bool) -> Ready:
        turn = self._refresh()
        ready = self.recall(key) or pack(compute())
        with self._changing:
            if turn == self._turn and ready.cache_control != NO_STORE:
                self._keep(key, _Kept(ready, turn, is_proof))
        return ready

    def _keep(self, key: Hashable, kept: _Kept) -> None:
        self._drop(key)
        self._answers[key] = kept
        self._bytes += kept.ready.size
        while len(self._answers) > MOST or (self._bytes > MOST_BYTES and len(self._answers) > 1):
            self._drop(next(iter(self._answers)))

    def _drop(self, key: Hashable) -> None:
        dropped = self._answers.pop(key, None)
        self._bytes -= 0 if dropped is None else dropped.ready.size

    def _refresh(self) -> int:
        """Look at the log if it is time to; return how often it has moved.

        Who comes while nobody can look is told so at once, and does not wait for the store once more.
        """
        with self._looking:
            if self._monotonic() < self._retry_at:
                raise UnavailableError("the store was out of reach a moment ago")
            if self._monotonic() >= self._look_at:
                try:
                    state, withheld = self._look(), self._count_withheld()
                except UnavailableError:
                    self._retry_at = self._monotonic() + LOOK_SECONDS
                    raise
                self._turn_to(state, withheld)
                self._look_at = self._monotonic() + LOOK_SECONDS
            return self._turn

    def _turn_to(self, state: Hashable, withheld: int) -> None:
        with self._changing:
            if (state, withheld) == (self._state, self._withheld):
                return
            stays = withheld == self._withheld
            for key in [key for key, kept in self._answers.items() if not (stays and kept.is_proof)]:
                self._drop(key)
            self._state, self._withheld = state, withheld
            self._turn += 1


def _is_known(header: str, etag: str) -> bool:
    """Return whether `If-None-Match` names these bytes (RFC 9110 §13.1.2)."""
    tags = (tag.strip().removeprefix("W/") for tag in header.split(","))
    return any(tag in {etag, "*"} for tag in tags)
