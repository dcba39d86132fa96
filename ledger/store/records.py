"""What goes into the store and comes out of it: plain objects, the same for every kind of store."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ledger.core.constants import CODE_DOMAIN
from ledger.core.ids import Digest, LeafIndex, RootHash, Subject, TreeSize
from ledger.core.merkle import EMPTY_ROOT
from ledger.core.status import SubjectState


@dataclass(frozen=True, slots=True)
class Head:
    """The newest tree head."""

    tree_size: TreeSize
    root_hash: RootHash
    sequenced_at_ms: int
    """Time of the newest leaf, milliseconds since 1970-01-01 UTC."""


EMPTY_HEAD = Head(TreeSize(0), EMPTY_ROOT, 0)
"""Head of a log without leaves."""


def compute_statement_name(raw: bytes) -> bytes:
    """Return the 32 bytes under which the store knows a statement: SHA-256(CODE_DOMAIN || statement).

    All 256 bits make appending idempotent; the first 75 are what `core.qr` prints as the short code, so that
    one unique index serves both.
    """
    return hashlib.sha256(CODE_DOMAIN + raw).digest()


class NewEntry(NamedTuple):
    """One leaf to be stored; the members are the columns of `tables.entries`."""

    leaf_index: LeafIndex
    statement_name: bytes
    """32 bytes, see `compute_statement_name`."""
    leaf: bytes
    type: int
    issuer: str
    number: str | None
    """Set for issues that take effect; then unique for the issuer."""


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """One leaf as it is stored."""

    leaf_index: LeafIndex
    leaf: bytes


class StoredTile(NamedTuple):
    """Content of a tile, 32 bytes a hash; the members are the columns of `tables.tiles`."""

    level: int
    tile_index: int
    hashes: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """Everything that one batch changes, beside its checkpoint."""

    before: Head
    after: Head
    entries: Sequence[NewEntry]
    """Not empty; gap-free from `before.tree_size` to `after.tree_size`."""
    documents: Mapping[Digest, bytes]
    """Published certificates by SHA-256."""
    tiles: Sequence[StoredTile]
    """New tiles, and partial ones that grew."""
    states: Mapping[Subject, SubjectState]


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """A signed tree head."""

    tree_size: TreeSize
    root_hash: RootHash
    note: str
    """Signed note, see `core.checkpoint`."""
    signed_at_ms: int


@dataclass(frozen=True, slots=True)
class Known:
    """What the store already holds of a batch that is about to be judged."""

    entries: Mapping[bytes, StoredEntry]
    """By name of the statement."""
    digests: frozenset[Digest]
    """Certificates whose bytes are stored."""
    states: Mapping[Subject, SubjectState]
