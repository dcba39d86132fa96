r"""Tables (CSV) as input documents: a column name is the path of a member.

    instrument.serial                         a member of an object
    seals.1.no, seals.2.no                    items of a list, counted from 1
    operator.pid, checker.name                short for the person with that role
    item.repeatability.error                  short for the only point of the result of that item
    item.indication_error.3.measured          the third point of that result
    verified_on.day                           a day offset, in examples only

UTF-8, with or without byte order mark, comma-separated as in RFC 4180. An empty cell is an absent member, an
object or list item whose cells are all empty is absent, and a row of empty cells is skipped. Cells are text:
nothing is a formula, and nothing becomes a number except where a member is one; what is no number there stays
text, and the record's parser refuses it with whatever else is wrong in the row. `COLUMNS` lists every name.

>>> next(read_table_rows("instrument.serial,lot.size\nA-17,40\n".encode()))
(2, {'instrument': {'serial': 'A-17'}, 'lot': {'size': 40}})
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from typing import Any, Final, TypeAlias, cast

from ledger.core.canonical import JsonObject, JsonValue
from ledger.core.certificate import Role
from ledger.core.errors import InputError, MalformedDocumentError

MAX_COLUMNS: Final = 2_000
MAX_POSITION: Final = 200
"""Highest position in a list."""


class CellKind(Enum):
    """What the text of a cell becomes."""

    TEXT = "text"
    INTEGER = "integer"
    BOOLEAN = "boolean"


_POINT: Final = ("nominal", "measured", "error", "mpe", "u", "pass")
_RESULT: Final = ("part", "unit", "error_unit", "k", "before_adjustment")
_PERSON: Final = ("pid", "name", "signed_at", "signed_at.day", "signed_at.time")
_TEXT_COLUMNS: Final = (
    *("request_id", "no", "doc_type", "kind", "conclusion", "class_awarded", "sticker_id"),
    *("issuer.id", "issuer.scope_line_id"),
    *("applicant.name", "applicant.code"),
    *(
        f"instrument.{name}"
        for name in ("id", "local_id", "category", "name", "model", "range", "class", "serial")
    ),
    *(f"instrument.{name}" for name in ("maker", "cpa_no", "purpose", "software.id", "software.hash")),
    *(f"instrument.codes.{name}" for name in ("production", "repair", "verification")),
    *(f"instrument.parts.#.{name}" for name in ("id", "name", "serial")),
    *(
        "instrument.owner.name",
        "instrument.owner.code",
        "instrument.site.division",
        "instrument.site.address",
    ),
    *("regulation.id", "regulation.title", "place.kind", "place.where"),
    *(f"environment.{name}.{part}" for name in ("temperature", "humidity") for part in ("value", "unit")),
    "environment.other",
    *(f"standards.#.{name}" for name in ("id", "name", "exam_no", "exam_until", "range", "u")),
    *(f"standards.#.instruments.#.{name}" for name in ("no", "cert_no", "cert_hash", "until")),
    *(f"results.#.{name}" for name in ("item", "part", "unit", "error_unit", "k")),
    *(f"results.#.points.#.{name}" for name in _POINT if name != "pass"),
    *("seals.#.no", "seals.#.point", "lot.no", "raw_record.no", "raw_record.hash"),
    *("verified_on", "issued_on", "validity.kind", "validity.until", "validity.reason"),
    *(f"persons.#.{name}" for name in ("role", *_PERSON) if not name.endswith(".day")),
    *(f"{role}.{name}" for role in Role for name in _PERSON if not name.endswith(".day")),
    *(f"item.*.{name}" for name in _RESULT if name != "before_adjustment"),
    *(f"item.*{at}.{name}" for at in ("", ".#") for name in _POINT if name != "pass"),
)
_INTEGER_COLUMNS: Final = (
    *("instrument.year", "lot.size", "verified_on.day", "issued_on.day", "validity.until.day"),
    *("standards.#.exam_until.day", "standards.#.instruments.#.until.day", "persons.#.signed_at.day"),
    *(f"{role}.signed_at.day" for role in Role),
)
_BOOLEAN_COLUMNS: Final = (
    *("instrument.owner.organisation", "adjusted"),
    *("results.#.pass", "results.#.before_adjustment", "results.#.points.#.pass"),
    *("item.*.before_adjustment", "item.*.pass", "item.*.#.pass"),
)
COLUMNS: Final[Mapping[str, CellKind]] = {
    **dict.fromkeys(_TEXT_COLUMNS, CellKind.TEXT),
    **dict.fromkeys(_INTEGER_COLUMNS, CellKind.INTEGER),
    **dict.fromkeys(_BOOLEAN_COLUMNS, CellKind.BOOLEAN),
}
"""Every column: `#` stands for a position from 1 to 200, `*` for the code of an item."""

_ITEM: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_POSITION: Final = re.compile(r"[1-9][0-9]{0,2}")
_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]{0,14}")
_BOOLEANS: Final = {"true": True, "TRUE": True, "false": False, "FALSE": False}
"""Spreadsheets write them in capitals."""
_ROLES: Final = frozenset(role.value for role in Role)

_Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """Where the cells of one column go."""

    name: str
    path: _Path
    """Steps from the document: names, and positions in lists from 0."""
    kind: CellKind


def read_table_rows(raw: bytes) -> Iterator[tuple[int, JsonObject | InputError]]:
    """Yield the number and the document of every row, or why it cannot be read.

    Rows are counted as spreadsheets do: the header is row 1.

    Raises:
        InputError: not UTF-8, not CSV, or a header with wrong or double columns.
    """
    reader = csv.reader(io.StringIO(_decode(raw), newline=""), strict=True)
    number = 0
    try:
        header = next(reader, None)
        columns = _parse_header(header or [])
        number = 1
        for number, cells in enumerate(reader, start=2):
            if any(cells):
                yield number, _read_row(columns, cells)
    except csv.Error as err:
        raise MalformedDocumentError(f"not CSV from here on: {err}", field=f"row {number + 1}") from None


def _decode(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        row = raw.count(b"\n", 0, err.start) + 1
        message = "not UTF-8: save the table as 'CSV UTF-8'"
        raise MalformedDocumentError(message, field=f"row {row}") from None


def _parse_header(names: Sequence[str]) -> list[Column]:
    if len(names) <= 1 and any(mark in "".join(names) for mark in ";\t"):
        raise MalformedDocumentError("columns are separated by commas", field="row 1")
    if not any(names):
        raise MalformedDocumentError("the header with the names of the columns is missing", field="row 1")
    if len(names) > MAX_COLUMNS:
        raise MalformedDocumentError(f"{len(names)} columns; at most {MAX_COLUMNS}", field="row 1")
    columns = [_parse_column(name) for name in names]
    _check_columns(columns)
    return columns


def _parse_column(name: str) -> Column:
    steps = name.split(".")
    pattern = ".".join(_generalise(steps))
    kind = COLUMNS.get(pattern)
    positions = [int(step) for step in steps if _POSITION.fullmatch(step)]
    if kind is None or any(position > MAX_POSITION for position in positions):
        near = get_close_matches(pattern, COLUMNS, n=1)
        hint = f"; is {near[0]} meant?" if near and kind is None else ""
        raise MalformedDocumentError(f"no column has the name {name[:80]!r}{hint}", field="row 1")
    return Column(name, _find_path(steps), kind)


def _generalise(steps: Sequence[str]) -> list[str]:
    """Return the steps with `#` for positions and `*` for the code of an item."""
    general = ["#" if _POSITION.fullmatch(step) else step for step in steps]
    if steps[0] == "item" and len(steps) > 2 and _ITEM.fullmatch(steps[1]):
        general[1] = "*"
    return general


def _find_path(steps: Sequence[str]) -> _Path:
    path: list[str | int] = [int(step) - 1 if _POSITION.fullmatch(step) else step for step in steps]
    if path[0] != "item" or path[-1] in _RESULT:
        return tuple(path)
    is_counted = isinstance(path[2], int)
    return (*path[:2], "points", path[2] if is_counted else 0, path[-1])


def _check_columns(columns: Sequence[Column]) -> None:
    """Refuse columns that say the same, or a member both as a value and as an object."""
    seen: dict[_Path, str] = {}
    for column in columns:
        if column.path in seen:
            earlier = seen[column.path]
            raise MalformedDocumentError(
                f"the columns {earlier} and {column.name} are the same", field="row 1"
            )
        seen[column.path] = column.name
    for column in columns:
        for length in range(1, len(column.path)):
            if column.path[:length] in seen:
                earlier = seen[column.path[:length]]
                message = f"the columns {earlier} and {column.name} exclude each other"
                raise MalformedDocumentError(message, field="row 1")
    tops = {column.path[0] for column in columns}
    for short, long in (("item", "results"), *((role, "persons") for role in _ROLES)):
        if short in tops and long in tops:
            message = f"columns under {short} and under {long} exclude each other"
            raise MalformedDocumentError(message, field="row 1")


def _read_row(columns: Sequence[Column], cells: Sequence[str]) -> JsonObject | InputError:
    if len(cells) != len(columns):
        return MalformedDocumentError(f"{len(cells)} cells; the header has {len(columns)}")
    tree: dict[str | int, Any] = {}
    for column, cell in zip(columns, cells, strict=True):
        if cell:
            _put(tree, column.path, _read_cell(column.kind, cell))
    return _expand(cast("JsonObject", _close(tree)))


def _read_cell(kind: CellKind, cell: str) -> JsonValue:
    if kind is CellKind.INTEGER and _INTEGER.fullmatch(cell):
        return int(cell)
    return _BOOLEANS.get(cell, cell) if kind is CellKind.BOOLEAN else cell


def _put(tree: dict[str | int, Any], path: _Path, value: JsonValue) -> None:
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
    """Return a result; it passes if each of its points does."""
    if not isinstance(item, dict):
        return item
    points = item.get("points", [])
    listed = points if isinstance(points, list) else []
    marks = [point.get("pass") for point in listed if isinstance(point, dict)]
    return {"item": code, **item, "points": listed, "pass": all(mark is True for mark in marks)}
