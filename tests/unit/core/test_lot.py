"""Contents of what is said of lots: strict both ways."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_in_memory import DECISION, INSTITUTION, START

from ledger.core.act import ReasonCode
from ledger.core.canonical import encode_canonical_json, parse_canonical_json
from ledger.core.errors import InputError
from ledger.core.event import lot_subject
from ledger.core.lot import LotContent, LotStatus, encode_lot, parse_lot

CONTENT = LotContent(INSTITUTION, "L1", LotStatus.FAILED, ReasonCode.FAILED_SPOT_CHECK, START, DECISION)
MEMBERS = parse_canonical_json(encode_lot(CONTENT))


@pytest.mark.parametrize("status", LotStatus)
def test_what_is_written_is_read(status):
    for content in (replace(CONTENT, status=status), replace(CONTENT, status=status, decision=None)):
        assert parse_lot(encode_lot(content)) == content
    assert CONTENT.subject == lot_subject(INSTITUTION, "L1")


@pytest.mark.parametrize("name", ["issuer", "lot", "status", "reason", "effective_at"])
def test_a_missing_member_is_named(name):
    with pytest.raises(InputError, match=rf"content\.{name}: "):
        parse_lot(encode_canonical_json({key: value for key, value in MEMBERS.items() if key != name}))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"issuer": "lower"}, "does not have the form"),
        ({"lot": ""}, "empty"),
        ({"lot": "L" * 65}, "at most 64"),
        ({"lot": 1}, "lot"),
        ({"status": "FAILED"}, "is not one of"),
        ({"status": "expired"}, "is not one of"),
        ({"reason": "BECAUSE"}, "is not one of"),
        ({"effective_at": "2026-03-01"}, "instant"),
        ({"decision": {}}, "content.decision"),
        ({"size": 10}, "unknown member"),
    ],
)
def test_what_is_wrong_is_said(change, why):
    with pytest.raises(InputError, match=why):
        parse_lot(encode_canonical_json(MEMBERS | change))


@given(st.binary(max_size=80) | st.binary(max_size=60).map(lambda raw: b'{"effective_at":' + raw + b"}"))
def test_other_bytes_are_refused(raw):
    with pytest.raises(InputError):
        parse_lot(raw)
