"""Proof files of transparency-dev/formats: what is good there is read here byte for byte, what is bad refused.

Their checkpoints are placeholders, which only verifying would look at.
"""

import base64
import json

import pytest
from vectors import vector_path

from ledger.core.errors import InputError
from ledger.core.tlog_proof import encode_tlog_proof, parse_tlog_proof

CASES = json.loads(vector_path("tlog", "formats", "formats.json").read_bytes())["tlog_proof"]


@pytest.mark.parametrize("case", CASES["valid"], ids=lambda case: case["index"])
def test_good_files_are_read_and_written_back(case):
    proof = parse_tlog_proof(case["text"].encode())
    assert (proof.leaf_index, proof.extra.decode()) == (case["index"], case.get("extra", ""))
    lines = case["text"].partition("\n\n")[0].split("\n")
    assert proof.inclusion == tuple(map(base64.b64decode, lines[2 + ("extra" in case) :]))
    assert encode_tlog_proof(proof) == case["text"]


@pytest.mark.parametrize("case", CASES["invalid"], ids=lambda case: case["desc"])
def test_bad_files_are_refused(case):
    with pytest.raises(InputError):
        parse_tlog_proof(case["text"].encode())


def test_both_outcomes_are_in_the_vectors():
    assert (len(CASES["valid"]), len(CASES["invalid"])) == (3, 7)
