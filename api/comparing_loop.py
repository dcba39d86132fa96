"""Asks the chain until it answers, where it did not when the ledger was opened, in one thread.

>>> with ComparingLoop(ledger.compare):
...     server.run()
"""

from collections.abc import Callable
from threading import Event, Thread
from types import TracebackType
from typing import Final, Self

import structlog

from ledger.core.errors import LedgerError

SECONDS: Final = 5.0
"""From one try to the next."""

_LOG = structlog.get_logger(__name__)


class ComparingLoop:
    """One thread that ends with its block, or as soon as the ledger has been compared."""

    def __init__(self, compare: Callable[[], bool], *, seconds: float = SECONDS) -> None:
        """Prepare the thread.

        Args:
            compare: compares the ledger with the contract, and returns whether that answered.
            seconds: from one try to the next.
        """
        self._compare = compare
        self._seconds = seconds
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="comparing")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._seconds):
            try:
                if self._compare():
                    return
            except LedgerError as err:
                _LOG.warning("not compared; tried again", error=str(err), seconds=self._seconds)
