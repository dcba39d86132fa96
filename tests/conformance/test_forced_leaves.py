"""A log that lies: leaves that the fold would never give effect, proved and anchored as if it had.

Each bundle here is whole: signatures of log and statement, inclusion, checkpoint and receipt are right. The
verifier folds the evidence itself, and holds it against the status map, so it refuses each and names the step.
What one bundle cannot show is that the map itself is what the leaves give: that is for those who replay them.
"""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from ledger_in_memory import (
    AUTHORITY,
    INSTITUTION,
    NOW,
    Document,
    MemoryLedger,
    make_record,
    make_signer,
    seal_record,
)

from ledger.core.authority import Power
from ledger.core.bundle import parse_bundle
from ledger.core.category import Category
from ledger.core.entry import encode_leaf, parse_leaf
from ledger.core.event import EventType, instrument_subject
from ledger.core.evidence import Evidence, encode_evidence
from ledger.core.ids import Digest, InstitutionId, InstrumentId, LeafIndex
from ledger.core.merkle import build_multi_proof
from ledger.core.record import VerificationKind
from ledger.core.register_fields import RegisterState
from ledger.core.statement import Conclusion
from ledger.core.status import Status, Void
from ledger.core.step import Outcome, Step, Verdict
from verifier.report import Report
from verifier.verify import verify_bundle

STRANGER = InstitutionId("350100-02")


def verify(ledger: MemoryLedger, index: int, *, trust: bool = False, **changes: Any) -> Report:
    return verify_bundle(parse_bundle(ledger.bundle(index, **changes)), ledger.session(trust=trust), NOW)


def failed_steps(report: Report) -> set[Step]:
    return {check.step for check in report.checks if check.outcome is Outcome.FAILED}


def assert_refused(report: Report, *steps: Step, saying: str) -> None:
    assert report.verdict is Verdict.INVALID
    assert report.document is None
    assert failed_steps(report) == set(steps)
    sentences = [check.reason.en for check in report.checks if check.step in steps]
    assert any(saying in sentence for sentence in sentences), sentences


def test_what_is_not_forced_is_valid():
    ledger = MemoryLedger().found()
    index = ledger.issue(1)
    assert verify(ledger, index).verdict is Verdict.VALID


# --- scope ------------------------------------------------------------------------------------------------

INSTRUMENT = make_record()["instrument"]
ISSUER = make_record()["issuer"]


@pytest.mark.parametrize(
    ("changes", "saying"),
    [
        ({"instrument": INSTRUMENT | {"category": "OTHER"}}, "OTHER is outside the scope"),
        ({"kind": "after_repair"}, "after_repair is outside the scope"),
        ({"instrument": INSTRUMENT | {"site": {"division": "350203"}}}, "350203 is outside the region 3501"),
        ({"instrument": {k: v for k, v in INSTRUMENT.items() if k != "site"}}, "no division is outside"),
        ({"issuer": ISSUER | {"scope_line_id": "S2"}}, "has no scope line S2"),
        ({"issuer": ISSUER | {"authorisation_no": "x"}}, "is not (闽)法计(2024)35001号"),
    ],
    ids=["category", "kind", "region", "nowhere", "line", "authorisation"],
)
def test_a_document_outside_the_scope_is_refused(changes, saying):
    ledger = MemoryLedger().found()
    assert_refused(verify(ledger, ledger.issue(1, **changes)), Step.SCOPE, saying=saying)


@pytest.mark.parametrize(
    ("scope", "saying"),
    [
        ({"valid_until": date(2026, 2, 27)}, "2026-02-28 is not within 2024-01-01 to 2026-02-27"),
        ({"state": RegisterState.SUSPENDED}, "is suspended"),
        ({"categories": frozenset({Category.PRICE_SCALE})}, "FUEL_DISPENSER is outside the scope"),
        ({"kinds": frozenset({VerificationKind.INITIAL})}, "periodic is outside the scope"),
        ({"division": "350104"}, "350102 is outside the region 350104"),
    ],
    ids=["no longer", "suspended", "category", "kind", "region"],
)
def test_the_scope_counts_as_it_was_before_the_leaf(scope, saying):
    ledger = MemoryLedger().found()
    before = ledger.issue(1)
    ledger.append(ledger.scope(version=1, **scope))
    after = ledger.issue(2)
    earlier = verify(ledger, before)
    (check,) = [check for check in earlier.checks if check.step is Step.SCOPE]
    assert (earlier.verdict, check.outcome, check.warning) == (Verdict.ATTENTION, Outcome.PASSED, True)
    assert "registered since" in check.reason.en
    assert saying in check.reason.en
    assert_refused(verify(ledger, after), Step.SCOPE, saying=saying)


