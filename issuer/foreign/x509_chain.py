"""X.509: from a signer's certificate to a root that the operator named, at one instant.

Nothing is fetched. Whatever certificates a document brings help to build the chain and are trusted in nothing.

>>> trusted = parse_trusted([Path("root.crt").read_bytes(), Path("sub.crt").read_bytes()])
>>> [one.subject.rfc4514_string() for one in build_chain(signer, [], trusted, signed_at)]
['CN=Calibration Lab A1,…', 'CN=… Sub CA 01,…', 'CN=… Root CA 01,…']
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509 import verification

from issuer.foreign.safe_xml import make_printable
from ledger.core.encoding import encode_instant
from ledger.core.errors import InputError, MalformedDocumentError, VerificationError

MAX_FILE_BYTES: Final = 1024 * 1024
_T = TypeVar("_T", bound=x509.ExtensionType)
_PEM: Final = b"-----BEGIN CERTIFICATE-----"
_UNDERSTOOD: Final = frozenset(
    {
        x509.BasicConstraints.oid,
        x509.KeyUsage.oid,
        x509.ExtendedKeyUsage.oid,
        x509.SubjectAlternativeName.oid,
        x509.NameConstraints.oid,
        x509.CertificatePolicies.oid,
    }
)
"""Critical extensions that are looked at, here or by the chain builder; any other is refused (RFC 5280 §4.2)."""


@dataclass(frozen=True, slots=True)
class TrustedCertificates:
    """What the operator named."""

    roots: tuple[x509.Certificate, ...]
    """Self-issued: where a chain may end."""
    others: tuple[x509.Certificate, ...]
    """Between roots and signers: help to build a chain, and end none."""


def parse_trusted(files: Sequence[bytes]) -> TrustedCertificates:
    """Read files of certificates, PEM (one or more) or DER.

    Raises:
        InputError: not such files, or no root among them.
    """
    found = list(dict.fromkeys(one for raw in files for one in _parse_file(raw)))
    roots = tuple(one for one in found if one.issuer == one.subject)
    if files and not roots:
        raise InputError("no self-issued certificate among them: name a root", field="--trust")
    return TrustedCertificates(roots, tuple(one for one in found if one not in roots))


def _parse_file(raw: bytes) -> list[x509.Certificate]:
    if len(raw) > MAX_FILE_BYTES:
        raise InputError(f"a file of {len(raw)} bytes; at most {MAX_FILE_BYTES}", field="--trust")
    try:
        found = x509.load_pem_x509_certificates(raw) if _PEM in raw else [x509.load_der_x509_certificate(raw)]
        for one in found:
            _ = one.issuer, one.subject, one.extensions
    except (ValueError, UnsupportedAlgorithm) as err:
        raise InputError("not an X.509 certificate, neither PEM nor DER", field="--trust") from err
    return found


def parse_x509(raw: bytes, what: str) -> x509.Certificate:
    """Read one certificate, DER, with everything that is asked of it later.

    Raises:
        MalformedDocumentError: not a certificate.
    """
    try:
        certificate = x509.load_der_x509_certificate(raw)
        _ = certificate.issuer, certificate.subject, certificate.extensions, certificate.public_key()
    except (ValueError, UnsupportedAlgorithm) as err:
        raise MalformedDocumentError("not an X.509 certificate", field=what) from err
    return certificate


def build_chain(
    leaf: x509.Certificate, helpers: Sequence[x509.Certificate], trusted: TrustedCertificates, at: datetime
) -> list[x509.Certificate]:
    """Return the chain from a certificate to a root, each valid at an instant, the leaf first.

    Args:
        leaf: whose key has signed.
        helpers: whatever came with the document.
        trusted: where the chain may end.
        at: aware.

    Raises:
        VerificationError: there is no such chain, or a link of it may not issue.
    """
    _check_validity(leaf, at)
    extensions = verification.ExtensionPolicy.permit_all()
    issuing = extensions.require_present(x509.BasicConstraints, verification.Criticality.AGNOSTIC, None)
    policy = verification.PolicyBuilder().store(verification.Store(list(trusted.roots))).time(at)
    policy = policy.extension_policies(ee_policy=extensions, ca_policy=issuing)
    try:
        verified = policy.build_client_verifier().verify(leaf, [*helpers, *trusted.others])
    except (verification.VerificationError, ValueError, UnsupportedAlgorithm) as err:
        name, said = describe_name(leaf), make_printable(str(err))
        raise VerificationError(
            f"the certificate of {name} does not lead to a root that you named, at {encode_instant(at)}: {said}"
        ) from err
    chain = list(verified.chain)
    for depth, issuer in enumerate(chain[1:]):
        _check_issuer(issuer, depth)
    for certificate in chain:
        _check_critical(certificate)
    return chain


def describe_name(certificate: x509.Certificate) -> str:
    """Return the subject as RFC 4514 writes it, fit to be printed."""
    return make_printable(certificate.subject.rfc4514_string())


def _check_validity(leaf: x509.Certificate, at: datetime) -> None:
    """Say plainly what is the commonest fault."""
    begin, end = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    if not begin <= at <= end:
        raise VerificationError(
            f"the signer's certificate ({describe_name(leaf)}) is valid from {encode_instant(begin)} to "
            f"{encode_instant(end)}, and the signature is of {encode_instant(at)}"
        )


def _check_issuer(issuer: x509.Certificate, depth: int) -> None:
    """Refuse an issuer that may not issue: RFC 5280 §4.2.1.3, §4.2.1.9."""
    constraints = _find(issuer, x509.BasicConstraints)
    usage = _find(issuer, x509.KeyUsage)
    if constraints is None or not constraints.ca or (usage is not None and not usage.key_cert_sign):
        raise VerificationError(f"{describe_name(issuer)} has issued a certificate, and may not")
    if constraints.path_length is not None and depth > constraints.path_length:
        raise VerificationError(f"{describe_name(issuer)} may not stand this far above a signer")


def check_signing_usage(leaf: x509.Certificate) -> None:
    """Refuse a certificate whose key is not for signatures.

    Raises:
        VerificationError: its key usage allows neither digitalSignature nor contentCommitment.
    """
    usage = _find(leaf, x509.KeyUsage)
    if usage is not None and not (usage.digital_signature or usage.content_commitment):
        raise VerificationError(f"the key of {describe_name(leaf)} is not for signatures")


def _check_critical(certificate: x509.Certificate) -> None:
    for extension in certificate.extensions:
        if extension.critical and extension.oid not in _UNDERSTOOD:
            name = describe_name(certificate)
            raise VerificationError(
                f"{name} has a critical extension {extension.oid.dotted_string} not known here"
            )


def _find(certificate: x509.Certificate, kind: type[_T]) -> _T | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
