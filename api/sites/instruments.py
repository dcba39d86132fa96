"""How the instruments of a site stand now, by the newest states in the log, and when each is due.

This is what the states say, weighed by the verifier's own rule, and the whole against its parts as on its own page;
no evidence is checked here. Whoever wants to know of one instrument opens its page. Of a document whose content the
law withholds no field is told; and where the state itself may be out of date, nothing good is said by it.

>>> read_instruments(reading, content, today)[0].status
<DocumentStatus.VALID: 'VALID'>
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Final, Protocol

from api.choosing import GOOD
from api.severity import SEVERITY, PartStanding, stand_part
from api.shown import Shown
from ledger.core.calendar_rules import ValidityKind
from ledger.core.canonical import JsonObject, as_object, parse_canonical_json
from ledger.core.category import Category
from ledger.core.certificate import MAX_CERTIFICATE_BYTES
from ledger.core.entry import parse_leaf
from ledger.core.errors import InputError, LogIntegrityError
from ledger.core.event import (
    certificate_subject,
    instrument_subject,
    lot_subject,
    registration_subject,
)
from ledger.core.ids import Digest, InstitutionId, InstrumentId, LeafIndex, Subject
from ledger.core.qr import ShortCode, compute_code
from ledger.core.registration import InstrumentContent, parse_instrument_content
from ledger.core.statement import ActClaims, Conclusion, IssueClaims, Statement, parse_signed_statement
from ledger.core.status import Status, SubjectState
from ledger.named import list_parts, list_related
from ledger.place_reading import PlaceReading
from ledger.store.records import Withheld
from verifier.checks import find_stated_status
from verifier.report import DocumentStatus, find_heaviest


class NoWord(StrEnum):
    """Why no good word is said of an instrument, in the words of its own page."""

    CANNOT_CHECK = "CANNOT_CHECK"
    """What this server knows may have changed since."""
    CONTENT_WITHHELD = "CONTENT_WITHHELD"
    """The law withholds the document, against which nothing stands otherwise."""


_UNSURE: Final = frozenset({*GOOD, Shown.NOT_VERIFIED})
"""What may have changed since: what stands against an instrument, its own page says all the same."""
_ALONE: Final = {
    Status.FAILED: DocumentStatus.FAILED,
    Status.NEEDS_REVERIFICATION: DocumentStatus.NEEDS_REVERIFICATION,
    Status.SUSPENDED: DocumentStatus.SUSPENDED,
}
"""What the state of an instrument says that has no verification of its own."""


_AT_ONCE: Final = 128
"""Instruments of one query, which asks for up to 65 subjects each; SQLite takes 32,766."""


class InstrumentReading(PlaceReading, Protocol):
    """One committed state of the log."""

    def read_documents(self, digests: Sequence[Digest]) -> Mapping[Digest, bytes]:
        """Return the documents with these SHA-256 digests; what is not stored, or withheld, is left out."""
        ...

    def find_withheld(self, digest: Digest) -> Withheld | None:
        """Return why a document is withheld; None: it is not."""
        ...


@dataclass(frozen=True, slots=True)
class Standing:
    """How one instrument stands."""

    id: InstrumentId
    """16 bytes."""
    status: DocumentStatus | NoWord | None
    """By its newest verification, and those of its parts; None: the ledger has none, or none of a part."""
    category: Category | None = None
    name: str | None = None
    """As its document calls it."""
    model: str | None = None
    serial: str | None = None
    verified_on: date | None = None
    valid_until: date | None = None
    validity_kind: ValidityKind | None = None
    code: ShortCode | None = None
    """Names the newest verification."""

    @property
    def is_in_order(self) -> bool:
        """Say whether nothing stands against it today."""
        return self.status is DocumentStatus.VALID


@dataclass(frozen=True, slots=True)
class _Document:
    """The newest verification of an instrument, or of a part."""

    instrument: Subject
    statement: Statement
    claims: IssueClaims
    code: ShortCode
    record: JsonObject
    """Of the instrument, as the document has it; empty where it is withheld."""
    related: Sequence[Subject]
    names: frozenset[str]
    """Parts that it names; none where it is withheld."""
    is_withheld: bool


@dataclass(frozen=True, slots=True)
class _Known:
    """What was read of the log."""

    states: dict[Subject, SubjectState]
    documents: dict[Subject, _Document]
    """Newest verifications."""


def read_instruments(
    reading: InstrumentReading, wanted: Sequence[InstrumentId], today: date, *, is_unsure: bool = False
) -> list[Standing]:
    """Return how these instruments stand, in their order.

    Args:
        reading: the log.
        wanted: any number.
        today: decides what is past its last day.
        is_unsure: whether the state that is read may be out of date, see `Verdicts.is_unsure`.

    Raises:
        LogIntegrityError: what is stored cannot be read.
    """
    return [
        _doubt(standing) if is_unsure else standing
        for begin in range(0, len(wanted), _AT_ONCE)
        for standing in _read_some(reading, wanted[begin : begin + _AT_ONCE], today)
    ]


def _read_some(reading: InstrumentReading, wanted: Sequence[InstrumentId], today: date) -> list[Standing]:
    registered = _read_registrations(reading, wanted)
    known, asked = _Known({}, {}), set[Subject]()
    parts = {each: _list_registered(registered.get(each)) for each in wanted}
    while new := {subject for each in wanted for subject in _list_subjects(each, parts[each])} - asked:
        states = reading.find_states(sorted(new))
        known.states.update(states)
        known.documents.update(_read_documents(reading, states, registered))
        parts = {each: parts[each] | _list_named(each, parts[each], known) for each in wanted}
        asked |= new
    known.states.update(reading.find_states(_list_needed(known.documents.values())))
    return [_stand(each, parts[each], registered.get(each), known, today) for each in wanted]


def sort_by_due(standings: Iterable[Standing]) -> list[Standing]:
    """Return instruments as somebody must see to them: what is not in order first, then by due date."""
    return sorted(standings, key=lambda each: (each.is_in_order, each.valid_until or date.max, each.id))


def _list_registered(content: InstrumentContent | None) -> frozenset[str]:
    return frozenset() if content is None else frozenset(content.parts)


def _list_named(instrument: InstrumentId, parts: frozenset[str], known: _Known) -> frozenset[str]:
    """Return the parts that the document of the whole names; without one, those that documents of parts name."""
    whole = known.documents.get(instrument_subject(instrument))
    if whole is not None:
        return whole.names
    found = (known.documents.get(instrument_subject(instrument, part)) for part in parts)
    return frozenset(name for each in found if each is not None for name in each.names)


def _list_subjects(instrument: InstrumentId, parts: Iterable[str]) -> list[Subject]:
    return [instrument_subject(instrument), *(instrument_subject(instrument, part) for part in parts)]


def _read_registrations(
    reading: InstrumentReading, wanted: Sequence[InstrumentId]
) -> dict[InstrumentId, InstrumentContent]:
    states = reading.find_states([registration_subject(each) for each in wanted])
    leaves = reading.read_leaves_at([state.last_event for state in states.values()])
    found = {}
    for index, raw in leaves.items():
        claims = _read_statement(index, raw).claims
        if isinstance(claims, ActClaims):
            content = parse_instrument_content(claims.content)
            found[content.id] = content
    return found


def _read_documents(
    reading: InstrumentReading,
    states: Mapping[Subject, SubjectState],
    registered: Mapping[InstrumentId, InstrumentContent],
) -> dict[Subject, _Document]:
    """Return the newest verification of each instrument and part that has one."""
    newest = {
        subject: state.current_certificate
        for subject, state in states.items()
        if state.current_certificate is not None
    }
    leaves = reading.read_leaves_at(sorted(set(newest.values())))
    digests = {index: parse_leaf(raw).header.certificate_digest for index, raw in leaves.items()}
    bodies = reading.read_documents(sorted(set(digests.values())))
    found = {}
    for subject, index in newest.items():
        if index not in leaves:
            raise LogIntegrityError(f"leaf {index} is missing")
        found[subject] = _make_document(reading, subject, index, leaves[index], bodies, registered)
    return found


def _make_document(
    reading: InstrumentReading,
    subject: Subject,
    index: LeafIndex,
    raw: bytes,
    bodies: Mapping[Digest, bytes],
    registered: Mapping[InstrumentId, InstrumentContent],
) -> _Document:
    leaf, statement = parse_leaf(raw), _read_statement(index, raw)
    if not isinstance(statement.claims, IssueClaims):
        raise LogIntegrityError(f"leaf {index} is no document, and stands as one")
    digest, credential = leaf.header.certificate_digest, JsonObject()
    with suppress(InputError):
        body = bodies.get(digest, b"{}")
        credential = as_object(parse_canonical_json(body, max_bytes=MAX_CERTIFICATE_BYTES))
    related = set(list_related(statement, credential))
    withheld = None if credential else reading.find_withheld(digest)
    related.update(() if withheld is None else withheld.list_related())
    content = registered.get(statement.claims.instrument_id)
    if content is not None and statement.claims.part is None:
        related.update(_list_subjects(content.id, content.parts)[1:])
    record = _inner(_inner(credential, "credentialSubject"), "instrument")
    return _Document(
        subject,
        statement,
        statement.claims,
        compute_code(leaf.statement_raw),
        record,
        sorted(related),
        frozenset(list_parts(credential)),
        withheld is not None,
    )


def _list_needed(documents: Iterable[_Document]) -> list[Subject]:
    """Return the subjects that decide how documents stand, beside their instruments."""
    needed = set[Subject]()
    for document in documents:
        needed.update(_name_document(document), document.related)
    return sorted(needed)


def _name_document(document: _Document) -> list[Subject]:
    issuer, claims = InstitutionId(document.statement.issuer), document.claims
    lot = [] if claims.lot is None else [lot_subject(issuer, claims.lot)]
    return [certificate_subject(issuer, claims.number), *lot]


def _stand(
    instrument: InstrumentId,
    parts: Iterable[str],
    content: InstrumentContent | None,
    known: _Known,
    today: date,
) -> Standing:
    """Return how an instrument stands, as its own page weighs it: see `api.severity`."""
    whole, counted, standings = _list_counted(instrument, parts, known)
    found = counted if whole is None else [whole, *counted]
    statuses = [_find_status_shown(each, known.states, today) for each in found]
    statuses += [part.against for part in standings.values() if part.against is not None]
    state = known.states.get(instrument_subject(instrument))
    if whole is None and state is not None and state.status in _ALONE:
        statuses.append(_ALONE[state.status])
    if whole is None and any(standings[name].is_open for each in found for name in each.names):
        statuses.append(None)
    status = _find_worst(statuses)
    if not found or status is None:
        return _describe_registered(instrument, content, status)
    first = min(found, key=_find_end)
    if first.is_withheld or status is NoWord.CONTENT_WITHHELD:
        return replace(_describe_registered(instrument, content, status), code=first.code)
    return _describe_document(instrument, first, status)


def _doubt(standing: Standing) -> Standing:
    """Return how an instrument stands where that may have changed since."""
    if find_shown(standing.status) in _UNSURE:
        return replace(standing, status=NoWord.CANNOT_CHECK)
    return standing


def _list_counted(
    instrument: InstrumentId, parts: Iterable[str], known: _Known
) -> tuple[_Document | None, list[_Document], dict[str, PartStanding]]:
    """Return the document of the whole, those of parts that count beside it, and what each part adds."""
    own = instrument_subject(instrument)
    whole, state = known.documents.get(own), known.states.get(own)
    covered = frozenset[str]() if whole is None else whole.names
    subjects = {part: instrument_subject(instrument, part) for part in sorted(parts)}
    standings = {
        part: stand_part(known.states.get(subject), state, is_named=part in covered)
        for part, subject in subjects.items()
    }
    counted = [
        known.documents[subjects[part]] for part, each in standings.items() if each.document is not None
    ]
    return whole, counted, standings


def _find_worst(statuses: Iterable[DocumentStatus | NoWord | None]) -> DocumentStatus | NoWord | None:
    return min(statuses, key=lambda each: SEVERITY.index(find_shown(each)), default=None)


def find_shown(status: DocumentStatus | NoWord | None) -> Shown:
    """Return what the instrument's own page shows, where it has nothing to remark."""
    if status is None:
        return Shown.NOT_VERIFIED
    return Shown.EXPIRED if status is DocumentStatus.SERVICE_LIFE_ENDED else Shown(status.value)


