"""Pages of the office: one frame, everything escaped, in the caller's language, the same without script.

>>> write_page(call, "office/home.html", rows=rows)
<starlette.responses.Response object>
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from http import HTTPStatus
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response

from api.negotiation import Language, Tongue
from api.office.accounts import Caller
from api.office.call import FORM_TOKEN, Call, Office
from api.office.instrument_view import list_labels
from api.office.operations import Operation
from api.office.roles import ROLE_WORDS, TenantKind
from api.office.sessions import make_form_token
from api.problems import RETRY_SECONDS, Problem
from api.web.words import say, say_date, say_instant
from ledger.core.step import Sentence

STATIC: Final = ("office.css", "office.js", "vendor/htmx.min.js")
"""Files below `api/web/static` that pages may name; the last is there once `scripts/vendor` has fetched it."""

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""As strict as those of the public pages; script and style come from this site alone, nothing stands inline."""

_TEMPLATES: Final = Environment(
    loader=PackageLoader("api.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.policies["json.dumps_kwargs"] = {"sort_keys": True, "ensure_ascii": False}
_TITLES: Final = {
    HTTPStatus.UNAUTHORIZED: Sentence("Log in", "请登录"),
    HTTPStatus.FORBIDDEN: Sentence("Not allowed", "无权执行"),
    HTTPStatus.NOT_FOUND: Sentence("Not found", "没有此项"),
    HTTPStatus.CONFLICT: Sentence("Something else came first", "已被他人更改"),
    HTTPStatus.UNPROCESSABLE_ENTITY: Sentence("This cannot be taken as it is", "内容有误，未被接受"),
    HTTPStatus.TOO_MANY_REQUESTS: Sentence("Too many tries", "尝试次数过多"),
    HTTPStatus.SERVICE_UNAVAILABLE: Sentence("Out of reach for now", "暂时无法访问"),
    HTTPStatus.INTERNAL_SERVER_ERROR: Sentence("Something is wrong here", "系统内部有误"),
}
FIELD_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "account": ("Account", "账户"),
    "applicant": ("Applicant", "委托方"),
    "again": ("Roll, typed again", "再次输入卷号"),
    "answers": ("Answers", "确认结果"),
    "application": ("Application", "委托受理"),
    **list_labels(),
    "approver.pid": ("Approver", "批准人"),
    "category": ("Category", "类别"),
    "code": ("Code", "授权码"),
    "count": ("Number of documents", "签发份数"),
    "display": ("Person", "姓名"),
    "e": ("Verification scale interval e", "检定分度值e"),
    "effective_at": ("Since when", "自何时起"),
    "file": ("File", "文件"),
    "from": ("First sticker", "起始序号"),
    "instrument": ("Instruments", "器具"),
    "k": ("Coverage factor k", "包含因子k"),
    "key": ("Public key", "公钥"),
    "km": ("Radius", "半径"),
    "label": ("Label", "名称"),
    "latitude": ("Latitude", "纬度"),
    "longitude": ("Longitude", "经度"),
    "name": ("Name", "名称"),
    "note": ("Note for colleagues", "内部备注"),
    "numbers": ("Numbers of documents", "证书编号"),
    "old": ("Present password", "当前密码"),
    "on": ("Day", "日期"),
    "operator.pid": ("Operator", "检定员"),
    "part": ("Part", "部件"),
    "passphrase": ("Passphrase", "口令"),
    "passkey": ("Passkey", "通行密钥"),
    "password": ("Password", "密码"),
    "photo": ("Photograph", "照片"),
    "pid": ("Pseudonym in the register", "登记人员代号"),
    "put_on": ("Put on at", "粘贴时间"),
    "q": ("Words to search for", "查找内容"),
    "reason": ("Reason", "原因"),
    "roles": ("Roles", "角色"),
    "seen": ("Look at the photograph", "查看照片"),
    "sentence": ("Sentence for whoever holds the case code", "对持案件码者的说明"),
    "shown": ("Six digits", "六位数字"),
    "since": ("Since when", "自何时起"),
    "site": ("Site", "地点"),
    "start": ("First label", "起始标签"),
    "step": ("Next step", "下一步"),
    "sticker": ("Sticker", "标志"),
    "stickers": ("Number of stickers", "标志数量"),
    "taken_on": ("Day of the photograph", "拍摄日期"),
    "template": ("Format of the labels", "标签规格"),
    "to": ("Last sticker", "末尾序号"),
    "title": ("Title", "名称"),
    "u": ("Expanded uncertainty", "扩展不确定度"),
    "what": ("What is to be verified", "检定对象"),
    "when": ("When", "时间"),
    "where": ("Document or instrument", "证书或器具"),
}
"""Field of a form -> how pages call it, in English and Chinese; others are named as they are."""
_TEMPLATES.globals["all_field_words"] = FIELD_WORDS
_NOT_FOUND_ZH: Final = "这里没有此名称的内容。"
_GENERAL_ZH: Final = {
    HTTPStatus.NOT_FOUND: _NOT_FOUND_ZH,
    HTTPStatus.SERVICE_UNAVAILABLE: "暂时无法应答，没有丢失任何内容，请稍后重试。",
    HTTPStatus.INTERNAL_SERVER_ERROR: "系统内部有误，运维人员可凭下列编号查明原因。",
}


@lru_cache
def read_static(name: str) -> bytes | None:
    """Return a file that pages name; None: it was not fetched."""
    found = files("api.web").joinpath("static", *name.split("/"))
    return found.read_bytes() if found.is_file() else None


@lru_cache
def name_static(name: str) -> str | None:
    """Return the address of a file, which changes when the file does; None: it is not there."""
    raw = read_static(name)
    return None if raw is None else f"/static/{name}?v={hashlib.sha256(raw).hexdigest()[:12]}"


def write_page(call: Call, template: str, status: int = HTTPStatus.OK, **values: Any) -> Response:  # noqa: ANN401 -- what a template shows
    """Return a page.

    Args:
        call: whom it is for.
        template: its name below `api/web/templates`.
        status: of the answer.
        values: what the template shows.
    """
    frame = build_frame(call.request, call.office, call.caller, call.tongue.language)
    return _render(template, status, {**frame, "call": call, **values})


def write_problem(
    request: Request, office: Office, problem: Problem, caller: Caller | None, tongue: Tongue
) -> Response:
    """Return an error as a page: one sentence, and where to go from here."""
    language = tongue.language
    title = _TITLES.get(problem.status, Sentence("This does not work", "无法完成"))
    values = {
        **build_frame(request, office, caller, language),
        "title": say(title, language),
        "sentence": _say_problem(problem, language),
        "members": problem.members,
        "is_stranger": problem.status == HTTPStatus.UNAUTHORIZED,
    }
    response = _render("office/problem.html", problem.status, values)
    if problem.status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}:
        response.headers["Retry-After"] = str(problem.members.get("retry_after", RETRY_SECONDS))
    return response


