"""One pure function a step: what each finds in a bundle, or in less than a bundle.

The functions take parsed parts and return a `Check`; which come in which order is said in `verify`.
"""

from collections.abc import Callable, Iterable
from datetime import date, datetime
from functools import partial
from typing import Final, Protocol

from ledger.core.anchor import AnchorGrade, AnchorReceipt
from ledger.core.bundle import EarlierAnchor, ProofBundle
from ledger.core.calendar_rules import ValidityKind
from ledger.core.certificate import Certificate
from ledger.core.checkpoint import Checkpoint
from ledger.core.entry import LeafHeader, encode_header
from ledger.core.errors import InputError, VerificationError
from ledger.core.event import (
    EventType,
    certificate_subject,
    instrument_subject,
    lot_subject,
    maker_subject,
)
from ledger.core.evidence import Established
from ledger.core.fold import build_header, find_subject, judge_event
from ledger.core.ids import InstitutionId, LeafIndex, Subject
from ledger.core.map_proof import ProvenStates
from ledger.core.merkle import hash_leaf, verify_inclusion
from ledger.core.policy import Policy
from ledger.core.record import Record
from ledger.core.register_fields import RegisterState
from ledger.core.rule_result import RuleResult
from ledger.core.rules import check_binding
from ledger.core.signatories import verify_signatures
from ledger.core.signature import PublicKey
from ledger.core.statement import Conclusion, DocumentKind, IssueClaims, SignedStatement, verify_statement
from ledger.core.status import (
    RegisteredKey,
    Registers,
    StateView,
    Status,
    SubjectState,
    Void,
    find_issued_status,
)
from ledger.core.step import Check, Outcome, Step, failed, not_checked, passed
from verifier.freshness import Age
from verifier.relatives import Relative, find_relatives, find_status_against
from verifier.report import STATUS_WORDS, DocumentStatus, find_heaviest


class Logged(Protocol):
    """A statement with its place in the log, as a proof file holds it."""

    @property
    def origin(self) -> str: ...  # noqa: D102 -- as in `ProofBundle`
    @property
    def statement_raw(self) -> bytes: ...  # noqa: D102 -- as in `ProofBundle`
    @property
    def leaf_index(self) -> LeafIndex: ...  # noqa: D102 -- as in `ProofBundle`
    @property
    def header(self) -> LeafHeader: ...  # noqa: D102 -- as in `ProofBundle`
    @property
    def inclusion(self) -> tuple[bytes, ...]: ...  # noqa: D102 -- as in `ProofBundle`
    @property
    def receipt(self) -> AnchorReceipt | None: ...  # noqa: D102 -- as in `ProofBundle`
    @property
    def earlier(self) -> EarlierAnchor | None: ...  # noqa: D102 -- as in `ProofBundle`


ReceiptJudge = Callable[[AnchorReceipt, Checkpoint], Check]
"""Step 15 for a receipt and the state of the log that it must be of."""


def from_rule(step: Step, result: RuleResult) -> Check:
    """Return a shared rule's result as a step."""
    return Check(step, result.outcome, result.text, result.warning)


def from_error(step: Step, err: Exception) -> Check:
    """Return a step that failed because evidence does not hold."""
    return failed(step, str(err), f"证据不成立：{err}")


def check_integrity(bundle: ProofBundle) -> Check:
    """Step 1: the file is as it was written."""
    if bundle.stated_digest != bundle.computed_digest:
        return failed(
            Step.INTEGRITY, "the file was changed or damaged after it was written", "文件写出后被改动或损坏"
        )
    return passed(Step.INTEGRITY, "the file is undamaged", "文件完好")


def check_bundle_binding(bundle: ProofBundle, signed: SignedStatement) -> Check:
    """Step 2: certificate, statement and leaf speak of the same thing."""
    header = bundle.header
    if header.statement_digest != signed.digest or header.certificate_digest != bundle.certificate.digest:
        return failed(
            Step.BINDING, "the leaf is about another statement or certificate", "账本条目与声明或证书不对应"
        )
    return from_rule(Step.BINDING, check_binding(signed.statement, bundle.certificate))


