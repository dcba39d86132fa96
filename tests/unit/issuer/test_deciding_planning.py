"""What an authority is about to sign: planned, fingerprinted, and never more than what was meant."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from world import INSTITUTION, World

from issuer.deciding.kinds import KINDS, find_thing, list_things
from issuer.deciding.planning import (
    ACTS,
    Ruling,
    check_ruling,
    compute_fingerprint,
    plan_acts,
    plan_state,
)
from ledger.core.act import Decision, NamedInstrument, ReasonCode, parse_act
from ledger.core.errors import InputError, StateError
from ledger.core.event import EventType, scope_subject
from ledger.core.fold_documents import AUTHORITY_ACTS
from ledger.core.ids import CertificateNumber, InstrumentId, LeafIndex
from ledger.core.register_fields import RegisterState
from ledger.core.replay import replay_registers
from ledger.core.scope import parse_scope_content
from ledger.core.status import Status, SubjectState

NOW = datetime(2026, 11, 3, tzinfo=UTC)
DECISION = Decision("闽〔2026〕3号", "计量法", date(2026, 11, 2), None, "六十日内")
RULING = Ruling(EventType.CANCEL, ReasonCode.STANDARD_INVALID, NOW, DECISION)


@pytest.fixture
def registers():
    from desk_world import make_registers

    return make_registers(World())[0]


@pytest.fixture
def thing(registers):
    return find_thing(registers, scope_subject(INSTITUTION, "S1"))


def name(number, instrument=1):
    return NamedInstrument(
        INSTITUTION, CertificateNumber(f"A-{number}"), InstrumentId(instrument.to_bytes(16))
    )


def states_of(*documents, status=Status.VALID):
    """Return states in which each document is the newest of its instrument, at version 4."""
    found = {}
    for index, named in enumerate(documents, 10):
        found[named.certificate] = SubjectState(status, 1, LeafIndex(index), LeafIndex(index))
        found[named.subject] = SubjectState(status, 4, LeafIndex(index), LeafIndex(index))
    return found


# --- registers ----------------------------------------------------------------------------------------------


def test_only_state_and_first_day_change(thing):
    planned = plan_state(thing, RegisterState.SUSPENDED, date(2026, 5, 3), 1)
    content = parse_scope_content(planned.content)
    assert replace(content, state=thing.content.state, valid_from=thing.content.valid_from) == thing.content
    assert (content.state, content.valid_from) == (RegisterState.SUSPENDED, date(2026, 5, 3))
    assert (planned.expected_version, planned.subject) == (1, thing.subject)


def test_what_cannot_be_planned(thing):
    with pytest.raises(StateError, match="stands so already"):
        plan_state(thing, RegisterState.ACTIVE, thing.valid_from, 1)
    with pytest.raises(InputError, match="must be filled in"):
        plan_state(thing, RegisterState.SUSPENDED, None, 1)
    with pytest.raises(InputError, match="ends before it begins"):
        plan_state(thing, RegisterState.SUSPENDED, date(2040, 1, 1), 1)


def test_an_institution_has_no_first_day(registers):
    (institution,) = [
        one for one in list_things(registers, date(2026, 1, 1)) if one.kind.name == "institution"
    ]
    planned = plan_state(institution, RegisterState.WITHDRAWN, None, 1)
    assert b'"withdrawn"' in planned.content
    assert institution.used is None


def test_every_difference_is_another_fingerprint(thing):
    first = plan_state(thing, RegisterState.SUSPENDED, date(2026, 5, 3), 1)
    others = [
        [],
        [first, first],
        [replace(first, expected_version=2)],
        [plan_state(thing, RegisterState.SUSPENDED, date(2026, 5, 4), 1)],
        [plan_state(thing, RegisterState.WITHDRAWN, date(2026, 5, 3), 1)],
        [replace(first, event=EventType.PERSON)],
    ]
    found = {compute_fingerprint(one) for one in [[first], *others]}
    assert len(found) == len(others) + 1
    assert compute_fingerprint([first]) == compute_fingerprint([replace(first, label="another name")])


def test_a_thing_stands_as_it_stood_on_the_day(registers):
    assert [one.kind.name for one in list_things(registers, date(2026, 1, 1))] == ["institution", "scope"]
    assert [one.kind.name for one in list_things(registers, date(2024, 12, 31))] == ["institution"]
    assert find_thing(registers, bytes(32)) is None
    assert find_thing(replay_registers([]), scope_subject(INSTITUTION, "S1")) is None


# --- documents ----------------------------------------------------------------------------------------------


def test_acts_are_those_of_authorities():
    assert set(ACTS) == AUTHORITY_ACTS
    assert {kind.event for kind in KINDS.values()} & set(ACTS) == set()


def test_each_document_gets_its_act():
    one, other = name(1), name(2, instrument=2)
    planned, affected = plan_acts(RULING, [one, other], states_of(one, other))
    assert [parse_act(each.content).number for each in planned] == [one.number, other.number]
    assert [each.expected_version for each in planned] == [4, 4]
    assert [each.after for each in affected] == [Status.CANCELLED] * 2


def test_acts_about_one_instrument_expect_each_other():
    one, other = name(1), name(2)
    planned, _ = plan_acts(RULING, [one, other], states_of(one, other))
    assert [each.expected_version for each in planned] == [4, 5]


@pytest.mark.parametrize(
    ("event", "status", "follows"),
    [
        (EventType.CANCEL, Status.VALID, True),
        (EventType.CANCEL, Status.SUSPENDED, True),
        (EventType.CANCEL, Status.CANCELLED, False),
        (EventType.CANCEL, Status.FAILED, False),
        (EventType.SUSPEND, Status.SUSPENDED, False),
        (EventType.REINSTATE, Status.VALID, False),
        (EventType.REINSTATE, Status.CANCELLED, True),
        (EventType.REINSTATE, Status.WITHDRAWN, False),
    ],
)
def test_what_an_act_does_not_reach_is_left(event, status, follows):
    planned, (found,) = plan_acts(replace(RULING, event=event), [name(1)], states_of(name(1), status=status))
    assert (found.follows, bool(planned), found.status) == (follows, follows, status)


def test_only_the_newest_document_sends_its_instrument_to_be_verified():
    older, newer = name(1), name(2)
    states = states_of(older, newer)
    ruling = replace(RULING, event=EventType.REVERIFY_NEEDED)
    planned, affected = plan_acts(ruling, [older, newer], states)
    assert [one.follows for one in affected] == [False, True]
    assert [parse_act(each.content).number for each in planned] == [newer.number]


def test_what_has_failed_stays_failed_when_it_must_be_verified_again():
    ruling = replace(RULING, event=EventType.REVERIFY_NEEDED)
    for status, after in ((Status.FAILED, Status.FAILED), (Status.VALID, Status.NEEDS_REVERIFICATION)):
        _, (found,) = plan_acts(ruling, [name(1)], states_of(name(1), status=status))
        assert found.after is after


def test_a_document_that_the_log_does_not_have_is_not_reached():
    planned, (found,) = plan_acts(RULING, [name(9)], {})
    assert (planned, found.status, found.follows) == ([], None, False)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"event": EventType.WITHDRAW}, "act"),
        ({"effective_at": NOW + timedelta(seconds=1)}, "from"),
        ({"decision": None}, "decision.number"),
    ],
)
def test_a_ruling_that_no_log_would_take(changes, field):
    check_ruling(RULING, NOW)
    check_ruling(replace(RULING, event=EventType.REINSTATE, decision=None), NOW)
    with pytest.raises(InputError) as refused:
        check_ruling(replace(RULING, **changes), NOW)
    assert refused.value.field == field
    assert refused.value.zh
