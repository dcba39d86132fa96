"""Whether a certificate of the chain was revoked, from the CRLs and OCSP answers that the file brings.

Nothing is fetched: what the file does not bring was not looked at, and the result says so. Only lists and answers
signed by the issuer in the chain, or by a responder that it appointed, count; all others are ignored.

>>> check_revocation(chain, evidence, RevocationCheck(signed_at, None, []))
Revocation.GOOD
"""

from base64 import b64decode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from issuer.foreign.safe_xml import Element
from issuer.foreign.x509_chain import describe_name
from ledger.core.encoding import encode_instant
from ledger.core.errors import MalformedDocumentError, VerificationError

MAX_ITEMS: Final = 32
MAX_CHARACTERS: Final = 4 * 1024 * 1024
_XADES: Final = {"xades": "http://uri.etsi.org/01903/v1.3.2#"}


class Revocation(StrEnum):
    """What the file shows."""

    GOOD = "good"
    """Of every certificate below the root: not revoked, by a word in force at the signing time or later."""
    NOT_SHOWN = "not_shown"
    """Of one of them the file brings no such word: it was not looked at."""


@dataclass(frozen=True, slots=True)
class RevocationEvidence:
    """What a signature brings."""

    lists: tuple[x509.CertificateRevocationList, ...]
    answers: tuple[ocsp.OCSPResponse, ...]


@dataclass(frozen=True, slots=True)
class RevocationCheck:
    """What to judge by."""

    signed_at: datetime
    """By the signer's word."""
    stamped_at: datetime | None
    """By a trusted time stamp: the latest instant at which it can have been signed."""
    helpers: Sequence[x509.Certificate]
    """Where certificates of OCSP responders are looked for."""


@dataclass(frozen=True, slots=True)
class _Word:
    """What one list or answer says of a certificate."""

    in_force_until: datetime
    revoked_at: datetime | None


def read_revocation_evidence(signature: Element) -> RevocationEvidence:
    """Read the CRLs and OCSP answers below a signature's unsigned properties.

    Raises:
        MalformedDocumentError: not such lists or answers, or too many.
    """
    path = ".//xades:RevocationValues/xades:"
    lists = _read_binaries(signature.findall(f"{path}CRLValues/xades:EncapsulatedCRLValue", _XADES))
    answers = _read_binaries(signature.findall(f"{path}OCSPValues/xades:EncapsulatedOCSPValue", _XADES))
    try:
        return RevocationEvidence(
            tuple(x509.load_der_x509_crl(raw) for raw in lists),
            tuple(ocsp.load_der_ocsp_response(raw) for raw in answers),
        )
    except (ValueError, UnsupportedAlgorithm) as err:
        raise MalformedDocumentError("neither a CRL nor an OCSP answer", field="RevocationValues") from err


def check_revocation(
    chain: Sequence[x509.Certificate], evidence: RevocationEvidence, check: RevocationCheck
) -> Revocation:
    """Say what the file shows of every certificate below the root.

    Args:
        chain: the signer first, the root last.
        evidence: that the file brings.
        check: times and helpers.

    Raises:
        VerificationError: one was revoked before the signature was made; or later, and nothing but the signer's own
            word says that the signature is older.
    """
    shown = True
    for certificate, issuer in pairwise(chain):
        words = list(_list_words(certificate, issuer, evidence, check.helpers))
        for word in words:
            if word.revoked_at is not None:
                _judge(certificate, word.revoked_at, check)
        shown = shown and any(word.in_force_until >= check.signed_at for word in words)
    return Revocation.GOOD if shown else Revocation.NOT_SHOWN


def _judge(certificate: x509.Certificate, revoked_at: datetime, check: RevocationCheck) -> None:
    name, revoked = describe_name(certificate), encode_instant(revoked_at)
    if revoked_at <= check.signed_at:
        raise VerificationError(
            f"{name} was revoked at {revoked}, before the signature of {encode_instant(check.signed_at)}"
        )
    if check.stamped_at is None or revoked_at <= check.stamped_at:
        raise VerificationError(
            f"{name} was revoked at {revoked}, and only the signer says that it signed before"
        )


# --- lists and answers --------------------------------------------------------------------------------------


