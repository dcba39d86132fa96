"""After the issue: what an institution says of a certificate of its own, or of a lot, by an act in the log.

Nothing is ever edited. An act is signed and stored before it is handed in, and stays stored with what the log
said: killed at any moment, the same request goes on with the same bytes, and gives the same answer afterwards.

    SIGNED --acknowledged--> LOGGED
    SIGNED --refused, final--> VOIDED, with the reason
    SIGNED --refused, stale version or key--> signed again: the instrument's newest version, the desk's present key
    SIGNED --no answer, or not now--> SIGNED: handed in by the next request about this certificate

>>> amender.amend(Amendment(EventType.WITHDRAW, number, ReasonCode.WRONG_RESULT, None)).leaf_index
12
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol

from issuer.delivery import MAX_ATTEMPTS, to_milliseconds
from issuer.gateway import Acknowledged, Answer, RefusalKind
from issuer.signing import Randomness, Seal
from issuer.store import DeskStore, StoredAct
from issuer.tables import DocumentState
from ledger.core.act import Act, ReasonCode, encode_act, parse_act
from ledger.core.errors import (
    InputError,
    LogIntegrityError,
    MalformedDocumentError,
    StateError,
    UnavailableError,
)
from ledger.core.event import EventType
from ledger.core.fold_documents import ON_INSTRUMENTS, SUPPLEMENTED, TRANSITIONS
from ledger.core.ids import CertificateNumber, Digest, InstitutionId, Subject
from ledger.core.statement import ActClaims, IssueClaims, Statement, parse_signed_statement, sign_statement
from ledger.core.status import SubjectState

_EVENT_ID_BYTES: Final = 8


class ActLog(Protocol):
    """One log, as whoever amends sees it; durable and idempotent as `gateway.LedgerGateway` says."""

    def submit(self, entries: Sequence[tuple[bytes, bytes | None]]) -> Sequence[Answer]:
        """Hand in statements, acts without a certificate; one answer for each."""
        ...

    def find_states(self, subjects: Sequence[Subject]) -> Mapping[Subject, SubjectState]:
        """Return the newest states of those subjects that have one."""
        ...


@dataclass(frozen=True, slots=True)
class Amendment:
    """What is asked for."""

    event_type: EventType
    """One of `INSTITUTION_ACTS`."""
    number: CertificateNumber
    reason: ReasonCode
    effective_at: datetime | None
    """Aware UTC, whole milliseconds; None: from now on."""
    document: Digest | None = None
    """Of a supplement: SHA-256 of its bytes."""

    def is_that_of(self, stored: StoredAct) -> bool:
        """Tell whether a stored act is what is asked for."""
        act = read_act(stored.statement)
        since = self.effective_at or act.effective_at
        found = stored.type, act.reason, act.effective_at, act.document
        return found == (self.event_type, self.reason, since, self.document)


class Amender:
    """Acts for one institution. One process at a time works on one store."""

    def __init__(
        self,
        store: DeskStore,
        log: ActLog,
        make_seal: Callable[[], Seal],
        clock: Callable[[], datetime],
        randomness: Randomness,
    ) -> None:
        """Take what signing, storing and handing in need.

        Args:
            store: of the desk that issued the certificates.
            log: where they are.
            make_seal: returns who signs.
            clock: returns the time, aware UTC.
            randomness: source of event ids.
        """
        self._store = store
        self._log = log
        self._make_seal = make_seal
        self._clock = clock
        self._randomness = randomness

    def amend(self, asked: Amendment) -> StoredAct:
        """Take an act; the same request again is answered with what is in the log already.

        Raises:
            NotFoundError: the desk has no such certificate.
            StateError: the log has it not, it cannot be done now, or the log refuses it; with the reason.
            UnavailableError: the log is out of reach, or does not take the act now: ask the same again.
        """
        act = self._draft(asked)
        known = self._finish(asked.number)
        certificate, instrument = self._find_states(act)
        newest = (instrument if asked.event_type in ON_INSTRUMENTS else certificate).last_event
        if known is not None and known.leaf_index == newest and asked.is_that_of(known):
            return known
        _check_status(asked, certificate, instrument)
        done = self._deliver(self._sign(asked.event_type, act, instrument.version))
        if done.state is not DocumentState.LOGGED:
            raise StateError(f"the ledger refuses this: {done.reason}")
        return done

    def _draft(self, asked: Amendment) -> Act:
        now = self._clock()
        check_not_later(asked.effective_at, now)
        with self._store.read() as desk:
            statement = parse_signed_statement(desk.fetch(asked.number).statement).statement
        if not isinstance(statement.claims, IssueClaims):
            raise LogIntegrityError(f"the desk holds something else than an issue under {asked.number}")
        return Act(
            issuer=InstitutionId(statement.issuer),
            number=asked.number,
            instrument_id=statement.claims.instrument_id,
            part=statement.claims.part,
            reason=asked.reason,
            effective_at=asked.effective_at or cut_to_milliseconds(now),
            document=asked.document,
        )

    def _finish(self, number: CertificateNumber) -> StoredAct | None:
        """Return the newest act on a certificate, handed in by now."""
        with self._store.read() as desk:
            known = desk.find_newest_act(number)
        waits = known is not None and known.state is DocumentState.SIGNED
        return self._deliver(known) if known is not None and waits else known

    def _find_states(self, act: Act) -> tuple[SubjectState, SubjectState]:
        """Return the newest states of certificate and instrument."""
        states = self._log.find_states([act.certificate, act.subject])
        if act.certificate not in states or act.subject not in states:
            raise StateError(f"certificate {act.number} is not in the ledger")
        return states[act.certificate], states[act.subject]

    def _sign(self, event_type: EventType, act: Act, version: int) -> StoredAct:
        event_id = self._randomness(_EVENT_ID_BYTES)
        raw = sign_act(event_type, ActClaims(event_id, encode_act(act)), version, self._make_seal())
        with self._store.write() as desk:
            return desk.add_act(act.number, event_type, raw, to_milliseconds(self._clock()))

    def _deliver(self, stored: StoredAct) -> StoredAct:
        """Hand an act in until the log has it, or refuses it for good; store which."""
        for _ in range(MAX_ATTEMPTS):
            (answer,) = self._log.submit([(stored.statement, None)])
            if isinstance(answer, Acknowledged):
                return self._save(replace(stored, state=DocumentState.LOGGED, leaf_index=answer.index))
            if answer.kind is RefusalKind.NOT_NOW:
                raise UnavailableError(f"the ledger does not take this now: {answer.reason}")
            if answer.kind is RefusalKind.KEY and not self._has_other_key(stored.statement):
                raise StateError(
                    f"the ledger refuses this: {answer.reason}; it waits until --key names another"
                )
            if answer.kind is RefusalKind.FINAL:
                return self._save(replace(stored, state=DocumentState.VOIDED, reason=answer.reason))
            stored = self._save(replace(stored, statement=self._renew(stored.statement)))
        raise UnavailableError("the instrument changed again and again")

    def _has_other_key(self, raw: bytes) -> bool:
        """Return whether the desk's present key is not the one that signed this act."""
        return parse_signed_statement(raw).key_id != self._make_seal().signer.public_key.key_id

    def _renew(self, raw: bytes) -> bytes:
        """Return the same act for the instrument's newest version."""
        statement, act = parse_signed_statement(raw).statement, read_act(raw)
        version = self._find_states(act)[1].version
        return sign_act(statement.type, _require_act(statement), version, self._make_seal())

    def _save(self, stored: StoredAct) -> StoredAct:
        with self._store.write() as desk:
            desk.save_act(stored, to_milliseconds(self._clock()))
        return stored


