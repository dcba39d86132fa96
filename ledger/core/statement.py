"""The signed statement: one COSE_Sign1 that is printed, logged and mapped.

Its payload is a deterministic CBOR map with the integer keys of `Field`; the signature covers the log's
origin too, so a statement is good in one log only. Acts and register events carry their content as canonical
JSON bytes; root decisions and new keys carry `endorsements` over that content beside the COSE signature.

>>> raw = sign_statement(statement, signer, "ledger.example/2026")
>>> parse_signed_statement(raw).statement == statement
True
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from typing import Any, Final, TypeVar

from ledger.core.calendar_rules import ValidityKind, date_from_days, days_from_date
from ledger.core.category import Category
from ledger.core.cbor import CborValue, encode_cbor, parse_cbor
from ledger.core.constants import ENDORSEMENT_DOMAIN, STATEMENT_DOMAIN
from ledger.core.cose import Sign1, encode_sign1, parse_sign1, verify_sign1
from ledger.core.errors import InputError, MalformedDocumentError, NonCanonicalEncodingError
from ledger.core.event import CONTENT_TYPES, DEFINED_TYPES, ISSUE_TYPES, EventType
from ledger.core.ids import ID_PATTERN, CertificateNumber, Digest, InstrumentId, KeyId
from ledger.core.instrument import StatementSerial
from ledger.core.signature import PublicKey, Signer
from ledger.core.text import has_forbidden_character, has_outer_space, is_plain

FORMAT_VERSION: Final = 1
EnumT = TypeVar("EnumT", bound=IntEnum)
MAX_STATEMENT_BYTES: Final = 65_535 - 128
"""A leaf, with its header of 128 bytes, is at most 65,535 bytes long: see `entry`."""
_ISSUER: Final = re.compile(ID_PATTERN)


class Field(IntEnum):
    """Keys of the payload map. 16 and 17 are reserved: contents have members of those names."""

    FORMAT = 0
    TYPE = 1
    EVENT_ID = 2
    ISSUER = 3
    NUMBER = 4
    INSTRUMENT = 5
    PART = 6
    SERIAL = 7
    CATEGORY = 8
    CONCLUSION = 9
    VERIFIED_ON = 10
    VALID_UNTIL = 11
    VALIDITY_KIND = 12
    CERTIFICATE_DIGEST = 13
    SEALS_DIGEST = 14
    PREDECESSOR = 15
    EFFECTIVE_AT = 16
    REASON = 17
    EXPECTED_VERSION = 18
    LOT = 19
    CONTENT = 20
    ENDORSEMENTS = 21
    DOCUMENT_KIND = 22


class Conclusion(IntEnum):
    """Outcome of a verification: 合格 or 不合格; of a calibration that states one, also the zone between."""

    PASS = 1
    FAIL = 2
    CONDITIONAL = 3
    """Of a calibration only (待定): within its uncertainty of the limit, neither shown to conform nor not to."""


class DocumentKind(IntEnum):
    """What a document is, as its statement says it; a verification goes without saying."""

    VERIFICATION = 0
    """A verification certificate or a rejection notice, by its conclusion; never written."""
    CALIBRATION = 1
    """A calibration certificate (校准证书): values with their uncertainty, no verification."""
    PAPER = 2
    """What stands on a paper certificate (纸质证书登记), as its institution has entered it."""


@dataclass(frozen=True, slots=True)
class IssueClaims:
    """What an issue statement says about one verification certificate or rejection notice."""

    number: CertificateNumber
    instrument_id: InstrumentId
    """16 bytes."""
    part: str | None
    """Set when the document is about one part only; at most 8 bytes of UTF-8."""
    serial: StatementSerial
    category: Category
    conclusion: Conclusion | None
    """None: a calibration that states none."""
    verified_on: date
    valid_until: date | None
    validity_kind: ValidityKind
    certificate_digest: Digest
    """SHA-256 of the complete published bytes, proofs included."""
    seals_digest: bytes | None
    """8 bytes over the list of seals; absent without seals."""
    predecessor: CertificateNumber | None = None
    """Of a replacement: number of the certificate that it replaces, of the same issuer."""
    lot: str | None = None
    """Number of the lot that the instrument belongs to, at most 64 bytes."""
    kind: DocumentKind = DocumentKind.VERIFICATION

    @property
    def is_verification(self) -> bool:
        """Say whether the document verifies its instrument, for better or worse; no other kind does."""
        return self.kind is DocumentKind.VERIFICATION


@dataclass(frozen=True, slots=True)
class ActClaims:
    """What the statement of an act, a lot or a link says: canonical JSON, see `act`, `lot` and `link`."""

    event_id: bytes
    """8 random bytes."""
    content: bytes


@dataclass(frozen=True, slots=True)
class Endorsement:
    """A further signature over a register content."""

    key_id: KeyId
    signature: bytes
    """64 bytes over `compute_endorsed_bytes`."""


@dataclass(frozen=True, slots=True)
class RegisterClaims:
    """What a register statement says: content as canonical JSON bytes, see `authority`."""

    event_id: bytes
    """8 random bytes."""
    content: bytes
    endorsements: tuple[Endorsement, ...] = ()
    """Sorted by key id, each key once."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One event, before it is signed."""

    type: EventType
    issuer: str
    """Id of the institution or authority that speaks; `ROOT` for the root."""
    claims: IssueClaims | ActClaims | RegisterClaims
    expected_version: int = 0
    """Version of the subject that this event follows; 0 for its first."""


