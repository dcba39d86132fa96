"""Machines of an institution: programs, as a LIMS, that sign their requests with a registered key."""

from http import HTTPStatus
from typing import Final

import orjson
from starlette.responses import Response

from api.office.accounts import Machine, parse_name
from api.office.call import Call
from api.office.enrolment import make_id
from api.office.operations import Operation
from api.office.pages import write_page
from api.office.roles import OfficeRole
from api.office.routes.staff import ADMINISTRATORS, WATCHERS
from ledger.core.errors import AlreadyIssuedError, InputError
from ledger.core.signature import parse_multikey
from ledger.core.step import Sentence


def list_machines(call: Call) -> Response:
    """Show the machines of the institution."""
    return _write_list(call)


def _write_list(
    call: Call, status: int = HTTPStatus.OK, problem: InputError | AlreadyIssuedError | None = None
) -> Response:
    with call.office.store.read() as office:
        found = office.list_machines(call.known.tenant)
    return write_page(
        call,
        "office/machines.html",
        status,
        machines=found,
        problem=problem,
        may_change=OfficeRole.ADMINISTRATOR in call.known.roles,
        given={name: call.form.text(name) for name in ("name", "key")} if problem else {},
    )


def add_machine(call: Call) -> Response:
    """Register the key of a machine."""
    try:
        name = parse_name(call.form.need("name", most=40).lower())
        key = _parse_key(call.form.need("key", most=200))
        machine = Machine(
            id=make_id(call.office, "m"),
            tenant=call.known.tenant,
            name=name,
            key=key,
            is_active=True,
            created_by=call.known.id,
            created_at=call.now,
        )
        with call.office.store.write() as writing:
            writing.add_machine(machine)
    except (InputError, AlreadyIssuedError) as err:
        return _write_list(call, HTTPStatus.UNPROCESSABLE_ENTITY, err)
    _note(call, "machine-added", machine)
    return call.go("/machines")


def _parse_key(text: str) -> str:
    try:
        return parse_multikey(text).multikey
    except InputError as err:
        raise InputError(
            f"is no multikey, z…, of Ed25519 or P-256: {err.reason}",
            field="key",
            zh="不是 Ed25519 或 P-256 的 multikey（z…）",
        ) from None


def disable_machine(call: Call) -> Response:
    """Answer a machine no more."""
    return _set_state(call, is_active=False)


def enable_machine(call: Call) -> Response:
    """Answer a machine again."""
    return _set_state(call, is_active=True)


def _set_state(call: Call, *, is_active: bool) -> Response:
    with call.office.store.write() as writing:
        machine = writing.fetch_machine(call.known.tenant, call.part("machine"))
        writing.set_machine_state(machine, is_active=is_active)
    _note(call, "machine-enabled" if is_active else "machine-disabled", machine)
    return call.go("/machines")


def _note(call: Call, event: str, machine: Machine) -> None:
    with call.office.store.write() as writing:
        writing.note(
            event,
            call.now,
            tenant=call.known.tenant,
            account=call.known.id,
            name=machine.name,
            address=call.address,
            detail=machine.id,
        )


def show_myself(call: Call) -> Response:
    """Say to a machine who it is here, so that it can try its signatures."""
    known = call.known
    members = {
        "institution": str(call.known.tenant),
        "id": known.id,
        "name": known.name,
        "roles": sorted(known.roles),
    }
    return answer_json(members)


def answer_json(members: object, status: int = HTTPStatus.OK) -> Response:
    """Return an answer for programs."""
    return Response(orjson.dumps(members), status, media_type="application/json")


OPERATIONS: Final = (
    Operation(
        "machines.list",
        "GET",
        "/machines",
        list_machines,
        WATCHERS,
        Sentence("Machines", "系统接口"),
        in_menu=True,
    ),
    Operation(
        "machines.add",
        "POST",
        "/machines",
        add_machine,
        ADMINISTRATORS,
        Sentence("Add a machine", "登记系统"),
    ),
    Operation(
        "machines.disable",
        "POST",
        "/machines/{machine}/disable",
        disable_machine,
        ADMINISTRATORS,
        Sentence("Disable a machine", "停用系统"),
        resource="machine",
    ),
    Operation(
        "machines.enable",
        "POST",
        "/machines/{machine}/enable",
        enable_machine,
        ADMINISTRATORS,
        Sentence("Enable a machine", "启用系统"),
        resource="machine",
    ),
    Operation(
        "api.whoami",
        "GET",
        "/api/whoami",
        show_myself,
        frozenset(OfficeRole),
        Sentence("Who one is here", "本人身份"),
        is_api=True,
    ),
)
