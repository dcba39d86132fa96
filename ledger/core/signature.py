"""Public keys, signers and the one place where signatures are checked.

A key is bound to one algorithm by its multikey prefix; no message ever chooses it. Every `PublicKey` that
exists has passed the admission rule, so that all verifiers agree about it:

- Ed25519: the canonical encoding of a point of prime order. On other points implementations disagree.
- P-256: a compressed point on the curve; signatures are r || s, 32 bytes each, with s in the lower half.

A signature never serves as an identifier; digests of signed bytes do.

>>> key = Ed25519Signer(bytes(32)).public_key
>>> key.multikey
'z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp'
>>> parse_multikey(key.multikey) == key
True
"""

import hashlib
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property, lru_cache
from typing import NoReturn, Protocol

import nacl.bindings
import nacl.exceptions
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ledger.core.encoding import encode_base58, parse_base58
from ledger.core.errors import BrokenSignatureError, MalformedDocumentError
from ledger.core.ids import KeyId

SIGNATURE_SIZE = 64
"""Bytes of a signature in either algorithm."""

KEY_ID_SIZE = 8
"""Bytes of a key id."""

PRIVATE_KEY_SIZE = 32
"""Bytes of a private key: Ed25519 seed, or P-256 scalar, big-endian."""

_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_P256_HALF_ORDER = _P256_ORDER // 2
_ECDSA = ec.ECDSA(hashes.SHA256())
_ECDSA_DETERMINISTIC = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)


class Algorithm(IntEnum):
    """Signature algorithms, by their number in COSE (RFC 9053 §2)."""

    ED25519 = -8
    """EdDSA over edwards25519 (RFC 8032 §5.1)."""
    P256 = -7
    """ECDSA over P-256 with SHA-256, r || s, low s."""


_PREFIXES = {Algorithm.ED25519: b"\xed\x01", Algorithm.P256: b"\x80\x24"}
_ALGORITHMS = {prefix: algorithm for algorithm, prefix in _PREFIXES.items()}
_RAW_SIZES = {Algorithm.ED25519: 32, Algorithm.P256: 33}


@dataclass(frozen=True)
class PublicKey:
    """One admitted public key; not slotted, because it remembers its other forms.

    Raises:
        MalformedDocumentError: the bytes are not a key that the admission rule lets in.
    """

    algorithm: Algorithm
    raw: bytes
    """Ed25519: 32 bytes. P-256: 33 bytes, compressed point (SEC 1 §2.3.3)."""

    def __post_init__(self) -> None:
        if len(self.raw) != _RAW_SIZES[self.algorithm]:
            message = f"a public key of {len(self.raw)} bytes, expected {_RAW_SIZES[self.algorithm]}"
            raise MalformedDocumentError(message)
        if self.algorithm is Algorithm.ED25519:
            _admit_ed25519(self.raw)
        else:
            _load_p256(self.raw)

    @cached_property
    def multikey_bytes(self) -> bytes:
        """Multicodec prefix, 2 bytes, then the key (W3C Controlled Identifiers 1.0 §2.2.2)."""
        return _PREFIXES[self.algorithm] + self.raw

    @cached_property
    def multikey(self) -> str:
        """Text form `z…`: base58 of the multikey bytes."""
        return "z" + encode_base58(self.multikey_bytes)

    @cached_property
    def key_id(self) -> KeyId:
        """First 8 bytes of SHA-256 over the multikey bytes."""
        return KeyId(hashlib.sha256(self.multikey_bytes).digest()[:KEY_ID_SIZE])

    @cached_property
    def did_key(self) -> str:
        """Identifier `did:key:z…` of whoever holds this key."""
        return "did:key:" + self.multikey

    @cached_property
    def verification_method(self) -> str:
        """Name `did:key:z…#z…` of this key in a Data Integrity proof."""
        return f"{self.did_key}#{self.multikey}"


def _admit_ed25519(raw: bytes) -> None:
    if not nacl.bindings.crypto_core_ed25519_is_valid_point(raw):
        message = "not a canonical Ed25519 public key of prime order"
        raise MalformedDocumentError(message)


@lru_cache(maxsize=4096)
def _load_p256(raw: bytes) -> ec.EllipticCurvePublicKey:
    """Return the point behind 33 bytes; kept, as finding it costs a square root."""
    message = "not a compressed point of the curve P-256"
    if raw[0] not in {2, 3}:
        raise MalformedDocumentError(message)
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
    except ValueError as err:
        raise MalformedDocumentError(message) from err


@lru_cache(maxsize=4096)
def parse_multikey(text: str) -> PublicKey:
    """Return the key that a multikey text `z…` stands for.

    Raises:
        MalformedDocumentError: not base58, an unknown kind of key, or a key that must not be admitted.
    """
    if text[:1] != "z":
        message = "a public key is written as multikey, starting with z"
        raise MalformedDocumentError(message)
    return parse_multikey_bytes(parse_base58(text[1:], max_bytes=64))


def parse_multikey_bytes(raw: bytes) -> PublicKey:
    """Return the key behind a 2-byte multicodec prefix and the key's own bytes.

    Raises:
        MalformedDocumentError: an unknown kind of key, or a key that must not be admitted.
    """
    algorithm = _ALGORITHMS.get(raw[:2])
    if algorithm is None:
        message = "a public key that is neither Ed25519 nor P-256"
        raise MalformedDocumentError(message)
    return PublicKey(algorithm, raw[2:])


