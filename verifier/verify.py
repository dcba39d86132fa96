"""The steps in order; this list is the specification.

 1 integrity    the file is undamaged                     11 limits      results judged as the regulation does
 2 binding      certificate, statement, leaf agree        12 inclusion   leaf recomputed, proved in the tree
 3 seal         persons' proofs, and the seal             13 checkpoint  signed by the policy's log key
 4 statement    signed for this log                       14 quorum      witnesses
 5 key          registered, active at the leaf's index    15 receipt     the log states the anchor, signed
 6 authority    folds from the pinned root to the leaf    16 chain       seen in the contract itself
 7 scope        covers category, kind, region, day        17 time        order of the clocks
 8 persons      roles apart, qualified                    18 expiry      no later than the rule allows
 9 regulation   in force on the verification date         19 status      newest of this instrument, by the map
10 standards    registered, traceable                    20 type        approved, not blocked

Less than a bundle (a certificate alone, a QR text) is checked as far as the trust list reaches and is never
VALID. The trust list says how things stand now, and such a document does not show when it was logged: what has
ended since is NOT_CHECKED there, never FAILED.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from ledger.core.anchor import AnchorReceipt
from ledger.core.bundle import ProofBundle
from ledger.core.certificate import Certificate
from ledger.core.checkpoint import Checkpoint
from ledger.core.encoding import parse_instant
from ledger.core.errors import InputError, LedgerError, MalformedDocumentError, VerificationError, copy_error
from ledger.core.evidence import Established, verify_sequence
from ledger.core.ids import InstitutionId, LeafIndex
from ledger.core.judging import Grounds, judge_by_book, judge_by_registers
from ledger.core.map_proof import open_map_proof
from ledger.core.policy import Policy, require_origin
from ledger.core.record import DOCUMENT_KINDS, DocumentType, Record
from ledger.core.register_fields import RegisterState
from ledger.core.rules import Clocks, check_times, local_date
from ledger.core.statement import (
    Conclusion,
    DocumentKind,
    IssueClaims,
    SignedStatement,
    parse_signed_statement,
)
from ledger.core.status import RegisteredKey, Registers
from ledger.core.step import Check, Outcome, Sentence, Step, not_checked, passed
from verifier import checks
from verifier.report import DocumentStatus, DocumentSummary, Report, build_report, find_heaviest
from verifier.session import Session
from verifier.witnessing import Witnessing, judge_witnesses

ChainLook = Callable[[Checkpoint], Check]
"""Looks at the contract itself; returns step 16."""

Carrier = Callable[[Established | None], Sequence[Check]]
"""Judges the file that carries a bundle, as a PDF does, by what the bundle's evidence establishes, if it holds."""


@dataclass(frozen=True, slots=True)
class Covering:
    """A later state of the log that follows from a bundle's: its anchor and its witnesses cover that as well."""

    checkpoint: Checkpoint
    note: str
    receipt: AnchorReceipt | None
    now: datetime
    """The verifier's clock, aware UTC, which witnesses are not ahead of."""


_NO_TRUST_LIST: Final = Sentence("no trust list at hand", "没有信任列表")
_NO_STATE: Final = Sentence("no signed state to prove it in", "没有可信的账本状态")
_NOT_WITNESSED: Final = Witnessing(Check(Step.QUORUM, Outcome.NOT_CHECKED, _NO_STATE), None)
_UNKNOWN_KEY: Final = Sentence("the trust list does not know this key", "信任列表中没有此密钥")


