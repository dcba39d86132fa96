"""Re-reads the sign-off: drafts stand where their history leads, and what was signed is what is kept.

    history      every action is a step of `states`; the draft's row is where the last one leads
    bytes        revisions can be read, proofs hold over what was fixed, a document has its draft's record
    numbers      given once; void with a reason, or held by one draft, or of one document
    approvals    an approved draft has its document, was in a batch of its approver, was opened if drawn

>>> check_signoff(connection, InstitutionId("350100-01"), on_progress)
1037
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NoReturn
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from issuer.drafting import REQUEST_DOMAIN
from issuer.personal import ERASED
from issuer.row_check import OnProgress
from issuer.signoff.freezing import Frozen, build_unsigned
from issuer.signoff.sampling import SEED_BYTES, draw_sample
from issuer.signoff.states import FROZEN, NEEDS_REASON, STEPS, Action, DraftState
from issuer.signoff.store import RevisionKey, SignOffReading, StoredDraft, Submission
from issuer.signoff.whole import (
    KeptAction,
    KeptSignature,
    WholeDraft,
    list_erased,
    list_kept_batches,
    list_strays,
    list_voided_rows,
    list_whole_drafts,
)
from issuer.store import StoredAct, StoredDocument
from ledger.core.canonical import (
    JsonObject,
    JsonValue,
    as_object,
    encode_canonical_json,
    parse_canonical_json,
)
from ledger.core.data_integrity import parse_proof, verify_proof
from ledger.core.errors import DamagedRowError, InputError, VerificationError
from ledger.core.event import EventType
from ledger.core.ids import CertificateNumber, InstitutionId
from ledger.core.record import Role
from ledger.core.signature import parse_multikey

_CHUNK: Final = 256
_DRAFTS: Final = "desk_drafts"
_NEW_REVISION: Final = frozenset({Action.EDIT, Action.RETURN})
_OPERATORS: Final = frozenset({Action.CREATE, Action.EDIT, Action.SUBMIT, Action.DISCARD})
_SIGNERS: Final[Mapping[DraftState, tuple[Role, ...]]] = {
    DraftState.SUBMITTED: (Role.OPERATOR,),
    DraftState.CHECKED: (Role.OPERATOR, Role.CHECKER),
    DraftState.APPROVED: (Role.OPERATOR, Role.CHECKER, Role.APPROVER),
}
_ORDER: Final = (Role.OPERATOR, Role.CHECKER, Role.APPROVER)
_ANY_ZONE: Final = ZoneInfo("UTC")
"""Days are written into a record only where nobody signs with a key, see `freezing`."""


def check_signoff(connection: Connection, institution: InstitutionId, on_progress: OnProgress) -> int:
    """Compare every draft with its history, its signatures and its document; return how many there are.

    Raises:
        DamagedRowError: the first row that cannot be.
    """
    position, ids = 0, list[int]()
    while chunk := list_whole_drafts(connection, position, _CHUNK):
        reading = SignOffReading(connection)
        numbers = [one.number for whole in chunk for one in whole.submissions.values()]
        documents = reading.find_documents(numbers) if numbers else {}
        for whole in chunk:
            _check_draft(whole, institution, documents)
            _check_issued(whole, reading, documents)
        ids += [whole.draft.id for whole in chunk]
        position = ids[-1]
        on_progress(len(ids))
    _check_strays(connection, ids)
    _check_applications(connection)
    _check_voided(connection)
    _check_batches(connection)
    _check_requests(connection)
    return len(ids)


def _check_draft(
    whole: WholeDraft, institution: InstitutionId, documents: Mapping[CertificateNumber, StoredDocument]
) -> None:
    _check_history(whole)
    _check_contents(whole, institution)
    for revision, submission in sorted(whole.submissions.items()):
        _check_submission(whole, revision, submission)
    _check_standing(whole)
    _check_numbers(whole, documents)


# --- history and contents -----------------------------------------------------------------------------------


def _check_history(whole: WholeDraft) -> None:
    draft, state, revision = whole.draft, None, 0
    for place, done in enumerate(whole.actions, 1):
        if done.sequence != place:
            _refuse("desk_actions", f"draft {draft.id}, sequence {place}", "", "there", "one is missing")
        state, revision = _follow(draft, done, state, revision)
    if state is None:
        _refuse("desk_actions", f"draft {draft.id}", "", "a draft's creation")
    if draft.sequence != len(whole.actions):
        _refuse_draft(draft, "sequence", str(len(whole.actions)), "so many things were done to it")
    if draft.state is not state:
        _refuse_draft(draft, "state", state.value, "its history leads there")
    if draft.revision != revision:
        _refuse_draft(draft, "revision", str(revision), "its history leads there")


def _follow(
    draft: StoredDraft, done: KeptAction, state: DraftState | None, revision: int
) -> tuple[DraftState, int]:
    """Return state and revision after an action."""
    key = f"draft {draft.id}, sequence {done.sequence}"
    action = Action(done.action)
    if (state is None) != (action is Action.CREATE):
        _refuse("desk_actions", key, "action", "the creation, once, at the beginning")
    after = DraftState.DRAFT
    if state is not None:
        step = STEPS.get((state, action))
        if step is None:
            reason = f"the step {action.value!r} is not open for it"
            _refuse("desk_actions", key, "action", f"a step of a draft that is {state.value}", reason)
        after = step.after
    if action in NEEDS_REASON and not (done.reason or "").strip():
        _refuse("desk_actions", key, "reason", "why it was returned or given up")
    if action in _OPERATORS and done.person != draft.people.operator:
        _refuse("desk_actions", key, "person", draft.people.operator, "its operator alone does this")
    grown = revision + 1 if action is Action.CREATE or action in _NEW_REVISION else revision
    if done.revision != grown:
        _refuse("desk_actions", key, "revision", str(grown))
    return after, grown


def _check_contents(whole: WholeDraft, institution: InstitutionId) -> None:
    draft = whole.draft
    for revision in range(1, draft.revision + 1):
        key = f"draft {draft.id}, revision {revision}"
        if revision not in whole.contents:
            _refuse("desk_revisions", key, "", "there")
        content = _read(whole.contents[revision], "desk_revisions", key, "content")
        if content.get("request_id") != draft.request_id:
            _refuse("desk_revisions", key, "content", f"that of the request {draft.request_id}")
    if whole.is_erased:
        return  # its digest is of what nobody may know any more
    first = as_object(parse_canonical_json(whole.contents[1]))
    if draft.request_id == draft.content_digest.hex():
        first = {name: value for name, value in first.items() if name != "request_id"}
    parts = (institution.encode(), draft.people.operator.encode(), encode_canonical_json(first))
    if hashlib.sha256(REQUEST_DOMAIN + b"\x00".join(parts)).digest() != draft.content_digest:
        key = f"draft {draft.id}, revision 1"
        _refuse("desk_revisions", key, "content", "bytes of the digest that its draft was made with")


# --- signatures ---------------------------------------------------------------------------------------------


def _check_submission(whole: WholeDraft, revision: int, submission: Submission) -> None:
    draft, key = whole.draft, f"draft {whole.draft.id}, revision {revision}"
    acts = [done.action for done in whole.actions if done.revision == revision]
    if Action.SUBMIT not in acts:
        _refuse("desk_submissions", key, "", "absent", "nobody has submitted this revision")
    record = _read(submission.record, "desk_submissions", key, "record")
    if record.get("no") != submission.number:
        _refuse("desk_submissions", key, "number", str(record.get("no")), "the record says so")
    kept = whole.signatures.get(revision, ())
    roles = {one.role for one in kept}
    if Role.OPERATOR.value not in roles:
        _refuse("desk_signatures", f"{key}, role operator", "", "there", "the draft was submitted")
    named = {str(one.get("role")): one for one in _list_persons(record)}
    if not roles <= named.keys():
        _refuse("desk_signatures", key, "role", "one that the record names")
    for one in sorted(kept, key=lambda each: _ORDER.index(Role(each.role))):
        _check_signature(draft, submission, kept, one, named[one.role])


def _check_signature(
    draft: StoredDraft,
    submission: Submission,
    kept: Sequence[KeptSignature],
    one: KeptSignature,
    named: JsonObject,
) -> None:
    """Check that a signature is of the person whom the record names, and holds over what was fixed."""
    key = f"draft {draft.id}, revision {submission.key.revision}, role {one.role}"
    if named.get("pid") != one.person:
        _refuse("desk_signatures", key, "person", str(named.get("pid")), "the record says so")
    if ("key" in named) != (one.proof is not None):
        wanted = "a proof" if "key" in named else "absent"
        _refuse("desk_signatures", key, "proof", wanted, "the record says who signs with a key")
    if one.proof is None:
        return
    until = _ORDER[: _ORDER.index(Role(one.role)) + 1]
    times = {
        Role(each.role): datetime.fromtimestamp(each.signed_at_ms // 1000, UTC)
        for each in kept
        if Role(each.role) in until
    }
    frozen = Frozen(submission.number, submission.issuer_did, submission.record, submission.disclosure)
    try:
        proof = parse_proof(parse_canonical_json(one.proof))
        verify_proof(build_unsigned(frozen, times, _ANY_ZONE), proof, parse_multikey(str(named["key"])))
    except (InputError, VerificationError) as err:
        wanted = "that person's signature over the record that is kept"
        _refuse("desk_signatures", key, "proof", wanted, str(err))


def _check_standing(whole: WholeDraft) -> None:
    """Check that a draft has the submission, the people and the signatures of where it stands."""
    draft = whole.draft
    live = whole.submissions.get(draft.revision) if draft.state in FROZEN else None
    if draft.state not in FROZEN:
        return
    if live is None:
        _refuse("desk_submissions", f"draft {draft.id}, revision {draft.revision}", "", "there")
    if draft.number != live.number:
        _refuse_draft(draft, "number", live.number, "that is what was fixed")
    people = {one.role: one.person for one in whole.signatures.get(draft.revision, ())}
    for role in _SIGNERS[draft.state]:
        person = getattr(draft.people, role.value)
        if role.value not in people:
            key = f"draft {draft.id}, revision {draft.revision}, role {role.value}"
            _refuse("desk_signatures", key, "", "there", f"the draft is {draft.state.value}")
        if people[role.value] != person:
            _refuse_draft(draft, role.value, people[role.value], "that person has signed")
    if len(people) != len(_SIGNERS[draft.state]):
        key = f"draft {draft.id}, revision {draft.revision}"
        _refuse(
            "desk_signatures", key, "", f"those of a draft that is {draft.state.value}", "one is too many"
        )


# --- numbers and documents ----------------------------------------------------------------------------------


def _check_numbers(whole: WholeDraft, documents: Mapping[CertificateNumber, StoredDocument]) -> None:
    draft = whole.draft
    reasons = {done.revision - 1: done.reason for done in whole.actions if done.action == Action.RETURN}
    for revision, submission in whole.submissions.items():
        is_live = draft.state in FROZEN and revision == draft.revision
        voided = whole.voided.get(revision)
        key = f"number {submission.number}"
        if is_live and voided is not None:
            _refuse("desk_voided_numbers", key, "", "absent", f"draft {draft.id} holds this number")
        if not is_live and (voided is None or voided.number != submission.number):
            why = f"draft {draft.id} was returned with it"
            _refuse("desk_voided_numbers", key, "", "there", why)
        if voided is not None and voided.reason != reasons.get(revision):
            _refuse("desk_voided_numbers", key, "reason", str(reasons.get(revision)), "its return says so")
        document = documents.get(submission.number)
        is_own = is_live and draft.state is DraftState.APPROVED
        if document is not None and not is_own:
            why = f"draft {draft.id} was given this number"
            _refuse("desk_documents", key, "number", "another one", why)


def _check_issued(
    whole: WholeDraft, reading: SignOffReading, documents: Mapping[CertificateNumber, StoredDocument]
) -> None:
    """Check that an approved draft became the document that says what was signed."""
    draft = whole.draft
    if draft.state is not DraftState.APPROVED or draft.number is None:
        return
    document = documents.get(draft.number)
    if document is None:
        why = f"draft {draft.id} is approved: its document must be here, whatever the log says of it"
        _refuse("desk_documents", f"number {draft.number}", "", "there", why)
    if document.request_id != draft.request_id or document.content_digest != draft.content_digest:
        column = "request_id" if document.request_id != draft.request_id else "content_digest"
        _refuse("desk_documents", f"number {draft.number}", column, f"that of draft {draft.id}")
    certificate = as_object(parse_canonical_json(reading.fetch(draft.number).certificate))
    issued = as_object(certificate["credentialSubject"])
    fixed = as_object(parse_canonical_json(whole.submissions[draft.revision].record))
    if _without_times(issued) != _without_times(fixed):
        why = "the document says something else"
        key = f"draft {draft.id}, revision {draft.revision}"
        _refuse("desk_submissions", key, "record", f"that of the document {draft.number}", why)
    drawn = [one for one in whole.in_batches if one[:2] == (draft.people.approver, draft.revision)]
    seen = (draft.revision, draft.people.approver) in whole.looked_at
    if not any(not in_sample or seen for _, _, in_sample in drawn):
        key = f"draft {draft.id}, revision {draft.revision}"
        if drawn:
            _refuse("desk_openings", key, "", "there", f"{draft.people.approver} approved it from the sample")
        _refuse("desk_batch_members", key, "", "there", f"{draft.people.approver} approved it in a batch")


def _without_times(record: JsonObject) -> JsonObject:
    persons = [{name: one[name] for name in one if name != "signed_at"} for one in _list_persons(record)]
    left = {name: value for name, value in record.items() if name not in {"issued_on", "persons"}}
    return {**left, "persons": list[JsonValue](persons)}


def _check_strays(connection: Connection, ids: list[int]) -> None:
    stray = list_strays(connection, ids)
    if stray is not None:
        table, draft = stray
        _refuse(table, f"draft {draft}", "draft", "one that there is")


def _check_voided(connection: Connection) -> None:
    for row in list_voided_rows(connection):
        key = f"number {row.number}"
        if not row.reason.strip():
            _refuse("desk_voided_numbers", key, "reason", "why it is void")
        kept = SignOffReading(connection).find_submissions([RevisionKey(row.draft, row.revision)])
        if [one.number for one in kept.values()] != [row.number]:
            wanted = "a number that its draft was given"
            _refuse("desk_voided_numbers", key, "number", wanted)


def _check_applications(connection: Connection) -> None:
    is_any_erased = bool(list_erased(connection))
    for application in SignOffReading(connection).list_applications():
        content = _read(application.content, "desk_applications", f"position {application.id}", "content")
        if is_any_erased and content.get("applicant") == ERASED:
            continue
        if hashlib.sha256(application.content).digest() != application.content_digest:
            wanted = "bytes of the digest that it was accepted with"
            _refuse("desk_applications", f"position {application.id}", "content", wanted)


def _check_batches(connection: Connection) -> None:
    for batch in list_kept_batches(connection):
        key = f"position {batch.id}"
        if not batch.approver or not batch.members:
            table = "desk_batch_members" if batch.approver else "desk_batches"
            _refuse(table, f"batch {batch.id}", "", "there")
        if len(batch.seed) != SEED_BYTES:
            _refuse("desk_batches", key, "seed", f"{SEED_BYTES} bytes")
        members = sorted(member.draft for member, _ in batch.members)
        drawn = set(draw_sample(members, batch.seed))
        missing = drawn - {member.draft for member, in_sample in batch.members if in_sample}
        if missing:
            why = "the seed draws it"
            _refuse("desk_batch_members", f"batch {batch.id}, draft {min(missing)}", "in_sample", "1", why)


def _check_requests(connection: Connection) -> None:
    """Check that what was asked was decided by somebody else, and done by an act that the desk has."""
    reading = SignOffReading(connection)
    known = {(str(act.number), int(act.type), act.leaf_index) for act in _list_all_acts(reading)}
    for request in reading.list_requests():
        key = f"position {request.id}"
        if request.decided_by is not None and request.decided_by == request.asked_by:
            _refuse("desk_correction_requests", key, "decided_by", "somebody else than who has asked")
        if request.state == "done" and request.type != EventType.CANCEL:
            done = (str(request.number), request.type, request.leaf_index)
            if done not in known:
                wanted = "the leaf of an act that the desk has"
                _refuse("desk_correction_requests", key, "leaf_index", wanted)


def _list_all_acts(reading: SignOffReading) -> Iterator[StoredAct]:
    position = 0
    while some := reading.list_acts(position, _CHUNK):
        yield from some
        position = some[-1].position


# --- small things -------------------------------------------------------------------------------------------


def _list_persons(record: JsonObject) -> list[JsonObject]:
    persons = record.get("persons")
    return [as_object(one) for one in persons] if isinstance(persons, list) else []


def _read(raw: bytes, table: str, key: str, column: str) -> JsonObject:
    try:
        return as_object(parse_canonical_json(raw))
    except InputError as err:
        raise DamagedRowError(table, key, column, "a canonical JSON object", str(err)) from err


def _refuse_draft(draft: StoredDraft, column: str, expected: str, reason: str) -> NoReturn:
    _refuse(_DRAFTS, f"position {draft.id}", column, expected, reason)


def _refuse(table: str, key: str, column: str, expected: str, reason: str = "") -> NoReturn:
    raise DamagedRowError(table, key, column, expected, reason)
