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


ERASED: Final[JsonObject] = {"name": "（已删除 / erased）"}
"""Stands for an applicant whose name was erased."""


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
    if "applicant" in members:
        with gathering.watch("applicant"):
            found.append(PersonalMember(("applicant",), parse_party(members["applicant"], "applicant").value))
            members["applicant"] = HIDDEN
    owner = None
    with gathering.watch("instrument.owner"):
        owner = _hide_owner(members, found)
    with gathering.watch("instrument.site.address"):
        _hide_address(members, found)
    with gathering.watch("place.where"):
        _hide_place(members, found)
    _hide_names(members, found, gathering)
    return Hidden(tuple(found), owner)


def _hide_owner(members: JsonObject, found: list[PersonalMember]) -> str | None:
    """Hide the owner; return what may be hashed of it."""
    instrument = members.get("instrument")
    if not isinstance(instrument, dict) or "owner" not in instrument:
        return None
    party = parse_party(instrument["owner"], "instrument.owner")
    found.append(PersonalMember(("instrument", "owner"), party.value))
    members["instrument"] = {**instrument, "owner": HIDDEN}
    return party.public_name


def _hide_address(members: JsonObject, found: list[PersonalMember]) -> None:
    instrument = members.get("instrument")
    site = instrument.get("site") if isinstance(instrument, dict) else None
    if isinstance(instrument, dict) and isinstance(site, dict) and "address" in site:
        address = parse_personal_text(site["address"], "instrument.site.address")
        found.append(PersonalMember(("instrument", "site", "address"), address))
        members["instrument"] = {**instrument, "site": {**site, "address": HIDDEN}}


def _hide_place(members: JsonObject, found: list[PersonalMember]) -> None:
    place = members.get("place")
    if isinstance(place, dict) and "where" in place:
        found.append(PersonalMember(("place", "where"), parse_personal_text(place["where"], "place.where")))
        members["place"] = {**place, "where": HIDDEN}


def _hide_names(members: JsonObject, found: list[PersonalMember], gathering: Gathering) -> None:
    persons = members.get("persons")
    if not isinstance(persons, list):
        return
    hidden: list[JsonValue] = []
    for number, person in enumerate(persons):
        hidden.append(person)
        if isinstance(person, dict) and "name" in person:
            path = f"persons[{number}].name"
            with gathering.watch(path):
                name = parse_personal_text(person["name"], path)
                found.append(PersonalMember(("persons", number, "name"), name))
                hidden[number] = {**person, "name": HIDDEN}
    members["persons"] = hidden


def drop_personal(members: JsonObject) -> JsonObject:
    """Return an input document, or an application, without its personal members, whatever stands there.

    The applicant, whom both need, is `ERASED` then.
    """
    found = dict(members)
    if "applicant" in found:
        found["applicant"] = ERASED
    instrument = found.get("instrument")
    if isinstance(instrument, dict):
        kept = {name: value for name, value in instrument.items() if name != "owner"}
        found["instrument"] = {
            name: _without(value, "address") if name == "site" else value for name, value in kept.items()
        }
    if "place" in found:
        found["place"] = _without(found["place"], "where")
    persons = found.get("persons")
    if isinstance(persons, list):
        found["persons"] = [_without(person, "name") for person in persons]
    return found


def _without(value: JsonValue, name: str) -> JsonValue:
    if not isinstance(value, dict):
        return value
    return {member: held for member, held in value.items() if member != name}


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
