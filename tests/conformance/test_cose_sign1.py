"""The COSE working group's COSE_Sign1 examples, read by a small decoder of our own for these tests.

Their messages are tagged and carry headers that ours do not have, so that our strict parser refuses every
one; what is compared is the signed structure (for each algorithm) and the verdict (for ours).
"""

import base64
import json

import cbor2
import pytest
from vectors import vector_path

from ledger.core.cose import encode_sig_structure, parse_sign1
from ledger.core.errors import BrokenSignatureError, InputError
from ledger.core.signature import Algorithm, PublicKey, verify_signature

HALF_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551 // 2


def load_cases():
    paths = sorted(vector_path("crypto", "cose-wg").glob("*/*.json"))
    cases = {path.stem: json.loads(path.read_text()) for path in paths}
    return {name: case for name, case in cases.items() if "sign0" in case["input"]}


CASES = load_cases()
PASSING = [name for name, case in CASES.items() if not case.get("fail")]
SUITES = {("P-256", "ES256"), ("Ed25519", "EdDSA")}
SIGNERS = {name: case["input"]["sign0"] for name, case in CASES.items()}
OURS = [name for name, signer in SIGNERS.items() if (signer["key"].get("crv"), signer["alg"]) in SUITES]


def read_key(case):
    key = case["input"]["sign0"]["key"]
    if key["crv"] == "Ed25519":
        return PublicKey(Algorithm.ED25519, bytes.fromhex(key["x_hex"]))
    x, y = (
        base64.urlsafe_b64decode(key[name] + "==") if name in key else bytes.fromhex(key[name + "_hex"])
        for name in ("x", "y")
    )
    return PublicKey(Algorithm.P256, bytes([2 + y[-1] % 2]) + x)


def decode(case):
    """Return protected header, payload and signature; ValueError for what RFC 9052 forbids."""
    message = cbor2.loads(bytes.fromhex(case["output"]["cbor"]))
    if isinstance(message, cbor2.CBORTag):
        if message.tag != 18:
            raise ValueError(message.tag)
        message = message.value
    protected, unprotected, payload, signature = message
    headers = {**unprotected, **(cbor2.loads(protected) if protected else {})}
    if headers.get(1) not in {-7, -8}:
        raise ValueError(headers)
    return protected, payload, signature


def signed_bytes(case, protected, payload):
    return encode_sig_structure(protected, bytes.fromhex(case["input"]["sign0"].get("external", "")), payload)


def is_valid(case):
    key = read_key(case)
    try:
        protected, payload, signature = decode(case)
        message = signed_bytes(case, protected, payload)
        if key.algorithm is Algorithm.P256 and int.from_bytes(signature[32:], "big") > HALF_ORDER:
            signature = signature[:32] + to_low(signature[32:])
        verify_signature(key, signature, message)
    except (ValueError, BrokenSignatureError):
        return False
    return True


def to_low(s):
    """ECDSA takes (r, s) and (r, n - s) alike; our rule admits the lower one, these examples hold both."""
    return (2 * HALF_ORDER + 1 - int.from_bytes(s, "big")).to_bytes(32, "big")


def test_the_examples_are_there():
    assert len(CASES) == 16
    assert len(PASSING) == 10
    assert len(OURS) == 12


@pytest.mark.parametrize("name", PASSING)
def test_the_signed_structure(name):
    case = CASES[name]
    message = cbor2.loads(bytes.fromhex(case["output"]["cbor"]))
    protected, _, payload, _ = message.value if isinstance(message, cbor2.CBORTag) else message
    assert signed_bytes(case, protected, payload).hex().upper() == case["intermediates"]["ToBeSign_hex"]


def test_an_empty_protected_map_counts_as_no_bytes():
    assert CASES["sign-pass-01"]["output"]["cbor"].startswith("D28441A0")
    assert encode_sig_structure(b"\xa0", b"", b"x") == encode_sig_structure(b"", b"", b"x")
    assert cbor2.loads(encode_sig_structure(b"\xa0", b"a", b"x")) == ["Signature1", b"", b"a", b"x"]


@pytest.mark.parametrize("name", OURS)
def test_the_verdict(name):
    assert is_valid(CASES[name]) == (not CASES[name].get("fail"))


@pytest.mark.parametrize("name", list(CASES))
def test_our_parser_takes_none_of_these_shapes(name):
    raw = bytes.fromhex(CASES[name]["output"]["cbor"])
    for candidate in (raw, raw.removeprefix(b"\xd2")):
        with pytest.raises(InputError):
            parse_sign1(candidate)