def sign_act(event_type: EventType, claims: ActClaims, expected_version: int, seal: Seal) -> bytes:
    """Return the signed statement of an institution's act."""
    statement = Statement(event_type, seal.institution, claims, expected_version)
    return sign_statement(statement, seal.signer, seal.origin)


def read_act(raw: bytes) -> Act:
    """Return what the statement of an act says.

    Raises:
        InputError: not such a statement.
    """
    return parse_act(_require_act(parse_signed_statement(raw).statement).content)


def _require_act(statement: Statement) -> ActClaims:
    if not isinstance(statement.claims, ActClaims):
        raise MalformedDocumentError("not an act", field="statement.type")
    return statement.claims


def _check_status(asked: Amendment, certificate: SubjectState, instrument: SubjectState) -> None:
    event_type, status = asked.event_type, certificate.status
    if event_type in ON_INSTRUMENTS:
        if instrument.current_certificate != certificate.current_certificate:
            raise StateError(f"certificate {asked.number} is not the newest of its instrument")
        return
    transition = TRANSITIONS.get(event_type)
    if transition is not None and status is transition.after:
        raise StateError(f"certificate {asked.number} is {status.name} already")
    if status not in (SUPPLEMENTED if transition is None else transition.before):
        raise StateError(f"certificate {asked.number} is {status.name}; that cannot be done any more")


def check_not_later(effective_at: datetime | None, now: datetime) -> None:
    """Refuse what is to hold from a later time on.

    Raises:
        InputError: it lies in the future.
    """
    if effective_at is not None and effective_at > now:
        raise InputError("is in the future", field="effective_at", zh="不能晚于现在")


def cut_to_milliseconds(instant: datetime) -> datetime:
    """Return an instant as contents can hold it."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)
