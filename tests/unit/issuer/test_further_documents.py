"""Documents that verify nothing, and supplements, on paper: their own words, never those of a certificate."""

from dataclasses import replace
from datetime import date

import pytest
from further_kinds import GUARDED, found_for_all_kinds, make_calibration, make_paper, make_value, make_values
from ledger_in_memory import INSTITUTION, SHANGHAI, make_record
from printed import LETTERHEAD, attachments, make_content, read_text, render

from issuer.rendering import wording
from issuer.rendering.page import render_page
from issuer.rendering.sheet import build_sheet
from ledger.core.act import ReasonCode
from ledger.core.errors import InputError
from ledger.core.ids import CertificateNumber
from ledger.core.record import DocumentType
from ledger.core.supplement import Supplement, encode_supplement

COMPARISON = {
    "name": "比对A",
    "unit": "L",
    "value": "20.02",
    "u": "0.05",
    "reference": "20",
    "reference_u": "0.03",
}
CONCLUDED = make_calibration(
    results=make_values(make_value("0.10", measured="20.02", mpe="0.30")),
    conclusion="pass",
    decision_rule=GUARDED,
    validity={"kind": "date", "until": "2027-02-27", "agreed": True},
    comparisons=[COMPARISON],
)


@pytest.fixture(scope="module")
def ledger():
    return found_for_all_kinds()


def sheet_of(record):
    ledger = found_for_all_kinds()
    content = make_content(ledger, ledger.issue_record(record))
    return build_sheet(content.certificate, None, LETTERHEAD, SHANGHAI, development=False)


def texts(value):
    if isinstance(value, dict):
        return [text for item in value.values() for text in texts(item)]
    return [text for item in value for text in texts(item)] if isinstance(value, list) else [str(value)]


def labels(sheet):
    rows = [row for section in sheet["sections"] for row in section.get("rows", [])]
    return {row["zh"]: row["value"] for row in [*rows, *sheet["conclusion"]["rows"]]}


def test_a_calibration_says_values_and_no_word_of_a_verification_that_passed():
    sheet = sheet_of(make_calibration())
    assert sheet["title"] == {"zh": "校准证书", "en": "Calibration Certificate"}
    assert sheet["conclusion"]["zh"] == "不作符合性结论"
    assert labels(sheet)["校准依据"] == "JJF 9001-2020  示例校准规范"
    assert labels(sheet)["校准日期"] == "2026-02-28"
    said = " ".join(texts(sheet))
    assert "检定合格" in said  # that this certificate does not say so
    for words in ("检定日期", "检定结论", "检定结果", "检定专用章", "有效期至 Valid until", "检定员", "Pass"):
        assert words not in said, words
    (table,) = [section for section in sheet["sections"] if section.get("title", {}).get("zh") == "校准结果"]
    assert [column["en"] for column in table["columns"]] == [
        "Reference",
        "Indication",
        "Error",
        "Uncertainty U",
    ]
    assert table["columns"][3]["unit"] == "%, k=2"
    assert table["cells"] == [["20.00", "20.02", "0.10", "0.05"]]


def test_a_conclusion_stands_with_its_rule_and_an_agreed_date_with_its_name():
    sheet = sheet_of(CONCLUDED)
    assert sheet["conclusion"]["zh"] == "符合"
    found = labels(sheet)
    assert found["判定规则"] == "带保护带的接受 guarded acceptance, w = 1 U"
    assert found["与客户约定的复校日期"] == "2027-02-27"
    assert ["比对A", "(20.02 ± 0.05) L", "(20 ± 0.03) L", "0.343"] in [
        cells for section in sheet["sections"] for cells in section.get("cells", [])
    ]