def test_a_line_that_begins_later_leaves_the_day_to_the_version_before():
    ledger = MemoryLedger().found()
    ledger.append(ledger.scope(version=1, valid_from=date(2026, 3, 1), state=RegisterState.SUSPENDED))
    assert verify(ledger, ledger.issue(1)).verdict is Verdict.VALID
    ledger.append(ledger.scope(version=2, valid_from=date(2026, 2, 28), state=RegisterState.SUSPENDED))
    assert_refused(verify(ledger, ledger.issue(2)), Step.SCOPE, saying="is suspended")


# --- institution and key ----------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [RegisterState.SUSPENDED, RegisterState.WITHDRAWN])
def test_what_an_institution_issued_before_its_end_stays_authentic_with_a_remark(state):
    ledger = MemoryLedger().found()
    before = ledger.issue(1)
    ledger.append(ledger.institution(version=1, state=state))
    report = verify(ledger, before)
    (check,) = [check for check in report.checks if check.step is Step.SCOPE]
    assert (report.verdict, report.authentic) == (Verdict.ATTENTION, True)
    assert (check.outcome, check.warning) == (Outcome.PASSED, True)
    assert f"registered since: issuer.id: institution {INSTITUTION} is {state.value}" in check.reason.en
    assert "该机构已暂停或撤销" in check.reason.zh
    ledger.append(ledger.institution(version=2))
    assert verify(ledger, before).verdict is Verdict.VALID


def test_an_institution_that_is_not_registered_is_refused():
    ledger = MemoryLedger().found()
    index = ledger.issue(1, institution=STRANGER, seal="stranger", force=True)
    report = verify(ledger, index, evidence=encode_evidence(ledger.evidence(only=frozenset({0, 1}))))
    assert_refused(report, Step.KEY, Step.AUTHORITY, Step.SCOPE, saying="350100-02 is not registered")


def test_a_registered_institution_cannot_lend_its_evidence():
    ledger = MemoryLedger().found()
    index = ledger.issue(1, institution=STRANGER, force=True)
    assert_refused(verify(ledger, index), Step.AUTHORITY, saying="about other institutions too: 350100-01")


def test_an_institution_that_was_suspended_before_is_refused():
    ledger = MemoryLedger().found()
    before = ledger.issue(1)
    ledger.append(ledger.institution(version=1, state=RegisterState.SUSPENDED))
    assert isinstance(ledger.outcomes[ledger.append(ledger.sign_issue(*document(2)))], Void)
    after = ledger.issue(3, force=True)
    assert verify(ledger, before).verdict is Verdict.ATTENTION
    assert_refused(verify(ledger, after), Step.AUTHORITY, saying="is not registered or not active")


def document(number: int) -> tuple[dict]:
    return (seal_record(make_record(number), make_signer("seal")),)


def retire_key(ledger: MemoryLedger) -> LeafIndex:
    return ledger.append(ledger.key(version=1, state=RegisterState.WITHDRAWN))


def test_a_key_that_was_retired_before_the_leaf_is_refused():
    ledger = MemoryLedger().found()
    before = ledger.issue(1)
    retire_key(ledger)
    after = ledger.issue(2, force=True)
    assert verify(ledger, before).verdict is Verdict.VALID
    assert_refused(verify(ledger, after), Step.KEY, Step.AUTHORITY, saying=f"not active at leaf {after}")


def test_a_key_that_was_registered_after_the_leaf_is_refused():
    ledger = MemoryLedger()
    for raw in [*ledger.founding()[:3], ledger.founding()[4]]:
        ledger.append(raw)
    before = ledger.issue(1, force=True)
    ledger.append(ledger.key())
    report = verify(ledger, before)
    assert_refused(report, Step.KEY, Step.AUTHORITY, saying="does not register this key")


@pytest.mark.parametrize("trust", [False, True])
def test_evidence_that_leaves_out_the_end_of_a_key_is_refused(trust):
    ledger = MemoryLedger().found()
    before = ledger.issue(1)
    end = retire_key(ledger)
    after = ledger.issue(2, force=True)
    bare = {"evidence": encode_evidence(ledger.evidence(without=frozenset({end})))}
    for index in (before, after):
        report = verify(ledger, index, trust=trust, **bare)
        assert_refused(report, Step.AUTHORITY, saying="ends at leaf 3 of a subject that has changed since")


