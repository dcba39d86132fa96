import base64
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.errors import InputError, MalformedDocumentError
from ledger.core.ids import LeafIndex, Subject
from ledger.core.status import Status, SubjectState
from ledger.wire import (
    MAX_BUNDLES,
    MAX_ENTRIES,
    MAX_MAP_SUBJECTS,
    Answer,
    Entry,
    Logged,
    MapAnswer,
    Refused,
    encode_answer,
    encode_entries,
    encode_map_answer,
    encode_names,
    encode_states,
    encode_subjects,
    join_bundles,
    parse_anchored_size,
    parse_answer,
    parse_entries,
    parse_map_answer,
    parse_map_subjects,
    parse_names,
    parse_states,
    parse_subjects,
    split_bundles,
)

PARSERS = [
    *(parse_entries, parse_answer, parse_subjects, parse_states, parse_names, parse_anchored_size),
    *(parse_map_subjects, parse_map_answer),
]
STATEMENT = base64.b64encode(b"statement").decode()
HEADER = base64.b64encode(bytes(128)).decode()
HASH = base64.b64encode(bytes(32)).decode()

entries = st.lists(st.builds(Entry, st.binary(max_size=50), st.none() | st.binary(max_size=50)), min_size=1)
logged = st.builds(
    Logged,
    st.integers(0, 2**53 - 1).map(LeafIndex),
    st.binary(min_size=128, max_size=128),
    st.lists(st.binary(min_size=32, max_size=32), max_size=5).map(tuple),
)
refused = st.sampled_from([Refused(b'{"a":"x"}'), Refused(b'{"reasons":[]}')])
subjects = st.binary(min_size=32, max_size=32).map(Subject)
states = st.builds(
    SubjectState,
    st.sampled_from(Status),
    st.integers(1, 2**32 - 1),
    st.integers(0, 2**53 - 1).map(LeafIndex),
    st.none() | st.integers(0, 2**53 - 1).map(LeafIndex),
)


@given(entries)
def test_entries_come_back_as_they_were(given_entries):
    assert parse_entries(encode_entries(given_entries)) == given_entries


@given(st.lists(logged | refused, max_size=6), st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_an_answer_comes_back_as_it_was(outcomes, note):
    answer = Answer(note, tuple(outcomes))
    assert parse_answer(encode_answer(answer)) == answer


@given(st.lists(refused, max_size=3))
def test_refusals_need_no_checkpoint(outcomes):
    answer = Answer(None, tuple(outcomes))
    assert parse_answer(encode_answer(answer)) == answer


@given(st.lists(logged, min_size=1, max_size=3))
def test_a_logged_entry_needs_a_checkpoint(outcomes):
    with pytest.raises(MalformedDocumentError, match="checkpoint"):
        parse_answer(encode_answer(Answer(None, tuple(outcomes))))


@given(st.lists(subjects, min_size=1, max_size=5))
def test_subjects_come_back_as_they_were(wanted):
    assert parse_subjects(encode_subjects(wanted)) == wanted


@given(st.dictionaries(subjects, states, max_size=5))
def test_states_come_back_as_they_were(found):
    assert parse_states(encode_states(found)) == found


@given(st.lists(subjects, min_size=1, max_size=MAX_BUNDLES))
def test_names_come_back_as_they_were(wanted):
    assert parse_names(encode_names(wanted)) == wanted


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({}, "statements"),
        ({"statements": []}, "statements"),
        ({"statements": "00" * 32}, "statements"),
        ({"statements": ["00" * 32] * (MAX_BUNDLES + 1)}, "statements"),
        ({"statements": ["00" * 32, "00" * 31]}, r"statements\[1\]"),
        ({"statements": ["AB" * 32]}, r"statements\[0\]"),
        ({"statements": [5]}, r"statements\[0\]"),
        ({"statements": ["00" * 32], "more": 1}, "more"),
    ],
)
def test_other_names_are_refused_by_field(value, field):
    with pytest.raises(InputError, match=field):
        parse_names(json.dumps(value).encode())


@given(st.lists(st.binary(min_size=1).map(lambda raw: raw.replace(b"\n", b" ")), min_size=1, max_size=5))
def test_bundles_are_lines(bundles):
    assert split_bundles(join_bundles(bundles)) == bundles


def test_the_anchored_size_is_read_among_others_of_a_health():
    assert parse_anchored_size(b'{"status":"ok","tree_size":9,"anchored_size":5,"more":1}') == 5


