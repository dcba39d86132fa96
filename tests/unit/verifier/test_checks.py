"""Each step alone: when it passes, when it fails, and when it could not be looked at."""

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from ledger_in_memory import CHAIN, INSTITUTION, NOW, MemoryLedger, make_record, make_signer, seal_record

from ledger.core.anchor import DEVELOPMENT_CHAIN_IDS, AnchorGrade
from ledger.core.bundle import parse_bundle
from ledger.core.calendar_rules import ValidityKind
from ledger.core.canonical import encode_canonical_json
from ledger.core.certificate import parse_certificate
from ledger.core.data_integrity import create_proof, join_proofs
from ledger.core.errors import BrokenSignatureError, MapProofError
from ledger.core.event import certificate_subject, instrument_subject
from ledger.core.ids import InstitutionId, LeafIndex, RootHash, TreeSize
from ledger.core.map_proof import ProvenStates, build_map_proof, open_map_proof
from ledger.core.record import Part
from ledger.core.register_fields import RegisterState
from ledger.core.signature import P256Signer
from ledger.core.statement import Conclusion, parse_signed_statement
from ledger.core.status import RegisteredKey, Status, SubjectState
from ledger.core.status_map import EMPTY_MAP, load_nothing
from ledger.core.step import Check, Outcome, Step
from verifier import checks
from verifier.freshness import judge_age
from verifier.report import DocumentStatus

LEDGER = MemoryLedger().found()
INDEX = LEDGER.issue(1)
BUNDLE = parse_bundle(LEDGER.bundle(INDEX))
SIGNED = parse_signed_statement(BUNDLE.statement_raw)
SEAL = make_signer("seal").public_key
SESSION = LEDGER.session()
CHECKPOINT = SESSION.open_checkpoint(BUNDLE.checkpoint)


def assert_check(check: Check, step: Step, outcome: Outcome, saying: str = "") -> None:
    assert (check.step, check.outcome) == (step, outcome)
    assert saying in check.reason.en
    assert re.search(r"[\u4e00-\u9fff]", check.reason.zh)


# --- 1 to 4 -----------------------------------------------------------------------------------------------


def test_integrity_is_the_digest_of_the_file():
    assert_check(checks.check_integrity(BUNDLE), Step.INTEGRITY, Outcome.PASSED)
    damaged = replace(BUNDLE, stated_digest=bytes(32))
    assert_check(checks.check_integrity(damaged), Step.INTEGRITY, Outcome.FAILED, "changed or damaged")


def test_binding_joins_leaf_statement_and_certificate():
    assert_check(checks.check_bundle_binding(BUNDLE, SIGNED), Step.BINDING, Outcome.PASSED)
    for name in ("statement_digest", "certificate_digest"):
        other = replace(BUNDLE, header=replace(BUNDLE.header, **{name: bytes(32)}))
        assert_check(
            checks.check_bundle_binding(other, SIGNED), Step.BINDING, Outcome.FAILED, "the leaf is about"
        )
    claims = replace(SIGNED.statement.claims, number="X")
    other = replace(SIGNED, statement=replace(SIGNED.statement, claims=claims))
    assert_check(checks.check_bundle_binding(BUNDLE, other), Step.BINDING, Outcome.FAILED, "statement.number")


def certificate(credential):
    return parse_certificate(encode_canonical_json(credential))


def test_the_seal_is_one_proof_by_the_known_key():
    assert_check(checks.check_seal(BUNDLE.certificate, SEAL), Step.SEAL, Outcome.PASSED)
    assert_check(checks.check_seal(BUNDLE.certificate, None), Step.SEAL, Outcome.NOT_CHECKED, "not known")
    other = make_signer("other")
    assert_check(
        checks.check_seal(BUNDLE.certificate, other.public_key),
        Step.SEAL,
        Outcome.FAILED,
        "another key as its issuer",
    )
    p256 = P256Signer(bytes([1]) * 32).public_key
    assert_check(checks.check_seal(BUNDLE.certificate, p256), Step.SEAL, Outcome.FAILED)


