"""A small world for tests: one root, one authority, institutions with seals and scope, and what they sign.

Everything is derived from names, so equal calls give equal bytes. Nothing here comes from the packages that
make statements in production: it writes them straight through the core.

>>> world = World()
>>> [parse_signed_statement(raw).statement.type.name for raw in world.founding()]
['ROOT', 'DELEGATE', 'INSTITUTION', 'KEY', 'SCOPE']
>>> issued = world.issue(7)
>>> parse_certificate(issued.body).record.number
'2026-0000007'
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from ledger.core.authority import (
    ROOT_ISSUER,
    AuthorityContent,
    CompromiseContent,
    InstitutionContent,
    KeyContent,
    Power,
    RootContent,
    encode_authority_content,
    encode_compromise_content,
    encode_institution_content,
    encode_key_content,
    encode_root_content,
)
from ledger.core.canonical import JsonObject, encode_canonical_json
from ledger.core.category import Category
from ledger.core.certificate import build_document, parse_certificate
from ledger.core.data_integrity import create_proof, join_proofs
from ledger.core.event import EventType
from ledger.core.ids import CertificateNumber, Digest, InstitutionId, InstrumentId
from ledger.core.instrument import compute_statement_serial
from ledger.core.record import VerificationKind
from ledger.core.register_fields import Name, RegisterState
from ledger.core.rules import build_issue_claims
from ledger.core.scope import ScopeContent, encode_scope_content
from ledger.core.signature import Ed25519Signer, Signer
from ledger.core.statement import (
    Conclusion,
    Endorsement,
    IssueClaims,
    RegisterClaims,
    Statement,
    ValidityKind,
    compute_endorsed_bytes,
    parse_signed_statement,
    sign_statement,
)
from ledger.log import Log
from ledger.submission import Result, Submission

ORIGIN = "ledger.example/test"
NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
"""When everything in this world happens."""

VERIFIED_ON = date(2026, 11, 2)
AUTHORITY = "CN-35"
INSTITUTION = InstitutionId("350100-01")
SCOPE = "S1"
AUTHORISATION_NO = "（闽）法计（2025）35001号"
FOUNDING = 6
"""Leaves of a log that took `World.founding()` as one batch: five statements, and the MAPHEAD that ends it."""


@dataclass(frozen=True)
class Issued:
    """An issue: the signed statement and the certificate it speaks of."""

    raw: bytes
    body: bytes


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


def submit(log: Log, *raws: bytes | Issued) -> list[Result]:
    """Hand statements to a log as admission would."""
    return log.append([to_submission(raw) for raw in raws])


def to_submission(raw: "bytes | Issued") -> Submission:
    if isinstance(raw, Issued):
        return Submission(parse_signed_statement(raw.raw), raw.body)
    return Submission(parse_signed_statement(raw))


def make_signer(name: str) -> Ed25519Signer:
    return Ed25519Signer(hashlib.sha256(name.encode()).digest())


class World:
    """Signs for everybody in one log."""

    def __init__(self, origin: str = ORIGIN) -> None:
        self.origin = origin
        self.root_key = make_signer("root")
        self.log_key = make_signer("log")
        self.authority_key = make_signer("authority")
        self.seal = make_signer("seal")
        self.root_content = RootContent(
            version=1,
            origin=origin,
            keys=(self.root_key.public_key,),
            threshold=1,
            log_key=self.log_key.public_key,
            predecessor=None,
        )

    # --- registers ------------------------------------------------------------------------------------------

    @property
    def root_digest(self) -> bytes:
        return hashlib.sha256(encode_root_content(self.root_content)).digest()

    def founding(self) -> list[bytes]:
        """Return the statements that a log begins with, in order."""
        return [self.root(), self.authority(), self.institution(), self.key(), self.scope()]

    def root(self) -> bytes:
        content = encode_root_content(self.root_content)
        return self._register(EventType.ROOT, ROOT_ISSUER, content, self.root_key, endorsers=[self.root_key])

    def authority(self, *, version: int = 0, key: Signer | None = None, **changes: object) -> bytes:
        key = key or self.authority_key
        content = AuthorityContent(
            id=AUTHORITY,
            name=Name("福建省市场监督管理局", "Fujian"),
            key=key.public_key,
            division="35",
            powers=frozenset(Power),
            valid_from=date(2020, 1, 1),
            valid_until=date(2039, 12, 31),
            state=RegisterState.ACTIVE,
        )
        raw = encode_authority_content(replace(content, **changes))
        return self._register(
            EventType.DELEGATE,
            ROOT_ISSUER,
            raw,
            self.root_key,
            endorsers=[self.root_key, key],
            version=version,
        )

    def institution(self, institution: str = INSTITUTION, *, version: int = 0, **changes: object) -> bytes:
        content = InstitutionContent(
            id=InstitutionId(institution),
            name=Name("福州市计量所", "Fuzhou Institute of Metrology"),
            credit_code=None,
            division="350100",
            state=RegisterState.ACTIVE,
        )
        raw = encode_institution_content(replace(content, **changes))
        return self._register(EventType.INSTITUTION, AUTHORITY, raw, self.authority_key, version=version)

    def key(
        self,
        institution: str = INSTITUTION,
        seal: Signer | None = None,
        *,
        version: int = 0,
        state: RegisterState = RegisterState.ACTIVE,
    ) -> bytes:
        seal = seal or self.seal
        raw = encode_key_content(KeyContent(InstitutionId(institution), seal.public_key, state))
        return self._register(
            EventType.KEY, AUTHORITY, raw, self.authority_key, endorsers=[seal], version=version
        )

    def scope(
        self, institution: str = INSTITUTION, scope_id: str = SCOPE, *, version: int = 0, **changes: object
    ) -> bytes:
        content = ScopeContent(
            institution=InstitutionId(institution),
            id=scope_id,
            authorisation_no=AUTHORISATION_NO,
            categories=frozenset({Category.FUEL_DISPENSER}),
            kinds=frozenset(VerificationKind),
            division="3501",
            valid_from=date(2025, 1, 1),
            valid_until=date(2029, 12, 31),
            state=RegisterState.ACTIVE,
        )
        raw = encode_scope_content(replace(content, **changes))
        return self._register(EventType.SCOPE, AUTHORITY, raw, self.authority_key, version=version)

    def compromise(self, since: datetime) -> bytes:
        """Return what the authority says of the seal once somebody else may have it."""
        content = encode_compromise_content(CompromiseContent(INSTITUTION, self.seal.public_key, since))
        return self._register(
            EventType.KEY_COMPROMISED_FROM, AUTHORITY, content, self.authority_key, version=1
        )

    def by_authority(self, event_type: EventType, content: bytes, version: int = 0) -> bytes:
        """Return what the authority registers, of any kind."""
        return self._register(event_type, AUTHORITY, content, self.authority_key, version=version)

    def _register(
        self,
        event_type: EventType,
        issuer: str,
        content: bytes,
        signer: Signer,
        *,
        endorsers: list[Signer] | None = None,
        version: int = 0,
    ) -> bytes:
        message = compute_endorsed_bytes(event_type, self.origin, content, version)
        found = {
            by.public_key.key_id: Endorsement(by.public_key.key_id, by.sign(message))
            for by in endorsers or ()
        }
        endorsements = tuple(found[key_id] for key_id in sorted(found))
        event_id = hashlib.sha256(content + version.to_bytes(4)).digest()[:8]
        claims = RegisterClaims(event_id, content, endorsements)
        return sign_statement(Statement(event_type, issuer, claims, version), signer, self.origin)

    # --- documents ------------------------------------------------------------------------------------------

    def record(self, number: int, institution: str = INSTITUTION, **changes: object) -> JsonObject:
        """Return a verification record of a fuel dispenser that keeps every rule."""
        point = {
            "nominal": "20.00",
            "measured": "20.02",
            "error": "0.10",
            "mpe": "0.30",
            "u": "0.05",
            "pass": True,
        }
        repeatability = {"error": "0.03", "mpe": "0.10", "pass": True}
        record: JsonObject = {
            "v": 1,
            "doc_type": "verification_certificate",
            "kind": "periodic",
            "no": f"2026-{number:07}",
            "issuer": {
                "id": institution,
                "name": "福州市计量所",
                "authorisation_no": AUTHORISATION_NO,
                "scope_line_id": SCOPE,
            },
            "instrument": {
                "id": hashlib.sha256(b"instrument" + number.to_bytes(8)).hexdigest()[:32],
                "category": "FUEL_DISPENSER",
                "name": "燃油加油机",
                "serial": f"SN{number:08}",
                "model": "EX-1224",
                "maker": "示例机械有限公司",
                "site": {"division": "350102"},
            },
            "regulation": {"id": "JJG 443-2023(试行)", "title": "燃油加油机"},
            "standards": [],
            "results": [
                {
                    "item": "indication_error",
                    "unit": "L",
                    "error_unit": "%",
                    "k": "2",
                    "points": [point],
                    "pass": True,
                },
                {"item": "repeatability", "error_unit": "%", "points": [repeatability], "pass": True},
            ],
            "conclusion": "pass",
            "adjusted": False,
            "seals": [{"no": "A1001", "point": "主板"}],
            "verified_on": VERIFIED_ON.isoformat(),
            "issued_on": VERIFIED_ON.isoformat(),
            "validity": {"kind": "date", "until": "2027-05-01"},
            "persons": [
                {"role": role, "pid": f"P-{role}", "signed_at": f"2026-11-02T0{hour}:00:00Z"}
                for hour, role in enumerate(("operator", "checker", "approver"), start=4)
            ],
            "nonce": hashlib.sha256(b"nonce" + number.to_bytes(8)).hexdigest()[:32],
        }
        record.update(changes)
        return record

    def certificate(self, record: JsonObject, seal: Signer | None = None) -> bytes:
        """Return the published bytes of a certificate under the institution's seal."""
        seal = seal or self.seal
        document = build_document(record, seal.public_key.did_key)
        proof = create_proof(document, seal, "2026-11-02T07:00:00Z")
        return encode_canonical_json(join_proofs(document, [proof]))

    def issue(
        self,
        number: int,
        *,
        record: JsonObject | None = None,
        seal: Signer | None = None,
        version: int = 0,
        part: str | None = None,
    ) -> Issued:
        """Return a certificate and the statement that issues it."""
        seal = seal or self.seal
        body = self.certificate(self.record(number) if record is None else record, seal)
        certificate = parse_certificate(body)
        claims = build_issue_claims(certificate.record, certificate.digest, part)
        event_type = EventType.ISSUE if claims.predecessor is None else EventType.REPLACE
        statement = Statement(event_type, certificate.record.issuer.id, claims, version)
        return Issued(sign_statement(statement, seal, self.origin), body)

    def bare_issue(
        self,
        number: int,
        *,
        version: int = 0,
        instrument: int | None = None,
        certificate: int | None = None,
        seal: Signer | None = None,
    ) -> bytes:
        """Return an issue statement without a certificate: quick, for tests of the log itself.

        Args:
            number: certificate number.
            version: expected version of the instrument.
            instrument: which one, if not that of the number.
            certificate: which certificate, if not that of the number.
            seal: who signs, if not the institution's seal.
        """
        name = b"bare" + (number if certificate is None else certificate).to_bytes(8)
        subject = b"instrument" + (number if instrument is None else instrument).to_bytes(8)
        claims = IssueClaims(
            number=CertificateNumber(f"B-{number:07}"),
            instrument_id=InstrumentId(hashlib.sha256(subject).digest()[:16]),
            part=None,
            serial=compute_statement_serial(f"SN{number:08}"),
            category=Category.FUEL_DISPENSER,
            conclusion=Conclusion.PASS,
            verified_on=VERIFIED_ON,
            valid_until=VERIFIED_ON + timedelta(days=180),
            validity_kind=ValidityKind.DATE,
            certificate_digest=Digest(hashlib.sha256(name).digest()),
            seals_digest=None,
        )
        return sign_statement(
            Statement(EventType.ISSUE, INSTITUTION, claims, version), seal or self.seal, self.origin
        )
