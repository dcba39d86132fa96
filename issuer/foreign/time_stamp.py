"""Time stamps (RFC 3161) inside an XAdES signature: an authority's word on when the signature existed.

A stamp that is there must be of this very signature and hold; whether its authority is believed depends on the
roots that the operator named. One that is not believed proves nothing, and the result says so.

>>> check_time_stamp(signature, trusted, helpers)
TimeStamp(stamped_at=datetime(2023, 6, 20, 12, 12, 37, …), authority='CN=PN: Zeitstempel 2022,…', is_trusted=False)
"""

import hashlib
import re
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from lxml import etree

from issuer.foreign.der import (
    CONTEXT_0,
    INTEGER,
    OBJECT_ID,
    OCTETS,
    SEQUENCE,
    SET,
    TIME,
    DerValue,
    list_values,
    open_value,
    take,
)
from issuer.foreign.safe_xml import Element
from issuer.foreign.x509_chain import TrustedCertificates, build_chain, describe_name, parse_x509
from ledger.core.errors import MalformedDocumentError, VerificationError

MAX_STAMPS: Final = 4
MAX_CHARACTERS: Final = 256 * 1024
_NAMES: Final = {"ds": "http://www.w3.org/2000/09/xmldsig#", "xades": "http://uri.etsi.org/01903/v1.3.2#"}
_EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
_INCLUSIVE: Final = (
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
    "http://www.w3.org/2006/12/xml-c14n11",
)
_SIGNED_DATA: Final = bytes.fromhex("2a864886f70d010702")
_STAMP_INFO: Final = bytes.fromhex("2a864886f70d0109100104")
_CONTENT_TYPE: Final = bytes.fromhex("2a864886f70d010903")
_MESSAGE_DIGEST: Final = bytes.fromhex("2a864886f70d010904")
_DIGESTS: Final[dict[bytes, hashes.HashAlgorithm]] = {
    bytes.fromhex("608648016503040201"): hashes.SHA256(),
    bytes.fromhex("608648016503040202"): hashes.SHA384(),
    bytes.fromhex("608648016503040203"): hashes.SHA512(),
}
_PLAIN_RSA: Final = bytes.fromhex("2a864886f70d010101")
_SIGNATURES: Final[dict[bytes, hashes.HashAlgorithm]] = {
    bytes.fromhex("2a864886f70d01010b"): hashes.SHA256(),
    bytes.fromhex("2a864886f70d01010c"): hashes.SHA384(),
    bytes.fromhex("2a864886f70d01010d"): hashes.SHA512(),
    bytes.fromhex("2a8648ce3d040302"): hashes.SHA256(),
    bytes.fromhex("2a8648ce3d040303"): hashes.SHA384(),
    bytes.fromhex("2a8648ce3d040304"): hashes.SHA512(),
}
"""With RSA PKCS #1 v1.5, and with ECDSA; the hash that goes with each."""
_MOMENT: Final = re.compile(rb"([0-9]{14})(\.[0-9]{1,9})?Z")


@dataclass(frozen=True, slots=True)
class TimeStamp:
    """A stamp that holds."""

    stamped_at: datetime
    authority: str
    """Subject of its certificate, RFC 4514."""
    is_trusted: bool
    """Whether it leads to a root that the operator named."""


@dataclass(frozen=True, slots=True)
class _Token:
    """What a stamp consists of (RFC 5652 §5, RFC 3161 §2.4.2)."""

    info: bytes
    certificates: tuple[x509.Certificate, ...]
    issuer: bytes
    serial: int
    digest: hashes.HashAlgorithm
    attributes: bytes
    """As they are signed: a SET."""
    signature_hash: hashes.HashAlgorithm
    signature: bytes


def check_time_stamp(
    signature: Element,
    trusted: TrustedCertificates,
    helpers: Sequence[x509.Certificate],
) -> TimeStamp | None:
    """Return the stamp of a signature, a trusted one and the earliest before others; None if it has none.

    Raises:
        VerificationError: a stamp is of another signature, or does not hold.
        MalformedDocumentError: not stamps, or too many.
    """
    path = ".//xades:UnsignedSignatureProperties/xades:SignatureTimeStamp"
    elements = signature.findall(path, _NAMES)
    if len(elements) > MAX_STAMPS:
        raise MalformedDocumentError(f"more than {MAX_STAMPS}", field="SignatureTimeStamp")
    stamps = [_check_stamp(one, signature, trusted, helpers) for one in elements]
    return min(stamps, key=lambda one: (not one.is_trusted, one.stamped_at), default=None)


