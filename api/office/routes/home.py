"""The first page, and one's own account."""

from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from api.office import enrolment, passkeys
from api.office.accounts import Account
from api.office.call import Call
from api.office.deciding_words import POWER_WORDS
from api.office.operations import EVERY_DESK, Operation
from api.office.pages import write_page
from api.office.passwords import parse_new_password
from api.office.roles import PEOPLE, TenantKind
from ledger.core.authority import Power
from ledger.core.canonical import as_object
from ledger.core.encoding import encode_hex, parse_hex
from ledger.core.errors import InputError
from ledger.core.step import Sentence

MAX_LABEL: Final = 60


def show_home(call: Call) -> Response:
    """Show what the caller may do here."""
    if call.kind is TenantKind.AUTHORITY:
        return _show_authority(call)
    return write_page(
        call, "office/home.html", counts=call.tenant.documents.count(), today=call.tenant.today()
    )


def _show_authority(call: Call) -> Response:
    authority = call.authority
    known = call.office.gateway.registers().authorities[authority.id]
    return write_page(
        call,
        "office/authority_home.html",
        known=known,
        powers=[POWER_WORDS[power] for power in Power if power in known.powers],
        today=authority.today(),
        newest=authority.decisions.list_newest(10),
        looks_at_documents=call.office.catalogue is not None,
    )


def show_account(call: Call) -> Response:
    """Show one's own account."""
    return _write_account(call)


def _own(call: Call) -> Account:
    account = call.known.account
    assert account is not None  # noqa: S101 -- the operation is for people only
    return account


def _write_account(
    call: Call,
    status: int = HTTPStatus.OK,
    problem: InputError | None = None,
    codes: list[str] | None = None,
) -> Response:
    account = _own(call)
    with call.office.store.read() as office:
        found = [(encode_hex(one.credential), one) for one in office.list_passkeys(account.id)]
        left = office.count_recovery_codes(account.id)
    return write_page(
        call,
        "office/account.html",
        status,
        account=account,
        passkeys=found,
        codes_left=left,
        codes=codes,
        problem=problem,
    )


def change_password(call: Call) -> Response:
    """Take another password; every session ends, this one too."""
    account, form, office = _own(call), call.form, call.office
    try:
        chosen = parse_new_password(
            form.text("password", most=256), form.text("again", most=256), account.name
        )
        _require_password(call, form.text("old", most=256))
    except InputError as err:
        return _write_account(call, HTTPStatus.UNPROCESSABLE_ENTITY, err)
    stretched = office.hasher.hash(chosen)
    with office.store.write() as writing:
        writing.save_password(account.id, stretched)
    _note(call, "password-changed")
    return call.go("/login")


def _require_password(call: Call, password: str) -> None:
    """Refuse who is not the person: a browser that was left alone changes nothing that matters.

    Raises:
        InputError: another password.
    """
    with call.office.store.read() as reading:
        stored = reading.fetch_credentials(_own(call).id).password
    if not call.office.hasher.verify(password, stored):
        raise InputError("is not your password", field="old", zh="不是您的密码")


def renew_codes(call: Call) -> Response:
    """Give new recovery codes in place of the old ones, once."""
    try:
        _require_password(call, call.form.text("old", most=256))
    except InputError as err:
        return _write_account(call, HTTPStatus.UNPROCESSABLE_ENTITY, err)
    with call.office.store.write() as writing:
        codes = enrolment.give_recovery_codes(call.office, writing, _own(call))
    _note(call, "recovery-codes-renewed")
    return _write_account(call, codes=codes)


def ask_for_passkey(call: Call) -> Response:
    """Return what the browser needs to make a passkey."""
    return Response(passkeys.ask_for_registration(call.office, _own(call)), media_type="application/json")


def add_passkey(call: Call) -> Response:
    """Take a passkey that the browser has made."""
    given = call.read_json(max_bytes=64 * 1024)
    label = given.get("label")
    if not isinstance(label, str) or not 1 <= len(label.strip()) <= MAX_LABEL or not label.isprintable():
        raise InputError(
            f"1 to {MAX_LABEL} characters that can be printed",
            field="label",
            zh=f"为1至{MAX_LABEL}个可显示字符",
        )
    passkeys.register(call.office, _own(call), dict(as_object(given.get("credential", {}))), label.strip())
    _note(call, "passkey-added")
    return Response(status_code=HTTPStatus.NO_CONTENT)


def remove_passkey(call: Call) -> Response:
    """Remove one of one's own passkeys."""
    credential = parse_hex(call.form.need("credential", most=2048))
    with call.office.store.write() as writing:
        writing.remove_passkey(_own(call).id, credential)
    _note(call, "passkey-removed")
    return call.go("/account")


def _note(call: Call, event: str) -> None:
    account = _own(call)
    with call.office.store.write() as writing:
        writing.note(
            event,
            call.now,
            tenant=account.tenant,
            account=account.id,
            name=account.name,
            address=call.address,
        )


_ACCOUNT: Final = Sentence("My account", "我的账户")
_PASSKEY: Final = Sentence("Add a passkey", "添加通行密钥")

OPERATIONS: Final = (
    Operation(
        "home.show", "GET", "/", show_home, PEOPLE, Sentence("Start", "首页"), in_menu=True, desks=EVERY_DESK
    ),
    Operation("account.show", "GET", "/account", show_account, PEOPLE, _ACCOUNT, is_own=True),
    Operation(
        "account.password",
        "POST",
        "/account/password",
        change_password,
        PEOPLE,
        Sentence("Change the password", "修改密码"),
        is_own=True,
    ),
    Operation(
        "account.codes",
        "POST",
        "/account/codes",
        renew_codes,
        PEOPLE,
        Sentence("New recovery codes", "重新生成备用码"),
        is_own=True,
    ),
    Operation(
        "account.passkey-ask",
        "POST",
        "/account/passkeys/options",
        ask_for_passkey,
        PEOPLE,
        _PASSKEY,
        is_own=True,
        is_api=True,
    ),
    Operation(
        "account.passkey-add",
        "POST",
        "/account/passkeys",
        add_passkey,
        PEOPLE,
        _PASSKEY,
        is_own=True,
        is_api=True,
    ),
    Operation(
        "account.passkey-remove",
        "POST",
        "/account/passkeys/remove",
        remove_passkey,
        PEOPLE,
        Sentence("Remove a passkey", "删除通行密钥"),
        is_own=True,
    ),
)
