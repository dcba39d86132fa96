"""Accounts of an institution: its administrators make, change and disable them; nothing is ever deleted."""

from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from api.office import enrolment
from api.office.accounts import Account, check_roles, parse_display, parse_name, parse_pid
from api.office.call import Call
from api.office.operations import EVERY_DESK, Operation
from api.office.pages import write_page
from api.office.roles import PEOPLE_OF, OfficeRole, parse_roles
from ledger.core.errors import AlreadyIssuedError, InputError, StateError
from ledger.core.step import Sentence

ADMINISTRATORS: Final = frozenset({OfficeRole.ADMINISTRATOR})
WATCHERS: Final = ADMINISTRATORS | {OfficeRole.AUDITOR}
PAGE: Final = 100
_HIGHEST: Final = 2**62


def list_staff(call: Call) -> Response:
    """Show the accounts of the institution."""
    return _write_list(call)


def _write_list(
    call: Call,
    status: int = HTTPStatus.OK,
    problem: InputError | AlreadyIssuedError | None = None,
    code: tuple[Account, str] | None = None,
) -> Response:
    with call.office.store.read() as office:
        staff = office.list_accounts(call.known.tenant)
    return write_page(
        call,
        "office/staff.html",
        status,
        staff=staff,
        people=sorted(PEOPLE_OF[call.kind]),
        problem=problem,
        code=code,
        may_change=OfficeRole.ADMINISTRATOR in call.known.roles,
        given={name: call.form.text(name) for name in ("name", "display", "pid")} if problem else {},
        ticked=call.form.texts("roles") if problem else [],
    )


def add_account(call: Call) -> Response:
    """Make an account; show the code for its person, once."""
    form, office = call.form, call.office
    try:
        roles = parse_roles(form.texts("roles"), call.kind)
        name = parse_name(form.need("name", most=40).lower())
        display = parse_display(form.need("display", most=80))
        pid = parse_pid(form.text("pid", most=40), roles)
        with office.store.write() as writing:
            made = enrolment.add_account(office, writing, call.known.tenant, name, display, pid, roles)
    except (InputError, AlreadyIssuedError) as err:
        return _write_list(call, HTTPStatus.UNPROCESSABLE_ENTITY, err)
    _note(call, "account-added", made[0], " ".join(sorted(roles)))
    return _write_list(call, code=made)


def show_account(call: Call) -> Response:
    """Show one account, to be changed."""
    with call.office.store.read() as office:
        account = office.fetch_account(call.known.tenant, call.part("account"))
    return _write_account(call, account)


def _write_account(
    call: Call, account: Account, status: int = HTTPStatus.OK, problem: InputError | None = None
) -> Response:
    return write_page(
        call,
        "office/staff_account.html",
        status,
        account=account,
        people=sorted(PEOPLE_OF[call.kind]),
        problem=problem,
        may_change=OfficeRole.ADMINISTRATOR in call.known.roles,
    )


def change_account(call: Call) -> Response:
    """Change display name, pseudonym and roles; its sessions end."""
    form = call.form
    with call.office.store.read() as office:
        account = office.fetch_account(call.known.tenant, call.part("account"))
    try:
        roles = parse_roles(form.texts("roles"), call.kind)
        check_roles(roles)
        _keep_an_administrator(call, account, roles)
        changed = replace(
            account,
            roles=roles,
            display=parse_display(form.need("display", most=80)),
            pid=parse_pid(form.text("pid", most=40), roles),
        )
    except InputError as err:
        return _write_account(call, account, HTTPStatus.UNPROCESSABLE_ENTITY, err)
    with call.office.store.write() as writing:
        writing.change_account(changed)
    _note(call, "account-changed", changed, " ".join(sorted(roles)))
    return call.go("/staff")


