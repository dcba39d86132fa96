"""An office as an application: the operations of every room, each behind `dispatch`, and nothing else.

>>> app = create_office(office)
"""

from http import HTTPStatus
from importlib.metadata import version
from typing import Final

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from api import describe, problems
from api.limits import Guard
from api.negotiation import choose_language
from api.office.call import Office
from api.office.dispatch import make_endpoint
from api.office.doorkeeper import Doorkeeper
from api.office.operations import Operation, check_operations, require_declared
from api.office.pages import HEADERS, write_problem
from api.office.path_limits import PathLimits
from api.office.routes import (
    copies,
    corrections,
    decisions,
    description,
    documents,
    drafts,
    home,
    import_api,
    imports,
    instruments,
    login,
    machines,
    photographs,
    region,
    registering,
    registers,
    reports,
    round_api,
    rounds,
    rulings,
    signoff_api,
    sites,
    staff,
    stickers,
)
from api.people import PeoplePages
from api.web.problem_page import OFFICE, ProblemPage
from ledger.core.errors import NotFoundError

OPERATIONS: Final[tuple[Operation, ...]] = (
    *home.OPERATIONS,
    *drafts.OPERATIONS,
    *corrections.OPERATIONS,
    *documents.OPERATIONS,
    *imports.OPERATIONS,
    *sites.OPERATIONS,
    *instruments.OPERATIONS,
    *photographs.OPERATIONS,
    *stickers.OPERATIONS,
    *rounds.OPERATIONS,
    *registers.OPERATIONS,
    *region.OPERATIONS,
    *registering.OPERATIONS,
    *rulings.OPERATIONS,
    *decisions.OPERATIONS,
    *reports.OPERATIONS,
    *copies.OPERATIONS,
    *staff.OPERATIONS,
    *machines.OPERATIONS,
    *login.OPERATIONS,
    *signoff_api.OPERATIONS,
    *import_api.OPERATIONS,
    *round_api.OPERATIONS,
    *description.OPERATIONS,
)
"""Everything that an office does. The menu has those for pages in this order."""

BODY_LIMITS: Final = PathLimits(
    {
        "/imports": imports.MAX_BODY_BYTES,
        "/api/imports": import_api.MAX_BODY_BYTES,
        "/account/passkeys": 64 * 1024,
        **dict.fromkeys(drafts.LONG_FORMS, drafts.MAX_FORM_BYTES),
        **dict.fromkeys(signoff_api.LONG_BODIES, signoff_api.MAX_BODY_BYTES),
        **dict.fromkeys(registering.LONG_FORMS, registering.MAX_FORM_BYTES),
        **dict.fromkeys(rulings.LONG_FORMS, rulings.MAX_FORM_BYTES),
        "/corrections/requests": corrections.MAX_BODY_BYTES,
        "/api/rounds/{round}/findings": round_api.MAX_BODY_BYTES,
        photographs.PATH: photographs.MAX_FORM_BYTES,
        "/stickers/sheet": stickers.MAX_SHEET_BYTES,
        "/reports/{report}/step": reports.MAX_FORM_BYTES,
        "/copies/{note}/step": copies.MAX_FORM_BYTES,
    }
)
"""Path -> longest body in bytes, where it is not the usual one; only who is known may send it."""
BODY_SECONDS: Final = 60.0


def create_office(office: Office) -> ASGIApp:
    """Return the application of an office behind its limits.

    Raises:
        StateError: an operation is not what operations must be, or a route declares none.
    """
    return guard_office(build_office(office), office)


def guard_office(app: ASGIApp, office: Office) -> ASGIApp:
    """Return an application behind the limits of an office."""
    guard = Guard(app, BODY_LIMITS, HEADERS, body_seconds=BODY_SECONDS)
    page = ProblemPage(OFFICE, is_development=lambda: office.development)
    return PeoplePages(Doorkeeper(guard, office, BODY_LIMITS), page)


def _add(app: FastAPI, office: Office, operation: Operation) -> None:
    """Add the route of an operation; those for programs are described."""
    said = operation.openapi or {}
    app.add_api_route(
        operation.path,
        make_endpoint(office, operation),
        methods=[operation.method],
        response_model=None,
        include_in_schema=operation.is_api,
        name=operation.name,
        operation_id=operation.name,
        summary=operation.title.en,
        tags=[operation.name.partition(".")[0]],
        responses=describe.describe(describe.json_of_any(), also=(401, 403, 409)) | said.get("responses", {}),
        openapi_extra={name: value for name, value in said.items() if name != "responses"},
    )


def build_office(office: Office, operations: tuple[Operation, ...] = OPERATIONS) -> FastAPI:
    """Return the application without its limits; raises as `create_office`."""
    check_operations(operations)
    app = FastAPI(
        title="Hengzheng office",
        version=version("hengzheng"),
        description="The desk of a verification institution.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.state.operations = operations
    for operation in operations:
        _add(app, office, operation)
    for route in app.routes:
        methods = getattr(route, "methods", None)
        if methods is not None:
            methods.discard("HEAD")  # the guard answers it as GET
    require_declared(app.routes, operations)
    problems.install(app)
    describe.install(app)

    def answer_unknown(request: Request, error: Exception) -> Response:
        """Answer what no route is for as what does not exist."""
        assert isinstance(error, HTTPException)  # noqa: S101 -- registered for it alone
        problem = problems.build_problem(NotFoundError("there is nothing under this name here"))
        if error.status_code != HTTPStatus.NOT_FOUND:
            status = HTTPStatus(error.status_code)
            problem = problems.build_http_problem(status, status.description or status.phrase)
        if request.url.path.startswith("/api/"):
            return problems.answer_problem(problem, error.headers)
        tongue = choose_language(request.headers.get("accept-language", ""), request.query_params.get("lang"))
        return write_problem(request, office, problem, None, tongue)

    app.add_exception_handler(HTTPException, answer_unknown)
    return app
