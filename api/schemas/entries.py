"""What a desk hands to the log, and what it gets back; `ledger.wire` reads and writes the same."""

from typing import Annotated

from pydantic import Field

from api.schemas.base import Base64, Hex32, Shape
from api.schemas.problems import ReasonShape
from ledger.wire import MAX_BUNDLES, MAX_ENTRIES, MAX_SUBJECTS


class EntryShape(Shape):
    """One statement that is handed in."""

    statement: Base64 = Field(description="COSE_Sign1, as it was signed")
    certificate: Base64 | None = Field(
        default=None,
        description="published bytes of the certificate of an issue, or the photograph that an INSTRUMENT names; "
        "for nothing else",
    )


class EntriesRequest(Shape):
    """Statements in the order in which they count."""

    entries: Annotated[list[EntryShape], Field(min_length=1, max_length=MAX_ENTRIES)]


class LoggedShape(Shape):
    """A statement that is in the log; its leaf is `header` and the statement."""

    index: int = Field(ge=0, lt=2**53)
    header: Base64
    inclusion: list[Base64] = Field(description="hashes from leaf to root (RFC 9162 §2.1.3)")


class RefusalShape(Shape):
    """Why a statement is not in the log, signed by the log's key."""

    type: str
    statement: Hex32
    refused_at: str
    reasons: list[ReasonShape]
    signature: str


class RefusedShape(Shape):
    """A statement that is not in the log."""

    refusal: RefusalShape


class EntriesAnswer(Shape):
    """One result for each statement, in order."""

    results: list[LoggedShape | RefusedShape]
    checkpoint: str | None = Field(
        default=None, description="signed note under which the leaves are proved; there if one is logged"
    )


class SubjectsRequest(Shape):
    """Whose newest states are wanted."""

    subjects: Annotated[list[Hex32], Field(min_length=1, max_length=MAX_SUBJECTS)]


class BundlesRequest(Shape):
    """Which bundles are wanted."""

    statements: Annotated[list[Hex32], Field(min_length=1, max_length=MAX_BUNDLES)] = Field(
        description="SHA-256 of `hengzheng/code/v1`, a zero byte and the statement: what short codes begin"
    )


class StateShape(Shape):
    """Newest state of one subject, as the log states it."""

    subject: Hex32
    status: str
    version: int = Field(ge=1)
    last_event: int = Field(ge=0)
    current_certificate: int | None = None


class SubjectsAnswer(Shape):
    """States of those subjects that have one."""

    states: list[StateShape]
