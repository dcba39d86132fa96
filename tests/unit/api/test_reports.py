"""Case codes, files, deadlines, meters: the pure parts of reports."""

from datetime import UTC, date, datetime, timedelta
from importlib.resources import files

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from scanned_cases import widen

from api.callers import find_caller
from api.reports.case_code import (
    CASE_SYMBOLS,
    CODE_BITS,
    RANDOM_BYTES,
    format_case_code,
    hash_case_code,
    make_case_code,
    parse_case_code,
)
from api.reports.deadlines import load_deadlines, parse_deadlines
from api.reports.file import FileHead, open_file, read_head, write_file
from api.reports.floods import hash_who, list_meters
from api.reports.kinds import NEXT, OVER, About, CaseState, Route, list_next
from ledger.core.errors import InputError, MalformedDocumentError
from ledger.core.qr import ALPHABET

KEY = X25519PrivateKey.from_private_bytes(b"\1" * 32)
MINUTE = datetime(2026, 3, 1, 8, tzinfo=UTC)
HEAD = FileHead(bytes(8), "CN-35", Route.TIP, About.OTHER, MINUTE, bytes(16), "350100-01")
ROWS = files("api.reports.data").joinpath("deadlines.csv").read_text(encoding="utf-8")
DAYS = files("api.reports.data").joinpath("working_days.csv").read_text(encoding="utf-8")


# --- case codes ---------------------------------------------------------------------------------------------


@given(st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES))
def test_a_code_is_read_as_it_is_shown_and_typed(random):
    code = make_case_code(random)
    assert len(code) == CASE_SYMBOLS
    shown = format_case_code(code)
    for text in (code, shown, shown.lower(), f" {code} ", widen(shown), shown.replace("-", "–")):
        assert parse_case_code(text) == code


