"""The steps in order; this list is the specification.

 1 integrity    the file is undamaged                     11 limits      results judged as the regulation does
 2 binding      certificate, statement, leaf agree        12 inclusion   leaf recomputed, proved in the tree
 3 seal         one proof, by the statement's key         13 checkpoint  signed by the policy's log key
 4 statement    signed for this log                       14 quorum      witnesses
 5 key          registered, active at the leaf's index    15 receipt     the log states the anchor, signed
 6 authority    folds from the pinned root to the leaf    16 chain       seen in the contract itself
 7 scope        covers category, kind, region, day        17 time        order of the clocks
 8 persons      roles apart, qualified                    18 expiry      no later than the rule allows
 9 regulation   in force on the verification date         19 status      newest of this instrument
10 standards    registered, traceable

Less than a bundle (a certificate alone, a QR text) is checked as far as the trust list reaches and is never
VALID.
"""

from collections.abc import Callable
from datetime import datetime

from ledger.core.bundle import ProofBundle
from ledger.core.certificate import Certificate, Record
from ledger.core.checkpoint import Checkpoint
from ledger.core.encoding import parse_instant
from ledger.core.errors import InputError, LedgerError, MalformedDocumentError, VerificationError
from ledger.core.ids import InstitutionId, LeafIndex
from ledger.core.policy import require_origin
from ledger.core.rules import (
    Clocks,
    check_expiry,
    check_limits,
    check_persons,
    check_regulation,
    check_scope,
    check_times,
)
from ledger.core.signature import PublicKey
from ledger.core.statement import IssueClaims, SignedStatement, parse_signed_statement
from ledger.core.status import Registers
from ledger.core.step import Check, Sentence, Step, not_checked, passed
from verifier import checks
from verifier.report import DocumentSummary, Report, build_report
from verifier.session import Session

ChainLook = Callable[[Checkpoint], Check]
"""Looks at the contract itself; returns step 16."""


def verify_bundle(
    bundle: ProofBundle, session: Session, now: datetime, look: ChainLook | None = None
) -> Report:
    """Check a bundle, offline unless `look` is given.

    Args:
        bundle: parsed, not verified.
        session: what to believe.
        now: the verifier's clock, aware UTC.
        look: step 16; the only thing here that may touch a network.

    Raises:
        PolicyMismatchError: the bundle is of another log.
        InputError: a part of it is not what it should be.
    """
    require_origin(session.policy, bundle.origin)
    signed = parse_signed_statement(bundle.statement_raw)
    found = [checks.check_integrity(bundle), checks.check_bundle_binding(bundle, signed)]
    checkpoint_check, checkpoint = _open_checkpoint(bundle.checkpoint, session)
    evidence_error, registers = _open_evidence(bundle, session, checkpoint)
    found += _check_authority(bundle, signed, registers, evidence_error)
    record = bundle.certificate.record
    found += _check_record(record, registers, session)
    if checkpoint is None:
        found.append(not_checked(Step.INCLUSION, "no signed state to prove it in", "没有可信的账本状态"))
        found.append(checkpoint_check)
    else:
        found += [checks.check_inclusion(bundle, checkpoint), checkpoint_check]
        found.append(not_checked(Step.QUORUM, "the policy names no witnesses", "策略未指定见证方"))
        found.append(checks.check_receipt(bundle.receipt, checkpoint, session.policy, session.verify_receipt))
        found.append(_not_looked_up() if look is None else look(checkpoint))
    found.append(_check_times(bundle.certificate, bundle, session, now))
    found.append(checks.from_rule(Step.EXPIRY, check_expiry(record, session.rule_book)))
    found.append(_status_not_proved())
    today = now.astimezone(session.policy.zone).date()
    status = checks.find_status(record.conclusion, record.validity.kind, record.validity.until, today)
    return build_report(found, status, session.policy, summarise(record))


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
            not_checked(step, "no trust list at hand", "没有信任列表")
            for step in (Step.SEAL, Step.KEY, Step.AUTHORITY)
        ]
        registers = None
    else:
        registers, checkpoint = session.trusted
        key_check, key = _find_key_by_did(certificate.issuer_did, record, registers, checkpoint)
        found += [checks.check_seal(certificate, key), key_check]
        found.append(checks.check_institution(registers, record.issuer.id))
    found += _check_record(record, registers, session)
    found.append(
        not_checked(
            Step.INCLUSION,
            "a certificate alone does not show that it was logged",
            "仅凭证书不能证明已载入账本",
        )
    )
    found.append(_check_times(certificate, None, session, now))
    found.append(checks.from_rule(Step.EXPIRY, check_expiry(record, session.rule_book)))
    found.append(_status_not_proved())
    today = now.astimezone(session.policy.zone).date()
    status = checks.find_status(record.conclusion, record.validity.kind, record.validity.until, today)
    return build_report(found, status, session.policy, summarise(record), complete=False)


def verify_statement_alone(raw: bytes, session: Session, now: datetime) -> Report:
    """Check the statement printed in a QR code: signed by whom, and nothing about the present.

    Raises:
        InputError: not a statement about a certificate.
    """
    signed = parse_signed_statement(raw)
    claims = signed.statement.claims
    if not isinstance(claims, IssueClaims):
        raise MalformedDocumentError("the code holds a statement that is not about a certificate")
    found: list[Check] = []
    institution = signed.statement.issuer
    if session.trusted is None:
        found += [
            not_checked(step, "no trust list at hand", "没有信任列表")
            for step in (Step.STATEMENT, Step.KEY, Step.AUTHORITY)
        ]
    else:
        registers, checkpoint = session.trusted
        known = registers.keys.get(signed.key_id)
        found.append(
            checks.check_statement(signed, None if known is None else known.key, session.policy.origin)
        )
        found.append(_check_key_now(known is not None, registers, signed, checkpoint))
        found.append(_check_institution_now(registers, InstitutionId(institution), known is not None))
        name = registers.institutions.get(InstitutionId(institution))
        institution = institution if name is None else name.name.zh
    found.append(_status_not_proved())
    today = now.astimezone(session.policy.zone).date()
    status = checks.find_status(claims.conclusion, claims.validity_kind, claims.valid_until, today)
    note = Sentence("signed, status not checked", "签名有效，状态未查")
    return build_report(
        found, status, session.policy, _summarise_claims(claims, institution), complete=False, note=note
    )


