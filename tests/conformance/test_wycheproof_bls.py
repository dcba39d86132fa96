"""Wycheproof's BLS vectors: all through arkworks; a slice through py-ecc, all in the long form."""

import json
import os

import pytest
from vectors import vector_path

from ledger.core import bls
from ledger.core.bls import load_arkworks, load_py_ecc
from ledger.core.errors import LedgerError

FOLDER = vector_path("crypto", "wycheproof")
FAST, NORM = load_arkworks(), load_py_ecc()
LONG = os.environ.get("HENGZHENG_LONG") == "1"


def read_groups(name):
    return json.loads((FOLDER / f"bls_{name}_test.json").read_bytes())["testGroups"]


def list_cases(name):
    return [
        pytest.param(
            group["ciphersuite"].encode(), group["publicKey"]["pk"], case, id=f"{name}-{case['tcId']}"
        )
        for group in read_groups(name)
        for case in group["tests"]
    ]


SIGNATURES = [*list_cases("sig_g2_pop_verify"), *list_cases("sig_g2_basic_verify")]
HASHES = [
    pytest.param(group["dst"].encode(), case, id=str(case["tcId"]))
    for group in read_groups("hash_to_g2")
    for case in group["tests"]
]


def verify(suite, key, case, backend):
    """Return whether a signature is accepted: as `verify_bls` does it, under the suite of the vector."""
    try:
        point = bls._decode_key(bytes.fromhex(key), backend)
        message, signature = bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"])
        bls._verify(point, message, signature, suite, backend)
    except LedgerError:
        return False
    return True


@pytest.mark.parametrize(("suite", "key", "case"), SIGNATURES)
def test_arkworks_judges_signatures_as_published(suite, key, case):
    assert verify(suite, key, case, FAST) == (case["result"] == "valid")


@pytest.mark.parametrize(("suite", "key", "case"), SIGNATURES if LONG else SIGNATURES[::12])
def test_py_ecc_judges_them_alike(suite, key, case):
    assert verify(suite, key, case, NORM) == (case["result"] == "valid")


@pytest.mark.parametrize(("suite", "case"), HASHES)
def test_messages_are_hashed_to_the_published_points(suite, case):
    message = bytes.fromhex(case["msg"])
    assert FAST.encode(FAST.sign(1, message, suite)).hex() == case["expected"]


@pytest.mark.parametrize(("suite", "case"), HASHES if LONG else HASHES[::12])
def test_py_ecc_hashes_them_alike(suite, case):
    message = bytes.fromhex(case["msg"])
    assert NORM.encode(NORM.sign(1, message, suite)).hex() == case["expected"]


def test_the_vectors_are_of_our_suites_and_some_are_bad():
    results = [case.values[2]["result"] for case in SIGNATURES]
    assert len(results) == 114
    assert 10 < results.count("invalid") < 104
    assert bls.CIPHERSUITE in {case.values[0] for case in SIGNATURES}
