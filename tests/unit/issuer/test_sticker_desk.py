"""The desk's stickers: put on, replaced, released; killed and refused at every step, never said twice."""

from dataclasses import replace
from datetime import timedelta

import pytest
from desk_counter import WORLD, Answering, Counter
from world import INSTITUTION, ORIGIN, submit

from issuer.cli import Gateway
from issuer.gateway import RefusalKind, Refused
from issuer.signing import Seal
from issuer.sticker_desk import release_from_failed
from issuer.tables import DocumentState
from ledger.core.errors import InputError, StateError, StoreUnavailableError, UnavailableError
from ledger.core.event import EventType, instrument_subject, placement_subject, sticker_subject
from ledger.core.ids import InstrumentId
from ledger.core.register_fields import RegisterState
from ledger.core.statement import parse_signed_statement
from ledger.core.status import Status
from ledger.core.sticker import MAX_STICKERS, compute_sticker_id, is_of_roll
from ledger.core.sticker_use import StickerReason

PUMP, SCALE = InstrumentId(bytes([1]) * 16), InstrumentId(bytes([2]) * 16)


@pytest.fixture
def counter(tmp_path):
    return Counter(tmp_path)


@pytest.fixture
def roll(counter):
    return counter.desk().allot(10)


def test_a_roll_is_allotted_with_ids_that_are_its_own(counter, roll):
    assert counter.ledger.registers.rolls == {roll.roll: roll}
    assert counter.desk().list_rolls() == [roll]
    assert all(is_of_roll(compute_sticker_id(roll, number), roll) for number in range(10))
    assert counter.desk().allot(1).roll != roll.roll


@pytest.mark.parametrize("count", [0, -1, MAX_STICKERS + 1])
def test_a_roll_has_a_size(counter, count):
    with pytest.raises(StateError, match="a roll has 1 to"):
        counter.desk().allot(count)
    assert counter.sayings.list_waiting() == []


def test_what_is_left_of_a_roll_is_withdrawn_once(counter, roll):
    desk = counter.desk()
    desk.bind(compute_sticker_id(roll, 0), PUMP, None)
    assert desk.withdraw(roll.roll).state is RegisterState.WITHDRAWN
    size = counter.size()
    assert desk.withdraw(roll.roll).state is RegisterState.WITHDRAWN
    assert counter.size() == size
    with pytest.raises(StateError, match="none of its stickers is bound any more"):
        desk.bind(compute_sticker_id(roll, 1), SCALE, None)
    assert [each.sticker for each in desk.list_bound()] == [compute_sticker_id(roll, 0)]
    with pytest.raises(StateError, match="has allotted no roll 0000000"):
        desk.withdraw("0000000")


def test_the_same_again_changes_nothing(counter, roll):
    first = counter.desk().bind(compute_sticker_id(roll, 0), PUMP, "1")
    size = counter.size()
    counter.clock.now += timedelta(hours=1)
    assert counter.desk().bind(compute_sticker_id(roll, 0), PUMP, "1") == first
    assert counter.size() == size
    with pytest.raises(StateError, match="stands on another instrument: unbind it first"):
        counter.desk().bind(compute_sticker_id(roll, 0), PUMP, "2")


def test_a_new_sticker_releases_the_one_before(counter, roll):
    first, second, other = (compute_sticker_id(roll, number) for number in range(3))
    desk = counter.desk()
    desk.bind(first, PUMP, "1")
    desk.bind(other, PUMP, "2")
    desk.bind(second, PUMP, "1")
    assert counter.state(sticker_subject(first)) is Status.INACTIVE
    assert counter.state(placement_subject(PUMP, "1")) is Status.ACTIVE
    assert [each.sticker for each in desk.list_bound()] == [other, second]


def test_a_sticker_that_was_bound_by_mistake_is_bound_again(counter, roll):
    sticker = compute_sticker_id(roll, 0)
    desk = counter.desk()
    desk.bind(sticker, PUMP, None)
    desk.release(sticker, StickerReason.TYPO)
    assert desk.bind(sticker, SCALE, None).state is DocumentState.LOGGED
    assert counter.state(placement_subject(PUMP)) is Status.INACTIVE


def test_what_fails_bears_no_sticker(counter, roll):
    desk = counter.desk()
    failed = counter.people.issue(INSTITUTION, 1, 0, passed=False)
    claims = parse_signed_statement(failed).statement.claims
    subject = instrument_subject(claims.instrument_id, claims.part)
    good, bad = compute_sticker_id(roll, 0), compute_sticker_id(roll, 1)
    desk.bind(good, SCALE, None)
    desk.bind(bad, claims.instrument_id, claims.part)
    assert list(desk.release_failed()) == []
    submit(counter.log, failed)
    assert counter.state(subject) is Status.FAILED
    assert list(desk.release_failed()) == [bad]
    assert list(desk.release_failed()) == []
    assert [each.sticker for each in desk.list_bound()] == [good]


