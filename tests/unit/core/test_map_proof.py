"""Proofs of the status map: what they show is so, and what they do not show is never "absent"."""

import hashlib
import os
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from map_world import MAPPINGS, STATES, SUBJECTS, PagedStore, edges, subject_of

from ledger.core.errors import InputError, LogIntegrityError, MalformedDocumentError, MapProofError
from ledger.core.ids import LeafIndex, Subject
from ledger.core.map_proof import MAX_MAP_PROOF_BYTES, build_map_proof, cut_map_proof, open_map_proof
from ledger.core.status import Status, SubjectState
from ledger.core.status_map import (
    EMPTY_MAP,
    EMPTY_MAP_ROOT,
    encode_state,
    hash_map_inner,
    hash_map_leaf,
    load_nothing,
    open_map,
)

STATE = SubjectState(Status.VALID, 1, LeafIndex(5), LeafIndex(5))
OTHER = SubjectState(Status.FAILED, 2, LeafIndex(9), LeafIndex(9))
VALUE = encode_state(STATE)
A, B, C, D = (subject_of(number << 252) for number in (0b0000, 0b0100, 0b1000, 0b1100))
STATES_OF_FOUR = {A: STATE, B: OTHER, C: STATE, D: OTHER}
"""Two at each side of bit 0, which part at bit 1."""


def grow(states):
    return EMPTY_MAP.update(states, load_nothing)


def prove(states, *subjects) -> bytes:
    return build_map_proof(grow(states), subjects, load_nothing)


def leaf(subject, state=STATE) -> bytes:
    return b"\x02" + subject + encode_state(state)


def inner(bit, left, right) -> bytes:
    return b"\x03" + bytes([bit]) + left + right


def cut(node_hash) -> bytes:
    return b"\x00" + node_hash


def hash_leaf(subject, state=STATE) -> bytes:
    return hash_map_leaf(subject, encode_state(state))


FOUR = grow(STATES_OF_FOUR).root_hash


# --- what a proof shows -----------------------------------------------------------------------------------


@given(MAPPINGS, st.lists(SUBJECTS, max_size=6), st.data())
def test_a_proof_shows_every_wanted_subject_present_or_absent(states, strangers, data):
    some = data.draw(st.lists(st.sampled_from(sorted(states)), max_size=6)) if states else []
    wanted = [*some, *strangers] or [subject_of(0)]
    grown = grow(states)
    proven = open_map_proof(build_map_proof(grown, wanted, load_nothing), grown.root_hash)
    for subject in wanted:
        assert proven.find(subject) == states.get(subject)


@given(MAPPINGS, SUBJECTS, st.lists(SUBJECTS, max_size=6))
def test_what_a_proof_does_not_show_is_an_error_and_never_absent(states, wanted, others):
    grown = grow(states)
    proven = open_map_proof(build_map_proof(grown, [wanted], load_nothing), grown.root_hash)
    for subject in {*states, *others}:
        try:
            found = proven.find(subject)
        except MapProofError:
            continue
        assert found == states.get(subject)


@given(MAPPINGS, st.lists(SUBJECTS, min_size=1, max_size=6), st.data())
def test_a_proof_that_is_cut_further_is_the_one_of_fewer_subjects(states, wanted, data):
    grown, fewer = grow(states), data.draw(st.lists(st.sampled_from(wanted), min_size=1, max_size=3))
    raw = build_map_proof(grown, wanted, load_nothing)
    cut = cut_map_proof(raw, grown.root_hash, fewer)
    assert cut == build_map_proof(grown, fewer, load_nothing)


def test_a_proof_cannot_be_cut_to_what_it_does_not_show():
    states = {A: STATE, C: STATE}
    root = grow(states).root_hash
    with pytest.raises(MapProofError, match="does not show"):
        cut_map_proof(prove(states, A), root, [C])
    with pytest.raises(MapProofError, match="another root"):
        cut_map_proof(prove(states, A), bytes(32), [A])


@given(MAPPINGS, st.lists(SUBJECTS, min_size=1, max_size=6))
def test_a_map_in_pages_gives_the_same_proofs(states, wanted):
    store = PagedStore(states)
    assert build_map_proof(store.open(), wanted, store.load) == prove(states, *wanted)
    if states:
        with pytest.raises(LogIntegrityError):
            build_map_proof(store.open(), wanted, load_nothing)


def test_the_empty_map_has_nobody():
    raw = prove({}, A)
    assert raw == b"\x04"
    proven = open_map_proof(raw, EMPTY_MAP_ROOT)
    assert [proven.find(subject) for subject in edges()] == [None] * len(edges())


