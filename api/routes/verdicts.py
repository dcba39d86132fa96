"""`/q/{digits}` and `/c/{code}`: the verdict on a printed code, as a page or as JSON, and its proof bundle."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final, TypeVar

import orjson
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.copies.watch import Watch
from api.describe import describe, json_of, json_of_any, text_of
from api.negotiation import Tongue, choose_language, prefers_json
from api.photos import ShownPhoto
from api.problems import find_status, log_failure
from api.ready import NO_STORE, Ready, ReadyAnswers, pack, respond
from api.schemas.verdicts import VerdictAnswer
from api.shown import Shown
from api.sites.view import Promised
from api.verdicts import Bundle, Finding, Verdicts
from api.web.copy_words import NOTHING, ScanNote
from api.web.pages import PAGE_SECURITY, PageWriter, Past
from ledger.core.errors import InputError, LedgerError, NotFoundError
from ledger.core.ids import InstitutionId, InstrumentId
from ledger.core.qr import ShortCode, parse_code, parse_digits
from ledger.core.record import Record
from ledger.place_reading import LoggedSite

T = TypeVar("T")
_Key = tuple[str, str | None, Tongue | None]
"""Path, what was asked for beside it, and in which language; None: as JSON."""

ListPlaces = Callable[[InstrumentId, InstitutionId, str | None], Sequence[LoggedSite]]
"""Returns where an instrument is used, see `api.sites.view.Sites.list_places_of`."""

ListPledges = Callable[[InstrumentId, InstitutionId, str | None], Sequence[Promised]]
"""Returns what owners promise of an instrument, see `api.sites.view.Sites.list_pledges_about`."""

FindPhoto = Callable[[InstrumentId, InstitutionId], ShownPhoto | None]
"""Returns the photograph that an institution has registered, see `api.photos.Photos.find`."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What is said of an instrument beside a verdict, which waits for none of it."""

    list_pledges: ListPledges = lambda *_: ()
    list_places: ListPlaces = lambda *_: ()
    find_photo: FindPhoto = lambda *_: None


PAGE_CACHE: Final = "public, max-age=60"
_VARY: Final = "Accept, Accept-Language"
_SECURITY: Final = {"Content-Security-Policy": PAGE_SECURITY}
_MAY_ASK: Final = {"Permissions-Policy": "camera=(), microphone=(), geolocation=(self)"}
"""Of pages that may ask for a place, at the press of a button; of all others nothing may."""
_STATUSES: Final = {
    Shown.NOT_FOUND: HTTPStatus.NOT_FOUND,
    Shown.NOT_LOGGED: HTTPStatus.NOT_FOUND,
    Shown.NEVER_GIVEN_OUT: HTTPStatus.NOT_FOUND,
    Shown.UNKNOWN_CODE: HTTPStatus.NOT_FOUND,
    Shown.CANNOT_CHECK: HTTPStatus.SERVICE_UNAVAILABLE,
}


