"""The signature of a foreign DCC: enveloped XML-DSig, plain or XAdES, judged at its signing time.

One form is taken, so that nothing has to be guessed: one `ds:Signature`, the last child of the root; one reference
to the whole document (`URI=""`, enveloped-signature, then a canonicalization without comments); in XAdES one more,
to the signed properties of this very signature. Ids are unique in the whole file. Whatever moves, copies or wraps
the signed part (signature wrapping) breaks one of these. The caller reads the document from what was hashed.

When it was signed: `SigningTime` in the signed properties; else what the operator says; else the time of the check.
That is the signer's word. A time stamp of an authority that leads to a named root bounds it.

>>> covered, signature = check_signature(root, trusted, now)
"""

import binascii
import hashlib
import re
from base64 import b64decode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, VerifyResult, XMLVerifier

from issuer.foreign.revocation import Revocation, RevocationCheck, check_revocation, read_revocation_evidence
from issuer.foreign.safe_xml import Element, has_outer_instructions, make_parser, make_printable
from issuer.foreign.time_stamp import TimeStamp, check_time_stamp
from issuer.foreign.x509_chain import (
    TrustedCertificates,
    build_chain,
    check_signing_usage,
    describe_name,
    parse_x509,
)
from ledger.core.encoding import encode_instant
from ledger.core.errors import BrokenSignatureError, InputError, MalformedDocumentError, VerificationError

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
XADES: Final = "http://uri.etsi.org/01903/v1.3.2#"
SIGNED_PROPERTIES: Final = "http://uri.etsi.org/01903#SignedProperties"
NAMES: Final = {"ds": DS, "xades": XADES}
_DER: Final = Encoding.DER
CLOCK_TOLERANCE: Final = timedelta(minutes=5)
"""How far a signer's clock may be ahead of ours."""
MAX_CERTIFICATES: Final = 32
"""That a signature may bring."""
MAX_BINARY_CHARACTERS: Final = 1024 * 1024

_ENVELOPED: Final = f"{DS}enveloped-signature"
_CANONICAL: Final = frozenset(
    {
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        "http://www.w3.org/2006/12/xml-c14n11",
        "http://www.w3.org/2001/10/xml-exc-c14n#",
    }
)
"""Canonicalization without comments: what stands in a comment is signed by none, and read by none."""
_METHODS: Final = frozenset(
    {
        *(SignatureMethod.RSA_SHA256, SignatureMethod.RSA_SHA384, SignatureMethod.RSA_SHA512),
        *(SignatureMethod.ECDSA_SHA256, SignatureMethod.ECDSA_SHA384, SignatureMethod.ECDSA_SHA512),
        *(SignatureMethod.SHA256_RSA_MGF1, SignatureMethod.SHA384_RSA_MGF1, SignatureMethod.SHA512_RSA_MGF1),
    }
)
_DIGESTS: Final = frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512})
_HASHES: Final = {
    "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
}
_INSTANT: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_FOREIGN_FAULTS: Final = (
    *(SignXMLException, InvalidSignature, UnsupportedAlgorithm, etree.LxmlError, binascii.Error),
    *(ValueError, KeyError, TypeError, AttributeError, NotImplementedError),
)
"""What the library raises on signatures that are not what they should be."""


class TimeSource(StrEnum):
    """Who says when it was signed."""

    SIGNER = "signer"
    """`SigningTime`, signed with the document."""
    OPERATOR = "operator"
    CHECK = "check"
    """Nobody: judged as of now."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature that holds."""

    signer: str
    """Subject of the signer's certificate, RFC 4514."""
    x509_certificate: bytes
    """Of the signer, DER."""
    root: str
    """Subject of the root that its chain ends in."""
    signed_at: datetime
    time_source: TimeSource
    time_stamp: TimeStamp | None
    revocation: Revocation
    """What the file itself shows of revocation."""


@dataclass(frozen=True, slots=True)
class _Form:
    """The parts of a signature whose form is right."""

    element: Element
    properties: Element | None
    """`xades:SignedProperties`, if there are any."""
    references: int


def find_signatures(root: Element) -> list[Element]:
    """Return every signature element of a document, wherever it stands."""
    return list(root.iter(f"{{{DS}}}Signature"))


def check_signature(
    root: Element, trusted: TrustedCertificates, now: datetime, *, signed_at: datetime | None = None
) -> tuple[Element, Signature]:
    """Check the signature of a document, and return what it covers: the document without the signature.

    Args:
        root: of a document that has at least one signature.
        trusted: what the operator named.
        now: aware; no signature is from later.
        signed_at: aware; when it was signed, where the signature does not say.

    Raises:
        VerificationError: the signature does not hold, or does not cover the whole document.
        InputError: not one signature, no root was named, or two times.
    """
    form = _check_form(root)
    if not trusted.roots:
        raise InputError("signed: name a root that may vouch for the signer", field="--trust")
    instant, source = _find_time(form, signed_at, now)
    leaf, helpers = _read_certificates(form)
    _check_signer_named(form, leaf)
    check_signing_usage(leaf)
    chain = build_chain(leaf, helpers, trusted, instant)
    covered = _verify_bytes(root, form, leaf, instant)
    stamp = _bound_time(form, instant, trusted, helpers)
    seen = read_revocation_evidence(form.element)
    bound = stamp.stamped_at if stamp is not None and stamp.is_trusted else None
    revocation = check_revocation(chain, seen, RevocationCheck(instant, bound, helpers))
    signature = Signature(
        signer=describe_name(leaf),
        x509_certificate=leaf.public_bytes(_DER),
        root=describe_name(chain[-1]),
        signed_at=instant,
        time_source=source,
        time_stamp=stamp,
        revocation=revocation,
    )
    return covered, signature


