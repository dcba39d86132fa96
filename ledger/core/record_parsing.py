"""Reading a record strictly: every member known, of its kind, in its range, and in agreement with the others.

>>> parse_record(Reader(value, "")).number
'2026-000001'
"""

from collections.abc import Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Final

from ledger.core.act import ReasonCode
from ledger.core.calendar_rules import ValidityKind
from ledger.core.category import parse_category
from ledger.core.comparison import parse_comparison
from ledger.core.decision import DecisionRule, parse_decision_rule
from ledger.core.errors import MalformedDocumentError
from ledger.core.fields import Reader
from ledger.core.further_kinds import check_kind
from ledger.core.ids import ID_PATTERN, CertificateNumber, Digest, InstitutionId, InstrumentId
from ledger.core.quantity import Quantity
from ledger.core.record import (
    Commitment,
    DocumentType,
    Environment,
    Instrument,
    Issuer,
    Lot,
    PaperEntry,
    Part,
    PlaceKind,
    Point,
    Purpose,
    RawRecord,
    Record,
    ReferenceMaterial,
    ReferenceStandard,
    RegulationReference,
    Replacement,
    Result,
    Role,
    Seal,
    Signatory,
    Site,
    Software,
    StandardInstrument,
    Validity,
    VerificationKind,
)
from ledger.core.signature import parse_multikey
from ledger.core.statement import Conclusion, DocumentKind
from ledger.core.unit import parse_unit

RECORD_VERSION: Final = 1
PATH_PATTERN: Final = r"[a-z][a-z0-9_]*(\.([a-z][a-z0-9_]*|0|[1-9][0-9]{0,3}))*"
"""Path of a member of the record, as in disclosure files: names and positions from 0, joined by dots."""
MAX_PATH_BYTES: Final = 120
MAX_CHANGED: Final = 64
"""Most paths that a replacement lists."""
FIRST_DAY: Final = date(1970, 1, 1)
"""Statements count days from here."""

_UNSIGNED: Final[Mapping[str, datetime]] = MappingProxyType({})


def parse_record(reader: Reader, signing_times: Mapping[str, datetime] = _UNSIGNED) -> Record:
    """Parse a verification record, strictly.

    Args:
        reader: over the record.
        signing_times: when each key, by its multikey, has signed the document that holds the record.

    Raises:
        InputError: a member is missing, unknown or out of range, or members contradict each other.
    """
    if reader.integer("v", 1, 2**31) != RECORD_VERSION:
        raise MalformedDocumentError("unknown version of the record", field="v")
    place, document_type = reader.opt_object("place"), reader.enum("doc_type", DocumentType)
    judged = document_type is not DocumentType.CALIBRATION_CERTIFICATE
    record = Record(
        document_type=document_type,
        kind=reader.enum("kind", VerificationKind),
        number=CertificateNumber(reader.text("no", max_bytes=64)),
        issuer=_parse_issuer(reader.object("issuer")),
        applicant=_parse_commitment(reader, "applicant"),
        instrument=_parse_instrument(reader.object("instrument")),
        regulation=_parse_regulation(reader.opt_object("regulation")),
        place=None if place is None else place.enum("kind", PlaceKind),
        place_where=None if place is None else _parse_commitment(place, "where"),
        environment=_parse_environment(reader.opt_object("environment")),
        standards=tuple(_parse_standard(item) for item in reader.objects("standards")),
        reference_materials=tuple(_parse_material(item) for item in reader.opt_objects("crms") or ()),
        results=tuple(_parse_result(item, judged=judged) for item in reader.objects("results")),
        conclusion=_parse_conclusion(reader, document_type),
        class_awarded=reader.opt_text("class_awarded", max_bytes=40),
        adjusted=reader.boolean("adjusted"),
        seals=tuple(_parse_seal(item) for item in reader.objects("seals")),
        sticker_id=reader.opt_text("sticker_id", max_bytes=40),
        lot=_parse_lot(reader.opt_object("lot")),
        replaces=_parse_replacement(reader.opt_object("replaces")),
        verified_on=reader.date("verified_on"),
        issued_on=reader.opt_date("issued_on"),
        validity=_parse_validity(reader.object("validity")),
        persons=tuple(_parse_signatory(item, signing_times) for item in reader.objects("persons")),
        raw_record=_parse_raw_record(reader.opt_object("raw_record")),
        commission_no=reader.opt_text("commission_no", max_bytes=120),
        nonce=reader.hex("nonce", 16),
        specification=_parse_regulation(reader.opt_object("specification")),
        decision_rule=_parse_opt_decision(reader.opt_object("decision_rule")),
        comparisons=tuple(parse_comparison(item) for item in reader.opt_objects("comparisons") or ()),
        paper=_parse_paper(reader.opt_object("paper")),
    )
    if place is not None:
        place.finish()
    reader.finish()
    _check_agreement(record)
    return record


