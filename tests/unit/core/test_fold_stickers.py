"""Who may register instruments, allot rolls, bind and release stickers, and what follows."""

from dataclasses import replace

import pytest
from ledger_in_memory import AUTHORITY, INSTITUTION, make_act
from registered import INSTITUTE
from stickers import DECISION, FIRST, NOW, PUMP, REGISTRATION, ROLL, SCALE, SECOND, StickerLedger

from ledger.core.authority import Trade
from ledger.core.errors import InputError
from ledger.core.ids import InstrumentId
from ledger.core.register_fields import RegisterState
from ledger.core.replay import Replay
from ledger.core.status import Effect, Status, Void
from ledger.core.sticker import compute_sticker_id
from ledger.core.sticker_use import (
    StickerBinding,
    StickerReason,
    StickerRelease,
    encode_binding,
    encode_release,
    parse_binding,
    parse_release,
)


@pytest.fixture
def ledger():
    return StickerLedger()


def assert_void(ledger, raw, reason):
    outcome = ledger.say(raw)
    assert isinstance(outcome, Void)
    assert reason in outcome.reason


def status_of(ledger, subject):
    state = ledger.states.get(subject)
    return None if state is None else (state.status, state.version)


# --- registrations ----------------------------------------------------------------------------------------


def test_a_registration_changes_nothing_of_what_documents_say(ledger):
    ledger.issue(0)
    instrument = ledger.outcomes[-1].subject
    before = ledger.states[instrument]
    instrument_id = InstrumentId(make_act(0).instrument_id)
    content = replace(REGISTRATION, id=instrument_id)
    effect = ledger.say(ledger.enter(content))
    assert isinstance(effect, Effect)
    assert set(effect.changes) == {content.subject}
    assert ledger.states[instrument] == before
    again = ledger.say(ledger.enter(replace(content, parts=("1",), retired=("2", "3"))))
    assert (again.state.status, again.state.version) == (Status.ACTIVE, 2)


def test_only_verification_institutions_register(ledger):
    assert_void(ledger, ledger.enter(issuer=AUTHORITY), "institution CN-35 is not registered")
    ledger.append(ledger.institution(version=2, trade=Trade.REPAIR))
    assert_void(ledger, ledger.enter(), "not verification")


def test_a_registration_knows_the_one_before(ledger):
    ledger.append(ledger.enter())
    assert_void(ledger, ledger.enter(version=0), "expects version 0")


# --- rolls ------------------------------------------------------------------------------------------------


def test_a_roll_is_allotted_by_its_institution_or_an_authority_over_it(ledger):
    other = replace(ROLL, roll="0000000")
    assert isinstance(ledger.say(ledger.allot(other, issuer=AUTHORITY, by="authority")), Effect)
    theirs = replace(ROLL, roll="0000001", institution=INSTITUTE)
    assert_void(ledger, ledger.allot(theirs, issuer=INSTITUTION), "is not registered or not active")


def test_a_roll_stays_what_it_is_but_for_its_state(ledger):
    assert_void(ledger, ledger.allot(replace(ROLL, count=101), version=1), "stays as it was allotted")
    assert_void(ledger, ledger.allot(replace(ROLL, seed=bytes([1]) * 16), version=1), "stays as it was")
    withdrawn = replace(ROLL, state=RegisterState.WITHDRAWN)
    assert ledger.say(ledger.allot(withdrawn, version=1)).state.status is Status.INACTIVE
    assert_void(ledger, ledger.bind(), "none of its stickers is bound any more")


def test_an_institution_whose_trade_is_another_has_no_rolls(ledger):
    ledger.append(ledger.institution(version=2, trade=Trade.OWNER))
    assert_void(ledger, ledger.allot(replace(ROLL, roll="0000000")), "not verification")


# --- bindings ---------------------------------------------------------------------------------------------


def test_a_sticker_is_bound_before_there_is_a_certificate(ledger):
    effect = ledger.say(ledger.bind())
    binding = StickerBinding(FIRST, PUMP, None, NOW)
    assert set(effect.changes) == {binding.subject, binding.placement}
    assert {(state.status, state.version) for state in effect.changes.values()} == {(Status.ACTIVE, 1)}
    assert binding.instrument not in ledger.states