def verify_bundle(
    bundle: ProofBundle,
    session: Session,
    now: datetime,
    look: ChainLook | None = None,
    covering: Covering | None = None,
    carrier: Carrier | None = None,
    required: frozenset[Step] = frozenset(),
    note: Sentence | None = None,
) -> Report:
    """Check a bundle, offline unless `look` is given.

    Args:
        bundle: parsed, not verified.
        session: what to believe.
        now: the verifier's clock, aware UTC.
        look: step 16, which is then required; the only thing here that may touch a network.
        covering: a later state of the log, if `now` is an instant up to which the bundle's state held.
        carrier: checks of the file that the bundle came in; they join the bundle's own.
        required: steps that the file needs, whatever the policy says.
        note: what the file is, for people.

    Raises:
        PolicyMismatchError: the bundle is of another log.
        InputError: its statement is not one.
    """
    require_origin(session.policy, bundle.origin)
    signed = parse_signed_statement(bundle.statement_raw)
    checkpoint, checkpoint_check = _open_checkpoint(bundle.checkpoint, session)
    evidence, evidence_error = _open_evidence(bundle, session, checkpoint)
    registers = None if evidence is None else evidence[0]
    record = bundle.certificate.record
    found = [checks.check_integrity(bundle), checks.check_bundle_binding(bundle, signed)]
    found += _check_authority(bundle, signed, session, registers, evidence_error)
    if evidence is not None and checkpoint is not None:
        found = _judge_compromise(found, bundle, signed, session, checkpoint, evidence[1].registers)
    found += _check_by_registers(record, session, evidence)
    found += _check_by_book(record, session, registers, None if evidence is None else evidence[1].registers)
    witnessing = _judge_witnesses(bundle, session, now, checkpoint, covering)
    found += [*_check_log(bundle, session, checkpoint, look, covering), checkpoint_check, witnessing.check]
    found.append(_check_times(bundle.certificate, bundle, session, now, in_evidence=registers is not None))
    newest, stated = _check_status(bundle, signed, session, now, evidence, witnessing)
    found.append(newest)
    if carrier is not None:
        found = join_checks(found, carrier(None if evidence is None else evidence[1]))
    asked_for = required if look is None else required | {Step.CHAIN}
    status = find_heaviest(stated, _find_record_status(record, session, now))
    policies = None if evidence is None else _compare_policies(evidence[1].registers, session.policy)
    note = _join_notes(note, describe_kind(record), policies)
    return build_report(found, status, session.policy, summarise(record), asked_for=asked_for, note=note)


def describe_kind(record: Record) -> Sentence | None:
    """Say what a document is that verifies nothing, since whoever sees it may take it for a verification."""
    if record.paper is not None:
        day = record.paper.entered_on
        return Sentence(
            f"from paper, entered on {day}; not an electronic certificate",
            f"据纸质证书登记，登记日期{day}；不是电子证书",
        )
    if record.document_kind is DocumentKind.CALIBRATION:
        return Sentence(
            "a calibration certificate; the instrument is not verified by it", "校准证书；不证明该器具经检定"
        )
    return None


def _join_notes(*notes: Sentence | None) -> Sentence | None:
    said = [note for note in notes if note is not None]
    if not said:
        return None
    return Sentence("; ".join(note.en for note in said), "；".join(note.zh for note in said))


def join_checks(found: Sequence[Check], others: Sequence[Check]) -> list[Check]:
    """Return steps with what was found about another file added: the worst outcome of a step counts.

    Of equal outcomes both sentences are kept.
    """
    joined = {check.step: check for check in found}
    for check in others:
        own = joined.get(check.step)
        joined[check.step] = check if own is None else _join_check(own, check)
    return list(joined.values())


def _join_check(own: Check, other: Check) -> Check:
    for outcome in (Outcome.FAILED, Outcome.NOT_CHECKED, Outcome.PASSED):
        said = [check for check in (own, other) if check.outcome is outcome]
        if said:
            break
    en, zh = "; ".join(check.reason.en for check in said), "；".join(check.reason.zh for check in said)
    return Check(own.step, outcome, Sentence(en, zh), own.warning or other.warning)


def _compare_policies(registers: Registers, policy: Policy) -> Sentence | None:
    """Say that the root has published a newer policy than the verifier's own; what rules is its own."""
    newest = registers.policy_version
    if newest is None or newest <= policy.version:
        return None
    return Sentence(
        f"the root has published version {newest} of the policy; this check was made by version {policy.version}",
        f"信任根已发布第{newest}版策略；本次核验依据第{policy.version}版",
    )


