"""The trust list: every institution, key and scope that the log knew at one checkpoint, with proofs.

It lies beside the policy, so that a bare QR code is checked offline; without it an issuer is unknown.

>>> registers = open_trust_list(parse_trust_list(raw), policy)
"""

from dataclasses import dataclass

from ledger.core.canonical import encode_canonical_json, parse_canonical_json
from ledger.core.checkpoint import Checkpoint, verify_checkpoint
from ledger.core.errors import MalformedDocumentError
from ledger.core.evidence import (
    Evidence,
    encode_evidence,
    fold_evidence,
    parse_evidence,
    verify_evidence_inclusion,
)
from ledger.core.fields import Reader
from ledger.core.note import MAX_NOTE_BYTES, NoteVerifier
from ledger.core.policy import Policy, require_origin
from ledger.core.status import Registers

TRUST_TYPE = "hengzheng/trust/v1"
MAX_TRUST_BYTES = 64 * 1024 * 1024


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
        PolicyMismatchError: it is of another log.
        VerificationError: a signature, a proof or an event in it does not hold.
    """
    require_origin(policy, trust.origin)
    checkpoint = verify_checkpoint(trust.checkpoint, NoteVerifier(policy.origin, policy.log_key))
    verify_evidence_inclusion(trust.evidence, checkpoint.tree_size, checkpoint.root_hash)
    return fold_evidence(trust.evidence, policy.origin, policy.root_digest), checkpoint
