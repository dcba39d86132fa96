"""Asks contract and witnesses until all answer, where one did not when the ledger was opened, in one thread.

>>> with ComparingLoop(ledger.compare):
...     server.run()
"""

from collections.abc import Callable
from typing import Final

import structlog

from api.background import Background
from ledger.core.errors import LedgerError

SECONDS: Final = 5.0
"""From the first try to the next; then twice as long each time."""

LONGEST_SECONDS: Final = 300.0
"""From one try to the next, where somebody is away for long."""

_LOG = structlog.get_logger(__name__)


class ComparingLoop(Background):
    """One thread that ends with its block, or as soon as the ledger has been compared."""

    def __init__(self, compare: Callable[[], bool], *, seconds: float = SECONDS) -> None:
        """Prepare the thread.

        Args:
            compare: compares the ledger with what others hold of it, and returns whether all have answered.
            seconds: from the first try to the next.
        """
        super().__init__("comparing")
        self._compare = compare
        self._seconds = seconds

    def _run(self) -> None:
        seconds = self._seconds
        while not self._stopping.wait(seconds):
            try:
                if self._compare():
                    return
            except LedgerError as err:
                _LOG.warning("not compared; tried again", error=str(err), seconds=seconds)
            seconds = min(2 * seconds, LONGEST_SECONDS)
