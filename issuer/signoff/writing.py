"""The beginning: applications are accepted, drafts made, edited, looked at, given up.

A draft may be as incomplete as its operator likes; `look` says what is still against it, by the very rules that
the gate will ask. Every change is a new revision; none is overwritten.

>>> application = writer.accept(parse_application(value), "P-0107")
>>> draft = writer.create({"kind": "periodic", …}, "P-0107", application=application.id)
>>> [fault.text for fault in writer.look(content, "P-0107")]
['conclusion: this member is missing']
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from issuer.batch import Row
from issuer.checking import cut
from issuer.drafting import REQUEST_DOMAIN
from issuer.faults import Fault, list_faults
from issuer.personal import ERASED, parse_party
from issuer.signing import ReadyDocument
from issuer.signoff.office import Office, Round, check_first, to_ms
from issuer.signoff.people import compose_value
from issuer.signoff.standing_in import PatientGate, stand_in
from issuer.signoff.states import Action, Assignment, DraftState, require_reason, take_step
from issuer.signoff.store import Application, SignOffWriting, StoredDraft
from ledger.core.canonical import JsonObject, as_object, encode_canonical_json, parse_canonical_json
from ledger.core.encoding import parse_date
from ledger.core.errors import AlreadyIssuedError, InputError, LedgerError, MalformedDocumentError, StateError
from ledger.core.fields import Reader
from ledger.core.ids import CertificateNumber

CHUNK: Final = 256
_NOT_YET: Final = {
    "persons": "the sign-off names the persons: leave it out",
    "issued_on": "the day of the approval, which nobody knows yet: leave it out",
}
_MAX_CONTENT_BYTES: Final = 256 * 1024
_TITLE: Final = ("name", "model", "serial")


def parse_application(value: JsonObject) -> JsonObject:
    """Check what was accepted; return it as it is kept.

    Raises:
        InputError: a member is missing, unknown or wrong.
    """
    reader = Reader(value, "")
    parse_party(reader.members("applicant"), "applicant")
    reader.parse("received_on", parse_date)
    reader.text("what", max_bytes=400)
    reader.opt_text("request_id", max_bytes=64)
    reader.opt_text("note", max_bytes=400)
    reader.finish()
    return value


@dataclass(frozen=True, slots=True)
class Writer:
    """Accepts applications and keeps drafts."""

    office: Office

    def accept(self, value: JsonObject, person: str) -> Application:
        """Accept an application (受理); the same again is the same one.

        Raises:
            InputError: see `parse_application`.
            AlreadyIssuedError: its request id belongs to another one.
            StateError: it was this one, and who made it was erased.
        """
        content = encode_canonical_json(parse_application(value))
        digest = hashlib.sha256(content).digest()
        request_id = str(value.get("request_id") or digest.hex())
        new = Application(0, request_id, digest, content, person, to_ms(self.office.now()))
        with self.office.store.write() as desk:
            known = desk.find_application_request(request_id)
            if known is None:
                return desk.add_application(new)
        if known.content_digest != digest:
            raise AlreadyIssuedError(
                f"{request_id} was accepted with other content, as application {known.id}"
            )
        if known.content != content:
            raise StateError(
                f"this was application {known.id}, whose applicant was erased: give it another request id",
                zh=f"与申请{known.id}相同，其申请人信息已删除：请另设请求编号",
            )
        return known

    def create(
        self,
        contents: Sequence[JsonObject],
        person: str,
        *,
        application: int | None = None,
        corrects: CertificateNumber | None = None,
    ) -> list[StoredDraft]:
        """Make drafts; the same content again is the same draft. All of them, or none.

        Args:
            contents: input documents, as incomplete as they may be.
            person: the operator, who alone edits and submits them.
            application: under which they are made; needed but for corrections.
            corrects: the issued document that they are to correct.

        Raises:
            InputError: outside the JSON profile, too large, or with members that come later.
            AlreadyIssuedError: a request id belongs to a draft with other content.
            NotFoundError: no such application.
        """
        applicant = self._read_applicant(application, corrects)
        values = [{"applicant": applicant, **value} if applicant else value for value in contents]
        people = Assignment(person)
        drafts = [self.begin(value, people, application, corrects) for value in values]
        made: list[StoredDraft] = []
        with self.office.store.write() as desk:
            for chunk in cut(list(zip(drafts, values, strict=True)), CHUNK):
                made += add_unknown(desk, chunk)
            self.office.failpoint("signoff.before_creating")
        return made

    def edit(self, draft: int, value: JsonObject, person: str, *, expected: int | None = None) -> StoredDraft:
        """Give a draft another content; the same content again changes nothing.

        Raises:
            InputError: as `create`.
            StateError: not open, not this person's, or somebody else was first.
            NotFoundError: no such draft.
        """
        with self.office.store.write() as desk:
            known = desk.fetch_draft(draft)
            refused: dict[int, LedgerError] = {}
            check_first(desk, {draft: known}, {} if expected is None else {draft: expected}, refused)
            for err in refused.values():
                raise err
            state = take_step(known.standing, Action.EDIT, person)
            content = _encode(_begin({**value, "request_id": known.request_id}))
            if desk.fetch_contents([known.key])[known.key] == content:
                return known
            changed = replace(
                known,
                state=state,
                revision=known.revision + 1,
                sequence=known.sequence + 1,
                title=_make_title(value),
                changed_at_ms=to_ms(self.office.now()),
            )
            desk.add_contents({changed.key: content})
            desk.save_drafts([changed], Action.EDIT, person)
        return changed

    def discard(self, ids: Sequence[int], person: str, reason: str) -> Round:
        """Give drafts up; they stay readable, and become nothing.

        Raises:
            InputError: no reason.
        """
        why, done = require_reason(reason), Round()
        for chunk in cut(ids, CHUNK):
            with self.office.store.write() as desk:
                known = desk.find_drafts(chunk)
                changed = []
                for draft in known.values():
                    try:
                        state = take_step(draft.standing, Action.DISCARD, person)
                    except StateError as err:
                        done.refused[draft.id] = err
                        continue
                    now_ms = to_ms(self.office.now())
                    changed.append(
                        replace(draft, state=state, sequence=draft.sequence + 1, changed_at_ms=now_ms)
                    )
                desk.save_drafts(changed, Action.DISCARD, person, why)
            done.done += changed
            note_missing(chunk, known, done)
        return done

    def look(self, value: Mapping[str, Any], person: str) -> tuple[list[Fault], ReadyDocument | None]:
        """Return what stands against a content now, and what would be submitted if nothing does.

        Persons that nobody has named yet are not missed.

        Raises:
            UnavailableError: the registers are out of reach.
        """
        office, registers = self.office, self.office.log.registers()
        try:
            content = _begin(dict(value))
        except InputError as err:
            return list_faults(err), None
        composed = compose_value(content, stand_in(Assignment(person)), office, registers)
        gate = PatientGate.of(office.make_gate(registers))
        batch = office.start_check(registers, gate).check_rows([Row(None, composed)])
        ready = batch.documents[0] if batch.documents and not batch.faults else None
        return batch.faults, ready if isinstance(ready, ReadyDocument) else None

    def _read_applicant(
        self, application: int | None, corrects: CertificateNumber | None
    ) -> "JsonObject | None":
        if application is None:
            if corrects is None:
                raise InputError("under which the instrument was accepted is needed", field="application")
            return None
        return self.find_applicant(application)

    def find_applicant(self, application: int) -> JsonObject:
        """Return who has applied.

        Raises:
            NotFoundError: no such application.
            StateError: who it was has been erased.
        """
        with self.office.store.read() as desk:
            found = desk.fetch_application(application)
        applicant = as_object(as_object(parse_canonical_json(found.content))["applicant"])
        if applicant == ERASED:
            raise StateError(
                f"who made application {application} was erased: accept another one",
                zh=f"申请{application}的申请人信息已删除，请另行受理",
            )
        return applicant

    def begin(
        self,
        value: JsonObject,
        people: Assignment,
        application: int | None,
        corrects: CertificateNumber | None = None,
    ) -> StoredDraft:
        """Return a draft that nobody has stored yet.

        Raises:
            InputError: see `create`.
        """
        institution = self.office.profile.institution.encode()
        parts = (institution, people.operator.encode(), _encode(_begin(value)))
        digest = hashlib.sha256(REQUEST_DOMAIN + b"\x00".join(parts)).digest()
        return StoredDraft(
            id=0,
            request_id=str(value.get("request_id") or digest.hex()),
            content_digest=digest,
            application=application,
            corrects=corrects,
            state=DraftState.DRAFT,
            revision=1,
            sequence=1,
            people=people,
            number=None,
            subject=None,
            verified_on=None,
            title=_make_title(value),
            changed_at_ms=to_ms(self.office.now()),
        )


def note_missing(ids: Sequence[int], known: Mapping[int, StoredDraft], done: Round) -> None:
    """Say of ids that no draft has them."""
    for id_ in ids:
        if id_ not in known:
            done.refused[id_] = StateError(f"there is no draft {id_}")


def _begin(value: JsonObject) -> JsonObject:
    """Refuse what no draft may hold."""
    for name, why in _NOT_YET.items():
        if name in value:
            raise MalformedDocumentError(why, field=name)
    if len(_encode(value)) > _MAX_CONTENT_BYTES:
        raise MalformedDocumentError(f"a draft is at most {_MAX_CONTENT_BYTES} bytes")
    if "request_id" in value:
        Reader({"request_id": value["request_id"]}, "").text("request_id", max_bytes=64)
    return value


def _encode(value: JsonObject) -> bytes:
    return encode_canonical_json(value)


def add_unknown(desk: SignOffWriting, chunk: Sequence[tuple[StoredDraft, JsonObject]]) -> list[StoredDraft]:
    """Store those drafts, at most a few hundred, that are not there yet; return all, in order.

    Raises:
        AlreadyIssuedError: a request id belongs to a draft with other content.
    """
    known = desk.find_draft_requests([draft.request_id for draft, _ in chunk])
    fresh: dict[str, tuple[StoredDraft, bytes]] = {}
    for draft, value in chunk:
        there = known.get(draft.request_id) or fresh.get(draft.request_id, (None, b""))[0]
        if there is None:
            content = _encode({**value, "request_id": draft.request_id})
            fresh[draft.request_id] = draft, content
        elif there.content_digest != draft.content_digest:
            raise AlreadyIssuedError(f"{draft.request_id} belongs to a draft with other content")
    added = desk.add_drafts(
        [draft for draft, _ in fresh.values()], [content for _, content in fresh.values()]
    )
    found = known | {draft.request_id: draft for draft in added}
    return [found[draft.request_id] for draft, _ in chunk]


def _make_title(value: Mapping[str, Any]) -> str:
    instrument = value.get("instrument")
    members = instrument if isinstance(instrument, dict) else {}
    texts = [text for name in _TITLE if isinstance(text := members.get(name), str)]
    return " ".join(texts)[:200] or "-"
