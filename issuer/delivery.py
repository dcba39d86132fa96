"""From the desk's memory to the log: hand in what waits, and store what the log answers.

    SIGNED --acknowledged--> LOGGED
    SIGNED --refused, final--> VOIDED, with the reason
    SIGNED --refused, stale version--> signed again with the newest version, the certificate unchanged
    SIGNED --refused, key--> sealed anew with the desk's present key, number and record unchanged (decision 0022)
    SIGNED --refused, key, which is the desk's present one--> SIGNED: waits until the desk has another
    SIGNED --no answer, or not now--> SIGNED: asked again by the next run, with the same bytes

A statement is only signed again after the log has refused its bytes as stale, and versions never go back: the
old bytes can never get in later, so no document gets in twice. A document is only sealed anew after the log has
refused its key, and with the version that it had: of the two seals the log takes one at most.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from operator import attrgetter
from typing import Final, TypeAlias

from issuer.gateway import Acknowledged, Answer, LedgerGateway, RefusalKind
from issuer.signing import Seal, renew_issue, seal_anew, sign_issue
from issuer.store import DeskStore, DocumentBytes, WaitingDocument
from ledger.core.errors import LogIntegrityError, MalformedDocumentError, UnavailableError
from ledger.core.ids import CertificateNumber, LeafIndex, Subject
from ledger.core.statement import parse_signed_statement

CHUNK: Final = 256
"""Documents in one transaction and in one call of the log."""

MAX_ATTEMPTS: Final = 5
"""How often a statement is signed again in one run before it is left waiting."""

Failpoint: TypeAlias = Callable[[str], None]
"""Named places where a drill may end the process."""

_Sealed: TypeAlias = tuple[DocumentBytes, int]
"""A document signed again, and the version of its subject that it expects."""


def pass_by(name: str) -> None:
    """Do nothing: the failpoint of everyday use."""
    del name


@dataclass(frozen=True, slots=True)
class _Again:
    """What the log did not take as it was signed."""

    stale: list[WaitingDocument]
    """For another version of the subject."""
    unsealed: list[WaitingDocument]
    """With a key that does not count any more."""


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
        again = _Again([], [])
        for attempt in range(MAX_ATTEMPTS):
            if attempt:
                waiting = self._renew(again)
            again = self._submit(waiting)
            if not again.stale and not again.unsealed:
                return
        left = [*again.stale, *again.unsealed]
        self.held |= {item.number: "the instrument changed again and again" for item in left}

    def _submit(self, waiting: Sequence[WaitingDocument]) -> _Again:
        """Hand in; store the answers; return what has to be signed again."""
        if not waiting or self.outage is not None:
            return _Again([], [])
        try:
            answers = self.log.submit([(item.statement, item.certificate) for item in waiting])
        except UnavailableError as err:
            self.outage = err
            return _Again([], [])
        if len(answers) != len(waiting):
            raise LogIntegrityError(f"the log answered {len(answers)} of {len(waiting)} statements")
        self.failpoint("desk.submitted")
        return self._record(list(zip(waiting, answers, strict=True)))

    def _record(self, answered: Sequence[tuple[WaitingDocument, Answer]]) -> _Again:
        logged: dict[int, LeafIndex] = {}
        void: dict[int, str] = {}
        again = _Again([], [])
        for item, answer in answered:
            if isinstance(answer, Acknowledged):
                logged[item.position] = answer.index
            elif answer.kind is RefusalKind.STALE_VERSION:
                again.stale.append(item)
            elif answer.kind is RefusalKind.KEY and self._has_other_key(item):
                again.unsealed.append(item)
            elif answer.kind is RefusalKind.KEY:
                self.held[item.number] = f"{answer.reason}; it waits until the desk has another seal key"
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
        return again

    def _has_other_key(self, item: WaitingDocument) -> bool:
        """Return whether the desk's present key is not the one that this document was sealed with."""
        return parse_signed_statement(item.statement).key_id != self.make_seal().signer.public_key.key_id

    def _renew(self, again: _Again) -> list[WaitingDocument]:
        """Sign again what the log did not take as it was, and store it; in the order of the first signing."""
        versions = self._choose_versions(again)
        if versions is None:
            return []
        waiting = sorted([*again.stale, *again.unsealed], key=attrgetter("position"))
        seal, renewed, sealed = self.make_seal(), dict[int, WaitingDocument](), dict[int, _Sealed]()
        with self.store.read() as desk:
            stored = {item.position: desk.fetch(item.number) for item in waiting}
        for item in waiting:
            try:
                new = self._sign_again(item, stored[item.position], versions[item.position], seal)
            except MalformedDocumentError as err:  # a person's key is not at hand
                self.held[item.number] = str(err)
                continue
            sealed[item.position] = (new, versions[item.position])
            renewed[item.position] = replace(item, certificate=new.certificate, statement=new.statement)
        with self.store.write() as desk:
            desk.replace_signed(sealed, to_milliseconds(self.clock()))
            self.failpoint("desk.before_renewing")
        self.failpoint("desk.renewed")
        return list(renewed.values())

    def _choose_versions(self, again: _Again) -> dict[int, int] | None:
        """Return versions to expect, by position: the newest for what is stale; None: the log is out of reach."""
        chosen = {
            item.position: parse_signed_statement(item.statement).statement.expected_version
            for item in again.unsealed
        }
        if again.stale:
            versions = dict(self.look_up({item.subject for item in again.stale}))
            if self.outage is not None:
                return None
            for item in again.stale:
                chosen[item.position] = versions.get(item.subject, 0)
                versions[item.subject] = chosen[item.position] + 1
        return chosen

    def _sign_again(
        self, item: WaitingDocument, stored: DocumentBytes, version: int, seal: Seal
    ) -> DocumentBytes:
        """Return a document with another statement, and under another seal if the desk has another key now."""
        if not self._has_other_key(item):
            return replace(stored, statement=renew_issue(item.statement, version, seal))
        new = seal_anew(stored.certificate, stored.disclosure, item.statement, seal)
        return DocumentBytes(new.certificate, sign_issue(new.claims, version, seal), new.disclosure)


def to_milliseconds(moment: datetime) -> int:
    """Return an aware instant as milliseconds since 1970-01-01 UTC."""
    return round(moment.timestamp() * 1000)
