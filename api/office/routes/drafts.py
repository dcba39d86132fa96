"""Pages of the sign-off: applications, drafts, the checker's queue, the approver's, batches and their samples."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final

from starlette.responses import Response

from api.office.call import Call
from api.office.counter import Counter
from api.office.draft_form import begin_content, list_fields, list_readings, read_content
from api.office.import_store import Import
from api.office.operations import Operation
from api.office.pages import write_page
from api.office.roles import READERS, STAFF, OfficeRole
from api.office.routes.rounds import STICKER_WORDS
from api.office.signing_desk import SigningDesk, read_id
from issuer.checking import cut
from issuer.faults import Fault, list_faults
from issuer.preview import as_members
from issuer.signoff.approving import Prospect
from issuer.signoff.office import Round
from issuer.signoff.signing_off import Named
from issuer.signoff.states import Action, DraftState
from issuer.signoff.store import DoneAction, SignOffReading, StoredDraft
from issuer.signoff.view import STATE_WORDS, describe_application, describe_prospect
from ledger.core.canonical import JsonObject
from ledger.core.category import parse_category
from ledger.core.errors import AlreadyIssuedError, InputError, StateError
from ledger.core.person import PersonContent
from ledger.core.record import Role
from ledger.core.register_fields import RegisterState
from ledger.core.step import Sentence

MAX_CHOSEN: Final = 1000
MAX_FORM_BYTES: Final = 512 * 1024
LONG_FORMS: Final = (
    "/drafts/submit",
    "/drafts/discard",
    "/drafts/return",
    "/drafts/{draft}/edit",
    "/drafts/{draft}/judge",
    "/checks",
    "/batches",
    "/batches/{batch}/approve",
)
"""Paths of forms that hold whole documents, or many ticks."""
_LISTED: Final = 1000
_MAX_FIELD: Final = 4096
_CHUNK: Final = 256
_OPERATORS: Final = frozenset({OfficeRole.OPERATOR})
_CHECKERS: Final = frozenset({OfficeRole.CHECKER})
_APPROVERS: Final = frozenset({OfficeRole.APPROVER})
_WHOLE: Final = STAFF | {OfficeRole.AUDITOR}

Problem = InputError | StateError


# --- applications -------------------------------------------------------------------------------------------


def list_applications(call: Call) -> Response:
    """Show what was accepted, and the form for another."""
    return _write_applications(call)


def _write_applications(call: Call, status: int = HTTPStatus.OK, problem: Problem | None = None) -> Response:
    with SigningDesk(call).office.store.read() as desk:
        found = [describe_application(one) for one in reversed(desk.list_applications())]
    names = ("applicant", "code", "received_on", "what", "note")
    given = {name: call.form.text(name) if problem else "" for name in names}
    return write_page(
        call,
        "office/applications.html",
        status,
        applications=found[:_LISTED],
        problem=problem,
        given=given,
        may_write=OfficeRole.OPERATOR in call.known.roles,
        today=call.tenant.today(),
    )


def accept(call: Call) -> Response:
    """Accept an application."""
    form, signing = call.form, SigningDesk(call)
    try:
        code, note = form.text("code").strip(), form.text("note", most=400).strip()
        value: JsonObject = {
            "applicant": {"name": form.need("applicant"), **({"code": code} if code else {})},
            "received_on": form.day("received_on", call.tenant.today()).isoformat(),
            "what": form.need("what", most=400),
            **({"note": note} if note else {}),
        }
        with signing.alone():
            accepted = signing.writer.accept(value, signing.person)
    except (InputError, AlreadyIssuedError) as err:
        return _write_applications(call, HTTPStatus.UNPROCESSABLE_ENTITY, err)
    return call.go(f"/drafts/new?application={accepted.id}")


# --- drafts of an operator ----------------------------------------------------------------------------------


def list_drafts(call: Call) -> Response:
    """Show the caller's drafts; to who only reads, everybody's."""
    return _write_drafts(call)


def _write_drafts(
    call: Call, status: int = HTTPStatus.OK, problem: Problem | None = None, done: Round | None = None
) -> Response:
    signing = SigningDesk(call)
    is_operator = OfficeRole.OPERATOR in call.known.roles
    person = signing.person if is_operator else None
    file = _find_import(call) if is_operator else None
    with signing.office.store.read() as desk:
        if file is not None and person is not None:
            found = _list_of_file(call, desk, file, person)
        else:
            found = desk.list_drafts(role=Role.OPERATOR if person else None, person=person)[-_LISTED:]
        last: dict[int, DoneAction] = {}
        for start in range(0, len(found), 256):
            last |= desk.find_last_actions([one.id for one in found[start : start + 256]])
    returned = {id_: one for id_, one in last.items() if one.action is Action.RETURN}
    open_ = [one for one in found if one.state is DraftState.DRAFT and is_operator]
    return write_page(
        call,
        "office/drafts.html",
        status,
        open=open_,
        of_import=file,
        proposed={role.value: _propose(call, role, open_) for role in (Role.CHECKER, Role.APPROVER)},
        others=[one for one in found if one.state is not DraftState.DRAFT or not is_operator],
        returned=returned,
        states=STATE_WORDS,
        people=_list_people(call),
        problem=problem,
        done=done,
        is_operator=is_operator,
    )


def _find_import(call: Call) -> Import | None:
    """Return the file whose drafts are asked for.

    Raises:
        NotFoundError: there is none, or it is another institution's.
    """
    asked = call.form.text("import", most=40)
    if not asked:
        return None
    with call.office.store.read() as office:
        return office.imports.fetch(call.tenant.id, asked)


def _list_of_file(call: Call, desk: SignOffReading, file: Import, person: str) -> list[StoredDraft]:
    """Return a person's open drafts of a file; only those that name whom the address says, if it does."""
    ids = desk.rows.list_ids_of_file(file.digest, DraftState.DRAFT, person, _LISTED)
    found: dict[int, StoredDraft] = {}
    for start in range(0, len(ids), 256):
        found |= desk.find_drafts(ids[start : start + 256])
    drafts = [found[one] for one in ids]
    for role in (Role.CHECKER, Role.APPROVER):
        name = f"for_{role.value}"
        if name in call.form.values:
            wanted = call.form.text(name, most=40) or None
            drafts = [one for one in drafts if getattr(one.people, role.value) == wanted]
    return drafts


