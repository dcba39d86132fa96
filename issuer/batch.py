r"""Input files: one document, JSON lines or CSV, as a stream of rows.

A row that cannot be read is a row too, with the reason; what is wrong with the file as a whole is raised at once.
Members that all rows share may be given once, in a common document beside the file: see `issuer/README.md`.

>>> [row.number for row in read_rows(b'{"no":"1"}\n\n{"no":"2"}\n', InputForm.JSON_LINES)]
[1, 3]
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from issuer.tabular import read_table_rows
from ledger.core.canonical import JsonObject, parse_json
from ledger.core.errors import InputError, MalformedDocumentError

MAX_FILE_BYTES: Final = 64 * 1024 * 1024
MAX_ROWS: Final = 100_000


class InputForm(StrEnum):
    """How an input file is written."""

    JSON = "json"
    """One document."""
    JSON_LINES = "jsonl"
    """One document a line; empty lines are skipped."""
    CSV = "csv"
    """A table with a header, one document a row."""


_SUFFIXES: Final = {
    "json": InputForm.JSON,
    "jsonl": InputForm.JSON_LINES,
    "ndjson": InputForm.JSON_LINES,
    "csv": InputForm.CSV,
}


@dataclass(frozen=True, slots=True)
class Row:
    """One document of a file, or why it cannot be read."""

    number: int | None
    """Line of the file, or row of the table as a spreadsheet counts (the header is row 1); None: the only one."""
    value: JsonObject | None
    error: InputError | None = None


def find_form(name: str) -> InputForm:
    """Return how a file is written, by the end of its name.

    Raises:
        InputError: none of the known ones.
    """
    form = _SUFFIXES.get(name.rpartition(".")[2].lower())
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
    """Yield the documents of a file, in order.

    Args:
        raw: the file, at most 64 MiB and 100,000 rows.
        form: how it is written.
        common: members that every row has unless it says otherwise, from `parse_common`.

    Raises:
        InputError: too large, or a table that cannot be read as one.
    """
    if len(raw) > MAX_FILE_BYTES:
        raise InputError(f"the file has {len(raw)} bytes; at most {MAX_FILE_BYTES} are read", field="file")
    rows = {InputForm.JSON: _read_single, InputForm.JSON_LINES: _read_lines, InputForm.CSV: _read_table}[
        form
    ](raw)
    for count, row in enumerate(rows, start=1):
        if count > MAX_ROWS:
            raise InputError(f"the file has more than {MAX_ROWS} rows; split it", field="file")
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


def _read_single(raw: bytes) -> Iterator[Row]:
    yield _parse_row(raw, None)


def _read_lines(raw: bytes) -> Iterator[Row]:
    for number, line in enumerate(raw.split(b"\n"), start=1):
        if line.strip():
            yield _parse_row(line, number)


def _read_table(raw: bytes) -> Iterator[Row]:
    for number, value in read_table_rows(raw):
        if isinstance(value, InputError):
            yield Row(number, None, value)
        else:
            yield Row(number, value)


def _parse_row(raw: bytes, number: int | None) -> Row:
    try:
        value = parse_json(raw)
    except InputError as err:
        return Row(number, None, err)
    if not isinstance(value, dict):
        return Row(number, None, MalformedDocumentError("a JSON object is expected here"))
    return Row(number, value)
