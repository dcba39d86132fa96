"""Fork proofs: two states of one size, both signed."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_in_memory import MemoryLedger

from ledger.core.checkpoint import Checkpoint, sign_checkpoint
from ledger.core.errors import InputError, PolicyMismatchError, VerificationError
from ledger.core.fork import Fork, encode_fork, parse_fork, verify_fork
from ledger.core.note import NoteVerifier

LEDGER = MemoryLedger().found()
LOG = NoteVerifier(LEDGER.origin, LEDGER.log_signer.public_key)


def sign(size, root, origin=LEDGER.origin, by=LEDGER.log_signer):
    return sign_checkpoint(Checkpoint(origin, size, bytes([root]) * 32), by)


FORK = Fork(LEDGER.origin, sign(8, 1), sign(8, 2))


def test_two_states_of_one_size():
    assert (
        verify_fork(parse_fork(encode_fork(FORK)), LOG)
        == "the log has signed two different states of 8 leaves"
    )


@pytest.mark.parametrize(
    ("second", "why"),
    [
        (sign(9, 2), "are of different sizes"),
        (sign(8, 1), "are the same"),
        (sign(8, 2, by=MemoryLedger("x").roots[0]), "no known key signed"),
        (sign(8, 2, origin="other.example/1"), "log"),
        ("", "note"),
    ],
)
def test_what_is_no_fork(second, why):
    with pytest.raises((InputError, VerificationError), match=why):
        verify_fork(replace(FORK, second=second), LOG)


def test_it_must_be_of_this_log():
    with pytest.raises(PolicyMismatchError):
        verify_fork(replace(FORK, origin="other.example/1"), LOG)


def test_every_flipped_bit_is_found():
    raw = encode_fork(FORK)
    for bit in range(len(raw) * 8):
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises((InputError, VerificationError)):
            verify_fork(parse_fork(bytes(changed)), LOG)


@given(st.binary(max_size=80))
def test_other_bytes_are_refused(raw):
    with pytest.raises(InputError):
        parse_fork(raw)


def test_it_has_one_spelling():
    with pytest.raises(InputError):
        parse_fork(encode_fork(FORK).replace(b":", b": ", 1))
    assert parse_fork(encode_fork(FORK)) == FORK
