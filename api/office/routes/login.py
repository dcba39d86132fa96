"""Logging in and out, and choosing the first password: for everybody, known or not."""

import base64
import math
from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from api.office import enrolment, passkeys
from api.office.accounts import Account
from api.office.call import Call
from api.office.login import Attempt, Refusal, find_wait, log_in, open_session, refuse
from api.office.operations import EVERYBODY, Operation
from api.office.pages import name_static, read_static, write_page
from api.office.roles import PEOPLE
from api.office.sessions import ABSOLUTE, hash_token
from api.office.totp import build_uri, spell_secret
from api.problems import answer_problem, build_http_problem
from issuer.rendering.qr import render_svg, write_bulk
from ledger.core.errors import InputError, NotFoundError
from ledger.core.step import Sentence

_MEDIA: Final = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
_IMMUTABLE: Final = "public, max-age=31536000, immutable"


def show_login(call: Call) -> Response:
    """Show the form; who is logged in already goes home."""
    if call.caller is not None and call.caller.account is not None:
        return call.go("/")
    return _write_login(call)


def _write_login(call: Call, status: int = HTTPStatus.OK, problem: Sentence | None = None) -> Response:
    tenants = [(tenant.id, tenant.name) for tenant in call.office.tenants.values()]
    chosen = call.form.text("tenant", most=12)
    return write_page(call, "office/login.html", status, tenants=tenants, chosen=chosen, problem=problem)


def log_in_by_password(call: Call) -> Response:
    """Take name, password and code."""
    form = call.form
    attempt = Attempt(
        form.text("tenant", most=12),
        form.text("name", most=40).strip().lower(),
        form.text("password", most=256),
        form.text("code", most=40),
        call.address,
    )
    token = log_in(call.office, attempt, call.request.cookies.get(call.office.site.cookie))
    return _refuse(call, token) if isinstance(token, Refusal) else _enter(call, token, "/")


def _refuse(call: Call, refused: Refusal) -> Response:
    """Return the form again; the same for whatever was wrong."""
    if refused.until is None:
        sentence = Sentence(
            "Institution, name, password or code is wrong. A code counts once: wait for the next one.",
            "机构、用户名、密码或验证码有误。每个验证码只能使用一次，请等待下一个。",
        )
        return _write_login(call, HTTPStatus.UNAUTHORIZED, sentence)
    seconds = max(1, math.ceil((refused.until - call.now).total_seconds()))
    sentence = Sentence(
        f"Too many tries. Try again in {seconds} s.", f"尝试次数过多，请在{seconds}秒后重试。"
    )
    response = _write_login(call, HTTPStatus.TOO_MANY_REQUESTS, sentence)
    response.headers["Retry-After"] = str(seconds)
    return response


def _enter(call: Call, token: str, path: str) -> Response:
    response = call.go(path)
    site = call.office.site
    response.set_cookie(
        site.cookie,
        token,
        max_age=int(ABSOLUTE.total_seconds()),
        path="/",
        secure=site.is_secure,
        httponly=True,
        samesite="strict",
    )
    return response


def ask_for_passkey(call: Call) -> Response:
    """Return what the browser needs to ask for a passkey."""
    return Response(passkeys.ask_for_login(call.office), media_type="application/json")


def log_in_by_passkey(call: Call) -> Response:
    """Take the answer of a passkey."""
    answer = call.read_json(max_bytes=16 * 1024)
    office = call.office
    if find_wait(office, "", "", call.address, call.now) is not None:
        return answer_problem(build_http_problem(HTTPStatus.TOO_MANY_REQUESTS, "Too many tries."))
    with office.store.write() as writing:
        found = passkeys.find_owner(office, writing, answer)
        if found is None:
            refuse(writing, "", "", call.address, call.now, None)
        else:
            old = call.request.cookies.get(office.site.cookie)
            token = open_session(office, writing, found, old, call.address, "passkey")
    if found is None:
        return answer_problem(build_http_problem(HTTPStatus.UNAUTHORIZED, "The passkey was not accepted."))
    entered = _enter(call, token, "/")
    entered.status_code = HTTPStatus.NO_CONTENT
    return entered


def log_out(call: Call) -> Response:
    """End the session."""
    with call.office.store.write() as writing:
        if call.known.token:
            writing.end_session(hash_token(call.known.token), call.now)
        account = call.known.account
        writing.note(
            "logged-out",
            call.now,
            tenant=call.known.tenant,
            account=call.known.id,
            name="" if account is None else account.name,
            address=call.address,
        )
    response = call.go("/login")
    response.delete_cookie(
        call.office.site.cookie, path="/", secure=call.office.site.is_secure, httponly=True
    )
    return response


# --- the first password -------------------------------------------------------------------------------------


def show_enrolment(call: Call) -> Response:
    """Show the form for the code that an administrator has given."""
    return _write_enrolment(call)


def _write_enrolment(call: Call, status: int = HTTPStatus.OK, problem: InputError | None = None) -> Response:
    tenants = [(tenant.id, tenant.name) for tenant in call.office.tenants.values()]
    values = {name: call.form.text(name) for name in ("tenant", "name", "code")}
    return write_page(call, "office/enrol.html", status, tenants=tenants, given=values, problem=problem)


