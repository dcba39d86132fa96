"""`/find`: an instrument by its nameplate, or a site by its name, for whoever has no code to scan.

Told are the state and the address of the page, at most 20 at a time, and so many searches a caller: enough for a
person, too few to copy a register. Answers are kept nowhere.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.allowance import A_DAY, A_MINUTE, Allowance
from api.describe import describe, json_of, text_of
from api.negotiation import Language, Tongue, choose_language, prefers_json
from api.problems import answer_problem, build_http_problem
from api.ready import NO_STORE, Ready, respond
from api.routes.sites import excuse
from api.schemas.sites import FindAnswer
from api.sites.finding import NAMES, Finder, Found, Question, QuestionError, parse_question
from api.web.site_page import (
    KINDS,
    NOT_PROVED,
    SHORT_ID,
    SITE_POLICY,
    UNSURE,
    SitePageWriter,
    describe_state,
    say_name,
)
from api.web.words import say
from ledger.core.encoding import encode_hex
from ledger.core.register_fields import name_members
from ledger.core.step import Sentence
from verifier.report import DocumentStatus

_PLACE: Final = (
    '<path d="M12 22s7-7 7-12.5a7 7 0 1 0-14 0C5 15 12 22 12 22Z"/><circle cx="12" cy="9.5" r="2.5"/>'
)
TOO_OFTEN: Final = Sentence(
    f"Too many searches from here: {A_MINUTE} a minute and {A_DAY} a day are answered. Try again later.",
    f"查询过于频繁：每分钟最多{A_MINUTE}次、每天最多{A_DAY}次，请稍后再试。",
)
_LEDGER_ID: Final = Sentence("Ledger id", "账本编号")
_TOO_OFTEN_HEADLINE: Final = Sentence("Please wait", "请稍候")


def make_router(finder: Finder, allowance: Allowance, writer: SitePageWriter) -> APIRouter:
    """Return the route of searches."""
    router = APIRouter(tags=["public"])
    counter = _Counter(finder, allowance, writer)

    @router.get(
        "/find",
        summary="Find a site by name and division, or an instrument by maker and serial number",
        description=f"At most 20 hits; {A_MINUTE} searches a minute and {A_DAY} a day for each caller.",
        responses=describe(text_of("text/html") | json_of(FindAnswer), as_page=True),
    )
    async def find(
        request: Request,
        site: str = "",
        division: str = "",
        maker: str = "",
        serial: str = "",
        lang: str | None = None,
    ) -> Response:
        given = dict(zip(NAMES, (site, division, maker, serial), strict=True))
        response = await counter.answer(request, given, lang)
        response.headers["Content-Security-Policy"] = SITE_POLICY
        return response

    return router


class _Counter:
    """Answers one search."""

    def __init__(self, finder: Finder, allowance: Allowance, writer: SitePageWriter) -> None:
        self._finder = finder
        self._allowance = allowance
        self._writer = writer

    async def answer(self, request: Request, given: Mapping[str, str], lang: str | None) -> Response:
        as_json = prefers_json(request.headers.get("accept", ""))
        tongue = choose_language(request.headers.get("accept-language", ""), lang)
        try:
            question = parse_question(given)
        except QuestionError as err:
            if as_json:
                raise
            return respond(self._refuse(err, given, tongue), request)
        wait = None if question is None else self._allowance.find_wait(_find_address(request))
        if wait is not None:
            return self._hold_off(wait, tongue, as_json=as_json)
        if as_json:
            return respond(await run_in_threadpool(self._write_json, question), request)
        page = await run_in_threadpool(self._write_page, question, given, tongue)
        return respond(page, request)

    def _write_json(self, question: Question | None) -> Ready:
        if question is None:
            absent = Sentence("say what to look for", "请说明查找内容")
            raise QuestionError({"site": absent})
        found = self._finder.find(question)
        return Ready(orjson.dumps(describe_found(found)), "application/json", NO_STORE)

    def _write_page(self, question: Question | None, given: Mapping[str, str], tongue: Tongue) -> Ready:
        def write() -> Ready:
            found = None if question is None else self._finder.find(question)
            return self._page(given, tongue, found)

        return excuse(write, self._writer, tongue, find_link="find")

    def _refuse(self, error: QuestionError, given: Mapping[str, str], tongue: Tongue) -> Ready:
        wrong = {name: say(sentence, tongue.language) for name, sentence in error.faults.items()}
        return self._page(given, tongue, None, wrong, HTTPStatus.UNPROCESSABLE_ENTITY)

    def _page(
        self,
        given: Mapping[str, str],
        tongue: Tongue,
        found: Found | None,
        wrong: Mapping[str, str] | None = None,
        status: HTTPStatus = HTTPStatus.OK,
    ) -> Ready:
        language = tongue.language
        members: dict[str, Any] = {
            "given": given,
            "wrong": wrong or {},
            "answered": found is not None,
            "warning": say(UNSURE, language) if found is not None and found.is_unsure else None,
            "summary": None if found is None else _say_count(found, language),
            "hits": [] if found is None else self._list_hits(found, tongue),
            "disclaimer": say(NOT_PROVED, language) if found is not None and _has_valid(found) else None,
            "as_of": None if found is None else _say_size(found, language),
            "other_link": _link_other(given, language),
        }
        body = self._writer.write_found(members, tongue)
        return Ready(body, "text/html; charset=utf-8", NO_STORE, status, language=language)

    def _list_hits(self, found: Found, tongue: Tongue) -> list[dict[str, Any]]:
        language, query = tongue.language, f"?lang={tongue.language[:2]}" if tongue.is_asked else ""
        instruments = [
            {
                **describe_state(each.status, language),
                "title": self._writer.name_category(each.category, language),
                "detail": f"{say(_LEDGER_ID, language)} {encode_hex(each.id)[:SHORT_ID]}…",
                "short": encode_hex(each.id)[:SHORT_ID],
                "link": f"i/{encode_hex(each.id)}{query}",
            }
            for each in found.instruments
        ]
        sites = [
            {
                "icon": _PLACE,
                "tone": "none",
                "word": say(KINDS[each.content.kind], language),
                "title": say_name(each.content.name, language),
                "detail": None if each.content.address is None else say_name(each.content.address, language),
                "short": each.content.site.id,
                "link": f"site/{each.content.site.keeper}/{each.content.site.id}{query}",
            }
            for each in found.sites
        ]
        return [*instruments, *sites]

    def _hold_off(self, wait: int, tongue: Tongue, *, as_json: bool) -> Response:
        status, headers = HTTPStatus.TOO_MANY_REQUESTS, {"Retry-After": str(wait)}
        if as_json:
            response = answer_problem(build_http_problem(status, TOO_OFTEN.en))
            response.headers.update(headers)
            return response
        body = self._writer.write_nothing(_TOO_OFTEN_HEADLINE, TOO_OFTEN, tongue, find_link="find")
        return Response(body, status, {"Cache-Control": NO_STORE, **headers}, "text/html; charset=utf-8")


def describe_found(found: Found) -> dict[str, Any]:
    """Return what was found as JSON members: the state and the page of each, and nothing else."""
    hits: list[dict[str, Any]] = []
    for each in found.instruments:
        members = {
            "kind": "instrument",
            "path": f"/i/{encode_hex(each.id)}",
            "status": None if each.status is None else each.status.value,
            "category": None if each.category is None else each.category.name,
        }
        hits.append({name: value for name, value in members.items() if value is not None})
    for site in found.sites:
        name = site.content.site
        path = f"/site/{name.keeper}/{name.id}"
        hits.append({"kind": "site", "path": path, "name": name_members(site.content.name)})
    return {
        "hits": hits,
        "more": found.has_more,
        "tree_size": found.tree_size,
        "unsure": found.is_unsure,
    }


def _has_valid(found: Found) -> bool:
    return any(each.status is DocumentStatus.VALID for each in found.instruments)


def _find_address(request: Request) -> str:
    return "" if request.client is None else request.client.host


def _say_count(found: Found, language: Language) -> str:
    count = len(found.instruments) + len(found.sites)
    if found.has_more:
        return say(
            Sentence(
                f"The first {count}; there are more: give more of the name.",
                f"仅列出前{count}条；结果较多，请补充更完整的名称。",
            ),
            language,
        )
    if not count:
        return say(Sentence("Nothing was found", "未查到"), language)
    return say(Sentence(f"Found: {count}", f"查到 {count} 条"), language)


def _say_size(found: Found, language: Language) -> str:
    return say(Sentence(f"{found.tree_size} ledger entries", f"账本前 {found.tree_size} 条记录"), language)


def _link_other(given: Mapping[str, str], language: Language) -> str:
    other = "en" if language is Language.ZH else "zh"
    return f"?{urlencode({name: text for name, text in given.items() if text} | {'lang': other})}"
