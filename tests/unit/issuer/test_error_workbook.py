"""The workbook of errors: the input again, with what is wrong; corrected, it is the same input."""

import re

import pytest
from desk_world import CONTEXT, ZONE
from sheets import flatten, read_here, unpack, workbook
from world import INSTITUTION

from issuer.batch import InputForm, read_input
from issuer.columns import NOTE_COLUMNS
from issuer.drafting import Draft, draft_document, read_request
from issuer.error_workbook import find_cells, render_error_workbook
from issuer.faults import Fault, list_faults
from issuer.tabular import EXAMPLE_MARK, HELP_MARK

ROWS = [flatten(number) for number in range(1, 4)]
HEAD = list(ROWS[0])


def table_of(*rows, head=HEAD):
    raw = workbook([head, *([row[name] for name in head] for row in rows)])
    return read_input(raw, InputForm.XLSX, read_here, zone=ZONE)


def read_back(raw):
    return read_input(raw, InputForm.XLSX, read_here, zone=ZONE)


def notes(raw, row):
    """Return the two notes of a row of a workbook."""
    cells = dict(read_here("issuer.workbook.reader:read_workbook", raw)[1:])[row]
    return cells[-2:]


def locate(found, field):
    line = next(iter(found.table.lines))
    return [HEAD[at] for at in find_cells(found.table, line, field)]


@pytest.mark.parametrize(
    ("field", "columns"),
    [
        ("conclusion", ["conclusion"]),
        ("instrument.serial", ["instrument.serial"]),
        ("instrument.site.division", ["instrument.site.division"]),
        ("results[0].unit", ["item.indication_error.unit"]),
        ("results[0].points[1].error", ["item.indication_error.2.error"]),
        ("persons[2].signed_at.day", ["approver.signed_at.day"]),
        ("persons[0].pid", ["operator.pid"]),
        ("item.indication_error.3.mpe", ["item.indication_error.3.mpe"]),
        (
            "persons[0]",
            ["operator.pid", "operator.name", "operator.signed_at.day", "operator.signed_at.time"],
        ),
        ("validity.until", []),
        ("results[7].unit", []),
        ("results[0].item", []),
        ("", []),
        (None, []),
        ("no.such.member[3]", []),
    ],
)
def test_a_fault_is_of_these_cells(field, columns):
    assert locate(table_of(ROWS[0]), field) == columns


def test_a_missing_member_is_of_its_empty_cell():
    row = ROWS[0] | {"conclusion": "", "approver.pid": "", "instrument.model": ""}
    found = table_of(row)
    assert locate(found, "conclusion") == ["conclusion"]
    assert locate(found, "instrument.model") == ["instrument.model"]
    assert locate(found, "persons[2].pid") == ["approver.pid"]


def test_positions_are_those_of_the_row_when_a_person_is_absent():
    row = ROWS[0] | {name: "" for name in HEAD if name.startswith("operator")}
    assert locate(table_of(row), "persons[0].pid") == ["checker.pid"]


FAULTS = [
    Fault(3, "MALFORMED", "conclusion", "must be one of pass, fail", "内容有误"),
    Fault(3, "SCOPE", "instrument.category", "is not covered", "不在授权范围内"),
    Fault(4, "DUPLICATE", None, "the same row", "重复"),
]


def test_rows_stay_in_their_places_and_carry_their_faults():
    found = table_of(*ROWS)
    raw = render_error_workbook(found.table, FAULTS)
    cells = dict(read_here("issuer.workbook.reader:read_workbook", raw)[1:])
    assert cells[1] == [*HEAD, *NOTE_COLUMNS]
    assert len(cells[2]) == len(HEAD), "a row in order has no note"
    assert notes(raw, 3) == [
        "conclusion\ninstrument.category",
        "内容有误 / must be one of pass, fail\n不在授权范围内 / is not covered",
    ]
    assert notes(raw, 4) == ["—", "重复 / the same row"]


def test_headings_in_chinese_stay_and_the_member_stands_beside_them():
    raw = workbook([["请求编号", "检定结论"], ["R-1", "好"]])
    found = read_input(raw, InputForm.XLSX, read_here)
    raw = render_error_workbook(found.table, [Fault(2, "MALFORMED", "conclusion", "en", "zh")])
    assert notes(raw, 2) == ["检定结论 (conclusion)", "zh / en"]


