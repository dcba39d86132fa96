"""An authority registers: one form for every kind, drawn from its fields; preview, then signature."""

from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from api.office.call import Call
from api.office.deciding_desk import DecidingDesk
from api.office.deciding_words import list_labels, name_error
from api.office.operations import AUTHORITIES, Operation
from api.office.pages import write_page
from api.office.routes.region import DECIDERS, find_subject, list_changes, read_ground, write_plan
from api.office.store import NOT_HERE
from issuer.deciding.forms import FIELDS, Values, fill_values, read_members
from issuer.deciding.kinds import KINDS, Kind, Thing, find_thing
from issuer.deciding.planning import Planned, plan_registration
from ledger.core.canonical import as_object, parse_canonical_json
from ledger.core.errors import InputError, NotFoundError, StateError
from ledger.core.step import Sentence

MAX_FORM_BYTES: Final = 512 * 1024
"""A block may list 1,000 serial numbers, a standard 64 main instruments."""
LONG_FORMS: Final = ("/registering/{kind}", "/registering/{kind}/decide")


def _find_kind(call: Call) -> Kind:
    name = call.part("kind")
    if name not in FIELDS:
        raise NotFoundError(NOT_HERE)
    return KINDS[name]


def show_form(call: Call) -> Response:
    """Show the form of a register: empty, or with what is registered, to be renewed."""
    kind, renewed = _find_kind(call), call.form.text("of", most=64)
    values: Values = {}
    if renewed:
        thing = find_subject(call, renewed)
        if thing.kind is not kind:
            raise NotFoundError(NOT_HERE)
        values = fill_values(kind.name, thing.list_members() or {})
    return _write_form(call, kind, values)


def _write_form(call: Call, kind: Kind, values: Values, problem: InputError | None = None) -> Response:
    desk = DecidingDesk(call)
    division = desk.content.division
    institutions = [
        (one.id, one.name.zh)
        for one in desk.registers.institutions.values()
        if one.division.startswith(division)
    ]
    words = {row.category.name: (row.name_en, row.name_zh) for row in call.authority.rule_book.rows}
    return write_page(
        call,
        "office/registering.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if problem else HTTPStatus.OK,
        kind=kind,
        fields=FIELDS[kind.name],
        values=values,
        institutions=sorted(institutions),
        category_words=words,
        ground=call.form.text("ground", most=400) if problem else "",
        problem=problem,
        labels=list_labels(FIELDS[kind.name]),
    )


def preview(call: Call) -> Response:
    """Show what would be registered, and what stands there now."""
    kind = _find_kind(call)
    try:
        planned, thing, _ = _plan(call, kind)
    except InputError as err:
        return _write_form(call, kind, call.form.values, name_error(err))
    return _write_preview(call, kind, planned, thing)


def decide(call: Call) -> Response:
    """Sign and hand in what was shown."""
    kind, form = _find_kind(call), call.form
    with call.authority.busy:
        try:
            planned, thing, ground = _plan(call, kind)
        except InputError as err:
            return _write_form(call, kind, form.values, name_error(err))
        try:
            done = DecidingDesk(call).decide(
                [planned], form.text("passphrase", most=1024), ground, form.text("fingerprint", most=64)
            )
        except (InputError, StateError) as err:
            return _write_preview(call, kind, planned, thing, err)
    return call.go(f"/decisions/{done[0].taken_together}")


def _plan(call: Call, kind: Kind) -> tuple[Planned, Thing, str]:
    desk = DecidingDesk(call)
    members = read_members(kind.name, call.form.values)
    ground = read_ground(call)
    registers = desk.registers
    planned, thing = plan_registration(kind, members, registers, {})
    versions = {thing.subject: desk.find_version(thing.subject)}
    planned, thing = plan_registration(kind, members, registers, versions)
    return planned, thing, ground


def _write_preview(
    call: Call, kind: Kind, planned: Planned, thing: Thing, problem: InputError | StateError | None = None
) -> Response:
    desk = DecidingDesk(call)
    known = find_thing(desk.registers, thing.subject)
    before = {} if known is None else known.list_members() or {}
    after = as_object(parse_canonical_json(planned.content))
    names = ["ground", *(field.name for field in FIELDS[kind.name])]
    carried = [(name, value) for name in names for value in call.form.values.get(name, ())]
    return write_plan(
        call,
        [planned],
        problem,
        title=kind.title,
        label=planned.label,
        changes=list_changes(before, after),
        use=desk.look_at_use(thing, thing.valid_from),
        thing=thing,
        begins=thing.valid_from,
        carried=carried,
        decide=f"/registering/{kind.name}/decide",
        back=f"/registering/{kind.name}",
    )


OPERATIONS: Final = (
    Operation(
        "registering.form",
        "GET",
        "/registering/{kind}",
        show_form,
        DECIDERS,
        Sentence("Register", "登记"),
        desks=AUTHORITIES,
    ),
    Operation(
        "registering.preview",
        "POST",
        "/registering/{kind}",
        preview,
        DECIDERS,
        Sentence("Preview of a registration", "预览登记"),
        desks=AUTHORITIES,
    ),
    Operation(
        "registering.decide",
        "POST",
        "/registering/{kind}/decide",
        decide,
        DECIDERS,
        Sentence("Register", "登记"),
        signs=True,
        desks=AUTHORITIES,
    ),
)
