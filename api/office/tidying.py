"""Uploads are not kept: what nobody used is deleted after a while, and of what was used only counts stay.

    looked at, or dropped by a person ──► the row is deleted; the digest stays in what happened
    issued, or made drafts of         ──► digest, counts, who and when stay; name, bytes, texts and errors go

Documents and drafts that came of a file are none of this: they are the desk's.

>>> tidy(store, now, timedelta(days=30))
[Tidied(id='i-…', tenant='350100-01', digest=b'…', was_used=False)]
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from api.background import Background
from api.office.import_store import Import, ImportState
from api.office.store import OfficeStore
from ledger.core.errors import LedgerError, StoreUnavailableError
from ledger.core.ids import InstitutionId

CHUNK: Final = 64
"""Files that are tidied in one transaction."""
LOOP_SECONDS: Final = 3600.0
_COUNTS: Final = frozenset(
    {
        *("way", "to_issue", "refused", "refused_by_code", "issued_before", "drafted_before"),
        *("rows", "skipped", "fault_count", "source", "times"),
    }
)
"""Members of a summary that say nothing of what stood in the file."""
_REPORT: Final = frozenset(
    {
        *("documents", "signed", "logged", "voided", "numbers"),
        *("made", "known", "application"),
    }
)
_EMPTY: Final[Mapping[str, Any]] = {"keyed": [], "unnamed": [], "faults": [], "samples": []}
_LOG: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Tidied:
    """A file of which less is kept, or nothing."""

    id: str
    tenant: InstitutionId
    digest: bytes
    """SHA-256 of the file, 32 bytes."""
    was_used: bool
    """Whether its counts stay; else nothing does."""


def keep_counts(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a summary says in numbers."""
    kept = {**_EMPTY, **{name: summary[name] for name in _COUNTS if name in summary}}
    if "report" in summary:
        report = summary["report"]
        empty: dict[str, Any] = {"voided_because": {}, "held": {}, "outage": None, "left": {}}
        kept["report"] = empty | {name: report[name] for name in _REPORT if name in report}
    return kept


def tidy(store: OfficeStore, now: datetime, keep_for: timedelta) -> list[Tidied]:
    """Drop what is older; return what was dropped, of every institution.

    Killed in between, the next call goes on.

    Args:
        store: of the office.
        now: aware UTC.
        keep_for: how long a file is kept since something has happened to it.

    Raises:
        StoreUnavailableError: the office's database is out of reach.
    """
    done: list[Tidied] = []
    while chunk := _tidy_chunk(store, now, keep_for):
        done += chunk
    try:
        store.drop_traces()
    except StoreUnavailableError as err:
        _LOG.warning("what was dropped is in the write-ahead log until the next time", error=str(err))
    return done


def _tidy_chunk(store: OfficeStore, now: datetime, keep_for: timedelta) -> list[Tidied]:
    with store.write() as writing:
        found = writing.imports.list_unchanged(now - keep_for, CHUNK)
        for one in found:
            if one.was_used:
                writing.imports.tidy(_strip(one), now)
            else:
                writing.imports.forget(one)
            writing.note(
                "import-tidied",
                now,
                tenant=one.tenant,
                detail=f"{one.id} sha256:{one.digest.hex()} rows:{one.summary.get('rows', 0)}",
            )
    return [Tidied(one.id, one.tenant, one.digest, one.was_used) for one in found]


def _strip(one: Import) -> Import:
    """Return a file without name, bytes and texts; what others had still to make drafts of is over."""
    state = ImportState.DRAFTED if one.state is ImportState.CHECKED else one.state
    return replace(
        one, file_name="", raw=None, common=None, errors=None, state=state, summary=keep_counts(one.summary)
    )


class TidyingLoop(Background):
    """One thread that tidies while an office is served."""

    def __init__(self, store: OfficeStore, clock: Callable[[], datetime], keep_for: timedelta) -> None:
        """Prepare the thread; see `tidy`."""
        super().__init__("tidying")
        self._store = store
        self._clock = clock
        self._keep_for = keep_for

    def _run(self) -> None:
        while True:
            try:
                done = tidy(self._store, self._clock(), self._keep_for)
            except LedgerError as err:
                _LOG.warning("uploads are not tidied; tried again", error=str(err), seconds=LOOP_SECONDS)
            else:
                if done:
                    used = sum(one.was_used for one in done)
                    _LOG.info("uploads tidied", deleted=len(done) - used, emptied=used)
            if self._stopping.wait(LOOP_SECONDS):
                return