def test_an_entry_from_paper_is_no_certificate_on_any_page():
    sheet = sheet_of(make_paper())
    assert sheet["title"]["zh"] == "纸质证书登记证明"
    assert sheet["banner"][-1]["zh"] == "据纸质证书登记，不是电子证书"
    assert "不是电子证书" in sheet["electronic"]["zh"]
    found = labels(sheet)
    assert (found["登记日期"], found["登记人员编号"]) == ("2026-02-28", "P-0001")
    assert found["纸质证书所载检定日期"] == "2019-03-04"
    assert found["纸质证书所载有效期至"] == "2019-09-03"
    assert "调修说明" not in found
    assert wording.DISCLAIMER.zh not in [words["zh"] for words in sheet["statements"]]


def test_green_is_for_what_is_verified():
    colours = {
        name: sheet_of(make())["accent"] for name, make in (("c", make_calibration), ("p", make_paper))
    }
    green = sheet_of(make_record())["accent"]
    assert green not in colours.values()
    assert wording.ACCENTS[DocumentType.VERIFICATION_CERTIFICATE] == green == "#0b6b3a"


@pytest.mark.parametrize(
    "record", [make_calibration(), CONCLUDED, make_paper()], ids=["plain", "concluded", "paper"]
)
def test_it_is_typeset_with_its_bundle_and_shown_as_a_page(record, tmp_path):
    ledger = found_for_all_kinds()
    index = ledger.issue_record(record)
    pdf = render(ledger, index)
    content = make_content(ledger, index)
    assert attachments(pdf)["bundle.json"] == (content.bundle, "/Data")
    page = render_page(content).decode()
    text = read_text(pdf, tmp_path)
    for words in (*wording.TITLES[content.certificate.record.document_type], record["no"]):
        assert words in page
        assert words in text
    assert "#0b6b3a" not in page
    assert "第 1 页" in text


# --- supplements --------------------------------------------------------------------------------------------


def make_supplement(content, **changes):
    supplement = Supplement(
        issuer=INSTITUTION,
        number=CertificateNumber(content.certificate.record.number),
        certificate_digest=content.certificate.digest,
        reason=ReasonCode.TYPO,
        paragraphs=("测量范围应为 (5~60) L/min。", "The range is (5 to 60) L/min."),
        made_on=date(2026, 3, 3),
    )
    return replace(supplement, **changes)


def test_a_supplement_names_its_certificate_what_is_added_and_why(ledger, tmp_path):
    content = make_content(ledger, ledger.issue(1))
    supplement = make_supplement(content)
    pdf = render(ledger, len(ledger.leaves) - 2, supplement=supplement)
    raw = encode_supplement(supplement)
    assert attachments(pdf)["supplement.json"] == (raw, "/Supplement")
    assert attachments(pdf)["certificate.json"][0] == content.certificate.raw
    text = read_text(pdf, tmp_path)
    for words in (
        "补充件",
        "JY2026-000001",
        "笔误",
        "测量范围应为",
        "The range is (5 to 60)",
        "第 1 页 共 1 页",
    ):
        assert words in text
    assert text.count("JY2026-000001") >= 3


def test_a_long_supplement_bears_the_number_on_every_page(ledger, tmp_path):
    content = make_content(ledger, ledger.issue(2))
    paragraphs = tuple(f"第{number}段：" + "补充内容" * 30 for number in range(40))
    pdf = render(ledger, len(ledger.leaves) - 2, supplement=make_supplement(content, paragraphs=paragraphs))
    pages = read_text(pdf, tmp_path).split("\f")[:-1]
    assert len(pages) > 1
    for number, page in enumerate(pages, start=1):
        assert "JY2026-000002" in page
        assert f"第 {number} 页 共 {len(pages)} 页" in page


def test_a_letter_that_no_font_has_is_named_by_its_paragraph(ledger):
    content = make_content(ledger, ledger.issue(3))
    supplement = make_supplement(content, paragraphs=("好", "\U0001f9ea"))
    with pytest.raises(InputError, match=r"^supplement\.text\.1: no font has"):
        render(ledger, len(ledger.leaves) - 2, supplement=supplement)
