"""Opens what takes reports at a site, where its home says who takes them.

>>> with open_intake(home, store, prover) as intake:
...     None if intake is None else intake.make_code()
"""

import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Final

import structlog

from api.background import Background
from api.reports.deadlines import load_deadlines
from api.reports.directory import Directory, read_takers
from api.reports.floods import ScanTokens
from api.reports.intake import Intake
from api.reports.store import ReportStore
from ledger.core.errors import LedgerError, UnavailableError
from ledger.home import Home
from ledger.local import read_clock
from ledger.proving import ProofStore, Prover
from ledger.store.engine import Database

LOOP_SECONDS: Final = 600.0
RETRY_SECONDS: Final = 5.0
"""Until the next try after a failure; then twice as long each time."""

_LOG: Final = structlog.get_logger(__name__)


@contextmanager
def open_intake(home: Home, store: ProofStore, prover: Prover) -> Iterator[Intake | None]:
    """Open the database of reports, and tidy it, for as long as the block; None: nobody takes reports here.

    A database that is out of reach keeps nobody from verdicts: reports are taken from when it is back.

    Raises:
        StateError: the database holds something else.
    """
    if not home.settings.reports:
        yield None
        return
    with closing(Database(home.reports_database_url)) as database:
        intake = Intake(
            open_reports(database, home.origin),
            Directory(store, prover, read_takers(home.settings.reports)),
            ScanTokens(secrets.token_bytes(32)),
            load_deadlines(),
            read_clock,
            secrets.token_bytes,
            home.zone,
            home.settings.report_days,
        )
        with _Tidying(intake):
            yield intake


def open_reports(database: Database, origin: str) -> ReportStore:
    """Return the store of a site's reports; out of reach, it is used from when it is back.

    Raises:
        StateError: the database holds something else.
    """
    store = ReportStore(database, origin)
    try:
        store.prepare()
    except UnavailableError as err:
        _LOG.warning("no reports are taken until their database is back", error=str(err))
    return store


class _Tidying(Background):
    """One thread that empties and forgets while reports are taken."""

    def __init__(self, intake: Intake) -> None:
        super().__init__("tidying of reports")
        self._intake = intake

    def _run(self) -> None:
        seconds, retry = 0.0, RETRY_SECONDS
        while not self._stopping.wait(seconds):
            try:
                emptied, forgotten = self._intake.tidy()
            except LedgerError as err:
                seconds, retry = retry, min(2 * retry, LOOP_SECONDS)
                _LOG.warning("reports are not tidied; tried again", error=str(err), seconds=seconds)
                continue
            if emptied or forgotten:
                _LOG.info("reports tidied", emptied=emptied, forgotten=forgotten)
            seconds, retry = LOOP_SECONDS, RETRY_SECONDS
