"""The log over a store in memory: who gets in, who is refused, and what failures leave behind."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from fakes import WRITE_STEPS, MemoryStore, MemoryTransaction
from log_invariants import assert_sound
from reference import ReferenceTree
from world import FOUNDING, INSTITUTION, NOW, ORIGIN, Clock, Issued, World, make_signer, submit, to_submission

from ledger.core.checkpoint import Checkpoint, sign_checkpoint, verify_checkpoint
from ledger.core.entry import encode_leaf, parse_leaf
from ledger.core.errors import (
    AlreadyIssuedError,
    DocumentRefusedError,
    InputError,
    LogIntegrityError,
    StaleVersionError,
    StateError,
    StoreUnavailableError,
)
from ledger.core.event import EventType, certificate_subject
from ledger.core.ids import CertificateNumber, LeafIndex
from ledger.core.maphead import get_map_root
from ledger.core.merkle import EMPTY_ROOT, verify_consistency
from ledger.core.note import NoteVerifier
from ledger.core.register_fields import RegisterState
from ledger.core.status import Status
from ledger.log import CLOCK_TOLERANCE_MS, MAX_BATCH, Log
from ledger.submission import Acknowledgement, Refusal

WORLD = World()


def open_log(store, clock=None, **options):
    return Log(store, ORIGIN, WORLD.log_key, clock or Clock(), **options)


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def log(store, clock):
    log = open_log(store, clock)
    assert all(isinstance(result, Acknowledgement) for result in submit(log, *WORLD.founding()))
    return log


def refusal(results):
    (result,) = results
    assert isinstance(result, Refusal)
    return result.error


# --- what gets in -------------------------------------------------------------------------------------------


def test_an_empty_log_has_no_checkpoint(store):
    log = open_log(store)
    assert (log.head.tree_size, log.head.root_hash, log.checkpoint) == (0, EMPTY_ROOT, "")


def test_leaves_are_gap_free_and_hold_the_statements_unchanged(log, store):
    raws = [WORLD.bare_issue(number) for number in range(5)]
    results = submit(log, *raws)
    assert [result.leaf_index for result in results] == list(range(FOUNDING, FOUNDING + 5))
    assert [parse_leaf(result.leaf).statement_raw for result in results] == raws
    assert [entry.leaf for entry in store.data.entries[FOUNDING:-1]] == [result.leaf for result in results]


def test_the_checkpoint_signs_the_root_of_the_stored_leaves(log, store):
    for number in range(300):
        submit(log, WORLD.bare_issue(number))
    leaves = [entry.leaf for entry in store.data.entries]
    root = ReferenceTree(leaves).mth(0, len(leaves))
    expected = Checkpoint(ORIGIN, len(leaves), root)
    assert verify_checkpoint(log.checkpoint, NoteVerifier(ORIGIN, WORLD.log_key.public_key)) == expected
    assert store.data.checkpoints[len(leaves)].note == log.checkpoint


def test_the_header_says_when_where_and_with_what_effect(log, clock):
    clock.move(milliseconds=1234)
    submit(log, WORLD.bare_issue(1))
    (again,) = submit(log, WORLD.bare_issue(2, instrument=1, version=1))
    header = again.header
    assert (header.status, header.version, header.prev) == (Status.VALID, 2, FOUNDING)
    assert header.sequenced_at == NOW + timedelta(milliseconds=1234)


def test_a_document_is_stored_with_its_leaf(log, store):
    issued = WORLD.issue(1)
    (result,) = submit(log, issued)
    assert store.data.documents[result.header.certificate_digest] == issued.body


def test_states_are_those_of_the_newest_events(log, store):
    submit(log, WORLD.bare_issue(1), WORLD.bare_issue(2, instrument=1, version=1))
    document = certificate_subject(INSTITUTION, CertificateNumber("B-0000001"))
    assert store.data.states[document].last_event == FOUNDING
    instrument = parse_leaf(store.data.entries[FOUNDING].leaf).header.subject
    assert store.data.states[instrument].current_certificate == FOUNDING + 1


def test_one_batch_may_hold_statements_that_build_on_each_other(store):
    log = open_log(store)
    results = submit(
        log, *WORLD.founding(), WORLD.bare_issue(1), WORLD.bare_issue(2, instrument=1, version=1)
    )
    assert all(isinstance(result, Acknowledgement) for result in results)
    assert list(store.data.checkpoints) == [FOUNDING + 2]
    assert results[-1].leaf_index == FOUNDING


def test_old_registers_stay_as_they_were_for_whoever_holds_them(log):
    before = log.registers
    submit(log, WORLD.institution("350200-02", division="350200"))
    assert "350200-02" not in before.institutions
    assert "350200-02" in log.registers.institutions


# --- once ---------------------------------------------------------------------------------------------------


def test_a_known_statement_is_answered_with_its_stored_leaf_and_signs_nothing(log, store, clock):
    (first,) = submit(log, WORLD.bare_issue(1))
    head = log.head
    clock.move(hours=1)
    (again,) = submit(log, WORLD.bare_issue(1))
    assert again == first
    assert log.head == head
    assert len(store.data.checkpoints) == 2


def test_the_same_statement_twice_in_one_batch_is_one_leaf(log):
    first, second = submit(log, WORLD.bare_issue(1), WORLD.bare_issue(1))
    assert first == second
    assert log.head.tree_size == FOUNDING + 2


def test_a_statement_stored_under_the_name_of_another_is_an_alarm(log, store):
    submit(log, WORLD.bare_issue(1))
    entry = store.data.entries[-2]
    store.data.entries[-2] = replace_leaf(entry, entry.leaf[:-1] + bytes([entry.leaf[-1] ^ 1]))
    with pytest.raises(LogIntegrityError, match="name of another"):
        submit(log, WORLD.bare_issue(1))


def replace_leaf(entry, leaf):
    return entry._replace(leaf=leaf)


# --- the status map -----------------------------------------------------------------------------------------


def maphead(store):
    return parse_leaf(store.data.entries[-1].leaf).header


def test_every_batch_ends_with_the_map_of_its_states(log, store):
    for start, count in ((0, 1), (1, 5), (6, 300)):
        submit(log, *map(WORLD.bare_issue, range(start, start + count)))
    submit(log, WORLD.bare_issue(400, instrument=3, version=1), WORLD.institution(version=1))
    assert (maphead(store).type, maphead(store).version) == (EventType.MAPHEAD, 5)
    assert_sound(store)


def test_a_subject_that_changes_twice_in_a_batch_is_in_the_map_once_and_was_replaced_once(log, store):
    submit(log, WORLD.bare_issue(1))
    submit(log, WORLD.bare_issue(2, instrument=1, version=1), WORLD.bare_issue(3, instrument=1, version=2))
    assert_sound(store)


def test_leaves_without_effect_leave_the_map_as_it_was(log, store, clock):
    before = maphead(store)
    submit(open_log(store, clock, keep_void=True), WORLD.bare_issue(1, seal=make_signer("stranger")))
    assert get_map_root(maphead(store)) == get_map_root(before)
    assert maphead(store).version == 2
    assert_sound(store)


def change_state(data):
    subject, state = find_instrument(data)
    data.states[subject] = replace(state, last_event=LeafIndex(2))


def find_instrument(data):
    subject = parse_leaf(data.entries[FOUNDING].leaf).header.subject
    return subject, data.states[subject]


def change_page(data, depth):
    subject, _ = find_instrument(data)
    place = depth, int.from_bytes(subject[: depth // 8])
    data.pages[place] = flip(data.pages[place])


def add_stranger(data):
    subject, state = find_instrument(data)
    data.states[flip(subject)] = state


def lose_page(data, depth):
    subject, _ = find_instrument(data)
    del data.pages[depth, int.from_bytes(subject[: depth // 8])]


MAP_DAMAGE = {
    "other state": change_state,
    "stranger": add_stranger,
    "other page of 8 bits": lambda data: change_page(data, 8),
    "other page of 16 bits": lambda data: change_page(data, 16),
    "lost page of 8 bits": lambda data: lose_page(data, 8),
    "lost page of 16 bits": lambda data: lose_page(data, 16),
}


@pytest.mark.parametrize("damage", MAP_DAMAGE)
def test_what_changed_in_the_map_behind_the_logs_back_is_not_built_upon(log, store, clock, damage):
    submit(log, *map(WORLD.bare_issue, range(100)))
    MAP_DAMAGE[damage](store.data)
    before = store.data.copy()
    with pytest.raises(LogIntegrityError, match="does not hold what its hash promises"):
        submit(open_log(store, clock), WORLD.bare_issue(100, instrument=0, version=1))
    assert store.data == before


# --- refusals -----------------------------------------------------------------------------------------------


def test_a_number_is_given_once(log):
    submit(log, WORLD.bare_issue(1))
    other = WORLD.bare_issue(1, instrument=2, certificate=2)
    error = refusal(submit(log, other))
    assert isinstance(error, AlreadyIssuedError)
    assert str(error) == f"number B-0000001 is taken by leaf {FOUNDING}"


def test_a_number_is_given_once_within_a_batch(log):
    first, second = submit(log, WORLD.bare_issue(1), WORLD.bare_issue(1, instrument=2, certificate=2))
    assert isinstance(first, Acknowledgement)
    assert isinstance(second.error, AlreadyIssuedError)


def test_a_certificate_is_issued_once(log):
    submit(log, Issued(WORLD.bare_issue(1), b"the certificate"))
    error = refusal(submit(log, WORLD.bare_issue(2, certificate=1)))
    assert isinstance(error, AlreadyIssuedError)
    assert "by another statement" in str(error)


def test_a_certificate_is_issued_once_within_a_batch(log):
    first, second = submit(
        log, Issued(WORLD.bare_issue(1), b"the certificate"), WORLD.bare_issue(2, certificate=1)
    )
    assert isinstance(first, Acknowledgement)
    assert isinstance(second.error, AlreadyIssuedError)


@pytest.mark.parametrize("version", [0, 2, 7])
def test_a_stale_version_is_refused(log, version):
    submit(log, WORLD.bare_issue(1))
    error = refusal(submit(log, WORLD.bare_issue(2, instrument=1, version=version)))
    assert isinstance(error, StaleVersionError)
    assert str(error) == f"expects version {version}; the newest is 1"


def test_a_stale_version_of_a_register_is_refused(log):
    error = refusal(submit(log, WORLD.institution(state=RegisterState.SUSPENDED)))
    assert isinstance(error, StaleVersionError)


def test_of_two_for_the_same_version_in_one_batch_the_first_wins(log):
    submit(log, WORLD.bare_issue(1))
    first, second = submit(
        log, WORLD.bare_issue(2, instrument=1, version=1), WORLD.bare_issue(3, instrument=1, version=1)
    )
    assert isinstance(first, Acknowledgement)
    assert isinstance(second.error, StaleVersionError)


def test_what_has_no_effect_is_refused_with_the_folds_reason(log):
    error = refusal(submit(log, WORLD.bare_issue(1, seal=make_signer("stranger"))))
    assert isinstance(error, DocumentRefusedError)
    assert error.reasons[0].code == "NO_EFFECT"
    assert error.reasons[0].en == f"the key is not registered for {INSTITUTION}"
    assert error.reasons[0].zh


def test_a_key_that_was_withdrawn_in_the_same_batch_signs_no_more(log):
    results = submit(
        log, WORLD.bare_issue(1), WORLD.key(version=1, state=RegisterState.WITHDRAWN), WORLD.bare_issue(2)
    )
    assert [type(result) for result in results] == [Acknowledgement, Acknowledgement, Refusal]
    assert "not active" in str(results[2].error)


def test_nothing_comes_before_the_root(store):
    log = open_log(store)
    assert all(isinstance(result, Refusal) for result in submit(log, *WORLD.founding()[1:]))
    assert log.head.tree_size == 0


def test_refusals_leave_no_trace(log, store):
    before = store.data
    submit(log, WORLD.bare_issue(1, version=9), WORLD.bare_issue(2, seal=make_signer("stranger")))
    assert store.data == before


def test_refused_and_accepted_keep_their_order(log):
    results = submit(log, WORLD.bare_issue(1), WORLD.bare_issue(2, version=3), WORLD.bare_issue(3))
    assert [type(result) for result in results] == [Acknowledgement, Refusal, Acknowledgement]
    assert results[2].leaf_index == FOUNDING + 1


def test_too_large_a_batch_is_refused_whole(log):
    submission = to_submission(WORLD.bare_issue(1))
    with pytest.raises(InputError):
        log.append([submission] * (MAX_BATCH + 1))
    assert log.head.tree_size == FOUNDING


def test_an_empty_batch_does_nothing(log, store):
    assert log.append([]) == []
    assert len(store.data.checkpoints) == 1


# --- a log that misbehaves ----------------------------------------------------------------------------------


def test_a_misbehaving_log_makes_void_leaves_that_change_nothing(log, store, clock):
    bad = open_log(store, clock, keep_void=True)
    states = dict(store.data.states)
    (result,) = submit(bad, WORLD.bare_issue(1, seal=make_signer("stranger")))
    assert (result.header.status, result.header.version) == (Status.VOID, 0)
    assert store.data.states == states
    assert isinstance(submit(bad, WORLD.bare_issue(1))[0], Acknowledgement)
    assert open_log(store).head.tree_size == FOUNDING + 4


def test_a_misbehaving_log_keeps_a_second_leaf_for_a_taken_number(log, store, clock):
    bad = open_log(store, clock, keep_void=True)
    submit(bad, WORLD.bare_issue(1))
    (result,) = submit(bad, WORLD.bare_issue(1, instrument=2, certificate=2))
    assert result.header.status == Status.VOID


# --- time ---------------------------------------------------------------------------------------------------


def test_a_clock_that_falls_back_a_little_stands_still(log, clock):
    clock.move(milliseconds=-CLOCK_TOLERANCE_MS)
    (result,) = submit(log, WORLD.bare_issue(1))
    assert result.header.sequenced_at == NOW


def test_a_clock_that_falls_back_further_stops_the_log(log, store, clock):
    before = store.data
    clock.move(milliseconds=-CLOCK_TOLERANCE_MS - 1)
    with pytest.raises(StateError, match="clock is behind the newest leaf, which is of 2026-11-02T08:00:00"):
        submit(log, WORLD.bare_issue(1))
    assert store.data == before
    clock.now = NOW
    assert isinstance(submit(log, WORLD.bare_issue(1))[0], Acknowledgement)


def test_time_never_decreases_from_leaf_to_leaf(log, store, clock):
    for number, seconds in enumerate((3, -2, -2, 10, -5)):
        clock.move(seconds=seconds)
        submit(log, WORLD.bare_issue(number))
    times = [parse_leaf(entry.leaf).header.sequenced_at_ms for entry in store.data.entries]
    assert times == sorted(times)
    assert store.data.head.sequenced_at_ms == times[-1]


# --- failures -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", WRITE_STEPS)
def test_after_a_failure_nothing_is_written_and_a_retry_succeeds(log, store, clock, step):
    log = open_log(store, clock)
    before, registers = store.data, log.registers
    store.fail_at(step)
    with pytest.raises(StoreUnavailableError):
        submit(log, WORLD.institution("350200-02", division="350200"), WORLD.bare_issue(1))
    assert store.data == before
    assert log.registers is registers
    results = submit(log, WORLD.institution("350200-02", division="350200"), WORLD.bare_issue(1))
    assert [result.leaf_index for result in results] == [FOUNDING, FOUNDING + 1]
    assert_sound(store)


def test_after_a_commit_that_was_written_a_retry_finds_the_same_leaf(log, store):
    store.fail_at("commit", written=True)
    with pytest.raises(StoreUnavailableError):
        submit(log, WORLD.bare_issue(1), WORLD.bare_issue(2))
    size = store.data.head.tree_size
    results = submit(log, WORLD.bare_issue(1), WORLD.bare_issue(2))
    assert [result.leaf_index for result in results] == [FOUNDING, FOUNDING + 1]
    assert log.head.tree_size == size == FOUNDING + 3


@pytest.mark.parametrize("retry", [[1, 2], [1, 3], [3]])
@pytest.mark.parametrize("written", [False, True])
def test_whatever_is_sent_after_a_failed_commit_the_log_stays_one(log, store, written, retry):
    store.fail_at("commit", written=written)
    with pytest.raises(StoreUnavailableError):
        submit(log, WORLD.bare_issue(1), WORLD.bare_issue(2))
    assert all(isinstance(result, Acknowledgement) for result in submit(log, *map(WORLD.bare_issue, retry)))
    assert_one_history(store)


def assert_one_history(store):
    tree = ReferenceTree([entry.leaf for entry in store.data.entries])
    heads = [(stored.tree_size, stored.root_hash) for stored in store.data.checkpoints.values()]
    assert all(tree.mth(0, size) == root for size, root in heads)
    assert all(
        verify_consistency(old[0], new[0], old[1], new[1], tree.proof(old[0], new[0])) is None
        for old, new in pairwise(heads)
    )


class LyingTransaction(MemoryTransaction):
    """Gives back something else than was stored."""

    lie = "leaf"

    def read_leaves(self, begin, end):
        leaves = super().read_leaves(begin, end)
        return [flip(leaf) for leaf in leaves] if self.lie == "leaf" else leaves

    def read_tile(self, tile):
        hashes = super().read_tile(tile)
        return flip(hashes) if self.lie == f"tile {tile.level}" else hashes


def flip(raw):
    return raw[:-1] + bytes([raw[-1] ^ 1])


@pytest.mark.parametrize("lie", ["leaf", "tile 0", "tile 1"])
def test_what_is_not_stored_as_meant_is_not_signed(log, store, monkeypatch, lie):
    for start in (0, 250):
        submit(log, *map(WORLD.bare_issue, range(start, start + 250)))
    before = store.data
    monkeypatch.setattr("fakes.MemoryTransaction", type("Lying", (LyingTransaction,), {"lie": lie}))
    with pytest.raises(LogIntegrityError):
        submit(log, *map(WORLD.bare_issue, range(500, 600)))
    assert store.data == before


def test_a_head_that_moves_under_the_lock_is_an_alarm(log, store, monkeypatch):
    monkeypatch.setattr(MemoryTransaction, "write_batch", lambda self, batch: False)
    with pytest.raises(LogIntegrityError, match="moved the head"):
        submit(log, WORLD.bare_issue(1))
    monkeypatch.undo()
    assert isinstance(submit(log, WORLD.bare_issue(1))[0], Acknowledgement)


def test_two_logs_on_one_store_write_one_history(log, store, clock):
    other = open_log(store, clock)
    results = []
    for number in range(6):
        results += submit((log, other)[number % 2], WORLD.bare_issue(number))
    assert [result.leaf_index for result in results] == list(range(FOUNDING, FOUNDING + 12, 2))
    assert_one_history(store)


def test_a_log_that_stood_by_knows_the_new_keys(log, store, clock):
    other = open_log(store, clock)
    submit(log, WORLD.key(version=1, state=RegisterState.WITHDRAWN))
    assert "not active" in str(refusal(submit(other, WORLD.bare_issue(1))))


def test_a_store_that_went_back_to_a_backup_is_an_alarm(log, store):
    backup = store.data
    submit(log, WORLD.bare_issue(1))
    store.data = backup
    for _ in range(2):
        with pytest.raises(LogIntegrityError, match=f"lost leaves below {FOUNDING + 2}"):
            submit(log, WORLD.bare_issue(1))
    assert store.data == backup


@pytest.mark.parametrize("more", [0, 1, 300])
def test_a_store_with_another_history_is_an_alarm(log, store, clock, more):
    backup = store.data
    submit(log, WORLD.bare_issue(1))
    store.data = backup
    submit(open_log(store, clock), *map(WORLD.bare_issue, range(2, 3 + more)))
    with pytest.raises(LogIntegrityError, match=f"lost leaves below {FOUNDING + 2}"):
        submit(log, WORLD.bare_issue(9999))


# --- opening ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [FOUNDING, FOUNDING + 2, 255, 256, 257, 511, 512, 513])
def test_a_reopened_log_goes_on_where_it_was(log, store, size):
    submit(log, *map(WORLD.bare_issue, range(size - FOUNDING - 1)))
    again = open_log(store)
    assert (again.head, again.checkpoint, again.registers) == (log.head, log.checkpoint, log.registers)
    (result,) = submit(again, WORLD.bare_issue(9999))
    assert result.leaf_index == size
    assert_sound(store)


def test_a_reopened_log_writes_what_the_open_one_would(log, store):
    submit(log, *map(WORLD.bare_issue, range(300)))
    other = MemoryStore()
    other.data = store.data.copy()
    for issue in (WORLD.bare_issue(300), WORLD.bare_issue(301, instrument=7, version=1)):
        submit(log, issue)
        submit(open_log(other), issue)
    assert other.data == store.data
    assert_sound(store)


def test_a_log_of_another_name_is_not_opened(log, store):
    with pytest.raises(StateError, match=f"the root is that of the log {ORIGIN}"):
        Log(store, "ledger.example/other", WORLD.log_key, Clock())


def test_a_log_under_another_key_is_not_opened(log, store):
    with pytest.raises(StateError, match="another log key"):
        Log(store, ORIGIN, make_signer("other"), Clock())


def test_an_empty_store_waits_for_the_root_of_its_own_log(store):
    log = Log(store, "ledger.example/other", WORLD.log_key, Clock())
    with pytest.raises(StateError, match=r"ledger\.example/test"):
        submit(log, WORLD.root())
    assert store.data == MemoryStore().data


def test_an_empty_store_takes_no_root_that_names_another_log_key(store):
    log = Log(store, ORIGIN, make_signer("other"), Clock())
    with pytest.raises(StateError, match="log key"):
        submit(log, WORLD.root())
    assert store.data == MemoryStore().data


def foreign_note(head):
    return sign_checkpoint(Checkpoint(ORIGIN, head.tree_size, head.root_hash), make_signer("other"))


def change_maphead(data, **changes):
    entry = data.entries[-1]
    leaf = encode_leaf(replace(parse_leaf(entry.leaf).header, **changes), b"")
    data.entries[-1] = entry._replace(leaf=leaf)


DAMAGE = {
    "head behind": lambda data: setattr(data, "head", replace(data.head, tree_size=data.head.tree_size - 1)),
    "other root": lambda data: setattr(data, "head", replace(data.head, root_hash=bytes(32))),
    "lost checkpoint": lambda data: data.checkpoints.pop(max(data.checkpoints)),
    "no checkpoint": lambda data: data.checkpoints.clear(),
    "swapped checkpoint": lambda data: data.checkpoints.update(
        {FOUNDING + 2: replace(data.checkpoints[FOUNDING], tree_size=FOUNDING + 2)}
    ),
    "foreign checkpoint": lambda data: data.checkpoints.update(
        {FOUNDING + 2: replace(data.checkpoints[FOUNDING + 2], note=foreign_note(data.head))}
    ),
    "flipped tile": lambda data: data.tiles.update({(0, 0): flip(data.tiles[0, 0])}),
    "lost tile": lambda data: data.tiles.clear(),
    "map of another root": lambda data: change_maphead(data, certificate_digest=bytes(32)),
    "miscounted map": lambda data: change_maphead(data, version=7),
    "map in another place": lambda data: change_maphead(data, prev=FOUNDING - 2),
    "no map": lambda data: data.entries.__setitem__(-1, data.entries[-2]._replace(leaf_index=FOUNDING + 1)),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_store_that_contradicts_itself_is_not_opened(log, store, damage):
    submit(log, WORLD.bare_issue(1))
    DAMAGE[damage](store.data)
    with pytest.raises(LogIntegrityError):
        open_log(store)


def test_the_index_of_an_acknowledgement_is_that_of_the_stored_leaf(log, store):
    for result in submit(log, *map(WORLD.bare_issue, range(3))):
        assert store.data.entries[result.leaf_index].leaf == result.leaf
        assert result.leaf_index == LeafIndex(store.data.entries[result.leaf_index].leaf_index)
