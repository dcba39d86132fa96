"""Many callers, one writer: submissions of all threads go to the log in common batches.

The writer takes whatever waits, up to 256 statements, and appends it; what arrives meanwhile is the next
batch. So a lone statement is written at once, and under load every commit carries many. What would wait too
long is refused at the door.

>>> with Pool(log) as pool:
...     pool.submit([submission]).result()
[Acknowledgement(leaf_index=5, leaf=b'HZL1...')]
"""

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from threading import Condition, Thread
from types import TracebackType
from typing import Final, Protocol, Self

from ledger.core.errors import InputError, LogIntegrityError, UnavailableError
from ledger.submission import Result, Submission

BATCH: Final = 256
"""The writer stops collecting at this many statements."""

MAX_WAITING: Final = 4096
"""Statements that may wait; at 2,000 a second the last one waits two seconds."""


class Appending(Protocol):
    """The log."""

    def append(self, submissions: Sequence[Submission]) -> list[Result]:
        """Append a batch; called by one thread at a time."""
        ...


class _Job:
    """What one caller handed in."""

    __slots__ = ("future", "submissions")

    def __init__(self, submissions: Sequence[Submission]) -> None:
        self.submissions = submissions
        self.future: Future[list[Result]] = Future()


class Pool:
    """The front of a log for many threads. Leave its block, or `stop` it: what waits is still written."""

    def __init__(self, log: Appending) -> None:
        """Start the writer."""
        self._log = log
        self._jobs: deque[_Job] = deque()
        self._waiting = 0
        self._closed: Exception | None = None
        self._changed = Condition()
        self._thread = Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def submit(self, submissions: Sequence[Submission]) -> "Future[list[Result]]":
        """Hand statements in; the future has one result for each, in order, or the error of `Log.append`.

        Statements handed in together are appended together.

        Args:
            submissions: at most `BATCH`.

        Raises:
            InputError: too many at once.
            UnavailableError: too many are waiting, or the pool has been stopped.
            LogIntegrityError: the log contradicts itself and writes no more.
        """
        if len(submissions) > BATCH:
            raise InputError(f"hand in at most {BATCH} statements at once, not {len(submissions)}")
        job = _Job(submissions)
        with self._changed:
            if self._closed is not None:
                raise self._closed
            if self._waiting + len(submissions) > MAX_WAITING:
                raise UnavailableError("too many statements are waiting: try again in a second")
            self._jobs.append(job)
            self._waiting += len(submissions)
            self._changed.notify()
        return job.future

    def stop(self) -> None:
        """Take no more, write what waits, and end the writer."""
        self._close(UnavailableError("the log is being shut down"))
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _close(self, reason: Exception) -> None:
        with self._changed:
            if self._closed is None or isinstance(reason, LogIntegrityError):
                self._closed = reason
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._jobs or self._closed)
                if not self._jobs:
                    return
                jobs = self._collect()
            self._write([job for job in jobs if job.future.set_running_or_notify_cancel()])

    def _collect(self) -> list[_Job]:
        """Take as much of what waits as makes a batch, at least one job."""
        taken: list[_Job] = []
        count = 0
        while self._jobs and count + len(self._jobs[0].submissions) <= BATCH:
            taken.append(self._jobs.popleft())
            count += len(taken[-1].submissions)
        self._waiting -= count
        return taken

    def _write(self, jobs: Sequence[_Job]) -> None:
        try:
            results = iter(self._append([submission for job in jobs for submission in job.submissions]))
        except Exception as err:  # noqa: BLE001 -- it is every caller's answer, and the writer must live on
            for job in jobs:
                job.future.set_exception(err)
            return
        for job in jobs:
            job.future.set_result([next(results) for _ in job.submissions])

    def _append(self, submissions: Sequence[Submission]) -> list[Result]:
        """Append, unless the log has contradicted itself: then never again."""
        if isinstance(self._closed, LogIntegrityError):
            raise self._closed
        try:
            return self._log.append(submissions)
        except LogIntegrityError as err:
            self._close(err)
            raise
