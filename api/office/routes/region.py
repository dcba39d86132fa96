"""The registers of an authority's region as of a day, with search; one registered thing, and its state."""

import unicodedata
from collections.abc import Sequence
from datetime import date
from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from api.office.call import Call
from api.office.deciding_desk import DecidingDesk, Use
from api.office.deciding_words import STATE_WORDS, list_labels, name_error, say_status
from api.office.operations import AUTHORITIES, Operation
from api.office.pages import write_page
from api.office.roles import OfficeRole
from api.office.store import NOT_HERE
from issuer.deciding.forms import FIELDS
from issuer.deciding.kinds import KINDS, Thing, find_thing, list_things
from issuer.deciding.planning import Planned, compute_fingerprint, plan_state
from issuer.signoff.states import require_reason
from ledger.core.canonical import JsonObject, as_object, parse_canonical_json
from ledger.core.encoding import parse_hex
from ledger.core.errors import InputError, NotFoundError, StateError
from ledger.core.register_fields import RegisterState
from ledger.core.step import Sentence

DECIDERS: Final = frozenset({OfficeRole.AUTHORITY})
VIEWERS: Final = DECIDERS | {OfficeRole.AUDITOR}
_SHOWN: Final = 500


def show_region(call: Call) -> Response:
    """Show what is registered in the region as of a day."""
    desk, form = DecidingDesk(call), call.form
    today = call.authority.today()
    try:
        day, problem = form.day("on", today), None
        text = form.text("q").strip()
    except InputError as err:
        day, problem, text = today, err, ""
    kind, everywhere = form.text("kind", most=20), bool(form.text("all", most=3))
    found = list_things(desk.registers, day)
    found = [one for one in found if everywhere or _is_ours(one, desk.content.division)]
    counts = {name: sum(one.kind.name == name for one in found) for name in KINDS}
    found = [one for one in found if (not kind or one.kind.name == kind) and _fits(one, text)]
    return write_page(
        call,
        "office/region.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if problem else HTTPStatus.OK,
        problem=problem,
        authority=desk.content,
        things=found[:_SHOWN],
        more=len(found) - _SHOWN,
        counts=counts,
        kinds=KINDS,
        forms=FIELDS,
        chosen=kind,
        day=day,
        text=text,
        everywhere=everywhere,
        state_words=STATE_WORDS,
        may_decide=OfficeRole.AUTHORITY in call.known.roles,
    )


def _is_ours(thing: Thing, division: str) -> bool:
    return thing.division is None or thing.division.startswith(division)


def _fits(thing: Thing, text: str) -> bool:
    wanted = unicodedata.normalize("NFC", text).casefold()
    words = (str(thing.institution or ""), thing.name, thing.words.en, thing.words.zh)
    return all(
        any(part in unicodedata.normalize("NFC", word).casefold() for word in words)
        for part in wanted.split()
    )


def show_thing(call: Call) -> Response:
    """Show one registered thing, its versions, and what may be decided."""
    return _write_thing(call, find_here(call))


def find_here(call: Call) -> Thing:
    """Return the thing whose subject stands in the path.

    Raises:
        NotFoundError: nothing is registered there.
    """
    return find_subject(call, call.part("subject"))


def find_subject(call: Call, text: str) -> Thing:
    """Return the thing of a subject.

    Raises:
        NotFoundError: nothing is registered there.
    """
    try:
        found = find_thing(call.office.gateway.registers(), parse_hex(text))
    except InputError:
        found = None
    if found is None:
        raise NotFoundError(NOT_HERE)
    return found


def _write_thing(
    call: Call, thing: Thing, status: int = HTTPStatus.OK, problem: InputError | StateError | None = None
) -> Response:
    desk = DecidingDesk(call)
    versions = desk.registers.versions.get(thing.subject, ())
    return write_page(
        call,
        "office/thing.html",
        status,
        problem=problem,
        thing=thing,
        members=thing.list_members(),
        versions=tuple(reversed(versions)),
        version=desk.find_version(thing.subject),
        states=[(state.value, STATE_WORDS[state]) for state in RegisterState],
        state_words=STATE_WORDS,
        given={
            name: call.form.text(name, most=400) if problem else "" for name in ("state", "from", "ground")
        },
        today=call.authority.today(),
        labels=list_labels(FIELDS.get(thing.kind.name, ())),
        can_renew=thing.kind.name in FIELDS,
        may_decide=OfficeRole.AUTHORITY in call.known.roles,
    )


# --- suspend, reinstate, withdraw ---------------------------------------------------------------------------


def preview_state(call: Call) -> Response:
    """Show what would be signed, and which documents have used the thing."""
    thing = find_here(call)
    try:
        planned, _ = _plan(call, thing)
    except (InputError, StateError) as err:
        return _refuse(call, thing, err)
    return _write_preview(call, thing, planned)


