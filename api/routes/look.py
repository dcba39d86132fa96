"""`/look`: the page on which a device looks at the chain itself; the node that is asked is the reader's choice."""

from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response

from api.negotiation import choose_language
from api.node_origin import parse_node_origin
from api.ready import NO_STORE
from api.web.look_page import LookPage, make_security
from ledger.core.errors import InputError
from ledger.core.qr import ShortCode, parse_code
from ledger.core.step import Sentence

_WRONG_CODE: Final = Sentence(
    "That is not a code of ours: open this page from the record that you want to check.",
    "编码有误，请从要核对的检定记录页面进入。",
)
_WRONG_NODE: Final = Sentence(
    "A node is asked by https under a host name, or by http at 127.0.0.1 or localhost, which is this device.",
    "节点地址须为https加域名；仅本机节点（127.0.0.1或localhost）可用http。",
)


def make_router(page: LookPage) -> APIRouter:
    """Return the route of the page."""
    router = APIRouter(tags=["public"])

    @router.get("/look", include_in_schema=False)  # a page, and no interface
    async def read_look(
        request: Request, code: str = "", node: str | None = None, lang: str | None = None
    ) -> Response:
        tongue = choose_language(request.headers.get("accept-language", ""), lang)
        known, said = _read_code(code)
        origin = None
        if node is not None and known is not None:
            origin, said = _read_node(node)
        return Response(
            page.write(tongue, code=known, node=origin, said=said),
            HTTPStatus.OK if said is None else HTTPStatus.UNPROCESSABLE_ENTITY,
            {
                "Cache-Control": NO_STORE,
                "Content-Language": tongue.language.value,
                "Content-Security-Policy": make_security(origin),
                "Vary": "Accept-Language",
            },
            "text/html; charset=utf-8",
        )

    return router


def _read_code(text: str) -> tuple[ShortCode | None, Sentence | None]:
    """Return a code, or what to say of a text that is none."""
    try:
        return parse_code(text), None
    except InputError:
        return None, _WRONG_CODE


def _read_node(text: str) -> tuple[str | None, Sentence | None]:
    """Return a node's origin, or what to say of a text that is none."""
    try:
        return parse_node_origin(text), None
    except InputError:
        return None, _WRONG_NODE
