"""Failpoints that raise instead of killing the process, and a process that is killed at one.

with broken_at("log.before_commit"): ...     # StoreUnavailableError there, once
with recorded() as passed: ...               # the names that were passed, in order
"""

from collections.abc import Iterator
from contextlib import contextmanager

from ledger import failpoint
from ledger.core.errors import StoreUnavailableError

LOG_FAILPOINTS = (
    "store.head",
    "store.entries",
    "store.documents",
    "store.tiles",
    "store.subjects",
    "store.pages",
    "store.replaced",
    "log.verified",
    "store.checkpoint",
    "log.before_commit",
    "log.after_commit",
)
"""What one batch passes, in order."""


class Breaker:
    """Stands for the plan that `ledger.failpoint` takes from the environment."""

    def __init__(self, name: str | None = None) -> None:
        self.name = name
        self.passed: list[str] = []

    def visit(self, name: str) -> None:
        self.passed.append(name)
        if name == self.name:
            self.name = None
            raise StoreUnavailableError(f"injected at {name}")


@contextmanager
def _planned(breaker: Breaker) -> Iterator[Breaker]:
    before, failpoint._PLAN = failpoint._PLAN, breaker
    try:
        yield breaker
    finally:
        failpoint._PLAN = before


@contextmanager
def broken_at(name: str) -> Iterator[Breaker]:
    with _planned(Breaker(name)) as breaker:
        yield breaker


@contextmanager
def recorded() -> Iterator[list[str]]:
    with _planned(Breaker()) as breaker:
        yield breaker.passed
