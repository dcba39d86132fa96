"""The log's counter: `POST /entries`, and what a desk must know first: `/registers` and `POST /subjects`."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Annotated, Final, Protocol

import anyio
from fastapi import APIRouter, Header, HTTPException, Request, Response

from api.describe import describe, json_of, json_of_any, takes
from api.idempotency import PATTERN, RecentKeys
from api.ready import ASK_AGAIN, NO_STORE, Ready, respond
from api.schemas.entries import EntriesAnswer, EntriesRequest, SubjectsAnswer, SubjectsRequest
from ledger.core.ids import Subject
from ledger.core.status import SubjectState
from ledger.register_list import RegisterList
from ledger.wire import Answer, Entry, encode_answer, encode_states, parse_entries, parse_subjects

THREADS: Final = 16
"""Requests that are admitted or wait for their commit at a time; they never take the threads of the pages."""

_JSON: Final = "application/json"
FindStates = Callable[[Sequence[Subject]], Mapping[Subject, SubjectState]]


class Taking(Protocol):
    """The intake of the log."""

    def take(self, entries: Sequence[Entry]) -> Answer:
        """Admit, append and prove at most 256 entries."""
        ...


def make_router(intake: Taking, find_states: FindStates, registers: RegisterList) -> APIRouter:
    """Return the routes for institutions."""
    router = APIRouter(tags=["ledger"])
    keys = RecentKeys()
    threads = anyio.CapacityLimiter(THREADS)

    def take(body: bytes, key: str | None) -> bytes:
        entries = parse_entries(body)
        if key is not None:
            keys.check(key, body)
        return encode_answer(intake.take(entries))

    def look_up(body: bytes) -> bytes:
        return encode_states(find_states(parse_subjects(body)))

    @router.post(
        "/entries",
        summary="Hand in signed statements with their certificates",
        description="One result for each, in order: its proved leaf, or a signed refusal. Statements that the "
        "log holds already are answered with their leaf, so the same request may be sent again at any time.",
        responses=describe(json_of(EntriesAnswer), also=(409, 415)),
        openapi_extra=takes(EntriesRequest),
    )
    async def take_entries(
        request: Request,
        idempotency_key: Annotated[str | None, Header(json_schema_extra={"pattern": PATTERN})] = None,
    ) -> Response:
        return await work(request, partial(take, key=idempotency_key), threads)

    @router.post(
        "/subjects",
        summary="Newest states of instruments, certificates and registered things",
        responses=describe(json_of(SubjectsAnswer), also=(415,)),
        openapi_extra=takes(SubjectsRequest),
    )
    async def read_subjects(request: Request) -> Response:
        return await work(request, look_up, threads)

    @router.get(
        "/registers",
        summary="Trust list: every register leaf, with proof",
        responses=describe(json_of_any(), known=True),
    )
    def read_registers(request: Request) -> Response:
        return respond(Ready(registers.trust_list(), _JSON, ASK_AGAIN), request)

    return router


async def work(
    request: Request,
    answer: Callable[[bytes], bytes],
    threads: anyio.CapacityLimiter,
    media_type: str = _JSON,
) -> Response:
    """Answer a request with a JSON body, in one of these threads."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _JSON:
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    body = await request.body()
    raw = await anyio.to_thread.run_sync(answer, body, limiter=threads)
    return respond(Ready(raw, media_type, NO_STORE), request)
