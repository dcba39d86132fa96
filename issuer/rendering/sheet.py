"""What stands on a printed document: a record as titles, rows and tables, ready for a template.

A sheet is plain JSON: texts, never bytes or numbers, so that PDF and other printed forms show the same. It
decides nothing: every value is one of the record, of its disclosure, or of the institution's letterhead.

>>> build_sheet(certificate, Copy(None), Letterhead("福州市计量所"), zone, development=True)["number"]
'JY2026-000001'
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from issuer.rendering import wording
from issuer.rendering.wording import LABELS, SECTIONS, Words
from ledger.core.calendar_rules import ValidityKind
from ledger.core.canonical import JsonObject, JsonValue
from ledger.core.certificate import Certificate
from ledger.core.comparison import Measured, compute_normalised_error
from ledger.core.disclosure import DisclosedMember, Disclosure
from ledger.core.encoding import encode_date, encode_decimal, encode_hex, parse_instant
from ledger.core.quantity import Quantity
from ledger.core.record import Commitment, DocumentType, Instrument, Record, ReferenceStandard, Result, Role
from ledger.core.rules import find_issued_on
from ledger.core.statement import Conclusion, DocumentKind
from ledger.core.unit import Unit, parse_unit

_NOTHING: Final = "—"
_WIDE: Final = 26
"""From this width on, counted as letters of half a Chinese character, a value takes a line of its own."""


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What an institution says of itself on paper, beside what the record says."""

    name_en: str | None = None
    address: str | None = None
    telephone: str | None = None
    postcode: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Disclosed:
    """The personal values that a copy shows; a public copy has none."""

    members: Mapping[str, DisclosedMember] = field(default_factory=dict)

    def find(self, path: str, commitment: Commitment | None) -> str | None:
        """Return what to print for a personal member; None: the record has no such member."""
        if commitment is None:
            return None
        member = self.members.get(path)
        return _join(wording.NOT_PUBLIC) if member is None else _spell_personal(member.value)


def build_sheet(
    certificate: Certificate,
    disclosure: Disclosure | None,
    letterhead: Letterhead,
    zone: ZoneInfo,
    *,
    development: bool,
) -> JsonObject:
    """Return everything that is printed of a document but its QR code.

    Args:
        certificate: parsed; its seal has been checked by whoever issued it.
        disclosure: of a holder's copy, checked against the record; None for the public.
        letterhead: of the institution that issued it.
        zone: instants are printed as times of this zone.
        development: print that nobody may rely on it.
    """
    record = certificate.record
    shown = Disclosed() if disclosure is None else Disclosed(disclosure.members)
    copy = wording.PUBLIC_COPY if disclosure is None else wording.HOLDERS_COPY
    rejected = record.document_type is DocumentType.REJECTION_NOTICE
    banners = [wording.BANNER] if development else []
    if record.document_kind is DocumentKind.PAPER:
        banners.append(wording.NOT_A_CERTIFICATE)
    sheet: JsonObject = {
        "title": pair(wording.TITLES[record.document_type]),
        "number": record.number,
        "number_label": pair(LABELS["notice_number" if rejected else "number"]),
        "issuer": {"zh": record.issuer.name, "en": letterhead.name_en or ""},
        "letterhead": rows(list_letterhead(record, letterhead)),
        "banner": [pair(words) for words in banners],
        "copy": pair(copy),
        "electronic": pair(wording.ELECTRONIC[record.document_type]),
        "accent": wording.ACCENTS[record.document_type],
        "conclusion": _build_conclusion(record, zone),
        "sections": list(_list_sections(certificate, shown, zone)),
        "statements_title": pair(SECTIONS["statements"]),
        "statements": [pair(words) for words in _list_statements(record)],
        "end": pair(wording.END_MARK),
    }
    reworded = _reword(sheet, wording.REWORDED.get(record.document_type, {}))
    return reworded if isinstance(reworded, dict) else sheet