# --- form ---------------------------------------------------------------------------------------------------


def _check_form(root: Element) -> _Form:
    found = find_signatures(root)
    if len(found) != 1:
        raise InputError(
            f"{len(found)} signatures; a document with exactly one can be judged", field="ds:Signature"
        )
    signature = found[0]
    if signature.getparent() is not root or next(signature.itersiblings("*"), None) is not None:
        raise VerificationError("the signature is not the last member of the document's root")
    if has_outer_instructions(root):
        raise VerificationError("processing instructions stand outside what the signature covers")
    _check_ids(root)
    info = _take_one(signature, "ds:SignedInfo")
    _require_canonical(_take_one(info, "ds:CanonicalizationMethod").get("Algorithm"))
    references = info.findall("ds:Reference", NAMES)
    whole = [one for one in references if one.get("URI") == ""]
    if len(whole) != 1:
        raise VerificationError(
            "the signature does not cover the whole document: expected one reference to all of it"
        )
    _check_transforms(whole[0], enveloped=True)
    properties = _find_properties(signature, [one for one in references if one is not whole[0]])
    return _Form(signature, properties, len(references))


def _check_ids(root: Element) -> None:
    """Refuse an id that stands twice: a reference could mean either."""
    seen: set[str] = set()
    for element in root.iter("*"):
        for name, value in element.attrib.items():
            if name.rpartition("}")[2].lower() == "id":
                if value in seen:
                    raise VerificationError(f"the id {value[:60]!r} stands twice in the document")
                seen.add(value)


def _check_transforms(reference: Element, *, enveloped: bool) -> None:
    algorithms = [one.get("Algorithm") for one in reference.findall("ds:Transforms/ds:Transform", NAMES)]
    if enveloped and (not algorithms or algorithms.pop(0) != _ENVELOPED):
        raise VerificationError(
            "the signature does not cover the whole document: other transforms than expected"
        )
    if len(algorithms) > 1:
        raise VerificationError("more transforms than one canonicalization")
    for algorithm in algorithms:
        _require_canonical(algorithm)


def _require_canonical(algorithm: str | None) -> None:
    if algorithm not in _CANONICAL:
        shown = make_printable(algorithm or "nothing", 80)
        raise VerificationError(f"{shown} is no canonicalization that is accepted here")


def _find_properties(signature: Element, references: list[Element]) -> Element | None:
    """Return the signed properties that the remaining reference names; there is one reference, or none."""
    path = "ds:Object/xades:QualifyingProperties/xades:SignedProperties"
    found = signature.findall(path, NAMES)
    if not references and not found:
        return None
    if len(references) != 1 or len(found) != 1:
        raise VerificationError("references beside those to the document and to the signed properties")
    reference, properties = references[0], found[0]
    named = reference.get("URI") == f"#{properties.get('Id')}"
    if reference.get("Type") != SIGNED_PROPERTIES or properties.get("Id") is None or not named:
        raise VerificationError("the second reference is not to the signed properties of this signature")
    target = properties.getparent().get("Target")
    if signature.get("Id") is None or target != f"#{signature.get('Id')}":
        raise VerificationError("the signed properties are those of another signature")
    _check_transforms(reference, enveloped=False)
    return properties


def _take_one(parent: Element, path: str) -> Element:
    found = parent.findall(path, NAMES)
    if len(found) != 1:
        raise VerificationError(f"the signature has {len(found)} of {path}; expected one")
    return found[0]


# --- time ---------------------------------------------------------------------------------------------------


def _find_time(form: _Form, given: datetime | None, now: datetime) -> tuple[datetime, TimeSource]:
    stated = _read_signing_time(form.properties)
    if stated is not None and given is not None and stated != given:
        raise InputError(f"the signature itself says {encode_instant(stated)}", field="--signed-at")
    instant = stated or given or now
    if instant > now + CLOCK_TOLERANCE:
        raise VerificationError(f"signed at {encode_instant(instant)}, which is still to come")
    source = TimeSource.CHECK if given is None else TimeSource.OPERATOR
    return instant, source if stated is None else TimeSource.SIGNER


def _bound_time(
    form: _Form, instant: datetime, trusted: TrustedCertificates, helpers: list[x509.Certificate]
) -> TimeStamp | None:
    """Return the time stamp, if there is one; the signature is not younger, but for clocks that differ a little."""
    stamp = check_time_stamp(form.element, trusted, helpers)
    if stamp is not None and stamp.stamped_at + CLOCK_TOLERANCE < instant:
        said, stamped = encode_instant(instant), encode_instant(stamp.stamped_at)
        raise VerificationError(
            f"signed at {said}, by the signer's word, and time-stamped before, at {stamped}"
        )
    return stamp


