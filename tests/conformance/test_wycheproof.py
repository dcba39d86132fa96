"""Wycheproof: every published case of Ed25519 and of P-256 with r || s."""

import json

import pytest
from vectors import vector_path

from ledger.core.errors import BrokenSignatureError, InputError
from ledger.core.signature import Algorithm, PublicKey, verify_signature

HALF_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551 // 2


def load_cases(name):
    document = json.loads(vector_path("crypto", "wycheproof", name).read_text())
    cases = [(group, test) for group in document["testGroups"] for test in group["tests"]]
    assert len(cases) == document["numberOfTests"]
    return [pytest.param(group, test, id=f"tc{test['tcId']}") for group, test in cases]


def is_accepted(key, test):
    try:
        verify_signature(key, bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"]))
    except BrokenSignatureError:
        return False
    return True


def compress(group):
    x, y = (int(group["publicKey"][name], 16) for name in ("wx", "wy"))
    return bytes([2 + y % 2]) + x.to_bytes(32, "big")


@pytest.mark.parametrize(("group", "test"), load_cases("ed25519_test.json"))
def test_ed25519(group, test):
    key = PublicKey(Algorithm.ED25519, bytes.fromhex(group["publicKey"]["pk"]))
    assert is_accepted(key, test) == (test["result"] == "valid")


@pytest.mark.parametrize(("group", "test"), load_cases("ecdsa_secp256r1_sha256_p1363_test.json"))
def test_p256(group, test):
    """We differ in one point only: of the two signatures (r, s) and (r, n - s) the upper one is refused."""
    key = PublicKey(Algorithm.P256, compress(group))
    is_low = int.from_bytes(bytes.fromhex(test["sig"])[32:], "big") <= HALF_ORDER
    assert is_accepted(key, test) == (test["result"] == "valid" and is_low)


def test_the_low_s_rule_is_what_refuses_valid_p256_cases():
    """The rule is exercised in both directions; without it every published verdict would be ours."""
    cases = [case.values for case in load_cases("ecdsa_secp256r1_sha256_p1363_test.json")]
    valid = [(group, test) for group, test in cases if test["result"] == "valid"]
    high = [test for _, test in valid if int(test["sig"][64:], 16) > HALF_ORDER]
    assert 0 < len(high) < len(valid)
    order = 2 * HALF_ORDER + 1
    for group, test in valid:
        r, s = test["sig"][:64], int(test["sig"][64:], 16)
        other = {**test, "sig": r + (order - s).to_bytes(32, "big").hex()}
        assert is_accepted(PublicKey(Algorithm.P256, compress(group)), test) == (test not in high)
        assert is_accepted(PublicKey(Algorithm.P256, compress(group)), other) == (test in high)


@pytest.mark.parametrize(
    "point",
    [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
    ],
)
def test_points_about_which_verifiers_disagree_are_no_keys(point):
    """Points of small or mixed order, non-canonical encodings ("Taming the many EdDSAs", tables 1, 6)."""
    with pytest.raises(InputError):
        PublicKey(Algorithm.ED25519, bytes.fromhex(point))
