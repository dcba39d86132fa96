"""`/scan`: the scanner's page, for codes that are typed or handed in as picture or file, with or without script."""

import hashlib
from collections.abc import Callable
from functools import cache, lru_cache
from http import HTTPStatus
from typing import Final, Protocol

import anyio
import orjson
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from api.allowance import Allowance
from api.describe import describe, json_of_any
from api.negotiation import Language, Tongue, choose_language
from api.problems import RETRY_SECONDS, find_status, log_failure
from api.ready import ASK_AGAIN, NO_STORE, Ready, ReadyAnswers, pack, pack_for_good, respond
from api.scanned import Foreign, Own, read_scanned
from api.static_files import StaticFiles
from api.uploads import FileFinding, UploadDesk
from api.web.scan_page import CSP, Outcome, ScanPage, describe_file, describe_foreign
from api.web.words import say
from ledger.core.errors import InputError, LedgerError, MalformedDocumentError
from ledger.core.qr import ShortCode
from ledger.core.step import Sentence
from ledger.register_list import RegisterList
from verifier.browser import LATER, PACK

FORM_PATH: Final = "/scan"
MAX_BODY_BYTES: Final = 10 * 1024 * 1024 + 16 * 1024
"""Of an upload: the largest file and what stands around it."""

THREADS: Final = 2
"""Files that are looked at at a time."""

A_MINUTE: Final = 10
A_DAY: Final = 200
"""Files of one caller: a picture may take seconds of a processor, and the threads are everybody's."""

_WORKER: Final = "worker.js"
_READER: Final = "zxing_"
_CURVES: Final = "noble/"
_PAIRING: Final = "bls"
"""Curves that only certificates of many witnesses need; a device without network goes without."""

_DECODER: Final = "zxing_worker.js"
_WORK: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'"
}
"""A worker obeys the policy of its own script, not that of its page."""

_HEADERS: Final = {
    "Cache-Control": NO_STORE,
    "Content-Security-Policy": CSP,
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Vary": "Accept-Language",
}
_WRONG_CODE: Final = Sentence(
    "That is not a code of ours: compare every letter and digit.", "编码有误，请逐位核对后重新输入。"
)
_WRONG_FILE: Final = Sentence(
    "This file cannot be checked: it is neither a document of this register, nor a sharp picture of one QR code.",
    "无法核验该文件：它既不是本系统的证书文件，也不是一张清晰的二维码照片（一张照片中只能有一个二维码）。",
)
_NOT_NOW: Final = Sentence(
    "This cannot be looked up right now. Please try again later.", "暂时无法查询，请稍后重试。"
)
_BUSY: Final = Sentence(
    "Many files are being looked at right now; yours was not taken. Please send it again in a moment.",
    "当前核验的文件较多，您的文件尚未收到，请稍候再次提交。",
)
_TOO_OFTEN: Final = Sentence(
    f"Too many files from here: {A_MINUTE} a minute and {A_DAY} a day are looked at. Please try again later; "
    "codes may be typed as before.",
    f"提交过于频繁：每分钟最多核验{A_MINUTE}个、每天最多{A_DAY}个文件，请稍后再试；仍可输入编码查询。",
)


class FindPath(Protocol):
    """Knows whether sixteen symbols are the id of a sticker."""

    def __call__(self, code: ShortCode) -> str:
        """Return the path of the page of a sticker, else of a document."""
        ...


