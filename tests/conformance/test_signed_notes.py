"""Signed-note vectors of Go's sumdb/note and of the C2SP specification.

One quirk: Go looks only at the first of several lines by one key. Here each is checked and counts once, which
gives the same verdict on the vectors and refuses a note with a good and a broken line by a known key.
"""

import base64
import json

import pytest
from vectors import vector_path

from ledger.core.errors import BrokenSignatureError, InputError, MalformedDocumentError
from ledger.core.note import (
    NoteSigner,
    compute_note_key_id,
    encode_note,
    encode_vkey,
    open_note,
    parse_note,
    parse_vkey,
    sign_note,
)
from ledger.core.signature import Ed25519Signer

GO = json.loads(vector_path("tlog", "go-sumdb-note", "note.json").read_bytes())
C2SP = json.loads(vector_path("tlog", "c2sp", "examples.json").read_bytes())["signed_note"]
ERRORS = {"no verifiable signatures": BrokenSignatureError, "invalid signature for key": BrokenSignatureError}


@pytest.mark.parametrize("vkey", [*GO["vkeys"]["good"], C2SP["vkey"]])
def test_good_vkeys_are_read_back(vkey):
    assert encode_vkey(parse_vkey(vkey)) == vkey


@pytest.mark.parametrize("vkey", GO["vkeys"]["bad"])
def test_bad_vkeys_are_refused(vkey):
    with pytest.raises(InputError):
        parse_vkey(vkey)


def test_no_part_of_a_vkey_is_a_vkey():
    vkey = GO["vkeys"]["good"][0]
    for start in range(len(vkey)):
        for end in range(start, len(vkey) + 1):
            if end - start < len(vkey):
                with pytest.raises(InputError):
                    parse_vkey(vkey[start:end])


def test_a_vkey_with_any_byte_incremented_is_refused():
    vkey = GO["vkeys"]["good"][0]
    for at, character in enumerate(vkey):
        with pytest.raises(InputError):
            parse_vkey(vkey[:at] + chr(ord(character) + 1) + vkey[at + 1 :])


def test_signing_gives_the_same_note_as_go():
    vector = GO["sign"]
    name, key_id, encoded = vector["private_key"].removeprefix("PRIVATE+KEY+").split("+", 2)
    signature_type, *seed = base64.b64decode(encoded)
    signer = NoteSigner(name, Ed25519Signer(bytes(seed)))
    assert compute_note_key_id(name, signature_type, signer.verifier.key.raw).hex() == key_id
    assert encode_vkey(signer.verifier) == GO["vkeys"]["good"][0]
    assert sign_note(vector["text"], [signer]) == vector["want"]


@pytest.mark.parametrize("case", [case for case in GO["open"] if case["ok"]], ids=lambda case: case["desc"])
def test_good_notes_open_with_the_same_keys_as_in_go(case):
    raw, known = base64.b64decode(case["note"]), [parse_vkey(vkey) for vkey in case["keys"]]
    opened = open_note(raw, known)
    assert [verifier.name for verifier in opened.verifiers] == case["verified"]
    known_names = {(verifier.name, verifier.key_id) for verifier in known}
    others = {line for line in parse_note(raw).signatures if (line.name, line.key_id) not in known_names}
    assert sorted(line.name for line in others) == sorted(case["unverified"])
    assert encode_note(parse_note(raw)).encode() == raw


@pytest.mark.parametrize(
    "case", [case for case in GO["open"] if not case["ok"]], ids=lambda case: case["desc"]
)
def test_bad_notes_are_refused_for_the_same_reason_as_in_go(case):
    with pytest.raises(ERRORS.get(case["error"], MalformedDocumentError)):
        open_note(base64.b64decode(case["note"]), [parse_vkey(vkey) for vkey in case["keys"]])


def test_a_second_and_broken_line_of_a_known_key_is_refused_where_go_looks_away():
    case = next(case for case in GO["open"] if case["desc"].startswith("duplicated"))
    with pytest.raises(BrokenSignatureError):
        open_note(base64.b64decode(case["note"]), [parse_vkey(vkey) for vkey in GO["vkeys"]["good"]])


def test_both_outcomes_are_in_the_vectors():
    assert [sum(case["ok"] is ok for case in GO["open"]) for ok in (True, False)] == [3, 10]


def test_the_example_of_the_specification_opens():
    opened = open_note(C2SP["note"], [parse_vkey(C2SP["vkey"])])
    assert opened.text == "This is an example message.\n"
    with pytest.raises(BrokenSignatureError):
        open_note(C2SP["note"].replace("an example", "another"), [parse_vkey(C2SP["vkey"])])