@pytest.mark.parametrize("part", [None, "1"])
def test_no_sticker_is_put_on_what_has_failed_until_it_passes(counter, roll, part):
    desk, thing = counter.desk(), 2
    first, second = compute_sticker_id(roll, 0), compute_sticker_id(roll, 1)
    failed = counter.people.issue(INSTITUTION, 1, thing, passed=False)
    instrument_id = parse_signed_statement(failed).statement.claims.instrument_id
    desk.bind(first, instrument_id, part)
    submit(counter.log, failed)
    assert desk.bind(first, instrument_id, part).state is DocumentState.LOGGED, "the same again"
    with pytest.raises(StateError, match="what fails bears no sticker") as refused:
        desk.bind(second, instrument_id, part)
    assert refused.value.zh
    assert [each.sticker for each in desk.list_bound()] == [first]
    submit(counter.log, counter.people.issue(INSTITUTION, 2, thing, version=1))
    assert desk.bind(second, instrument_id, part).state is DocumentState.LOGGED


def test_no_sticker_is_put_on_a_part_that_has_failed(counter, roll):
    failed = counter.people.issue(INSTITUTION, 1, 1, passed=False)
    claims = parse_signed_statement(failed).statement.claims
    submit(counter.log, failed)
    with pytest.raises(StateError, match="what fails bears no sticker"):
        counter.desk().bind(compute_sticker_id(roll, 0), claims.instrument_id, claims.part)


def test_what_was_never_bound_is_not_released(counter, roll):
    with pytest.raises(StateError, match="has bound no sticker"):
        counter.desk().release(compute_sticker_id(roll, 0), StickerReason.LOST)


def test_nothing_is_said_of_the_future(counter, roll):
    later, sticker = counter.clock.now + timedelta(days=1), compute_sticker_id(roll, 0)
    with pytest.raises(InputError, match="future"):
        counter.desk().bind(sticker, PUMP, None, later)
    counter.desk().bind(sticker, PUMP, None)
    with pytest.raises(InputError, match="future"):
        counter.desk().release(sticker, StickerReason.LOST, later)


def test_stickers_of_nobody_are_refused_and_forgotten(counter, roll):
    stranger = compute_sticker_id(replace(roll, roll="0000000"), 0)
    with pytest.raises(StateError, match="was never given out"):
        counter.desk().bind(stranger, PUMP, None)
    assert counter.desk().list_bound() == []


# --- killed, refused, out of reach ------------------------------------------------------------------------


@pytest.mark.parametrize("is_written", [False, True])
@pytest.mark.parametrize("write", [1, 2])
def test_killed_at_any_write_the_same_request_goes_on(counter, roll, write, is_written):
    sticker = compute_sticker_id(roll, 0)
    counter.database.fail_write(write, written=is_written)
    with pytest.raises(StoreUnavailableError):
        counter.desk().bind(sticker, PUMP, None)
    assert counter.desk().bind(sticker, PUMP, None).state is DocumentState.LOGGED
    bound = [leaf for leaf in counter.leaves() if leaf.header.type is EventType.STICKER_BOUND]
    assert len(bound) == 1


def test_what_was_put_on_while_the_ledger_was_away_releases_the_one_before(counter, roll):
    old, new = (compute_sticker_id(roll, number) for number in range(2))
    counter.desk().bind(old, PUMP, "1")
    with pytest.raises(UnavailableError):
        counter.desk(Answering(counter.ledger, UnavailableError("away"))).bind(new, PUMP, "1")
    assert counter.desk().finish() == 1
    assert [each.sticker for each in counter.desk().list_bound()] == [new]
    assert counter.state(sticker_subject(old)) is Status.INACTIVE
    assert counter.state(placement_subject(PUMP, "1")) is Status.ACTIVE


def test_after_an_issue_what_failed_is_told_and_what_waited_goes_along(counter, roll):
    failed = counter.people.issue(INSTITUTION, 1, 0, passed=False)
    claims = parse_signed_statement(failed).statement.claims
    bad, other = (compute_sticker_id(roll, number) for number in range(2))
    counter.desk().bind(bad, claims.instrument_id, claims.part)
    submit(counter.log, failed)
    away = Answering(counter.ledger, UnavailableError("away"))
    assert release_after_issue(counter, away) == [], "signed, and not yet in the ledger"
    assert counter.state(sticker_subject(bad)) is Status.ACTIVE
    with pytest.raises(UnavailableError):
        counter.desk(Answering(counter.ledger, UnavailableError("away"))).bind(other, SCALE, None)
    assert release_after_issue(counter) == []
    assert counter.sayings.list_waiting() == []
    assert counter.state(sticker_subject(bad)) is Status.INACTIVE
    assert counter.state(sticker_subject(other)) is Status.ACTIVE
    submit(counter.log, counter.people.issue(INSTITUTION, 2, 0, passed=False))
    assert release_after_issue(counter) == []