def make_worker_router(
    static: StaticFiles, page: ScanPage, registers: RegisterList, answers: ReadyAnswers
) -> APIRouter:
    """Return the routes of what a device keeps for the time without network.

    Args:
        static: scripts of the scanner.
        page: the scanner itself.
        registers: what the trust list is made from.
        answers: keeps the trust list, and nothing else: it may be as large as thousands of pages.
    """
    router = APIRouter(tags=["public"])

    @cache
    def write_worker() -> Ready:
        return pack_for_good(Ready(_write_worker(static, page), "text/javascript", ASK_AGAIN))

    @lru_cache(maxsize=1)
    def pack_trust(raw: bytes) -> Ready:
        return pack(Ready(raw, "application/json", ASK_AGAIN))

    @router.get("/worker.js", include_in_schema=False)  # belongs to the page, and is no interface
    async def read_worker(request: Request) -> Response:
        return respond(write_worker(), request, more=_WORK)

    @router.get(f"/static/scan/{_DECODER}", include_in_schema=False)
    async def read_decoder(request: Request) -> Response:
        return respond(static.find("scan", _DECODER), request, more=_WORK)

    @router.get(
        "/trust.json",
        summary="Trust list: every register leaf, with proof, for whoever checks a printed code without network",
        responses=describe(json_of_any(), known=True),
    )
    async def read_trust(request: Request) -> Response:
        path = request.scope["path"]
        ready = answers.find(path)
        if ready is None:
            ready = await run_in_threadpool(
                answers.fill_proof, path, lambda: pack_trust(registers.trust_list())
            )
        return respond(ready, request)

    return router


def _write_worker(static: StaticFiles, page: ScanPage) -> bytes:
    """Return the service worker with what it keeps: another file or another page is another worker.

    Names are relative to it, wherever a proxy has put the site.
    """
    kept = [f"static/{folder}/{name}" for folder, name in _list_kept(static)]
    tags = [static.find(folder, name).etag for folder, name in _list_kept(static)]
    pages = [page.write(Tongue(language, is_asked=False)) for language in Language]
    parts = [hashlib.sha256(part).digest() for part in (*(tag.encode() for tag in tags), *pages)]
    version = hashlib.sha256(b"".join(parts)).hexdigest()[:16]
    names = orjson.dumps(["scan", *kept]).decode()
    head = f"const VERSION = {orjson.dumps(version).decode()};\nconst FILES = {names};\n"
    return head.encode() + static.find("scan", _WORKER).body


def _list_kept(static: StaticFiles) -> list[tuple[str, str]]:
    """Return folder and name of every file that the scanner needs."""
    scan = [("scan", name) for name in static.list_names("scan") if name != _WORKER]
    vendor = [("vendor", name) for name in static.list_names("vendor") if name.startswith(_READER)]
    curves = [
        ("vendor", name)
        for name in static.list_names("vendor")
        if name.startswith(_CURVES) and _PAIRING not in name
    ]
    later = [("verifier", name) for name in static.list_names("verifier") if name.startswith(LATER)]
    return [*scan, ("verifier", PACK), *later, *vendor, *curves]


def make_busy_page(page: ScanPage) -> Callable[[Request], Response]:
    """Return what answers those who come while too many files are in memory."""

    def write_busy(request: Request) -> Response:
        tongue = _choose(request, request.query_params.get("lang"))
        return _hold_off(page, _BUSY, tongue, HTTPStatus.SERVICE_UNAVAILABLE, RETRY_SECONDS)

    return write_busy


def make_router(desk: UploadDesk, page: ScanPage, find_path: FindPath, allowance: Allowance) -> APIRouter:
    """Return the routes of the scanner.

    Args:
        desk: looks at files.
        page: writes the page.
        find_path: knows the page of a code.
        allowance: how many files a caller has.
    """
    router = APIRouter(tags=["public"])
    counter = _Counter(desk, page, find_path)
    threads = anyio.CapacityLimiter(THREADS)

    @router.get(FORM_PATH, include_in_schema=False)  # a page, like its form below, and no interface
    def read_scanner(request: Request, code: str | None = None, lang: str | None = None) -> Response:
        tongue = _choose(request, lang)
        return counter.show(tongue) if code is None else counter.follow(code, tongue)

    @router.post(FORM_PATH, include_in_schema=False)
    async def take_file(request: Request, lang: str | None = None) -> Response:
        tongue = _choose(request, lang)
        wait = allowance.find_wait("" if request.client is None else request.client.host)
        if wait is not None:
            return _hold_off(page, _TOO_OFTEN, tongue, HTTPStatus.TOO_MANY_REQUESTS, wait)
        try:
            raw = await _read_file(request)
        except InputError as err:
            return counter.refuse(err, tongue)
        return await anyio.to_thread.run_sync(counter.judge, raw, tongue, limiter=threads)

    return router


