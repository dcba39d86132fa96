"""Takes into the search what the log has committed, again and again, in one thread.

A search that is behind says less than there is, never anything that is wrong; verdicts do not wait for it.

>>> with SearchingLoop(search.follow):
...     server.run()
"""

from collections.abc import Callable
from typing import Final

import structlog

from api.background import Background
from ledger.core.errors import LedgerError

SECONDS: Final = 1.0
"""From one look at the log to the next."""

LONGEST_SECONDS: Final = 60.0
"""The same after failures."""

_LOG = structlog.get_logger(__name__)


class SearchingLoop(Background):
    """One thread that ends with its block."""

    def __init__(self, follow: Callable[[Callable[[], bool]], object], *, seconds: float = SECONDS) -> None:
        """Prepare the thread.

        Args:
            follow: takes in what is new; is told how to ask whether to leave off.
            seconds: from one look to the next.
        """
        super().__init__("searching")
        self._follow = follow
        self._seconds = seconds

    def _run(self) -> None:
        wait = 0.0
        while not self._stopping.wait(wait):
            try:
                self._follow(self._stopping.is_set)
                wait = self._seconds
            except LedgerError as err:
                wait = min(max(2 * wait, self._seconds), LONGEST_SECONDS)
                _LOG.warning("the search is behind; tried again", error=str(err), seconds=wait)