def test_bad_cells_are_coloured_and_commented():
    parts = unpack(render_error_workbook(table_of(*ROWS).table, FAULTS))
    comments = parts["xl/comments1.xml"].decode()
    assert comments.count("<comment ") == 2
    assert "must be one of pass, fail" in comments
    assert "FFC7CE" in parts["xl/styles.xml"].decode()


def test_what_comes_back_is_the_same_input():
    found = table_of(*ROWS)
    again = read_back(render_error_workbook(found.table, FAULTS))
    assert [(row.number, row.value) for row in again.rows] == [(row.number, row.value) for row in found.rows]
    twice = read_back(render_error_workbook(again.table, FAULTS))
    assert [row.value for row in twice.rows] == [row.value for row in found.rows]
    requests = [[read_request(row.value, INSTITUTION) for row in one.rows] for one in (found, again)]
    assert requests[0] == requests[1], "issued once, whichever file they come in"


def test_numbers_and_dates_of_cells_come_back_as_the_same_documents():
    from datetime import date

    head = ["request_id", "environment.temperature.value", "verified_on", "instrument.year", "adjusted"]
    rows = [head, ["R-1", 20, date(2026, 11, 2), 2026, True]]
    raw = workbook(rows, formats={(1, 1): "0.00", (1, 2): "yyyy-mm-dd"})
    found = read_input(raw, InputForm.XLSX, read_here)
    again = read_back(render_error_workbook(found.table, FAULTS))
    assert again.rows[0].value == found.rows[0].value
    assert again.rows[0].value["environment"]["temperature"]["value"] == "20.00"


@pytest.mark.parametrize(
    "text", ["=1+1", "+86", "-0.06", "@SUM(A1)", "\tx", '=HYPERLINK("http://192.0.2.1")']
)
def test_what_looks_like_a_formula_is_text_and_stays_as_it_is(text):
    raw = workbook([["request_id", "instrument.serial"], ["R-1", text]])
    found = read_input(raw, InputForm.XLSX, read_here)
    made = render_error_workbook(found.table, [Fault(2, "X", "request_id", "en", "zh")])
    assert read_back(made).rows[0].value["instrument"]["serial"] == text
    parts = unpack(made)
    sheet = parts["xl/worksheets/sheet1.xml"].decode()
    assert "<f>" not in sheet
    formats = re.findall("<xf .*?/>", parts["xl/styles.xml"].decode().partition("<cellXfs")[2])
    assert 'quotePrefix="1"' in formats[int(re.search('r="B2" s="([0-9]+)"', sheet)[1])]


def test_faults_that_look_like_formulas_are_text():
    raw = render_error_workbook(table_of(*ROWS).table, [Fault(2, "X", "=cmd|x", "=1+1", "=2+2")])
    assert b"<f>" not in unpack(raw)["xl/worksheets/sheet1.xml"]


def test_spoiled_cells_are_shown_as_they_were_found():
    raw = workbook([["request_id", "environment.temperature.value", "no"], ["R-1", ("=A1*2", None, 4), 1.5]])
    found = read_input(raw, InputForm.XLSX, read_here)
    faults = list_faults(found.rows[0].error, 2)
    cells = dict(
        read_here("issuer.workbook.reader:read_workbook", render_error_workbook(found.table, faults))[1:]
    )
    assert cells[2][:3] == ["R-1", "=A1*2", "1.5"]
    assert cells[2][3] == "environment.temperature.value\nno"


def test_rows_of_a_template_are_kept():
    raw = workbook([["request_id"], [HELP_MARK], [EXAMPLE_MARK], ["R-1"]])
    found = read_input(raw, InputForm.XLSX, read_here)
    again = read_back(render_error_workbook(found.table, []))
    assert (again.skipped, [row.number for row in again.rows]) == (2, [4])


def test_what_is_corrected_is_a_proper_document():
    bad = ROWS[0] | {"conclusion": "perhaps", "verified_on.day": "-1"}
    made = render_error_workbook(table_of(bad).table, [Fault(2, "X", "conclusion", "en", "zh")])
    head, *rows = [cells for _, cells in read_here("issuer.workbook.reader:read_workbook", made)[1:]]
    fixed = [["合格" if cell == "perhaps" else cell for cell in row] for row in rows]
    [row] = read_back(workbook([head, *fixed])).rows
    assert row.value["conclusion"] == "pass"
    from dataclasses import replace
    from datetime import date

    assert isinstance(draft_document(row.value, replace(CONTEXT, base_date=date(2026, 11, 3))), Draft)
