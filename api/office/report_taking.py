"""An authority's office fetches reports, has their digests logged, and tells those who hold a case code.

    site ──fetch──► desk (committed) ──digests──► log (signed, stored, handed in: as decisions are)
    desk ──each step──► site

Every part may be killed in between: the next round goes on where this one ended, nothing is fetched, signed or told
twice.

>>> taking.go_round()
Round(fetched=1, logged=1, told=1)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from api.background import Background
from api.office.report_store import CaseStore
from api.reports.store import ReportStore
from issuer.deciding.decider import Decider
from issuer.deciding.planning import Planned
from issuer.deciding.store import StoredDecision
from issuer.delivery import to_milliseconds
from issuer.signoff.office import OfficeLog
from issuer.tables import DocumentState
from ledger.core.act_content import parse_act_content
from ledger.core.errors import LedgerError, LogIntegrityError, StateError
from ledger.core.event import EventType, report_subject
from ledger.core.ids import Digest, LeafIndex
from ledger.core.report import (
    MOST_REPORTS,
    ReportContent,
    compute_report_digest,
    encode_report_content,
    make_report_content,
)
from ledger.core.signature import Signer
from ledger.core.statement import ActClaims, parse_signed_statement

LOOP_SECONDS: Final = 2.0
PAUSE_SECONDS: Final = 60.0
"""After the log has refused something, which no haste mends."""
_LABEL: Final = "举报、投诉收件"
_LOG: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Round:
    """What one round has brought."""

    fetched: int
    logged: int
    told: int


@dataclass(frozen=True, slots=True)
class ReportTaking:
    """Takes reports for one authority. One at a time goes round."""

    inbox: ReportStore
    """The public site's."""
    cases: CaseStore
    decider: Decider
    log: OfficeLog
    signer: Signer = field(repr=False)
    """Open as long as the office is served: a key that can do as little as possible."""
    clock: Callable[[], datetime]
    busy: Lock = field(repr=False)
    """Held by who signs for this authority."""
    zone: ZoneInfo
    """Calendar dates are dates of this zone."""

    def go_round(self) -> Round:
        """Fetch, log, tell.

        Raises:
            StateError: the log has refused a statement; the reports are at the desk all the same.
            UnavailableError: site, log or a database is out of reach.
            LogIntegrityError: a report is not what its digest says; all others have been taken.
        """
        waiting = self.inbox.list_waiting(self.decider.authority, MOST_REPORTS)
        damaged = [one for one in waiting if compute_report_digest(one.raw) != one.digest]
        whole = [one for one in waiting if one not in damaged]
        fetched = self.cases.add(whole, to_milliseconds(self.clock())) if whole else 0
        told = self._tell()
        with self.busy:
            logged = self._have_logged()
        self.cases.forget(self.clock().astimezone(self.zone).date())
        if damaged:
            raise LogIntegrityError(f"report {damaged[0].case.hex()} is not what its digest says")
        return Round(fetched, logged, told)

    def _tell(self) -> int:
        unsent = self.cases.list_unsent(MOST_REPORTS)
        if unsent:
            self.inbox.answer(self.decider.authority, unsent)
            self.cases.mark_sent(unsent)
        return len(unsent)

    def _have_logged(self) -> int:
        digests = self.cases.list_unlogged(MOST_REPORTS)
        if not digests:
            return 0
        on_the_way: set[Digest] = set()
        for one in self.decider.store.list_waiting(EventType.REPORT_TAKEN):
            self._note(self.decider.hand_in(one.taken_together))
            on_the_way |= set(_read_digests(one))
        states = self.log.find_states([report_subject(digest) for digest in digests])
        known = {
            digest: states[report_subject(digest)].last_event
            for digest in digests
            if report_subject(digest) in states
        }
        self.cases.note_logged(known)
        rest = [digest for digest in digests if digest not in known and digest not in on_the_way]
        return len(known) + (self._sign(rest) if rest else 0)

    def _sign(self, digests: Sequence[Digest]) -> int:
        content = make_report_content(digests, self.clock())
        raw = encode_report_content(content)
        planned = Planned(EventType.REPORT_TAKEN, content.subject, _LABEL, raw, 0)
        return self._note(self.decider.decide([planned], self.signer, "", ""))

    def _note(self, done: Sequence[StoredDecision]) -> int:
        """Note what the log has taken.

        Raises:
            StateError: it has refused something.
        """
        found: dict[Digest, LeafIndex] = {}
        for one in done:
            if one.state is DocumentState.VOIDED:
                raise StateError(f"the log takes no digests of reports: {one.reason}")
            if one.leaf_index is not None:
                found |= dict.fromkeys(_read_digests(one), one.leaf_index)
        self.cases.note_logged(found)
        return len(found)


def _read_digests(one: StoredDecision) -> tuple[Digest, ...]:
    statement = parse_signed_statement(one.statement).statement
    assert isinstance(statement.claims, ActClaims)  # noqa: S101 -- its type is REPORT_TAKEN
    content = parse_act_content(statement.type, statement.claims.content)
    return content.digests if isinstance(content, ReportContent) else ()


class TakingLoop(Background):
    """One thread that goes round while an office is served."""

    def __init__(self, taking: ReportTaking) -> None:
        """Prepare the thread."""
        super().__init__("taking reports")
        self._taking = taking

    def _run(self) -> None:
        wait = 0.0
        while not self._stopping.wait(wait):
            wait = LOOP_SECONDS
            try:
                done = self._taking.go_round()
            except StateError as err:
                wait = PAUSE_SECONDS
                _LOG.error("reports are not logged; tried again", error=str(err), seconds=wait)
            except LedgerError as err:
                _LOG.warning("reports are not taken; tried again", error=str(err), seconds=wait)
            else:
                if done.fetched or done.logged:
                    _LOG.info("reports taken", fetched=done.fetched, logged=done.logged)
