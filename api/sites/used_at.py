"""At which sites an instrument is used: asked of a search for which verdicts do not wait again and again.

A database that does not answer holds each caller for seconds. So after a failure one caller in half a minute tries
again, and all others are told of no site meanwhile.

>>> UsedAt(search, clock).find(instrument)
[SiteName(keeper='350102-M7', id='M-01')]
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import Final, Protocol

from ledger.core.errors import UnavailableError
from ledger.core.ids import InstrumentId
from ledger.core.site import SiteName

PAUSE: Final = timedelta(seconds=30)


class SiteSearch(Protocol):
    """Says at which sites an instrument is used."""

    def find_sites_of(self, instrument: InstrumentId) -> Sequence[SiteName]:
        """Return the sites in use whose newest entries name an instrument."""
        ...


class UsedAt:
    """Asks the search. Safe to share between threads."""

    def __init__(self, search: SiteSearch | None, clock: Callable[[], datetime]) -> None:
        """Take the search, None: nobody asks; and what returns the time, aware UTC."""
        self._search = search
        self._clock = clock
        self._lock = Lock()
        self._failed_at: datetime | None = None

    def find(self, instrument: InstrumentId) -> Sequence[SiteName]:
        """Return the sites; none while the search is known to be away.

        Raises:
            UnavailableError: it is found to be away now.
        """
        if self._search is None or not self._is_turn():
            return ()
        try:
            found = self._search.find_sites_of(instrument)
        except UnavailableError:
            self._note(self._clock())
            raise
        self._note(None)
        return found

    def _is_turn(self) -> bool:
        """Say whether to ask; who asks after a failure keeps all others from doing so for another pause."""
        now = self._clock()
        with self._lock:
            if self._failed_at is None:
                return True
            if abs(now - self._failed_at) < PAUSE:
                return False
            self._failed_at = now
            return True

    def _note(self, failed_at: datetime | None) -> None:
        with self._lock:
            self._failed_at = failed_at
