"""The signature on a PDF, judged by pyHanko, by OpenSSL's X.509 and by the bytes themselves."""

import io
from datetime import UTC, datetime, timedelta

import pikepdf
import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from ledger_in_memory import MemoryLedger, make_record, make_signer
from printed import MADE_AT, make_p256, render, sign
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import SignatureCoverageLevel, validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from issuer.rendering.pades import FIRST_DAY, LAST_SECOND, issue_seal, sign_pdf
from ledger.core.errors import MalformedDocumentError

SIGNERS = {"ed25519": make_signer("seal"), "p256": make_p256("seal")}


@pytest.fixture(scope="module")
def pdf():
    ledger = MemoryLedger().found()
    return render(ledger, ledger.issue_record(make_record(1)))


def validate(raw: bytes):
    [embedded] = PdfFileReader(io.BytesIO(raw)).embedded_signatures
    context = ValidationContext(trust_roots=[embedded.signer_cert], allow_fetching=False)
    return embedded, validate_pdf_signature(embedded, context)


@pytest.mark.parametrize("name", SIGNERS)
def test_pyhanko_finds_one_sound_signature_over_the_whole_file(pdf, name):
    embedded, status = validate(sign(pdf, SIGNERS[name]))
    assert status.bottom_line
    assert status.intact
    assert status.coverage is SignatureCoverageLevel.ENTIRE_FILE
    assert embedded.sig_object["/SubFilter"] == "/ETSI.CAdES.detached"
    assert status.signer_reported_dt == MADE_AT


@pytest.mark.parametrize("name", SIGNERS)
def test_pyhanko_sees_a_changed_byte(pdf, name):
    raw = bytearray(sign(pdf, SIGNERS[name]))
    raw[5000] ^= 1
    _, status = validate(bytes(raw))
    assert not status.bottom_line


@pytest.mark.parametrize("name", SIGNERS)
def test_the_same_file_key_and_time_give_the_same_bytes(pdf, name):
    assert sign(pdf, SIGNERS[name]) == sign(pdf, SIGNERS[name])
    assert sign(pdf, SIGNERS[name], MADE_AT + timedelta(seconds=1)) != sign(pdf, SIGNERS[name])


def test_the_signed_file_begins_with_the_unsigned_one(pdf):
    assert sign(pdf).startswith(pdf)


def test_a_signed_file_is_still_pdf_a_3_with_its_attachments(pdf):
    with pikepdf.open(io.BytesIO(sign(pdf))) as opened:
        assert b"<pdfaid:part>3</pdfaid:part>" in opened.Root.Metadata.read_bytes()
        assert len(opened.Root.OutputIntents) == 1
        assert {str(spec.F) for spec in opened.Root.AF} == {"certificate.json", "bundle.json"}
        assert opened.Root.Perms.DocMDP.Reference[0].TransformParams.P == 1  # nothing may be changed


@pytest.mark.parametrize("name", SIGNERS)
def test_the_x509_certificate_carries_the_seal_key_and_is_issued_by_it(name):
    seal = issue_seal(SIGNERS[name], "350100-01", "福州市计量所")
    found = x509.load_der_x509_certificate(seal.x509_certificate)
    found.verify_directly_issued_by(found)
    assert found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "福州市计量所"
    assert found.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)[0].value == "350100-01"
    assert (found.not_valid_before_utc, found.not_valid_after_utc) == (FIRST_DAY, LAST_SECOND)
    assert not found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    usage = found.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature
    assert usage.content_commitment
    assert not usage.key_cert_sign


def test_serial_numbers_and_dates_follow_from_what_is_given():
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2049, 12, 31, tzinfo=UTC)
    one = issue_seal(SIGNERS["p256"], "A-1", "甲", start, end)
    assert one == issue_seal(SIGNERS["p256"], "A-1", "甲", start, end)
    found = x509.load_der_x509_certificate(one.x509_certificate)
    assert (found.not_valid_before_utc, found.not_valid_after_utc) == (start, end)
    other = x509.load_der_x509_certificate(issue_seal(SIGNERS["ed25519"], "A-1", "甲").x509_certificate)
    assert 0 < found.serial_number != other.serial_number > 0


def test_a_name_too_long_for_x509_is_cut():
    found = x509.load_der_x509_certificate(issue_seal(SIGNERS["p256"], "A-1", "计" * 66).x509_certificate)
    assert found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "计" * 21


def test_an_x509_date_with_a_fraction_of_a_second_is_refused():
    with pytest.raises(MalformedDocumentError, match="whole seconds"):
        issue_seal(SIGNERS["p256"], "A-1", "甲", FIRST_DAY.replace(microsecond=1))


def test_a_time_of_another_zone_is_the_same_instant(pdf):
    zoned = MADE_AT.astimezone()
    seal = issue_seal(SIGNERS["ed25519"], "A-1", "甲")
    assert sign_pdf(pdf, seal, zoned) == sign_pdf(pdf, seal, MADE_AT)
