"""Contents of sites and pledges: strictly read, one spelling each."""

import json
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sites import BARE_SITE, MARKET, OWNER, PLEDGE, WITHDRAWN
from stickers import PUMP, SCALE

from ledger.core.canonical import encode_canonical_json
from ledger.core.errors import InputError
from ledger.core.event import SubjectKind, compute_subject
from ledger.core.pledge import encode_pledge, parse_pledge
from ledger.core.register_fields import RegisterState
from ledger.core.site import MAX_SITE_INSTRUMENTS, encode_site, parse_site

WHOLE = replace(PLEDGE, site=None)


@pytest.mark.parametrize("content", [MARKET, BARE_SITE, replace(MARKET, state=RegisterState.SUSPENDED)])
def test_what_is_written_of_a_site_is_read_again(content):
    assert parse_site(encode_site(content)) == content


@pytest.mark.parametrize(
    "content",
    [PLEDGE, WITHDRAWN, WHOLE, replace(WHOLE, promise=replace(WHOLE.promise, until=None, compensation=None))],
)
def test_what_is_written_of_a_pledge_is_read_again(content):
    assert parse_pledge(encode_pledge(content)) == content


def test_subjects_are_as_the_norm_says():
    assert MARKET.subject == compute_subject(SubjectKind.SITE, b"350102-M7\x00M-01")
    assert WHOLE.subject == compute_subject(SubjectKind.PLEDGE, b"350102-M7")
    assert PLEDGE.subject == compute_subject(SubjectKind.PLEDGE, b"350102-M7\x00350102-M7\x00M-01")


def changed(raw, **members):
    """Return the bytes with some members replaced; None removes one."""
    value = json.loads(raw) | members
    return encode_canonical_json({name: each for name, each in value.items() if each is not None})


ONE, TWO = PUMP.hex(), SCALE.hex()
BAD_SITES = {
    "keeper": [None, "m7", "", 7, "A" * 13],
    "id": [None, "m-1", "M_1", "A" * 13, ""],
    "owner": ["", "m7", 7],
    "name": [
        None,
        {},
        {"en": "Market"},
        {"zh": ""},
        {"zh": "市场", "ru": "рынок"},
        {"zh": "a" * 201},
        {"zh": " a"},
    ],
    "address": [{}, {"zh": "x" * 201}, "路1号", {"zh": "a\u200fb"}],
    "division": [None, "", "3", "35010X", "3501020000000"],
    "kind": [None, "MARKET", "home", ""],
    "instruments": [
        [],
        [TWO, ONE],
        [ONE, ONE],
        [ONE[:-2]],
        [ONE.replace("0", "G")],
        [1],
        ONE,
        [ONE.upper() + "A"],
    ],
    "fair_scales": [[], ["03" * 16], [TWO, TWO]],
    "state": [None, "closed", "ACTIVE"],
    "extra": ["x"],
}


@pytest.mark.parametrize(
    ("member", "value"), [(member, value) for member, values in BAD_SITES.items() for value in values]
)
def test_sites_of_another_form_are_refused_by_the_members_name(member, value):
    with pytest.raises(InputError) as caught:
        parse_site(changed(encode_site(MARKET), **{member: value}))
    assert member in f"{caught.value.field} {caught.value}"


def test_a_site_has_at_most_a_thousand_instruments():
    ids = [f"{number:032x}" for number in range(MAX_SITE_INSTRUMENTS + 1)]
    full = changed(encode_site(MARKET), instruments=ids[:-1], fair_scales=None)
    assert len(parse_site(full).instruments) == MAX_SITE_INSTRUMENTS
    with pytest.raises(InputError, match=r"instruments"):
        parse_site(changed(full, instruments=ids))


BAD_PLEDGES = {
    "owner": [None, "m7", 1],
    "made_on": [None, "2026-2-28", "2026-02-30", 1],
    "until": ["2026-02-27", "soon"],
    "state": [None, "made", "ACTIVE"],
    "site": [{}, {"id": "M-01"}, {"id": "M-01", "keeper": "350102-M7", "x": 1}, "M-01"],
    "text": [
        None,
        {},
        {"zh": []},
        {"zh": [""]},
        {"zh": ["x" * 601]},
        {"zh": ["x"] * 17},
        {"zh": ["a"], "en": []},
        {"en": ["a"]},
        {"zh": "a"},
    ],
    "compensation": [{}, {"zh": []}, {"zh": ["x"], "fr": ["y"]}],
    "extra": [1],
}


@pytest.mark.parametrize(
    ("member", "value"), [(member, value) for member, values in BAD_PLEDGES.items() for value in values]
)
def test_pledges_of_another_form_are_refused_by_the_members_name(member, value):
    with pytest.raises(InputError) as caught:
        parse_pledge(changed(encode_pledge(PLEDGE), **{member: value}))
    assert member in f"{caught.value.field} {caught.value}"


@pytest.mark.parametrize("member", ["text", "compensation", "until"])
def test_a_pledge_that_is_withdrawn_promises_nothing(member):
    promise = json.loads(encode_pledge(PLEDGE))[member]
    with pytest.raises(InputError, match=member):
        parse_pledge(changed(encode_pledge(WITHDRAWN), **{member: promise}))
    assert parse_pledge(encode_pledge(replace(WITHDRAWN, made_on=date(2030, 1, 1)))).promise is None


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(raw):
    for parse in (parse_site, parse_pledge):
        with pytest.raises(InputError):
            parse(raw)


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_changed_byte_is_read_as_such_or_refused(position, byte):
    for parse, encode, content in ((parse_site, encode_site, MARKET), (parse_pledge, encode_pledge, PLEDGE)):
        raw = bytearray(encode(content))
        raw[position % len(raw)] = byte
        try:
            read = parse(bytes(raw))
        except InputError:
            continue
        assert encode(read) == bytes(raw)


def test_the_owner_is_in_the_content():
    assert json.loads(encode_site(MARKET))["owner"] == OWNER
    assert "owner" not in json.loads(encode_site(BARE_SITE))
