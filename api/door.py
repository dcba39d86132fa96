"""Before a long body is read: how many of one kind are under way at once, of everybody and of one caller.

A guard asks the door of a path as soon as it has seen the head of a request, whatever its method: a body that is
refused in the end is read like any other.

>>> Guard(app, {"/report": MAX_BODY_BYTES}, HEADERS, doors={"/report": Door(write_busy_page)})
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

MAX_UNDER_WAY: Final = 8
"""Bodies of one path that are in memory at a time."""
MAX_OF_CALLER: Final = 2


class Door:
    """Lets few in at a time. For one event loop."""

    def __init__(self, write_busy: Callable[[Request], Response]) -> None:
        """Let nobody in yet.

        Args:
            write_busy: the answer for those who come too many.
        """
        self.write_busy = write_busy
        self._under_way: Counter[str] = Counter()

    @contextmanager
    def enter(self, caller: str) -> Iterator[bool]:
        """Say whether a caller may come in, and count who does until the block ends."""
        if self._under_way.total() >= MAX_UNDER_WAY or self._under_way[caller] >= MAX_OF_CALLER:
            yield False
            return
        self._under_way[caller] += 1
        try:
            yield True
        finally:
            self._under_way[caller] -= 1
            if not self._under_way[caller]:
                del self._under_way[caller]
