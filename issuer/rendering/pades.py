"""The institution's signature on a PDF: PAdES baseline B-B, by the key that seals its certificates.

One signature over the whole file. The key is carried by an X.509 certificate that it issues to itself; no
certification authority is asked, because the ledger says whose key it is: `verifier.pdf` finds the key among
those registered for the institution. What is signed is the DER of the CMS attributes (and of the X.509
certificate): no statement, proof or endorsement of ours parses as that.

The same file, key and time give the same bytes: nothing here is random, and the clock is a parameter.

>>> seal = issue_seal(signer, "350100-01", "福州市计量所")
>>> signed = sign_pdf(pdf, seal, signed_at)

Source: ETSI EN 319 142-1 §6 (B-B); RFC 5652 §5; RFC 8419 (Ed25519 with SHA-512); RFC 5280 §4.1.
"""

import asyncio
import hashlib
import io
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from asn1crypto import algos, core, keys, x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigMDPSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import SignatureObject
from pyhanko.sign.signers.pdf_cms import Signer as CmsSigner
from pyhanko_certvalidator.registry import SimpleCertificateStore

from ledger.core.errors import MalformedDocumentError
from ledger.core.signature import Algorithm, PublicKey, Signer

FIELD_NAME: Final = "Seal"
RESERVED: Final = 8192
"""Hexadecimal digits kept for the signature; a signature of ours takes about 2,000."""

FIRST_DAY: Final = datetime(2000, 1, 1, tzinfo=UTC)
LAST_SECOND: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""RFC 5280 §4.1.2.5: no end is known; the ledger says until when a key counts."""

_MAX_NAME: Final = 64
_DIGESTS: Final = {Algorithm.ED25519: "sha512", Algorithm.P256: "sha256"}
_SIGNATURES: Final = {Algorithm.ED25519: "ed25519", Algorithm.P256: "sha256_ecdsa"}


@dataclass(frozen=True, slots=True)
class PdfSeal:
    """A key that is registered in the ledger, and its X.509 certificate."""

    signer: Signer
    x509_certificate: bytes
    """DER, issued by the key to itself."""


def issue_seal(
    signer: Signer,
    institution: str,
    name: str,
    valid_from: datetime = FIRST_DAY,
    valid_until: datetime = LAST_SECOND,
) -> PdfSeal:
    """Return what signs PDFs for an institution.

    Args:
        signer: of the key that is registered for it.
        institution: its id in the ledger.
        name: as people know it; what X.509 has no room for, beyond 64 bytes, is left out.
        valid_from: aware, whole seconds; likewise the end.
        valid_until: the ledger says until when the key counts.
    """
    return PdfSeal(signer, _build_x509_certificate(signer, institution, name, valid_from, valid_until))


def sign_pdf(pdf: bytes, seal: PdfSeal, signed_at: datetime) -> bytes:
    """Return a PDF with a signature over the whole file, the signature itself left out.

    Args:
        pdf: as the typesetter made it, without any signature.
        seal: who signs.
        signed_at: aware; stands in the signature as its time, to the second.
    """
    output = io.BytesIO(pdf)
    steps = PdfCMSEmbedder().write_cms(FIELD_NAME, _Writer(output))
    next(steps)
    reserved = SignatureObject(
        subfilter=SigSeedSubFilter.PADES,
        timestamp=signed_at.astimezone(UTC).replace(microsecond=0),
        bytes_reserved=RESERVED,
    )
    algorithm = _DIGESTS[seal.signer.public_key.algorithm]
    unchanging = SigMDPSetup(md_algorithm=algorithm, certify=True, docmdp_perms=MDPPerm.NO_CHANGES)
    steps.send(SigObjSetup(sig_placeholder=reserved, mdp_setup=unchanging))
    prepared, _ = steps.send(SigIOSetup(md_algorithm=algorithm, in_place=True))
    signing = _SealSigner(seal).async_sign(prepared.document_digest, algorithm, use_pades=True)
    signed = asyncio.run(signing)
    steps.send(signed)
    return output.getvalue()


class _SealSigner(CmsSigner):
    """Lets pyHanko sign with a key of ours."""

    def __init__(self, seal: PdfSeal) -> None:
        own = x509.Certificate.load(seal.x509_certificate)
        super().__init__(signing_cert=own, cert_registry=SimpleCertificateStore(), embed_roots=False)
        self._signer = seal.signer

    async def async_sign_raw(
        self,
        data: bytes,
        digest_algorithm: str,  # noqa: ARG002 - the key decides
        dry_run: bool = False,  # noqa: ARG002 - the answer is the same
    ) -> bytes:
        """Return the signature as CMS holds it."""
        return _sign(self._signer, data)


class _Writer(IncrementalPdfFileWriter):
    """Appends to a file without asking for randomness."""

    @classmethod
    def _handle_id(cls, prev: PdfFileReader) -> generic.ArrayObject:
        """Return the file's own id, and one that follows from its bytes."""
        first = generic.ByteStringObject(prev.document_id[0])
        prev.stream.seek(0)
        own = hashlib.sha256(prev.stream.read()).digest()[:16]
        return generic.ArrayObject([first, generic.ByteStringObject(own)])

    def _update_meta(self) -> None:
        """Leave the dates and the maker of the document as they are: a signature changes nothing in it."""


