"""What goes into the store and comes out of it: plain objects, the same for every kind of store."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ledger.core.constants import CODE_DOMAIN
from ledger.core.entry import HEADER_BYTES
from ledger.core.errors import LogIntegrityError, MalformedDocumentError
from ledger.core.ids import Digest, LeafIndex, RootHash, Subject, TreeSize
from ledger.core.merkle import EMPTY_ROOT
from ledger.core.status import SubjectState
from ledger.core.status_map import STATE_BYTES, SUBJECT_BYTES, encode_state, parse_state


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


def compute_leaf_name(leaf: bytes) -> bytes:
    """Return the name of a leaf's statement; a MAPHEAD, which has none, goes by the name of its own bytes."""
    return compute_statement_name(leaf[HEADER_BYTES:] or leaf)


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


class StoredPage(NamedTuple):
    """Hash of a page of the status map; the members are the columns of `tables.map_pages`."""

    depth: int
    prefix: int
    hash: bytes


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
    """New states."""
    replaced: Mapping[Subject, SubjectState | None]
    """The states in whose place they come; None where there was none."""
    pages: Sequence[StoredPage]
    """Pages of the status map that hold the new states."""


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """A signed tree head."""

    tree_size: TreeSize
    root_hash: RootHash
    note: str
    """Signed note, see `core.checkpoint`."""
    signed_at_ms: int


class Withheld(NamedTuple):
    """Why and since when the bytes of a document are withheld."""

    grounds: str
    """As the operator has written them down: which decision, by whom."""
    withheld_at_ms: int
    """Milliseconds since 1970-01-01 UTC."""
    related: bytes
    """Subjects, 32 bytes each, of the parts that the document named, or of the whole: their states bear on it."""

    def list_related(self) -> list[Subject]:
        """Return these subjects one by one."""
        return [
            Subject(self.related[at : at + SUBJECT_BYTES])
            for at in range(0, len(self.related), SUBJECT_BYTES)
        ]


class StoredCosignature(NamedTuple):
    """What a witness has signed of a checkpoint; the members are the columns of `tables.cosignatures`."""

    tree_size: TreeSize
    witness: str
    """Its vkey."""
    cosigned_at: int
    """POSIX seconds; whole minutes of a BLS key."""
    signature: bytes
    """Of an Ed25519 key 72 bytes, as in the line behind the key id; of a BLS key 96, its part of a certificate."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the store already holds of a batch that is about to be judged."""

    entries: Mapping[bytes, StoredEntry]
    """By name of the statement."""
    digests: frozenset[Digest]
    """Certificates whose bytes are stored."""
    states: Mapping[Subject, SubjectState]


_NO_STATE = bytes(STATE_BYTES)


def encode_replaced(states: Mapping[Subject, SubjectState | None]) -> bytes:
    """Return replaced states as one row holds them: subject and state of each, zeros where there was none."""
    return b"".join(
        subject + (_NO_STATE if state is None else encode_state(state)) for subject, state in states.items()
    )


def decode_replaced(raw: bytes) -> dict[Subject, SubjectState | None]:
    """Return what `encode_replaced` was given.

    Raises:
        LogIntegrityError: it cannot have made this.
    """
    width = SUBJECT_BYTES + STATE_BYTES
    items = (raw[at : at + width] for at in range(0, len(raw), width))
    try:
        return {
            Subject(item[:SUBJECT_BYTES]): None
            if item[SUBJECT_BYTES:] == _NO_STATE
            else parse_state(item[SUBJECT_BYTES:])
            for item in items
        }
    except MalformedDocumentError as err:
        raise LogIntegrityError(f"a row of replaced states is damaged: {err}") from err
