"""Two states of one document: proved under an anchored checkpoint, and how it stands under the newest one.

>>> bring_up_to_date(anchored, newest, policy).status
<DocumentStatus.CANCELLED: 'CANCELLED'>
"""

from ledger.core.bundle import ProofBundle
from ledger.core.errors import InputError, VerificationError
from ledger.core.policy import Policy
from ledger.core.step import Check, Outcome, Step, failed, not_checked
from verifier.report import DocumentStatus, Report, build_report
from verifier.session import Session

_OLDER = not_checked(
    Step.STATUS, "an older state of the log was given as the newest", "所给的“最新”账本状态反而更旧"
)
_UNWITNESSED = not_checked(
    Step.STATUS,
    "the newest state lacks the signatures of its witnesses, and shows nothing good",
    "最新账本状态缺少见证方签名，不能据以认定证书有效",
)
_GOOD = frozenset({DocumentStatus.VALID, DocumentStatus.CALIBRATED, DocumentStatus.PAPER})
"""What only a witnessed state can show, where the policy asks for witnesses; a harder fact counts at once."""


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


def join_states(
    anchored: tuple[ProofBundle, Report], newest: tuple[ProofBundle, Report], session: Session
) -> Report:
    """Return the same of two bundles that somebody else put together: what he calls the newest may not be.

    Args:
        anchored: bundle and its report.
        newest: of the same document.
        session: opens their checkpoints.
    """
    report = bring_up_to_date(anchored[1], newest[1], session.policy)
    try:
        then, now = (session.open_checkpoint(bundle.checkpoint) for bundle, _ in (anchored, newest))
    except (InputError, VerificationError):
        return report  # step 13 of one of them has failed by it
    if then.tree_size == now.tree_size and then.root_hash != now.root_hash:
        return _put(report, _say_forked(then.tree_size), session.policy)
    if now.tree_size >= then.tree_size or _has_failed(newest[1]):
        is_doubted = _lacks_witnesses(anchored[1], newest[1], session.policy) and report.status in _GOOD
        return _put(report, _UNWITNESSED, session.policy) if is_doubted else report
    known = next(check for check in anchored[1].checks if check.step is Step.STATUS)
    return _put(anchored[1], _OLDER if known.outcome is Outcome.PASSED else known, session.policy)


def _put(report: Report, check: Check, policy: Policy) -> Report:
    """Return a report with another outcome of one step, on which its verdict depends."""
    checks = [check if each.step is check.step else each for each in report.checks]
    asked_for = frozenset({check.step})
    return build_report(checks, report.status, policy, report.document, asked_for=asked_for, note=report.note)


def _say_forked(size: int) -> Check:
    return failed(
        Step.CHECKPOINT,
        f"the log has signed two different states of {size} leaves",
        f"账本为{size}条签署过两种不同状态",
    )


def _has_failed(report: Report) -> bool:
    return any(check.outcome is Outcome.FAILED for check in report.checks)


def _lacks_witnesses(anchored: Report, newest: Report, policy: Policy) -> bool:
    """Say whether only the anchored state has the witnesses that the policy asks for."""
    then, now = ({check.step: check.outcome for check in report.checks} for report in (anchored, newest))
    has = then[Step.QUORUM] is Outcome.PASSED and now[Step.QUORUM] is not Outcome.PASSED
    return has and Step.QUORUM in policy.required


def _is_only_unwitnessed(anchored: Report, newest: Report) -> bool:
    """Say whether the newest status lacks nothing but the witnesses that the anchored one has.

    It proves no fresh status then; where it says the same, the age of the anchored one counts.
    """
    then, now = ({check.step: check.outcome for check in report.checks} for report in (anchored, newest))
    had, lacks = Outcome.PASSED, Outcome.NOT_CHECKED
    return all(then[step] is had and now[step] is lacks for step in (Step.QUORUM, Step.STATUS))
