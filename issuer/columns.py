"""Columns of tables: a name is the path of a member, or its heading in Chinese (`headings`).

    instrument.serial                         a member of an object
    seals.1.no, seals.2.no                    items of a list, counted from 1
    operator.pid, checker.name                short for the person with that role
    item.repeatability.error                  short for the only point of the result of that item
    item.indication_error.3.measured          the third point of that result
    verified_on.day                           a day offset, in examples only

`COLUMNS` lists every name; what each column holds (text, a measured number, a date) follows from it.

>>> parse_header(["instrument.serial", "出厂年份"])[1].name
'instrument.year'
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from typing import Final, TypeAlias

from issuer.headings import find_name
from ledger.core.errors import MalformedDocumentError
from ledger.core.record import Role

MAX_COLUMNS: Final = 2_000
MAX_POSITION: Final = 200
"""Highest position in a list."""


NOTE_COLUMNS: Final = ("错误字段 Field", "错误原因 Reason")
"""What a workbook of errors has beside the input's own columns: not read."""


class CellKind(Enum):
    """What the text of a cell becomes."""

    TEXT = "text"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    DECIMAL = "decimal"
    """Measured or computed: text, for its zeros say what was read."""
    DATE = "date"
    INSTANT = "instant"
    """A day and a time of the day."""


_POINT: Final = ("nominal", "measured", "error", "mpe", "u", "pass")
_RESULT: Final = ("part", "unit", "error_unit", "k", "before_adjustment")
_PERSON: Final = ("pid", "name", "key", "signed_at", "signed_at.day", "signed_at.time")
_TEXT_COLUMNS: Final = (
    *("request_id", "no", "doc_type", "kind", "conclusion", "class_awarded", "sticker_id"),
    *("commission_no", "crms.#.id", "crms.#.lot", "instrument.e.value", "instrument.e.unit"),
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
    *("specification.id", "specification.title"),
    *("decision_rule.rule", "decision_rule.guard_factor", "decision_rule.requirement"),
    *(f"comparisons.#.{name}" for name in ("name", "unit", "value", "u", "reference", "reference_u")),
    *("paper.scan", "paper.entered_by", "paper.entered_on"),
    *("verified_on", "issued_on", "validity.kind", "validity.until", "validity.reason"),
    *(f"persons.#.{name}" for name in ("role", *_PERSON) if not name.endswith(".day")),
    *(f"{role}.{name}" for role in Role for name in _PERSON if not name.endswith(".day")),
    *(f"item.*.{name}" for name in _RESULT if name != "before_adjustment"),
    *(f"item.*{at}.{name}" for at in ("", ".#") for name in _POINT if name != "pass"),
)
_INTEGER_COLUMNS: Final = (
    "paper.entered_on.day",
    *("instrument.year", "lot.size", "verified_on.day", "issued_on.day", "validity.until.day"),
    *("standards.#.exam_until.day", "standards.#.instruments.#.until.day", "persons.#.signed_at.day"),
    *(f"{role}.signed_at.day" for role in Role),
)
_BOOLEAN_COLUMNS: Final = (
    *("instrument.owner.organisation", "adjusted", "validity.agreed"),
    *("results.#.pass", "results.#.before_adjustment", "results.#.points.#.pass"),
    *("item.*.before_adjustment", "item.*.pass", "item.*.#.pass"),
)
_DECIMAL: Final = re.compile(
    r"(?:results\.#|item\.\*)(?:\.points)?(?:\.#)?\.(?:nominal|measured|error|mpe|u|k)"
    r"|(?:environment\.(?:temperature|humidity)|instrument\.e)\.value"
    r"|decision_rule\.guard_factor|comparisons\.#\.(?:value|u|reference|reference_u)"
)
_DATE: Final = re.compile(
    r"verified_on|issued_on|validity\.until|paper\.entered_on|standards\.#.*\.(?:exam_)?until"
)
_INSTANT: Final = re.compile(r".*\.signed_at")