@dataclass(frozen=True, slots=True)
class SignedStatement:
    """A parsed statement together with the bytes that were signed."""

    raw: bytes
    statement: Statement
    sign1: Sign1

    @property
    def key_id(self) -> KeyId:
        """Return the id of the key that the statement names as its signer."""
        return self.sign1.key_id

    @property
    def digest(self) -> Digest:
        """Return SHA-256 of the statement's bytes."""
        return Digest(hashlib.sha256(self.raw).digest())


def compute_external_aad(origin: str) -> bytes:
    """Return what binds a statement to one log: domain and SHA-256 of the origin (RFC 9052 §4.3)."""
    return STATEMENT_DOMAIN + hashlib.sha256(origin.encode()).digest()


def compute_endorsed_bytes(
    event_type: EventType, origin: str, content: bytes, expected_version: int
) -> bytes:
    """Return what root keys and newly registered keys sign beside the statement.

    The version is among it, so that an old endorsement cannot bring an old content back.

    Args:
        event_type: what the statement does.
        origin: of the only log in which the endorsement is good.
        content: canonical JSON, as in the statement.
        expected_version: of the statement, 0 to 2^32 - 1.
    """
    log = hashlib.sha256(origin.encode()).digest()
    return ENDORSEMENT_DOMAIN + log + bytes([event_type]) + expected_version.to_bytes(4, "big") + content


def sign_statement(statement: Statement, signer: Signer, origin: str) -> bytes:
    """Return the statement as signed bytes.

    Raises:
        InputError: a member is out of its range, or the statement is too long; nothing was signed that
            `parse_signed_statement` would refuse.
    """
    payload = _build_payload(statement)
    if _parse_payload(payload) != statement:
        raise MalformedDocumentError("a statement that would not be read as it was meant", field="statement")
    raw = encode_sign1(encode_cbor(payload), signer, compute_external_aad(origin))
    if len(raw) > MAX_STATEMENT_BYTES:
        raise MalformedDocumentError(f"statement of {len(raw)} bytes; at most {MAX_STATEMENT_BYTES}")
    return raw


def verify_statement(signed: SignedStatement, key: PublicKey, origin: str) -> None:
    """Check the statement's signature.

    Raises:
        BrokenSignatureError: not signed by this key for this log.
    """
    verify_sign1(signed.sign1, key, compute_external_aad(origin))


def parse_signed_statement(raw: bytes) -> SignedStatement:
    """Parse a statement, strictly: exactly the members of its type, one spelling each.

    Raises:
        InputError: not such a statement.
    """
    if len(raw) > MAX_STATEMENT_BYTES:
        raise MalformedDocumentError(f"statement of {len(raw)} bytes; at most {MAX_STATEMENT_BYTES}")
    sign1 = parse_sign1(raw)
    payload = parse_cbor(sign1.payload)
    if not isinstance(payload, dict):
        raise MalformedDocumentError("payload of the statement is not a map")
    statement = _parse_payload(payload)
    return SignedStatement(raw, statement, sign1)


def _build_payload(statement: Statement) -> dict[int, Any]:
    claims = statement.claims
    payload: dict[int, Any] = {
        Field.FORMAT: FORMAT_VERSION,
        Field.TYPE: int(statement.type),
        Field.ISSUER: statement.issuer,
        Field.EXPECTED_VERSION: statement.expected_version or None,
    }
    match claims:
        case IssueClaims():
            payload |= _issue_members(claims)
        case ActClaims():
            payload |= {Field.EVENT_ID: claims.event_id, Field.CONTENT: claims.content}
        case RegisterClaims():
            payload |= _register_members(claims)
    return {int(key): value for key, value in payload.items() if value is not None}


