"""Which one verdict people read, given what the steps found; the harder fact comes first.

>>> choose_shown(report, policy)
<Shown.VALID: 'VALID'>
"""

from typing import Final

from api.shown import Shown
from ledger.core.policy import Policy
from ledger.core.step import Outcome, Step, Verdict, not_checked
from verifier.report import DocumentStatus, Report, build_report, list_required

GOOD: Final = frozenset(
    {
        Shown.VALID,
        Shown.PENDING,
        Shown.ATTENTION,
        Shown.CALIBRATED,
        Shown.PAPER,
        Shown.CONTENT_WITHHELD,
    }
)
"""What may be out of date where others hold more of the log."""
_VERIFYING_NOTHING: Final = {
    DocumentStatus.CALIBRATED: Shown.CALIBRATED,
    DocumentStatus.PAPER: Shown.PAPER,
}
_SHOWN_AS_THEY_ARE: Final = {
    DocumentStatus.WITHDRAWN: Shown.WITHDRAWN,
    DocumentStatus.CANCELLED: Shown.CANCELLED,
    DocumentStatus.FAILED: Shown.FAILED,
    DocumentStatus.FAILED_SINCE: Shown.FAILED_SINCE,
    DocumentStatus.SUSPENDED: Shown.SUSPENDED,
    DocumentStatus.NEEDS_REVERIFICATION: Shown.NEEDS_REVERIFICATION,
    DocumentStatus.EXPIRED: Shown.EXPIRED,
    DocumentStatus.SERVICE_LIFE_ENDED: Shown.EXPIRED,
    DocumentStatus.SUPERSEDED: Shown.SUPERSEDED,
}


def doubt_status(report: Report, policy: Policy) -> Report:
    """Return a report without a good word on the status, which may have changed since these records end."""
    checks = [
        not_checked(
            Step.STATUS,
            "this server's records are behind, the document's state may have changed since",
            "本站记录落后，证书状态此后可能已变化",
        )
        if check.step is Step.STATUS and check.outcome is Outcome.PASSED
        else check
        for check in report.checks
    ]
    asked_for = frozenset({Step.STATUS})
    return build_report(checks, report.status, policy, report.document, asked_for=asked_for, note=report.note)


def choose_shown(report: Report, policy: Policy) -> Shown:
    """Return the one verdict that people read, by severity.

    Args:
        report: what the verifier found in the bundle.
        policy: names the required steps.
    """
    outcomes = {check.step: check.outcome for check in report.checks}
    required = list_required(policy, report.document)
    missing = {step for step in required if outcomes.get(step) is not Outcome.PASSED}
    if Outcome.FAILED in outcomes.values():
        return Shown.TAMPERED
    if report.status in _SHOWN_AS_THEY_ARE:
        return _SHOWN_AS_THEY_ARE[report.status]
    on_their_way = {Step.RECEIPT, *([] if policy.witnesses is None else [Step.QUORUM])}
    if missing - on_their_way or report.status is None:
        return Shown.CANNOT_CHECK
    if report.status in _VERIFYING_NOTHING:
        return _VERIFYING_NOTHING[report.status]
    if missing:
        return Shown.PENDING
    return Shown.VALID if report.verdict is Verdict.VALID else Shown.ATTENTION


def choose_unlogged(report: Report) -> Shown:
    """Return what people read of a statement that the ledger does not hold."""
    if report.verdict is Verdict.INVALID:
        return Shown.TAMPERED
    return Shown.NOT_LOGGED if report.authentic else Shown.NOT_FOUND


def choose_withheld(report: Report) -> Shown:
    """Return what people read of a document without its content; the harder fact comes first."""
    if any(check.outcome is Outcome.FAILED for check in report.checks):
        return Shown.TAMPERED
    if report.status is None:
        return Shown.CONTENT_WITHHELD
    return _SHOWN_AS_THEY_ARE.get(report.status, Shown.CONTENT_WITHHELD)
