"""The world that is measured: one root, one authority, one institution, its desk, and a log on disk.

Everything is put together as the commands do it, on SQLite with `synchronous=FULL` in a folder of its own; the
clock stands still, so that a run of next year measures the same. Keys are fixed: nothing here is secret.

>>> with World(folder) as world:
...     checked = world.desk.check_rows(read_rows(make_input(1_000), InputForm.JSON_LINES))
"""

import hashlib
import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from zoneinfo import ZoneInfo

from measuring import Stopwatch

from issuer.authority import draft_decision, endorse_decision, sign_decision
from issuer.gateway import Acknowledged, Answer, RefusalKind, Refused
from issuer.issuing import Desk
from issuer.numbering import NumberPattern
from issuer.profile import DeskProfile
from issuer.store import DeskStore
from ledger.admission import RuleSet, Standing, admit
from ledger.core.anchor import AnchorGrade, AnchorReceipt, ChainIdentity, sign_receipt
from ledger.core.authority import (
    ROOT_ISSUER,
    AuthorityContent,
    InstitutionContent,
    KeyContent,
    Power,
    RootContent,
    encode_authority_content,
    encode_institution_content,
    encode_key_content,
    encode_root_content,
)
from ledger.core.canonical import JsonObject, encode_canonical_json
from ledger.core.category import Category
from ledger.core.data import load_rule_book
from ledger.core.event import EventType
from ledger.core.ids import InstitutionId, LeafIndex, Subject
from ledger.core.person import PersonContent, Qualification, encode_person_content
from ledger.core.policy import DEFAULT_REQUIRED, ContractPin, Policy
from ledger.core.record import Role, VerificationKind
from ledger.core.register_fields import Name, RegisterState
from ledger.core.scope import ScopeContent, encode_scope_content
from ledger.core.signature import Ed25519Signer, Signer
from ledger.core.statement import parse_signed_statement
from ledger.core.status import Registers
from ledger.core.trust import TrustList
from ledger.log import Log
from ledger.proving import Prover
from ledger.store.engine import Database
from ledger.store.migrations import migrate
from ledger.store.records import StoredCheckpoint
from ledger.store.unit_of_work import SqlStore
from ledger.submission import Acknowledgement, Submission

ORIGIN: Final = "ledger.example/bench"
HOST: Final = "v.example.cn"
INSTITUTION: Final = InstitutionId("350100-01")
AUTHORITY: Final = "CN-35"
ZONE: Final = ZoneInfo("Asia/Shanghai")
NOW: Final = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
VERIFIED_ON: Final = date(2026, 11, 2)
READINGS: Final = 20
FEW_READINGS: Final = 2

_CHAIN: Final = ChainIdentity(31337, bytes(32), bytes(20), bytes(32))
_TOLERANCE: Final = timedelta(minutes=5)
_NOMINAL: Final = Decimal("20.00")
_PROPER: Final = (date(2020, 1, 1), date(2039, 12, 31))


def read_clock() -> datetime:
    """Return the time at which everything happens."""
    return NOW


def make_signer(name: str) -> Ed25519Signer:
    """Return the key of this name."""
    return Ed25519Signer(hashlib.sha256(b"bench" + name.encode()).digest())


def make_input(count: int, readings: int = READINGS, *, persons_sign: bool = False) -> bytes:
    """Return a file of input documents (JSON lines): fuel dispensers of four nozzles, all different."""
    persons = [_name_person(role, persons_sign=persons_sign) for role in Role]
    documents = (_make_document(number, readings) | {"persons": persons} for number in range(count))
    return b"".join(encode_canonical_json(document) + b"\n" for document in documents)


def _name_person(role: Role, *, persons_sign: bool) -> JsonObject:
    """Return a person with a key of their own, or with the time at which the record says that they signed."""
    if persons_sign:
        return {"role": role.value, "pid": f"P-{role}", "key": make_signer(role).public_key.multikey}
    hour = list(Role).index(role) + 4
    return {"role": role.value, "pid": f"P-{role}", "signed_at": f"2026-11-02T0{hour}:00:00Z"}


