"""Logs of random lives, seeded: what may be said, and what may not, so that two folds are held against each other.

>>> ledger = live(1, 40)
>>> len(ledger.leaves)
45
"""

import hashlib
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any

from ledger_in_memory import START, MemoryLedger, make_signer
from registered import BLOCK, MATERIAL, PERSON, PUMP_LIMITS, PUMP_RULE, STANDARD, TYPE
from stickers import PUMP, ROLL, SCALE

from ledger.core.act import NamedInstrument
from ledger.core.authority import (
    AuthorityContent,
    CompromiseContent,
    InstitutionContent,
    KeyContent,
    PolicyContent,
    Power,
    Register,
    Trade,
    encode_authority_content,
    encode_compromise_content,
    encode_institution_content,
    encode_key_content,
    encode_policy_content,
    encode_root_content,
)
from ledger.core.calendar_rules import ValidityKind
from ledger.core.category import Category
from ledger.core.event import EventType
from ledger.core.fold import find_subject
from ledger.core.ids import CertificateNumber, Digest, InstitutionId, InstrumentId
from ledger.core.instrument import compute_statement_serial
from ledger.core.person import Qualification, encode_person_content
from ledger.core.published_rule import encode_regulation_content
from ledger.core.record import VerificationKind
from ledger.core.register_fields import Name, RegisterState
from ledger.core.scope import ScopeContent, encode_scope_content
from ledger.core.signature import Signer
from ledger.core.standard import encode_material_content, encode_standard_content
from ledger.core.statement import (
    Conclusion,
    DocumentKind,
    Endorsement,
    IssueClaims,
    RegisterClaims,
    Statement,
    compute_endorsed_bytes,
    sign_statement,
)
from ledger.core.sticker import encode_roll_content
from ledger.core.type_approval import encode_block_content, encode_type_approval_content

DAY = START.date()
DIVISIONS = ("", "35", "3501", "350102", "36")
AUTHORITIES = ("CN", "CN-35", "CN-3501")
INSTITUTIONS = tuple(InstitutionId(one) for one in ("350100-01", "350000-01", "360100-01"))
NEW_KEYS = ("seal", "second seal", "third seal", "P-0001", "P-0002", "authority", "root")
SIGNER_OF = {
    "ROOT": "root", "CN": "nation", "CN-35": "authority", "CN-3501": "city", "350100-01": "seal",
    "350000-01": "other seal", "360100-01": "foreign seal",
}  # fmt: skip
MOST_RIGHT = 0.9
"""Of everything that is chosen, how much is as it should be."""


