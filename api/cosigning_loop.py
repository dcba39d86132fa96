"""Asks the witnesses again and again while a ledger is served: one size for all of them on a fixed cadence.

Each witness has a thread of its own. One that has not answered yet is not asked a second time, and nobody waits for
it: not the other witnesses, not issuing, not reading.

>>> with CosigningLoop(cosigner, seconds=5):
...     server.run()
"""

from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

import structlog

from api.background import Background
from ledger.core.errors import LedgerError
from ledger.cosigning.cosigner import Cosigner
from ledger.cosigning.witnesses import AskedWitness

_LOG = structlog.get_logger(__name__)


class CosigningLoop(Background):
    """One thread that keeps time, and one for each witness; they end with the block."""

    def __init__(self, cosigner: Cosigner, *, seconds: float) -> None:
        """Prepare the threads.

        Args:
            cosigner: asks.
            seconds: from one round to the next.
        """
        super().__init__("cosigning")
        self._cosigner = cosigner
        self._seconds = seconds
        self._pool = ThreadPoolExecutor(max(1, len(cosigner.witnesses.asked)), thread_name_prefix="witness")
        self._under_way: dict[AskedWitness, Future[bool]] = {}

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self._pool.shutdown(cancel_futures=True)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._start_round()
            except LedgerError as err:
                _LOG.warning("witnesses not asked; tried again", error=str(err), seconds=self._seconds)
            self._stopping.wait(self._seconds)

    def _start_round(self) -> None:
        checkpoint = self._cosigner.read_newest()
        if checkpoint is None:
            return
        self._cosigner.sign_here(checkpoint)
        for witness in self._cosigner.witnesses.asked:
            last = self._under_way.get(witness)
            if last is None or last.done():
                _report(witness, last)
                self._under_way[witness] = self._pool.submit(self._cosigner.ask, witness, checkpoint)


def _report(witness: AskedWitness, last: Future[bool] | None) -> None:
    error = None if last is None else last.exception()
    if error is not None:
        _LOG.error("asking a witness failed", witness=witness.name, error=repr(error))