def _issue_members(claims: IssueClaims) -> dict[int, Any]:
    until = claims.valid_until
    return {
        Field.NUMBER: claims.number,
        Field.INSTRUMENT: claims.instrument_id,
        Field.PART: claims.part,
        Field.SERIAL: _encode_serial(claims.serial),
        Field.CATEGORY: int(claims.category),
        Field.CONCLUSION: None if claims.conclusion is None else int(claims.conclusion),
        Field.VERIFIED_ON: days_from_date(claims.verified_on),
        Field.VALID_UNTIL: None if until is None else days_from_date(until),
        Field.VALIDITY_KIND: int(claims.validity_kind),
        Field.CERTIFICATE_DIGEST: claims.certificate_digest,
        Field.SEALS_DIGEST: claims.seals_digest,
        Field.PREDECESSOR: claims.predecessor,
        Field.LOT: claims.lot,
        Field.DOCUMENT_KIND: int(claims.kind) or None,
    }


def _register_members(claims: RegisterClaims) -> dict[int, Any]:
    endorsements = [[item.key_id, item.signature] for item in claims.endorsements]
    return {
        Field.EVENT_ID: claims.event_id,
        Field.CONTENT: claims.content,
        Field.ENDORSEMENTS: endorsements or None,
    }


def _encode_serial(serial: StatementSerial) -> CborValue:
    return serial.text if serial.tail is None else [serial.text, serial.tail]


class _Members:
    """Typed, exhaustive access to the payload map."""

    def __init__(self, payload: Mapping[int, Any]) -> None:
        self._left = dict(payload)

    def take(self, field: Field) -> Any:  # noqa: ANN401 -- a CBOR value
        return self._left.pop(field, None)

    def optional(self, field: Field, kind: type) -> Any:  # noqa: ANN401 -- a CBOR value of type `kind`
        return self.required(field, kind) if field in self._left else None

    def required(self, field: Field, kind: type) -> Any:  # noqa: ANN401 -- a CBOR value of type `kind`
        value = self._left.pop(field, None)
        if type(value) is not kind:
            raise _malformed(field, "is missing" if value is None else f"expected {kind.__name__}")
        return value

    def octets(self, field: Field, size: int) -> bytes:
        return _check_size(field, self.required(field, bytes), size)

    def text(self, field: Field, max_bytes: int) -> str:
        return _check_text(field, self.required(field, str), max_bytes)

    def opt_text(self, field: Field, max_bytes: int) -> str | None:
        value = self.optional(field, str)
        return None if value is None else _check_text(field, value, max_bytes)

    def code(self, field: Field, kind: type[EnumT]) -> EnumT:
        try:
            return kind(self.required(field, int))
        except ValueError:
            raise _malformed(field, "unknown code") from None

    def opt_code(self, field: Field, kind: type[EnumT]) -> EnumT | None:
        return self.code(field, kind) if field in self._left else None

    def finish(self) -> None:
        if self._left:
            raise MalformedDocumentError(
                f"statement has members its type does not have: {sorted(self._left)}"
            )


def _malformed(field: Field, message: str) -> MalformedDocumentError:
    return MalformedDocumentError(message, field=f"statement.{field.name.lower()}")


def _check_size(field: Field, value: bytes, size: int) -> bytes:
    if len(value) != size:
        raise _malformed(field, f"expected {size} bytes")
    return value


def _check_text(field: Field, value: str, max_bytes: int) -> str:
    if not is_plain(value) and (has_forbidden_character(value) or has_outer_space(value)):
        raise _malformed(field, "expected text without control characters and outer white space")
    if not 1 <= len(value.encode()) <= max_bytes:
        raise _malformed(field, f"expected 1 to {max_bytes} bytes of text")
    return value


def _check_day(field: Field, days: int) -> date:
    try:
        return date_from_days(days)
    except InputError:
        raise _malformed(field, "date is out of range") from None


def _parse_payload(payload: Mapping[int, Any]) -> Statement:
    members = _Members(payload)
    if members.required(Field.FORMAT, int) != FORMAT_VERSION:
        raise _malformed(Field.FORMAT, "unknown format version")
    event_type = members.code(Field.TYPE, EventType)
    if event_type not in DEFINED_TYPES:
        raise _malformed(Field.TYPE, f"{event_type.name} has no effect defined yet")
    issuer = members.text(Field.ISSUER, 12)
    if not _ISSUER.fullmatch(issuer):
        raise _malformed(Field.ISSUER, "expected 1 to 12 of A-Z, 0-9 and '-'")
    expected = members.optional(Field.EXPECTED_VERSION, int)
    if expected is not None and not 1 <= expected < 2**32:
        raise _malformed(Field.EXPECTED_VERSION, "out of range")
    claims = _parse_claims(event_type, members)
    members.finish()
    return Statement(event_type, issuer, claims, expected or 0)


