"""The report: every step with its outcome, and the verdict that follows from them.

`authentic` says that the evidence holds; the verdict says whether to rely on the document. A rejection notice
is authentic and INVALID at once: it is genuine, and the instrument must not be used.

| the first row that applies | verdict |
| --- | --- |
| any step FAILED | INVALID |
| not authentic, or less than a bundle | UNKNOWN |
| withdrawn, cancelled, or a rejection notice, of this or of a later verification | INVALID |
| a required step NOT_CHECKED | UNKNOWN |
| suspended, needs reverification, superseded, past its last day, or a warning | ATTENTION |
| a calibration certificate, or an entry from paper: nothing was verified | ATTENTION |
| else | VALID |

Steps that nobody can take for an entry from paper (scope, persons, regulation, standards, limits, expiry, type) are
not required of one.

>>> build_report(checks, DocumentStatus.VALID, policy, None).verdict
<Verdict.VALID: 'VALID'>
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

from ledger.core.paper_rules import PAPER_STEPS
from ledger.core.policy import Policy
from ledger.core.record import DocumentType
from ledger.core.step import Check, Outcome, Sentence, Step, Verdict

EXIT_IN_ORDER: Final = 0
EXIT_DO_NOT_RELY: Final = 1
EXIT_UNKNOWN: Final = 3

_NOT_AT_HAND: Final = Sentence("nothing at hand to check it with", "手头没有可供核对的内容")


class DocumentStatus(StrEnum):
    """How the document stands, by its own words on the verifier's day and by the map; the lightest first."""

    VALID = "VALID"
    CALIBRATED = "CALIBRATED"
    """A calibration certificate in force: its values are genuine, and it verifies nothing."""
    EXPIRED = "EXPIRED"
    SERVICE_LIFE_ENDED = "SERVICE_LIFE_ENDED"
    PAPER = "PAPER"
    """Entered from a paper certificate: no electronic certificate, whatever the paper concludes."""
    SUPERSEDED = "SUPERSEDED"
    """A newer document of the same instrument is in the log."""
    NEEDS_REVERIFICATION = "NEEDS_REVERIFICATION"
    """The instrument was repaired, its seal was broken, or its authority asks for another verification."""
    SUSPENDED = "SUSPENDED"
    FAILED_SINCE = "FAILED_SINCE"
    """It passed, and the instrument has failed a later verification."""
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    """By an authority."""
    WITHDRAWN = "WITHDRAWN"
    """By the institution that issued it."""


STATUS_WORDS: Final = {
    DocumentStatus.VALID: Sentence("in its period of validity", "在有效期内"),
    DocumentStatus.CALIBRATED: Sentence("calibrated, not verified", "校准结果，不是检定"),
    DocumentStatus.PAPER: Sentence(
        "entered from paper, not an electronic certificate", "据纸质证书登记，不是电子证书"
    ),
    DocumentStatus.EXPIRED: Sentence("expired", "已过有效期"),
    DocumentStatus.SERVICE_LIFE_ENDED: Sentence("end of service life reached", "已到使用期限"),
    DocumentStatus.SUPERSEDED: Sentence("a newer certificate exists", "已有新证书"),
    DocumentStatus.NEEDS_REVERIFICATION: Sentence("must be verified again", "须重新检定"),
    DocumentStatus.SUSPENDED: Sentence("suspended, under investigation", "已暂停使用/调查中"),
    DocumentStatus.CANCELLED: Sentence("cancelled", "已注销"),
    DocumentStatus.WITHDRAWN: Sentence("withdrawn", "已撤回"),
    DocumentStatus.FAILED: Sentence("failed verification", "检定不合格"),
    DocumentStatus.FAILED_SINCE: Sentence("failed a later verification", "其后检定不合格"),
}

_WEIGHTS: Final = {status: weight for weight, status in enumerate(DocumentStatus)}
_INVALID: Final = {
    DocumentStatus.WITHDRAWN,
    DocumentStatus.CANCELLED,
    DocumentStatus.FAILED,
    DocumentStatus.FAILED_SINCE,
}

_IN_ORDER: Final = {DocumentStatus.VALID, DocumentStatus.CALIBRATED}

VERDICT_WORDS: Final = {
    Verdict.VALID: Sentence("valid", "有效"),
    Verdict.ATTENTION: Sentence("attention", "注意"),
    Verdict.INVALID: Sentence("do not rely on this", "不可依据"),
    Verdict.UNKNOWN: Sentence("cannot be confirmed", "无法确认"),
}

DISCLAIMER: Final = Sentence(
    "This shows that the verification record is genuine and in its period of validity; it does not show that "
    "the instrument measures right now. Compare nameplate and seals, use a fair scale, or call 12315.",
    "本页证明检定记录真实且在有效期内，不证明此刻称量准确；请核对铭牌、铅封，可用公平秤复称或拨打12315。",
)


@dataclass(frozen=True, slots=True)
class DocumentSummary:
    """What a person compares with the nameplate; shown only if authentic."""

    document_type: str
    number: str
    institution: str
    instrument: str | None
    model: str | None
    serial: str
    maker: str | None
    category: str
    verified_on: date
    valid_until: date | None
    conclusion: str | None = None
    """Of documents that are neither certificate nor notice of a verification: those say it by their type."""
    entered_on: date | None = None
    """Of an entry from paper."""