def _reword(value: JsonValue, table: Mapping[Words, Words]) -> JsonValue:
    """Return a sheet in which a kind of document calls things by words of its own."""
    if isinstance(value, list):
        return [_reword(item, table) for item in value] if table else value
    if not isinstance(value, dict) or not table:
        return value
    own = table.get(Words(str(value.get("zh")), str(value.get("en"))))
    named = {} if own is None else pair(own)
    return {name: _reword(item, table) for name, item in (value | named).items()}


def _list_statements(record: Record) -> tuple[Words, ...]:
    match record.document_type:
        case DocumentType.REJECTION_NOTICE:
            return (wording.REJECTED, *wording.STATEMENTS)
        case DocumentType.CALIBRATION_CERTIFICATE:
            return wording.CALIBRATION_STATEMENTS
        case DocumentType.PAPER_REGISTER:
            return wording.PAPER_STATEMENTS
        case _:
            return (*wording.STATEMENTS, wording.DISCLAIMER)


def list_letterhead(record: Record, letterhead: Letterhead) -> Iterator[tuple[str, str | None]]:
    """Yield what an institution's documents say of it below its name."""
    yield "authorisation", record.issuer.authorisation_no
    yield "institution_id", record.issuer.id
    yield "scope", record.issuer.scope_id
    yield "telephone", letterhead.telephone
    yield "postcode", letterhead.postcode
    yield "email", letterhead.email
    yield "address", letterhead.address


def _build_conclusion(record: Record, zone: ZoneInfo) -> JsonObject:
    verdict = wording.PASSED if record.conclusion is Conclusion.PASS else wording.FAILED
    if record.document_kind is DocumentKind.CALIBRATION:
        verdict = wording.CONFORMITIES[record.conclusion]
    issued_on = find_issued_on(record, zone)
    rows = [("verified_on", encode_date(record.verified_on))]
    if issued_on is not None:
        rows.append(("issued_on", encode_date(issued_on)))
    validity = record.validity
    if validity.until is not None:
        name = "service_life" if validity.kind is ValidityKind.SERVICE_LIFE else "valid_until"
        rows.append((name, encode_date(validity.until)))
    awarded = [] if record.class_awarded is None else [record.class_awarded]
    return {
        "title": pair(SECTIONS["conclusion"]),
        "zh": " ".join([*awarded, verdict.zh]),
        "en": " ".join([*awarded, verdict.en]),
        "rows": [{**pair(LABELS[name]), "value": value} for name, value in rows],
    }


def _list_sections(certificate: Certificate, shown: Disclosed, zone: ZoneInfo) -> Iterator[JsonValue]:
    record = certificate.record
    instrument = record.instrument
    yield from _section("client", _list_client(record, shown))
    yield from _section("instrument", _list_instrument(record, shown))
    parts = [[part.id, part.name or _NOTHING, part.serial or _NOTHING] for part in instrument.parts]
    yield from _table("parts", ("part", "part_name", "serial"), parts)
    yield from _section("paper", _list_paper(record))
    yield from _section("verification", _list_conditions(record, shown))
    yield from _list_standards(record)
    yield from _list_materials(record)
    yield from _list_results(record)
    yield from _section("decision", _list_decision(record))
    yield from _list_comparisons(record)
    seals = [[seal.no, seal.point] for seal in record.seals]
    yield from _table("seals", ("seal_no", "seal_point"), seals)
    yield from _list_persons(record, shown, zone)
    yield from _section("seal", _list_seal(certificate, zone))


def _list_client(record: Record, shown: Disclosed) -> Iterator[tuple[str, str | None]]:
    yield "applicant", shown.find("applicant", record.applicant)
    yield "owner", shown.find("instrument.owner", record.instrument.owner)