def _parse_claims(event_type: EventType, members: _Members) -> IssueClaims | ActClaims | RegisterClaims:
    if event_type in ISSUE_TYPES:
        return _parse_issue(event_type, members)
    if event_type in CONTENT_TYPES:
        return ActClaims(members.octets(Field.EVENT_ID, 8), members.required(Field.CONTENT, bytes))
    return _parse_register(members)


def _parse_issue(event_type: EventType, members: _Members) -> IssueClaims:
    kind = members.code(Field.VALIDITY_KIND, ValidityKind)
    until = members.optional(Field.VALID_UNTIL, int)
    if (until is None) != (kind is ValidityKind.NONE):
        raise _malformed(Field.VALID_UNTIL, "date and kind of validity disagree")
    seals = members.optional(Field.SEALS_DIGEST, bytes)
    predecessor = members.opt_text(Field.PREDECESSOR, 64)
    if (predecessor is not None) != (event_type is EventType.REPLACE):
        raise _malformed(Field.PREDECESSOR, "a replacement names what it replaces, and nothing else does")
    document, conclusion = _parse_document_kind(members)
    return IssueClaims(
        number=CertificateNumber(members.text(Field.NUMBER, 64)),
        instrument_id=InstrumentId(members.octets(Field.INSTRUMENT, 16)),
        part=members.opt_text(Field.PART, 8),
        serial=_parse_serial(members),
        category=members.code(Field.CATEGORY, Category),
        conclusion=conclusion,
        verified_on=_check_day(Field.VERIFIED_ON, members.required(Field.VERIFIED_ON, int)),
        valid_until=None if until is None else _check_day(Field.VALID_UNTIL, until),
        validity_kind=kind,
        certificate_digest=Digest(members.octets(Field.CERTIFICATE_DIGEST, 32)),
        seals_digest=None if seals is None else _check_size(Field.SEALS_DIGEST, seals, 8),
        predecessor=None if predecessor is None else CertificateNumber(predecessor),
        lot=members.opt_text(Field.LOT, 64),
        kind=document,
    )


def _parse_document_kind(members: _Members) -> tuple[DocumentKind, Conclusion | None]:
    """Return what the document is, and the conclusion that such a document can have."""
    kind = members.opt_code(Field.DOCUMENT_KIND, DocumentKind)
    if kind is DocumentKind.VERIFICATION:
        raise _malformed(Field.DOCUMENT_KIND, "a verification goes without saying")
    conclusion = members.opt_code(Field.CONCLUSION, Conclusion)
    if kind is DocumentKind.CALIBRATION:
        return kind, conclusion
    if conclusion not in {Conclusion.PASS, Conclusion.FAIL}:
        raise _malformed(Field.CONCLUSION, "expected 1, pass, or 2, fail")
    return kind or DocumentKind.VERIFICATION, conclusion


def _parse_serial(members: _Members) -> StatementSerial:
    value = members.take(Field.SERIAL)
    try:
        match value:
            case str():
                return StatementSerial(value)
            case [str() as text, bytes() as tail]:
                return StatementSerial(text, tail)
    except InputError as err:
        raise _malformed(Field.SERIAL, err.reason) from None
    raise _malformed(Field.SERIAL, "expected text, or text and 4 bytes")


def _parse_register(members: _Members) -> RegisterClaims:
    return RegisterClaims(
        event_id=members.octets(Field.EVENT_ID, 8),
        content=members.required(Field.CONTENT, bytes),
        endorsements=_parse_endorsements(members.optional(Field.ENDORSEMENTS, list)),
    )


def _parse_endorsements(items: list[Any] | None) -> tuple[Endorsement, ...]:
    if items is None:
        return ()
    found = []
    for item in items:
        if type(item) is not list or len(item) != 2 or any(type(part) is not bytes for part in item):
            raise MalformedDocumentError(
                "expected pairs of key id and signature", field="statement.endorsements"
            )
        key_id, signature = item
        if len(key_id) != 8 or len(signature) != 64:
            raise MalformedDocumentError("expected 8 and 64 bytes", field="statement.endorsements")
        found.append(Endorsement(KeyId(key_id), signature))
    key_ids = [item.key_id for item in found]
    if not found or key_ids != sorted(set(key_ids)):
        raise NonCanonicalEncodingError("expected each key once, in order", field="statement.endorsements")
    return tuple(found)
