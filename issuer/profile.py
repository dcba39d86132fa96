"""What an institution says of itself in a file: how it is registered, what it may verify, how it numbers.

    {"institution": {"id": "350100-01", "name": {"zh": "…"}, "division": "350100", "state": "active"},
     "scopes": {"S1": {"authorisation_no": "…", "categories": […], "kinds": […], "division": "3501",
                       "from": "2024-01-01", "until": "2028-12-31", "state": "active"}},
     "desk": {"numbers": {"pattern": "{prefix}{year}-{counter:06d}", "prefix": "JY"}, "zone": "Asia/Shanghai",
              "staff": {"P-0107": "林示例"}},
     "letterhead": {"address": "…", "telephone": "…", "postcode": "…", "email": "…"}}

`institution` and each of `scopes`, by the id of the line, are contents of register statements (`core.authority`);
an authority signs them. Its own file holds its content under `authority`, without the key.

>>> parse_institution_file(raw, None).profile.institution
'350100-01'
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from issuer.day_offset import resolve_date
from issuer.numbering import NumberPattern
from issuer.personal import parse_personal_text
from issuer.rendering.sheet import Letterhead
from ledger.core.authority import (
    AuthorityContent,
    InstitutionContent,
    parse_authority_content,
    parse_institution_content,
)
from ledger.core.canonical import JsonObject, JsonValue, as_object, encode_canonical_json, parse_json
from ledger.core.errors import InputError
from ledger.core.fields import Reader
from ledger.core.ids import InstitutionId
from ledger.core.scope import ScopeContent, parse_scope_content
from ledger.core.signature import PublicKey

DEFAULT_PATTERN: Final = "{prefix}{year}-{counter:06d}"
DEFAULT_ZONE: Final = "Asia/Shanghai"
MAX_STAFF: Final = 10_000
ANY_DAY: Final = date(2000, 1, 1)
"""Day 0 of the offsets in a development home's file, for commands to which its numbers and scopes do not matter."""
LETTERHEAD: Final = ("address", "telephone", "postcode", "email")


@dataclass(frozen=True, slots=True)
class DeskProfile:
    """What an institution decides about its desk."""

    institution: InstitutionId
    numbers: NumberPattern
    zone: ZoneInfo
    """Calendar dates are dates of this zone."""
    staff: Mapping[str, str] = field(default_factory=dict)
    """Names of persons by public pseudonym; personal members of what they sign."""


@dataclass(frozen=True, slots=True)
class InstitutionFile:
    """What the file of an institution holds."""

    content: InstitutionContent
    scopes: tuple[ScopeContent, ...]
    profile: DeskProfile
    letterhead: Letterhead
    """What printed documents say of it; the English name is that of the register."""


def parse_institution_file(raw: bytes, base_date: date | None) -> InstitutionFile:
    """Read the file of an institution.

    Args:
        raw: JSON, spelled freely.
        base_date: day 0 of day offsets; None: they are refused.

    Raises:
        InputError: not such a file; the member is named.
    """
    reader = Reader(parse_json(raw), "")
    with _naming("institution"):
        content = parse_institution_content(encode_canonical_json(reader.members("institution")))
    scopes = tuple(
        _parse_scope(name, members, content.id, base_date)
        for name, members in sorted(reader.members("scopes").items())
    )
    profile = _parse_desk(reader.opt_object("desk"), content.id)
    letterhead = _parse_letterhead(reader.opt_object("letterhead"), content.name.en)
    reader.finish()
    return InstitutionFile(content, scopes, profile, letterhead)


def parse_authority_file(raw: bytes, key: PublicKey, base_date: date | None) -> AuthorityContent:
    """Read the file of an authority, which says everything but its key.

    Raises:
        InputError: not such a file; the member is named.
    """
    reader = Reader(parse_json(raw), "")
    with _naming("authority"):
        members = _resolve_period(reader.members("authority"), base_date)
        content = parse_authority_content(encode_canonical_json({**members, "key": key.multikey}))
    reader.finish()
    return content


def _parse_scope(
    name: str, members: JsonValue, institution: InstitutionId, base_date: date | None
) -> ScopeContent:
    with _naming(f"scopes.{name}"):
        resolved = _resolve_period(as_object(members), base_date)
        return parse_scope_content(
            encode_canonical_json({**resolved, "id": name, "institution": institution})
        )


def _resolve_period(members: JsonObject, base_date: date | None) -> JsonObject:
    resolved = dict(members)
    for name in ("from", "until"):
        if name in resolved:
            resolved[name] = resolve_date(resolved[name], name, base_date)
    return resolved


@contextmanager
def _naming(path: str) -> Iterator[None]:
    """Say of input errors below that they are about this member of the file."""
    try:
        yield
    except InputError as err:
        inner = (err.field or "").removeprefix("content").removeprefix(".").removeprefix(path)
        raise type(err)(err.reason, field=f"{path}.{inner.removeprefix('.')}".removesuffix(".")) from None


def _parse_desk(reader: Reader | None, institution: InstitutionId) -> DeskProfile:
    if reader is None:
        return DeskProfile(institution, NumberPattern(DEFAULT_PATTERN), ZoneInfo(DEFAULT_ZONE))
    zone = reader.opt_text("zone", max_bytes=60) or DEFAULT_ZONE
    numbers = reader.opt_object("numbers")
    pattern = NumberPattern(DEFAULT_PATTERN) if numbers is None else _parse_numbers(numbers)
    staff = _parse_staff(reader)
    try:
        found = ZoneInfo(zone)
    except (ValueError, OSError, LookupError):
        reader.refuse("zone", f"no time zone has the name {zone!r}")
    reader.finish()
    return DeskProfile(institution, pattern, found, staff)


def _parse_staff(reader: Reader) -> dict[str, str]:
    """Read the names of persons; each is a personal member of what they sign."""
    if "staff" not in reader:
        return {}
    members = reader.members("staff")
    if len(members) > MAX_STAFF:
        reader.refuse("staff", f"names of at most {MAX_STAFF} persons")
    return {name: parse_personal_text(value, f"desk.staff.{name}") for name, value in members.items()}


def _parse_letterhead(reader: Reader | None, name_en: str | None) -> Letterhead:
    if reader is None:
        return Letterhead(name_en)
    texts = {name: reader.opt_text(name, max_bytes=200) for name in LETTERHEAD}
    reader.finish()
    return Letterhead(name_en, **texts)


def _parse_numbers(reader: Reader) -> NumberPattern:
    pattern = reader.opt_text("pattern", max_bytes=64) or DEFAULT_PATTERN
    numbers = NumberPattern(pattern, reader.opt_text("prefix", max_bytes=40) or "")
    reader.finish()
    return numbers
