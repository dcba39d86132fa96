"""Quorums: more than half, nobody twice, and as fresh as their threshold-th newest time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_in_memory import MemoryLedger, make_signer
from witnesses import cosign, make_quorum, make_witness

from ledger.core.canonical import encode_canonical_json, parse_json
from ledger.core.cosignature import Witness, open_cosignatures
from ledger.core.errors import InputError, MalformedDocumentError
from ledger.core.policy import encode_policy, parse_policy
from ledger.core.quorum import WitnessQuorum, find_quorum_time, list_signed

AT = datetime(2026, 3, 1, 1, 0, tzinfo=UTC)
NAMES = ("w1", "w2", "w3", "w4", "w5")
NOTE = MemoryLedger().found().checkpoint()
POLICY = MemoryLedger().policy()


@pytest.mark.parametrize("count", range(1, 6))
def test_a_threshold_is_more_than_half_and_at_most_all(count):
    for threshold in range(count + 2):
        names = NAMES[:count]
        if count / 2 < threshold <= count:
            assert make_quorum(*names, threshold=threshold).threshold == threshold
        else:
            with pytest.raises(MalformedDocumentError, match="more than half"):
                make_quorum(*names, threshold=threshold)


def test_nobody_counts_twice():
    with pytest.raises(MalformedDocumentError, match="one name"):
        make_quorum("w1", "w1", threshold=2)
    with pytest.raises(MalformedDocumentError, match="one key"):
        WitnessQuorum((make_witness("w1"), replace(make_witness("w1"), name="other.example")), 2)
    with pytest.raises(MalformedDocumentError, match="1 to 32 witnesses"):
        WitnessQuorum((), 1)


def test_a_policy_names_its_witnesses():
    policy = replace(POLICY, witnesses=make_quorum("w2", "w1", "w3", threshold=2))
    assert parse_policy(encode_policy(policy)) == policy
    assert b'"witnesses":{"keys":["w2.example+' in encode_policy(policy)
    assert parse_policy(encode_policy(POLICY)).witnesses is None


@pytest.mark.parametrize(
    ("change", "saying"),
    [
        ({"quorum": 1}, "policy.witnesses.quorum: is more than half"),
        ({"quorum": 4}, "policy.witnesses.quorum: is more than half"),
        ({"quorum": "2"}, "policy.witnesses.quorum"),
        ({"keys": []}, "policy.witnesses.keys"),
        ({"keys": ["x"] * 3}, "policy.witnesses.keys"),
        ({"x": 1}, "policy.witnesses"),
    ],
)
def test_a_policy_with_another_quorum_is_refused(change, saying):
    policy = replace(POLICY, witnesses=make_quorum("w1", "w2", "w3", threshold=2))
    members = parse_json(encode_policy(policy))
    members["witnesses"] |= change
    with pytest.raises(InputError, match=saying):
        parse_policy(encode_canonical_json(members))


def test_a_log_does_not_witness_itself():
    own = Witness("w.example", make_signer("log").public_key)
    policy = replace(POLICY, witnesses=WitnessQuorum((own,), 1))
    with pytest.raises(InputError, match="the log's own key is no witness"):
        parse_policy(encode_policy(policy))


def open_times(hours, threshold, names=NAMES, latest=timedelta(days=9)):
    note = NOTE
    for name, hour in hours:
        note = cosign(note, AT + timedelta(hours=hour), name)
    quorum = make_quorum(*names, threshold=threshold)
    signed = list_signed(open_cosignatures(note, quorum.witnesses), quorum, AT + latest)
    return find_quorum_time(signed, quorum)


@given(st.lists(st.integers(0, 100), min_size=5, max_size=5), st.integers(3, 5))
def test_it_is_as_fresh_as_the_threshold_th_newest(hours, threshold):
    found = open_times(zip(NAMES, hours, strict=True), threshold)
    assert found == AT + timedelta(hours=sorted(hours, reverse=True)[threshold - 1])


def test_all_but_one_of_a_quorum_cannot_make_it_fresh():
    """k - 1 witnesses sign an old state again and again; the last honest one has moved on."""
    day = [("w1", hour) for hour in range(24)] + [("w2", hour) for hour in range(24)] + [("w3", 0)]
    assert open_times(day, 3) == AT
    assert open_times(day[:-1], 3) is None


def test_times_from_the_future_do_not_count():
    assert open_times([("w1", 1), ("w2", 2), ("w3", 3)], 3, latest=timedelta(hours=2)) is None
    assert open_times([("w1", 1), ("w2", 2), ("w3", 3)], 3, latest=timedelta(hours=3)) == AT + timedelta(
        hours=1
    )


def test_witnesses_outside_the_quorum_do_not_count():
    quorum = make_quorum("w1", "w2", threshold=2)
    found = open_cosignatures(cosign(NOTE, AT, "w1", "w3"), [make_witness("w1"), make_witness("w3")])
    assert [item.witness.name for item in list_signed(found, quorum, AT)] == ["w1.example"]
