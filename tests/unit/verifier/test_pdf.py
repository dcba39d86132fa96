"""A signed PDF: what passes, and everything that must not."""

import io
import json
import subprocess
import sys
import time
import zlib
from datetime import timedelta

import pikepdf
import pytest
from conftest import LONG
from ledger_in_memory import INSTITUTION, NOW, SIGNED_AT, MemoryLedger, make_rejection, make_signer
from printed import make_p256, make_personal_record, render, rewrite, sign
from pyhanko.pdf_utils.generic import pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers as pyhanko_signers
from pyhanko.sign.fields import SigFieldSpec, append_signature_field

from ledger.core.authority import RegisterState
from ledger.core.canonical import encode_canonical_json
from ledger.core.errors import InputError, PolicyMismatchError
from ledger.core.step import Outcome, Step, Verdict, failed
from verifier import pdf as pdf_module
from verifier.pdf import parse_sealed_pdf, verify_pdf
from verifier.pdf_objects import MAX_PDF_BYTES
from verifier.report import DocumentStatus

RECORD, MEMBERS = make_personal_record()


@pytest.fixture(scope="module")
def ledger():
    return MemoryLedger().found()


@pytest.fixture(scope="module")
def index(ledger):
    return ledger.issue_record(RECORD)


@pytest.fixture(scope="module")
def unsigned(ledger, index):
    return render(ledger, index)


@pytest.fixture(scope="module")
def signed(unsigned):
    return sign(unsigned)


@pytest.fixture(scope="module")
def session(ledger):
    return ledger.session()


def outcome(report, step: Step) -> Outcome:
    return next(check.outcome for check in report.checks if check.step is step)


def reason(report, step: Step) -> str:
    return next(check.reason.en for check in report.checks if check.step is step)


def is_refused(raw: bytes, session) -> bool:
    """Say that a file is INVALID and shows nothing, or is no document; anything else that is raised is a fault."""
    try:
        report = verify_pdf(raw, session, NOW)
    except InputError:
        return True
    return report.verdict is Verdict.INVALID and not report.authentic and report.document is None


# --- what passes ------------------------------------------------------------------------------------------


def test_a_signed_pdf_is_as_valid_as_its_bundle_and_says_who_signed_it(signed, session):
    report = verify_pdf(signed, session, NOW)
    assert (report.verdict, report.authentic, report.status) == (Verdict.VALID, True, DocumentStatus.VALID)
    assert report.document.number == "JY2026-000001"
    key = make_signer("seal").public_key.key_id.hex()
    assert f"the PDF is signed by institution {INSTITUTION}, key {key}" in reason(report, Step.SEAL)
    assert "2026-03-03 07:00:00 UTC" in reason(report, Step.SEAL)
    assert "the PDF is as it was signed" in reason(report, Step.INTEGRITY)
    assert "one document" in reason(report, Step.BINDING)


def test_a_holders_copy_passes(ledger, index, session):
    assert verify_pdf(sign(render(ledger, index, MEMBERS)), session, NOW).verdict is Verdict.VALID


def test_a_rejection_notice_is_authentic_and_not_to_be_relied_on():
    ledger = MemoryLedger().found()
    raw = sign(render(ledger, ledger.issue_record(make_rejection(1))))
    report = verify_pdf(raw, ledger.session(), NOW)
    assert (report.verdict, report.authentic, report.status) == (Verdict.INVALID, True, DocumentStatus.FAILED)


def test_a_p256_seal_passes():
    ledger = MemoryLedger().found()
    index = ledger.issue(1)
    signer = make_p256("other")
    ledger.append(_register(ledger, signer))
    report = verify_pdf(sign(render(ledger, index), signer), ledger.session(), NOW)
    assert report.verdict is Verdict.VALID


def test_a_look_at_the_chain_is_required_where_it_is_asked_for(signed, session):
    report = verify_pdf(signed, session, NOW, lambda _: failed(Step.CHAIN, "another root", "根不符"))
    assert (report.verdict, outcome(report, Step.CHAIN)) == (Verdict.INVALID, Outcome.FAILED)


# --- changed bytes ----------------------------------------------------------------------------------------