def test_the_form_of_a_proof():
    rest = hash_map_inner(1, hash_leaf(C), hash_leaf(D, OTHER))
    assert prove(STATES_OF_FOUR, A) == inner(0, inner(1, leaf(A), cut(hash_leaf(B, OTHER))), cut(rest))
    absent = subject_of(int.from_bytes(A) + 1)
    assert prove(STATES_OF_FOUR, absent) == prove(STATES_OF_FOUR, A), "the path ends at another subject"
    assert prove({A: STATE}, B) == leaf(A)
    assert prove(STATES_OF_FOUR, A, D) == inner(
        0, inner(1, leaf(A), cut(hash_leaf(B, OTHER))), inner(1, cut(hash_leaf(C)), leaf(D, OTHER))
    )
    assert prove(STATES_OF_FOUR, A, A) == prove(STATES_OF_FOUR, A)


def test_only_the_path_is_shown():
    proven = open_map_proof(prove(STATES_OF_FOUR, A), FOUR)
    assert proven.find(A) == STATE
    for subject in (B, C, D, subject_of(int.from_bytes(B) + 1), subject_of(2**256 - 1)):
        with pytest.raises(MapProofError, match="does not show subject"):
            proven.find(subject)


def test_a_proof_for_nobody_shows_nobody():
    raw = prove(STATES_OF_FOUR)
    assert raw == cut(FOUR)
    for root_hash in (FOUR, EMPTY_MAP_ROOT):
        proven = open_map_proof(cut(root_hash), root_hash)
        for subject in STATES_OF_FOUR:
            with pytest.raises(MapProofError, match="does not show"):
                proven.find(subject)


def test_a_proof_in_a_large_map_is_short():
    subjects = [hashlib.sha256(number.to_bytes(4)).digest() for number in range(4096)]
    states = dict.fromkeys(subjects, STATE)
    grown = grow(states)
    for wanted in subjects[::512]:
        raw = build_map_proof(grown, [wanted], load_nothing)
        assert len(raw) <= 54 + 35 * 30
        assert open_map_proof(raw, grown.root_hash).find(wanted) == STATE


# --- changed proofs ---------------------------------------------------------------------------------------


def assert_refused(raw: bytes, root_hash: bytes) -> None:
    with pytest.raises((InputError, MapProofError)):
        open_map_proof(raw, root_hash)


@pytest.mark.parametrize(
    ("states", "wanted"),
    [
        ({}, [A]),
        ({A: STATE}, [A]),
        ({A: STATE}, [D]),
        (STATES_OF_FOUR, [A]),
        (STATES_OF_FOUR, [A, D]),
        (STATES_OF_FOUR, sorted(STATES_OF_FOUR)),
        (dict.fromkeys(edges(), OTHER), [edges()[3]]),
    ],
    ids=["empty", "alone", "absent", "one of four", "two of four", "all", "deep"],
)
def test_every_changed_bit_of_a_proof_is_refused(states, wanted):
    raw, root_hash = prove(states, *wanted), grow(states).root_hash
    for position in range(8 * len(raw)):
        changed = bytearray(raw)
        changed[position // 8] ^= 1 << position % 8
        assert_refused(bytes(changed), root_hash)


@given(MAPPINGS.filter(bool), st.lists(SUBJECTS, min_size=1, max_size=4), st.data())
def test_no_part_of_a_proof_can_be_dropped_doubled_or_replaced(states, wanted, data):
    raw, root_hash = prove(states, *wanted), grow(states).root_hash
    begin = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(begin, len(raw)))
    changed = raw[:begin] + data.draw(st.binary(max_size=40)) + raw[end:]
    if changed != raw:
        assert_refused(changed, root_hash)


@given(MAPPINGS, st.lists(SUBJECTS, min_size=1, max_size=4), st.integers(0, 255))
def test_every_changed_bit_of_the_root_is_refused(states, wanted, bit):
    grown = grow(states)
    other = subject_of(int.from_bytes(grown.root_hash) ^ 1 << bit)
    with pytest.raises(MapProofError, match="another root"):
        open_map_proof(build_map_proof(grown, wanted, load_nothing), other)


@pytest.mark.parametrize("wanted", [[A], [A, D], [A, B, C, D]])
def test_a_proof_that_is_cut_off_or_goes_on_is_malformed(wanted):
    raw = prove(STATES_OF_FOUR, *wanted)
    for length in range(len(raw)):
        with pytest.raises(MalformedDocumentError, match="is cut off"):
            open_map_proof(raw[:length], FOUR)
    for tail in (b"\x00", b"\x04", cut(bytes(32)), leaf(A), raw):
        with pytest.raises(MalformedDocumentError, match="goes on after its end"):
            open_map_proof(raw + tail, FOUR)


