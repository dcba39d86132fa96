"""What somebody has found against a log: a refutation of its status map, or two histories under one size.

Such a file is about no document. If it holds, the log has contradicted itself, signed, and nothing that it says is
to be relied on; if it does not hold, it shows nothing, neither against the log nor for it.

>>> judge_finding(raw, REFUTATION_TYPE, policy).verdict
<Verdict.INVALID: 'INVALID'>
"""

from dataclasses import replace
from typing import Final

from ledger.core.errors import MalformedDocumentError, VerificationError
from ledger.core.fork import FORK_TYPE, parse_fork, verify_fork
from ledger.core.note import NoteVerifier
from ledger.core.policy import Policy
from ledger.core.refutation import REFUTATION_TYPE, parse_refutation, verify_refutation
from ledger.core.step import Sentence, Step, failed
from verifier.report import Report, build_report

FINDING_TYPES: Final = frozenset({REFUTATION_TYPE, FORK_TYPE})
_AGAINST_THE_LOG: Final = Sentence(
    "the log has contradicted itself under its own signature: rely on nothing that it says",
    "账本已用自己的签名自相矛盾：其任何陈述均不可依据",
)


def judge_finding(raw: bytes, kind: str, policy: Policy) -> Report:
    """Return the report on a finding that holds.

    Args:
        raw: the file.
        kind: one of `FINDING_TYPES`.
        policy: names the log.

    Raises:
        InputError: not such a file, or it does not hold: it shows nothing.
        PolicyMismatchError: it is about another log.
    """
    log = NoteVerifier(policy.origin, policy.log_key)
    try:
        if kind == REFUTATION_TYPE:
            check = failed(Step.STATUS, *_say(verify_refutation(parse_refutation(raw), log)))
        else:
            check = failed(Step.CHECKPOINT, *_say(verify_fork(parse_fork(raw), log)))
    except VerificationError as err:
        message = f"this file shows nothing against the log: {err}"
        raise MalformedDocumentError(message, field="document") from err
    report = build_report([check], None, policy, None, complete=False)
    return replace(report, note=_AGAINST_THE_LOG)


def _say(found: str) -> tuple[str, str]:
    return found, f"账本自相矛盾：{found}"