def check_seal(certificate: Certificate, key: PublicKey | None) -> Check:
    """Step 3: one proof of each person who has a key, and one seal, by the key that signed the statement."""
    if key is None:
        return not_checked(Step.SEAL, "the key is not known", "密钥未知，无法核对")
    try:
        verify_signatures(certificate, key)
    except (VerificationError, InputError) as err:
        return from_error(Step.SEAL, err)
    persons = len(certificate.proofs) - 1
    if not persons:
        return passed(Step.SEAL, "the seal's signature holds", "机构印章签名有效")
    return passed(
        Step.SEAL,
        f"the seal's signature and those of {persons} persons hold",
        f"机构印章签名和{persons}名人员的签名有效",
    )


def check_statement(signed: SignedStatement, key: PublicKey | None, origin: str) -> Check:
    """Step 4: the statement is signed for this log."""
    if key is None:
        return not_checked(Step.STATEMENT, "the key is not known", "密钥未知，无法核对")
    try:
        verify_statement(signed, key, origin)
    except VerificationError as err:
        return from_error(Step.STATEMENT, err)
    return passed(Step.STATEMENT, "signed for this ledger", "声明签名有效")


def check_key(
    known: RegisteredKey | None, owner: str, index: LeafIndex, ended_at: LeafIndex | None = None
) -> Check:
    """Step 5: the key is registered for this institution and active at the document's position.

    Args:
        known: what the evidence says of the key.
        owner: whose it must be.
        index: of the document.
        ended_at: what the trust list knows of the key's end, which evidence could leave out.
    """
    if known is None:
        return failed(Step.KEY, "the evidence does not register this key", "证据中没有登记此密钥")
    if known.owner != owner:
        return failed(
            Step.KEY,
            f"the key is registered for {known.owner}, not {owner}",
            f"密钥登记于{known.owner}，而非{owner}",
        )
    if not known.is_active_at(index) or (ended_at is not None and index >= ended_at):
        return failed(Step.KEY, f"the key is not active at leaf {index}", f"密钥在第{index}条时无效")
    return passed(
        Step.KEY,
        f"registered at leaf {known.since}, active at leaf {index}",
        f"第{known.since}条登记，第{index}条时有效",
    )


def check_compromise(
    bundle: Logged, since: datetime, checkpoint: Checkpoint, judge_receipt: ReceiptJudge
) -> Check:
    """Step 5, for a key that somebody else may have had: was the document anchored before?

    Args:
        bundle: its receipt, or that of an earlier anchor, tells.
        since: from when on the key is compromised, aware UTC.
        checkpoint: under which the bundle's leaf is proved.
        judge_receipt: step 15 for a receipt and the state of the log that it must be of.
    """
    candidates = []
    if bundle.receipt is not None:
        candidates.append((bundle.receipt, judge_receipt(bundle.receipt, checkpoint)))
    if bundle.earlier is not None:
        receipt = bundle.earlier.receipt
        try:
            _verify_earlier(bundle, bundle.earlier)
        except VerificationError as err:
            return from_error(Step.KEY, err)
        state = Checkpoint(bundle.origin, receipt.tree_size, receipt.root_hash)
        candidates.append((receipt, judge_receipt(receipt, state)))
    instant = f"{since:%Y-%m-%d %H:%M} UTC"
    for receipt, check in candidates:
        if check.outcome is Outcome.PASSED and receipt.anchored_at <= since:
            block = receipt.block_number
            return passed(
                Step.KEY,
                f"the key is compromised from {instant} on; this document was anchored before, in block {block}",
                f"密钥自{instant}起失密；此文件在此之前已存证于区块{block}",
            )
    return failed(
        Step.KEY,
        f"the key is compromised from {instant} on, and no anchor from before covers this document",
        f"密钥自{instant}起失密，且没有在此之前的存证覆盖此文件",
    )


def _verify_earlier(bundle: Logged, earlier: EarlierAnchor) -> None:
    leaf_hash = hash_leaf(encode_header(bundle.header) + bundle.statement_raw)
    receipt = earlier.receipt
    verify_inclusion(leaf_hash, bundle.leaf_index, receipt.tree_size, earlier.inclusion, receipt.root_hash)


