import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_in_memory import make_record

from issuer.signoff.changes import list_changes
from ledger.core.fields import Reader
from ledger.core.record_parsing import MAX_CHANGED, parse_record


def changed(path, to):
    value = copy.deepcopy(make_record(1))
    *steps, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
    target = value
    for step in steps:
        target = target[step]
    if to is ...:
        del target[last]
    else:
        target[last] = to
    return value


@pytest.mark.parametrize(
    ("path", "to", "expected"),
    [
        ("instrument.serial", "SN-2", ["instrument.serial"]),
        ("results.0.points.0.measured", "19.99", ["results.0.points.0.measured"]),
        ("applicant", {"name": "某人"}, ["applicant"]),
        ("instrument.maker", ..., ["instrument.maker"]),
        ("seals", [], ["seals"]),
        ("class_awarded", "0.3级", ["class_awarded"]),
        ("no", "X-1", []),
        ("nonce", "0" * 32, []),
        ("persons", [], []),
        ("issued_on", "2026-11-09", []),
        ("replaces", {"no": "A", "reason": "TYPO"}, []),
    ],
)
def test_what_differs_is_named_by_its_path(path, to, expected):
    assert list_changes(make_record(1), changed(path, to)) == expected
    assert list_changes(changed(path, to), make_record(1)) == expected


def test_many_changes_are_named_by_the_wholes_around_them():
    older, newer = make_record(1), make_record(1)
    point = older["results"][0]["points"][0]
    older["results"][0]["points"] = [point] * 100
    newer["results"][0]["points"] = [{**point, "measured": "19.98"}] * 100
    newer["instrument"]["serial"] = "SN-3"
    assert list_changes(older, newer) == ["instrument.serial", "results.0.points"]


JSON = st.recursive(
    st.text("ab", max_size=2) | st.booleans() | st.integers(0, 3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=4),
    max_leaves=60,
)


@given(st.dictionaries(st.sampled_from("abcdefgh"), JSON), st.dictionaries(st.sampled_from("abcdefgh"), JSON))
def test_paths_rise_are_few_and_empty_for_equals_only(older, newer):
    found = list_changes(older, newer)
    assert found == sorted(set(found)) == list_changes(newer, older)
    assert len(found) <= MAX_CHANGED
    assert bool(found) == (older != newer)
    assert list_changes(older, older) == []


@given(st.dictionaries(st.sampled_from(["instrument", "results", "seals"]), JSON, min_size=1))
def test_a_record_can_say_every_path_that_is_found(others):
    record = make_record(1)
    found = list_changes(record, record | others)
    if found:
        record["replaces"] = {"no": "A-1", "reason": "TYPO", "changed": found}
        assert list(parse_record(Reader(record, "")).replaces.changed) == found
