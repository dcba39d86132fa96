"""What a verifier says of certificates that were replaced, belong to a lot, or are about linked instruments."""

from dataclasses import replace
from datetime import timedelta

import pytest
from ledger_in_memory import (
    AUTHORITY,
    CHAIN,
    DECISION,
    INSTITUTION,
    NOW,
    START,
    MemoryLedger,
    make_act,
    make_record,
    make_rejection,
    make_signer,
)

from ledger.core.act import NamedInstrument, ReasonCode
from ledger.core.bundle import EarlierAnchor, parse_bundle
from ledger.core.canonical import encode_canonical_json
from ledger.core.certificate import parse_certificate
from ledger.core.event import EventType, lot_subject
from ledger.core.ids import LeafIndex
from ledger.core.link import SameAs, Split, encode_same_as, encode_split
from ledger.core.lot import LotContent, LotStatus, encode_lot
from ledger.core.map_proof import build_map_proof
from ledger.core.merkle import build_inclusion_proof
from ledger.core.rules import check_binding
from ledger.core.statement import parse_signed_statement
from ledger.core.status import Status
from ledger.core.status_map import load_nothing
from ledger.core.step import Outcome, Step, Verdict
from verifier.verify import verify_bundle

LOT = lot_subject(INSTITUTION, "L1")


def verify(ledger, index, **policy):
    return verify_bundle(parse_bundle(ledger.bundle(index)), ledger.session(**policy), NOW)


def check_of(report, step=Step.STATUS):
    return next(check for check in report.checks if check.step is step)


def say_of_lot(ledger, status, *, issuer=INSTITUTION):
    decision = DECISION if issuer == AUTHORITY else None
    content = LotContent(INSTITUTION, "L1", status, ReasonCode.FAILED_SPOT_CHECK, START, decision)
    ledger.append(ledger.sign_content(EventType.LOT, encode_lot(content), LOT, issuer=issuer))


def with_lot(count=3):
    ledger = MemoryLedger().found()
    return ledger, [ledger.issue(number, lot={"no": "L1", "size": count}) for number in range(count)]


# --- lots -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "status", "verdict", "words"),
    [
        ([], "VALID", "VALID", "the newest document of this instrument, as of"),
        (["failed"], "FAILED_SINCE", "INVALID", "; its lot failed a later verification by leaf 8"),
        (["suspended"], "SUSPENDED", "ATTENTION", "; its lot suspended, under investigation by leaf 8"),
        (["withdrawn"], "WITHDRAWN", "INVALID", "; its lot withdrawn by leaf 8"),
        (["suspended", "valid"], "VALID", "VALID", "the newest document of this instrument, as of"),
        (["cancelled"], "CANCELLED", "INVALID", "; its lot cancelled by leaf 8"),
    ],
)
def test_what_is_said_of_a_lot_holds_of_every_member(said, status, verdict, words):
    ledger, members = with_lot()
    for word in said:
        issuer = AUTHORITY if word in {"valid", "cancelled"} else INSTITUTION
        say_of_lot(ledger, LotStatus(word), issuer=issuer)
    for index in members:
        report = verify(ledger, index)
        assert (report.status, report.verdict) == (status, verdict)
        assert words in check_of(report).reason.en
        assert report.authentic


def test_who_is_in_no_lot_is_not_touched():
    ledger, _ = with_lot()
    alone = ledger.issue(9)
    say_of_lot(ledger, LotStatus.FAILED)
    assert verify(ledger, alone).status == "VALID"
    other = ledger.issue(10, lot={"no": "L2", "size": 1})
    assert verify(ledger, other).status == "VALID"


def test_the_worse_of_both_counts():
    ledger, (index, *_) = with_lot()
    ledger.act(EventType.WITHDRAW, 0)
    say_of_lot(ledger, LotStatus.SUSPENDED)
    assert verify(ledger, index).status == "WITHDRAWN"
    ledger, (index, *_) = with_lot()
    ledger.act(EventType.SUSPEND, 0)
    say_of_lot(ledger, LotStatus.FAILED)
    assert verify(ledger, index).status == "FAILED_SINCE"


