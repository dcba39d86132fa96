"""Errors as RFC 9457 problems; the only file that knows which error has which HTTP status.

    InputError         422   the request is wrong and stays wrong
    VerificationError  422   evidence in the request does not hold
    NotFoundError      404; 451 where the law withholds a document's content
    AlreadyIssuedError, StaleVersionError   409
    ReadOnlyError      503   nothing is written until a person has put the newest copy back; said in zh and en
    other StateError   503   right request, but this server is not in a state to answer it
    UnavailableError   503   with Retry-After: nothing is lost, ask again
    LogIntegrityError  500   and anything that nobody foresaw

What is behind a 5xx is logged under an id; the public reads the id and a general sentence, nothing else.

>>> build_problem(NotFoundError("no statement in the ledger has this code")).status
404
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from ledger.core.errors import (
    AlreadyIssuedError,
    ContentWithheldError,
    DocumentRefusedError,
    InputError,
    LedgerError,
    NotFoundError,
    ReadOnlyError,
    StaleVersionError,
    StateError,
    UnavailableError,
    VerificationError,
)

MEDIA_TYPE: Final = "application/problem+json"
RETRY_SECONDS: Final = 2

_STATUSES: Final[tuple[tuple[type[LedgerError], HTTPStatus], ...]] = (
    (InputError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (VerificationError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (ContentWithheldError, HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS),
    (NotFoundError, HTTPStatus.NOT_FOUND),
    (AlreadyIssuedError, HTTPStatus.CONFLICT),
    (StaleVersionError, HTTPStatus.CONFLICT),
    (StateError, HTTPStatus.SERVICE_UNAVAILABLE),
    (UnavailableError, HTTPStatus.SERVICE_UNAVAILABLE),
)
"""The first row that fits counts."""

_GENERAL: Final = {
    HTTPStatus.SERVICE_UNAVAILABLE: "The server cannot answer this now. Nothing is lost: send the same again.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "The server cannot answer this; its operator finds the reason under the id.",
}
_TITLES: Final = {413: "Content Too Large", 414: "URI Too Long", 422: "Unprocessable Content"}
"""Names of RFC 9110 where the standard library's differ from one Python to the next."""

_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_RETRIED: Final = {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}
_READ_ONLY: Final = "read-only"
_WORD: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_LOG = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem document."""

    status: HTTPStatus
    kind: str
    """Stable name, as `malformed-document`."""
    detail: str
    members: Mapping[str, Any] = field(default_factory=dict)


def find_status(error: LedgerError) -> HTTPStatus:
    """Return the HTTP status of an error, by its branch of the tree."""
    found = (status for branch, status in _STATUSES if isinstance(error, branch))
    return next(found, HTTPStatus.INTERNAL_SERVER_ERROR)


def name_status(status: int) -> str:
    """Return the name of an HTTP status."""
    return _TITLES.get(status) or HTTPStatus(status).phrase


def build_problem(error: Exception) -> Problem:
    """Return what the public may know of an error; the rest of it goes to the log."""
    if isinstance(error, ReadOnlyError):
        return Problem(find_status(error), _READ_ONLY, error.en, {"zh": error.zh})
    status = find_status(error) if isinstance(error, LedgerError) else HTTPStatus.INTERNAL_SERVER_ERROR
    if status in _GENERAL:
        error_id = log_failure(error)
        return Problem(status, _kind(status), _GENERAL[status], {"id": error_id})
    members: dict[str, Any] = {}
    if isinstance(error, InputError) and error.field is not None:
        members["field"] = error.field
    if isinstance(error, DocumentRefusedError):
        members["reasons"] = [
            {"code": reason.code, "field": reason.field, "en": reason.en, "zh": reason.zh}
            for reason in error.reasons
        ]
    if isinstance(error, LedgerError) and error.zh is not None:
        members["zh"] = error.zh
    kind = _WORD.sub("-", type(error).__name__.removesuffix("Error")).lower()
    return Problem(status, kind, str(error), members)


def build_http_problem(status: HTTPStatus, detail: str) -> Problem:
    """Return a problem that HTTP itself has a name for."""
    return Problem(status, _kind(status), detail)


def answer_problem(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Return the response for a problem."""
    members: dict[str, Any] = {
        "type": f"urn:hengzheng:problem:{problem.kind}",
        "title": name_status(problem.status),
        "status": problem.status.value,
        "detail": problem.detail,
    }
    response = Response(
        orjson.dumps(members | dict(problem.members)),
        problem.status,
        {"Cache-Control": "no-store"} | dict(headers or {}),
        MEDIA_TYPE,
    )
    if problem.status in _RETRIED and problem.kind != _READ_ONLY:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def log_failure(error: Exception) -> str:
    """Write down an error that is our own, and return the id under which it is found."""
    error_id = secrets.token_hex(8)
    known = isinstance(error, LedgerError)
    _LOG.error("request failed", id=error_id, error=repr(error), exc_info=None if known else error)
    return error_id


def install(app: FastAPI) -> None:
    """Let every error of an application end as a problem."""
    app.add_exception_handler(LedgerError, _answer_error)
    app.add_exception_handler(Exception, _answer_error)
    app.add_exception_handler(HTTPException, _answer_http_error)
    app.add_exception_handler(RequestValidationError, _answer_validation_error)


def _answer_error(_request: Request, error: Exception) -> Response:
    return answer_problem(build_problem(error))


def _answer_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 -- registered for it alone
    status = HTTPStatus(error.status_code)
    headers = dict(error.headers or {})
    if status is HTTPStatus.METHOD_NOT_ALLOWED and (methods := _list_methods(request)):
        headers["Allow"] = ", ".join(methods)
    return answer_problem(build_http_problem(status, status.description or status.phrase), headers)


def _list_methods(request: Request) -> list[str]:
    """Return every method that a path has (RFC 9110 §15.5.6); the framework names those of one route only."""

    def is_there(method: str) -> bool:
        asked = {**request.scope, "method": method}
        return any(route.matches(asked)[0] is Match.FULL for route in request.app.routes)

    return [method for method in _METHODS if is_there(method)]


def _answer_validation_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 -- registered for it alone
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return answer_problem(build_problem(InputError(first["msg"], field=where)))


def _kind(status: HTTPStatus) -> str:
    return name_status(status).lower().replace(" ", "-")
