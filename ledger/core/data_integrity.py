"""W3C Data Integrity proofs, suites `eddsa-jcs-2022` and `ecdsa-jcs-2019`, as a proof set.

    credential = {**document, "proof": [proof, proof, …]}
    signed     = SHA-256(JCS(proof without proofValue)) || SHA-256(JCS(document))

Every signer signs the document without any proof, so that proofs can be made in any order. The profile is
narrow: `proof` is always a list; each proof has exactly seven members, carries the document's `@context`, and
names its key as `did:key:z…#z…`. What a proof's key may do, and when, is decided elsewhere.

Source: W3C Data Integrity EdDSA Cryptosuites 1.0 §3.3; Data Integrity ECDSA Cryptosuites 1.0
§3.3 (P-256); Verifiable Credential Data Integrity 1.0 §2.1, §4.
"""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from ledger.core.canonical import JsonObject, JsonValue, encode_canonical_json
from ledger.core.encoding import encode_base58, parse_base58, parse_instant
from ledger.core.errors import BrokenSignatureError, InputError, MalformedDocumentError
from ledger.core.ids import Digest
from ledger.core.signature import (
    SIGNATURE_SIZE,
    Algorithm,
    PublicKey,
    Signer,
    parse_verification_method,
    verify_signature,
)

PROOF_TYPE = "DataIntegrityProof"
"""The only `type` of a proof."""

PROOF_PURPOSE = "assertionMethod"
"""The only `proofPurpose`: the signer asserts what the document says."""

MAX_PROOFS = 16
"""Most proofs in one set; more signers than any certificate has."""

_SUITES = {Algorithm.ED25519: "eddsa-jcs-2022", Algorithm.P256: "ecdsa-jcs-2019"}
_ALGORITHMS = {suite: algorithm for algorithm, suite in _SUITES.items()}
_MEMBERS = frozenset(
    {
        "@context",
        "created",
        "cryptosuite",
        "proofPurpose",
        "proofValue",
        "type",
        "verificationMethod",
    }
)


@dataclass(frozen=True, slots=True)
class Proof:
    """One parsed proof; its signature is not yet checked."""

    key: PublicKey
    """The key that it names; nothing says yet whose key that is."""
    created: str
    """The signer's own clock, `YYYY-MM-DDTHH:MM:SSZ` or with milliseconds."""
    context: JsonValue
    """`@context` of the document that it was made for."""
    config_digest: Digest
    """SHA-256 of the canonical proof without `proofValue`."""
    signature: bytes
    """64 bytes."""


def hash_document(document: JsonObject) -> Digest:
    """Return SHA-256 of the canonical document without its proofs; compute it once for a whole proof set.

    Raises:
        MalformedDocumentError: outside the JSON profile.
    """
    return Digest(hashlib.sha256(encode_canonical_json(document)).digest())


def create_proof(
    document: JsonObject, signer: Signer, created: str, *, digest: Digest | None = None
) -> JsonObject:
    """Return one more proof for a document.

    Args:
        document: the credential without the member `proof`; must have `@context`.
        signer: its key decides the suite.
        created: time of signing, `YYYY-MM-DDTHH:MM:SSZ` or with milliseconds.
        digest: `hash_document(document)`, if the caller has it already.

    Raises:
        MalformedDocumentError: `proof` in or `@context` not in the document, or a time in another form.
    """
    _check_document(document)
    parse_instant(created)
    key = signer.public_key
    config: JsonObject = {
        "@context": document["@context"],
        "created": created,
        "cryptosuite": _SUITES[key.algorithm],
        "proofPurpose": PROOF_PURPOSE,
        "type": PROOF_TYPE,
        "verificationMethod": key.verification_method,
    }
    signature = signer.sign(hash_document(config) + (digest or hash_document(document)))
    return {**config, "proofValue": "z" + encode_base58(signature)}