@pytest.mark.parametrize(("name", "values"), [("lot", (None, "L2")), ("predecessor", ("other",))])
def test_a_statement_says_what_its_record_says(name, values):
    ledger, (index, *_) = with_lot()
    document = ledger.documents[index]
    statement = parse_signed_statement(document.statement_raw).statement
    certificate = parse_certificate(encode_canonical_json(document.credential))
    assert check_binding(statement, certificate).outcome is Outcome.PASSED
    for value in values:
        other = replace(statement, claims=replace(statement.claims, **{name: value}))
        found = check_binding(other, certificate)
        assert found.outcome is Outcome.FAILED
        assert f"statement.{name}: differs from the certificate" in found.text.en


def test_a_proof_that_hides_the_lot_proves_nothing():
    ledger, (index, *_) = with_lot()
    say_of_lot(ledger, LotStatus.FAILED)
    shown = [make_act(0).subject, make_act(0).certificate]
    hiding = build_map_proof(ledger.maps[ledger.publish()], shown, load_nothing)
    bundle = replace(parse_bundle(ledger.bundle(index)), map_proof=hiding)
    report = verify_bundle(bundle, ledger.session(), NOW)
    assert check_of(report).outcome is Outcome.FAILED
    assert "the proof does not show subject" in check_of(report).reason.en


# --- replacements -----------------------------------------------------------------------------------------


def replaced(*before, rejected=False):
    ledger = MemoryLedger().found()
    first = ledger.issue(1)
    for event_type in before:
        ledger.act(event_type)
    make = make_rejection if rejected else make_record
    record = make(1, no="R-1", replaces={"no": "JY2026-000001", "reason": "TYPO"})
    return ledger, first, ledger.issue_record(record)


def test_a_replacement_supersedes_what_it_replaces():
    ledger, first, second = replaced()
    assert verify(ledger, first).status == "SUPERSEDED"
    report = verify(ledger, second)
    assert (report.status, report.verdict) == ("VALID", "VALID")
    assert all(check.outcome is not Outcome.FAILED for check in report.checks)


def test_a_replacement_of_a_paper_that_waits_for_a_verification_waits_too():
    ledger, first, second = replaced(EventType.REVERIFY_NEEDED)
    assert verify(ledger, first).status == "NEEDS_REVERIFICATION"
    report = verify(ledger, second)
    assert (report.status, report.verdict) == ("NEEDS_REVERIFICATION", "ATTENTION")
    assert check_of(report, Step.AUTHORITY).outcome is Outcome.PASSED


def test_a_replacement_may_be_a_rejection():
    ledger, first, second = replaced(rejected=True)
    assert verify(ledger, first).status == "FAILED_SINCE"
    assert verify(ledger, second).status == "FAILED"


def test_both_ends_are_linked_or_the_proof_fails():
    ledger, _, second = replaced()
    document = make_act().certificate
    ledger.states[document] = replace(ledger.states[document], status=Status.VALID)
    report = verify(ledger, second)
    assert check_of(report).outcome is Outcome.FAILED
    assert "does not say that JY2026-000001 was replaced" in check_of(report).reason.en


# --- links ------------------------------------------------------------------------------------------------


def named(number):
    act = make_act(number)
    return NamedInstrument(INSTITUTION, act.number, act.instrument_id)


def linked():
    ledger = MemoryLedger().found()
    indices = [ledger.issue(number) for number in (1, 2)]
    content = SameAs(named(1), named(2), ReasonCode.WRONG_INSTRUMENT, START)
    ledger.append(
        ledger.sign_content(EventType.INSTRUMENT_SAME_AS, encode_same_as(content), named(1).subject)
    )
    return ledger, indices


def test_the_newest_certificate_of_either_registration_counts():
    ledger, (first, second) = linked()
    assert verify(ledger, first).status == "SUPERSEDED"
    report = verify(ledger, second)
    assert (report.status, report.verdict) == ("VALID", "VALID")
    ledger.issue_record(make_rejection(1, no="N-1"))
    assert verify(ledger, second).status == "FAILED_SINCE"
    newest = ledger.issue(2, no="N-2")
    assert verify(ledger, newest).verdict is Verdict.VALID
    assert verify(ledger, second).status == "SUPERSEDED"


def test_after_a_split_no_paper_is_green():
    ledger, (first, second) = linked()
    content = Split(named(2), (bytes([1]) * 16,), ReasonCode.WRONG_INSTRUMENT, START)
    ledger.append(ledger.sign_content(EventType.INSTRUMENT_SPLIT, encode_split(content), named(2).subject))
    assert verify(ledger, first).status == "NEEDS_REVERIFICATION"
    assert verify(ledger, second).status == "NEEDS_REVERIFICATION"