def decide_state(call: Call) -> Response:
    """Sign and hand in what was shown."""
    thing = find_here(call)
    form = call.form
    with call.authority.busy:
        try:
            planned, ground = _plan(call, thing)
        except (InputError, StateError) as err:
            return _refuse(call, thing, err)
        try:
            done = DecidingDesk(call).decide(
                [planned], form.text("passphrase", most=1024), ground, form.text("fingerprint", most=64)
            )
        except (InputError, StateError) as err:
            return _write_preview(call, thing, planned, err)
    return call.go(f"/decisions/{done[0].taken_together}")


def _refuse(call: Call, thing: Thing, err: InputError | StateError) -> Response:
    named = name_error(err) if isinstance(err, InputError) else err
    status = HTTPStatus.UNPROCESSABLE_ENTITY if isinstance(err, InputError) else HTTPStatus.CONFLICT
    return _write_thing(call, thing, status, named)


def _plan(call: Call, thing: Thing) -> tuple[Planned, str]:
    """Return what a form asks to be decided, and why.

    Raises:
        InputError: a field is not filled in as it must be.
        StateError: it stands so already.
    """
    form = call.form
    word = form.need("state", most=20)
    if word not in {state.value for state in RegisterState}:
        raise InputError("is none of those offered", field="state", zh="不在可选范围内")
    ground = read_ground(call)
    begins = None
    if thing.valid_from is not None:
        form.need("from", most=10)
        begins = form.day("from", date.min)
    version = DecidingDesk(call).find_version(thing.subject)
    return plan_state(thing, RegisterState(word), begins, version), ground


def read_ground(call: Call) -> str:
    """Return why, in words: kept at the authority's desk, never logged.

    Raises:
        InputError: not filled in, or too long.
    """
    try:
        return require_reason(call.form.text("ground", most=400))
    except InputError as err:
        raise InputError(err.reason, field="ground", zh="必须填写理由，一行，不超过400字节") from None


def _write_preview(
    call: Call, thing: Thing, planned: Planned, problem: InputError | StateError | None = None
) -> Response:
    before = thing.list_members() or {}
    after = as_object(parse_canonical_json(planned.content))
    begins = None if "from" not in after else date.fromisoformat(str(after["from"]))
    carried = [(name, call.form.text(name, most=400)) for name in ("state", "from", "ground")]
    path = f"/region/{thing.subject.hex()}"
    return write_plan(
        call,
        [planned],
        problem,
        title=thing.kind.title,
        label=planned.label,
        changes=list_changes(before, after),
        use=DecidingDesk(call).look_at_use(thing, begins),
        thing=thing,
        begins=begins,
        carried=carried,
        decide=f"{path}/decide",
        back=path,
    )


def list_changes(before: JsonObject, after: JsonObject) -> list[tuple[str, str, str]]:
    """Return the members of a content with what stood there before, and what will stand there."""
    names = dict.fromkeys((*before, *after))
    return [(name, _show(before.get(name)), _show(after.get(name))) for name in names]


def _show(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return "; ".join(map(_show, value))
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_show(one)}" for name, one in value.items())
    return str(value)


def write_plan(
    call: Call,
    planned: Sequence[Planned],
    problem: InputError | StateError | None,
    *,
    use: Use,
    thing: Thing,
    **values: object,
) -> Response:
    """Show what would be signed, with the field for the passphrase."""
    status = HTTPStatus.OK
    if problem is not None:
        is_input = isinstance(problem, InputError)
        status = HTTPStatus.UNPROCESSABLE_ENTITY if is_input else HTTPStatus.CONFLICT
    return write_page(
        call,
        "office/plan.html",
        status,
        planned=planned,
        fingerprint=compute_fingerprint(planned),
        problem=problem,
        use=use,
        labels=list_labels(FIELDS.get(thing.kind.name, ())),
        thing=thing,
        say_status=say_status,
        **values,
    )


OPERATIONS: Final = (
    Operation(
        "region.show",
        "GET",
        "/region",
        show_region,
        VIEWERS,
        Sentence("Registers of the region", "辖区登记"),
        in_menu=True,
        desks=AUTHORITIES,
    ),
    Operation(
        "region.thing",
        "GET",
        "/region/{subject}",
        show_thing,
        VIEWERS,
        Sentence("A registered thing", "登记事项"),
        desks=AUTHORITIES,
    ),
    Operation(
        "region.preview",
        "POST",
        "/region/{subject}/preview",
        preview_state,
        DECIDERS,
        Sentence("Preview of a change", "预览变更"),
        desks=AUTHORITIES,
    ),
    Operation(
        "region.decide",
        "POST",
        "/region/{subject}/decide",
        decide_state,
        DECIDERS,
        Sentence("Suspend, reinstate, withdraw", "暂停、恢复、撤销"),
        signs=True,
        desks=AUTHORITIES,
    ),
)
