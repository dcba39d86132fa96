"""A whole log without a database: fold, tree, proofs, bundles; honest, or forced to say what it must not.

Everything follows from names and fixed times, so equal calls give equal bytes: the vectors rest on that.

>>> ledger = MemoryLedger().found()
>>> index = ledger.issue(1)
>>> parse_bundle(ledger.bundle(index)).leaf_index
5
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ledger.core.act import Act, Decision, ReasonCode, encode_act
from ledger.core.anchor import AnchorGrade, AnchorReceipt, ChainIdentity, sign_receipt
from ledger.core.authority import (
    ROOT_ISSUER,
    AuthorityContent,
    CompromiseContent,
    InstitutionContent,
    KeyContent,
    PolicyContent,
    Power,
    RootContent,
    encode_authority_content,
    encode_compromise_content,
    encode_institution_content,
    encode_key_content,
    encode_policy_content,
    encode_root_content,
)
from ledger.core.bundle import encode_bundle
from ledger.core.canonical import JsonObject, encode_canonical_json
from ledger.core.category import Category
from ledger.core.certificate import build_document, parse_certificate
from ledger.core.checkpoint import Checkpoint, sign_checkpoint
from ledger.core.credit_code import CreditCode
from ledger.core.data import load_rule_book
from ledger.core.data_integrity import create_proof, join_proofs
from ledger.core.encoding import encode_instant
from ledger.core.entry import HEADER_BYTES, LeafHeader, encode_leaf, parse_header
from ledger.core.event import EventType, maker_subject
from ledger.core.evidence import Evidence, encode_evidence
from ledger.core.fold import build_header, find_subject, judge_signed_event, list_touched
from ledger.core.fold_documents import INSTITUTION_ACTS
from ledger.core.ids import (
    CertificateNumber,
    InstitutionId,
    InstrumentId,
    LeafIndex,
    Subject,
    TreeSize,
)
from ledger.core.map_proof import build_map_proof
from ledger.core.maphead import build_maphead
from ledger.core.merkle import MemoryTree, build_inclusion_proof, build_multi_proof, build_root, hash_leaf
from ledger.core.policy import DEFAULT_REQUIRED, ContractPin, Policy
from ledger.core.record import VerificationKind
from ledger.core.register_content import CONTENT_PARSERS
from ledger.core.register_fields import Name, RegisterState
from ledger.core.rules import build_issue_claims
from ledger.core.scope import ScopeContent, encode_scope_content
from ledger.core.signature import Ed25519Signer, Signer
from ledger.core.statement import (
    ActClaims,
    Endorsement,
    IssueClaims,
    RegisterClaims,
    SignedStatement,
    Statement,
    compute_endorsed_bytes,
    parse_signed_statement,
    sign_statement,
)
from ledger.core.status import Effect, Registers, Status, SubjectState, Void, find_issued_status
from ledger.core.status_map import EMPTY_MAP, StatusMap, load_nothing
from ledger.core.trust import TrustList, encode_trust_list
from ledger.named import list_related
from verifier.session import Session

ORIGIN = "ledger.example/2026"
START = datetime(2026, 3, 1, 0, 0, tzinfo=UTC)
"""When leaf 0 is sequenced; each later one follows a second after."""
SIGNED_AT = datetime(2026, 2, 28, 4, 0, tzinfo=UTC)
"""When the operator signs; checker, approver and seal follow an hour after each other."""
NOW = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
VERIFIED_ON = date(2026, 2, 28)
SHANGHAI = ZoneInfo("Asia/Shanghai")
AUTHORITY = "CN-35"
INSTITUTION = InstitutionId("350100-01")
AUTHORISATION_NO = "(闽)法计(2024)35001号"
CHAIN = ChainIdentity(31337, bytes([1]) * 32, bytes([2]) * 20, bytes([3]) * 32)


def make_signer(name: str) -> Ed25519Signer:
    return Ed25519Signer(hashlib.sha256(b"test key " + name.encode()).digest())


def make_nonce(name: str) -> str:
    return hashlib.sha256(b"test nonce " + name.encode()).hexdigest()[:32]


def make_record(number: int = 1, institution: str = INSTITUTION, **changes: Any) -> JsonObject:
    """Return a record of a fuel dispenser that keeps every rule; a change to None drops the member."""
    record: JsonObject = {
        "v": 1,
        "doc_type": "verification_certificate",
        "kind": "periodic",
        "no": f"JY2026-{number:06}",
        "issuer": {
            "id": institution,
            "name": "福州市计量所",
            "authorisation_no": AUTHORISATION_NO,
            "scope_line_id": "S1",
        },
        "instrument": {
            "id": hashlib.sha256(b"test instrument " + number.to_bytes(4, "big")).hexdigest()[:32],
            "category": "FUEL_DISPENSER",
            "name": "燃油加油机",
            "model": "SK52",
            "serial": f"SN{number:08}",
            "maker": "示例机械有限公司",
            "parts": [{"id": "1"}, {"id": "2"}],
            "site": {"division": "350102"},
        },
        "regulation": {"id": "JJG 443-2023(试行)", "title": "燃油加油机"},
        "standards": [],
        "results": [
            make_result("indication_error", "L", part="1"),
            make_result("indication_error", "L", part="2"),
            {
                "item": "repeatability",
                "error_unit": "%",
                "points": [make_point("0.03", "0.10")],
                "pass": True,
            },
        ],
        "conclusion": "pass",
        "adjusted": False,
        "seals": [{"no": "A1001", "point": "主板"}],
        "verified_on": "2026-02-28",
        "issued_on": "2026-02-28",
        "validity": {"kind": "date", "until": "2026-08-27"},
        "persons": [
            {"role": role, "pid": f"P{hour}", "signed_at": encode_instant(SIGNED_AT + timedelta(hours=hour))}
            for hour, role in enumerate(("operator", "checker", "approver"))
        ],
        "nonce": make_nonce(f"record {number}"),
    }
    return {name: value for name, value in (record | changes).items() if value is not None}


def make_point(error: str, mpe: str, *, passed: bool = True, **members: str) -> JsonObject:
    return {"error": error, "mpe": mpe, "pass": passed, **members}


def make_result(item: str, unit: str, **members: Any) -> JsonObject:
    points = [make_point("0.10", "0.30", nominal="20.00", measured="20.02", u="0.05")]
    return {
        "item": item,
        "unit": unit,
        "error_unit": "%",
        "k": "2",
        "points": points,
        "pass": True,
        **members,
    }


def make_rejection(number: int = 1, **changes: Any) -> JsonObject:
    """Return the record of an instrument that failed."""
    points = [make_point("0.50", "0.30", passed=False, nominal="20.00", measured="20.10")]
    result = make_result("indication_error", "L") | {"points": points, "pass": False}
    changes = {"validity": {"kind": "none"}, "results": [result]} | changes
    return make_record(number, doc_type="rejection_notice", conclusion="fail", **changes)


DECISION = Decision(
    number="闽市监检撤〔2026〕3号",
    ground="《中华人民共和国计量法》第二十六条",
    dated=date(2026, 3, 1),
    until=None,
    remedy="可在六十日内向福建省人民政府申请行政复议",
)


def make_act(number: int = 1, *, decided: bool = False, **changes: Any) -> Act:
    """Return the content of an act on the certificate of `make_record(number)`, with changes."""
    act = Act(
        issuer=INSTITUTION,
        number=CertificateNumber(f"JY2026-{number:06}"),
        instrument_id=InstrumentId(bytes.fromhex(make_record(number)["instrument"]["id"])),
        part=None,
        reason=ReasonCode.WRONG_RESULT,
        effective_at=START,
        decision=DECISION if decided else None,
    )
    return replace(act, **changes)


def seal_record(
    record: JsonObject, seal: Signer, created: datetime = SIGNED_AT + timedelta(hours=3)
) -> JsonObject:
    """Return the published document."""
    document = build_document(record, seal.public_key.did_key)
    return join_proofs(document, [create_proof(document, seal, encode_instant(created))])


@dataclass(frozen=True)
class Document:
    """What was issued at one leaf."""

    credential: JsonObject
    statement_raw: bytes


class MemoryLedger:
    """One log with its keys: `root`, `log`, `authority`, `seal`, each named with the suffix given."""

    def __init__(
        self,
        origin: str = ORIGIN,
        *,
        roots: tuple[str, ...] = ("root",),
        threshold: int = 1,
        log: str = "log",
    ) -> None:
        self.origin = origin
        self.roots = [make_signer(name) for name in roots]
        self.log_signer = make_signer(log)
        self.root_content = RootContent(
            1,
            origin,
            tuple(one.public_key for one in self.roots),
            threshold,
            self.log_signer.public_key,
            None,
        )
        self.registers = Registers()
        self.states: dict[bytes, SubjectState] = {}
        self.leaves: list[bytes] = []
        self.outcomes: list[Effect | Void | None] = []
        self.documents: dict[int, Document] = {}
        self.now_ms = int(START.timestamp() * 1000)
        self.maps: dict[int, StatusMap] = {}
        """By the size of the checkpoint that each belongs to."""

    # --- register statements --------------------------------------------------------------------------------

    def register(
        self,
        event_type: EventType,
        issuer: str,
        content: bytes,
        by: Signer,
        *,
        endorsers: tuple[Signer, ...] = (),
        version: int = 0,
    ) -> bytes:
        """Return any register statement, whoever signs it."""
        message = compute_endorsed_bytes(event_type, self.origin, content, version)
        given = {
            one.public_key.key_id: Endorsement(one.public_key.key_id, one.sign(message)) for one in endorsers
        }
        event_id = hashlib.sha256(content + bytes([version])).digest()[:8]
        claims = RegisterClaims(event_id, content, tuple(given[key_id] for key_id in sorted(given)))
        return sign_statement(Statement(event_type, issuer, claims, version), by, self.origin)

    def root(
        self, *, endorsers: tuple[Signer, ...] | None = None, by: Signer | None = None, version: int = 0
    ) -> bytes:
        given = tuple(self.roots) if endorsers is None else endorsers
        content = encode_root_content(self.root_content)
        signer = by or self.roots[0]
        return self.register(EventType.ROOT, ROOT_ISSUER, content, signer, endorsers=given, version=version)

    def next_root(self, *names: str, threshold: int = 1, **changes: Any) -> bytes:
        """Return the next version of the root, with keys of these names, endorsed by old and new ones."""
        before, new = self.root_content, [make_signer(name) for name in names]
        self.root_content = replace(
            before,
            version=before.version + 1,
            keys=tuple(signer.public_key for signer in new),
            threshold=threshold,
            previous=hashlib.sha256(encode_root_content(before)).digest(),
            **changes,
        )
        endorsers, version = (*self.roots, *new), before.version
        self.roots = new
        return self.root(endorsers=endorsers, version=version)

    def publish_policy(self, number: int, *, by: Signer | None = None, **options: Any) -> bytes:
        """Return a POLICY; it expects the version that comes before, if they are published one by one."""
        content = encode_policy_content(PolicyContent(number, bytes([number]) * 32))
        options = {"version": number - 1, "endorsers": tuple(self.roots)} | options
        return self.register(EventType.POLICY, ROOT_ISSUER, content, by or self.roots[0], **options)

    def compromise(self, since: datetime, *, seal: str = "seal", version: int = 1, **options: Any) -> bytes:
        """Return what an authority says of a key that somebody else may have."""
        content = CompromiseContent(INSTITUTION, make_signer(seal).public_key, since)
        issuer, by = options.pop("issuer", AUTHORITY), make_signer(options.pop("by", "authority"))
        raw = encode_compromise_content(replace(content, **options))
        return self.register(EventType.KEY_COMPROMISED_FROM, issuer, raw, by, version=version)

    def authority(
        self,
        *,
        key: str = "authority",
        version: int = 0,
        endorsers: tuple[Signer, ...] | None = None,
        by: Signer | None = None,
        **changes: Any,
    ) -> bytes:
        content = AuthorityContent(
            id=AUTHORITY,
            name=Name("福建省市场监督管理局", None),
            key=make_signer(key).public_key,
            division="35",
            powers=frozenset(Power),
            valid_from=date(2020, 1, 1),
            valid_until=date(2039, 12, 31),
            state=RegisterState.ACTIVE,
        )
        raw = encode_authority_content(replace(content, **changes))
        given = (*self.roots, make_signer(key)) if endorsers is None else endorsers
        by = by or self.roots[0]
        return self.register(EventType.DELEGATE, ROOT_ISSUER, raw, by, endorsers=given, version=version)

    def institution(
        self, *, version: int = 0, authority: str = AUTHORITY, by: str = "authority", **changes: Any
    ) -> bytes:
        content = InstitutionContent(
            id=INSTITUTION,
            name=Name("福州市计量所", "Fuzhou Institute of Metrology"),
            credit_code=CreditCode("91350100M000100Y43"),
            division="3501",
            state=RegisterState.ACTIVE,
        )
        raw = encode_institution_content(replace(content, **changes))
        return self.register(EventType.INSTITUTION, authority, raw, make_signer(by), version=version)

    def key(
        self,
        *,
        seal: str = "seal",
        version: int = 0,
        authority: str = AUTHORITY,
        by: str = "authority",
        endorsers: tuple[Signer, ...] | None = None,
        **changes: Any,
    ) -> bytes:
        content = KeyContent(INSTITUTION, make_signer(seal).public_key, RegisterState.ACTIVE)
        raw = encode_key_content(replace(content, **changes))
        given = (() if version else (make_signer(seal),)) if endorsers is None else endorsers
        return self.register(EventType.KEY, authority, raw, make_signer(by), endorsers=given, version=version)

    def scope(
        self, *, version: int = 0, authority: str = AUTHORITY, by: str = "authority", **changes: Any
    ) -> bytes:
        content = ScopeContent(
            institution=INSTITUTION,
            id="S1",
            authorisation_no=AUTHORISATION_NO,
            categories=frozenset({Category.FUEL_DISPENSER, Category.PRICE_SCALE}),
            kinds=frozenset({VerificationKind.PERIODIC, VerificationKind.INITIAL}),
            division="3501",
            valid_from=date(2024, 1, 1),
            valid_until=date(2028, 12, 31),
            state=RegisterState.ACTIVE,
        )
        raw = encode_scope_content(replace(content, **changes))
        return self.register(EventType.SCOPE, authority, raw, make_signer(by), version=version)

    def founding(self) -> list[bytes]:
        return [self.root(), self.authority(), self.institution(), self.key(), self.scope()]

    def found(self) -> "MemoryLedger":
        """Append what a log begins with: leaves 0 to 4."""
        for raw in self.founding():
            self.append(raw)
        return self

    # --- documents ------------------------------------------------------------------------------------------

    def sign_issue(
        self, credential: JsonObject, seal: str = "seal", *, version: int | None = None, **claims: Any
    ) -> bytes:
        """Return the statement about a document; `claims` are changed against the document."""
        certificate = parse_certificate(encode_canonical_json(credential))
        said = replace(build_issue_claims(certificate.record, certificate.digest), **claims)
        event_type = EventType.ISSUE if said.predecessor is None else EventType.REPLACE
        statement = Statement(event_type, certificate.record.issuer.id, said, 0)
        if version is None:
            before = self.states.get(find_subject(statement))
            version = 0 if before is None else before.version
        return sign_statement(replace(statement, expected_version=version), make_signer(seal), self.origin)

    def issue(self, number: int = 1, *, seal: str = "seal", force: bool = False, **changes: Any) -> LeafIndex:
        """Issue a record as `make_record` gives it, with changes; `force` puts it in whatever the fold says."""
        return self.issue_record(make_record(number, **changes), seal=seal, force=force)

    def issue_many(self, count: int) -> "MemoryLedger":
        """Issue the records 0, 1, … and return the ledger."""
        for number in range(count):
            self.issue(number)
        return self

    def issue_record(
        self, record: JsonObject, *, seal: str = "seal", force: bool = False, **header: Any
    ) -> LeafIndex:
        return self.issue_credential(seal_record(record, make_signer(seal)), seal=seal, force=force, **header)

    def issue_credential(
        self, credential: JsonObject, *, seal: str = "seal", force: bool = False, **header: Any
    ) -> LeafIndex:
        raw = self.sign_issue(credential, seal)
        index = self.force(raw, **header) if force or header else self.append(raw)
        self.documents[index] = Document(credential, raw)
        return index

    # --- acts -----------------------------------------------------------------------------------------------

    def sign_act(
        self,
        event_type: EventType,
        number: int = 1,
        *,
        issuer: str | None = None,
        by: str | None = None,
        version: int | None = None,
        event_id: bytes = bytes(8),
        certificate: str | None = None,
        **changes: Any,
    ) -> bytes:
        """Return an act on the certificate of `make_record(number)`.

        Args:
            event_type: what is done.
            number: of the record; its number and its instrument are named.
            issuer: who speaks; the authority for what is an authority's alone, else the institution.
            by: whose key; that of who speaks.
            version: expected; the newest of the instrument.
            event_id: 8 bytes.
            certificate: number of another certificate of the same instrument.
            changes: of the content, see `make_act`.
        """
        by_institution = event_type in INSTITUTION_ACTS
        issuer = issuer or (INSTITUTION if by_institution else AUTHORITY)
        act = make_act(number, decided=issuer != INSTITUTION, **changes)
        act = act if certificate is None else replace(act, number=CertificateNumber(certificate))
        if event_type is EventType.SUPPLEMENT:
            act = replace(act, document=hashlib.sha256(b"supplement").digest())
        if version is None:
            before = self.states.get(act.subject)
            version = 0 if before is None else before.version
        claims = ActClaims(event_id, encode_act(act))
        signer = make_signer(by or ("seal" if issuer == INSTITUTION else "authority"))
        return sign_statement(Statement(event_type, issuer, claims, version), signer, self.origin)

    def sign_content(
        self,
        event_type: EventType,
        content: bytes,
        subject: Subject,
        *,
        issuer: str = INSTITUTION,
        by: str | None = None,
        version: int | None = None,
    ) -> bytes:
        """Return a statement about a lot, or a link; it expects the subject's newest version."""
        if version is None:
            before = self.states.get(subject)
            version = 0 if before is None else before.version
        claims = ActClaims(hashlib.sha256(content + bytes([version])).digest()[:8], content)
        signer = make_signer(by or ("seal" if issuer == INSTITUTION else "authority"))
        return sign_statement(Statement(event_type, issuer, claims, version), signer, self.origin)

    def act(self, event_type: EventType, number: int = 1, **options: Any) -> LeafIndex:
        """Append an act; VOID if the fold says so."""
        return self.append(self.sign_act(event_type, number, **options))

    # --- leaves ---------------------------------------------------------------------------------------------

    def append(self, raw: bytes) -> LeafIndex:
        """Append a statement as an honest log does; VOID if the fold says so."""
        signed = parse_signed_statement(raw)
        index, at = LeafIndex(len(self.leaves)), self._tick()
        outcome = judge_signed_event(signed, index, at, self.registers, self.states.get, self.subject_of)
        header = build_header(signed, outcome, int(at.timestamp() * 1000))
        if isinstance(outcome, Effect):
            self.states.update(outcome.changes)
            if outcome.apply is not None:
                outcome.apply(self.registers)
        return self._add(encode_leaf(header, raw), outcome)

    def subject_of(self, index: int) -> Subject:
        """Return the subject in the header of a leaf."""
        return parse_header(self.leaves[index][:HEADER_BYTES]).subject

    def force(self, raw: bytes, **changes: Any) -> LeafIndex:
        """Append a statement as if it took effect, with any member of its header changed."""
        signed = parse_signed_statement(raw)
        index, at = LeafIndex(len(self.leaves)), self._tick()
        header = replace(self._invent_header(signed, int(at.timestamp() * 1000)), **changes)
        if header.status != Status.VOID:
            self._force_states(signed.statement, header, index)
        return self._add(encode_leaf(header, raw), None)

    def _force_states(self, statement: Statement, header: LeafHeader, index: LeafIndex) -> None:
        claims, before = statement.claims, self.states.get(header.subject)
        current, status = index if isinstance(claims, IssueClaims) else None, Status(header.status)
        newest, own = current, status
        if isinstance(claims, IssueClaims) and not claims.is_verification:
            newest, own = None if before is None else before.current_certificate, find_issued_status(claims)
        self.states[header.subject] = SubjectState(status, header.version, index, newest)
        for subject in list_touched(statement)[1:]:
            self.states[subject] = SubjectState(own, 1, index, current)

    def _invent_header(self, signed: SignedStatement, at_ms: int) -> LeafHeader:
        statement = signed.statement
        claims, subject = statement.claims, find_subject(statement)
        before = self.states.get(subject)
        status = Status.ACTIVE
        if isinstance(claims, IssueClaims):
            status = find_issued_status(claims)
        if isinstance(claims, IssueClaims) and not claims.is_verification:
            status = Status.REGISTERED if before is None else before.status
        prev = None if before is None else before.last_event
        state = SubjectState(status, statement.expected_version + 1, LeafIndex(len(self.leaves)), None)
        return build_header(signed, Effect(subject, prev, {subject: state}), at_ms)

    def _tick(self) -> datetime:
        self.now_ms += 1000
        return datetime.fromtimestamp((self.now_ms - 1000) / 1000, UTC)

    def _add(self, leaf: bytes, outcome: Effect | Void | None) -> LeafIndex:
        self.leaves.append(leaf)
        self.outcomes.append(outcome)
        return LeafIndex(len(self.leaves) - 1)

    def publish(self) -> TreeSize:
        """End with a MAPHEAD, as every checkpoint does, and return the size."""
        if self.leaves and self.size not in self.maps:
            newest = EMPTY_MAP.update(self.states, load_nothing)
            before = max(self.maps, default=None)
            place = None if before is None else (LeafIndex(before - 1), len(self.maps))
            header = build_maphead(newest.root_hash, int(self._tick().timestamp() * 1000), place)
            self._add(encode_leaf(header, b""), None)
            self.maps[self.size] = newest
        return self.size

    # --- proofs ---------------------------------------------------------------------------------------------

    @property
    def size(self) -> TreeSize:
        return TreeSize(len(self.leaves))

    def tree(self) -> MemoryTree:
        return MemoryTree([hash_leaf(leaf) for leaf in self.leaves])

    def checkpoint(self, size: int | None = None) -> str:
        size = TreeSize(size or self.publish())
        root_hash = build_root(size, self.tree().read)
        return sign_checkpoint(Checkpoint(self.origin, size, root_hash), self.log_signer)

    def receipt(
        self, size: int | None = None, *, signer: Signer | None = None, **changes: Any
    ) -> AnchorReceipt:
        size = TreeSize(size or self.publish())
        given: dict[str, Any] = {
            "chain": CHAIN,
            "tree_size": size,
            "root_hash": build_root(size, self.tree().read),
            "tx_hash": bytes([4]) * 32,
            "block_number": 7,
            "block_hash": bytes([5]) * 32,
            "anchored_at": datetime(2026, 3, 1, 1, 0, tzinfo=UTC),
            "grade": AnchorGrade.FINAL,
            "signer": signer or self.log_signer,
        }
        return sign_receipt(**given | changes)

    def evidence(
        self,
        size: int | None = None,
        *,
        without: frozenset[int] = frozenset(),
        only: frozenset[int] | None = None,
        maker: str | None = None,
    ) -> Evidence:
        """Return every register leaf that took effect, or was said to; some may be left out.

        The map proof shows what was said of `maker`, too.
        """
        size = TreeSize(size or self.publish())
        chosen = [
            LeafIndex(index)
            for index, leaf in enumerate(self.leaves[:size])
            if index not in without
            and (only is None or index in only)
            and index not in self.documents
            and leaf[4] in CONTENT_PARSERS
            and parse_header(leaf[:HEADER_BYTES]).status != Status.VOID
        ]
        last = LeafIndex(size - 1)
        proof = build_multi_proof([*chosen, last], size, self.tree().read)
        statements = (parse_signed_statement(self.leaves[index][HEADER_BYTES:]) for index in chosen)
        subjects = {subject for signed in statements for subject in list_touched(signed.statement)}
        if maker is not None:
            subjects.add(maker_subject(maker))
        return Evidence(
            tuple((index, self.leaves[index]) for index in chosen),
            self.leaves[last],
            proof,
            build_map_proof(self.maps[size], subjects, load_nothing),
        )

    def map_proof(self, index: int, size: int | None = None) -> bytes:
        """Return the newest states of a document, of its instrument and of the instrument's parts."""
        size, document = TreeSize(size or self.publish()), self.documents[index]
        statement = parse_signed_statement(document.statement_raw).statement
        related = list_related(statement, document.credential)
        return build_map_proof(self.maps[size], (*list_touched(statement), *related), load_nothing)

    def bundle(self, index: int, size: int | None = None, **changes: Any) -> bytes:
        """Return the bundle of one document; `changes` replace what `encode_bundle` takes."""
        size = TreeSize(size or self.publish())
        document = self.documents[index]
        given: dict[str, Any] = {
            "origin": self.origin,
            "credential": document.credential,
            "statement_raw": document.statement_raw,
            "leaf_index": LeafIndex(index),
            "header": parse_header(self.leaves[index][:HEADER_BYTES]),
            "inclusion": build_inclusion_proof(LeafIndex(index), size, self.tree().read),
            "checkpoint": self.checkpoint(size),
            "evidence": encode_evidence(self.evidence(size, maker=_find_maker(document.credential))),
            "map_proof": self.map_proof(index, size),
            "receipt": self.receipt(size),
        }
        return encode_bundle(**given | changes)

    # --- beliefs --------------------------------------------------------------------------------------------

    @property
    def root_digest(self) -> bytes:
        return hashlib.sha256(encode_root_content(self.root_content)).digest()

    def policy(self, **changes: Any) -> Policy:
        policy = Policy(
            version=1,
            origin=self.origin,
            log_key=self.log_signer.public_key,
            root_version=1,
            root_digest=self.root_digest,
            contract=ContractPin(CHAIN, bytes([6]) * 32, "immediate"),
            hosts=("v.example.cn",),
            required=frozenset(DEFAULT_REQUIRED),
            lag_warning=timedelta(days=30),
            clock_tolerance=timedelta(seconds=300),
            max_status_age=None,
            zone=SHANGHAI,
            development=True,
        )
        return replace(policy, **changes)

    def trust(self, size: int | None = None) -> TrustList:
        return TrustList(self.origin, self.checkpoint(size), self.evidence(size))

    def trust_raw(self, size: int | None = None) -> bytes:
        return encode_trust_list(self.trust(size))

    def session(self, *, trust: bool = False, **changes: Any) -> Session:
        return Session(self.policy(**changes), load_rule_book(), self.trust() if trust else None)


def _find_maker(credential: JsonObject) -> str | None:
    """Return the maker that a document names; tests spoil documents in many ways."""
    instrument = credential.get("credentialSubject", {}).get("instrument", {})
    maker = instrument.get("maker") if isinstance(instrument, dict) else None
    return maker if isinstance(maker, str) else None
