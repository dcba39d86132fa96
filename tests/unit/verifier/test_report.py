"""Verdicts: the whole table of outcomes and statuses, what is shown, and the exit codes."""

import json
import re
from datetime import date
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_in_memory import MemoryLedger

from ledger.core.step import Check, Outcome, Sentence, Step, Verdict, failed, not_checked, passed
from verifier.report import (
    DISCLAIMER,
    STATUS_WORDS,
    VERDICT_WORDS,
    DocumentStatus,
    DocumentSummary,
    Report,
    build_report,
    report_members,
)

POLICY = MemoryLedger().policy()
SUMMARY = DocumentSummary(
    "verification_certificate",
    "N1",
    "福州市计量所",
    "加油机",
    None,
    "SN1",
    None,
    "FUEL_DISPENSER",
    date(2026, 2, 28),
    None,
)
NOTE = Sentence("a note", "说明")
OPTIONAL = tuple(step for step in Step if step not in POLICY.required)


def make_checks(**outcomes: Outcome) -> list[Check]:
    """Return every step PASSED, but for those named."""
    return [Check(step, outcomes.get(step.code, Outcome.PASSED), Sentence("en", "中")) for step in Step]


def build(checks, status=DocumentStatus.VALID, **options) -> Report:
    return build_report(checks, status, POLICY, SUMMARY, note=NOTE, **options)


INVALID = {
    *(DocumentStatus.WITHDRAWN, DocumentStatus.CANCELLED, DocumentStatus.FAILED, DocumentStatus.FAILED_SINCE)
}


def expect(required: Outcome, optional: Outcome, status: DocumentStatus, *, warned: bool) -> Verdict:
    """Say the design's rule again, in its own words (§4, "Verdict")."""
    if Outcome.FAILED in {required, optional}:
        return Verdict.INVALID
    if status in INVALID:
        return Verdict.INVALID
    if required is Outcome.NOT_CHECKED:
        return Verdict.UNKNOWN
    if warned or status is not DocumentStatus.VALID:
        return Verdict.ATTENTION
    return Verdict.VALID


@pytest.mark.parametrize("required_step", [Step.TIME, Step.SCOPE, Step.RECEIPT, Step.STATUS])
@pytest.mark.parametrize("optional_step", [Step.QUORUM, Step.STANDARDS])
def test_the_whole_table(required_step, optional_step):
    for required, optional, status, warned in product(Outcome, Outcome, DocumentStatus, (False, True)):
        checks = make_checks(**{required_step.code: required, optional_step.code: optional})
        if warned:
            checks[Step.PERSONS.number - 1] = passed(Step.PERSONS, "en", "中", warning=True)
        report = build(checks, status)
        assert report.verdict is expect(required, optional, status, warned=warned)
        assert report.authentic == (Outcome.FAILED not in {required, optional})
        assert report.status is (status if report.authentic else None)


@pytest.mark.parametrize("step", Step, ids=lambda step: step.code)
def test_any_failed_step_is_invalid_and_shows_nothing(step):
    for status in DocumentStatus:
        report = build(make_checks(**{step.code: Outcome.FAILED}), status)
        assert (report.verdict, report.authentic, report.exit_code) == (Verdict.INVALID, False, 1)
        assert (report.document, report.status, report.note) == (None, None, None)


@pytest.mark.parametrize("step", Step, ids=lambda step: step.code)
def test_a_step_that_was_not_looked_at_matters_if_it_is_required(step):
    report = build(make_checks(**{step.code: Outcome.NOT_CHECKED}))
    if step in POLICY.required:
        assert (report.verdict, report.exit_code) == (Verdict.UNKNOWN, 3)
    else:
        assert (report.verdict, report.exit_code) == (Verdict.VALID, 0)
        asked = build(make_checks(**{step.code: Outcome.NOT_CHECKED}), asked_for=frozenset({step}))
        assert (asked.verdict, asked.exit_code) == (Verdict.UNKNOWN, 3)


@pytest.mark.parametrize("missing", [("key",), ("authority",), ("seal", "statement")])
def test_without_a_key_with_authority_nothing_is_authentic(missing):
    checks = make_checks(**dict.fromkeys(missing, Outcome.NOT_CHECKED))
    lax = MemoryLedger().policy(required=frozenset())
    for status in DocumentStatus:
        report = build_report(checks, status, lax, SUMMARY, note=NOTE)
        assert (report.verdict, report.authentic, report.exit_code) == (Verdict.UNKNOWN, False, 3)
        assert (report.document, report.status, report.note) == (None, None, None)


@pytest.mark.parametrize("absent", ["seal", "statement"])
def test_one_signature_is_enough_where_the_other_is_not_at_hand(absent):
    checks = [check for check in make_checks() if check.step.code != absent]
    report = build(checks, complete=False)
    assert (report.verdict, report.authentic, report.status) == (Verdict.UNKNOWN, True, DocumentStatus.VALID)
    assert (report.document, report.note) == (SUMMARY, NOTE)