def test_a_seal_by_somebody_else_or_more_seals_are_refused():
    seal, other = make_signer("seal"), make_signer("other")
    credential = seal_record(make_record(1), seal)
    document = {name: value for name, value in credential.items() if name != "proof"}
    own = credential["proof"][0]
    foreign = create_proof(document, other, "2026-02-28T07:00:00Z")
    for proofs, saying in (
        ([foreign], "names the key"),
        ([own, own], "2 proofs instead of one seal"),
        ([own, foreign], "2 proofs instead of one seal"),
        ([own | {"created": "2026-02-28T07:00:01Z"}], "does not verify"),
        ([own | {"proofPurpose": "authentication"}], ""),
        ([own | {"stranger": "x"}], "exactly the members"),
        ([{}], "exactly the members"),
    ):
        sealed = certificate(join_proofs(document, proofs))
        assert_check(checks.check_seal(sealed, SEAL), Step.SEAL, Outcome.FAILED, saying)


def test_a_changed_document_breaks_the_seal():
    credential = seal_record(make_record(1), make_signer("seal"))
    changed = credential | {"credentialSubject": credential["credentialSubject"] | {"no": "X"}}
    assert_check(checks.check_seal(certificate(changed), SEAL), Step.SEAL, Outcome.FAILED, "does not verify")


def test_the_statement_is_signed_by_the_known_key_for_this_log():
    assert_check(checks.check_statement(SIGNED, SEAL, LEDGER.origin), Step.STATEMENT, Outcome.PASSED)
    assert_check(checks.check_statement(SIGNED, None, LEDGER.origin), Step.STATEMENT, Outcome.NOT_CHECKED)
    for key, origin in ((SEAL, "other"), (make_signer("other").public_key, LEDGER.origin)):
        assert_check(checks.check_statement(SIGNED, key, origin), Step.STATEMENT, Outcome.FAILED)


# --- 5 and 6 ----------------------------------------------------------------------------------------------

KNOWN = RegisteredKey(SEAL, INSTITUTION, LeafIndex(3), LeafIndex(8))


@pytest.mark.parametrize(
    ("known", "owner", "index", "ended_at", "saying"),
    [
        (KNOWN, INSTITUTION, 3, None, None),
        (KNOWN, INSTITUTION, 7, None, None),
        (KNOWN, INSTITUTION, 7, 8, None),
        (KNOWN, INSTITUTION, 2, None, "not active at leaf 2"),
        (KNOWN, INSTITUTION, 8, None, "not active at leaf 8"),
        (KNOWN, INSTITUTION, 5, 5, "not active at leaf 5"),
        (KNOWN, INSTITUTION, 7, 5, "not active at leaf 7"),
        (KNOWN, "350100-02", 5, None, "registered for 350100-01, not 350100-02"),
        (None, INSTITUTION, 5, None, "does not register this key"),
    ],
)
def test_a_key_counts_for_its_owner_and_between_two_leaves(known, owner, index, ended_at, saying):
    outcome = Outcome.PASSED if saying is None else Outcome.FAILED
    assert_check(checks.check_key(known, owner, LeafIndex(index), ended_at), Step.KEY, outcome, saying or "")


def test_authority_is_what_the_fold_says_of_the_leaf():
    assert_check(
        checks.check_authority(BUNDLE, SIGNED, LEDGER.registers),
        Step.AUTHORITY,
        Outcome.PASSED,
        "Fuzhou Institute of Metrology is registered under the pinned root",
    )


@pytest.mark.parametrize(
    ("header", "saying"),
    [
        ({"status": Status.VOID}, "holds this leaf as void"),
        ({"status": Status.FAILED}, "header is not what its statement gives"),
        ({"version": 2}, "header is not what its statement gives"),
        ({"prev": LeafIndex(4)}, "header is not what its statement gives"),
        ({"prev": INDEX}, "header is not what its statement gives"),
        ({"statement_length": 0}, "header is not what its statement gives"),
    ],
)
def test_a_header_must_follow_from_the_statement(header, saying):
    other = replace(BUNDLE, header=replace(BUNDLE.header, **header))
    check = checks.check_authority(other, SIGNED, LEDGER.registers)
    assert_check(check, Step.AUTHORITY, Outcome.FAILED, saying)


