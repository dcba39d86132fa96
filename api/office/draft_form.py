"""A draft as fields of a form, and back: every leaf of the document is a field whose name is its path.

    {"instrument": {"serial": "17"}}  <->  instrument.serial=17

What is left empty is absent; a list has an empty item at its end, so that there is room for another without script.

>>> read_content({"instrument.serial": "17", "adjusted": "false", "seals.0.no": ""})
{'instrument': {'serial': '17'}, 'adjusted': False}
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from issuer.headings import HEADINGS, find_choices, find_heading
from issuer.template import build_template
from ledger.core.canonical import JsonObject, JsonValue
from ledger.core.category import Category
from ledger.core.errors import InputError
from ledger.core.regulation import RuleBook

MAX_ITEMS: Final = 200
_PATH: Final = re.compile(r"[a-z][a-z0-9_]*(\.([a-z][a-z0-9_]*|0|[1-9][0-9]{0,2}))*", re.ASCII)
_BOOLEANS: Final = frozenset({"pass", "adjusted", "before_adjustment", "organisation"})
_INTEGERS: Final = frozenset({"year", "size"})
_YES: Final = {"true": True, "false": False}
_KEPT: Final = frozenset({"item", "unit", "error_unit", "mpe", "k"})
"""Members of a result that the regulation says."""
_NOT_SHOWN: Final = frozenset({"request_id"})

_BLANK: Final[JsonObject] = {
    "kind": "",
    "verified_on": "",
    "instrument": {
        "category": "", "name": "", "model": "", "serial": "", "maker": "", "class": "", "range": "",
        "local_id": "", "cpa_no": "", "purpose": "", "software": {"id": "", "hash": ""},
        "owner": {"name": "", "code": ""}, "site": {"division": "", "address": ""},
    },
    "place": {"kind": "", "where": ""},
    "environment": {"temperature": {"value": "", "unit": ""}, "humidity": {"value": "", "unit": ""}},
    "standards": [{"id": "", "name": "", "exam_no": "", "exam_until": "", "range": "", "u": "",
                   "instruments": [{"no": "", "cert_no": "", "until": ""}]}],
    "results": [{"item": "", "unit": "", "error_unit": "", "k": "", "pass": "",
                 "points": [{"nominal": "", "measured": "", "error": "", "mpe": "", "u": "", "pass": ""}]}],
    "conclusion": "",
    "adjusted": "",
    "seals": [{"no": "", "point": ""}],
    "class_awarded": "",
    "commission_no": "",
    "raw_record": {"no": ""},
}  # fmt: skip
"""Every field that a form offers."""
_UNITS: Final = {"temperature": "°C", "humidity": "%RH"}
"""Units of conditions for which none was written."""
_POINT_NAMES: Final = ("nominal", "measured", "error", "mpe", "u", "pass")


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form."""

    path: str
    zh: str
    value: str
    choices: tuple[tuple[str, str], ...]
    """Code and word of each; none where it is free text."""


@dataclass(frozen=True, slots=True)
class Readings:
    """One result with its points, as a table."""

    number: int
    fields: tuple[Field, ...]
    rows: tuple[tuple[Field, ...], ...]


def begin_content(category: Category, on: date, book: RuleBook, points: int) -> JsonObject:
    """Return what a new draft begins with: its category, and room for what the regulation has limits for.

    Raises:
        InputError: too many points, or no regulation of this category is in force.
    """
    template = build_template(category, on, book, points=points, parts=1)
    results: dict[int, dict[str, Any]] = {}
    for column in template.columns:
        steps = column.column.name.split(".")
        if steps[0] == "results":
            result = results.setdefault(int(steps[1]), {"points": {}})
            _put(result, steps[2:], column.example)
    listed: list[JsonValue] = [
        {**result, "points": [result["points"][place] for place in sorted(result["points"])]}
        for _, result in sorted(results.items())
    ]
    content: JsonObject = {
        "instrument": {"category": category.name, "name": template.title},
        "results": listed,
        "standards": [],
        "seals": [],
    }
    return content


def _put(result: dict[str, Any], steps: Sequence[str], example: str) -> None:
    """Put a column's member into a result, with its example where the regulation says it."""
    name = steps[-1]
    if name == "part":
        return
    target = result if len(steps) == 1 else result["points"].setdefault(int(steps[1]), {})
    if name in _KEPT and example:
        target[name] = example


