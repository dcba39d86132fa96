"""`/site/{keeper}/{id}`: a site's page, its JSON, and the due dates of its instruments for a calendar."""

import re
from collections.abc import Callable, Hashable
from functools import partial
from http import HTTPStatus
from typing import Final

import orjson
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.describe import describe, json_of, text_of
from api.negotiation import Tongue, choose_language, prefers_json
from api.problems import find_status, log_failure
from api.ready import NO_STORE, Ready, ReadyAnswers, respond
from api.routes.verdicts import PAGE_CACHE
from api.schemas.sites import SiteAnswer
from api.sites.calendar import write_calendar
from api.sites.describe import describe_site
from api.sites.paging import MOST_PAGES
from api.sites.view import Sites
from api.web.site_page import SITE_POLICY, SitePageWriter
from ledger.core.errors import LedgerError, NotFoundError
from ledger.core.ids import ID_PATTERN, InstitutionId
from ledger.core.site import SiteName
from ledger.core.step import Sentence

_VARY: Final = "Accept, Accept-Language"
_ID: Final = re.compile(ID_PATTERN)
_NUMBER: Final = re.compile("[1-9][0-9]{0,2}")
_PAGE: Final = "text/html; charset=utf-8"

NO_SUCH_SITE: Final = Sentence("Not found", "未查到此场所")
_CHECK: Final = Sentence("Check the address, or scan the code again.", "请核对网址，或重新扫码。")
_CANNOT: Final = Sentence("Cannot look right now", "暂时无法查询")
_LATER: Final = Sentence(
    "This says nothing about the site or its instruments. Please try again later.",
    "这不代表该场所或其器具有问题，请稍后重试。",
)


def make_router(sites: Sites, answers: ReadyAnswers, writer: SitePageWriter, host: str) -> APIRouter:
    """Return the routes of sites."""
    router = APIRouter(tags=["public"])
    counter = _Counter(sites, answers, writer, host)
    page = describe(text_of("text/html") | json_of(SiteAnswer), known=True, as_page=True)

    @router.get(
        "/site/{keeper}/{site}",
        summary="A site: its instruments as they stand, its fair scales, and what its owner promises",
        responses=page,
    )
    async def read_site(
        keeper: str, site: str, request: Request, lang: str | None = None, page: str | None = None
    ) -> Response:
        return await counter.show((keeper, site), request, lang, _read_number(page))

    @router.get(
        "/site/{keeper}/{site}/due.ics",
        summary="Due dates of a site's instruments, for a calendar (RFC 5545)",
        responses=describe(text_of("text/calendar"), known=True),
    )
    async def read_due(keeper: str, site: str, request: Request, lang: str | None = None) -> Response:
        return await counter.list_due(keeper, site, request, lang)

    return router


class _Counter:
    """Answers one request: at once where the bytes are ready, else in a thread."""

    def __init__(self, sites: Sites, answers: ReadyAnswers, writer: SitePageWriter, host: str) -> None:
        self._sites = sites
        self._answers = answers
        self._writer = writer
        self._host = host

    async def show(self, name: tuple[str, str], request: Request, lang: str | None, number: int) -> Response:
        as_json = prefers_json(request.headers.get("accept", ""))
        tongue = choose_language(request.headers.get("accept-language", ""), lang)
        key = request.scope["path"], None if as_json else (tongue, number)
        work = self._write_json if as_json else partial(self._write_page, tongue=tongue, number=number)
        ready = self._answers.find(key)
        if ready is None:
            ready = await run_in_threadpool(work, key, name)
        response = respond(ready, request, vary=_VARY)
        response.headers["Content-Security-Policy"] = SITE_POLICY
        return response

    async def list_due(self, keeper: str, site: str, request: Request, lang: str | None) -> Response:
        tongue = choose_language(request.headers.get("accept-language", ""), lang)
        key = request.scope["path"], tongue.language

        def compute() -> Ready:
            view = self._sites.look(_read_name(keeper, site))
            raw = write_calendar(view, self._host, tongue.language)
            name = f"{view.content.site.keeper}-{view.content.site.id}.ics"
            return Ready(raw, "text/calendar; charset=utf-8", PAGE_CACHE, file_name=name)

        ready = self._answers.find(key)
        if ready is None:
            ready = await run_in_threadpool(self._answers.fill, key, compute)
        return respond(ready, request, vary="Accept-Language")

    def _write_json(self, key: Hashable, name: tuple[str, str]) -> Ready:
        def compute() -> Ready:
            members = describe_site(self._sites.look(_read_name(*name)))
            return Ready(orjson.dumps(members), "application/json", PAGE_CACHE)

        return self._answers.fill(key, compute)

    def _write_page(self, key: Hashable, name: tuple[str, str], tongue: Tongue, number: int) -> Ready:
        def compute() -> Ready:
            body = self._writer.write(self._sites.look(_read_name(*name)), tongue, number)
            return Ready(body, _PAGE, PAGE_CACHE, language=tongue.language)

        return excuse(lambda: self._answers.fill(key, compute), self._writer, tongue)


def excuse(
    write: Callable[[], Ready], writer: SitePageWriter, tongue: Tongue, find_link: str = "../../find"
) -> Ready:
    """Return a page; where there is nothing, or nobody could look, the page that says so."""
    try:
        return write()
    except LedgerError as err:
        status = find_status(err)
        is_absent = status is HTTPStatus.NOT_FOUND
        if not is_absent:
            log_failure(err)
        words = (NO_SUCH_SITE, _CHECK) if is_absent else (_CANNOT, _LATER)
        body = writer.write_nothing(*words, tongue, find_link)
        return Ready(body, _PAGE, NO_STORE, status, language=tongue.language)


def _read_number(text: str | None) -> int:
    """Return which page of a list was asked for; what is no number asks for the first."""
    return min(int(text), MOST_PAGES) if text is not None and _NUMBER.fullmatch(text) else 1


def _read_name(keeper: str, site: str) -> SiteName:
    """Return the name of a site; what nobody can have entered is not found."""
    if not (_ID.fullmatch(keeper) and _ID.fullmatch(site)):
        raise NotFoundError("no site has such a name")
    return SiteName(InstitutionId(keeper), site)