@dataclass(frozen=True, slots=True)
class StickerSummary:
    """How a sticker stands, as its proof shows."""

    id: str
    """16 symbols, without hyphens."""
    standing: str
    """`NEVER_GIVEN_OUT`, `UNUSED`, `BOUND`, `REPLACED` or `RELEASED`."""
    roll: str
    number: int
    """Within the roll, from 0."""
    institution: str | None = None
    """Name of whom the roll was allotted to."""
    instrument: str | None = None
    """Id of what it stands on, or stood; 16 bytes, hex."""
    part: str | None = None
    since: str | None = None
    """When the log took the last event, UTC."""
    reason: str | None = None
    """Of its release."""
    leaf: int | None = None
    """Of the last event."""
    newest_document: int | None = None
    """Leaf of the newest verification of what it stands on."""


@dataclass(frozen=True, slots=True)
class Report:
    """Outcome of one verification."""

    verdict: Verdict
    authentic: bool
    status: DocumentStatus | None
    development: bool
    checks: tuple[Check, ...]
    document: DocumentSummary | None
    note: Sentence | None = None
    sticker: StickerSummary | None = None

    @property
    def exit_code(self) -> int:
        """Return the exit code of the command: 0 in order, 1 do not rely on it, 3 cannot be confirmed."""
        if self.verdict is Verdict.UNKNOWN:
            return EXIT_UNKNOWN
        if self.verdict is Verdict.INVALID or self.status not in _IN_ORDER:
            return EXIT_DO_NOT_RELY
        return EXIT_IN_ORDER


def list_required(policy: Policy, document: DocumentSummary | None) -> frozenset[Step]:
    """Return the steps that a policy requires of such a document; see the table above.

    Whoever limits the age of a status requires one, named or not.
    """
    is_paper = document is not None and document.document_type == DocumentType.PAPER_REGISTER
    required = policy.required - frozenset(PAPER_STEPS) if is_paper else policy.required
    return required if policy.max_status_age is None else required | {Step.STATUS}


def find_heaviest(*statuses: DocumentStatus | None) -> DocumentStatus | None:
    """Return the status that counts where several apply; None where there is none."""
    given = [status for status in statuses if status is not None]
    return max(given, key=_WEIGHTS.__getitem__, default=None)


def build_report(
    checks: Sequence[Check],
    status: DocumentStatus | None,
    policy: Policy,
    document: DocumentSummary | None,
    *,
    complete: bool = True,
    asked_for: frozenset[Step] = frozenset(),
    note: Sentence | None = None,
) -> Report:
    """Return the report that follows from the steps; it names all of them.

    Args:
        checks: one per step that was considered; the others are NOT_CHECKED.
        status: how the document stands; None if it cannot be read.
        policy: names the required steps.
        document: shown only if the evidence holds.
        complete: False for a bare QR code or a certificate without bundle, which is never VALID.
        asked_for: steps that this run requires beside the policy's.
        note: one more sentence for people; shown only if the evidence holds.
    """
    found = {check.step: check for check in checks}
    every = tuple(found.get(step) or Check(step, Outcome.NOT_CHECKED, _NOT_AT_HAND) for step in Step)
    outcomes = {check.step: check.outcome for check in every}
    authentic = _is_authentic(outcomes)
    verdict = _find_verdict(
        outcomes,
        status if authentic and complete else None,
        list_required(policy, document) | asked_for,
        warned=any(check.warning for check in every),
    )
    return Report(
        verdict,
        authentic,
        status if authentic else None,
        policy.development,
        every,
        document if authentic else None,
        note if authentic else None,
    )


def _is_authentic(outcomes: Mapping[Step, Outcome]) -> bool:
    """Say whether the evidence holds: nothing failed, and a key with authority has signed."""
    if Outcome.FAILED in outcomes.values():
        return False
    signed = Outcome.PASSED in {outcomes[Step.SEAL], outcomes[Step.STATEMENT]}
    return signed and outcomes[Step.KEY] is outcomes[Step.AUTHORITY] is Outcome.PASSED


def _find_verdict(
    outcomes: Mapping[Step, Outcome],
    status: DocumentStatus | None,
    required: frozenset[Step],
    *,
    warned: bool,
) -> Verdict:
    """Walk the table above; `status` is None where the document is not authentic or not complete."""
    if Outcome.FAILED in outcomes.values():
        return Verdict.INVALID
    if status is None:
        return Verdict.UNKNOWN
    if status in _INVALID:
        return Verdict.INVALID
    if any(outcomes[step] is Outcome.NOT_CHECKED for step in required):
        return Verdict.UNKNOWN
    return Verdict.ATTENTION if warned or status is not DocumentStatus.VALID else Verdict.VALID


def report_members(report: Report) -> dict[str, Any]:
    """Return the report as JSON members."""
    members: dict[str, Any] = {
        "verdict": report.verdict.value,
        "authentic": report.authentic,
        "status": None if report.status is None else report.status.value,
        "environment": "development" if report.development else "production",
        "checks": [
            {
                "step": check.step.number,
                "name": check.step.code,
                "outcome": check.outcome.value,
                "reason": check.reason.en,
                "reason_zh": check.reason.zh,
            }
            | ({"warning": True} if check.warning else {})
            for check in report.checks
        ],
    }
    if report.document is not None:
        members["document"] = {
            name: value.isoformat() if isinstance(value, date) else value
            for name in DocumentSummary.__dataclass_fields__
            if (value := getattr(report.document, name)) is not None
        }
    if report.sticker is not None:
        members["sticker"] = {
            name: value
            for name in StickerSummary.__dataclass_fields__
            if (value := getattr(report.sticker, name)) is not None
        }
    if report.note is not None:
        members["note"] = report.note.en
        members["note_zh"] = report.note.zh
    return members
