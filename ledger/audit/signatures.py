"""Signatures of statements, verified ahead of the replay by processes beside it.

The replay alone decides which key counts at which leaf. A process beside it only says that a statement verifies
with the key that had this id when it was asked; where the replay wants another key, it verifies by itself.

>>> with SignatureHelp(2, "ledger.example/2026") as help:
...     for leaves, verifiers in help.run_ahead(bundles, registers):
...         for leaf, verify in zip(leaves, verifiers):
...             replay.take(leaf, verify)
"""

import multiprocessing
import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from types import TracebackType
from typing import Final, Self

from ledger.core.entry import HEADER_BYTES
from ledger.core.errors import InputError, LedgerError, UnavailableError, VerificationError
from ledger.core.ids import KeyId, TreeSize
from ledger.core.signature import PublicKey
from ledger.core.statement import SignedStatement, parse_signed_statement, verify_statement
from ledger.core.status import Registers, VerifyStatement

MAX_HELPERS: Final = 2
"""With more, the replay itself is what everybody waits for."""

MANY_LEAVES: Final = 20_000
"""From here on, helpers are worth the time that they take to start."""

_AHEAD: Final = 4
"""Bundles under way for each helper."""

Bundle = tuple[str, tuple[bytes, ...]]
"""Path and leaves."""

_Keys = Mapping[KeyId, PublicKey]
_Waiting = tuple[Bundle, _Keys, "Future[list[bool]] | None"]


def choose_helpers(tree_size: TreeSize) -> int:
    """Return how many processes to start for a log of this size on this machine."""
    return min(MAX_HELPERS, (os.cpu_count() or 1) - 1) if tree_size >= MANY_LEAVES else 0


class SignatureHelp:
    """Processes that verify signatures; leave its block to end them."""

    def __init__(self, helpers: int, origin: str) -> None:
        """Start no process yet.

        Args:
            helpers: how many processes; 0: the replay does all by itself.
            origin: of the log.
        """
        self._helpers = helpers
        self._origin = origin
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(helpers, context) if helpers else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def run_ahead(
        self, bundles: Iterable[Bundle], registers: Registers
    ) -> Iterator[tuple[Bundle, list[VerifyStatement]]]:
        """Yield every bundle with what verifies each of its statements.

        An error of `bundles` is raised when all before it have been yielded.

        Args:
            bundles: in order; some are taken ahead.
            registers: of the replay; it goes on meanwhile.

        Raises:
            UnavailableError: a process has ended.
        """
        waiting: deque[_Waiting | LedgerError] = deque()
        for item in _settle(bundles):
            waiting.append(item if isinstance(item, LedgerError) else self._submit(item, registers))
            if len(waiting) > self._helpers * _AHEAD:
                yield self._wait(waiting.popleft())
        while waiting:
            yield self._wait(waiting.popleft())

    def _submit(self, bundle: Bundle, registers: Registers) -> _Waiting:
        if self._pool is None:
            return bundle, {}, None
        keys = {key_id: known.key for key_id, known in registers.keys.items()}
        try:
            return bundle, keys, self._pool.submit(find_signed, bundle[1], keys, self._origin)
        except BrokenProcessPool as err:
            raise _explain() from err

    def _wait(self, item: _Waiting | LedgerError) -> tuple[Bundle, list[VerifyStatement]]:
        if isinstance(item, LedgerError):
            raise item
        bundle, keys, future = item
        if future is None:
            return bundle, [verify_statement] * len(bundle[1])
        try:
            found = future.result()
        except BrokenProcessPool as err:
            raise _explain() from err
        ahead = partial(_verify_unless_done, keys, self._origin)
        return bundle, [ahead if done else verify_statement for done in found]


def find_signed(leaves: Sequence[bytes], keys: _Keys, origin: str) -> list[bool]:
    """Say of each leaf whether its statement verifies with the key of `keys` that it names."""
    return [_is_signed(leaf[HEADER_BYTES:], keys, origin) for leaf in leaves]


def _is_signed(raw: bytes, keys: _Keys, origin: str) -> bool:
    try:
        signed = parse_signed_statement(raw)
        verify_statement(signed, keys[signed.key_id], origin)
    except (InputError, VerificationError, KeyError):
        return False
    return True


def _verify_unless_done(
    keys: _Keys, verified_origin: str, signed: SignedStatement, key: PublicKey, origin: str
) -> None:
    if keys[signed.key_id] != key or verified_origin != origin:
        verify_statement(signed, key, origin)


def _settle(bundles: Iterable[Bundle]) -> Iterator[Bundle | LedgerError]:
    """Yield the bundles, and the error with which they end, if they do."""
    try:
        yield from bundles
    except LedgerError as err:
        yield err


def _explain() -> UnavailableError:
    return UnavailableError("a process that verifies signatures has ended; try again, or with --workers 0")
