"""Tables of plain text as files, so that no spreadsheet takes a cell for a formula, and nothing of a cell is lost.

In a workbook such a cell is text with the quote prefix of its format. CSV knows no kinds of cells: there a quote
`'` is written before it, and before a cell that begins with one; `unquote_cell` takes it away again.

>>> quote_cell("=1+1"), unquote_cell("'=1+1"), quote_cell("A-17")
("'=1+1", '=1+1', 'A-17')
"""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

import xlsxwriter

FORMULA_MARKS: Final = "=+-@\t\r'"
"""What a spreadsheet may take for the beginning of a formula, and the quote itself."""


def quote_cell(cell: str) -> str:
    """Return a cell as CSV that is made for spreadsheets has it."""
    return f"'{cell}" if cell and cell[0] in FORMULA_MARKS else cell


def unquote_cell(cell: str) -> str:
    """Return what `quote_cell` was given; another cell as it is."""
    return cell[1:] if len(cell) > 1 and cell[0] == "'" and cell[1] in FORMULA_MARKS else cell


def render_plain_csv(rows: Iterable[Sequence[str]]) -> bytes:
    """Return a table as CSV, UTF-8 with a byte order mark."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([quote_cell(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def render_plain_xlsx(rows: Iterable[Sequence[str]], sheet_name: str) -> bytes:
    """Return a table as a workbook of one sheet, all cells text."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False}) as book:
        sheet = book.add_worksheet(sheet_name)
        plain = book.add_format({"num_format": "@"})
        quoted = book.add_format({"num_format": "@", "quote_prefix": True})
        for number, row in enumerate(rows):
            for place, cell in enumerate(row):
                if cell:
                    form = quoted if cell[0] in FORMULA_MARKS else plain
                    sheet.write_string(number, place, cell, form)
        sheet.freeze_panes(1, 0)
    return file.getvalue()
