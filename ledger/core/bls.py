"""BLS signatures on BLS12-381: 48-byte keys, 96-byte signatures, proof-of-possession scheme.

    ciphersuite        BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_      (draft-irtf-cfrg-bls-signature-05 §4.2.3)
    possession proofs  BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_

py-ecc is the norm and the arbiter; arkworks, where it is installed, answers faster and alike. Neither is loaded
before the first key is used. Rules it keeps: an encoding has one spelling, checked here and not by a backend; a
point off the curve or outside the subgroup of prime order, the identity, a sum of keys that is the identity, and
an empty list of keys are refused. Keys are added up only once each has proved that somebody holds its secret:
else a key could be made that cancels the others (`verify_possession`).

>>> signer = BlsSigner(bytes(32))
>>> verify_bls([signer.public_key], b"message", signer.sign(b"message"))
"""

import hmac
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from importlib import import_module
from typing import Any, Final, Protocol

from ledger.core.errors import BrokenSignatureError, MalformedDocumentError

PUBLIC_KEY_BYTES: Final = 48
SIGNATURE_BYTES: Final = 96
SEED_BYTES: Final = 32
CIPHERSUITE: Final = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_"
POSSESSION_SUITE: Final = b"BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_"
CURVE_ORDER: Final = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
FIELD_MODULUS: Final = int(
    "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab", 16
)

_COMPRESSED: Final = 0x80
_INFINITY: Final = 0x40
_FLAGS: Final = 0xE0
_KEY_BYTES: Final = 48
"""Bytes of key material that a seed is stretched to: ceil(3 * ceil(log2 r) / 16)."""


class Backend(Protocol):
    """Points and pairings. Keys are points of G1, signatures points of G2, in bytes that `bls` has looked at."""

    def decode_key(self, raw: bytes) -> Any:  # noqa: ANN401 -- each library has points of its own
        """Return the point; raise ValueError where it is not on the curve or not in the subgroup."""
        ...

    def decode_signature(self, raw: bytes) -> Any:  # noqa: ANN401 -- each library has points of its own
        """Return the point; raise ValueError where it is not on the curve or not in the subgroup."""
        ...

    def encode(self, point: Any) -> bytes:  # noqa: ANN401 -- each library has points of its own
        """Return the compressed encoding, of either group."""
        ...

    def add_up(self, points: Sequence[Any]) -> Any:  # noqa: ANN401 -- each library has points of its own
        """Return the sum of at least one point, of either group."""
        ...

    def make_key(self, secret: int) -> Any:  # noqa: ANN401 -- each library has points of its own
        """Return the secret's multiple of G1's generator."""
        ...

    def sign(self, secret: int, message: bytes, suite: bytes) -> Any:  # noqa: ANN401 -- its own points
        """Return the secret's multiple of the point in G2 that the message is hashed to."""
        ...

    def verify(self, key: Any, message: bytes, signature: Any, suite: bytes) -> bool:  # noqa: ANN401 -- its own points
        """Say whether e(key, H(message)) equals e(generator, signature)."""
        ...


class BlsSigner:
    """A secret key; never shown."""

    __slots__ = ("_backend", "_secret", "public_key")

    def __init__(self, seed: bytes, backend: Backend | None = None) -> None:
        """Derive the key from a seed.

        Args:
            seed: 32 secret random bytes.
            backend: None: the fastest that is installed.
        """
        self._backend: Final = backend or load_backend()
        self._secret: Final = derive_secret(seed)
        self.public_key: Final = self._backend.encode(self._backend.make_key(self._secret))
        """48 bytes."""

    def __repr__(self) -> str:
        return f"<BlsSigner {self.public_key[:8].hex()}>"

    def sign(self, message: bytes) -> bytes:
        """Return the 96 bytes of the only signature that this key has for a message."""
        return self._backend.encode(self._backend.sign(self._secret, message, CIPHERSUITE))

    def prove_possession(self) -> bytes:
        """Return the 96 bytes that show that somebody holds the secret (§3.3.2, PopProve)."""
        return self._backend.encode(self._backend.sign(self._secret, self.public_key, POSSESSION_SUITE))


def derive_secret(seed: bytes) -> int:
    """Return the secret scalar of a seed, 0 < secret < r.

    Raises:
        MalformedDocumentError: fewer than 32 bytes.

    Source: draft-irtf-cfrg-bls-signature-05 §2.3, KeyGen, without key_info.
    """
    if len(seed) < SEED_BYTES:
        raise MalformedDocumentError(f"a seed has at least {SEED_BYTES} bytes, not {len(seed)}")
    salt, secret = b"BLS-SIG-KEYGEN-SALT-", 0
    while not secret:
        salt = sha256(salt).digest()
        secret = int.from_bytes(_stretch(salt, seed + b"\x00", _KEY_BYTES.to_bytes(2))) % CURVE_ORDER
    return secret