def test_less_than_a_bundle_is_never_valid():
    for status in DocumentStatus:
        report = build(make_checks(), status, complete=False)
        assert (report.verdict, report.exit_code, report.authentic) == (Verdict.UNKNOWN, 3, True)
    assert build(make_checks(key=Outcome.FAILED), complete=False).verdict is Verdict.INVALID
    assert build_report([], None, POLICY, None).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("status", "verdict", "code"),
    [
        (DocumentStatus.VALID, Verdict.VALID, 0),
        (DocumentStatus.EXPIRED, Verdict.ATTENTION, 1),
        (DocumentStatus.SERVICE_LIFE_ENDED, Verdict.ATTENTION, 1),
        (DocumentStatus.SUPERSEDED, Verdict.ATTENTION, 1),
        (DocumentStatus.NEEDS_REVERIFICATION, Verdict.ATTENTION, 1),
        (DocumentStatus.SUSPENDED, Verdict.ATTENTION, 1),
        (DocumentStatus.CANCELLED, Verdict.INVALID, 1),
        (DocumentStatus.WITHDRAWN, Verdict.INVALID, 1),
        (DocumentStatus.FAILED, Verdict.INVALID, 1),
        (DocumentStatus.FAILED_SINCE, Verdict.INVALID, 1),
    ],
)
def test_exit_codes_follow_verdict_and_status(status, verdict, code):
    report = build(make_checks(), status)
    assert (report.verdict, report.exit_code, report.authentic) == (verdict, code, True)


def test_a_warning_asks_for_attention_with_the_status_in_order():
    checks = make_checks()
    checks[Step.TIME.number - 1] = passed(Step.TIME, "late", "迟", warning=True)
    report = build(checks)
    assert (report.verdict, report.exit_code) == (Verdict.ATTENTION, 0)


OUTCOMES = st.sampled_from(Outcome)


@given(
    st.dictionaries(st.sampled_from(Step), st.tuples(OUTCOMES, st.booleans())),
    st.none() | st.sampled_from(DocumentStatus),
    st.frozensets(st.sampled_from(Step)),
    st.booleans(),
)
def test_green_is_never_given_away(found, status, required, complete):
    checks = [Check(step, outcome, NOTE, warning) for step, (outcome, warning) in found.items()]
    report = build_report(
        checks, status, MemoryLedger().policy(required=required), SUMMARY, complete=complete
    )
    outcomes = {check.step: check.outcome for check in report.checks}
    if report.verdict is Verdict.VALID:
        assert report.authentic
        assert complete
        assert status is DocumentStatus.VALID
        assert all(outcomes[step] is Outcome.PASSED for step in required)
        assert outcomes[Step.KEY] is outcomes[Step.AUTHORITY] is Outcome.PASSED
    assert (report.verdict is Verdict.INVALID) == (
        Outcome.FAILED in outcomes.values() or (report.authentic and complete and status in INVALID)
    )
    assert (report.exit_code == 0) == (
        report.verdict in {Verdict.VALID, Verdict.ATTENTION} and report.status is DocumentStatus.VALID
    )
    assert report.document is None or report.authentic


# --- as JSON ----------------------------------------------------------------------------------------------


def test_a_report_names_every_step_in_order():
    report = build_report([passed(Step.STATUS, "a", "甲"), failed(Step.KEY, "b", "乙")], None, POLICY, None)
    assert [check.step for check in report.checks] == list(Step)
    assert report.checks[0].outcome is Outcome.NOT_CHECKED
    assert report.checks[4] == failed(Step.KEY, "b", "乙")


def test_the_shape_of_the_json():
    members = report_members(build(make_checks(persons=Outcome.NOT_CHECKED)))
    assert json.loads(json.dumps(members)) == members
    checks = members.pop("checks")
    assert members == {
        "verdict": "VALID",
        "authentic": True,
        "status": "VALID",
        "environment": "development",
        "document": {
            "document_type": "verification_certificate",
            "number": "N1",
            "institution": "福州市计量所",
            "instrument": "加油机",
            "serial": "SN1",
            "category": "FUEL_DISPENSER",
            "verified_on": "2026-02-28",
        },
        "note": "a note",
        "note_zh": "说明",
    }
    assert [check["step"] for check in checks] == list(range(1, 21))
    assert checks[7] == {
        "step": 8,
        "name": "persons",
        "outcome": "NOT_CHECKED",
        "reason": "en",
        "reason_zh": "中",
    }


def test_nothing_of_the_document_is_in_the_json_of_a_forgery():
    members = report_members(build(make_checks(seal=Outcome.FAILED)))
    assert set(members) == {"verdict", "authentic", "status", "environment", "checks"}
    assert (members["verdict"], members["authentic"], members["status"]) == ("INVALID", False, None)
    assert "SN1" not in json.dumps(members)


def test_a_warning_is_marked():
    checks = [*make_checks()[:-1], passed(Step.STATUS, "en", "中", warning=True)]
    members = report_members(build(checks))
    assert [check.get("warning") for check in members["checks"]] == [*[None] * 18, True, None]


def test_the_environment_is_the_policys():
    production = MemoryLedger().policy(development=False, contract=None)
    assert report_members(build_report([], None, production, None))["environment"] == "production"
    assert report_members(build_report([], None, POLICY, None))["environment"] == "development"


# --- words ------------------------------------------------------------------------------------------------


def test_every_status_and_verdict_has_words_in_both_languages():
    assert set(STATUS_WORDS) == set(DocumentStatus)
    assert set(VERDICT_WORDS) == set(Verdict)
    for sentence in (*STATUS_WORDS.values(), *VERDICT_WORDS.values(), DISCLAIMER):
        assert re.search("[a-z]", sentence.en)
        assert re.search(r"[\u4e00-\u9fff]", sentence.zh)
    assert "无效" not in "".join(sentence.zh for sentence in VERDICT_WORDS.values())
    assert "不证明此刻称量准确" in DISCLAIMER.zh


def test_what_is_not_at_hand_is_not_checked():
    report = build_report([not_checked(Step.STATEMENT, "a short code", "短码")], None, POLICY, None)
    assert {check.outcome for check in report.checks} == {Outcome.NOT_CHECKED}
    assert report.verdict is Verdict.UNKNOWN
    assert OPTIONAL
