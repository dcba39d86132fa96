"""From the desk's memory to the log: hand in what waits, and store what the log answers.

    SIGNED --acknowledged--> LOGGED
    SIGNED --refused, final--> VOIDED, with the reason
    SIGNED --refused, stale version--> signed again with the newest version, the certificate unchanged
    SIGNED --no answer, or not now--> SIGNED: asked again by the next run, with the same bytes

A statement is only signed again after the log has refused its bytes as stale, and versions never go back: the
old bytes can never get in later, so no document gets in twice.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, TypeAlias

from issuer.gateway import Acknowledged, Answer, LedgerGateway, RefusalKind
from issuer.signing import Seal, renew_issue
from issuer.store import DeskStore, WaitingDocument
from ledger.core.errors import LogIntegrityError, UnavailableError
from ledger.core.ids import CertificateNumber, LeafIndex, Subject

CHUNK: Final = 256
"""Documents in one transaction and in one call of the log."""

MAX_ATTEMPTS: Final = 5
"""How often a statement is signed again in one run before it is left waiting."""

Failpoint: TypeAlias = Callable[[str], None]
"""Named places where a drill may end the process."""


def pass_by(name: str) -> None:
    """Do nothing: the failpoint of everyday use."""
    del name


@dataclass(slots=True)
class Delivery:
    """One run of handing in; once the log is out of reach it is not asked again in this run."""

    store: DeskStore
    log: LedgerGateway
    make_seal: Callable[[], Seal]
    clock: Callable[[], datetime]
    failpoint: Failpoint = pass_by
    outage: UnavailableError | None = None
    """Why the log was out of reach, if it was."""
    held: dict[CertificateNumber, str] = field(default_factory=dict)
    """Why the log did not take a document now: it goes on waiting."""

    def look_up(self, subjects: Collection[Subject]) -> Mapping[Subject, int]:
        """Return the newest versions in the log; empty where it is out of reach."""
        if self.outage is None:
            try:
                return self.log.subject_versions(subjects)
            except UnavailableError as err:
                self.outage = err
        return {}

    def deliver_all(self) -> None:
        """Hand in everything that waits, in the order of signing."""
        position = 0
        while self.outage is None:
            with self.store.read() as desk:
                waiting = desk.list_waiting(position, CHUNK)
            if not waiting:
                return
            position = waiting[-1].position
            self.deliver(waiting)

    def deliver(self, waiting: Sequence[WaitingDocument]) -> None:
        """Hand in these documents, at most `CHUNK`, in their order."""
        for attempt in range(MAX_ATTEMPTS):
            if attempt:
                waiting = self._renew(waiting)
            waiting = self._submit(waiting)
            if not waiting:
                return
        self.held |= {item.number: "the instrument changed again and again" for item in waiting}

    def _submit(self, waiting: Sequence[WaitingDocument]) -> list[WaitingDocument]:
        """Hand in; store the answers; return what has to be signed again."""
        if not waiting or self.outage is not None:
            return []
        try:
            answers = self.log.submit([(item.statement, item.certificate) for item in waiting])
        except UnavailableError as err:
            self.outage = err
            return []
        if len(answers) != len(waiting):
            raise LogIntegrityError(f"the log answered {len(answers)} of {len(waiting)} statements")
        self.failpoint("desk.submitted")
        return self._record(list(zip(waiting, answers, strict=True)))

    def _record(self, answered: Sequence[tuple[WaitingDocument, Answer]]) -> list[WaitingDocument]:
        logged: dict[int, LeafIndex] = {}
        void: dict[int, str] = {}
        stale: list[WaitingDocument] = []
        for item, answer in answered:
            if isinstance(answer, Acknowledged):
                logged[item.position] = answer.index
            elif answer.kind is RefusalKind.STALE_VERSION:
                stale.append(item)
            elif answer.kind is RefusalKind.FINAL:
                void[item.position] = answer.reason
            else:
                self.held[item.number] = answer.reason
        now_ms = to_milliseconds(self.clock())
        with self.store.write() as desk:
            desk.mark_logged(logged, now_ms)
            desk.void(void, now_ms)
            self.failpoint("desk.before_recording")
        self.failpoint("desk.recorded")
        return stale

    def _renew(self, stale: Sequence[WaitingDocument]) -> list[WaitingDocument]:
        """Sign statements again with the newest versions, and store them."""
        versions = dict(self.look_up({item.subject for item in stale}))
        if self.outage is not None:
            return []
        seal, renewed, statements = self.make_seal(), list[WaitingDocument](), dict[int, tuple[bytes, int]]()
        for item in stale:
            version = versions.get(item.subject, 0)
            versions[item.subject] = version + 1
            raw = renew_issue(item.statement, version, seal)
            statements[item.position] = (raw, version)
            renewed.append(replace(item, statement=raw))
        with self.store.write() as desk:
            desk.replace_statements(statements, to_milliseconds(self.clock()))
            self.failpoint("desk.before_renewing")
        self.failpoint("desk.renewed")
        return renewed


def to_milliseconds(moment: datetime) -> int:
    """Return an aware instant as milliseconds since 1970-01-01 UTC."""
    return round(moment.timestamp() * 1000)
