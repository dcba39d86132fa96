"""Quorum certificates: the form byte for byte, who has signed, and nothing that is not signed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from bls_witnesses import (
    certify,
    change_line,
    make_bls_list,
    make_bls_quorum,
    make_bls_signer,
    make_line,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_in_memory import MemoryLedger
from py_ecc.bls import G2ProofOfPossession
from witnesses import cosign, make_witness

from ledger.core.canonical import encode_canonical_json, parse_json
from ledger.core.cosignature import add_lines, open_cosignatures
from ledger.core.errors import (
    BrokenSignatureError,
    InputError,
    MalformedDocumentError,
    PolicyMismatchError,
)
from ledger.core.note import NoteSignature, encode_line, parse_note
from ledger.core.policy import encode_policy, parse_policy
from ledger.core.quorum import WitnessQuorum, find_quorum_time, list_signed
from ledger.core.quorum_certificate import (
    encode_bls_witness,
    open_certificates,
    parse_bls_witness,
    parse_certificate,
    require_possession,
    sign_share,
    verify_share,
)

AT = datetime(2026, 3, 1, 1, 0, tzinfo=UTC)
LEDGER = MemoryLedger().found()
NOTE = LEDGER.checkpoint()
BODY = parse_note(NOTE).text
LIST = make_bls_list(7)
LINE = make_line(NOTE, AT, 0, 2, 6)
DOMAIN = b"hengzheng/quorum/v1\0"


def names(note, witnesses=LIST):
    return [found.witness.name for found in open_certificates(note, witnesses)]


def test_the_form_is_that_of_the_norm_and_py_ecc_verifies_it():
    """Taken apart and verified here without the code under test."""
    minutes = int(AT.timestamp()) // 60
    assert LINE.name == f"{LEDGER.origin}/quorum"
    keys = b"".join(one.key for one in LIST)
    assert LINE.key_id == sha256(LINE.name.encode() + b"\n\xff" + DOMAIN + keys).digest()[:4]
    assert LINE.signature[:9] == minutes.to_bytes(8) + bytes([0b1000101])
    assert len(LINE.signature) == 8 + 1 + 96
    message = DOMAIN + minutes.to_bytes(8) + BODY.encode()
    signers = [LIST[number].key for number in (0, 2, 6)]
    assert G2ProofOfPossession.FastAggregateVerify(signers, message, LINE.signature[9:])


def test_the_signers_are_named_with_the_time():
    found = open_certificates(add_lines(NOTE, [LINE]), LIST)
    assert [(one.witness, one.cosigned_at) for one in found] == [(LIST[number], AT) for number in (0, 2, 6)]


@given(st.sets(st.integers(0, 9), min_size=1), st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_whoever_signs_is_found_also_in_a_bitmap_of_two_bytes(numbers, minutes):
    at = AT + timedelta(minutes=minutes)
    found = open_certificates(certify(NOTE, at, *numbers, count=10), make_bls_list(10))
    assert {one.witness for one in found} == {make_bls_list(10)[number] for number in numbers}
    assert {one.cosigned_at for one in found} == {at}


def test_of_several_certificates_the_newest_time_of_each_counts():
    note = certify(certify(NOTE, AT, 0, 1, 2), AT + timedelta(hours=1), 1, 3)
    found = {one.witness.name: one.cosigned_at - AT for one in open_certificates(note, LIST)}
    hour, zero = timedelta(hours=1), timedelta()
    assert found == {"b0.example": zero, "b1.example": hour, "b2.example": zero, "b3.example": hour}


def test_it_stands_beside_other_lines_and_nobody_minds():
    note = certify(cosign(NOTE, AT, "w1"), AT, 0)
    assert names(note) == ["b0.example"]
    assert [one.witness.name for one in open_cosignatures(note, [make_witness("w1")])] == ["w1.example"]
    assert open_certificates(note, ()) == ()
    assert names(NOTE) == []


def test_another_list_is_another_matter():
    note = add_lines(NOTE, [LINE])
    for other in (make_bls_list(6), make_bls_list(8), LIST[::-1], (*LIST[1:], LIST[0])):
        assert names(note, other) == []


# --- what does not hold -------------------------------------------------------------------------------------


def refuse(line, note=NOTE, witnesses=LIST):
    with pytest.raises(BrokenSignatureError):
        open_certificates(add_lines(note, [line]), witnesses)


@pytest.mark.parametrize("place", range(8 + 1 + 96))
def test_no_bit_may_change(place):
    refuse(change_line(LINE, place, 1 << place % 8))


@pytest.mark.parametrize(
    ("raw", "saying"),
    [
        (LINE.signature[:-1], "has 105 bytes, not 104"),
        (LINE.signature + b"\0", "has 105 bytes, not 106"),
        (LINE.signature[:8] + b"\0" + LINE.signature[8:], "has 105 bytes, not 106"),
        (LINE.signature[:8] + b"\0" + LINE.signature[9:], "nobody has signed"),
        (LINE.signature[:8] + bytes([LINE.signature[8] | 0x80]) + LINE.signature[9:], "not in the list"),
        (b"\xff" * 8 + LINE.signature[8:], "the year 9999"),
        (b"", "not 0"),
    ],
)
def test_there_is_one_spelling(raw, saying):
    with pytest.raises(MalformedDocumentError, match=saying):
        parse_certificate(raw, LIST)
    if raw:
        refuse(NoteSignature(LINE.name, LINE.key_id, raw))


@given(st.binary(max_size=110))
def test_any_bytes_are_refused_as_input(raw):
    try:
        parse_certificate(raw, LIST)
    except InputError:
        return
    assert len(raw) == 105


def test_the_empty_set_signs_nothing():
    """The identity is what a naive sum of nobody's keys verifies."""
    identity = b"\xc0" + bytes(95)
    refuse(NoteSignature(LINE.name, LINE.key_id, LINE.signature[:8] + b"\0" + identity))
    refuse(NoteSignature(LINE.name, LINE.key_id, LINE.signature[:9] + identity))