@pytest.mark.parametrize(
    ("change", "newest"),
    [
        (lambda own: own.authority(version=1), 1),
        (lambda own: own.institution(version=1, state=RegisterState.SUSPENDED), 2),
        (lambda own: own.key(version=1), 3),
        (lambda own: own.scope(version=1, state=RegisterState.WITHDRAWN), 4),
    ],
    ids=["authority", "institution", "key", "scope"],
)
def test_evidence_that_leaves_out_the_newest_version_of_anything_is_refused(change, newest):
    ledger = MemoryLedger().found()
    index = ledger.issue(1)
    later = ledger.append(change(ledger))
    assert Outcome.FAILED not in {check.outcome for check in verify(ledger, index).checks}
    report = verify(ledger, index, evidence=encode_evidence(ledger.evidence(without=frozenset({later}))))
    assert_refused(report, Step.AUTHORITY, saying=f"ends at leaf {newest} of a subject that has changed")


def test_the_trust_list_knows_of_an_end_that_log_and_map_hide():
    ledger = MemoryLedger().found()
    states = dict(ledger.states)
    before = ledger.issue(1)
    end = retire_key(ledger)
    after = ledger.issue(2, force=True)
    honest, ledger.states = ledger.states, ledger.states | states
    size = ledger.publish()
    ledger.states = honest
    ledger.append(ledger.institution(version=1))
    bare = {"evidence": encode_evidence(ledger.evidence(size, without=frozenset({end})))}
    bundles = {index: parse_bundle(ledger.bundle(index, size, **bare)) for index in (before, after)}
    alone, informed = ledger.session(), ledger.session(trust=True)
    assert verify_bundle(bundles[after], alone, NOW).verdict is Verdict.VALID, (
        "leaves and map agree on the lie"
    )
    assert verify_bundle(bundles[before], informed, NOW).verdict is Verdict.VALID
    report = verify_bundle(bundles[after], informed, NOW)
    assert_refused(report, Step.KEY, saying=f"not active at leaf {after}")


def test_the_trust_list_finds_a_log_that_shows_two_histories():
    honest, liar = MemoryLedger().found(), MemoryLedger().found()
    honest.issue(1)
    index = liar.issue(2)
    bundle = parse_bundle(liar.bundle(index))
    assert verify_bundle(bundle, honest.session(), NOW).verdict is Verdict.VALID
    report = verify_bundle(bundle, honest.session(trust=True), NOW)
    assert_refused(report, Step.CHECKPOINT, saying="two different states of 7 leaves")


def test_a_key_of_another_institution_is_refused():
    ledger = MemoryLedger().found()
    ledger.append(ledger.institution(id=STRANGER))
    ledger.append(ledger.key(institution=STRANGER, seal="stranger"))
    index = ledger.issue(1, seal="stranger", force=True)
    own = encode_evidence(ledger.evidence(without=frozenset({5, 6})))
    assert_refused(verify(ledger, index, evidence=own), Step.KEY, Step.AUTHORITY, saying="register this key")
    assert_refused(verify(ledger, index), Step.AUTHORITY, saying="about other institutions too: 350100-02")


@pytest.mark.parametrize("signer", ["authority", "root", "log"])
def test_keys_of_others_than_institutions_seal_nothing(signer):
    ledger = MemoryLedger().found()
    index = ledger.issue(1, seal=signer, force=True)
    assert_refused(verify(ledger, index), Step.KEY, Step.AUTHORITY, saying="key")


def test_a_statement_signed_for_another_log_is_refused():
    ledger, other = MemoryLedger().found(), MemoryLedger("ledger.example/other").found()
    (credential,) = document(1)
    raw = other.sign_issue(credential)
    index = ledger.force(raw)
    ledger.documents[index] = Document(credential, raw)
    assert_refused(verify(ledger, index), Step.STATEMENT, saying="does not verify")


# --- the leaf itself --------------------------------------------------------------------------------------


def test_a_void_leaf_is_refused():
    ledger = MemoryLedger().found()
    ledger.issue(1)
    again = ledger.issue(1)
    assert isinstance(ledger.outcomes[again], Void), "the number is taken"
    assert_refused(verify(ledger, again), Step.AUTHORITY, Step.STATUS, saying="as void")


