"""`POST /bundles`: the proof bundles of many documents at once, for the desk that issued them."""

from collections.abc import Callable, Sequence
from typing import Final

import anyio
from fastapi import APIRouter, Request, Response

from api.describe import describe, takes, text_of
from api.routes.entries import work
from api.schemas.entries import BundlesRequest
from ledger.wire import join_bundles, parse_names

THREADS: Final = 2
"""Requests that are worked on at a time: proving must not hold up what comes in."""

_MEDIA_TYPE: Final = "application/jsonl"
FindBundles = Callable[[Sequence[bytes]], Sequence[bytes]]


def make_router(find_bundles: FindBundles) -> APIRouter:
    """Return the route of bundles."""
    router = APIRouter(tags=["ledger"])
    threads = anyio.CapacityLimiter(THREADS)

    def prove(body: bytes) -> bytes:
        return join_bundles(find_bundles(parse_names(body)))

    @router.post(
        "/bundles",
        summary="Proof bundles of issues, one a line",
        description="In the order of the request. Under the newest anchor, with its receipt, where that holds the "
        "leaf.",
        responses=describe(text_of(_MEDIA_TYPE), also=(415,)),
        openapi_extra=takes(BundlesRequest),
    )
    async def read_bundles(request: Request) -> Response:
        return await work(request, prove, threads, _MEDIA_TYPE)

    return router
