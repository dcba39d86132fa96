"""COSE_Sign1 in the one shape that this ledger uses (RFC 9052 §4.2).

    84                      array of 4, untagged
       4D A2 01 27 04 48 …  protected header: {1: -8 or -7, 4: key id of 8 bytes}, nothing else
       A0                   unprotected header: empty
       58 xx …              payload, attached
       58 40 …              signature of 64 bytes

The shape leaves no freedom: a message is parsed by its layout, written again and compared. The bytes around
it, as the domain and the log's origin, enter the signature as `external_aad`.
"""

from dataclasses import dataclass

from ledger.core.cbor import encode_byte_string
from ledger.core.errors import BrokenSignatureError, MalformedDocumentError, NonCanonicalEncodingError
from ledger.core.ids import KeyId
from ledger.core.signature import KEY_ID_SIZE, SIGNATURE_SIZE, Algorithm, PublicKey, Signer, verify_signature

MAX_BYTES = 0xFFFF
"""Largest message: what a leaf can hold, 65,535 bytes."""

_CONTEXT = b"\x84\x6aSignature1"
_PROTECTED = {
    Algorithm.ED25519: b"\xa2\x01\x27\x04\x48",
    Algorithm.P256: b"\xa2\x01\x26\x04\x48",
}
_ALGORITHMS = {prefix: algorithm for algorithm, prefix in _PROTECTED.items()}
_START = b"\x84\x4d"
_SIGNATURE_HEAD = b"\x58\x40"
_PROTECTED_SIZE = 5 + KEY_ID_SIZE
_KEY_ID_AT = len(_START) + 5
_UNPROTECTED_AT = len(_START) + _PROTECTED_SIZE
_PAYLOAD_AT = _UNPROTECTED_AT + 1


@dataclass(frozen=True, slots=True)
class Sign1:
    """A parsed message; its signature is not yet checked."""

    algorithm: Algorithm
    key_id: KeyId
    """8 bytes, from the protected header."""
    payload: bytes
    signature: bytes
    """64 bytes."""

    @property
    def protected(self) -> bytes:
        """The protected header as it was signed, 13 bytes."""
        return _PROTECTED[self.algorithm] + self.key_id


def encode_sig_structure(protected: bytes, external_aad: bytes, payload: bytes) -> bytes:
    """Return the bytes that are signed: ["Signature1", protected, external_aad, payload] (RFC 9052 §4.4).

    Args:
        protected: the serialised protected header; an empty map may come as `A0` and counts as no bytes.
        external_aad: what surrounds the message and is not in it; may be empty.
        payload: the signed content.
    """
    protected = b"" if protected == b"\xa0" else protected
    return b"".join(
        (
            _CONTEXT,
            encode_byte_string(protected),
            encode_byte_string(external_aad),
            encode_byte_string(payload),
        )
    )


def encode_sign1(payload: bytes, signer: Signer, external_aad: bytes) -> bytes:
    """Sign `payload` and return the whole message.

    Raises:
        MalformedDocumentError: the message would be larger than a leaf can hold.
    """
    key = signer.public_key
    protected = _PROTECTED[key.algorithm] + key.key_id
    signature = signer.sign(encode_sig_structure(protected, external_aad, payload))
    raw = _encode(protected, payload, signature)
    if len(raw) > MAX_BYTES:
        message = f"a signed message of {len(raw)} bytes, at most {MAX_BYTES} are allowed"
        raise MalformedDocumentError(message)
    return raw


def parse_sign1(raw: bytes) -> Sign1:
    """Read a message of the one shape; the signature is checked by `verify_sign1`.

    Raises:
        MalformedDocumentError: not a COSE_Sign1 of this shape, or cut off.
        NonCanonicalEncodingError: of this shape, but not in its shortest encoding, or bytes follow.
    """
    if len(raw) > MAX_BYTES:
        message = f"a signed message of {len(raw)} bytes, at most {MAX_BYTES} are allowed"
        raise MalformedDocumentError(message)
    algorithm = _ALGORITHMS.get(raw[len(_START) : _KEY_ID_AT])
    if raw[: len(_START)] != _START or algorithm is None or raw[_UNPROTECTED_AT:_PAYLOAD_AT] != b"\xa0":
        message = "not an untagged COSE_Sign1 with the headers {1: -8 or -7, 4: 8 bytes} and {}"
        raise MalformedDocumentError(message)
    payload_at = _PAYLOAD_AT + _count_head_bytes(raw)
    sign1 = Sign1(
        algorithm=algorithm,
        key_id=KeyId(raw[_KEY_ID_AT:_UNPROTECTED_AT]),
        payload=raw[payload_at : -len(_SIGNATURE_HEAD) - SIGNATURE_SIZE],
        signature=raw[-SIGNATURE_SIZE:],
    )
    if _encode(sign1.protected, sign1.payload, sign1.signature) != raw:
        message = "a COSE_Sign1 whose lengths are wrong or not in their shortest form"
        raise NonCanonicalEncodingError(message)
    return sign1


def verify_sign1(sign1: Sign1, key: PublicKey, external_aad: bytes) -> None:
    """Check the signature of a message.

    Args:
        sign1: from `parse_sign1`.
        key: the key that should have signed; the message's own algorithm and key id must be this key's.
        external_aad: as given to `encode_sign1`.

    Raises:
        BrokenSignatureError: another key or algorithm is named, or the signature is wrong.
    """
    if sign1.algorithm is not key.algorithm or sign1.key_id != key.key_id:
        message = f"the message names the key {sign1.key_id.hex()}, not {key.key_id.hex()}"
        raise BrokenSignatureError(message)
    verify_signature(key, sign1.signature, encode_sig_structure(sign1.protected, external_aad, sign1.payload))


def _count_head_bytes(raw: bytes) -> int:
    """Return the size of the payload's head, if it is a byte string; the comparison finds wrong ones."""
    return {0x58: 2, 0x59: 3}.get(raw[_PAYLOAD_AT] if len(raw) > _PAYLOAD_AT else 0, 1)


def _encode(protected: bytes, payload: bytes, signature: bytes) -> bytes:
    return b"".join((_START, protected, b"\xa0", encode_byte_string(payload), _SIGNATURE_HEAD, signature))