def _find_kind(pattern: str) -> CellKind:
    """Return what a column of text holds."""
    kinds = ((_DECIMAL, CellKind.DECIMAL), (_DATE, CellKind.DATE), (_INSTANT, CellKind.INSTANT))
    return next((kind for shape, kind in kinds if shape.fullmatch(pattern)), CellKind.TEXT)


COLUMNS: Final[Mapping[str, CellKind]] = {
    **{pattern: _find_kind(pattern) for pattern in _TEXT_COLUMNS},
    **dict.fromkeys(_INTEGER_COLUMNS, CellKind.INTEGER),
    **dict.fromkeys(_BOOLEAN_COLUMNS, CellKind.BOOLEAN),
}
"""Every column: `#` stands for a position from 1 to 200, `*` for the code of an item."""

_ITEM: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_POSITION: Final = re.compile(r"[1-9][0-9]{0,2}")
_ROLES: Final = frozenset(role.value for role in Role)

Path: TypeAlias = tuple[str | int, ...]


Header: TypeAlias = Callable[[Sequence[str]], "Sequence[Column | None]"]
"""Returns the columns of a table by their headings; raises InputError."""


@dataclass(frozen=True, slots=True)
class Column:
    """Where the cells of one column go."""

    name: str
    path: Path
    """Steps from the document: names, and positions in lists from 0."""
    kind: CellKind
    pattern: str
    """Its entry in `COLUMNS`."""


def parse_header(names: Sequence[str]) -> list[Column | None]:
    """Return the columns of a table; None for those that are not read, see `NOTE_COLUMNS`.

    Raises:
        InputError: no header, or one with wrong or double columns.
    """
    if len(names) <= 1 and any(mark in "".join(names) for mark in ";\t"):
        raise MalformedDocumentError("columns are separated by commas", field="row 1")
    if not any(names):
        raise MalformedDocumentError("the header with the names of the columns is missing", field="row 1")
    if len(names) > MAX_COLUMNS:
        raise MalformedDocumentError(f"{len(names)} columns; at most {MAX_COLUMNS}", field="row 1")
    columns = [None if name in NOTE_COLUMNS else parse_column(name) for name in names]
    _check_columns([column for column in columns if column is not None])
    return columns


def parse_column(text: str) -> Column:
    """Return a column by its name or its heading.

    Raises:
        InputError: there is none.
    """
    name = find_name(text) or text
    steps = name.split(".")
    pattern = ".".join(_generalise(steps))
    kind = COLUMNS.get(pattern)
    positions = [int(step) for step in steps if _POSITION.fullmatch(step)]
    if kind is None or any(position > MAX_POSITION for position in positions):
        near = get_close_matches(pattern, COLUMNS, n=1)
        hint = f"; is {near[0]} meant?" if near and kind is None else ""
        raise MalformedDocumentError(f"no column has the name {text[:80]!r}{hint}", field="row 1")
    return Column(name, _find_path(steps), kind, pattern)


def _generalise(steps: Sequence[str]) -> list[str]:
    """Return the steps with `#` for positions and `*` for the code of an item."""
    general = ["#" if _POSITION.fullmatch(step) else step for step in steps]
    if steps[0] == "item" and len(steps) > 2 and _ITEM.fullmatch(steps[1]):
        general[1] = "*"
    return general


def _find_path(steps: Sequence[str]) -> Path:
    path: list[str | int] = [int(step) - 1 if _POSITION.fullmatch(step) else step for step in steps]
    if path[0] != "item" or path[-1] in _RESULT:
        return tuple(path)
    is_counted = isinstance(path[2], int)
    return (*path[:2], "points", path[2] if is_counted else 0, path[-1])


def _check_columns(columns: Sequence[Column]) -> None:
    """Refuse columns that say the same, or a member both as a value and as an object."""
    seen: dict[Path, str] = {}
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
