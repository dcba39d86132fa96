"""What stands on a printed document."""

from zoneinfo import ZoneInfo

import pytest
from ledger_in_memory import (
    SHANGHAI,
    make_point,
    make_record,
    make_rejection,
    make_result,
    make_signer,
    seal_record,
)
from printed import LETTERHEAD, PERSONAL, make_personal_record

from issuer.rendering import wording
from issuer.rendering.sheet import Letterhead, build_sheet, measure_width, spell_instant
from ledger.core.act import ReasonCode
from ledger.core.canonical import encode_canonical_json
from ledger.core.certificate import build_document, parse_certificate
from ledger.core.data import load_rule_book
from ledger.core.data_integrity import create_proof, join_proofs
from ledger.core.disclosure import Disclosure
from ledger.core.encoding import parse_instant
from ledger.core.record import DocumentType, PlaceKind, Purpose, Role, VerificationKind


def build(record, members=None, letterhead=LETTERHEAD, document=None, **changes):
    certificate = parse_certificate(
        encode_canonical_json(document or seal_record(record, make_signer("seal")))
    )
    disclosure = None if members is None else Disclosure(certificate.digest, members)
    return build_sheet(certificate, disclosure, letterhead, SHANGHAI, **{"development": False} | changes)


def find(sheet, title):
    return [section for section in sheet["sections"] if section.get("title", {}).get("zh") == title]


def values(sheet) -> dict[str, str]:
    """Return every labelled value, by its Chinese label."""
    rows = [row for section in sheet["sections"] for row in section.get("rows", [])]
    return {row["zh"]: row["value"] for row in [*rows, *sheet["letterhead"], *sheet["conclusion"]["rows"]]}


FULL = make_record(
    1,
    instrument=make_record()["instrument"]
    | {
        "range": "(5~50) L/min",
        "class": "0.3",
        "year": 2022,
        "cpa_no": "2021F118-35",
        "e": {"value": "5", "unit": "g"},
        "purpose": "trade",
        "local_id": "P-3",
        "software": {"id": "FW 4.2", "hash": "ab" * 32},
        "codes": {"production": "SC1", "repair": "WX1", "verification": "JD1"},
        "parts": [{"id": "1", "name": "92#", "serial": "Q1"}, {"id": "2"}],
    },
    place={"kind": "on_site"},
    environment={
        "temperature": {"value": "21.50", "unit": "°C"},
        "humidity": {"value": "63", "unit": "%RH"},
        "other": "无风",
    },
    standards=[
        {
            "id": "SB-1",
            "name": "标准金属量器",
            "exam_no": "〔2024〕0117号",
            "exam_until": "2028-08-24",
            "range": "(2~100) L",
            "u": "U=0.025%, k=2",
            "instruments": [{"no": "LQ-1", "cert_no": "MJL1", "until": "2027-04-22"}],
        }
    ],
    class_awarded="0.3级",
    sticker_id="BQ-1",
    lot={"no": "L-1", "size": 7},
    raw_record={"no": "YS-1"},
    crms=[{"id": "GBW(E)130001", "lot": "2601"}],
    commission_no="仲〔2026〕1号",
    replaces={"no": "JY2025-000009", "reason": "TYPO"},
    validity={"kind": "date", "until": "2026-08-20", "reason": "委托方要求"},
)


def test_every_field_that_a_certificate_must_bear_is_there():
    sheet = build(FULL)
    assert sheet["title"] == {"zh": "检定证书", "en": "Verification Certificate"}
    assert sheet["number"] == "JY2026-000001"
    assert sheet["issuer"] == {"zh": "福州市计量所", "en": "Fuzhou Institute of Metrology"}
    assert {
        "授权证书号": "(闽)法计(2024)35001号",
        "地址": "福州市鼓楼区示例路8号",
        "电话": "0591-87650000",
        "邮编": "350001",
        "电子邮箱": "jl@fz.example",
        "器具名称": "燃油加油机",
        "型号/规格": "SK52",
        "出厂编号": "SN00000001",
        "制造单位": "示例机械有限公司",
        "型式批准号": "2021F118-35",
        "测量范围": "(5~50) L/min",
        "准确度等级": "0.3",
        "出厂年份": "2022",
        "用途": "贸易结算 trade",
        "器具内部编号": "P-3",
        "生产码": "SC1",
        "维修码": "WX1",
        "检定码": "JD1",
        "软件标识": f"FW 4.2, SHA-256 {'ab' * 32}",
        "标识编号": "BQ-1",
        "批号（数量）": "L-1 (7)",
        "检定依据": "JJG 443-2023(试行)  燃油加油机",
        "检定类别": "后续检定（周期检定） subsequent, periodic",
        "检定场所": "现场 on site",
        "温度": "21.50 °C",
        "相对湿度": "63 %RH",
        "其他条件": "无风",
        "调修说明": "未调修 not adjusted",
        "原始记录号": "YS-1",
        "仲裁委托编号": "仲〔2026〕1号",
        "检定分度值 e": "5 g",
        "有效期说明": "委托方要求",
        "代替证书编号": "JY2025-000009",
        "换发原因": "笔误 clerical error",
        "检定日期": "2026-02-28",
        "签发日期": "2026-02-28",
        "有效期至": "2026-08-20",
        "签章时间": "2026-02-28 15:00:00 UTC+08:00",
    }.items() <= values(sheet).items()
    assert (sheet["conclusion"]["zh"], sheet["conclusion"]["en"]) == ("0.3级 合格", "0.3级 Pass")


