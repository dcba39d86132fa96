"""The log for everybody's programs: tiles and entry bundles (C2SP tlog-tiles), proof files, anchor receipts.

With `/checkpoint` these are the files of an exported log, under the same names: see `ledger.export`.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Request, Response

from api.describe import bytes_of, describe, json_of_any, text_of
from api.ready import ASK_AGAIN, IMMUTABLE, Ready, respond
from api.verdicts import ReceiptReading
from ledger.core.anchor import encode_anchor_list
from ledger.core.errors import InputError, NotFoundError
from ledger.core.ids import LeafIndex
from ledger.core.tiles import Tile, parse_tile_path
from ledger.proving import Prover

_BYTES: Final = "application/octet-stream"
_TEXT: Final = "text/plain"
_INDEX: Final = "^(0|[1-9][0-9]{0,18})$"


def make_router(prover: Prover, receipts: ReceiptReading) -> APIRouter:
    """Return the routes of the log as files."""
    router = APIRouter(tags=["log"])

    @router.get(
        "/tile/{place:path}",
        summary="Tile or entry bundle: <level>/<index>[.p/<width>], entries/<index>[.p/<width>]",
        responses=describe(bytes_of(_BYTES), known=True),
    )
    def read_tile(place: str, request: Request) -> Response:
        return respond(Ready(prover.tile(_parse_place(place, request)), _BYTES, IMMUTABLE), request)

    @router.get(
        "/entries/{index}/proof",
        summary="Proof file of a leaf under the newest checkpoint (C2SP tlog-proof)",
        responses=describe(text_of(_TEXT), known=True),
    )
    def read_proof(index: Annotated[str, Path(pattern=_INDEX)], request: Request) -> Response:
        proof = prover.tlog_proof(LeafIndex(int(index))).encode()
        name = f"{index}.tlog-proof"
        return respond(Ready(proof, f"{_TEXT}; charset=utf-8", ASK_AGAIN, file_name=name), request)

    @router.get(
        "/anchors.json",
        summary="Receipts of all final anchors, oldest first",
        responses=describe(json_of_any(), known=True),
    )
    def read_anchors(request: Request) -> Response:
        anchors = encode_anchor_list(prover.origin, receipts.list_all())
        return respond(Ready(anchors, "application/json", ASK_AGAIN), request)

    return router


def _parse_place(place: str, request: Request) -> Tile:
    """Return the tile at an address; an address that no tile can have leads nowhere, like any other.

    It has one spelling, without percent signs, so that caches keep each tile once.
    """
    try:
        tile = parse_tile_path(f"tile/{place}")
    except InputError as err:
        raise NotFoundError(err.reason) from err
    if not request.scope["raw_path"].endswith(place.encode()):
        raise NotFoundError("the address of a tile is written without percent signs")
    return tile
