"""Proof of what the status map says of some subjects: the part of the trie that leads to them.

The proof is the trie itself, cut: what does not lead to a wanted subject is replaced by its hash. One form
serves one subject or many, present or absent (the path then ends at another subject). Nodes stand in the order
root, left, right:

    0x00 || hash(32)                    cut: a subtree that is not shown
    0x02 || subject(32) || value(21)    leaf
    0x03 || bit(1), then two nodes      inner node
    0x04                                the empty map; stands alone

Rules it keeps: a proof must lead to the root that the caller has from a MAPHEAD leaf; bits grow on the way
down, and every leaf lies where its own bits lead, so that a subject has one place only. What a proof does not
show is an error, never "absent".

>>> proven = open_map_proof(build_map_proof(status_map, [subject], load), status_map.root_hash)
>>> proven.find(subject)
SubjectState(status=<Status.VALID: 1>, version=1, last_event=5, current_certificate=5)
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from ledger.core.errors import MalformedDocumentError, MapProofError
from ledger.core.ids import Subject
from ledger.core.status import SubjectState
from ledger.core.status_map import (
    EMPTY_MAP_ROOT,
    STATE_BYTES,
    SUBJECT_BITS,
    SUBJECT_BYTES,
    Node,
    Page,
    PageLoader,
    StatusMap,
    encode_state,
    get_content,
    get_hash,
    hash_map_inner,
    hash_map_leaf,
    parse_state,
)

MAX_MAP_PROOF_BYTES: Final = 32 * 1024 * 1024
_CUT_OFF: Final = "is cut off"
_CUT, _LEAF, _INNER, _EMPTY = b"\x00", b"\x02", b"\x03", b"\x04"


def build_map_proof(status_map: StatusMap, subjects: Iterable[Subject], load: PageLoader) -> bytes:
    """Return the proof of what a map says of these subjects; at least one.

    Raises:
        LogIntegrityError: a page does not hold what its hash promises.
    """
    if status_map.root is None:
        return _EMPTY
    wanted, parts = list(subjects), list[bytes]()
    status_map.open_pages(wanted, load)
    _write(status_map.root, [int.from_bytes(subject) for subject in wanted], parts)
    return b"".join(parts)


def _write(node: Node, wanted: list[int], parts: list[bytes]) -> None:
    while isinstance(node, Page) and wanted:
        node = get_content(node)
    if not wanted:
        parts += (_CUT, get_hash(node))
    elif isinstance(node, bytes):
        parts += (_LEAF, node[32:])
    elif isinstance(node, tuple):
        _, bit, left, right = node
        parts += (_INNER, bytes([bit]))
        _write(left, [key for key in wanted if not key >> 255 - bit & 1], parts)
        _write(right, [key for key in wanted if key >> 255 - bit & 1], parts)


# --- checking ---------------------------------------------------------------------------------------------


class _Cut(NamedTuple):
    """A subtree that is not shown. Nodes are tuples: a bundle has a hundred, and tuples are made fast."""

    hash: bytes


class _Leaf(NamedTuple):
    hash: bytes
    subject: Subject
    state: SubjectState


class _Inner(NamedTuple):
    hash: bytes
    bit: int
    left: "_Part"
    right: "_Part"


_Part = _Cut | _Leaf | _Inner


@dataclass(frozen=True, slots=True)
class ProvenStates:
    """The part of a map that a proof shows."""

    root: _Part | None
    """None: the map is empty."""

    def find(self, subject: Subject) -> SubjectState | None:
        """Return the state of a subject; None if the map does not have it.

        Raises:
            MapProofError: the proof does not show it.
        """
        if self.root is None:
            return None
        key, part = int.from_bytes(subject), self.root
        while isinstance(part, _Inner):
            part = part.right if key >> 255 - part.bit & 1 else part.left
        if isinstance(part, _Cut):
            raise MapProofError(f"the proof does not show subject {subject.hex()[:16]}")
        return part.state if part.subject == subject else None


def open_map_proof(raw: bytes, root_hash: bytes) -> ProvenStates:
    """Check a proof and return what it shows.

    Args:
        raw: see above; at most 32 MiB.
        root_hash: of the map, 32 bytes, as a MAPHEAD leaf states it.

    Raises:
        MalformedDocumentError: not such a proof.
        MapProofError: it leads to another root.
    """
    if len(raw) > MAX_MAP_PROOF_BYTES:
        raise MalformedDocumentError(f"a map proof of {len(raw)} bytes; at most {MAX_MAP_PROOF_BYTES}")
    root = None if raw == _EMPTY else _Reading(raw).read_all()
    if (EMPTY_MAP_ROOT if root is None else root.hash) != root_hash:
        raise MapProofError("the proof leads to another root of the status map")
    return ProvenStates(root)


def cut_map_proof(raw: bytes, root_hash: bytes, subjects: Iterable[Subject]) -> bytes:
    """Return the part of a proof that shows these subjects; at least one.

    Args:
        raw: a proof that shows all of them.
        root_hash: of the map, 32 bytes.
        subjects: those that are still wanted.

    Raises:
        MalformedDocumentError: not such a proof.
        MapProofError: it leads to another root, or does not show one of them.
    """
    proven, wanted = open_map_proof(raw, root_hash), list(subjects)
    for subject in wanted:
        proven.find(subject)
    if proven.root is None:
        return _EMPTY
    parts: list[bytes] = []
    _cut(proven.root, [int.from_bytes(subject) for subject in wanted], parts)
    return b"".join(parts)


def _cut(part: _Part, wanted: list[int], parts: list[bytes]) -> None:
    if not wanted or isinstance(part, _Cut):
        parts += (_CUT, part.hash)
    elif isinstance(part, _Leaf):
        parts += (_LEAF, part.subject, encode_state(part.state))
    else:
        parts += (_INNER, bytes([part.bit]))
        _cut(part.left, [key for key in wanted if not key >> 255 - part.bit & 1], parts)
        _cut(part.right, [key for key in wanted if key >> 255 - part.bit & 1], parts)


class _Reading:
    """One pass over the bytes of a proof."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    def read_all(self) -> _Part:
        """Read the whole proof."""
        root = self._read(-1, 0, 0)
        if self._at != len(self._raw):
            is_short = self._at > len(self._raw)
            raise MalformedDocumentError(f"a map proof {_CUT_OFF if is_short else 'goes on after its end'}")
        return root

    def _read(self, above: int, mask: int, path: int) -> _Part:
        """Read a node.

        Args:
            above: bit of the node above; -1 at the root.
            mask: every bit on the way here.
            path: which of them are 1.
        """
        raw, at = self._raw, self._at
        head = raw[at : at + 2]
        if len(head) < 2:
            raise MalformedDocumentError(f"a map proof {_CUT_OFF}")
        kind, bit = head[:1], head[1]
        if kind == _INNER:
            self._at = at + 2
            if bit <= above:
                raise MalformedDocumentError("a map proof has inner nodes out of order")
            here = 1 << SUBJECT_BITS - 1 - bit
            left = self._read(bit, mask | here, path)
            right = self._read(bit, mask | here, path | here)
            return _Inner(hash_map_inner(bit, left[0], right[0]), bit, left, right)
        if kind == _CUT:
            self._at = at + 33
            return _Cut(raw[at + 1 : at + 33])
        if kind != _LEAF:
            raise MalformedDocumentError("a map proof has a node of an unknown kind")
        return self._read_leaf(mask, path)

    def _read_leaf(self, mask: int, path: int) -> _Part:
        begin = self._at + 1
        middle = begin + SUBJECT_BYTES
        self._at = middle + STATE_BYTES
        if self._at > len(self._raw):
            raise MalformedDocumentError(f"a map proof {_CUT_OFF}")
        subject, value = self._raw[begin:middle], self._raw[middle : self._at]
        if int.from_bytes(subject) & mask != path:
            raise MalformedDocumentError("a map proof has a subject where its bits do not lead")
        return _Leaf(hash_map_leaf(subject, value), Subject(subject), parse_state(value))