def check_authority(bundle: ProofBundle, signed: SignedStatement, registers: Registers) -> Check:
    """Step 6: the fold gives this leaf its effect, under authority that leads back to the pinned root."""
    if bundle.header.status == Status.VOID:
        return failed(Step.AUTHORITY, "the log holds this leaf as void", "账本已记该条目无效力")
    claims = signed.statement.claims
    if not isinstance(claims, IssueClaims):
        return failed(Step.AUTHORITY, "the statement is not about a certificate", "声明与证书无关")
    at, view = bundle.header.sequenced_at, _view_before(bundle, signed, claims)
    subject = find_subject(signed.statement)
    outcome = judge_event(signed, bundle.leaf_index, at, registers, view, lambda _: subject)
    if isinstance(outcome, Void):
        return failed(
            Step.AUTHORITY, f"the leaf is void: {outcome.reason}", f"该条目无效力：{outcome.reason}"
        )
    prev = bundle.header.prev
    is_later = prev is None or prev < bundle.leaf_index
    if not is_later or build_header(signed, outcome, bundle.header.sequenced_at_ms) != bundle.header:
        return failed(
            Step.AUTHORITY, "the leaf's header is not what its statement gives", "账本条目首部与声明不符"
        )
    return check_institution(registers, InstitutionId(signed.statement.issuer))


def check_institution(registers: Registers, institution_id: InstitutionId) -> Check:
    """Step 6, without a leaf: the institution is registered and active."""
    institution = registers.institutions.get(institution_id)
    if institution is None:
        return failed(
            Step.AUTHORITY, f"institution {institution_id} is not registered", f"机构{institution_id}未登记"
        )
    if institution.state is not RegisterState.ACTIVE:
        return failed(
            Step.AUTHORITY,
            f"institution {institution_id} is {institution.state.value}",
            f"机构{institution_id}已暂停或撤销",
        )
    return passed(
        Step.AUTHORITY,
        f"{institution.name.en or institution.name.zh} is registered under the pinned root",
        f"{institution.name.zh}已在信任根下登记",
    )


def _view_before(bundle: ProofBundle, signed: SignedStatement, claims: IssueClaims) -> StateView:
    """See the subjects as the statement expects them; that it was so is for the status map to prove."""
    document = certificate_subject(InstitutionId(signed.statement.issuer), claims.number)
    prev = LeafIndex(2**63) if bundle.header.prev is None else bundle.header.prev
    expected = signed.statement.expected_version
    keeps = not claims.is_verification
    status = _read_status(bundle.header.status) if keeps else _left_in(bundle, Status.VALID)

    def view(subject: Subject) -> SubjectState | None:
        if subject == document or expected == 0:
            return None
        if subject == own:
            return SubjectState(status, expected, prev, None if keeps else prev)
        return SubjectState(Status.VALID, expected, prev, prev)

    own = find_subject(signed.statement)
    return view


def _read_status(code: int) -> Status:
    """Return the status that a header names; VOID, which no document here has, for a code that is none."""
    try:
        return Status(code)
    except ValueError:
        return Status.VOID


def confirm_blocks(check: Check, record: Record, established: Established) -> Check:
    """Return step 20 as it is if the evidence shows all that was said of the maker; other steps as they are."""
    maker = record.instrument.maker
    if check.step is not Step.TYPE or maker is None:
        return check
    try:
        state = established.proven.find(maker_subject(maker))
    except VerificationError:
        return not_checked(
            Step.TYPE,
            "the evidence does not show whether this maker is blocked",
            "证据未表明该制造单位是否被停止检定",
        )
    if (state is not None) != bool(established.registers.list_blocks(maker)):
        return failed(
            Step.TYPE, "the evidence leaves out a block of this maker", "证据遗漏了对该制造单位的停止检定"
        )
    return check