def _parse_issuer(reader: Reader) -> Issuer:
    issuer = Issuer(
        id=InstitutionId(reader.text("id", max_bytes=12, pattern=ID_PATTERN)),
        name=reader.text("name", max_bytes=200),
        authorisation_no=reader.text("authorisation_no", max_bytes=120),
        scope_id=reader.text("scope_line_id", max_bytes=12),
    )
    reader.finish()
    return issuer


def _parse_commitment(reader: Reader, name: str) -> Commitment | None:
    inner = reader.opt_object(name)
    if inner is None:
        return None
    commitment = Commitment(Digest(inner.hex("sd", 32)))
    inner.finish()
    return commitment


def _parse_instrument(reader: Reader) -> Instrument:
    instrument = Instrument(
        id=InstrumentId(reader.hex("id", 16)),
        category=parse_category(reader.text("category", max_bytes=40), "instrument.category"),
        name=reader.text("name", max_bytes=200),
        serial=reader.text("serial", max_bytes=64),
        local_id=reader.opt_text("local_id", max_bytes=64),
        model=reader.opt_text("model", max_bytes=200),
        range=reader.opt_text("range", max_bytes=200),
        accuracy_class=reader.opt_text("class", max_bytes=40),
        year=reader.opt_integer("year", 1800, 9999),
        maker=reader.opt_text("maker", max_bytes=200),
        type_approval_no=reader.opt_text("cpa_no", max_bytes=64),
        purpose=reader.opt_enum("purpose", Purpose),
        software=_parse_opt_software(reader.opt_object("software")),
        codes=_parse_codes(reader.opt_object("codes")),
        parts=tuple(_parse_part(item) for item in reader.opt_objects("parts") or ()),
        owner=_parse_commitment(reader, "owner"),
        site=_parse_site(reader.opt_object("site")),
        scale_interval=_parse_quantity(reader.opt_object("e")),
    )
    reader.finish()
    ids = [part.id for part in instrument.parts]
    if len(set(ids)) != len(ids):
        raise MalformedDocumentError("two parts have the same id", field="instrument.parts")
    return instrument


def _parse_opt_software(reader: Reader | None) -> Software | None:
    return None if reader is None else parse_software(reader)


def parse_software(reader: Reader) -> Software:
    """Parse what a document, or a type approval, says of software.

    Raises:
        InputError: not such a member.
    """
    digest = reader.opt_hex("hash", 32)
    software = Software(reader.text("id", max_bytes=64), None if digest is None else Digest(digest))
    reader.finish()
    return software


def _parse_codes(reader: Reader | None) -> tuple[tuple[str, str], ...]:
    if reader is None:
        return ()
    texts = [(name, reader.opt_text(name, max_bytes=64)) for name in ("production", "repair", "verification")]
    reader.finish()
    return tuple((name, text) for name, text in texts if text is not None)


def _parse_part(reader: Reader) -> Part:
    part = Part(
        id=reader.text("id", max_bytes=8),
        name=reader.opt_text("name", max_bytes=100),
        serial=reader.opt_text("serial", max_bytes=64),
    )
    reader.finish()
    return part


def _parse_site(reader: Reader | None) -> Site | None:
    if reader is None:
        return None
    site = Site(
        reader.text("division", max_bytes=12, pattern=r"[0-9]{2,12}"), _parse_commitment(reader, "address")
    )
    reader.finish()
    return site


def _parse_regulation(reader: Reader | None) -> RegulationReference | None:
    if reader is None:
        return None
    regulation = RegulationReference(reader.text("id", max_bytes=64), reader.text("title", max_bytes=200))
    reader.finish()
    return regulation


def _parse_environment(reader: Reader | None) -> Environment | None:
    if reader is None:
        return None
    environment = Environment(
        temperature=_parse_quantity(reader.opt_object("temperature")),
        humidity=_parse_quantity(reader.opt_object("humidity")),
        other=reader.opt_text("other", max_bytes=200),
    )
    reader.finish()
    return environment


