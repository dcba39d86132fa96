"""The file that shows how a sticker stands: strict, whole, and read as it was written."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import JSON, ODD_VALUES, added, removed, replaced, show, walk
from sticker_proofs import make_event, make_sticker_proof, prove_sticker
from stickers import FIRST, ROLL, SECOND, StickerLedger

from ledger.core.bundle import EarlierAnchor
from ledger.core.canonical import encode_canonical_json
from ledger.core.errors import InputError
from ledger.core.sticker import RollContent, compute_sticker_id
from ledger.core.sticker_proof import (
    MAX_STICKER_PROOF_BYTES,
    MadeUp,
    encode_sticker_proof,
    find_made_up,
    parse_sticker_proof,
)


def bound():
    ledger = StickerLedger()
    ledger.append(ledger.bind())
    return ledger


LEDGER = bound()
RAW = prove_sticker(LEDGER, FIRST)
DOCUMENT = json.loads(RAW)


def test_what_was_written_is_read():
    for sticker in (FIRST, SECOND, compute_sticker_id(replace(ROLL, roll="ZZZZZZZ"), 1)):
        proof = make_sticker_proof(LEDGER, sticker)
        assert parse_sticker_proof(encode_sticker_proof(proof)) == proof


def test_an_earlier_anchor_may_stand_with_the_event():
    event = make_event(LEDGER, LEDGER.size - 2, LEDGER.publish())
    event = replace(event, earlier=EarlierAnchor(event.inclusion, LEDGER.receipt()))
    proof = make_sticker_proof(LEDGER, FIRST, event=event, receipt=None)
    assert parse_sticker_proof(encode_sticker_proof(proof)) == proof


@pytest.mark.parametrize("path", [path for path, _ in walk(DOCUMENT)], ids=show)
def test_a_member_that_is_missing_or_odd_is_refused_or_read_as_it_is(path):
    for other in [removed(DOCUMENT, path), *(replaced(DOCUMENT, path, odd) for odd in ODD_VALUES)]:
        raw = encode(other)
        try:
            proof = parse_sticker_proof(raw)
        except InputError:
            continue
        assert encode_sticker_proof(proof) == raw


@pytest.mark.parametrize("path", [(), ("event",), ("evidence",), ("receipt",)])
def test_a_member_that_nobody_knows_is_refused(path):
    with pytest.raises(InputError):
        parse_sticker_proof(encode(added(DOCUMENT, path)))


@pytest.mark.parametrize(
    "sticker",
    ["7KQ2-M9X0-000C-W2TT", FIRST.lower(), FIRST[:-1], FIRST[:-1] + "0", FIRST[:-2] + "00", ""],
)
def test_an_id_has_one_spelling(sticker):
    with pytest.raises(InputError):
        parse_sticker_proof(encode({**DOCUMENT, "sticker": sticker}))


def test_too_large_a_file_is_not_read():
    with pytest.raises(InputError):
        parse_sticker_proof(RAW + b" " * MAX_STICKER_PROOF_BYTES)


def test_spaces_and_cuts_are_refused():
    for raw in (RAW.replace(b",", b", ", 1), RAW[:-1], RAW + b"\n", b"", b"[]", b"null"):
        with pytest.raises(InputError):
            parse_sticker_proof(raw)


@settings(max_examples=200)
@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_refused_with_a_sentence(raw):
    with pytest.raises(InputError):
        parse_sticker_proof(raw)


@settings(max_examples=200)
@given(st.integers(0, len(RAW) - 1), st.integers(1, 255))
def test_a_changed_byte_is_refused_or_read_as_it_is(place, change):
    raw = bytearray(RAW)
    raw[place] ^= change
    try:
        proof = parse_sticker_proof(bytes(raw))
    except InputError:
        return
    assert encode_sticker_proof(proof) == bytes(raw)


# --- what was never given out -------------------------------------------------------------------------------


def test_ids_are_told_from_made_up_ones():
    longer, other = replace(ROLL, count=200), replace(ROLL, seed=bytes([1]) * 16)
    cases = {
        None: (compute_sticker_id(ROLL, 99), ROLL),
        MadeUp.NO_ROLL: (FIRST, None),
        MadeUp.NO_NUMBER: (compute_sticker_id(longer, 100), ROLL),
        MadeUp.WRONG_TAG: (compute_sticker_id(other, 99), ROLL),
    }
    for why, (sticker, roll) in cases.items():
        assert find_made_up(sticker, roll) is why


@given(st.integers(0, 2**20 - 1), st.binary(min_size=16, max_size=16))
def test_an_id_is_of_the_roll_that_gave_it_out_and_of_no_other(number, seed):
    roll = RollContent(ROLL.roll, ROLL.institution, 2**20, seed, ROLL.state)
    assert find_made_up(compute_sticker_id(roll, number), roll) is None
    why = None if number == 0 else MadeUp.NO_NUMBER
    assert find_made_up(compute_sticker_id(roll, number), replace(roll, count=1)) is why


def encode(document):
    try:
        return encode_canonical_json(document)
    except InputError:  # outside the profile: a parser must see it all the same
        return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