def check_inclusion(bundle: Logged, checkpoint: Checkpoint) -> Check:
    """Step 12: the leaf, recomputed from header and statement, stands in the tree."""
    leaf_hash = hash_leaf(encode_header(bundle.header) + bundle.statement_raw)
    size = checkpoint.tree_size
    try:
        verify_inclusion(leaf_hash, bundle.leaf_index, size, bundle.inclusion, checkpoint.root_hash)
    except VerificationError as err:
        return from_error(Step.INCLUSION, err)
    return passed(
        Step.INCLUSION, f"leaf {bundle.leaf_index} of {size}", f"账本第{bundle.leaf_index}条，共{size}条"
    )


def check_status(
    bundle: ProofBundle, signed: SignedStatement, proven: ProvenStates, age: Age
) -> tuple[Check, DocumentStatus | None]:
    """Step 19: what the status map says of the document and of its instrument.

    Args:
        bundle: the document and its place in the log.
        signed: its statement.
        proven: the map under the bundle's checkpoint.
        age: of that checkpoint.

    Returns:
        The step, and what the map says beyond the document itself, if it says more.

    Raises:
        MapProofError: the proof does not show one of the two.
    """
    claims, index = signed.statement.claims, bundle.leaf_index
    if not isinstance(claims, IssueClaims):
        return failed(Step.STATUS, "the statement is not about a certificate", "声明与证书无关"), None
    issuer = InstitutionId(signed.statement.issuer)
    document = proven.find(certificate_subject(issuer, claims.number))
    instrument = proven.find(instrument_subject(claims.instrument_id, claims.part))
    lot = None if claims.lot is None else proven.find(lot_subject(issuer, claims.lot))
    issued = find_issued_status(claims)
    if document is None or not _fits_document(document, issued, index):
        return failed(Step.STATUS, "the status map does not know this document", "状态表中没有此证书"), None
    version = signed.statement.expected_version + 1
    left = SubjectState(_left_in(bundle, issued), version, index, index)
    fits = _fits_instrument if claims.is_verification else partial(_fits_kept, bundle.header.status)
    if instrument is None or not fits(instrument, document, left):
        return failed(Step.STATUS, "the status map contradicts this document", "状态表与此证书矛盾"), None
    if claims.predecessor is not None:
        replaced = proven.find(certificate_subject(issuer, claims.predecessor))
        if replaced is None or replaced.status is not Status.SUPERSEDED:
            en = f"the status map does not say that {claims.predecessor} was replaced"
            return failed(Step.STATUS, en, f"状态表未记载{claims.predecessor}已被替换"), None
    if not claims.is_verification:
        check = _judge_age(age, *_describe_kept(document, instrument, lot))
        return check, find_stated_status(document, instrument, lot, claims.kind)
    parts = (part.id for part in bundle.certificate.record.instrument.parts)
    relatives = find_relatives(claims, parts, proven, instrument)
    check = _judge_age(age, *_describe_states(document, instrument, lot, relatives))
    return check, find_stated_status(
        document, instrument, lot, claims.kind, [each.state for each in relatives]
    )


def _left_in(bundle: ProofBundle, issued: Status) -> Status:
    """Return the status in which a document leaves its instrument; one that replaces another verifies nothing."""
    header = bundle.header
    waits = header.type is EventType.REPLACE and header.status == Status.NEEDS_REVERIFICATION
    return Status.NEEDS_REVERIFICATION if waits else issued


def _fits_document(document: SubjectState, issued: Status, index: LeafIndex) -> bool:
    """Say whether a certificate can have this state: by its issue at this index, or by acts since."""
    if document.version == 1:
        return document == SubjectState(issued, 1, index, index)
    is_possible = document.status in _ACTED_ON or document.status is issued
    return is_possible and document.current_certificate == index < document.last_event


def _fits_instrument(instrument: SubjectState, document: SubjectState, issued: SubjectState) -> bool:
    """Say whether an instrument can have this state after the issue that left it in the state `issued`."""
    if instrument.version <= issued.version:
        return instrument == issued
    newest = -1 if instrument.current_certificate is None else instrument.current_certificate
    if newest == issued.last_event < instrument.last_event:
        return instrument.status in {document.status, Status.NEEDS_REVERIFICATION}
    return issued.last_event < newest <= instrument.last_event


