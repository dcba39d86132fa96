"""The reader of workbooks on honest files; hostile ones are in test_workbook_hostile.py."""

import io
from datetime import date, datetime
from decimal import Decimal

import pytest
import python_calamine
from hypothesis import given, settings
from hypothesis import strategies as st
from sheets import read_here, spoil, workbook

from issuer.workbook.formats import (
    Fixed,
    Kind,
    classify_format,
    read_number,
    show_date,
    show_number,
    spell_number,
)
from issuer.workbook.reader import find_column, name_column
from ledger.core.errors import InputError

READER = "issuer.workbook.reader:read_workbook"


def rows(raw):
    return [(number, cells) for number, cells in read_here(READER, raw)[1:]]


def refuse(raw, match):
    with pytest.raises(InputError, match=match) as caught:
        read_here(READER, raw)
    return caught.value


def test_texts_come_as_they_are_and_empty_rows_are_left_out():
    raw = workbook([["a", "", " 检 "], None, ["", "x\ny", "=1+1", "0012"]])
    assert rows(raw) == [(1, ["a", "", " 检 "]), (3, ["", "x\ny", "=1+1", "0012"])]


def test_the_sheet_is_named():
    assert read_here(READER, workbook([["a"]], sheet="Data"))[0] == {"sheet": "Data"}


@pytest.mark.parametrize(
    ("value", "code", "cell"),
    [
        (20, "0.00", ["n", "20", "20.00", "0.00"]),
        (9.77, "0.00", ["n", "9.77", "9.77", "0.00"]),
        (9.876, "0.00", ["n", "9.876", "9.88", "0.00"]),
        (-0.06, "0.00_ ", ["n", "-0.06", "-0.06", "0.00_ "]),
        (-0.001, "0.00", ["n", "-0.001", "0.00", "0.00"]),
        (0.1 + 0.2, "0.0", ["n", "0.3", "0.3", "0.0"]),
        (20, None, ["n", "20", None, "General"]),
        (2411450004, None, ["n", "2411450004", None, "General"]),
        (0.5, "0%", ["n", "0.5", None, "0%"]),
        (1234.5, "#,##0.00", ["n", "1234.5", None, "#,##0.00"]),
        (5, "0", ["n", "5", "5", "0"]),
        (5, "0.00E+00", ["n", "5", None, "0.00E+00"]),
        (True, None, ["b", "true"]),
        (False, None, ["b", "false"]),
    ],
)
def test_numbers_say_what_is_stored_and_what_is_shown(value, code, cell):
    assert rows(workbook([[value]], formats={(0, 0): code})) == [(1, [cell])]


@pytest.mark.parametrize(
    ("value", "code", "cell"),
    [
        (date(2026, 11, 2), "yyyy-mm-dd", ["d", "2026-11-02"]),
        (date(2026, 11, 2), "yyyy/m/d", ["d", "2026-11-02"]),
        (date(2026, 11, 2), 'yyyy"年"m"月"d"日";@', ["d", "2026-11-02"]),
        (date(2026, 11, 2), "[$-804]yyyy/m/d", ["d", "2026-11-02"]),
        (datetime(2026, 11, 2, 16, 40), "yyyy-mm-dd hh:mm", ["d", "2026-11-02T16:40:00"]),  # noqa: DTZ001
        (datetime(2026, 11, 2, 23, 59, 59), "yyyy-mm-dd hh:mm", ["d", "2026-11-02T23:59:59"]),  # noqa: DTZ001
        (date(2024, 2, 29), "d-m-yy", ["d", "2024-02-29"]),
        (date(2026, 11, 2), "yyyy-mm", ["n", "46328", None, "yyyy-mm"]),
        (date(2026, 11, 2), "hh:mm", ["n", "46328", None, "hh:mm"]),
    ],
)
def test_dates_are_dates_only_where_the_day_is_shown(value, code, cell):
    assert rows(workbook([[value]], formats={(0, 0): code})) == [(1, [cell])]


def test_workbooks_that_count_from_1904():
    raw = workbook([[date(2026, 11, 2)]], formats={(0, 0): "yyyy-mm-dd"})
    raw = spoil(
        raw, "xl/workbook.xml", lambda xml: xml.replace(b"<workbookPr ", b'<workbookPr date1904="1" ')
    )
    assert rows(raw) == [(1, [["d", "2030-11-03"]])]