@pytest.mark.parametrize(
    "header",
    [
        {"prev": LeafIndex(4)},
        {"prev": LeafIndex(5)},
        {"prev": LeafIndex(2**63)},
        {"version": 2},
        {"version": 0},
        {"version": 2**32 - 1},
        {"status": Status.FAILED},
        {"status": Status.ACTIVE},
        {"status": Status.CANCELLED},
        {"status": 0},
        {"type": EventType.REPLACE},
        {"type": EventType.MAPHEAD},
        {"subject": instrument_subject(InstrumentId(bytes(16)))},
        {"statement_length": 0},
    ],
    ids=str,
)
def test_a_wrong_header_is_refused(header):
    ledger = MemoryLedger().found()
    index = force_header(ledger, **header)
    assert_refused(verify(ledger, index), Step.AUTHORITY, saying="header is not what its statement gives")


def force_header(ledger: MemoryLedger, **header: Any) -> LeafIndex:
    """Append an issue with any header; statuses that no subject can have are no matter here."""
    index = ledger.issue(1)
    leaf = parse_leaf(ledger.leaves[index])
    ledger.leaves[index] = encode_leaf(replace(leaf.header, **header), leaf.statement_raw)
    return index


@pytest.mark.parametrize("member", ["statement_digest", "certificate_digest"])
def test_a_header_about_something_else_is_refused(member):
    ledger = MemoryLedger().found()
    index = force_header(ledger, **{member: Digest(bytes(32))})
    report = verify(ledger, index)
    assert_refused(report, Step.BINDING, Step.AUTHORITY, saying="about another statement or certificate")


@pytest.mark.parametrize("prev", [6, 7, 2**63], ids=str)
def test_a_predecessor_that_is_not_earlier_is_refused(prev):
    ledger = MemoryLedger().found()
    ledger.issue(1)
    instrument = make_record(1)["instrument"]
    index = ledger.issue_record(make_record(2, instrument=instrument), prev=LeafIndex(prev))
    assert index == 6
    assert_refused(verify(ledger, index), Step.AUTHORITY, saying="header is not what its statement gives")


def test_the_second_document_of_an_instrument_is_valid():
    ledger = MemoryLedger().found()
    ledger.issue(1)
    index = ledger.issue(2, instrument=make_record(1)["instrument"])
    assert verify(ledger, index).verdict is Verdict.VALID


HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("shift_ms", "saying"),
    [
        (-1500, "leaf 5 is dated before the earlier leaf 4"),
        (-365 * 24 * HOUR_MS, "leaf 5 is dated before the earlier leaf 4"),
        (1500, "leaf 5 is dated after the later leaf 6"),
        (24 * HOUR_MS, "leaf 5 is dated after the later leaf 6"),
    ],
)
def test_time_that_goes_back_is_refused(shift_ms, saying):
    ledger = MemoryLedger().found()
    index = ledger.issue_record(make_record(1), sequenced_at_ms=ledger.now_ms + shift_ms)
    ledger.append(ledger.institution(version=1))
    assert_refused(verify(ledger, index), Step.TIME, saying=saying)


def test_a_leaf_dated_before_its_seal_is_refused():
    ledger = MemoryLedger()
    ledger.now_ms -= 48 * HOUR_MS
    index = ledger.found().issue(1)
    assert_refused(verify(ledger, index), Step.TIME, saying="the entry in the log is before the seal")


def test_an_anchor_dated_before_the_leaf_is_refused():
    ledger = MemoryLedger().found()
    index = ledger.issue(1)
    receipt = ledger.receipt(anchored_at=NOW - timedelta(days=4))
    report = verify(ledger, index, receipt=receipt)
    assert_refused(report, Step.TIME, saying="the anchor is before")


# --- what the statement says ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "claims",
    [
        {"number": "JY2026-000009"},
        {"instrument_id": bytes(16)},
        {"part": "1"},
        {"category": Category.PRICE_SCALE},
        {"conclusion": Conclusion.FAIL},
        {"verified_on": date(2026, 2, 27)},
        {"valid_until": date(2027, 8, 27)},
        {"certificate_digest": bytes(32)},
        {"seals_digest": bytes(8)},
        {"seals_digest": None},
    ],
    ids=str,
)
def test_a_statement_that_differs_from_its_certificate_is_refused(claims):
    ledger = MemoryLedger().found()
    (credential,) = document(1)
    raw = ledger.sign_issue(credential, **claims)
    index = ledger.append(raw)
    ledger.documents[index] = Document(credential, raw)
    report = verify(ledger, index)
    if claims == {"part": "1"}:
        assert report.verdict is Verdict.VALID, "about one part that the certificate names"
    else:
        assert_refused(report, Step.BINDING, saying="")