def _make_document(number: int, readings: int) -> JsonObject:
    nozzles = min(4, readings)
    return {
        "request_id": f"R-{number:07}",
        "kind": "periodic",
        "instrument": {
            "id": hashlib.sha256(b"instrument" + number.to_bytes(8)).hexdigest()[:32],
            "category": "FUEL_DISPENSER",
            "name": "燃油加油机",
            "serial": f"SN{number:08}",
            "model": "EX-1224",
            "maker": "示例机械有限公司",
            "parts": [{"id": str(nozzle)} for nozzle in range(1, nozzles + 1)],
            "site": {"division": "350102"},
        },
        "results": [_make_result(nozzle, readings // nozzles, number) for nozzle in range(1, nozzles + 1)],
        "conclusion": "pass",
        "adjusted": False,
        "seals": [{"no": f"A{number:06}", "point": "主板"}],
        "verified_on": VERIFIED_ON.isoformat(),
    }


def _make_result(nozzle: int, readings: int, number: int) -> JsonObject:
    return {
        "item": "indication_error",
        "part": str(nozzle),
        "unit": "L",
        "error_unit": "%",
        "k": "2",
        "points": [_make_point(number * 7 + nozzle * 3 + position) for position in range(readings)],
        "pass": True,
    }


def _make_point(variety: int) -> JsonObject:
    deviation = Decimal(variety % 11 - 5).scaleb(-2)
    return {
        "nominal": str(_NOMINAL),
        "measured": str(_NOMINAL + deviation),
        "error": str(deviation * 5),
        "mpe": "0.30",
        "u": "0.05",
        "pass": True,
    }


class Counter:
    """The log's counter in this process: admission, then the log; it knows what each has cost."""

    def __init__(self, log: Log, rules: RuleSet, store: SqlStore) -> None:
        self._log = log
        self._rules = rules
        self._store = store
        self.admission = Stopwatch()
        self.appending = Stopwatch()

    def submit(self, entries: Sequence[tuple[bytes, bytes | None]]) -> list[Answer]:
        """Admit and append; a statement that is refused by admission is an error of the bench."""
        with self.admission.running():
            standing = Standing(self._log.registers, self._log.head.tree_size, self.find_state)
            submissions = [admit(raw, body, standing, self._rules, NOW) for raw, body in entries]
        with self.appending.running():
            results = self._log.append(submissions)
        return [
            Acknowledged(result.leaf_index)
            if isinstance(result, Acknowledgement)
            else Refused(RefusalKind.FINAL, str(result.error))
            for result in results
        ]

    def find_state(self, subject: Subject) -> None:
        """Return the newest state of a subject: everything here happens for the first time."""

    def subject_versions(self, subjects: Collection[Subject]) -> Mapping[Subject, int]:
        """Return the newest version of each subject."""
        with self._store.read() as queries:
            return {subject: state.version for subject, state in queries.find_states(list(subjects)).items()}

    def registers(self) -> Registers:
        """Return what the register events establish."""
        return self._log.registers


class World:
    """A founded log and a desk in front of it. Leave its block to close the databases."""

    def __init__(self, folder: Path) -> None:
        """Make both databases and found the log.

        Args:
            folder: empty, on a disk.
        """
        self.log_signer, self.seal = make_signer("log"), make_signer("seal")
        self._databases = [Database(f"sqlite:///{folder / name}.sqlite3") for name in ("ledger", "desk")]
        ledger, desk = self._databases
        migrate(ledger)
        self.store = store = SqlStore(ledger)
        self.rule_book = load_rule_book()
        self.log = Log(store, ORIGIN, self.log_signer, read_clock)
        self.prover = Prover(store, ORIGIN)
        self.counter = Counter(self.log, RuleSet(self.rule_book, ZONE, _TOLERANCE), store)
        self._found()
        desk_store = DeskStore(desk, INSTITUTION, ORIGIN)
        desk_store.prepare()
        profile = DeskProfile(INSTITUTION, NumberPattern("JY{year}-{counter:06d}"), ZONE)
        self.desk = Desk(
            profile,
            self.seal,
            ORIGIN,
            desk_store,
            self.counter,
            self.rule_book,
            read_clock,
            secrets.token_bytes,
            persons=[make_signer(role) for role in Role],
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for database in self._databases:
            database.close()

    @property
    def policy(self) -> Policy:
        """Return what a verifier of this world believes, as `hengzheng init` would write it."""
        return Policy(
            version=1,
            origin=ORIGIN,
            log_key=self.log_signer.public_key,
            root_version=1,
            root_digest=hashlib.sha256(encode_root_content(self._root_content())).digest(),
            contract=ContractPin(_CHAIN, bytes(32), "immediate"),
            hosts=(HOST,),
            required=frozenset(DEFAULT_REQUIRED),
            lag_warning=timedelta(days=30),
            clock_tolerance=_TOLERANCE,
            max_status_age=None,
            zone=ZONE,
            development=True,
        )

    def trust_list(self) -> TrustList:
        """Return the trust list under the newest checkpoint."""
        checkpoint = self.prover.newest_checkpoint()
        return TrustList(ORIGIN, checkpoint.note, self.prover.evidence(None, checkpoint.tree_size))

    def receipt(self, checkpoint: StoredCheckpoint) -> AnchorReceipt:
        """Return what the log would state about an anchor of this checkpoint."""
        return sign_receipt(
            _CHAIN,
            checkpoint.tree_size,
            checkpoint.root_hash,
            tx_hash=bytes(32),
            block_number=5,
            block_hash=bytes(32),
            anchored_at=NOW + timedelta(seconds=2),
            grade=AnchorGrade.FINAL,
            signer=self.log_signer,
        )

    def bundles(self, indices: Sequence[LeafIndex], chunk: int = 500) -> list[bytes]:
        """Return a bundle for each issue, under the newest checkpoint, anchored."""
        checkpoint = self.prover.newest_checkpoint()
        receipt = self.receipt(checkpoint)
        starts = range(0, len(indices), chunk)
        parts = (self.prover.bundles(indices[at : at + chunk], checkpoint, receipt) for at in starts)
        return [bundle for part in parts for bundle in part]

    # --- the registers ----------------------------------------------------------------------------------------

    def _root_content(self) -> RootContent:
        root = make_signer("root").public_key
        return RootContent(1, ORIGIN, (root,), 1, self.log_signer.public_key, None)

    def _found(self) -> None:
        root, authority = make_signer("root"), make_signer("authority")
        active = RegisterState.ACTIVE
        name = Name("福州市计量所", "Fuzhou Institute of Metrology")
        self._decide(EventType.ROOT, root, encode_root_content(self._root_content()), root)
        content = AuthorityContent(
            AUTHORITY,
            Name("福建省市场监督管理局", "Fujian"),
            authority.public_key,
            "35",
            frozenset(Power),
            *_PROPER,
            active,
        )
        self._decide(EventType.DELEGATE, root, encode_authority_content(content), root, authority)
        institution = InstitutionContent(INSTITUTION, name, None, "350100", active)
        self._decide(EventType.INSTITUTION, authority, encode_institution_content(institution))
        key = KeyContent(INSTITUTION, self.seal.public_key, active)
        self._decide(EventType.KEY, authority, encode_key_content(key), self.seal)
        scope = ScopeContent(
            INSTITUTION,
            "S1",
            "（闽）法计（2025）35001号",
            frozenset({Category.FUEL_DISPENSER}),
            frozenset(VerificationKind),
            "3501",
            *_PROPER,
            active,
        )
        self._decide(EventType.SCOPE, authority, encode_scope_content(scope))

    def register_persons(self) -> None:
        """Register the three persons with keys of their own."""
        for role in Role:
            signer = make_signer(role)
            person = PersonContent(
                INSTITUTION,
                f"P-{role}",
                Qualification.REGISTERED,
                frozenset({role}),
                frozenset({Category.FUEL_DISPENSER}),
                *_PROPER,
                RegisterState.ACTIVE,
                signer.public_key,
            )
            content = encode_person_content(person)
            self._decide(EventType.PERSON, make_signer("authority"), content, signer)

    def _decide(self, event_type: EventType, signer: Signer, content: bytes, *endorsers: Signer) -> None:
        issuer = ROOT_ISSUER if event_type in {EventType.ROOT, EventType.DELEGATE} else AUTHORITY
        event_id = hashlib.sha256(content).digest()[:8]
        decision = draft_decision(event_type, ORIGIN, issuer, content, 0, event_id)
        for endorser in endorsers:
            decision = endorse_decision(decision, endorser)
        raw = sign_decision(decision, signer)
        result = self.log.append([Submission(parse_signed_statement(raw))])[0]
        if not isinstance(result, Acknowledgement):
            raise result.error
