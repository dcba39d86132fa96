"""The signed refusal: what the log answers to a statement that it does not take in, and why.

The log key signs it, so that a log which withholds a statement says so for everybody to see.

>>> raw = encode_refusal(error.reasons, statement_digest, now, log_signer)
>>> verify_refusal(parse_refusal(raw), log_key)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ledger.core.canonical import JsonObject, encode_canonical_json, parse_canonical_json
from ledger.core.constants import REFUSAL_DOMAIN
from ledger.core.encoding import encode_hex, encode_instant
from ledger.core.errors import Reason
from ledger.core.fields import Reader
from ledger.core.ids import Digest
from ledger.core.signature import SIGNATURE_SIZE, PublicKey, Signer, verify_signature

REFUSAL_TYPE: Final = "hengzheng/refusal/v1"


@dataclass(frozen=True, slots=True)
class SignedRefusal:
    """A refusal; its signature is not yet checked."""

    statement_digest: Digest
    """SHA-256 of the refused bytes."""
    refused_at: datetime
    """Aware UTC, whole milliseconds, by the log's clock."""
    reasons: tuple[Reason, ...]
    signature: bytes
    """64 bytes by the log key."""


def encode_refusal(
    reasons: Sequence[Reason], statement_digest: Digest, refused_at: datetime, signer: Signer
) -> bytes:
    """Return the canonical bytes of a signed refusal."""
    members = _members(reasons, statement_digest, refused_at)
    signature = signer.sign(REFUSAL_DOMAIN + encode_canonical_json(members))
    return encode_canonical_json(members | {"signature": encode_hex(signature)})


def parse_refusal(raw: bytes) -> SignedRefusal:
    """Parse a refusal.

    Raises:
        InputError: not a refusal.
    """
    reader = Reader(parse_canonical_json(raw))
    reader.text("type", max_bytes=40, pattern=REFUSAL_TYPE)
    refusal = SignedRefusal(
        statement_digest=Digest(reader.hex("statement", 32)),
        refused_at=reader.instant("refused_at"),
        reasons=tuple(_parse_reason(item) for item in reader.objects("reasons", least=1)),
        signature=reader.hex("signature", SIGNATURE_SIZE),
    )
    reader.finish()
    return refusal


def verify_refusal(refusal: SignedRefusal, log_key: PublicKey) -> None:
    """Check the log's signature over every member.

    Raises:
        BrokenSignatureError: not signed by this log.
    """
    members = _members(refusal.reasons, refusal.statement_digest, refusal.refused_at)
    verify_signature(log_key, refusal.signature, REFUSAL_DOMAIN + encode_canonical_json(members))


def _members(reasons: Sequence[Reason], statement_digest: Digest, refused_at: datetime) -> JsonObject:
    return {
        "type": REFUSAL_TYPE,
        "statement": encode_hex(statement_digest),
        "refused_at": encode_instant(refused_at),
        "reasons": [
            {"code": reason.code, "field": reason.field, "en": reason.en, "zh": reason.zh}
            for reason in reasons
        ],
    }


def _parse_reason(reader: Reader) -> Reason:
    reason = Reason(
        code=reader.text("code", max_bytes=40, pattern="[A-Z][A-Z_]*"),
        field=reader.text("field"),
        en=reader.text("en"),
        zh=reader.text("zh"),
    )
    reader.finish()
    return reason
