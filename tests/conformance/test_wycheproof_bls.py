"""Wycheproof's BLS vectors: all through arkworks; a slice through py-ecc, all in the long form.

Of the vectors for aggregates, which are of several keys over a message each (AggregateVerify), the product has the
keys, the signatures and the one signer only: all who sign a certificate sign the same bytes. So their keys and
signatures are judged by the product, their messages are hashed by its backends, and only the pairing of several
messages is done here, by the same two libraries. What cannot be expressed at all is named in `INEXPRESSIBLE`.
"""

import json
import os
from functools import reduce
from operator import mul

import pytest
from py_arkworks_bls12381 import GT, G1Point
from py_ecc.optimized_bls12_381 import FQ12, G1, final_exponentiate, neg, pairing
from vectors import vector_path

from ledger.core import bls
from ledger.core.bls import load_arkworks, load_py_ecc, verify_bls
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
AGGREGATES = [
    pytest.param(group["ciphersuite"].encode(), case, id=f"aggregate-{case['tcId']}")
    for group in read_groups("sig_g2_aggregate_verify")
    for case in group["tests"]
]
INEXPRESSIBLE = {
    5: "fewer messages than keys: no function of ours takes a list of messages",
    14: "more messages than keys: as above",
}
EXPRESSIBLE = [case for case in AGGREGATES if case.values[1]["tcId"] not in INEXPRESSIBLE]


def verify(suite, key, case, backend):
    """Return whether a signature is accepted: as `verify_bls` does it, under the suite of the vector."""
    try:
        point = bls._decode_key(bytes.fromhex(key), backend)
        message, signature = bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"])
        bls._verify(point, message, signature, suite, backend)
    except LedgerError:
        return False
    return True


def verify_aggregate(suite, case, backend):
    """Return whether an aggregate is accepted; nobody's by `verify_bls`, one signer's as every other signature."""
    keys, messages = ([bytes.fromhex(text) for text in case[name]] for name in ("pubkeys", "messages"))
    signature = bytes.fromhex(case["sig"])
    try:
        if not keys:
            verify_bls(keys, b"", signature, backend)
        points = [bls._decode_key(key, backend) for key in keys]
        if len(keys) == 1:
            bls._verify(points[0], messages[0], signature, suite, backend)
            return True
        total = bls._decode_signature(signature, backend)
    except LedgerError:
        return False
    hashes = [backend.sign(1, message, suite) for message in messages]
    return pair(points, hashes, total, backend)


def pair(keys, hashes, total, backend):
    """Return whether the product of e(key, hash) is e(generator, total)."""
    if backend is FAST:
        return GT.pairing_check([*keys, -G1Point()], [*hashes, total])
    pairs = zip([*hashes, total], [*keys, neg(G1)], strict=True)
    parts = [pairing(point, key, final_exponentiate=False) for point, key in pairs]
    return final_exponentiate(reduce(mul, parts)) == FQ12.one()


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


@pytest.mark.parametrize(("suite", "case"), EXPRESSIBLE)
def test_arkworks_judges_aggregates_as_published(suite, case):
    assert verify_aggregate(suite, case, FAST) == (case["result"] == "valid")


@pytest.mark.parametrize(("suite", "case"), EXPRESSIBLE if LONG else EXPRESSIBLE[::6])
def test_py_ecc_judges_aggregates_alike(suite, case):
    assert verify_aggregate(suite, case, NORM) == (case["result"] == "valid")


def test_all_aggregates_but_two_are_judged_and_half_of_them_by_the_product_alone():
    cases = {case.values[1]["tcId"]: case.values[1] for case in AGGREGATES}
    assert len(cases) == 19
    assert len(EXPRESSIBLE) == 17
    for number in INEXPRESSIBLE:
        assert cases[number]["flags"] == ["MismatchedCount"]
        assert len(cases[number]["pubkeys"]) != len(cases[number]["messages"])
    paired = [
        number
        for number, case in cases.items()
        if number not in INEXPRESSIBLE and len(case["pubkeys"]) > 1 and are_points(case)
    ]
    assert paired == [1, 3, 4, 9, 10, 11, 12, 13], "the rest is judged by the product alone"


def are_points(case):
    try:
        for key in case["pubkeys"]:
            bls._decode_key(bytes.fromhex(key), FAST)
        bls._decode_signature(bytes.fromhex(case["sig"]), FAST)
    except LedgerError:
        return False
    return True


def test_the_vectors_are_of_our_suites_and_some_are_bad():
    results = [case.values[2]["result"] for case in SIGNATURES]
    assert len(results) == 114
    assert 10 < results.count("invalid") < 104
    assert bls.CIPHERSUITE in {case.values[0] for case in SIGNATURES}
