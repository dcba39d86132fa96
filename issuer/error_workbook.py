"""The rows of an input table once more, with what is wrong with them: to be corrected and handed in again.

Two columns are added, which are not read when the workbook comes back: which fields, and why, in both languages.
The cells to blame are coloured and carry the reason as a comment. All cells are text, as they were read, so that
rows that were in order stay the same documents; a cell that starts like a formula is marked as text for
spreadsheets (quote prefix), and nothing is added to it.

>>> render_error_workbook(table, checked.faults)
b'PK...'
"""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import xlsxwriter
from xlsxwriter.format import Format

from issuer.columns import NOTE_COLUMNS
from issuer.faults import Fault
from issuer.plain_tables import FORMULA_MARKS
from issuer.tabular import Line, Table
from ledger.core.canonical import JsonValue

SHEET: Final = "数据"
MAX_CELL: Final = 32_000
"""Characters; spreadsheets take 32,767."""
_STEP: Final = re.compile(r"[^.\[\]]+")
_WIDTH: Final = 18
_NOTE_WIDTH: Final = 48
_BAD: Final = {"bg_color": "#FFC7CE", "font_color": "#9C0006"}
_HEAD: Final = {"bold": True, "text_wrap": True, "bg_color": "#D9E1F2"}


def render_error_workbook(table: Table, faults: Sequence[Fault]) -> bytes:
    """Return the workbook.

    Args:
        table: as it was read; `lines` can be gone through again.
        faults: of its rows.
    """
    by_row: dict[int, list[Fault]] = {}
    for fault in faults:
        by_row.setdefault(fault.row or 0, []).append(fault)
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False}) as book:
        _Sheet(book, table).write(by_row)
    return file.getvalue()


def find_cells(table: Table, line: Line, field: str | None) -> list[int]:
    """Return the positions of the cells of a line that a fault is about; none where it is about no cell.

    Args:
        table: of the line.
        line: one of its lines.
        field: of the fault: the name of a column, or the path of a member as the record has it.
    """
    if not field:
        return []
    named = [at for at, column in enumerate(table.columns) if column is not None and column.name == field]
    if named:
        return named
    steps = _STEP.findall(field)
    everywhere = Line(line.number, ["?"] * len(table.columns))
    for placed in (table.place_cells(line), table.place_cells(everywhere)):
        if found := list(_gather(_walk(placed, steps))):
            return found
    return []


def _walk(value: JsonValue, steps: Sequence[str]) -> "JsonValue | None":
    for step in steps:
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def _gather(value: "JsonValue | None") -> Iterator[int]:
    """Yield the positions of all cells below a value; truth values and codes are of no cell."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from _gather(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _gather(inner)
    elif type(value) is int:
        yield value


class _Sheet:
    """The one sheet of the workbook."""

    def __init__(self, book: xlsxwriter.Workbook, table: Table) -> None:
        self._table = table
        self._sheet = book.add_worksheet(SHEET)
        self._text = book.add_format({"num_format": "@"})
        self._quoted = book.add_format({"num_format": "@", "quote_prefix": True})
        self._bad = book.add_format({"num_format": "@", "quote_prefix": True, **_BAD})
        self._head = book.add_format(_HEAD)
        self._note = book.add_format({"text_wrap": True, "valign": "top", **_BAD})
        self._kept = [at for at, name in enumerate(table.names) if name not in NOTE_COLUMNS]

    def write(self, faults: Mapping[int, Sequence[Fault]]) -> None:
        """Write header and lines, each in the row that it came from."""
        width = len(self._kept)
        for place, at in enumerate(self._kept):
            self._sheet.write_string(0, place, self._table.names[at], self._head)
        for place, name in enumerate(NOTE_COLUMNS, start=width):
            self._sheet.write_string(0, place, name, self._head)
        self._sheet.freeze_panes(1, 0)
        self._sheet.set_column(0, max(width - 1, 0), _WIDTH, self._text)
        self._sheet.set_column(width, width + 1, _NOTE_WIDTH)
        for line in self._table.lines:
            self._write_line(line, faults.get(line.number, ()))

    def _write_line(self, line: Line, faults: Sequence[Fault]) -> None:
        reasons: dict[int, list[str]] = {}
        for fault in faults:
            for at in find_cells(self._table, line, fault.field):
                reasons.setdefault(at, []).append(f"{fault.zh}\n{fault.en}")
        row = line.number - 1
        for place, at in enumerate(self._kept):
            cell = line.cells[at][:MAX_CELL] if at < len(line.cells) else ""
            if at in reasons:
                self._write_bad(row, place, cell, "\n".join(reasons[at]))
            elif cell:
                self._sheet.write_string(row, place, cell, _choose(cell, self._text, self._quoted))
        if faults:
            self._write_notes(row, line, faults)

    def _write_bad(self, row: int, place: int, cell: str, reason: str) -> None:
        if cell:
            self._sheet.write_string(row, place, cell, self._bad)
        else:
            self._sheet.write_blank(row, place, None, self._bad)
        self._sheet.write_comment(row, place, reason[:MAX_CELL], {"x_scale": 2})

    def _write_notes(self, row: int, line: Line, faults: Sequence[Fault]) -> None:
        fields = dict.fromkeys(self._name_field(line, fault) for fault in faults)
        reasons = [f"{fault.zh} / {fault.en}" for fault in faults]
        for place, text in enumerate(("\n".join(fields), "\n".join(reasons)), start=len(self._kept)):
            self._sheet.write_string(row, place, text[:MAX_CELL], self._note)

    def _name_field(self, line: Line, fault: Fault) -> str:
        """Return the heading to blame, with the path of the member; a dash where it is the row as a whole."""
        cells = find_cells(self._table, line, fault.field)
        if len(cells) == 1 and self._table.names[cells[0]] != fault.field:
            return f"{self._table.names[cells[0]]} ({fault.field})"
        return fault.field or "—"


def _choose(cell: str, plain: Format, quoted: Format) -> Format:
    return quoted if cell[0] in FORMULA_MARKS else plain