def _propose(call: Call, role: Role, open_: list[StoredDraft]) -> str:
    """Return whom the form names for a role: what was typed, else whom all of the drafts name."""
    typed = call.form.text(role.value, most=40)
    named = {getattr(one.people, role.value) for one in open_}
    return typed or (next(iter(named)) or "" if len(named) == 1 else "")


def _list_people(call: Call) -> dict[str, list[str]]:
    """Return who is registered for checking and approving, by role."""
    registered = call.office.gateway.registers().list_newest(PersonContent)
    own = [
        one for one in registered if one.institution == call.tenant.id and one.state is RegisterState.ACTIVE
    ]
    return {
        role.value: sorted(one.id for one in own if role in one.roles and one.id != call.known.pid)
        for role in (Role.CHECKER, Role.APPROVER)
    }


def start(call: Call) -> Response:
    """Show the form for a new draft."""
    return _write_start(call)


def _write_start(call: Call, status: int = HTTPStatus.OK, problem: Problem | None = None) -> Response:
    with SigningDesk(call).office.store.read() as desk:
        found = [describe_application(one) for one in reversed(desk.list_applications())]
    rules = {rule.category.name: rule.name_zh for rule in call.tenant.rule_book.rows}
    return write_page(
        call,
        "office/draft_new.html",
        status,
        applications=found[:_LISTED],
        chosen=call.form.text("application", most=16),
        categories=sorted(rules.items(), key=lambda one: one[1]),
        problem=problem,
    )


def begin(call: Call) -> Response:
    """Make a draft to be filled in."""
    form, signing = call.form, SigningDesk(call)
    try:
        category = parse_category(form.need("category", most=40), "category")
        points = form.whole("points", 3, least=1, most=12)
        application = form.whole("application", 0, least=0, most=2**53)
        content = begin_content(category, call.tenant.today(), call.tenant.rule_book, points)
        content["request_id"] = f"office-{call.office.randomness(8).hex()}"
        with signing.alone():
            (made,) = signing.writer.create([content], signing.person, application=application or None)
    except (InputError, StateError) as err:
        return _write_start(call, HTTPStatus.UNPROCESSABLE_ENTITY, err)
    return call.go(f"/drafts/{made.id}/edit")


def submit(call: Call) -> Response:
    """Submit the drafts that are ticked."""

    def act(signing: SigningDesk) -> Round:
        named = Named(call.form.need("checker", most=40), call.form.need("approver", most=40))
        return signing.submit(_read_chosen(call), named, call.form.text("passphrase"))

    return _act(call, act, _write_drafts)