def test_tables_hold_standards_results_seals_and_persons():
    sheet = build(FULL)
    [standards], [instruments] = find(sheet, "所用计量标准"), find(sheet, "主标准器")
    assert standards["cells"] == [
        ["SB-1", "标准金属量器", "(2~100) L", "U=0.025%, k=2", "〔2024〕0117号", "2028-08-24"]
    ]
    assert instruments["cells"] == [["SB-1", "LQ-1", "MJL1", "2027-04-22"]]
    [materials] = find(sheet, "所用标准物质")
    assert materials["cells"] == [["GBW(E)130001", "2601"]]
    [seals], [parts], [persons] = find(sheet, "铅封"), find(sheet, "部件"), find(sheet, "签发人员")
    assert seals["cells"] == [["A1001", "主板"]]
    assert parts["cells"] == [["1", "92#", "Q1"], ["2", "—", "—"]]
    assert [row[0] for row in persons["cells"]] == ["检定员 Operator", "核验员 Checker", "批准人 Approver"]
    assert persons["cells"][0][2:] == ["P0", "2026-02-28 12:00:00 UTC+08:00"]


def test_results_show_reference_indication_error_limit_and_uncertainty_with_their_units():
    tables = [section for section in build(FULL)["sections"] if "caption" in section]
    assert [table["caption"] for table in tables] == [
        "示值误差 Error of indication · 部位 Part 1 92# · 合格 Pass",
        "示值误差 Error of indication · 部位 Part 2 · 合格 Pass",
        "重复性 Repeatability · 合格 Pass",
    ]
    assert [column["zh"] for column in tables[0]["columns"]] == [
        *("标准值", "示值", "误差", "最大允许误差（绝对值）", "扩展不确定度", "结论")
    ]
    assert [column["unit"] for column in tables[0]["columns"]] == ["L", "L", "%", "%", "%, k=2", ""]
    assert tables[0]["cells"] == [["20.00", "20.02", "0.10", "0.30", "0.05", "合格 Pass"]]
    assert tables[2]["cells"] == [["0.03", "0.10", "合格 Pass"]]  # columns without a value are left out


def test_a_point_that_lacks_a_value_others_have_shows_a_dash():
    points = [make_point("0.10", "0.30"), {"error": "0.1", "pass": True}]
    result = make_result("indication_error", "L") | {"points": points}
    [table] = [s for s in build(make_record(1, results=[result]))["sections"] if "caption" in s]
    assert [row[1] for row in table["cells"]] == ["0.30", "—"]


def test_results_before_an_adjustment_are_marked():
    failed = make_result("indication_error", "L") | {"pass": False, "before_adjustment": True}
    record = make_record(1, adjusted=True, results=[failed, make_result("indication_error", "L")])
    sheet = build(record)
    captions = [section["caption"] for section in sheet["sections"] if "caption" in section]
    assert "调修前 before adjustment · 不合格 Fail" in captions[0]
    assert "调修前" not in captions[1]
    assert values(sheet)["调修说明"] == "已调修 adjusted"


def test_a_rejection_notice_has_no_validity_and_says_that_it_failed():
    sheet = build(make_rejection(1))
    assert sheet["title"]["zh"] == "检定结果通知书"
    assert (sheet["accent"], sheet["conclusion"]["zh"]) == ("#a4001d", "不合格")
    assert "有效期至" not in values(sheet)
    said = [words["zh"] for words in sheet["statements"]]
    assert said[0] == wording.REJECTED.zh
    assert wording.DISCLAIMER.zh not in said
    assert (sheet["number_label"]["zh"], sheet["electronic"]["zh"]) == ("通知书编号", "本通知书为电子文件")


def test_a_service_life_is_named_as_such():
    record = make_record(1, validity={"kind": "service_life", "until": "2030-01-01"})
    assert values(build(record))["限期使用至"] == "2030-01-01"