def _parse_quantity(reader: Reader | None) -> Quantity | None:
    if reader is None:
        return None
    value, unit = reader.decimal("value"), reader.text("unit", max_bytes=16)
    quantity = Quantity(value, parse_unit(unit, field=reader.path_of("unit")))
    reader.finish()
    return quantity


def _parse_standard(reader: Reader) -> ReferenceStandard:
    standard = ReferenceStandard(
        id=reader.text("id", max_bytes=64),
        name=reader.text("name", max_bytes=200),
        examination_no=reader.text("exam_no", max_bytes=120),
        examination_until=reader.date("exam_until"),
        range=reader.text("range", max_bytes=200),
        uncertainty=reader.text("u", max_bytes=200),
        instruments=tuple(
            _parse_standard_instrument(item) for item in reader.opt_objects("instruments") or ()
        ),
    )
    reader.finish()
    return standard


def _parse_standard_instrument(reader: Reader) -> StandardInstrument:
    digest = reader.opt_hex("cert_hash", 32)
    instrument = StandardInstrument(
        no=reader.text("no", max_bytes=64),
        certificate_no=reader.text("cert_no", max_bytes=120),
        certificate_digest=None if digest is None else Digest(digest),
        until=reader.date("until"),
    )
    reader.finish()
    return instrument


def _parse_material(reader: Reader) -> ReferenceMaterial:
    material = ReferenceMaterial(reader.text("id", max_bytes=64), reader.text("lot", max_bytes=64))
    reader.finish()
    return material


def _parse_result(reader: Reader, *, judged: bool) -> Result:
    unit, error_unit = reader.opt_text("unit", max_bytes=16), reader.text("error_unit", max_bytes=16)
    for name, text in (("unit", unit), ("error_unit", error_unit)):
        if text is not None:
            parse_unit(text, field=reader.path_of(name))
    result = Result(
        item=reader.text("item", max_bytes=64, pattern=r"[a-z][a-z0-9_]*"),
        part=reader.opt_text("part", max_bytes=8),
        unit=unit,
        error_unit=error_unit,
        coverage_factor=reader.opt_decimal("k"),
        points=tuple(_parse_point(item, judged=judged) for item in reader.objects("points")),
        passed=reader.boolean("pass") if judged else None,
        before_adjustment=reader.opt_boolean("before_adjustment") or False,
    )
    reader.finish()
    return result


def _parse_point(reader: Reader, *, judged: bool) -> Point:
    error, passed = reader.decimal("error"), reader.boolean("pass") if judged else None
    nominal, measured, mpe, uncertainty = reader.opt_decimals("nominal", "measured", "mpe", "u")
    reader.finish()
    return Point(error, passed, nominal, measured, mpe, uncertainty)


CONCLUSIONS: Final = {
    "pass": Conclusion.PASS,
    "fail": Conclusion.FAIL,
    "conditional": Conclusion.CONDITIONAL,
}


def _parse_conclusion(reader: Reader, document_type: DocumentType) -> Conclusion | None:
    """Read what only a calibration may leave out, or leave open."""
    if document_type is not DocumentType.CALIBRATION_CERTIFICATE:
        return CONCLUSIONS[reader.text("conclusion", max_bytes=16, pattern="pass|fail")]
    text = reader.opt_text("conclusion", max_bytes=16, pattern="|".join(CONCLUSIONS))
    return None if text is None else CONCLUSIONS[text]


def _parse_opt_decision(reader: Reader | None) -> DecisionRule | None:
    return None if reader is None else parse_decision_rule(reader)


def _parse_paper(reader: Reader | None) -> PaperEntry | None:
    if reader is None:
        return None
    paper = PaperEntry(
        scan=Digest(reader.hex("scan", 32)),
        entered_by=reader.text("entered_by", max_bytes=40),
        entered_on=reader.date("entered_on"),
    )
    reader.finish()
    return paper


def _parse_seal(reader: Reader) -> Seal:
    seal = Seal(reader.text("no", max_bytes=64), reader.text("point", max_bytes=100))
    reader.finish()
    return seal


def _parse_lot(reader: Reader | None) -> Lot | None:
    if reader is None:
        return None
    lot = Lot(reader.text("no", max_bytes=64), reader.integer("size", 1, 10_000_000))
    reader.finish()
    return lot


