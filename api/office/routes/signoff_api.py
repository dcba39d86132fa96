"""The sign-off for programs, as a LIMS: JSON in and out, problems of RFC 9457, the same request is done once.

A machine accepts applications, makes drafts for an operator, edits and looks; people sign, check, approve, decide.
What changes many drafts answers with what was done and what was refused; of one alone, its refusal is the answer.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from starlette.responses import Response

from api.idempotency import PATTERN
from api.office.call import Call
from api.office.operations import Operation
from api.office.roles import READERS, STAFF, OfficeRole
from api.office.routes.machines import answer_json
from api.office.signing_desk import SigningDesk, read_id
from issuer.rounds.binding import describe_stickers
from issuer.signoff.approving import Approval
from issuer.signoff.correcting import REQUESTED
from issuer.signoff.office import Round
from issuer.signoff.signing_off import Named
from issuer.signoff.states import DraftState
from issuer.signoff.view import (
    describe_application,
    describe_draft,
    describe_faults,
    describe_prospect,
    describe_request,
    describe_round,
    describe_voided,
)
from ledger.core.act import ReasonCode
from ledger.core.canonical import JsonObject, as_object
from ledger.core.errors import InputError, MalformedDocumentError
from ledger.core.fields import Reader
from ledger.core.ids import CertificateNumber, Digest
from ledger.core.record import Role
from ledger.core.step import Sentence

MAX_DRAFTS: Final = 1000
PAGE: Final = 100
_ACTS: Final = {word: event_type for event_type, word in REQUESTED.items()}
_OPERATORS: Final = frozenset({OfficeRole.OPERATOR})
_WRITERS: Final = frozenset({OfficeRole.OPERATOR, OfficeRole.MACHINE})
_CHECKERS: Final = frozenset({OfficeRole.CHECKER})
_APPROVERS: Final = frozenset({OfficeRole.APPROVER})
_LISTERS: Final = READERS | {OfficeRole.MACHINE}
_WHOLE: Final = STAFF | {OfficeRole.AUDITOR, OfficeRole.MACHINE}
MAX_BODY_BYTES: Final = 8 * 1024 * 1024
LONG_BODIES: Final = (
    "/api/drafts",
    "/api/drafts/{draft}",
    "/api/look",
    "/api/desk/submit",
    "/api/desk/check",
    "/api/desk/return",
    "/api/desk/discard",
    "/api/batches",
    "/api/batches/{batch}/approve",
)
"""Paths whose bodies hold documents, or many ids."""
_STATES: Final = {state.value: state for state in DraftState}


def _read(call: Call) -> Reader:
    return Reader(call.read_json(max_bytes=MAX_BODY_BYTES), "")


def read_key(call: Call) -> str | None:
    """Return the Idempotency-Key of a request.

    Raises:
        InputError: not 1 to 60 visible ASCII characters.
    """
    given = call.request.headers.get("idempotency-key")
    if given is None:
        return None
    return Reader({"key": given}, "").text("key", max_bytes=60, pattern=PATTERN)


def _read_ids(reader: Reader, name: str = "drafts", least: int = 1) -> list[int]:
    values = reader.values(name, least=least, most=MAX_DRAFTS)
    ids = [value for value in values if type(value) is int and 0 < value < 2**53]
    if len(ids) != len(values):
        reader.refuse(name, "ids of drafts are whole numbers above 0")
    return ids


def _read_expected(reader: Reader, ids: Sequence[int]) -> dict[int, int]:
    """Return the sequence that was seen of one draft, if it is given."""
    seen = reader.opt_integer("sequence", 1, 2**53)
    if seen is None:
        return {}
    if len(ids) != 1:
        reader.refuse("sequence", "is of one draft")
    return {ids[0]: seen}


def find_operator(call: Call, reader: Reader) -> str:
    """Return for whom a draft is made: the caller, or the operator that a machine names."""
    named = reader.opt_text("operator", max_bytes=40)
    if call.known.pid is not None and OfficeRole.MACHINE not in call.known.roles:
        if named not in {None, call.known.pid}:
            reader.refuse("operator", "is you; leave it out")
        return call.known.pid
    if named is None:
        reader.refuse("operator", "a program names the operator for whom it makes drafts")
    return named


def _answer_round(done: Round, more: "JsonObject | None" = None) -> Response:
    """Answer with what became of drafts; of one alone, with its refusal.

    Raises:
        LedgerError: why the only one was refused.
    """
    if not done.done:
        done.require_one() if len(done.refused) == 1 else None
    return answer_json(describe_round(done) | (more or {}))


# --- applications and drafts --------------------------------------------------------------------------------


def add_application(call: Call) -> Response:
    """Accept an application."""
    value = call.read_json()
    person = value.pop("accepted_by", None) if OfficeRole.MACHINE in call.known.roles else call.known.pid
    if not isinstance(person, str):
        raise MalformedDocumentError("who has accepted it is needed", field="accepted_by")
    key = read_key(call)
    if key is not None:
        value.setdefault("request_id", key)
    signing = SigningDesk(call)
    with signing.alone():
        accepted = signing.writer.accept(value, person)
    return answer_json(describe_application(accepted), HTTPStatus.CREATED)


def list_applications(call: Call) -> Response:
    """List applications beyond an id."""
    after = call.form.whole("after", 0, least=0, most=2**53)
    with SigningDesk(call).office.store.read() as desk:
        found = desk.list_applications(after, PAGE)
    return answer_json({"applications": [describe_application(one) for one in found]})


def add_drafts(call: Call) -> Response:
    """Make drafts; all of them, or none."""
    reader, key = _read(call), read_key(call)
    application = reader.integer("application", 1, 2**53)
    person = find_operator(call, reader)
    values = reader.values("drafts", least=1, most=MAX_DRAFTS)
    reader.finish()
    contents = [as_object(value, f"drafts[{place}]") for place, value in enumerate(values)]
    if key is not None:
        contents = [{"request_id": f"{key}/{place}", **one} for place, one in enumerate(contents)]
    signing = SigningDesk(call)
    with signing.alone():
        made = signing.writer.create(contents, person, application=application)
    return answer_json({"drafts": [describe_draft(one) for one in made]}, HTTPStatus.CREATED)


def list_drafts(call: Call) -> Response:
    """List drafts by state, person and role, beyond an id."""
    state, role = call.form.text("state", most=20), call.form.text("role", most=20)
    if state and state not in _STATES:
        raise InputError(f"is one of {', '.join(_STATES)}", field="state")
    if role and role not in set(Role):
        raise InputError(f"is one of {', '.join(Role)}", field="role")
    with SigningDesk(call).office.store.read() as desk:
        found = desk.list_drafts(
            _STATES.get(state),
            role=Role(role) if role else None,
            person=call.form.text("person", most=40) or None,
            after=call.form.whole("after", 0, least=0, most=2**53),
            limit=PAGE,
        )
    return answer_json({"drafts": [describe_draft(one) for one in found]})


def show_draft(call: Call) -> Response:
    """Show all of a draft."""
    return answer_json(SigningDesk(call).describe(read_id(call.part("draft"))))


def edit_draft(call: Call) -> Response:
    """Give a draft another content."""
    signing, draft = SigningDesk(call), read_id(call.part("draft"))
    signing.fetch(draft)
    reader = _read(call)
    person, seen = find_operator(call, reader), reader.opt_integer("sequence", 1, 2**53)
    content = reader.members("content")
    reader.finish()
    with signing.alone():
        return answer_json(describe_draft(signing.writer.edit(draft, content, person, expected=seen)))


def look(call: Call) -> Response:
    """Say everything that stands against a document now; nothing is changed."""
    reader = _read(call)
    person, content = find_operator(call, reader), reader.members("content")
    reader.finish()
    faults, _ = SigningDesk(call).writer.look(content, person)
    return answer_json({"may_be_submitted": not faults, "faults": describe_faults(faults)})


# --- steps --------------------------------------------------------------------------------------------------


def submit(call: Call) -> Response:
    """Submit drafts as their operator."""
    reader = _read(call)
    ids = _read_ids(reader)
    named = Named(reader.text("checker", max_bytes=40), reader.text("approver", max_bytes=40))
    passphrase, expected = reader.opt_text("passphrase") or "", _read_expected(reader, ids)
    reader.finish()
    return _answer_round(SigningDesk(call).submit(ids, named, passphrase, expected))


def check(call: Call) -> Response:
    """Check drafts as their checker."""
    reader = _read(call)
    ids = _read_ids(reader)
    passphrase, expected = reader.opt_text("passphrase") or "", _read_expected(reader, ids)
    reader.finish()
    return _answer_round(SigningDesk(call).check(ids, passphrase, expected))


def give_back(call: Call) -> Response:
    """Return drafts to their operators."""
    reader = _read(call)
    ids = _read_ids(reader)
    reason, expected = reader.text("reason"), _read_expected(reader, ids)
    reader.finish()
    return _answer_round(SigningDesk(call).give_back(ids, reason, expected))


def discard(call: Call) -> Response:
    """Give drafts up."""
    reader, signing = _read(call), SigningDesk(call)
    ids, reason = _read_ids(reader), reader.text("reason")
    reader.finish()
    with signing.alone():
        return _answer_round(signing.writer.discard(ids, signing.person, reason))


def open_draft(call: Call) -> Response:
    """Show all of a draft, and note that the caller has opened it."""
    return answer_json(SigningDesk(call).open(read_id(call.part("draft"))))


def add_batch(call: Call) -> Response:
    """Put checked drafts together for one approval, and draw the sample."""
    reader = _read(call)
    ids = _read_ids(reader)
    reader.finish()
    return answer_json(describe_prospect(SigningDesk(call).draw(ids)), HTTPStatus.CREATED)


def show_batch(call: Call) -> Response:
    """Show what a batch still needs."""
    return answer_json(describe_prospect(SigningDesk(call).look_at_batch(read_id(call.part("batch")))))


def approve(call: Call) -> Response:
    """Approve a batch whose sample was opened."""
    signing, batch = SigningDesk(call), read_id(call.part("batch"))
    signing.look_at_batch(batch)
    reader = _read(call)
    passphrase = reader.opt_text("passphrase") or ""
    decided = _read_ids(reader, "decided", least=0) if "decided" in reader else []
    reader.finish()
    done = signing.approve(batch, passphrase, decided)
    return _answer_round(done, describe_delivery(done))


def describe_delivery(done: Approval) -> JsonObject:
    """Return what the ledger has said to what was approved."""
    members: dict[str, Any] = {}
    if done.outage is not None:
        members["queued_because"] = str(done.outage)
    if done.held:
        members["held"] = {str(number): why for number, why in done.held.items()}
    if done.voided:
        members["voided"] = {str(number): why for number, why in done.voided.items()}
    if done.stickers:
        members["stickers"] = describe_stickers(done.stickers)
    return members


# --- corrections --------------------------------------------------------------------------------------------


def begin_correction(call: Call) -> Response:
    """Make a draft that corrects an issued document."""
    reader, signing = _read(call), SigningDesk(call)
    number = CertificateNumber(reader.text("number", max_bytes=64))
    reason, note = reader.enum("reason", ReasonCode), reader.text("note")
    reader.finish()
    with signing.alone():
        begun = signing.corrections.begin(number, reason, note, signing.person)
    members = describe_draft(begun.draft) | {"content": begun.content}
    if begun.request is not None:
        members["withdrawal"] = describe_request(begun.request)
    return answer_json(members, HTTPStatus.CREATED)


def ask(call: Call) -> Response:
    """Ask for an act on an issued document."""
    reader, signing = _read(call), SigningDesk(call)
    act = reader.text("act", max_bytes=20, pattern="|".join(_ACTS))
    number = CertificateNumber(reader.text("number", max_bytes=64))
    reason, note = reader.enum("reason", ReasonCode), reader.text("note")
    document = reader.opt_hex("document", 32)
    reader.finish()
    digest = None if document is None else Digest(document)
    with signing.alone():
        asked = signing.corrections.ask(_ACTS[act], number, reason, note, signing.person, digest)
    return answer_json(describe_request(asked), HTTPStatus.CREATED)


def list_requests(call: Call) -> Response:
    """List what was asked to be done to issued documents."""
    with SigningDesk(call).office.store.read() as desk:
        found = desk.list_requests()
    return answer_json({"requests": [describe_request(one) for one in found]})


def decide(call: Call) -> Response:
    """Grant what somebody else has asked, or refuse it."""
    signing, request = SigningDesk(call), read_id(call.part("request"))
    signing.fetch_request(request)
    reader = _read(call)
    granted, reason = reader.boolean("granted"), reader.opt_text("reason")
    reader.finish()
    if granted:
        decided = signing.grant(request)
    else:
        with signing.alone():
            decided = signing.corrections.refuse(request, signing.person, reason or "")
    members = describe_request(decided)
    if members["act"] == "cancel" and granted:
        members["for_the_authority"] = signing.corrections.describe_cancellation(decided)
    return answer_json(members)


def list_voided(call: Call) -> Response:
    """List the numbers that will never be used."""
    with SigningDesk(call).office.store.read() as desk:
        return answer_json({"voided": [describe_voided(one) for one in desk.find_voided()]})


_INTEGERS: Final = {
    "type": "array",
    "items": {"type": "integer", "minimum": 1},
    "minItems": 1,
    "maxItems": MAX_DRAFTS,
}
_TEXT: Final = {"type": "string"}
_OBJECT: Final = {"type": "object"}
_NUMBER: Final = {"type": "integer", "minimum": 1}
_KEY_PARAMETER: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "pattern": PATTERN, "maxLength": 60},
    "description": "the same key with the same body is the same request; with another body it is refused",
}


def describe_body(
    members: Mapping[str, Any], required: Sequence[str], *, keyed: bool = False
) -> dict[str, Any]:
    """Return what OpenAPI says of a body: its members by name, and whether a request has an Idempotency-Key."""
    schema = {
        "type": "object",
        "properties": members,
        "required": list(required),
        "additionalProperties": False,
    }
    body = {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
    return {**body, "parameters": [_KEY_PARAMETER]} if keyed else body


def operate(
    name: str,
    route: str,
    answer: Any,  # noqa: ANN401 -- a function of a call
    roles: frozenset[OfficeRole],
    title: Sentence,
    **more: Any,  # noqa: ANN401 -- members of an operation
) -> Operation:
    """Return an operation for programs; `route` is method and path."""
    method, _, path = route.partition(" ")
    return Operation(f"api.{name}", method, path, answer, roles, title, is_api=True, **more)


_SEEN: Final = {"sequence": _NUMBER}
_SIGNED: Final = {"drafts": _INTEGERS, "passphrase": _TEXT, **_SEEN}

OPERATIONS: Final = (
    operate(
        "applications.list",
        "GET /api/applications",
        list_applications,
        _LISTERS - {OfficeRole.AUTHORITY},
        Sentence("Applications", "受理"),
    ),
    operate(
        "applications.add",
        "POST /api/applications",
        add_application,
        _WRITERS,
        Sentence("Accept an application", "受理申请"),
        openapi=describe_body(
            {
                "applicant": _OBJECT,
                "received_on": {"type": "string", "format": "date"},
                "what": _TEXT,
                "note": _TEXT,
                "request_id": _TEXT,
                "accepted_by": _TEXT,
            },
            ["applicant", "received_on", "what"],
            keyed=True,
        ),
    ),
    operate("drafts.list", "GET /api/drafts", list_drafts, _LISTERS, Sentence("Drafts", "草稿")),
    operate(
        "drafts.add",
        "POST /api/drafts",
        add_drafts,
        _WRITERS,
        Sentence("Make drafts", "起草"),
        openapi=describe_body(
            {
                "application": _NUMBER,
                "operator": _TEXT,
                "drafts": {"type": "array", "items": _OBJECT, "minItems": 1, "maxItems": MAX_DRAFTS},
            },
            ["application", "drafts"],
            keyed=True,
        ),
    ),
    operate(
        "drafts.show",
        "GET /api/drafts/{draft}",
        show_draft,
        _WHOLE,
        Sentence("A draft", "一份草稿"),
        resource="draft",
    ),
    operate(
        "drafts.edit",
        "POST /api/drafts/{draft}",
        edit_draft,
        _WRITERS,
        Sentence("Edit a draft", "修改草稿"),
        resource="draft",
        openapi=describe_body({"content": _OBJECT, "operator": _TEXT, **_SEEN}, ["content"]),
    ),
    operate(
        "drafts.open",
        "POST /api/drafts/{draft}/open",
        open_draft,
        STAFF,
        Sentence("Open a draft", "打开查看"),
        resource="draft",
        signs=True,
    ),
    operate(
        "drafts.look",
        "POST /api/look",
        look,
        _WRITERS,
        Sentence("What stands against a document", "预检"),
        openapi=describe_body({"content": _OBJECT, "operator": _TEXT}, ["content"]),
    ),
    operate(
        "desk.submit",
        "POST /api/desk/submit",
        submit,
        _OPERATORS,
        Sentence("Submit drafts", "提交"),
        signs=True,
        openapi=describe_body(
            {**_SIGNED, "checker": _TEXT, "approver": _TEXT}, ["drafts", "checker", "approver"]
        ),
    ),
    operate(
        "desk.check",
        "POST /api/desk/check",
        check,
        _CHECKERS,
        Sentence("Check drafts", "核验"),
        signs=True,
        openapi=describe_body(_SIGNED, ["drafts"]),
    ),
    operate(
        "desk.return",
        "POST /api/desk/return",
        give_back,
        STAFF,
        Sentence("Return drafts", "退回"),
        signs=True,
        openapi=describe_body({"drafts": _INTEGERS, "reason": _TEXT, **_SEEN}, ["drafts", "reason"]),
    ),
    operate(
        "desk.discard",
        "POST /api/desk/discard",
        discard,
        _OPERATORS,
        Sentence("Give drafts up", "放弃草稿"),
        signs=True,
        openapi=describe_body({"drafts": _INTEGERS, "reason": _TEXT}, ["drafts", "reason"]),
    ),
    operate(
        "batches.add",
        "POST /api/batches",
        add_batch,
        _APPROVERS,
        Sentence("Draw a batch", "组成批准批次"),
        signs=True,
        openapi=describe_body({"drafts": _INTEGERS}, ["drafts"]),
    ),
    operate(
        "batches.show",
        "GET /api/batches/{batch}",
        show_batch,
        STAFF | {OfficeRole.AUDITOR},
        Sentence("A batch", "批准批次"),
        resource="batch",
    ),
    operate(
        "batches.approve",
        "POST /api/batches/{batch}/approve",
        approve,
        _APPROVERS,
        Sentence("Approve a batch", "批准"),
        resource="batch",
        signs=True,
        openapi=describe_body({"passphrase": _TEXT, "decided": {**_INTEGERS, "minItems": 0}}, []),
    ),
    operate(
        "corrections.begin",
        "POST /api/corrections",
        begin_correction,
        _OPERATORS,
        Sentence("Begin a correction", "更正证书"),
        signs=True,
        openapi=describe_body(
            {"number": _TEXT, "reason": _TEXT, "note": _TEXT}, ["number", "reason", "note"]
        ),
    ),
    operate(
        "corrections.list", "GET /api/requests", list_requests, _LISTERS, Sentence("Requests", "更正申请")
    ),
    operate(
        "corrections.ask",
        "POST /api/requests",
        ask,
        STAFF,
        Sentence("Ask for an act", "申请处理"),
        signs=True,
        openapi=describe_body(
            {"act": _TEXT, "number": _TEXT, "reason": _TEXT, "note": _TEXT, "document": _TEXT},
            ["act", "number", "reason", "note"],
        ),
    ),
    operate(
        "corrections.decide",
        "POST /api/requests/{request}/decide",
        decide,
        frozenset({OfficeRole.CHECKER, OfficeRole.APPROVER}),
        Sentence("Decide about a request", "审批申请"),
        resource="request",
        signs=True,
        openapi=describe_body({"granted": {"type": "boolean"}, "reason": _TEXT}, ["granted"]),
    ),
    operate(
        "voided.list",
        "GET /api/voided-numbers",
        list_voided,
        _LISTERS,
        Sentence("Voided numbers", "作废编号"),
    ),
)
