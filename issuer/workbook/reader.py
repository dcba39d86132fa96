"""The rows of a workbook's data sheet, as plain values; runs in a confined process, see `ledger.confined`.

First comes `{"sheet": name}`, then rows `[number, cells]`, numbered as spreadsheets do; empty rows are left out.
A cell is a text, "" where it is empty, or a list that says what else it is:

    ["n", "20", "20.00", "0.00"]     a number, what is shown (None: cannot be told), its format
    ["d", "2026-11-02T16:40:00"]     a date, with a time of the day unless that is 0:00
    ["b", "true"]                    a truth value
    ["e", "#REF!"]                   an error
    ["f", "SUM(A1:A9)"]              a formula
    ["x", "12"]                      something that no spreadsheet writes

The data sheet is the one that is named 数据 or Data; else the only one that has cells and is no help sheet.
Hidden sheets, hidden rows and columns that hold something, and merged cells are refused: what is signed is what
a person saw.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO, Final, TypeAlias

from issuer.workbook.container import Container, open_container
from issuer.workbook.formats import Fixed, Kind, read_number, show_date, show_number, spell_number
from issuer.workbook.markup import read_xml_in_steps
from issuer.workbook.parts import DEFAULT_FORMAT, Sheet, Workbook, read_parts, unescape
from ledger.core.errors import InputError, MalformedDocumentError

MAX_ROWS: Final = 100_100
"""Rows that hold something; whoever reads documents allows fewer."""
MAX_COLUMNS: Final = 2_000
MAX_CELLS: Final = 10_000_000
_LAST_ROW: Final = 1_048_576
DATA_SHEETS: Final = frozenset({"数据", "data"})
HELP_SHEETS: Final = frozenset({"填写说明", "说明", "help"})
_REFERENCE: Final = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")

Cell: TypeAlias = str | list[str | None]
Row: TypeAlias = tuple[int, list[Cell]]


def read_workbook(file: BinaryIO) -> Iterator[object]:
    """Yield the name of the data sheet, then its rows.

    Raises:
        InputError: not a workbook that is read, see the module's text.
    """
    container = open_container(file)
    workbook = read_parts(container)
    sheet = _choose_sheet(container, workbook)
    yield {"sheet": sheet.name}
    yield from _read_sheet(container, workbook, sheet)


def _choose_sheet(container: Container, workbook: Workbook) -> Sheet:
    named = [sheet for sheet in workbook.sheets if sheet.name.strip().casefold() in DATA_SHEETS]
    if len(named) == 1:
        return named[0]
    others = [sheet for sheet in workbook.sheets if sheet.name.strip().casefold() not in HELP_SHEETS]
    filled = [sheet for sheet in others if any(_read_sheet(container, workbook, sheet))]
    if len(filled) == 1:
        return filled[0]
    if not filled:
        raise InputError("no sheet of the workbook holds anything", field="file")
    names = ", ".join(sheet.name for sheet in filled)
    raise InputError(f"several sheets hold something ({names}): name one of them 数据", field="file")


def _read_sheet(container: Container, workbook: Workbook, sheet: Sheet) -> Iterator[Row]:
    """Yield rows as they come; what is refused in the end is refused after rows have come."""
    cells = _Cells(workbook)
    try:
        for _ in read_xml_in_steps(container.read(sheet.part), cells, sheet.part):
            yield from cells.take()
        yield from cells.take()
    except InputError as err:
        if err.field == "file":
            raise
        place = f"sheet {sheet.name}" if err.field is None else f"sheet {sheet.name}, {err.field}"
        raise type(err)(err.reason, field=place) from None


def find_column(letters: str) -> int:
    """Return the position of a column from 0: A is 0, AA is 26."""
    position = 0
    for letter in letters:
        position = position * 26 + ord(letter) - 64
    return position - 1


def name_column(position: int) -> str:
    """Return the letters of a column: 0 is A, 26 is AA."""
    letters = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


class _Cells:
    """`xl/worksheets/sheet1.xml`."""

    def __init__(self, workbook: Workbook) -> None:
        self._rows: list[Row] = []
        self._taken = 0
        self._workbook = workbook
        self._row: list[Cell] = []
        self._number = 0
        self._is_hidden = False
        self._hidden: list[tuple[int, int]] = []
        self._position = -1
        self._count = 0
        self._attributes: dict[str, str] = {}
        self._value: str | None = None
        self._formula: str | None = None
        self._runs: list[str] = []
        self._in_reading = False

    def take(self) -> list[Row]:
        """Return the rows that have come since the last time."""
        rows, self._rows = self._rows, []
        self._taken += len(rows)
        return rows

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "c":
            self._start_cell(attributes)
        elif name == "row":
            self._start_row(attributes)
        elif name == "rPh":
            self._in_reading = True
        elif name == "col" and attributes.get("hidden") in {"1", "true"}:
            first, last = attributes.get("min", ""), attributes.get("max", "")
            if first.isdecimal() and last.isdecimal():
                self._hidden.append((int(first) - 1, int(last) - 1))
        elif name == "mergeCell":
            message = f"the cells {attributes.get('ref', '')[:20]} are merged: split them"
            raise InputError(message)

    def end(self, name: str, text: str) -> None:
        if name == "v":
            self._value = text
        elif name == "f":
            self._formula = text
        elif name == "t" and not self._in_reading:
            self._runs.append(text)
        elif name == "rPh":
            self._in_reading = False
        elif name == "c":
            self._end_cell()
        elif name == "row":
            self._end_row()

    def _start_row(self, attributes: dict[str, str]) -> None:
        given = attributes.get("r")
        number = self._number + 1 if given is None else int(given) if given.isdecimal() else 0
        if not self._number < number <= _LAST_ROW:
            raise MalformedDocumentError(f"row {given} stands behind row {self._number}", field=None)
        self._number, self._row, self._position = number, [], -1
        self._is_hidden = attributes.get("hidden") in {"1", "true"}

    def _start_cell(self, attributes: dict[str, str]) -> None:
        place = _REFERENCE.fullmatch(attributes.get("r", ""))
        position = self._position + 1 if place is None else find_column(place[1])
        if position <= self._position or (place is not None and int(place[2]) != self._number):
            raise MalformedDocumentError("a cell stands in a wrong place", field=f"row {self._number}")
        self._count += 1
        if self._count > MAX_CELLS:
            raise InputError(f"more than {MAX_CELLS} cells")
        self._position, self._attributes = position, attributes
        self._value, self._formula, self._runs = None, None, []

    def _end_cell(self) -> None:
        cell = self._read_cell()
        if not cell:
            return
        if self._position >= MAX_COLUMNS:
            raise InputError(f"more than {MAX_COLUMNS} columns", field=f"row {self._number}")
        if any(first <= self._position <= last for first, last in self._hidden):
            message = "is hidden and holds something: show it or delete it"
            raise InputError(message, field=f"column {name_column(self._position)}")
        self._row += [""] * (self._position - len(self._row))
        self._row.append(cell)

    def _end_row(self) -> None:
        if not self._row:
            return
        if self._is_hidden:
            message = "is hidden, by a filter perhaps, and holds something: show it or delete it"
            raise InputError(message, field=f"row {self._number}")
        if self._taken + len(self._rows) >= MAX_ROWS:
            raise InputError(f"more than {MAX_ROWS} rows; split the file")
        self._rows.append((self._number, self._row))

    def _read_cell(self) -> Cell:
        if self._formula is not None:
            return ["f", (self._formula or "…")[:200]]
        kind, value = self._attributes.get("t", "n"), self._value
        if kind == "inlineStr":
            return unescape("".join(self._runs))
        if value is None or not value:
            return ""
        if kind == "s":
            return self._find_shared(value)
        if kind == "str":
            return unescape(value)
        if kind == "b":
            return ["b", "true" if value == "1" else "false"]
        if kind == "e":
            return ["e", value[:20]]
        return self._read_number(value) if kind == "n" else ["x", value[:40]]

    def _find_shared(self, value: str) -> str:
        shared = self._workbook.shared
        if not value.isdecimal() or len(value) > 9 or int(value) >= len(shared):
            raise MalformedDocumentError("a cell names a text that is not there", field=f"row {self._number}")
        return shared[int(value)]

    def _read_number(self, raw: str) -> Cell:
        style, formats = self._attributes.get("s", "0"), self._workbook.formats
        known = style.isdecimal() and len(style) < 9 and int(style) < len(formats)
        form, code = formats[int(style)] if known else DEFAULT_FORMAT
        value = read_number(raw)
        if value is None:
            return ["x", raw[:40]]
        if form is Kind.DATE:
            shown = show_date(value, from_1904=self._workbook.from_1904)
            return ["n", spell_number(value), None, code] if shown is None else ["d", shown]
        shown = show_number(value, form) if isinstance(form, Fixed) else None
        return ["n", spell_number(value), shown, code]