def test_the_newest_binding_holds_the_place(ledger):
    first, second = StickerBinding(FIRST, PUMP, "1", NOW), StickerBinding(SECOND, PUMP, "1", NOW)
    ledger.append(ledger.bind(FIRST, part="1"))
    ledger.append(ledger.bind(SECOND, part="1"))
    states = ledger.states
    assert states[first.placement].last_event == states[second.subject].last_event
    assert states[first.subject].last_event < states[first.placement].last_event
    ledger.append(ledger.release(FIRST, part="1"))
    assert status_of(ledger, second.placement) == (Status.ACTIVE, 2), "the older one held no place any more"
    ledger.append(ledger.release(SECOND, part="1"))
    assert status_of(ledger, second.placement) == (Status.INACTIVE, 3)


def test_a_sticker_stands_on_one_thing_at_a_time(ledger):
    ledger.append(ledger.bind())
    assert_void(ledger, ledger.bind(instrument=SCALE), "stands on an instrument since leaf")
    ledger.append(ledger.release())
    assert isinstance(ledger.say(ledger.bind(instrument=SCALE)), Effect), "bound by mistake, and then rightly"
    assert status_of(ledger, StickerBinding(FIRST, SCALE, None, NOW).subject) == (Status.ACTIVE, 3)


@pytest.mark.parametrize(
    ("sticker", "reason"),
    [
        (compute_sticker_id(replace(ROLL, seed=bytes([9]) * 16), 0), "was never given out"),
        (compute_sticker_id(replace(ROLL, count=1000), 500), "was never given out"),
        (compute_sticker_id(replace(ROLL, roll="0000000"), 0), "was never given out"),
    ],
)
def test_what_was_never_given_out_is_not_bound(ledger, sticker, reason):
    assert_void(ledger, ledger.bind(sticker), reason)


def test_stickers_of_others_are_not_bound(ledger):
    roll = replace(ROLL, roll="0000001", institution=INSTITUTE)
    ledger.append(ledger.allot(roll, issuer=AUTHORITY, by="authority"))
    theirs = compute_sticker_id(roll, 0)
    assert_void(ledger, ledger.bind(theirs), f"roll 0000001 is of {INSTITUTE}, not of {INSTITUTION}")


# --- releases ---------------------------------------------------------------------------------------------


def test_what_is_not_bound_is_not_released(ledger):
    assert_void(ledger, ledger.release(), "stands on no instrument")
    ledger.append(ledger.bind())
    assert_void(ledger, ledger.release(instrument=SCALE), "stands on another instrument")
    assert_void(ledger, ledger.release(part="1"), "stands on another instrument")
    ledger.append(ledger.release())
    assert_void(ledger, ledger.release(), "stands on no instrument")


def test_an_authority_releases_by_a_decision(ledger):
    ledger.append(ledger.bind())
    assert_void(ledger, ledger.release(issuer=AUTHORITY), "names its decision")
    assert_void(ledger, ledger.release(decision=DECISION), "carries no decision")
    assert isinstance(ledger.say(ledger.release(issuer=AUTHORITY, decision=DECISION)), Effect)


def test_whoever_replays_the_log_comes_to_the_same(ledger):
    ledger.append(ledger.enter())
    ledger.append(ledger.bind(part="2"))
    ledger.append(ledger.release(part="2"))
    ledger.publish()
    replay = Replay()
    for leaf in ledger.leaves:
        replay.take(leaf)
    assert replay.states == ledger.states
    assert replay.registers.rolls == {ROLL.roll: ROLL}


# --- contents ---------------------------------------------------------------------------------------------


def test_contents_read_as_the_norm_says():
    binding = StickerBinding(FIRST, PUMP, "1", NOW)
    assert encode_binding(binding).decode() == (
        '{"effective_at":"2026-02-28T08:00:00Z","instrument":"01010101010101010101010101010101","part":"1",'
        f'"sticker":"{FIRST}"}}'
    )
    release = StickerRelease(binding, StickerReason.REPLACED, DECISION)
    assert parse_binding(encode_binding(binding)) == binding
    assert parse_release(encode_release(release)) == release


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (FIRST, FIRST.lower()),
        (FIRST, f"{FIRST[:-1]}{'0' if FIRST[-1] != '0' else '1'}"),
        (FIRST, FIRST[:-1]),
        ('"part":"1"', '"part":""'),
        ('"part":"1"', '"part":"123456789"'),
        ("01010101010101010101010101010101", "01"),
        ("2026-02-28T08:00:00Z", "2026-02-28"),
        ('"reason":"REPLACED"', '"reason":"TIRED"'),
    ],
)
def test_contents_of_another_form_are_refused(good, bad):
    text = encode_release(
        StickerRelease(StickerBinding(FIRST, PUMP, "1", NOW), StickerReason.REPLACED)
    ).decode()
    assert good in text
    with pytest.raises(InputError):
        parse_release(text.replace(good, bad).encode())