def discard(call: Call) -> Response:
    """Give the drafts up that are ticked."""

    def act(signing: SigningDesk) -> Round:
        with signing.alone():
            return signing.writer.discard(_read_chosen(call), signing.person, call.form.text("reason"))

    return _act(call, act, _write_drafts)


def _act(call: Call, act: Callable[[SigningDesk], Round], write: Callable[..., Response]) -> Response:
    """Do something to drafts, and show on the same page what became of them."""
    try:
        done = act(SigningDesk(call))
    except (InputError, StateError) as err:
        status = HTTPStatus.UNPROCESSABLE_ENTITY if isinstance(err, InputError) else HTTPStatus.CONFLICT
        return write(call, status, err)
    return write(call, HTTPStatus.CONFLICT if done.refused else HTTPStatus.OK, None, done)


def _read_chosen(call: Call) -> list[int]:
    """Return the drafts that are ticked.

    Raises:
        InputError: none is.
    """
    texts = call.form.texts("draft", most=MAX_CHOSEN)
    if not texts:
        raise InputError("tick one or more", field="draft")
    return [read_id(text) for text in texts]


# --- one draft ----------------------------------------------------------------------------------------------


def show_draft(call: Call) -> Response:
    """Show all of a draft."""
    whole = SigningDesk(call).describe(read_id(call.part("draft")))
    return _write_whole(call, whole)


def open_draft(call: Call) -> Response:
    """Show all of a draft, and note that the caller has opened it."""
    signing, draft = SigningDesk(call), read_id(call.part("draft"))
    signing.open(draft)
    return call.go(f"/drafts/{draft}")


def _write_whole(call: Call, whole: Mapping[str, Any]) -> Response:
    record = as_members(whole.get("record") or whole["content"])
    signing = SigningDesk(call)
    stickers = signing.preview_stickers([signing.fetch(whole["draft"])])
    return write_page(
        call,
        "office/draft.html",
        whole=whole,
        stickers=stickers.get(whole["draft"], []),
        sticker_states=STICKER_WORDS,
        fields=[one for one in list_fields(record) if one.value],
        readings=list_readings(record),
        states=STATE_WORDS,
        sticker=_find_sticker(call, record),
        may_edit=whole["state"] == DraftState.DRAFT and whole["operator"] == call.known.pid,
    )


