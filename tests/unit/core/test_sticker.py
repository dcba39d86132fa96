"""Ids of stickers: which roll they are of, and that nothing that was made up passes."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.errors import InputError
from ledger.core.ids import InstitutionId
from ledger.core.qr import ALPHABET
from ledger.core.register_fields import RegisterState
from ledger.core.sticker import (
    MAX_STICKERS,
    RollContent,
    compute_sticker_id,
    encode_roll_content,
    encode_sticker_url,
    find_number,
    find_roll,
    is_of_roll,
    parse_roll_content,
    parse_sticker_id,
)

ROLL = RollContent("7KQ2M9X", InstitutionId("350100-01"), 1000, bytes(16), RegisterState.ACTIVE)
RAW = encode_roll_content(ROLL)
NUMBERS = st.integers(0, ROLL.count - 1)


def test_an_id_reads_as_the_norm_says():
    assert compute_sticker_id(ROLL, 56) == "7KQ2M9X001RCCF83"
    assert encode_sticker_url(compute_sticker_id(ROLL, 56), "v.example.cn") == (
        "https://v.example.cn/s/7KQ2M9X001RCCF83"
    )


@given(NUMBERS)
def test_an_id_leads_to_roll_and_number(number):
    sticker = compute_sticker_id(ROLL, number)
    assert (find_roll(sticker), find_number(sticker)) == (ROLL.roll, number)
    assert is_of_roll(sticker, ROLL)
    assert parse_sticker_id(f"{sticker[:4]}-{sticker[4:8]}-{sticker[8:12]}-{sticker[12:]}".lower()) == sticker


@given(NUMBERS, st.integers(0, 15), st.sampled_from(ALPHABET))
def test_every_wrong_symbol_is_found(number, place, symbol):
    sticker = compute_sticker_id(ROLL, number)
    other = sticker[:place] + symbol + sticker[place + 1 :]
    if other == sticker:
        return
    with pytest.raises(InputError, match="wrong or in the wrong place"):
        parse_sticker_id(other)


def test_what_was_made_up_is_of_no_roll():
    sticker = compute_sticker_id(ROLL, 999)
    assert not is_of_roll(sticker, replace(ROLL, seed=bytes([1]) * 16))
    assert not is_of_roll(sticker, replace(ROLL, count=999))
    assert not is_of_roll(sticker, replace(ROLL, roll="7KQ2M9Y"))
    assert is_of_roll(sticker, replace(ROLL, state=RegisterState.WITHDRAWN)), "it was given out all the same"


@pytest.mark.parametrize("number", [-1, 1000, MAX_STICKERS])
def test_a_roll_ends_somewhere(number):
    with pytest.raises(InputError, match="has the numbers 0 to 999"):
        compute_sticker_id(ROLL, number)


def test_the_last_number_of_the_largest_roll_has_an_id():
    whole = replace(ROLL, count=MAX_STICKERS)
    assert find_number(compute_sticker_id(whole, MAX_STICKERS - 1)) == MAX_STICKERS - 1


def test_a_roll_comes_back_as_it_was():
    assert parse_roll_content(RAW) == ROLL


@pytest.mark.parametrize(
    ("good", "bad", "field"),
    [
        (b"7KQ2M9X", b"7KQ2M9", "roll"),
        (b"7KQ2M9X", b"7KQ2M9I", "roll"),
        (b"7KQ2M9X", b"7kq2m9x", "roll"),
        (b"1000", b"0", "count"),
        (b"1000", b"1048577", "count"),
        (b'"00000000000000000000000000000000"', b'"00"', "seed"),
        (b"active", b"gone", "state"),
        (b"350100-01", b"350100_01", "institution"),
        (b'"roll":', b'"rolls":', "roll"),
        (b'"state":"active"', b'"state":"active","until":"2030-01-01"', "until"),
    ],
)
def test_a_roll_of_another_form_is_refused(good, bad, field):
    assert good in RAW
    with pytest.raises(InputError, match=field):
        parse_roll_content(RAW.replace(good, bad))


@given(st.binary(max_size=80))
def test_no_bytes_harm_the_reader(raw):
    try:
        parse_roll_content(raw)
    except InputError:
        return
    raise AssertionError("random bytes are no roll")
