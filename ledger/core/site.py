"""SITE: a place of business where measuring instruments are used, and which instruments those are.

A market, a petrol station or a shop is entered by its owner, if the owner is registered, or by a verification
institution; either keeps the entry under an id of its own. It names instruments and says nothing of how they
stand: that is for their documents. Its address is that of a business and never of a household.

>>> parse_site(encode_site(content)) == content
True
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ledger.core.canonical import JsonObject, encode_canonical_json
from ledger.core.encoding import encode_hex, parse_hex
from ledger.core.errors import InputError
from ledger.core.event import site_subject
from ledger.core.fields import Reader
from ledger.core.ids import ID_PATTERN, InstitutionId, InstrumentId, Subject
from ledger.core.register_fields import (
    DIVISION_PATTERN,
    Name,
    RegisterState,
    name_members,
    open_content,
    parse_institution_id,
    parse_name,
)

MAX_SITE_INSTRUMENTS: Final = 1000
_INSTRUMENT_BYTES: Final = 16
_DIVISION_BYTES: Final = 12


class SiteKind(StrEnum):
    """What kind of place it is."""

    MARKET = "market"
    FUEL_STATION = "fuel_station"
    SHOP = "shop"
    CHARGING_STATION = "charging_station"
    OTHER = "other"


@dataclass(frozen=True, slots=True, order=True)
class SiteName:
    """How the ledger knows a site: an id is unique with who keeps its entry."""

    keeper: InstitutionId
    id: str

    @property
    def subject(self) -> Subject:
        """Return the site, which statements about it expect the version of."""
        return site_subject(self.keeper, self.id)


@dataclass(frozen=True, slots=True)
class SiteContent:
    """What is entered of a site."""

    site: SiteName
    owner: InstitutionId | None
    """Who uses the instruments, if registered; the keeper itself where that is an owner."""
    name: Name
    division: str
    """Where it is: a division code, never absent."""
    kind: SiteKind
    address: Name | None
    """Of the business, in words; never that of a household."""
    instruments: tuple[InstrumentId, ...]
    """16 bytes each, rising; at most `MAX_SITE_INSTRUMENTS`."""
    fair_scales: tuple[InstrumentId, ...]
    """Those among them on which customers may weigh again (公平秤), rising."""
    state: RegisterState

    @property
    def subject(self) -> Subject:
        """Return the site, which the statement is about."""
        return self.site.subject


def encode_site(content: SiteContent) -> bytes:
    """Return the canonical bytes of a SITE content."""
    members: JsonObject = {
        "keeper": content.site.keeper,
        "id": content.site.id,
        "name": name_members(content.name),
        "division": content.division,
        "kind": content.kind.value,
        "state": content.state.value,
    }
    given: JsonObject = {
        "owner": content.owner or "",
        "address": {} if content.address is None else name_members(content.address),
        "instruments": [encode_hex(each) for each in content.instruments],
        "fair_scales": [encode_hex(each) for each in content.fair_scales],
    }
    return encode_canonical_json(members | {name: value for name, value in given.items() if value})


def parse_site(raw: bytes) -> SiteContent:
    """Parse a SITE content.

    Raises:
        InputError: not such a content; a list is not in order, or a fair scale is none of its instruments.
    """
    reader = open_content(raw)
    content = SiteContent(
        site=parse_site_name(reader),
        owner=parse_institution_id(reader, "owner") if "owner" in reader else None,
        name=parse_name(reader),
        division=reader.text("division", max_bytes=_DIVISION_BYTES, pattern=DIVISION_PATTERN),
        kind=reader.enum("kind", SiteKind),
        address=parse_name(reader, "address") if "address" in reader else None,
        instruments=_parse_instruments(reader, "instruments"),
        fair_scales=_parse_instruments(reader, "fair_scales"),
        state=reader.enum("state", RegisterState),
    )
    strangers = set(content.fair_scales) - set(content.instruments)
    if strangers:
        reader.refuse("fair_scales", f"{encode_hex(min(strangers))} is none of the site's instruments")
    reader.finish()
    return content


def parse_site_name(reader: Reader) -> SiteName:
    """Return the members `keeper` and `id`."""
    return SiteName(
        parse_institution_id(reader, "keeper"), reader.text("id", max_bytes=12, pattern=ID_PATTERN)
    )


def _parse_instruments(reader: Reader, name: str) -> tuple[InstrumentId, ...]:
    """Return a list of instruments, absent if empty: rising, each once."""
    texts = reader.opt_texts(name, max_bytes=2 * _INSTRUMENT_BYTES, least=1, most=MAX_SITE_INSTRUMENTS)
    if texts is None:
        return ()
    try:
        ids = [InstrumentId(parse_hex(text, size=_INSTRUMENT_BYTES)) for text in texts]
    except InputError as err:
        reader.refuse(name, f"an id of an instrument: {err.reason}")
    if ids != sorted(set(ids)):
        reader.refuse(name, "expected each instrument once, in order")
    return tuple(ids)
