r"""The one reader and writer of JSON, strict both ways.

The profile (`ledger/core/README.md`): member names of printable ASCII, none twice; text without U+0000 and
lone surrogates; integers of magnitude below 2**53; no floats and no null; at most 32 levels. Inside it,
sorted orjson output equals RFC 8785 (JCS), so that a document has exactly one canonical spelling: stored,
hashed and signed are those bytes. Files that people write may be spelled freely; `parse_json` reads them by
the same rules and says where a rule is broken.

>>> encode_canonical_json({"b": [1, True], "a": "x"})
b'{"a":"x","b":[1,true]}'
>>> parse_json(b'{ "a": 15e-1 }')
Traceback (most recent call last):
ledger.core.errors.MalformedDocumentError: a: the number 15e-1 must be written as text (line 1 column 8)
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NoReturn, TypeAlias, cast

import orjson

from ledger.core.errors import MalformedDocumentError, NonCanonicalEncodingError

JsonValue: TypeAlias = "str | int | bool | list[JsonValue] | dict[str, JsonValue]"
"""A value of the profile."""

JsonObject: TypeAlias = dict[str, JsonValue]
"""An object of the profile."""

MAX_BYTES = 1 << 20
"""Largest document read unless the caller says otherwise: 1 MiB."""

MAX_LEVELS = 32
"""Deepest nesting of arrays and objects; the document's own object is level 1."""

_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER
LARGEST_INTEGER: Final = 2**53 - 1
"""In magnitude."""
_SHOWN_PATH = 200
_SINGLE = frozenset({str, int, bool})


def encode_canonical_json(value: JsonValue) -> bytes:
    """Return the one canonical spelling of a value of the profile (RFC 8785).

    Raises:
        MalformedDocumentError: the value breaks the profile; the member is named.
    """
    try:
        raw = orjson.dumps(value, option=_OPTIONS)
    except TypeError as err:
        _refuse_breach(value)
        message = f"a value outside the JSON profile: {err}"
        raise MalformedDocumentError(message) from err
    if not _fits_profile(value) or b"\\u0000" in raw:
        _refuse_breach(value)
    return raw


def parse_canonical_json(raw: bytes, *, max_bytes: int = MAX_BYTES) -> JsonValue:
    """Read a document that must be in its canonical spelling, byte for byte.

    Raises:
        MalformedDocumentError: not JSON, too large, or outside the profile; the member is named.
        NonCanonicalEncodingError: inside the profile, but spelled in another way.
    """
    if len(raw) > max_bytes:
        _refuse_size(raw, max_bytes)
    try:
        value = cast("JsonValue", orjson.loads(raw))
        if orjson.dumps(value, option=_OPTIONS) != raw or not _fits_profile(value):
            _explain_bytes(raw, max_bytes)
    except (ValueError, TypeError):  # orjson: not JSON; a number or text beyond the profile
        _explain_bytes(raw, max_bytes)
    if b"\\u0000" in raw:
        _refuse_breach(value)
    return value


def respell_canonical_json(value: JsonValue) -> bytes:
    """Return the canonical spelling of a value, or part of one, that a parser here has just returned.

    Such a value fits the profile already; looking at it again would cost ten times the writing.
    """
    return orjson.dumps(value, option=_OPTIONS)


def reread_canonical_json(raw: bytes) -> JsonValue:
    """Read bytes that are known to be canonical: written here, or found again under the digest they had then.

    Raises:
        MalformedDocumentError: not JSON; nothing else is looked at.
    """
    try:
        return cast("JsonValue", orjson.loads(raw))
    except ValueError as err:
        message = f"not JSON: {err}"
        raise MalformedDocumentError(message) from err


def parse_json(raw: bytes, *, max_bytes: int = MAX_BYTES) -> JsonValue:
    """Read a document written by people: white space, order of members and escapes are free.

    Raises:
        MalformedDocumentError: not UTF-8, not JSON, too large, or outside the profile. The sentence names
            the member and its line and column.
    """
    if len(raw) > max_bytes:
        _refuse_size(raw, max_bytes)
    text = _decode(raw)
    _check_levels(text)
    try:
        value = cast("JsonValue", _READER.decode(text))
    except json.JSONDecodeError as err:
        message = f"not JSON: {err.msg} (line {err.lineno} column {err.colno})"
        raise MalformedDocumentError(message) from err
    if not _is_in_profile(value):
        _refuse_breach(value, text)
    return value