def list_fields(content: Mapping[str, Any]) -> list[Field]:
    """Return all fields of a draft but its readings, in the order of a form."""
    spread = _spread(_BLANK, content)
    return [_make_field(path, value) for path, value in _walk(spread, "") if not path.startswith("results.")]


def list_readings(content: Mapping[str, Any]) -> list[Readings]:
    """Return the results of a draft as tables."""
    spread = _spread({"results": _BLANK["results"]}, {"results": content.get("results", [])})
    found = []
    for number, result in enumerate(spread["results"]):
        head = {name: value for name, value in result.items() if name != "points"}
        fields = tuple(_make_field(f"results.{number}.{name}", value) for name, value in head.items())
        rows = tuple(
            tuple(
                _make_field(f"results.{number}.points.{place}.{name}", point.get(name, ""))
                for name in _POINT_NAMES
            )
            for place, point in enumerate(result["points"])
        )
        found.append(Readings(number, fields, rows))
    return found


def read_content(values: Mapping[str, str]) -> JsonObject:
    """Return the document that fields say; names that are no paths are left out.

    Raises:
        InputError: a field that is a whole number or yes or no holds something else; or two contradict.
    """
    content: dict[str, Any] = {}
    for path, text in values.items():
        stripped = text.strip()
        if _PATH.fullmatch(path) is None or path in _NOT_SHOWN or not stripped:
            continue
        _set(content, path, _parse(path, stripped))
    for name, unit in _UNITS.items():
        given = content.get("environment", {}).get(name)
        if isinstance(given, dict) and "value" in given:
            given.setdefault("unit", unit)
    lists = _to_lists(content)
    return lists if isinstance(lists, dict) else {}


def _parse(path: str, text: str) -> "str | int | bool":
    name = path.rpartition(".")[2]
    if name in _BOOLEANS:
        if text not in _YES:
            raise InputError("is yes or no", field=path)
        return _YES[text]
    if name in _INTEGERS:
        if not (text.isascii() and text.isdecimal()) or len(text) > 9:
            raise InputError("is a whole number", field=path)
        return int(text)
    return text


def _set(content: dict[str, Any], path: str, value: "str | int | bool") -> None:
    *steps, last = path.split(".")
    target = content
    for step in steps:
        target = target.setdefault(step, {})
        if not isinstance(target, dict):
            raise InputError("stands within a field that is a value", field=path)
    target[last] = value


def _to_lists(value: Any) -> Any:  # noqa: ANN401 -- JSON in the making
    """Return a value with lists for objects whose members are positions; gaps close."""
    if not isinstance(value, dict):
        return value
    if value and all(name.isdecimal() for name in value):
        return [_to_lists(value[name]) for name in sorted(value, key=int)][:MAX_ITEMS]
    return {name: _to_lists(inner) for name, inner in value.items()}


def _spread(blank: Any, value: Any) -> Any:  # noqa: ANN401 -- JSON with empty places
    """Return a value with an empty place for everything that a form offers."""
    if isinstance(blank, dict):
        given = value if isinstance(value, Mapping) else {}
        others = {name: inner for name, inner in given.items() if name not in blank}
        return {name: _spread(inner, given.get(name)) for name, inner in blank.items()} | others
    if isinstance(blank, list):
        items = value if isinstance(value, list) else []
        return [*(_spread(blank[0], item) for item in items), _spread(blank[0], None)]
    return blank if value is None else value


def _walk(value: Any, path: str) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 -- JSON
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _walk(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _walk(inner, f"{path}.{place}")
    elif path not in _NOT_SHOWN:
        yield path, value


def _make_field(path: str, value: Any) -> Field:  # noqa: ANN401 -- a leaf of JSON
    steps = path.split(".")
    pattern = ".".join("#" if step.isdecimal() else step for step in steps)
    name = ".".join(str(int(step) + 1) if step.isdecimal() else step for step in steps)
    zh = find_heading(name, pattern) if pattern in HEADINGS else path
    choices = tuple((code, word) for word, code in find_choices(pattern).items())
    if steps[-1] in _BOOLEANS:
        choices = (("true", "是"), ("false", "否"))
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return Field(path, zh, text, choices)