def test_a_code_has_so_many_random_bits():
    assert CODE_BITS == 85 == 5 * (CASE_SYMBOLS - 1)
    assert 8 * RANDOM_BYTES >= CODE_BITS
    low, high = make_case_code(bytes(11)), make_case_code(b"\x07" + b"\xff" * 10)
    assert low[: CODE_BITS // 5 - 1] == "0" * 16
    assert set(high[:-1]) == {"Z"} or high[0] in ALPHABET
    assert make_case_code(b"\x00" * 10 + b"\x01") != low


@given(st.binary(min_size=11, max_size=11), st.integers(0, CASE_SYMBOLS - 1), st.sampled_from(ALPHABET))
def test_every_wrong_symbol_is_found(random, place, symbol):
    code = make_case_code(random)
    changed = code[:place] + symbol + code[place + 1 :]
    if changed == code:
        return
    with pytest.raises(InputError):
        parse_case_code(changed)


@given(st.text(max_size=80))
def test_any_text_is_a_code_or_an_input_error(text):
    try:
        code = parse_case_code(text)
    except InputError:
        return
    assert parse_case_code(code) == code


def test_the_database_has_a_hash_of_the_code():
    code = make_case_code(bytes(11))
    assert len(hash_case_code(code)) == 32
    assert code.encode() not in hash_case_code(code)


# --- files --------------------------------------------------------------------------------------------------


@given(st.dictionaries(st.sampled_from(["text", "place", "name"]), st.text("少了abc\n<>&", min_size=1)))
def test_what_is_sealed_is_opened(said):
    raw = write_file(HEAD, said, KEY.public_key(), bytes(16))
    assert open_file(raw, KEY) == said
    assert read_head(raw) == HEAD
    for value in said.values():
        assert len(value) < 4 or value.encode() not in raw


@given(st.binary(max_size=300))
def test_any_bytes_are_a_file_or_an_input_error(raw):
    with pytest.raises(InputError):
        read_head(raw)


@pytest.mark.parametrize(
    "name", ["format", "salt", "sealed", "case", "authority", "route", "about", "taken_at"]
)
def test_every_member_is_needed(name):
    from ledger.core.canonical import encode_canonical_json, parse_canonical_json

    members = parse_canonical_json(write_file(HEAD, {"text": "x"}, KEY.public_key(), bytes(16)))
    del members[name]
    with pytest.raises(InputError, match=name):
        read_head(encode_canonical_json(members))


def test_a_damaged_seal_is_refused():
    raw = write_file(HEAD, {"text": "x"}, KEY.public_key(), bytes(16))
    salted = raw.replace(b"00" * 16 + b'","sealed"', b"01" * 16 + b'","sealed"')
    assert salted != raw
    with pytest.raises(InputError, match="another key, or has been altered"):
        open_file(salted, KEY)


# --- states -------------------------------------------------------------------------------------------------


def test_states_follow_each_other_and_end():
    for route in Route:
        assert list_next(CaseState.TAKEN, route)[:2] == [CaseState.ACCEPTED, CaseState.NOT_ACCEPTED]
        for state in OVER:
            assert list_next(state, route) == []
        for state in CaseState:
            assert state.say(route).zh
    assert CaseState.EXTENDED in list_next(CaseState.TAKEN, Route.TIP)
    assert CaseState.EXTENDED not in list_next(CaseState.TAKEN, Route.COMPLAINT)
    assert CaseState.EXTENDED not in list_next(CaseState.EXTENDED, Route.TIP), "once"
    assert set(NEXT) == set(CaseState) - {CaseState.SENT}
    for about in About:
        assert about.words.en
        assert about.words.zh


# --- deadlines ----------------------------------------------------------------------------------------------


def clocks(route, *events, today=date(2026, 11, 2)):
    return load_deadlines().list_clocks(route, events, today)


def test_seven_working_days_pass_over_the_week_end():
    (clock,) = clocks(Route.COMPLAINT, (CaseState.TAKEN, date(2026, 11, 2)))
    assert clock.due == date(2026, 11, 11)
    assert (clock.met_on, clock.is_late, clock.is_known) == (None, False, True)


def test_holidays_and_their_make_up_days_count_as_the_calendar_says():
    (clock,) = clocks(Route.COMPLAINT, (CaseState.TAKEN, date(2026, 9, 30)), today=date(2026, 10, 1))
    assert clock.due == date(2026, 10, 15), "1 to 7 October are free, Saturday the 10th is worked on"


def test_mediation_ends_in_sixty_days():
    found = clocks(
        Route.COMPLAINT, (CaseState.TAKEN, date(2026, 3, 2)), (CaseState.ACCEPTED, date(2026, 3, 4))
    )
    assert [clock.due for clock in found] == [date(2026, 3, 11), date(2026, 5, 3)]
    assert [clock.met_on for clock in found] == [date(2026, 3, 4), None]
    assert [clock.is_late for clock in found] == [False, True]


def test_a_tip_is_extended_once():
    events = [(CaseState.TAKEN, date(2026, 6, 1)), (CaseState.EXTENDED, date(2026, 6, 18))]
    first, second = clocks(Route.TIP, *events, today=date(2026, 6, 20))
    assert (first.due, first.met_on, first.is_late) == (date(2026, 6, 23), date(2026, 6, 18), False)
    assert second.due == date(2026, 7, 10), "19 to 21 June are free"


def test_a_decision_after_its_day_is_late_for_good():
    (clock,) = clocks(
        Route.COMPLAINT,
        (CaseState.TAKEN, date(2026, 11, 2)),
        (CaseState.NOT_ACCEPTED, date(2026, 11, 12)),
        today=date(2026, 11, 30),
    )
    assert clock.is_late


def test_a_year_without_holidays_in_the_table_is_said_to_be_unknown():
    (clock,) = clocks(Route.TIP, (CaseState.TAKEN, date(2026, 12, 21)))
    assert clock.due == date(2027, 1, 11)
    assert not clock.is_known


@given(st.dates(date(2026, 1, 1), date(2026, 11, 30)), st.integers(0, 30))
def test_a_deadline_is_a_working_day_and_moves_with_its_beginning(day, count):
    calendar = load_deadlines().calendar
    due = calendar.add(day, count)
    assert due == day if count == 0 else calendar.is_working(due)
    assert calendar.add(day + timedelta(days=1), count) >= due
    between = [day + timedelta(days=number) for number in range(1, (due - day).days + 1)]
    assert sum(map(calendar.is_working, between)) == count


def test_every_row_says_where_it_is_from_and_that_nobody_has_confirmed_it():
    for row in load_deadlines().rows:
        assert row.source
        assert row.confidence == "to be confirmed by the operator"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("complaint,accept", "noise,accept", "route"),
        ("accept,taken", "accept,lost", "after"),
        ("taken,7,working", "taken,0,working", "days"),
        ("taken,7,working", "taken,7,lunar", "working or calendar"),
        ("complaint,accept", "complaint,sleep", "expected one of"),
        ("route,clock", "way,clock", "first line"),
        ("taken,7,working,To decide on acceptance", "taken,7,working,", "title_en"),
    ],
)
def test_a_wrong_row_of_the_table_is_named(old, new, words):
    assert old in ROWS
    with pytest.raises(MalformedDocumentError, match=words):
        parse_deadlines(ROWS.replace(old, new, 1), DAYS)


@pytest.mark.parametrize(
    ("old", "new"),
    [("2026-01-02", "2026-01-01"), ("2026-01-02", "soon"), ("2026-01-02,no", "2026-01-02,maybe")],
)
def test_a_wrong_day_of_the_calendar_is_named(old, new):
    with pytest.raises(MalformedDocumentError, match="working_days row"):
        parse_deadlines(ROWS, DAYS.replace(old, new, 1))


# --- meters -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "caller"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
        ("fe80::7%eth0", "fe80::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_a_caller_is_an_address_or_a_network(address, caller):
    assert find_caller(address) == caller


def test_a_caller_is_hashed_under_the_salt_of_the_day():
    meter, other = list_meters("203.0.113.7", "x", is_scanned=False)
    first, second = (hash_who(salt * 32, meter) for salt in (b"\0", b"\1"))
    assert first != second != hash_who(b"\0" * 32, other)
    assert len(first) == 16
