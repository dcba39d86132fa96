"""The record inside every document: what was verified, by whom, with what, and what was found.

Plain values, read by `record_parsing`. Personal members stand here as salted commitments, see `disclosure`. A
calibration certificate (校准证书) and what an institution has entered from paper (纸质证书登记) are records of the
same form; `further_kinds` says what they must and must not hold.

>>> certificate.record.number, certificate.record.conclusion.name
('2026-000001', 'PASS')
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from ledger.core.act import ReasonCode
from ledger.core.calendar_rules import ValidityKind
from ledger.core.category import Category
from ledger.core.comparison import Comparison
from ledger.core.decision import DecisionRule
from ledger.core.ids import CertificateNumber, Digest, InstitutionId, InstrumentId
from ledger.core.quantity import Quantity
from ledger.core.signature import PublicKey
from ledger.core.statement import Conclusion, DocumentKind


class DocumentType(StrEnum):
    """Which document this is."""

    VERIFICATION_CERTIFICATE = "verification_certificate"
    REJECTION_NOTICE = "rejection_notice"
    CALIBRATION_CERTIFICATE = "calibration_certificate"
    PAPER_REGISTER = "paper_register"


DOCUMENT_KINDS: Final = {
    DocumentType.VERIFICATION_CERTIFICATE: DocumentKind.VERIFICATION,
    DocumentType.REJECTION_NOTICE: DocumentKind.VERIFICATION,
    DocumentType.CALIBRATION_CERTIFICATE: DocumentKind.CALIBRATION,
    DocumentType.PAPER_REGISTER: DocumentKind.PAPER,
}
"""What the statement says a document is."""


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
    CALIBRATION = "calibration"
    """No verification at all: what a calibration certificate is of, and a scope line may cover."""


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
    passed: bool | None
    """None: of a calibration, whose decision rule judges."""
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
    passed: bool | None
    """None: of a calibration."""
    before_adjustment: bool


@dataclass(frozen=True, slots=True)
class Validity:
    """有效期至, 限期使用至, or none."""

    kind: ValidityKind
    until: date | None
    reason: str | None
    """Why it ends before the regulation's longest period, if it does."""
    agreed: bool = False
    """Of a calibration: the customer has asked for the date (ISO/IEC 17025:2017 §7.8.4.3)."""


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
class PaperEntry:
    """How a paper certificate came into the ledger (纸质证书登记)."""

    scan: Digest
    """SHA-256 of the scanned paper, which the institution keeps."""
    entered_by: str
    """Public pseudonym of the person of the institution who has compared entry and paper."""
    entered_on: date


@dataclass(frozen=True, slots=True)
class RegulationReference:
    """The regulation (检定规程), or the specification (校准规范), that was followed."""

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
    conclusion: Conclusion | None
    """None: a calibration whose customer has asked for none."""
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
    specification: RegulationReference | None = None
    """Of a calibration (JJF), beside or instead of a regulation."""
    decision_rule: DecisionRule | None = None
    """Of a calibration that states a conclusion."""
    comparisons: tuple[Comparison, ...] = ()
    """Of a calibration: where its laboratory's value was compared with another's (计量比对)."""
    paper: PaperEntry | None = None

    @property
    def document_kind(self) -> DocumentKind:
        """Return what the statement says this document is."""
        return DOCUMENT_KINDS[self.document_type]
