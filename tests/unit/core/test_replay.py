"""Replay: a log is what its leaves give, and each contradiction is named before anything has changed."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_in_memory import MemoryLedger, make_rejection, make_signer, seal_record
from map_world import naive_root

from ledger.core.entry import LeafHeader, encode_leaf, parse_leaf
from ledger.core.errors import VerificationError
from ledger.core.event import EventType
from ledger.core.ids import Digest, LeafIndex, Subject
from ledger.core.maphead import build_maphead
from ledger.core.register_fields import RegisterState
from ledger.core.replay import Replay
from ledger.core.status import Effect, Status, Void
from ledger.core.status_map import EMPTY_MAP, EMPTY_MAP_ROOT, load_nothing


def make_ledger() -> MemoryLedger:
    """Return a log of 14 leaves: MAPHEADs at 5, 9 and 13, a VOID leaf at 8."""
    ledger = MemoryLedger().found()
    ledger.publish()
    ledger.issue(1)
    ledger.issue_record(make_rejection(2))
    ledger.issue(1)
    ledger.publish()
    ledger.append(ledger.key(version=1, state=RegisterState.WITHDRAWN))
    ledger.append(ledger.key(seal="second"))
    ledger.issue(3, seal="second")
    ledger.publish()
    return ledger


LEDGER = make_ledger()
MAPHEADS, VOID = [5, 9, 13], 8


def replay(leaves) -> Replay:
    replaying = Replay()
    for leaf in leaves:
        replaying.take(leaf)
    return replaying


def show(replaying: Replay) -> tuple[Any, ...]:
    """Return everything that a replay holds."""
    registers = replaying.registers
    held = (registers.root, registers.authorities, registers.institutions, registers.scopes, registers.keys)
    return (
        (replaying.tree.size, replaying.tree.root(), replaying.map.root_hash, replaying.maphead),
        dict(replaying.states),
        [dict(one) if isinstance(one, dict) else one for one in held],
        (dict(replaying._changes), replaying._mapheads, replaying._newest_ms),
    )


def assert_refused(replaying: Replay, raw: bytes, saying: str) -> None:
    before = show(replaying)
    with pytest.raises(VerificationError, match=saying):
        replaying.take(raw)
    assert show(replaying) == before, "nothing has changed"


def changed(index: int, **changes: Any) -> bytes:
    leaf = parse_leaf(LEDGER.leaves[index])
    return encode_leaf(replace(leaf.header, **changes), leaf.statement_raw)


def header_of(index: int) -> LeafHeader:
    return parse_leaf(LEDGER.leaves[index]).header


# --- what follows from the leaves -------------------------------------------------------------------------


def test_a_replay_knows_root_map_registers_and_states():
    replaying = replay(LEDGER.leaves)
    assert (replaying.tree.size, replaying.tree.root()) == (14, LEDGER.tree().root())
    assert replaying.registers == LEDGER.registers
    assert replaying.states == LEDGER.states
    assert replaying.map.root_hash == LEDGER.maps[14].root_hash == naive_root(LEDGER.states)
    assert replaying.maphead == 13


def test_each_leaf_is_handed_out_with_what_the_fold_says():
    replaying = Replay()
    taken = [replaying.take(leaf) for leaf in LEDGER.leaves]
    assert [one.index for one in taken] == list(range(14))
    assert [one.leaf for one in taken] == [parse_leaf(leaf) for leaf in LEDGER.leaves]
    assert [one.index for one in taken if one.signed is None and one.outcome is None] == MAPHEADS
    assert [one.index for one in taken if isinstance(one.outcome, Void)] == [VOID]
    effects = [one.index for one in taken if isinstance(one.outcome, Effect)]
    assert effects == sorted(set(range(14)) - {*MAPHEADS, VOID})
    assert all(one.signed.raw == one.leaf.statement_raw for one in taken if one.signed is not None)


def test_the_map_is_that_of_the_newest_maphead():
    replaying, states = Replay(), {}
    assert replaying.map is EMPTY_MAP
    for index, leaf in enumerate(LEDGER.leaves):
        replaying.take(leaf)
        if index in MAPHEADS:
            states = dict(replaying.states)
        assert replaying.map.root_hash == naive_root(states)
        assert replaying.maphead == max((at for at in MAPHEADS if at <= index), default=None)


def test_an_old_map_still_proves_after_the_log_has_grown():
    replaying = replay(LEDGER.leaves[:10])
    old, states = replaying.map, dict(replaying.states)
    for leaf in LEDGER.leaves[10:]:
        replaying.take(leaf)
    assert old.root_hash == LEDGER.maps[10].root_hash
    assert all(old.find(subject, load_nothing) == state for subject, state in states.items())


def test_a_log_may_state_the_same_map_again():
    replaying = replay(LEDGER.leaves)
    again = build_maphead(replaying.map.root_hash, LEDGER.now_ms, (LeafIndex(13), 3))
    replaying.take(encode_leaf(again, b""))
    assert (replaying.maphead, replaying.tree.size) == (14, 15)


@given(st.lists(st.sampled_from(["issue", "again", "reject", "scope", "publish"]), max_size=12))
def test_whatever_an_honest_log_writes_replays(events):
    ledger = MemoryLedger().found()
    for number, event in enumerate(events):
        if event == "issue":
            ledger.issue(number)
        elif event == "again":
            ledger.issue(number, instrument={**ledger_instrument(), "id": "07" * 16})
        elif event == "reject":
            ledger.issue_record(make_rejection(0))
        elif event == "scope":
            ledger.append(ledger.scope(version=number % 3))
        else:
            ledger.publish()
    ledger.publish()
    replaying = replay(ledger.leaves)
    assert (replaying.states, replaying.registers) == (ledger.states, ledger.registers)
    assert replaying.map.root_hash == naive_root(ledger.states)
    assert replaying.tree.root() == ledger.tree().root()


def ledger_instrument() -> dict:
    return make_rejection(1)["instrument"]


# --- contradictions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("index", MAPHEADS)
def test_another_map_is_named(index):
    replaying = replay(LEDGER.leaves[:index])
    older = (
        EMPTY_MAP_ROOT if index == 5 else header_of(MAPHEADS[MAPHEADS.index(index) - 1]).certificate_digest
    )
    for root in (bytes(32), EMPTY_MAP_ROOT, older):
        raw = changed(index, certificate_digest=Digest(root))
        assert_refused(replaying, raw, f"leaf {index} states another status map than the earlier leaves give")
    replaying.take(LEDGER.leaves[index])


def test_a_map_that_lies_about_one_subject_is_named():
    replaying = replay(LEDGER.leaves[:9])
    for subject, state in replaying.states.items():
        for lie in (None, replace(state, version=state.version + 1), replace(state, status=Status.CANCELLED)):
            root = EMPTY_MAP.update(replaying.states | {subject: lie}, load_nothing).root_hash
            raw = changed(9, certificate_digest=Digest(root))
            assert_refused(replaying, raw, "leaf 9 states another status map")


@pytest.mark.parametrize(
    "change",
    [
        *({"prev": prev} for prev in (None, LeafIndex(4), LeafIndex(6), LeafIndex(9), LeafIndex(2**63))),
        *({"version": version} for version in (0, 1, 3)),
        {"status": Status.VOID},
        {"status": Status.INACTIVE},
        {"subject": Subject(bytes(32))},
    ],
    ids=str,
)
def test_a_maphead_that_is_not_the_next_is_named(change):
    replaying = replay(LEDGER.leaves[:9])
    assert_refused(
        replaying, changed(9, **change), "the header of leaf 9 is not that of a MAPHEAD at this place"
    )
    replaying.take(LEDGER.leaves[9])


@pytest.mark.parametrize("before", [(LeafIndex(4), 1), (LeafIndex(0), 0)])
def test_the_first_maphead_has_none_before_it(before):
    header = header_of(5)
    raw = encode_leaf(build_maphead(header.certificate_digest, header.sequenced_at_ms, before), b"")
    assert_refused(replay(LEDGER.leaves[:5]), raw, "not that of a MAPHEAD at this place")


def test_a_maphead_with_a_statement_is_named():
    statement = parse_leaf(LEDGER.leaves[4])
    raw = changed(
        5,
        statement_length=statement.header.statement_length,
        statement_digest=statement.header.statement_digest,
    )
    assert_refused(replay(LEDGER.leaves[:5]), raw + statement.statement_raw, "not that of a MAPHEAD")


@pytest.mark.parametrize("index", [index for index in range(14) if index not in MAPHEADS])
@pytest.mark.parametrize(
    "change",
    [
        {"status": Status.SUSPENDED},
        {"status": 0},
        {"subject": Subject(bytes(32))},
        {"prev": LeafIndex(77)},
        {"version": 9},
        {"certificate_digest": Digest(bytes([1]) * 32)},
        {"type": EventType.LOT},
    ],
    ids=str,
)
def test_a_changed_header_is_named(index, change):
    replaying = replay(LEDGER.leaves[:index])
    assert_refused(
        replaying, changed(index, **change), f"the header of leaf {index} is not what its statement gives"
    )
    replaying.take(LEDGER.leaves[index])


def test_a_statement_passed_off_as_a_maphead_is_named():
    assert_refused(
        replay(LEDGER.leaves[:6]), changed(6, type=EventType.MAPHEAD), "leaf 6 states another status map"
    )


def test_a_void_leaf_passed_off_as_taking_effect_is_named():
    good = header_of(6)
    raw = changed(VOID, status=Status.VALID, version=2, prev=LeafIndex(6), subject=good.subject)
    assert_refused(replay(LEDGER.leaves[:VOID]), raw, "the header of leaf 8 is not what its statement gives")


def test_a_leaf_with_effect_passed_off_as_void_is_named():
    raw = changed(7, status=Status.VOID, version=0, prev=None)
    assert_refused(replay(LEDGER.leaves[:7]), raw, "the header of leaf 7 is not what its statement gives")


def test_a_signature_that_does_not_verify_makes_a_leaf_void():
    """So a log that gave it effect contradicts its leaves."""
    ledger = MemoryLedger().found()
    other = MemoryLedger("ledger.example/other").found()
    ledger.force(other.sign_issue(seal_record(make_rejection(1), make_signer("seal"))))
    assert_refused(replay(ledger.leaves[:5]), ledger.leaves[5], "the header of leaf 5 is not what its")


@pytest.mark.parametrize("index", range(1, 14))
def test_time_that_goes_back_is_named(index):
    replaying = replay(LEDGER.leaves[:index])
    before = header_of(index - 1).sequenced_at_ms
    saying = f"leaf {index} is dated before the leaf in front of it"
    assert_refused(replaying, changed(index, sequenced_at_ms=before - 1), saying)
    replaying.take(changed(index, sequenced_at_ms=before))


@pytest.mark.parametrize("index", range(14))
def test_a_damaged_leaf_is_named(index):
    replaying, leaf = replay(LEDGER.leaves[:index]), LEDGER.leaves[index]
    for raw in (b"", leaf[:-1], leaf + b"\0", b"HZL2" + leaf[4:], leaf[:100], leaf[:7] + b"\1" + leaf[8:]):
        assert_refused(replaying, raw, f"leaf {index} is damaged")
    assert_refused(replaying, changed(index, statement_digest=Digest(bytes(32))), f"leaf {index} is damaged")


def test_a_leaf_without_a_statement_is_damaged():
    header = replace(header_of(5), type=EventType.ISSUE)
    assert_refused(replay(LEDGER.leaves[:5]), encode_leaf(header, b""), "leaf 5 is damaged")


@pytest.mark.parametrize("left_out", range(13))
def test_a_log_with_a_leaf_left_out_does_not_replay_to_its_end(left_out):
    leaves = LEDGER.leaves[:left_out] + LEDGER.leaves[left_out + 1 :]
    with pytest.raises(VerificationError):
        replay(leaves)


@pytest.mark.parametrize("first", range(13))
def test_two_leaves_in_each_others_place_do_not_replay(first):
    leaves = list(LEDGER.leaves)
    leaves[first], leaves[first + 1] = leaves[first + 1], leaves[first]
    with pytest.raises(VerificationError):
        replay(leaves)


@given(st.integers(0, 13), st.data())
def test_every_changed_bit_of_a_leaf_is_named_or_changes_the_tree(index, data):
    raw = bytearray(LEDGER.leaves[index])
    position = data.draw(st.integers(0, 8 * len(raw) - 1))
    raw[position // 8] ^= 1 << position % 8
    replaying = replay(LEDGER.leaves[:index])
    try:
        replaying.take(bytes(raw))
    except VerificationError:
        return
    assert 8 * 8 <= position < 16 * 8, "only the time is free"
    assert replaying.tree.root() != replay(LEDGER.leaves[: index + 1]).tree.root()
