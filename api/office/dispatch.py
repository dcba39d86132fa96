"""From an HTTP request to the answer of an operation: one way in, the same for pages and programs.

The name of the site is looked at first, then who asks (session, or signature of a machine), then whether they may,
then whether the request comes from one of our pages. Nothing is asked of an operation before its caller is known to
hold one of its roles; who is refused is written down. Errors end as a page, or for programs as a problem.
"""

import hashlib
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import Response

from api.negotiation import Tongue, choose_language
from api.office.accounts import Caller
from api.office.call import FORM_TOKEN, Call, Form, Office, Upload
from api.office.operations import Operation
from api.office.pages import write_problem
from api.office.roles import OfficeRole
from api.office.sessions import find_caller, hash_token, is_form_token
from api.office.signed_requests import RequestLine, is_signed, parse_signed_request, verify_signed_request
from api.office.store import NOT_HERE
from api.problems import Problem, answer_problem, build_http_problem, build_problem
from ledger.core.errors import BrokenSignatureError, InputError, NotFoundError, ReadOnlyError, StateError
from ledger.core.signature import parse_multikey

MAX_FIELDS: Final = 1100
"""A list of drafts has up to 1,000 boxes to tick."""
MAX_FILES: Final = 4
MAX_FIELD_BYTES: Final = 64 * 1024
LANGUAGE_COOKIE: Final = "lang"
_FORMS: Final = {"application/x-www-form-urlencoded", "multipart/form-data"}

_UNKNOWN: Final = (
    "Log in first.",
    "请先登录。",
)
_FORBIDDEN: Final = ("Your roles do not allow this.", "您的角色无权执行此操作。")
_FOREIGN_PAGE: Final = (
    "This request does not come from a page of this office. Nothing was changed: open the page again.",
    "该请求并非来自本系统页面，未作任何更改；请重新打开页面。",
)
_OLD_PAGE: Final = (
    "This page was opened under another log-in. Nothing was changed: open the page again.",
    "该页面属于另一次登录，未作任何更改；请重新打开页面。",
)
_OTHER_NAME: Final = ("This office is reached under another name.", "本系统不使用该域名。")


class _StoppedError(Exception):
    """Ends a request before its operation is asked."""

    def __init__(self, status: HTTPStatus, sentence: tuple[str, str]) -> None:
        super().__init__(sentence[0])
        self.status = status
        self.sentence = sentence


def make_endpoint(office: Office, operation: Operation) -> Callable[[Request], Awaitable[Response]]:
    """Return what answers the requests of an operation."""

    async def endpoint(request: Request) -> Response:
        body = await request.body()
        try:
            form = await _read_form(request, operation)
        except InputError as err:
            return _refuse(request, office, operation, build_problem(err))
        return await run_in_threadpool(_answer, office, operation, request, body, form)

    endpoint.__name__ = operation.name.replace(".", "_").replace("-", "_")
    endpoint.__doc__ = operation.title.en
    return endpoint