def test_personal_members_are_shown_to_holders_only():
    record, members = make_personal_record(1)
    public, held = build(record), build(record, members)
    hidden = "不公开（见持证人副本） not public; in the holder's copy"
    assert values(public)["送检单位"] == hidden
    assert values(held)["送检单位"] == "福州示例石油有限公司  91350100M000100Y43"
    names = [[row[1] for row in find(sheet, "签发人员")[0]["cells"]] for sheet in (public, held)]
    assert names == [[hidden] * 3, ["林示例", "陈示例", "张示例"]]
    assert (public["copy"], held["copy"]) == (
        {"zh": wording.PUBLIC_COPY.zh, "en": wording.PUBLIC_COPY.en},
        {"zh": wording.HOLDERS_COPY.zh, "en": wording.HOLDERS_COPY.en},
    )


def test_persons_who_sign_by_themselves_are_shown_with_their_keys_and_the_day_of_issue_follows():
    key = make_signer("approver").public_key
    record = make_record(1, issued_on=None)
    record["persons"][2] = {"role": "approver", "pid": "P2", "key": key.multikey}
    document = build_document(record, make_signer("seal").public_key.did_key)
    proofs = [
        create_proof(document, make_signer("approver"), "2026-02-28T16:30:00Z"),
        create_proof(document, make_signer("seal"), "2026-02-28T17:00:00Z"),
    ]
    sheet = build(record, document=join_proofs(document, proofs))
    [persons] = find(sheet, "签发人员")
    assert persons["columns"][4]["zh"] == "本人签名密钥"
    assert persons["cells"][2][3:] == ["2026-03-01 00:30:00 UTC+08:00", key.key_id.hex()]
    assert [row[4] for row in persons["cells"][:2]] == ["—", "—"]
    assert values(sheet)["签发日期"] == "2026-03-01"
    assert values(sheet)["签章时间"] == "2026-03-01 01:00:00 UTC+08:00"


def test_a_value_that_was_erased_from_the_disclosure_stays_hidden():
    record, members = make_personal_record(1)
    members = {path: member for path, member in members.items() if path != "persons.1.name"}
    [persons] = find(build(record, members), "签发人员")
    assert [row[1] for row in persons["cells"]][1].startswith("不公开")


def test_what_a_record_does_not_have_is_not_printed():
    record = make_record(1, regulation=None, seals=[], results=[], persons=[])
    record["instrument"] = {name: record["instrument"][name] for name in ("id", "category", "name", "serial")}
    sheet = build(record, letterhead=Letterhead())
    assert not {"送检单位", "型号/规格", "使用地区划码", "电话", "铅封号"} & values(sheet).keys()
    assert [section["title"]["zh"] for section in sheet["sections"]] == [
        *("计量器具", "检定条件", "检定专用章（电子）")
    ]


def test_an_unknown_item_is_printed_as_it_is():
    result = make_result("zero_drift", "L")
    [table] = [s for s in build(make_record(1, results=[result]))["sections"] if "caption" in s]
    assert table["caption"].startswith("zero_drift · ")


def test_units_are_printed_as_people_see_them():
    result = make_result("indication_error", "m3/h")
    [table] = [s for s in build(make_record(1, results=[result]))["sections"] if "caption" in s]
    assert table["columns"][0]["unit"] == "m³/h"


def test_the_development_banner_stands_where_it_must():
    assert build(make_record(1))["banner"] == []
    assert build(make_record(1), development=True)["banner"] == [
        {"zh": wording.BANNER.zh, "en": wording.BANNER.en}
    ]


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("Asia/Shanghai", "2026-03-01 00:30:05 UTC+08:00"),
        ("America/St_Johns", "2026-02-28 13:00:05 UTC-03:30"),
        ("UTC", "2026-02-28 16:30:05 UTC+00:00"),
    ],
)
def test_instants_are_local_times(zone, text):
    assert spell_instant(parse_instant("2026-02-28T16:30:05Z"), ZoneInfo(zone)) == text


def test_chinese_is_twice_as_wide_as_latin():
    assert [measure_width(text) for text in ("", "abc", "检定", "С-1")] == [0, 3, 4, 3]


def test_every_code_of_the_record_has_words():
    assert set(wording.KINDS) == set(VerificationKind)
    assert set(wording.ROLES) == set(Role)
    assert set(wording.TITLES) == set(wording.ELECTRONIC) == set(DocumentType)
    assert set(wording.PLACES) == set(PlaceKind)
    assert set(wording.PURPOSES) == set(Purpose)
    assert set(wording.REASONS) == set(ReasonCode)
    assert set(wording.ITEMS) >= {limit.item for row in load_rule_book().rows for limit in row.limits}
    assert PERSONAL
