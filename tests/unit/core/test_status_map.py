"""The status map: a pure function of its states, however it came about and wherever it is kept."""

import hashlib
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from map_world import (
    MAPPINGS,
    STATES,
    SUBJECTS,
    PagedStore,
    edges,
    naive_pages,
    naive_root,
    subject_of,
)

from ledger.core.errors import InputError, LogIntegrityError, MalformedDocumentError
from ledger.core.ids import LeafIndex
from ledger.core.status import Status, SubjectState
from ledger.core.status_map import (
    EMPTY_MAP,
    EMPTY_MAP_ROOT,
    PAGE_DEPTHS,
    Page,
    StatusMap,
    encode_state,
    hash_map_inner,
    hash_map_leaf,
    load_nothing,
    open_map,
    open_page,
    parse_state,
)

STATE = SubjectState(Status.VALID, 1, LeafIndex(5), LeafIndex(5))
OTHER = SubjectState(Status.FAILED, 2, LeafIndex(9), LeafIndex(9))
EVERYWHERE = dict.fromkeys(edges(), STATE)


def grow(states) -> StatusMap:
    return EMPTY_MAP.update(states, load_nothing)


def pages_of(status_map: StatusMap, subjects) -> dict[tuple[int, int], bytes]:
    listed = [((page.depth, page.prefix), page.hash) for page in status_map.list_pages(subjects)]
    assert len(dict(listed)) == len(listed), "each once"
    return dict(listed)


# --- value and hashes -------------------------------------------------------------------------------------


def test_a_state_is_21_bytes():
    assert encode_state(STATE).hex() == "010000000100000000000000050000000000000005"
    without = replace(STATE, status=Status.ACTIVE, current_certificate=None)
    assert encode_state(without).hex() == "10000000010000000000000005ffffffffffffffff"


@given(STATES)
def test_a_state_that_is_written_is_read_back(state):
    assert parse_state(encode_state(state)) == state


@given(st.binary(max_size=23) | st.binary(min_size=21, max_size=21))
def test_any_bytes_are_one_state_or_refused_as_input(raw):
    try:
        state = parse_state(raw)
    except InputError:
        return
    assert encode_state(state) == raw, "one spelling"


@pytest.mark.parametrize("code", sorted(set(range(256)) - set(map(int, Status))))
def test_an_unknown_status_is_refused(code):
    with pytest.raises(MalformedDocumentError, match=f"unknown status {code}"):
        parse_state(bytes([code]) + encode_state(STATE)[1:])


@pytest.mark.parametrize("size", [0, 1, 20, 22])
def test_a_state_of_another_length_is_refused(size):
    with pytest.raises(MalformedDocumentError, match=f"a state of {size} bytes; expected 21"):
        parse_state(bytes([1]) * size)


def test_every_kind_of_node_has_its_own_prefix():
    subject, value = bytes(range(32)), encode_state(STATE)
    assert hash_map_leaf(subject, value) == hashlib.sha256(b"\x02" + subject + value).digest()
    left, right = bytes([1]) * 32, bytes([2]) * 32
    assert hash_map_inner(255, left, right) == hashlib.sha256(b"\x03\xff" + left + right).digest()
    assert hashlib.sha256(b"\x04").digest() == EMPTY_MAP_ROOT == EMPTY_MAP.root_hash
    assert grow({subject: STATE}).root_hash == hash_map_leaf(subject, value), "one subject is one leaf"


# --- a pure function of the states ------------------------------------------------------------------------


@given(MAPPINGS, SUBJECTS)
def test_a_map_has_the_root_of_its_definition_and_finds_every_state(states, stranger):
    grown = grow(states)
    assert grown.root_hash == naive_root(states)
    for subject in {*states, stranger}:
        assert grown.find(subject, load_nothing) == states.get(subject)


@given(st.data())
def test_no_order_and_no_batches_make_a_difference(data):
    states = data.draw(MAPPINGS)
    rest, grown = data.draw(st.permutations(list(states.items()))), EMPTY_MAP
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        grown, rest = grown.update(dict(rest[:size]), load_nothing), rest[size:]
    assert grown.root_hash == naive_root(states)


