"""The leaf: a 128-byte header written by the log, then the statement byte for byte.

    offset size
    0      4   magic "HZL1"
    4      1   event type
    5      1   status of the subject after the event; 255 marks a VOID leaf
    6      2   zero
    8      8   sequenced_at, milliseconds since 1970-01-01 UTC, never decreasing
    16     32  subject
    48     8   prev: index of this subject's previous event, 2^64-1 if none
    56     4   version of the subject after the event: 1, 2, ...; 0 in a VOID leaf
    60     4   length of the statement
    64     32  certificate digest; root of the status map in a MAPHEAD; zeros for register events
    96     32  SHA-256 of the statement
    128    ..  the statement

All integers are big-endian. Everything in the header follows from the statement and the earlier leaves,
except `sequenced_at`, which only informs.
"""

import hashlib
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from ledger.core.errors import MalformedDocumentError
from ledger.core.event import EventType
from ledger.core.ids import Digest, LeafIndex, Subject

MAGIC: Final = b"HZL1"
HEADER_BYTES: Final = 128
MAX_LEAF_BYTES: Final = 65_535
"""C2SP tlog-tiles entry bundles give a leaf's length in two bytes."""
NO_PREDECESSOR: Final = 2**64 - 1
NO_CERTIFICATE: Final = Digest(bytes(32))
_LATEST_MS: Final = 253_402_300_800_000
"""First millisecond of the year 10000."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TIME_AT: Final = 8
_LAYOUT: Final = struct.Struct(">4sBB2xQ32sQII32s32s")


@dataclass(frozen=True, slots=True)
class LeafHeader:
    """What the log adds to a statement."""

    type: EventType
    status: int
    """A `status.Status` code, or 255 for VOID."""
    sequenced_at_ms: int
    subject: Subject
    prev: LeafIndex | None
    version: int
    statement_length: int
    certificate_digest: Digest
    """In a MAPHEAD leaf, which is about no certificate: root of the status map."""
    statement_digest: Digest

    @property
    def sequenced_at(self) -> datetime:
        """Return when the log says that it took the statement in, aware UTC, whole milliseconds."""
        return _EPOCH + timedelta(milliseconds=self.sequenced_at_ms)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One parsed leaf."""

    header: LeafHeader
    statement_raw: bytes


def encode_header(header: LeafHeader) -> bytes:
    """Return the 128 bytes of a header."""
    return _LAYOUT.pack(
        MAGIC,
        header.type,
        header.status,
        header.sequenced_at_ms,
        header.subject,
        NO_PREDECESSOR if header.prev is None else header.prev,
        header.version,
        header.statement_length,
        header.certificate_digest,
        header.statement_digest,
    )


def parse_header(raw: bytes) -> LeafHeader:
    """Parse a header, strictly.

    Raises:
        MalformedDocumentError: not 128 bytes of this layout.
    """
    if len(raw) != HEADER_BYTES:
        raise MalformedDocumentError(f"leaf header of {len(raw)} bytes; expected {HEADER_BYTES}")
    magic, code, status, at, subject, prev, version, length, certificate, statement = _LAYOUT.unpack(raw)
    if magic != MAGIC or raw[6:8] != b"\0\0":
        raise MalformedDocumentError("leaf header does not begin with HZL1 and zero reserved bytes")
    if at >= _LATEST_MS:
        raise MalformedDocumentError("leaf header has a time after the year 9999")
    try:
        event_type = EventType(code)
    except ValueError:
        raise MalformedDocumentError(f"leaf header has the unknown event type {code}") from None
    predecessor = None if prev == NO_PREDECESSOR else LeafIndex(prev)
    return LeafHeader(
        event_type,
        status,
        at,
        Subject(subject),
        predecessor,
        version,
        length,
        Digest(certificate),
        Digest(statement),
    )


def read_time(raw: bytes) -> int:
    """Return `sequenced_at_ms` of a leaf, or of a header, that a parser here has found good."""
    return int.from_bytes(raw[_TIME_AT : _TIME_AT + 8])


def encode_leaf(header: LeafHeader, statement_raw: bytes) -> bytes:
    """Return the leaf's bytes.

    Raises:
        MalformedDocumentError: the leaf is longer than 65,535 bytes.
    """
    if HEADER_BYTES + len(statement_raw) > MAX_LEAF_BYTES:
        raise MalformedDocumentError(
            f"leaf of {HEADER_BYTES + len(statement_raw)} bytes; at most {MAX_LEAF_BYTES}"
        )
    return encode_header(header) + statement_raw


def parse_leaf(raw: bytes) -> Leaf:
    """Parse a leaf and compare its statement with the header's length and digest.

    Raises:
        MalformedDocumentError: header and statement do not belong together.
    """
    header = parse_header(raw[:HEADER_BYTES])
    statement_raw = raw[HEADER_BYTES:]
    if len(statement_raw) != header.statement_length:
        raise MalformedDocumentError("leaf is longer or shorter than its header says")
    if hashlib.sha256(statement_raw).digest() != header.statement_digest:
        raise MalformedDocumentError("leaf header names the digest of another statement")
    return Leaf(header, statement_raw)
