"""PDF/A-3: its parts, its attachments, its words, and what cannot be printed."""

import io
import re
import shutil
import subprocess
from datetime import timedelta

import pikepdf
import pytest
from ledger_in_memory import MemoryLedger, make_record, make_rejection
from PIL import Image
from printed import (
    LETTERHEAD,
    MADE_AT,
    attachments,
    make_content,
    make_personal_record,
    read_text,
    render,
    typesetter,
)

from issuer.rendering import wording
from issuer.rendering.document import Typesetter, explain_refusal
from ledger.core.disclosure import encode_disclosure
from ledger.core.errors import InputError, VerificationError
from ledger.core.record import DocumentType
from verifier.picture import read_qr_picture
from verifier.report import DISCLAIMER

RECORD, MEMBERS = make_personal_record()


@pytest.fixture(scope="module")
def ledger():
    return MemoryLedger().found()


@pytest.fixture(scope="module")
def index(ledger):
    return ledger.issue_record(RECORD)


@pytest.fixture(scope="module")
def public(ledger, index):
    return render(ledger, index)


@pytest.fixture(scope="module")
def held(ledger, index):
    return render(ledger, index, MEMBERS)


# --- the form ---------------------------------------------------------------------------------------------


def test_it_is_pdf_a_3_with_one_output_intent_and_only_embedded_fonts(public):
    with pikepdf.open(io.BytesIO(public)) as pdf:
        xmp = pdf.Root.Metadata.read_bytes().decode()
        assert re.search(r"<pdfaid:part>3</pdfaid:part>", xmp)
        assert re.search(r"<pdfaid:conformance>A</pdfaid:conformance>", xmp)
        assert len(pdf.Root.OutputIntents) == 1
        assert pdf.Root.MarkInfo.Marked
        assert "Encrypt" not in pdf.trailer
        described = [
            item for item in pdf.objects if isinstance(item, pikepdf.Dictionary) and "/FontName" in item
        ]
        assert described
        assert all("/FontFile3" in font for font in described)


def test_certificate_and_bundle_are_attached_byte_for_byte(ledger, index, public):
    content = make_content(ledger, index)
    assert attachments(public) == {
        "certificate.json": (content.certificate.raw, "/Source"),
        "bundle.json": (content.bundle, "/Data"),
    }


def test_the_holders_copy_has_the_disclosure_too(ledger, index, held):
    raw = encode_disclosure(make_content(ledger, index, MEMBERS).disclosure)
    assert attachments(held)["disclosure.json"] == (raw, "/Supplement")


def test_a_document_without_bundle_has_none(ledger, index):
    assert set(attachments(render(ledger, index, bundle=None))) == {"certificate.json"}


def test_the_same_input_gives_the_same_bytes_in_another_typesetter_too(ledger, index, public):
    assert Typesetter(()).render(make_content(ledger, index), MADE_AT) == public
    assert typesetter().render(make_content(ledger, index), MADE_AT + timedelta(seconds=1)) != public


def test_a_fraction_of_a_second_changes_nothing(ledger, index, public):
    later = MADE_AT + timedelta(milliseconds=999)
    assert typesetter().render(make_content(ledger, index), later) == public


# --- the words --------------------------------------------------------------------------------------------


def test_every_page_bears_number_page_count_and_what_it_is(public, tmp_path):
    pages = read_text(public, tmp_path).split("\f")[:-1]
    assert len(pages) >= 2
    for place, page in enumerate(pages, start=1):
        for words in (
            "JY2026-000001",
            f"第 {place} 页 共 {len(pages)} 页",
            f"Page {place} of {len(pages)}",
            wording.ELECTRONIC[DocumentType.VERIFICATION_CERTIFICATE].zh,
            wording.BANNER.zh,
        ):
            assert words in page


def test_the_end_mark_stands_once_at_the_end(public, tmp_path):
    text = read_text(public, tmp_path)
    assert text.count(wording.END_MARK.zh) == 1
    assert wording.END_MARK.zh in text.split("\f")[-2]


def test_a_public_copy_shows_no_personal_value_and_the_holders_copy_all(public, held, tmp_path):
    values = ["林示例", "陈示例", "张示例", "福州示例石油有限公司", "91350100M000100Y43"]
    open_text, held_text = read_text(public, tmp_path), read_text(held, tmp_path)
    assert not [value for value in values if value in open_text]
    assert not [value for value in values if value not in held_text]
    assert all(value.encode() not in public and value not in str(attachments(public)) for value in values)


def test_no_banner_in_production(ledger, index, tmp_path):
    text = read_text(render(ledger, index, development=False), tmp_path)
    assert wording.BANNER.zh not in text
    assert wording.BANNER.en not in text