def test_it_is_of_one_checkpoint():
    other = MemoryLedger().found()
    other.issue(1)
    refuse(LINE, note=other.checkpoint())


def test_it_is_of_one_log():
    other = NOTE.replace(LEDGER.origin, "other.example/2026")
    assert names(add_lines(other, [LINE])) == [], "the name in the line is another log's"
    refuse(replace(make_line(other, AT, 0), signature=LINE.signature), note=other)


def test_one_who_has_not_signed_cannot_be_added():
    refuse(change_line(LINE, 8, 0b10))
    refuse(change_line(LINE, 8, 0b1))


def test_a_share_is_of_one_witness_and_time():
    share = sign_share(BODY, 5, make_bls_signer(0))
    verify_share(share, BODY, 5, LIST[0])
    for wrong in ((share, BODY, 6, LIST[0]), (share, BODY + "x", 5, LIST[0]), (share, BODY, 5, LIST[1])):
        with pytest.raises(BrokenSignatureError, match="does not hold"):
            verify_share(*wrong)


# --- keys ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "witness",
    [
        replace(LIST[0], possession=LIST[1].possession),
        replace(LIST[0], possession=make_bls_signer(0).sign(LIST[0].key)),
        replace(LIST[0], key=b"\xc0" + bytes(47)),
        replace(LIST[0], key=b"\x80" + bytes(47)),
        replace(LIST[0], key=bytes(48)),
    ],
)
def test_a_key_without_proof_of_possession_signs_nothing(witness):
    with pytest.raises(PolicyMismatchError, match=r"the BLS key of b0\.example is not proved"):
        require_possession(witness)
    listed = (witness, *LIST[1:])
    if witness.key == LIST[0].key:
        with pytest.raises(PolicyMismatchError):
            open_certificates(add_lines(NOTE, [LINE]), listed)