def _check_stamp(
    element: Element,
    signature: Element,
    trusted: TrustedCertificates,
    helpers: Sequence[x509.Certificate],
) -> TimeStamp:
    token = _parse_token(_read_token(element))
    algorithm, imprint, stamped_at = _parse_info(token.info)
    value = signature.find("ds:SignatureValue", _NAMES)
    if imprint != _hash(algorithm, _canonicalize(element, value)):
        raise VerificationError("the time stamp is of another signature")
    authority = _find_authority(token, helpers)
    _verify_token(token, authority)
    is_trusted = _leads_to_root(authority, [*token.certificates, *helpers], trusted, stamped_at)
    return TimeStamp(stamped_at, describe_name(authority), is_trusted)


def _read_token(element: Element) -> bytes:
    found = element.findall("xades:EncapsulatedTimeStamp", _NAMES)
    if len(found) != 1:
        raise MalformedDocumentError(f"{len(found)} tokens; expected one", field="SignatureTimeStamp")
    text = "".join("".join(found[0].xpath("text()")).split())
    if len(text) > MAX_CHARACTERS:
        raise MalformedDocumentError("is too large", field="SignatureTimeStamp")
    try:
        return b64decode(text, validate=True)
    except ValueError as err:
        raise MalformedDocumentError("not base64", field="SignatureTimeStamp") from err


def _canonicalize(element: Element, value: Element) -> bytes:
    """Return the canonical bytes of the signature value: what a signature's stamp is over (EN 319 132-1 §5.3)."""
    method = element.find("ds:CanonicalizationMethod", _NAMES)
    algorithm = _INCLUSIVE[0] if method is None else method.get("Algorithm")
    if value is None or algorithm not in {_EXCLUSIVE, *_INCLUSIVE}:
        raise MalformedDocumentError("a canonicalization not accepted here", field="SignatureTimeStamp")
    return bytes(etree.tostring(value, method="c14n", exclusive=algorithm == _EXCLUSIVE, with_comments=False))


# --- token --------------------------------------------------------------------------------------------------


def _parse_token(raw: bytes) -> _Token:
    content = open_value(raw, SEQUENCE)
    if take(content, OBJECT_ID).content != _SIGNED_DATA:
        raise MalformedDocumentError("not a time stamp", field="SignatureTimeStamp")
    signed = open_value(take(content, CONTEXT_0).content, SEQUENCE)
    take(signed, INTEGER)
    take(signed, SET)
    info = _take_info(signed)
    certificates: list[x509.Certificate] = []
    if signed and signed[0].tag == CONTEXT_0:
        found = list_values(signed.pop(0).content)
        certificates = [parse_x509(one.raw, "SignatureTimeStamp") for one in found if one.tag == SEQUENCE]
    signers = list_values(take([one for one in signed if one.tag == SET], SET).content)
    if len(signers) != 1:
        raise MalformedDocumentError(f"{len(signers)} signers; expected one", field="SignatureTimeStamp")
    return _parse_signer(signers[0], info, tuple(certificates))


def _take_info(signed: list[DerValue]) -> bytes:
    encapsulated = list_values(take(signed, SEQUENCE).content)
    if take(encapsulated, OBJECT_ID).content != _STAMP_INFO:
        raise MalformedDocumentError("not a time stamp", field="SignatureTimeStamp")
    inner = list_values(take(encapsulated, CONTEXT_0).content)
    return take(inner, OCTETS).content


