"""What the fold makes of calibrations and entries from paper: an instrument's verification stays what it was."""

import pytest
from further_kinds import found_for_all_kinds, make_calibration, make_paper, to_paper
from ledger_in_memory import INSTITUTION, make_record, make_rejection

from ledger.core.event import EventType, certificate_subject, instrument_subject
from ledger.core.ids import CertificateNumber, InstrumentId
from ledger.core.replay import Replay
from ledger.core.status import Effect, Status, Void

INSTRUMENT = instrument_subject(InstrumentId(bytes.fromhex(make_record(1)["instrument"]["id"])), None)
KINDS = pytest.mark.parametrize("make", [make_calibration, make_paper])


def document(number):
    return certificate_subject(INSTITUTION, CertificateNumber(number))


@KINDS
def test_an_unknown_instrument_becomes_registered_and_nothing_more(make):
    ledger = found_for_all_kinds()
    record = make()
    index = ledger.issue_record(record)
    state = ledger.states[INSTRUMENT]
    assert (state.status, state.version, state.last_event) == (Status.REGISTERED, 1, index)
    assert state.current_certificate is None
    own = ledger.states[document(record["no"])]
    assert (own.status, own.version, own.current_certificate) == (Status.VALID, 1, index)


@KINDS
@pytest.mark.parametrize(("before", "status"), [(make_record, Status.VALID), (make_rejection, Status.FAILED)])
def test_a_verified_instrument_stays_as_it_was(make, before, status):
    ledger = found_for_all_kinds()
    verified = ledger.issue_record(before(1))
    index = ledger.issue_record(make())
    state = ledger.states[INSTRUMENT]
    assert (state.status, state.current_certificate) == (status, verified)
    assert (state.version, state.last_event) == (2, index)


@KINDS
def test_it_ends_no_need_of_another_verification(make):
    ledger = found_for_all_kinds()
    ledger.issue(1)
    ledger.act(EventType.OPENED_FOR_REPAIR)
    ledger.issue_record(make())
    assert ledger.states[INSTRUMENT].status is Status.NEEDS_REVERIFICATION
    ledger.issue_record(make_record(1, no="JY2026-000002"))
    assert ledger.states[INSTRUMENT].status is Status.VALID


@KINDS
def test_a_verification_after_it_counts_as_ever(make):
    ledger = found_for_all_kinds()
    ledger.issue_record(make())
    index = ledger.issue(1)
    state = ledger.states[INSTRUMENT]
    assert (state.status, state.current_certificate, state.version) == (Status.VALID, index, 2)


def test_what_failed_on_paper_fails_no_instrument():
    ledger = found_for_all_kinds()
    ledger.issue(1)
    ledger.issue_record(make_paper(conclusion="fail", validity={"kind": "none"}))
    assert ledger.states[INSTRUMENT].status is Status.VALID
    assert ledger.states[document(make_paper()["no"])].status is Status.VALID


def test_a_calibration_that_does_not_conform_fails_no_instrument():
    ledger = found_for_all_kinds()
    ledger.issue(1)
    ledger.issue_record(make_calibration(conclusion="fail", decision_rule=SIMPLE))
    assert ledger.states[INSTRUMENT].status is Status.VALID


SIMPLE = {"rule": "simple_acceptance", "requirement": "x"}


@KINDS
def test_acts_on_it_leave_the_instrument_alone(make):
    ledger = found_for_all_kinds()
    verified = ledger.issue(1)
    record = make()
    ledger.issue_record(record)
    ledger.act(EventType.WITHDRAW, certificate=record["no"])
    assert ledger.states[document(record["no"])].status is Status.WITHDRAWN
    state = ledger.states[INSTRUMENT]
    assert (state.status, state.current_certificate, state.version) == (Status.VALID, verified, 3)


@KINDS
@pytest.mark.parametrize("event_type", [EventType.REVERIFY_NEEDED, EventType.OPENED_FOR_REPAIR])
def test_nothing_is_said_of_the_instrument_through_it(make, event_type):
    ledger = found_for_all_kinds()
    record = make()
    ledger.issue_record(record)
    assert void_reason(ledger, ledger.sign_act(event_type, certificate=record["no"])) == (
        f"certificate {record['no']} is not the newest of its instrument"
    )


def void_reason(ledger, raw):
    ledger.append(raw)
    outcome = ledger.outcomes[-1]
    assert isinstance(outcome, Void)
    return outcome.reason


def replacing(record, number, reason="TYPO"):
    return record | {"no": record["no"] + "B", "replaces": {"no": number, "reason": reason}}


@KINDS
def test_it_is_replaced_by_a_corrected_one(make):
    ledger = found_for_all_kinds()
    verified = ledger.issue(1)
    record = make()
    ledger.issue_record(record)
    index = ledger.issue_record(replacing(make(), record["no"]))
    assert ledger.states[document(record["no"])].status is Status.SUPERSEDED
    assert ledger.states[document(record["no"] + "B")].current_certificate == index
    assert ledger.states[INSTRUMENT].current_certificate == verified


@KINDS
def test_it_replaces_no_verification_that_counts(make):
    ledger = found_for_all_kinds()
    ledger.issue(1)
    ledger.issue_record(replacing(make(), "JY2026-000001"))
    outcome = ledger.outcomes[-1]
    assert isinstance(outcome, Void)
    assert outcome.reason == "certificate JY2026-000001 is a verification: only a verification replaces it"
    assert ledger.states[document("JY2026-000001")].status is Status.VALID


@KINDS
def test_no_verification_replaces_it(make):
    ledger = found_for_all_kinds()
    ledger.issue(1)
    record = make()
    ledger.issue_record(record)
    ledger.issue_record(replacing(make_record(1), record["no"]))
    assert ledger.outcomes[-1].reason == f"certificate {record['no']} is not the newest of its instrument"


def test_a_paper_entered_late_overrides_nothing_whatever_its_date():
    """The log's order does not decide, and neither does the paper's: only verifications in the ledger count."""
    ledger = found_for_all_kinds()
    verified = ledger.issue(1)
    ledger.issue_record(make_paper())
    later = to_paper(make_record(1), no="2026检字第9号", verified_on="2026-02-28", issued_on="2026-02-28")
    ledger.issue_record(later | {"validity": {"kind": "date", "until": "2026-08-27"}})
    assert ledger.states[INSTRUMENT].current_certificate == verified


def test_a_number_is_used_once_whatever_kind_has_it():
    ledger = found_for_all_kinds()
    ledger.issue(1)
    ledger.issue_record(make_paper(2, no="JY2026-000001"))
    assert ledger.outcomes[-1].reason == "number JY2026-000001 is taken"


def test_another_fold_comes_to_the_same():
    ledger = found_for_all_kinds()
    for record in (make_calibration(), make_record(1), make_paper(), make_calibration(2)):
        ledger.issue_record(record)
    ledger.checkpoint()
    replay = Replay()
    replayed = [replay.take(leaf) for leaf in ledger.leaves]
    assert all(not isinstance(each.outcome, Void) for each in replayed)
    assert isinstance(replayed[6].outcome, Effect)
    assert replay.states == ledger.states
