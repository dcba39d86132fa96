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

from ledger.core.canonical import JsonObject, JsonValue
from ledger.core.credit_code import parse_credit_code
from ledger.core.disclosure import DisclosedMember, conceal
from ledger.core.fields import Reader

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
    """What may be hashed to tell two instruments apart: the credit code, else the name of what is said to be an
    organisation; None for a natural person, whose name could be guessed from the hash."""


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


def parse_personal_text(value: JsonValue, field: str, max_bytes: int) -> str:
    """Read a name or an address.

    Raises:
        InputError: not such a text; the member is named.
    """
    parent, _, name = field.rpartition(".")
    return Reader({name: value}, parent).text(name, max_bytes=max_bytes)


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
