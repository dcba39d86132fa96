"""Proof that an institution has registered a photograph: the registration, and its place in the log.

It stands beside the bundle of a document of the same institution about the same instrument, whose evidence says
whose key has signed it. That no later registration names another picture is not shown: the day of the photograph is
part of what is signed, and whoever shows the picture says it.

>>> parse_photo_proof(encode_photo_proof(proof)) == proof
True
"""

from dataclasses import dataclass
from typing import Final

from ledger.core.bundle import parse_inclusion
from ledger.core.canonical import encode_canonical_json, parse_canonical_json
from ledger.core.encoding import encode_base64
from ledger.core.entry import Leaf, parse_leaf
from ledger.core.errors import VerificationError
from ledger.core.event import EventType, registration_subject
from ledger.core.fields import Reader
from ledger.core.ids import LeafIndex
from ledger.core.note import MAX_NOTE_BYTES
from ledger.core.registration import InstrumentContent, parse_instrument_content
from ledger.core.statement import ActClaims, SignedStatement, parse_signed_statement
from ledger.core.status import Status

PHOTO_PROOF_TYPE: Final = "hengzheng/photo-proof/v1"
MAX_PHOTO_PROOF_BYTES: Final = 2 * 1024 * 1024
_MAX_INDEX: Final = 2**53 - 1


@dataclass(frozen=True, slots=True)
class PhotoProof:
    """A registration in the log; nothing is verified yet."""

    origin: str
    checkpoint: str
    """Signed note under which the leaf is proved."""
    leaf_index: LeafIndex
    leaf: bytes
    """Whole: header and statement."""
    inclusion: tuple[bytes, ...]
    """Hashes from leaf to root, 32 bytes each (RFC 9162 §2.1.3)."""


def encode_photo_proof(proof: PhotoProof) -> bytes:
    """Return the canonical bytes of the file."""
    return encode_canonical_json(
        {
            "type": PHOTO_PROOF_TYPE,
            "origin": proof.origin,
            "checkpoint": proof.checkpoint,
            "index": proof.leaf_index,
            "leaf": encode_base64(proof.leaf),
            "inclusion": [encode_base64(item) for item in proof.inclusion],
        }
    )


def parse_photo_proof(raw: bytes) -> PhotoProof:
    """Parse such a file, strictly; nothing in it is verified yet.

    Raises:
        InputError: not such a file.
    """
    reader = Reader(parse_canonical_json(raw, max_bytes=MAX_PHOTO_PROOF_BYTES), "photo_proof")
    reader.text("type", max_bytes=40, pattern=PHOTO_PROOF_TYPE)
    proof = PhotoProof(
        origin=reader.text("origin", max_bytes=120),
        checkpoint=reader.lines("checkpoint", max_bytes=MAX_NOTE_BYTES),
        leaf_index=LeafIndex(reader.integer("index", 0, _MAX_INDEX)),
        leaf=reader.base64("leaf"),
        inclusion=parse_inclusion(reader),
    )
    reader.finish()
    return proof


def read_registration(proof: PhotoProof) -> tuple[SignedStatement, InstrumentContent]:
    """Return the registration in a proof; its signature is not checked.

    Raises:
        InputError: leaf, statement or content is not one.
        VerificationError: it is no registration that has taken effect.
    """
    leaf = parse_leaf(proof.leaf)
    signed = parse_signed_statement(leaf.statement_raw)
    claims = signed.statement.claims
    if signed.statement.type is not EventType.INSTRUMENT or not isinstance(claims, ActClaims):
        raise VerificationError("the leaf registers no instrument")
    content = parse_instrument_content(claims.content)
    _check_header(leaf, content)
    return signed, content


def _check_header(leaf: Leaf, content: InstrumentContent) -> None:
    header = leaf.header
    if (header.type, header.subject) != (EventType.INSTRUMENT, registration_subject(content.id)):
        raise VerificationError("the leaf's header is of something else")
    if header.status != Status.ACTIVE:
        raise VerificationError("the registration has taken no effect")
