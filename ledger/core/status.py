"""What the fold works on: the state of a subject, the registers, and what an event does to them.

Institutions, keys, authorities and scope lines are few and live in `Registers`, in memory; instruments and
certificates are many and are read through `StateView`. What a certificate is about stands in the header of its
issue, which acts look up through `IssueSubjects`. The fold itself is in `fold`.

>>> SubjectState(Status.VALID, version=1, last_event=LeafIndex(5), current_certificate=LeafIndex(5))
SubjectState(status=<Status.VALID: 1>, version=1, last_event=5, current_certificate=5)
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum
from typing import TypeVar

from ledger.core.authority import AuthorityContent, InstitutionContent, RootContent
from ledger.core.event import maker_subject
from ledger.core.ids import InstitutionId, KeyId, LeafIndex, Subject
from ledger.core.person import PersonContent
from ledger.core.published_rule import PublishedRules
from ledger.core.register_content import RegisterContent
from ledger.core.scope import ScopeContent
from ledger.core.signature import PublicKey
from ledger.core.standard import MaterialContent, StandardContent
from ledger.core.statement import Conclusion, IssueClaims, SignedStatement
from ledger.core.sticker import RollContent
from ledger.core.type_approval import BlockContent, TypeApprovalContent

ContentT = TypeVar("ContentT", bound=RegisterContent)
DatedT = TypeVar(
    "DatedT", bound=ScopeContent | PersonContent | StandardContent | MaterialContent | TypeApprovalContent
)


class Status(IntEnum):
    """Status of a subject after an event; one byte in the leaf header and in the map."""

    VALID = 1
    FAILED = 2
    SUPERSEDED = 3
    CANCELLED = 4
    WITHDRAWN = 5
    SUSPENDED = 6
    NEEDS_REVERIFICATION = 7
    REGISTERED = 8
    ACTIVE = 16
    INACTIVE = 17
    VOID = 255


def find_issued_status(claims: IssueClaims) -> Status:
    """Return the status that a document itself has once it is issued: FAILED is for rejection notices alone."""
    is_rejection = claims.is_verification and claims.conclusion is Conclusion.FAIL
    return Status.FAILED if is_rejection else Status.VALID


@dataclass(frozen=True, slots=True)
class SubjectState:
    """Newest state of one subject."""

    status: Status
    version: int
    last_event: LeafIndex
    current_certificate: LeafIndex | None
    """Of an instrument its newest verification; None: nobody has verified it. Of a document its own leaf."""


StateView = Callable[[Subject], SubjectState | None]
"""Looks a subject up; None if nothing has happened to it yet."""

IssueSubjects = Callable[[LeafIndex], Subject]
"""Looks up the subject in the header of an earlier issue: the instrument, or the part, that it is about."""


@dataclass(frozen=True, slots=True)
class RegisteredKey:
    """A key and the leaf indices between which it counts."""

    key: PublicKey
    owner: str
    """Institution or authority id, or ROOT."""
    since: LeafIndex
    until: LeafIndex | None = None
    """First index at which it no longer counts."""
    compromised_from: datetime | None = None
    """Since when somebody else may have signed with it, aware UTC: what was not covered by then is not believed."""

    def is_active_at(self, index: int) -> bool:
        """Tell whether a statement at this index may be signed with the key."""
        return self.since <= index and (self.until is None or index < self.until)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of what is registered, see `Registers.versions`."""

    index: LeafIndex
    issuer: str
    """The authority, or the institution, that has registered it."""
    content: RegisterContent


@dataclass(slots=True)
class Registers:
    """What the register events have established so far; mutable, owned by one fold."""

    root: RootContent | None = None
    """The newest version."""
    roots: tuple[bytes, ...] = ()
    """SHA-256 of the content of every version, 32 bytes each, in order."""
    authorities: dict[str, AuthorityContent] = field(default_factory=dict)
    institutions: dict[InstitutionId, InstitutionContent] = field(default_factory=dict)
    scopes: dict[tuple[InstitutionId, str], ScopeContent] = field(default_factory=dict)
    """Newest version of each line."""
    versions: dict[Subject, tuple[Version, ...]] = field(default_factory=dict)
    """Every version, oldest first, of what counts as of a day: scope lines, persons, standards, reference
    materials, regulations, type approvals, blocks."""
    rules: PublishedRules = field(default_factory=PublishedRules)
    """Regulations as authorities have published them."""
    blocks: dict[Subject, frozenset[Subject]] = field(default_factory=dict)
    """Of each maker, by `maker_subject`: the blocks that have ever named it."""
    rolls: dict[str, RollContent] = field(default_factory=dict)
    """Newest version of each roll of stickers, by its 7 symbols."""
    keys: dict[KeyId, RegisteredKey] = field(default_factory=dict)
    twins: dict[Subject, frozenset[Subject]] = field(default_factory=dict)
    """Instruments that are the same as others: what happens to one happens to them all."""
    policy_version: int | None = None
    """Of the newest policy that the root has published."""

    def copy(self) -> "Registers":
        """Return registers that can be changed while others still read these."""
        return Registers(
            self.root,
            self.roots,
            dict(self.authorities),
            dict(self.institutions),
            dict(self.scopes),
            dict(self.versions),
            self.rules,
            dict(self.blocks),
            dict(self.rolls),
            dict(self.keys),
            dict(self.twins),
            self.policy_version,
        )

    def find_newest(self, subject: Subject, kind: type[ContentT]) -> ContentT | None:
        """Return the newest version of what is registered, whichever day it is from."""
        versions = self.versions.get(subject)
        content = None if versions is None else versions[-1].content
        return content if isinstance(content, kind) else None

    def find_on(self, subject: Subject, kind: type[DatedT], day: date) -> DatedT | None:
        """Return the version that counts on a day: the newest of those that begin no later.

        Who registers a thing anew may say that it has been so for some time: that version then counts for
        documents which come into the log after it, and older ones keep the version that they were judged by.
        """
        for version in reversed(self.versions.get(subject, ())):
            content = version.content
            if isinstance(content, kind) and content.valid_from <= day:
                return content
        return None

    def list_newest(self, kind: type[ContentT]) -> list[ContentT]:
        """Return the newest version of everything of one kind, in the order of first registration."""
        newest = (versions[-1].content for versions in self.versions.values())
        return [content for content in newest if isinstance(content, kind)]

    def list_blocks(self, maker: str) -> list[BlockContent]:
        """Return the newest version of every block of a maker's instruments."""
        found = (self.find_newest(block, BlockContent) for block in self.blocks.get(maker_subject(maker), ()))
        return [block for block in found if block is not None]


@dataclass(frozen=True, slots=True)
class Effect:
    """What an event does: new states, and the change to the registers if it is a register event."""

    subject: Subject
    prev: LeafIndex | None
    changes: Mapping[Subject, SubjectState]
    apply: Callable[[Registers], None] | None = None

    @property
    def state(self) -> SubjectState:
        """Return the new state of the event's own subject."""
        return self.changes[self.subject]


@dataclass(frozen=True, slots=True)
class Void:
    """Why a leaf has no effect."""

    subject: Subject
    reason: str


VerifyStatement = Callable[[SignedStatement, PublicKey, str], None]
"""As `statement.verify_statement`: raises `BrokenSignatureError` unless this key signed for this log."""
