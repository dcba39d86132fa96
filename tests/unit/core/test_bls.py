"""BLS signatures: both backends write the norm's bytes and judge alike; nothing that is no point is taken."""

import os
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py_ecc.bls import G2ProofOfPossession
from py_ecc.bls.g2_primitives import G1_to_pubkey, G2_to_signature
from py_ecc.optimized_bls12_381 import FQ, FQ2, b, b2, curve_order, is_inf, multiply
from py_ecc.optimized_bls12_381 import field_modulus as modulus

from ledger.core import bls
from ledger.core.bls import (
    BlsSigner,
    aggregate_signatures,
    check_public_key,
    derive_secret,
    load_arkworks,
    load_py_ecc,
    verify_bls,
    verify_possession,
)
from ledger.core.errors import BrokenSignatureError, InputError, LedgerError, MalformedDocumentError

FAST, NORM = load_arkworks(), load_py_ecc()
BACKENDS = pytest.mark.parametrize("backend", [FAST, NORM], ids=["arkworks", "py_ecc"])
LONG = os.environ.get("HENGZHENG_LONG") == "1"
MESSAGE = b"a checkpoint"
SEVEN = [BlsSigner(bytes([number]) * 32) for number in range(1, 8)]
KEYS = [signer.public_key for signer in SEVEN]
TOGETHER = aggregate_signatures([signer.sign(MESSAGE) for signer in SEVEN])
IDENTITY_KEY = b"\xc0" + bytes(47)
IDENTITY_SIGNATURE = b"\xc0" + bytes(95)


def is_accepted(keys, message, signature, backend):
    try:
        verify_bls(keys, message, signature, backend)
    except LedgerError:
        return False
    return True