def test_formulas_and_errors_are_told_with_their_text():
    raw = workbook([["a", ("=SUM(A1:A9)", None, 5)]])
    assert rows(raw) == [(1, ["a", ["f", "SUM(A1:A9)"]])]
    cell = b'<c r="B1" t="e"><v>#REF!</v></c></row>'
    raw = spoil(workbook([["a"]]), "xl/worksheets/sheet1.xml", lambda xml: xml.replace(b"</row>", cell))
    assert rows(raw) == [(1, ["a", ["e", "#REF!"]])]


SHARED = (
    b'<?xml version="1.0"?><sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">%s</sst>'
)


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (b"<si><t>a</t></si>", "a"),
        (b"<si><r><rPr><b/></rPr><t>a</t></r><r><t xml:space='preserve'> b</t></r></si>", "a b"),
        ("<si><t>检定</t><rPh sb='0' eb='2'><t>けんてい</t></rPh></si>".encode(), "检定"),
        (b"<si><t>a_x000A_b_x005F_x0041_</t></si>", "a\nb_x0041_"),
        (b"<si><t>&lt;b&gt;&amp;</t></si>", "<b>&"),
    ],
)
def test_shared_texts(item, text):
    raw = spoil(workbook([["a"]]), "xl/sharedStrings.xml", lambda _: SHARED % item)
    assert rows(raw) == [(1, [text])]


def test_inline_texts_and_rows_without_numbers():
    sheet = (
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        b'<row><c t="inlineStr"><is><t>a</t></is></c><c t="str"><v>b</v></c></row>'
        b'<row><c t="d"><v>2026</v></c></row>'
        b"</sheetData></worksheet>"
    )
    raw = spoil(workbook([["a"]]), "xl/worksheets/sheet1.xml", lambda _: sheet)
    assert rows(raw) == [(1, ["a", "b"]), (2, [["x", "2026"]])]


def test_the_strict_form_is_read_too():
    def strict(xml):
        xml = xml.replace(
            b"schemas.openxmlformats.org/spreadsheetml/2006/main", b"purl.oclc.org/ooxml/spreadsheetml/main"
        )
        return xml.replace(
            b"schemas.openxmlformats.org/officeDocument/2006/relationships",
            b"purl.oclc.org/ooxml/officeDocument/relationships",
        )

    raw = workbook([["a", "b"]])
    for part in ("xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml"):
        raw = spoil(raw, part, strict)
    assert rows(raw) == [(1, ["a", "b"])]


# --- which sheet ----------------------------------------------------------------------------------------------


def add_sheets(**sheets):
    def build(book, _):
        for name, text in sheets.items():
            other = book.add_worksheet(name)
            if text:
                other.write_string(0, 0, text)

    return build


def test_empty_sheets_and_help_sheets_are_passed_over():
    raw = workbook([["a"]], sheet="Sheet1", build=add_sheets(Sheet2="", 填写说明="read me"))
    assert read_here(READER, raw)[0] == {"sheet": "Sheet1"}


def test_the_sheet_named_data_is_taken_before_others():
    raw = workbook([["a"]], sheet="附页", build=add_sheets(数据="b"))
    assert (read_here(READER, raw)[0], rows(raw)) == ({"sheet": "数据"}, [(1, ["b"])])


def test_several_sheets_that_hold_something_are_refused():
    refuse(
        workbook([["a"]], sheet="一月", build=add_sheets(二月="b")),
        r"several sheets hold something \(一月, 二月\)",
    )


def test_a_workbook_without_anything_is_refused():
    assert read_here(READER, workbook([]))[1:] == []
    refuse(workbook([], sheet="Sheet1"), "no sheet of the workbook holds anything")


# --- what a person did not see ----------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["hide", "very_hidden"])
def test_hidden_sheets_are_refused(how):
    def build(book, _):
        getattr(book.add_worksheet("账"), how)()

    assert refuse(workbook([["a"]], build=build), "is hidden: show it or delete it").field == "sheet 账"


def test_hidden_rows_are_refused_if_they_hold_something():
    def build(_, sheet):
        sheet.set_row(1, None, None, {"hidden": True})
        sheet.set_row(5, None, None, {"hidden": True})

    assert refuse(workbook([["a"], ["b"]], build=build), "is hidden").field == "sheet 数据, row 2"
    assert rows(workbook([["a"], None, ["b"]], build=build)) == [(1, ["a"]), (3, ["b"])]


