"""Two states of one document: proved under an anchored checkpoint, and how it stands under the newest one.

>>> bring_up_to_date(anchored, newest, policy).status
<DocumentStatus.CANCELLED: 'CANCELLED'>
"""

from ledger.core.policy import Policy
from ledger.core.step import Outcome, Step
from verifier.report import Report, build_report


def bring_up_to_date(anchored: Report, newest: Report, policy: Policy) -> Report:
    """Return what an anchored bundle proves, with the document's status as of the newest checkpoint.

    Args:
        anchored: report of the bundle under an anchored checkpoint.
        newest: report of the same document's bundle under the newest one, which has no anchor yet.
        policy: names the required steps.
    """
    keeps_age = anchored.status is newest.status and _is_only_unwitnessed(anchored, newest)
    checks = [
        now if now.outcome is Outcome.FAILED or (now.step is Step.STATUS and not keeps_age) else then
        for then, now in zip(anchored.checks, newest.checks, strict=True)
    ]
    return build_report(checks, newest.status, policy, anchored.document, note=anchored.note)


def _is_only_unwitnessed(anchored: Report, newest: Report) -> bool:
    """Say whether the newest status lacks nothing but the witnesses that the anchored one has.

    It proves no fresh status then; where it says the same, the age of the anchored one counts.
    """
    then, now = ({check.step: check.outcome for check in report.checks} for report in (anchored, newest))
    had, lacks = Outcome.PASSED, Outcome.NOT_CHECKED
    return all(then[step] is had and now[step] is lacks for step in (Step.QUORUM, Step.STATUS))