def _fits_kept(left: int, instrument: SubjectState, _: SubjectState, issued: SubjectState) -> bool:
    """Say whether an instrument can have this state after a document that verifies nothing.

    That left it in the status `left`, and with the newest verification that it had.
    """
    newest = -1 if instrument.current_certificate is None else instrument.current_certificate
    if left == Status.REGISTERED and instrument.version == issued.version and newest != -1:
        return False
    if instrument.version <= issued.version:
        had = SubjectState(
            _read_status(left), issued.version, issued.last_event, instrument.current_certificate
        )
        return instrument == had and newest < issued.last_event
    return newest != issued.last_event < instrument.last_event and newest <= instrument.last_event


def find_stated_status(
    document: SubjectState,
    instrument: SubjectState,
    lot: SubjectState | None = None,
    kind: DocumentKind = DocumentKind.VERIFICATION,
    relatives: Iterable[SubjectState] = (),
) -> DocumentStatus | None:
    """Return what the states say of a document beyond what it says of itself; None: nothing that weighs more.

    Args:
        document: newest state of the certificate.
        instrument: newest state of its instrument.
        lot: newest state of its lot; None: it has none, or nothing was said of it.
        kind: of the document; what verifies nothing stands apart from the verifications of its instrument.
        relatives: newest states of the parts that the document names, or of the whole of its part.
    """
    if kind is not DocumentKind.VERIFICATION:
        return _ACTED_ON.get(document.status)
    if document.status is Status.FAILED:
        return None
    newer = None
    if instrument.current_certificate != document.current_certificate:
        is_failed = instrument.status is Status.FAILED
        newer = DocumentStatus.FAILED_SINCE if is_failed else DocumentStatus.SUPERSEDED
    needed = instrument.status is Status.NEEDS_REVERIFICATION
    return find_heaviest(
        _ACTED_ON.get(document.status),
        newer,
        DocumentStatus.NEEDS_REVERIFICATION if needed else None,
        None if lot is None else _SAID_OF_LOTS.get(lot.status),
        *(find_status_against(relative, instrument) for relative in relatives),
    )


_ACTED_ON: Final = {
    Status.WITHDRAWN: DocumentStatus.WITHDRAWN,
    Status.CANCELLED: DocumentStatus.CANCELLED,
    Status.SUSPENDED: DocumentStatus.SUSPENDED,
    Status.SUPERSEDED: DocumentStatus.SUPERSEDED,
}
_SAID_OF_LOTS: Final = {
    Status.FAILED: DocumentStatus.FAILED_SINCE,
    Status.WITHDRAWN: DocumentStatus.WITHDRAWN,
    Status.CANCELLED: DocumentStatus.CANCELLED,
    Status.SUSPENDED: DocumentStatus.SUSPENDED,
}


def _describe_states(
    document: SubjectState,
    instrument: SubjectState,
    lot: SubjectState | None,
    relatives: list[Relative],
) -> tuple[str, str]:
    newest = instrument.current_certificate
    en, zh = f"leaf {newest} is newer", f"账本第{newest}条更新"
    if newest == document.current_certificate:
        en, zh = "the newest document of this instrument", "该器具的最新证书"
    if document.status in _ACTED_ON:
        words, at = STATUS_WORDS[_ACTED_ON[document.status]], document.last_event
        en, zh = f"{en}, {words.en} by leaf {at}", f"{zh}，账本第{at}条：{words.zh}"
    if instrument.status is Status.NEEDS_REVERIFICATION:
        words = STATUS_WORDS[DocumentStatus.NEEDS_REVERIFICATION]
        en, zh = f"{en}, which {words.en}", f"{zh}，{words.zh}"
    if lot is not None and lot.status in _SAID_OF_LOTS:
        words, at = STATUS_WORDS[_SAID_OF_LOTS[lot.status]], lot.last_event
        en, zh = f"{en}; its lot {words.en} by leaf {at}", f"{zh}；所属批次由账本第{at}条：{words.zh}"
    for each in relatives:
        en, zh = f"{en}; {each.text.en}", f"{zh}；{each.text.zh}"
    return en, zh


