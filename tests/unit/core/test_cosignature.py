"""Cosignatures of witnesses: the C2SP form byte for byte, lines in any order, and nothing false beside them."""

import base64
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from ledger_in_memory import MemoryLedger, make_signer
from witnesses import cosign, make_witness

from ledger.core.checkpoint import verify_checkpoint
from ledger.core.cosignature import (
    COSIGNATURE_TYPE,
    Witness,
    add_lines,
    encode_witness,
    open_cosignatures,
    parse_witness,
    sign_cosignature,
    verify_cosignature,
)
from ledger.core.errors import BrokenSignatureError, InputError, MalformedDocumentError
from ledger.core.note import NoteSignature, NoteSigner, NoteVerifier, encode_line, parse_line, parse_note
from ledger.core.signature import P256Signer

AT = datetime(2026, 3, 1, 1, 0, tzinfo=UTC)
LEDGER = MemoryLedger().found()
NOTE = LEDGER.checkpoint()
BODY = parse_note(NOTE).text
W1, W2 = make_witness("w1"), make_witness("w2")
LOG = NoteVerifier(LEDGER.origin, LEDGER.log_signer.public_key)
LINE = sign_cosignature(BODY, W1, make_signer("w1"), AT)

C2SP_LINE = (
    "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5"
    "nNo0xUe+mbIUBkBIfZ+qnA=="
)
"""The example of C2SP tlog-cosignature; its key is not published."""


def test_the_form_is_that_of_the_specification():
    """Taken apart and verified here without the code under test."""
    name, encoded = encode_line(LINE).removeprefix("— ").rstrip("\n").split(" ")
    raw = base64.b64decode(encoded)
    key = make_signer("w1").public_key.raw
    assert name == "w1.example"
    assert raw[:4] == sha256(b"w1.example\n\x04" + key).digest()[:4]
    assert raw[4:12] == int(AT.timestamp()).to_bytes(8, "big")
    message = f"cosignature/v1\ntime {int(AT.timestamp())}\n{BODY}".encode()
    Ed25519PublicKey.from_public_bytes(key).verify(raw[12:], message)
    assert len(raw) == 76


def test_the_example_of_the_specification_has_its_time_where_ours_has_it():
    line = parse_line(C2SP_LINE)
    assert line.name == "witness.example.com/w1"
    assert int.from_bytes(line.signature[:8]) == 1679315147
    assert len(line.signature) == len(LINE.signature) == 72


def test_a_witness_is_written_as_a_vkey_of_type_4():
    vkey = encode_witness(W1)
    name, key_id, encoded = vkey.split("+", 2)
    assert (name, bytes.fromhex(key_id)) == ("w1.example", W1.key_id)
    assert base64.b64decode(encoded)[0] == COSIGNATURE_TYPE == 4
    assert parse_witness(vkey) == W1


def test_the_vkey_of_a_logs_key_is_no_witness():
    from ledger.core.note import encode_vkey

    with pytest.raises(MalformedDocumentError, match="type 1, expected one of type 4"):
        parse_witness(encode_vkey(NoteSigner("w1.example", make_signer("w1")).verifier))


@pytest.mark.parametrize(
    "vkey", ["", "w1", "w1+00000000+", "w1.example+00000000+" + encode_witness(W1).split("+", 2)[2], "a b+0+"]
)
def test_what_is_no_vkey_is_refused(vkey):
    with pytest.raises(InputError):
        parse_witness(vkey)


@given(st.text(max_size=80))
def test_a_vkey_is_refused_as_input_whatever_it_is(vkey):
    with pytest.raises(InputError):
        parse_witness(vkey)


def test_only_ed25519_keys_witness():
    with pytest.raises(MalformedDocumentError, match="Ed25519"):
        Witness("w", P256Signer((1).to_bytes(32)).public_key)


def test_lines_are_found_wherever_they_stand():
    cosigned = cosign(cosign(NOTE, AT, "stranger", "w2"), AT + timedelta(seconds=1), "w1")
    head, _, tail = cosigned.rpartition("\n\n")
    lines = tail.splitlines()
    assert len(lines) == 4
    for order in (lines, lines[::-1], lines[2:] + lines[:2]):
        note = head + "\n\n" + "".join(f"{line}\n" for line in order)
        assert verify_checkpoint(note, LOG).tree_size == LEDGER.size
        found = open_cosignatures(note, [W1, W2])
        assert [(item.witness, item.cosigned_at) for item in found] == [
            (W1, AT + timedelta(seconds=1)),
            (W2, AT),
        ]


def test_of_several_lines_of_one_witness_the_newest_counts():
    note = cosign(
        cosign(cosign(NOTE, AT, "w1"), AT + timedelta(hours=2), "w1"), AT + timedelta(hours=1), "w1"
    )
    (found,) = open_cosignatures(note, [W1])
    assert found.cosigned_at == AT + timedelta(hours=2)


def test_lines_of_others_are_ignored_whatever_they_say():
    note = add_lines(NOTE, [NoteSignature("w1.example", b"xxxx", b"y"), NoteSignature("x", W1.key_id, b"y")])
    assert open_cosignatures(note, [W1, W2]) == ()
    assert open_cosignatures(cosign(NOTE, AT, "w1"), []) == ()


@pytest.mark.parametrize(
    "signature",
    [
        b"y",
        LINE.signature[8:],
        LINE.signature + b"\0",
        LINE.signature[:-1],
        (int.from_bytes(LINE.signature[:8]) + 1).to_bytes(8) + LINE.signature[8:],
        (2**63).to_bytes(8) + LINE.signature[8:],
        b"\xff" * 72,
    ],
    ids=["no time", "without time", "long", "short", "other time", "too late", "ones"],
)
def test_a_false_line_of_a_known_witness_fells_the_note(signature):
    good = cosign(NOTE, AT, "w2")
    for note in (good, cosign(good, AT, "w1")):
        false = add_lines(note, [NoteSignature(W1.name, W1.key_id, signature)])
        with pytest.raises(BrokenSignatureError, match=r"w1\.example"):
            open_cosignatures(false, [W2, W1])
        assert verify_checkpoint(false, LOG).tree_size == LEDGER.size, "the log's own line holds"


@given(st.integers(0, 8 * 72 - 1))
def test_every_bit_counts(bit):
    raw = bytearray(LINE.signature)
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(BrokenSignatureError):
        verify_cosignature(NoteSignature(LINE.name, LINE.key_id, bytes(raw)), BODY, W1)


def test_a_cosignature_is_of_one_checkpoint_and_one_witness():
    with pytest.raises(BrokenSignatureError):
        verify_cosignature(LINE, BODY.replace("\n6\n", "\n7\n"), W1)
    with pytest.raises(BrokenSignatureError):
        verify_cosignature(LINE, BODY, W2)


def test_a_plain_signature_of_the_same_key_is_no_cosignature():
    seconds = int(AT.timestamp()).to_bytes(8)
    plain = NoteSignature(W1.name, W1.key_id, seconds + make_signer("w1").sign(BODY.encode()))
    with pytest.raises(BrokenSignatureError):
        verify_cosignature(plain, BODY, W1)