def verify_certificate(certificate: Certificate, session: Session, now: datetime) -> Report:
    """Check a certificate without its bundle: seal and authority by the trust list, the rest is not known.

    Args:
        certificate: parsed, not verified.
        session: what to believe.
        now: the verifier's clock, aware UTC.
    """
    record = certificate.record
    found = [passed(Step.INTEGRITY, "canonical, as it was signed", "规范格式，与签名时一致")]
    if session.trusted is None:
        found += [
            Check(step, Outcome.NOT_CHECKED, _NO_TRUST_LIST)
            for step in (Step.SEAL, Step.KEY, Step.AUTHORITY, *_BY_REGISTERS)
        ]
    else:
        registers, checkpoint = session.trusted
        known = _find_key_by_did(certificate.issuer_did, registers)
        found.append(checks.check_seal(certificate, None if known is None else known.key))
        found += _check_issuer_now(known, record.issuer.id, registers, checkpoint)
        found += _check_by_registers_now(record, session, registers)
    trusted = None if session.trusted is None else session.trusted[0]
    found += [*_check_by_book(record, session, trusted, trusted), _status_not_proved()]
    found.append(
        not_checked(
            Step.INCLUSION,
            "a certificate alone does not show that it was logged",
            "仅凭证书不能证明已载入账本",
        )
    )
    found.append(_check_times(certificate, None, session, now, in_evidence=False))
    status, note = _find_record_status(record, session, now), describe_kind(record)
    return build_report(found, status, session.policy, summarise(record), complete=False, note=note)


def verify_statement_alone(raw: bytes, session: Session, now: datetime) -> Report:
    """Check the statement printed in a QR code: signed by whom, and nothing about the present.

    Raises:
        InputError: not a statement about a certificate.
    """
    signed = parse_signed_statement(raw)
    claims = signed.statement.claims
    if not isinstance(claims, IssueClaims):
        raise MalformedDocumentError("the code holds a statement that is not about a certificate")
    institution = InstitutionId(signed.statement.issuer)
    name: str = institution
    if session.trusted is None:
        steps = (Step.STATEMENT, Step.KEY, Step.AUTHORITY)
        found = [Check(step, Outcome.NOT_CHECKED, _NO_TRUST_LIST) for step in steps]
    else:
        registers, checkpoint = session.trusted
        known = registers.keys.get(signed.key_id)
        key = None if known is None else known.key
        found = [checks.check_statement(signed, key, session.policy.origin)]
        found += _check_issuer_now(known, institution, registers, checkpoint)
        if institution in registers.institutions:
            name = registers.institutions[institution].name.zh
    found.append(_status_not_proved())
    today = local_date(now, session.policy.zone)
    status = checks.find_status(
        claims.conclusion, claims.validity_kind, claims.valid_until, today, claims.kind
    )
    note = _UNCHECKED[claims.kind]
    summary = _summarise_claims(claims, name)
    return build_report(found, status, session.policy, summary, complete=False, note=note)


_UNCHECKED: Final = {
    DocumentKind.VERIFICATION: Sentence("signed, status not checked", "签名有效，状态未查"),
    DocumentKind.CALIBRATION: Sentence(
        "a calibration, not a verification; signed, status not checked", "校准，不是检定；签名有效，状态未查"
    ),
    DocumentKind.PAPER: Sentence(
        "entered from paper, not an electronic certificate; signed, status not checked",
        "据纸质证书登记，不是电子证书；签名有效，状态未查",
    ),
}


def report_short_code(session: Session) -> Report:
    """Report on a short code read offline: it names a statement but does not carry it."""
    check = not_checked(
        Step.STATEMENT,
        "a short code carries no signature; open its page, or check the bundle",
        "短码不含签名；请打开网页，或核验证明文件",
    )
    return build_report([check], None, session.policy, None, complete=False)


# --- parts of a bundle ------------------------------------------------------------------------------------