def _say_problem(problem: Problem, language: Language) -> str:
    if language is Language.EN:
        return problem.detail
    said, field = problem.members.get("zh"), problem.members.get("field")
    if said is not None and field is not None:
        return f"{FIELD_WORDS.get(field, (field, field))[1]}：{said}"
    return str(said or _GENERAL_ZH.get(problem.status) or problem.detail)


def build_frame(
    request: Request, office: Office, caller: Caller | None, language: Language
) -> dict[str, Any]:
    """Return what every page shows: who is logged in, where one may go, the other language."""

    def t(en: str, zh: str) -> str:
        return en if language is Language.EN else zh

    tenant = None if caller is None else office.tenants[caller.tenant]
    return {
        "t": t,
        "say": lambda sentence: say(sentence, language),
        "language": language.value,
        "other_language": "zh" if language is Language.EN else "en",
        "say_date": lambda day: say_date(day, language),
        "say_instant": lambda instant: _say_instant(instant, office, caller, language),
        "role_words": ROLE_WORDS,
        "field_words": FIELD_WORDS,
        "development": office.development,
        "is_authority": tenant is not None and tenant.kind is TenantKind.AUTHORITY,
        "caller": caller,
        "institution": None
        if tenant is None
        else (tenant.name.zh, tenant.name.en or tenant.name.zh)[language is Language.EN],
        "menu": _build_menu(request.app.state.operations, caller, office),
        "path": request.url.path,
        "form_token_name": FORM_TOKEN,
        "form_token": make_form_token(caller.token) if caller is not None and caller.token else "",
        "style": name_static("office.css"),
        "script": name_static("office.js"),
        "htmx": name_static("vendor/htmx.min.js"),
    }


def _say_instant(instant: datetime, office: Office, caller: Caller | None, language: Language) -> str:
    tenant = office.tenants[caller.tenant] if caller is not None else next(iter(office.tenants.values()))
    return say_instant(instant, tenant.zone, language)


def _build_menu(operations: Sequence[Operation], caller: Caller | None, office: Office) -> list[Operation]:
    if caller is None:
        return []
    kind = office.tenants[caller.tenant].kind
    return [one for one in operations if one.in_menu and kind in one.offered and one.roles & caller.roles]


def _render(template: str, status: int, values: Mapping[str, Any]) -> Response:
    page = _TEMPLATES.get_template(template).render(**values)
    headers = {"Cache-Control": "no-store", "Vary": "Cookie, Accept-Language"}
    return Response(page.encode(), status, headers, "text/html; charset=utf-8")


def spell_period(start: date, end: date | None) -> str:
    """Return a period as tables have it."""
    return f"{start.isoformat()} – {'' if end is None else end.isoformat()}"
