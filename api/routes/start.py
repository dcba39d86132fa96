"""`/`: what this site is, and where to go from here; a page that asks nobody for anything."""

from functools import cache

from fastapi import APIRouter, Request, Response

from api.negotiation import Tongue, choose_language
from api.ready import ASK_AGAIN, Ready, pack, respond
from api.web.site_page import SITE_POLICY
from api.web.start_page import StartPage


def make_router(page: StartPage) -> APIRouter:
    """Return the route of the page."""
    router = APIRouter(tags=["public"])

    @cache
    def write(tongue: Tongue) -> Ready:
        return pack(
            Ready(page.write(tongue), "text/html; charset=utf-8", ASK_AGAIN, language=tongue.language)
        )

    @router.get("/", include_in_schema=False)  # for people, and no interface
    async def read_start(request: Request, lang: str | None = None) -> Response:
        tongue = choose_language(request.headers.get("accept-language", ""), lang)
        response = respond(write(tongue), request, vary="Accept-Language")
        response.headers["Content-Security-Policy"] = SITE_POLICY
        return response

    return router
