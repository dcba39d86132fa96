"""`POST /map-proofs`: what the status map has of one to a thousand subjects, for whoever watches the log."""

from collections.abc import Sequence
from typing import Final, Protocol

import anyio
from fastapi import APIRouter, Request, Response

from api.describe import describe, json_of, takes
from api.routes.entries import work
from api.schemas.proofs import MapProofAnswer, MapProofRequest
from ledger.core.ids import Subject
from ledger.wire import MapAnswer, encode_map_answer, parse_map_subjects

THREADS: Final = 2
"""Requests that are worked on at a time: proving must hold up neither pages nor what comes in."""


class MapProving(Protocol):
    """The log's proofs."""

    def map_answer(self, subjects: Sequence[Subject]) -> MapAnswer:
        """Return what the published status map has of these subjects, with proof."""
        ...


def make_router(prover: MapProving) -> APIRouter:
    """Return the route of map proofs."""
    router = APIRouter(tags=["log"])
    threads = anyio.CapacityLimiter(THREADS)

    def prove(body: bytes) -> bytes:
        return encode_map_answer(prover.map_answer(parse_map_subjects(body)))

    @router.post(
        "/map-proofs",
        summary="One proof of what the status map has of these subjects",
        description="Under the published checkpoint: its last leaf, the MAPHEAD, with its inclusion, and the "
        "status map, cut to what leads to the subjects (norm, section 8.2); what it lacks is shown to be absent.",
        responses=describe(json_of(MapProofAnswer), also=(415,)),
        openapi_extra=takes(MapProofRequest),
    )
    async def read_map_proof(request: Request) -> Response:
        return await work(request, prove, threads)

    return router
