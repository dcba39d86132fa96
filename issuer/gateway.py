"""What the desk needs of the log: to hand in statements, to look up versions, to know the registers.

The desk never imports the log: it is given something that speaks this protocol, over HTTP or in the process.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias

from ledger.core.ids import LeafIndex, Subject
from ledger.core.status import Registers


class RefusalKind(StrEnum):
    """What the desk does about a refusal."""

    STALE_VERSION = "stale_version"
    """Something else happened to the subject first: sign the statement again with its newest version."""
    NOT_NOW = "not_now"
    """The same bytes may be admitted later, as when the clocks disagree: keep the document waiting."""
    KEY = "key"
    """The key that signed does not count: seal anew with the present one, or keep the document waiting for it."""
    FINAL = "final"
    """These bytes will never be admitted: void the number."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The statement is in the log, for ever."""

    index: LeafIndex


@dataclass(frozen=True, slots=True)
class Refused:
    """The statement is not in the log, and did not change it."""

    kind: RefusalKind
    reason: str
    zh: str | None = None
    """The reason in Chinese, where the log has given one."""


Answer: TypeAlias = Acknowledged | Refused


class LedgerGateway(Protocol):
    """One log, as an institution's desk sees it.

    Every call may raise UnavailableError: then nothing is known, and the desk asks again with the same bytes.
    """

    def submit(self, entries: Sequence[tuple[bytes, bytes]]) -> Sequence[Answer]:
        """Hand in pairs of statement and certificate, at most 256; return one answer for each, in order.

        Durable: an acknowledged statement has been committed. Idempotent: a statement that is in the log
        already is acknowledged with its own index, whatever has happened since; that is asked before anything
        else, so it never counts as stale. Each is judged for itself, after those before it.
        """
        ...

    def subject_versions(self, subjects: Collection[Subject]) -> Mapping[Subject, int]:
        """Return the newest version of each subject; those that nothing has happened to may be absent."""
        ...

    def registers(self) -> Registers:
        """Return what the register events have established so far; to be read only."""
        ...