def test_a_statement_about_a_part_that_is_not_there_is_refused():
    ledger = MemoryLedger().found()
    (credential,) = document(1)
    raw = ledger.sign_issue(credential, part="7")
    index = ledger.append(raw)
    ledger.documents[index] = Document(credential, raw)
    assert_refused(verify(ledger, index), Step.BINDING, saying="no such part")


def test_a_register_statement_is_no_document():
    ledger = MemoryLedger().found()
    (credential,) = document(1)
    ledger.documents[LeafIndex(4)] = Document(credential, ledger.scope())
    report = verify(ledger, 4)
    assert report.verdict is Verdict.INVALID
    assert Step.BINDING in failed_steps(report)


# --- authority --------------------------------------------------------------------------------------------


def forced_world(*, replaced: int, by: Any) -> tuple[MemoryLedger, LeafIndex]:
    """Return a log whose founding leaf number `replaced` is another, forced one, and a document after it."""
    ledger = MemoryLedger()
    for index, raw in enumerate(ledger.founding()):
        ledger.force(by(ledger) if index == replaced else raw)
    return ledger, ledger.issue(1, force=True)


@pytest.mark.parametrize(
    ("replaced", "by", "saying"),
    [
        (1, lambda own: own.authority(endorsers=()), "leaf 1 has no effect: endorsed by 0 root keys"),
        (
            1,
            lambda own: own.authority(endorsers=(make_signer("authority"),)),
            "leaf 1 has no effect: endorsed by 0 root keys",
        ),
        (1, lambda own: own.authority(endorsers=(*own.roots,)), "the new key has not endorsed its own"),
        (1, lambda own: own.authority(by=make_signer("authority")), "the key is not registered"),
        (1, lambda own: own.authority(division="36"), "leaf 2 has no effect: division 3501 is outside"),
        (
            1,
            lambda own: own.authority(powers=frozenset({Power.KEY})),
            "has no power to register a institution",
        ),
        (1, lambda own: own.authority(powers=frozenset({Power.INSTITUTION})), "no power to register a key"),
        (
            1,
            lambda own: own.authority(powers=frozenset({Power.INSTITUTION, Power.KEY})),
            "leaf 4 has no effect: authority CN-35 has no power to register a scope",
        ),
        (1, lambda own: own.authority(valid_from=date(2026, 3, 2)), "decides from 2026-03-02 to 2039-12-31"),
        (
            1,
            lambda own: own.authority(valid_until=date(2026, 2, 28)),
            "decides from 2020-01-01 to 2026-02-28",
        ),
        (2, lambda own: own.institution(division="3601"), "division 3601 is outside that of authority CN-35"),
        (2, lambda own: own.institution(division=""), "division anywhere is outside"),
        (2, lambda own: own.institution(authority="CN-36"), "authority CN-36 is not registered"),
        (2, lambda own: own.institution(by="seal"), "leaf 2 has no effect: the key is not registered"),
        (2, lambda own: own.institution(by="root"), "the key is not registered for CN-35"),
        (3, lambda own: own.key(endorsers=()), "leaf 3 has no effect: the new key has not endorsed"),
        (3, lambda own: own.key(endorsers=(make_signer("authority"),)), "the new key has not endorsed"),
        (4, lambda own: own.scope(division="36"), "leaf 4 has no effect: division 36 is outside"),
        (4, lambda own: own.scope(version=1), "expects version 1 of its subject, which is at version 0"),
    ],
)
def test_evidence_without_authority_is_refused(replaced, by, saying):
    ledger, index = forced_world(replaced=replaced, by=by)
    assert_refused(verify(ledger, index), Step.AUTHORITY, saying=saying)


def test_an_authority_that_was_suspended_before_is_refused():
    ledger = MemoryLedger()
    ledger.append(ledger.root())
    ledger.append(ledger.authority(state=RegisterState.SUSPENDED))
    for raw in ledger.founding()[2:]:
        ledger.force(raw)
    report = verify(ledger, ledger.issue(1, force=True))
    assert_refused(
        report, Step.AUTHORITY, saying="leaf 2 has no effect: authority CN-35 is not registered or"
    )


def test_a_root_below_its_threshold_is_refused():
    ledger = MemoryLedger(roots=("root 1", "root 2", "root 3"), threshold=2)
    ledger.force(ledger.root(endorsers=(ledger.roots[0],)))
    for raw in ledger.founding()[1:]:
        ledger.force(raw)
    report = verify(ledger, ledger.issue(1, force=True))
    assert_refused(
        report, Step.AUTHORITY, saying="leaf 0 has no effect: endorsed by 1 root keys; 2 are needed"
    )


