"""The documents: verification certificate (检定证书), rejection notice (检定结果通知书), and others.

A document is a W3C Verifiable Credential 2.0 in canonical JSON whose `credentialSubject` is the verification
record; its proof set holds one Data Integrity proof per signer. Stored, hashed and published are exactly the
received bytes; `certificate_digest` is SHA-256 over all of them. What the record holds is in `record`, how it is
read in `record_parsing`.

>>> certificate = parse_certificate(raw)
>>> certificate.record.number, certificate.record.conclusion.name
('2026-000001', 'PASS')
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from ledger.core.canonical import JsonObject, parse_canonical_json, respell_canonical_json
from ledger.core.data_integrity import read_signing_times, split_proofs
from ledger.core.errors import MalformedDocumentError
from ledger.core.fields import Reader
from ledger.core.ids import Digest
from ledger.core.record import DocumentType, Record
from ledger.core.record_parsing import parse_record

CONTEXTS: Final = (
    "https://www.w3.org/ns/credentials/v2",
    "https://www.w3.org/ns/credentials/undefined-terms/v2",
)
"""Names, never fetched: the second says that the record's terms are defined by this product's norm."""

MAX_CERTIFICATE_BYTES: Final = 256 * 1024
CREDENTIAL_TYPES: Final = {
    DocumentType.VERIFICATION_CERTIFICATE: "VerificationCertificate",
    DocumentType.REJECTION_NOTICE: "RejectionNotice",
    DocumentType.CALIBRATION_CERTIFICATE: "CalibrationCertificate",
    DocumentType.PAPER_REGISTER: "PaperRegister",
}


@dataclass(frozen=True)
class Certificate:
    """A document as published; not slotted, because it remembers its digest."""

    raw: bytes
    document: JsonObject
    """The credential without its proofs."""
    proofs: tuple[JsonObject, ...]
    record: Record
    issuer_did: str
    """did:key of the seal."""

    @cached_property
    def digest(self) -> Digest:
        """SHA-256 over the complete published bytes."""
        return Digest(hashlib.sha256(self.raw).digest())

    @property
    def document_digest(self) -> Digest:
        """Return SHA-256 over the canonical document without its proofs: what each of them signs."""
        return Digest(hashlib.sha256(respell_canonical_json(self.document)).digest())


def build_document(record: JsonObject, issuer_did: str) -> JsonObject:
    """Wrap a record as a credential that is not signed yet.

    Raises:
        InputError: `doc_type` is missing, or no kind of document.
    """
    document_type = Reader(record, "").enum("doc_type", DocumentType)
    return {
        "@context": list(CONTEXTS),
        "type": ["VerifiableCredential", CREDENTIAL_TYPES[document_type]],
        "issuer": issuer_did,
        "credentialSubject": record,
    }


def parse_certificate(raw: bytes) -> Certificate:
    """Parse the published bytes of a document; proofs are split off, not verified.

    Raises:
        InputError: not canonical, or not such a document; the member is named.
    """
    value = parse_canonical_json(raw, max_bytes=MAX_CERTIFICATE_BYTES)
    if not isinstance(value, dict):
        raise MalformedDocumentError("a certificate is a JSON object")
    return parse_credential(value, raw)


def parse_credential(value: JsonObject, raw: bytes) -> Certificate:
    """Parse a document that has been read already; `raw` is its canonical spelling.

    Raises:
        InputError: not such a document, or larger than 256 KiB; the member is named.
    """
    if len(raw) > MAX_CERTIFICATE_BYTES:
        raise MalformedDocumentError(f"a certificate of {len(raw)} bytes; at most {MAX_CERTIFICATE_BYTES}")
    document, proofs = split_proofs(value)
    reader = Reader(document, "")
    contexts = reader.texts("@context", max_bytes=100)
    types = reader.texts("type", max_bytes=40)
    issuer_did = reader.text("issuer", max_bytes=100, pattern=r"did:key:z[1-9A-HJ-NP-Za-km-z]+")
    subject = reader.object("credentialSubject")
    reader.finish()
    record = parse_record(subject, read_signing_times(proofs))
    if tuple(contexts) != CONTEXTS:
        raise MalformedDocumentError(f"expected exactly {list(CONTEXTS)}", field="@context")
    expected = ["VerifiableCredential", CREDENTIAL_TYPES[record.document_type]]
    if types != expected:
        raise MalformedDocumentError(f"expected exactly {expected}", field="type")
    return Certificate(raw, document, tuple(proofs), record, issuer_did)