def _parse_signer(signer: DerValue, info: bytes, certificates: tuple[x509.Certificate, ...]) -> _Token:
    members = list_values(signer.content)
    take(members, INTEGER)
    named = list_values(take(members, SEQUENCE).content)
    issuer = take(named, SEQUENCE).raw
    serial = int.from_bytes(take(named, INTEGER).content, "big")
    digest = _find_hash(_DIGESTS, _read_algorithm(take(members, SEQUENCE)))
    attributes = take(members, CONTEXT_0)
    algorithm = _read_algorithm(take(members, SEQUENCE))
    signature_hash = digest if algorithm == _PLAIN_RSA else _find_hash(_SIGNATURES, algorithm)
    return _Token(
        info=info,
        certificates=certificates,
        issuer=issuer,
        serial=serial,
        digest=digest,
        attributes=bytes([SET]) + attributes.raw[1:],
        signature_hash=signature_hash,
        signature=take(members, OCTETS).content,
    )


def _parse_info(info: bytes) -> tuple[hashes.HashAlgorithm, bytes, datetime]:
    """Return algorithm and hash of what was stamped, and when (RFC 3161 §2.4.2)."""
    members = open_value(info, SEQUENCE)
    take(members, INTEGER)
    take(members, OBJECT_ID)
    imprint = list_values(take(members, SEQUENCE).content)
    algorithm = _find_hash(_DIGESTS, _read_algorithm(take(imprint, SEQUENCE)))
    digest = take(imprint, OCTETS).content
    take(members, INTEGER)
    return algorithm, digest, _parse_moment(take(members, TIME).content)


def _parse_moment(content: bytes) -> datetime:
    found = _MOMENT.fullmatch(content)
    try:
        if found is not None:
            moment = datetime.strptime(found[1].decode(), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
            return moment + timedelta(milliseconds=int((found[2] or b".0")[1:4].ljust(3, b"0")))
    except ValueError:
        pass
    raise MalformedDocumentError("not a time", field="SignatureTimeStamp")


def _read_algorithm(value: DerValue) -> bytes:
    return take(list_values(value.content), OBJECT_ID).content


def _find_hash(table: dict[bytes, hashes.HashAlgorithm], algorithm: bytes) -> hashes.HashAlgorithm:
    if algorithm not in table:
        raise MalformedDocumentError("an algorithm not accepted here", field="SignatureTimeStamp")
    return table[algorithm]


# --- authority ----------------------------------------------------------------------------------------------


def _find_authority(token: _Token, helpers: Sequence[x509.Certificate]) -> x509.Certificate:
    for one in (*token.certificates, *helpers):
        if one.serial_number == token.serial and one.issuer.public_bytes() == token.issuer:
            return one
    raise VerificationError("the time stamp does not bring its authority's certificate")


def _verify_token(token: _Token, authority: x509.Certificate) -> None:
    """Check that an authority has signed: attributes name type and digest of the content (RFC 5652 §5.4)."""
    attributes = {}
    for attribute in open_value(token.attributes, SET):
        name, values = [*list_values(attribute.content), None, None][:2]
        if name is not None and values is not None:
            attributes[name.content] = list_values(values.content)
    digests, types = attributes.get(_MESSAGE_DIGEST, []), attributes.get(_CONTENT_TYPE, [])
    if [one.content for one in digests] != [_hash(token.digest, token.info)]:
        raise VerificationError("the time stamp's content is not what its authority has signed")
    if [one.content for one in types] != [_STAMP_INFO]:
        raise VerificationError("what the authority has signed is no time stamp")
    key = authority.public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(token.signature, token.attributes, padding.PKCS1v15(), token.signature_hash)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(token.signature, token.attributes, ec.ECDSA(token.signature_hash))
        else:
            raise MalformedDocumentError("a key not accepted here", field="SignatureTimeStamp")
    except (InvalidSignature, UnsupportedAlgorithm) as err:
        raise VerificationError("the time stamp's signature does not hold") from err


def _leads_to_root(
    authority: x509.Certificate, helpers: list[x509.Certificate], trusted: TrustedCertificates, at: datetime
) -> bool:
    """Say whether a root vouches for an authority, and for time stamps alone (RFC 3161 §2.3)."""
    try:
        usage = authority.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
        if list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING] or not usage.critical:
            return False
        build_chain(authority, helpers, trusted, at)
    except (x509.ExtensionNotFound, VerificationError):
        return False
    return True


def _hash(algorithm: hashes.HashAlgorithm, content: bytes) -> bytes:
    return hashlib.new(algorithm.name, content).digest()
