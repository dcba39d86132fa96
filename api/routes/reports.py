"""`/report` and `/reports/{code}`: consumers report something, and see what becomes of it; pages only."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.responses import RedirectResponse

from api.negotiation import Language, Tongue, choose_language
from api.problems import RETRY_SECONDS, find_status, log_failure
from api.reports.case_code import parse_case_code
from api.reports.floods import TooManyError
from api.reports.form import FormError, read_form
from api.reports.intake import Intake
from api.reports.kinds import About, Route
from api.reports.pages import HEADERS, ReportPages
from api.reports.photos import MAX_PHOTO_BYTES, MAX_PHOTOS
from ledger.core.errors import InputError, LedgerError, NotFoundError
from ledger.core.step import Sentence
from ledger.proving import Prover

FORM_PATH: Final = "/report"
BARE_PATH: Final = f"report?about={About.NO_STICKER}"
"""From the root of the site, to where an instrument without a certificate is reported."""
MAX_FIELDS: Final = 30
MAX_FIELD_BYTES: Final = 64 * 1024
MAX_BODY_BYTES: Final = MAX_PHOTOS * MAX_PHOTO_BYTES + 256 * 1024
_MEDIA_TYPE: Final = "text/html; charset=utf-8"
_KINDS: Final = {"application/x-www-form-urlencoded", "multipart/form-data"}
_ASKED: Final = ("code", "about", "scan")
_KEPT: Final = {*_ASKED, "route", "case"}
"""What an address asks for that another language keeps."""
_UNREADABLE: Final = Sentence(
    "The form could not be read, or has too many fields or files. Open it again.",
    "无法读取表单，或字段、文件过多，请重新打开表单。",
)
_AWAY: Final = Sentence(
    "Your report could not be stored; nothing was taken. Send it again in a moment.",
    "暂时无法保存，未收到任何内容，请稍后再次提交。",
)
_BUSY: Final = Sentence(
    "Many reports are being sent at this moment; yours was not taken. Go back and send it again in a moment.",
    "当前提交较多，您的内容尚未收到；请返回后稍候再次提交。",
)
_FOREIGN: Final = Sentence(
    "This form was not sent from a page of this site; nothing was taken. Open it here.",
    "该表单并非来自本站页面，未收到任何内容；请在本站打开表单。",
)


def make_router(intake: Intake, pages: ReportPages, prover: Prover) -> APIRouter:
    """Return the routes of reports: pages for people, which the description of the interface leaves out."""
    router = APIRouter(include_in_schema=False)
    desk = _Desk(intake, pages, prover)

    @router.get(FORM_PATH)
    def show_form(request: Request) -> Response:
        return desk.guard(request, desk.show_form)

    @router.post(FORM_PATH)
    async def take_report(request: Request) -> Response:
        return await desk.take(request)

    @router.get("/reports")
    def find_case(request: Request) -> Response:
        return desk.guard(request, desk.find_case)

    @router.get("/reports/{code}")
    def show_case(code: str, request: Request) -> Response:
        return desk.guard(request, lambda asked, tongue: desk.show_case(code, asked, tongue))

    return router


def make_busy_page(pages: ReportPages) -> Callable[[Request], Response]:
    """Return what answers those who come while too many reports are being read."""

    def write_busy(request: Request) -> Response:
        tongue = _choose_tongue(request)
        page = pages.write_problem(_choose(_BUSY, tongue), tongue)
        return _answer(page, HTTPStatus.SERVICE_UNAVAILABLE)

    return write_busy


class _Desk:
    """Answers requests about reports; every error is a page."""

    def __init__(self, intake: Intake, pages: ReportPages, prover: Prover) -> None:
        self._intake = intake
        self._pages = pages
        self._prover = prover

    def guard(self, request: Request, answer: Callable[[Request, Tongue], Response]) -> Response:
        tongue = _choose_tongue(request)
        try:
            return answer(request, tongue)
        except LedgerError as err:
            return self._excuse(err, request, tongue)

    def show_form(self, request: Request, tongue: Tongue) -> Response:
        asked = {name: request.query_params.get(name, "")[:600] for name in _ASKED}
        try:
            route = Route(request.query_params.get("route", ""))
        except ValueError:
            given = {name: value for name, value in asked.items() if value}
            return _answer(self._pages.write_choice(given, tongue))
        takers = self._intake.directory.list_takers()
        return _answer(self._pages.write_form(route, asked, self._intake.make_code(), takers, tongue))

    def find_case(self, request: Request, tongue: Tongue) -> Response:
        code = parse_case_code(request.query_params.get("case", ""))
        return RedirectResponse(f"reports/{code}{_keep(tongue)}", HTTPStatus.SEE_OTHER, HEADERS)

    def show_case(self, code: str, request: Request, tongue: Tongue) -> Response:
        shown = self._intake.look(parse_case_code(code), _address(request))
        has_proof = shown.leaf_index is not None and self._is_published(shown.leaf_index)
        came = request.query_params.get("new")
        return _answer(self._pages.write_case(shown, tongue, has_proof=has_proof, came=came))

    async def take(self, request: Request) -> Response:
        tongue = _choose_tongue(request)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in _KINDS:
            return self._problem(_UNREADABLE, HTTPStatus.UNPROCESSABLE_ENTITY, tongue)
        if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            return self._problem(_FOREIGN, HTTPStatus.FORBIDDEN, tongue)
        try:
            found = await request.form(
                max_files=MAX_PHOTOS + 1, max_fields=MAX_FIELDS, max_part_size=MAX_FIELD_BYTES
            )
        except (MultiPartException, HTTPException, ValueError, KeyError):  # the last: no boundary is named
            return self._problem(_UNREADABLE, HTTPStatus.UNPROCESSABLE_ENTITY, tongue)
        try:
            values, photos = await _sort(found)
        finally:
            await found.close()
        return await run_in_threadpool(self._take, request, values, photos, tongue)

    def _take(
        self, request: Request, values: Mapping[str, list[str]], photos: list[bytes], tongue: Tongue
    ) -> Response:
        try:
            given = read_form(values, photos)
            taken = self._intake.take(given, _address(request), _first(values, "scan"))
        except LedgerError as err:
            if not isinstance(err, FormError | TooManyError):
                log_failure(err)
            return self._again(values, tongue, err)
        new = f"reports/{taken.code}?new={int(taken.is_new)}" + _keep(tongue).replace("?", "&")
        return RedirectResponse(new, HTTPStatus.SEE_OTHER, HEADERS)

    def _again(self, values: Mapping[str, list[str]], tongue: Tongue, error: LedgerError) -> Response:
        """Return the form with what was typed, and why it was not taken."""
        kept = {name: _first(values, name) for name in values}
        try:
            route = Route(kept.get("route", ""))
        except ValueError:
            return self._problem(_UNREADABLE, HTTPStatus.UNPROCESSABLE_ENTITY, tongue)
        try:
            code = parse_case_code(kept.get("case", ""))
        except InputError:
            code = self._intake.make_code()
        faults = error.faults if isinstance(error, FormError) else ()
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        sentence = None
        if isinstance(error, TooManyError):
            status, sentence = HTTPStatus.TOO_MANY_REQUESTS, _say(error, tongue)
        elif not isinstance(error, FormError):  # whatever it is, it is ours to put right
            status, sentence = HTTPStatus.SERVICE_UNAVAILABLE, _choose(_AWAY, tongue)
        try:
            takers = self._intake.directory.list_takers()
        except LedgerError:
            takers = []
        page = self._pages.write_form(route, kept, code, takers, tongue, faults, sentence)
        return _answer(page, status)

    def _is_published(self, leaf_index: int) -> bool:
        try:
            return leaf_index < self._prover.newest_checkpoint().tree_size
        except NotFoundError:
            return False

    def _excuse(self, error: LedgerError, request: Request, tongue: Tongue) -> Response:
        """Return the page of an error at the address that was asked for, where another language may be chosen."""
        words, status = _explain(error)
        asked = {name: value[:600] for name, value in request.query_params.items() if name in _KEPT}
        up = "../" if "code" in request.path_params else ""
        return _answer(self._pages.write_problem(_choose(words, tongue), tongue, asked, up=up), status)

    def _problem(self, words: Sentence, status: HTTPStatus, tongue: Tongue) -> Response:
        return _answer(self._pages.write_problem(_choose(words, tongue), tongue), status)


def _explain(error: LedgerError) -> tuple[Sentence, HTTPStatus]:
    if isinstance(error, TooManyError):
        return Sentence(str(error), error.zh or ""), HTTPStatus.TOO_MANY_REQUESTS
    status = find_status(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log_failure(error)
        return _GENERAL, status
    english = error.reason if isinstance(error, InputError) else str(error)
    return Sentence(english, error.zh or english), status


_GENERAL: Final = Sentence(
    "The server cannot answer this now. Nothing is lost: try again in a moment.",
    "暂时无法应答，没有丢失任何内容，请稍后重试。",
)


async def _sort(found: FormData) -> tuple[dict[str, list[str]], list[bytes]]:
    values: dict[str, list[str]] = {}
    photos: list[bytes] = []
    for name, value in found.multi_items():
        if isinstance(value, UploadFile):
            if value.filename or value.size:
                photos.append(await value.read())
        else:
            values.setdefault(name, []).append(value)
    return values, photos


def _first(values: Mapping[str, list[str]], name: str) -> str:
    return next(iter(values.get(name, ())), "")


def _choose_tongue(request: Request) -> Tongue:
    return choose_language(request.headers.get("accept-language", ""), request.query_params.get("lang"))


def _choose(words: Sentence, tongue: Tongue) -> str:
    return words.en if tongue.language is Language.EN else words.zh


def _say(error: LedgerError, tongue: Tongue) -> str:
    return str(error) if tongue.language is Language.EN else error.zh or str(error)


def _keep(tongue: Tongue) -> str:
    return f"?lang={tongue.language[:2]}" if tongue.is_asked else ""


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _answer(page: bytes, status: HTTPStatus = HTTPStatus.OK) -> Response:
    response = Response(page, status, HEADERS, _MEDIA_TYPE)
    if status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response
