"""Rows of a file as drafts: whatever a row holds, it is read or refused, and the way of its file is found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuer.batch import Row
from issuer.signoff.rows import ONLY_ROW, Way, find_way, read_file_row
from issuer.signoff.standing_in import NOBODY, stand_in
from issuer.signoff.states import Assignment
from ledger.core.errors import InputError, MalformedDocumentError
from ledger.core.ids import InstitutionId
from ledger.core.record import Role

INSTITUTION = InstitutionId("350100-01")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
PERSON = st.fixed_dictionaries(
    {},
    optional={
        "role": st.sampled_from([*Role, "visitor"]) | JSON,
        "pid": st.sampled_from(["P-1", "P-2"]) | JSON,
        "name": st.just("林示例") | JSON,
        "key": st.just("z6Mk") | JSON,
        "signed_at": JSON,
        "title": JSON,
    },
)
ROWS = st.fixed_dictionaries(
    {},
    optional={
        "persons": st.lists(PERSON | JSON, max_size=4) | JSON,
        "request_id": st.just("R-1") | JSON,
        "doc_type": st.just("paper_register") | JSON,
        "issued_on": JSON,
        "instrument": JSON,
    },
)


@given(ROWS, st.none() | st.integers(1, 100_000))
def test_a_row_is_read_or_refused(value, number):
    try:
        row = read_file_row(Row(number, value), INSTITUTION)
    except InputError:
        return
    assert row.number == (number or ONLY_ROW)
    assert row.content == {name: item for name, item in value.items() if name != "persons"} | {
        "request_id": row.request.id
    }
    assert all(1 <= len(person.pid.encode()) <= 40 for person in row.people.values())
    assert "issued_on" not in value


@given(st.lists(ROWS, max_size=4), st.sets(st.sampled_from(["P-1", "P-2"])))
def test_a_way_is_found_for_whatever_a_file_holds(values, keyed):
    found = find_way([Row(number, value) for number, value in enumerate(values, 1)], keyed.__contains__)
    named = {
        person["pid"]
        for value in values
        if isinstance(value.get("persons"), list)
        for person in value["persons"]
        if isinstance(person, dict) and isinstance(person.get("pid"), str)
    }
    if named & keyed:
        assert found.way is Way.SIGN_OFF
    assert set(found.keyed) >= named & keyed
    assert set(found.keyed) <= named


def test_an_error_of_reading_is_the_rows():
    error = MalformedDocumentError("x", field="y")
    with pytest.raises(MalformedDocumentError) as raised:
        read_file_row(Row(1, None, error), INSTITUTION)
    assert raised.value is error


@given(JSON)
def test_the_same_row_is_the_same_request_whoever_else_is_in_the_file(value):
    row = {"instrument": {"serial": "SN1"}, "note": value}
    try:
        first, second = (read_file_row(Row(number, row), INSTITUTION) for number in (1, 7))
    except InputError:
        return
    assert first.request == second.request
    assert first.request != read_file_row(Row(1, {**row, "adjusted": True}), INSTITUTION).request


def test_somebody_else_stands_in_for_every_role():
    people = stand_in(Assignment(NOBODY))
    assert len({people.operator, people.checker, people.approver}) == 3
    assert stand_in(Assignment("P-1", "P-2", "P-3")) == Assignment("P-1", "P-2", "P-3")
    assert stand_in(Assignment("P-1", approver="P-3")).approver == "P-3"
