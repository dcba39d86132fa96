"""A supplement as a document (补充件): what is added to a certificate, and the proof that the ledger has it.

    supplement.json   inside the PDF: which certificate, what is added, why, on which day
    <PDF>.act.json    beside the PDF, once the act is in the log: the SUPPLEMENT statement and its leaf's proof

The act holds SHA-256 of the whole PDF, so the proof cannot stand in it.

>>> parse_supplement(encode_supplement(supplement)) == supplement
True
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from ledger.core.act import ReasonCode
from ledger.core.canonical import JsonObject, encode_canonical_json, parse_canonical_json
from ledger.core.encoding import encode_base64, encode_date, encode_hex, parse_base64
from ledger.core.errors import MalformedDocumentError
from ledger.core.fields import Reader
from ledger.core.ids import ID_PATTERN, CertificateNumber, Digest, InstitutionId
from ledger.core.statement import MAX_STATEMENT_BYTES

SUPPLEMENT_TYPE: Final = "hengzheng/supplement/v1"
ACT_PROOF_TYPE: Final = "hengzheng/act-proof/v1"
MAX_SUPPLEMENT_BYTES: Final = 16 * 1024
MAX_TEXT_BYTES: Final = 8_000
"""Longest addition: about three pages."""
MAX_ACT_PROOF_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Supplement:
    """What is added to one certificate."""

    issuer: InstitutionId
    number: CertificateNumber
    certificate_digest: Digest
    reason: ReasonCode
    paragraphs: tuple[str, ...]
    made_on: date


@dataclass(frozen=True, slots=True)
class ActProof:
    """The statement of an act, and the proof of its leaf; nothing is verified yet."""

    statement: bytes
    proof: bytes
    """A tlog-proof file, whose extra data is the leaf's header."""


def encode_supplement(supplement: Supplement) -> bytes:
    """Return the canonical bytes of a supplement."""
    members: JsonObject = {
        "type": SUPPLEMENT_TYPE,
        "certificate": {"issuer": supplement.issuer, "number": supplement.number},
        "digest": encode_hex(supplement.certificate_digest),
        "reason": supplement.reason.value,
        "text": [*supplement.paragraphs],
        "made_on": encode_date(supplement.made_on),
    }
    return encode_canonical_json(members)


def parse_supplement(raw: bytes) -> Supplement:
    """Parse a supplement.

    Raises:
        InputError: not one.
    """
    reader = _open(raw, SUPPLEMENT_TYPE, MAX_SUPPLEMENT_BYTES)
    named = reader.object("certificate")
    supplement = Supplement(
        issuer=InstitutionId(named.text("issuer", max_bytes=12, pattern=ID_PATTERN)),
        number=CertificateNumber(named.text("number", max_bytes=64)),
        certificate_digest=Digest(reader.hex("digest", 32)),
        reason=reader.enum("reason", ReasonCode),
        paragraphs=tuple(reader.texts("text", max_bytes=MAX_TEXT_BYTES)),
        made_on=reader.date("made_on"),
    )
    named.finish()
    reader.finish()
    if not supplement.paragraphs:
        raise MalformedDocumentError("nothing is added", field="text")
    return supplement


def encode_act_proof(proof: ActProof) -> bytes:
    """Return the canonical bytes of the proof of an act."""
    members: JsonObject = {
        "type": ACT_PROOF_TYPE,
        "statement": encode_base64(proof.statement),
        "proof": proof.proof.decode(),
    }
    return encode_canonical_json(members)


def parse_act_proof(raw: bytes) -> ActProof:
    """Parse the proof of an act.

    Raises:
        InputError: not one.
    """
    reader = _open(raw, ACT_PROOF_TYPE, MAX_ACT_PROOF_BYTES)
    text = reader.text("statement", max_bytes=2 * MAX_STATEMENT_BYTES)
    proof = ActProof(parse_base64(text), reader.lines("proof", max_bytes=MAX_ACT_PROOF_BYTES).encode())
    reader.finish()
    return proof


def _open(raw: bytes, kind: str, max_bytes: int) -> Reader:
    value = parse_canonical_json(raw, max_bytes=max_bytes)
    if not isinstance(value, dict):
        raise MalformedDocumentError("expected a JSON object")
    reader = Reader(value, "")
    reader.text("type", max_bytes=40, pattern=kind)
    return reader
