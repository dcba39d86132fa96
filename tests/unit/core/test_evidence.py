"""Authority evidence: leaves in order, one proof for all of them, folded by the rules of the log."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_in_memory import INSTITUTION, MemoryLedger
from mutations import JSON, ODD_VALUES, added, get, removed, replaced, show, walk

from ledger.core.canonical import encode_canonical_json
from ledger.core.entry import encode_leaf, parse_leaf
from ledger.core.errors import InclusionProofError, InputError, MapProofError, VerificationError
from ledger.core.evidence import (
    Established,
    Evidence,
    encode_evidence,
    establish,
    fold_evidence,
    parse_evidence,
    verify_evidence_inclusion,
    verify_sequence,
)
from ledger.core.fields import Reader
from ledger.core.ids import LeafIndex, RootHash, TreeSize
from ledger.core.map_proof import MAX_MAP_PROOF_BYTES, build_map_proof
from ledger.core.merkle import build_root
from ledger.core.register_fields import RegisterState
from ledger.core.status_map import load_nothing


def make_ledger() -> MemoryLedger:
    ledger = MemoryLedger().found()
    ledger.issue(1)
    ledger.append(ledger.scope(version=1, state=RegisterState.SUSPENDED))
    ledger.issue(2)
    return ledger


LEDGER = make_ledger()
EVIDENCE = LEDGER.evidence()
MEMBERS = json.loads(encode_canonical_json(encode_evidence(EVIDENCE)))
ROOT_HASH = build_root(LEDGER.size, LEDGER.tree().read)


def parse(members) -> Evidence:
    return parse_evidence(Reader(members, "evidence"))


def fold(evidence: Evidence, **options):
    return fold_evidence(evidence, LEDGER.origin, LEDGER.root_digest, **options)


def test_what_is_written_is_read_back():
    assert [index for index, _ in EVIDENCE.leaves] == [0, 1, 2, 3, 4, 6]
    assert parse(MEMBERS) == EVIDENCE
    assert encode_evidence(parse(MEMBERS)) == MEMBERS


# --- inclusion --------------------------------------------------------------------------------------------


def test_all_leaves_are_proved_at_once():
    verify_evidence_inclusion(EVIDENCE, LEDGER.size, ROOT_HASH)


def test_a_changed_leaf_index_hash_size_or_root_is_found():
    leaf = EVIDENCE.leaves[2][1]
    wrong = [
        (replace(EVIDENCE, leaves=EVIDENCE.leaves[:-1]), LEDGER.size, ROOT_HASH),
        (replace(EVIDENCE, proof=EVIDENCE.proof[:-1]), LEDGER.size, ROOT_HASH),
        (replace(EVIDENCE, proof=(*EVIDENCE.proof, bytes(32))), LEDGER.size, ROOT_HASH),
        (replace(EVIDENCE, proof=EVIDENCE.proof[::-1]), LEDGER.size, ROOT_HASH),
        (EVIDENCE, TreeSize(LEDGER.size + 1), ROOT_HASH),
        (EVIDENCE, TreeSize(LEDGER.size - 1), ROOT_HASH),
        (EVIDENCE, TreeSize(0), ROOT_HASH),
        (replace(EVIDENCE, maphead=EVIDENCE.maphead + b"\0"), LEDGER.size, ROOT_HASH),
        (replace(EVIDENCE, maphead=LEDGER.leaves[7]), LEDGER.size, ROOT_HASH),
        (replace(EVIDENCE, maphead=b""), LEDGER.size, ROOT_HASH),
        (EVIDENCE, LEDGER.size, RootHash(bytes(32))),
    ]
    for position, (index, _) in enumerate(EVIDENCE.leaves):
        moved, other = list(EVIDENCE.leaves), list(EVIDENCE.leaves)
        moved[position] = (LeafIndex(index + 20), EVIDENCE.leaves[position][1])
        other[position] = (index, leaf + b"\0")
        wrong += [
            (replace(EVIDENCE, leaves=tuple(sorted(moved))), LEDGER.size, ROOT_HASH),
            (replace(EVIDENCE, leaves=tuple(other)), LEDGER.size, ROOT_HASH),
        ]
    for evidence, size, root_hash in wrong:
        with pytest.raises(InclusionProofError):
            verify_evidence_inclusion(evidence, size, root_hash)


def test_no_register_leaf_stands_where_the_map_is_stated():
    with_it = (*EVIDENCE.leaves, (LeafIndex(LEDGER.size - 1), EVIDENCE.maphead))
    past_it = (*EVIDENCE.leaves, (LEDGER.size, EVIDENCE.maphead))
    for leaves in (with_it, past_it):
        with pytest.raises(InclusionProofError, match="a register leaf where the status map is stated"):
            verify_evidence_inclusion(replace(EVIDENCE, leaves=leaves), LEDGER.size, ROOT_HASH)


# --- completeness -----------------------------------------------------------------------------------------


def settle(evidence: Evidence) -> Established:
    return establish(evidence, LEDGER.origin, LEDGER.root_digest)


def test_complete_evidence_establishes_registers_map_and_time():
    established = settle(EVIDENCE)
    assert established.registers == LEDGER.registers
    assert established.map_root == LEDGER.maps[LEDGER.size].root_hash
    assert established.stated_at == parse_leaf(EVIDENCE.maphead).header.sequenced_at


def test_evidence_that_ends_before_the_newest_event_of_a_subject_is_refused():
    older = replace(EVIDENCE, leaves=EVIDENCE.leaves[:-1])
    assert fold(older).scopes[(INSTITUTION, "S1")].state is RegisterState.ACTIVE, (
        "the leaves alone do not tell"
    )
    with pytest.raises(VerificationError, match="ends at leaf 4 of a subject that has changed since"):
        settle(older)


def test_the_map_must_show_every_subject_of_the_evidence():
    subjects = [parse_leaf(raw).header.subject for _, raw in EVIDENCE.leaves]
    newest = LEDGER.maps[LEDGER.size]
    for left_out in set(subjects):
        rest = build_map_proof(newest, set(subjects) - {left_out}, load_nothing)
        with pytest.raises(MapProofError, match="does not show"):
            settle(replace(EVIDENCE, map_proof=rest))


@pytest.mark.parametrize(
    "raw", [b"", b"\x04", b"\x00", EVIDENCE.map_proof[:-1], EVIDENCE.map_proof + b"\x04"]
)
def test_what_proves_nothing_of_this_map_is_refused(raw):
    with pytest.raises((InputError, MapProofError)):
        settle(replace(EVIDENCE, map_proof=raw))


def test_a_map_under_another_checkpoint_is_refused():
    ledger = make_ledger()
    ledger.publish()
    ledger.issue(3)
    newer = ledger.evidence()
    assert newer.leaves == EVIDENCE.leaves
    for mixed in (replace(EVIDENCE, map_proof=newer.map_proof), replace(newer, map_proof=EVIDENCE.map_proof)):
        with pytest.raises(MapProofError, match="another root"):
            settle(mixed)


def test_the_last_leaf_must_state_the_map():
    for leaf in LEDGER.leaves[:-1]:
        with pytest.raises(VerificationError, match="does not state the status map"):
            settle(replace(EVIDENCE, maphead=leaf))
    for raw in (b"", EVIDENCE.maphead[:-1], EVIDENCE.maphead + b"\0"):
        with pytest.raises(InputError):
            settle(replace(EVIDENCE, maphead=raw))


def test_the_map_is_not_stated_before_the_newest_leaf():
    header = parse_leaf(EVIDENCE.maphead).header
    newest = parse_leaf(EVIDENCE.leaves[-1][1]).header.sequenced_at_ms
    settle(replace(EVIDENCE, maphead=encode_leaf(replace(header, sequenced_at_ms=newest), b"")))
    with pytest.raises(VerificationError, match="dated before an earlier leaf"):
        settle(replace(EVIDENCE, maphead=encode_leaf(replace(header, sequenced_at_ms=newest - 1), b"")))


# --- folding ----------------------------------------------------------------------------------------------


def test_folding_gives_the_registers_of_the_log():
    assert fold(EVIDENCE) == LEDGER.registers


@pytest.mark.parametrize(
    ("before", "state"), [(5, "active"), (6, "active"), (7, "suspended"), (None, "suspended")]
)
def test_folding_stops_before_an_index(before, state):
    registers = fold(EVIDENCE, before=before)
    assert registers.scopes[(INSTITUTION, "S1")].state == state


def test_folding_needs_the_pinned_root_of_this_log():
    with pytest.raises(
        VerificationError, match="the root that the policy pins is not in the authority evidence"
    ):
        fold_evidence(EVIDENCE, LEDGER.origin, bytes(32))
    with pytest.raises(VerificationError, match="does not begin with this log's root"):
        fold_evidence(EVIDENCE, "ledger.example/other", LEDGER.root_digest)
    with pytest.raises(VerificationError, match="does not begin with this log's root"):
        fold(EVIDENCE, before=LeafIndex(0))
    with pytest.raises(VerificationError, match="leaf 1 has no effect: the key is not registered"):
        fold(replace(EVIDENCE, leaves=EVIDENCE.leaves[1:]))


def test_each_version_of_a_thing_must_be_there():
    with pytest.raises(VerificationError, match="leaf 6 has no effect: expects version 1"):
        fold(replace(EVIDENCE, leaves=(*EVIDENCE.leaves[:4], EVIDENCE.leaves[5])))


def test_a_leaf_that_is_malformed_is_refused_as_input():
    for raw in (b"", b"HZL1", EVIDENCE.leaves[5][1] + b"\0", EVIDENCE.leaves[5][1][:-1]):
        for before in (None, LeafIndex(5)):
            with pytest.raises(InputError):
                fold(replace(EVIDENCE, leaves=(*EVIDENCE.leaves[:5], (LeafIndex(6), raw))), before=before)


# --- time -------------------------------------------------------------------------------------------------


def test_a_leaf_lies_in_time_between_its_neighbours():
    at = [1_772_323_200_000 + 1000 * number for number in range(9)]
    for index in (5, 7):
        verify_sequence(EVIDENCE, LeafIndex(index), at[index])
    verify_sequence(EVIDENCE, LeafIndex(5), at[4])
    verify_sequence(EVIDENCE, LeafIndex(5), at[6])
    verify_sequence(EVIDENCE, LeafIndex(7), at[8])
    for index, time_ms, saying in (
        (5, at[4] - 1, "leaf 5 is dated before the earlier leaf 4"),
        (5, 0, "leaf 5 is dated before the earlier leaf 4"),
        (5, at[6] + 1, "leaf 5 is dated after the later leaf 6"),
        (7, at[6] - 1, "leaf 7 is dated before the earlier leaf 6"),
        (7, at[8] + 1, "leaf 7 is dated after the last leaf under the checkpoint"),
        (7, 2**62, "leaf 7 is dated after the last leaf under the checkpoint"),
    ):
        with pytest.raises(VerificationError, match=saying):
            verify_sequence(EVIDENCE, LeafIndex(index), time_ms)


# --- parsing ----------------------------------------------------------------------------------------------

PATHS = [path for path, _ in walk(MEMBERS)]


@pytest.mark.parametrize("path", [path for path in PATHS if isinstance(path[-1], str)], ids=show)
def test_a_missing_member_is_refused(path):
    with pytest.raises(InputError, match="missing"):
        parse(removed(MEMBERS, path))


@pytest.mark.parametrize(
    "path", [path for path in [(), *PATHS] if isinstance(get(MEMBERS, path), dict)], ids=show
)
def test_an_unknown_member_is_refused(path):
    with pytest.raises(InputError, match="unknown member: stranger"):
        parse(added(MEMBERS, path))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("leaves",), []),
        (("leaves",), MEMBERS["leaves"][::-1]),
        (("leaves",), MEMBERS["leaves"][:1] * 2),
        (("leaves",), [*MEMBERS["leaves"], MEMBERS["leaves"][0]]),
        (("leaves", 0, "index"), -1),
        (("leaves", 0, "index"), 1),
        (("leaves", 5, "index"), 2**53),
        (("leaves", 0, "leaf"), "AAA"),
        (("leaves", 0, "leaf"), "A" * 90_000),
        (("proof", 0), "AAAA"),
        (("proof", 0), MEMBERS["proof"][0].replace("=", "")),
        (("proof", 0), MEMBERS["proof"][0] + "AAAA"),
        (("maphead",), MEMBERS["maphead"][1:]),
        (("maphead",), "A" * 90_000),
        (("maphead",), {}),
        (("map",), MEMBERS["map"].replace("=", "") + "A"),
        (("map",), "A" * (MAX_MAP_PROOF_BYTES // 3 * 4 + 8)),
        (("map",), []),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_value_out_of_range_is_refused(path, value):
    with pytest.raises(InputError):
        parse(replaced(MEMBERS, path, value))


@given(st.sampled_from(PATHS), JSON | st.sampled_from(ODD_VALUES))
def test_any_change_is_read_or_refused_as_input(path, value):
    members = replaced(MEMBERS, path, value)
    try:
        evidence = parse(members)
    except InputError:
        return
    assert encode_evidence(evidence) == members, "one spelling"


def test_many_leaves_are_read():
    leaf = MEMBERS["leaves"][0]["leaf"]
    many = [{"index": index, "leaf": leaf} for index in range(20_000)]
    assert len(parse(MEMBERS | {"leaves": many, "proof": []}).leaves) == 20_000
