"""`/i/{instrument}/photo-{digest}.jpg`: the photograph that is registered of an instrument, and the proof of it."""

from typing import Final

from fastapi import APIRouter, Request, Response

from api.describe import bytes_of, describe, json_of_any
from api.photos import Photos
from api.ready import Ready
from api.routes.verdicts import PAGE_CACHE, Counter
from ledger.core.encoding import parse_hex
from ledger.core.errors import InputError, NotFoundError
from ledger.core.ids import Digest, InstrumentId

PHOTO_CACHE: Final = "public, max-age=86400, immutable"
"""These bytes never change; what the law withholds is gone from caches after a day."""


def make_router(photos: Photos, counter: Counter) -> APIRouter:
    """Return the routes of photographs."""
    router = APIRouter(tags=["public"])

    @router.get(
        "/i/{instrument}/photo-{digest}.jpg",
        summary="Photograph that is registered of an instrument",
        responses=describe(bytes_of("image/jpeg"), known=True, also=(451,)),
    )
    async def read_photo(instrument: str, digest: str, request: Request) -> Response:
        def compute() -> Ready:
            return Ready(photos.read(*_read_names(instrument, digest)), "image/jpeg", PHOTO_CACHE)

        return await counter.prove(request, compute)

    @router.get(
        "/i/{instrument}/photo-{digest}.json",
        summary="Proof that a photograph is registered of an instrument",
        description=(
            "Norm, section 19; under the newest published checkpoint. Of the institution `by`, which a device asks "
            "for beside a document of that; without it the newest registration that names the picture."
        ),
        responses=describe(json_of_any(), known=True),
    )
    async def read_photo_proof(
        instrument: str, digest: str, request: Request, by: str | None = None
    ) -> Response:
        def compute() -> Ready:
            return Ready(photos.prove(*_read_names(instrument, digest), by), "application/json", PAGE_CACHE)

        return await counter.prove(request, compute, detail=by)

    return router


def _read_names(instrument: str, digest: str) -> tuple[InstrumentId, Digest]:
    """Return id and digest of an address; what nobody can have named is not found."""
    try:
        return InstrumentId(parse_hex(instrument, size=16)), Digest(parse_hex(digest, size=32))
    except InputError as err:
        raise NotFoundError("no registration names such a photograph") from err