def test_an_institution_must_be_registered_and_active():
    registers = LEDGER.registers
    assert_check(checks.check_institution(registers, INSTITUTION), Step.AUTHORITY, Outcome.PASSED)
    assert_check(
        checks.check_institution(registers, InstitutionId("X")),
        Step.AUTHORITY,
        Outcome.FAILED,
        "X is not registered",
    )
    suspended = replace(registers.institutions[INSTITUTION], state=RegisterState.SUSPENDED)
    asleep = replace(registers, institutions={INSTITUTION: suspended})
    assert_check(
        checks.check_institution(asleep, INSTITUTION), Step.AUTHORITY, Outcome.FAILED, "is suspended"
    )
    check = checks.check_authority(BUNDLE, SIGNED, asleep)
    assert_check(check, Step.AUTHORITY, Outcome.FAILED, "not registered or not active")


# --- 12 and 15 --------------------------------------------------------------------------------------------


def test_inclusion_is_computed_from_header_and_statement():
    assert_check(checks.check_inclusion(BUNDLE, CHECKPOINT), Step.INCLUSION, Outcome.PASSED, "leaf 5 of 7")
    for other in (
        replace(BUNDLE, leaf_index=LeafIndex(4)),
        replace(BUNDLE, leaf_index=LeafIndex(6)),
        replace(BUNDLE, statement_raw=BUNDLE.statement_raw + b"\0"),
        replace(BUNDLE, header=replace(BUNDLE.header, sequenced_at_ms=0)),
        replace(BUNDLE, inclusion=()),
        replace(BUNDLE, inclusion=BUNDLE.inclusion[::-1]),
        replace(BUNDLE, inclusion=(*BUNDLE.inclusion, bytes(32))),
    ):
        assert_check(checks.check_inclusion(other, CHECKPOINT), Step.INCLUSION, Outcome.FAILED)
    other = replace(CHECKPOINT, root_hash=RootHash(bytes(32)))
    assert_check(checks.check_inclusion(BUNDLE, other), Step.INCLUSION, Outcome.FAILED)


def receipt_check(receipt, policy=None, verify=None) -> Check:
    return checks.check_receipt(
        receipt, CHECKPOINT, policy or LEDGER.policy(), verify or SESSION.verify_receipt
    )


def test_a_receipt_of_this_state_in_the_policys_contract_passes():
    check = receipt_check(BUNDLE.receipt)
    assert_check(check, Step.RECEIPT, Outcome.PASSED, "stated by the log, not looked up")


def test_without_a_receipt_it_is_not_anchored_yet():
    assert_check(receipt_check(None), Step.RECEIPT, Outcome.NOT_CHECKED, "not anchored yet")


@pytest.mark.parametrize("contract", [None, LEDGER.policy().contract])
def test_a_wrong_receipt_fails_whatever_the_policy_names(contract):
    policy = LEDGER.policy(contract=contract)
    for receipt, saying in (
        (LEDGER.receipt(5), "another state of the ledger"),
        (LEDGER.receipt(root_hash=RootHash(bytes(32))), "another state of the ledger"),
        (LEDGER.receipt(tree_size=TreeSize(8)), "another state of the ledger"),
        (LEDGER.receipt(signer=make_signer("thief")), "does not verify"),
        (replace(BUNDLE.receipt, block_number=8), "does not verify"),
    ):
        assert_check(receipt_check(receipt, policy), Step.RECEIPT, Outcome.FAILED, saying)


def test_a_policy_without_contract_cannot_judge_an_anchor():
    policy = LEDGER.policy(contract=None)
    assert_check(
        receipt_check(BUNDLE.receipt, policy), Step.RECEIPT, Outcome.NOT_CHECKED, "names no contract"
    )


@pytest.mark.parametrize(
    "change", [{"chain_id": 1}, {"contract": bytes(20)}, {"log_id": bytes(32)}, {"genesis_hash": bytes(32)}]
)
def test_a_receipt_of_another_chain_or_contract_is_refused(change):
    receipt = LEDGER.receipt(chain=replace(CHAIN, **change))
    assert_check(receipt_check(receipt), Step.RECEIPT, Outcome.FAILED, "another chain or contract")


