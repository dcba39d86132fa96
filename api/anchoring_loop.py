"""Anchors the newest checkpoint again and again while a ledger is served, in one thread.

A chain that is out of reach stops nothing: the work stays queued and is tried again. So does a chain that takes
back what was final, or a node that contradicts itself, but that is an alarm. A contradiction between the contract
and our log ends the loop.

>>> with AnchoringLoop(open_sender, seconds=60, on_anchored=ledger.write_policy, on_alarm=ledger.halt):
...     server.run()
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Protocol

import structlog

from api.background import Background
from ledger.chain.waiting import Pace
from ledger.core.anchor import AnchorReceipt
from ledger.core.errors import ChainContradictionError, LedgerError, LogIntegrityError, NotFoundError

_LOG = structlog.get_logger(__name__)


class Sender(Protocol):
    """Anchors one log; for one thread at a time."""

    def anchor_newest(self) -> AnchorReceipt:
        """Anchor the newest checkpoint, unless it is anchored, and wait until that is final."""
        ...


class _StoppedError(Exception):
    """Wakes a sender that waits for its chain."""


class AnchoringLoop(Background):
    """One thread that anchors; it ends with its block, and leaves what is under way to the next start."""

    def __init__(
        self,
        open_sender: Callable[[Pace], AbstractContextManager[Sender]],
        *,
        seconds: float,
        on_anchored: Callable[[], None],
        on_alarm: Callable[[LogIntegrityError], None],
    ) -> None:
        """Prepare the thread.

        Args:
            open_sender: opens a sender that waits at this pace.
            seconds: from one anchor to the next, and after a failure.
            on_anchored: called after each new anchor.
            on_alarm: called once, when the contract or the store contradicts our log.
        """
        super().__init__("anchoring")
        self._open_sender = open_sender
        self._seconds = seconds
        self._on_anchored = on_anchored
        self._on_alarm = on_alarm
        self._anchored = 0

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._open_sender(Pace(sleep=self._sleep)) as sender:
                    self._anchor_until_stopped(sender)
            except _StoppedError:
                return
            except ChainContradictionError as err:
                _LOG.critical("not anchored: a person must look", error=str(err), seconds=self._seconds)
                self._stopping.wait(self._seconds)
            except LogIntegrityError as err:
                _LOG.critical("anchoring ended: a person must look", error=str(err))
                self._on_alarm(err)
                return
            except LedgerError as err:
                _LOG.warning("not anchored; tried again", error=str(err), seconds=self._seconds)
                self._stopping.wait(self._seconds)

    def _anchor_until_stopped(self, sender: Sender) -> None:
        while True:
            with suppress(NotFoundError):  # the log is still empty
                size = sender.anchor_newest().tree_size
                if size != self._anchored:
                    self._anchored = size
                    self._on_anchored()
            self._sleep(self._seconds)

    def _sleep(self, seconds: float) -> None:
        if self._stopping.wait(seconds):
            raise _StoppedError
