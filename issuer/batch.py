r"""Input files: one document, JSON lines, CSV or XLSX, as a stream of rows.

A row that cannot be read is a row too, with the reason; what is wrong with the file as a whole is raised at once.
Members that all rows share may be given once, in a common document beside the file: see `issuer/README.md`.

>>> [row.number for row in read_rows(b'{"no":"1"}\n\n{"no":"2"}\n', InputForm.JSON_LINES)]
[1, 3]
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from issuer.spreadsheet import ConfinedReader, read_workbook_table
from issuer.tabular import Line, Table, is_of_template, read_table
from ledger.core.canonical import JsonObject, parse_json
from ledger.core.errors import InputError, MalformedDocumentError

MAX_FILE_BYTES: Final = 64 * 1024 * 1024
MAX_ROWS: Final = 100_000

ItemT = TypeVar("ItemT")


class InputForm(StrEnum):
    """How an input file is written."""

    JSON = "json"
    """One document."""
    JSON_LINES = "jsonl"
    """One document a line; empty lines are skipped."""
    CSV = "csv"
    """A table with a header, one document a row."""
    XLSX = "xlsx"
    """The same in a workbook."""


_SUFFIXES: Final = {
    "json": InputForm.JSON,
    "jsonl": InputForm.JSON_LINES,
    "ndjson": InputForm.JSON_LINES,
    "csv": InputForm.CSV,
    "xlsx": InputForm.XLSX,
}
_OTHER_WORKBOOKS: Final = frozenset({"xls", "xlsm", "xlsb", "xltx", "xltm", "ods", "et"})


@dataclass(frozen=True, slots=True)
class Row:
    """One document of a file, or why it cannot be read."""

    number: int | None
    """Line of the file, or row of the table as a spreadsheet counts (the header is row 1); None: the only one."""
    value: JsonObject | None
    error: InputError | None = None


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file that has been read as a whole."""

    rows: list[Row]
    source: str
    """What was read, as `CSV, GB18030`."""
    skipped: int = 0
    """Rows of a template that are no documents: its help, its example."""
    table: Table | None = None
    """Its cells, if it is a table; `lines` is a list then, template's rows included."""


def find_form(name: str) -> InputForm:
    """Return how a file is written, by the end of its name.

    Raises:
        InputError: none of the known ones.
    """
    suffix = name.rpartition(".")[2].lower()
    if "." in name and suffix in _OTHER_WORKBOOKS:
        why = "may hold macros" if suffix in {"xlsm", "xltm"} else "is another kind of workbook"
        raise InputError(f"{name!r} {why}: save it as .xlsx", field="file")
    form = _SUFFIXES.get(suffix)
    if form is None:
        raise InputError(
            f"{name!r} ends in none of {', '.join(f'.{suffix}' for suffix in _SUFFIXES)}", field="file"
        )
    return form


def parse_common(raw: bytes) -> JsonObject:
    """Read the members that all rows of a file share.

    Raises:
        InputError: not a JSON object.
    """
    value = parse_json(raw)
    if not isinstance(value, dict):
        raise MalformedDocumentError("a JSON object is expected here", field="common")
    return value


def read_rows(raw: bytes, form: InputForm, common: JsonObject | None = None) -> Iterator[Row]:
    """Yield the documents of a file, in order; for workbooks see `read_input`.

    Args:
        raw: the file, at most 64 MiB and 100,000 rows.
        form: how it is written.
        common: members that every row has unless it says otherwise, from `parse_common`.

    Raises:
        InputError: too large, or a table that cannot be read as one.
    """
    check_size(raw)
    rows: Iterable[Row]
    if form is InputForm.CSV:
        table = read_table(raw)
        rows = (_read_table_row(table, line) for line in table.lines if not is_of_template(line))
    elif form is InputForm.JSON_LINES:
        rows = _read_lines(raw)
    elif form is InputForm.JSON:
        rows = [_parse_row(raw, None)]
    else:
        raise InputError("a workbook is read by itself only", field="file")
    yield from _merge(_count(rows), common)


def read_input(
    raw: bytes,
    form: InputForm,
    read_confined: ConfinedReader,
    common: JsonObject | None = None,
    zone: ZoneInfo | None = None,
) -> InputFile:
    """Read a file as a whole.

    Args:
        raw: the file, at most 64 MiB and 100,000 rows.
        form: how it is written.
        read_confined: opens workbooks.
        common: members that every row has unless it says otherwise, from `parse_common`.
        zone: times in cells are times of this zone, unless they say otherwise.

    Raises:
        InputError: too large, or a table that cannot be read as one.
        UnavailableError: no process could be started to read a workbook.
    """
    if form not in {InputForm.CSV, InputForm.XLSX}:
        return InputFile(list(read_rows(raw, form, common)), "JSON, UTF-8")
    check_size(raw)
    found = read_table(raw, zone) if form is InputForm.CSV else read_workbook_table(raw, read_confined, zone)
    table = replace(found, lines=list(_count(found.lines)))
    documents = [line for line in table.lines if not is_of_template(line)]
    rows = _merge((_read_table_row(table, line) for line in documents), common)
    return InputFile(list(rows), table.source, len(list(table.lines)) - len(documents), table)


def check_size(raw: bytes) -> None:
    """Refuse a file that is too large.

    Raises:
        InputError: more than `MAX_FILE_BYTES`.
    """
    if len(raw) > MAX_FILE_BYTES:
        raise InputError(f"the file has {len(raw)} bytes; at most {MAX_FILE_BYTES} are read", field="file")


def _count(rows: Iterable[ItemT]) -> Iterator[ItemT]:
    for count, row in enumerate(rows, start=1):
        if count > MAX_ROWS:
            raise InputError(f"the file has more than {MAX_ROWS} rows; split it", field="file")
        yield row


def _merge(rows: Iterable[Row], common: JsonObject | None) -> Iterator[Row]:
    for row in rows:
        if row.value is not None and common is not None:
            yield Row(row.number, merge_common(common, row.value))
        else:
            yield row


def merge_common(common: JsonObject, own: JsonObject) -> JsonObject:
    """Return the members of both; where both have one, objects are merged and anything else is the row's own."""
    merged = {**common, **own}
    for name in common.keys() & own.keys():
        ours, theirs = common[name], own[name]
        if isinstance(ours, dict) and isinstance(theirs, dict):
            merged[name] = merge_common(ours, theirs)
    return merged


def _read_lines(raw: bytes) -> Iterator[Row]:
    for number, line in enumerate(raw.split(b"\n"), start=1):
        if line.strip():
            yield _parse_row(line, number)


def _read_table_row(table: Table, line: Line) -> Row:
    value = table.read_line(line)
    return Row(line.number, None, value) if isinstance(value, InputError) else Row(line.number, value)


def _parse_row(raw: bytes, number: int | None) -> Row:
    try:
        value = parse_json(raw)
    except InputError as err:
        return Row(number, None, err)
    if not isinstance(value, dict):
        return Row(number, None, MalformedDocumentError("a JSON object is expected here"))
    return Row(number, value)
