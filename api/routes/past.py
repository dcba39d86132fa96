"""`/c/{code}/as-of.json`: proof of how a document stood at a past instant."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.describe import describe, json_of_any
from api.past import Past
from api.ready import Ready, ReadyAnswers, respond
from api.routes.verdicts import PAGE_CACHE, read_code


def make_router(past: Past, answers: ReadyAnswers) -> APIRouter:
    """Return the route of past states."""
    router = APIRouter(tags=["public"])

    @router.get(
        "/c/{code}/as-of.json",
        summary="Proof of how the document that a short code names stood at a past instant",
        description="A file for `hengzheng verify` (norm, section 16): the bundle of that instant, and a later "
        "state of the log, which shows that nothing came in between.",
        responses=describe(json_of_any(), known=True),
    )
    def read_past_state(
        code: str,
        request: Request,
        at: Annotated[
            str, Query(description="UTC instant, `2026-03-01T00:00:00Z`, or a date: the end of that day")
        ],
    ) -> Response:
        def compute() -> Ready:
            proof = past.prove(read_code(code), at)
            return Ready(proof.raw, "application/json", PAGE_CACHE, file_name=f"{proof.code}.as-of.json")

        return respond(answers.fill_proof((request.scope["path"], at), compute), request)

    return router
