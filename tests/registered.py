"""A ledger whose registers are whole: three persons with keys, a chain of standards, a type, a regulation.

>>> ledger = RegisteredLedger()
>>> sorted(content.id for content in ledger.registers.list_newest(PersonContent))
['P-0001', 'P-0002', 'P-0003']
"""

import hashlib
from dataclasses import replace
from datetime import date, datetime

from ledger_in_memory import AUTHORITY, INSTITUTION, MemoryLedger, make_record, make_signer

from ledger.core.act import Decision
from ledger.core.authority import Register
from ledger.core.canonical import encode_canonical_json
from ledger.core.category import Category
from ledger.core.certificate import build_document
from ledger.core.data_integrity import create_proof, join_proofs
from ledger.core.event import EventType
from ledger.core.ids import Digest, InstitutionId
from ledger.core.person import PersonContent, Qualification, encode_person_content
from ledger.core.published_rule import encode_regulation_content
from ledger.core.record import Role, Software
from ledger.core.register_fields import Name, RegisterState
from ledger.core.standard import (
    MainInstrument,
    MaterialContent,
    StandardContent,
    StandardReference,
    encode_material_content,
    encode_standard_content,
)
from ledger.core.type_approval import (
    BlockContent,
    TypeApprovalContent,
    encode_block_content,
    encode_type_approval_content,
)

INSTITUTE = InstitutionId("350000-01")
"""The provincial institute, whose standard the other's instruments were compared with."""
NATION = "CN"
MAKER = "示例机械有限公司"
MODEL = "EX-1224"
CPA = "2018F258-32"
SOFTWARE = Software("V1.2", Digest(hashlib.sha256(b"software").digest()))
ROLES = {"P-0001": Role.OPERATOR, "P-0002": Role.CHECKER, "P-0003": Role.APPROVER}
DECISION = Decision(
    "闽市监停〔2026〕1号", "《中华人民共和国计量法》第二十五条", date(2026, 2, 1), None, "可申请行政复议"
)

PERSON = PersonContent(
    institution=INSTITUTION,
    id="P-0001",
    qualification=Qualification.REGISTERED,
    roles=frozenset({Role.OPERATOR}),
    categories=frozenset({Category.FUEL_DISPENSER, Category.PRICE_SCALE}),
    valid_from=date(2024, 1, 1),
    valid_until=date(2028, 12, 31),
    state=RegisterState.ACTIVE,
)
STANDARD = StandardContent(
    institution=INSTITUTION,
    id="350100-17",
    name="标准金属量器标准装置",
    examination_no="〔2024〕闽量标榕证字第017号",
    public_no="〔2024〕闽社量标榕证字第017号",
    is_mandatory=False,
    is_primary=False,
    categories=frozenset({Category.FUEL_DISPENSER, Category.PRICE_SCALE}),
    range="(5~100) L",
    uncertainty="U=0.05%, k=2",
    instruments=(
        MainInstrument(
            no="17-1",
            certificate_no="SL-0017-01",
            certificate_digest=Digest(hashlib.sha256(b"SL-0017-01").digest()),
            dated=date(2025, 9, 1),
            until=date(2026, 8, 31),
            source=StandardReference(INSTITUTE, "350000-03"),
        ),
    ),
    valid_from=date(2024, 6, 1),
    valid_until=date(2029, 5, 31),
    state=RegisterState.ACTIVE,
)
PARENT = replace(
    STANDARD,
    institution=INSTITUTE,
    id="350000-03",
    name="一等标准金属量器标准装置",
    examination_no="〔2023〕国量标闽证字第003号",
    instruments=(
        MainInstrument(
            no="3-1",
            certificate_no="CDjc2025-01234",
            certificate_digest=Digest(hashlib.sha256(b"CDjc2025-01234").digest()),
            dated=date(2025, 3, 1),
            until=date(2027, 2, 28),
            source="NIM",
        ),
    ),
    valid_from=date(2023, 1, 1),
    valid_until=date(2027, 12, 31),
)
MATERIAL = MaterialContent(
    id="GBW(E)130070",
    lot="2025-03",
    name="车用汽油",
    value="745.2 kg/m³, U=0.3 kg/m³, k=2",
    valid_from=date(2025, 3, 1),
    valid_until=date(2026, 6, 30),
    state=RegisterState.ACTIVE,
)
TYPE = TypeApprovalContent(
    number=CPA,
    category=Category.FUEL_DISPENSER,
    maker=MAKER,
    models=frozenset({MODEL, "EX-1248"}),
    software=(SOFTWARE,),
    oiml="R117/2019-A-NL1-18.01",
    valid_from=date(2018, 6, 1),
    valid_until=None,
    state=RegisterState.ACTIVE,
)
BLOCK = BlockContent(
    id="B-2026-1",
    maker=MAKER,
    models=frozenset(),
    serials=frozenset(),
    valid_from=date(2026, 2, 1),
    state=RegisterState.ACTIVE,
    decision=DECISION,
)
PUMP_RULE = {
    "category_code": "FUEL_DISPENSER",
    "name_zh": "燃油加油机",
    "name_en": "fuel dispenser",
    "regulation": "JJG 443-2023(试行)",
    "effective_on": "2023-07-01",
    "control": "P+V",
    "verification_mode": "periodic",
    "validity_months": "6",
    "uncertainty_share": "1/3",
}
PUMP_LIMITS = [
    {"item": "indication_error", "mpe_lower": "-0.30", "mpe_upper": "0.30", "unit": "%", "inclusive": "yes"},
    {"item": "repeatability", "mpe_upper": "0.10", "unit": "%", "inclusive": "yes"},
]


