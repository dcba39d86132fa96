"""What every role tells of its log: `/checkpoint` and `/healthz`."""

from collections.abc import Callable

import orjson
from fastapi import APIRouter, Request, Response

from api.describe import describe, json_of, text_of
from api.ready import ASK_AGAIN, NO_STORE, Ready, respond
from api.schemas.verdicts import Health
from api.verdicts import ReceiptReading
from ledger.core.errors import NotFoundError
from ledger.proving import Prover
from ledger.standing import Standing, describe_standing

ReadStanding = Callable[[], Standing]


def make_router(
    prover: Prover, receipts: ReceiptReading, read_standing: ReadStanding | None = None
) -> APIRouter:
    """Return the routes about the log itself; `read_standing` says how it stands towards chain and witnesses."""
    router = APIRouter(tags=["log"])

    @router.get(
        "/checkpoint",
        summary="Newest checkpoint with its witnesses, a signed note (C2SP tlog-checkpoint)",
        responses=describe(text_of("text/plain"), known=True),
    )
    def read_checkpoint(request: Request) -> Response:
        note = prover.published_checkpoint().note
        return respond(Ready(note.encode(), "text/plain; charset=utf-8", ASK_AGAIN), request)

    @router.get("/healthz", summary="Whether the server can answer", responses=describe(json_of(Health)))
    def read_health(request: Request) -> Response:
        try:
            tree_size = int(prover.newest_checkpoint().tree_size)
        except NotFoundError:
            tree_size = 0
        members = {"status": "ok", "tree_size": tree_size, "anchored_size": receipts.newest_size()}
        if prover.quorum is not None:
            members["witnessed_size"] = prover.witnessed_size()
        if read_standing is not None:
            members |= describe_standing(read_standing(), inside=False)
        return respond(Ready(orjson.dumps(members), "application/json", NO_STORE), request)

    return router
