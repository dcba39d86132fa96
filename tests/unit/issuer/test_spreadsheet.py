"""Cells of workbooks as the members of documents: what a person saw, or a sentence with sheet and cell."""

from datetime import date, datetime

import pytest
from desk_world import ZONE
from sheets import read_here, workbook

from issuer.batch import InputForm, read_input
from issuer.spreadsheet import read_workbook_table
from issuer.tabular import EXAMPLE_MARK, HELP_MARK
from ledger.core.errors import DocumentRefusedError, InputError


def read(rows, formats=None, **options):
    return read_input(workbook(rows, formats=formats, **options), InputForm.XLSX, read_here, zone=ZONE)


def read_cell(name, value, code=None):
    """Return what a cell below a heading becomes: the document, or the reasons."""
    [row] = read([["request_id", name], ["R", value]], {(1, 1): code}).rows
    if row.error is None:
        return {key: inner for key, inner in row.value.items() if key != "request_id"}
    assert isinstance(row.error, DocumentRefusedError)
    [reason] = row.error.reasons
    assert (reason.code, reason.field) == ("CELL", name)
    assert reason.en.startswith("sheet 数据, cell B2: ")
    assert reason.zh.startswith("工作表“数据”单元格B2：")
    return reason.en.removeprefix("sheet 数据, cell B2: ")


MEASURED = "environment.temperature.value"


def temperature(text):
    return {"environment": {"temperature": {"value": text}}}


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        ("20.00", None, "20.00"),
        (20, "0.00", "20.00"),
        (-0.5, "0.000_ ", "-0.500"),
        (20, "0", "20"),
        ("", "0.0", None),
    ],
)
def test_a_measured_value_is_what_was_shown(value, code, text):
    assert read_cell(MEASURED, value, code) == ({} if text is None else temperature(text))


@pytest.mark.parametrize(
    ("value", "code", "sentence"),
    [
        (20, None, "is a number in the format General, which does not keep the digits that were read"),
        (20.5, None, "is a number in the format General, which does not keep the digits that were read"),
        (20.5, "@", "is a number in the format @, which does not keep"),
        (0.2, "0%", "is a number in the format 0%, which does not keep"),
        (20.5, "#,##0.0", "is a number in the format #,##0.0, which does not keep"),
        (20.567, "0.00", "shows 20.57 but holds 20.567; format the column as text and type what was read"),
        (1 / 3, "0.00", "shows 0.33 but holds 0.333333333333333"),
        (True, None, "holds a truth value where text is expected"),
        (date(2026, 11, 2), "yyyy-mm-dd", "holds a date where none is expected"),
        (("=A1*2", None, 40), "0.00", "holds a formula; put its value there as text"),
    ],
)
def test_what_does_not_say_what_was_read_is_refused(value, code, sentence):
    assert read_cell(MEASURED, value, code).startswith(sentence)


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (2411450004, None, "2411450004"),
        (12, "0", "12"),
        ("0012", None, "0012"),
        (-5, None, "-5"),
        (1.5, "0.0", "1.5"),
    ],
)
def test_a_serial_number_may_be_typed_as_a_number(value, code, text):
    assert read_cell("instrument.serial", value, code) == {"instrument": {"serial": text}}


@pytest.mark.parametrize("value", [123456789012, 1.5, 1e14])
def test_a_number_that_a_spreadsheet_shows_otherwise_is_no_serial_number(value):
    assert "format the column as text" in read_cell("instrument.serial", value)


@pytest.mark.parametrize(("value", "whole"), [(2026, 2026), ("2026", 2026)])
def test_whole_numbers(value, whole):
    assert read_cell("instrument.year", value) == {"instrument": {"year": whole}}


def test_a_broken_whole_number():
    assert read_cell("lot.size", 2.5).startswith("is a number in the format General")


def test_truth_values_in_cells_and_words():
    for value in (True, "是", "true", "TRUE"):
        assert read_cell("adjusted", value) == {"adjusted": True}
    assert read_cell("adjusted", "否") == {"adjusted": False}
    assert read_cell("adjusted", 1) == "is a number where yes or no is expected"


