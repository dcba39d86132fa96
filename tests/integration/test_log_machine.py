"""The log under any order of batches, repeats, refusals, failures, crashes and clocks, against a plain model."""

import tempfile
from contextlib import ExitStack

import pytest
from breaker import LOG_FAILPOINTS, broken_at
from fakes import WRITE_STEPS, MemoryStore
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from log_invariants import assert_sound
from world import FOUNDING, ORIGIN, Clock, World, submit

from ledger.core.errors import StateError, StoreUnavailableError
from ledger.log import Log
from ledger.store.engine import Database
from ledger.store.migrations import migrate
from ledger.store.unit_of_work import SqlStore
from ledger.submission import Acknowledgement, Refusal

WORLD = World()
NUMBERS = st.integers(0, 400)


class LogMachine(RuleBasedStateMachine):
    """Appends numbered issues; each has its own instrument, so only its number can be taken."""

    def __init__(self):
        super().__init__()
        self.closing = ExitStack()
        self.clock = Clock()
        self.store = self.make_store()
        self.log = self.open()
        submit(self.log, *WORLD.founding())
        self.acknowledged = {}
        self.submitted = set()

    def open(self):
        return Log(self.store, ORIGIN, WORLD.log_key, self.clock)

    def teardown(self):
        assert_sound(self.store)
        self.closing.close()

    def size(self):
        with self.store.read() as reading:
            return reading.read_head().tree_size

    def record(self, numbers, results):
        for number, result in zip(numbers, results, strict=True):
            assert isinstance(result, Acknowledgement)
            assert self.acknowledged.setdefault(number, result.leaf_index) == result.leaf_index

    @rule(numbers=st.lists(NUMBERS, max_size=20))
    def append(self, numbers):
        self.submitted.update(numbers)
        self.record(numbers, submit(self.log, *map(WORLD.bare_issue, numbers)))

    @rule(first=NUMBERS, count=st.integers(200, 300))
    def append_much(self, first, count):
        self.append(range(first, first + count))

    @precondition(lambda self: self.acknowledged)
    @rule(data=st.data())
    def take_a_number_again(self, data):
        number = data.draw(st.sampled_from(sorted(self.acknowledged)))
        size = self.size()
        (result,) = submit(
            self.log, WORLD.bare_issue(number, instrument=number + 5000, certificate=number + 5000)
        )
        assert isinstance(result, Refusal)
        assert self.size() == size

    @rule(number=NUMBERS, version=st.integers(1, 3))
    def expect_a_version_that_is_not_there(self, number, version):
        (result,) = submit(
            self.log, WORLD.bare_issue(number + 9000, instrument=number + 9000, version=version)
        )
        assert isinstance(result, Refusal)

    @rule(numbers=st.lists(NUMBERS, min_size=1, max_size=5), data=st.data())
    def fail(self, numbers, data):
        self.submitted.update(numbers)
        try:
            with self.breaking(data):
                results = submit(self.log, *map(WORLD.bare_issue, numbers))
        except StoreUnavailableError:
            return
        self.record(numbers, results)

    @rule()
    def crash_reopen(self):
        self.log = self.open()

    @rule(seconds=st.integers(0, 1000))
    def let_time_pass(self, seconds):
        self.clock.move(seconds=seconds)

    @rule(number=NUMBERS)
    def set_the_clock_back(self, number):
        self.clock.move(days=-1)
        with pytest.raises(StateError):
            submit(self.log, WORLD.bare_issue(number))
        self.clock.move(days=1)

    @invariant()
    def what_was_acknowledged_is_there_once_without_gaps(self):
        with self.store.read() as reading:
            size = reading.read_head().tree_size
            assert len(reading.read_leaves(0, size)) == size
            sizes = [checkpoint.tree_size for checkpoint in reading.read_checkpoints()]
        assert sizes[-1] == size
        assert len(set(self.acknowledged.values())) == len(self.acknowledged)
        issues = size - FOUNDING - (len(sizes) - 1)
        assert len(self.acknowledged) <= issues <= len(self.submitted)


class MemoryMachine(LogMachine):
    def make_store(self):
        return MemoryStore()

    def breaking(self, data):
        step = data.draw(st.sampled_from(WRITE_STEPS))
        self.store.fail_at(step, written=step == "commit" and data.draw(st.booleans()))
        return self.unbroken()

    def unbroken(self):
        stack = ExitStack()
        stack.callback(lambda: setattr(self.store, "_failure", None))
        return stack


class SqliteMachine(LogMachine):
    def make_store(self):
        folder = self.closing.enter_context(tempfile.TemporaryDirectory())
        database = Database(f"sqlite:///{folder}/log.sqlite3")
        self.closing.callback(database.close)
        migrate(database)
        return SqlStore(database)

    def breaking(self, data):
        return broken_at(data.draw(st.sampled_from(LOG_FAILPOINTS)))


@pytest.mark.parametrize(("machine", "examples"), [(MemoryMachine, 40), (SqliteMachine, 15)])
def test_the_log_stays_one_whatever_happens(machine, examples):
    run_state_machine_as_test(machine, settings=settings(max_examples=examples, stateful_step_count=25))