def test_no_byte_may_be_changed(signed, session):
    """Around the signature, and of the rest, which one hash covers: a stride, or every byte in long drills."""
    gap = parse_sealed_pdf(signed).gap
    near = range(gap[0] - 200, gap[0] + 2200, 1 if LONG else 19)
    behind = range(gap[1] - 40, len(signed), 1 if LONG else 13)
    rest = range(0, len(signed), 1 if LONG else 1999)
    raw = bytearray(signed)
    for place in sorted({*near, *behind, *rest}):
        kept = raw[place]
        raw[place] = kept ^ 1
        assert is_refused(bytes(raw), session), place
        raw[place] = kept


@pytest.mark.parametrize("flip", [0x20, 0x80, 0xFF])
def test_no_digit_of_the_signature_may_be_spelt_otherwise(signed, session, flip):
    start, _ = parse_sealed_pdf(signed).gap
    raw = bytearray(signed)
    for place in range(start, start + 1900, 1 if LONG else 13):
        kept = raw[place]
        raw[place] = kept ^ flip
        assert is_refused(bytes(raw), session), place
        raw[place] = kept


@pytest.mark.parametrize("kept", [0, 1, 10, 1000, -9000, -700, -100, -7, -2])
def test_a_file_that_is_cut_off_is_refused(signed, session, kept):
    with pytest.raises(InputError):
        verify_pdf(signed[:kept], session, NOW)


@pytest.mark.parametrize("added", [b"\n", b" ", b"%", b"\x00", b"%%EOF\n", b"startxref\n9\n%%EOF\n"])
def test_nothing_may_stand_behind_the_end(signed, session, added):
    with pytest.raises(InputError):
        verify_pdf(signed + added, session, NOW)


def test_a_changed_page_is_invalid_and_shows_nothing(signed, session):
    raw = bytearray(signed)
    raw[signed.index(b"FlateDecode") + 200] ^= 1
    report = verify_pdf(bytes(raw), session, NOW)
    assert (report.verdict, report.exit_code, report.document) == (Verdict.INVALID, 1, None)
    assert reason(report, Step.INTEGRITY) == "the PDF was changed after it was signed"
    assert {check.outcome for check in report.checks} == {Outcome.FAILED, Outcome.NOT_CHECKED}


def test_zeros_behind_the_signature_are_zeros(signed, session):
    _, end = parse_sealed_pdf(signed).gap
    raw = bytearray(signed)
    raw[end - 3] = ord("1")
    with pytest.raises(InputError, match="something behind its signature"):
        verify_pdf(bytes(raw), session, NOW)


def test_a_signature_of_another_file_is_not_this_ones(ledger, index, signed, session):
    other = sign(render(ledger, index, development=False))
    start, end = parse_sealed_pdf(signed).gap
    first, last = parse_sealed_pdf(other).gap
    assert end - start == last - first
    report = verify_pdf(signed[:start] + other[first:last] + signed[end:], session, NOW)
    assert outcome(report, Step.INTEGRITY) is Outcome.FAILED


# --- revisions, signatures, forms -------------------------------------------------------------------------


def update(raw: bytes) -> bytes:
    """Return the file after a later revision, as an editor makes it."""
    output = io.BytesIO(raw)
    writer = IncrementalPdfFileWriter(output)
    writer.root["/Lang"] = pdf_string("en")
    writer.update_root()
    writer.write_in_place()
    return output.getvalue()


def test_a_later_revision_is_refused(signed, session):
    with pytest.raises(InputError, match=r"whole file|updated more often"):
        verify_pdf(update(signed), session, NOW)


def test_two_signatures_are_refused(signed, session):
    with pytest.raises(InputError, match=r"2 signatures|updated more often"):
        verify_pdf(sign_again(signed), session, NOW)


def sign_again(raw: bytes) -> bytes:
    output = io.BytesIO(raw)
    writer = IncrementalPdfFileWriter(output)
    append_signature_field(writer, SigFieldSpec("Second"))
    writer.write_in_place()
    return output.getvalue()


def test_an_empty_field_for_a_second_signature_is_refused(unsigned, session):
    raw = sign(rewrite(unsigned, lambda pdf: None))
    verify_pdf(raw, session, NOW)
    with pytest.raises(InputError, match="2 signatures"):
        verify_pdf(sign(add_field(unsigned)), session, NOW)