# --- later roots ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pinned", [1, 2])
def test_a_verifier_walks_from_its_pinned_root(pinned):
    ledger = MemoryLedger().found()
    first = ledger.root_digest
    ledger.append(ledger.next_root("root-2", "root-3", threshold=2))
    ledger.append(ledger.publish_policy(1))
    index = ledger.issue(1)
    digest = first if pinned == 1 else ledger.root_digest
    report = verify(ledger, index, root_version=pinned, root_digest=digest)
    assert report.verdict is Verdict.VALID
    check = check_of(verify(ledger, index, root_version=pinned, root_digest=bytes(32)), Step.AUTHORITY)
    assert check.outcome is Outcome.FAILED
    assert "the root that the policy pins is not in the authority evidence" in check.reason.en


def test_a_newer_policy_is_made_known_and_rules_nobody():
    ledger = MemoryLedger().found()
    index = ledger.issue(1)
    ledger.append(ledger.publish_policy(1))
    assert verify(ledger, index).note is None
    ledger.append(ledger.publish_policy(7, version=1))
    report = verify(ledger, index)
    assert report.verdict is Verdict.VALID
    assert (
        report.note.en == "the root has published version 7 of the policy; this check was made by version 1"
    )
    assert verify(ledger, index, version=7).note is None


# --- compromised keys -------------------------------------------------------------------------------------


def compromised(since):
    """Return a ledger whose seal was found compromised, a document of before, and the older tree's size."""
    ledger = MemoryLedger().found()
    index = ledger.issue(1)
    size = ledger.publish()
    ledger.append(ledger.compromise(since))
    return ledger, index, size


def earlier(ledger, index, size, **changes):
    proof = build_inclusion_proof(LeafIndex(index), size, ledger.tree().read)
    return EarlierAnchor(proof, ledger.receipt(size, **changes))


def judge(ledger, index, *, trust=False, **changes):
    report = verify_bundle(parse_bundle(ledger.bundle(index, **changes)), ledger.session(trust=trust), NOW)
    return report, check_of(report, Step.KEY)


BEFORE, AFTER = START - timedelta(hours=2), START - timedelta(hours=1)


def test_a_document_that_was_anchored_before_stays_good():
    ledger, index, size = compromised(AFTER)
    proof = earlier(ledger, index, size, anchored_at=BEFORE)
    _, check = judge(ledger, index, earlier=proof)
    assert check.outcome is Outcome.PASSED, check
    assert "this document was anchored before, in block 7" in check.reason.en


def test_a_document_that_was_not_is_not_believed():
    ledger, index, size = compromised(AFTER)
    late = earlier(ledger, index, size, anchored_at=AFTER + timedelta(milliseconds=1))
    for changes in ({}, {"earlier": late}):
        report, check = judge(ledger, index, **changes)
        assert report.verdict is Verdict.INVALID
        assert "no anchor from before covers this document" in check.reason.en
    at = earlier(ledger, index, size, anchored_at=AFTER)
    assert judge(ledger, index, earlier=at)[1].outcome is Outcome.PASSED, "up to then"


@pytest.mark.parametrize(
    "lie",
    [
        {"signer": make_signer("stranger")},
        {"root_hash": bytes(32)},
        {"chain": replace(CHAIN, chain_id=1)},
        {"tree_size": 99},
    ],
    ids=lambda lie: next(iter(lie)),
)
def test_a_proof_of_an_earlier_anchor_must_hold(lie):
    ledger, index, size = compromised(AFTER)
    proof = earlier(ledger, index, size, **({"anchored_at": BEFORE} | lie))
    report, check = judge(ledger, index, earlier=proof)
    assert check.outcome is Outcome.FAILED
    assert report.verdict is Verdict.INVALID


def test_the_trust_list_may_know_what_the_bundle_does_not():
    ledger, index, size = compromised(AFTER)
    report, check = judge(ledger, index, size=size)
    assert check.outcome is Outcome.PASSED, "the bundle is of before"
    report, check = judge(ledger, index, size=size, trust=True)
    assert check.outcome is Outcome.FAILED
    assert "compromised from" in check.reason.en
    assert report.verdict is Verdict.INVALID
