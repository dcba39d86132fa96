"""What a device needs to check by itself: scripts, the policy of this home, the rule book."""

from typing import Final

import orjson
from fastapi import APIRouter, Request, Response

from api.describe import describe, json_of_any
from api.ready import ASK_AGAIN, Ready, pack, respond
from api.static_files import StaticFiles
from ledger.core.data import read_tables
from ledger.core.policy import Policy, encode_policy

_JSON: Final = "application/json"


def make_router(static: StaticFiles, policy: Policy) -> APIRouter:
    """Return the routes of files that are the same for everybody."""
    router = APIRouter(tags=["public"])
    trusted = pack(Ready(encode_policy(policy), _JSON, ASK_AGAIN))
    rules = pack(Ready(orjson.dumps(read_tables()), _JSON, ASK_AGAIN), level=9)

    @router.get("/static/{folder}/{name:path}", include_in_schema=False)  # files of pages are no interface
    async def read_file(folder: str, name: str, request: Request) -> Response:
        return respond(static.find(folder, name), request)

    @router.get(
        "/policy.json",
        summary="What this home's verifiers believe; a device pins it at its first visit",
        responses=describe(json_of_any(), known=True),
    )
    async def read_policy(request: Request) -> Response:
        return respond(trusted, request)

    @router.get(
        "/rules.json",
        summary="The rule book: the tables of verification rules and limits, as CSV texts",
        responses=describe(json_of_any(), known=True),
    )
    async def read_rules(request: Request) -> Response:
        return respond(rules, request)

    return router