class RegisteredLedger(MemoryLedger):
    """Registers everything at leaves of their own; documents come after."""

    def __init__(self, *, whole: bool = True) -> None:
        super().__init__()
        self.found()
        registers = frozenset(Register) if whole else frozenset()
        self.append(self.institution(version=1, registers=registers))
        self.append(self.other_institution())
        for raw in (self.standard(PARENT), self.standard(), self.material(), self.approve()):
            self.append(raw)
        for person_id in ROLES:
            self.append(self.person(person_id))

    def other_institution(self) -> bytes:
        return self.institution(id=INSTITUTE, division="35", credit_code=None)

    def person(self, person_id: str = "P-0001", *, version: int = 0, **changes: object) -> bytes:
        """Return the registration of a person, whose key speaks for itself."""
        role = ROLES.get(person_id, Role.OPERATOR)
        signer = make_signer(changes.pop("signer", person_id))
        content = replace(PERSON, id=person_id, roles=frozenset({role}), key=signer.public_key)
        content = replace(content, **changes)
        by, issuer = changes.get("by"), AUTHORITY
        return self.register(
            EventType.PERSON,
            issuer,
            encode_person_content(content),
            make_signer(by or "authority"),
            endorsers=() if content.key is None else (signer,),
            version=version,
        )

    def standard(self, content: StandardContent = STANDARD, *, version: int = 0, **changes: object) -> bytes:
        raw = encode_standard_content(replace(content, **changes))
        return self.by_authority(EventType.STANDARD, raw, version)

    def nation(self) -> bytes:
        """Return the delegation of an authority of no division, whose key is `nation`."""
        return self.authority(id=NATION, name=Name("国家市场监督管理总局", None), key="nation", division="")

    def primary(self, content: StandardContent, *, version: int = 0, by: str = "nation") -> bytes:
        """Return the registration of a primary standard, by the nation's authority."""
        raw = encode_standard_content(replace(content, is_primary=True, instruments=()))
        issuer = NATION if by == "nation" else AUTHORITY
        return self.register(EventType.STANDARD, issuer, raw, make_signer(by), version=version)

    def material(self, *, version: int = 0, **changes: object) -> bytes:
        raw = encode_material_content(replace(MATERIAL, **changes))
        return self.by_authority(EventType.REFERENCE_MATERIAL, raw, version)

    def approve(self, *, version: int = 0, **changes: object) -> bytes:
        raw = encode_type_approval_content(replace(TYPE, **changes))
        return self.by_authority(EventType.TYPE_APPROVAL, raw, version)

    def block(self, *, version: int = 0, **changes: object) -> bytes:
        raw = encode_block_content(replace(BLOCK, **changes))
        return self.by_authority(EventType.BLOCK, raw, version)

    def publish_rule(
        self, *, version: int = 0, state: RegisterState = RegisterState.ACTIVE, **cells: str
    ) -> bytes:
        raw = encode_regulation_content(PUMP_RULE | cells, PUMP_LIMITS, state)
        return self.by_authority(EventType.REGULATION, raw, version)

    def by_authority(self, event_type: EventType, content: bytes, version: int = 0) -> bytes:
        return self.register(event_type, AUTHORITY, content, make_signer("authority"), version=version)


