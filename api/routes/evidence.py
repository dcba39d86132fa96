"""`/c/{code}/evidence.zip`, `/q/{digits}/evidence.zip`: everything about one document in one file."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.allowance import Allowance
from api.describe import bytes_of, describe
from api.evidence.desk import EvidenceDesk
from api.evidence.pack import Source, is_final
from api.problems import Problem, answer_problem
from api.ready import ASK_AGAIN, NO_STORE
from api.routes.verdicts import read_code, read_digits
from ledger.core.bundle import parse_bundle
from ledger.core.errors import UnavailableError
from ledger.core.qr import compute_code
from ledger.core.step import Sentence

A_MINUTE: Final = 6
A_DAY: Final = 60
MOST_UNDER_WAY: Final = 6
"""Requests that wait for a pack, of all callers: the threads that answer everybody else are not theirs."""

TOO_OFTEN: Final = Sentence(
    f"Too many evidence packs from here: {A_MINUTE} a minute and {A_DAY} a day are made. Try again later.",
    f"下载过于频繁：每分钟最多{A_MINUTE}个、每天最多{A_DAY}个存证包，请稍后再试。",
)
_ZIP: Final = "application/zip"


def make_router(desk: EvidenceDesk, allowance: Allowance) -> APIRouter:
    """Return the routes of evidence packs."""
    router = APIRouter(tags=["public"])
    answers = describe(bytes_of(_ZIP), known=True, also=(451,))
    limits = f"At most {A_MINUTE} a minute and {A_DAY} a day for each caller."
    handing = _Handing(desk, allowance)

    @router.get(
        "/c/{code}/evidence.zip",
        summary="Evidence pack of the document that a short code names",
        description=limits,
        responses=answers,
        response_class=Response,
    )
    async def read_short(code: str, request: Request) -> Response:
        return await handing.answer(request, lambda: desk.gather_by_code(read_code(code)))

    @router.get(
        "/q/{digits}/evidence.zip",
        summary="Evidence pack of the document in a long code",
        description=limits,
        responses=answers,
        response_class=Response,
    )
    async def read_long(digits: str, request: Request) -> Response:
        return await handing.answer(request, lambda: desk.gather_by_statement(read_digits(digits)))

    return router


class _Handing:
    """Hands packs out."""

    def __init__(self, desk: EvidenceDesk, allowance: Allowance) -> None:
        self._desk = desk
        self._allowance = allowance
        self._under_way = 0

    async def answer(self, request: Request, gather: Callable[[], Source]) -> Response:
        wait = self._allowance.find_wait("" if request.client is None else request.client.host)
        if wait is not None:
            return _hold_off(wait)
        if self._under_way >= MOST_UNDER_WAY:
            raise UnavailableError("too many evidence packs are asked for at once")
        self._under_way += 1
        try:
            return await run_in_threadpool(self._make, request, gather)
        finally:
            self._under_way -= 1

    def _make(self, request: Request, gather: Callable[[], Source]) -> Response:
        source = gather()
        headers = {"ETag": f'"{source.compute_digest()[:32]}"', "Cache-Control": ASK_AGAIN}
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        name = compute_code(parse_bundle(source.bundle).statement_raw)
        pack = self._desk.make(source)
        if not is_final(pack):  # who has it is to get the rest when it comes again
            headers = {"Cache-Control": NO_STORE}
        headers["Content-Disposition"] = f'attachment; filename="hengzheng-{name}.zip"'
        return Response(pack, HTTPStatus.OK, headers, _ZIP)


def _hold_off(wait: int) -> Response:
    problem = Problem(HTTPStatus.TOO_MANY_REQUESTS, "too-many-requests", TOO_OFTEN.en, {"zh": TOO_OFTEN.zh})
    response = answer_problem(problem)
    response.headers["Retry-After"] = str(wait)
    return response