def _read_signing_time(properties: Element | None) -> datetime | None:
    if properties is None:
        return None
    found = properties.findall("xades:SignedSignatureProperties/xades:SigningTime", NAMES)
    if not found:
        return None
    if len(found) > 1:
        raise VerificationError("the signature says twice when it was made")
    return parse_xml_instant("".join(found[0].xpath("text()")).strip())


def parse_xml_instant(text: str) -> datetime:
    """Return the instant of an `xs:dateTime` with its zone, in UTC, to milliseconds.

    Raises:
        MalformedDocumentError: not such an instant.
    """
    found = _INSTANT.fullmatch(text)
    try:
        if found is not None:
            zone = "+00:00" if found[3] == "Z" else found[3]
            milliseconds = int((found[2] or ".0")[1:4].ljust(3, "0"))
            moment = datetime.fromisoformat(found[1] + zone).astimezone(UTC)
            return moment + timedelta(milliseconds=milliseconds)
    except (ValueError, OverflowError):
        pass
    raise MalformedDocumentError(
        "expected an instant with its zone, as 2026-11-02T08:40:00Z", field="SigningTime"
    )


# --- signer -------------------------------------------------------------------------------------------------


def _read_certificates(form: _Form) -> tuple[x509.Certificate, list[x509.Certificate]]:
    """Return the signer's certificate, and everything else that came along."""
    brought = [
        _parse_binary(one) for one in form.element.findall("ds:KeyInfo/ds:X509Data/ds:X509Certificate", NAMES)
    ]
    path = ".//xades:CertificateValues/xades:EncapsulatedX509Certificate"
    values = [_parse_binary(one) for one in form.element.findall(path, NAMES)]
    if not brought:
        raise VerificationError("the signature does not bring the signer's certificate")
    if len(brought) + len(values) > MAX_CERTIFICATES:
        raise VerificationError(f"more than {MAX_CERTIFICATES} certificates in the signature")
    found = [parse_x509(raw, "X509Certificate") for raw in brought]
    helpers = [parse_x509(raw, "EncapsulatedX509Certificate") for raw in values]
    return found[0], [*found[1:], *helpers]


def _parse_binary(element: Element) -> bytes:
    text = "".join("".join(element.xpath("text()")).split())
    if len(text) > MAX_BINARY_CHARACTERS:
        raise MalformedDocumentError("a certificate of more than a mebibyte", field="ds:Signature")
    try:
        return b64decode(text, validate=True)
    except ValueError as err:
        raise MalformedDocumentError("not base64", field="X509Certificate") from err


def _check_signer_named(form: _Form, leaf: x509.Certificate) -> None:
    """XAdES signs a digest of the signer's certificate, so that no other one with its key can take its place.

    Source: ETSI EN 319 132-1 §5.2.2.
    """
    if form.properties is None:
        return
    base = "xades:SignedSignatureProperties"
    cert = [
        *form.properties.findall(f"{base}/xades:SigningCertificateV2/xades:Cert", NAMES),
        *form.properties.findall(f"{base}/xades:SigningCertificate/xades:Cert", NAMES),
    ]
    if not cert:
        raise VerificationError("the signed properties do not name the signer's certificate")
    method = cert[0].find("xades:CertDigest/ds:DigestMethod", NAMES)
    value = cert[0].find("xades:CertDigest/ds:DigestValue", NAMES)
    name = None if method is None else _HASHES.get(method.get("Algorithm"))
    if name is None or value is None:
        raise VerificationError("the signer's certificate is named by a digest that is not accepted here")
    if hashlib.new(name, leaf.public_bytes(_DER)).digest() != _parse_binary(value):
        raise VerificationError("the certificate in the signature is not the one that was signed with it")


# --- bytes --------------------------------------------------------------------------------------------------


def _verify_bytes(root: Element, form: _Form, leaf: x509.Certificate, at: datetime) -> Element:
    """Check digests and signature, and return the tree of the bytes that the first reference covers."""
    config = SignatureConfiguration(
        location="./",
        expect_references=form.references,
        signature_methods=_METHODS,
        digest_algorithms=_DIGESTS,
        verification_time=at,
    )
    try:
        found = XMLVerifier().verify(root, x509_cert=leaf, parser=make_parser(), expect_config=config)
    except _FOREIGN_FAULTS as err:
        raise BrokenSignatureError(f"the signature does not hold: {_describe(err)}") from err
    results = [found] if isinstance(found, VerifyResult) else found
    covered = [
        one.signed_xml for one in results if one.signed_xml is not None and one.signed_xml.tag == root.tag
    ]
    if len(covered) != 1:
        raise VerificationError("the signature does not cover the whole document")
    if find_signatures(covered[0]):
        raise VerificationError("a signature stands inside what the signature covers")
    return covered[0]


def _describe(err: Exception) -> str:
    """Return what a library says, in one line of bounded length."""
    return make_printable(str(err)) or type(err).__name__