@pytest.mark.parametrize("chain_id", sorted(DEVELOPMENT_CHAIN_IDS))
def test_a_production_policy_refuses_a_development_chain(chain_id):
    receipt = LEDGER.receipt(chain=replace(CHAIN, chain_id=chain_id))
    for contract in (None, LEDGER.policy().contract):
        policy = LEDGER.policy(development=False, contract=contract)
        check = receipt_check(receipt, policy)
        assert_check(check, Step.RECEIPT, Outcome.FAILED, f"chain {chain_id} is a development chain")


@pytest.mark.parametrize(
    ("finality", "grade", "outcome"),
    [
        ("immediate", AnchorGrade.INCLUDED, Outcome.PASSED),
        ("depth:12", AnchorGrade.INCLUDED, Outcome.NOT_CHECKED),
        ("depth:12", AnchorGrade.SAFE, Outcome.NOT_CHECKED),
        ("depth:12", AnchorGrade.FINAL, Outcome.PASSED),
        ("tag:safe", AnchorGrade.SAFE, Outcome.PASSED),
        ("tag:finalized", AnchorGrade.SAFE, Outcome.NOT_CHECKED),
    ],
)
def test_an_anchor_that_is_not_settled_is_not_checked(finality, grade, outcome):
    policy = LEDGER.policy()
    policy = replace(policy, contract=replace(policy.contract, finality=finality))
    saying = "" if outcome is Outcome.PASSED else "not settled"
    assert_check(receipt_check(LEDGER.receipt(grade=grade), policy), Step.RECEIPT, outcome, saying)


def test_whatever_the_signature_check_says_is_reported():
    def refuse(_):
        raise BrokenSignatureError("no")

    assert_check(receipt_check(BUNDLE.receipt, verify=refuse), Step.RECEIPT, Outcome.FAILED, "no")


# --- 19 ---------------------------------------------------------------------------------------------------

DOCUMENT = certificate_subject(INSTITUTION, SIGNED.statement.claims.number)
INSTRUMENT = instrument_subject(SIGNED.statement.claims.instrument_id)
HERE = SubjectState(Status.VALID, 1, INDEX, INDEX)
LATER = SubjectState(Status.VALID, 2, LeafIndex(9), LeafIndex(9))
FRESH = judge_age(NOW - timedelta(minutes=5), NOW, timedelta(days=1))
OLD = judge_age(NOW - timedelta(days=2), NOW, timedelta(days=1))


def show(states, wanted=(DOCUMENT, INSTRUMENT)) -> ProvenStates:
    """Return what a proof shows of a map with any states, whoever states it."""
    some = EMPTY_MAP.update({subject: state for subject, state in states.items() if state}, load_nothing)
    return open_map_proof(build_map_proof(some, wanted, load_nothing), some.root_hash)


def status_check(document=HERE, instrument=HERE, *, age=FRESH, signed=SIGNED):
    proven = show({DOCUMENT: document, INSTRUMENT: instrument})
    return checks.check_status(BUNDLE, signed, proven, age)


def test_the_newest_document_of_its_instrument_passes():
    check, status = status_check()
    saying = "the newest document of this instrument, as of 2026-03-03 07:55 UTC, 5 minutes old"
    assert_check(check, Step.STATUS, Outcome.PASSED, saying)
    assert status is None


@pytest.mark.parametrize(
    ("newer", "expected"),
    [
        (LATER, DocumentStatus.SUPERSEDED),
        (replace(LATER, version=7), DocumentStatus.SUPERSEDED),
        (replace(LATER, status=Status.FAILED), DocumentStatus.FAILED_SINCE),
    ],
)
def test_a_newer_document_of_the_instrument_passes_and_outweighs(newer, expected):
    check, status = status_check(instrument=newer)
    assert_check(check, Step.STATUS, Outcome.PASSED, "leaf 9 is newer, as of")
    assert status is expected


