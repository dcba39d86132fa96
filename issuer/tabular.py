r"""Tables (CSV, XLSX) as input documents: a column is a member, a row is a document; see `columns`.

An empty cell is an absent member, an object or list item whose cells are all empty is absent, and a row of empty
cells is skipped. Cells are text: nothing is a formula, and nothing becomes a number except where a member is one;
what is no number there stays text, and the record's parser refuses it with whatever else is wrong in the row. Some
columns take words of Chinese for their codes (`headings`). The help row and the example rows of a template are
passed over, and counted.

>>> next(read_table_rows("instrument.serial,lot.size\nA-17,40\n".encode()))
(2, {'instrument': {'serial': 'A-17'}, 'lot': {'size': 40}})
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from issuer.columns import CellKind, Column, Header, Path, parse_header
from issuer.delimited import read_delimited
from issuer.headings import find_choices
from ledger.core.canonical import JsonObject, JsonValue
from ledger.core.errors import DocumentRefusedError, InputError, MalformedDocumentError, Reason
from ledger.core.record import Role

HELP_MARK: Final = "说明 HELP"
EXAMPLE_MARK: Final = "示例 EXAMPLE"
"""First cells of rows of a template that are no documents."""

_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]{0,14}")
_BOOLEANS: Final = {"true": True, "TRUE": True, "false": False, "FALSE": False}
"""Spreadsheets write them in capitals."""
_LOCAL_TIME: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2})?")


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a table below its header."""

    number: int
    """As a spreadsheet counts."""
    cells: Sequence[str]
    spoiled: Mapping[int, Reason] = field(default_factory=dict)
    """Positions of cells that cannot be taken as they are, and why."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose header is in order."""

    names: Sequence[str]
    """Headings as given."""
    columns: Sequence[Column | None]
    """None: not read."""
    lines: Iterable[Line]
    source: str
    """What was read, as `CSV, GB18030`."""
    zone: ZoneInfo | None = None
    """Times without an offset are times of this zone; None: they are left for the record's parser to refuse."""

    def read_line(self, line: Line) -> JsonObject | InputError:
        """Return the document of a line, or why it cannot be read."""
        if line.spoiled:
            return DocumentRefusedError(tuple(line.spoiled.values()))
        if len(line.cells) != len(self.columns):
            message = f"{len(line.cells)} cells; the header has {len(self.columns)}"
            return MalformedDocumentError(message)
        tree: dict[str | int, Any] = {}
        for column, cell in zip(self.columns, line.cells, strict=True):
            if cell and column is not None:
                _put(tree, column.path, _read_cell(column, cell, self.zone))
        return _expand(cast("JsonObject", _close(tree)))

    def place_cells(self, line: Line) -> JsonObject:
        """Return a document like that of a line, but with the positions of cells in the place of their values."""
        tree: dict[str | int, Any] = {}
        for position, (column, cell) in enumerate(zip(self.columns, line.cells, strict=False)):
            if cell and column is not None:
                _put(tree, column.path, position)
        return _expand(cast("JsonObject", _close(tree)))


def read_table(raw: bytes, zone: ZoneInfo | None = None, header: Header = parse_header) -> Table:
    """Return the table of a CSV file.

    Args:
        raw: the file.
        zone: see `Table.zone`.
        header: knows the columns.

    Raises:
        InputError: another encoding, or a header with wrong or double columns. Lines raise it where CSV ends.
    """
    found = read_delimited(raw)
    lines = found.lines()
    _, names = next(lines, (1, []))
    columns = header(names)
    named = "" if found.separator == "," else f", separated by {found.separator!r}"
    return Table(names, columns, _skip_empty(lines), f"CSV, {found.encoding}{named}", zone)


def read_table_rows(
    raw: bytes, zone: ZoneInfo | None = None
) -> Iterator[tuple[int, JsonObject | InputError]]:
    """Yield the number and the document of every row of a CSV file, or why it cannot be read.

    Rows are counted as spreadsheets do: the header is row 1.

    Raises:
        InputError: as `read_table`.
    """
    table = read_table(raw, zone)
    for line in table.lines:
        if not is_of_template(line):
            yield line.number, table.read_line(line)


def is_of_template(line: Line) -> bool:
    """Tell whether a line is a template's help or example: no document."""
    return bool(line.cells) and line.cells[0] in {HELP_MARK, EXAMPLE_MARK}


def _skip_empty(lines: Iterable[tuple[int, list[str]]]) -> Iterator[Line]:
    for number, cells in lines:
        if any(cells):
            yield Line(number, cells)


def _read_cell(column: Column, cell: str, zone: ZoneInfo | None) -> JsonValue:
    cell = find_choices(column.pattern).get(cell, cell)
    if column.kind is CellKind.INTEGER and _INTEGER.fullmatch(cell):
        return int(cell)
    if column.kind is CellKind.INSTANT and zone is not None:
        return _add_offset(cell, zone)
    return _BOOLEANS.get(cell, cell) if column.kind is CellKind.BOOLEAN else cell


def _add_offset(cell: str, zone: ZoneInfo) -> str:
    """Return a time without an offset as one of this zone; anything else as it is."""
    found = _LOCAL_TIME.fullmatch(cell)
    if found is None:
        return cell
    try:
        moment = datetime.fromisoformat(f"{found[1]}T{found[2]}{found[3] or ':00'}").replace(tzinfo=zone)
    except ValueError:
        return cell
    return moment.isoformat()


def _put(tree: dict[str | int, Any], path: Path, value: JsonValue) -> None:
    for step in path[:-1]:
        tree = tree.setdefault(step, {})
    tree[path[-1]] = value


def _close(tree: Any) -> JsonValue:  # noqa: ANN401 -- a tree of dicts whose leaves are cells
    """Return objects where the steps were names, lists where they were positions."""
    if not isinstance(tree, dict):
        return cast("JsonValue", tree)
    if all(isinstance(step, int) for step in tree):
        return [_close(tree[step]) for step in sorted(tree)]
    return {str(step): _close(inner) for step, inner in tree.items()}


def _expand(value: JsonObject) -> JsonObject:
    """Return the document with short forms written out."""
    persons: list[JsonValue] = []
    for role in Role:
        person = value.pop(role.value, None)
        if isinstance(person, dict):
            persons.append({"role": role.value, **person})
    if persons:
        value["persons"] = persons
    items = value.pop("item", None)
    if isinstance(items, dict):
        value["results"] = [_expand_item(code, item) for code, item in items.items()]
    return value


def _expand_item(code: str, item: JsonValue) -> JsonValue:
    """Return a result; it passes if each of its points does, and says nothing where none is judged."""
    if not isinstance(item, dict):
        return item
    points = item.get("points", [])
    listed = points if isinstance(points, list) else []
    marks = [point.get("pass") for point in listed if isinstance(point, dict)]
    if marks and set(marks) == {None}:
        return {"item": code, **item, "points": listed}
    return {"item": code, **item, "points": listed, "pass": all(mark is True for mark in marks)}
