"""Rows of the ledger of instruments, and the plain tables in which they travel."""

import csv
import io
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sheets import read_here, unpack, workbook

from issuer.columns import NOTE_COLUMNS
from issuer.instruments import (
    HEADINGS,
    ListedInstrument,
    compare_with_known,
    parse_header,
    parse_instrument,
    read_instruments,
)
from issuer.plain_tables import quote_cell, render_plain_csv, render_plain_xlsx, unquote_cell
from issuer.spreadsheet import read_workbook_table
from issuer.tabular import read_table
from ledger.core.errors import InputError

FULL = {
    "name": "电子计价秤",
    "item_group": "衡器",
    "item_kind": "电子秤",
    "model": "ACS-15A",
    "range": "Max 15 kg",
    "accuracy_class": "III",
    "serial": "24852069",
    "maker": "永衡衡器有限公司",
    "origin": "福建",
    "site": "五一市场12号",
    "quantity": 1,
    "purpose": "贸易结算",
    "delivery": "现场检定",
}
ONE = parse_instrument(FULL)
HEAD = tuple(HEADINGS.values())


def table(*rows, head=HEAD):
    return read_workbook_table(workbook([list(head), *rows]), read_here, header=parse_header)


def cells(**changes):
    return replace(ONE, **changes).list_cells()


def test_the_columns_are_those_of_the_national_system():
    assert list(HEADINGS.values()) == [
        *("器具名称", "项别", "种别", "型号规格", "测量范围", "准确度等级", "出厂编号"),
        *("生产厂家", "产地", "安装/使用地点", "数量", "用途", "送检方式"),
    ]
    assert {one.name for one in fields(ListedInstrument)} == HEADINGS.keys()


def test_a_row_is_an_instrument():
    assert read_instruments(table(cells())).instruments == ((2, ONE),)


def test_names_of_columns_are_read_too_and_most_may_be_left_out():
    found = read_instruments(table(["秤", "A", "1", "甲"], head=["name", "model", "serial", "maker"]))
    assert found.instruments == ((2, ListedInstrument("秤", "A", "1", "甲")),)


def test_notes_of_a_workbook_of_errors_are_not_read():
    head = [*HEADINGS.values(), *NOTE_COLUMNS]
    assert read_instruments(table([*cells(), "x", "y"], head=head)).instruments == ((2, ONE),)


@pytest.mark.parametrize("name", ["name", "model", "serial", "maker"])
def test_what_tells_an_instrument_apart_is_needed(name):
    with pytest.raises(InputError, match=f"the column {HEADINGS[name]} is missing"):
        parse_header([heading for heading in HEADINGS.values() if heading != HEADINGS[name]])
    [fault] = read_instruments(table(cells(**{name: ""}))).faults
    assert (fault.row, fault.field, fault.code) == (2, name, "MALFORMED")


@pytest.mark.parametrize(
    ("names", "match"),
    [
        (["颜色"], "no column has the name '颜色'; there are 器具名称"),
        (["器具名称", "name"], "the column 器具名称 stands there twice"),
        ([], "the column 器具名称 is missing"),
    ],
)
def test_a_bad_header(names, match):
    with pytest.raises(InputError, match=match):
        parse_header(names)


@pytest.mark.parametrize(
    ("name", "cell"), [("quantity", "many"), ("quantity", "0"), ("quantity", "-1"), ("site", "x" * 201)]
)
def test_bad_cells_are_named(name, cell):
    row = cells()
    row[list(HEADINGS).index(name)] = cell
    found = read_instruments(table(row, cells(serial="2")))
    assert [(fault.row, fault.field) for fault in found.faults] == [(2, name)]
    assert [row for row, _ in found.instruments] == [3]


def test_formulas_are_named():
    row = cells()
    row[0] = ("=A9", None, "x")
    [fault] = read_instruments(table(row)).faults
    assert (fault.code, fault.field) == ("CELL", "name")


def test_the_same_instrument_twice_is_a_fault_of_the_second_row():
    found = read_instruments(table(cells(), cells(serial="2"), cells(site="elsewhere")))
    assert len(found.instruments) == 2
    [fault] = found.faults
    assert (fault.row, fault.code, fault.en) == (4, "DUPLICATE", "the same instrument as in row 2")


def test_one_serial_number_may_be_that_of_many_instruments():
    rows = [cells(), cells(maker="别家"), cells(model="B"), cells(name="汽车衡")]
    assert not read_instruments(table(*rows)).faults


def test_comparing_with_what_is_there():
    other = replace(ONE, site="elsewhere", quantity=2)
    new = replace(ONE, serial="2")
    found = compare_with_known([(2, ONE), (3, new)], {ONE.key: ONE})
    assert (found.new, found.unchanged, found.changed, found.faults) == ([new], [ONE], [], [])
    found = compare_with_known([(2, other)], {ONE.key: ONE})
    assert (found.new, found.unchanged, found.changed) == ([], [], [other])
    assert found.faults[0].zh == "已登记，但安装/使用地点、数量不同"


# --- plain tables -----------------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x00"), max_size=8)


@given(TEXTS)
def test_what_is_quoted_comes_back(text):
    assert unquote_cell(quote_cell(text)) == text
    assert not quote_cell(text).startswith(tuple("=+-@\t\r"))


@pytest.mark.parametrize("cell", ["'", "'abc", "abc", "", "’=1"])
def test_what_was_not_quoted_stays(cell):
    assert unquote_cell(cell) == cell


@pytest.mark.parametrize("cell", ['=HYPERLINK("http://192.0.2.1")', "+86", "-5", "@SUM(A1)", "\tx", "'=1"])
def test_every_cell_that_looks_like_a_formula_is_text(cell):
    rows = [["name"], [cell]]
    parts = unpack(render_plain_xlsx(rows, "数据"))
    assert b"<f>" not in parts["xl/worksheets/sheet1.xml"]
    assert b"quotePrefix" in parts["xl/styles.xml"]
    [_, [told]] = list(csv.reader(io.StringIO(render_plain_csv(rows).decode("utf-8-sig"), newline="")))
    assert told == f"'{cell}"


def test_both_forms_hold_the_same():
    rows = [list(HEADINGS.values()), cells(), cells(serial="=1+1")]
    from_csv = read_instruments(read_table(render_plain_csv(rows), header=parse_header)).instruments
    from_xlsx = read_instruments(
        read_workbook_table(render_plain_xlsx(rows, "数据"), read_here, header=parse_header)
    ).instruments
    assert from_xlsx[0] == from_csv[0] == (2, ONE)
    assert from_xlsx[1][1].serial == "=1+1"
    assert unquote_cell(from_csv[1][1].serial) == "=1+1"
