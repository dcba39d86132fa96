"""Acts and issues of two institutions and two authorities, written straight through the core, for tests of the log.

people = People(World())
submit(log, *people.founding())
submit(log, people.issue("350100-01", 1, instrument=0), people.act(EventType.SUSPEND, "350100-01", ...))
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from world import AUTHORITY, INSTITUTION, NOW, VERIFIED_ON, Issued, World, make_signer

from ledger.core.act import Act, Decision, NamedInstrument, ReasonCode, encode_act
from ledger.core.calendar_rules import ValidityKind
from ledger.core.canonical import encode_canonical_json
from ledger.core.category import Category
from ledger.core.event import EventType
from ledger.core.ids import CertificateNumber, Digest, InstitutionId, InstrumentId
from ledger.core.instrument import compute_statement_serial
from ledger.core.link import SameAs, Split, encode_same_as, encode_split
from ledger.core.lot import LotContent, LotStatus, encode_lot
from ledger.core.statement import (
    ActClaims,
    Conclusion,
    DocumentKind,
    IssueClaims,
    Statement,
    parse_signed_statement,
    sign_statement,
)

SECOND = InstitutionId("350100-02")
ELSEWHERE = "CN-36"
DECISION = Decision("闽市监检撤〔2026〕3号", "计量法第二十六条", NOW.date(), None, "可在六十日内申请行政复议")
PARTS = ((0, None), (0, "1"), (1, None))
"""The things that are verified: one of them is a part of another."""


class People:
    """Signs for everybody; every statement is another."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._count = 0
        self._keys = {
            INSTITUTION: world.seal,
            SECOND: make_signer("second"),
            AUTHORITY: world.authority_key,
            ELSEWHERE: make_signer("elsewhere"),
        }

    def founding(self) -> list[bytes]:
        world, key = self.world, self._keys[ELSEWHERE]
        second = [world.institution(SECOND), world.key(SECOND, self._keys[SECOND])]
        return [*world.founding(), *second, world.authority(key=key, id=ELSEWHERE, division="36")]

    def change_seal(self) -> list[bytes]:
        """Return that the seal of the first institution is known to be compromised, and its next one."""
        self._keys[INSTITUTION] = make_signer("next seal")
        return [self.world.compromise(NOW), self.world.key(INSTITUTION, self._keys[INSTITUTION])]

    def issue(
        self,
        issuer: str,
        number: int,
        thing: int,
        *,
        passed: bool = True,
        version: int = 0,
        replaces: int | None = None,
        lot: str | None = None,
        kind: DocumentKind = DocumentKind.VERIFICATION,
        parts: Sequence[str] = (),
    ) -> bytes | Issued:
        """Return an issue; with its certificate, of which little more is there, where that names parts."""
        instrument, part = get_thing(thing)
        body = encode_canonical_json(
            {
                "credentialSubject": {"instrument": {"parts": [{"id": each} for each in parts]}},
                "nonce": self._next().hex(),
            }
        )
        claims = IssueClaims(
            number=make_number(number),
            instrument_id=make_instrument(instrument),
            part=part,
            serial=compute_statement_serial(f"SN{instrument}"),
            category=Category.FUEL_DISPENSER,
            conclusion=Conclusion.PASS if passed else Conclusion.FAIL,
            verified_on=VERIFIED_ON,
            valid_until=VERIFIED_ON + timedelta(days=180) if passed else None,
            validity_kind=ValidityKind.DATE if passed else ValidityKind.NONE,
            certificate_digest=Digest(hashlib.sha256(body).digest()),
            seals_digest=None,
            predecessor=None if replaces is None else make_number(replaces),
            lot=lot,
            kind=kind,
        )
        event_type = EventType.ISSUE if replaces is None else EventType.REPLACE
        signed = self._sign(Statement(event_type, issuer, claims, version))
        return Issued(signed, body) if parts else signed

    def say_of_lot(self, speaker: str, issuer: str, lot: str, status: LotStatus, *, version: int) -> bytes:
        decision = DECISION if speaker in {AUTHORITY, ELSEWHERE} and status is not LotStatus.VALID else None
        reason = ReasonCode.FAILED_SPOT_CHECK
        content = LotContent(InstitutionId(issuer), lot, status, reason, NOW, decision)
        claims = ActClaims(self._next(), encode_lot(content))
        return self._sign(Statement(EventType.LOT, speaker, claims, version))

    def say_same(
        self, speaker: str, one: tuple[str, int, int], other: tuple[str, int, int], *, version: int
    ) -> bytes:
        """Return that the instruments of two certificates (issuer, number, thing) are one."""
        decision = DECISION if speaker in {AUTHORITY, ELSEWHERE} else None
        content = SameAs(make_named(*one), make_named(*other), ReasonCode.WRONG_INSTRUMENT, NOW, decision)
        claims = ActClaims(self._next(), encode_same_as(content))
        return self._sign(Statement(EventType.INSTRUMENT_SAME_AS, speaker, claims, version))

    def say_split(
        self, speaker: str, one: tuple[str, int, int], into: list[InstrumentId], *, version: int
    ) -> bytes:
        """Return that the instrument of a certificate is several."""
        decision = DECISION if speaker in {AUTHORITY, ELSEWHERE} else None
        content = Split(make_named(*one), tuple(sorted(into)), ReasonCode.WRONG_INSTRUMENT, NOW, decision)
        claims = ActClaims(self._next(), encode_split(content))
        return self._sign(Statement(EventType.INSTRUMENT_SPLIT, speaker, claims, version))

    def act(
        self,
        event_type: EventType,
        speaker: str,
        issuer: str,
        number: int,
        thing: int,
        *,
        version: int,
        decided: bool | None = None,
        **changes: object,
    ) -> bytes:
        instrument, part = PARTS[thing]
        if decided is None:
            decided = speaker in {AUTHORITY, ELSEWHERE}
        act = Act(
            issuer=InstitutionId(issuer),
            number=make_number(number),
            instrument_id=make_instrument(instrument),
            part=part,
            reason=ReasonCode.STANDARD_INVALID,
            effective_at=NOW,
            decision=DECISION if decided else None,
            document=Digest(bytes(32)) if event_type is EventType.SUPPLEMENT else None,
        )
        return self.sign_act(event_type, speaker, replace(act, **changes), version)

    def sign_act(self, event_type: EventType, speaker: str, act: Act, version: int) -> bytes:
        claims = ActClaims(self._next(), encode_act(act))
        return self._sign(Statement(event_type, speaker, claims, version))

    def act_on(
        self, issued: Issued, event_type: EventType, speaker: str, version: int, **changes: object
    ) -> bytes:
        """Return an act on a certificate that was issued."""
        statement = parse_signed_statement(issued.raw).statement
        claims = statement.claims
        act = Act(
            issuer=InstitutionId(statement.issuer),
            number=claims.number,
            instrument_id=claims.instrument_id,
            part=claims.part,
            reason=ReasonCode.WRONG_RESULT,
            effective_at=NOW,
            decision=DECISION if speaker in {AUTHORITY, ELSEWHERE} else None,
        )
        return self.sign_act(event_type, speaker, replace(act, **changes), version)

    def _next(self) -> bytes:
        self._count += 1
        return self._count.to_bytes(8)

    def _sign(self, statement: Statement) -> bytes:
        return sign_statement(statement, self._keys[statement.issuer], self.world.origin)


def get_thing(thing: int) -> tuple[int, str | None]:
    """Return the number and the part of a thing; beyond `PARTS` there are instruments without parts."""
    return PARTS[thing] if thing < len(PARTS) else (thing, None)


def make_named(issuer: str, number: int, thing: int) -> NamedInstrument:
    instrument, part = PARTS[thing]
    return NamedInstrument(InstitutionId(issuer), make_number(number), make_instrument(instrument), part)


def make_number(number: int) -> CertificateNumber:
    return CertificateNumber(f"A-{number}")


def make_instrument(instrument: int) -> InstrumentId:
    return InstrumentId(hashlib.sha256(_encode_number(instrument)).digest()[:16])


def _encode_number(number: int) -> bytes:
    return bytes([number]) if number < 256 else number.to_bytes(8)
