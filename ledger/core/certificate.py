"""The verification certificate (检定证书) and the rejection notice (检定结果通知书).

A document is a W3C Verifiable Credential 2.0 in canonical JSON whose `credentialSubject` is the verification
record; its proof set holds one Data Integrity proof per signer. Stored, hashed and published are exactly the
received bytes; `certificate_digest` is SHA-256 over all of them. Personal members stand in the record as
salted commitments, see `disclosure`.

>>> certificate = parse_certificate(raw)
>>> certificate.record.number, certificate.record.conclusion.name
('2026-000001', 'PASS')
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Final, NamedTuple

from ledger.core.act import ReasonCode
from ledger.core.calendar_rules import ValidityKind
from ledger.core.canonical import JsonObject, parse_canonical_json, respell_canonical_json
from ledger.core.category import Category, parse_category
from ledger.core.data_integrity import read_signing_times, split_proofs
from ledger.core.errors import MalformedDocumentError
from ledger.core.fields import Reader
from ledger.core.ids import ID_PATTERN, CertificateNumber, Digest, InstitutionId, InstrumentId
from ledger.core.quantity import Quantity
from ledger.core.signature import PublicKey, parse_multikey
from ledger.core.statement import Conclusion
from ledger.core.unit import parse_unit

CONTEXTS: Final = (
    "https://www.w3.org/ns/credentials/v2",
    "https://www.w3.org/ns/credentials/undefined-terms/v2",
)
"""Names, never fetched: the second says that the record's terms are defined by this product's norm."""

RECORD_VERSION: Final = 1
MAX_CERTIFICATE_BYTES: Final = 256 * 1024
PATH_PATTERN: Final = r"[a-z][a-z0-9_]*(\.([a-z][a-z0-9_]*|0|[1-9][0-9]{0,3}))*"
"""Path of a member of the record, as in disclosure files: names and positions from 0, joined by dots."""
MAX_PATH_BYTES: Final = 120
MAX_CHANGED: Final = 64
"""Most paths that a replacement lists."""
FIRST_DAY: Final = date(1970, 1, 1)
"""Statements count days from here."""

_UNSIGNED: Final[Mapping[str, datetime]] = MappingProxyType({})


class DocumentType(StrEnum):
    """Which document this is."""

    VERIFICATION_CERTIFICATE = "verification_certificate"
    REJECTION_NOTICE = "rejection_notice"


CREDENTIAL_TYPES: Final = {
    DocumentType.VERIFICATION_CERTIFICATE: "VerificationCertificate",
    DocumentType.REJECTION_NOTICE: "RejectionNotice",
}


class VerificationKind(StrEnum):
    """Occasion of a verification: 首次, 周期, 修理后, 有效期内, 仲裁, 抽样, 进口检定, 使用中检查."""

    INITIAL = "initial"
    PERIODIC = "periodic"
    AFTER_REPAIR = "after_repair"
    WITHIN_VALIDITY = "within_validity"
    ARBITRATION = "arbitration"
    SAMPLING = "sampling"
    IMPORT = "import"
    IN_SERVICE = "in_service"
    """An inspection between verifications, by wider limits; only its failure is a document of its own."""


class Role(StrEnum):
    """What a person did: 检定员, 核验员, 批准人."""

    OPERATOR = "operator"
    CHECKER = "checker"
    APPROVER = "approver"


class PlaceKind(StrEnum):
    """Where the verification was done."""

    LABORATORY = "laboratory"
    ON_SITE = "on_site"


class Purpose(StrEnum):
    """What the instrument is used for: 贸易结算, 安全防护, 医疗卫生, 环境监测."""

    TRADE = "trade"
    SAFETY = "safety"
    HEALTH = "health"
    ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True)
class Commitment:
    """A personal member: SHA-256(16-byte salt || canonical value) stands for the value."""

    digest: Digest


@dataclass(frozen=True, slots=True)
class Issuer:
    """The institution as the document names it."""

    id: InstitutionId
    name: str
    authorisation_no: str
    scope_id: str
    """Which line of the authorisation covers this verification."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part with its own result: nozzle, lane, phase."""

    id: str
    """1 to 8 bytes, unique within the instrument."""
    name: str | None
    serial: str | None


@dataclass(frozen=True, slots=True)
class Software:
    """Legally relevant software of the instrument."""

    id: str
    digest: Digest | None


@dataclass(frozen=True, slots=True)
class Site:
    """Where the instrument is used."""

    division: str
    """Division code (GB/T 2260), 2 to 12 digits."""
    address: Commitment | None


