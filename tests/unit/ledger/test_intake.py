from concurrent.futures import Future

import pytest
from api_world import FOUNDED, FOUNDING_INDICES, ApiWorld
from world import Issued, World

from ledger.core.checkpoint import verify_checkpoint
from ledger.core.errors import LogIntegrityError, ReadOnlyError, StoreUnavailableError, UnavailableError
from ledger.core.merkle import hash_leaf, verify_inclusion
from ledger.core.note import NoteVerifier
from ledger.core.refusal import parse_refusal, verify_refusal
from ledger.core.register_fields import RegisterState
from ledger.intake import Intake
from ledger.wire import Entry, Logged, Refused


@pytest.fixture
def served():
    with ApiWorld() as world:
        yield world


@pytest.fixture
def founded(served):
    served.found()
    return served


def take(served, *entries):
    return served.intake.take([entry(item) for item in entries])


def entry(item):
    return Entry(item.raw, item.body) if isinstance(item, Issued) else Entry(item)


def reasons(outcome):
    return [reason.code for reason in parse_refusal(outcome.raw).reasons]


def assert_proved(served, answer, items):
    verifier = NoteVerifier(served.log.origin, served.world.log_key.public_key)
    checkpoint = verify_checkpoint(answer.checkpoint, verifier)
    for outcome, item in zip(answer.outcomes, items, strict=True):
        leaf = outcome.header + entry(item).statement
        size, root = checkpoint.tree_size, checkpoint.root_hash
        verify_inclusion(hash_leaf(leaf), outcome.leaf_index, size, outcome.inclusion, root)


def test_what_a_log_begins_with_may_come_in_one_request(served):
    founding = served.world.founding()
    answer = take(served, *founding)
    assert [outcome.leaf_index for outcome in answer.outcomes] == list(FOUNDING_INDICES)
    assert_proved(served, answer, founding)


def test_institution_and_its_first_certificate_may_come_in_one_request(served):
    items = [*served.world.founding(), served.sign(1), served.sign(2)]
    assert_proved(served, take(served, *items), items)


def test_order_counts(served):
    founding = served.world.founding()
    answer = take(served, *reversed(founding))
    assert isinstance(answer.outcomes[-1], Logged)
    assert all(isinstance(outcome, Refused) for outcome in answer.outcomes[:-1])


def test_the_same_again_gives_the_same_leaves(founded):
    items = [founded.sign(number) for number in (1, 2, 3)]
    first = take(founded, *items)
    take(founded, founded.sign(4))
    again = take(founded, *items, *founded.world.founding())
    assert [outcome.leaf_index for outcome in again.outcomes] == [
        *range(FOUNDED, FOUNDED + 3),
        *FOUNDING_INDICES,
    ]
    assert [outcome.header for outcome in again.outcomes[:3]] == [
        outcome.header for outcome in first.outcomes
    ]
    assert_proved(founded, again, [*items, *founded.world.founding()])


def test_the_same_twice_in_one_request_is_one_leaf(founded):
    item = founded.sign(1)
    answer = take(founded, item, item)
    assert [outcome.leaf_index for outcome in answer.outcomes] == [FOUNDED, FOUNDED]
    assert founded.log.head.tree_size == FOUNDED + 2


def test_what_is_logged_is_acknowledged_though_its_key_has_ended_since(founded):
    item = founded.sign(1)
    take(founded, item)
    take(founded, founded.world.key(version=1, state=RegisterState.WITHDRAWN))
    again, other = take(founded, item, founded.sign(2)).outcomes
    assert again.leaf_index == FOUNDED
    assert reasons(other) == ["KEY"]


def test_each_entry_has_its_own_answer(founded):
    good, foreign = founded.sign(1), World("other.example/log").issue(2)
    logged, refused, last = take(founded, good, foreign, founded.sign(3)).outcomes
    assert (logged.leaf_index, last.leaf_index) == (FOUNDED, FOUNDED + 1)
    assert reasons(refused) == ["SIGNATURE"]


def test_a_refusal_is_signed_and_names_what_is_refused(founded):
    item = founded.sign(1)
    answer = take(founded, Issued(item.raw, founded.sign(2).body))
    assert answer.checkpoint is None
    refusal = parse_refusal(answer.outcomes[0].raw)
    verify_refusal(refusal, founded.world.log_key.public_key)
    assert refusal.statement_digest != bytes(32)
    assert refusal.refused_at == founded.now


def test_the_time_of_a_refusal_has_whole_milliseconds(founded):
    founded.now = founded.now.replace(microsecond=123_456)
    refusal = parse_refusal(take(founded, b"nonsense").outcomes[0].raw)
    assert refusal.refused_at.microsecond == 123_000


@pytest.mark.parametrize("raw", [b"", b"\x00", b"nonsense", b"\xd2" + bytes(100), bytes(70_000)])
def test_any_bytes_are_answered_with_a_refusal(founded, raw):
    for item in (Entry(raw), Entry(raw, b"{}"), Entry(raw, bytes(300_000))):
        assert reasons(founded.intake.take([item]).outcomes[0]) == ["MALFORMED"]


def test_a_store_out_of_reach_is_no_refusal(founded):
    founded.store.fail_at("commit")
    with pytest.raises(StoreUnavailableError):
        take(founded, founded.sign(1))
    assert take(founded, founded.sign(1)).outcomes[0].leaf_index == FOUNDED


def test_a_commit_whose_answer_was_lost_is_found_again(founded):
    founded.store.fail_at("commit", written=True)
    with pytest.raises(UnavailableError):
        take(founded, founded.sign(1))
    assert take(founded, founded.sign(1)).outcomes[0].leaf_index == FOUNDED


def test_a_commit_that_takes_too_long_is_no_answer(founded, monkeypatch):
    monkeypatch.setattr("ledger.intake.COMMIT_SECONDS", 0.01)

    class Idle:
        def submit(self, submissions):
            return Future()

    intake = Intake(founded.ledger, Idle(), founded.clock)
    with pytest.raises(UnavailableError, match="send the same"):
        intake.take([entry(founded.sign(1))])


def test_after_an_alarm_nothing_is_taken(founded):
    founded.ledger.halt(LogIntegrityError("foreign head"))
    with pytest.raises(ReadOnlyError, match="read-only: its records and the contract"):
        take(founded, founded.sign(1))
    with pytest.raises(ReadOnlyError):
        founded.ledger.submit([])
    assert founded.log.head.tree_size == FOUNDED