def _list_instrument(record: Record, shown: Disclosed) -> Iterator[tuple[str, str | None]]:
    instrument = record.instrument
    yield "name", instrument.name
    yield "model", instrument.model
    yield "serial", instrument.serial
    yield "class", instrument.accuracy_class
    yield "range", instrument.range
    yield "scale_interval", _spell_quantity(instrument.scale_interval)
    yield "maker", instrument.maker
    yield "type_approval", instrument.type_approval_no
    yield "year", None if instrument.year is None else str(instrument.year)
    yield "purpose", None if instrument.purpose is None else _join(wording.PURPOSES[instrument.purpose])
    yield "local_id", instrument.local_id
    yield from instrument.codes
    yield "sticker", record.sticker_id
    if record.lot is not None:
        yield "lot", f"{record.lot.no} ({record.lot.size})"
    yield from _list_site(instrument, shown)
    yield "software", _spell_software(instrument)
    yield "instrument_id", encode_hex(instrument.id)


def _list_site(instrument: Instrument, shown: Disclosed) -> Iterator[tuple[str, str | None]]:
    if instrument.site is not None:
        yield "division", instrument.site.division
        yield "site", shown.find("instrument.site.address", instrument.site.address)


def _spell_software(instrument: Instrument) -> str | None:
    software = instrument.software
    if software is None:
        return None
    return software.id if software.digest is None else f"{software.id}, SHA-256 {encode_hex(software.digest)}"


def _list_conditions(record: Record, shown: Disclosed) -> Iterator[tuple[str, str | None]]:
    regulation, surroundings = record.regulation, record.environment
    method = record.specification
    yield "specification", None if method is None else f"{method.id}  {method.title}"
    yield "regulation", None if regulation is None else f"{regulation.id}  {regulation.title}"
    yield "kind", _join(wording.KINDS[record.kind])
    yield "commission", record.commission_no
    yield "place_kind", None if record.place is None else _join(wording.PLACES[record.place])
    yield "place", shown.find("place.where", record.place_where)
    if surroundings is not None:
        for name in ("temperature", "humidity"):
            yield name, _spell_quantity(getattr(surroundings, name))
        yield "environment", surroundings.other
    if record.document_kind is not DocumentKind.PAPER:
        yield "adjusted", _join(wording.ADJUSTED if record.adjusted else wording.NOT_ADJUSTED)
    yield "raw_record", None if record.raw_record is None else record.raw_record.no
    yield "validity_reason", record.validity.reason
    if record.replaces is not None:
        yield "replaces", record.replaces.number
        yield "replace_reason", _join(wording.REASONS[record.replaces.reason])
        if record.replaces.changed:
            yield "replace_changed", "; ".join(map(_spell_member, record.replaces.changed))


def _spell_member(path: str) -> str:
    """Return a member's label and its path, which says which of several it is."""
    label = wording.LABELS.get(path.rpartition(".")[2])
    return path if label is None else f"{_join(label)} ({path})"


def _list_paper(record: Record) -> Iterator[tuple[str, str | None]]:
    paper = record.paper
    if paper is not None:
        yield "entered_on", encode_date(paper.entered_on)
        yield "entered_by", paper.entered_by
        yield "scan", encode_hex(paper.scan)


def _list_decision(record: Record) -> Iterator[tuple[str, str | None]]:
    rule = record.decision_rule
    if rule is not None:
        guard = "" if rule.guard_factor is None else f", w = {encode_decimal(rule.guard_factor)} U"
        yield "decision_rule", _join(wording.DECISION_RULES[rule.rule]) + guard
        yield "requirement", rule.requirement


def _list_comparisons(record: Record) -> Iterator[JsonValue]:
    rows = [
        [
            item.name,
            _spell_measured(item.own, item.unit),
            _spell_measured(item.reference, item.unit),
            encode_decimal(compute_normalised_error(item.own, item.reference)),
        ]
        for item in record.comparisons
    ]
    names = ("comparison", "own_value", "reference_value", "normalised_error")
    yield from _table("comparisons", names, rows, widths=(6, 5, 5, 3))


