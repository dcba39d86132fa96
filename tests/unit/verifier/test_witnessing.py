"""Step 14 and the age of a status where the policy names witnesses."""

from datetime import UTC, datetime, timedelta

import pytest
from ledger_in_memory import NOW, MemoryLedger
from witnesses import cosign, cosign_falsely, make_quorum

from ledger.core.bundle import parse_bundle
from ledger.core.errors import BrokenSignatureError
from ledger.core.policy import DEFAULT_REQUIRED
from ledger.core.step import Outcome, Step, Verdict
from ledger.core.trust import TrustList, open_checkpoint, open_trust_list
from verifier.verify import verify_bundle

QUORUM = make_quorum("w1", "w2", "w3", threshold=2)
LEDGER = MemoryLedger().found()
INDEX = LEDGER.issue(1)
NOTE = LEDGER.checkpoint()
AT = datetime(2026, 3, 3, 7, 0, tzinfo=UTC)
DAY = timedelta(days=1)
REQUIRED = frozenset(DEFAULT_REQUIRED) | {Step.QUORUM}


def verify(note, *, now=NOW, quorum=QUORUM, **policy):
    session = LEDGER.session(witnesses=quorum, required=REQUIRED, **policy)
    return verify_bundle(parse_bundle(LEDGER.bundle(INDEX, checkpoint=note)), session, now)


def find(report, step=Step.QUORUM):
    return next(check for check in report.checks if check.step is step)


def test_a_quorum_passes_and_is_named():
    report = verify(cosign(NOTE, AT, "w3", "w1"))
    assert report.verdict is Verdict.VALID
    check = find(report)
    assert check.outcome is Outcome.PASSED
    assert check.reason.en == (
        "cosigned by 2 of 3 witnesses, 2 are needed: w1.example, w3.example; as of 2026-03-03 07:00 UTC"
    )
    assert "3个见证方中已有2个签名" in check.reason.zh


@pytest.mark.parametrize(
    ("names", "en"),
    [
        ((), "not yet witnessed: cosigned by 0 of 3 witnesses, 2 are needed"),
        (("w2",), "not yet witnessed: cosigned by 1 of 3 witnesses, 2 are needed: w2.example"),
        (
            ("w2", "w2", "stranger"),
            "not yet witnessed: cosigned by 1 of 3 witnesses, 2 are needed: w2.example",
        ),
    ],
)
def test_fewer_are_no_fault_of_the_document(names, en):
    report = verify(cosign(NOTE, AT, *names))
    assert find(report).outcome is Outcome.NOT_CHECKED
    assert find(report).reason.en == en
    assert "尚未见证" in find(report).reason.zh
    assert report.authentic
    assert report.verdict is Verdict.UNKNOWN, "the policy requires the step"


def test_without_witnesses_in_the_policy_lines_of_others_change_nothing():
    report = verify_bundle(
        parse_bundle(LEDGER.bundle(INDEX, checkpoint=cosign(NOTE, AT, "w1", "w2"))), LEDGER.session(), NOW
    )
    assert report.verdict is Verdict.VALID
    assert find(report).reason.en == "the policy names no witnesses"


def test_a_false_line_of_a_known_witness_is_a_failure_even_beside_a_quorum():
    report = verify(cosign_falsely(cosign(NOTE, AT, "w1", "w2", "w3"), "w1"))
    assert report.verdict is Verdict.INVALID
    assert {check.step for check in report.checks if check.outcome is Outcome.FAILED} == {Step.QUORUM}
    assert find(report).reason.en == "the cosignature of w1.example does not hold"
    assert report.document is None


def test_trust_lists_and_audits_refuse_it_too():
    policy = LEDGER.policy(witnesses=QUORUM)
    good, false = cosign(NOTE, AT, "w1"), cosign_falsely(NOTE, "w1")
    assert open_checkpoint(good, policy).tree_size == LEDGER.size
    with pytest.raises(BrokenSignatureError):
        open_checkpoint(false, policy)
    with pytest.raises(BrokenSignatureError):
        open_trust_list(TrustList(LEDGER.origin, false, LEDGER.evidence()), policy)


def test_a_checkpoint_that_the_log_did_not_sign_is_not_looked_at_further():
    thief = MemoryLedger(log="thief").found()
    thief.issue(1)
    report = verify(cosign(thief.checkpoint(), AT, "w1", "w2"))
    assert find(report).outcome is Outcome.NOT_CHECKED
    assert find(report, Step.CHECKPOINT).outcome is Outcome.FAILED


# --- how fresh ----------------------------------------------------------------------------------------------


def test_the_status_is_as_old_as_the_quorum_says():
    fresh = cosign(cosign(NOTE, AT - DAY, "w1", "w2", "w3"), AT, "w1", "w2")
    report = verify(fresh, max_status_age=timedelta(hours=2))
    assert report.verdict is Verdict.VALID
    assert "as of 2026-03-03 07:00 UTC" in find(report, Step.STATUS).reason.en


def test_a_log_that_holds_all_but_one_of_a_quorum_on_an_old_size_for_a_day_is_not_fresh():
    note = cosign(NOTE, AT - DAY, "w1", "w2", "w3")
    for hour in range(24):
        note = cosign(note, AT - timedelta(hours=hour), "w1")
    report = verify(note, max_status_age=timedelta(hours=2))
    assert find(report).outcome is Outcome.PASSED, "it is witnessed, as of yesterday"
    status = find(report, Step.STATUS)
    assert status.outcome is Outcome.NOT_CHECKED
    assert "as of 2026-03-02 07:00 UTC" in status.reason.en
    assert "older than the policy allows" in status.reason.en
    assert report.verdict is Verdict.UNKNOWN


def test_the_logs_own_word_is_not_fresh_where_witnesses_are_named():
    now = datetime(2026, 3, 1, 1, 1, tzinfo=UTC)  # a minute after the receipt
    report = verify(cosign(NOTE, now, "w1"), now=now, max_status_age=timedelta(hours=2))
    status = find(report, Step.STATUS)
    assert status.outcome is Outcome.NOT_CHECKED
    assert "by the log's own word, not witnessed" in status.reason.en
    assert "未见证" in status.reason.zh
    no_limit = find(verify(cosign(NOTE, now, "w1"), now=now), Step.STATUS)
    assert no_limit.outcome is Outcome.PASSED
    assert "not witnessed" in no_limit.reason.en


def test_a_witness_whose_clock_runs_ahead_does_not_count():
    report = verify(cosign(NOTE, NOW + timedelta(seconds=301), "w1", "w2"))
    assert find(report).outcome is Outcome.NOT_CHECKED
    report = verify(cosign(NOTE, NOW + timedelta(seconds=300), "w1", "w2"))
    assert find(report).outcome is Outcome.PASSED
