"""Typed, strict reading of one JSON object; every error names the member by its path.

A `Reader` hands out each member once, in the type asked for. `finish` then refuses whatever nobody asked for,
so that a misspelled member is never silently ignored.

>>> reader = Reader({"serial": "A-17", "value": "0.50"}, "instrument")
>>> reader.text("serial"), reader.decimal("value")
('A-17', Decimal('0.50'))
>>> reader.finish()
>>> Reader({"serial": " A"}, "instrument").text("serial")
Traceback (most recent call last):
ledger.core.errors.MalformedDocumentError: instrument.serial: text must not begin or end with white space
"""

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import NoReturn, TypeVar

from ledger.core.canonical import JsonObject, JsonValue
from ledger.core.encoding import parse_base64, parse_date, parse_decimal, parse_hex, parse_instant
from ledger.core.errors import InputError, MalformedDocumentError
from ledger.core.text import has_forbidden_character, has_outer_space, is_plain

EnumT = TypeVar("EnumT", bound=StrEnum)
_ValueT = TypeVar("_ValueT")

MAX_TEXT_BYTES = 4096
"""Longest text, in bytes of UTF-8, unless the caller says otherwise."""

MAX_ITEMS = 10_000
"""Longest list unless the caller says otherwise."""


@lru_cache(maxsize=256)
def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


