"""Names for the integers and byte strings that must not be mixed up.

>>> LeafIndex(0), TreeSize(1)
(0, 1)
"""

from typing import Final, NewType

LeafIndex = NewType("LeafIndex", int)
"""Zero-based position of a leaf in the log."""

TreeSize = NewType("TreeSize", int)
"""Number of leaves; a tree of size n holds the indices 0 to n - 1."""

LeafHash = NewType("LeafHash", bytes)
"""32 bytes: SHA-256(0x00 || leaf), RFC 9162 §2.1.1."""

RootHash = NewType("RootHash", bytes)
"""32 bytes: root of a tree, RFC 9162 §2.1.1."""

KeyId = NewType("KeyId", bytes)
"""8 bytes: the first 8 of SHA-256 over the multikey bytes of a public key."""

Digest = NewType("Digest", bytes)
"""32 bytes: SHA-256 over stated bytes."""

Subject = NewType("Subject", bytes)
"""32 bytes: what an event is about, see `ledger/core/README.md`."""

InstrumentId = NewType("InstrumentId", bytes)
"""16 bytes: one measuring instrument in this ledger."""

CertificateNumber = NewType("CertificateNumber", str)
"""The institution's own number; unique for ever within that institution, never across institutions."""

InstitutionId = NewType("InstitutionId", str)
"""Matches `ID_PATTERN`: the code the authority gave an institution."""

ID_PATTERN: Final = r"[A-Z0-9][A-Z0-9-]{0,11}"
"""Ids of authorities, institutions and scope lines: short, for they are signed into every printed code."""
