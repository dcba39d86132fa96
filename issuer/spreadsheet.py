"""XLSX workbooks as tables: each cell becomes the text that a person saw in it, or says why it cannot.

Spreadsheets keep numbers, not what was read: 20.00 is stored as 20. So a measured value is taken from a cell of
text; or from a number whose format shows a fixed number of decimals, where what is shown is what is stored.
Anything else (General, percent, more decimals behind those shown, formulas) is refused with sheet and cell. Dates
are taken from date cells where a column holds dates. See `ledger/decisions/0020-spreadsheets.md`.

>>> table = read_workbook_table(raw, read_confined, ZoneInfo("Asia/Shanghai"))
>>> table.source
'XLSX, sheet 数据'
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final, Protocol, TypeAlias
from zoneinfo import ZoneInfo

from issuer.columns import CellKind, Column, Header, parse_header
from issuer.tabular import Line, Table
from issuer.workbook.formats import GENERAL
from issuer.workbook.reader import name_column
from ledger.core.errors import MalformedDocumentError, Reason

READER: Final = "issuer.workbook.reader:read_workbook"
_WHOLE_DIGITS: Final = 11
"""So many digits of a whole number a spreadsheet shows without being told how."""

_Typed: TypeAlias = list[str | None]


class ConfinedReader(Protocol):
    """Reads foreign files in a process that can do nothing else: `ledger.confined.runner.read_confined`."""

    def __call__(self, reader: str, raw: bytes, /) -> list[Any]:
        """Return the rows that `module:function` makes of a file; raises InputError or UnavailableError."""
        ...


def read_workbook_table(
    raw: bytes, read_confined: ConfinedReader, zone: ZoneInfo | None = None, header: Header = parse_header
) -> Table:
    """Return the table of a workbook's data sheet.

    Args:
        raw: the file.
        read_confined: opens it.
        zone: see `Table.zone`.
        header: knows the columns.

    Raises:
        InputError: not a workbook that is read, or a header with wrong or double columns.
        UnavailableError: no process could be started to read it.
    """
    head, *rows = read_confined(READER, raw)
    sheet = str(head["sheet"])
    number, cells = rows[0] if rows else (1, [])
    if number != 1:
        raise MalformedDocumentError(
            "the header with the names of the columns is missing", field=f"sheet {sheet}, row 1"
        )
    names = [_read_heading(cell, position) for position, cell in enumerate(cells)]
    columns = header(names)
    lines = list(_make_lines(rows[1:], columns, sheet))
    return Table(names, columns, lines, f"XLSX, sheet {sheet}", zone)


def _read_heading(cell: str | _Typed, position: int) -> str:
    if isinstance(cell, str):
        return cell.strip()
    message = "a heading is text"
    raise MalformedDocumentError(message, field=f"cell {name_column(position)}1")


def _make_lines(
    rows: Sequence[tuple[int, list[str | _Typed]]], columns: Sequence[Column | None], sheet: str
) -> Iterator[Line]:
    for number, cells in rows:
        texts: list[str] = []
        spoiled: dict[int, Reason] = {}
        for position, cell in enumerate(cells):
            column = columns[position] if position < len(columns) else None
            text, why = (cell, None) if isinstance(cell, str) else _read_typed(cell, column)
            texts.append(text)
            if why is not None:
                place = f"{name_column(position)}{number}"
                spoiled[position] = _blame(why, place, sheet, column)
        texts += [""] * (len(columns) - len(texts))
        if any(texts):
            yield Line(number, texts, spoiled)


def _blame(why: tuple[str, str], place: str, sheet: str, column: Column | None) -> Reason:
    en, zh = why
    name = place if column is None else column.name
    return Reason("CELL", name, f"sheet {sheet}, cell {place}: {en}", f"工作表“{sheet}”单元格{place}：{zh}")


_TextOrWhy: TypeAlias = tuple[str, tuple[str, str] | None]
_AS_TEXT: Final = ("format the column as text and type what was read", "请将该列设为“文本”格式后照读数录入")


def _read_typed(cell: _Typed, column: Column | None) -> _TextOrWhy:
    """Return the text of a cell that holds no text, and why it cannot be taken, if it cannot."""
    kind, value = str(cell[0]), cell[1] or ""
    if kind == "f":
        return f"={value}", ("holds a formula; put its value there as text", "是公式，请改为文本值")
    if kind == "e":
        return value, (f"holds the error {value}", f"是错误值 {value}")
    if column is None:
        return value, None
    if kind == "b":
        if column.kind is CellKind.BOOLEAN:
            return value, None
        return value, ("holds a truth value where text is expected", "是逻辑值，此列应为文本")
    if kind == "d":
        return _read_date(value, column)
    if kind == "n":
        return _read_number(value, cell[2], cell[3] or GENERAL, column)
    return value, ("holds something that no spreadsheet writes", "内容无法识别")


def _read_date(value: str, column: Column) -> _TextOrWhy:
    has_time = "T" in value
    if column.kind is CellKind.DATE:
        if not has_time:
            return value, None
        return value, ("holds a time of the day beside the date", "日期中含有时刻")
    if column.kind is CellKind.INSTANT:
        if has_time:
            return value, None
        return value, ("holds a date without a time of the day", "只有日期，缺少时刻")
    return value, ("holds a date where none is expected", "是日期，此列不应为日期")


def _read_number(value: str, shown: str | None, form: str, column: Column) -> _TextOrWhy:
    if column.kind in {CellKind.DATE, CellKind.INSTANT}:
        advice = "is a number where a date is expected; format it as a date", "是数字，请设为日期格式"
        return value, advice
    if column.kind is CellKind.BOOLEAN:
        return value, ("is a number where yes or no is expected", "是数字，此列应为“是”或“否”")
    is_whole = "." not in value
    if column.kind is CellKind.INTEGER and is_whole:
        return value, None
    if shown is not None:
        if Decimal(shown) == Decimal(value):
            return shown, None
        return value, (
            f"shows {shown} but holds {value}; {_AS_TEXT[0]}",
            f"显示为 {shown}，实际为 {value}；{_AS_TEXT[1]}",
        )
    is_plain = form == GENERAL and is_whole and len(value.lstrip("-")) <= _WHOLE_DIGITS
    if is_plain and column.kind is CellKind.TEXT:
        return value, None
    en = f"is a number in the format {form}, which does not keep the digits that were read; {_AS_TEXT[0]}"
    zh = f"是“{form}”格式的数字，末尾的零等读数信息会丢失；{_AS_TEXT[1]}"
    return value, (en, zh)
