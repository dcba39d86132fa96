"""What a device needs to check by itself: scripts, the policy of this home, the rule book."""

from functools import cache
from typing import Final

import orjson
from fastapi import APIRouter, Request, Response

from api.describe import describe, json_of_any
from api.ready import ASK_AGAIN, Ready, pack_for_good, respond
from api.static_files import StaticFiles
from ledger.core.data import read_tables
from ledger.core.policy import Policy, encode_policy

_JSON: Final = "application/json"


def make_router(static: StaticFiles, policy: Policy) -> APIRouter:
    """Return the routes of files that are the same for everybody."""
    router = APIRouter(tags=["public"])

    @cache
    def write_policy() -> Ready:
        return pack_for_good(Ready(encode_policy(policy), _JSON, ASK_AGAIN))

    @cache
    def write_rules() -> Ready:
        return pack_for_good(Ready(orjson.dumps(read_tables()), _JSON, ASK_AGAIN))

    @router.get("/static/{place:path}", include_in_schema=False)  # files of pages are no interface
    async def read_file(place: str, request: Request) -> Response:
        folder, _, name = place.partition("/")
        return respond(static.find(folder, name), request)

    @router.get(
        "/policy.json",
        summary="What this home's verifiers believe; a device pins it at its first visit",
        responses=describe(json_of_any(), known=True),
    )
    async def read_policy(request: Request) -> Response:
        return respond(write_policy(), request)

    @router.get(
        "/rules.json",
        summary="The rule book: the tables of verification rules and limits, as CSV texts",
        responses=describe(json_of_any(), known=True),
    )
    async def read_rules(request: Request) -> Response:
        return respond(write_rules(), request)

    return router