@dataclass(frozen=True, slots=True)
class Instrument:
    """The measuring instrument, as a person compares it with the nameplate."""

    id: InstrumentId
    category: Category
    name: str
    serial: str
    local_id: str | None
    model: str | None
    range: str | None
    accuracy_class: str | None
    year: int | None
    maker: str | None
    type_approval_no: str | None
    purpose: Purpose | None
    software: Software | None
    codes: tuple[tuple[str, str], ...]
    """三码: pairs of `production`, `repair` or `verification` and the code."""
    parts: tuple[Part, ...]
    owner: Commitment | None
    site: Site | None
    scale_interval: Quantity | None = None
    """检定分度值 e of a weighing instrument, in which its limits are stated."""


@dataclass(frozen=True, slots=True)
class StandardInstrument:
    """A main instrument of a measurement standard and the certificate that attests it."""

    no: str
    certificate_no: str
    certificate_digest: Digest | None
    until: date


@dataclass(frozen=True, slots=True)
class ReferenceStandard:
    """A measurement standard (计量标准) used in the verification."""

    id: str
    name: str
    examination_no: str
    examination_until: date
    range: str
    uncertainty: str
    """As the examination certificate states it, with its coverage factor."""
    instruments: tuple[StandardInstrument, ...]


@dataclass(frozen=True, slots=True)
class ReferenceMaterial:
    """A lot of a certified reference material (有证标准物质) used in the verification."""

    id: str
    """GBW or GBW(E) number."""
    lot: str


class Point(NamedTuple):
    """One reading. `nominal` is the reference value, `measured` the instrument's indication.

    A certificate has dozens; a named tuple is made in a third of the time.
    """

    indication_error: Decimal
    passed: bool
    nominal: Decimal | None
    measured: Decimal | None
    maximum_permissible_error: Decimal | None
    expanded_uncertainty: Decimal | None


@dataclass(frozen=True, slots=True)
class Result:
    """The readings of one item, for the whole instrument or one part."""

    item: str
    """Item code of the rules, as `indication_error` or `repeatability`."""
    part: str | None
    unit: str | None
    """Unit of `nominal` and `measured`."""
    error_unit: str
    """Unit of errors, limits and uncertainties."""
    coverage_factor: Decimal | None
    points: tuple[Point, ...]
    passed: bool
    before_adjustment: bool


@dataclass(frozen=True, slots=True)
class Validity:
    """有效期至, 限期使用至, or none."""

    kind: ValidityKind
    until: date | None
    reason: str | None
    """Why it ends before the regulation's longest period, if it does."""


@dataclass(frozen=True, slots=True)
class Signatory:
    """One of the persons who answer for the document."""

    role: Role
    person_id: str
    """Public pseudonym."""
    name: Commitment | None
    signed_at: datetime | None
    """Aware UTC; by this person's own proof if there is a key, else as the record says. None: not signed yet."""
    key: PublicKey | None = None
    """With which this person signs the document; None: the record alone says that they did."""


@dataclass(frozen=True, slots=True)
class Seal:
    """A seal (铅封) put on by the verifier."""

    no: str
    point: str


@dataclass(frozen=True, slots=True)
class Lot:
    """The batch of instruments that were verified together."""

    no: str
    size: int


@dataclass(frozen=True, slots=True)
class Replacement:
    """Which certificate of the same institution this one replaces (换发), and why."""

    number: CertificateNumber
    reason: ReasonCode
    changed: tuple[str, ...] = ()
    """Paths of the members in which the two differ, rising, as `instrument.serial`; empty: not stated."""


@dataclass(frozen=True, slots=True)
class RawRecord:
    """The technical record (原始记录) kept at the institution."""

    no: str
    digest: Digest | None


@dataclass(frozen=True, slots=True)
class Environment:
    """Conditions during the verification."""

    temperature: Quantity | None
    humidity: Quantity | None
    other: str | None


@dataclass(frozen=True, slots=True)
class RegulationReference:
    """The verification regulation (检定规程) that was followed."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Record:
    """The verification record: everything the document says."""

    document_type: DocumentType
    kind: VerificationKind
    number: CertificateNumber
    issuer: Issuer
    applicant: Commitment | None
    instrument: Instrument
    regulation: RegulationReference | None
    place: PlaceKind | None
    place_where: Commitment | None
    environment: Environment | None
    standards: tuple[ReferenceStandard, ...]
    reference_materials: tuple[ReferenceMaterial, ...]
    results: tuple[Result, ...]
    conclusion: Conclusion
    class_awarded: str | None
    adjusted: bool
    seals: tuple[Seal, ...]
    sticker_id: str | None
    lot: Lot | None
    replaces: Replacement | None
    verified_on: date
    issued_on: date | None
    """None: the day of the approver's own proof, which is a day of a zone."""
    validity: Validity
    persons: tuple[Signatory, ...]
    raw_record: RawRecord | None
    commission_no: str | None
    """Under which somebody entitled to it has asked for an arbitration (仲裁检定)."""
    nonce: bytes
    """16 random bytes, so that nobody finds the digest by guessing the content."""


