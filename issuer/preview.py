"""What a document will say, as text: every member of its record, for people to read before it is issued.

>>> print(render_preview(document.template, "row 2"))
row 2
  器具名称 燃油加油机 · 型号规格 EX-1224 · 出厂编号 SN20240001 · …
  检定结论 pass
"""

from collections.abc import Iterator, Mapping
from typing import Final

from issuer.columns import COLUMNS
from issuer.drafting import PENDING
from issuer.headings import find_choices, find_heading
from issuer.signing import ReadyDocument
from ledger.core.canonical import JsonObject, JsonValue, reread_canonical_json

_LATER: Final = frozenset({"nonce", "v"})
"""Members that say nothing to a reader."""
_PERSONAL: Final = "（仅在披露文件中 / in the disclosure only）"


def render_preview(document: ReadyDocument, title: str) -> str:
    """Return the record of a document, one line for each of its members; numbers and seals come with the issue.

    Args:
        document: what has passed the gate.
        title: says which row it is.
    """
    record = as_members(reread_canonical_json(document.template))
    lines = [title]
    for name, value in record.items():
        if name in _LATER:
            continue
        for step, item in _split(name, value):
            said = " · ".join(_say(step, item))
            if said:
                lines.append(f"  {said}")
    return "\n".join(lines)


def as_members(value: JsonValue) -> JsonObject:
    """Return an object as it is, anything else as one without members."""
    return value if isinstance(value, dict) else {}


def _split(name: str, value: JsonValue) -> Iterator[tuple[str, JsonValue]]:
    """Give each item of a list, and each point of a result, a line of its own."""
    if not isinstance(value, list):
        yield name, value
        return
    for number, item in enumerate(value, start=1):
        points = item.get("points") if isinstance(item, dict) else None
        if isinstance(item, dict) and isinstance(points, list):
            yield f"{name}.{number}", {key: inner for key, inner in item.items() if key != "points"}
            for place, point in enumerate(points, start=1):
                yield f"{name}.{number}.points.{place}", point
        else:
            yield f"{name}.{number}", item


def _say(name: str, value: JsonValue) -> Iterator[str]:
    if isinstance(value, dict) and ("sd" in value or not value):
        yield f"{_label(name)} {_PERSONAL}"
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _say(f"{name}.{key}", inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value, start=1):
            yield from _say(f"{name}.{number}", inner)
    elif value != PENDING:
        yield f"{_label(name)} {_word(name, value)}"


def _pattern(name: str) -> str:
    return ".".join("#" if step.isdecimal() else step for step in name.split("."))


def _label(name: str) -> str:
    pattern = _pattern(name)
    return find_heading(name, pattern) if pattern in COLUMNS else name


def _word(name: str, value: JsonValue) -> str:
    """Return a value as a table would have it: the word for a code, else itself."""
    text = {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)
    words: Mapping[str, str] = {code: word for word, code in find_choices(_pattern(name)).items()}
    return (
        f"{words[text]} ({text})" if text in words and not isinstance(value, bool) else words.get(text, text)
    )
