"""The line with which a witness hands over its part of a quorum certificate: one form, and nothing false."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from bls_witnesses import change_line, make_bls_list, make_bls_signer
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_in_memory import MemoryLedger
from py_ecc.bls import G2ProofOfPossession

from ledger.core.cosignature import add_lines
from ledger.core.errors import BrokenSignatureError, InputError, MalformedDocumentError, PolicyMismatchError
from ledger.core.note import NoteSignature, encode_line, parse_line, parse_note
from ledger.core.quorum_certificate import (
    MAX_MINUTES,
    Share,
    build_certificate,
    encode_bls_witness,
    encode_share,
    open_certificates,
    parse_share,
    sign_share_line,
    verify_share_line,
)

AT = datetime(2026, 3, 1, 1, 0, 59, tzinfo=UTC)
MINUTES = int(AT.timestamp()) // 60
BODY = parse_note(MemoryLedger().found().checkpoint()).text
LIST = make_bls_list(3)
W0, W1, _ = LIST
LINE = sign_share_line(BODY, W0, make_bls_signer(0), AT)
DOMAIN = b"hengzheng/quorum/v1\0"


def refuse(line, saying="does not hold", body=BODY, witness=W0):
    with pytest.raises(BrokenSignatureError, match=saying):
        verify_share_line(line, body, witness)


def test_the_form_is_that_of_the_norm_and_py_ecc_verifies_it():
    """Taken apart and verified here without the code under test."""
    raw = LINE.signature
    assert LINE.name == "b0.example"
    assert LINE.key_id == sha256(b"b0.example\n\xff" + DOMAIN + W0.key + W0.possession).digest()[:4]
    assert LINE.key_id.hex() == encode_bls_witness(W0).split("+")[1]
    assert len(raw) == 8 + 96
    assert raw[:8] == MINUTES.to_bytes(8, "big")
    assert G2ProofOfPossession.Verify(W0.key, DOMAIN + raw[:8] + BODY.encode(), raw[8:])


def test_it_says_the_minute_that_had_begun():
    share = verify_share_line(LINE, BODY, W0)
    assert share.signed_at == AT.replace(second=0)
    assert sign_share_line(BODY, W0, make_bls_signer(0), AT - timedelta(seconds=59)) == LINE
    assert sign_share_line(BODY, W0, make_bls_signer(0), AT + timedelta(seconds=1)) != LINE


@given(st.integers(0, 2), st.integers(0, MAX_MINUTES))
@settings(max_examples=30)
def test_what_is_signed_is_verified_and_written_one_way(number, minutes):
    at = datetime.fromtimestamp(minutes * 60, UTC)
    line = sign_share_line(BODY, LIST[number], make_bls_signer(number), at)
    assert verify_share_line(line, BODY, LIST[number]) == parse_share(line.signature)
    assert encode_share(parse_share(line.signature), LIST[number]) == line
    assert parse_line(encode_line(line).rstrip("\n")) == line


@given(st.binary(max_size=120) | st.binary(min_size=104, max_size=104))
def test_any_bytes_are_read_back_or_refused_as_input(raw):
    try:
        share = parse_share(raw)
    except InputError:
        return
    assert len(raw) == 104
    assert encode_share(share, W0).signature == raw


@pytest.mark.parametrize("place", range(8 + 96))
def test_no_bit_may_change(place):
    refuse(change_line(LINE, place, 1 << place % 8))


@pytest.mark.parametrize(
    ("raw", "saying"),
    [
        (b"", "has 104 bytes, not 0"),
        (LINE.signature[:-1], "has 104 bytes, not 103"),
        (LINE.signature + b"\0", "has 104 bytes, not 105"),
        (LINE.signature[8:], "has 104 bytes, not 96"),
        (LINE.signature[:8] + b"\1" + LINE.signature[8:], "has 104 bytes, not 105"),
        ((MAX_MINUTES + 1).to_bytes(8) + LINE.signature[8:], "the year 9999"),
        (b"\xff" * 8 + LINE.signature[8:], "the year 9999"),
    ],
)
def test_there_is_one_size_and_a_last_time(raw, saying):
    with pytest.raises(MalformedDocumentError, match=saying):
        parse_share(raw)
    refuse(replace(LINE, signature=raw), saying)


def test_the_last_minute_is_read():
    raw = MAX_MINUTES.to_bytes(8) + LINE.signature[8:]
    assert parse_share(raw) == Share(MAX_MINUTES, LINE.signature[8:])
    refuse(replace(LINE, signature=raw))


@pytest.mark.parametrize("point", [b"\xc0" + bytes(95), bytes(96), b"\x80" + bytes(95)])
def test_what_is_no_point_is_no_share(point):
    refuse(replace(LINE, signature=LINE.signature[:8] + point))


def test_it_is_of_one_witness_and_one_checkpoint():
    refuse(LINE, "no share of b1.example", witness=W1)
    refuse(replace(LINE, name=W1.name, key_id=W1.key_id), witness=W1)
    refuse(replace(LINE, key_id=bytes(4)), "no share of b0.example")
    refuse(replace(LINE, name="other.example"), "no share of b0.example")
    refuse(LINE, body=BODY.replace("\n", "\n1", 1))


def test_a_proof_of_possession_is_no_share():
    refuse(replace(LINE, signature=LINE.signature[:8] + W0.possession))


def test_a_key_that_is_not_proved_signs_nothing():
    unproved = replace(W0, possession=W1.possession)
    line = NoteSignature(unproved.name, unproved.key_id, LINE.signature)
    with pytest.raises(PolicyMismatchError, match=r"the BLS key of b0\.example is not proved"):
        verify_share_line(line, BODY, unproved)


def test_shares_add_up_to_a_certificate_and_are_none_by_themselves():
    lines = [sign_share_line(BODY, one, make_bls_signer(number), AT) for number, one in enumerate(LIST)]
    shares = {one: parse_share(line.signature).signature for one, line in zip(LIST, lines, strict=True)}
    note = f"{BODY}\n— x.example AAAAAAE=\n"
    certified = add_lines(note, [build_certificate(BODY, MINUTES, shares, LIST)])
    assert [found.witness for found in open_certificates(certified, LIST)] == list(LIST)
    assert open_certificates(add_lines(note, lines), LIST) == (), (
        "under a checkpoint they are strangers' lines"
    )
