"""Signed refusals: one spelling, every member under the signature, no other key."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.canonical import encode_canonical_json, parse_canonical_json
from ledger.core.errors import BrokenSignatureError, InputError, Reason
from ledger.core.ids import Digest
from ledger.core.refusal import encode_refusal, parse_refusal, verify_refusal
from ledger.core.signature import Ed25519Signer

LOG = Ed25519Signer(bytes(32))
AT = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
REASONS = (
    Reason("SCOPE", "instrument.category", "TAXIMETER is outside the scope", "不在授权范围内"),
    Reason("EXPIRY", "validity.until", "later than 2027-05-01", "晚于规程允许的日期"),
)
RAW = encode_refusal(REASONS, Digest(b"\x11" * 32), AT, LOG)


def test_a_refusal_says_what_was_refused_when_and_why():
    refusal = parse_refusal(RAW)
    assert (refusal.statement_digest, refusal.refused_at, refusal.reasons) == (b"\x11" * 32, AT, REASONS)
    verify_refusal(refusal, LOG.public_key)


def test_another_key_does_not_verify():
    with pytest.raises(BrokenSignatureError):
        verify_refusal(parse_refusal(RAW), Ed25519Signer(b"\x01" * 32).public_key)


@pytest.mark.parametrize(
    "change",
    [
        {"statement": "22" * 32},
        {"refused_at": "2026-11-02T08:00:01Z"},
        {"reasons": parse_canonical_json(RAW)["reasons"][:1]},
        {"reasons": parse_canonical_json(RAW)["reasons"][::-1]},
        {"signature": "00" * 64},
    ],
)
def test_every_member_is_under_the_signature(change):
    raw = encode_canonical_json(parse_canonical_json(RAW) | change)
    with pytest.raises(BrokenSignatureError):
        verify_refusal(parse_refusal(raw), LOG.public_key)


@pytest.mark.parametrize(
    "change",
    [
        {"type": "hengzheng/receipt/v1"},
        {"statement": "22"},
        {"refused_at": "2026-11-02"},
        {"reasons": []},
        {"reasons": [{"code": "x", "en": "a", "field": "b", "zh": "c"}]},
        {"reasons": [{"code": "X", "en": "a", "field": "b", "zh": "c", "more": "d"}]},
        {"more": 1},
        {"signature": "00" * 63},
    ],
)
def test_another_shape_is_refused(change):
    with pytest.raises(InputError):
        parse_refusal(encode_canonical_json(parse_canonical_json(RAW) | change))


@pytest.mark.parametrize("member", sorted(parse_canonical_json(RAW)))
def test_no_member_may_be_missing(member):
    rest = {name: value for name, value in parse_canonical_json(RAW).items() if name != member}
    with pytest.raises(InputError):
        parse_refusal(encode_canonical_json(rest))


@given(st.binary(max_size=300))
def test_any_bytes_give_a_refusal_or_an_input_error(raw):
    with pytest.raises(InputError):
        parse_refusal(raw)
