"""Proof that the ledger has no such certificate, or no verification of such an instrument, as of one checkpoint.

A code that looks like ours, and names a certificate that was never issued, is told from one that a server merely
does not know: the map under a signed checkpoint does not have the subject. The evidence is the root's alone, which
leads from the verifier's policy to the map.

>>> show_absence(parse_absence_proof(raw), established)
<Absence.NO_CERTIFICATE: 'NO_CERTIFICATE'>
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ledger.core.anchor import AnchorReceipt, encode_receipt, parse_receipt
from ledger.core.canonical import JsonObject, encode_canonical_json, parse_canonical_json
from ledger.core.encoding import encode_base64, encode_hex, parse_base64
from ledger.core.errors import MalformedDocumentError, VerificationError
from ledger.core.event import (
    certificate_subject,
    instrument_subject,
    placement_subject,
    registration_subject,
)
from ledger.core.evidence import Established, Evidence, encode_evidence, parse_evidence
from ledger.core.fields import Reader
from ledger.core.ids import ID_PATTERN, CertificateNumber, InstitutionId, InstrumentId, Subject
from ledger.core.map_proof import open_map_proof
from ledger.core.note import MAX_NOTE_BYTES

ABSENCE_PROOF_TYPE: Final = "hengzheng/absence-proof/v1"
MAX_ABSENCE_PROOF_BYTES: Final = 2 * 1024 * 1024
_INSTRUMENT_BYTES: Final = 16
_PART_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class MissingCertificate:
    """A certificate, by its identity."""

    issuer: InstitutionId
    number: CertificateNumber


@dataclass(frozen=True, slots=True)
class MissingVerification:
    """An instrument, or a part of one."""

    instrument_id: InstrumentId
    """16 bytes."""
    part: str | None


@dataclass(frozen=True, slots=True)
class AbsenceProof:
    """What shows that the ledger has no such thing; nothing is verified yet."""

    origin: str
    checkpoint: str
    """Signed note under which everything here is proved."""
    missing: MissingCertificate | MissingVerification
    evidence: Evidence
    """The root's leaves."""
    map_proof: bytes
    receipt: AnchorReceipt | None


class Absence(StrEnum):
    """What the ledger does not have."""

    NO_CERTIFICATE = "NO_CERTIFICATE"
    NO_INSTRUMENT = "NO_INSTRUMENT"
    """It knows nothing of the instrument as a whole, or of this part; other parts are not asked."""
    NO_VERIFICATION = "NO_VERIFICATION"
    """It knows the instrument, and no document that verifies it."""


def encode_absence_proof(proof: AbsenceProof) -> bytes:
    """Return the canonical bytes of the file."""
    members: JsonObject = {
        "type": ABSENCE_PROOF_TYPE,
        "origin": proof.origin,
        "checkpoint": proof.checkpoint,
        "evidence": encode_evidence(proof.evidence),
        "map": encode_base64(proof.map_proof),
    }
    if isinstance(proof.missing, MissingCertificate):
        members["certificate"] = {"issuer": proof.missing.issuer, "number": proof.missing.number}
    else:
        members["instrument"] = _encode_instrument(proof.missing)
    if proof.receipt is not None:
        members["receipt"] = encode_receipt(proof.receipt)
    return encode_canonical_json(members)


def _encode_instrument(missing: MissingVerification) -> JsonObject:
    members: JsonObject = {"id": encode_hex(missing.instrument_id)}
    return members if missing.part is None else members | {"part": missing.part}


def parse_absence_proof(raw: bytes) -> AbsenceProof:
    """Parse an absence proof, strictly; nothing in it is verified yet.

    Raises:
        InputError: not such a file.
    """
    reader = Reader(parse_canonical_json(raw, max_bytes=MAX_ABSENCE_PROOF_BYTES), "absence_proof")
    reader.text("type", max_bytes=40, pattern=ABSENCE_PROOF_TYPE)
    receipt = reader.opt_object("receipt")
    proof = AbsenceProof(
        origin=reader.text("origin", max_bytes=120),
        checkpoint=reader.lines("checkpoint", max_bytes=MAX_NOTE_BYTES),
        missing=_parse_missing(reader),
        evidence=parse_evidence(reader.object("evidence")),
        map_proof=parse_base64(reader.text("map", max_bytes=MAX_ABSENCE_PROOF_BYTES)),
        receipt=None if receipt is None else parse_receipt(receipt),
    )
    reader.finish()
    return proof


def _parse_missing(reader: Reader) -> MissingCertificate | MissingVerification:
    certificate, instrument = reader.opt_object("certificate"), reader.opt_object("instrument")
    missing: MissingCertificate | MissingVerification
    if certificate is not None and instrument is None:
        inner, missing = (
            certificate,
            MissingCertificate(
                InstitutionId(certificate.text("issuer", max_bytes=12, pattern=ID_PATTERN)),
                CertificateNumber(certificate.text("number", max_bytes=64)),
            ),
        )
    elif instrument is not None and certificate is None:
        inner, missing = (
            instrument,
            MissingVerification(
                InstrumentId(instrument.hex("id", _INSTRUMENT_BYTES)),
                instrument.opt_text("part", max_bytes=_PART_BYTES),
            ),
        )
    else:
        raise MalformedDocumentError("expected either a certificate or an instrument", field="absence_proof")
    inner.finish()
    return missing


def list_missing_subjects(missing: MissingCertificate | MissingVerification) -> tuple[Subject, ...]:
    """Return the subjects whose states, or whose absence, a proof shows: what carries documents comes first."""
    if isinstance(missing, MissingCertificate):
        return (certificate_subject(missing.issuer, missing.number),)
    own = instrument_subject(missing.instrument_id, missing.part)
    whole = () if missing.part is None else (instrument_subject(missing.instrument_id),)
    place = placement_subject(missing.instrument_id, missing.part)
    return own, *whole, registration_subject(missing.instrument_id), place


def show_absence(proof: AbsenceProof, established: Established) -> Absence:
    """Return what the ledger does not have.

    Args:
        proof: whose evidence the caller has verified.
        established: what the evidence gives.

    Raises:
        MalformedDocumentError: the map proof is malformed.
        VerificationError: the ledger has it, or the proof does not show that.
    """
    proven = open_map_proof(proof.map_proof, established.map_root)
    states = [proven.find(subject) for subject in list_missing_subjects(proof.missing)]
    if isinstance(proof.missing, MissingCertificate):
        if states[0] is not None:
            raise VerificationError(f"the ledger has this certificate since leaf {states[0].last_event}")
        return Absence.NO_CERTIFICATE
    documents = states[: 1 if proof.missing.part is None else 2]
    for state in documents:
        if state is not None and state.current_certificate is not None:
            raise VerificationError(f"leaf {state.current_certificate} verifies this instrument")
    return Absence.NO_INSTRUMENT if all(state is None for state in states) else Absence.NO_VERIFICATION
