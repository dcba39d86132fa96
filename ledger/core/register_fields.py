"""Members that contents of many registers share, and how they are read: strictly, with one spelling each.

>>> check_period(date(2026, 1, 1), date(2030, 12, 31))
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final, TypeVar

from ledger.core.canonical import JsonObject, parse_canonical_json
from ledger.core.category import Category, parse_category
from ledger.core.errors import MalformedDocumentError
from ledger.core.fields import Reader
from ledger.core.ids import ID_PATTERN, InstitutionId

DIVISION_PATTERN: Final = r"[0-9]{2,12}"
"""A division code (GB/T 2260, GB/T 10114) or a prefix of one; an absent one means anywhere."""

EnumT = TypeVar("EnumT", bound=StrEnum)


class RegisterState(StrEnum):
    """Whether a registered thing counts from now on."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Name:
    """A name in Chinese and, if there is one, in English."""

    zh: str
    en: str | None


def open_content(raw: bytes) -> Reader:
    """Return a reader over the content of a register statement.

    Raises:
        InputError: not canonical, or not an object.
    """
    value = parse_canonical_json(raw)
    if not isinstance(value, dict):
        raise MalformedDocumentError("register content is not an object")
    return Reader(value, "content")


def parse_division(reader: Reader) -> str:
    """Return a division code, "" where none is given: anywhere."""
    return reader.opt_text("division", max_bytes=12, pattern=DIVISION_PATTERN) or ""


def parse_name(reader: Reader, member: str = "name") -> Name:
    """Return a name, or other words that are written like one."""
    inner = reader.object(member)
    name = Name(inner.text("zh", max_bytes=200), inner.opt_text("en", max_bytes=200))
    inner.finish()
    return name


def name_members(name: Name) -> JsonObject:
    """Return a name as it stands in contents."""
    return {"zh": name.zh} if name.en is None else {"zh": name.zh, "en": name.en}


def division_members(division: str) -> JsonObject:
    """Return a division as it stands in contents: not at all where it is anywhere."""
    return {"division": division} if division else {}


def parse_set(reader: Reader, name: str, kind: type[EnumT]) -> frozenset[EnumT]:
    """Return a list of codes: at least one, sorted, each once."""
    texts = parse_sorted_texts(reader, name)
    try:
        return frozenset(kind(text) for text in texts)
    except ValueError:
        known = ", ".join(member.value for member in kind)
        raise MalformedDocumentError(f"unknown value; known are {known}", field=f"content.{name}") from None


def parse_categories(reader: Reader) -> frozenset[Category]:
    """Return the member `categories`."""
    texts = parse_sorted_texts(reader, "categories")
    return frozenset(parse_category(text, "content.categories") for text in texts)


def parse_sorted_texts(reader: Reader, name: str, max_bytes: int = 64, most: int = 256) -> list[str]:
    """Return a list of texts: at least one, sorted, each once."""
    texts = reader.texts(name, max_bytes=max_bytes, most=most)
    if not texts or texts != sorted(set(texts)):
        raise MalformedDocumentError("expected at least one, each once, in order", field=f"content.{name}")
    return texts


def check_period(valid_from: date, valid_until: date) -> None:
    """Refuse a period that ends before it begins."""
    if valid_until < valid_from:
        raise MalformedDocumentError("ends before it begins", field="content.until")


def parse_institution_id(reader: Reader, name: str = "institution") -> InstitutionId:
    """Return the id of an institution."""
    return InstitutionId(reader.text(name, max_bytes=12, pattern=ID_PATTERN))


def parse_yes(reader: Reader, name: str) -> bool:
    """Return whether a member says yes; no has one spelling: no member."""
    if name not in reader:
        return False
    if not reader.boolean(name):
        reader.refuse(name, "false goes without saying")
    return True


def parse_open_period(reader: Reader) -> tuple[date, date | None]:
    """Return the members `from` and `until`; a period without `until` has no end."""
    valid_from, valid_until = reader.date("from"), reader.opt_date("until")
    if valid_until is not None:
        check_period(valid_from, valid_until)
    return valid_from, valid_until


def period_members(valid_from: date, valid_until: date | None) -> JsonObject:
    """Return a period as it stands in contents."""
    members: JsonObject = {"from": valid_from.isoformat()}
    return members if valid_until is None else members | {"until": valid_until.isoformat()}