def test_vkeys():
    vkey = encode_bls_witness(LIST[0])
    assert parse_bls_witness(vkey) == LIST[0]
    assert vkey.startswith("b0.example+")
    other = encode_bls_witness(LIST[1])
    for wrong in (
        "",
        vkey[:-4],
        vkey + "=",
        vkey.replace("b0", "b1"),
        vkey.rpartition("+")[0] + "+" + other.rpartition("+")[2],
        "x+00000000+BAlp",
    ):
        with pytest.raises(InputError):
            parse_bls_witness(wrong)


# --- quorums and policies -----------------------------------------------------------------------------------


def find_time(note, quorum, latest=AT + timedelta(days=1)):
    found = (*open_cosignatures(note, quorum.witnesses), *open_certificates(note, quorum.bls))
    return find_quorum_time(list_signed(found, quorum, latest), quorum)


def test_a_certificate_of_the_threshold_is_a_quorum_and_of_fewer_is_none():
    quorum = make_bls_quorum(7, threshold=4)
    assert find_time(certify(NOTE, AT, 0, 1, 2, 3), quorum) == AT
    assert find_time(certify(NOTE, AT, 0, 1, 2), quorum) is None
    assert find_time(certify(NOTE, AT, 0, 1, 2, 3), quorum, latest=AT - timedelta(minutes=1)) is None


def test_two_certificates_of_less_than_a_quorum_are_as_fresh_as_the_older_one():
    note = certify(certify(NOTE, AT, 0, 1, 2), AT + timedelta(hours=2), 2, 3, 4)
    assert find_time(note, make_bls_quorum(7, threshold=4)) == AT
    assert find_time(note, make_bls_quorum(7, threshold=5)) == AT
    assert find_time(note, make_bls_quorum(7, threshold=6)) is None


def test_both_kinds_make_one_quorum():
    own = [make_witness("b0"), make_witness("w1")]
    quorum = make_bls_quorum(3, threshold=3, witnesses=own)
    assert quorum.names == ("b0.example", "w1.example", "b1.example", "b2.example")
    twice = certify(cosign(NOTE, AT, "b0", "w1"), AT, 0, count=3)
    assert find_time(twice, quorum) is None, "b0 has signed with both keys, and is one witness"
    assert find_time(certify(cosign(NOTE, AT, "b0", "w1"), AT, 1, count=3), quorum) == AT


def test_two_quorums_share_a_witness_whatever_kind_of_key_they_used():
    with pytest.raises(MalformedDocumentError, match="more than half of the 4 witnesses"):
        make_bls_quorum(2, threshold=2, witnesses=[make_witness("w1"), make_witness("w2")])


def test_nobody_is_listed_twice():
    with pytest.raises(MalformedDocumentError, match="one name"):
        WitnessQuorum((), 2, (LIST[0], replace(LIST[1], name="b0.example")))
    with pytest.raises(MalformedDocumentError, match="one key"):
        WitnessQuorum((), 2, (LIST[0], replace(LIST[0], name="other.example")))


def test_a_policy_names_them():
    policy = LEDGER.policy(witnesses=make_bls_quorum(7, threshold=4))
    assert parse_policy(encode_policy(policy)) == policy
    mixed = LEDGER.policy(witnesses=make_bls_quorum(3, threshold=3, witnesses=[make_witness("b0")]))
    assert parse_policy(encode_policy(mixed)) == mixed


@pytest.mark.parametrize(
    ("change", "saying"),
    [
        ({"quorum": 3}, r"policy\.witnesses\.quorum: is more than half"),
        ({"bls": []}, r"policy\.witnesses\.bls"),
        ({"bls": ["x"]}, r"policy\.witnesses\.bls\[0\]"),
        ({"bls": [encode_bls_witness(LIST[0])] * 7}, r"policy\.witnesses\.bls: two witnesses have one name"),
    ],
)
def test_a_policy_with_other_keys_is_refused(change, saying):
    members = parse_json(encode_policy(LEDGER.policy(witnesses=make_bls_quorum(7, threshold=4))))
    members["witnesses"] |= change
    with pytest.raises(InputError, match=saying):
        parse_policy(encode_canonical_json(members))


def test_a_line_is_short():
    assert len(encode_line(LINE).encode()) < 200