def parse_verification_method(text: str) -> PublicKey:
    """Return the key that `did:key:z…#z…` names.

    Raises:
        MalformedDocumentError: another form, or fragment and identifier differ.
    """
    identifier, _, fragment = text.partition("#")
    if identifier != "did:key:" + fragment:
        message = "a verification method is written did:key:z…#z… with the same key twice"
        raise MalformedDocumentError(message)
    return parse_multikey(fragment)


def verify_signature(key: PublicKey, signature: bytes, message: bytes) -> None:
    """Check one signature.

    Args:
        key: who should have signed; decides the algorithm.
        signature: 64 bytes.
        message: the signed bytes, of any length.

    Raises:
        BrokenSignatureError: another size, r or s out of range, s in the upper half, or simply wrong.

    Source: RFC 8032 §5.1.7; FIPS 186-5 §6.4.2.
    """
    if len(signature) != SIGNATURE_SIZE:
        reason = f"a signature of {len(signature)} bytes, expected {SIGNATURE_SIZE}"
        raise BrokenSignatureError(reason)
    try:
        if key.algorithm is Algorithm.ED25519:
            nacl.bindings.crypto_sign_open(signature + message, key.raw)
        else:
            _load_p256(key.raw).verify(_encode_der(signature), message, _ECDSA)
    except (nacl.exceptions.BadSignatureError, InvalidSignature) as err:
        reason = f"the signature does not verify with the key {key.key_id.hex()}"
        raise BrokenSignatureError(reason) from err


def _encode_der(signature: bytes) -> bytes:
    """Turn r || s into the DER form that the library reads, refusing what another verifier might accept."""
    r = int.from_bytes(signature[:32], "big")
    s = int.from_bytes(signature[32:], "big")
    if not (1 <= r < _P256_ORDER and 1 <= s <= _P256_HALF_ORDER):
        message = "a P-256 signature whose r or s is out of range, or whose s is in the upper half"
        raise BrokenSignatureError(message)
    return encode_dss_signature(r, s)


class Signer(Protocol):
    """Something that signs with one key: in memory, in a keystore, in a hardware module."""

    @property
    def public_key(self) -> PublicKey:
        """The key that verifies."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return 64 bytes that `verify_signature` accepts; may be called from several threads."""
        ...


class _HiddenKey:
    """Keeps a private key out of logs, tracebacks and pickles."""

    __slots__ = ("public_key",)
    public_key: PublicKey

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.public_key.key_id.hex()}>"

    def __reduce__(self) -> NoReturn:
        message = "a private key is not copied or pickled"
        raise TypeError(message)


class Ed25519Signer(_HiddenKey):
    """Signs with an Ed25519 key held in memory; equal messages give equal signatures."""

    __slots__ = ("_secret",)

    def __init__(self, private_key: bytes) -> None:
        """Take the 32-byte seed of RFC 8032 §5.1.5.

        Raises:
            MalformedDocumentError: not 32 bytes.
        """
        _check_private_size(private_key)
        raw, self._secret = nacl.bindings.crypto_sign_seed_keypair(private_key)
        self.public_key = PublicKey(Algorithm.ED25519, raw)

    def sign(self, message: bytes) -> bytes:
        """Return 64 bytes, R || S."""
        return nacl.bindings.crypto_sign(message, self._secret)[:SIGNATURE_SIZE]


class P256Signer(_HiddenKey):
    """Signs with a P-256 key held in memory; nonces are those of RFC 6979, so nothing is random here."""

    __slots__ = ("_secret",)

    def __init__(self, private_key: bytes) -> None:
        """Take the 32-byte big-endian scalar.

        Raises:
            MalformedDocumentError: not 32 bytes, zero, or not below the order of the curve.
        """
        _check_private_size(private_key)
        scalar = int.from_bytes(private_key, "big")
        if not 1 <= scalar < _P256_ORDER:
            message = "a P-256 private key out of range"
            raise MalformedDocumentError(message)
        self._secret = ec.derive_private_key(scalar, ec.SECP256R1())
        point = self._secret.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
        self.public_key = PublicKey(Algorithm.P256, point)

    def sign(self, message: bytes) -> bytes:
        """Return 64 bytes, r || s with s in the lower half."""
        r, s = decode_dss_signature(self._secret.sign(message, _ECDSA_DETERMINISTIC))
        return lower_p256_signature(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def lower_p256_signature(signature: bytes) -> bytes:
    """Return the same P-256 signature with s in the lower half; nothing is verified.

    Args:
        signature: r || s, 32 bytes each; an s that is out of range stays as it is, to be refused.
    """
    s = int.from_bytes(signature[32:], "big")
    return signature[:32] + (_P256_ORDER - s if _P256_HALF_ORDER < s < _P256_ORDER else s).to_bytes(32, "big")


def _check_private_size(private_key: bytes) -> None:
    if len(private_key) != PRIVATE_KEY_SIZE:
        message = f"a private key of {len(private_key)} bytes, expected {PRIVATE_KEY_SIZE}"
        raise MalformedDocumentError(message)