def test_dates():
    day = date(2026, 11, 2)
    assert read_cell("verified_on", day, "yyyy-mm-dd") == {"verified_on": "2026-11-02"}
    assert read_cell("verified_on", "2026-11-02") == {"verified_on": "2026-11-02"}
    assert read_cell("verified_on", 46328) == "is a number where a date is expected; format it as a date"
    moment = datetime(2026, 11, 2, 16, 40)  # noqa: DTZ001 -- a cell has no zone
    assert read_cell("verified_on", moment, "yyyy-mm-dd hh:mm") == "holds a time of the day beside the date"


def test_instants_are_times_of_the_desks_zone():
    moment = datetime(2026, 11, 2, 16, 40)  # noqa: DTZ001 -- a cell has no zone
    wanted = {"persons": [{"role": "operator", "signed_at": "2026-11-02T16:40:00+08:00"}]}
    assert read_cell("operator.signed_at", moment, "yyyy-mm-dd hh:mm") == wanted
    for text in ("2026-11-02 16:40", "2026-11-02T16:40:00", "2026-11-02T16:40:00+08:00"):
        assert read_cell("operator.signed_at", text) == wanted
    assert read_cell("operator.signed_at", date(2026, 11, 2), "yyyy-mm-dd").startswith(
        "holds a date without a time"
    )


@pytest.mark.parametrize("text", ["2026-02-30 16:40", "2026-11-02 25:00", "noon", "2026-11-02"])
def test_what_is_no_time_stays_for_the_records_parser_to_refuse(text):
    assert read_cell("operator.signed_at", text)["persons"][0]["signed_at"] == text


def test_words_and_headings_in_chinese():
    [row] = read([["请求编号", "检定类别", "检定结论", "用途"], ["R", "首次检定", "不合格", "贸易结算"]]).rows
    assert row.value == {
        "request_id": "R",
        "kind": "initial",
        "conclusion": "fail",
        "instrument": {"purpose": "trade"},
    }


def test_every_bad_cell_of_a_row_is_told_and_other_rows_are_read():
    head = ["request_id", MEASURED, "verified_on"]
    bad, good = read([head, ["R-1", 20, 5], ["R-2", "20.0", "2026-11-02"]]).rows
    assert [reason.field for reason in bad.error.reasons] == [MEASURED, "verified_on"]
    assert (bad.number, good.number, good.error) == (2, 3, None)


def test_help_and_example_are_passed_over_and_counted():
    found = read([["request_id"], [HELP_MARK], [EXAMPLE_MARK], ["R-1"], [EXAMPLE_MARK]])
    assert ([row.number for row in found.rows], found.skipped) == ([4], 3)


def test_a_formula_in_the_help_row_does_no_harm():
    assert read([["request_id", "no"], [HELP_MARK, ("=1+1", None, 2)], ["R-1", "1"]]).rows[0].error is None


def test_cells_beyond_the_header_are_a_fault_of_the_row():
    [row] = read([["request_id"], ["R-1", "x"]]).rows
    assert str(row.error) == "2 cells; the header has 1"
    [row] = read([["request_id"], ["R-1", ("=1+1", None, 2)]]).rows
    assert "cell B2: holds a formula" in str(row.error)


@pytest.mark.parametrize(
    ("rows", "match"),
    [
        ([], "row 1: the header with the names of the columns is missing"),
        ([None, ["request_id"]], "the header with the names of the columns is missing"),
        ([["request_id", 5], ["R"]], "cell B1: a heading is text"),
        ([["request_id", "colour"]], "no column has the name 'colour'"),
        ([["request_id", "请求编号"]], "the columns request_id and request_id are the same"),
        ([["request_id", "", "no"]], "no column has the name ''"),
    ],
)
def test_a_bad_header_is_refused_as_a_whole(rows, match):
    with pytest.raises(InputError, match=match):
        read(rows)


def test_what_was_read_is_told():
    table = read_workbook_table(workbook([["no"]], sheet="Data"), read_here)
    assert table.source == "XLSX, sheet Data"


def test_a_file_with_too_many_rows_is_refused_as_a_whole(monkeypatch):
    monkeypatch.setattr("issuer.batch.MAX_ROWS", 2)
    with pytest.raises(InputError, match="more than 2 rows; split it"):
        read([["no"], ["1"], ["2"], ["3"]])
