"""Asks the chain until it answers, where it did not when the ledger was opened, in one thread.

>>> with ComparingLoop(ledger.compare):
...     server.run()
"""

from collections.abc import Callable
from typing import Final

import structlog

from api.background import Background
from ledger.core.errors import LedgerError

SECONDS: Final = 5.0
"""From one try to the next."""

_LOG = structlog.get_logger(__name__)


class ComparingLoop(Background):
    """One thread that ends with its block, or as soon as the ledger has been compared."""

    def __init__(self, compare: Callable[[], bool], *, seconds: float = SECONDS) -> None:
        """Prepare the thread.

        Args:
            compare: compares the ledger with the contract, and returns whether that answered.
            seconds: from one try to the next.
        """
        super().__init__("comparing")
        self._compare = compare
        self._seconds = seconds

    def _run(self) -> None:
        while not self._stopping.wait(self._seconds):
            try:
                if self._compare():
                    return
            except LedgerError as err:
                _LOG.warning("not compared; tried again", error=str(err), seconds=self._seconds)