def test_the_disclaimer_is_the_verifiers_and_stands_on_what_may_look_green_only(ledger, index, tmp_path):
    assert tuple(wording.DISCLAIMER) == (DISCLAIMER.zh, DISCLAIMER.en)
    rejected = ledger.issue_record(make_rejection(7))
    squeezed = re.sub(r"\s", "", read_text(render(ledger, index), tmp_path))
    failed = re.sub(r"\s", "", read_text(render(ledger, rejected), tmp_path))
    assert DISCLAIMER.zh in squeezed
    assert DISCLAIMER.zh not in failed
    assert wording.REJECTED.zh in failed
    assert "检定结果通知书" in failed


def test_the_code_on_paper_leads_to_the_certificate(ledger, index, public, tmp_path):
    if shutil.which("pdftoppm") is None:
        pytest.skip("poppler's pdftoppm is not installed")
    (tmp_path / "document.pdf").write_bytes(public)
    subprocess.run(
        ["pdftoppm", "-r", "200", "-png", "-singlefile", "document.pdf", "page"], cwd=tmp_path, check=True
    )
    with Image.open(tmp_path / "page.png") as page:
        assert page.size == (1654, 2339)  # A4
    assert read_qr_picture((tmp_path / "page.png").read_bytes()) == make_content(ledger, index).qr_text


# --- what cannot be printed -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("member", "letters", "codes"),
    [
        ("instrument.name", "𠮷", "U+20BB7"),
        ("instrument.model", "😀", "U+1F600"),
        ("instrument.serial", "\ue000", "U+E000"),
        ("seals.0.no", "ก", "U+0E01"),
        ("issuer.name", "\U000f0000", "U+F0000"),
    ],
)
def test_a_letter_without_a_glyph_is_refused_with_its_member(ledger, member, letters, codes):
    record = make_record(1)
    *steps, last = member.split(".")
    container = record
    for step in steps:
        container = container[int(step)] if step.isdigit() else container[step]
    container[last] = f"甲{letters}乙"
    other = MemoryLedger().found()
    content = make_content(other, other.issue_record(record, force=True))
    with pytest.raises(InputError, match=re.escape(codes)) as caught:
        typesetter().render(content, MADE_AT)
    assert caught.value.field == member
    assert "font_folder" in str(caught.value)


def test_a_letter_of_a_personal_value_is_refused_in_the_holders_copy_alone(ledger):
    record, members = make_personal_record(2, {"persons.0.name": "邓𠮷"})
    index = ledger.issue_record(record)
    render(ledger, index)
    with pytest.raises(InputError, match=re.escape("U+20BB7")) as caught:
        render(ledger, index, members)
    assert caught.value.field == "persons.0.name"


def test_a_letter_of_the_letterhead_is_refused(ledger, index):
    letterhead = type(LETTERHEAD)(address="𠮷路1号")
    with pytest.raises(InputError) as caught:
        render(ledger, index, letterhead=letterhead)
    assert caught.value.field == "letterhead.address"


def test_rare_names_within_the_font_are_printed(ledger, tmp_path):
    record, members = make_personal_record(3, {"persons.0.name": "䶮㛃鿍㑇"})
    text = read_text(render(ledger, ledger.issue_record(record), members), tmp_path)
    assert "䶮㛃鿍㑇" in text


def test_another_fault_of_the_template_is_told_as_it_is(ledger, index):
    err = explain_refusal("something else", make_content(ledger, index))
    assert (err.field, "something else" in str(err)) == ("document", True)


def test_a_disclosure_of_another_document_is_refused(ledger):
    index = ledger.issue_record(make_personal_record(4, {"persons.0.name": "甲"})[0])
    with pytest.raises(VerificationError, match=re.escape("persons.0.name")):
        render(ledger, index, make_personal_record(4, {"persons.0.name": "乙"})[1])


def test_a_folder_of_fonts_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="font_folder"):
        Typesetter([tmp_path / "none"])


def test_long_words_stay_on_the_page(ledger, tmp_path):
    record = make_record(5)
    record["instrument"] |= {
        "serial": "SN" + "W" * 62,
        "model": "M" * 200,
        "name": "燃油加油机" * 13,
        "maker": "示例" * 33,
    }
    record["raw_record"] = {"no": "R" * 64}
    pdf = render(ledger, ledger.issue_record(record), development=False)
    if shutil.which("pdftotext") is None:
        pytest.skip("poppler's pdftotext is not installed")
    (tmp_path / "document.pdf").write_bytes(pdf)
    boxes = subprocess.run(
        ["pdftotext", "-bbox", str(tmp_path / "document.pdf"), "-"], capture_output=True, check=True
    ).stdout.decode()
    right = [float(value) for value in re.findall(r'<word [^>]*xMax="([0-9.]+)"', boxes)]
    assert len(right) > 100
    assert max(right) < 595.3 - 50  # the margin is 18 mm
