"""Two bundles of one document that somebody else has put together: which of them counts."""

from dataclasses import replace

import pytest
from browser_lies import HOUR, World, cancelled, world
from ledger_in_memory import NOW

from ledger.core.bundle import parse_bundle
from ledger.core.data import load_rule_book
from ledger.core.policy import Policy
from ledger.core.step import Outcome, Step, Verdict
from verifier.newest import join_states
from verifier.report import DocumentStatus, Report
from verifier.session import Session
from verifier.verify import verify_bundle


def join(own: World, policy: Policy, **changes: object) -> Report:
    """Return the report of an anchored bundle, cosigned an hour ago, and of the newest one."""
    session = Session(policy, load_rule_book(), None)
    texts = (
        own.bundle(own.first, own.anchored, checkpoint=own.note(own.anchored, ago=HOUR)),
        own.bundle(own.first, own.newest, **changes),
    )
    anchored, newest = (parse_bundle(text.encode()) for text in texts)
    reports = [verify_bundle(each, session, NOW) for each in (anchored, newest)]
    return join_states((anchored, reports[0]), (newest, reports[1]), session)


def outcome(report: Report, step: Step) -> Outcome:
    return next(check.outcome for check in report.checks if check.step is step)


@pytest.mark.parametrize("most", [None, 6 * HOUR])
def test_a_newest_state_without_witnesses_shows_nothing_good(most):
    own = world()
    policy = replace(own.policy, max_status_age=most)
    assert join(own, policy).verdict is Verdict.VALID
    found = join(own, policy, checkpoint=own.ledger.checkpoint(own.newest))
    assert (found.verdict, found.status) == (Verdict.UNKNOWN, DocumentStatus.VALID)
    assert outcome(found, Step.QUORUM) is Outcome.PASSED
    assert outcome(found, Step.STATUS) is Outcome.NOT_CHECKED


def test_what_it_shows_against_a_document_counts_at_once():
    own = cancelled()
    found = join(own, own.policy, checkpoint=own.ledger.checkpoint(own.newest))
    assert found.status is DocumentStatus.CANCELLED
    assert found.verdict is not Verdict.VALID


def test_a_policy_that_asks_for_no_quorum_takes_it_as_it_is():
    own = world()
    policy = replace(own.policy, required=own.policy.required - {Step.QUORUM}, max_status_age=None)
    assert join(own, policy, checkpoint=own.ledger.checkpoint(own.newest)).verdict is Verdict.VALID
