"""Checkpoint bodies of transparency-dev/formats, and the example of the C2SP specification.

Two of the bodies are valid there and refused here: their hashes are not 32 bytes long, and one has an
extension line. With a real hash in their place only the extension line is refused.
"""

import base64
import json

import pytest
from vectors import vector_path

from ledger.core.checkpoint import encode_checkpoint_body, parse_checkpoint_body
from ledger.core.errors import InputError, MalformedDocumentError

CASES = json.loads(vector_path("tlog", "formats", "formats.json").read_bytes())["checkpoint"]
HASH = base64.b64encode(bytes(range(32))).decode()
SPECIFIED = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"


@pytest.mark.parametrize("case", [case for case in CASES if not case["ok"]], ids=lambda case: case["desc"])
def test_invalid_bodies_are_refused(case):
    with pytest.raises(InputError):
        parse_checkpoint_body(case["text"])


@pytest.mark.parametrize("case", [case for case in CASES if case["ok"]], ids=lambda case: case["desc"])
def test_valid_bodies_with_short_hashes_are_refused_for_their_hash(case):
    with pytest.raises(MalformedDocumentError):
        parse_checkpoint_body(case["text"])
    origin, size, root, *extension = case["text"].split("\n")
    assert len(base64.b64decode(root)) != 32
    checkpoint = parse_checkpoint_body(f"{origin}\n{size}\n{HASH}\n")
    assert (checkpoint.origin, checkpoint.tree_size) == (case["origin"], case["size"])
    if extension != [""]:
        with pytest.raises(MalformedDocumentError):
            parse_checkpoint_body("\n".join([origin, size, HASH, *extension]))


def test_both_outcomes_are_in_the_vectors():
    assert [sum(case["ok"] is ok for case in CASES) for ok in (True, False)] == [2, 7]


def test_the_example_of_the_specification_is_read_back():
    checkpoint = parse_checkpoint_body(SPECIFIED)
    assert (checkpoint.origin, checkpoint.tree_size) == ("example.com/behind-the-sofa", 20_852_163)
    assert encode_checkpoint_body(checkpoint) == SPECIFIED
