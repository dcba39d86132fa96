"""What an institution has said of instruments and stickers, kept in memory and followed: see `issuer.said_book`.

Statements are only ever added to the desk's database, so that only new ones are read, and those that still waited
for the log are looked at again; a command of the same home may have added some.

>>> with index.read() as book:
...     book.list_rolls()
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final

from issuer.said_book import SaidBook
from issuer.saying_store import Saying, SayingStore
from issuer.tables import DocumentState

_CHUNK: Final = 500


class SaidIndex:
    """Follows one desk. Safe to share between threads."""

    def __init__(self, store: SayingStore) -> None:
        self._store = store
        self._lock = Lock()
        self._book = SaidBook()
        self._waiting: set[int] = set()
        self._after = 0

    @contextmanager
    def read(self) -> Iterator[SaidBook]:
        """Give out what was said by now, for as long as the block; nobody else reads meanwhile.

        Raises:
            UnavailableError: the desk's database is out of reach.
        """
        with self._lock:
            self._look_again()
            while new := self._store.list_after(self._after, _CHUNK):
                for saying in new:
                    self._take(saying)
                self._after = new[-1].position
            yield self._book

    def count_waiting(self) -> int:
        """Return how many statements wait for the log."""
        with self.read():
            return len(self._waiting)

    def _look_again(self) -> None:
        waiting = sorted(self._waiting)
        for start in range(0, len(waiting), _CHUNK):
            for saying in self._store.list_positions(waiting[start : start + _CHUNK]):
                self._take(saying)

    def _take(self, saying: Saying) -> None:
        self._book.take(saying)
        if saying.state is DocumentState.SIGNED:
            self._waiting.add(saying.position)
        else:
            self._waiting.discard(saying.position)