def find_small_key():
    """Return a point of the curve that is not in the subgroup: the cofactor of G1 is not one."""
    for x in range(1, 100):
        y = pow((x**3 + b.n) % modulus, (modulus + 1) // 4, modulus)
        point = FQ(x), FQ(y), FQ(1)
        if y * y % modulus == (x**3 + b.n) % modulus and not is_inf(multiply(point, curve_order)):
            return bytes(G1_to_pubkey(point))
    raise AssertionError


def find_small_signature():
    from py_ecc.bls.point_compression import modular_squareroot_in_FQ2

    for x in range(1, 100):
        at = FQ2([x, 1])
        y = modular_squareroot_in_FQ2(at**3 + b2)
        if y is not None and not is_inf(multiply((at, y, FQ2([1, 0])), curve_order)):
            return bytes(G2_to_signature((at, y, FQ2([1, 0]))))
    raise AssertionError


# --- one signer ---------------------------------------------------------------------------------------------


def test_both_backends_write_the_bytes_of_the_norm():
    seed = bytes(range(32))
    secret = G2ProofOfPossession.KeyGen(seed)
    assert derive_secret(seed) == secret
    for backend in (FAST, NORM):
        signer = BlsSigner(seed, backend)
        assert signer.public_key == G2ProofOfPossession.SkToPk(secret)
        assert signer.sign(MESSAGE) == G2ProofOfPossession.Sign(secret, MESSAGE)
        assert signer.prove_possession() == G2ProofOfPossession.PopProve(secret)


@given(st.binary(min_size=32, max_size=64))
@settings(max_examples=50)
def test_a_seed_gives_the_key_of_the_norm(seed):
    assert derive_secret(seed) == G2ProofOfPossession.KeyGen(seed)
    assert 0 < derive_secret(seed) < curve_order


def test_a_short_seed_is_refused():
    with pytest.raises(MalformedDocumentError, match="at least 32 bytes, not 31"):
        BlsSigner(bytes(31))


def test_a_signer_does_not_show_its_secret():
    assert repr(SEVEN[0]) == f"<BlsSigner {KEYS[0][:8].hex()}>"
    assert not hasattr(SEVEN[0], "__dict__")


@BACKENDS
def test_possession_is_shown_by_its_own_kind_of_signature(backend):
    signer = SEVEN[0]
    proof = signer.prove_possession()
    verify_possession(signer.public_key, proof, backend)
    for key, wrong in (
        (KEYS[1], proof),
        (KEYS[0], SEVEN[1].prove_possession()),
        (KEYS[0], signer.sign(KEYS[0])),
        (KEYS[0], IDENTITY_SIGNATURE),
        (KEYS[0], proof[:-1]),
    ):
        with pytest.raises(BrokenSignatureError):
            verify_possession(key, wrong, backend)
    with pytest.raises(MalformedDocumentError):
        verify_possession(IDENTITY_KEY, IDENTITY_SIGNATURE, backend)


# --- several signers ----------------------------------------------------------------------------------------


@BACKENDS
def test_seven_sign_as_one(backend):
    verify_bls(KEYS, MESSAGE, TOGETHER, backend)
    verify_bls(list(reversed(KEYS)), MESSAGE, TOGETHER, backend)
    assert aggregate_signatures([signer.sign(MESSAGE) for signer in SEVEN], backend) == TOGETHER
    assert G2ProofOfPossession.Aggregate([signer.sign(MESSAGE) for signer in SEVEN]) == TOGETHER
    assert G2ProofOfPossession.FastAggregateVerify(KEYS, MESSAGE, TOGETHER)


@BACKENDS
@pytest.mark.parametrize(
    ("keys", "message", "signature"),
    [
        (KEYS[:-1], MESSAGE, TOGETHER),
        ([*KEYS, KEYS[0]], MESSAGE, TOGETHER),
        (KEYS, MESSAGE + b"x", TOGETHER),
        (KEYS, MESSAGE, SEVEN[0].sign(MESSAGE)),
        (KEYS, MESSAGE, IDENTITY_SIGNATURE),
        (KEYS, MESSAGE, b""),
        (KEYS, MESSAGE, TOGETHER + b"\0"),
    ],
)
def test_anything_else_is_refused(keys, message, signature, backend):
    with pytest.raises(BrokenSignatureError):
        verify_bls(keys, message, signature, backend)


@BACKENDS
def test_nobody_signs_nothing(backend):
    """A naive sum of no keys is the identity, and the identity a signature of theirs over everything."""
    for signature in (IDENTITY_SIGNATURE, TOGETHER):
        with pytest.raises(MalformedDocumentError, match="a signature of nobody is none"):
            verify_bls([], MESSAGE, signature, backend)
    with pytest.raises(MalformedDocumentError, match="no signatures to aggregate"):
        aggregate_signatures([], backend)


@BACKENDS
def test_keys_that_cancel_each_other_sign_nothing(backend):
    """Both have an owner who could prove it; their sum is the identity."""
    negated = bytes([KEYS[0][0] ^ 0x20]) + KEYS[0][1:]
    check_public_key(negated, backend)
    with pytest.raises(BrokenSignatureError):
        verify_bls([KEYS[0], negated], MESSAGE, IDENTITY_SIGNATURE, backend)
    with pytest.raises(BrokenSignatureError):
        verify_bls([KEYS[0], negated], MESSAGE, TOGETHER, backend)


@BACKENDS
def test_a_key_made_to_cancel_another_verifies_and_has_no_proof_of_possession(backend):
    """The attack that proofs of possession are there for: an attacker alone signs for two."""
    attacker, victim = SEVEN[0], BlsSigner(bytes([9]) * 32)
    negated = bytes([victim.public_key[0] ^ 0x20]) + victim.public_key[1:]
    rogue = backend.encode(
        backend.add_up([backend.decode_key(attacker.public_key), backend.decode_key(negated)])
    )
    verify_bls([rogue, victim.public_key], MESSAGE, attacker.sign(MESSAGE), backend)
    for proof in (attacker.prove_possession(), attacker.sign(rogue), victim.prove_possession()):
        with pytest.raises(BrokenSignatureError):
            verify_possession(rogue, proof, backend)


# --- points -------------------------------------------------------------------------------------------------


@BACKENDS
@pytest.mark.parametrize(
    ("raw", "saying"),
    [
        (b"", "48 bytes, not 0"),
        (KEYS[0][:-1], "48 bytes, not 47"),
        (KEYS[0] + b"\0", "48 bytes, not 49"),
        (TOGETHER, "48 bytes, not 96"),
        (IDENTITY_KEY, "not the identity"),
        (b"\xe0" + bytes(47), "not the identity"),
        (b"\xc0" + KEYS[0][1:], "not the identity"),
        (bytes([KEYS[0][0] & 0x7F]) + KEYS[0][1:], "is compressed"),
        (bytes(48), "is compressed"),
        ((modulus | 1 << 383).to_bytes(48), "below the field's modulus"),
        ((modulus + 1 | 1 << 383).to_bytes(48), "below the field's modulus"),
        (b"\x9f" + b"\xff" * 47, "below the field's modulus"),
        (find_small_key(), "subgroup of prime order"),
    ],
)
def test_what_is_no_key_is_refused(raw, saying, backend):
    with pytest.raises(MalformedDocumentError, match=saying):
        check_public_key(raw, backend)
    with pytest.raises(MalformedDocumentError, match=saying):
        verify_bls([*KEYS, raw], MESSAGE, TOGETHER, backend)


@BACKENDS
@pytest.mark.parametrize(
    ("raw", "saying"),
    [
        (IDENTITY_SIGNATURE, "not the identity"),
        (b"\xe0" + bytes(95), "not the identity"),
        (bytes([TOGETHER[0] & 0x7F]) + TOGETHER[1:], "is compressed"),
        (TOGETHER[:48] + modulus.to_bytes(48), "below the field's modulus"),
        (TOGETHER[:48] + bytes([TOGETHER[48] | 0x80]) + TOGETHER[49:], "below the field's modulus"),
        ((modulus | 1 << 383).to_bytes(48) + TOGETHER[48:], "below the field's modulus"),
        (find_small_signature(), "subgroup of prime order"),
    ],
)
def test_what_is_no_signature_is_refused(raw, saying, backend):
    with pytest.raises(BrokenSignatureError, match=saying):
        verify_bls(KEYS, MESSAGE, raw, backend)
    with pytest.raises(InputError, match=saying):
        aggregate_signatures([raw], backend)


def list_mutations(raw):
    """Return every bit of the first and last bytes changed, and of both coordinates' first bytes."""
    places = sorted({0, 1, 47, 48, len(raw) - 1} & set(range(len(raw))))
    return [
        raw[:place] + bytes([raw[place] ^ 1 << bit]) + raw[place + 1 :]
        for place in places
        for bit in range(8)
    ]


def judge(call, *arguments):
    try:
        call(*arguments)
    except LedgerError as err:
        return type(err).__name__, str(err)
    return "accepted"


def test_both_backends_say_the_same_of_every_changed_key_and_signature():
    signature = SEVEN[0].sign(MESSAGE)
    changed = list_mutations(KEYS[0])
    for raw in changed if LONG else changed[::2]:
        assert judge(check_public_key, raw, FAST) == judge(check_public_key, raw, NORM)
    changed = list_mutations(signature)
    for raw in changed if LONG else changed[::6]:
        found = judge(verify_bls, KEYS[:1], MESSAGE, raw, FAST)
        assert found == judge(verify_bls, KEYS[:1], MESSAGE, raw, NORM)
        assert found != "accepted"


@given(st.binary(min_size=48, max_size=48))
@settings(max_examples=200 if LONG else 40, deadline=None)
def test_both_backends_say_the_same_of_random_keys(raw):
    raw = bytes([raw[0] & 0x3F | 0x80]) + raw[1:]
    assert judge(check_public_key, raw, FAST) == judge(check_public_key, raw, NORM)


@given(st.binary(max_size=200), st.sets(st.integers(0, 6), min_size=1))
@settings(max_examples=20, deadline=None)
def test_whoever_signs_whatever_verifies_and_nobody_else(message, signers):
    keys = [KEYS[number] for number in signers]
    signature = aggregate_signatures([SEVEN[number].sign(message) for number in signers])
    verify_bls(keys, message, signature)
    for one, other in pairwise([*keys, keys[0]]):
        assert one == other or not is_accepted([*keys, other], message, signature, FAST)
    assert not is_accepted(keys, message + b"\0", signature, FAST)


def test_one_of_the_backends_is_enough(monkeypatch):
    def fail():
        raise ImportError("no build for this machine")

    monkeypatch.setattr(bls, "load_arkworks", fail)
    bls.load_backend.cache_clear()
    try:
        assert type(bls.load_backend()) is type(NORM)
    finally:
        bls.load_backend.cache_clear()
