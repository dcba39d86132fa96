"""The trust list: everything that the log had registered at one checkpoint, believed only with its proofs."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_in_memory import INSTITUTION, MemoryLedger, make_signer
from mutations import JSON, ODD_VALUES, added, removed, replaced, walk

from ledger.core.canonical import encode_canonical_json
from ledger.core.errors import BrokenSignatureError, InputError, PolicyMismatchError, VerificationError
from ledger.core.note import NoteSigner, open_note, sign_note
from ledger.core.register_fields import RegisterState
from ledger.core.trust import TrustList, encode_trust_list, open_checkpoint, open_trust_list, parse_trust_list

LEDGER = MemoryLedger().found()
OLDER = LEDGER.evidence()
LEDGER.issue(1)
RAW = LEDGER.trust_raw()
MEMBERS = json.loads(RAW)
POLICY = LEDGER.policy()


def test_what_is_written_is_read_back():
    assert parse_trust_list(RAW) == LEDGER.trust()
    assert encode_trust_list(parse_trust_list(RAW)) == RAW


def test_it_establishes_what_the_log_had_registered():
    registers, checkpoint = open_trust_list(parse_trust_list(RAW), POLICY)
    assert registers == LEDGER.registers
    assert (checkpoint.tree_size, checkpoint.origin) == (8, LEDGER.origin)
    assert INSTITUTION in registers.institutions


def test_it_is_of_the_policys_log():
    other = MemoryLedger("ledger.example/other").found()
    with pytest.raises(PolicyMismatchError, match=r"is of the log ledger\.example/other"):
        open_trust_list(other.trust(), POLICY)
    with pytest.raises(InputError):
        open_trust_list(replace(LEDGER.trust(), checkpoint=other.checkpoint()), POLICY)


@pytest.mark.parametrize(
    "changes",
    [
        {"log_key": make_signer("thief").public_key},
        {"root_digest": bytes(32)},
    ],
)
def test_it_hangs_on_the_policys_pins(changes):
    with pytest.raises(VerificationError):
        open_trust_list(LEDGER.trust(), LEDGER.policy(**changes))


def test_the_root_must_name_the_policys_log_key():
    thief = MemoryLedger()
    thief.log_signer = make_signer("thief")
    thief.found()
    assert thief.root_digest == LEDGER.root_digest
    policy = LEDGER.policy(log_key=thief.log_signer.public_key)
    with pytest.raises(VerificationError, match="names another log key"):
        open_trust_list(thief.trust(), policy)


def test_it_leaves_out_no_newer_version_of_what_it_names():
    ledger = MemoryLedger().found()
    end = ledger.append(ledger.key(version=1, state=RegisterState.WITHDRAWN))
    open_trust_list(ledger.trust(), POLICY)
    less = replace(ledger.trust(), evidence=ledger.evidence(without=frozenset({end})))
    with pytest.raises(VerificationError, match="ends at leaf 3 of a subject that has changed since"):
        open_trust_list(less, POLICY)


def test_parts_of_two_trust_lists_do_not_mix():
    newer = MemoryLedger().found()
    newer.publish()
    newer.issue(1)
    newer.append(newer.institution(version=1))
    for mixed in (
        replace(LEDGER.trust(), checkpoint=newer.checkpoint()),
        replace(LEDGER.trust(), evidence=newer.evidence()),
        replace(LEDGER.trust(), evidence=OLDER),
        replace(LEDGER.trust(), evidence=replace(LEDGER.evidence(), maphead=OLDER.maphead)),
        replace(LEDGER.trust(), evidence=replace(LEDGER.evidence(), map_proof=OLDER.map_proof)),
    ):
        with pytest.raises(VerificationError):
            open_trust_list(mixed, POLICY)


# --- its checkpoint ---------------------------------------------------------------------------------------


def test_lines_of_others_may_stand_under_a_checkpoint_and_are_ignored():
    note = LEDGER.checkpoint()
    assert open_checkpoint(note, POLICY).tree_size == 8
    own = note.rpartition("\n— ")[2]
    text = open_note(note, [NoteSigner(LEDGER.origin, LEDGER.log_signer).verifier]).text
    witness = NoteSigner("witness.example", make_signer("witness"))
    both = sign_note(text, [witness, NoteSigner(LEDGER.origin, LEDGER.log_signer)])
    for changed in (note + "— " + own, note + "— stranger.example AAAAAAAA\n", both):
        assert open_checkpoint(changed, POLICY).tree_size == 8
    with pytest.raises(BrokenSignatureError):
        open_checkpoint(sign_note(text, [witness]), POLICY)


def test_a_checkpoint_of_another_log_or_none_is_refused_as_input():
    for note in (
        MemoryLedger("ledger.example/other").found().checkpoint(),
        "",
        "x",
        LEDGER.checkpoint()[:-1],
    ):
        with pytest.raises(InputError):
            open_checkpoint(note, POLICY)


# --- parsing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MEMBERS)
def test_a_missing_member_is_named(name):
    with pytest.raises(InputError, match=rf"^trust\.{name}: this member is missing"):
        parse_trust_list(encode_canonical_json(removed(MEMBERS, (name,))))


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"{}", b"[]", b"1", b"\xff", RAW[:-1], RAW + b"\n", b"\xef\xbb\xbf" + RAW),
        json.dumps(MEMBERS).encode(),
        encode_canonical_json(added(MEMBERS, ())),
        encode_canonical_json(MEMBERS | {"type": "hengzheng/trust/v2"}),
        encode_canonical_json(MEMBERS | {"origin": ""}),
        encode_canonical_json(MEMBERS | {"checkpoint": "x" * 1_000_001}),
    ],
    ids=lambda raw: repr(raw)[:30],
)
def test_what_is_no_trust_list_is_refused(raw):
    with pytest.raises(InputError):
        parse_trust_list(raw)


@given(st.binary(max_size=80))
def test_any_bytes_are_refused_as_input(raw):
    with pytest.raises(InputError):
        parse_trust_list(raw)


@given(st.sampled_from([path for path, _ in walk(MEMBERS)]), JSON | st.sampled_from(ODD_VALUES))
def test_any_change_is_refused(path, value):
    members = replaced(MEMBERS, path, value)
    if members == MEMBERS:
        return
    try:
        trust = parse_trust_list(encode_canonical_json(members))
    except InputError:
        return
    assert isinstance(trust, TrustList)
    with pytest.raises((InputError, VerificationError)):
        open_trust_list(trust, POLICY)
