"""Checks a certificate as PDF: the institution's signature over the whole file, and the bundle inside it.

    PDF ── one signature over every byte but its own ──► seal key of the institution, as the ledger has it
     └─ certificate.json, bundle.json, disclosure.json (of a holder's copy), supplement.json (of a supplement)

The file must be signed once, to its last byte, and not have been touched since; the key must be registered for
the institution that issued the certificate, by the evidence of the bundle in the file, and count there still;
certificate and bundle must be one document. Then the bundle is checked as any other. What is found about the PDF
joins the steps that it belongs to: 1 (bytes), 2 (parts), 3 (seal), 17 (times). A file whose signature does not
hold is INVALID, and nothing else is said of it: what it holds is anybody's.

>>> verify_pdf(raw, session, now).verdict
<Verdict.VALID: 'VALID'>
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from ledger.core.bundle import MAX_BUNDLE_BYTES, ProofBundle, parse_bundle
from ledger.core.certificate import MAX_CERTIFICATE_BYTES
from ledger.core.disclosure import Disclosure, parse_disclosure, verify_disclosure
from ledger.core.errors import BrokenSignatureError, VerificationError
from ledger.core.evidence import Established
from ledger.core.step import Check, Step, failed, not_checked, passed
from ledger.core.supplement import MAX_SUPPLEMENT_BYTES, ActProof, parse_supplement
from verifier import checks
from verifier.pdf_objects import Dictionary, HexString, Name, PdfFile, refuse
from verifier.pdf_signature import CmsSignature, parse_cms, verify_cms
from verifier.report import Report, build_report
from verifier.session import Session
from verifier.supplement import check_act, check_supplement, describe_supplement
from verifier.verify import ChainLook, join_checks, verify_bundle

_CERTIFICATE: Final = "certificate.json"
_BUNDLE: Final = "bundle.json"
_DISCLOSURE: Final = "disclosure.json"
_SUPPLEMENT: Final = "supplement.json"
_SIZES: Final = {
    _CERTIFICATE: MAX_CERTIFICATE_BYTES,
    _BUNDLE: MAX_BUNDLE_BYTES,
    _DISCLOSURE: MAX_CERTIFICATE_BYTES,
    _SUPPLEMENT: MAX_SUPPLEMENT_BYTES,
}
"""Attachments that a document of ours may have, and the longest of each."""

_SUBFILTER: Final = "ETSI.CAdES.detached"
_DIGITS: Final = re.compile(rb"<[0-9A-F]+>")
_TIME: Final = re.compile(rb"D:([0-9]{14})Z")


@dataclass(frozen=True, slots=True)
class SealedPdf:
    """A signed PDF, parsed; nothing in it is verified yet."""

    raw: bytes
    gap: tuple[int, int]
    """Where the signature stands: from `<` to behind `>`."""
    signature: CmsSignature
    signed_at: datetime
    """As the signer states it, aware UTC."""
    certificate: bytes
    bundle: bytes
    disclosure: bytes | None
    supplement: bytes | None = None
    """Of a supplement: what is added to which certificate."""

    @property
    def digest(self) -> bytes:
        """Hash of every byte but the signature's own."""
        start, end = self.gap
        machine = hashlib.new(self.signature.digest_name, memoryview(self.raw)[:start])
        machine.update(memoryview(self.raw)[end:])
        return machine.digest()


def parse_sealed_pdf(raw: bytes) -> SealedPdf:
    """Parse a signed PDF in the form of our documents.

    Raises:
        InputError: not such a file: not signed, signed twice, updated since, damaged, encrypted, too large, or
            without the attachments.
    """
    pdf = PdfFile(raw)
    root = pdf.resolve_dictionary(pdf.trailer.get("Root"), "catalogue")
    members = _find_signature(pdf, root)
    gap, signature = _parse_signature(raw, members)
    if pdf.revisions != 2:
        refuse("was not signed by an update of its own")
    attached = dict(_read_attachments(pdf, root))
    if _BUNDLE not in attached or _CERTIFICATE not in attached:
        refuse(f"holds no {_CERTIFICATE}, or no {_BUNDLE}: it was made before the document was anchored")
    return SealedPdf(
        raw,
        gap,
        signature,
        _parse_time(members.get("M")),
        attached[_CERTIFICATE],
        attached[_BUNDLE],
        attached.get(_DISCLOSURE),
        attached.get(_SUPPLEMENT),
    )


