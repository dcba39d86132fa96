"""Proofs over a store in memory, checked with what a verifier has."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from api_world import MemoryReceipts
from fakes import MemoryStore
from hypothesis import given
from hypothesis import strategies as st
from reference import ReferenceTree
from world import AUTHORITY, FOUNDING, INSTITUTION, ORIGIN, Clock, World, make_signer, submit

from ledger.core.anchor import AnchorGrade, ChainIdentity, sign_receipt
from ledger.core.bundle import parse_bundle
from ledger.core.entry import encode_leaf, parse_leaf
from ledger.core.errors import (
    LogIntegrityError,
    MalformedDocumentError,
    MapProofError,
    NotFoundError,
    VerificationError,
)
from ledger.core.event import EventType, certificate_subject
from ledger.core.evidence import establish, fold_evidence, verify_evidence_inclusion
from ledger.core.fold import list_touched
from ledger.core.ids import CertificateNumber, InstitutionId, LeafIndex, TreeSize
from ledger.core.map_proof import open_map_proof
from ledger.core.maphead import get_map_root
from ledger.core.merkle import hash_leaf, verify_consistency, verify_inclusion
from ledger.core.qr import compute_code
from ledger.core.register_fields import RegisterState
from ledger.core.statement import parse_signed_statement
from ledger.core.status import Status, SubjectState
from ledger.log import Log
from ledger.proving import Prover, _find_names
from ledger.store.records import compute_statement_name

WORLD = World()
OTHER = InstitutionId("350200-02")
OTHER_SEAL = make_signer("other seal")


@pytest.fixture(scope="module")
def setting():
    """A log of some 1,300 leaves with checkpoints at many sizes, and two institutions."""
    store = MemoryStore()
    log = Log(store, ORIGIN, WORLD.log_key, Clock())
    submit(log, *WORLD.founding())
    submit(log, WORLD.institution(OTHER, division="350200"), WORLD.key(OTHER, seal=OTHER_SEAL))
    submit(log, *(WORLD.issue(number) for number in range(5)))
    for start, count in ((1000, 1), (1001, 240), (1241, 7), (1248, 500), (1748, 512)):
        submit(log, *map(WORLD.bare_issue, range(start, start + count)))
    submit(log, WORLD.scope(version=1, valid_until=datetime(2030, 1, 1, tzinfo=UTC).date()))
    return store, log


@pytest.fixture
def store(setting):
    return setting[0]


@pytest.fixture
def prover(setting):
    return Prover(setting[0], ORIGIN)


def sizes_of(store):
    return sorted(store.data.checkpoints)


# --- proofs -------------------------------------------------------------------------------------------------


@given(data=st.data())
def test_every_inclusion_proof_verifies_under_its_checkpoint(setting, data):
    store, _ = setting
    prover = Prover(store, ORIGIN)
    size = data.draw(st.sampled_from(sizes_of(store)))
    index = data.draw(st.integers(0, size - 1))
    leaf = store.data.entries[index].leaf
    verify_inclusion(
        hash_leaf(leaf), index, size, prover.inclusion(index, size), store.data.checkpoints[size].root_hash
    )


@given(data=st.data())
def test_every_two_checkpoints_are_shown_to_be_consistent(setting, data):
    store, _ = setting
    old, new = sorted(data.draw(st.lists(st.sampled_from(sizes_of(store)), min_size=2, max_size=2)))
    roots = [store.data.checkpoints[size].root_hash for size in (old, new)]
    verify_consistency(old, new, *roots, Prover(store, ORIGIN).consistency(old, new))


def test_proofs_are_those_of_the_recursion(store, prover):
    tree = ReferenceTree([entry.leaf for entry in store.data.entries])
    for size in sizes_of(store)[-3:]:
        for index in (0, 1, 255, 256, size - 1):
            assert list(prover.inclusion(index, size)) == tree.path(index, 0, size)
        assert list(prover.consistency(5, size)) == tree.proof(5, size)


def test_many_proofs_are_the_single_ones(prover):
    size = prover.newest_checkpoint().tree_size
    indices = [0, size - 1, 300, 299, 300]
    assert prover.inclusions(indices, size) == [prover.inclusion(index, size) for index in indices]


def test_the_same_prover_answers_for_sizes_before_and_after_the_log_grew():
    store = MemoryStore()
    log = Log(store, ORIGIN, WORLD.log_key, Clock())
    prover = Prover(store, ORIGIN)
    submit(log, *WORLD.founding())
    for number in range(300):
        submit(log, WORLD.bare_issue(number))
        size = log.head.tree_size
        for index in (0, size // 2, size - 1):
            leaf_hash = hash_leaf(store.data.entries[index].leaf)
            verify_inclusion(leaf_hash, index, size, prover.inclusion(index, size), log.head.root_hash)
        old = store.data.checkpoints[FOUNDING]
        verify_consistency(
            FOUNDING, size, old.root_hash, log.head.root_hash, prover.consistency(FOUNDING, size)
        )


@pytest.mark.parametrize("size", [0, 1, 1200])
def test_a_leaf_outside_the_tree_has_no_proof(prover, size):
    with pytest.raises(MalformedDocumentError):
        prover.inclusion(LeafIndex(size), TreeSize(size))


def test_sizes_that_the_log_has_not_reached_have_no_proof(store, prover):
    size = TreeSize(store.data.head.tree_size + 1)
    with pytest.raises(NotFoundError):
        prover.inclusion(LeafIndex(0), size)
    with pytest.raises(NotFoundError):
        prover.consistency(TreeSize(1), size)
    with pytest.raises(NotFoundError):
        prover.evidence(None, size)


def test_a_lost_tile_is_an_alarm(setting):
    store = MemoryStore()
    store.data = setting[0].data.copy()
    del store.data.tiles[0, 1]
    prover = Prover(store, ORIGIN)
    size = prover.newest_checkpoint().tree_size
    with pytest.raises(LogIntegrityError):
        prover.inclusion(LeafIndex(300), size)


# --- looking up ---------------------------------------------------------------------------------------------


def test_an_issue_is_found_by_number_statement_and_code(store, prover):
    issued = WORLD.issue(3)
    entry = prover.find_issue(INSTITUTION, CertificateNumber("2026-0000003"))
    assert parse_leaf(entry.leaf).statement_raw == issued.raw
    assert prover.find_statement(issued.raw) == entry
    assert prover.find_code(compute_code(issued.raw)) == entry
    assert prover.read_document(parse_leaf(entry.leaf).header.certificate_digest) == issued.body


def test_every_statement_is_found_by_its_code(store, prover):
    for entry in store.data.entries[:50]:
        leaf = parse_leaf(entry.leaf)
        if leaf.header.type is not EventType.MAPHEAD:
            assert prover.find_code(compute_code(leaf.statement_raw)).leaf_index == entry.leaf_index


@given(st.binary(max_size=50))
def test_a_code_stands_for_the_names_that_begin_with_its_bits(raw):
    first, last = _find_names(compute_code(raw))
    assert first <= compute_statement_name(raw) <= last
    assert int.from_bytes(first) & ((1 << 181) - 1) == 0
    assert int.from_bytes(last) - int.from_bytes(first) == (1 << 181) - 1


def test_states_and_checkpoints_are_found(store, prover):
    document = certificate_subject(INSTITUTION, CertificateNumber("2026-0000003"))
    assert prover.find_state(document).status is Status.VALID
    newest = prover.newest_checkpoint()
    assert prover.checkpoint(newest.tree_size) == newest
    assert prover.checkpoint(TreeSize(FOUNDING)).tree_size == FOUNDING


@pytest.mark.parametrize(
    "look",
    [
        lambda prover: prover.find_issue(OTHER, CertificateNumber("2026-0000003")),
        lambda prover: prover.find_issue(INSTITUTION, CertificateNumber("9")),
        lambda prover: prover.find_statement(b"none"),
        lambda prover: prover.find_code(compute_code(b"none")),
        lambda prover: prover.find_state(bytes(32)),
        lambda prover: prover.read_document(bytes(32)),
        lambda prover: prover.checkpoint(TreeSize(FOUNDING + 1)),
        lambda prover: prover.evidence(InstitutionId("X"), prover.newest_checkpoint().tree_size),
        lambda prover: prover.bundles([LeafIndex(0)], prover.newest_checkpoint()),
        lambda prover: prover.bundles([LeafIndex(99_999)], prover.newest_checkpoint()),
        lambda prover: prover.bundles([LeafIndex(9)], prover.checkpoint(TreeSize(FOUNDING))),
        lambda prover: prover.bundles([LeafIndex(20)], prover.newest_checkpoint()),
        lambda prover: prover.bundles([LeafIndex(FOUNDING - 1)], prover.newest_checkpoint()),
    ],
)
def test_what_is_not_there_is_not_found(prover, look):
    with pytest.raises(NotFoundError):
        look(prover)


def test_an_empty_log_has_nothing_to_prove():
    prover = Prover(MemoryStore(), ORIGIN)
    with pytest.raises(NotFoundError, match="empty"):
        prover.newest_checkpoint()


# --- evidence -----------------------------------------------------------------------------------------------


def test_evidence_ends_with_the_map_of_its_own_size(store, prover):
    for size in sizes_of(store):
        evidence = prover.evidence(None, TreeSize(size))
        assert evidence.maphead == store.data.entries[size - 1].leaf
        verify_evidence_inclusion(evidence, size, store.data.checkpoints[size].root_hash)
        established = establish(evidence, ORIGIN, WORLD.root_digest)
        assert established.map_root == get_map_root(parse_leaf(evidence.maphead).header)


def test_evidence_as_of_an_older_size_does_not_hold_at_a_newer_one(store, prover):
    """The scope line has changed since: whoever leaves that out contradicts the newer map."""
    newest = prover.newest_checkpoint().tree_size
    old, new = (prover.evidence(INSTITUTION, size) for size in (TreeSize(FOUNDING), newest))
    with pytest.raises(VerificationError, match="changed since"):
        establish(replace(new, leaves=old.leaves), ORIGIN, WORLD.root_digest)
    with pytest.raises(MapProofError):
        establish(replace(new, map_proof=old.map_proof), ORIGIN, WORLD.root_digest)
    with pytest.raises(VerificationError):
        establish(replace(old, maphead=new.maphead), ORIGIN, WORLD.root_digest)


def fold(store, evidence, size):
    verify_evidence_inclusion(evidence, size, store.data.checkpoints[size].root_hash)
    return fold_evidence(evidence, ORIGIN, WORLD.root_digest)


def test_evidence_establishes_the_institution_and_nothing_of_others(store, prover):
    size = prover.newest_checkpoint().tree_size
    registers = fold(store, prover.evidence(INSTITUTION, size), size)
    assert set(registers.institutions) == {INSTITUTION}
    assert set(registers.authorities) == {AUTHORITY}
    assert registers.scopes[INSTITUTION, "S1"].valid_until.year == 2030
    assert WORLD.seal.public_key.key_id in registers.keys
    assert OTHER_SEAL.public_key.key_id not in registers.keys


def test_evidence_is_as_of_its_size(store, prover):
    registers = fold(store, prover.evidence(INSTITUTION, TreeSize(FOUNDING)), FOUNDING)
    assert registers.scopes[INSTITUTION, "S1"].valid_until.year == 2029
    with pytest.raises(NotFoundError):
        prover.evidence(OTHER, TreeSize(FOUNDING))


def test_evidence_for_all_is_what_the_log_itself_knows(setting, prover):
    store, log = setting
    size = prover.newest_checkpoint().tree_size
    assert fold(store, prover.evidence(None, size), size) == log.registers


def test_evidence_has_every_version_of_everything_it_rests_on():
    store = MemoryStore()
    log = Log(store, ORIGIN, WORLD.log_key, Clock())
    prover = Prover(store, ORIGIN)
    submit(log, *WORLD.founding())
    assert prover.evidence(INSTITUTION, log.head.tree_size).leaves
    new_key = make_signer("new authority key")
    submit(log, WORLD.authority(version=1, key=new_key))
    submit(log, WORLD.institution(OTHER, division="350200"))
    moved = World()
    moved.authority_key = new_key
    submit(
        log,
        moved.scope(version=1, state=RegisterState.SUSPENDED),
        moved.key(version=1, state=RegisterState.WITHDRAWN),
    )
    size = log.head.tree_size
    evidence = prover.evidence(INSTITUTION, size)
    registers = fold(store, evidence, size)
    assert registers.scopes == log.registers.scopes
    assert registers.keys[WORLD.seal.public_key.key_id].until == size - 2
    assert [index for index, _ in evidence.leaves] == [0, 1, 2, 3, 4, FOUNDING, size - 3, size - 2]


def test_void_register_leaves_are_no_evidence():
    store = MemoryStore()
    log = Log(store, ORIGIN, WORLD.log_key, Clock(), keep_void=True)
    submit(log, *WORLD.founding(), WORLD.scope(version=5))
    size = log.head.tree_size
    evidence = Prover(store, ORIGIN).evidence(INSTITUTION, size)
    assert [index for index, _ in evidence.leaves] == list(range(FOUNDING - 1))


# --- bundles ------------------------------------------------------------------------------------------------


def test_bundles_hold_everything_a_verifier_needs(store, prover):
    checkpoint = prover.newest_checkpoint()
    indices = [
        entry.leaf_index for entry in store.data.entries if entry.number and entry.number[:4] == "2026"
    ]
    bundles = prover.bundles(indices, checkpoint)
    assert len(bundles) == 5
    for number, (index, raw) in enumerate(zip(indices, bundles, strict=True)):
        bundle = parse_bundle(raw)
        issued = WORLD.issue(number)
        assert (bundle.origin, bundle.leaf_index, bundle.statement_raw) == (ORIGIN, index, issued.raw)
        assert bundle.certificate.raw == issued.body
        assert bundle.stated_digest == bundle.computed_digest
        assert bundle.checkpoint == checkpoint.note
        leaf_hash = hash_leaf(encode_leaf(bundle.header, bundle.statement_raw))
        verify_inclusion(leaf_hash, index, checkpoint.tree_size, bundle.inclusion, checkpoint.root_hash)
        assert set(fold(store, bundle.evidence, checkpoint.tree_size).institutions) == {INSTITUTION}
        assert bundle.receipt is None


def test_a_bundle_carries_the_receipt_that_it_is_given(store, prover):
    checkpoint = prover.newest_checkpoint()
    receipt = make_receipt(checkpoint)
    (raw,) = prover.bundles([LeafIndex(FOUNDING + 3)], checkpoint, receipt)
    assert parse_bundle(raw).receipt == receipt


def make_receipt(checkpoint, anchored_at=datetime(2026, 11, 2, tzinfo=UTC)):
    return sign_receipt(
        ChainIdentity(1, bytes(32), bytes(20), bytes(32)),
        checkpoint.tree_size,
        checkpoint.root_hash,
        hashlib.sha256(b"tx").digest(),
        7,
        bytes(32),
        anchored_at,
        AnchorGrade.FINAL,
        WORLD.log_key,
    )


@pytest.mark.parametrize("later", [None, "another", "replaced"])
def test_a_bundle_under_an_older_checkpoint_than_the_head_says_how_it_stood_then(later):
    """Bundles are made under the checkpoint that was anchored, however far the log has gone on."""
    store = MemoryStore()
    log = Log(store, ORIGIN, WORLD.log_key, Clock())
    prover = Prover(store, ORIGIN)
    submit(log, *WORLD.founding())
    (issued,) = submit(log, WORLD.issue(1))
    checkpoint = prover.newest_checkpoint()
    (before,) = prover.bundles([issued.leaf_index], checkpoint)
    instrument, document = list_touched(parse_signed_statement(WORLD.issue(1).raw).statement)
    if later == "another":
        submit(log, *(WORLD.bare_issue(number) for number in range(300)))
    elif later == "replaced":
        record = WORLD.record(1) | {"no": "2026-0000099", "nonce": "ab" * 16}
        submit(log, WORLD.issue(1, record=record, version=1))
    (after,) = prover.bundles([issued.leaf_index], checkpoint)
    assert after == before
    bundle = parse_bundle(after)
    verify_evidence_inclusion(bundle.evidence, checkpoint.tree_size, checkpoint.root_hash)
    established = establish(bundle.evidence, ORIGIN, WORLD.root_digest)
    proven = open_map_proof(bundle.map_proof, established.map_root)
    assert proven.find(instrument) == SubjectState(Status.VALID, 1, issued.leaf_index, issued.leaf_index)
    assert proven.find(document) == proven.find(instrument)


def test_a_bundle_under_the_newest_checkpoint_knows_the_newer_document():
    store = MemoryStore()
    log = Log(store, ORIGIN, WORLD.log_key, Clock())
    prover = Prover(store, ORIGIN)
    submit(log, *WORLD.founding())
    (issued,) = submit(log, WORLD.issue(1))
    (newer,) = submit(
        log, WORLD.issue(1, record=WORLD.record(1) | {"no": "2", "nonce": "ab" * 16}, version=1)
    )
    (raw,) = prover.bundles([issued.leaf_index], prover.newest_checkpoint())
    bundle = parse_bundle(raw)
    established = establish(bundle.evidence, ORIGIN, WORLD.root_digest)
    proven = open_map_proof(bundle.map_proof, established.map_root)
    instrument, document = list_touched(parse_signed_statement(WORLD.issue(1).raw).statement)
    assert proven.find(instrument).current_certificate == newer.leaf_index
    assert proven.find(document).current_certificate == issued.leaf_index


@pytest.mark.parametrize("at", ["newest", "older"])
@pytest.mark.parametrize("place", ["pages", "replaced", "states"])
def test_no_bundle_is_made_from_a_map_that_was_changed(setting, at, place):
    store = MemoryStore()
    store.data = setting[0].data.copy()
    found = getattr(store.data, place)
    if place == "states":
        found.update({key: replace(state, version=state.version + 1) for key, state in found.items()})
    else:
        found.update({key: raw[:-1] + bytes([raw[-1] ^ 1]) for key, raw in found.items()})
    prover = Prover(store, ORIGIN)
    size = TreeSize(sizes_of(store)[2 if at == "older" else -1])
    index = LeafIndex(sizes_of(store)[1])
    if (at, place) == ("newest", "replaced"):
        assert prover.bundles([index], prover.checkpoint(size))
    else:
        with pytest.raises(LogIntegrityError):
            prover.bundles([index], prover.checkpoint(size))


def test_no_leaves_no_bundles(prover):
    assert prover.bundles([], prover.newest_checkpoint()) == []


def test_a_document_of_a_key_that_was_compromised_since_shows_an_older_anchor():
    store = MemoryStore()
    log = Log(store, ORIGIN, WORLD.log_key, Clock())
    submit(log, *WORLD.founding())
    issued, late = submit(log, WORLD.issue(1))[0], submit(log, WORLD.issue(2))[0]
    since = datetime(2026, 11, 1, tzinfo=UTC)
    submit(log, WORLD.compromise(since))
    prover = Prover(store, ORIGIN)
    receipts = MemoryReceipts()
    old = prover.checkpoint(TreeSize(issued.leaf_index + 2))
    receipts.receipts[old.tree_size] = make_receipt(old, anchored_at=since)
    for index, expected in ((issued.leaf_index, receipts.receipts[old.tree_size]), (late.leaf_index, None)):
        (raw,) = prover.bundles([index], prover.newest_checkpoint(), None, receipts)
        earlier = parse_bundle(raw).earlier
        assert (None if earlier is None else earlier.receipt) == expected
        if earlier is not None:
            leaf = store.data.entries[index].leaf
            verify_inclusion(hash_leaf(leaf), index, old.tree_size, earlier.inclusion, old.root_hash)
    (before,) = prover.bundles([issued.leaf_index], old, None, receipts)
    assert parse_bundle(before).earlier is None, "nobody knew yet"