async def _read_form(request: Request, operation: Operation) -> Form:
    """Return the fields of a page's form, or of the address.

    Raises:
        InputError: it cannot be read, or has too many fields.
    """
    if operation.is_safe or operation.is_api:
        return _read_query(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _FORMS:
        return Form()
    try:
        found = await request.form(max_files=MAX_FILES, max_fields=MAX_FIELDS, max_part_size=MAX_FIELD_BYTES)
    except (MultiPartException, ValueError) as err:
        raise InputError(
            "cannot be read, or has too many fields", field="form", zh="无法读取，或字段过多"
        ) from err
    async with _closing(found):
        return await _sort_fields(found)


class _closing:  # noqa: N801 -- reads as contextlib's
    """Closes the files of a form."""

    def __init__(self, form: FormData) -> None:
        self._form = form

    async def __aenter__(self) -> None:
        """Do nothing."""

    async def __aexit__(self, *_: object) -> None:
        await self._form.close()


async def _sort_fields(found: FormData) -> Form:
    values: dict[str, list[str]] = {}
    files: dict[str, Upload] = {}
    for name, value in found.multi_items():
        if isinstance(value, UploadFile):
            if value.filename:
                files[name] = Upload(value.filename, await value.read())
        else:
            values.setdefault(name, []).append(value)
    return Form(values, files)


def _read_query(request: Request) -> Form:
    try:
        query = request.url.query
        return Form(parse_qs(query, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict"))
    except ValueError as err:
        raise InputError(
            "cannot be read, or has too many fields", field="query", zh="无法读取，或字段过多"
        ) from err


def _answer(office: Office, operation: Operation, request: Request, body: bytes, form: Form) -> Response:
    tongue = _choose_tongue(request)
    now = office.clock()
    caller = None
    try:
        _require_our_name(office, request)
        caller = _find_caller(office, request, body)
        _require_desk(office, operation, caller)
        _require_role(office, operation, caller, request)
        _require_own_page(office, operation, caller, request, form)
        call = Call(request, operation, office, caller, form, body, tongue, now)
        response = operation.answer(call)
    except _StoppedError as stopped:
        return _refuse(request, office, operation, _to_problem(stopped), caller)
    except Exception as err:  # noqa: BLE001 -- the last resort: an error of ours ends as a sentence and an id
        return _refuse(request, office, operation, _explain(err), caller)
    if tongue.is_asked:
        _keep_language(response, tongue, office)
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _to_problem(stopped: _StoppedError) -> Problem:
    problem = build_http_problem(stopped.status, stopped.sentence[0])
    return Problem(problem.status, problem.kind, problem.detail, {"zh": stopped.sentence[1]})


def _explain(error: Exception) -> Problem:
    """Return an error as people and programs read it; a wrong moment is theirs to know of here, not ours alone."""
    if isinstance(error, StateError) and not isinstance(error, (NotFoundError, ReadOnlyError)):
        return Problem(HTTPStatus.CONFLICT, "conflict", str(error), {"zh": error.zh} if error.zh else {})
    return build_problem(error)


def _choose_tongue(request: Request) -> Tongue:
    """Return the language: asked for in the address, or chosen before, or the browser's."""
    asked = request.query_params.get("lang")
    accepted = request.headers.get("accept-language", "")
    if asked in {"zh", "en"}:
        return choose_language(accepted, asked)
    kept = choose_language(accepted, request.cookies.get(LANGUAGE_COOKIE))
    return Tongue(kept.language, is_asked=False)


def _keep_language(response: Response, tongue: Tongue, office: Office) -> None:
    response.set_cookie(
        LANGUAGE_COOKIE,
        tongue.language[:2],
        max_age=365 * 24 * 3600,
        secure=office.site.is_secure,
        httponly=True,
        samesite="lax",
    )


def _require_our_name(office: Office, request: Request) -> None:
    if not office.site.is_ours(request.headers.get("host", "")):
        raise _StoppedError(HTTPStatus.MISDIRECTED_REQUEST, _OTHER_NAME)


def _find_caller(office: Office, request: Request, body: bytes) -> Caller | None:
    """Return who asks; None: nobody who is known.

    Raises:
        _StoppedError: a signed request whose signature does not count.
    """
    if is_signed(request.headers):
        try:
            return _find_machine(office, request, body)
        except (InputError, BrokenSignatureError) as err:
            raise _StoppedError(HTTPStatus.UNAUTHORIZED, (str(err), f"请求签名无效：{err}")) from None
    token = request.cookies.get(office.site.cookie)
    if not token:
        return None
    now = office.clock()
    with office.store.read() as reading:
        found = find_caller(reading, token, now)
    if found is None:
        return None
    caller, is_to_be_noted = found
    if caller.tenant not in office.tenants:
        return None
    if is_to_be_noted:
        with office.store.write() as writing:
            writing.touch_session(hash_token(token), now)
    return caller


def _find_machine(office: Office, request: Request, body: bytes) -> Caller:
    now = office.clock()
    signed = parse_signed_request(request.headers)
    with office.store.read() as reading:
        machine = reading.find_machine(signed.key_id)
    if machine is None or not machine.is_active or machine.tenant not in office.tenants:
        raise BrokenSignatureError("no machine of this office has this key id")
    scheme = office.site.url.partition(":")[0]
    raw_path = request.scope.get("raw_path") or request.url.path.encode()
    query = request.scope["query_string"]
    target = raw_path.partition(b"?")[0] + (b"?" + query if query else b"")
    uri = f"{scheme}://{request.headers['host']}{target.decode('ascii', 'replace')}"
    line = RequestLine(request.method, uri, body)
    verify_signed_request(signed, parse_multikey(machine.key), line, now)
    nonce = hashlib.sha256(signed.nonce.encode()).digest()
    with office.store.write() as writing:
        if not writing.take_nonce(machine.id, nonce, signed.expires, now):
            raise BrokenSignatureError("this signed request was answered already: sign a new one")
    return Caller(machine.tenant, frozenset({OfficeRole.MACHINE}), None, machine)


def _require_desk(office: Office, operation: Operation, caller: Caller | None) -> None:
    """Answer what this kind of desk does not have as what does not exist.

    Raises:
        NotFoundError: the caller's desk is of another kind than the operation's.
    """
    if operation.is_open or caller is None:
        return
    if office.tenants[caller.tenant].kind not in operation.offered:
        raise NotFoundError(NOT_HERE)


def _require_role(office: Office, operation: Operation, caller: Caller | None, request: Request) -> None:
    if operation.is_open:
        return
    if caller is None:
        raise _StoppedError(HTTPStatus.UNAUTHORIZED, _UNKNOWN)
    if caller.roles & operation.roles:
        return
    with office.store.write() as writing:
        writing.note(
            "refused",
            office.clock(),
            tenant=caller.tenant,
            account=caller.id,
            name=caller.name,
            address=request.client.host if request.client else "",
            detail=operation.name,
        )
    raise _StoppedError(HTTPStatus.FORBIDDEN, _FORBIDDEN)


def _require_own_page(
    office: Office, operation: Operation, caller: Caller | None, request: Request, form: Form
) -> None:
    """Let nothing be changed by a page that is not ours; machines sign every request and need no page."""
    if operation.is_safe or (caller is not None and caller.token is None):
        return
    if not office.site.is_own_page(request.headers):
        raise _StoppedError(HTTPStatus.FORBIDDEN, _FOREIGN_PAGE)
    if caller is None or caller.token is None or operation.is_open:
        return
    given = request.headers.get("x-form-token") or next(iter(form.values.get(FORM_TOKEN, ())), "")
    if not is_form_token(caller.token, given):
        raise _StoppedError(HTTPStatus.FORBIDDEN, _OLD_PAGE)


def _refuse(
    request: Request, office: Office, operation: Operation, problem: Problem, caller: Caller | None = None
) -> Response:
    """Return an error: to programs as a problem, to people as a page."""
    if operation.is_api:
        response = answer_problem(problem)
    else:
        response = write_problem(request, office, problem, caller, _choose_tongue(request))
    if problem.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Session realm="office"'
    return response