def _open_checkpoint(note: str, session: Session) -> tuple[Checkpoint | None, Check]:
    try:
        checkpoint = session.open_checkpoint(note)
    except (InputError, VerificationError) as err:
        return None, checks.from_error(Step.CHECKPOINT, err)
    return checkpoint, passed(
        Step.CHECKPOINT,
        f"{checkpoint.tree_size} leaves, signed by the log",
        f"共{checkpoint.tree_size}条，账本签名有效",
    )


def _open_evidence(
    bundle: ProofBundle, session: Session, checkpoint: Checkpoint | None
) -> tuple[tuple[Registers, Established] | None, LedgerError | None]:
    if checkpoint is None:
        return None, None
    try:
        return session.open_evidence(bundle, checkpoint), None
    except (InputError, VerificationError) as err:
        return None, copy_error(err)  # else frames and error hold each other, and the bundle with them


def _check_authority(
    bundle: ProofBundle,
    signed: SignedStatement,
    session: Session,
    registers: Registers | None,
    error: LedgerError | None,
) -> list[Check]:
    """Steps 3 to 6."""
    known = None if registers is None else registers.keys.get(signed.key_id)
    key = None if known is None else known.key
    found = [checks.check_seal(bundle.certificate, key), checks.check_statement(signed, key, bundle.origin)]
    if registers is not None:
        owner, ended_at = signed.statement.issuer, session.find_end_of_key(signed.key_id)
        found.append(checks.check_key(known, owner, bundle.leaf_index, ended_at))
        found.append(checks.check_authority(bundle, signed, registers))
    elif error is not None:
        found.append(not_checked(Step.KEY, "the authority evidence does not hold", "授权证据不成立"))
        found.append(checks.from_error(Step.AUTHORITY, error))
    else:
        found += [Check(step, Outcome.NOT_CHECKED, _NO_STATE) for step in (Step.KEY, Step.AUTHORITY)]
    return found


def _judge_compromise(
    found: list[Check],
    bundle: ProofBundle,
    signed: SignedStatement,
    session: Session,
    checkpoint: Checkpoint,
    newest: Registers,
) -> list[Check]:
    """Return the steps with step 5 as it stands after what has become known of the key since."""
    since = session.find_compromise(signed.key_id, newest)
    if since is None:
        return found

    def judge_receipt(receipt: AnchorReceipt, state: Checkpoint) -> Check:
        return checks.check_receipt(receipt, state, session.policy, session.verify_receipt)

    after = checks.check_compromise(bundle, since, checkpoint, judge_receipt)
    return [after if check.step is Step.KEY and check.outcome is Outcome.PASSED else check for check in found]


def _check_status(
    bundle: ProofBundle,
    signed: SignedStatement,
    session: Session,
    now: datetime,
    evidence: tuple[Registers, Established] | None,
    witnessing: Witnessing,
) -> tuple[Check, DocumentStatus | None]:
    """Step 19; the witnesses say how old the state is, the log, by its receipt or clock, only without them."""
    if evidence is None:
        return _status_not_proved(), None
    established = evidence[1]
    stated_at = established.stated_at if bundle.receipt is None else bundle.receipt.anchored_at
    age = witnessing.judge_age(stated_at, now, session.policy)
    try:
        proven = open_map_proof(bundle.map_proof, established.map_root)
        return checks.check_status(bundle, signed, proven, age)
    except (InputError, VerificationError) as err:
        return checks.from_error(Step.STATUS, err), None


_BY_REGISTERS: Final = (Step.SCOPE, Step.PERSONS, Step.STANDARDS, Step.TYPE)


def _build_grounds(session: Session, registers: Registers, newest: Registers | None = None) -> Grounds:
    policy = session.policy
    return Grounds(
        registers, session.rule_book, policy.traceability_roots, newest, published_only=policy.published_rules
    )


