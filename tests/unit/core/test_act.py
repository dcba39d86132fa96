"""Contents of acts: strict both ways."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_in_memory import DECISION, make_act

from ledger.core.act import (
    ADVERSE_TYPES,
    ReasonCode,
    encode_act,
    find_act_fault,
    parse_act,
    parse_reason,
)
from ledger.core.canonical import encode_canonical_json, parse_canonical_json
from ledger.core.errors import InputError
from ledger.core.event import (
    ACT_TYPES,
    CONTENT_TYPES,
    DEFINED_TYPES,
    LINK_TYPES,
    SITE_TYPES,
    STICKER_TYPES,
    EventType,
    certificate_subject,
    instrument_subject,
)

REASONS = [
    *("TYPO", "WRONG_INSTRUMENT", "WRONG_RESULT", "STANDARD_INVALID", "OUT_OF_SCOPE", "PERSON_UNQUALIFIED"),
    *("FAILED_SPOT_CHECK", "SEAL_BROKEN", "REPAIRED", "INSTRUMENT_SCRAPPED", "RELOCATED", "FORGED"),
    *("KEY_COMPROMISED", "COURT_OR_AUTHORITY_ORDER", "CRM_RECALLED", "REG_MISAPPLIED"),
]
"""The reason table of the field, in its order."""

FULL = replace(make_act(), part="1", decision=replace(DECISION, until=date(2026, 4, 1)))
MEMBERS = parse_canonical_json(encode_act(FULL))


def test_the_reasons_are_those_of_the_field():
    assert [reason.value for reason in ReasonCode] == REASONS
    assert [parse_reason(code.lower()) for code in REASONS] == list(ReasonCode)
    with pytest.raises(InputError, match="'NONE' is none of TYPO, WRONG_INSTRUMENT"):
        parse_reason("NONE")


def test_acts_are_defined_and_no_others():
    assert {kind.value for kind in ACT_TYPES} == {2, 4, 5, 6, 7, 8, 9}
    assert ACT_TYPES < CONTENT_TYPES < DEFINED_TYPES
    others = STICKER_TYPES | SITE_TYPES | {EventType.LOT, EventType.INSTRUMENT, EventType.REPORT_TAKEN}
    assert ACT_TYPES | LINK_TYPES | others == CONTENT_TYPES


def test_an_act_reads_as_people_expect():
    raw = encode_act(replace(make_act(7), effective_at=datetime(2026, 3, 1, 8, 0, 0, 250_000, UTC)))
    assert raw.decode() == (
        '{"certificate":{"issuer":"350100-01","number":"JY2026-000007"},'
        '"effective_at":"2026-03-01T08:00:00.250Z",'
        f'"instrument":"{make_act(7).instrument_id.hex()}","reason":"WRONG_RESULT"}}'
    )


def test_an_act_names_its_subjects():
    assert FULL.subject == instrument_subject(FULL.instrument_id, "1")
    assert make_act().subject == instrument_subject(FULL.instrument_id)
    assert FULL.certificate == certificate_subject("350100-01", "JY2026-000001")


texts = st.text("衡器Aa 1（）", min_size=1, max_size=20).filter(lambda text: text == text.strip())
dates = st.dates(date(1970, 1, 1), date(2200, 1, 1))


@st.composite
def acts(draw):
    dated = draw(dates)
    decision = replace(
        DECISION,
        number=draw(texts),
        ground=draw(texts),
        dated=dated,
        until=draw(st.none() | st.dates(dated, date(2300, 1, 1))),
        remedy=draw(texts),
    )
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=draw(st.integers(0, 2**42)))
    return replace(
        make_act(),
        number=draw(texts),
        instrument_id=draw(st.binary(min_size=16, max_size=16)),
        part=draw(st.none() | st.sampled_from(["1", "16号"])),
        reason=draw(st.sampled_from(ReasonCode)),
        effective_at=at,
        decision=draw(st.none() | st.just(decision)),
        document=draw(st.none() | st.binary(min_size=32, max_size=32)),
    )


@given(acts())
def test_what_is_written_is_read(act):
    assert parse_act(encode_act(act)) == act


@given(st.binary(max_size=60) | st.binary(max_size=60).map(lambda raw: b'{"certificate":' + raw + b"}"))
def test_any_other_bytes_are_refused_and_nothing_else_happens(raw):
    with pytest.raises(InputError):
        parse_act(raw)


@pytest.mark.parametrize("path", ["certificate", "instrument", "reason", "effective_at"])
def test_a_missing_member_is_named(path):
    with pytest.raises(InputError, match=rf"content\.{path}: "):
        parse_act(encode_canonical_json({name: value for name, value in MEMBERS.items() if name != path}))


@pytest.mark.parametrize("path", ["number", "ground", "dated", "remedy"])
def test_a_decision_is_whole(path):
    decision = {name: value for name, value in MEMBERS["decision"].items() if name != path}
    with pytest.raises(InputError, match=rf"content\.decision\.{path}: "):
        parse_act(encode_canonical_json(MEMBERS | {"decision": decision}))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"more": 1}, "unknown member"),
        ({"certificate": {"issuer": "350100-01", "number": "1", "digest": "00"}}, "unknown member"),
        ({"certificate": {"issuer": "lower", "number": "1"}}, "does not have the form"),
        ({"certificate": {"issuer": "350100-01", "number": "1" * 65}}, "at most 64"),
        ({"certificate": "JY2026-000001"}, "object"),
        ({"instrument": "00" * 15}, "instrument"),
        ({"instrument": "AB" * 16}, "instrument"),
        ({"part": "123456789"}, "at most 8"),
        ({"part": ""}, "empty"),
        ({"document": "00" * 31}, "document"),
        ({"document": "AB" * 32}, "document"),
        ({"reason": "typo"}, "is not one of"),
        ({"reason": "BECAUSE"}, "is not one of"),
        ({"effective_at": "2026-03-01"}, "instant"),
        ({"effective_at": "2026-03-01T00:00:00.000Z"}, "instant"),
        ({"effective_at": "2026-03-01T08:00:00+08:00"}, "instant"),
        ({"decision": MEMBERS["decision"] | {"until": "2026-02-28"}}, "ends before it begins"),
        ({"decision": MEMBERS["decision"] | {"more": "x"}}, "unknown member"),
        ({"decision": MEMBERS["decision"] | {"ground": "x" * 401}}, "at most 400"),
    ],
)
def test_what_is_wrong_is_said(change, why):
    with pytest.raises(InputError, match=why):
        parse_act(encode_canonical_json(MEMBERS | change))


def test_other_spellings_are_refused():
    raw = encode_act(FULL)
    with pytest.raises(InputError):
        parse_act(raw.replace(b":", b": ", 1))
    with pytest.raises(InputError):
        parse_act(encode_canonical_json(list(MEMBERS)))


@pytest.mark.parametrize("event_type", sorted(ACT_TYPES))
def test_decisions_are_for_authorities(event_type):
    own, decided = make_act(), make_act(decided=True)
    if event_type is EventType.SUPPLEMENT:
        own, decided = (replace(act, document=bytes(32)) for act in (own, decided))
    assert find_act_fault(event_type, own, by_authority=False) is None
    assert "carries no decision" in find_act_fault(event_type, decided, by_authority=False)
    assert find_act_fault(event_type, decided, by_authority=True) is None
    lacking = find_act_fault(event_type, own, by_authority=True)
    assert (lacking is not None) is (event_type in ADVERSE_TYPES)


@pytest.mark.parametrize("event_type", sorted(ACT_TYPES))
def test_a_supplement_names_its_document_and_nothing_else_does(event_type):
    wrong = None if event_type is EventType.SUPPLEMENT else bytes(32)
    fault = find_act_fault(event_type, make_act(document=wrong), by_authority=False)
    assert fault == "a supplement names its document, and no other act does"