def make_router(verdicts: Verdicts, counter: "Counter") -> APIRouter:
    """Return the routes of printed codes."""
    router = APIRouter(tags=["public"])
    page = describe(text_of("text/html") | json_of(VerdictAnswer), known=True, as_page=True)
    file = describe(json_of_any(), known=True, also=(451,))

    @router.get("/q/{digits}", summary="Verdict on the statement in a long code", responses=page)
    async def read_long_code(digits: str, request: Request, lang: str | None = None) -> Response:
        statement = _try(lambda: parse_digits(digits))
        return await counter.judge(request, lang, lambda: verdicts.of_statement(_require(statement)))

    @router.get("/c/{code}", summary="Verdict on the document that a short code names", responses=page)
    async def read_short_code(code: str, request: Request, lang: str | None = None) -> Response:
        named = _try(lambda: parse_code(code))
        unknown = Shown.NOT_FOUND if named is None else Shown.UNKNOWN_CODE
        return await counter.judge(request, lang, lambda: verdicts.of_code(_require(named)), unknown=unknown)

    @router.get("/q/{digits}/bundle.json", summary="Proof bundle of a long code", responses=file)
    async def read_long_bundle(digits: str, request: Request) -> Response:
        return await counter.prove(request, lambda: _save(verdicts.bundle_of_statement(read_digits(digits))))

    @router.get("/c/{code}/bundle.json", summary="Proof bundle of a short code", responses=file)
    async def read_short_bundle(code: str, request: Request) -> Response:
        return await counter.prove(request, lambda: _save(verdicts.bundle_of_code(read_code(code))))

    @router.get(
        "/c/{code}/certificate.json",
        summary="The record that a short code names, as published",
        responses=file,
    )
    async def read_record(code: str, request: Request) -> Response:
        def compute() -> Ready:
            known = read_code(code)
            raw = verdicts.certificate_of_code(known)
            return Ready(raw, "application/json", PAGE_CACHE, file_name=f"{known}.certificate.json")

        return await counter.prove(request, compute)

    @router.get(
        "/c/{code}/newest.json",
        summary="Proof bundle of a short code under the newest published checkpoint",
        responses=file,
    )
    async def read_newest_bundle(code: str, request: Request) -> Response:
        return await counter.prove(request, lambda: _save(verdicts.newest_of_code(read_code(code))))

    @router.get(
        "/q/{digits}/absence.json",
        summary="Proof that the ledger has no certificate such as a long code names",
        responses=describe(json_of_any(), known=True),
    )
    async def read_absence(digits: str, request: Request) -> Response:
        def compute() -> Ready:
            raw = verdicts.absence_of_statement(read_digits(digits))
            return Ready(raw, "application/json", NO_STORE, file_name="absence.json")

        return await counter.prove(request, compute)

    return router


class Counter:
    """Answers one request: at once where the bytes are ready, else in a thread."""

    def __init__(
        self,
        verdicts: Verdicts,
        answers: ReadyAnswers,
        writer: PageWriter,
        beside: Beside | None = None,
        watch: Watch | None = None,
    ) -> None:
        self._watch = watch
        self._headers = _SECURITY if watch is None else _SECURITY | _MAY_ASK
        self._beside = beside or Beside()
        self._verdicts = verdicts
        self._answers = answers
        self._writer = writer

    async def judge(
        self,
        request: Request,
        lang: str | None,
        look: Callable[[], Finding],
        *,
        unknown: Shown = Shown.NOT_FOUND,
        detail: str | None = None,
    ) -> Response:
        """Answer with what `look` finds.

        Args:
            request: as it came in.
            lang: language that is asked for.
            look: returns the finding; raises where there is none.
            unknown: what the page shows where there is nothing.
            detail: what was asked for beside the path.
        """
        as_json = prefers_json(request.headers.get("accept", ""))
        tongue = choose_language(request.headers.get("accept-language", ""), lang)
        key: _Key = (request.scope["path"], detail, None if as_json else tongue)
        ready = self._answers.find(key)
        if ready is None:
            if as_json:
                ready = await run_in_threadpool(self._write_json, key, look)
            else:
                ready = await run_in_threadpool(self._write_page, key, look, tongue, unknown)
        if self._watch is not None and not as_json and ready.finding is not None:
            self._watch.note(key[0], request.client.host if request.client else "", ready.finding)
        return respond(ready, request, vary=_VARY, more=None if as_json else self._headers)

    async def prove(
        self, request: Request, compute: Callable[[], Ready], *, detail: str | None = None
    ) -> Response:
        """Answer with a file, which `compute` makes; one that was published is true for ever."""
        key = request.scope["path"], detail, None
        ready = self._answers.find(key)
        if ready is None:
            ready = await run_in_threadpool(self._answers.fill_proof, key, compute)
        return respond(ready, request)

    def _write_json(self, key: _Key, look: Callable[[], Finding]) -> Ready:
        path = key[0]

        def compute() -> Ready:
            finding = look()
            mark = None if self._watch is None else self._watch.find_mark(path, finding)
            marked = {} if mark is None else {"copies": mark.value}
            body = orjson.dumps(self._verdicts.describe(finding) | marked)
            return Ready(body, "application/json", _cache(finding), _status(finding))

        return self._answers.fill(key, compute)

    def _write_page(self, key: _Key, look: Callable[[], Finding], tongue: Tongue, unknown: Shown) -> Ready:
        def compute() -> Ready:
            return self._page(look(), tongue, path=key[0])

        try:
            return self._answers.fill(key, compute)
        except LedgerError as err:
            return self._excuse(err, tongue, self._answers.recall(key), unknown, key[0])

    def _excuse(
        self, error: LedgerError, tongue: Tongue, last: Ready | None, unknown: Shown, path: str
    ) -> Ready:
        """Return the page that says that there is nothing, or that nobody could look; never a verdict."""
        status = find_status(error)
        if status is HTTPStatus.NOT_FOUND:
            return self._page(self._verdicts.nothing(unknown), tongue, path=path)
        log_failure(error)
        finding = self._verdicts.nothing(Shown.CANNOT_CHECK)
        page = self._page(finding, tongue, None if last is None else last.finding, path=path)
        return replace(page, status=status)

    def _page(self, finding: Finding, tongue: Tongue, last: Finding | None = None, *, path: str) -> Ready:
        past = None
        if finding.details is not None:
            record = finding.details.record
            place = _name_place(record)
            pledges = _attempt(lambda: self._beside.list_pledges(*place)) or ()
            places = _attempt(lambda: self._beside.list_places(*place)) or ()
            photo = _attempt(lambda: self._beside.find_photo(record.instrument.id, record.issuer.id))
            past = Past(*self._verdicts.history_of(finding), pledges, places, photo)
        body = self._writer.write(finding, tongue, last, past, self._note(path, finding))
        kept = replace(finding, details=None)  # answers are kept in thousands
        media_type = "text/html; charset=utf-8"
        return pack(
            Ready(body, media_type, _cache(finding), _status(finding), language=tongue.language, finding=kept)
        )

    def _note(self, path: str, finding: Finding) -> ScanNote:
        """Return what stands against the code of a page, and whether the page asks for a place."""
        if self._watch is None:
            return NOTHING
        return ScanNote(self._watch.find_mark(path, finding), self._watch.make_ask(path, finding))


