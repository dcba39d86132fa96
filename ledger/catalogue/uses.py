"""What documents name: persons, measurement standards, reference materials, type approvals, parts of instruments.

Statements hold none of these, so whoever asks which documents an event bears on needs the documents themselves. A
standard is used, too, by whoever used one that was compared with it, directly or through others.

>>> parse_used("standard/350000-01/350000-03", registers)
frozenset({Subject(...), Subject(...)})
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from ledger.core.canonical import JsonObject, as_object, parse_canonical_json
from ledger.core.certificate import MAX_CERTIFICATE_BYTES
from ledger.core.errors import InputError
from ledger.core.event import (
    material_subject,
    person_subject,
    standard_subject,
    type_approval_subject,
)
from ledger.core.ids import InstitutionId, Subject
from ledger.core.standard import StandardContent, StandardReference
from ledger.core.statement import Statement
from ledger.core.status import Registers
from ledger.named import find_named, list_related

KINDS: Final = ("standard", "material", "person", "type")
"""How `used` begins: `standard/INSTITUTION/ID`, `material/ID/LOT`, `person/INSTITUTION/ID`, `type/NUMBER`."""

_PARTS: Final = {"standard": 3, "material": 3, "person": 3, "type": 2}


@dataclass(frozen=True, slots=True)
class Mentioned:
    """What is known of a document from its own words."""

    used: frozenset[Subject]
    """Persons, standards, materials, type approval."""
    related: tuple[Subject, ...]
    """Parts of its instrument, or the whole of which that is one: their states bear on the document."""


def list_mentioned(statement: Statement, body: bytes | None) -> Mentioned:
    """Return what a document names; what its statement says where its bytes are not such a document.

    Args:
        statement: of its issue.
        body: the published bytes; None: they are not at hand.
    """
    credential: JsonObject = {}
    with suppress(InputError):
        credential = as_object(parse_canonical_json(body or b"{}", max_bytes=MAX_CERTIFICATE_BYTES))
    named = find_named(InstitutionId(statement.issuer), credential)
    return Mentioned(named.subjects, list_related(statement, credential))


def parse_used(text: str, registers: Registers) -> frozenset[Subject]:
    """Return the subjects whose use is asked for; of a standard also those that were compared with it.

    Args:
        text: see `KINDS`; what an id holds beside `/` stands as it is.
        registers: say which standards were compared with which.

    Raises:
        InputError: not spelled like that.
    """
    kind, _, rest = text.partition("/")
    parts = rest.split("/", _PARTS.get(kind, 2) - 2)
    if kind not in _PARTS or len(parts) != _PARTS[kind] - 1 or not all(parts):
        raise InputError(
            f"{text[:40]!r} is none of standard/INSTITUTION/ID, material/ID/LOT, person/INSTITUTION/ID, type/NUMBER"
        )
    if kind == "standard":
        return _list_dependents(StandardReference(InstitutionId(parts[0]), parts[1]), registers)
    return frozenset({_SUBJECTS[kind](*parts)})


def _list_dependents(wanted: StandardReference, registers: Registers) -> frozenset[Subject]:
    """Return a standard and all that were ever compared with it, directly or through others."""
    found, open_ = {wanted}, [wanted]
    compared = list(_list_comparisons(registers))
    while open_:
        source = open_.pop()
        new = {standard for standard, other in compared if other == source} - found
        found |= new
        open_ += new
    return frozenset(standard_subject(each.institution, each.id) for each in found)


def _list_comparisons(registers: Registers) -> Iterator[tuple[StandardReference, StandardReference]]:
    """Yield every standard with each that an instrument of it was compared with, in any version."""
    for versions in registers.versions.values():
        for version in versions:
            if isinstance(version.content, StandardContent):
                for instrument in version.content.instruments:
                    if isinstance(instrument.source, StandardReference):
                        yield version.content.reference, instrument.source


_SUBJECTS: Final[dict[str, Callable[..., Subject]]] = {
    "material": material_subject,
    "person": lambda institution, person: person_subject(InstitutionId(institution), person),
    "type": type_approval_subject,
}