class Reader:
    """Strict access to the members of one object."""

    __slots__ = ("_left", "path")

    def __init__(self, value: JsonValue, path: str = "") -> None:
        """Take the object at `path`; the document itself has the empty path.

        Raises:
            MalformedDocumentError: `value` is not an object.
        """
        self.path = path
        """Where this object stands, as `instrument.parts[0]`."""
        if not isinstance(value, dict):
            message = "an object is expected here"
            raise MalformedDocumentError(message, field=path or None)
        self._left = dict(value)

    def __contains__(self, name: str) -> bool:
        """Tell whether a member is there and has not been read yet."""
        return name in self._left

    def path_of(self, name: str) -> str:
        """Return the path of a member of this object."""
        return f"{self.path}.{name}" if self.path else name

    def refuse(self, name: str, message: str) -> NoReturn:
        """Raise for the member `name`; for rules beyond its type.

        Raises:
            MalformedDocumentError: always.
        """
        raise MalformedDocumentError(message, field=self.path_of(name))

    def finish(self) -> None:
        """Refuse members that nobody read.

        Raises:
            MalformedDocumentError: there are some; all are named.
        """
        if self._left:
            names = ", ".join(ascii(name[:60])[1:-1] for name in sorted(self._left)[:8])
            message = f"unknown members: {names}" if len(self._left) > 1 else f"unknown member: {names}"
            raise MalformedDocumentError(message, field=self.path or None)

    # --- required members -----------------------------------------------------------------------------------

    def text(self, name: str, *, max_bytes: int = MAX_TEXT_BYTES, pattern: str | None = None) -> str:
        """Return a text that is not empty.

        Args:
            name: the member.
            max_bytes: longest, in bytes of UTF-8.
            pattern: regular expression that the whole text must match.

        Raises:
            MalformedDocumentError: missing, not text, empty, too long, outside the pattern, with white space
                at an end, or with control or direction characters.
        """
        value = self._left.pop(name, None)
        if type(value) is str and pattern is None and 0 < len(value) * 4 <= max_bytes and is_plain(value):
            return value  # as most texts; any other is looked at closely
        if value is None:
            self.refuse(name, "this member is missing")
        return self._check_text(name, value, max_bytes, pattern)

    def lines(self, name: str, *, max_bytes: int) -> str:
        """Return a text of several lines as it stands, such as a signed note; its own parser judges it.

        Raises:
            MalformedDocumentError: missing, not text, or too long.
        """
        value = self._take_text(name)
        if len(value.encode()) > max_bytes:
            self.refuse(name, f"text of {len(value.encode())} bytes, at most {max_bytes} are allowed")
        return value

    def integer(self, name: str, low: int, high: int) -> int:
        """Return an integer with low <= value <= high.

        Raises:
            MalformedDocumentError: missing, not an integer, or out of range.
        """
        value = self._take(name)
        if type(value) is not int:
            self.refuse(name, "an integer is expected here")
        if not low <= value <= high:
            self.refuse(name, f"{value} is not between {low} and {high}")
        return value

    def boolean(self, name: str) -> bool:
        """Return true or false.

        Raises:
            MalformedDocumentError: missing, or something else.
        """
        value = self._left.pop(name, None)  # as in `_take_text`; each reading has one
        if type(value) is not bool:
            self.refuse(name, "this member is missing" if value is None else "true or false is expected here")
        return value

    def decimal(self, name: str) -> Decimal:
        """Return a decimal number, written as text in plain digits, at most 30 of them.

        Raises:
            MalformedDocumentError: missing, or in another form; see `encoding.parse_decimal`.
        """
        return self.parse(name, parse_decimal)

    def date(self, name: str) -> dt.date:
        """Return a calendar date, written `YYYY-MM-DD`.

        Raises:
            MalformedDocumentError: missing, in another form, or no such day.
        """
        return self.parse(name, parse_date)

    def instant(self, name: str) -> dt.datetime:
        """Return a UTC instant, written `YYYY-MM-DDTHH:MM:SSZ` or with `.mmm`.

        Raises:
            MalformedDocumentError: missing, in another form, or no such time.
        """
        return self.parse(name, parse_instant)

    def hex(self, name: str, size: int) -> bytes:
        """Return `size` bytes, written in lower-case hexadecimal.

        Raises:
            InputError: missing, of another size, or in another spelling.
        """
        text = self._take_text(name)
        try:
            return parse_hex(text, size=size)
        except InputError as err:
            raise type(err)(err.reason, field=self.path_of(name)) from None

    def base64(self, name: str, *, size: int | None = None) -> bytes:
        """Return bytes, written in padded base64; `size` of them if that is given.

        Raises:
            InputError: missing, of another size, or in another spelling.
        """
        text = self._take_text(name)
        try:
            return parse_base64(text, size=size)
        except InputError as err:
            raise type(err)(err.reason, field=self.path_of(name)) from None

    def enum(self, name: str, kind: type[EnumT]) -> EnumT:
        """Return one of the values of `kind`.

        Raises:
            MalformedDocumentError: missing, or another value.
        """
        value = self._take_text(name)
        try:
            return kind(value)
        except ValueError:
            self.refuse(name, f"{ascii(value)[:60]} is not one of: {', '.join(kind)}")

    def object(self, name: str) -> "Reader":
        """Return a reader of an inner object; call its `finish` too.

        Raises:
            MalformedDocumentError: missing, or not an object.
        """
        return Reader(self._take(name), self.path_of(name))

    def members(self, name: str) -> JsonObject:
        """Return an object as it stands, for a parser of its own.

        Raises:
            MalformedDocumentError: missing, or not an object.
        """
        value = self._take(name)
        if not isinstance(value, dict):
            self.refuse(name, "an object is expected here")
        return value

    def objects(self, name: str, *, least: int = 0, most: int = MAX_ITEMS) -> "list[Reader]":
        """Return a reader for each object of a list; call `finish` of each.

        Raises:
            MalformedDocumentError: missing, not a list, too few or many items, or an item is no object.
        """
        path = self.path_of(name)
        items = self._take_list(name, least, most)
        return [Reader(item, f"{path}[{index}]") for index, item in enumerate(items)]

    def texts(
        self,
        name: str,
        *,
        max_bytes: int = MAX_TEXT_BYTES,
        pattern: str | None = None,
        least: int = 0,
        most: int = MAX_ITEMS,
    ) -> list[str]:
        """Return a list of texts, each by the rules of `text`.

        Raises:
            MalformedDocumentError: missing, not a list, too few or many items, or an item breaks a rule.
        """
        items = self._take_list(name, least, most)
        return [
            self._check_text(f"{name}[{index}]", item, max_bytes, pattern) for index, item in enumerate(items)
        ]

    def values(self, name: str, *, least: int = 0, most: int = MAX_ITEMS) -> list[JsonValue]:
        """Return a list as it stands, for a parser of its own.

        Raises:
            MalformedDocumentError: missing, not a list, or too few or many items.
        """
        return self._take_list(name, least, most)

    # --- the same, absent allowed: None ---------------------------------------------------------------------

    def opt_text(
        self, name: str, *, max_bytes: int = MAX_TEXT_BYTES, pattern: str | None = None
    ) -> str | None:
        """Return a text, or None if the member is absent."""
        return self.text(name, max_bytes=max_bytes, pattern=pattern) if name in self._left else None

    def opt_integer(self, name: str, low: int, high: int) -> int | None:
        """Return an integer, or None if the member is absent."""
        return self.integer(name, low, high) if name in self._left else None

    def opt_boolean(self, name: str) -> bool | None:
        """Return true or false, or None if the member is absent."""
        return self.boolean(name) if name in self._left else None

    def opt_decimal(self, name: str) -> Decimal | None:
        """Return a decimal number, or None if the member is absent."""
        return self.parse(name, parse_decimal) if name in self._left else None

    def opt_decimals(self, *names: str) -> "list[Decimal | None]":
        """Return the decimal number of each of these members, or None where it is absent."""
        left = self._left
        return [self.parse(name, parse_decimal) if name in left else None for name in names]

    def opt_date(self, name: str) -> dt.date | None:
        """Return a calendar date, or None if the member is absent."""
        return self.date(name) if name in self._left else None

    def opt_instant(self, name: str) -> dt.datetime | None:
        """Return an instant, or None if the member is absent."""
        return self.instant(name) if name in self._left else None

    def opt_hex(self, name: str, size: int) -> bytes | None:
        """Return bytes from hexadecimal, or None if the member is absent."""
        return self.hex(name, size) if name in self._left else None

    def opt_base64(self, name: str, *, size: int | None = None) -> bytes | None:
        """Return bytes from base64, or None if the member is absent."""
        return self.base64(name, size=size) if name in self._left else None

    def opt_enum(self, name: str, kind: type[EnumT]) -> EnumT | None:
        """Return one of the values of `kind`, or None if the member is absent."""
        return self.enum(name, kind) if name in self._left else None

    def opt_object(self, name: str) -> "Reader | None":
        """Return a reader of an inner object, or None if the member is absent."""
        return self.object(name) if name in self._left else None

    def opt_objects(self, name: str, *, least: int = 0, most: int = MAX_ITEMS) -> "list[Reader] | None":
        """Return a reader for each object of a list, or None if the member is absent."""
        return self.objects(name, least=least, most=most) if name in self._left else None

    def opt_texts(
        self,
        name: str,
        *,
        max_bytes: int = MAX_TEXT_BYTES,
        pattern: str | None = None,
        least: int = 0,
        most: int = MAX_ITEMS,
    ) -> list[str] | None:
        """Return a list of texts, or None if the member is absent."""
        if name not in self._left:
            return None
        return self.texts(name, max_bytes=max_bytes, pattern=pattern, least=least, most=most)

    # --- inside ---------------------------------------------------------------------------------------------

    def _take(self, name: str) -> JsonValue:
        try:
            return self._left.pop(name)
        except KeyError:
            self.refuse(name, "this member is missing")

    def _take_text(self, name: str) -> str:
        value = self._left.pop(name, None)
        if type(value) is not str:
            self.refuse(name, "this member is missing" if value is None else "text is expected here")
        return value

    def _take_list(self, name: str, least: int, most: int) -> list[JsonValue]:
        value = self._take(name)
        if not isinstance(value, list):
            self.refuse(name, "a list is expected here")
        if not least <= len(value) <= most:
            self.refuse(name, f"a list of {len(value)} items, expected {least} to {most}")
        return value

    def parse(self, name: str, parse: Callable[[str], _ValueT]) -> _ValueT:
        """Return what a function makes of a text member; its refusal is about that member.

        Raises:
            InputError: missing, not text, or refused by `parse`.
        """
        text = self._left.pop(name, None)  # as in `_take_text`; a document has hundreds of these
        if type(text) is not str:
            self.refuse(name, "this member is missing" if text is None else "text is expected here")
        try:
            return parse(text)
        except InputError as err:
            raise type(err)(err.reason, field=self.path_of(name)) from None

    def _check_text(self, name: str, value: JsonValue, max_bytes: int, pattern: str | None) -> str:
        if type(value) is not str:
            self.refuse(name, "text is expected here")
        if not value:
            self.refuse(name, "text must not be empty")
        if not is_plain(value):
            self._check_characters(name, value)
        if len(value) * 4 > max_bytes and len(value.encode()) > max_bytes:
            self.refuse(name, f"text of {len(value.encode())} bytes, at most {max_bytes} are allowed")
        if pattern is not None and not _compile(pattern).fullmatch(value):
            self.refuse(name, f"{ascii(value)[:60]} does not have the form {pattern}")
        return value

    def _check_characters(self, name: str, value: str) -> None:
        if has_outer_space(value):
            self.refuse(name, "text must not begin or end with white space")
        if has_forbidden_character(value):
            self.refuse(name, "text must not hold control characters or characters that change its direction")
