"""`/s/{id}` and `/i/{instrument}`: the verdict on what a sticker stands on, or on an instrument, and its proof."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response

from api.describe import describe, json_of, json_of_any, text_of
from api.ready import NO_STORE, Ready
from api.routes.verdicts import PAGE_CACHE, Counter
from api.schemas.verdicts import VerdictAnswer
from api.things import ThingProof, Things
from ledger.core.encoding import parse_hex
from ledger.core.errors import InputError, NotFoundError
from ledger.core.ids import InstrumentId
from ledger.core.sticker import StickerId, parse_sticker_id

INSTRUMENT_BYTES: Final = 16
MAX_PART_BYTES: Final = 8

Part = Annotated[str | None, Query(description="id of one of its parts: nozzle, lane, phase")]


def make_router(things: Things, counter: Counter) -> APIRouter:
    """Return the routes of stickers and instruments."""
    router = APIRouter(tags=["public"])
    page = describe(text_of("text/html") | json_of(VerdictAnswer), known=True, as_page=True)
    file = describe(json_of_any(), known=True, also=(451,))

    @router.get("/s/{sticker}", summary="Verdict on what a sticker stands on", responses=page)
    async def read_sticker(sticker: str, request: Request, lang: str | None = None) -> Response:
        return await counter.judge(request, lang, lambda: things.of_sticker(_read_sticker(sticker)))

    @router.get(
        "/s/{sticker}/proof.json",
        summary="Proof of how a sticker stands",
        description="A file for `hengzheng verify` (norm, section 18), under the newest published checkpoint.",
        responses=file,
    )
    async def read_sticker_proof(sticker: str, request: Request) -> Response:
        def compute() -> Ready:
            return _save(things.proof_of_sticker(_read_sticker(sticker)))

        return await counter.prove(request, compute)

    @router.get("/i/{instrument}", summary="Verdict on an instrument, or on a part of it", responses=page)
    async def read_instrument(
        instrument: str, request: Request, part: Part = None, lang: str | None = None
    ) -> Response:
        return await counter.judge(
            request,
            lang,
            lambda: things.of_instrument(_read_instrument(instrument), _read_part(part)),
            detail=part,
        )

    @router.get(
        "/i/{instrument}/proof.json",
        summary="Bundle of the newest verification of an instrument, or proof that there is none",
        description="A file for `hengzheng verify` (norm, sections 11, 18), under the newest published checkpoint.",
        responses=file,
    )
    async def read_instrument_proof(instrument: str, request: Request, part: Part = None) -> Response:
        def compute() -> Ready:
            return _save(things.proof_of_instrument(_read_instrument(instrument), _read_part(part)))

        return await counter.prove(request, compute, detail=part)

    return router


def _save(proof: ThingProof) -> Ready:
    cache = PAGE_CACHE if proof.is_held else NO_STORE
    return Ready(proof.raw, "application/json", cache, file_name=proof.name)


def _read_sticker(text: str) -> StickerId:
    """Return an id that was printed or typed; what nobody can have printed is not found."""
    try:
        return parse_sticker_id(text)
    except InputError as err:
        raise NotFoundError(str(err)) from err


def _read_instrument(text: str) -> InstrumentId:
    try:
        return InstrumentId(parse_hex(text, size=INSTRUMENT_BYTES))
    except InputError as err:
        raise NotFoundError(str(err)) from err


def _read_part(part: str | None) -> str | None:
    if part is not None and not (part.isprintable() and 1 <= len(part.encode()) <= MAX_PART_BYTES):
        raise NotFoundError("no part has such an id")
    return part
