"""Dates of input documents: absolute ones, and day offsets in examples that must never expire.

    "verified_on": "2026-11-20"                       a calendar date
    "verified_on": {"day": -3}                        three days before the base date
    "signed_at":   "2026-11-20T10:30:00+08:00"        an instant; `Z` or an offset is needed
    "signed_at":   {"day": -3, "time": "10:30:00"}    that time of the day in the desk's zone

Offsets are for examples and demonstrations: without a base date they are refused, so that no real document
gets its dates from the day on which somebody runs a program.

>>> resolve_date({"day": -3}, "verified_on", date(2026, 11, 23))
'2026-11-20'
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from issuer.faults import Gathering
from ledger.core.canonical import JsonObject, JsonValue
from ledger.core.encoding import encode_instant
from ledger.core.errors import InputError, MalformedDocumentError
from ledger.core.fields import Reader

MAX_DAYS: Final = 36_525
"""Farthest offset, a hundred years."""

_LOCAL_INSTANT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{3})?[+-][0-9]{2}:[0-9]{2}"
)
_TIME: Final = r"[0-2][0-9]:[0-5][0-9]:[0-5][0-9]"
_Resolver: TypeAlias = Callable[[JsonValue, str], JsonValue]


def resolve_times(members: JsonObject, base: date | None, zone: ZoneInfo, gathering: Gathering) -> None:
    """Write every date and instant of a document as documents write them.

    Args:
        members: changed in place; what hangs below is replaced, never changed.
        base: day 0 of day offsets; None: offsets are refused.
        zone: times of the day are times of this zone.
        gathering: takes what cannot be resolved.
    """

    def to_date(value: JsonValue, path: str) -> JsonValue:
        try:
            return resolve_date(value, path, base)
        except InputError as err:
            gathering.add(err, path)
            return value

    def to_instant(value: JsonValue, path: str) -> JsonValue:
        try:
            return resolve_instant(value, path, base, zone)
        except InputError as err:
            gathering.add(err, path)
            return value

    standard = _both(_at("exam_until", to_date), _at("instruments", _each(_at("until", to_date))))
    resolvers = {
        "verified_on": to_date,
        "issued_on": to_date,
        "validity": _at("until", to_date),
        "paper": _at("entered_on", to_date),
        "standards": _each(standard),
        "persons": _each(_at("signed_at", to_instant)),
    }
    for name, resolve in resolvers.items():
        if name in members:
            members[name] = resolve(members[name], name)


def resolve_date(value: JsonValue, field: str, base: date | None) -> JsonValue:
    """Return a date as documents write it; what is not an offset comes back as it is.

    Raises:
        MalformedDocumentError: an offset without a base date, or not a proper one.
    """
    if not isinstance(value, dict):
        return value
    reader = Reader(value, field)
    day = _read_day(reader, base)
    reader.finish()
    return day.isoformat()


def resolve_instant(value: JsonValue, field: str, base: date | None, zone: ZoneInfo) -> JsonValue:
    """Return an instant as documents write it, in UTC; anything else as it is.

    Raises:
        MalformedDocumentError: an offset without a base date, or no such time.
    """
    if isinstance(value, str):
        return _convert_local(value, field)
    if not isinstance(value, dict):
        return value
    reader = Reader(value, field)
    day = _read_day(reader, base)
    text = reader.text("time", max_bytes=8, pattern=_TIME)
    reader.finish()
    try:
        moment = datetime.combine(day, time.fromisoformat(text), zone)
        return encode_instant(moment.astimezone(UTC))
    except (ValueError, OverflowError):
        raise MalformedDocumentError("is not a time that exists", field=f"{field}.time") from None


def _read_day(reader: Reader, base: date | None) -> date:
    days = reader.integer("day", -MAX_DAYS, MAX_DAYS)
    if base is None:
        reader.refuse("day", "a day offset is for examples only; write the date itself")
    try:
        return base + timedelta(days=days)
    except OverflowError:
        reader.refuse("day", f"{days} days from {base} is no date")


def _convert_local(text: str, field: str) -> str:
    if not _LOCAL_INSTANT.fullmatch(text):
        return text
    try:
        return encode_instant(datetime.fromisoformat(text))
    except (ValueError, MalformedDocumentError):
        raise MalformedDocumentError(f"{text!r} is not a time that exists", field=field) from None


# --- where the times of a document stand; a value of another shape is left for the record's own parser -----


def _at(name: str, resolve: _Resolver) -> _Resolver:
    def apply(value: JsonValue, path: str) -> JsonValue:
        if not isinstance(value, dict) or name not in value:
            return value
        return {**value, name: resolve(value[name], f"{path}.{name}")}

    return apply


def _each(resolve: _Resolver) -> _Resolver:
    def apply(value: JsonValue, path: str) -> JsonValue:
        if not isinstance(value, list):
            return value
        return [resolve(item, f"{path}[{number}]") for number, item in enumerate(value)]

    return apply


def _both(first: _Resolver, second: _Resolver) -> _Resolver:
    return lambda value, path: second(first(value, path), path)
