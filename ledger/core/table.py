r"""Strict reading of CSV tables that hold rules: fixed columns, one value per cell, errors name the cell.

>>> [row.text("a") for row in read_table("t", "a,b\n1,2\n", ("a", "b"))]
['1']
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeVar

from ledger.core.encoding import parse_date, parse_decimal
from ledger.core.errors import MalformedDocumentError

MAX_CHARACTERS: Final = 1 << 20
EnumT = TypeVar("EnumT", bound=StrEnum)
ValueT = TypeVar("ValueT")


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row; an empty cell is an absent value."""

    cells: Mapping[str, str]
    label: str
    """Table and row number as people count it in an editor, as `limits row 7`."""

    def path(self, column: str) -> str:
        """Return the name of a cell for messages."""
        return f"{self.label}: {column}"

    def optional_text(self, column: str) -> str | None:
        """Return the cell, None where it is empty.

        Raises:
            MalformedDocumentError: white space at an end.
        """
        cell = self.cells[column]
        if cell != cell.strip():
            raise MalformedDocumentError("begins or ends with white space", field=self.path(column))
        return cell or None

    def text(self, column: str) -> str:
        """Return the cell.

        Raises:
            MalformedDocumentError: empty, or as in `optional_text`.
        """
        cell = self.optional_text(column)
        if cell is None:
            raise MalformedDocumentError("is empty", field=self.path(column))
        return cell

    def optional_decimal(self, column: str) -> Decimal | None:
        """Return the number in the cell; raises MalformedDocumentError where it is not one."""
        return self._parse(column, parse_decimal)

    def optional_count(self, column: str, largest: int) -> int | None:
        """Return the whole number in the cell, 1 to `largest`; raises MalformedDocumentError for another."""
        number = self.optional_decimal(column)
        if number is None:
            return None
        if number.as_tuple().exponent != 0 or not 1 <= number <= largest:
            raise MalformedDocumentError(f"expected 1 to {largest}", field=self.path(column))
        return int(number)

    def optional_date(self, column: str) -> date | None:
        """Return the date in the cell; raises MalformedDocumentError unless it is written YYYY-MM-DD."""
        return self._parse(column, parse_date)

    def optional_code(self, column: str, kind: type[EnumT]) -> EnumT | None:
        """Return the member whose value stands in the cell; raises MalformedDocumentError for another."""
        cell = self.optional_text(column)
        if cell is None:
            return None
        try:
            return kind(cell)
        except ValueError:
            known = ", ".join(kind)
            raise MalformedDocumentError(f"{cell!r} is not one of {known}", field=self.path(column)) from None

    def flag(self, column: str) -> bool:
        """Return True for `yes` and False for `no`; raises MalformedDocumentError for anything else."""
        cell = self.cells[column]
        if cell not in {"yes", "no"}:
            raise MalformedDocumentError("expected yes or no", field=self.path(column))
        return cell == "yes"

    def _parse(self, column: str, parse: Callable[[str], ValueT]) -> ValueT | None:
        cell = self.optional_text(column)
        if cell is None:
            return None
        try:
            return parse(cell)
        except MalformedDocumentError as err:
            raise MalformedDocumentError(err.reason, field=self.path(column)) from None


def read_table(name: str, text: str, columns: Sequence[str]) -> Iterator[TableRow]:
    """Yield the rows of a CSV table in order.

    Args:
        name: what messages call the table.
        text: RFC 4180, at most 1 Mi characters; the first line holds exactly the columns, in their order.
        columns: names of the columns.

    Raises:
        MalformedDocumentError: not such a table.
    """
    if len(text) > MAX_CHARACTERS:
        raise MalformedDocumentError(f"table {name} of {len(text)} characters; at most {MAX_CHARACTERS}")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        if next(reader, None) != list(columns):
            raise MalformedDocumentError(f"the first line must be {','.join(columns)}", field=name)
        for cells in reader:
            label = f"{name} row {reader.line_num}"
            if len(cells) != len(columns):
                raise MalformedDocumentError(f"{len(cells)} cells instead of {len(columns)}", field=label)
            yield TableRow(dict(zip(columns, cells, strict=True)), label)
    except csv.Error as err:
        raise MalformedDocumentError(f"not a CSV table: {err}", field=name) from err
