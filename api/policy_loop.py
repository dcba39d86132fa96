"""Keeps the policy of a home as the root has published it while a ledger is served, and lets pages follow it.

A policy changes rarely: at the first anchor, and whenever the root publishes one. What is served would else be
that of the start, and devices would pin it. A lower version than one that was served is never taken up, nor what
cannot be read.

>>> with PolicyLoop(home.policy_path, policy, lambda newer: current.exchange(create_app(renew(parts, newer)))):
...     server.run()
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from api.background import Background
from ledger.core.errors import LedgerError
from ledger.core.policy import Policy, encode_policy, parse_policy, require_origin

SECONDS: Final = 2.0
"""From one look to the next."""

_LOG = structlog.get_logger(__name__)


class CurrentApp:
    """The application as it is now; a request that is under way ends with the one that it began with."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def exchange(self, app: ASGIApp) -> None:
        """Let another application answer from now on."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI 3)."""
        await self._app(scope, receive, send)


class PolicyKeeping(Background):
    """Has the file written as the log has it, in one thread that ends with its block."""

    def __init__(self, keep: Callable[[], None], *, seconds: float = SECONDS) -> None:
        """Prepare the thread.

        Args:
            keep: writes the file anew if the log has published another.
            seconds: from one time to the next.
        """
        super().__init__("policy keeping")
        self._keep = keep
        self._seconds = seconds

    def _run(self) -> None:
        while not self._stopping.wait(self._seconds):
            try:
                self._keep()
            except (LedgerError, OSError) as err:
                _LOG.warning("the file of the policy is not kept up to date", error=str(err))


class PolicyLoop(Background):
    """Looks at the file in one thread that ends with its block."""

    def __init__(
        self, path: Path, policy: Policy, on_changed: Callable[[Policy], None], *, seconds: float = SECONDS
    ) -> None:
        """Prepare the thread.

        Args:
            path: the file.
            policy: what it held when the application was made.
            on_changed: called with each policy that follows.
            seconds: from one look to the next.
        """
        super().__init__("policy")
        self._path = path
        self._policy = policy
        self._raw = encode_policy(policy)
        self._on_changed = on_changed
        self._seconds = seconds

    def _run(self) -> None:
        while not self._stopping.wait(self._seconds):
            try:
                self.look()
            except (LedgerError, OSError) as err:
                _LOG.warning("the policy that is served stays as it was", error=str(err))

    def look(self) -> None:
        """Take up what the file holds, if that is another policy.

        Raises:
            InputError: the file is no policy of this log.
            OSError: it cannot be read.
        """
        raw = self._path.read_bytes()
        if raw == self._raw:
            return
        self._raw = raw
        policy = parse_policy(raw)
        require_origin(self._policy, policy.origin)
        if policy == self._policy:
            return
        if policy.version < self._policy.version:
            kept = self._policy.version
            _LOG.warning("an older policy is not served", version=policy.version, served=kept)
            return
        self._raw = b""  # what cannot be taken up now is looked at again
        self._on_changed(policy)
        self._raw, self._policy = raw, policy
        _LOG.info("the policy that is served has changed", version=policy.version)