def _spell_measured(measured: Measured, unit: Unit) -> str:
    value, uncertainty = map(encode_decimal, measured)
    return f"({value} ± {uncertainty}) {unit.symbol}"


def _list_standards(record: Record) -> Iterator[JsonValue]:
    names = ("standard_no", "standard", "range", "uncertainty", "examination", "until")
    rows = [
        [item.id, item.name, item.range, item.uncertainty, *_spell_examination(item)]
        for item in record.standards
    ]
    yield from _table("standards", names, rows, widths=(4, 6, 6, 6, 7, 5))
    instruments = [
        [item.id, inner.no, inner.certificate_no, encode_date(inner.until)]
        for item in record.standards
        for inner in item.instruments
    ]
    yield from _table(
        "standard_instruments", ("standard", "standard_no", "certificate_no", "until"), instruments
    )


def _list_materials(record: Record) -> Iterator[JsonValue]:
    rows = [[item.id, item.lot] for item in record.reference_materials]
    yield from _table("materials", ("material", "material_lot"), rows)


def _spell_examination(item: ReferenceStandard) -> tuple[str, str]:
    return item.examination_no, encode_date(item.examination_until)


def _list_results(record: Record) -> Iterator[JsonValue]:
    names = {part.id: part.name for part in record.instrument.parts}
    for number, result in enumerate(record.results):
        for table in _table("results", *_tabulate(result)):
            if number:
                del table["title"]
            yield {**table, "caption": _caption(result, names)}


def _caption(result: Result, names: Mapping[str, str | None]) -> str:
    """Say what was measured, and whether it passed."""
    words = [_join(wording.ITEMS.get(result.item, Words(result.item, "")))]
    if result.part is not None:
        name = names.get(result.part)
        words.append(f"{_join(LABELS['part'])} {result.part}" + ("" if name is None else f" {name}"))
    if result.before_adjustment:
        words.append(_join(wording.BEFORE_ADJUSTMENT))
    if result.passed is not None:
        words.append(_join(wording.PASSED if result.passed else wording.FAILED))
    return " · ".join(words)


def _tabulate(result: Result) -> tuple[tuple[str, ...], list[list[str]], tuple[str, ...]]:
    """Return the columns that have values, the rows, and the unit below each column's name."""
    factor = "" if result.coverage_factor is None else f", k={encode_decimal(result.coverage_factor)}"
    unit = "" if result.unit is None else parse_unit(result.unit).symbol
    error_unit = parse_unit(result.error_unit).symbol
    columns: dict[str, tuple[list[Decimal | None], str]] = {
        "nominal": ([point.nominal for point in result.points], unit),
        "measured": ([point.measured for point in result.points], unit),
        "error": ([point.indication_error for point in result.points], error_unit),
        "mpe": ([point.maximum_permissible_error for point in result.points], error_unit),
        "u": ([point.expanded_uncertainty for point in result.points], error_unit + factor),
    }
    kept = {name: column for name, column in columns.items() if any(value is not None for value in column[0])}
    verdicts = [_join(wording.PASSED if point.passed else wording.FAILED) for point in result.points]
    cells = [[_spell_decimal(value) for value in values] for values, _ in kept.values()]
    if result.passed is None:
        return (
            tuple(kept),
            [list(row) for row in zip(*cells, strict=True)],
            tuple(u for _, u in kept.values()),
        )
    rows = [list(row) for row in zip(*cells, verdicts, strict=True)]
    units = (*(unit for _, unit in kept.values()), "")
    return (*kept, "verdict"), rows, units


