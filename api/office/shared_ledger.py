"""One ledger for all requests of an office: asked by one thread at a time, its registers kept for some seconds.

A ledger behind HTTP, and an opened one, are for one thread at a time; pages ask for the registers often.

>>> shared = SharedLedger(gateway, time.monotonic)
>>> shared.registers()
Registers(...)
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from threading import Lock
from typing import Final

from issuer.cli import Gateway
from issuer.gateway import Answer
from ledger.core.ids import Subject
from ledger.core.status import Registers, SubjectState

KEPT_SECONDS: Final = 2.0


class SharedLedger:
    """Answers what desks and pages ask. Safe to share between threads."""

    def __init__(self, gateway: Gateway, monotonic: Callable[[], float]) -> None:
        self._gateway = gateway
        self._monotonic = monotonic
        self._lock = Lock()
        self._registers: tuple[float, Registers] | None = None

    def submit(self, entries: Sequence[tuple[bytes, bytes | None]]) -> Sequence[Answer]:
        """Hand in statements, issues with their certificates."""
        with self._lock:
            self._registers = None
            return self._gateway.submit(entries)

    def find_states(self, subjects: Sequence[Subject]) -> Mapping[Subject, SubjectState]:
        """Return the newest states of those subjects that have one."""
        with self._lock:
            return self._gateway.find_states(subjects)

    def subject_versions(self, subjects: Collection[Subject]) -> Mapping[Subject, int]:
        """Return the newest version of each subject that has one."""
        with self._lock:
            return self._gateway.subject_versions(subjects)

    def registers(self) -> Registers:
        """Return what the register events have established."""
        with self._lock:
            now = self._monotonic()
            if self._registers is None or now - self._registers[0] > KEPT_SECONDS:
                self._registers = now, self._gateway.registers()
            return self._registers[1]
