"""What the verifier makes of a sticker's proof: every standing, and every lie that a server could tell."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from ledger_in_memory import (
    AUTHORITY,
    INSTITUTION,
    NOW,
    START,
    MemoryLedger,
    make_rejection,
    make_signer,
    seal_record,
)
from mutations import replaced, walk
from registered import INSTITUTE
from sticker_proofs import choose_evidence, make_event, make_sticker_proof, prove_sticker
from stickers import DECISION, FIRST, PUMP, ROLL, SCALE, SECOND, StickerLedger
from witnesses import make_quorum

from ledger.core.bundle import EarlierAnchor
from ledger.core.canonical import encode_canonical_json
from ledger.core.encoding import encode_base64, parse_base64
from ledger.core.errors import InputError, PolicyMismatchError
from ledger.core.ids import LeafIndex
from ledger.core.map_proof import build_map_proof
from ledger.core.merkle import build_inclusion_proof
from ledger.core.policy import DEFAULT_REQUIRED
from ledger.core.register_fields import RegisterState
from ledger.core.statement import parse_signed_statement
from ledger.core.status import Status
from ledger.core.status_map import load_nothing
from ledger.core.step import Outcome, Step, Verdict, not_checked, passed
from ledger.core.sticker import compute_sticker_id
from ledger.core.sticker_proof import (
    MadeUp,
    StickerStanding,
    list_roll_subjects,
    parse_sticker_proof,
)
from ledger.core.sticker_use import StickerReason
from verifier.report import report_members
from verifier.sticker_proof import MADE_UP_WORDS, REASON_WORDS, verify_sticker_proof

NEVER, UNUSED, BOUND, REPLACED, RELEASED = StickerStanding
MADE_UP = {
    MadeUp.NO_ROLL: compute_sticker_id(replace(ROLL, roll="ZZZZZZZ"), 1),
    MadeUp.NO_NUMBER: compute_sticker_id(replace(ROLL, count=500), 300),
    MadeUp.WRONG_TAG: compute_sticker_id(replace(ROLL, seed=bytes([1]) * 16), 5),
}


@pytest.fixture
def ledger():
    return StickerLedger()


def verify(ledger, proof, now=NOW, session=None):
    """Return report and what is shown; a proof is read again from its own bytes."""
    raw = proof if isinstance(proof, bytes) else None
    proof = parse_sticker_proof(raw) if raw is not None else proof
    return verify_sticker_proof(proof, session or ledger.session(), now)


def judge(ledger, sticker=FIRST, **changes):
    return verify(ledger, prove_sticker(ledger, sticker, **changes))


def list_failed(report):
    return {check.step for check in report.checks if check.outcome is Outcome.FAILED}


# --- how stickers stand -------------------------------------------------------------------------------------


@pytest.mark.parametrize("why", MadeUp)
def test_what_was_never_given_out_is_proved(ledger, why):
    report, shown = judge(ledger, MADE_UP[why])
    assert (shown.standing, shown.made_up) == (NEVER, why)
    assert (report.verdict, report.authentic, report.exit_code) == (Verdict.INVALID, False, 1)
    assert not list_failed(report)
    assert MADE_UP_WORDS[why].en in report.note.en
    assert MADE_UP_WORDS[why].zh in report.note.zh
    assert report.sticker.institution is None


def test_given_out_and_not_in_use(ledger):
    report, shown = judge(ledger)
    assert (shown.standing, shown.roll, shown.binding) == (UNUSED, ROLL, None)
    assert (report.verdict, report.authentic, report.exit_code) == (Verdict.UNKNOWN, True, 3)
    assert "Fuzhou Institute of Metrology, and is not in use" in report.note.en
    assert "尚未启用" in report.note.zh


def test_of_a_roll_that_was_withdrawn(ledger):
    ledger.append(ledger.allot(replace(ROLL, state=RegisterState.WITHDRAWN), version=1))
    _, shown = judge(ledger)
    assert (shown.standing, shown.roll.state) == (UNUSED, RegisterState.WITHDRAWN)


@pytest.mark.parametrize("part", [None, "1"])
def test_on_an_instrument_or_a_part(ledger, part):
    index = ledger.append(ledger.bind(part=part))
    report, shown = judge(ledger)
    assert (shown.standing, shown.event, shown.instrument, shown.whole) == (BOUND, index, None, None)
    assert (shown.binding.instrument_id, shown.binding.part) == (PUMP, part)
    assert (report.verdict, report.authentic) == (Verdict.UNKNOWN, True)
    passed = {check.step for check in report.checks if check.outcome is Outcome.PASSED}
    assert passed >= {Step.STATEMENT, Step.KEY, Step.AUTHORITY, Step.INCLUSION, Step.TIME, Step.STATUS}
    assert "no verification of that is in the ledger yet" in report.note.en
    assert report_members(report)["sticker"] == {
        "id": FIRST,
        "standing": "BOUND",
        "roll": ROLL.roll,
        "number": 0,
        "institution": "福州市计量所",
        "instrument": PUMP.hex(),
        "since": shown.since.isoformat().replace("+00:00", "Z"),
        "leaf": index,
    } | ({} if part is None else {"part": part})


def test_the_newest_state_of_the_instrument_is_shown(ledger):
    index = ledger.issue(1)
    ledger.append(ledger.bind(FIRST, name_of(ledger, index)))
    report, shown = judge(ledger)
    assert shown.instrument.current_certificate == index
    assert report.sticker.newest_document == index
    assert report.verdict is Verdict.UNKNOWN
    assert f"its newest document is leaf {index}, status VALID" in report.note.en


def test_what_it_stands_on_has_failed(ledger):
    index = ledger.issue_credential(seal_record(make_rejection(1), make_signer("seal")))
    ledger.append(ledger.bind(FIRST, name_of(ledger, index)))
    report, shown = judge(ledger)
    assert (shown.standing, report.verdict, report.exit_code) == (BOUND, Verdict.INVALID, 1)


def test_another_one_was_put_there(ledger):
    ledger.append(ledger.bind())
    ledger.append(ledger.bind(SECOND))
    report, shown = judge(ledger)
    assert (shown.standing, report.verdict) == (REPLACED, Verdict.INVALID)
    assert judge(ledger, SECOND)[1].standing is BOUND
    ledger.append(ledger.release(SECOND))
    assert judge(ledger)[1].standing is REPLACED


@pytest.mark.parametrize("speaker", [INSTITUTION, AUTHORITY])
def test_taken_off_by_its_institution_or_an_authority(ledger, speaker):
    ledger.append(ledger.bind())
    decision = DECISION if speaker == AUTHORITY else None
    index = ledger.append(ledger.release(decision=decision, issuer=speaker))
    report, shown = judge(ledger)
    assert (shown.standing, shown.event, shown.speaker) == (RELEASED, index, speaker)
    assert (report.verdict, report.exit_code) == (Verdict.INVALID, 1)
    assert REASON_WORDS[shown.reason].zh in report.note.zh


def test_put_on_again(ledger):
    for raw in (ledger.bind, ledger.release):
        ledger.append(raw())
    ledger.append(ledger.bind(FIRST, SCALE))
    _, shown = judge(ledger)
    assert (shown.standing, shown.binding.instrument_id) == (BOUND, SCALE)


def test_every_reason_has_words():
    assert set(REASON_WORDS) == set(StickerReason)
    assert set(MADE_UP_WORDS) == set(MadeUp)


# --- lies ---------------------------------------------------------------------------------------------------


def test_an_older_binding_is_refused(ledger):
    older = ledger.append(ledger.bind())
    ledger.append(ledger.release())
    ledger.append(ledger.bind(FIRST, SCALE))
    report, shown = judge(ledger, index=older)
    assert (shown, report.verdict, list_failed(report)) == (None, Verdict.INVALID, {Step.STATUS})


def test_a_release_cannot_be_hidden(ledger):
    bound = ledger.append(ledger.bind())
    size = ledger.publish()
    older = build_map_proof(ledger.maps[size], list_all(ledger, bound), load_nothing)
    ledger.append(ledger.release())
    assert judge(ledger, index=bound)[1] is None
    report, shown = judge(ledger, index=bound, map_proof=older)
    assert (shown, list_failed(report)) == (None, {Step.STATUS})
    assert judge(ledger, event=None)[1] is None


def test_a_binding_cannot_be_hidden(ledger):
    ledger.append(ledger.bind())
    size = ledger.publish()
    cut = build_map_proof(ledger.maps[size], list_roll_subjects(FIRST)[:1], load_nothing)
    for changes in ({"event": None}, {"event": None, "map_proof": cut}):
        report, shown = judge(ledger, **changes)
        assert (shown, list_failed(report)) == (None, {Step.STATUS})


def test_another_stickers_instrument_is_refused(ledger):
    ledger.append(ledger.bind())
    other = ledger.append(ledger.bind(SECOND, SCALE))
    report, shown = judge(ledger, index=other)
    assert shown is None
    assert "about another sticker" in reason_of(report, Step.STATUS)


def test_a_replacement_cannot_be_hidden(ledger):
    """The map proof leaves out the place."""
    bound = ledger.append(ledger.bind())
    ledger.append(ledger.bind(SECOND))
    size = ledger.publish()
    cut = build_map_proof(ledger.maps[size], list_roll_subjects(FIRST), load_nothing)
    report, shown = judge(ledger, index=bound, map_proof=cut)
    assert (shown, list_failed(report)) == (None, {Step.STATUS})


def test_a_roll_cannot_be_hidden(ledger):
    ledger.append(ledger.bind())
    report, shown = judge(ledger, event=None, evidence=choose_evidence(ledger, None, ledger.publish()))
    assert shown is None
    assert "disagree about the roll" in reason_of(report, Step.STATUS)


def test_nor_can_one_be_made_up(ledger):
    """A register leaf that the tree does not hold."""
    thief = StickerLedger()
    thief.append(thief.allot(replace(ROLL, roll="ZZZZZZZ")))
    evidence = choose_evidence(thief, "ZZZZZZZ", thief.publish())
    report, shown = judge(ledger, MADE_UP[MadeUp.NO_ROLL], evidence=evidence)
    assert (shown, report.verdict) == (None, Verdict.INVALID)


def test_an_event_of_a_made_up_id_is_refused(ledger):
    index = ledger.append(ledger.bind())
    event = make_event(ledger, index, ledger.publish())
    for sticker in MADE_UP.values():
        assert judge(ledger, sticker, event=event)[1] is None


def test_an_event_that_is_not_of_stickers_is_refused(ledger):
    ledger.append(ledger.bind())
    proof, size = make_sticker_proof(ledger, FIRST), ledger.publish()
    for index in range(size - 2):
        report, shown = verify(ledger, replace(proof, event=make_event(ledger, index, size)))
        assert (shown, report.verdict) == (None, Verdict.INVALID)
    with pytest.raises(InputError):  # a MAPHEAD has no statement
        verify(ledger, replace(proof, event=make_event(ledger, size - 1, size)))


def test_an_event_in_another_place_is_refused(ledger):
    index = ledger.append(ledger.bind())
    event = make_event(ledger, index, ledger.publish())
    for changed in (
        replace(event, leaf_index=index - 1),
        replace(event, inclusion=event.inclusion[:-1]),
        replace(event, header=replace(event.header, version=2)),
        replace(event, header=replace(event.header, sequenced_at_ms=1)),
    ):
        report, shown = verify(ledger, make_sticker_proof(ledger, FIRST, event=changed))
        assert (shown, report.verdict) == (None, Verdict.INVALID)


@pytest.mark.parametrize("raw", ["thief", "elsewhere"])
def test_a_log_that_takes_in_a_binding_by_another_key_is_found(ledger, raw):
    """The log itself lies: leaf and map are there, the signer has no such key."""
    index = ledger.force(ledger.bind(by=raw))
    report, shown = judge(ledger, index=index)
    assert shown is None
    assert Step.KEY in list_failed(report)


def test_a_log_that_takes_in_a_binding_by_another_institution_is_found(ledger):
    index = ledger.force(ledger.bind(issuer=INSTITUTE, by="institute"))
    assert judge(ledger, index=index)[1] is None


def test_a_log_that_binds_a_sticker_of_a_withdrawn_roll_is_found(ledger):
    """Leaf, key and map are in order; the fold gives such a binding no effect."""
    ledger.append(ledger.allot(replace(ROLL, state=RegisterState.WITHDRAWN), version=1))
    index = ledger.force(ledger.bind())
    report, shown = judge(ledger, index=index)
    assert (shown, list_failed(report)) == (None, {Step.STATUS})
    assert "none of its stickers is bound any more" in reason_of(report, Step.STATUS)


@pytest.mark.parametrize("changes", [{"version": 5}, {"status": Status.INACTIVE}, {"prev": LeafIndex(3)}])
def test_a_log_that_writes_another_header_is_found(ledger, changes):
    index = ledger.force(ledger.bind(), **changes)
    report, shown = judge(ledger, index=index)
    assert (shown, Step.STATUS in list_failed(report)) == (None, True)


def test_a_release_by_an_authority_has_its_decision(ledger):
    ledger.append(ledger.bind())
    index = ledger.force(ledger.release(issuer=AUTHORITY), status=Status.INACTIVE)
    report, shown = judge(ledger, index=index)
    assert (shown, list_failed(report)) == (None, {Step.STATUS})
    assert "decision" in reason_of(report, Step.STATUS)


def test_evidence_about_others_is_refused(ledger):
    ledger.append(ledger.bind())
    report, shown = judge(ledger, evidence=ledger.evidence())
    assert shown is None
    assert "other institutions too" in reason_of(report, Step.STATUS)


def test_a_checkpoint_that_the_log_did_not_sign_is_refused(ledger):
    note = MemoryLedger(log="thief").found().checkpoint()
    report, shown = judge(ledger, checkpoint=note)
    assert (shown, list_failed(report)) == (None, {Step.CHECKPOINT})


def test_another_log_is_not_judged(ledger):
    with pytest.raises(PolicyMismatchError):
        judge(ledger, origin="ledger.example/other")


def test_a_receipt_of_another_state_is_refused(ledger):
    ledger.publish()
    older = ledger.receipt()
    ledger.append(ledger.bind())
    report, shown = judge(ledger, receipt=older)
    assert (shown, list_failed(report)) == (None, {Step.RECEIPT})


def changes_of(raw):
    document = json.loads(raw)
    for path, value in walk(document):
        if isinstance(value, str) and path[-1] != "type":
            yield path, document, change(value)
        if isinstance(value, list) and value and isinstance(value[0], str):
            yield path, document, value[:-1]


def change(text):
    try:
        raw = bytearray(parse_base64(text))
        raw[len(raw) // 2] ^= 1
        return encode_base64(bytes(raw))
    except (InputError, IndexError):
        middle = len(text) // 2
        return text[:middle] + ("0" if text[middle] != "0" else "1") + text[middle + 1 :]


@pytest.mark.parametrize("standing", [NEVER, UNUSED, BOUND, RELEASED])
def test_no_changed_member_goes_unnoticed(ledger, standing):
    sticker = MADE_UP[MadeUp.WRONG_TAG] if standing is NEVER else FIRST
    if standing in {BOUND, RELEASED}:
        ledger.append(ledger.bind())
    if standing is RELEASED:
        ledger.append(ledger.release())
    raw, seen = prove_sticker(ledger, sticker), 0
    assert verify(ledger, raw)[1].standing is standing
    for path, document, value in changes_of(raw):
        changed = encode_canonical_json(replaced(document, path, value))
        try:
            shown = verify(ledger, changed)[1]
        except (InputError, PolicyMismatchError):
            continue
        finally:
            seen += 1
        assert shown is None, path
    assert seen > 20


# --- keys, ages, witnesses ----------------------------------------------------------------------------------


def test_a_compromised_key_needs_an_anchor_from_before(ledger):
    index = ledger.append(ledger.bind())
    size = ledger.publish()
    inclusion, receipt = build_inclusion_proof(index, size, ledger.tree().read), ledger.receipt(size)
    since = START + timedelta(hours=2)
    ledger.now_ms += 10_000_000
    assert ledger.say(ledger.compromise(since)) is not None
    late = ledger.receipt(ledger.publish(), anchored_at=since + timedelta(hours=1))
    report, shown = judge(ledger, receipt=late)
    assert (shown, list_failed(report)) == (None, {Step.KEY})
    event = make_event(ledger, index, ledger.publish())
    early = replace(event, earlier=EarlierAnchor(inclusion, receipt))
    report, shown = judge(ledger, receipt=late, event=early)
    assert shown.standing is BOUND
    too_late = replace(receipt, anchored_at=since + timedelta(hours=1))
    for wrong in (too_late, ledger.receipt(size, signer=make_signer("thief"))):
        changed = replace(event, earlier=EarlierAnchor(inclusion, wrong))
        assert judge(ledger, receipt=late, event=changed)[1] is None


def test_what_is_too_old_is_not_relied_on(ledger):
    for sticker in (FIRST, MADE_UP[MadeUp.WRONG_TAG]):
        session = ledger.session(max_status_age=timedelta(hours=1))
        report, shown = verify(ledger, prove_sticker(ledger, sticker), session=session)
        assert (report.verdict, report.authentic) == (Verdict.UNKNOWN, False)
        assert shown is not None


def test_without_the_witnesses_that_the_policy_requires_it_is_unknown(ledger):
    required = frozenset(DEFAULT_REQUIRED) | {Step.QUORUM}
    session = ledger.session(witnesses=make_quorum("w1", "w2", threshold=2), required=required)
    report, _ = verify(ledger, prove_sticker(ledger, MADE_UP[MadeUp.WRONG_TAG]), session=session)
    assert report.verdict is Verdict.UNKNOWN


def test_the_chain_is_asked_when_it_is_wanted(ledger):
    proof = make_sticker_proof(ledger, MADE_UP[MadeUp.NO_ROLL])
    for look, verdict in ((passed, Verdict.INVALID), (not_checked, Verdict.UNKNOWN)):
        report, _ = verify_sticker_proof(
            proof, ledger.session(), NOW, lambda _, look=look: look(Step.CHAIN, "x", "x")
        )
        assert report.verdict is verdict


def list_all(ledger, index):
    return (*list_roll_subjects(FIRST), *ledger.outcomes[index].changes)


def reason_of(report, step):
    return next(check.reason.en for check in report.checks if check.step is step)


def name_of(ledger, index):
    return parse_signed_statement(ledger.documents[index].statement_raw).statement.claims.instrument_id
