"""MAPHEAD: the last leaf under every checkpoint, which states the root of the status map.

It is a header without a statement, written by the log alone. The map in it is that after all earlier leaves,
so that one signed root covers the log and the newest state of every subject. Its version counts the MAPHEADs,
and `prev` names the one before.

>>> header = build_maphead(EMPTY_MAP_ROOT, 1_767_225_600_000, None)
>>> require_maphead(encode_leaf(header, b"")) == header
True
"""

import hashlib
from typing import Final

from ledger.core.entry import LeafHeader, parse_leaf
from ledger.core.errors import VerificationError
from ledger.core.event import EventType, SubjectKind, compute_subject
from ledger.core.ids import Digest, LeafIndex
from ledger.core.status import Status

MAPHEAD_SUBJECT: Final = compute_subject(SubjectKind.STATUS_MAP, b"")
_NO_STATEMENT: Final = Digest(hashlib.sha256(b"").digest())


def build_maphead(map_root: bytes, sequenced_at_ms: int, before: tuple[LeafIndex, int] | None) -> LeafHeader:
    """Return the header of a MAPHEAD leaf.

    Args:
        map_root: 32 bytes, of the map after all earlier leaves.
        sequenced_at_ms: as in every header of the batch.
        before: index and version of the MAPHEAD before; None for the first.
    """
    index, version = (None, 0) if before is None else before
    return LeafHeader(
        EventType.MAPHEAD,
        Status.ACTIVE,
        sequenced_at_ms,
        MAPHEAD_SUBJECT,
        index,
        version + 1,
        0,
        Digest(map_root),
        _NO_STATEMENT,
    )


def get_map_root(header: LeafHeader) -> bytes:
    """Return the root of the status map that a MAPHEAD states, 32 bytes."""
    return header.certificate_digest


def require_maphead(leaf: bytes) -> LeafHeader:
    """Return the header of a leaf that must be a MAPHEAD.

    Raises:
        MalformedDocumentError: not a leaf.
        VerificationError: a leaf of another kind, or one that has members which no log gives a MAPHEAD.
    """
    header = parse_leaf(leaf).header
    before = None if header.prev is None else (header.prev, header.version - 1)
    is_counted = before is None or before[1] >= 1
    if not is_counted or header != build_maphead(get_map_root(header), header.sequenced_at_ms, before):
        raise VerificationError("the last leaf under this checkpoint does not state the status map")
    return header