@given(st.lists(st.dictionaries(SUBJECTS, st.none() | STATES, max_size=8), max_size=8))
def test_every_update_gives_the_map_of_what_is_then_there(updates):
    states, grown = {}, EMPTY_MAP
    for changes in updates:
        grown = grown.update(changes, load_nothing)
        states = {subject: state for subject, state in (states | changes).items() if state is not None}
        assert grown.root_hash == naive_root(states)


@given(MAPPINGS, st.dictionaries(SUBJECTS, st.none() | STATES, max_size=12))
def test_what_was_replaced_leads_back_and_the_old_map_stays(states, changes):
    old = grow(states)
    new = old.update(changes, load_nothing)
    replaced = {subject: states.get(subject) for subject in changes}
    back = new.update(replaced, load_nothing)
    assert back.root_hash == old.root_hash == naive_root(states), "nothing that is held has changed"
    for subject in {*states, *changes}:
        assert old.find(subject, load_nothing) == states.get(subject)
        assert new.find(subject, load_nothing) == (states | changes).get(subject)


@given(MAPPINGS)
def test_taking_everything_out_leaves_the_empty_map(states):
    assert grow(states).update(dict.fromkeys(states), load_nothing) == EMPTY_MAP


def test_taking_out_what_is_not_there_changes_nothing():
    for subject in edges():
        others = {other: STATE for other in edges() if other != subject}
        assert grow(others).update({subject: None}, load_nothing).root_hash == naive_root(others)
    assert EMPTY_MAP.update({edges()[0]: None}, load_nothing) == EMPTY_MAP
    grown = grow(EVERYWHERE)
    assert grown.update({}, load_nothing) is grown


@pytest.mark.parametrize("shared", range(256))
def test_two_subjects_part_at_their_first_different_bit(shared):
    one, other = subject_of(0), subject_of(1 << 255 - shared)
    left, right = (hash_map_leaf(subject, encode_state(STATE)) for subject in (one, other))
    assert grow({one: STATE, other: STATE}).root_hash == hash_map_inner(shared, left, right)
    assert grow({one: STATE}).find(other, load_nothing) is None


@given(MAPPINGS, STATES, st.data())
def test_every_other_state_gives_another_root(states, state, data):
    subject = data.draw(SUBJECTS)
    same = states.get(subject) == state
    assert (grow(states | {subject: state}).root_hash == naive_root(states)) == same


# --- kept in pages ----------------------------------------------------------------------------------------


@given(MAPPINGS, st.dictionaries(SUBJECTS, st.none() | STATES, max_size=8), SUBJECTS)
def test_a_map_in_pages_is_the_same_map(states, changes, stranger):
    store, held = PagedStore(states), grow(states)
    assert store.open().root_hash == held.root_hash
    for subject in {*states, *changes, stranger}:
        assert store.open().find(subject, store.load) == states.get(subject)
    opened = store.open()
    assert opened.update(changes, store.load).root_hash == held.update(changes, load_nothing).root_hash
    assert opened.root_hash == held.root_hash


@given(MAPPINGS, st.dictionaries(SUBJECTS, STATES, min_size=1, max_size=8))
def test_the_pages_listed_after_an_update_are_those_of_a_map_built_afresh(states, changes):
    store, after = PagedStore(states), states | changes
    for status_map in (store.open().update(changes, store.load), grow(after)):
        listed, expected = pages_of(status_map, changes), naive_pages(after)
        assert listed == {
            place: found
            for place, found in expected.items()
            if place in naive_pages(dict.fromkeys(changes, STATE))
        }
        assert {**store.pages, **listed} == expected, "the others need not be written again"


@given(MAPPINGS, st.lists(SUBJECTS, max_size=8))
def test_the_pages_that_exist_are_listed_and_no_others(states, subjects):
    expected, wanted = naive_pages(states), naive_pages(dict.fromkeys(subjects, STATE))
    assert pages_of(grow(states), states) == expected
    assert pages_of(grow(states), subjects) == {
        place: found for place, found in expected.items() if place in wanted
    }
    assert pages_of(grow(states), []) == {}