def _find_end(document: _Document) -> date:
    return document.claims.valid_until or date.max


def _describe_document(
    instrument: InstrumentId, document: _Document, status: DocumentStatus | NoWord
) -> Standing:
    claims = document.claims
    return Standing(
        instrument,
        status,
        claims.category,
        _text(document.record, "name"),
        _text(document.record, "model"),
        _text(document.record, "serial") or (claims.serial.text if claims.serial.tail is None else None),
        claims.verified_on,
        None if claims.conclusion is Conclusion.FAIL else claims.valid_until,
        claims.validity_kind,
        document.code,
    )


def _describe_registered(
    instrument: InstrumentId, content: InstrumentContent | None, status: DocumentStatus | NoWord | None
) -> Standing:
    if content is None:
        return Standing(instrument, status)
    return Standing(instrument, status, content.category, model=content.model, serial=content.serial)


def _find_status_shown(
    document: _Document, states: Mapping[Subject, SubjectState], today: date
) -> DocumentStatus | NoWord | None:
    """Return how a document stands; of a withheld one nothing good, as on its own page."""
    status = _find_status(document, states, today)
    return NoWord.CONTENT_WITHHELD if document.is_withheld and find_shown(status) in _UNSURE else status


def _find_status(
    document: _Document, states: Mapping[Subject, SubjectState], today: date
) -> DocumentStatus | None:
    claims, (name, *lots) = document.claims, _name_document(document)
    if name not in states:
        raise LogIntegrityError(f"certificate {claims.number} has no state")
    stated = find_stated_status(
        states[name],
        states[document.instrument],
        next((states[lot] for lot in lots if lot in states), None),
        claims.kind,
        [states[each] for each in document.related if each in states],
    )
    return find_heaviest(stated, _find_own_status(claims, states[name], today))


def _find_own_status(claims: IssueClaims, state: SubjectState, today: date) -> DocumentStatus:
    """Return what a verification says of itself today."""
    if state.status is Status.FAILED or claims.conclusion is Conclusion.FAIL:
        return DocumentStatus.FAILED
    if claims.valid_until is None or today <= claims.valid_until:
        return DocumentStatus.VALID
    ended = claims.validity_kind is ValidityKind.SERVICE_LIFE
    return DocumentStatus.SERVICE_LIFE_ENDED if ended else DocumentStatus.EXPIRED


def _read_statement(index: LeafIndex, raw: bytes) -> Statement:
    try:
        return parse_signed_statement(parse_leaf(raw).statement_raw).statement
    except InputError as err:
        raise LogIntegrityError(f"leaf {index} cannot be read: {err}") from err


def _inner(value: JsonObject, name: str) -> JsonObject:
    inner = value.get(name)
    return inner if isinstance(inner, dict) else {}


def _text(value: JsonObject, name: str) -> str | None:
    text = value.get(name)
    return text if isinstance(text, str) else None