def make_registered_record(number: int = 1, **changes: object) -> dict:
    """Return a record that keeps every rule by these registers; `persons` sign with their keys."""
    instrument = make_record(number)["instrument"] | {
        "maker": MAKER,
        "model": MODEL,
        "cpa_no": CPA,
        "purpose": "trade",
        "software": {"id": SOFTWARE.id, "hash": SOFTWARE.digest.hex()},
    }
    record = make_record(
        number,
        instrument=instrument | changes.pop("instrument", {}),
        standards=[state_standard()],
        crms=[{"id": MATERIAL.id, "lot": MATERIAL.lot}],
        persons=[state_person(person_id) for person_id in ROLES],
    )
    del record["issued_on"]
    return {name: value for name, value in (record | changes).items() if value is not ...}


def state_person(person_id: str, **changes: object) -> dict:
    role = ROLES.get(person_id, Role.OPERATOR)
    key = make_signer(person_id).public_key.multikey
    members = {"role": role.value, "pid": person_id, "key": key} | changes
    return {name: value for name, value in members.items() if value is not ...}


def state_standard(content: StandardContent = STANDARD, **changes: object) -> dict:
    """Return how a document states a registered standard."""
    members = {
        "id": content.id,
        "name": content.name,
        "exam_no": content.examination_no,
        "exam_until": content.valid_until.isoformat(),
        "range": content.range,
        "u": content.uncertainty,
        "instruments": [
            {"no": item.no, "cert_no": item.certificate_no, "until": item.until.isoformat()}
            for item in content.instruments
        ],
    }
    return members | changes


def seal_by_all(
    record: dict, times: dict[str, datetime], seal: str = "seal", signers: dict | None = None
) -> dict:
    """Return the credential with a proof of each person who has a key, then the seal.

    Args:
        record: as it is signed.
        times: `OPERATOR`, ... by role's value, and `seal`: when each signs, as proofs write it.
        seal: name of the institution's signer.
        signers: names of persons' signers where they are not their ids.
    """
    key = make_signer(seal)
    document = build_document(record, key.public_key.did_key)
    persons = [person for person in record["persons"] if "key" in person]
    once = {person["key"]: person for person in persons}
    proofs = [
        create_proof(
            document, make_signer((signers or {}).get(person["pid"], person["pid"])), times[person["role"]]
        )
        for person in once.values()
    ]
    return join_proofs(document, [*proofs, create_proof(document, key, times["seal"])])


TIMES = {
    "operator": "2026-02-28T04:00:00Z",
    "checker": "2026-02-28T05:00:00Z",
    "approver": "2026-02-28T06:00:00Z",
    "seal": "2026-02-28T07:00:00Z",
}


def canonical(value: dict) -> bytes:
    return encode_canonical_json(value)
