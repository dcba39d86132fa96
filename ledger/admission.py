"""The gate of the log: what may be handed to the sequencer, and every reason why something may not.

A statement is admitted if it is well-formed, its key is active now and belongs to who speaks, and its
signature holds; an issue also needs the certificate it speaks of, sealed with the same key, agreeing with the
statement in every field, inside the scope of the authorisation, and keeping the rules that `core.rules` has
for the desk and the verifier too. A register event is judged by the fold as if it were the next leaf. The
sequencer still decides about versions and numbers. An act is judged in the same way, and must not say that it
holds from a later time on.

>>> submission = admit(raw, body, Standing(log.registers, log.head.tree_size, view, issues), rules, now)
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NoReturn
from zoneinfo import ZoneInfo

from ledger.core.act_content import parse_act_content
from ledger.core.certificate import Certificate, parse_certificate
from ledger.core.errors import (
    AlreadyIssuedError,
    BrokenSignatureError,
    DocumentRefusedError,
    InputError,
    LedgerError,
    MalformedDocumentError,
    Reason,
    StaleVersionError,
    StateError,
    VerificationError,
)
from ledger.core.event import ISSUE_TYPES, EventType
from ledger.core.fold import find_subject, judge_signed_event
from ledger.core.ids import InstitutionId, LeafIndex, TreeSize
from ledger.core.judging import Grounds, judge_record
from ledger.core.photo import check_photo
from ledger.core.pledge import PledgeContent
from ledger.core.powers import refuse_acts
from ledger.core.register_fields import RegisterState
from ledger.core.registration import InstrumentContent, parse_instrument_content
from ledger.core.regulation import RuleBook
from ledger.core.rules import (
    Clocks,
    check_binding,
    check_times,
    local_date,
)
from ledger.core.signatories import verify_signatures
from ledger.core.signature import PublicKey
from ledger.core.site import SiteContent
from ledger.core.statement import (
    ActClaims,
    SignedStatement,
    Statement,
    parse_signed_statement,
    verify_statement,
)
from ledger.core.status import IssueSubjects, Registers, StateView, Void
from ledger.submission import Submission

MAX_REASON_CHARACTERS: Final = 500


@dataclass(frozen=True, slots=True)
class RuleSet:
    """What a document is held against, beside the registers."""

    book: RuleBook
    zone: ZoneInfo
    """Calendar dates are dates of this zone."""
    clock_tolerance: timedelta
    """By which two clocks may disagree."""


@dataclass(frozen=True, slots=True)
class Standing:
    """State of the log that a statement is admitted against."""

    registers: Registers
    tree_size: TreeSize
    view: StateView
    """Newest states, for acts and register events; documents need none."""
    issues: IssueSubjects = refuse_acts
    """What each issue is about, for acts."""


def admit(raw: bytes, body: bytes | None, standing: Standing, rules: RuleSet, now: datetime) -> Submission:
    """Return what may be handed to the log.

    Args:
        raw: the signed statement.
        body: published bytes of the certificate, or the photograph that a registration names; for nothing else.
        standing: the log as it is now.
        rules: rule book, zone and tolerance.
        now: the log's time, aware UTC.

    Raises:
        MalformedDocumentError: statement or certificate is not one, or the body is missing or not wanted.
        NonCanonicalEncodingError: one of them is not spelled as it must be.
        DocumentRefusedError: it must not be issued, or has no effect; with every reason.
        StaleVersionError: something has happened to the act's instrument since.
        BrokenSignatureError: a signature does not hold.
    """
    signed = parse_signed_statement(raw)
    if signed.statement.type not in ISSUE_TYPES:
        return _admit_event(signed, body, standing, rules, now)
    key = _find_key(signed, standing)
    verify_statement(signed, key, _find_origin(standing))
    if body is None:
        raise MalformedDocumentError("an issue comes with its certificate", field="certificate")
    _admit_document(signed, parse_certificate(body), key, standing.registers, rules, now)
    return Submission(signed, body)


def find_reasons(error: LedgerError) -> tuple[Reason, ...]:
    """Return why a statement was refused, in the form that `core.refusal` signs.

    Args:
        error: from `admit`, or of a `submission.Refusal`.
    """
    if isinstance(error, DocumentRefusedError):
        return tuple(_clean(reason) for reason in error.reasons)
    code, zh = next((row[1:] for row in _SENTENCES if isinstance(error, row[0])), _OTHER)
    field = error.field if isinstance(error, InputError) else None
    text = error.reason if isinstance(error, InputError) else str(error)
    return (_clean(Reason(code, field or "statement", text, f"{zh}（{text}）")),)


_SENTENCES: Final[tuple[tuple[type[LedgerError], str, str], ...]] = (
    (AlreadyIssuedError, "ALREADY_ISSUED", "编号或证书已被使用"),
    (StaleVersionError, "STALE_VERSION", "对象已有更新的状态"),
    (StateError, "STATE", "当前状态下不能受理"),
    (BrokenSignatureError, "SIGNATURE", "签名不符"),
    (VerificationError, "EVIDENCE", "证据不符"),
    (InputError, "MALFORMED", "格式不符"),
)
_OTHER: Final = ("REFUSED", "未受理")


def _clean(reason: Reason) -> Reason:
    """Return a reason that can be printed and signed, whatever was sent to us."""
    return Reason(reason.code, _print(reason.field), _print(reason.en), _print(reason.zh))


def _print(text: str) -> str:
    shown = "".join(character if character.isprintable() else "?" for character in text)
    return shown[:MAX_REASON_CHARACTERS].strip() or "?"


def _admit_event(
    signed: SignedStatement, body: bytes | None, standing: Standing, rules: RuleSet, now: datetime
) -> Submission:
    _check_body(signed.statement, body)
    claims = signed.statement.claims
    if isinstance(claims, ActClaims):
        _check_act(signed.statement, claims, standing.view, now + rules.clock_tolerance, rules.zone)
    index = LeafIndex(standing.tree_size)
    outcome = judge_signed_event(signed, index, now, standing.registers, standing.view, standing.issues)
    if isinstance(outcome, Void):
        _refuse("NO_EFFECT", "statement", outcome.reason, f"该声明不产生效力（{outcome.reason}）")
    return Submission(signed, body)


def _check_body(statement: Statement, body: bytes | None) -> None:
    """Require the photograph of a registration that names one, and nothing beside any other event."""
    claims, photo = statement.claims, None
    if statement.type is EventType.INSTRUMENT and isinstance(claims, ActClaims):
        photo = parse_instrument_content(claims.content).photo
    if photo is None and body is not None:
        raise MalformedDocumentError("only an issue comes with a certificate", field="certificate")
    if photo is not None and body is None:
        raise MalformedDocumentError("this registration comes with its photograph", field="photo")
    if photo is not None and body is not None:
        check_photo(body, photo)


def _check_act(
    statement: Statement, claims: ActClaims, view: StateView, latest: datetime, zone: ZoneInfo
) -> None:
    """Check what can be mended by signing again, so that who speaks is told of that alone."""
    content = parse_act_content(statement.type, claims.content)
    if isinstance(content, PledgeContent):
        if content.made_on > local_date(latest, zone):
            _refuse("TIME", "content.made_on", "is in the future", "承诺日期在将来")
    elif isinstance(content, InstrumentContent):
        if content.photo is not None and content.photo.taken_on > local_date(latest, zone):
            _refuse("TIME", "content.photo.taken_on", "is in the future", "拍摄日期在将来")
    elif not isinstance(content, SiteContent) and content.effective_at > latest:
        _refuse("TIME", "content.effective_at", "is in the future", "生效时间在将来")
    state = view(find_subject(statement))
    if state is not None and state.version != statement.expected_version:
        raise StaleVersionError(
            f"expects version {statement.expected_version}; the newest is {state.version}"
        )


def _find_key(signed: SignedStatement, standing: Standing) -> PublicKey:
    """Return the key that the statement names, if it speaks for an active institution now."""
    issuer = signed.statement.issuer
    known = standing.registers.keys.get(signed.key_id)
    if known is None or known.owner != issuer:
        _refuse(
            "KEY", "statement.issuer", f"the key is not registered for {issuer}", f"密钥未登记在{issuer}名下"
        )
    if not known.is_active_at(standing.tree_size):
        _refuse(
            "KEY", "statement.issuer", f"the key of {issuer} is no longer active", f"{issuer}的密钥已停用"
        )
    institution = standing.registers.institutions.get(InstitutionId(issuer))
    if institution is None or institution.state is not RegisterState.ACTIVE:
        _refuse(
            "INSTITUTION",
            "statement.issuer",
            f"{issuer} is not an active institution",
            f"{issuer}不是在用机构",
        )
    return known.key


def _find_origin(standing: Standing) -> str:
    root = standing.registers.root
    if root is None:
        _refuse("NO_EFFECT", "statement", "the log has no root yet", "账本尚未建立根")
    return root.origin


def _admit_document(
    signed: SignedStatement,
    certificate: Certificate,
    key: PublicKey,
    registers: Registers,
    rules: RuleSet,
    now: datetime,
) -> None:
    sealed_at = _verify_signatures(certificate, key)
    record = certificate.record
    clocks = Clocks(sealed_at=sealed_at, sequenced_at=None, anchored_at=None, now=now)
    results = (
        check_binding(signed.statement, certificate),
        *judge_record(record, Grounds(registers, rules.book)).values(),
        check_times(record, clocks, rules.zone, rules.clock_tolerance, timedelta.max),
    )
    reasons = [reason for result in results for reason in result.reasons]
    if reasons:
        raise DocumentRefusedError(reasons)


def _verify_signatures(certificate: Certificate, key: PublicKey) -> datetime:
    """Check that the persons and the institution have signed, as the record says; return when it was sealed."""
    try:
        return verify_signatures(certificate, key)
    except BrokenSignatureError as err:
        _refuse("SEAL", "certificate.proof", str(err), f"人员签名或印章不符（{err}）")


def _refuse(code: str, field: str, en: str, zh: str) -> NoReturn:
    raise DocumentRefusedError([Reason(code, field, en, zh)])