def test_a_delegation_below_the_threshold_is_refused():
    ledger = MemoryLedger(roots=("root 1", "root 2", "root 3"), threshold=2)
    ledger.append(ledger.root())
    ledger.force(ledger.authority(endorsers=(ledger.roots[0], make_signer("authority"))))
    for raw in ledger.founding()[2:]:
        ledger.force(raw)
    report = verify(ledger, ledger.issue(1, force=True))
    assert_refused(
        report, Step.AUTHORITY, saying="leaf 1 has no effect: endorsed by 1 root keys; 2 are needed"
    )


def test_another_root_than_the_pinned_one_is_refused():
    ledger, other = MemoryLedger().found(), MemoryLedger(roots=("usurper",)).found()
    index = other.issue(1)
    report = verify_bundle(parse_bundle(other.bundle(index)), ledger.session(), NOW)
    assert_refused(
        report, Step.AUTHORITY, saying="the root that the policy pins is not in the authority evidence"
    )


def test_evidence_without_the_root_is_refused():
    ledger = MemoryLedger().found()
    index = ledger.issue(1)
    for without in ({0}, {0, 1}, {1}, {2}):
        report = verify(ledger, index, evidence=encode_evidence(ledger.evidence(without=frozenset(without))))
        assert_refused(report, Step.AUTHORITY, saying="has no effect")
    for without, step in (({3}, Step.KEY), ({4}, Step.SCOPE)):
        report = verify(ledger, index, evidence=encode_evidence(ledger.evidence(without=frozenset(without))))
        assert step in failed_steps(report)


def test_a_register_leaf_with_a_wrong_header_is_refused():
    ledger = MemoryLedger()
    for raw in ledger.founding()[:4]:
        ledger.append(raw)
    ledger.force(ledger.scope(), status=Status.INACTIVE)
    report = verify(ledger, ledger.issue(1))
    assert_refused(report, Step.AUTHORITY, saying="leaf 4 contradicts its own header")


def test_evidence_that_goes_back_in_time_is_refused():
    ledger = MemoryLedger()
    for raw in ledger.founding()[:4]:
        ledger.append(raw)
    ledger.force(ledger.scope(), sequenced_at_ms=0)
    report = verify(ledger, ledger.issue(1))
    assert_refused(report, Step.AUTHORITY, saying="leaf 4 is dated before an earlier leaf")


def test_a_later_leaf_of_the_evidence_must_hold_too():
    ledger = MemoryLedger().found()
    index = ledger.issue(1)
    ledger.force(ledger.scope(id="S2", division="36"))
    assert_refused(verify(ledger, index), Step.AUTHORITY, saying="leaf 6 has no effect")


def test_an_issue_is_no_evidence():
    ledger = MemoryLedger().found()
    ledger.issue(1)
    index = ledger.issue(2)
    good = ledger.evidence()
    chosen = [LeafIndex(number) for number in range(6)]
    proof = build_multi_proof([*chosen, LeafIndex(ledger.size - 1)], ledger.size, ledger.tree().read)
    leaves = tuple((number, ledger.leaves[number]) for number in chosen)
    evidence = Evidence(leaves, good.maphead, proof, good.map_proof)
    report = verify(ledger, index, evidence=encode_evidence(evidence))
    assert_refused(report, Step.AUTHORITY, saying="leaf 5 is not a register event")


def test_ids_of_authorities_and_institutions_are_one_space():
    assert AUTHORITY != INSTITUTION
    ledger = MemoryLedger()
    ledger.append(ledger.root())
    ledger.append(ledger.authority())
    ledger.append(ledger.authority(id="CN-36", key="authority 36", division="36"))
    ledger.force(ledger.institution(id=InstitutionId("CN-36")))
    ledger.force(ledger.key(institution=InstitutionId("CN-36"), seal="thief"))
    ledger.force(ledger.institution(authority="CN-36", by="thief", division="3601"))
    ledger.force(ledger.key(authority="CN-36", by="thief"))
    ledger.force(ledger.scope(authority="CN-36", by="thief", division="3601"))
    place = INSTRUMENT | {"site": {"division": "360102"}}
    report = verify(ledger, ledger.issue(1, force=True, instrument=place))
    assert_refused(report, Step.AUTHORITY, saying="CN-36 is the id of an authority")
