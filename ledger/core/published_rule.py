"""REGULATION: a row of the rule book, and its limits, as an authority publishes them.

The tables in `data/` are the product's own state of knowledge and mostly unconfirmed; a row that an authority
with the power `regulation` has published is confirmed by its word. Members are named and written as the columns
of the tables, so that one reader reads both.

>>> content = parse_regulation_content(raw)
>>> content.rule.regulation_id, content.rule.is_confirmed
('JJG 1204-2025(试行)', True)
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ledger.core.canonical import JsonObject, encode_canonical_json
from ledger.core.category import Category
from ledger.core.constants import RULE_BOOK_DOMAIN
from ledger.core.errors import MalformedDocumentError
from ledger.core.fields import Reader
from ledger.core.ids import Digest
from ledger.core.limit import CONFIRMED, LIMIT_COLUMNS, check_overlaps, parse_limit
from ledger.core.register_fields import RegisterState, open_content
from ledger.core.regulation import RULE_COLUMNS, RuleBook, RuleRow, normalise_citation, parse_rule
from ledger.core.table import TableRow

MAX_LIMITS: Final = 256
_STATED: Final = frozenset({"confidence"})
"""Columns that are not written: what an authority publishes is confirmed."""


@dataclass(frozen=True, slots=True)
class RegulationContent:
    """What one version of a regulation says of one category, by an authority's word."""

    rule: RuleRow
    """With its limits."""
    state: RegisterState
    digest: Digest
    """SHA-256 of the content."""

    @property
    def category(self) -> Category:
        """Return of which category."""
        return self.rule.category

    @property
    def regulation_id(self) -> str:
        """Return the regulation as certificates cite it."""
        return self.rule.regulation_id or ""


def encode_regulation_content(
    rule: Mapping[str, str], limits: list[Mapping[str, str]], state: RegisterState
) -> bytes:
    """Return the canonical bytes of a REGULATION content.

    Args:
        rule: cells of the row by column, see `regulation.RULE_COLUMNS`; empty ones and `confidence` are left out.
        limits: cells of its limits, see `limit.LIMIT_COLUMNS`; their `regulation` is left out too.
        state: active, or withdrawn where the row must not be used.
    """
    members: JsonObject = {
        "rule": _list_cells(rule, _STATED),
        "limits": [_list_cells(limit, _STATED | {"regulation"}) for limit in limits],
        "state": state.value,
    }
    return encode_canonical_json(members)


def _list_cells(cells: Mapping[str, str], without: frozenset[str]) -> JsonObject:
    return {column: text for column, text in cells.items() if text and column not in without}


def parse_regulation_content(raw: bytes) -> RegulationContent:
    """Parse a REGULATION content.

    Raises:
        InputError: not such a content, of no regulation, or two limits answer the same question.
    """
    reader = open_content(raw)
    row = _read_row(reader.object("rule"), RULE_COLUMNS, "content.rule", {})
    named = {"regulation": row.text("regulation")}
    limits = tuple(
        parse_limit(_read_row(item, LIMIT_COLUMNS, f"content.limits[{number}]", named))
        for number, item in enumerate(reader.objects("limits", most=MAX_LIMITS))
    )
    check_overlaps(limits)
    state = reader.enum("state", RegisterState)
    reader.finish()
    return RegulationContent(parse_rule(row, limits), state, Digest(hashlib.sha256(raw).digest()))


def _read_row(reader: Reader, columns: tuple[str, ...], label: str, stated: Mapping[str, str]) -> TableRow:
    """Return members of the names of columns as a row; what is stated otherwise must not stand there again."""
    cells = {**dict.fromkeys(columns, ""), "confidence": CONFIRMED, **stated}
    for column in columns:
        text = reader.opt_text(column, max_bytes=1000)
        if text is not None and (column in stated or column in _STATED):
            raise MalformedDocumentError("goes without saying", field=f"{label}.{column}")
        cells[column] = text or cells[column]
    reader.finish()
    return TableRow(cells, label)


class PublishedRules:
    """The rows that authorities have published, and the rule books that they make. Never changed."""

    def __init__(self, contents: tuple[RegulationContent, ...] = ()) -> None:
        """Take what is published, each version of a regulation once for a category."""
        self.contents = contents
        self._books: dict[Digest, RuleBook] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublishedRules) and self.contents == other.contents

    def __hash__(self) -> int:
        return hash(tuple(content.digest for content in self.contents))

    def follow(self, content: RegulationContent) -> "PublishedRules":
        """Return what is published after one more was, or was withdrawn."""
        kept = tuple(item for item in self.contents if _name(item.rule) != _name(content.rule))
        return PublishedRules((*kept, content) if content.state is RegisterState.ACTIVE else kept)

    @property
    def alone(self) -> RuleBook:
        """Return a book of nothing but these rows: what a policy for production goes by."""
        return self._overlay(RuleBook((), Digest(bytes(32))))

    def over(self, book: RuleBook) -> RuleBook:
        """Return a book in which these rows take the place of those of the same name, or the same first day."""
        return self._overlay(book) if self.contents else book

    def _overlay(self, book: RuleBook) -> RuleBook:
        if book.digest not in self._books:
            self._books[book.digest] = _overlay(book, self.contents)
        return self._books[book.digest]


def _overlay(book: RuleBook, contents: tuple[RegulationContent, ...]) -> RuleBook:
    rows = [content.rule for content in contents]
    names, days = {_name(row) for row in rows}, {(row.category, row.effective_on) for row in rows}
    kept = (row for row in book.rows if _name(row) not in names)
    digests = sorted(content.digest for content in contents)
    digest = hashlib.sha256(RULE_BOOK_DOMAIN + book.digest + b"".join(digests)).digest()
    return RuleBook(
        (*(row for row in kept if (row.category, row.effective_on) not in days), *rows), Digest(digest)
    )


def _name(row: RuleRow) -> tuple[Category, str]:
    return row.category, normalise_citation(row.regulation_id or "")