class RandomLife(MemoryLedger):
    """A log, and somebody who says things at random."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.random = Random(seed)
        self.found()
        for name, division in (("CN", ""), ("CN-3501", "3501")):
            key = SIGNER_OF[name]
            self.append(self.authority(id=name, name=Name(name, None), key=key, division=division))
        for one, division in zip(INSTITUTIONS[1:], ("35", "36"), strict=True):
            self.append(self.institution(authority="CN", by="nation", id=one, division=division))
            self.append(self.key(authority="CN", by="nation", seal=SIGNER_OF[one], institution=one))

    # --- choices --------------------------------------------------------------------------------------------

    def choose(self, right: Any, *others: Any) -> Any:
        """Return what is right, mostly."""
        return right if not others or self.chance(MOST_RIGHT) else self.random.choice(others)

    def chance(self, rate: float) -> bool:
        return self.random.random() < rate

    def choose_state(self) -> RegisterState:
        return self.choose(RegisterState.ACTIVE, *RegisterState)

    def choose_day(self) -> date:
        return DAY + timedelta(days=self.random.choice((-900, -2, -1, 0, 0, 1, 2, 30)))

    def speak(self) -> bytes:
        """Return a statement: of a register, or of a document."""
        return self.random.choice((self.say_register, self.say_register, self.issue_something))()

    # --- registers ------------------------------------------------------------------------------------------

    def say_register(self) -> bytes:
        event, content, issuer, endorsers = self.random.choice(
            (
                self._root, self._policy, self._authority, self._institution, self._key, self._compromise, self._scope,
                self._person, self._standard, self._material, self._regulation, self._type, self._block, self._roll,
            )
        )()  # fmt: skip
        issuer = self.choose(issuer, "ROOT", *AUTHORITIES, *INSTITUTIONS, "NOBODY")
        signer = make_signer(self.choose(SIGNER_OF.get(issuer, "nobody"), *SIGNER_OF.values()))
        given = [make_signer(name) for name in endorsers if self.chance(0.97)]
        return self._sign(event, issuer, content, signer, given)

    def _sign(
        self, event: EventType, issuer: str, content: bytes, signer: Signer, given: list[Signer]
    ) -> bytes:
        version = self._expect(Statement(event, issuer, RegisterClaims(bytes(8), content, ())))
        message = compute_endorsed_bytes(event, self.origin, content, self.choose(version, 0, version + 1))
        found = {by.public_key.key_id: Endorsement(by.public_key.key_id, by.sign(message)) for by in given}
        endorsements = tuple(found[key_id] for key_id in sorted(found))
        claims = RegisterClaims(self.random.randbytes(8), content, endorsements)
        return sign_statement(Statement(event, issuer, claims, version), signer, self._origin())

    def _origin(self) -> str:
        return self.choose(*[self.origin] * 30, "ledger.example/other")

    def _expect(self, statement: Statement) -> int:
        before = self.states.get(find_subject(statement))
        version = 0 if before is None else before.version
        return self.choose(version, *range(4))

    def _root(self) -> tuple:
        newest = self.registers.root or self.root_content
        keys = self.choose(["root"], ["root", "second root"], ["second root"], ["root", "seal"])
        content = replace(
            newest,
            version=self.choose(newest.version + 1, 1, newest.version),
            keys=tuple(make_signer(name).public_key for name in keys),
            threshold=self.random.randint(1, len(keys)),
            previous=self.choose(self.registers.roots[-1], bytes(32)),
            origin=self.choose(self.origin, "ledger.example/other"),
            predecessor=self.choose(None, "ledger.example/2025"),
        )
        if content.version == 1:
            content = replace(content, previous=None)
        return EventType.ROOT, encode_root_content(content), "ROOT", ["root", *keys]

    def _policy(self) -> tuple:
        newest = self.registers.policy_version or 0
        content = PolicyContent(self.choose(newest + 1, newest or 1, newest + 5), bytes(32))
        return EventType.POLICY, encode_policy_content(content), "ROOT", ["root"]

    def _authority(self) -> tuple:
        own, powers = self.random.choice((*AUTHORITIES, "350100-01")), list(Power)
        key = self.choose(SIGNER_OF[own], "second authority", "seal")
        content = AuthorityContent(
            id=own,
            name=Name(own, None),
            key=make_signer(key).public_key,
            division=self.random.choice(DIVISIONS[:4]),
            powers=frozenset(self.choose(powers, powers[1:], powers[:3])),
            valid_from=self.choose(date(2020, 1, 1), DAY + timedelta(days=1)),
            valid_until=self.choose(date(2039, 12, 31), DAY + timedelta(days=1)),
            state=self.choose_state(),
        )
        return EventType.DELEGATE, encode_authority_content(content), "ROOT", ["root", key]

    def _institution(self) -> tuple:
        content = InstitutionContent(
            id=InstitutionId(self.random.choice((*INSTITUTIONS, "350100-09", "CN-35"))),
            name=Name("所", None),
            credit_code=None,
            division=self.random.choice(DIVISIONS),
            state=self.choose_state(),
            trade=self.choose(Trade.VERIFICATION, *Trade),
            registers=frozenset(self.choose(list(Register), [])),
            checker_may_approve=self.chance(0.5),
        )
        return EventType.INSTITUTION, encode_institution_content(content), self.choose("CN-35", "CN"), []

    def _key(self) -> tuple:
        own = self.random.choice(INSTITUTIONS)
        key = self.random.choice((SIGNER_OF[own], *NEW_KEYS))
        content = KeyContent(own, make_signer(key).public_key, self.choose_state())
        return EventType.KEY, encode_key_content(content), "CN", [key]

    def _compromise(self) -> tuple:
        own = self.random.choice(INSTITUTIONS)
        key = self.choose(SIGNER_OF[own], *NEW_KEYS)
        since = START + timedelta(seconds=self.random.randint(-100, 60))
        content = CompromiseContent(own, make_signer(key).public_key, since)
        return EventType.KEY_COMPROMISED_FROM, encode_compromise_content(content), "CN-35", []

    def _scope(self) -> tuple:
        content = ScopeContent(
            institution=self.choose(*INSTITUTIONS, InstitutionId("350100-09")),
            id=self.random.choice(("S1", "S2")),
            authorisation_no="1",
            categories=frozenset({Category.FUEL_DISPENSER}),
            kinds=frozenset(VerificationKind),
            division=self.random.choice(DIVISIONS),
            valid_from=self.choose_day(),
            valid_until=date(2028, 12, 31),
            state=self.choose_state(),
        )
        return EventType.SCOPE, encode_scope_content(content), self.random.choice(AUTHORITIES), []

    def _person(self) -> tuple:
        key = self.choose("P-0001", "P-0002", "seal", None)
        content = replace(
            PERSON,
            institution=self.choose(*INSTITUTIONS),
            id=self.random.choice(("P-0001", "P-0002")),
            qualification=self.random.choice(list(Qualification)),
            valid_from=self.choose_day(),
            state=self.choose_state(),
            key=None if key is None else make_signer(key).public_key,
        )
        issuer = self.random.choice((content.institution, "CN-35"))
        return EventType.PERSON, encode_person_content(content), issuer, [] if key is None else [key]

    def _standard(self) -> tuple:
        content = replace(
            STANDARD,
            institution=self.choose(*INSTITUTIONS),
            is_primary=self.chance(0.3),
            valid_from=self.choose_day(),
            state=self.choose_state(),
        )
        return EventType.STANDARD, encode_standard_content(content), self.random.choice(AUTHORITIES), []

    def _material(self) -> tuple:
        raw = encode_material_content(replace(MATERIAL, valid_from=self.choose_day(), state=self.choose_state(),
                                              valid_until=date(2030, 1, 1)))  # fmt: skip
        return EventType.REFERENCE_MATERIAL, raw, self.random.choice(AUTHORITIES), []

    def _regulation(self) -> tuple:
        cells = {
            "regulation": self.random.choice(("JJG 443-2023(试行)", "JJG443—2024", "JJG 443-2025")),
            "effective_on": self.random.choice(("2023-07-01", "2024-07-01")),
        }
        raw = encode_regulation_content(PUMP_RULE | cells, PUMP_LIMITS, self.choose_state())
        return EventType.REGULATION, raw, self.random.choice(AUTHORITIES), []

    def _type(self) -> tuple:
        raw = encode_type_approval_content(replace(TYPE, state=self.choose_state()))
        return EventType.TYPE_APPROVAL, raw, self.random.choice(AUTHORITIES), []

    def _block(self) -> tuple:
        state = self.random.choice(list(RegisterState))
        content = replace(BLOCK, id=self.random.choice(("B-1", "B-2")), state=state)
        return EventType.BLOCK, encode_block_content(content), self.random.choice(AUTHORITIES), []

    def _roll(self) -> tuple:
        content = replace(ROLL, state=self.choose_state(), count=self.choose(ROLL.count, 7))
        issuer = self.random.choice((content.institution, "CN-35"))
        return EventType.STICKER_ALLOTTED, encode_roll_content(content), issuer, []

    # --- documents ------------------------------------------------------------------------------------------

    def _seal(self, statement: Statement) -> bytes:
        signer = make_signer(self.choose(SIGNER_OF[statement.issuer], *SIGNER_OF.values()))
        return sign_statement(
            replace(statement, expected_version=self._expect(statement)), signer, self._origin()
        )

    def _instrument(self) -> InstrumentId:
        return self.random.choice((PUMP, SCALE))

    def _named(self) -> NamedInstrument:
        """Return an instrument with a certificate of it, mostly."""
        issued = [one for one in self.issued if one[1] == self._instrument()] or self.issued
        issuer, instrument, part, number = self.random.choice(
            issued or [(INSTITUTIONS[0], PUMP, None, "N-1")]
        )
        return NamedInstrument(
            issuer,
            CertificateNumber(self.choose(number, "N-1")),
            self.choose(instrument, SCALE),
            self.choose(part, "1"),
        )

    @property
    def issued(self) -> list[tuple]:
        return self.__dict__.setdefault("_issued", [])

    def issue_something(self) -> bytes:
        issuer = self.choose(*INSTITUTIONS)
        replaced = self._named() if self.chance(0.3) else None
        part = self.random.choice((None, None, "1")) if replaced is None else replaced.part
        instrument = self._instrument() if replaced is None else replaced.instrument_id
        number = f"N-{self.random.randint(1, 60)}"
        passed = self.chance(0.8)
        claims = IssueClaims(
            number=CertificateNumber(number),
            instrument_id=instrument,
            part=part,
            serial=compute_statement_serial("SN1"),
            category=Category.FUEL_DISPENSER,
            conclusion=Conclusion.PASS if passed else Conclusion.FAIL,
            verified_on=DAY,
            valid_until=DAY + timedelta(days=180) if passed else None,
            validity_kind=ValidityKind.DATE if passed else ValidityKind.NONE,
            certificate_digest=Digest(hashlib.sha256(number.encode()).digest()),
            seals_digest=None,
            predecessor=None if replaced is None else replaced.number,
            lot=self.choose(None, "L1"),
            kind=self.random.choice((DocumentKind.VERIFICATION, DocumentKind.VERIFICATION, *DocumentKind)),
        )
        issuer = issuer if replaced is None else replaced.issuer
        self.issued.append((issuer, instrument, part, number))
        event = EventType.ISSUE if replaced is None else EventType.REPLACE
        return self._seal(Statement(event, issuer, claims))


def live(seed: int, length: int, *, forced: float = 0) -> RandomLife:
    """Return a log of a random life.

    Args:
        seed: of everything in it.
        length: statements beside the founding ones.
        forced: how many of those that have no effect are logged as if they had, by a log that lies.
    """
    ledger = RandomLife(seed)
    for _ in range(length):
        raw = ledger.speak()
        if ledger.random.random() < forced:
            ledger.force(raw)
        else:
            ledger.append(raw)
    return ledger