def _check_by_registers(
    record: Record, session: Session, evidence: tuple[Registers, Established] | None
) -> list[Check]:
    """Steps 7, 8, 10 and 20, by what was registered when the document came into the log."""
    if evidence is None:
        return [not_checked(step, "the registers are not known", "登记信息未知") for step in _BY_REGISTERS]
    registers, established = evidence
    grounds = _build_grounds(session, registers, established.registers)
    results = judge_by_registers(record, grounds)
    found = [checks.from_rule(step, result) for step, result in results.items()]
    return [checks.confirm_blocks(check, record, established) for check in found]


def _judge_witnesses(
    bundle: ProofBundle,
    session: Session,
    now: datetime,
    checkpoint: Checkpoint | None,
    covering: Covering | None,
) -> Witnessing:
    """Step 14, and as of when the state holds: of a past instant, that instant itself."""
    if checkpoint is None:
        return _NOT_WITNESSED
    if covering is None:
        return judge_witnesses(session, bundle.checkpoint, now)
    return replace(judge_witnesses(session, covering.note, covering.now), as_of=now)


def _check_log(
    bundle: ProofBundle,
    session: Session,
    checkpoint: Checkpoint | None,
    look: ChainLook | None,
    covering: Covering | None,
) -> list[Check]:
    """Steps 12, 15 and 16."""
    if checkpoint is None:
        steps = (Step.INCLUSION, Step.RECEIPT, Step.CHAIN)
        return [Check(step, Outcome.NOT_CHECKED, _NO_STATE) for step in steps]
    state, stated = (
        (checkpoint, bundle.receipt) if covering is None else (covering.checkpoint, covering.receipt)
    )
    return [checks.check_inclusion(bundle, checkpoint), *check_anchors(stated, state, session, look)]


def check_anchors(
    receipt: AnchorReceipt | None, state: Checkpoint, session: Session, look: ChainLook | None
) -> list[Check]:
    """Steps 15 and 16: what vouches for a state of the log beside its witnesses."""
    stated = checks.check_receipt(receipt, state, session.policy, session.verify_receipt)
    chain = not_checked(Step.CHAIN, "not looked up", "未上链核对") if look is None else look(state)
    return [stated, chain]


# --- what the document itself shows -----------------------------------------------------------------------


def _check_by_book(
    record: Record, session: Session, registers: Registers | None, newest: Registers | None
) -> list[Check]:
    """Steps 9, 11 and 18."""
    grounds = _build_grounds(session, registers or Registers(), newest)
    results = judge_by_book(record, grounds.book)
    return [checks.from_rule(step, result) for step, result in results.items()]


def _check_times(
    certificate: Certificate,
    bundle: ProofBundle | None,
    session: Session,
    now: datetime,
    *,
    in_evidence: bool,
) -> Check:
    """Step 17; `in_evidence`: the bundle's evidence holds, so that its times count too."""
    try:
        sealed_at = _read_sealing_time(certificate)
        if bundle is not None and in_evidence:
            verify_sequence(bundle.evidence, bundle.leaf_index, bundle.header.sequenced_at_ms)
    except (InputError, VerificationError) as err:
        return checks.from_error(Step.TIME, err)
    receipt = None if bundle is None else bundle.receipt
    clocks = Clocks(
        sealed_at=sealed_at,
        sequenced_at=None if bundle is None else bundle.header.sequenced_at,
        anchored_at=None if receipt is None else receipt.anchored_at,
        now=now,
    )
    policy = session.policy
    result = check_times(certificate.record, clocks, policy.zone, policy.clock_tolerance, policy.lag_warning)
    return checks.from_rule(Step.TIME, result)


def _read_sealing_time(certificate: Certificate) -> datetime:
    """Return the seal's own time, which step 3 shows to be signed."""
    created = certificate.proofs[-1].get("created")  # the seal is the last; `parse_certificate` asks for one
    if not isinstance(created, str):
        raise MalformedDocumentError("no seal with a time", field="proof.created")
    return parse_instant(created)