def _list_persons(record: Record, shown: Disclosed, zone: ZoneInfo) -> Iterator[JsonValue]:
    """Yield the table of persons; with their keys, if some have signed by themselves."""
    rows = [
        [
            _join(_name_role(record, person.role)),
            shown.find(f"persons.{number}.name", person.name) or _NOTHING,
            person.person_id,
            _NOTHING if person.signed_at is None else spell_instant(person.signed_at, zone),
            _NOTHING if person.key is None else encode_hex(person.key.key_id),
        ]
        for number, person in enumerate(record.persons)
    ]
    names = ("role", "person", "person_id", "signed_at", "person_key")
    count = 5 if any(person.key is not None for person in record.persons) else 4
    yield from _table("persons", names[:count], [row[:count] for row in rows], widths=(3, 5, 3, 5, 4)[:count])


def _name_role(record: Record, role: Role) -> Words:
    calibrates = record.document_kind is DocumentKind.CALIBRATION
    return wording.CALIBRATOR if calibrates and role is Role.OPERATOR else wording.ROLES[role]


def _list_seal(certificate: Certificate, zone: ZoneInfo) -> Iterator[tuple[str, str | None]]:
    created = next(
        (proof.get("created") for proof in certificate.proofs if _is_seal(proof, certificate)), None
    )
    yield "sealed_by", certificate.record.issuer.name
    yield "sealed_at", spell_instant(parse_instant(created), zone) if isinstance(created, str) else None
    yield "key", certificate.issuer_did
    yield "digest", encode_hex(certificate.digest)


def _is_seal(proof: JsonObject, certificate: Certificate) -> bool:
    """Tell the institution's proof from those of persons."""
    return str(proof.get("verificationMethod", "")).partition("#")[0] == certificate.issuer_did


# --- forms ------------------------------------------------------------------------------------------------


def _section(name: str, found: Iterator[tuple[str, str | None]]) -> Iterator[JsonValue]:
    listed = rows(found)
    if listed:
        yield {"title": pair(SECTIONS[name]), "rows": listed}


def rows(found: Iterator[tuple[str, str | None]], *, wide: bool = False) -> list[JsonValue]:
    """Return names of labels and values as rows; a wide one takes a line of its own."""
    return [
        {**pair(LABELS[name]), "value": value, "wide": wide or measure_width(value) > _WIDE}
        for name, value in found
        if value is not None
    ]


def _table(
    name: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    units: Sequence[str] = (),
    widths: Sequence[int] = (),
) -> Iterator[JsonObject]:
    if rows:
        headings: list[JsonValue] = [
            {**pair(LABELS[column]), "unit": units[place] if units else ""}
            for place, column in enumerate(columns)
        ]
        yield {
            "title": pair(SECTIONS[name]),
            "columns": headings,
            "widths": list(widths) or [1] * len(columns),
            "cells": [list(row) for row in rows],
        }


def measure_width(text: str) -> int:
    """Return how wide a text is, counting letters beyond Latin, Greek and Cyrillic twice."""
    return sum(2 if letter >= "\u2e80" else 1 for letter in text)


def spell_instant(moment: datetime, zone: ZoneInfo) -> str:
    """Return an instant as people read it, with its distance from UTC."""
    local = moment.astimezone(zone)
    offset = local.strftime("%z")
    return f"{local:%Y-%m-%d %H:%M:%S} UTC{offset[:3]}:{offset[3:]}"


def _spell_quantity(quantity: Quantity | None) -> str | None:
    return None if quantity is None else f"{encode_decimal(quantity.value)} {quantity.unit.symbol}"


def _spell_decimal(value: Decimal | None) -> str:
    return _NOTHING if value is None else encode_decimal(value)


def _spell_personal(value: JsonValue) -> str:
    """Return a party as its name and credit code, any other text as it is."""
    if isinstance(value, dict):
        return "  ".join(str(item) for item in (value.get("name"), value.get("code")) if item is not None)
    return str(value)


def pair(words: Words) -> JsonObject:
    """Return words as a template takes them."""
    return {"zh": words.zh, "en": words.en}


def _join(words: Words) -> str:
    return f"{words.zh} {words.en}".strip()
