"""What a verifier says of certificates after acts on them, from bundles alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from ledger_in_memory import NOW, MemoryLedger, make_act, make_rejection

from ledger.core.bundle import parse_bundle
from ledger.core.event import EventType
from ledger.core.status import Status, SubjectState
from ledger.core.step import Outcome, Step, Verdict
from verifier.checks import find_stated_status
from verifier.report import STATUS_WORDS, DocumentStatus, find_heaviest, report_members
from verifier.verify import verify_bundle

CANCEL, WITHDRAW, SUSPEND = EventType.CANCEL, EventType.WITHDRAW, EventType.SUSPEND
REINSTATE, REVERIFY = EventType.REINSTATE, EventType.REVERIFY_NEEDED
AFTERWARDS = datetime(2026, 8, 28, 16, 0, tzinfo=UTC)
"""After the last day of the certificate."""


def verify(ledger, index, now=NOW, size=None, **policy):
    return verify_bundle(parse_bundle(ledger.bundle(index, size)), ledger.session(**policy), now)


def check_of(report, step=Step.STATUS):
    return next(check for check in report.checks if check.step is step)


def acted(*event_types, rejection=False):
    ledger = MemoryLedger().found()
    index = ledger.issue_record(make_rejection()) if rejection else ledger.issue(1)
    for event_type in event_types:
        ledger.act(event_type)
    return ledger, index


@pytest.mark.parametrize(
    ("acts", "status", "verdict", "code", "words"),
    [
        ([], "VALID", "VALID", 0, "the newest document of this instrument, as of"),
        ([SUSPEND], "SUSPENDED", "ATTENTION", 1, "suspended, under investigation by leaf 6"),
        ([SUSPEND, REINSTATE], "VALID", "VALID", 0, "the newest document of this instrument, as of"),
        ([CANCEL], "CANCELLED", "INVALID", 1, "cancelled by leaf 6"),
        ([SUSPEND, CANCEL], "CANCELLED", "INVALID", 1, "cancelled by leaf 7"),
        ([CANCEL, REINSTATE], "VALID", "VALID", 0, "the newest document of this instrument, as of"),
        ([WITHDRAW], "WITHDRAWN", "INVALID", 1, "withdrawn by leaf 6"),
        ([REVERIFY], "NEEDS_REVERIFICATION", "ATTENTION", 1, "which must be verified again"),
        ([REVERIFY, SUSPEND], "SUSPENDED", "ATTENTION", 1, "which must be verified again"),
        (
            [REVERIFY, SUSPEND, REINSTATE],
            "NEEDS_REVERIFICATION",
            "ATTENTION",
            1,
            "which must be verified again",
        ),
        ([REVERIFY, CANCEL], "CANCELLED", "INVALID", 1, "cancelled by leaf 7"),
    ],
)
def test_the_newest_certificate(acts, status, verdict, code, words):
    ledger, index = acted(*acts)
    report = verify(ledger, index)
    assert (report.status, report.verdict, report.exit_code) == (status, verdict, code)
    assert report.authentic
    check = check_of(report)
    assert check.outcome is Outcome.PASSED
    assert words in check.reason.en
    assert report_members(report)["status"] == status


def test_a_rejection_notice_may_be_withdrawn_and_fails_otherwise():
    ledger, index = acted(REVERIFY, rejection=True)
    report = verify(ledger, index)
    assert (report.status, report.verdict) == (DocumentStatus.FAILED, Verdict.INVALID)
    ledger.act(WITHDRAW)
    report = verify(ledger, index)
    assert (report.status, report.verdict) == (DocumentStatus.WITHDRAWN, Verdict.INVALID)


@pytest.mark.parametrize(
    ("acts", "newer", "now", "status"),
    [
        ([], None, AFTERWARDS, "EXPIRED"),
        ([SUSPEND], None, AFTERWARDS, "SUSPENDED"),
        ([REVERIFY], None, AFTERWARDS, "NEEDS_REVERIFICATION"),
        ([], "pass", AFTERWARDS, "SUPERSEDED"),
        ([], "pass", NOW, "SUPERSEDED"),
        ([SUSPEND], "pass", NOW, "SUSPENDED"),
        ([SUSPEND], "fail", NOW, "FAILED_SINCE"),
        ([REVERIFY], "pass", NOW, "SUPERSEDED"),
        ([REVERIFY], "fail", NOW, "FAILED_SINCE"),
        ([CANCEL], "fail", NOW, "CANCELLED"),
        ([WITHDRAW], "fail", NOW, "WITHDRAWN"),
        ([WITHDRAW], "pass", AFTERWARDS, "WITHDRAWN"),
    ],
)
def test_the_heaviest_fact_counts(acts, newer, now, status):
    ledger, index = acted(*acts)
    if newer == "pass":
        ledger.issue(1, no="JY2026-000100")
    elif newer == "fail":
        ledger.issue_record(make_rejection(1, no="JY2026-000100"))
    assert verify(ledger, index, now).status == status


def test_what_a_newer_certificate_suffers_leaves_the_older_one_superseded():
    ledger, index = acted()
    newer = ledger.issue(1, no="JY2026-000100")
    ledger.act(SUSPEND, certificate="JY2026-000100")
    assert verify(ledger, index).status is DocumentStatus.SUPERSEDED
    assert verify(ledger, newer).status is DocumentStatus.SUSPENDED


def test_each_checkpoint_shows_the_state_of_its_time():
    ledger, index = acted()
    sizes = [ledger.publish()]
    for event_type in (SUSPEND, REINSTATE, REVERIFY, WITHDRAW):
        ledger.act(event_type)
        sizes.append(ledger.publish())
    found = [verify(ledger, index, size=size).status for size in sizes]
    assert found == ["VALID", "SUSPENDED", "VALID", "NEEDS_REVERIFICATION", "WITHDRAWN"]


def test_evidence_holds_no_acts_and_refuses_them():
    ledger, index = acted(SUSPEND)
    bundle = parse_bundle(ledger.bundle(index))
    assert [number for number, _ in bundle.evidence.leaves] == [0, 1, 2, 3, 4]


# --- a map that says what cannot be -------------------------------------------------------------------------

ISSUED = SubjectState(Status.VALID, 1, 5, 5)


def test_two_states_say_how_a_document_stands():
    for status, stated in (
        (Status.VALID, None),
        (Status.FAILED, None),
        (Status.SUSPENDED, DocumentStatus.SUSPENDED),
        (Status.CANCELLED, DocumentStatus.CANCELLED),
        (Status.WITHDRAWN, DocumentStatus.WITHDRAWN),
    ):
        state = replace(ISSUED, status=status)
        assert find_stated_status(state, state) is stated
    assert find_stated_status(ISSUED, replace(ISSUED, current_certificate=9)) is DocumentStatus.SUPERSEDED


def test_every_status_has_words_and_a_weight():
    assert set(STATUS_WORDS) == set(DocumentStatus)
    assert find_heaviest() is None
    assert find_heaviest(None, DocumentStatus.VALID) is DocumentStatus.VALID
    assert [status.value for status in DocumentStatus][::-1] == [
        *("WITHDRAWN", "CANCELLED", "FAILED", "FAILED_SINCE", "SUSPENDED", "NEEDS_REVERIFICATION"),
        *("SUPERSEDED", "PAPER", "SERVICE_LIFE_ENDED", "EXPIRED", "CALIBRATED", "VALID"),
    ]


@pytest.mark.parametrize(
    ("document", "instrument"),
    [
        (replace(ISSUED, status=Status.SUSPENDED), ISSUED),
        (replace(ISSUED, status=Status.FAILED, version=2, last_event=6), ISSUED),
        (replace(ISSUED, status=Status.ACTIVE, version=2, last_event=6), ISSUED),
        (replace(ISSUED, status=Status.SUSPENDED, version=2), ISSUED),
        (replace(ISSUED, status=Status.SUSPENDED, version=2, last_event=6, current_certificate=4), ISSUED),
        (ISSUED, None),
        (None, ISSUED),
        (ISSUED, replace(ISSUED, status=Status.SUSPENDED)),
        (ISSUED, replace(ISSUED, version=0)),
        (ISSUED, replace(ISSUED, version=2)),
        (ISSUED, replace(ISSUED, version=2, last_event=6, status=Status.SUSPENDED)),
        (ISSUED, replace(ISSUED, version=2, last_event=6, current_certificate=None)),
        (ISSUED, replace(ISSUED, version=2, last_event=6, current_certificate=4)),
        (ISSUED, replace(ISSUED, version=2, last_event=6, current_certificate=7)),
    ],
)
def test_a_map_that_contradicts_the_document_fails(document, instrument):
    ledger, index = acted()
    assert index == 5
    ledger.states[make_act().certificate] = document
    ledger.states[make_act().subject] = instrument
    for subject in [subject for subject, state in ledger.states.items() if state is None]:
        del ledger.states[subject]
    report = verify(ledger, index)
    assert check_of(report).outcome is Outcome.FAILED
    assert report.verdict is Verdict.INVALID
    assert report.status is None


def test_an_act_that_is_too_old_to_trust_is_still_an_act():
    ledger, index = acted(SUSPEND)
    report = verify(ledger, index, NOW, max_status_age=timedelta(hours=1))
    assert report.status is DocumentStatus.SUSPENDED
    assert report.verdict is Verdict.UNKNOWN
    ledger.act(WITHDRAW)
    assert verify(ledger, index, NOW, max_status_age=timedelta(hours=1)).verdict is Verdict.INVALID