def _find_sticker(call: Call, record: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the sticker that a draft names, and the instrument that it goes on, as far as they are known here."""
    text = record.get("sticker_id")
    if not isinstance(text, str):
        return None
    counter, found = Counter(call), {"text": text, "id": "", "where": ""}
    with suppress(InputError):
        found["id"] = counter.read_sticker(text)[0]
    with suppress(InputError):
        found["where"] = counter.find_drafted(as_members(record.get("instrument", {}))).id
    return found


def edit(call: Call) -> Response:
    """Show the form of a draft."""
    whole = SigningDesk(call).describe(read_id(call.part("draft")))
    return _write_form(call, whole, whole["content"])


def save(call: Call) -> Response:
    """Keep what the form says as the draft's next revision."""
    signing, draft = SigningDesk(call), read_id(call.part("draft"))
    whole, content = signing.describe(draft), {}
    try:
        content = _read_form(call)
        seen = call.form.whole("sequence", 0, least=0, most=2**53)
        with signing.alone():
            signing.writer.edit(draft, content, signing.person, expected=seen or None)
    except (InputError, StateError) as err:
        status = HTTPStatus.UNPROCESSABLE_ENTITY if isinstance(err, InputError) else HTTPStatus.CONFLICT
        return _write_form(call, whole, content or whole["content"], status, err)
    if call.form.text("then", most=10) == "list":
        return call.go("/drafts")
    return call.go(f"/drafts/{draft}/edit")


def judge(call: Call) -> Response:
    """Say what stands against what the form says; nothing is kept."""
    signing, draft = SigningDesk(call), read_id(call.part("draft"))
    whole = signing.describe(draft)
    try:
        content = _read_form(call)
        faults, _ = signing.writer.look(content, whole["operator"])
    except InputError as err:
        content, faults = whole["content"], list_faults(err)
    if call.request.headers.get("hx-request") == "true":
        readings = list_readings(content)
        return write_page(call, "office/draft_judged.html", **_judgements(faults, readings))
    return _write_form(call, whole, content, faults=faults)


def _read_form(call: Call) -> JsonObject:
    names = [name for name in call.form.values if name not in {"form_token", "sequence", "then"}]
    return read_content({name: call.form.text(name, most=_MAX_FIELD) for name in names})


def _write_form(
    call: Call,
    whole: Mapping[str, Any],
    content: Mapping[str, Any],
    status: int = HTTPStatus.OK,
    problem: Problem | None = None,
    faults: list[Fault] | None = None,
) -> Response:
    if faults is None:
        faults = SigningDesk(call).writer.look(content, whole["operator"])[0]
    readings = list_readings(content)
    return write_page(
        call,
        "office/draft_form.html",
        status,
        whole=whole,
        fields=list_fields(content),
        readings=readings,
        problem=problem,
        **_judgements(faults, readings),
    )


def _judgements(faults: list[Fault], readings: list[Any]) -> dict[str, Any]:
    """Return what is said of each row of readings, and of everything else."""
    rows: dict[str, list[Fault]] = {}
    for result in readings:
        for place, row in enumerate(result.rows):
            start = f"results[{result.number}].points[{place}]"
            if any(field.value for field in row):
                rows[f"{result.number}-{place}"] = [
                    one for one in faults if (one.field or "").startswith(start)
                ]
    said = {id(one) for found in rows.values() for one in found}
    return {"faults": [one for one in faults if id(one) not in said], "rows": rows, "all_faults": faults}


# --- checker and approver -----------------------------------------------------------------------------------


def list_checks(call: Call) -> Response:
    """Show what waits for the caller to check."""
    return _write_checks(call)


def _write_checks(
    call: Call, status: int = HTTPStatus.OK, problem: Problem | None = None, done: Round | None = None
) -> Response:
    return _write_queue(call, DraftState.SUBMITTED, Role.CHECKER, status, problem, done)


def _write_approvals(
    call: Call, status: int = HTTPStatus.OK, problem: Problem | None = None, done: Round | None = None
) -> Response:
    return _write_queue(call, DraftState.CHECKED, Role.APPROVER, status, problem, done)


def _write_queue(
    call: Call,
    state: DraftState,
    role: Role,
    status: int,
    problem: Problem | None,
    done: Round | None,
) -> Response:
    signing = SigningDesk(call)
    with signing.office.store.read() as desk:
        found = desk.list_drafts(state, role=role, person=signing.person, limit=_LISTED)
        batches = desk.list_batches(signing.person) if role is Role.APPROVER else []
    open_: list[tuple[int, int, int]] = []
    for batch in reversed(batches[-20:]):
        prospect = signing.look_at_batch(batch)
        if prospect.waiting:
            open_.append((batch, len(prospect.waiting), len(prospect.unopened)))
    return write_page(
        call,
        "office/queue.html",
        status,
        drafts=found,
        role=role.value,
        batches=open_,
        problem=problem,
        done=done,
    )


def check(call: Call) -> Response:
    """Check the drafts that are ticked."""
    return _act(
        call,
        lambda signing: signing.check(_read_chosen(call), call.form.text("passphrase")),
        _write_checks,
    )


def return_to_operator(call: Call) -> Response:
    """Return the drafts that are ticked."""
    write = _write_approvals if call.form.text("from", most=20) == "approver" else _write_checks
    return _act(
        call, lambda signing: signing.give_back(_read_chosen(call), call.form.text("reason", most=400)), write
    )


def list_approvals(call: Call) -> Response:
    """Show what waits for the caller to approve, and open batches."""
    return _write_approvals(call)


def draw(call: Call) -> Response:
    """Put the drafts that are ticked together for one approval."""
    try:
        prospect = SigningDesk(call).draw(_read_chosen(call))
    except (InputError, StateError) as err:
        status = HTTPStatus.UNPROCESSABLE_ENTITY if isinstance(err, InputError) else HTTPStatus.CONFLICT
        return _write_approvals(call, status, err)
    return call.go(f"/batches/{prospect.batch.id}")


def show_batch(call: Call) -> Response:
    """Show a batch, its sample, and what must be decided."""
    return _write_batch(call)


def _write_batch(
    call: Call, status: int = HTTPStatus.OK, problem: Problem | None = None, done: Round | None = None
) -> Response:
    signing = SigningDesk(call)
    prospect = signing.look_at_batch(read_id(call.part("batch")))
    waiting: dict[int, StoredDraft] = {one.id: one for one in prospect.waiting}
    sample = [waiting[id_] for id_ in sorted(prospect.batch.sample) if id_ in waiting]
    return write_page(
        call,
        "office/batch.html",
        status,
        prospect=describe_prospect(prospect),
        sample=sample,
        stickers=signing.preview_stickers(_find_members(signing, prospect)),
        sticker_states=STICKER_WORDS,
        others=[one for one in prospect.waiting if one.id not in prospect.batch.sample],
        unopened=set(prospect.unopened),
        problem=problem,
        done=done,
        states=STATE_WORDS,
        may_approve=prospect.batch.approver == call.known.pid,
    )


def _find_members(signing: SigningDesk, prospect: Prospect) -> list[StoredDraft]:
    """Return the members of a batch as they stand now, those that are approved too."""
    ids, found = [key.draft for key in prospect.batch.members], list[StoredDraft]()
    with signing.office.store.read() as desk:
        for chunk in cut(ids, _CHUNK):
            found += desk.find_drafts(chunk).values()
    return found


def approve(call: Call) -> Response:
    """Approve a batch, and seal what is approved."""

    def act(signing: SigningDesk) -> Round:
        decided = [read_id(text) for text in call.form.texts("decided", most=MAX_CHOSEN)]
        return signing.approve(read_id(call.part("batch")), call.form.text("passphrase"), decided)

    return _act(call, act, _write_batch)


def _page(
    name: str,
    route: str,
    answer: Callable[[Call], Response],
    roles: frozenset[OfficeRole],
    title: Sentence,
    **more: Any,  # noqa: ANN401 -- members of an operation
) -> Operation:
    method, _, path = route.partition(" ")
    return Operation(name, method, path, answer, roles, title, **more)


OPERATIONS: Final = (
    _page(
        "applications.list",
        "GET /applications",
        list_applications,
        _WHOLE,
        Sentence("Applications", "受理"),
        in_menu=True,
    ),
    _page(
        "applications.add",
        "POST /applications",
        accept,
        _OPERATORS,
        Sentence("Accept an application", "受理申请"),
    ),
    _page("drafts.list", "GET /drafts", list_drafts, READERS, Sentence("Drafts", "草稿"), in_menu=True),
    _page("drafts.new", "GET /drafts/new", start, _OPERATORS, Sentence("A new draft", "新建草稿")),
    _page("drafts.begin", "POST /drafts/new", begin, _OPERATORS, Sentence("Begin a draft", "起草")),
    _page("drafts.submit", "POST /drafts/submit", submit, _OPERATORS, Sentence("Submit", "提交"), signs=True),
    _page(
        "drafts.discard",
        "POST /drafts/discard",
        discard,
        _OPERATORS,
        Sentence("Give drafts up", "放弃草稿"),
        signs=True,
    ),
    _page(
        "drafts.show",
        "GET /drafts/{draft}",
        show_draft,
        _WHOLE,
        Sentence("A draft", "一份草稿"),
        resource="draft",
    ),
    _page(
        "drafts.open",
        "POST /drafts/{draft}/open",
        open_draft,
        STAFF,
        Sentence("Open a draft", "打开查看"),
        resource="draft",
        signs=True,
    ),
    _page(
        "drafts.edit",
        "GET /drafts/{draft}/edit",
        edit,
        _OPERATORS,
        Sentence("Edit a draft", "修改草稿"),
        resource="draft",
    ),
    _page(
        "drafts.save",
        "POST /drafts/{draft}/edit",
        save,
        _OPERATORS,
        Sentence("Keep a draft", "保存草稿"),
        resource="draft",
    ),
    _page(
        "drafts.judge",
        "POST /drafts/{draft}/judge",
        judge,
        _OPERATORS,
        Sentence("Judge the readings", "判定读数"),
        resource="draft",
    ),
    _page("checks.list", "GET /checks", list_checks, _CHECKERS, Sentence("To check", "待核验"), in_menu=True),
    _page("checks.sign", "POST /checks", check, _CHECKERS, Sentence("Check drafts", "核验"), signs=True),
    _page(
        "drafts.return",
        "POST /drafts/return",
        return_to_operator,
        _CHECKERS | _APPROVERS,
        Sentence("Return drafts", "退回"),
        signs=True,
    ),
    _page(
        "approvals.list",
        "GET /approvals",
        list_approvals,
        _APPROVERS,
        Sentence("To approve", "待批准"),
        in_menu=True,
    ),
    _page(
        "batches.draw", "POST /batches", draw, _APPROVERS, Sentence("Draw a batch", "组成批次"), signs=True
    ),
    _page(
        "batches.show",
        "GET /batches/{batch}",
        show_batch,
        _WHOLE,
        Sentence("A batch", "批准批次"),
        resource="batch",
    ),
    _page(
        "batches.approve",
        "POST /batches/{batch}/approve",
        approve,
        _APPROVERS,
        Sentence("Approve a batch", "批准"),
        resource="batch",
        signs=True,
    ),
)