@dataclass(frozen=True)
class Certificate:
    """A document as published; not slotted, because it remembers its digest."""

    raw: bytes
    document: JsonObject
    """The credential without its proofs."""
    proofs: tuple[JsonObject, ...]
    record: Record
    issuer_did: str
    """did:key of the seal."""

    @cached_property
    def digest(self) -> Digest:
        """SHA-256 over the complete published bytes."""
        return Digest(hashlib.sha256(self.raw).digest())

    @property
    def document_digest(self) -> Digest:
        """Return SHA-256 over the canonical document without its proofs: what each of them signs."""
        return Digest(hashlib.sha256(respell_canonical_json(self.document)).digest())


def build_document(record: JsonObject, issuer_did: str) -> JsonObject:
    """Wrap a record as a credential that is not signed yet."""
    document_type = DocumentType(str(record["doc_type"]))
    return {
        "@context": list(CONTEXTS),
        "type": ["VerifiableCredential", CREDENTIAL_TYPES[document_type]],
        "issuer": issuer_did,
        "credentialSubject": record,
    }


def parse_certificate(raw: bytes) -> Certificate:
    """Parse the published bytes of a document; proofs are split off, not verified.

    Raises:
        InputError: not canonical, or not such a document; the member is named.
    """
    value = parse_canonical_json(raw, max_bytes=MAX_CERTIFICATE_BYTES)
    if not isinstance(value, dict):
        raise MalformedDocumentError("a certificate is a JSON object")
    return parse_credential(value, raw)


def parse_credential(value: JsonObject, raw: bytes) -> Certificate:
    """Parse a document that has been read already; `raw` is its canonical spelling.

    Raises:
        InputError: not such a document, or larger than 256 KiB; the member is named.
    """
    if len(raw) > MAX_CERTIFICATE_BYTES:
        raise MalformedDocumentError(f"a certificate of {len(raw)} bytes; at most {MAX_CERTIFICATE_BYTES}")
    document, proofs = split_proofs(value)
    reader = Reader(document, "")
    contexts = reader.texts("@context", max_bytes=100)
    types = reader.texts("type", max_bytes=40)
    issuer_did = reader.text("issuer", max_bytes=100, pattern=r"did:key:z[1-9A-HJ-NP-Za-km-z]+")
    subject = reader.object("credentialSubject")
    reader.finish()
    record = parse_record(subject, read_signing_times(proofs))
    if tuple(contexts) != CONTEXTS:
        raise MalformedDocumentError(f"expected exactly {list(CONTEXTS)}", field="@context")
    expected = ["VerifiableCredential", CREDENTIAL_TYPES[record.document_type]]
    if types != expected:
        raise MalformedDocumentError(f"expected exactly {expected}", field="type")
    return Certificate(raw, document, tuple(proofs), record, issuer_did)


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
    place = reader.opt_object("place")
    record = Record(
        document_type=reader.enum("doc_type", DocumentType),
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
        results=tuple(_parse_result(item) for item in reader.objects("results")),
        conclusion=_parse_conclusion(reader),
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


def _parse_result(reader: Reader) -> Result:
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
        points=tuple(_parse_point(item) for item in reader.objects("points")),
        passed=reader.boolean("pass"),
        before_adjustment=reader.opt_boolean("before_adjustment") or False,
    )
    reader.finish()
    return result


def _parse_point(reader: Reader) -> Point:
    error, passed = reader.decimal("error"), reader.boolean("pass")
    nominal, measured, mpe, uncertainty = reader.opt_decimals("nominal", "measured", "mpe", "u")
    reader.finish()
    return Point(error, passed, nominal, measured, mpe, uncertainty)


def _parse_conclusion(reader: Reader) -> Conclusion:
    return (
        Conclusion.PASS
        if reader.text("conclusion", max_bytes=16, pattern="pass|fail") == "pass"
        else Conclusion.FAIL
    )


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
    validity = Validity(kind, reader.opt_date("until"), reader.opt_text("reason", max_bytes=200))
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
    """Refuse a record whose members contradict each other."""
    _check_conclusion(record)
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