@pytest.mark.parametrize("newer", [LATER, replace(LATER, status=Status.FAILED)])
def test_what_failed_stays_failed(newer):
    claims = replace(SIGNED.statement.claims, conclusion=Conclusion.FAIL)
    rejection = replace(SIGNED, statement=replace(SIGNED.statement, claims=claims))
    failed = replace(HERE, status=Status.FAILED)
    for instrument, saying in ((failed, "the newest document"), (newer, "leaf 9 is newer")):
        check, status = status_check(failed, instrument, signed=rejection)
        assert_check(check, Step.STATUS, Outcome.PASSED, saying)
        assert status is None, "no status outweighs its own"


@pytest.mark.parametrize(
    "document",
    [
        None,
        replace(HERE, current_certificate=LeafIndex(4), last_event=LeafIndex(4)),
        replace(HERE, current_certificate=LeafIndex(6), last_event=LeafIndex(6)),
        replace(HERE, last_event=LeafIndex(6)),
        replace(HERE, current_certificate=None),
        replace(HERE, version=2),
        replace(HERE, version=0),
        *(replace(HERE, status=status) for status in Status if status is not Status.VALID),
    ],
    ids=str,
)
def test_a_map_that_does_not_have_the_document_fails(document):
    for instrument in (HERE, LATER):
        check, status = status_check(document, instrument)
        assert_check(check, Step.STATUS, Outcome.FAILED, "does not know this document")
        assert status is None


@pytest.mark.parametrize(
    "instrument",
    [
        None,
        replace(HERE, current_certificate=None),
        replace(HERE, version=2),
        replace(HERE, version=0),
        replace(HERE, last_event=LeafIndex(4), current_certificate=LeafIndex(4)),
        replace(HERE, last_event=LeafIndex(9), current_certificate=LeafIndex(4)),
        replace(HERE, last_event=LeafIndex(9)),
        *(replace(HERE, status=status) for status in Status if status is not Status.VALID),
    ],
    ids=str,
)
def test_a_map_that_contradicts_the_document_fails(instrument):
    check, status = status_check(instrument=instrument)
    assert_check(check, Step.STATUS, Outcome.FAILED, "contradicts this document")
    assert status is None


@pytest.mark.parametrize("wanted", [(), (DOCUMENT,), (INSTRUMENT,)])
def test_a_proof_that_does_not_show_both_is_refused(wanted):
    with pytest.raises(MapProofError, match="does not show"):
        checks.check_status(BUNDLE, SIGNED, show({DOCUMENT: HERE, INSTRUMENT: HERE}, wanted), FRESH)


@pytest.mark.parametrize("instrument", [HERE, LATER, replace(LATER, status=Status.FAILED)])
def test_a_state_that_is_too_old_is_not_checked(instrument):
    check, status = status_check(instrument=instrument, age=OLD)
    assert_check(check, Step.STATUS, Outcome.NOT_CHECKED, "2 days old: older than the policy allows")
    assert status is status_check(instrument=instrument)[1], "what is known of the past still counts"


def test_too_old_does_not_hide_a_contradiction():
    assert_check(status_check(None, age=OLD)[0], Step.STATUS, Outcome.FAILED)
    assert_check(status_check(instrument=None, age=OLD)[0], Step.STATUS, Outcome.FAILED)


def test_a_statement_about_no_certificate_has_no_status():
    register = parse_signed_statement(LEDGER.scope())
    assert_check(status_check(signed=register)[0], Step.STATUS, Outcome.FAILED, "not about a certificate")


def test_a_part_has_its_own_subject():
    claims = replace(SIGNED.statement.claims, part="2")
    signed = replace(SIGNED, statement=replace(SIGNED.statement, claims=claims))
    part = instrument_subject(claims.instrument_id, "2")
    proven = show({DOCUMENT: HERE, part: HERE, INSTRUMENT: LATER}, (DOCUMENT, part, INSTRUMENT))
    check, status = checks.check_status(BUNDLE, signed, proven, FRESH)
    assert_check(check, Step.STATUS, Outcome.PASSED, "the newest document")
    assert status is None
    proven = show({DOCUMENT: HERE, INSTRUMENT: HERE}, (DOCUMENT, INSTRUMENT, part))
    check, _ = checks.check_status(BUNDLE, signed, proven, FRESH)
    assert_check(check, Step.STATUS, Outcome.FAILED, "contradicts")