def add_field(raw: bytes) -> bytes:
    def change(pdf):
        field = pdf.make_indirect(pikepdf.Dictionary(FT=pikepdf.Name.Sig, T="Second"))
        pdf.Root.AcroForm = pdf.make_indirect(pikepdf.Dictionary(Fields=pikepdf.Array([field]), SigFlags=1))

    return rewrite(raw, change)


def test_an_unsigned_document_is_refused_with_advice(unsigned, session):
    with pytest.raises(InputError, match="is not signed; check the bundle instead"):
        verify_pdf(unsigned, session, NOW)


def test_an_encrypted_document_is_refused(unsigned, session):
    with pikepdf.open(io.BytesIO(unsigned)) as opened:
        output = io.BytesIO()
        opened.save(
            output,
            encryption=pikepdf.Encryption(owner="o", user=""),
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
        )
    with pytest.raises(InputError, match="encrypted"):
        verify_pdf(output.getvalue(), session, NOW)


def test_another_programs_pdf_is_refused(unsigned, session):
    with pikepdf.open(io.BytesIO(unsigned)) as opened:
        output = io.BytesIO()
        opened.save(output, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    with pytest.raises(InputError, match="no plain table of objects"):
        verify_pdf(output.getvalue(), session, NOW)


def test_a_signature_by_another_program_is_refused(unsigned, session):
    """PKCS#7 without PAdES, by a key of its own."""
    output = io.BytesIO(unsigned)
    from asn1crypto import keys, x509
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    from issuer.rendering.pades import issue_seal

    own = make_p256("stranger")
    key = own._secret.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    signer = pyhanko_signers.SimpleSigner(
        x509.Certificate.load(issue_seal(own, "X-1", "X").x509_certificate),
        keys.PrivateKeyInfo.load(key),
        SimpleCertificateStore(),
    )
    metadata = pyhanko_signers.PdfSignatureMetadata(field_name="S", md_algorithm="sha256")
    raw = pyhanko_signers.sign_pdf(IncrementalPdfFileWriter(output), metadata, signer).getvalue()
    with pytest.raises(InputError, match="another way than PAdES"):
        verify_pdf(raw, session, NOW)


# --- attachments ------------------------------------------------------------------------------------------


def attach(raw: bytes, name: str, content: bytes, *, compress: bool = True) -> bytes:
    """Return the document with one more attachment, or with another content of one."""

    def change(pdf):
        stream = pdf.make_stream(zlib.compress(content, 9) if compress else content)
        if compress:
            stream.Filter = pikepdf.Name.FlateDecode
        spec = pikepdf.Dictionary(
            Type=pikepdf.Name.Filespec, F=name, UF=name, EF=pikepdf.Dictionary(F=stream, UF=stream)
        )
        names = pdf.Root.Names.EmbeddedFiles.Names
        kept = [(str(names[n]), names[n + 1]) for n in range(0, len(names), 2) if str(names[n]) != name]
        pairs = [*kept, (name, pdf.make_indirect(spec))]
        pdf.Root.Names.EmbeddedFiles.Names = pikepdf.Array([part for pair in pairs for part in pair])

    return rewrite(raw, change)


def test_a_certificate_that_is_not_the_bundles_fails_step_2(ledger, unsigned, session):
    other = encode_canonical_json(ledger.documents[ledger.issue(9)].credential)
    report = verify_pdf(sign(attach(unsigned, "certificate.json", other)), session, NOW)
    assert (report.verdict, outcome(report, Step.BINDING)) == (Verdict.INVALID, Outcome.FAILED)
    assert report.document is None


def test_a_disclosure_of_other_values_fails_step_2(unsigned, session):
    wrong = b'{"certificate":"' + b"00" * 32 + b'","members":{"applicant":{"salt":"' + b"00" * 16
    wrong += b'","value":"x"}},"type":"hengzheng/disclosure/v1"}'
    report = verify_pdf(sign(attach(unsigned, "disclosure.json", wrong)), session, NOW)
    assert outcome(report, Step.BINDING) is Outcome.FAILED
    assert "applicant" in reason(report, Step.BINDING)


def test_a_stranger_among_the_attachments_is_refused(unsigned, session):
    with pytest.raises(InputError, match="not ours"):
        verify_pdf(sign(attach(unsigned, "other.json", b"{}")), session, NOW)


def test_an_attachment_twice_is_refused(unsigned, session):
    def change(pdf):
        names = pdf.Root.Names.EmbeddedFiles.Names
        pdf.Root.Names.EmbeddedFiles.Names = pikepdf.Array([*names, *list(names)[:2]])

    with pytest.raises(InputError, match="or one twice"):
        verify_pdf(sign(rewrite(unsigned, change)), session, NOW)


def test_two_contents_under_one_name_are_refused(unsigned, session):
    def change(pdf):
        pdf.Root.AF[0].EF.UF = pdf.make_stream(b"{}")

    with pytest.raises(InputError, match="two different files"):
        verify_pdf(sign(rewrite(unsigned, change)), session, NOW)


def test_a_document_without_bundle_is_refused(ledger, index, session):
    with pytest.raises(InputError, match=r"no certificate\.json, or no bundle\.json"):
        verify_pdf(sign(render(ledger, index, bundle=None)), session, NOW)


@pytest.mark.parametrize("content", [b"", b"{}", b"[1.5]", b"\xff"])
def test_a_bundle_that_is_none_is_refused(unsigned, session, content):
    with pytest.raises(InputError):
        verify_pdf(sign(attach(unsigned, "bundle.json", content)), session, NOW)


def test_a_bundle_of_another_log_is_refused(session):
    other = MemoryLedger("other.example/2026").found()
    with pytest.raises(PolicyMismatchError):
        verify_pdf(sign(render(other, other.issue(1))), session, NOW)


def test_a_damaged_attachment_is_refused(unsigned, session):
    def change(pdf):
        stream = pdf.Root.AF[0].EF.F
        raw = stream.read_raw_bytes()
        stream.write(raw[:-20], filter=pikepdf.Name.FlateDecode)

    with pytest.raises(InputError, match="damaged"):
        verify_pdf(sign(rewrite(unsigned, change)), session, NOW)


# --- keys -------------------------------------------------------------------------------------------------


def _register(ledger: MemoryLedger, signer, version: int = 0, state=RegisterState.ACTIVE) -> bytes:
    return ledger.key(
        key=signer.public_key, endorsers=() if version else (signer,), version=version, state=state
    )


def test_a_stranger_who_signs_a_genuine_bundle_fails_step_3(unsigned, session):
    for stranger in (make_signer("stranger"), make_p256("stranger")):
        report = verify_pdf(sign(unsigned, stranger), session, NOW)
        assert (report.verdict, outcome(report, Step.SEAL)) == (Verdict.INVALID, Outcome.FAILED)
        assert "not of institution" in reason(report, Step.SEAL)
        assert report.document is None


def test_the_authoritys_key_and_the_logs_are_not_the_institutions(unsigned, session):
    for name in ("authority", "root", "log"):
        assert outcome(verify_pdf(sign(unsigned, name), session, NOW), Step.SEAL) is Outcome.FAILED


def test_a_key_that_had_ended_when_the_state_was_signed_fails():
    ledger = MemoryLedger().found()
    index = ledger.issue(1)
    ledger.append(_register(ledger, make_signer("seal"), 1, RegisterState.WITHDRAWN))
    report = verify_pdf(sign(render(ledger, index)), ledger.session(), NOW)
    assert "had ended" in reason(report, Step.SEAL)
    assert outcome(report, Step.SEAL) is Outcome.FAILED


def test_a_newer_key_of_the_institution_may_sign_an_older_certificate():
    ledger = MemoryLedger().found()
    index = ledger.issue(1)
    ledger.append(_register(ledger, make_signer("second")))
    ledger.append(_register(ledger, make_signer("seal"), 1, RegisterState.WITHDRAWN))
    report = verify_pdf(sign(render(ledger, index), "second"), ledger.session(), NOW)
    assert report.verdict is Verdict.VALID


def test_a_key_that_has_ended_since_by_the_trust_list_is_not_checked():
    ledger = MemoryLedger().found()
    index = ledger.issue(1)
    raw = sign(render(ledger, index))
    ledger.append(_register(ledger, make_signer("seal"), 1, RegisterState.WITHDRAWN))
    report = verify_pdf(raw, ledger.session(trust=True), NOW)
    assert outcome(report, Step.SEAL) is Outcome.NOT_CHECKED
    assert report.verdict is Verdict.UNKNOWN


def test_a_compromised_key_fails_whatever_the_pdf_says_of_its_time():
    ledger = MemoryLedger().found()
    index = ledger.issue(1)
    raw = sign(render(ledger, index))
    ledger.append(ledger.compromise(SIGNED_AT))
    report = verify_pdf(raw, ledger.session(trust=True), NOW)
    assert outcome(report, Step.SEAL) is Outcome.FAILED
    assert "compromised" in reason(report, Step.SEAL)


@pytest.mark.parametrize("hours", [-24 * 60, 1])
def test_a_time_of_signing_before_its_proofs_or_after_now_fails_step_17(unsigned, session, hours):
    raw = sign(unsigned, at=NOW + timedelta(hours=hours))
    report = verify_pdf(raw, session, NOW)
    assert (report.verdict, outcome(report, Step.TIME)) == (Verdict.INVALID, Outcome.FAILED)


def test_broken_evidence_leaves_the_pdfs_key_unknown(ledger, unsigned):
    report = verify_pdf(sign(unsigned), ledger.session(root_digest=bytes(32)), NOW)
    assert report.verdict is Verdict.INVALID
    assert outcome(report, Step.SEAL) is not Outcome.PASSED


def test_every_check_of_the_pdf_counts(signed, session, monkeypatch):
    """Each function that judges can fail a document that passes otherwise."""
    for name, step in (("_check_parts", Step.BINDING), ("_check_signer", Step.SEAL)):
        with monkeypatch.context() as patch:
            patch.setattr(pdf_module, name, lambda *_, step=step: failed(step, "no", "否"))
            assert verify_pdf(signed, session, NOW).verdict is Verdict.INVALID


# --- hostile files ----------------------------------------------------------------------------------------


def test_a_file_that_is_too_large_is_refused(session):
    with pytest.raises(InputError, match="16 MiB"):
        verify_pdf(b"%PDF-1.7" + bytes(MAX_PDF_BYTES), session, NOW)


BOMB = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (600_000_000, 600_000_000))
from verifier.pdf import parse_sealed_pdf
from ledger.core.errors import InputError
try:
    parse_sealed_pdf(open(sys.argv[1], "rb").read())
