"""The proof bundle: one JSON file with everything needed to verify a document offline.

Member `digest` guards against damage and never counts as evidence; every other member is covered by a
signature, a hash or a comparison in the verifier's steps.

>>> encode_bundle(parse_bundle(raw)) == raw
True
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from ledger.core.anchor import AnchorReceipt, encode_receipt, parse_receipt
from ledger.core.canonical import (
    JsonObject,
    encode_canonical_json,
    parse_canonical_json,
    respell_canonical_json,
)
from ledger.core.certificate import Certificate, parse_credential
from ledger.core.encoding import encode_base64, encode_hex, parse_base64
from ledger.core.entry import LeafHeader, encode_header, parse_header
from ledger.core.errors import MalformedDocumentError
from ledger.core.evidence import Evidence, parse_evidence
from ledger.core.fields import Reader
from ledger.core.ids import LeafIndex
from ledger.core.note import MAX_NOTE_BYTES

BUNDLE_TYPE: Final = "hengzheng/bundle/v1"
SUITE: Final = "ed25519/sha-256"
MAX_BUNDLE_BYTES: Final = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class EarlierAnchor:
    """Proof that a leaf was anchored at some time before, for documents whose key was compromised since."""

    inclusion: tuple[bytes, ...]
    """Of the leaf, in the tree that the receipt is of; 32 bytes each."""
    receipt: AnchorReceipt


@dataclass(frozen=True, slots=True)
class ProofBundle:
    """A document, its leaf, the proofs of both and the authority behind them."""

    origin: str
    certificate: Certificate
    statement_raw: bytes
    leaf_index: LeafIndex
    header: LeafHeader
    inclusion: tuple[bytes, ...]
    """Hashes from leaf to root, 32 bytes each (RFC 9162 §2.1.3)."""
    checkpoint: str
    """Signed note under which everything here is proved."""
    evidence: Evidence
    evidence_digest: bytes
    """SHA-256 over the canonical evidence: equal digests need the work only once."""
    map_proof: bytes
    """Newest states of the document and of its instrument under the checkpoint, see `core.map_proof`."""
    receipt: AnchorReceipt | None
    earlier: EarlierAnchor | None
    stated_digest: bytes
    computed_digest: bytes


def encode_bundle(
    *,
    origin: str,
    credential: JsonObject,
    statement_raw: bytes,
    leaf_index: LeafIndex,
    header: LeafHeader,
    inclusion: tuple[bytes, ...],
    checkpoint: str,
    evidence: JsonObject,
    map_proof: bytes,
    receipt: AnchorReceipt | None,
    earlier: EarlierAnchor | None = None,
) -> bytes:
    """Return the canonical bytes of a bundle; the members are those of `ProofBundle`.

    `credential` is the published document, proofs included, as a parser returned it; `evidence` is what
    `encode_evidence` returned, so that one object serves a whole batch.
    """
    members: JsonObject = {
        "type": BUNDLE_TYPE,
        "suite": SUITE,
        "origin": origin,
        "certificate": credential,
        "statement": encode_base64(statement_raw),
        "leaf": {"index": leaf_index, "header": encode_base64(encode_header(header))},
        "inclusion": [encode_base64(item) for item in inclusion],
        "checkpoint": checkpoint,
        "evidence": evidence,
        "map": encode_base64(map_proof),
    }
    if receipt is not None:
        members["receipt"] = encode_receipt(receipt)
    if earlier is not None:
        members["earlier"] = encode_earlier(earlier)
    members["digest"] = encode_hex(hashlib.sha256(encode_canonical_json(members)).digest())
    return respell_canonical_json(members)


def parse_bundle(raw: bytes) -> ProofBundle:
    """Parse a bundle, strictly; nothing in it is verified yet.

    Raises:
        InputError: not canonical, cut off, or not a bundle.
    """
    value = parse_canonical_json(raw, max_bytes=MAX_BUNDLE_BYTES)
    if not isinstance(value, dict):
        raise MalformedDocumentError("a bundle is a JSON object")
    reader = Reader(value, "bundle")
    reader.text("type", max_bytes=40, pattern=BUNDLE_TYPE)
    reader.text("suite", max_bytes=40, pattern=SUITE)
    stated = reader.hex("digest", 32)
    credential = reader.members("certificate")
    leaf = reader.object("leaf")
    evidence = respell_canonical_json(reader.members("evidence"))
    bundle = ProofBundle(
        origin=reader.text("origin", max_bytes=120),
        certificate=parse_credential(credential, respell_canonical_json(credential)),
        statement_raw=parse_base64(reader.text("statement", max_bytes=90_000)),
        leaf_index=LeafIndex(leaf.integer("index", 0, 2**53 - 1)),
        header=parse_header(parse_base64(leaf.text("header", max_bytes=200))),
        inclusion=parse_inclusion(reader),
        checkpoint=reader.lines("checkpoint", max_bytes=MAX_NOTE_BYTES),
        evidence=_parse_evidence(evidence),
        evidence_digest=hashlib.sha256(evidence).digest(),
        map_proof=parse_base64(reader.text("map", max_bytes=MAX_BUNDLE_BYTES)),
        receipt=_parse_receipt(respell_canonical_json(reader.members("receipt")))
        if "receipt" in reader
        else None,
        earlier=parse_earlier(reader.opt_object("earlier")),
        stated_digest=stated,
        computed_digest=_compute_digest(value),
    )
    leaf.finish()
    reader.finish()
    return bundle


def parse_inclusion(reader: Reader) -> tuple[bytes, ...]:
    """Parse member `inclusion`, 32 bytes a hash; raises InputError."""
    return tuple(parse_base64(text, size=32) for text in reader.texts("inclusion", max_bytes=44))


def encode_earlier(earlier: EarlierAnchor) -> JsonObject:
    """Return an earlier anchor as it stands in bundles."""
    return {
        "inclusion": [encode_base64(item) for item in earlier.inclusion],
        "receipt": encode_receipt(earlier.receipt),
    }


def parse_earlier(reader: Reader | None) -> EarlierAnchor | None:
    """Parse an earlier anchor, if there is one; raises InputError."""
    if reader is None:
        return None
    earlier = EarlierAnchor(parse_inclusion(reader), parse_receipt(reader.object("receipt")))
    reader.finish()
    return earlier


@lru_cache(maxsize=16)
def _parse_evidence(raw: bytes) -> Evidence:
    """Parse what is the same in thousands of bundles: all those of one institution under one checkpoint."""
    return parse_evidence(Reader(parse_canonical_json(raw, max_bytes=MAX_BUNDLE_BYTES), "bundle.evidence"))


@lru_cache(maxsize=16)
def _parse_receipt(raw: bytes) -> AnchorReceipt:
    return parse_receipt(Reader(parse_canonical_json(raw), "bundle.receipt"))


def _compute_digest(value: JsonObject) -> bytes:
    rest = {name: member for name, member in value.items() if name != "digest"}
    return hashlib.sha256(respell_canonical_json(rest)).digest()