WHOLE = (DOCUMENT, INSTRUMENT)


def parts_check(*parts, instrument=HERE, document=HERE, shown=None):
    """Return step 19 of a document that names parts 1 to n, whose states are these."""
    whole = BUNDLE.certificate.record.instrument
    named = tuple(Part(str(number), None, None) for number, _ in enumerate(parts, 1))
    record = replace(BUNDLE.certificate.record, instrument=replace(whole, parts=named))
    bundle = replace(BUNDLE, certificate=replace(BUNDLE.certificate, record=record))
    subjects = [instrument_subject(SIGNED.statement.claims.instrument_id, part.id) for part in named]
    states = {DOCUMENT: document, INSTRUMENT: instrument, **dict(zip(subjects, parts, strict=True))}
    return checks.check_status(bundle, SIGNED, show(states, (*WHOLE, *(shown or subjects))), FRESH)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (Status.FAILED, DocumentStatus.FAILED_SINCE),
        (Status.NEEDS_REVERIFICATION, DocumentStatus.NEEDS_REVERIFICATION),
        (Status.SUSPENDED, DocumentStatus.SUSPENDED),
        (Status.VALID, None),
        (Status.WITHDRAWN, None),
    ],
)
def test_an_instrument_is_no_better_than_its_worst_part(status, expected):
    check, found = parts_check(None, replace(LATER, status=status))
    assert found is expected
    assert ("its part 2" in check.reason.en) is (expected is not None)
    assert ("部件2" in check.reason.zh) is (expected is not None)


def test_whoever_verifies_the_whole_verifies_the_part():
    earlier = SubjectState(Status.FAILED, 1, LeafIndex(INDEX - 1), LeafIndex(INDEX - 1))
    assert parts_check(earlier)[1] is None


def test_the_worst_part_counts():
    later = (Status.SUSPENDED, Status.FAILED, Status.NEEDS_REVERIFICATION)
    assert parts_check(*(replace(LATER, status=status) for status in later))[1] is DocumentStatus.FAILED_SINCE


def test_a_part_that_is_not_shown_is_not_taken_for_a_good_one():
    with pytest.raises(MapProofError, match="does not show"):
        parts_check(replace(LATER, status=Status.FAILED), None, shown=WHOLE)


def test_a_part_is_no_better_than_the_whole():
    claims = replace(SIGNED.statement.claims, part="2")
    signed = replace(SIGNED, statement=replace(SIGNED.statement, claims=claims))
    part = instrument_subject(claims.instrument_id, "2")
    states = {DOCUMENT: HERE, part: HERE, INSTRUMENT: replace(LATER, status=Status.FAILED)}
    check, status = checks.check_status(BUNDLE, signed, show(states, (DOCUMENT, part, INSTRUMENT)), FRESH)
    assert status is DocumentStatus.FAILED_SINCE
    assert "the whole failed a later verification by leaf 9" in check.reason.en


# --- status by its own words ------------------------------------------------------------------------------

LAST = date(2026, 8, 27)


@pytest.mark.parametrize(
    ("conclusion", "kind", "until", "today", "status"),
    [
        (Conclusion.PASS, ValidityKind.DATE, LAST, LAST, DocumentStatus.VALID),
        (Conclusion.PASS, ValidityKind.DATE, LAST, LAST + timedelta(days=1), DocumentStatus.EXPIRED),
        (Conclusion.PASS, ValidityKind.SERVICE_LIFE, LAST, LAST, DocumentStatus.VALID),
        (
            Conclusion.PASS,
            ValidityKind.SERVICE_LIFE,
            LAST,
            date(2030, 1, 1),
            DocumentStatus.SERVICE_LIFE_ENDED,
        ),
        (Conclusion.PASS, ValidityKind.NONE, None, date(9999, 12, 31), DocumentStatus.VALID),
        (Conclusion.FAIL, ValidityKind.NONE, None, NOW.date(), DocumentStatus.FAILED),
    ],
)
def test_the_last_day_counts_to_its_end(conclusion, kind, until, today, status):
    assert checks.find_status(conclusion, kind, until, today) is status
