"""An authority's office fetches what scans suggest, and tells the site what its people made of it.

Nothing of it is sealed or logged: it is about codes, places and hours, and about nobody. Whatever is killed in
between goes on with the next round.

>>> taking.go_round()
CopyRound(fetched=1, told=0)
"""

from dataclasses import dataclass
from typing import Final

import structlog

from api.background import Background
from api.copies.store import ScanStore
from api.office.copy_store import CopyStore
from ledger.core.errors import LedgerError

LOOP_SECONDS: Final = 3.0
PAGE: Final = 200
OVERLAP_MS: Final = 60_000
"""Findings are asked for again from so long before the newest one: commits are not in the order of their times."""
_LOG: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CopyRound:
    """What one round has brought."""

    fetched: int
    told: int


@dataclass(frozen=True, slots=True)
class CopyTaking:
    """Takes notes for one authority. One at a time goes round."""

    inbox: ScanStore
    """The public site's."""
    desk: CopyStore
    authority: str

    def go_round(self) -> CopyRound:
        """Fetch, tell.

        Raises:
            LedgerError: a database is out of reach or damaged.
        """
        since_ms, fetched, offset = self.desk.find_newest_ms() - OVERLAP_MS, 0, 0
        while page := self.inbox.list_renewed(self.authority, since_ms, PAGE, offset):
            fetched += self.desk.take(page)
            offset += len(page)
        return CopyRound(fetched, self._tell())

    def _tell(self) -> int:
        unsent, entered = self.desk.list_unsent(PAGE), self.desk.list_unsent_areas(PAGE)
        if unsent:
            self.inbox.answer(self.authority, unsent)
            self.desk.mark_sent(unsent)
        if entered:
            self.inbox.enter_areas(self.authority, [one.entered for one in entered])
            self.desk.mark_areas_sent(entered)
        return len(unsent) + len(entered)


class CopyLoop(Background):
    """One thread that goes round while an office is served."""

    def __init__(self, taking: CopyTaking) -> None:
        """Prepare the thread."""
        super().__init__("taking notes of scans")
        self._taking = taking
        self._is_away = False

    def _run(self) -> None:
        wait = 0.0
        while not self._stopping.wait(wait):
            wait = LOOP_SECONDS
            try:
                done = self._taking.go_round()
            except LedgerError as err:
                if not self._is_away:
                    _LOG.warning("no notes of scans are taken; tried again", error=str(err), seconds=wait)
                self._is_away = True
            else:
                self._is_away = False
                if done.fetched:
                    _LOG.info("notes of scans taken", fetched=done.fetched)
