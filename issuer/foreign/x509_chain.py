"""X.509: from a signer's certificate to a root that the operator named, at one instant.

Nothing is fetched. Whatever certificates a document brings help to build the chain and are trusted in nothing.

>>> trusted = parse_trusted([Path("root.crt").read_bytes(), Path("sub.crt").read_bytes()])
>>> [one.subject.rfc4514_string() for one in build_chain(signer, [], trusted, signed_at)]
['CN=Calibration Lab A1,…', 'CN=… Sub CA 01,…', 'CN=… Root CA 01,…']
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509 import verification

from issuer.foreign.safe_xml import make_printable
from ledger.core.encoding import encode_instant
from ledger.core.errors import InputError, MalformedDocumentError, VerificationError

MAX_FILE_BYTES: Final = 1024 * 1024
_T = TypeVar("_T", bound=x509.ExtensionType)
_PEM: Final = b"-----BEGIN CERTIFICATE-----"


X509_FAULTS: Final = (
    *(ValueError, TypeError, OverflowError, UnsupportedAlgorithm, CryptographyDeprecationWarning),
    *(x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType),
)
"""What the X.509 library raises on bytes that are none, or odd ones."""


@dataclass(frozen=True, slots=True)
class TrustedCertificates:
    """What the operator named."""

    roots: tuple[x509.Certificate, ...]
    """Self-issued: where a chain may end."""
    others: tuple[x509.Certificate, ...]
    """Between roots and signers: help to build a chain, and end none."""


@contextmanager
def refuse_odd_x509(field: str) -> Iterator[None]:
    """Refuse, by this field, what the X.509 library cannot read, or takes with a warning only.

    It reads most members when they are asked for, so its errors come up anywhere. The filter of warnings is the
    process's: this is for commands, which do one thing at a time.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", CryptographyDeprecationWarning)
        try:
            yield
        except X509_FAULTS as err:
            raise MalformedDocumentError(
                f"not X.509 as it should be: {make_printable(str(err))}", field=field
            ) from err


def parse_trusted(files: Sequence[bytes]) -> TrustedCertificates:
    """Read files of certificates, PEM (one or more) or DER.

    Raises:
        InputError: not such files, or no root among them.
    """
    with refuse_odd_x509("--trust"):
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
    except X509_FAULTS as err:
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
    except X509_FAULTS as err:
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
    except (verification.VerificationError, *X509_FAULTS) as err:
        name, said = describe_name(leaf), make_printable(str(err))
        raise VerificationError(
            f"the certificate of {name} does not lead to a root that you named, at {encode_instant(at)}: {said}"
        ) from err
    chain = list(verified.chain)
    for issuer in chain[1:]:
        _check_issuer(issuer)
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


def _check_issuer(issuer: x509.Certificate) -> None:
    """Refuse an issuer that may not issue (RFC 5280 §4.2.1.3, §4.2.1.9).

    The chain builder has looked at path lengths, name constraints and unknown critical extensions.
    """
    constraints = _find(issuer, x509.BasicConstraints)
    usage = _find(issuer, x509.KeyUsage)
    if constraints is None or not constraints.ca or (usage is not None and not usage.key_cert_sign):
        raise VerificationError(f"{describe_name(issuer)} has issued a certificate, and may not")


def check_signing_usage(leaf: x509.Certificate) -> None:
    """Refuse a certificate whose key is not for signatures.

    Raises:
        VerificationError: its key usage allows neither digitalSignature nor contentCommitment.
    """
    usage = _find(leaf, x509.KeyUsage)
    if usage is not None and not (usage.digital_signature or usage.content_commitment):
        raise VerificationError(f"the key of {describe_name(leaf)} is not for signatures")


def _find(certificate: x509.Certificate, kind: type[_T]) -> _T | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