except InputError as err:
    peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print(peak.split()[1], err)
"""


def test_a_bomb_is_refused_in_little_memory(unsigned, tmp_path):
    """One gibibyte of zeros as bundle, which takes one mebibyte in the file."""
    machine = zlib.compressobj(9)
    packed = b"".join(machine.compress(bytes(1 << 20)) for _ in range(1024)) + machine.flush()

    def change(pdf):
        attached = {str(spec.F): spec for spec in pdf.Root.AF}
        attached["bundle.json"].EF.F.write(packed, filter=pikepdf.Name.FlateDecode)

    (tmp_path / "bomb.pdf").write_bytes(sign(rewrite(unsigned, change)))
    started = time.monotonic()
    result = subprocess.run(
        [sys.executable, "-c", BOMB, tmp_path / "bomb.pdf"], capture_output=True, text=True, check=True
    )
    kilobytes, said = result.stdout.split(" ", 1)
    assert "bundle.json of more than" in said
    assert int(kilobytes) < 150_000
    assert time.monotonic() - started < 20


LIGHT = """
import json, sys
from verifier.pdf import parse_sealed_pdf
before = {name.partition(".")[0] for name in sys.modules}
parse_sealed_pdf(open(sys.argv[1], "rb").read())
after = {name.partition(".")[0] for name in sys.modules}
print(json.dumps([sorted(before), sorted(after)]))
"""


def test_neither_loading_nor_verifying_loads_a_pdf_library_or_a_network(signed, tmp_path):
    (tmp_path / "document.pdf").write_bytes(signed)
    told = subprocess.run(
        [sys.executable, "-c", LIGHT, tmp_path / "document.pdf"], capture_output=True, text=True, check=True
    )
    before, after = map(set, json.loads(told.stdout))
    assert not {"pyhanko", "asn1crypto", "aiohttp", "lxml", "typst", "web3", "issuer"} & before
    assert "asn1crypto" in after
    assert not {"pyhanko", "aiohttp", "lxml", "typst", "web3", "issuer"} & after