def _name_place(record: Record) -> tuple[InstrumentId, InstitutionId, str | None]:
    """Return the instrument of a document, whose document it is, and where it says that the instrument stands."""
    site = record.instrument.site
    return record.instrument.id, record.issuer.id, None if site is None else site.division


def _attempt(find: Callable[[], T]) -> T | None:
    """Return what others say of an instrument; a verdict waits for nobody's word."""
    try:
        return find()
    except LedgerError as err:
        log_failure(err)
        return None


def _try(parse: Callable[[], T]) -> T | None:
    """Return what a code holds; None: nobody can have printed it."""
    try:
        return parse()
    except InputError:
        return None


def _require(value: T | None) -> T:
    if value is None:
        raise NotFoundError("nobody can have printed this code")
    return value


def read_digits(digits: str) -> bytes:
    """Return the statement in digits; what nobody can have printed is not found."""
    try:
        return parse_digits(digits)
    except InputError as err:
        raise NotFoundError(str(err)) from err


def read_code(code: str) -> ShortCode:
    """Return a code that was printed or typed; what nobody can have printed is not found."""
    try:
        return parse_code(code)
    except InputError as err:
        raise NotFoundError(str(err)) from err


def _save(bundle: Bundle) -> Ready:
    return Ready(
        bundle.raw,
        "application/json",
        PAGE_CACHE,
        file_name=f"{bundle.code}.bundle.json",
    )


def _status(finding: Finding) -> HTTPStatus:
    if finding.shown is Shown.NOT_VERIFIED and not finding.is_held:
        return HTTPStatus.NOT_FOUND
    return _STATUSES.get(finding.shown, HTTPStatus.OK)


def _cache(finding: Finding) -> str:
    """Only what the log holds may be kept: anybody can make up the rest."""
    return PAGE_CACHE if finding.code is not None or finding.is_held else NO_STORE