def report_short_code(session: Session) -> Report:
    """Report on a short code read offline: it names a statement but does not carry it."""
    check = not_checked(
        Step.STATEMENT,
        "a short code carries no signature; open its page, or check the bundle",
        "短码不含签名；请打开网页，或核验证明文件",
    )
    return build_report([check], None, session.policy, None, complete=False)


def _open_checkpoint(note: str, session: Session) -> tuple[Check, Checkpoint | None]:
    try:
        checkpoint = session.open_checkpoint(note)
    except (InputError, VerificationError) as err:
        return checks.from_error(Step.CHECKPOINT, err), None
    return passed(
        Step.CHECKPOINT,
        f"{checkpoint.tree_size} leaves, signed by the log",
        f"共{checkpoint.tree_size}条，账本签名有效",
    ), checkpoint


def _open_evidence(
    bundle: ProofBundle, session: Session, checkpoint: Checkpoint | None
) -> tuple[LedgerError | None, Registers | None]:
    if checkpoint is None:
        return None, None
    try:
        return None, session.open_evidence(bundle, checkpoint)
    except (InputError, VerificationError) as err:
        return err, None


def _check_authority(
    bundle: ProofBundle, signed: SignedStatement, registers: Registers | None, error: LedgerError | None
) -> list[Check]:
    known = None if registers is None else registers.keys.get(signed.key_id)
    key = None if known is None else known.key
    found = [checks.check_seal(bundle.certificate, key), checks.check_statement(signed, key, bundle.origin)]
    if error is not None:
        found.append(not_checked(Step.KEY, "the authority evidence does not hold", "授权证据不成立"))
        found.append(checks.from_error(Step.AUTHORITY, error))
    elif registers is None:
        found.append(not_checked(Step.KEY, "no signed state to prove it in", "没有可信的账本状态"))
        found.append(not_checked(Step.AUTHORITY, "no signed state to prove it in", "没有可信的账本状态"))
    else:
        found.append(checks.check_key(known, signed.statement.issuer, bundle.leaf_index))
        found.append(checks.check_authority(bundle, signed, registers))
    return found


def _check_record(record: Record, registers: Registers | None, session: Session) -> list[Check]:
    book = session.rule_book
    if registers is None:
        scope = not_checked(Step.SCOPE, "the authority is not known", "授权信息未知")
    else:
        line = registers.scopes.get((record.issuer.id, record.issuer.scope_id))
        scope = checks.from_rule(Step.SCOPE, check_scope(record, line))
    return [
        scope,
        checks.from_rule(Step.PERSONS, check_persons(record)),
        checks.from_rule(Step.REGULATION, check_regulation(record, book)),
        not_checked(
            Step.STANDARDS, "no register of measurement standards in the evidence", "证据中没有计量标准登记"
        ),
        checks.from_rule(Step.LIMITS, check_limits(record, book)),
    ]


def _check_times(
    certificate: Certificate, bundle: ProofBundle | None, session: Session, now: datetime
) -> Check:
    try:
        sealed_at = _read_sealing_time(certificate)
    except InputError as err:
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
    created = certificate.proofs[0].get("created") if certificate.proofs else None
    if not isinstance(created, str):
        raise MalformedDocumentError("no seal with a time", field="proof.created")
    return parse_instant(created)


def _find_key_by_did(
    did: str, record: Record, registers: Registers, checkpoint: Checkpoint
) -> tuple[Check, PublicKey | None]:
    for known in registers.keys.values():
        if known.key.did_key == did:
            last = LeafIndex(checkpoint.tree_size - 1)
            return checks.check_key(known, record.issuer.id, last), known.key
    return not_checked(Step.KEY, "the trust list does not know this key", "信任列表中没有此密钥"), None


def _check_key_now(
    found: bool, registers: Registers, signed: SignedStatement, checkpoint: Checkpoint
) -> Check:
    if not found:
        return not_checked(Step.KEY, "the trust list does not know this key", "信任列表中没有此密钥")
    last = LeafIndex(checkpoint.tree_size - 1)
    return checks.check_key(registers.keys[signed.key_id], signed.statement.issuer, last)


def _check_institution_now(registers: Registers, institution: InstitutionId, found: bool) -> Check:
    if not found:
        return not_checked(Step.AUTHORITY, "the issuer is unknown", "签发机构未知")
    return checks.check_institution(registers, institution)


def _not_looked_up() -> Check:
    return not_checked(Step.CHAIN, "not looked up", "未上链核对")


def _status_not_proved() -> Check:
    return not_checked(Step.STATUS, "the newest status is not proved here", "此处未证明最新状态")


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
    )


def _summarise_claims(claims: IssueClaims, institution: str) -> DocumentSummary:
    cut = claims.serial.tail is not None
    return DocumentSummary(
        document_type="verification_certificate" if claims.conclusion.name == "PASS" else "rejection_notice",
        number=claims.number,
        institution=institution,
        instrument=None,
        model=None,
        serial=f"{claims.serial.text}…" if cut else claims.serial.text,
        maker=None,
        category=claims.category.name,
        verified_on=claims.verified_on,
        valid_until=claims.valid_until,
    )
