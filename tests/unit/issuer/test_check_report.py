from pathlib import Path

import pytest
from desk_world import CONTEXT, ZONE, document, make_registers
from sheets import read_here, workbook
from world import INSTITUTION, World

from issuer.batch import InputForm, Row, read_input
from issuer.check_report import GivenFile, build_check, describe_inputs, render_check, require_table
from issuer.drafting import draft_document
from issuer.faults import Fault
from issuer.gate import Gate
from issuer.preview import render_preview
from issuer.signing import prepare_document
from issuer.store import StoredDocument
from issuer.tables import DocumentState
from ledger.core.data import load_rule_book
from ledger.core.errors import InputError
from ledger.core.ids import CertificateNumber


@pytest.fixture(scope="module")
def ready():
    """Return what makes documents ready to be issued."""
    world = World()
    registers, _, _ = make_registers(world, anywhere=True)
    gate = Gate(registers, load_rule_book(), INSTITUTION, world.seal.public_key.key_id, ZONE)

    def make(number):
        draft = draft_document(document(number), CONTEXT)
        return prepare_document(draft, gate.name_issuer(draft.record, None))

    return make


def given(raw=None, name="a.xlsx"):
    raw = raw or workbook([["request_id"], ["R"]])
    return GivenFile(Path(name), read_input(raw, InputForm.XLSX, read_here))


JSON = GivenFile(Path("a.jsonl"), read_input(b'{"no":"1"}', InputForm.JSON_LINES, read_here))
KNOWN = StoredDocument("R", bytes(32), CertificateNumber("1"), DocumentState.LOGGED, None, None)


def test_a_preview_says_every_member_of_the_record(ready):
    text = render_preview(ready(1), "1.")
    for said in (
        "器具名称 燃油加油机",
        "型号规格 EX-1224",
        "出厂编号 SN00000001",
        "检定结论 合格 (pass)",
        "检定类别 周期检定 (periodic)",
        "结果1第1点标准值 20.00",
        "结果1第1点示值 20.02",
        "有效期至",
        "检定依据 JJG 443-2023",
        "铅封1编号 A1001",
        "人员1编号 P-operator",
    ):
        assert said in text, text
    assert "nonce" not in text
    assert "福州示例石油有限公司" not in text, "personal values stay out"
    assert "仅在披露文件中" in text


def test_counts_codes_and_three_samples(ready):
    documents = [*map(ready, range(1, 11)), KNOWN]
    faults = [
        (Path("a"), Fault(2, "SCOPE", "x", "no", "否")),
        (Path("a"), Fault(2, "UNIT", None, "no", "否")),
    ]
    members = build_check([given()], documents, [*faults, (Path("b"), Fault(2, "SCOPE", "x", "no", "否"))])
    assert (members["to_issue"], members["issued_before"], members["refused"]) == (10, 1, 2)
    assert members["refused_by_code"] == {"SCOPE": 2, "UNIT": 1}
    assert [sample.split("\n")[0] for sample in members["samples"]] == ["1. R-1", "2. R-5", "3. R-10"]
    text = render_check(members)
    assert "可签发 to issue: 10" in text
    assert "SCOPE × 2: row 2: x: 否 / no" in text
    assert "已读取 read: a.xlsx: 1 rows, XLSX, sheet 数据" in text


@pytest.mark.parametrize(("count", "samples"), [(0, 0), (1, 1), (2, 2), (3, 3), (4, 3)])
def test_few_documents_are_all_shown(ready, count, samples):
    assert len(build_check([JSON], [*map(ready, range(count))], [])["samples"]) == samples


def test_json_says_nothing_of_encodings():
    assert describe_inputs([JSON], 0) == {}
    assert describe_inputs([JSON], 3) == {"issued_before": 3}


@pytest.mark.parametrize(
    ("inputs", "errors"),
    [
        ([JSON], "e.xlsx"),
        ([given(), given()], "e.xlsx"),
        ([given()], "e.csv"),
        ([given()], "a.xlsx"),
        ([], "e.xlsx"),
    ],
)
def test_a_workbook_of_errors_needs_one_table_and_a_name(inputs, errors):
    with pytest.raises(InputError, match="--errors"):
        require_table(inputs, Path(errors))


def test_without_errors_nothing_is_required():
    assert require_table([JSON], None) is None
    one = given()
    assert require_table([one], Path("e.xlsx")) is one.file.table


def test_a_row_is_what_it_was():
    assert given().file.rows == [Row(2, {"request_id": "R"})]
