"""Whole verifications: a bundle, a certificate alone, a printed statement, a short code."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from ledger_in_memory import (
    INSTITUTION,
    NOW,
    Document,
    MemoryLedger,
    make_record,
    make_rejection,
    make_signer,
    seal_record,
)

from ledger.core.bundle import parse_bundle
from ledger.core.canonical import encode_canonical_json
from ledger.core.certificate import parse_certificate
from ledger.core.entry import parse_leaf
from ledger.core.errors import InputError, PolicyMismatchError
from ledger.core.evidence import encode_evidence
from ledger.core.fold import list_touched
from ledger.core.ids import InstitutionId
from ledger.core.policy import DEFAULT_REQUIRED
from ledger.core.register_fields import RegisterState
from ledger.core.statement import parse_signed_statement, sign_statement
from ledger.core.step import Outcome, Step, Verdict, failed, not_checked, passed
from verifier.report import DocumentStatus, Report
from verifier.verify import report_short_code, verify_bundle, verify_certificate, verify_statement_alone

FOREVER = datetime.max.replace(tzinfo=UTC)
BEGINNING = datetime.min.replace(tzinfo=UTC)


@pytest.fixture
def ledger():
    return MemoryLedger().found()


def outcomes(report: Report) -> dict[str, str]:
    return {check.step.code: check.outcome.value for check in report.checks}


def steps_with(report: Report, outcome: Outcome) -> set[Step]:
    return {check.step for check in report.checks if check.outcome is outcome}


# --- bundles ----------------------------------------------------------------------------------------------


def test_a_good_bundle_passes_every_step_that_its_data_allow(ledger):
    report = verify_bundle(parse_bundle(ledger.bundle(ledger.issue(1))), ledger.session(), NOW)
    assert (report.verdict, report.authentic, report.status) == (Verdict.VALID, True, DocumentStatus.VALID)
    assert steps_with(report, Outcome.FAILED) == set()
    assert steps_with(report, Outcome.NOT_CHECKED) == {
        *(Step.PERSONS, Step.STANDARDS, Step.TYPE, Step.QUORUM, Step.CHAIN)
    }
    assert report.document.number == "JY2026-000001"
    assert (report.document.institution, report.document.valid_until.isoformat()) == (
        "福州市计量所",
        "2026-08-27",
    )


def test_a_rejection_notice_is_authentic_and_not_to_be_relied_on(ledger):
    report = verify_bundle(
        parse_bundle(ledger.bundle(ledger.issue_record(make_rejection(1)))), ledger.session(), NOW
    )
    assert (report.verdict, report.authentic, report.status) == (Verdict.INVALID, True, DocumentStatus.FAILED)
    assert report.exit_code == 1
    assert steps_with(report, Outcome.FAILED) == set()
    assert report.document.document_type == "rejection_notice"


@pytest.mark.parametrize(
    ("now", "verdict", "status"),
    [
        ("2026-08-27T15:59:59Z", Verdict.VALID, DocumentStatus.VALID),
        ("2026-08-27T16:00:00Z", Verdict.ATTENTION, DocumentStatus.EXPIRED),
        ("9999-12-31T23:59:59Z", Verdict.ATTENTION, DocumentStatus.EXPIRED),
    ],
)
def test_the_last_day_ends_at_midnight_in_the_policys_zone(ledger, now, verdict, status):
    bundle = parse_bundle(ledger.bundle(ledger.issue(1)))
    report = verify_bundle(bundle, ledger.session(), datetime.fromisoformat(now))
    assert (report.verdict, report.status, report.authentic) == (verdict, status, True)
    assert report.exit_code == (0 if status is DocumentStatus.VALID else 1)


@pytest.mark.parametrize("now", [BEGINNING, datetime(2026, 2, 1, tzinfo=UTC)])
def test_a_clock_that_is_behind_cannot_confirm_and_accuses_nobody(ledger, now):
    report = verify_bundle(parse_bundle(ledger.bundle(ledger.issue(1))), ledger.session(), now)
    assert (report.verdict, report.exit_code) == (Verdict.UNKNOWN, 3)
    assert outcomes(report)["time"] == "NOT_CHECKED"


def test_a_document_that_came_late_asks_for_attention(ledger):
    index = ledger.issue(1)
    session = ledger.session(lag_warning=timedelta(days=0))
    report = verify_bundle(parse_bundle(ledger.bundle(index)), session, NOW)
    assert (report.verdict, report.exit_code) == (Verdict.ATTENTION, 0)


# --- a required step that cannot be looked at -------------------------------------------------------------


def test_without_a_receipt_a_bundle_is_unknown(ledger):
    report = verify_bundle(parse_bundle(ledger.bundle(ledger.issue(1), receipt=None)), ledger.session(), NOW)
    assert (report.verdict, report.exit_code, report.authentic) == (Verdict.UNKNOWN, 3, True)
    lax = ledger.session(required=frozenset(DEFAULT_REQUIRED) - {Step.RECEIPT})
    assert verify_bundle(parse_bundle(ledger.bundle(5, receipt=None)), lax, NOW).verdict is Verdict.VALID


def test_a_policy_without_contract_leaves_a_bundle_unknown(ledger):
    bundle = parse_bundle(ledger.bundle(ledger.issue(1)))
    assert verify_bundle(bundle, ledger.session(contract=None), NOW).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("step", [Step.QUORUM, Step.STANDARDS, Step.PERSONS, Step.CHAIN])
def test_a_policy_that_requires_what_is_not_there_leaves_a_bundle_unknown(ledger, step):
    bundle = parse_bundle(ledger.bundle(ledger.issue(1)))
    report = verify_bundle(bundle, ledger.session(required=frozenset(DEFAULT_REQUIRED) | {step}), NOW)
    assert (report.verdict, report.exit_code) == (Verdict.UNKNOWN, 3)


@pytest.mark.parametrize(
    ("check", "verdict", "code"),
    [
        (passed(Step.CHAIN, "seen", "已核对"), Verdict.VALID, 0),
        (not_checked(Step.CHAIN, "out of reach", "无法连接"), Verdict.UNKNOWN, 3),
        (failed(Step.CHAIN, "another root", "根哈希不同"), Verdict.INVALID, 1),
    ],
)
def test_who_asks_the_chain_needs_its_answer(ledger, check, verdict, code):
    asked = []

    def look(checkpoint):
        asked.append(checkpoint)
        return check

    bundle = parse_bundle(ledger.bundle(ledger.issue(1)))
    report = verify_bundle(bundle, ledger.session(), NOW, look)
    assert (report.verdict, report.exit_code) == (verdict, code)
    assert [checkpoint.tree_size for checkpoint in asked] == [7]


# --- what the status map says -----------------------------------------------------------------------------


def status_of(report: Report):
    return report.verdict, report.status, report.exit_code, outcomes(report)["status"]


def reason(report: Report, step: Step) -> str:
    (found,) = [check.reason.en for check in report.checks if check.step is step]
    return found


def verify_now(ledger, index, size=None, **beliefs) -> Report:
    return verify_bundle(parse_bundle(ledger.bundle(index, size)), ledger.session(**beliefs), NOW)


def instrument_of(number: int) -> dict:
    return make_record(number)["instrument"]


NEWEST = (Verdict.VALID, DocumentStatus.VALID, 0, "PASSED")
SUPERSEDED = (Verdict.ATTENTION, DocumentStatus.SUPERSEDED, 1, "PASSED")
FAILED_SINCE = (Verdict.INVALID, DocumentStatus.FAILED_SINCE, 1, "PASSED")
FAILED = (Verdict.INVALID, DocumentStatus.FAILED, 1, "PASSED")


def test_a_newer_certificate_of_the_instrument_supersedes(ledger):
    first = ledger.issue(1)
    before = ledger.publish()
    second = ledger.issue(2, instrument=instrument_of(1))
    assert status_of(verify_now(ledger, second)) == NEWEST
    report = verify_now(ledger, first)
    assert status_of(report) == SUPERSEDED
    assert report.authentic
    assert report.document.number == "JY2026-000001"
    assert reason(report, Step.STATUS).startswith(f"leaf {second} is newer, as of 2026-03-01 01:00 UTC")
    assert status_of(verify_now(ledger, first, before)) == NEWEST, "under the state before, it was the newest"


def test_an_instrument_that_failed_since_is_not_to_be_relied_on(ledger):
    first = ledger.issue(1)
    second = ledger.issue_record(make_rejection(2, instrument=instrument_of(1)))
    report = verify_now(ledger, first)
    assert status_of(report) == FAILED_SINCE
    assert report.authentic
    assert status_of(verify_now(ledger, second)) == FAILED
    third = ledger.issue(3, instrument=instrument_of(1))
    assert status_of(verify_now(ledger, first)) == SUPERSEDED, "it has passed again; the newest counts"
    assert status_of(verify_now(ledger, second)) == FAILED, "a rejection notice stays one"
    assert status_of(verify_now(ledger, third)) == NEWEST


def test_another_institutions_rejection_fails_the_instrument_too(ledger):
    first = ledger.issue(1)
    other = InstitutionId("350100-02")
    ledger.append(ledger.institution(id=other))
    ledger.append(ledger.key(institution=other, seal="other seal"))
    rejection = make_rejection(1, institution=other)
    ledger.issue_record(rejection, seal="other seal")
    own = encode_evidence(ledger.evidence(without=frozenset({6, 7})))
    report = verify_bundle(parse_bundle(ledger.bundle(first, evidence=own)), ledger.session(), NOW)
    assert status_of(report) == FAILED_SINCE


def test_superseded_comes_before_expired_and_failed_since_before_both(ledger):
    first = ledger.issue(1)
    ledger.issue(2, instrument=instrument_of(1))
    report = verify_bundle(parse_bundle(ledger.bundle(first)), ledger.session(), FOREVER)
    assert (report.verdict, report.status) == (Verdict.ATTENTION, DocumentStatus.SUPERSEDED)
    ledger.issue_record(make_rejection(3, instrument=instrument_of(1)))
    report = verify_bundle(parse_bundle(ledger.bundle(first)), ledger.session(), FOREVER)
    assert (report.verdict, report.status) == (Verdict.INVALID, DocumentStatus.FAILED_SINCE)


def issue_part(ledger, number: int, part: str, **changes) -> int:
    """Issue a document of instrument 1 whose statement is about one part of it."""
    record = make_record(number, instrument=instrument_of(1), **changes)
    credential = seal_record(record, make_signer("seal"))
    version = sum(1 for found in ledger.documents.values() if found.part == part)
    raw = ledger.sign_issue(credential, part=part, version=version)
    index = ledger.append(raw)
    ledger.documents[index] = PartDocument(credential, raw, part)
    return index


@dataclass(frozen=True)
class PartDocument(Document):
    """A document about one part."""

    part: str


def test_a_part_has_its_own_state(ledger):
    one, two = issue_part(ledger, 1, "1"), issue_part(ledger, 2, "2")
    assert status_of(verify_now(ledger, one)) == status_of(verify_now(ledger, two)) == NEWEST
    again = issue_part(ledger, 3, "1")
    assert status_of(verify_now(ledger, one)) == SUPERSEDED
    assert status_of(verify_now(ledger, two)) == status_of(verify_now(ledger, again)) == NEWEST


def refused_status(ledger, index, **changes) -> str:
    report = verify_bundle(parse_bundle(ledger.bundle(index, **changes)), ledger.session(), NOW)
    assert steps_with(report, Outcome.FAILED) == {Step.STATUS}
    assert (report.verdict, report.authentic, report.document) == (Verdict.INVALID, False, None)
    return reason(report, Step.STATUS)


def test_a_map_proof_of_another_document_is_refused(ledger):
    first, second = ledger.issue(1), ledger.issue(2)
    assert "does not show" in refused_status(ledger, first, map_proof=ledger.map_proof(second))
    assert "does not show" in refused_status(ledger, second, map_proof=ledger.map_proof(first))


def test_a_map_proof_of_another_state_of_the_log_is_refused(ledger):
    first = ledger.issue(1)
    older = ledger.map_proof(first)
    ledger.issue(2, instrument=instrument_of(1))
    assert "another root of the status map" in refused_status(ledger, first, map_proof=older)


def test_a_map_proof_of_another_log_is_refused(ledger):
    first = ledger.issue(1)
    other = MemoryLedger("ledger.example/other").found()
    other.issue(2)
    foreign = other.map_proof(other.issue(1))
    assert "another root of the status map" in refused_status(ledger, first, map_proof=foreign)


@pytest.mark.parametrize("raw", [b"\x00", b"\x04", bytes(33), b"\x02" + bytes(53), b"\x03"])
def test_what_is_no_proof_of_the_map_is_refused(ledger, raw):
    assert refused_status(ledger, ledger.issue(1), map_proof=raw)


@pytest.mark.parametrize("subject", [0, 1], ids=["instrument", "document"])
def test_a_map_without_the_document_is_refused_though_the_log_states_it(ledger, subject):
    index = ledger.issue(1)
    statement = parse_signed_statement(ledger.documents[index].statement_raw).statement
    del ledger.states[list_touched(statement)[subject]]
    assert refused_status(ledger, index)


def test_a_map_that_gives_the_instrument_an_earlier_document_is_refused(ledger):
    first = ledger.issue(1)
    states = dict(ledger.states)
    second = ledger.issue(2, instrument=instrument_of(1))
    ledger.states |= states
    assert "contradicts" in refused_status(ledger, second)
    assert status_of(verify_now(ledger, first)) == NEWEST, "leaves and map agree on this one"


def test_evidence_that_leaves_out_the_end_of_a_key_is_refused(ledger):
    index = ledger.issue(1)
    end = ledger.append(ledger.key(version=1, state=RegisterState.WITHDRAWN))
    assert status_of(verify_now(ledger, index)) == NEWEST, "it was issued before"
    less = encode_evidence(ledger.evidence(without=frozenset({end})))
    report = verify_bundle(parse_bundle(ledger.bundle(index, evidence=less)), ledger.session(), NOW)
    assert steps_with(report, Outcome.FAILED) == {Step.AUTHORITY}
    assert "changed since" in reason(report, Step.AUTHORITY)
    assert outcomes(report)["status"] == "NOT_CHECKED", "no status without the map that the evidence states"


# --- how old it is ----------------------------------------------------------------------------------------

ANCHORED_AT = datetime(2026, 3, 1, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("required", "age", "outcome"),
    [
        (DEFAULT_REQUIRED, NOW - ANCHORED_AT, "PASSED"),
        (DEFAULT_REQUIRED, NOW - ANCHORED_AT - timedelta(seconds=1), "NOT_CHECKED"),
        ((), NOW - ANCHORED_AT, "PASSED"),
        ((), NOW - ANCHORED_AT - timedelta(seconds=1), "NOT_CHECKED"),
    ],
)
def test_a_status_older_than_the_policy_allows_is_unknown(ledger, required, age, outcome):
    index = ledger.issue(1)
    report = verify_now(ledger, index, max_status_age=age, required=frozenset(required))
    green = outcome == "PASSED"
    assert status_of(report) == (
        Verdict.VALID if green else Verdict.UNKNOWN,
        DocumentStatus.VALID,
        0 if green else 3,
        outcome,
    )
    assert report.authentic
    assert reason(report, Step.STATUS).endswith("older than the policy allows") != green


def test_an_old_proof_of_a_failure_is_enough(ledger):
    first = ledger.issue(1)
    ledger.issue_record(make_rejection(2, instrument=instrument_of(1)))
    report = verify_now(ledger, first, max_status_age=timedelta(seconds=1))
    assert status_of(report) == (Verdict.INVALID, DocumentStatus.FAILED_SINCE, 1, "NOT_CHECKED")


def test_an_old_proof_of_a_newer_certificate_is_unknown(ledger):
    first = ledger.issue(1)
    ledger.issue(2, instrument=instrument_of(1))
    report = verify_now(ledger, first, max_status_age=timedelta(seconds=1))
    assert status_of(report) == (Verdict.UNKNOWN, DocumentStatus.SUPERSEDED, 3, "NOT_CHECKED")


def test_the_age_counts_from_the_anchor_and_without_one_from_the_logs_own_word(ledger):
    index = ledger.issue(1)
    size = ledger.publish()
    stated_at = parse_leaf(ledger.leaves[size - 1]).header.sequenced_at
    for receipt, instant in (
        (ledger.receipt(), ANCHORED_AT),
        (ledger.receipt(anchored_at=ANCHORED_AT + timedelta(days=1)), ANCHORED_AT + timedelta(days=1)),
        (None, stated_at),
    ):
        bundle = parse_bundle(ledger.bundle(index, receipt=receipt))
        for age, outcome in (
            (NOW - instant, "PASSED"),
            (NOW - instant - timedelta(seconds=1), "NOT_CHECKED"),
        ):
            report = verify_bundle(bundle, ledger.session(max_status_age=age), NOW)
            assert outcomes(report)["status"] == outcome
            assert f"as of {instant:%Y-%m-%d %H:%M} UTC" in reason(report, Step.STATUS)


def test_less_than_a_bundle_proves_no_status(ledger):
    session = ledger.session(trust=True)
    reports = [
        verify_certificate(lone(ledger), session, NOW),
        verify_statement_alone(printed(ledger), session, NOW),
        report_short_code(session),
    ]
    assert {outcomes(report)["status"] for report in reports} == {"NOT_CHECKED"}
    assert {report.verdict for report in reports} == {Verdict.UNKNOWN}


# --- other logs and broken parts --------------------------------------------------------------------------


def test_a_bundle_of_another_log_is_refused_as_input(ledger):
    other = MemoryLedger("ledger.example/other").found()
    with pytest.raises(PolicyMismatchError, match=r"of the log ledger\.example/other; the policy is for"):
        verify_bundle(parse_bundle(other.bundle(other.issue(1))), ledger.session(), NOW)


def test_without_a_checkpoint_nothing_can_be_proved_and_every_step_says_so(ledger):
    thief = make_signer("thief")
    bundle = replace(
        parse_bundle(ledger.bundle(ledger.issue(1))),
        checkpoint=MemoryLedger(log="thief").found().checkpoint(),
    )
    report = verify_bundle(bundle, ledger.session(), NOW, look=lambda _: failed(Step.CHAIN, "asked", "问"))
    assert report.verdict is Verdict.INVALID
    assert steps_with(report, Outcome.FAILED) == {Step.CHECKPOINT}
    expected = {
        *("seal", "statement", "key", "authority", "scope", "inclusion", "receipt", "chain", "status")
    }
    assert expected <= {code for code, outcome in outcomes(report).items() if outcome == "NOT_CHECKED"}
    assert thief.public_key != ledger.log_signer.public_key


def test_a_statement_that_is_none_is_refused_as_input(ledger):
    bundle = replace(parse_bundle(ledger.bundle(ledger.issue(1))), statement_raw=b"x")
    with pytest.raises(InputError):
        verify_bundle(bundle, ledger.session(), NOW)


def test_a_seal_without_a_time_fails_the_time_step(ledger):
    bundle = parse_bundle(ledger.bundle(ledger.issue(1)))
    for created in (None, 7, "yesterday"):
        proof = dict(bundle.certificate.proofs[0])
        proof.pop("created")
        if created is not None:
            proof["created"] = created
        broken = replace(bundle, certificate=replace(bundle.certificate, proofs=(proof,)))
        report = verify_bundle(broken, ledger.session(), NOW)
        assert {Step.TIME, Step.SEAL} <= steps_with(report, Outcome.FAILED)


# --- a certificate alone ----------------------------------------------------------------------------------


def lone(ledger, seal="seal", record=None, **changes):
    credential = seal_record(record or make_record(1, **changes), make_signer(seal))
    return parse_certificate(encode_canonical_json(credential))


def test_a_certificate_alone_is_authentic_by_the_trust_list_and_never_valid(ledger):
    report = verify_certificate(lone(ledger), ledger.session(trust=True), NOW)
    assert (report.verdict, report.authentic, report.status) == (Verdict.UNKNOWN, True, DocumentStatus.VALID)
    assert report.exit_code == 3
    assert report.document.serial == "SN00000001"
    assert {Step.SEAL, Step.KEY, Step.AUTHORITY, Step.SCOPE, Step.TIME} <= steps_with(report, Outcome.PASSED)
    assert {Step.INCLUSION, Step.CHECKPOINT, Step.RECEIPT, Step.STATEMENT} <= steps_with(
        report, Outcome.NOT_CHECKED
    )


def test_a_certificate_without_a_trust_list_is_unknown_and_shows_nothing(ledger):
    report = verify_certificate(lone(ledger), ledger.session(), NOW)
    assert (report.verdict, report.authentic, report.document) == (Verdict.UNKNOWN, False, None)


def test_a_changed_certificate_is_invalid(ledger):
    credential = seal_record(make_record(1), make_signer("seal"))
    credential["credentialSubject"] = credential["credentialSubject"] | {"adjusted": True}
    changed = parse_certificate(encode_canonical_json(credential))
    report = verify_certificate(changed, ledger.session(trust=True), NOW)
    assert (report.verdict, report.document) == (Verdict.INVALID, None)
    assert steps_with(report, Outcome.FAILED) == {Step.SEAL}


def test_a_certificate_under_an_unknown_key_is_unknown_not_forged(ledger):
    report = verify_certificate(lone(ledger, seal="stranger"), ledger.session(trust=True), NOW)
    assert (report.verdict, report.authentic, report.document) == (Verdict.UNKNOWN, False, None)
    assert {Step.SEAL, Step.KEY, Step.AUTHORITY} <= steps_with(report, Outcome.NOT_CHECKED)


def test_a_certificate_under_a_key_of_somebody_else_is_invalid(ledger):
    report = verify_certificate(lone(ledger, institution="350100-02"), ledger.session(trust=True), NOW)
    assert report.verdict is Verdict.INVALID
    assert Step.KEY in steps_with(report, Outcome.FAILED)


@pytest.mark.parametrize(
    ("end", "step"),
    [
        (lambda own: own.key(version=1, state=RegisterState.WITHDRAWN), "key"),
        (lambda own: own.institution(version=1, state=RegisterState.SUSPENDED), "authority"),
        (lambda own: own.scope(version=1, state=RegisterState.WITHDRAWN), "scope"),
    ],
)
def test_what_has_ended_since_does_not_make_an_old_document_forged(ledger, end, step):
    ledger.append(end(ledger))
    session = ledger.session(trust=True)
    statement = ledger.sign_issue(seal_record(make_record(1), make_signer("seal")))
    reports = [
        verify_certificate(lone(ledger), session, NOW),
        verify_statement_alone(statement, session, NOW),
    ]
    for report in reports:
        assert report.verdict is Verdict.UNKNOWN
        assert outcomes(report)[step] == "NOT_CHECKED"
        assert report.authentic == (step == "scope")


def test_a_document_outside_todays_scope_is_not_checked_when_it_comes_alone(ledger):
    report = verify_certificate(lone(ledger, kind="after_repair"), ledger.session(trust=True), NOW)
    assert (report.verdict, outcomes(report)["scope"]) == (Verdict.UNKNOWN, "NOT_CHECKED")


def test_a_lone_rejection_notice_says_so(ledger):
    report = verify_certificate(lone(ledger, record=make_rejection(1)), ledger.session(trust=True), NOW)
    assert (report.verdict, report.status) == (Verdict.UNKNOWN, DocumentStatus.FAILED)


# --- a printed statement ----------------------------------------------------------------------------------


def printed(ledger, record=None, seal="seal", origin=None) -> bytes:
    raw = ledger.sign_issue(seal_record(record or make_record(1), make_signer(seal)), seal)
    if origin is None:
        return raw
    return sign_statement(parse_signed_statement(raw).statement, make_signer(seal), origin)


def test_a_printed_statement_is_signed_and_its_status_is_not_known(ledger):
    report = verify_statement_alone(printed(ledger), ledger.session(trust=True), NOW)
    assert (report.verdict, report.authentic, report.status) == (Verdict.UNKNOWN, True, DocumentStatus.VALID)
    assert report.note.en == "signed, status not checked"
    assert (report.document.institution, report.document.serial) == ("福州市计量所", "SN00000001")
    assert (report.document.instrument, report.document.maker) == (None, None)
    assert steps_with(report, Outcome.PASSED) == {Step.STATEMENT, Step.KEY, Step.AUTHORITY}


def test_without_a_trust_list_its_issuer_is_unknown_and_nothing_is_claimed(ledger):
    report = verify_statement_alone(printed(ledger), ledger.session(), NOW)
    assert (report.verdict, report.authentic) == (Verdict.UNKNOWN, False)
    assert (report.document, report.note, report.status) == (None, None, None)


def test_a_printed_statement_under_an_unknown_key_claims_nothing(ledger):
    report = verify_statement_alone(printed(ledger, seal="stranger"), ledger.session(trust=True), NOW)
    assert (report.verdict, report.authentic, report.note) == (Verdict.UNKNOWN, False, None)


@pytest.mark.parametrize("seal", ["authority", "root"])
def test_a_key_of_others_than_the_institution_is_invalid(ledger, seal):
    report = verify_statement_alone(printed(ledger, seal=seal), ledger.session(trust=True), NOW)
    assert report.verdict is Verdict.INVALID
    assert Step.KEY in steps_with(report, Outcome.FAILED)


def test_a_printed_statement_for_another_log_is_invalid(ledger):
    raw = printed(ledger, origin="ledger.example/other")
    report = verify_statement_alone(raw, ledger.session(trust=True), NOW)
    assert (report.verdict, report.note, report.document) == (Verdict.INVALID, None, None)
    assert steps_with(report, Outcome.FAILED) == {Step.STATEMENT}


def test_a_printed_rejection_says_failed(ledger):
    report = verify_statement_alone(printed(ledger, make_rejection(1)), ledger.session(trust=True), NOW)
    assert (report.verdict, report.status) == (Verdict.UNKNOWN, DocumentStatus.FAILED)
    assert report.document.document_type == "rejection_notice"


def test_a_printed_statement_knows_when_it_has_expired(ledger):
    report = verify_statement_alone(printed(ledger), ledger.session(trust=True), FOREVER)
    assert (report.verdict, report.status) == (Verdict.UNKNOWN, DocumentStatus.EXPIRED)


def test_a_long_serial_is_shown_as_cut(ledger):
    instrument = make_record(1)["instrument"] | {"serial": "LONG-" * 8}
    raw = printed(ledger, make_record(1, instrument=instrument))
    report = verify_statement_alone(raw, ledger.session(trust=True), NOW)
    assert report.document.serial == "LONG-LONG-LO…"


@pytest.mark.parametrize("raw", [b"", b"x", bytes(214)])
def test_a_code_that_holds_no_statement_is_refused_as_input(ledger, raw):
    with pytest.raises(InputError):
        verify_statement_alone(raw, ledger.session(trust=True), NOW)


def test_a_code_that_holds_a_register_statement_is_refused_as_input(ledger):
    with pytest.raises(InputError, match="not about a certificate"):
        verify_statement_alone(ledger.scope(), ledger.session(trust=True), NOW)


def test_a_short_code_says_that_it_must_be_looked_up(ledger):
    report = report_short_code(ledger.session(trust=True))
    assert (report.verdict, report.exit_code, report.authentic) == (Verdict.UNKNOWN, 3, False)
    assert "a short code carries no signature" in report.checks[3].reason.en


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Kiritimati"])
@pytest.mark.parametrize("now", [BEGINNING, FOREVER])
def test_no_clock_and_no_zone_breaks_the_verifier(ledger, zone, now):
    from zoneinfo import ZoneInfo

    session = ledger.session(trust=True, zone=ZoneInfo(zone))
    verify_bundle(parse_bundle(ledger.bundle(ledger.issue(1))), session, now)
    verify_certificate(lone(ledger), session, now)
    verify_statement_alone(printed(ledger), session, now)
    assert InstitutionId("350100-01") == INSTITUTION
