"""A served ledger with a roll of stickers: what a desk says of stickers and instruments, handed in over HTTP.

with ApiWorld() as served:
    desk = StickerWorld(served)
    desk.bind(desk.sticker(0), PUMP)
    desk.verify(1)                           # the certificate of the pump
"""

import hashlib
from dataclasses import replace

from api_world import ApiWorld, entry
from stickers import REGISTRATION
from world import AUTHORITY, INSTITUTION, NOW, Issued, make_signer

from ledger.core.act import Decision, NamedInstrument, ReasonCode
from ledger.core.certificate import parse_certificate
from ledger.core.event import EventType, instrument_subject, roll_subject, sticker_subject
from ledger.core.ids import CertificateNumber, InstitutionId, InstrumentId
from ledger.core.link import SameAs, Split, encode_same_as, encode_split
from ledger.core.qr import ShortCode, compute_code
from ledger.core.register_fields import RegisterState
from ledger.core.registration import encode_instrument_content
from ledger.core.rules import build_issue_claims
from ledger.core.statement import ActClaims, IssueClaims, Statement, parse_signed_statement, sign_statement
from ledger.core.sticker import RollContent, StickerId, compute_sticker_id, encode_roll_content
from ledger.core.sticker_use import (
    StickerBinding,
    StickerReason,
    StickerRelease,
    encode_binding,
    encode_release,
)

ROLL = RollContent("7KQ2M9X", INSTITUTION, 100, bytes(16), RegisterState.ACTIVE)
SECOND = InstitutionId("350100-02")
DECISION = Decision("闽市监〔2026〕1号", "计量法第二十六条", NOW.date(), None, "可申请行政复议")


def name_instrument(number: int) -> InstrumentId:
    """Return the id of the instrument of `World.record(number)`."""
    return InstrumentId(hashlib.sha256(b"instrument" + number.to_bytes(8)).digest()[:16])


PUMP, SCALE = name_instrument(1), name_instrument(2)


class StickerWorld:
    """What institutions and an authority say in one served log; every statement must be accepted."""

    def __init__(self, served: ApiWorld, roll: RollContent = ROLL) -> None:
        self.served = served
        self.roll = roll
        self.documents: dict[str, Issued] = {}
        self._keys = {
            INSTITUTION: served.world.seal,
            SECOND: make_signer("second"),
            AUTHORITY: served.world.authority_key,
        }
        self.allot(roll)

    def sticker(self, number: int) -> StickerId:
        return compute_sticker_id(self.roll, number)

    # --- stickers -------------------------------------------------------------------------------------------

    def allot(self, roll: RollContent) -> None:
        raw, version = encode_roll_content(roll), self._version(roll_subject(roll.roll))
        seal = self._keys[roll.institution]
        statement = self.served.world._register(
            EventType.STICKER_ALLOTTED, roll.institution, raw, seal, version=version
        )
        self.hand_in(statement)

    def withdraw(self) -> None:
        """Let no further sticker of the roll be bound."""
        self.allot(replace(self.roll, state=RegisterState.WITHDRAWN))

    def bind(self, sticker: StickerId, instrument: InstrumentId, part: str | None = None) -> int:
        content = StickerBinding(sticker, instrument, part, NOW)
        return self.say(EventType.STICKER_BOUND, encode_binding(content), sticker_subject(sticker))

    def release(
        self,
        sticker: StickerId,
        instrument: InstrumentId,
        part: str | None = None,
        reason: StickerReason = StickerReason.DAMAGED,
        speaker: str = INSTITUTION,
    ) -> int:
        decision = DECISION if speaker == AUTHORITY else None
        content = StickerRelease(StickerBinding(sticker, instrument, part, NOW), reason, decision)
        raw = encode_release(content)
        return self.say(EventType.STICKER_UNBOUND, raw, sticker_subject(sticker), speaker)

    # --- instruments ----------------------------------------------------------------------------------------

    def register(self, instrument: InstrumentId, **changes: object) -> int:
        content = replace(REGISTRATION, id=instrument, answers=(), **changes)
        raw = encode_instrument_content(content)
        return self.say(EventType.INSTRUMENT, raw, content.subject)

    def verify(
        self, number: int, part: str | None = None, *, fails: bool = False, **changes: object
    ) -> ShortCode:
        """Issue the certificate, or the rejection notice, of an instrument or a part of it."""
        count = len(self.documents)
        unique = {"no": f"S-{count:06}", "nonce": hashlib.sha256(b"s" + bytes([count])).hexdigest()[:32]}
        make = self.served.sign_rejection if fails else self.served.sign
        body = make(number, **unique, **changes).body
        certificate = parse_certificate(body)
        claims = build_issue_claims(certificate.record, certificate.digest, part)
        version = self._version(instrument_subject(claims.instrument_id, part))
        statement = Statement(EventType.ISSUE, INSTITUTION, claims, version)
        issued = Issued(sign_statement(statement, self._keys[INSTITUTION], self.served.world.origin), body)
        self.hand_in(issued.raw, issued.body)
        code = compute_code(issued.raw)
        self.documents[code] = issued
        return code

    def same(self, one: ShortCode, other: ShortCode) -> int:
        """Say that the instruments of two certificates are one."""
        content = SameAs(self._name(one), self._name(other), ReasonCode.WRONG_INSTRUMENT, NOW)
        return self.say(EventType.INSTRUMENT_SAME_AS, encode_same_as(content), content.subject)

    def split(self, code: ShortCode, into: InstrumentId) -> int:
        content = Split(self._name(code), (into,), ReasonCode.WRONG_INSTRUMENT, NOW)
        return self.say(EventType.INSTRUMENT_SPLIT, encode_split(content), content.subject)

    def _name(self, code: ShortCode) -> NamedInstrument:
        statement = parse_signed_statement(self.documents[code].raw).statement
        assert isinstance(statement.claims, IssueClaims)
        number = CertificateNumber(statement.claims.number)
        return NamedInstrument(
            InstitutionId(statement.issuer), number, statement.claims.instrument_id, statement.claims.part
        )

    # --- handing in -----------------------------------------------------------------------------------------

    def say(self, event_type: EventType, content: bytes, subject: bytes, speaker: str = INSTITUTION) -> int:
        version = self._version(subject)
        claims = ActClaims(hashlib.sha256(content + version.to_bytes(4)).digest()[:8], content)
        statement = Statement(event_type, speaker, claims, version)
        return self.hand_in(sign_statement(statement, self._keys[speaker], self.served.world.origin))

    def hand_in(self, raw: bytes, body: bytes | None = None) -> int:
        (result,) = self.served.post([entry(raw, body)]).json()["results"]
        assert "index" in result, result
        return result["index"]

    def _version(self, subject: bytes) -> int:
        with self.served.store.read() as reading:
            state = reading.find_states([subject]).get(subject)
        return 0 if state is None else state.version
