"""What was said, as people ask for it: counts that add up, refusals that leave nothing, places and replacements."""

from dataclasses import replace

import pytest
from desk_counter import Answering, Counter
from hypothesis import given
from hypothesis import strategies as st
from stickers import PUMP, REGISTRATION, SCALE

from issuer.gateway import RefusalKind, Refused
from issuer.registering import Given, Registrar
from issuer.said_book import SaidBook, StickerState
from issuer.tables import DocumentState
from ledger.core.errors import StateError, UnavailableError
from ledger.core.register_fields import RegisterState
from ledger.core.sticker import compute_sticker_id
from ledger.core.sticker_use import StickerReason

TODAY = REGISTRATION.answers[0].answered_on
NOBODY = Given(None, frozenset(), "")


@pytest.fixture
def counter(tmp_path):
    return Counter(tmp_path)


@pytest.fixture
def roll(counter):
    return counter.desk().allot(4)


def read(counter):
    book = SaidBook()
    for saying in counter.sayings.list_after(0, 1000):
        book.take(saying)
    return book


def test_a_roll_is_counted(counter, roll):
    desk, ids = counter.desk(), [compute_sticker_id(roll, number) for number in range(4)]
    desk.bind(ids[0], PUMP, None)
    desk.bind(ids[1], SCALE, None)
    desk.release(ids[1], StickerReason.LOST)
    counts = read(counter).count(roll)
    assert (counts.free, counts.bound, counts.released, counts.withdrawn) == (2, 1, 1, 0)
    withdrawn = desk.withdraw(roll.roll)
    counts = read(counter).count(withdrawn)
    assert (counts.free, counts.bound, counts.released, counts.withdrawn) == (0, 1, 1, 2)
    states = [read(counter).find_state(each, withdrawn) for each in ids]
    assert states == ["bound", "released", "withdrawn", "withdrawn"]
    assert read(counter).find_state(compute_sticker_id(replace(roll, seed=bytes(16)), 3), roll) is None


def test_what_was_refused_counts_as_never_said(counter, roll):
    sticker = compute_sticker_id(roll, 0)
    refusing = Answering(counter.ledger, Refused(RefusalKind.FINAL, "no"))
    with pytest.raises(StateError):
        counter.desk(refusing).bind(sticker, PUMP, None)
    book = read(counter)
    assert book.find_state(sticker, roll) is StickerState.FREE
    assert book.list_moves(sticker) == book.list_on([PUMP]) == book.list_used(roll.roll) == []


def test_what_waits_is_marked_and_taken_again(counter, roll):
    sticker = compute_sticker_id(roll, 0)
    with pytest.raises(UnavailableError):
        counter.desk(Answering(counter.ledger, UnavailableError("away"))).bind(sticker, PUMP, None)
    book = read(counter)
    assert book.list_moves(sticker)[-1].waits
    counter.desk().finish()
    (saying,) = counter.sayings.list_positions([book.list_moves(sticker)[-1].position])
    book.take(saying)
    (move,) = book.list_moves(sticker)
    assert (move.state, move.leaf_index) == (DocumentState.LOGGED, saying.leaf_index)
    book.take(replace(saying, state=DocumentState.VOIDED))
    assert book.list_moves(sticker) == []


def test_what_a_sticker_replaced_is_told_and_nothing_else(counter, roll):
    first, second, third, other = (compute_sticker_id(roll, number) for number in range(4))
    desk = counter.desk()
    for sticker, part in ((first, "1"), (other, "2"), (second, "1")):
        desk.bind(sticker, PUMP, part)
    desk.release(other, StickerReason.REPLACED)  # of another part
    desk.bind(third, PUMP, "1")
    book = read(counter)
    assert book.list_replaced(book.list_moves(second)[0], [PUMP]) == [first]
    assert book.list_replaced(book.list_moves(third)[0], [PUMP]) == [second]
    assert book.list_replaced(book.list_moves(first)[0], [PUMP]) == []
    assert [one.sticker for one in book.list_standing([PUMP, SCALE])] == [third]
    newest = [move.content.binding.sticker for move in book.list_newest()]
    assert newest == [second, third, other, first]


def test_registrations_are_kept_by_instrument(counter):
    registrar = Registrar(counter.speaker(), TODAY)
    first = replace(REGISTRATION, answers=())
    registrar.register(first, [], NOBODY)
    registrar.register(replace(first, parts=("1",)), [], NOBODY)
    registrar.register(replace(first, id=SCALE, serial="other"), [], NOBODY)
    book = read(counter)
    assert [one.content.parts for one in book.list_registrations(PUMP)] == [("1", "2"), ("1",)]
    assert [one.content.id for one in book.list_instruments()] == [PUMP, SCALE]
    assert book.list_rolls() == []


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["1", "2", None])), max_size=12), st.booleans())
def test_counts_add_up_whatever_is_done(tmp_path_factory, steps, is_withdrawn):
    """Each step puts a sticker on a part, or takes it off where the part is None; what is refused is nothing."""
    counter = Counter(tmp_path_factory.mktemp("counts"))
    desk = counter.desk()
    roll = desk.allot(4)
    for number, part in steps:
        sticker = compute_sticker_id(roll, number)
        try:
            if part is None:
                desk.release(sticker, StickerReason.DAMAGED)
            else:
                desk.bind(sticker, PUMP, part)
        except StateError:
            continue
    if is_withdrawn:
        roll = desk.withdraw(roll.roll)
    book = read(counter)
    counts = book.count(roll)
    assert counts.free + counts.bound + counts.released + counts.withdrawn == roll.count
    assert counts.bound == len(desk.list_bound())
    assert (counts.free if is_withdrawn else counts.withdrawn) == 0
    assert roll.state is (RegisterState.WITHDRAWN if is_withdrawn else RegisterState.ACTIVE)
    places = [move.content.binding.placement for move in book.list_newest() if move.content.reason is None]
    assert len(places) == len(set(places)), "one sticker in one place"