# --- the profile: a quick answer, and a slow one that names the member ------------------------------------


def _is_in_profile(value: JsonValue) -> bool:
    """Answer quickly: a value of which this is true has no fault; of others `_find_breach` tells which it is."""
    try:
        raw = orjson.dumps(value, option=_OPTIONS)
    except TypeError:
        return False
    return _fits_profile(value) and b"\\u0000" not in raw


def _fits_profile(value: JsonValue) -> bool:
    """Answer quickly whether names, kinds and levels fit; orjson has checked surrogates and integers."""
    objects: list[JsonObject] = []
    names: set[str] = set()
    if not _fit_kinds([value], 0, objects):
        return False
    joined = "".join(names.union(*objects))
    return joined.isascii() and joined.isprintable()


def _fit_kinds(items: Iterable[JsonValue], level: int, objects: list[JsonObject]) -> bool:
    """Walk over kinds and levels only, and gather all objects; every microsecond here is paid per document."""
    for item in items:
        if type(item) in _SINGLE:
            continue
        if level >= MAX_LEVELS:
            return False
        if type(item) is dict:
            objects.append(item)
            if not _fit_kinds(item.values(), level + 1, objects):
                return False
        elif type(item) is not list or not _fit_kinds(item, level + 1, objects):
            return False
    return True


def _find_breach(value: object, path: str, level: int) -> tuple[str, str] | None:
    """Look at every value in turn; return path and fault of the first that breaks the profile."""
    if isinstance(value, (dict, list)):
        if level > MAX_LEVELS:
            return path, f"nested deeper than {MAX_LEVELS} levels"
        return _find_inner_breach(value, path, level)
    fault = _find_fault(value)
    return None if fault is None else (path, fault)


def _find_inner_breach(
    container: dict[object, object] | list[object], path: str, level: int
) -> tuple[str, str] | None:
    for name, item in container.items() if isinstance(container, dict) else enumerate(container):
        inner = f"{path}[{name}]" if isinstance(container, list) else f"{path}.{name}" if path else str(name)
        if isinstance(container, dict) and not _is_member_name(name):
            return path, f"the member name {ascii(name)[:80]} is not printable ASCII"
        breach = _find_breach(item, inner, level + 1)
        if breach is not None:
            return breach
    return None


def _is_member_name(name: object) -> bool:
    return isinstance(name, str) and name.isascii() and name.isprintable()


def _find_fault(value: object) -> str | None:
    """Say what is wrong with a single value that is neither array nor object."""
    if isinstance(value, _Refused):
        return value.reason
    if isinstance(value, str):
        return _find_text_fault(value)
    if isinstance(value, int):
        in_range = -LARGEST_INTEGER <= value <= LARGEST_INTEGER
        return None if in_range else "an integer beyond ±(2**53 - 1) must be written as text"
    if value is None:
        return "null is not allowed: leave the member out"
    return f"a value of the kind {type(value).__name__} has no place in JSON of this profile"


def _find_text_fault(text: str) -> str | None:
    if "\x00" in text:
        return "text must not hold the character U+0000"
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        return "text must not hold half of a surrogate pair"
    return None


def _refuse_breach(value: object, text: str | None = None) -> None:
    """Raise for the first value that breaks the profile, if there is one; `text` tells its position."""
    breach = _find_breach(value, "", 1)
    if breach is not None:
        path, fault = breach
        position = "" if text is None else _locate(text, path)
        shown = path if len(path) <= _SHOWN_PATH else "…" + path[-_SHOWN_PATH:]
        raise MalformedDocumentError(fault + position, field=shown or None)


