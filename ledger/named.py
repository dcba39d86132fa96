"""What a document names that stands in registers: persons, standards, materials, type, maker, regulation.

Evidence for a document holds what is registered of these, and nothing of the institution's other persons and
standards. A document is read leniently here: one that was changed in the store names something else, which its
verifier will see.

>>> find_named(InstitutionId("350100-01"), credential).maker == maker_subject("示例机械有限公司")
True
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ledger.core.canonical import JsonObject, JsonValue
from ledger.core.event import (
    list_relatives,
    maker_subject,
    material_subject,
    person_subject,
    standard_subject,
    type_approval_subject,
)
from ledger.core.ids import InstitutionId, Subject
from ledger.core.regulation import normalise_citation
from ledger.core.statement import IssueClaims, Statement


@dataclass(frozen=True, slots=True)
class Named:
    """What must be proved beside an institution's own registration; equal for most documents of a day."""

    subjects: frozenset[Subject]
    """Persons, standards, lots of materials, type approval."""
    regulation: tuple[str, str] | None
    """Code of the category and the regulation cited, see `normalise_citation`."""
    maker: Subject | None
    """Whose blocks are to be shown, or that there are none."""


def find_named(institution: InstitutionId, credential: JsonObject) -> Named:
    """Return what a document of an institution names."""
    record = _inner(credential, "credentialSubject")
    instrument, regulation = _inner(record, "instrument"), _text(_inner(record, "regulation"), "id")
    category, maker = _text(instrument, "category"), _text(instrument, "maker")
    number = _text(instrument, "cpa_no")
    persons = [*_texts(record, "persons", "pid"), *_texts_in(record, "paper", "entered_by")]
    subjects = {person_subject(institution, pid) for pid in persons}
    subjects |= {standard_subject(institution, name) for name in _texts(record, "standards", "id")}
    subjects |= {
        material_subject(_text(item, "id") or "", _text(item, "lot") or "") for item in _items(record, "crms")
    }
    if number is not None:
        subjects.add(type_approval_subject(number))
    return Named(
        frozenset(subjects),
        None if category is None or regulation is None else (category, normalise_citation(regulation)),
        None if maker is None else maker_subject(maker),
    )


def list_related(statement: Statement, credential: JsonObject) -> tuple[Subject, ...]:
    """Return the subjects beside its own that bear on a document's instrument, see `core.event.list_relatives`."""
    claims = statement.claims
    if not isinstance(claims, IssueClaims):
        return ()
    parts = list_parts(credential)
    return tuple(subject for _, subject in list_relatives(claims.instrument_id, claims.part, parts))


def list_parts(credential: JsonObject) -> tuple[str, ...]:
    """Return the ids of the parts that a document names."""
    instrument = _inner(_inner(credential, "credentialSubject"), "instrument")
    return tuple(_texts(instrument, "parts", "id"))


def _inner(value: JsonObject, name: str) -> JsonObject:
    inner = value.get(name)
    return inner if isinstance(inner, dict) else {}


def _text(value: JsonObject, name: str) -> str | None:
    text: JsonValue | None = value.get(name)
    return text if isinstance(text, str) else None


def _items(value: JsonObject, name: str) -> Iterator[JsonObject]:
    items = value.get(name)
    yield from (item for item in (items if isinstance(items, list) else ()) if isinstance(item, dict))


def _texts_in(value: JsonObject, name: str, member: str) -> list[str]:
    text = _text(_inner(value, name), member)
    return [] if text is None else [text]


def _texts(value: JsonObject, name: str, member: str) -> Iterator[str]:
    texts = (_text(item, member) for item in _items(value, name))
    return (text for text in texts if text is not None)
