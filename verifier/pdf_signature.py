"""The CMS signature in a PDF, strictly in the form that our documents have: PAdES B-B, one signer, one certificate.

What is read is encoded again and compared: versions, algorithms, the name of the signer, every length. The X.509
certificate is covered by its hash among the signed attributes. So no byte can be changed and still pass.

>>> signature = parse_cms(raw)
>>> verify_cms(signature, digest)

asn1crypto is loaded on the first call, so that a verifier of other files does without.

Source: RFC 5652 §5; RFC 5035 §3 (signing certificate); ETSI EN 319 142-1 §6; RFC 8419; RFC 5754 §3.3.
"""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from ledger.core.errors import BrokenSignatureError, InputError, MalformedDocumentError
from ledger.core.signature import Algorithm, PublicKey, verify_signature

if TYPE_CHECKING:
    from asn1crypto import cms

MAX_CMS_BYTES: Final = 64 * 1024

_DIGESTS: Final = {Algorithm.ED25519: "sha512", Algorithm.P256: "sha256"}
_DIGEST_FORMS: Final = {
    Algorithm.ED25519: bytes.fromhex("300d06096086480165030402030500"),
    Algorithm.P256: bytes.fromhex("300d06096086480165030402010500"),
}
"""AlgorithmIdentifier of the digest, NULL included."""
_SIGNATURE_FORMS: Final = {
    Algorithm.ED25519: bytes.fromhex("300506032b6570"),
    Algorithm.P256: bytes.fromhex("300a06082a8648ce3d040302"),
}
"""AlgorithmIdentifier of the signature, without parameters."""
_ONE: Final = bytes.fromhex("020101")
"""Version 1, of SignedData and of SignerInfo."""
_SIGNED_DATA: Final = bytes.fromhex("06092a864886f70d010702")
_NO_CONTENT: Final = bytes.fromhex("300b06092a864886f70d010701")
"""EncapsulatedContentInfo of a signature beside its file."""
_ATTRIBUTES: Final = {"content_type", "message_digest", "signing_certificate_v2", "cms_algorithm_protection"}
_NEEDED: Final = {"content_type", "message_digest", "signing_certificate_v2"}
_NOT_OURS: Final = "the signature of this PDF has another form than an institution's seal"


@dataclass(frozen=True, slots=True)
class CmsSignature:
    """A signature as a PDF holds it; nothing of it is verified yet."""

    key: PublicKey
    message_digest: bytes
    """What it says of the file."""
    signed_attributes: bytes
    """DER that is signed."""
    signature: bytes
    """64 bytes."""

    @property
    def digest_name(self) -> str:
        """Return how the file is hashed, which the key decides."""
        return _DIGESTS[self.key.algorithm]


def parse_cms(raw: bytes) -> CmsSignature:
    """Parse the DER of a signature.

    Raises:
        InputError: not a signature in our form.
    """
    if len(raw) > MAX_CMS_BYTES:
        raise MalformedDocumentError(f"a signature of more than {MAX_CMS_BYTES} bytes", field="document")
    from asn1crypto import cms, tsp  # noqa: PLC0415 - see the module docstring

    _require(bool(tsp.SigningCertificateV2), "attributes")  # the module teaches `cms` this attribute

    try:
        return _parse(cms.ContentInfo.load(raw, strict=True), raw)
    except InputError:
        raise
    except Exception as err:  # on damaged bytes asn1crypto raises nearly everything
        raise MalformedDocumentError(_NOT_OURS, field="document") from err


def verify_cms(signature: CmsSignature, digest: bytes) -> None:
    """Check a signature against the digest of the file it is in.

    Raises:
        BrokenSignatureError: it is not of this file, or not by its key.
    """
    if signature.message_digest != digest:
        raise BrokenSignatureError("the file is not the one that was signed")
    verify_signature(signature.key, signature.signature, signature.signed_attributes)


