"""What is handed to the log, and what it answers.

>>> result = log.append([Submission(parse_signed_statement(raw), body)])[0]
>>> isinstance(result, Acknowledgement)
True
"""

from dataclasses import dataclass
from typing import TypeAlias

from ledger.core.entry import HEADER_BYTES, LeafHeader, parse_header
from ledger.core.errors import InputError, StateError, VerificationError
from ledger.core.ids import LeafIndex
from ledger.core.statement import SignedStatement


@dataclass(frozen=True, slots=True)
class Submission:
    """A statement that admission has let through, its signature verified."""

    signed: SignedStatement
    body: bytes | None = None
    """What it speaks of: the published certificate of an issue, or the photograph that a registration names."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The leaf of a statement: in the log, committed, and under a signed checkpoint."""

    leaf_index: LeafIndex
    leaf: bytes

    @property
    def header(self) -> LeafHeader:
        """Return what the log wrote before the statement."""
        return parse_header(self.leaf[:HEADER_BYTES])


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a statement did not become a leaf."""

    error: InputError | StateError | VerificationError
    """Of the log itself: `AlreadyIssuedError`, `StaleVersionError`, or `DocumentRefusedError` where the fold gives
    the statement no effect. Of admission: any of these branches."""


Result: TypeAlias = Acknowledgement | Refusal