def verify_pdf(
    raw: bytes,
    session: Session,
    now: datetime,
    look: ChainLook | None = None,
    act: ActProof | None = None,
) -> Report:
    """Check a signed PDF and the bundle in it.

    Args:
        raw: the whole file.
        session: what to believe.
        now: the verifier's clock, aware UTC.
        look: as in `verify_bundle`.
        act: of a supplement, the proof that the log has it.

    Raises:
        InputError: not a PDF that can be checked, or its bundle is of another log; or the proof of an act, and
            the PDF is no supplement.
    """
    sealed = parse_sealed_pdf(raw)
    broken = _check_bytes(sealed)
    if broken is not None:
        return build_report([broken], None, session.policy, None, complete=False)
    bundle = parse_bundle(sealed.bundle)
    disclosure = None if sealed.disclosure is None else parse_disclosure(sealed.disclosure)
    supplement = None if sealed.supplement is None else parse_supplement(sealed.supplement)
    if supplement is None and act is not None:
        refuse("is no supplement: the proof of an act says nothing of it")

    def judge(established: Established | None) -> list[Check]:
        found = [
            passed(Step.INTEGRITY, "the PDF is as it was signed, to its last byte", "PDF自签名后未改动"),
            _check_parts(sealed, bundle, disclosure),
            _check_signer(sealed, bundle, session, established),
            *_check_time(sealed, session, now, established),
        ]
        if supplement is None:
            return found
        digest, certificate = hashlib.sha256(raw).digest(), bundle.certificate
        in_log = check_act(supplement, digest, act, certificate, established, session)
        return join_checks(found, [check_supplement(supplement, certificate), in_log])

    if supplement is None:
        return verify_bundle(bundle, session, now, look, carrier=judge)
    note, required = describe_supplement(supplement), frozenset({Step.INCLUSION})
    return verify_bundle(bundle, session, now, look, carrier=judge, required=required, note=note)


# --- steps ------------------------------------------------------------------------------------------------


def _check_bytes(sealed: SealedPdf) -> Check | None:
    """Steps 1 and 3 where the signature does not hold; None where it does."""
    try:
        verify_cms(sealed.signature, sealed.digest)
    except BrokenSignatureError as err:
        if sealed.signature.message_digest == sealed.digest:
            return failed(Step.SEAL, f"the PDF's own signature: {err}", "PDF签名无效")
        return failed(Step.INTEGRITY, "the PDF was changed after it was signed", "PDF在签名后被改动")
    return None


def _check_parts(sealed: SealedPdf, bundle: ProofBundle, disclosure: Disclosure | None) -> Check:
    """Step 2: the files in the PDF are of one document."""
    if sealed.certificate != bundle.certificate.raw:
        return failed(Step.BINDING, "certificate and bundle in the PDF differ", "PDF所附证书与证明文件不一致")
    record = bundle.certificate.document["credentialSubject"]
    try:
        if disclosure is not None and isinstance(record, dict):
            verify_disclosure(record, disclosure)
    except VerificationError as err:
        return checks.from_error(Step.BINDING, err)
    return passed(
        Step.BINDING, "certificate and bundle in the PDF are one document", "PDF所附证书与证明文件一致"
    )


def _check_signer(
    sealed: SealedPdf, bundle: ProofBundle, session: Session, established: Established | None
) -> Check:
    """Step 3: the PDF is signed by the institution of the certificate, with a key that counts."""
    key, institution = sealed.signature.key, bundle.certificate.record.issuer.id
    if established is None:
        return not_checked(
            Step.SEAL, "the key of the PDF's signature is not known", "PDF签名密钥未知，无法核对"
        )
    known = established.registers.keys.get(key.key_id)
    if known is None or known.key != key or known.owner != institution:
        return failed(
            Step.SEAL,
            f"the PDF is signed by a key that is not of institution {institution}",
            f"PDF签名密钥不属于机构{institution}",
        )
    since = session.find_compromise(key.key_id, established.registers)
    if since is not None:
        return failed(
            Step.SEAL,
            f"the PDF's key is compromised from {since:%Y-%m-%d %H:%M} UTC on, and nothing shows that the PDF is "
            "older; the bundle in it may be checked by itself",
            f"PDF签名密钥自{since:%Y-%m-%d %H:%M} UTC起失密，无法证明PDF在此之前签名；可单独核验所附证明文件",
        )
    if known.until is not None:
        return failed(
            Step.SEAL, "the PDF is signed by a key that had ended before", "PDF签名所用密钥此前已停用"
        )
    if session.find_end_of_key(key.key_id) is not None:
        return not_checked(
            Step.SEAL,
            "the key of the PDF's signature has ended; whether the PDF is older does not show here",
            "PDF签名密钥已停用；无法由此判断PDF是否在停用前签名",
        )
    when = f"{sealed.signed_at:%Y-%m-%d %H:%M:%S} UTC"
    return passed(
        Step.SEAL,
        f"the PDF is signed by institution {institution}, key {key.key_id.hex()}, by its own word on {when}",
        f"PDF由机构{institution}签名，密钥{key.key_id.hex()}，自述时间{when}",
    )


