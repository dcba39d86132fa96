"""REPORT_TAKEN: its content, who may say it, and that a report is taken once and for ever."""

import hashlib
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_in_memory import AUTHORITY, INSTITUTION, MemoryLedger

from ledger.core.act_content import parse_act_content
from ledger.core.authority import Power
from ledger.core.canonical import encode_canonical_json, parse_canonical_json
from ledger.core.errors import InputError
from ledger.core.event import EventType, report_subject
from ledger.core.fold import find_subject, list_changed, list_touched
from ledger.core.register_fields import RegisterState
from ledger.core.report import (
    MOST_REPORTS,
    ReportContent,
    compute_report_digest,
    encode_report_content,
    make_report_content,
    parse_report_content,
)
from ledger.core.statement import parse_signed_statement
from ledger.core.status import Effect, Status, Void

NOW = datetime(2026, 3, 1, 8, 0, 59, 123_000, UTC)
FIRST, SECOND = (compute_report_digest(raw) for raw in (b"first", b"second"))
CONTENT = make_report_content([SECOND, FIRST], NOW)
RAW = encode_report_content(CONTENT)
MEMBERS = parse_canonical_json(RAW)


@pytest.fixture
def ledger():
    return MemoryLedger().found()


def take(ledger, *digests, **options):
    content = make_report_content(digests, NOW)
    raw = ledger.sign_content(
        EventType.REPORT_TAKEN,
        encode_report_content(content),
        content.subject,
        **{"issuer": AUTHORITY, **options},
    )
    return ledger.outcomes[ledger.append(raw)]


# --- the content --------------------------------------------------------------------------------------------


def test_a_digest_is_of_the_file_behind_its_domain():
    assert compute_report_digest(b"x") == hashlib.sha256(b"hengzheng/report/v1\x00x").digest()


def test_digests_rise_and_the_time_is_a_whole_minute():
    assert list(CONTENT.digests) == sorted([FIRST, SECOND])
    assert CONTENT.taken_at == CONTENT.effective_at == datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
    assert CONTENT.subject == CONTENT.subjects[0] == report_subject(CONTENT.digests[0])


@given(
    st.sets(st.binary(min_size=32, max_size=32), min_size=1, max_size=MOST_REPORTS),
    st.integers(0, 2**37).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
)
def test_what_is_written_is_read(digests, now):
    content = make_report_content(digests, now)
    assert parse_report_content(encode_report_content(content)) == content


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"digests": []}, "at least one"),
        ({"digests": MEMBERS["digests"][::-1]}, "in order"),
        ({"digests": MEMBERS["digests"][:1] * 2}, "each once"),
        ({"digests": ["ab"]}, "digests"),
        ({"digests": ["g" * 64]}, "digests"),
        ({"digests": [MEMBERS["digests"][0].upper()]}, "digests"),
        ({"digests": [f"{number:064x}" for number in range(MOST_REPORTS + 1)]}, "digests"),
        ({"digests": "ab"}, "digests"),
        ({"taken_at": "2026-03-01T08:00:01Z"}, "whole minute"),
        ({"taken_at": "2026-03-01T08:00:00.500Z"}, "whole minute"),
        ({"taken_at": "2026-03-01"}, "taken_at"),
        ({"name": "x"}, "name"),
    ],
)
def test_another_content_is_refused_by_name(changes, words):
    with pytest.raises(InputError, match=words):
        parse_report_content(encode_canonical_json({**MEMBERS, **changes}))


@pytest.mark.parametrize("name", ["digests", "taken_at"])
def test_both_members_are_needed(name):
    rest = {key: value for key, value in MEMBERS.items() if key != name}
    with pytest.raises(InputError, match=name):
        parse_report_content(encode_canonical_json(rest))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_content_or_an_input_error(raw):
    try:
        content = parse_report_content(raw)
    except InputError:
        return
    assert encode_report_content(content) == raw


def test_the_table_of_contents_knows_it():
    assert parse_act_content(EventType.REPORT_TAKEN, RAW) == CONTENT


# --- the fold -----------------------------------------------------------------------------------------------


def test_each_report_is_known_from_then_on(ledger):
    outcome = take(ledger, FIRST, SECOND)
    assert isinstance(outcome, Effect)
    assert outcome.prev is None
    assert set(outcome.changes) == {report_subject(FIRST), report_subject(SECOND)}
    index = len(ledger.leaves) - 1
    for subject in outcome.changes:
        state = ledger.states[subject]
        assert (state.status, state.version, state.last_event) == (Status.ACTIVE, 1, index)
        assert state.current_certificate is None


def test_the_header_and_the_map_name_every_report(ledger):
    content = make_report_content([FIRST, SECOND], NOW)
    raw = encode_report_content(content)
    signed = ledger.sign_content(EventType.REPORT_TAKEN, raw, content.subject, issuer=AUTHORITY)
    statement = parse_signed_statement(signed).statement
    assert find_subject(statement) == content.subject
    assert list_touched(statement) == list_changed(statement) == content.subjects


@pytest.mark.parametrize("again", [(FIRST,), (FIRST, SECOND), (SECOND, compute_report_digest(b"third"))])
def test_no_report_is_taken_twice(ledger, again):
    take(ledger, FIRST, SECOND)
    outcome = take(ledger, *again, version=0)
    assert isinstance(outcome, Void)
    assert set(ledger.states) & {report_subject(compute_report_digest(b"third"))} == set()


def test_no_report_is_changed_later(ledger):
    take(ledger, FIRST)
    outcome = take(ledger, FIRST, version=1)
    assert isinstance(outcome, Void)
    assert "was taken in leaf" in outcome.reason


def test_whichever_power_an_authority_has_will_do(ledger):
    ledger.append(ledger.authority(version=1, powers=frozenset({Power.KEY})))
    assert isinstance(take(ledger, FIRST), Effect)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"issuer": INSTITUTION}, "not registered or not active"),
        ({"issuer": "CN-99", "by": "authority"}, "not registered or not active"),
        ({"by": "seal"}, "not registered for"),
    ],
)
def test_nobody_but_an_authority_with_its_own_key_takes_reports(ledger, options, reason):
    outcome = take(ledger, FIRST, **options)
    assert isinstance(outcome, Void)
    assert reason in outcome.reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"state": RegisterState.SUSPENDED}, "not active"),
        ({"valid_until": date(2021, 1, 1)}, "decides from"),
    ],
)
def test_an_authority_whose_time_is_over_takes_none(ledger, changes, reason):
    ledger.append(ledger.authority(version=1, **changes))
    outcome = take(ledger, FIRST)
    assert isinstance(outcome, Void)
    assert reason in outcome.reason


def test_a_content_keeps_its_type():
    assert isinstance(parse_report_content(RAW), ReportContent)