def test_hidden_columns_are_refused_if_they_hold_something():
    def build(_, sheet):
        sheet.set_column(1, 2, None, None, {"hidden": True})

    assert refuse(workbook([["a", "b"]], build=build), "is hidden").field == "sheet 数据, column B"
    assert rows(workbook([["a"]], build=build)) == [(1, ["a"])]


def test_merged_cells_are_refused():
    def build(_, sheet):
        sheet.merge_range(2, 0, 3, 1, "x")

    assert (
        refuse(workbook([["a"]], build=build), "the cells A3:B4 are merged: split them").field == "sheet 数据"
    )


def test_comments_drop_downs_links_and_pictures_are_nothing_to_us():
    def build(_, sheet):
        sheet.write_comment(0, 0, "note")
        sheet.data_validation(0, 0, 9, 0, {"validate": "list", "source": ["a", "b"]})
        sheet.write_url(1, 0, "https://example.cn/", string="link")
        sheet.autofilter(0, 0, 1, 0)

    assert rows(workbook([["a"]], build=build)) == [(1, ["a"]), (2, ["link"])]


# --- formats --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "code", "form"),
    [
        (0, None, Kind.GENERAL),
        (1, None, Fixed(0)),
        (2, None, Fixed(2)),
        (14, None, Kind.DATE),
        (31, None, Kind.DATE),
        (58, None, Kind.DATE),
        (49, None, Kind.GENERAL),
        (9, None, Kind.OTHER),
        (20, None, Kind.OTHER),
        (164, "0.000", Fixed(3)),
        (164, "0.0_);", Kind.OTHER),
        (164, '0.00"L"', Kind.OTHER),
        (164, "0.00;0.00", Kind.OTHER),
        (164, "0.", Kind.OTHER),
        (164, "00.0", Kind.OTHER),
        (164, "#0.0", Kind.OTHER),
        (164, "General", Kind.GENERAL),
        (164, '"day"0', Kind.OTHER),
        (164, "yyyy-mm-dd;@", Kind.DATE),
        (164, '"yd"General', Kind.OTHER),
    ],
)
def test_what_a_format_means(number, code, form):
    assert classify_format(number, code) == form


def test_numbers_have_fifteen_digits():
    assert read_number("9.7699999999999996") == Decimal("9.77")
    assert read_number("1E-2") == Decimal("0.01")
    for text in ("", "x", "NaN", "Infinity", "1e999", "1e16"):
        assert read_number(text) is None


@given(st.decimals(-(10**9), 10**9, places=3))
def test_a_number_is_shown_as_it_was_typed(value):
    stored = repr(float(value))
    assert Decimal(show_number(stored, Fixed(3))) == value
    assert Decimal(spell_number(read_number(stored))) == value
    assert len(show_number(stored, Fixed(3)).partition(".")[2]) == 3


@pytest.mark.parametrize("serial", ["0", "60", "60.9", "2958466", "-1"])
def test_days_that_programs_disagree_about_are_no_dates(serial):
    assert show_date(Decimal(serial), from_1904=False) is None


def test_columns_have_letters():
    assert [name_column(place) for place in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]
    assert all(find_column(name_column(place)) == place for place in range(2000))


CELLS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12).filter(
        lambda text: "_x" not in text
    ),
    st.integers(-(10**9), 10**9),
    st.booleans(),
    st.dates(date(1950, 1, 1), date(2090, 1, 1)),
)


@settings(max_examples=60)
@given(st.lists(st.lists(CELLS, min_size=1, max_size=5), min_size=1, max_size=5))
def test_another_reader_sees_the_same(cells):
    """python-calamine, which gives values without formats, agrees on every value."""
    dates = {
        (row, place): "yyyy-mm-dd"
        for row, line in enumerate(cells)
        for place, cell in enumerate(line)
        if isinstance(cell, date)
    }
    raw = workbook(cells, formats=dates)
    sheet = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(raw)).get_sheet_by_index(0)
    theirs = sheet.to_python(skip_empty_area=False)
    ours = dict(rows(raw))
    for number, line in enumerate(theirs, start=1):
        mine = [plain(cell) for cell in ours.get(number, [])]
        assert mine + [""] * (len(line) - len(mine)) == [
            cell.isoformat() if isinstance(cell, date) else cell for cell in line
        ]


def plain(cell):
    """Return a cell of ours as the other reader gives it."""
    if isinstance(cell, str):
        return cell
    kind, value = cell[:2]
    return {"n": lambda: float(value), "b": lambda: value == "true", "d": lambda: value}[kind]()