def _check_time(
    sealed: SealedPdf, session: Session, now: datetime, established: Established | None
) -> Iterator[Check]:
    """Step 17: the PDF was signed after the state of the ledger that it holds, and before now."""
    tolerance = session.policy.clock_tolerance
    if sealed.signed_at > now + tolerance:
        yield failed(Step.TIME, "the PDF says that it was signed in the future", "PDF签名时间晚于当前时间")
    elif established is not None and sealed.signed_at + tolerance < established.stated_at:
        yield failed(
            Step.TIME,
            "the PDF says that it was signed before the state of the ledger that it holds",
            "PDF签名时间早于其所附账本状态",
        )


# --- parts of the file ------------------------------------------------------------------------------------


def _find_signature(pdf: PdfFile, root: Dictionary) -> Dictionary:
    """Return the dictionary of the one signature."""
    if "AcroForm" not in root:
        refuse("is not signed; check the bundle instead, or ask the institution for the signed document")
    form = pdf.resolve_dictionary(root["AcroForm"], "form")
    fields = pdf.resolve_list(form.get("Fields"), "list of signatures")
    if len(fields) != 1:
        refuse(f"holds {len(fields)} signatures instead of one")
    field = pdf.resolve_dictionary(fields[0], "field of a signature")
    if field.get("FT") != "Sig" or "Kids" in field or "V" not in field:
        refuse("is not signed by its field of a signature")
    members = pdf.resolve_dictionary(field["V"], "signature")
    if members.get("SubFilter") != Name(_SUBFILTER) or members.get("Type", "Sig") != "Sig":
        refuse("is signed in another way than PAdES")
    return members


def _parse_signature(raw: bytes, members: Dictionary) -> tuple[tuple[int, int], CmsSignature]:
    """Return where the signature stands and what it says; it must cover everything else."""
    contents, ranges = members.get("Contents"), members.get("ByteRange")
    if not isinstance(contents, HexString) or not isinstance(ranges, list):
        refuse("has a signature without content")
    if ranges != [0, contents.start, contents.end, len(raw) - contents.end]:
        refuse("has a signature that does not cover the whole file: something was added or left out")
    if _DIGITS.fullmatch(raw, contents.start, contents.end) is None:
        refuse("has a signature that is not written in upper-case digits")
    der = contents.content
    length = _measure_der(der)
    if any(der[length:]):
        refuse("has something behind its signature")
    return (contents.start, contents.end), parse_cms(der[:length])


def _measure_der(raw: bytes) -> int:
    """Return how many bytes the SEQUENCE at the beginning takes (X.690 §8.1.3)."""
    if len(raw) < 6 or raw[0] != 0x30 or raw[1] not in {0x82, 0x83}:
        refuse("has a signature that cannot be read")
    size = raw[1] & 0x7F
    length = 2 + size + int.from_bytes(raw[2 : 2 + size])
    if length > len(raw):
        refuse("has a signature that is cut off")
    return length


def _parse_time(value: object) -> datetime:
    found = _TIME.fullmatch(value) if isinstance(value, bytes) else None
    try:
        return datetime.strptime(found[1].decode() if found else "", "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        refuse("has a signature without a time in UTC")


def _read_attachments(pdf: PdfFile, root: Dictionary) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of every attachment."""
    names = pdf.resolve_dictionary(root.get("Names"), "attachments")
    tree = pdf.resolve_dictionary(names.get("EmbeddedFiles"), "attachments")
    pairs = pdf.resolve_list(tree.get("Names"), "attachments")
    if "Kids" in tree or len(pairs) % 2 or len(pairs) > 2 * len(_SIZES):
        refuse("has attachments that are not ours")
    seen: set[str] = set()
    for place in range(0, len(pairs), 2):
        text = pairs[place]
        name = text.decode("latin-1") if isinstance(text, bytes) else ""
        if name not in _SIZES or name in seen:
            refuse("has an attachment that is not ours, or one twice")
        seen.add(name)
        yield name, _read_attachment(pdf, pairs[place + 1], name)


def _read_attachment(pdf: PdfFile, value: object, name: str) -> bytes:
    """Return the content of an attachment, which must have one name and one content."""
    described = pdf.resolve_dictionary(value, "attachment")  # type: ignore[arg-type] # any value of the file
    files = pdf.resolve_dictionary(described.get("EF"), "attachment")
    if {described.get("F"), described.get("UF")} != {name.encode()} or len(
        set(map(repr, files.values()))
    ) != 1:
        refuse(f"has two different files as {name}")
    return pdf.read_stream(files.get("F"), name, _SIZES[name])