def release_after_issue(counter, gateway=None):
    def make_seal():
        return Seal(WORLD.seal, ORIGIN, INSTITUTION, counter.clock())

    gateway = gateway or Gateway(counter.ledger)
    return release_from_failed(counter.database, gateway, make_seal, counter.clock, counter.randomness)


def test_what_was_released_after_an_issue_is_returned(counter, roll):
    failed = counter.people.issue(INSTITUTION, 1, 0, passed=False)
    claims = parse_signed_statement(failed).statement.claims
    bad = compute_sticker_id(roll, 0)
    counter.desk().bind(bad, claims.instrument_id, claims.part)
    submit(counter.log, failed)
    assert release_after_issue(counter) == [bad]
    assert release_after_issue(counter) == []


def put_on_what_fails(counter, sticker, thing):
    """Put a sticker on one of the world's things, which fails afterwards."""
    failed = counter.people.issue(INSTITUTION, thing + 1, thing, passed=False)
    claims = parse_signed_statement(failed).statement.claims
    counter.desk().bind(sticker, claims.instrument_id, claims.part)
    submit(counter.log, failed)


class Refusing:
    """A ledger in which an authority has taken some stickers off: it takes no release of these."""

    def __init__(self, counter, *stickers):
        self._ledger, self._stickers = Gateway(counter.ledger), stickers

    def __getattr__(self, name):
        return getattr(self._ledger, name)

    def submit(self, entries):
        statement = parse_signed_statement(entries[0][0]).statement
        if statement.type is EventType.STICKER_UNBOUND and any(
            sticker.encode() in statement.claims.content for sticker in self._stickers
        ):
            return [Refused(RefusalKind.FINAL, "it stands on no instrument")]
        return self._ledger.submit(entries)


def test_a_refused_release_keeps_no_other_sticker_on_what_failed(counter, roll):
    stickers = [compute_sticker_id(roll, number) for number in range(3)]
    for number, sticker in enumerate(stickers, start=2):
        put_on_what_fails(counter, sticker, number)
    assert release_after_issue(counter, Refusing(counter, stickers[0])) == stickers[1:]


def test_a_refused_replacement_keeps_no_sticker_on_what_failed(counter, roll):
    old, new, other, newer, bad = (compute_sticker_id(roll, number) for number in range(5))
    away = Answering(counter.ledger, *[UnavailableError("away")] * 2)
    for before, after, place in [(old, new, PUMP), (other, newer, SCALE)]:
        counter.desk().bind(before, place, None)
        with pytest.raises(UnavailableError):
            counter.desk(away).bind(after, place, None)
    put_on_what_fails(counter, bad, 0)
    assert release_after_issue(counter, Refusing(counter, old)) == [bad]
    assert counter.state(sticker_subject(other)) is Status.INACTIVE


def test_what_was_released_before_the_ledger_went_away_is_returned(counter, roll):
    stickers = [compute_sticker_id(roll, number) for number in range(2)]
    for number, sticker in enumerate(stickers, start=2):
        put_on_what_fails(counter, sticker, number)
    away = Answering(counter.ledger, None, UnavailableError("away"))
    assert release_after_issue(counter, away) == stickers[:1]


def test_what_waits_is_handed_in_by_the_next_request(counter, roll):
    sticker, away = compute_sticker_id(roll, 0), Answering(counter.ledger, UnavailableError("away"))
    with pytest.raises(UnavailableError):
        counter.desk(away).bind(sticker, PUMP, None)
    assert counter.state(sticker_subject(sticker)) is None
    assert counter.desk().finish() == 1
    assert counter.state(sticker_subject(sticker)) is Status.ACTIVE
    assert counter.desk().finish() == 0


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Refused(RefusalKind.NOT_NOW, "busy"), UnavailableError),
        (Refused(RefusalKind.FINAL, "no"), StateError),
        (Refused(RefusalKind.KEY, "the key is not active"), StateError),
    ],
)
def test_a_refusal_says_why(counter, roll, answer, error):
    with pytest.raises(error, match=answer.reason):
        counter.desk(Answering(counter.ledger, answer)).bind(compute_sticker_id(roll, 0), PUMP, None)


def test_a_stale_version_is_signed_again(counter, roll):
    stale = Answering(counter.ledger, Refused(RefusalKind.STALE_VERSION, "stale"))
    assert counter.desk(stale).bind(compute_sticker_id(roll, 0), PUMP, None).state is DocumentState.LOGGED
    assert stale.asked == 2
    always = Answering(counter.ledger, *[Refused(RefusalKind.STALE_VERSION, "stale")] * 50)
    with pytest.raises(UnavailableError, match="changed again and again"):
        counter.desk(always).bind(compute_sticker_id(roll, 1), SCALE, None)
