"""What is registered of an instrument: every member, and what is refused."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stickers import PUMP, REGISTRATION

from ledger.core.errors import InputError
from ledger.core.event import registration_subject
from ledger.core.registration import (
    encode_instrument_content,
    parse_instrument_content,
)

BARE = replace(
    REGISTRATION,
    model=None,
    maker=None,
    type_approval_no=None,
    year=None,
    codes=(),
    parts=(),
    retired=(),
    seal_points=(),
    division="",
    answers=(),
)
RAW = encode_instrument_content(REGISTRATION)


@pytest.mark.parametrize("content", [REGISTRATION, BARE])
def test_a_registration_comes_back_as_it_was(content):
    raw = encode_instrument_content(content)
    assert parse_instrument_content(raw) == content
    assert encode_instrument_content(parse_instrument_content(raw)) == raw


def test_it_reads_as_the_norm_says():
    assert RAW.decode() == (
        '{"answers":[{"by":"P-0107","id":"02020202020202020202020202020202","is":"different","on":"2026-11-02"}],'
        '"category":"FUEL_DISPENSER","codes":{"production":"PC-1","verification":"VC-9"},"cpa_no":"2018F258-32",'
        '"division":"350102","id":"01010101010101010101010101010101","maker":"示例机械有限公司","model":"EX-1224",'
        '"parts":["1","2"],"retired":["3"],"seal_points":["主板与机壳"],"serial":"SN20240001","year":2024}'
    )
    assert REGISTRATION.subject == registration_subject(PUMP)


@pytest.mark.parametrize(
    ("good", "bad", "reason"),
    [
        ('"parts":["1","2"]', '"parts":["1","1"]', "parts: expected at least one, each once"),
        ('"parts":["1","2"]', '"parts":[]', "parts: expected at least one, each once"),
        ('"parts":["1","2"]', '"parts":["123456789"]', "parts"),
        ('"retired":["3"]', '"retired":["2"]', "retired: names a part that is in use"),
        ('"codes":{"production":"PC-1","verification":"VC-9"}', '"codes":{}', "expected at least one code"),
        ('"codes":{"production":"PC-1",', '"codes":{"origin":"PC-1",', "origin"),
        ('"id":"02020202020202020202020202020202"', '"id":"01010101010101010101010101010101"', "itself"),
        ('"is":"different"', '"is":"alike"', "is"),
        ('"year":2024', '"year":1700', "year"),
        ('"year":2024', '"year":"2024"', "year"),
        ('"division":"350102"', '"division":"Fuzhou"', "division"),
        ('"category":"FUEL_DISPENSER"', '"category":"FUEL"', "category"),
        ('"serial":"SN20240001"', '"serial":""', "serial"),
        ('"year":2024', '"year":2024,"zone":"x"', "zone"),
    ],
)
def test_another_form_is_refused(good, bad, reason):
    text = RAW.decode()
    assert good in text
    with pytest.raises(InputError, match=reason):
        parse_instrument_content(text.replace(good, bad, 1).encode())


def test_each_answer_is_about_another_instrument():
    twice = replace(REGISTRATION, answers=REGISTRATION.answers * 2)
    with pytest.raises(InputError, match="expected each instrument once, by id"):
        parse_instrument_content(encode_instrument_content(twice))


@given(st.binary(max_size=80))
def test_no_bytes_harm_the_reader(raw):
    try:
        parse_instrument_content(raw)
    except InputError:
        return
    raise AssertionError("random bytes are no registration")