@pytest.mark.parametrize("kind", sorted(set(range(256)) - {0, 2, 3}))
def test_a_node_of_an_unknown_kind_is_malformed(kind):
    for raw in (bytes([kind]) + bytes(100), inner(0, bytes([kind]) + bytes(32), leaf(D))):
        with pytest.raises(MalformedDocumentError, match="unknown kind"):
            open_map_proof(raw, FOUR)


def test_the_empty_map_stands_alone():
    for raw in (inner(0, b"\x04", leaf(D)), inner(0, leaf(A), b"\x04"), b"\x04\x04", b"\x04" + leaf(A)):
        assert_refused(raw, EMPTY_MAP_ROOT)
        assert_refused(raw, FOUR)


# --- misshapen tries --------------------------------------------------------------------------------------
# Each is hashed rightly, so that its root is the one asked for: a log that lies could state it.


@pytest.mark.parametrize(("above", "below"), [(0, 0), (1, 0), (1, 1), (255, 254), (255, 255), (255, 0)])
def test_bits_grow_on_the_way_down(above, below):
    nodes, hashes = cut(A), hash_map_inner(below, A, A)
    for raw, root_hash in (
        (inner(above, inner(below, nodes, nodes), nodes), hash_map_inner(above, hashes, A)),
        (inner(above, nodes, inner(below, nodes, nodes)), hash_map_inner(above, A, hashes)),
    ):
        with pytest.raises(MalformedDocumentError, match="out of order"):
            open_map_proof(raw, root_hash)


@pytest.mark.parametrize("bit", [0, 1, 7, 8, 127, 254, 255])
def test_a_subject_lies_where_its_bits_lead(bit):
    zero, one = subject_of(0), subject_of(1 << 255 - bit)
    right_way = inner(bit, leaf(zero), leaf(one))
    proven = open_map_proof(right_way, hash_map_inner(bit, hash_leaf(zero), hash_leaf(one)))
    assert (proven.find(zero), proven.find(one)) == (STATE, STATE)
    for left, right in ((one, zero), (zero, zero), (one, one)):
        with pytest.raises(MalformedDocumentError, match="where its bits do not lead"):
            open_map_proof(
                inner(bit, leaf(left), leaf(right)), hash_map_inner(bit, hash_leaf(left), hash_leaf(right))
            )


def test_a_subject_in_a_second_place_deeper_down_is_refused():
    deep = inner(1, leaf(B), leaf(A))
    raw = inner(0, deep, leaf(D))
    root_hash = hash_map_inner(0, hash_map_inner(1, hash_leaf(B), hash_leaf(A)), hash_leaf(D))
    with pytest.raises(MalformedDocumentError, match="where its bits do not lead"):
        open_map_proof(raw, root_hash)


@pytest.mark.parametrize(
    ("outer", "left", "right"), [(A, C, B), (A, A, D), (A, A, B), (C, A, D), (C, C, B), (C, C, D)]
)
def test_every_bit_on_the_way_counts(outer, left, right):
    """A subject must agree with the way above its parent too."""
    below = hash_map_inner(1, hash_leaf(left), hash_leaf(right))
    nodes = inner(1, leaf(left), leaf(right))
    raw, root_hash = (
        (inner(0, leaf(outer), nodes), hash_map_inner(0, hash_leaf(outer), below))
        if outer == A
        else (inner(0, nodes, leaf(outer)), hash_map_inner(0, below, hash_leaf(outer)))
    )
    with pytest.raises(MalformedDocumentError, match="where its bits do not lead"):
        open_map_proof(raw, root_hash)


@pytest.mark.parametrize("code", [0, 9, 15, 18, 254])
def test_a_leaf_with_an_unknown_status_is_malformed(code):
    raw = b"\x02" + A + bytes([code]) + VALUE[1:]
    with pytest.raises(MalformedDocumentError, match="unknown status"):
        open_map_proof(raw, hash_map_leaf(A, raw[33:]))


def test_a_hash_of_one_kind_does_not_pass_for_another():
    value = encode_state(STATE)
    assert_refused(cut(hash_leaf(A)), hash_leaf(B))
    assert_refused(leaf(A), hashlib.sha256(A + value).digest())
    assert_refused(inner(0, leaf(A), leaf(D)), hashlib.sha256(b"\x01" + hash_leaf(A) + hash_leaf(D)).digest())
    assert_refused(inner(0, leaf(A), leaf(D)), hashlib.sha256(b"\x03" + hash_leaf(A) + hash_leaf(D)).digest())


# --- other maps -------------------------------------------------------------------------------------------


