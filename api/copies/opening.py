"""Opens the watch over scans at a site, in the database of its reports, where the home says who takes these.

>>> with open_watch(home, intake) as watch:
...     None if watch is None else watch.version
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import structlog

from api.copies.judging import Judging, JudgingLoop
from api.copies.rules import load_numbers
from api.copies.store import ScanStore
from api.copies.watch import Watch
from api.reports.intake import Intake
from api.reports.store import ReportStore
from ledger.core.errors import UnavailableError
from ledger.home import Home
from ledger.local import read_clock

_LOG: Final = structlog.get_logger(__name__)


@contextmanager
def open_watch(home: Home, intake: Intake | None) -> Iterator[Watch | None]:
    """Watch scans for as long as the block; None: nobody takes reports here, so nobody would look at findings.

    A database that is out of reach keeps nobody from verdicts: scans are counted from when it is back.

    Raises:
        StateError: the database holds something else.
    """
    if intake is None:
        yield None
        return
    store = open_scans(intake.store, home.origin)
    watch = Watch(store, intake.directory, intake.tokens, read_clock, secrets.token_bytes)
    with JudgingLoop(Judging(watch, load_numbers(), home.settings.scan_days)):
        yield watch


def open_scans(reports: ReportStore, origin: str) -> ScanStore:
    """Return the store of a site's scans; out of reach, it is used from when it is back.

    Raises:
        StateError: the database holds something else.
    """
    store = ScanStore(reports, origin)
    try:
        store.prepare()
    except UnavailableError as err:
        _LOG.warning("no scans are counted until their database is back", error=str(err))
    return store