def parse_proof(value: JsonValue) -> Proof:
    """Read one proof of the profile.

    Raises:
        MalformedDocumentError: a member is missing, unknown or wrong.
    """
    if not isinstance(value, dict) or value.keys() != _MEMBERS:
        message = f"a proof has exactly the members {', '.join(sorted(_MEMBERS))}"
        raise MalformedDocumentError(message, field="proof")
    config = dict(value)
    signature = _parse_proof_value(config.pop("proofValue"))
    algorithm = _ALGORITHMS.get(_text(config, "cryptosuite"))
    key = parse_verification_method(_text(config, "verificationMethod"))
    if config["type"] != PROOF_TYPE or config["proofPurpose"] != PROOF_PURPOSE or algorithm is None:
        message = f"not a {PROOF_TYPE} for {PROOF_PURPOSE} in a known suite"
        raise MalformedDocumentError(message, field="proof")
    if algorithm is not key.algorithm:
        message = f"the suite {config['cryptosuite']} is not for a key of the kind {key.algorithm.name}"
        raise MalformedDocumentError(message, field="proof.cryptosuite")
    created = _text(config, "created")
    parse_instant(created)
    return Proof(key, created, config["@context"], hash_document(config), signature)


def verify_proof(
    document: JsonObject, proof: JsonObject | Proof, key: PublicKey, *, digest: Digest | None = None
) -> None:
    """Check that the holder of `key` signed exactly this document.

    Args:
        document: the credential without the member `proof`.
        proof: one member of the proof set.
        key: the key that should have signed.
        digest: `hash_document(document)`, if the caller has it already.

    Raises:
        MalformedDocumentError: the proof is not of the profile, or the document holds proofs or no context.
        BrokenSignatureError: another key is named, the proof was made for another `@context`, or the
            signature is wrong.
    """
    _check_document(document)
    parsed = proof if isinstance(proof, Proof) else parse_proof(proof)
    if parsed.key != key:
        message = f"the proof names the key {parsed.key.key_id.hex()}, not {key.key_id.hex()}"
        raise BrokenSignatureError(message)
    if parsed.context != document["@context"]:
        message = "the proof was made for another @context"
        raise BrokenSignatureError(message)
    verify_signature(key, parsed.signature, parsed.config_digest + (digest or hash_document(document)))


def split_proofs(credential: JsonObject) -> tuple[JsonObject, tuple[JsonObject, ...]]:
    """Return the document without its proofs, and the proofs in their order.

    Raises:
        MalformedDocumentError: no member `proof`, or not a list of 1 to 16 objects.
    """
    document = dict(credential)
    proofs = document.pop("proof", None)
    if not isinstance(proofs, list) or not 1 <= len(proofs) <= MAX_PROOFS:
        message = f"a list of 1 to {MAX_PROOFS} proofs is expected here"
        raise MalformedDocumentError(message, field="proof")
    found: list[JsonObject] = []
    for index, proof in enumerate(proofs):
        if not isinstance(proof, dict):
            message = "an object is expected here"
            raise MalformedDocumentError(message, field=f"proof[{index}]")
        found.append(proof)
    return document, tuple(found)


def read_signing_times(proofs: Sequence[JsonObject]) -> dict[str, datetime]:
    """Return when each key says that it signed, by multikey.

    Nothing is verified, and a proof without key or time is left out: whoever verifies it refuses it. A key that
    is named twice counts with its first proof.
    """
    times: dict[str, datetime] = {}
    for proof in proofs:
        method, created = proof.get("verificationMethod"), proof.get("created")
        if isinstance(method, str) and isinstance(created, str):
            with suppress(InputError):
                times.setdefault(method.partition("#")[2], parse_instant(created))
    return times


def join_proofs(document: JsonObject, proofs: Sequence[JsonObject]) -> JsonObject:
    """Return the credential: the document and its proof set."""
    _check_document(document)
    return {**document, "proof": list(proofs)}


def _check_document(document: JsonObject) -> None:
    if "proof" in document or "@context" not in document:
        message = "a document to be signed has an @context and no proof"
        raise MalformedDocumentError(message)


def _text(config: JsonObject, name: str) -> str:
    value = config[name]
    if not isinstance(value, str):
        message = "text is expected here"
        raise MalformedDocumentError(message, field=f"proof.{name}")
    return value


def _parse_proof_value(value: JsonValue) -> bytes:
    if not isinstance(value, str) or value[:1] != "z":
        message = "a signature in base58, starting with z, is expected here"
        raise MalformedDocumentError(message, field="proof.proofValue")
    signature = parse_base58(value[1:], max_bytes=SIGNATURE_SIZE)
    if len(signature) != SIGNATURE_SIZE:
        message = f"a signature of {len(signature)} bytes, expected {SIGNATURE_SIZE}"
        raise MalformedDocumentError(message, field="proof.proofValue")
    return signature