def _parse_replacement(reader: Reader | None) -> Replacement | None:
    if reader is None:
        return None
    number, reason = reader.text("no", max_bytes=64), reader.enum("reason", ReasonCode)
    changed = reader.opt_texts(
        "changed", max_bytes=MAX_PATH_BYTES, pattern=PATH_PATTERN, least=1, most=MAX_CHANGED
    )
    if changed is not None and sorted(set(changed)) != changed:
        reader.refuse("changed", "the paths rise, each once")
    reader.finish()
    return Replacement(CertificateNumber(number), reason, tuple(changed or ()))


VALIDITY_KINDS: Final = {
    "date": ValidityKind.DATE,
    "service_life": ValidityKind.SERVICE_LIFE,
    "none": ValidityKind.NONE,
}


def _parse_validity(reader: Reader) -> Validity:
    kind = VALIDITY_KINDS[reader.text("kind", max_bytes=16, pattern="|".join(VALIDITY_KINDS))]
    validity = Validity(
        kind,
        reader.opt_date("until"),
        reader.opt_text("reason", max_bytes=200),
        agreed=reader.opt_boolean("agreed") or False,
    )
    reader.finish()
    if (validity.until is None) != (kind is ValidityKind.NONE):
        raise MalformedDocumentError("a date belongs to every kind but none", field="validity.until")
    return validity


def _parse_signatory(reader: Reader, signing_times: Mapping[str, datetime]) -> Signatory:
    """Read one person: the record says when they signed, or their own proof does."""
    key = reader.parse("key", parse_multikey) if "key" in reader else None
    person = Signatory(
        role=reader.enum("role", Role),
        person_id=reader.text("pid", max_bytes=40),
        name=_parse_commitment(reader, "name"),
        signed_at=reader.instant("signed_at") if key is None else signing_times.get(key.multikey),
        key=key,
    )
    reader.finish()
    return person


def _parse_raw_record(reader: Reader | None) -> RawRecord | None:
    if reader is None:
        return None
    digest = reader.opt_hex("hash", 32)
    raw_record = RawRecord(reader.text("no", max_bytes=64), None if digest is None else Digest(digest))
    reader.finish()
    return raw_record


def _check_agreement(record: Record) -> None:
    """Refuse a record whose members contradict each other, or are not for this kind of document."""
    if record.document_kind is DocumentKind.VERIFICATION:
        _check_conclusion(record)
    check_kind(record)
    _check_dates(record)
    known = {part.id for part in record.instrument.parts}
    for result in record.results:
        if result.part is not None and result.part not in known:
            raise MalformedDocumentError(f"no such part: {result.part}", field="results.part")
    if len(set(record.seals)) != len(record.seals):
        raise MalformedDocumentError("the same seal stands twice at one point", field="seals")
    if record.replaces is not None and record.replaces.number == record.number:
        raise MalformedDocumentError("a certificate does not replace itself", field="replaces.no")
    _check_signatories(record)


def _check_signatories(record: Record) -> None:
    roles = [person.role for person in record.persons]
    if len(set(roles)) != len(roles):
        raise MalformedDocumentError("two persons have the same role", field="persons")
    owners = {person.key: person.person_id for person in record.persons if person.key is not None}
    if any(person.key is not None and owners[person.key] != person.person_id for person in record.persons):
        raise MalformedDocumentError("two persons have the same key", field="persons")
    approver = next((person for person in record.persons if person.role is Role.APPROVER), None)
    has_proof = approver is not None and approver.key is not None
    if has_proof and record.issued_on is not None:
        raise MalformedDocumentError("the approver's own proof says the day", field="issued_on")
    if not has_proof and record.issued_on is None:
        raise MalformedDocumentError("this member is missing", field="issued_on")


def _check_conclusion(record: Record) -> None:
    rejected = record.document_type is DocumentType.REJECTION_NOTICE
    if rejected != (record.conclusion is Conclusion.FAIL):
        raise MalformedDocumentError(
            "a rejection notice concludes fail, a certificate pass", field="conclusion"
        )
    if rejected and record.validity.kind is not ValidityKind.NONE:
        raise MalformedDocumentError("a rejection notice has no validity", field="validity")
    if not rejected and any(not result.passed and not result.before_adjustment for result in record.results):
        raise MalformedDocumentError("a certificate cannot hold a failed result", field="results")


def _check_dates(record: Record) -> None:
    for name in ("verified_on", "issued_on"):
        day = getattr(record, name)
        if day is not None and day < FIRST_DAY:
            raise MalformedDocumentError(f"no document is older than {FIRST_DAY}", field=name)
    if record.validity.until is not None and record.validity.until < record.verified_on:
        raise MalformedDocumentError("ends before the verification", field="validity.until")