@given(MAPPINGS, SUBJECTS, st.none() | STATES)
def test_a_map_that_lies_about_a_subject_has_another_root(states, subject, lie):
    honest = grow(states)
    liar = honest.update({subject: lie}, load_nothing)
    raw = build_map_proof(liar, [subject], load_nothing)
    if lie == states.get(subject):
        assert open_map_proof(raw, honest.root_hash).find(subject) == lie
    else:
        with pytest.raises(MapProofError, match="another root"):
            open_map_proof(raw, honest.root_hash)


def test_nodes_of_two_proofs_do_not_mix():
    older, newer = STATES_OF_FOUR, STATES_OF_FOUR | {A: OTHER}
    whole = {"older": prove(older, *older), "newer": prove(newer, *newer)}
    size = len(leaf(A))
    assert len(whole["older"]) == len(whole["newer"]) == 3 * 2 + 4 * size
    for begin in range(0, len(whole["older"]), 2):
        for end in range(begin + 1, len(whole["older"]) + 1, 7):
            mixed = whole["older"][:begin] + whole["newer"][begin:end] + whole["older"][end:]
            if mixed not in whole.values():
                assert_refused(mixed, grow(older).root_hash)
                assert_refused(mixed, grow(newer).root_hash)
    assert_refused(whole["older"], grow(newer).root_hash)
    assert_refused(whole["newer"], grow(older).root_hash)


def test_proofs_of_two_subjects_side_by_side_are_none():
    for one, other in ((A, D), (D, A), (A, A)):
        assert_refused(prove(STATES_OF_FOUR, one) + prove(STATES_OF_FOUR, other), FOUR)


# --- any bytes --------------------------------------------------------------------------------------------

NODES = st.recursive(
    st.builds(cut, st.binary(min_size=32, max_size=32))
    | st.builds(leaf, SUBJECTS, STATES)
    | st.sampled_from([b"\x04", b"\x05", b""]),
    lambda below: st.builds(inner, st.integers(0, 255), below, below),
    max_leaves=12,
)


@given(st.binary(max_size=200) | NODES | st.builds(bytes.__add__, NODES, st.binary(max_size=5)))
def test_any_bytes_are_refused_as_input_or_as_evidence(raw):
    assert_refused(raw, FOUR)


@given(st.sampled_from([A, B, C, D]), st.binary(max_size=300))
def test_any_bytes_in_a_proof_that_begins_well_are_refused(subject, tail):
    raw = prove(STATES_OF_FOUR, subject)
    for length in (1, 2, 4, 34, 56, len(raw) - 1):
        if raw[:length] + tail != raw:
            assert_refused(raw[:length] + tail, FOUR)


def test_the_deepest_trie_can_be_read():
    subjects = [subject_of(0), *(subject_of(1 << bit) for bit in range(256))]
    grown = grow(dict.fromkeys(subjects, STATE))
    proven = open_map_proof(build_map_proof(grown, subjects[:1], load_nothing), grown.root_hash)
    assert proven.find(subjects[0]) == STATE
    endless = b"".join(b"\x03" + bytes([bit]) for bit in range(256))
    for raw in (endless, endless * 100):
        with pytest.raises(MalformedDocumentError):
            open_map_proof(raw, FOUR)


def test_a_proof_has_a_largest_size():
    with pytest.raises(MalformedDocumentError, match=f"at most {MAX_MAP_PROOF_BYTES}"):
        open_map_proof(bytes(MAX_MAP_PROOF_BYTES + 1), FOUR)
    with pytest.raises(MalformedDocumentError, match="goes on after its end"):
        open_map_proof(bytes(MAX_MAP_PROOF_BYTES), FOUR)


def test_a_map_that_is_not_at_hand_proves_nothing():
    with pytest.raises(LogIntegrityError, match="is not at hand"):
        build_map_proof(open_map(FOUR), [A], load_nothing)


# --- many -------------------------------------------------------------------------------------------------

MANY = 100_000 if os.environ.get("HENGZHENG_LONG") == "1" else 2_000


def test_many_random_subjects_present_and_absent():
    """Each is proved by itself: half are in the map; of the others half differ from one that is in a single bit."""
    pick = random.Random(19)
    subjects = [Subject(pick.randbytes(32)) for _ in range(MANY)]
    states = {
        subject: SubjectState(pick.choice(list(Status)), number % 2**32, LeafIndex(number), None)
        for number, subject in enumerate(subjects[: MANY // 2])
    }
    grown = grow(states)
    for number in range(MANY // 2):
        near = int.from_bytes(subjects[number]) ^ 1 << pick.randrange(256)
        subjects[MANY // 2 + number] = subject_of(near) if number % 2 else subjects[MANY // 2 + number]
    for subject in subjects:
        proven = open_map_proof(build_map_proof(grown, [subject], load_nothing), grown.root_hash)
        assert proven.find(subject) == states.get(subject)
    assert len(states) == MANY // 2