@given(MAPPINGS, st.lists(st.dictionaries(SUBJECTS, STATES, min_size=1, max_size=5), min_size=1, max_size=4))
def test_a_map_lives_on_while_its_store_grows(states, batches):
    store = PagedStore(states)
    living = store.open()
    for changes in batches:
        living = living.update(changes, store.load)
        store.states |= changes
        store.pages |= pages_of(living, changes)
        assert living.root_hash == naive_root(store.states)
        assert store.pages == naive_pages(store.states)


def test_only_the_pages_on_the_way_are_loaded_and_each_once():
    states = {subject_of((number << 240) + low): STATE for number in range(0, 2**16, 517) for low in (0, 1)}
    store = PagedStore(states)
    opened = store.open()
    subject = subject_of(517 << 240)
    for _ in range(3):
        assert opened.find(subject, store.load) == STATE
        assert store.loaded == [(0, 0), (8, 2), (16, 517)]
    assert opened.find(subject_of(518 << 240), store.load) is None
    assert store.loaded == [(0, 0), (8, 2), (16, 517)], "no page holds it, and the pages loaded show that"
    opened.update({subject_of((517 << 240) + 7): OTHER}, store.load)
    assert len(store.loaded) == 3


def test_a_subject_beside_a_page_leaves_it_closed():
    store = PagedStore({subject_of(0xFF << 248): STATE})
    new = store.open().update({subject_of(0): OTHER}, store.load)
    assert store.loaded == [(0, 0)]
    assert new.root_hash == naive_root({subject_of(0xFF << 248): STATE, subject_of(0): OTHER})
    assert new.find(subject_of(0xFE << 248), store.load) is None


@pytest.mark.parametrize("number", [0, 1, 2**256 - 1, 0xFF << 248, 0x00FF << 240, 0x0100 << 240])
def test_a_map_of_one_page_is_opened_changed_and_emptied(number):
    subject = subject_of(number)
    store = PagedStore({subject: STATE})
    assert store.open().find(subject, store.load) == STATE
    assert store.open().update({subject: OTHER}, store.load).root_hash == naive_root({subject: OTHER})
    assert store.open().update({subject: None}, store.load) == EMPTY_MAP
    assert store.loaded.count((16, number >> 240)) == 3


@pytest.mark.parametrize("depth", PAGE_DEPTHS)
def test_neighbours_across_the_bound_of_a_page_are_kept_apart(depth):
    bound = 5 << 256 - depth
    states = {subject_of(bound - 1): STATE, subject_of(bound): OTHER}
    store = PagedStore(states)
    assert {prefix for found, prefix in store.pages if found == depth} == {4, 5}
    for subject, state in states.items():
        assert store.open().find(subject, store.load) == state
    new = states | {subject_of(bound - 2): OTHER, subject_of(bound + 1): STATE}
    assert store.open().update(new, store.load).root_hash == naive_root(new)


def test_an_empty_map_needs_no_pages():
    assert open_map(EMPTY_MAP_ROOT) == EMPTY_MAP
    assert EMPTY_MAP.find(subject_of(1), load_nothing) is None
    assert pages_of(EMPTY_MAP, edges()) == {}


# --- pages that lie ---------------------------------------------------------------------------------------


def broken_stores():
    """Yield why, a broken store, and a subject on the way to which it is found."""
    low, high = subject_of(0x0101 << 240), subject_of(0x0102 << 240)
    states = {low: STATE, subject_of((0x0101 << 240) + 1): OTHER, high: STATE}
    for why, change in {
        "a changed state": lambda store: store.states.update({low: OTHER}),
        "a missing subject": lambda store: store.states.pop(low),
        "a subject too many": lambda store: store.states.update({subject_of((0x0101 << 240) + 2): STATE}),
        "a changed page": lambda store: store.pages.update({(16, 0x0101): bytes(32)}),
        "a missing page": lambda store: store.pages.pop((16, 0x0101)),
        "a page too many": lambda store: store.pages.update({(16, 0x0103): bytes(32)}),
        "nothing under a page": lambda store: store.states.clear(),
        "no pages": lambda store: store.pages.clear(),
        "pages in each other's place": lambda store: store.pages.update(
            {(16, 0x0101): store.pages[16, 0x0102], (16, 0x0102): store.pages[16, 0x0101]}
        ),
    }.items():
        store = PagedStore(states)
        change(store)
        yield pytest.param(store, low, id=why)