def _explain_bytes(raw: bytes, max_bytes: int) -> NoReturn:
    """Raise for bytes that are not canonical: first what people get wrong, then the spelling itself."""
    expected = orjson.dumps(parse_json(raw, max_bytes=max_bytes), option=_OPTIONS)
    pairs = zip(expected, raw, strict=False)
    shorter = min(len(expected), len(raw))
    at = next((place for place, (ours, theirs) in enumerate(pairs) if ours != theirs), shorter)
    message = f"not in canonical form: another spelling is due at byte {at}"
    raise NonCanonicalEncodingError(message)


# --- reading what people write ----------------------------------------------------------------------------

_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{},]|[^\s\[\]{},:"]+', re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Refused:
    """Stands in a parsed document for a value that the profile refuses, until its path is known."""

    reason: str


def _refuse_float(text: str) -> _Refused:
    shown = text if len(text) <= 40 else text[:40] + "…"
    return _Refused(f"the number {shown} must be written as text")


def _refuse_constant(text: str) -> _Refused:
    return _Refused(f"{text} is not a number")


def _read_integer(text: str) -> int | _Refused:
    if text == "-0":
        return _Refused("zero is written without a minus sign")
    if len(text) > 17:
        return _Refused(f"an integer of {len(text)} digits must be written as text")
    return int(text)


def _read_members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                members[name] = _Refused("this member stands here twice")
            seen.add(name)
    return members


_READER = json.JSONDecoder(
    object_pairs_hook=_read_members,
    parse_float=_refuse_float,
    parse_int=_read_integer,
    parse_constant=_refuse_constant,
)


def _refuse_size(raw: bytes, max_bytes: int) -> NoReturn:
    message = f"{len(raw)} bytes are more than the {max_bytes} allowed here"
    raise MalformedDocumentError(message)


def _decode(raw: bytes) -> str:
    if raw.startswith(b"\xef\xbb\xbf"):
        message = "the file starts with a byte order mark: save it as UTF-8 without one"
        raise MalformedDocumentError(message)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as err:
        message = f"not UTF-8: byte {err.start} cannot be read"
        raise MalformedDocumentError(message) from err


def _check_levels(text: str) -> None:
    """Refuse deep nesting before any recursive reader sees it."""
    if text.count("[") + text.count("{") <= MAX_LEVELS:
        return
    level = 0
    for bracket in re.findall(r"[\[\]{}]", _STRING.sub("", text)):
        level += 1 if bracket in "[{" else -1
        if level > MAX_LEVELS:
            message = f"nested deeper than {MAX_LEVELS} levels"
            raise MalformedDocumentError(message)


def _locate(text: str, path: str) -> str:
    """Return ` (line 3 column 7)` for the last value at `path` in a text that is known to be JSON."""
    found = None
    for at, where in _walk_tokens(text):
        if where == path:
            found = at
    if found is None:
        return ""
    line_start = text.rfind("\n", 0, found) + 1
    return f" (line {text.count(chr(10), 0, found) + 1} column {found - line_start + 1})"


def _walk_tokens(text: str) -> list[tuple[int, str]]:
    """List offset and path of every value in a text that is known to be JSON."""
    values: list[tuple[int, str]] = []
    stack: list[tuple[str, int]] = []  # path of the open container, index of its next item; -1 in an object
    path, names = "", False
    for match in _TOKEN.finditer(text):
        piece = match[0]
        if names and piece[0] == '"':
            name = cast("str", json.loads(piece))
            path, names = f"{stack[-1][0]}.{name}" if stack[-1][0] else name, False
        elif piece in "]}":
            stack.pop()
        elif piece == ",":
            base, index = stack[-1]
            names = index < 0
            if not names:
                stack[-1] = (base, index + 1)
                path = f"{base}[{index + 1}]"
        else:
            values.append((match.start(), path))
            if piece in "[{":
                stack.append((path, -1 if piece == "{" else 0))
                names = piece == "{"
                path = path if names else f"{path}[0]"
    return values


def as_object(value: JsonValue, path: str = "") -> JsonObject:
    """Return `value` if it is an object.

    Raises:
        MalformedDocumentError: it is not.
    """
    if not isinstance(value, dict):
        message = "an object is expected here"
        raise MalformedDocumentError(message, field=path or None)
    return value
