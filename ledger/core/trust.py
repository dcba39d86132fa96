"""The trust list: every institution, key and scope that the log knew at one checkpoint, with proofs.

It lies beside the policy, so that a bare QR code is checked offline; without it an issuer is unknown.

>>> registers = open_trust_list(parse_trust_list(raw), policy)
"""

from dataclasses import dataclass
from typing import Final

from ledger.core.canonical import LARGEST_INTEGER, encode_canonical_json, parse_canonical_json
from ledger.core.checkpoint import Checkpoint, verify_checkpoint
from ledger.core.cosignature import open_cosignatures
from ledger.core.errors import MalformedDocumentError, VerificationError
from ledger.core.evidence import (
    Established,
    Evidence,
    encode_evidence,
    establish,
    parse_evidence,
    verify_evidence_inclusion,
)
from ledger.core.fields import Reader
from ledger.core.note import MAX_NOTE_BYTES, NoteVerifier
from ledger.core.policy import Policy, require_origin
from ledger.core.quorum import Signed
from ledger.core.quorum_certificate import open_certificates
from ledger.core.status import Registers

TRUST_TYPE: Final = "hengzheng/trust/v1"
MAX_TRUST_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class TrustList:
    """A checkpoint and all register leaves under it."""

    origin: str
    checkpoint: str
    evidence: Evidence


def encode_trust_list(trust: TrustList) -> bytes:
    """Return the canonical bytes of a trust list."""
    return encode_canonical_json(
        {
            "type": TRUST_TYPE,
            "origin": trust.origin,
            "checkpoint": trust.checkpoint,
            "evidence": encode_evidence(trust.evidence),
        }
    )


def parse_trust_list(raw: bytes) -> TrustList:
    """Parse a trust list.

    Raises:
        InputError: not such a file.
    """
    value = parse_canonical_json(raw, max_bytes=MAX_TRUST_BYTES)
    if not isinstance(value, dict):
        raise MalformedDocumentError("a trust list is a JSON object")
    reader = Reader(value, "trust")
    reader.text("type", max_bytes=40, pattern=TRUST_TYPE)
    trust = TrustList(
        origin=reader.text("origin", max_bytes=120),
        checkpoint=reader.lines("checkpoint", max_bytes=MAX_NOTE_BYTES),
        evidence=parse_evidence(reader.object("evidence")),
    )
    reader.finish()
    return trust


def open_trust_list(trust: TrustList, policy: Policy) -> tuple[Registers, Checkpoint]:
    """Verify a trust list and return what it establishes, and as of which checkpoint.

    Raises:
        InputError: it is of another log, or a part of it is malformed.
        VerificationError: a signature, a proof or an event in it does not hold.
    """
    require_origin(policy, trust.origin)
    checkpoint = open_checkpoint(trust.checkpoint, policy)
    return open_evidence(trust.evidence, checkpoint, policy).registers, checkpoint


def open_checkpoint(note: str, policy: Policy) -> Checkpoint:
    """Return the checkpoint in a signed note, with no false line of anybody that the policy knows.

    Raises:
        InputError: not a checkpoint, or one of another log.
        VerificationError: not signed by the policy's log key, or the line of a known witness does not hold.
    """
    checkpoint = open_signed_checkpoint(note, policy)
    open_policy_cosignatures(note, policy)
    return checkpoint


def open_signed_checkpoint(note: str, policy: Policy) -> Checkpoint:
    """Return the checkpoint in a signed note; lines of witnesses are not looked at.

    Raises:
        InputError: not a checkpoint, or one of another log.
        VerificationError: not signed by the policy's log key, or more leaves than any number in a proof reaches.
    """
    checkpoint = verify_checkpoint(note, NoteVerifier(policy.origin, policy.log_key))
    if checkpoint.tree_size > LARGEST_INTEGER:
        raise VerificationError("more leaves than any index reaches")
    return checkpoint


def open_policy_cosignatures(note: str, policy: Policy) -> tuple[Signed, ...]:
    """Return what the policy's witnesses have signed of a note, by lines and by certificates, whoever else has.

    Raises:
        InputError: not a signed note.
        PolicyMismatchError: the BLS key of a signer is not proved in the policy.
        BrokenSignatureError: the line of a known witness, or a certificate under the policy's list, does not hold.
    """
    if policy.witnesses is None:
        return ()
    lines = open_cosignatures(note, policy.witnesses.witnesses)
    return (*lines, *open_certificates(note, policy.witnesses.bls))


def open_evidence(evidence: Evidence, checkpoint: Checkpoint, policy: Policy) -> Established:
    """Verify authority evidence under a checkpoint and return what it establishes as of that checkpoint.

    Args:
        evidence: parsed, not verified.
        checkpoint: verified.
        policy: pins root and log key.

    Raises:
        InputError: a leaf is malformed.
        VerificationError: a proof, a signature or an event in it does not hold, or it is not complete.
    """
    verify_evidence_inclusion(evidence, checkpoint.tree_size, checkpoint.root_hash)
    established = establish(evidence, policy.origin, policy.root_digest)
    root = established.registers.root
    if root is None or root.log_key != policy.log_key:
        raise VerificationError("the root names another log key than the policy")
    return established