def _keep_an_administrator(call: Call, account: Account, roles: frozenset[OfficeRole]) -> None:
    """Let nobody take the role of administrators from themselves, so that one is always left.

    Raises:
        InputError: somebody does.
    """
    if account.id == call.known.id and OfficeRole.ADMINISTRATOR not in roles:
        raise InputError(
            "another administrator takes this role from you",
            field="roles",
            zh="您的管理员角色须由另一名管理员取消",
        )


def disable_account(call: Call) -> Response:
    """Let an account in no more; its sessions end."""
    return _set_state(call, is_active=False)


def enable_account(call: Call) -> Response:
    """Let an account in again."""
    return _set_state(call, is_active=True)


def _set_state(call: Call, *, is_active: bool) -> Response:
    with call.office.store.write() as writing:
        account = writing.fetch_account(call.known.tenant, call.part("account"))
        if account.id == call.known.id:
            raise InputError(
                "another administrator disables your account",
                field="account",
                zh="您的账户须由另一名管理员停用",
            )
        writing.change_account(replace(account, is_active=is_active))
    _note(call, "account-enabled" if is_active else "account-disabled", account)
    return call.go("/staff")


def reset_account(call: Call) -> Response:
    """Forget how somebody logs in who has lost their means; show a new code, once."""
    with call.office.store.write() as writing:
        account = writing.fetch_account(call.known.tenant, call.part("account"))
        if not account.is_active:
            raise StateError("a disabled account is enabled first", zh="账户已停用，请先启用")
        code = enrolment.start_again(call.office, writing, account)
    _note(call, "account-reset", account)
    return _write_list(call, code=(account, code))


def show_happenings(call: Call) -> Response:
    """Show who came in, who was refused, and what administrators did, newest first."""
    before = call.form.whole("before", _HIGHEST, least=1, most=_HIGHEST)
    with call.office.store.read() as office:
        found = office.list_happenings(call.known.tenant, PAGE + 1, before)
    return write_page(
        call,
        "office/happenings.html",
        happenings=found[:PAGE],
        older=found[PAGE - 1].position if len(found) > PAGE else None,
    )


def _note(call: Call, event: str, account: Account, detail: str = "") -> None:
    with call.office.store.write() as writing:
        writing.note(
            event,
            call.now,
            tenant=call.known.tenant,
            account=call.known.id,
            name=account.name,
            address=call.address,
            detail=detail,
        )


def _operation(name: str, path: str, answer: Callable[[Call], Response], title: Sentence) -> Operation:
    return Operation(name, "POST", path, answer, ADMINISTRATORS, title, resource="account", desks=EVERY_DESK)


OPERATIONS: Final = (
    Operation(
        "staff.list",
        "GET",
        "/staff",
        list_staff,
        WATCHERS,
        Sentence("Staff", "人员账户"),
        in_menu=True,
        desks=EVERY_DESK,
    ),
    Operation(
        "staff.add",
        "POST",
        "/staff",
        add_account,
        ADMINISTRATORS,
        Sentence("Add an account", "新增账户"),
        desks=EVERY_DESK,
    ),
    Operation(
        "staff.show",
        "GET",
        "/staff/{account}",
        show_account,
        WATCHERS,
        Sentence("An account", "账户"),
        resource="account",
        desks=EVERY_DESK,
    ),
    _operation("staff.change", "/staff/{account}", change_account, Sentence("Change an account", "修改账户")),
    _operation(
        "staff.disable",
        "/staff/{account}/disable",
        disable_account,
        Sentence("Disable an account", "停用账户"),
    ),
    _operation(
        "staff.enable", "/staff/{account}/enable", enable_account, Sentence("Enable an account", "启用账户")
    ),
    _operation(
        "staff.reset",
        "/staff/{account}/reset",
        reset_account,
        Sentence("Start an account again", "重置登录方式"),
    ),
    Operation(
        "happenings.list",
        "GET",
        "/happenings",
        show_happenings,
        WATCHERS,
        Sentence("Access log", "访问记录"),
        in_menu=True,
        desks=EVERY_DESK,
    ),
)