def _parse(info: "cms.ContentInfo", raw: bytes) -> CmsSignature:
    content = info["content"]
    _require(len(content["certificates"]) == 1 and len(content["signer_infos"]) == 1, "number of signers")
    carried, signer = content["certificates"][0].chosen, content["signer_infos"][0]
    key = _parse_key(carried["tbs_certificate"]["subject_public_key_info"].dump())
    attributes = _parse_attributes(signer, carried.dump())
    signed_attributes = b"\x31" + bytes(signer["signed_attrs"].dump())[1:]  # SET OF, RFC 5652 §5.4
    signature = bytes(signer["signature"].native)
    _require(raw == _encode(key, carried, signed_attributes, signature), "encoding")
    digest = bytes(attributes["message_digest"].native)
    return CmsSignature(key, digest, signed_attributes, _parse_signature(key, signature))


def _encode(key: PublicKey, carried: Any, signed_attributes: bytes, signature: bytes) -> bytes:  # noqa: ANN401 - asn1crypto is untyped
    """Return the one spelling that a signature of these parts has."""
    digest, content = _DIGEST_FORMS[key.algorithm], carried["tbs_certificate"]
    signer = (
        _ONE
        + _der(0x30, content["issuer"].dump() + content["serial_number"].dump())
        + digest
        + b"\xa0"
        + signed_attributes[1:]
        + _SIGNATURE_FORMS[key.algorithm]
        + _der(0x04, signature)
    )
    members = _ONE + _der(0x31, digest) + _NO_CONTENT + _der(0xA0, carried.dump())
    signed_data = _der(0x30, members + _der(0x31, _der(0x30, signer)))
    return _der(0x30, _SIGNED_DATA + _der(0xA0, signed_data))


def _der(tag: int, content: bytes) -> bytes:
    """Return an element of DER (X.690 §10.1)."""
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(length)]) + length + content


def _parse_attributes(signer: Any, carried: bytes) -> dict[str, Any]:  # noqa: ANN401 - asn1crypto is untyped
    """Return the signed attributes by name, each once and with one value; the certificate is among them by hash."""
    pairs = [(item["type"].native, item["values"]) for item in signer["signed_attrs"]]
    names = [name for name, _ in pairs]
    _require(len(set(names)) == len(names) and _NEEDED <= set(names) <= _ATTRIBUTES, "attributes")
    _require(all(len(values) == 1 for _, values in pairs), "attributes")
    found = {name: values[0] for name, values in pairs}
    _require(found["content_type"].native == "data", "content")
    hashed = found["signing_certificate_v2"].native["certs"]
    _require(len(hashed) == 1, "certificate")
    name = hashed[0]["hash_algorithm"]["algorithm"]
    _require(name in {"sha256", "sha512"}, "certificate")
    _require(hashed[0]["cert_hash"] == hashlib.new(name, carried).digest(), "certificate")
    return found


def _parse_key(info: bytes) -> PublicKey:
    """Return the key of an X.509 certificate."""
    try:
        loaded = load_der_public_key(info)
    except (ValueError, UnsupportedAlgorithm) as err:
        raise MalformedDocumentError(f"{_NOT_OURS}: key", field="document") from err
    if isinstance(loaded, Ed25519PublicKey):
        return PublicKey(Algorithm.ED25519, loaded.public_bytes_raw())
    if isinstance(loaded, EllipticCurvePublicKey) and isinstance(loaded.curve, SECP256R1):
        return PublicKey(Algorithm.P256, loaded.public_bytes(Encoding.X962, PublicFormat.CompressedPoint))
    raise MalformedDocumentError(f"{_NOT_OURS}: key", field="document")


def _parse_signature(key: PublicKey, raw: bytes) -> bytes:
    """Return a signature as 64 bytes; ECDSA in X.509 form has exactly one spelling."""
    if key.algorithm is Algorithm.ED25519:
        return raw
    r, s = decode_dss_signature(raw)
    _require(encode_dss_signature(r, s) == raw and max(r, s) < 1 << 256, "signature")
    return r.to_bytes(32) + s.to_bytes(32)


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise MalformedDocumentError(f"{_NOT_OURS}: {what}", field="document")
