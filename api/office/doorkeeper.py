"""Long bodies are read from those only who are known: whoever is not is answered before the body is.

A file of an import may be a thousand times as long as any other form. Who sends one says by cookie, or by the key
id of a signature, who they are; whether that holds for this very request is asked later, by `dispatch`.

>>> app = Doorkeeper(guard, office, {"/imports"})
"""

import re
from collections.abc import Collection
from http import HTTPStatus
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.office.call import Office
from api.office.sessions import find_caller
from api.problems import answer_problem, build_http_problem

_KEY_ID: Final = re.compile(r';keyid="([ !#-\[\]-~]{1,128})"', re.ASCII)


class Doorkeeper:
    """An application that strangers send nothing long to."""

    def __init__(self, app: ASGIApp, office: Office, paths: Collection[str]) -> None:
        """Wrap an application.

        Args:
            app: what answers.
            office: who is known.
            paths: where bodies may be long.
        """
        self._app = app
        self._office = office
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI 3)."""
        is_long = scope["type"] == "http" and scope["path"] in self._paths and scope["method"] != "GET"
        if is_long and not await run_in_threadpool(self._knows, Request(scope)):
            problem = build_http_problem(HTTPStatus.UNAUTHORIZED, "Log in first.")
            headers = {"Connection": "close", "WWW-Authenticate": 'Session realm="office"'}
            await answer_problem(problem, headers)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _knows(self, request: Request) -> bool:
        office = self._office
        token = request.cookies.get(office.site.cookie)
        key_id = _KEY_ID.search(request.headers.get("signature-input", ""))
        with office.store.read() as reading:
            if token and find_caller(reading, token, office.clock()) is not None:
                return True
            machine = reading.find_machine(key_id[1]) if key_id else None
        return machine is not None and machine.is_active
