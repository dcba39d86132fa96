"""Personal members of a record: given in the clear, published as salted commitments, disclosed to few.

The applicant, the owner, addresses and the names of persons never stand in what is signed; there they are
`{"sd": …}`. Their values go into the disclosure file of the document, see `ledger.core.disclosure`.

>>> member = PersonalMember(("persons", 0, "name"), "李娜")
>>> conceal_members(record, [member], salts)
{'persons.0.name': DisclosedMember(...)}
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from issuer.faults import Gathering
from ledger.core.canonical import JsonObject, JsonValue
from ledger.core.credit_code import parse_credit_code
from ledger.core.disclosure import DisclosedMember, conceal
from ledger.core.fields import Reader

MAX_TEXT_BYTES: Final = 400
"""Longest name of a person, address or place."""

HIDDEN: Final[JsonObject] = {"sd": "0" * 64}
"""Stands in a draft where the commitment will stand: salts are drawn when the document is signed."""


@dataclass(frozen=True, slots=True)
class PersonalMember:
    """A value that is not published, and where its commitment goes."""

    path: tuple[str | int, ...]
    value: JsonValue

    @property
    def name(self) -> str:
        """Return the path as disclosure files write it."""
        return ".".join(map(str, self.path))


@dataclass(frozen=True, slots=True)
class Party:
    """Applicant or owner."""

    value: JsonObject
    """Name, and credit code if there is one: what the commitment is over."""
    public_name: str | None
    """What may be hashed to tell two instruments apart: the credit code, else the name of an organisation.

    None for a natural person, whose name could be guessed from the hash."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """What was taken out of a document."""

    members: tuple[PersonalMember, ...]
    owner: str | None
    """What may be hashed of the owner, see `Party.public_name`."""


def hide_personal(members: JsonObject, gathering: Gathering) -> Hidden:
    """Take the personal members out of a document and put `HIDDEN` in their places.

    Args:
        members: changed in place; what hangs below is replaced, never changed.
        gathering: takes what cannot be read.
    """
    found: list[PersonalMember] = []
    owner = None
    if "applicant" in members:
        with gathering.watch("applicant"):
            found.append(PersonalMember(("applicant",), parse_party(members["applicant"], "applicant").value))
            members["applicant"] = HIDDEN
    with gathering.watch("instrument"):
        owner = _hide_in_instrument(members, found)
    with gathering.watch("place"):
        _hide_place(members, found)
    with gathering.watch("persons"):
        _hide_names(members, found)
    return Hidden(tuple(found), owner)


def _hide_in_instrument(members: JsonObject, found: list[PersonalMember]) -> str | None:
    """Hide owner and address; return what may be hashed of the owner."""
    instrument = members.get("instrument")
    if not isinstance(instrument, dict):
        return None
    owner = None
    if "owner" in instrument:
        party = parse_party(instrument["owner"], "instrument.owner")
        owner = party.public_name
        found.append(PersonalMember(("instrument", "owner"), party.value))
        members["instrument"] = instrument = {**instrument, "owner": HIDDEN}
    site = instrument.get("site")
    if isinstance(site, dict) and "address" in site:
        address = parse_personal_text(site["address"], "instrument.site.address")
        found.append(PersonalMember(("instrument", "site", "address"), address))
        members["instrument"] = {**instrument, "site": {**site, "address": HIDDEN}}
    return owner


def _hide_place(members: JsonObject, found: list[PersonalMember]) -> None:
    place = members.get("place")
    if isinstance(place, dict) and "where" in place:
        found.append(PersonalMember(("place", "where"), parse_personal_text(place["where"], "place.where")))
        members["place"] = {**place, "where": HIDDEN}


def _hide_names(members: JsonObject, found: list[PersonalMember]) -> None:
    persons = members.get("persons")
    if not isinstance(persons, list):
        return
    hidden: list[JsonValue] = []
    for number, person in enumerate(persons):
        if isinstance(person, dict) and "name" in person:
            name = parse_personal_text(person["name"], f"persons[{number}].name")
            found.append(PersonalMember(("persons", number, "name"), name))
            hidden.append({**person, "name": HIDDEN})
        else:
            hidden.append(person)
    members["persons"] = hidden


def parse_party(value: JsonValue, field: str) -> Party:
    """Read `{"name": …, "code": …, "organisation": true}`; only the name is needed.

    Raises:
        InputError: not such an object, or the check character of the credit code is wrong (GB 32100).
    """
    reader = Reader(value, field)
    name = reader.text("name", max_bytes=200)
    code = reader.opt_text("code", max_bytes=40)
    is_organisation = reader.opt_boolean("organisation") or False
    reader.finish()
    if code is None:
        return Party({"name": name}, name if is_organisation else None)
    parse_credit_code(code, field=f"{field}.code")
    return Party({"name": name, "code": code}, code)


def parse_personal_text(value: JsonValue, field: str) -> str:
    """Read a name or an address.

    Raises:
        InputError: not such a text; the member is named.
    """
    parent, _, name = field.rpartition(".")
    return Reader({name: value}, parent).text(name, max_bytes=MAX_TEXT_BYTES)


def conceal_members(
    record: JsonObject, members: Sequence[PersonalMember], salts: Iterator[bytes]
) -> dict[str, DisclosedMember]:
    """Write the commitments into the record, and return what a disclosure file holds.

    Args:
        record: changed in place; has a member `HIDDEN` at each path.
        members: the values.
        salts: 16 fresh random bytes for each.
    """
    disclosed = {}
    for member, salt in zip(members, salts, strict=False):
        container: Any = record
        for step in member.path[:-1]:
            container = container[step]
        container[member.path[-1]] = conceal(member.value, salt)
        disclosed[member.name] = DisclosedMember(salt, member.value)
    return disclosed
