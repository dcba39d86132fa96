"""Work in a thread of its own while a server runs: started with a block, told to end and waited for at its end.

>>> with AnchoringLoop(open_sender, seconds=60, on_anchored=ledger.write_policy, on_alarm=ledger.halt):
...     server.run()
"""

from abc import ABC, abstractmethod
from threading import Event, Thread
from types import TracebackType
from typing import Self


class Background(ABC):
    """One thread; `_run` does the work and looks at `_stopping` wherever it waits."""

    def __init__(self, name: str) -> None:
        """Prepare the thread.

        Args:
            name: of the thread, for whoever looks at a running process.
        """
        self._stopping = Event()
        self._thread = Thread(target=self._run, name=name)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()

    @abstractmethod
    def _run(self) -> None:
        """Work until `_stopping` is set."""