@pytest.mark.parametrize("raw", [b"{}", b"[]", b'{"anchored_size":-1}', b'{"anchored_size":"5"}', b"ok"])
def test_a_health_without_an_anchored_size_is_refused(raw):
    with pytest.raises(InputError):
        parse_anchored_size(raw)


def test_people_may_spell_a_request_as_they_like():
    raw = json.dumps({"entries": [{"statement": STATEMENT}]}, indent=2).encode() + b"\n"
    assert parse_entries(raw) == [Entry(b"statement")]


@pytest.mark.parametrize("parse", PARSERS)
@given(raw=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_other_bytes_are_refused_as_input(parse, raw):
    with pytest.raises(InputError):
        parse(raw)


json_values = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=10) | st.sampled_from([STATEMENT, HASH, HEADER]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("entries", "statement", "results", "refusal", "index", "header"),
                    *("states", "subjects", "anchored_size"),
                ]
            ),
            inner,
        )
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("parse", PARSERS)
@given(value=json_values)
def test_any_other_json_is_read_or_refused_as_input(parse, value):
    with suppress(InputError):
        parse(json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode())


@pytest.mark.parametrize(
    ("member", "value", "field"),
    [
        ("index", -1, "results[0].index"),
        ("index", 2**53, "results[0].index"),
        ("index", "5", "results[0].index"),
        ("index", True, "results[0].index"),
        ("header", base64.b64encode(bytes(127)).decode(), "results[0].header"),
        ("header", "AA", "results[0].header"),
        ("inclusion", HASH, "results[0].inclusion"),
        ("inclusion", [HASH + "AAAA"], "results[0].inclusion"),
        ("refusal", {}, "results[0]"),
        ("extra", 1, "results[0]"),
    ],
)
def test_a_broken_result_is_named(member, value, field):
    result = {"index": 5, "header": HEADER, "inclusion": [HASH]} | {member: value}
    raw = json.dumps({"checkpoint": "note", "results": [result]}, sort_keys=True, separators=(",", ":"))
    with pytest.raises(InputError, match=field.replace("[", r"\[")):
        parse_answer(raw.encode())


def test_an_inclusion_hash_has_32_bytes():
    result = {"header": HEADER, "inclusion": ["AAAA"], "index": 5}
    raw = json.dumps({"checkpoint": "note", "results": [result]}, sort_keys=True, separators=(",", ":"))
    with pytest.raises(InputError):
        parse_answer(raw.encode())


@pytest.mark.parametrize(
    "member",
    [
        {"status": "BETTER"},
        {"status": 1},
        {"version": 0},
        {"version": 2**32},
        {"last_event": -1},
        {"subject": "AB" * 32},
        {"subject": "ab" * 31},
        {"more": 1},
    ],
)
def test_a_broken_state_is_refused(member):
    state = {"subject": "ab" * 32, "status": "VALID", "version": 1, "last_event": 5} | member
    with pytest.raises(InputError):
        parse_states(json.dumps({"states": [state]}, sort_keys=True, separators=(",", ":")).encode())


@pytest.mark.parametrize("count", [0, MAX_ENTRIES + 1])
def test_a_request_has_one_to_256_entries(count):
    with pytest.raises(MalformedDocumentError, match="entries"):
        parse_entries(encode_entries([Entry(b"x")] * count))


def test_256_entries_are_read():
    assert len(parse_entries(encode_entries([Entry(b"x")] * MAX_ENTRIES))) == MAX_ENTRIES


def make_map_answer():
    return MapAnswer("log\n1\n", bytes(128), (bytes(32), bytes([1]) * 32), b"\x04")


def test_a_map_answer_comes_back():
    assert parse_map_answer(encode_map_answer(make_map_answer())) == make_map_answer()


@pytest.mark.parametrize("name", ["checkpoint", "inclusion", "map", "maphead"])
def test_a_map_answer_has_exactly_its_members(name):
    members = json.loads(encode_map_answer(make_map_answer()))
    for wrong in (
        {key: value for key, value in members.items() if key != name},
        members | {name: 7},
        members | {"x": 1},
        members | {"maphead": HASH},
    ):
        with pytest.raises(InputError):
            parse_map_answer(json.dumps(wrong, sort_keys=True, separators=(",", ":")).encode())


def test_a_map_proof_is_of_a_thousand_subjects_at_most():
    subjects = [Subject(number.to_bytes(32)) for number in range(MAX_MAP_SUBJECTS + 1)]
    assert parse_map_subjects(encode_subjects(subjects[1:])) == subjects[1:]
    with pytest.raises(InputError, match="subjects"):
        parse_map_subjects(encode_subjects(subjects))
