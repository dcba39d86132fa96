"""How routes are described in OpenAPI 3.1: shapes by name, and the problems that every operation may answer with.

>>> @router.get("/healthz", responses=describe(Health))
"""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from api.problems import MEDIA_TYPE, name_status
from api.schemas.audit import AuditAnswer
from api.schemas.base import Shape
from api.schemas.entries import BundlesRequest, EntriesAnswer, EntriesRequest, SubjectsAnswer, SubjectsRequest
from api.schemas.problems import ProblemShape
from api.schemas.proofs import MapProofAnswer, MapProofRequest
from api.schemas.sites import FindAnswer, SiteAnswer
from api.schemas.verdicts import CertificatesAnswer, Health, VerdictAnswer

_SHAPES: Final[tuple[type[Shape], ...]] = (
    AuditAnswer,
    *(BundlesRequest, CertificatesAnswer, EntriesAnswer, EntriesRequest, Health),
    *(MapProofAnswer, MapProofRequest),
    *(FindAnswer, SiteAnswer),
    *(ProblemShape, SubjectsAnswer, SubjectsRequest, VerdictAnswer),
)
_REF: Final = "#/components/schemas/{model}"
_PROBLEM: Final = {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model=ProblemShape.__name__)}}}
_ANYWHERE: Final = (400, 404, 413, 422, 429, 503)

Content = dict[str, Any]
Responses = dict[int | str, dict[str, Any]]


def json_of(shape: type[Shape]) -> Content:
    """Return the content of a JSON body of this shape."""
    return {"application/json": {"schema": {"$ref": _REF.format(model=shape.__name__)}}}


def json_of_any() -> Content:
    """Return the content of a JSON object that has its own norm, `ledger/core/README.md`."""
    return {"application/json": {"schema": {"type": "object"}}}


def bytes_of(media_type: str) -> Content:
    """Return the content of a body that is neither JSON nor text."""
    return {media_type: {"schema": {}}}


def text_of(media_type: str) -> Content:
    """Return the content of a body that is text of another kind."""
    return {media_type: {"schema": {"type": "string"}}}


def describe(
    content: Content, *, also: tuple[int, ...] = (), known: bool = False, as_page: bool = False
) -> Responses:
    """Return the responses of an operation.

    Args:
        content: of success.
        also: statuses of problems beside the usual ones.
        known: the client may be told that it has these bytes already.
        as_page: who asks for a page is told on a page that there is nothing, or that nobody could look.
    """
    problem = _PROBLEM | content if as_page else _PROBLEM
    responses: Responses = {200: {"description": "Success", "content": content}}
    if known:
        responses[304] = {"description": "The client has these bytes already"}
    for code in sorted({*_ANYWHERE, *also}):
        responses[code] = {"description": name_status(code), "content": problem}
    return responses | {"default": {"description": "Any other problem", "content": problem}}


def takes(shape: type[Shape]) -> dict[str, Any]:
    """Return the description of a request body."""
    return {"requestBody": {"required": True, "content": json_of(shape)}}


def install(app: FastAPI) -> None:
    """Let an application describe itself with our shapes; the description is made once."""

    def build() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes
            )
            _, shapes = models_json_schema([(shape, "validation") for shape in _SHAPES], ref_template=_REF)
            for shape in shapes["$defs"].values():
                _leave_out_null(shape)
            document.setdefault("components", {})["schemas"] = shapes["$defs"]
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = build  # type: ignore[method-assign] # the way that FastAPI documents


def _leave_out_null(shape: dict[str, Any]) -> None:
    """Say of members that may be absent what they are when they are there: absent is absent, never null."""
    for member in shape.get("properties", {}).values():
        if "default" in member and member["default"] is None:
            del member["default"]
            kinds = [kind for kind in member.pop("anyOf") if kind != {"type": "null"}]
            member.update((kinds[0] if len(kinds) == 1 else {"anyOf": kinds}) | member)
