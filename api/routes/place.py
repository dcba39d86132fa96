"""`POST /place`: roughly where a code was scanned, told by the script of its page at the press of a button.

204 where it is counted, or was today already: nobody learns which. Pages need no database for any of this.
"""

from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from api.copies.watch import Watch
from api.problems import answer_problem, build_http_problem, build_problem
from api.reports.floods import TooManyError
from ledger.core.errors import InputError, LedgerError

PATH: Final = "/place"
MAX_FIELD: Final = 80
_FIELDS: Final = ("kind", "code", "cell", "scan")


def make_router(watch: Watch) -> APIRouter:
    """Return the route, which is for the pages of this site and not described."""
    router = APIRouter(include_in_schema=False)

    @router.post(PATH)
    async def take_place(request: Request) -> Response:
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            detail = "A place is told from a page of this site."
            return answer_problem(build_http_problem(HTTPStatus.FORBIDDEN, detail))
        address = request.client.host if request.client else ""
        try:
            kind, code, cell, scan = await _read(request)
            await run_in_threadpool(watch.take_place, kind, code, cell, scan, address)
        except TooManyError as err:
            return answer_problem(build_http_problem(HTTPStatus.TOO_MANY_REQUESTS, str(err)))
        except LedgerError as err:
            return answer_problem(build_problem(err))
        return Response(status_code=HTTPStatus.NO_CONTENT, headers={"Cache-Control": "no-store"})

    return router


async def _read(request: Request) -> list[str]:
    """Return the four fields.

    Raises:
        InputError: not a form, or other fields.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise InputError("is application/x-www-form-urlencoded", field="Content-Type", zh="格式有误")
    try:
        form = await request.form(max_files=0, max_fields=len(_FIELDS))
    except HTTPException:
        raise InputError("has four fields", field="body", zh="字段有误") from None
    given = [form.getlist(name) for name in _FIELDS]
    for name, found in zip(_FIELDS, given, strict=True):
        if len(found) != 1 or len(str(found[0])) > MAX_FIELD:
            raise InputError("is given once", field=name, zh="应填写一次")
    return [str(found[0]) for found in given]
