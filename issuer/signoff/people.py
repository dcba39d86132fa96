"""The persons of a draft, as its record will have them: role, pseudonym, name, and the key or the time.

>>> compose_value(content, Assignment("P-0107", "P-0112", "P-0003"), office, registers)["persons"][0]
{'role': 'operator', 'pid': 'P-0107', 'key': 'z6Mk…'}
"""

from issuer.signoff.office import Office
from issuer.signoff.states import Assignment
from ledger.core.canonical import JsonObject
from ledger.core.encoding import encode_instant
from ledger.core.errors import InputError
from ledger.core.record import Role
from ledger.core.status import Registers


def compose_value(
    content: JsonObject, people: Assignment, office: Office, registers: Registers
) -> JsonObject:
    """Return an input document: a draft's content, and who answers for it, as if all signed now."""
    persons = [describe_person(role, people, office, registers) for role in Role]
    return {**content, "persons": list(persons)}


def describe_person(role: Role, people: Assignment, office: Office, registers: Registers) -> JsonObject:
    """Return one person as input documents write them."""
    person = str(getattr(people, role.value))
    key = office.find_key(person, registers)
    members: JsonObject = {"role": role.value, "pid": person}
    name = office.profile.staff.get(person)
    if name is not None:
        members["name"] = name
    return {**members, **({"signed_at": encode_instant(office.now())} if key is None else {"key": key})}


def require_lasting_bytes(people: Assignment, office: Office, registers: Registers) -> None:
    """Refuse people of whom one would have to write a time into what another has signed with a key.

    Raises:
        InputError: somebody without a registered key signs after somebody with one.
    """
    first = None
    for role in Role:
        person = str(getattr(people, role.value))
        if office.find_key(person, registers) is not None:
            first = first or person
        elif first is not None:
            message = (
                f"{person} has no registered key and would sign after {first}, who signs with one: "
                "name somebody who has a key, or have theirs registered"
            )
            raise InputError(message, field=role.value)