def _describe_kept(
    document: SubjectState, instrument: SubjectState, _: SubjectState | None
) -> tuple[str, str]:
    """Say how a document that verifies nothing stands, and how its instrument does by its verifications."""
    if instrument.current_certificate is None:
        en, zh = "no verification of this instrument is in the ledger", "账本中没有该器具的检定记录"
    else:
        newest, status = instrument.current_certificate, instrument.status.name
        en = f"no verification; the newest of this instrument is leaf {newest}, status {status}"
        zh = f"不属于检定；该器具最新检定为账本第{newest}条，状态{status}"
    if document.status in _ACTED_ON:
        words, at = STATUS_WORDS[_ACTED_ON[document.status]], document.last_event
        en, zh = f"{en}; {words.en} by leaf {at}", f"{zh}；账本第{at}条：{words.zh}"
    return en, zh


def _judge_age(age: Age, en: str, zh: str) -> Check:
    en, zh = f"{en}, {age.text.en}", f"{zh}，{age.text.zh}"
    if age.is_too_old:
        return not_checked(Step.STATUS, f"{en}: older than the policy allows", f"{zh}：超过策略允许的时限")
    return passed(Step.STATUS, en, zh)


def check_receipt(
    receipt: AnchorReceipt | None,
    checkpoint: Checkpoint,
    policy: Policy,
    verify: Callable[[AnchorReceipt], None],
) -> Check:
    """Step 15: the log states, signed, where this checkpoint is anchored."""
    if receipt is None:
        return not_checked(Step.RECEIPT, "not anchored yet", "待存证")
    if (receipt.tree_size, receipt.root_hash) != (checkpoint.tree_size, checkpoint.root_hash):
        return failed(Step.RECEIPT, "the receipt is of another state of the ledger", "回执对应账本的其他状态")
    try:
        verify(receipt)
    except VerificationError as err:
        return from_error(Step.RECEIPT, err)
    return _check_anchor(receipt, policy)


def _check_anchor(receipt: AnchorReceipt, policy: Policy) -> Check:
    """Compare a receipt that the log has signed with what the policy believes of chains."""
    if receipt.chain.is_development and not policy.development:
        return failed(
            Step.RECEIPT,
            f"chain {receipt.chain.chain_id} is a development chain, which this policy does not believe",
            f"链{receipt.chain.chain_id}为开发链，本策略不予采信",
        )
    if policy.contract is None:
        return not_checked(Step.RECEIPT, "the policy names no contract", "策略未指定合约")
    if receipt.chain != policy.contract.chain:
        return failed(Step.RECEIPT, "the receipt is of another chain or contract", "回执属于其他链或合约")
    place_en, place_zh = f"block {receipt.block_number}", f"区块{receipt.block_number}"
    if not policy.contract.is_settled(receipt.grade):
        return not_checked(
            Step.RECEIPT,
            f"{place_en}, {receipt.grade.value}: not settled as the policy asks",
            f"{place_zh}，{_GRADES[receipt.grade]}；尚未达到策略要求的确认程度",
        )
    return passed(
        Step.RECEIPT,
        f"{place_en}, {receipt.grade.value}; stated by the log, not looked up",
        f"{place_zh}，{_GRADES[receipt.grade]}；由账本声明，未上链核对",
    )


_GRADES: Final = {AnchorGrade.INCLUDED: "已打包", AnchorGrade.SAFE: "较安全", AnchorGrade.FINAL: "已最终确认"}


def find_status(
    conclusion: Conclusion | None,
    kind: ValidityKind,
    until: date | None,
    today: date,
    document: DocumentKind = DocumentKind.VERIFICATION,
) -> DocumentStatus:
    """Return what a document says of itself on a day; its last day counts as valid to 24:00."""
    if document is DocumentKind.PAPER:
        return DocumentStatus.PAPER
    verifies = document is DocumentKind.VERIFICATION
    if verifies and conclusion is Conclusion.FAIL:
        return DocumentStatus.FAILED
    if until is None or today <= until:
        return DocumentStatus.VALID if verifies else DocumentStatus.CALIBRATED
    return DocumentStatus.EXPIRED if kind is ValidityKind.DATE else DocumentStatus.SERVICE_LIFE_ENDED