def _build_x509_certificate(
    signer: Signer, institution: str, name: str, valid_from: datetime, valid_until: datetime
) -> bytes:
    """Return the DER of an X.509 certificate that a key issues to itself; its serial number follows from the key.

    Source: RFC 5280 §4.1, §4.2.1.
    """
    key = signer.public_key
    algorithm = algos.SignedDigestAlgorithm({"algorithm": _SIGNATURES[key.algorithm]})
    subject = x509.Name.build({"common_name": _cut(name), "serial_number": institution})
    info = keys.PublicKeyInfo.load(_encode_key(key))
    content = x509.TbsCertificate(
        {
            "version": "v3",
            "serial_number": int.from_bytes(hashlib.sha256(key.multikey_bytes).digest()[:16]),
            "signature": algorithm,
            "issuer": subject,
            "validity": {"not_before": _time(valid_from), "not_after": _time(valid_until)},
            "subject": subject,
            "subject_public_key_info": info,
            "extensions": [
                {"extn_id": "key_identifier", "extn_value": core.OctetString(info.sha1)},
                {"extn_id": "basic_constraints", "critical": True, "extn_value": {"ca": False}},
                {
                    "extn_id": "key_usage",
                    "critical": True,
                    "extn_value": {"digital_signature", "non_repudiation"},
                },
            ],
        }
    )
    return bytes(
        x509.Certificate(
            {
                "tbs_certificate": content,
                "signature_algorithm": algorithm,
                "signature_value": _sign(signer, content.dump()),
            }
        ).dump()
    )


def _sign(signer: Signer, message: bytes) -> bytes:
    """Return a signature in the form of X.509 and CMS: ECDSA as DER, Ed25519 as it is."""
    signature = signer.sign(message)
    if signer.public_key.algorithm is Algorithm.ED25519:
        return signature
    return encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))


def _encode_key(key: PublicKey) -> bytes:
    """Return a key as X.509 holds it (RFC 5480 §2, RFC 8410 §4)."""
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if key.algorithm is Algorithm.ED25519:
        return Ed25519PublicKey.from_public_bytes(key.raw).public_bytes(*form)
    return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), key.raw).public_bytes(*form)


def _cut(name: str) -> str:
    """Return as many whole characters as 64 bytes hold (RFC 5280 appendix A, ub-common-name)."""
    return name.encode()[:_MAX_NAME].decode(errors="ignore")


def _time(moment: datetime) -> x509.Time:
    """Return an instant as X.509 writes it: UTCTime before 2050, GeneralizedTime from then on."""
    if moment.microsecond:
        raise MalformedDocumentError("an X.509 time has whole seconds", field="valid_from")
    name = "utc_time" if moment.year < 2050 else "general_time"
    return x509.Time({name: moment})