def _list_words(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    evidence: RevocationEvidence,
    helpers: Sequence[x509.Certificate],
) -> Iterator[_Word]:
    try:
        for one in evidence.lists:
            yield from _ask_list(one, certificate, issuer)
        for answer in evidence.answers:
            yield from _ask_answer(answer, certificate, issuer, helpers)
    except (ValueError, UnsupportedAlgorithm) as err:
        raise MalformedDocumentError("neither a CRL nor an OCSP answer", field="RevocationValues") from err


def _ask_list(
    one: x509.CertificateRevocationList, certificate: x509.Certificate, issuer: x509.Certificate
) -> Iterator[_Word]:
    key: Any = issuer.public_key()
    if one.issuer != issuer.subject or not one.is_signature_valid(key) or _is_partial(one):
        return
    entry = one.get_revoked_certificate_by_serial_number(certificate.serial_number)
    yield _Word(one.next_update_utc or one.last_update_utc, None if entry is None else _find_since(entry))


def _is_partial(one: x509.CertificateRevocationList) -> bool:
    """Say whether a list is about some certificates or some reasons only: its silence proves nothing then."""
    known = {x509.AuthorityKeyIdentifier.oid, x509.CRLNumber.oid}
    return any(extension.critical and extension.oid not in known for extension in one.extensions)


def _find_since(entry: x509.RevokedCertificate) -> datetime:
    """Return since when a certificate is not to be believed: its revocation, or the invalidity that it states."""
    try:
        invalid = entry.extensions.get_extension_for_class(x509.InvalidityDate).value.invalidity_date_utc
    except x509.ExtensionNotFound:
        return entry.revocation_date_utc
    return min(invalid, entry.revocation_date_utc)


def _ask_answer(
    answer: ocsp.OCSPResponse,
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    helpers: Sequence[x509.Certificate],
) -> Iterator[_Word]:
    if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        return
    if not _is_about(answer, certificate, issuer):
        return
    responders = [issuer, *(one for one in (*answer.certificates, *helpers) if _is_responder(one, issuer))]
    if not any(_has_signed(one, answer) for one in responders):
        return
    until = answer.next_update_utc or answer.this_update_utc
    if answer.certificate_status is ocsp.OCSPCertStatus.REVOKED and answer.revocation_time_utc is not None:
        yield _Word(until, answer.revocation_time_utc)
    elif answer.certificate_status is ocsp.OCSPCertStatus.GOOD:
        yield _Word(until, None)


def _is_about(answer: ocsp.OCSPResponse, certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Say whether an answer is about this certificate of this issuer: asks the question, and compares."""
    asked = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, answer.hash_algorithm).build()
    return (asked.issuer_name_hash, asked.issuer_key_hash, asked.serial_number) == (
        answer.issuer_name_hash,
        answer.issuer_key_hash,
        answer.serial_number,
    )


def _is_responder(one: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Say whether an issuer has appointed this certificate to answer for it (RFC 6960 §4.2.2.2)."""
    try:
        usage = one.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        one.verify_directly_issued_by(issuer)
    except (x509.ExtensionNotFound, ValueError, TypeError, InvalidSignature):
        return False
    return ExtendedKeyUsageOID.OCSP_SIGNING in usage


def _has_signed(responder: x509.Certificate, answer: ocsp.OCSPResponse) -> bool:
    key, algorithm = responder.public_key(), answer.signature_hash_algorithm
    if algorithm is None:
        return False
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(answer.signature, answer.tbs_response_bytes, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(answer.signature, answer.tbs_response_bytes, ec.ECDSA(algorithm))
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _read_binaries(elements: Sequence[Any]) -> list[bytes]:
    if len(elements) > MAX_ITEMS:
        raise MalformedDocumentError(f"more than {MAX_ITEMS} lists or answers", field="RevocationValues")
    texts = ["".join("".join(one.xpath("text()")).split()) for one in elements]
    if sum(map(len, texts)) > MAX_CHARACTERS:
        raise MalformedDocumentError("lists and answers are too large", field="RevocationValues")
    try:
        return [b64decode(text, validate=True) for text in texts]
    except ValueError as err:
        raise MalformedDocumentError("not base64", field="RevocationValues") from err