class _Counter:
    """Answers with a page, or with the way to one."""

    def __init__(self, desk: UploadDesk, page: ScanPage, find_path: FindPath) -> None:
        self._desk = desk
        self._page = page
        self._find_path = find_path

    def show(
        self, tongue: Tongue, outcome: Outcome | None = None, status: HTTPStatus = HTTPStatus.OK
    ) -> Response:
        return _respond(self._page.write(tongue, outcome=outcome), tongue, status)

    def follow(self, text: str, tongue: Tongue) -> Response:
        """Lead to the page of a text that was typed or read, or say what is wrong with it."""
        try:
            found = read_scanned(text, self._page.hosts)
            if isinstance(found, Foreign):
                return self.show(tongue, describe_foreign(found, tongue))
            path = found.path if isinstance(found, Own) else self._find_path(found.code)
        except InputError:
            said = say(_WRONG_CODE, tongue.language)
            body = self._page.write(tongue, said=said, typed=text[:200])
            return _respond(body, tongue, HTTPStatus.UNPROCESSABLE_ENTITY)
        except LedgerError as err:
            return self.refuse(err, tongue)
        query = f"?lang={tongue.language[:2]}" if tongue.is_asked else ""
        return RedirectResponse(f".{path}{query}", HTTPStatus.SEE_OTHER, {"Cache-Control": NO_STORE})

    def judge(self, raw: bytes, tongue: Tongue) -> Response:
        """Say what a file is, or follow the code in it."""
        try:
            found = self._desk.look(raw)
        except LedgerError as err:
            return self.refuse(err, tongue)
        if isinstance(found, FileFinding):
            return self.show(tongue, describe_file(found, self._desk.choose_shown(found), tongue))
        return self.follow(found, tongue)

    def refuse(self, error: LedgerError, tongue: Tongue) -> Response:
        """Say that a file cannot be checked, or that nobody can look now; never a verdict."""
        status = find_status(error)
        if isinstance(error, InputError):
            sentence = Sentence(f"{_WRONG_FILE.en} ({error.reason})", _WRONG_FILE.zh)
        else:
            log_failure(error)
            sentence = _NOT_NOW
        body = self._page.write(tongue, said=say(sentence, tongue.language))
        return _respond(body, tongue, status)


def _choose(request: Request, lang: str | None) -> Tongue:
    return choose_language(request.headers.get("accept-language", ""), lang)


def _respond(body: bytes, tongue: Tongue, status: HTTPStatus) -> Response:
    headers = {**_HEADERS, "Content-Language": tongue.language.value}
    return Response(body, status, headers, "text/html; charset=utf-8")


def _hold_off(page: ScanPage, words: Sentence, tongue: Tongue, status: HTTPStatus, seconds: int) -> Response:
    """Return the page with a sentence, for who may come again after so many seconds."""
    response = _respond(page.write(tongue, said=say(words, tongue.language)), tongue, status)
    response.headers["Retry-After"] = str(seconds)
    return response


async def _read_file(request: Request) -> bytes:
    """Return the one file of a form.

    Raises:
        MalformedDocumentError: no such form, or no file in it.
    """
    try:
        async with request.form(max_files=1, max_fields=4) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise MalformedDocumentError("no file was chosen", field="file")
            return await file.read()
    except HTTPException as err:  # so Starlette names a form that it cannot read
        raise MalformedDocumentError(f"the form cannot be read: {err.detail}", field="file") from err
