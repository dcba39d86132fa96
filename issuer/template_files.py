"""Templates as files: XLSX with drop-downs, cells of text and a help sheet; CSV with the same three first rows.

>>> render_xlsx(template)[:2]
b'PK'
"""

import csv
import io
from datetime import datetime
from typing import Final

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from issuer.columns import CellKind
from issuer.template import Template, TemplateColumn

DATA_SHEET: Final = "数据"
HELP_SHEET: Final = "填写说明"
LAST_ROW: Final = 10_003
"""Drop-downs and text formats reach down to here, counted from 1: ten thousand documents."""
_MAX_LIST: Final = 255
"""Characters of a drop-down list that stands in the cell itself."""
_CREATED: Final = datetime(2026, 1, 1)  # noqa: DTZ001 -- a property of the file, the same every time
_RULES: Final = (
    (
        "第1行是表头，请勿改动；不需要的列可以删除。",
        "Row 1 holds the headings. Columns that you do not need may go.",
    ),
    (
        "第2行（说明）和第3行（示例）不会被签发，可以删除；数据从其后开始。",
        "Row 2 (help) and row 3 (example) are never issued and may be deleted; documents follow.",
    ),
    (
        "读数列已设为文本：请照仪器示值录入，20.00 不要写成 20。",
        "Columns of readings are text: write 20.00 as it was read, not 20.",
    ),
    ("不要使用公式、合并单元格、隐藏行列。", "No formulas, merged cells, hidden rows or columns."),
    (
        "请求编号相同的行只签发一次；更正后可整表再次提交。",
        "Rows with the same request number are issued once; hand the whole table in again after corrections.",
    ),
    ("黄色表头为必填列。", "Yellow headings are needed."),
)


def render_csv(template: Template) -> bytes:
    """Return the template as CSV: UTF-8 with a byte order mark, which spreadsheets need to know it."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([one.heading for one in template.columns])
    writer.writerows([template.help_row(), template.example_row()])
    return text.getvalue().encode("utf-8-sig")


def render_xlsx(template: Template) -> bytes:
    """Return the template as a workbook."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False}) as book:
        book.set_properties({"created": _CREATED, "title": template.title})
        data = book.add_worksheet(DATA_SHEET)
        guide = book.add_worksheet(HELP_SHEET)
        bold = {"bold": True, "text_wrap": True, "valign": "top"}
        plain = book.add_format({**bold, "bg_color": "#D9E1F2"})
        needed = book.add_format({**bold, "bg_color": "#FFE699"})
        text = book.add_format({"num_format": "@"})
        small = book.add_format(
            {"num_format": "@", "italic": True, "font_color": "#595959", "text_wrap": True}
        )
        for place, one in enumerate(template.columns):
            _write_column(data, place, one, needed if one.is_needed else plain, text)
        data.write_row(1, 0, template.help_row(), small)
        data.write_row(2, 0, template.example_row(), small)
        data.freeze_panes(1, 1)
        _write_guide(guide, template, plain, text)
    return file.getvalue()


def _write_column(sheet: Worksheet, place: int, one: TemplateColumn, head: Format, text: Format) -> None:
    sheet.set_column(place, place, max(12, len(one.heading) * 2), text)
    sheet.write_string(0, place, one.heading, head)
    zh, en = one.help
    sheet.write_comment(0, place, f"{one.column.name}\n{zh}\n{en}", {"x_scale": 1.6})
    words = list(one.words)
    if words and len(",".join(words)) <= _MAX_LIST:
        options = {
            "validate": "list",
            "source": words,
            "error_title": one.heading,
            "error_message": zh[:_MAX_LIST],
        }
        sheet.data_validation(1 + 2, place, LAST_ROW - 1, place, options)


def _write_guide(sheet: Worksheet, template: Template, head: Format, text: Format) -> None:
    sheet.set_column(0, 1, 30, text)
    sheet.set_column(2, 5, 40, text)
    sheet.write_string(0, 0, f"{template.title} {template.regulation}".strip(), head)
    row = 1
    for zh, en in _RULES:
        sheet.write_row(row, 0, [zh, "", en], text)
        row += 1
    titles = ["列 Column", "名称 Name", "内容 Content", "English", "必填 Needed", "可选值 Words"]
    sheet.write_row(row + 1, 0, titles, head)
    for number, one in enumerate(template.columns, start=row + 2):
        needed = "是 yes" if one.is_needed else ""
        listed = "、".join(one.words) if one.column.kind is not CellKind.BOOLEAN else "是、否"
        sheet.write_row(number, 0, [one.heading, one.column.name, *one.help, needed, listed], text)
