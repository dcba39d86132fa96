"""What a verifier says of calibrations and entries from paper: genuine, in their own words, never green."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from further_kinds import GUARDED, found_for_all_kinds, make_calibration, make_paper, make_value, make_values
from ledger_in_memory import NOW, Document, make_record, make_signer, seal_record

from ledger.core.bundle import parse_bundle
from ledger.core.canonical import encode_canonical_json
from ledger.core.certificate import parse_certificate
from ledger.core.entry import encode_leaf, parse_leaf
from ledger.core.event import EventType, certificate_subject, instrument_subject
from ledger.core.ids import CertificateNumber, InstitutionId, InstrumentId
from ledger.core.map_proof import build_map_proof, open_map_proof
from ledger.core.qr import QrForm, choose_form
from ledger.core.statement import DocumentKind, parse_signed_statement
from ledger.core.status import Status, SubjectState
from ledger.core.status_map import EMPTY_MAP, load_nothing
from ledger.core.step import Outcome, Sentence, Step, Verdict
from verifier import checks
from verifier.freshness import judge_age
from verifier.report import DocumentStatus, report_members
from verifier.verify import verify_bundle, verify_certificate, verify_statement_alone

KINDS = pytest.mark.parametrize(
    ("make", "status"),
    [(make_calibration, DocumentStatus.CALIBRATED), (make_paper, DocumentStatus.PAPER)],
)
STRICT = {"required": frozenset(Step) - {Step.QUORUM, Step.CHAIN}}


def verify(ledger, index, now=NOW, **policy):
    return verify_bundle(parse_bundle(ledger.bundle(index)), ledger.session(**policy), now)


@KINDS
def test_it_is_genuine_and_never_valid(make, status):
    ledger = found_for_all_kinds()
    report = verify(ledger, ledger.issue_record(make()))
    assert report.authentic
    assert (report.verdict, report.status) == (Verdict.ATTENTION, status)
    assert report.exit_code == (0 if status is DocumentStatus.CALIBRATED else 1)


@KINDS
def test_a_verification_before_or_after_changes_nothing_of_it(make, status):
    ledger = found_for_all_kinds()
    first = ledger.issue_record(make())
    verified = ledger.issue(1)
    second = ledger.issue_record(make(no="N-2"))
    for index in (first, second):
        report = verify(ledger, index)
        assert (report.verdict, report.status) == (Verdict.ATTENTION, status)
    report = verify(ledger, verified)
    assert (report.verdict, report.status) == (Verdict.VALID, DocumentStatus.VALID)
    said = {check.step: check.reason.en for check in verify(ledger, second).checks}[Step.STATUS]
    assert f"the newest of this instrument is leaf {verified}, status VALID" in said


@KINDS
def test_it_does_not_hide_a_failure_of_the_instrument(make, status):
    ledger = found_for_all_kinds()
    passed = ledger.issue(1)
    failed = make_record(1)["results"][0]
    failed["points"][0] |= {"error": "0.50", "measured": "20.10", "pass": False}
    rejection = {"doc_type": "rejection_notice", "conclusion": "fail", "validity": {"kind": "none"}}
    ledger.issue_record(make_record(1, no="R-1", results=[failed | {"pass": False}], **rejection))
    index = ledger.issue_record(make())
    assert verify(ledger, passed).status is DocumentStatus.FAILED_SINCE
    report = verify(ledger, index)
    assert report.status is status
    said = {check.step: check.reason.en for check in report.checks}[Step.STATUS]
    assert "status FAILED" in said


@KINDS
def test_an_act_on_it_is_heard(make, status):
    ledger = found_for_all_kinds()
    record = make()
    index = ledger.issue_record(record)
    assert verify(ledger, index).status is status
    ledger.act(EventType.WITHDRAW, certificate=record["no"])
    report = verify(ledger, index)
    assert (report.verdict, report.status) == (Verdict.INVALID, DocumentStatus.WITHDRAWN)


@KINDS
def test_one_that_is_replaced_says_so(make, status):
    ledger = found_for_all_kinds()
    record = make()
    index = ledger.issue_record(record)
    newer = make(no="N-2", replaces={"no": record["no"], "reason": "TYPO"})
    later = ledger.issue_record(newer)
    assert verify(ledger, index).status is DocumentStatus.SUPERSEDED
    assert verify(ledger, later).status is status


def test_every_step_that_a_policy_may_require_is_taken_for_a_calibration():
    ledger = found_for_all_kinds()
    report = verify(ledger, ledger.issue_record(make_calibration()))
    outcomes = {check.step: check.outcome for check in report.checks}
    for step in (Step.SCOPE, Step.REGULATION, Step.LIMITS, Step.EXPIRY, Step.TYPE, Step.STATUS):
        assert outcomes[step] is Outcome.PASSED, step


def test_no_rule_is_required_of_a_paper_and_all_evidence_is():
    ledger = found_for_all_kinds()
    index = ledger.issue_record(make_paper())
    report = verify(ledger, index, **STRICT)
    assert report.verdict is Verdict.ATTENTION
    skipped = {check.step for check in report.checks if check.outcome is Outcome.NOT_CHECKED}
    assert skipped >= {Step.SCOPE, Step.PERSONS, Step.STANDARDS, Step.LIMITS, Step.EXPIRY, Step.TYPE}
    assert verify(ledger, index, required=frozenset({Step.QUORUM})).verdict is Verdict.UNKNOWN


def test_a_paper_says_since_when_it_is_in_here_and_that_it_is_late_is_no_remark():
    ledger = found_for_all_kinds()
    report = verify(ledger, ledger.issue_record(make_paper()))
    assert report.note == Sentence(
        "from paper, entered on 2026-02-28; not an electronic certificate",
        "据纸质证书登记，登记日期2026-02-28；不是电子证书",
    )
    time = next(check for check in report.checks if check.step is Step.TIME)
    assert (time.outcome, time.warning) == (Outcome.PASSED, False)
    members = report_members(report)["document"]
    assert (members["document_type"], members["conclusion"]) == ("paper_register", "pass")
    assert (members["entered_on"], members["verified_on"]) == ("2026-02-28", "2019-03-04")


def test_a_paper_is_no_more_expired_than_valid():
    ledger = found_for_all_kinds()
    index = ledger.issue_record(make_paper(validity={"kind": "date", "until": "2030-01-01"}))
    assert verify(ledger, index).status is DocumentStatus.PAPER


def test_an_agreed_date_of_a_calibration_passes_like_any():
    ledger = found_for_all_kinds()
    agreed = {"kind": "date", "until": "2026-06-30", "agreed": True}
    index = ledger.issue_record(make_calibration(validity=agreed))
    assert (
        verify(ledger, index, datetime.fromisoformat("2026-06-30T12:00:00Z")).status
        is DocumentStatus.CALIBRATED
    )
    late = verify(ledger, index, datetime.fromisoformat("2026-07-01T12:00:00Z"))
    assert (late.verdict, late.status, late.exit_code) == (Verdict.ATTENTION, DocumentStatus.EXPIRED, 1)


def test_a_paper_entered_after_its_seal_is_refused():
    ledger = found_for_all_kinds()
    entry = make_paper()["paper"] | {"entered_on": "2026-03-02"}
    report = verify(ledger, ledger.issue_record(make_paper(paper=entry), force=True))
    assert report.verdict is Verdict.INVALID
    assert "paper.entered_on: is after the seal" in next(
        check.reason.en for check in report.checks if check.step is Step.TIME
    )


@KINDS
def test_less_than_a_bundle_says_what_it_is(make, status):
    ledger = found_for_all_kinds()
    index = ledger.issue_record(make())
    session = ledger.session(trust=True)
    alone = verify_certificate(
        parse_certificate(encode_canonical_json(ledger.documents[index].credential)), session, NOW
    )
    bare = verify_statement_alone(ledger.documents[index].statement_raw, session, NOW)
    for report in (alone, bare):
        assert report.authentic
        assert (report.verdict, report.status) == (Verdict.UNKNOWN, status)
        assert report.document.document_type == make()["doc_type"]
        assert "not" in report.note.en
    assert bare.note.zh.endswith("状态未查")


@KINDS
def test_its_statement_fits_the_long_form(make, status):
    ledger = found_for_all_kinds()
    index = ledger.issue_record(
        make(conclusion="pass", **({} if make is make_paper else {"decision_rule": GUARDED}))
    )
    raw = ledger.documents[index].statement_raw
    assert len(raw) <= 214
    assert choose_form(raw).form is QrForm.LONG
    assert (
        parse_signed_statement(raw).statement.claims.kind
        is DocumentKind[{"CALIBRATED": "CALIBRATION"}.get(status.value, status.value)]
    )


def test_a_statement_that_makes_a_verification_of_it_does_not_bind():
    ledger = found_for_all_kinds()
    credential = seal_record(make_calibration(conclusion="pass", decision_rule=GUARDED), make_signer("seal"))
    raw = ledger.sign_issue(credential, kind=DocumentKind.VERIFICATION)
    index = ledger.append(raw)
    ledger.documents[index] = Document(credential, raw)
    report = verify(ledger, index)
    assert report.verdict is Verdict.INVALID
    binding = next(check for check in report.checks if check.step is Step.BINDING)
    assert "statement.kind: differs from the certificate" in binding.reason.en


def test_a_value_that_was_misstated_is_found():
    ledger = found_for_all_kinds()
    record = make_calibration(results=make_values(make_value("0.20", measured="20.02")))
    report = verify(ledger, ledger.issue_record(record, force=True))
    assert {check.step for check in report.checks if check.outcome is Outcome.FAILED} == {Step.LIMITS}


# --- what the map may say -----------------------------------------------------------------------------------

INSTRUMENT = instrument_subject(InstrumentId(bytes.fromhex(make_record(1)["instrument"]["id"])), None)
DOCUMENT = certificate_subject(InstitutionId("350100-01"), CertificateNumber("XZ2026-000001"))


def judge(header_status, instrument):
    ledger = found_for_all_kinds()
    ledger.states[INSTRUMENT] = SubjectState(Status.VALID, 3, 4, 4)
    index = ledger.issue_record(make_calibration(), status=header_status)
    bundle = parse_bundle(ledger.bundle(index))
    signed = parse_signed_statement(ledger.documents[index].statement_raw)
    proven = {DOCUMENT: SubjectState(Status.VALID, 1, index, index), INSTRUMENT: instrument(index)}
    status_map = EMPTY_MAP.update(proven, load_nothing)
    shown = open_map_proof(build_map_proof(status_map, list(proven), load_nothing), status_map.root_hash)
    age = judge_age(NOW - timedelta(minutes=5), NOW, timedelta(days=1))
    return checks.check_status(bundle, signed, shown, age)[0].outcome


@pytest.mark.parametrize(
    ("status", "instrument", "outcome"),
    [
        (Status.VALID, lambda at: SubjectState(Status.VALID, 4, at, 4), Outcome.PASSED),
        (Status.VALID, lambda at: SubjectState(Status.VALID, 4, at, None), Outcome.PASSED),
        (Status.VALID, lambda at: SubjectState(Status.FAILED, 5, at + 1, at + 1), Outcome.PASSED),
        (Status.VALID, lambda at: SubjectState(Status.VALID, 5, at + 1, 4), Outcome.PASSED),
        (Status.VALID, lambda at: SubjectState(Status.VALID, 4, at, at), Outcome.FAILED),
        (Status.VALID, lambda at: SubjectState(Status.FAILED, 4, at, 4), Outcome.FAILED),
        (Status.VALID, lambda at: SubjectState(Status.VALID, 3, at, 4), Outcome.FAILED),
        (Status.VALID, lambda at: SubjectState(Status.VALID, 5, at, 4), Outcome.FAILED),
        (Status.VALID, lambda at: SubjectState(Status.VALID, 5, at + 1, at), Outcome.FAILED),
        (Status.VALID, lambda at: SubjectState(Status.VALID, 5, at + 1, at + 2), Outcome.FAILED),
        (Status.REGISTERED, lambda at: SubjectState(Status.REGISTERED, 4, at, None), Outcome.PASSED),
        (Status.REGISTERED, lambda at: SubjectState(Status.REGISTERED, 4, at, 4), Outcome.FAILED),
        (Status.REGISTERED, lambda at: SubjectState(Status.VALID, 5, at + 1, at + 1), Outcome.PASSED),
    ],
)
def test_the_map_must_fit_a_document_that_verifies_nothing(status, instrument, outcome):
    assert judge(status, instrument) is outcome


def test_times_of_the_other_kinds_are_as_strict():
    ledger = found_for_all_kinds()
    index = ledger.issue_record(make_calibration(verified_on="2026-03-02"), force=True)
    report = verify(ledger, index, NOW + timedelta(days=1))
    assert Step.TIME in {check.step for check in report.checks if check.outcome is Outcome.FAILED}


@pytest.mark.parametrize("make", [make_calibration, make_paper])
@pytest.mark.parametrize("code", [0, 9, 254])
def test_a_status_in_its_header_that_is_none_is_refused(make, code):
    ledger = found_for_all_kinds()
    index = ledger.issue_record(make())
    leaf = parse_leaf(ledger.leaves[index])
    ledger.leaves[index] = encode_leaf(replace(leaf.header, status=code), leaf.statement_raw)
    report = verify_bundle(parse_bundle(ledger.bundle(index)), ledger.session(), NOW)
    refused = {check.step for check in report.checks if check.outcome is Outcome.FAILED}
    assert refused == {Step.AUTHORITY, Step.STATUS}