@pytest.mark.parametrize(("store", "subject"), list(broken_stores()))
def test_a_store_that_does_not_hold_what_a_hash_promises_is_found(store, subject):
    with pytest.raises(LogIntegrityError, match="does not hold what its hash promises"):
        store.open().find(subject, store.load)
    with pytest.raises(LogIntegrityError, match="does not hold what its hash promises"):
        store.open().update({subject: OTHER}, store.load)


def test_a_store_of_another_map_is_found():
    store = PagedStore({subject_of(1): STATE})
    for root_hash in (bytes(32), naive_root({subject_of(1): OTHER}), naive_root({})):
        if root_hash != EMPTY_MAP_ROOT:
            with pytest.raises(LogIntegrityError):
                open_map(root_hash).find(subject_of(1), store.load)


ONE, TWO = subject_of(0x0101 << 240), subject_of((0x0101 << 240) + 1)
GOOD = naive_root({ONE: STATE, TWO: STATE})


@pytest.mark.parametrize(
    "content",
    [
        [],
        [(ONE, STATE)],
        [(ONE, STATE), (ONE, STATE)],
        [(ONE, STATE), (TWO, STATE), (TWO, STATE)],
        [(ONE, STATE), (ONE, OTHER)],
        [(ONE, OTHER), (TWO, STATE)],
        [(ONE, STATE), (subject_of((0x0102 << 240) + 1), STATE)],
        [Page(16, 0x0101, GOOD)],
        [Page(8, 0x01, GOOD)],
        [Page(16, 0x0102, GOOD)],
        [Page(0, 0, GOOD)],
    ],
)
def test_a_page_holds_each_subject_once_and_only_its_own(content):
    page = Page(16, 0x0101, GOOD)
    with pytest.raises(LogIntegrityError, match="16 bits 101, does not hold what its hash promises"):
        open_page(page, content)
    assert page.node is None, "nothing is kept of it"
    open_page(page, [(TWO, STATE), (ONE, STATE)])
    assert StatusMap(page).find(ONE, load_nothing) == STATE


def test_a_page_in_another_place_is_found_even_with_the_right_hash():
    moved = [Page(8, 2, naive_root({ONE: STATE}))]
    with pytest.raises(LogIntegrityError):
        open_page(Page(8, 1, naive_root({ONE: STATE})), moved)
    page = Page(8, 2, naive_root({ONE: STATE}))
    with pytest.raises(LogIntegrityError):
        open_page(page, [Page(16, 0x0101, naive_root({ONE: STATE}))])
    with pytest.raises(LogIntegrityError):
        open_page(Page(16, 0x0201, naive_root({ONE: STATE})), [(ONE, STATE)])


def test_what_is_not_loaded_is_an_error_and_no_guess():
    store = PagedStore(EVERYWHERE)
    for subject in edges():
        with pytest.raises(LogIntegrityError, match="is not at hand"):
            store.open().find(subject, load_nothing)
        with pytest.raises(LogIntegrityError, match="is not at hand"):
            list(store.open().list_pages([subject]))
    opened = store.open().update({edges()[0]: OTHER}, store.load)
    for subject in edges()[-3:]:
        with pytest.raises(LogIntegrityError, match="is not at hand"):
            list(opened.list_pages([subject]))


def test_a_large_map_is_the_same_in_memory_and_in_pages():
    subjects = [hashlib.sha256(bytes([0, number >> 8, number & 255])).digest() for number in range(3000)]
    states = {
        subject: SubjectState(Status.VALID, 1, LeafIndex(at), None) for at, subject in enumerate(subjects)
    }
    grown = EMPTY_MAP
    for begin, end in pairwise([0, 1, 2, 100, 256, 1500, 3000]):
        grown = grown.update(dict(list(states.items())[begin:end]), load_nothing)
    assert grown.root_hash == naive_root(states)
    store = PagedStore(states)
    assert pages_of(grown, subjects) == store.pages
    changes = dict.fromkeys(subjects[::300], OTHER) | dict.fromkeys(subjects[1::300])
    new = {subject: state for subject, state in (states | changes).items() if state is not None}
    assert store.open().update(changes, store.load).root_hash == naive_root(new)
