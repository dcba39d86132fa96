"""Corrections of what was issued: asked by one person, decided by another; nothing is edited, ever.

    replacement    a draft prefilled from the issued document, which names it and says what differs
    withdrawal     first, where the result or the instrument is wrong; then a draft that stands for itself
    supplement, suspension, re-verification, opening: by an act of the institution
    cancellation   is the authority's: granting it gives the content that the authority drafts its decision from

Why a wrong result is withdrawn rather than replaced: what is replaced turns amber, and nobody may rely on a wrong
result for a day (decision 0023).

>>> request = corrections.ask(EventType.SUSPEND, number, ReasonCode.FAILED_SPOT_CHECK, "抽查不合格", "P-0107")
>>> corrections.grant(request.id, "P-0003", amender).state
'done'
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from issuer.amending import Amender, Amendment
from issuer.signoff.changes import read_whole_record
from issuer.signoff.office import Office, to_ms
from issuer.signoff.states import require_reason
from issuer.signoff.store import CorrectionRequest, StoredDraft
from issuer.signoff.writing import Writer
from ledger.core.act import ReasonCode
from ledger.core.canonical import JsonObject
from ledger.core.encoding import encode_hex, encode_instant
from ledger.core.errors import InputError, LogIntegrityError, StateError
from ledger.core.event import EventType
from ledger.core.ids import CertificateNumber, Digest
from ledger.core.statement import IssueClaims, parse_signed_statement

REQUESTED: Final = {
    EventType.WITHDRAW: "withdraw",
    EventType.SUSPEND: "suspend",
    EventType.SUPPLEMENT: "supplement",
    EventType.REVERIFY_NEEDED: "reverify",
    EventType.OPENED_FOR_REPAIR: "opened",
    EventType.CANCEL: "cancel",
}
"""What may be asked for, and its word in commands."""

WITHDRAWN_FIRST: Final = frozenset({ReasonCode.WRONG_RESULT, ReasonCode.WRONG_INSTRUMENT})
"""Reasons for which the issued document must not be relied on for another day."""

_NOT_TAKEN_OVER: Final = frozenset(
    {"v", "no", "nonce", "issuer", "issued_on", "persons", "replaces", "doc_type"}
)
"""Members that a new document gets anew."""


@dataclass(frozen=True, slots=True)
class Correction:
    """What was begun to correct a document."""

    draft: StoredDraft
    content: JsonObject
    request: CorrectionRequest | None
    """The withdrawal that comes first, where it does."""


@dataclass(frozen=True, slots=True)
class Corrections:
    """Begins, asks and decides."""

    office: Office

    def begin(self, number: CertificateNumber, reason: ReasonCode, note: str, person: str) -> Correction:
        """Make a draft that corrects an issued document, prefilled from it.

        Args:
            number: of the document.
            reason: why; of a wrong result or instrument, the withdrawal is asked for as well.
            note: what is wrong, one line.
            person: operator of the draft.

        Raises:
            NotFoundError: the desk has no such document.
            InputError: no note.
            AlreadyIssuedError: this person has begun the same and changed it since; go on with that draft.
        """
        why = require_reason(note)
        with self.office.store.read() as desk:
            files = desk.fetch(number)
            drafts = {draft.number: draft for draft in desk.list_drafts() if draft.number is not None}
        content = _prefill(read_whole_record(files.certificate, files.disclosure), reason)
        request = None
        if reason in WITHDRAWN_FIRST:
            request = self.ask(EventType.WITHDRAW, number, reason, why, person)
        else:
            content["replaces"] = {"no": number, "reason": reason.value}
        origin = drafts.get(number)
        application = None if origin is None else origin.application
        (draft,) = Writer(self.office).create([content], person, application=application, corrects=number)
        return Correction(draft, content, request)

    def ask(
        self,
        event_type: EventType,
        number: CertificateNumber,
        reason: ReasonCode,
        note: str,
        person: str,
        document: Digest | None = None,
    ) -> CorrectionRequest:
        """Ask for an act on an issued document; the same as somebody has asked already is that request.

        Raises:
            NotFoundError: the desk has no such document.
            InputError: nothing that is asked for here, no note, or a supplement without its document.
        """
        if event_type not in REQUESTED:
            raise InputError(f"{event_type.name} is not asked for here", field="act")
        if (event_type is EventType.SUPPLEMENT) != (document is not None):
            raise InputError("belongs to a supplement, and to nothing else", field="document")
        request = CorrectionRequest(
            id=0,
            number=number,
            type=int(event_type),
            reason=reason.value,
            note=require_reason(note),
            document=document,
            asked_by=person,
            asked_at_ms=to_ms(self.office.now()),
            state="asked",
        )
        with self.office.store.write() as desk:
            desk.fetch(number)
            for known in desk.list_requests(number):
                same = (known.type, known.reason, known.document) == (request.type, request.reason, document)
                if known.state in {"asked", "granted"} and same:
                    return known
            return desk.add_request(request)

    def refuse(self, request: int, person: str, reason: str) -> CorrectionRequest:
        """Refuse what was asked; the reason is kept.

        Raises:
            StateError: decided already, or by whoever has asked.
            InputError: no reason.
        """
        why = require_reason(reason)
        with self.office.store.write() as desk:
            known = desk.fetch_request(request)
            _require_other(known, person)
            if known.state != "asked":
                raise StateError(_say_decided(known))
            decided = self._decide(known, person, "refused", why)
            desk.save_request(decided)
        return decided

    def grant(self, request: int, person: str, amender: Amender) -> CorrectionRequest:
        """Grant what was asked, and do it; killed in between, the same call goes on.

        Args:
            request: its id.
            person: who decides, somebody else than whoever has asked.
            amender: signs and hands in the institution's acts.

        Raises:
            StateError: refused already, by whoever has asked, or the ledger refuses the act.
            UnavailableError: the ledger is out of reach; ask again.
        """
        with self.office.store.write() as desk:
            known = desk.fetch_request(request)
            _require_other(known, person)
            if known.state == "refused" or (known.state == "granted" and known.decided_by != person):
                raise StateError(_say_decided(known))
            if known.state == "done":
                return known
            if known.state == "asked":
                known = self._decide(known, person, "granted", None)
                desk.save_request(known)
        self.office.failpoint("corrections.granted")
        leaf = None
        if known.type != EventType.CANCEL:
            leaf = self._act(known, amender)
        self.office.failpoint("corrections.acted")
        done = replace(known, state="done", leaf_index=leaf)
        with self.office.store.write() as desk:
            desk.save_request(done)
        return done

    def _act(self, known: CorrectionRequest, amender: Amender) -> int | None:
        """Do what was granted; what the ledger refuses for good is refused here too."""
        since = datetime.fromtimestamp((known.decided_at_ms or 0) // 1000, UTC)
        asked = Amendment(
            EventType(known.type),
            known.number,
            ReasonCode(known.reason),
            since,
            None if known.document is None else Digest(known.document),
        )
        try:
            return amender.amend(asked).leaf_index
        except StateError as err:
            with self.office.store.write() as desk:
                desk.save_request(replace(known, state="refused", answer=str(err)))
            raise

    def _decide(
        self, known: CorrectionRequest, person: str, state: str, answer: str | None
    ) -> CorrectionRequest:
        now_ms = to_ms(self.office.now())
        return replace(known, state=state, decided_by=person, decided_at_ms=now_ms, answer=answer)

    def describe_cancellation(self, request: CorrectionRequest) -> dict[str, Any]:
        """Return the content from which the authority drafts its cancellation; its decision is its own to add.

        Raises:
            LogIntegrityError: the desk's own statement is none of an issue.
        """
        with self.office.store.read() as desk:
            statement = parse_signed_statement(desk.fetch(request.number).statement).statement
        claims = statement.claims
        if not isinstance(claims, IssueClaims):
            raise LogIntegrityError(f"the desk holds something else than an issue under {request.number}")
        since = datetime.fromtimestamp((request.decided_at_ms or request.asked_at_ms) // 1000, UTC)
        part = {} if claims.part is None else {"part": claims.part}
        return {
            "certificate": {"issuer": statement.issuer, "number": request.number},
            "effective_at": encode_instant(since),
            "instrument": encode_hex(claims.instrument_id),
            "reason": request.reason,
            **part,
        }


def _prefill(record: Mapping[str, Any], reason: ReasonCode) -> JsonObject:
    """Return the input document of a correction: all that was said, as it was said."""
    content = {name: value for name, value in record.items() if name not in _NOT_TAKEN_OVER}
    if reason is ReasonCode.WRONG_INSTRUMENT:
        instrument = {name: value for name, value in content["instrument"].items() if name != "id"}
        content["instrument"] = instrument
    return content


def _require_other(known: CorrectionRequest, person: str) -> None:
    if known.asked_by == person:
        raise StateError(f"{person} has asked for this; somebody else decides")


def _say_decided(known: CorrectionRequest) -> str:
    when = encode_instant(datetime.fromtimestamp((known.decided_at_ms or 0) // 1000, UTC))
    word = "refused" if known.state == "refused" else "granted"
    return f"{known.decided_by} was first: {word} request {known.id} at {when}"