def check_public_key(raw: bytes, backend: Backend | None = None) -> None:
    """Refuse what is no key: KeyValidate of the draft, §2.5.

    Raises:
        MalformedDocumentError: another spelling or size, not in the subgroup, or the identity.
    """
    _decode_key(raw, backend or load_backend())


def aggregate_signatures(signatures: Sequence[bytes], backend: Backend | None = None) -> bytes:
    """Return the sum of some signatures, 96 bytes.

    Args:
        signatures: at least one; 96 bytes each.
        backend: None: the fastest that is installed.

    Raises:
        MalformedDocumentError: none, or one is no signature.
    """
    if not signatures:
        raise MalformedDocumentError("no signatures to aggregate")
    chosen = backend or load_backend()
    points = [_decode_signature(raw, chosen) for raw in signatures]
    return chosen.encode(chosen.add_up(points))


def verify_bls(
    keys: Sequence[bytes], message: bytes, signature: bytes, backend: Backend | None = None
) -> None:
    """Check one signature of some keys over one message (FastAggregateVerify, §3.3.4).

    Args:
        keys: at least one, 48 bytes each; possession of every one is proved already.
        message: the same for all.
        signature: 96 bytes: theirs, added up.
        backend: None: the fastest that is installed.

    Raises:
        MalformedDocumentError: no keys, or one of them is none.
        BrokenSignatureError: it does not hold, or is no signature.
    """
    if not keys:
        raise MalformedDocumentError("a signature of nobody is none")
    chosen = backend or load_backend()
    points = [_decode_key(raw, chosen) for raw in keys]
    _verify(chosen.add_up(points), message, signature, CIPHERSUITE, chosen)


def verify_possession(key: bytes, proof: bytes, backend: Backend | None = None) -> None:
    """Check that somebody holds the secret of a key (PopVerify, §3.3.3).

    Raises:
        MalformedDocumentError: it is no key.
        BrokenSignatureError: the proof does not hold, or is no signature.
    """
    chosen = backend or load_backend()
    _verify(_decode_key(key, chosen), key, proof, POSSESSION_SUITE, chosen)


@lru_cache(maxsize=1)
def load_backend() -> Backend:
    """Return the fastest backend that is installed; which one changes no verdict."""
    try:
        return load_arkworks()
    except ImportError:
        return load_py_ecc()


def load_arkworks() -> Backend:
    """Return the fast backend.

    Raises:
        ImportError: there is no build of it for this machine.
    """
    found: Backend = import_module("ledger.core.bls_arkworks").Arkworks()
    return found


def load_py_ecc() -> Backend:
    """Return the backend that is the norm."""
    found: Backend = import_module("ledger.core.bls_py_ecc").PyEcc()
    return found


def _verify(key: Any, message: bytes, signature: bytes, suite: bytes, backend: Backend) -> None:  # noqa: ANN401 -- a backend's point
    try:
        point = _decode_signature(signature, backend)
    except MalformedDocumentError as err:
        raise BrokenSignatureError(err.reason) from err
    if _is_infinity(backend.encode(key)) or not backend.verify(key, message, point, suite):
        raise BrokenSignatureError("the BLS signature does not hold")


def _decode_key(raw: bytes, backend: Backend) -> Any:  # noqa: ANN401 -- a backend's point
    _check_encoding(raw, PUBLIC_KEY_BYTES, "BLS key")
    try:
        return backend.decode_key(raw)
    except ValueError as err:
        raise MalformedDocumentError("a BLS key is a point of the subgroup of prime order") from err


def _decode_signature(raw: bytes, backend: Backend) -> Any:  # noqa: ANN401 -- a backend's point
    _check_encoding(raw, SIGNATURE_BYTES, "BLS signature")
    try:
        return backend.decode_signature(raw)
    except ValueError as err:
        raise MalformedDocumentError("a BLS signature is a point of the subgroup of prime order") from err


def _check_encoding(raw: bytes, size: int, what: str) -> None:
    """Refuse every spelling but the compressed one of a point other than the identity, before a backend sees it."""
    if len(raw) != size:
        raise MalformedDocumentError(f"a {what} has {size} bytes, not {len(raw)}")
    if not raw[0] & _COMPRESSED:
        raise MalformedDocumentError(f"a {what} is compressed")
    if _is_infinity(raw):
        raise MalformedDocumentError(f"a {what} is not the identity")
    first = bytes([raw[0] & ~_FLAGS]) + raw[1:_KEY_BYTES]
    if any(int.from_bytes(part) >= FIELD_MODULUS for part in (first, raw[_KEY_BYTES:])):
        raise MalformedDocumentError(f"a {what} has coordinates below the field's modulus")


def _is_infinity(raw: bytes) -> bool:
    return bool(raw[0] & _INFINITY)


def _stretch(salt: bytes, secret: bytes, info: bytes) -> bytes:
    """Return 48 bytes of HKDF-SHA-256 (RFC 5869)."""
    key = hmac.digest(salt, secret, "sha256")
    first = hmac.digest(key, info + b"\x01", "sha256")
    return (first + hmac.digest(key, first + info + b"\x02", "sha256"))[:_KEY_BYTES]