def _find_record_status(record: Record, session: Session, now: datetime) -> DocumentStatus:
    today = local_date(now, session.policy.zone)
    validity = record.validity
    return checks.find_status(record.conclusion, validity.kind, validity.until, today, record.document_kind)


def _status_not_proved() -> Check:
    return not_checked(Step.STATUS, "the newest status is not proved here", "此处未证明最新状态")


# --- by the trust list, for less than a bundle ------------------------------------------------------------


def _find_key_by_did(did: str, registers: Registers) -> RegisteredKey | None:
    return next((known for known in registers.keys.values() if known.key.did_key == did), None)


def _check_issuer_now(
    known: RegisteredKey | None, institution: InstitutionId, registers: Registers, checkpoint: Checkpoint
) -> list[Check]:
    """Steps 5 and 6, as of the trust list's checkpoint."""
    if known is None:
        return [Check(step, Outcome.NOT_CHECKED, _UNKNOWN_KEY) for step in (Step.KEY, Step.AUTHORITY)]
    newest = LeafIndex(checkpoint.tree_size - 1)
    key = checks.check_key(known, institution, newest)
    if known.owner == institution and not known.is_active_at(newest):
        key = not_checked(
            Step.KEY,
            "the key has ended; whether the document is older does not show here",
            "密钥已停用；无法由此判断文件是否在停用前签发",
        )
    registered = registers.institutions.get(institution)
    if registered is not None and registered.state is not RegisterState.ACTIVE:
        return [
            key,
            not_checked(
                Step.AUTHORITY,
                f"institution {institution} is {registered.state.value} now; whether the document is older "
                "does not show here",
                f"机构{institution}现已暂停或撤销；无法由此判断文件是否在此之前签发",
            ),
        ]
    return [key, checks.check_institution(registers, institution)]


def _check_by_registers_now(record: Record, session: Session, registers: Registers) -> list[Check]:
    """Steps 7, 8, 10 and 20 as of the trust list: what fails now may have been in order before."""
    results = judge_by_registers(record, _build_grounds(session, registers))
    found = []
    for step, result in results.items():
        outcome = Outcome.PASSED if result.outcome is Outcome.PASSED else Outcome.NOT_CHECKED
        found.append(Check(step, outcome, result.text, result.warning))
    return found


# --- for people -------------------------------------------------------------------------------------------


def summarise(record: Record) -> DocumentSummary:
    """Return what a person compares with the nameplate."""
    instrument = record.instrument
    return DocumentSummary(
        document_type=record.document_type.value,
        number=record.number,
        institution=record.issuer.name,
        instrument=instrument.name,
        model=instrument.model,
        serial=instrument.serial,
        maker=instrument.maker,
        category=instrument.category.name,
        verified_on=record.verified_on,
        valid_until=record.validity.until,
        conclusion=_name_conclusion(record.document_kind, record.conclusion),
        entered_on=None if record.paper is None else record.paper.entered_on,
    )


def _name_conclusion(kind: DocumentKind, conclusion: Conclusion | None) -> str | None:
    is_said = kind is DocumentKind.VERIFICATION or conclusion is None
    return None if is_said or conclusion is None else conclusion.name.lower()


def _name_type(claims: IssueClaims) -> DocumentType:
    if claims.kind is DocumentKind.VERIFICATION and claims.conclusion is Conclusion.FAIL:
        return DocumentType.REJECTION_NOTICE
    return next(name for name, kind in DOCUMENT_KINDS.items() if kind is claims.kind)


def _summarise_claims(claims: IssueClaims, institution: str) -> DocumentSummary:
    cut = claims.serial.tail is not None
    return DocumentSummary(
        document_type=_name_type(claims).value,
        number=claims.number,
        institution=institution,
        instrument=None,
        model=None,
        serial=f"{claims.serial.text}…" if cut else claims.serial.text,
        maker=None,
        category=claims.category.name,
        verified_on=claims.verified_on,
        valid_until=claims.valid_until,
        conclusion=_name_conclusion(claims.kind, claims.conclusion),
    )