def choose_password(call: Call) -> Response:
    """Take code and password; show the secret for the app."""
    tenant, name, code = _read_whom(call)
    too_early = find_wait(call.office, tenant, name, call.address, call.now)
    if too_early is not None:
        return _refuse(call, too_early)
    try:
        account, secret = enrolment.choose_password(
            call.office,
            tenant,
            name,
            code,
            call.form.text("password", most=256),
            call.form.text("again", most=256),
        )
    except InputError as err:
        if err.field == "code":
            with call.office.store.write() as writing:
                refuse(writing, tenant, name, call.address, call.now, None)
        return _write_enrolment(call, HTTPStatus.UNPROCESSABLE_ENTITY, err)
    return _write_app(call, account, secret, code)


def _read_whom(call: Call) -> tuple[str, str, str]:
    form = call.form
    return (
        form.text("tenant", most=12),
        form.text("name", most=40).strip().lower(),
        form.text("code", most=40),
    )


def _write_app(
    call: Call,
    account: Account,
    secret: bytes,
    code: str,
    status: int = HTTPStatus.OK,
    problem: InputError | None = None,
) -> Response:
    uri = build_uri(secret, f"{account.name}@{account.tenant}", "Hengzheng")
    picture = base64.b64encode(render_svg(uri, writer=write_bulk)).decode()
    return write_page(
        call,
        "office/app.html",
        status,
        account=account,
        picture=f"data:image/svg+xml;base64,{picture}",
        secret=spell_secret(secret),
        code=code,
        problem=problem,
    )


def confirm_app(call: Call) -> Response:
    """Take the first code of the app; show the recovery codes."""
    tenant, name, code = _read_whom(call)
    too_early = find_wait(call.office, tenant, name, call.address, call.now)
    if too_early is not None:
        return _refuse(call, too_early)
    try:
        account, codes = enrolment.confirm_app(
            call.office, tenant, name, code, call.form.text("shown", most=10)
        )
    except InputError as err:
        with call.office.store.write() as writing:
            refuse(writing, tenant, name, call.address, call.now, None)
        if err.field != "shown":
            return _write_enrolment(call, HTTPStatus.UNPROCESSABLE_ENTITY, err)
        account, secret = enrolment.find_secret(call.office, tenant, name, code)
        return _write_app(call, account, secret, code, HTTPStatus.UNPROCESSABLE_ENTITY, err)
    with call.office.store.write() as writing:
        writing.note(
            "enrolled",
            call.now,
            tenant=account.tenant,
            account=account.id,
            name=account.name,
            address=call.address,
        )
    return write_page(call, "office/recovery.html", codes=codes, account=account)


# --- files --------------------------------------------------------------------------------------------------


def give_static(call: Call) -> Response:
    """Give out style and script.

    Raises:
        NotFoundError: no page names such a file.
    """
    name = call.part("name")
    raw = read_static(name) if name in {"office.css", "office.js"} else None
    return _give(call, name, raw)


def give_vendored(call: Call) -> Response:
    """Give out a script of others.

    Raises:
        NotFoundError: no page names such a file, or it was not fetched.
    """
    name = f"vendor/{call.part('name')}"
    return _give(call, name, read_static(name) if name == "vendor/htmx.min.js" else None)


def _give(call: Call, name: str, raw: bytes | None) -> Response:
    if raw is None:
        raise NotFoundError("no page names such a file")
    is_newest = f"/static/{name}?v={call.request.query_params.get('v')}" == name_static(name)
    headers = {"Cache-Control": _IMMUTABLE if is_newest else "no-cache"}
    return Response(raw, headers=headers, media_type=_MEDIA[name.rpartition(".")[2]])


_LOGIN: Final = Sentence("Log in", "登录")
_ENROL: Final = Sentence("Choose the first password", "首次设置密码")
_FILES: Final = Sentence("Style and script", "样式与脚本")

OPERATIONS: Final = (
    Operation("login.show", "GET", "/login", show_login, EVERYBODY, _LOGIN),
    Operation("login.password", "POST", "/login", log_in_by_password, EVERYBODY, _LOGIN),
    Operation(
        "login.passkey-ask", "POST", "/login/passkey/options", ask_for_passkey, EVERYBODY, _LOGIN, is_api=True
    ),
    Operation("login.passkey", "POST", "/login/passkey", log_in_by_passkey, EVERYBODY, _LOGIN, is_api=True),
    Operation("login.end", "POST", "/logout", log_out, PEOPLE, Sentence("Log out", "退出登录"), is_own=True),
    Operation("enrol.show", "GET", "/enrol", show_enrolment, EVERYBODY, _ENROL),
    Operation("enrol.password", "POST", "/enrol", choose_password, EVERYBODY, _ENROL),
    Operation("enrol.app", "POST", "/enrol/app", confirm_app, EVERYBODY, _ENROL),
    Operation("static.own", "GET", "/static/{name}", give_static, EVERYBODY, _FILES),
    Operation("static.others", "GET", "/static/vendor/{name}", give_vendored, EVERYBODY, _FILES),
)
