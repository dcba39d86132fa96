import threading
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from api.anchoring_loop import AnchoringLoop
from ledger.core.errors import (
    ChainContradictionError,
    ChainUnavailableError,
    LogIntegrityError,
    NotFoundError,
    StateError,
    WrongChainError,
)

ENOUGH = 10.0
"""Seconds after which a test gives up."""


class Chain:
    """Answers each call of the sender from a list: an error, or a size; the last one again and again."""

    def __init__(self, *answers, opens=()):
        self.answers, self.opens = list(answers), list(opens)
        self.opened = self.closed = self.calls = 0
        self.anchored, self.alarms = [], []
        self.enough = threading.Event()
        self.wanted = 10**6

    @contextmanager
    def open(self, pace):
        self.opened += 1
        self.pace = pace
        if self.opens:
            raise self.opens.pop(0)
        try:
            yield self
        finally:
            self.closed += 1

    def anchor_newest(self):
        self.calls += 1
        if self.calls >= self.wanted:
            self.enough.set()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            answer()
        return SimpleNamespace(tree_size=answer)

    def alarm(self, error):
        self.alarms.append(error)
        self.enough.set()

    def run(self, *, calls=None, seconds=0.001):
        self.wanted = calls or self.wanted
        loop = AnchoringLoop(
            self.open,
            seconds=seconds,
            on_anchored=lambda: self.anchored.append(self.calls),
            on_alarm=self.alarm,
        )
        with loop:
            assert self.enough.wait(ENOUGH)
        return self


def test_it_anchors_again_and_again_with_one_sender():
    chain = Chain(7, 8, 8, 9).run(calls=6)
    assert (chain.opened, chain.closed) == (1, 1)


def test_it_tells_of_each_new_anchor_once():
    assert Chain(7, 8, 8, 9).run(calls=8).anchored == [1, 2, 4]


def test_an_empty_log_is_nothing_to_worry_about():
    chain = Chain(NotFoundError("empty"), NotFoundError("empty"), 7).run(calls=4)
    assert (chain.opened, chain.anchored) == (1, [3])


@pytest.mark.parametrize("error", [ChainUnavailableError, StateError, WrongChainError])
def test_a_chain_that_fails_is_opened_again_later(error):
    chain = Chain(error("x"), error("x"), 7).run(calls=4)
    assert chain.opened == 3
    assert chain.anchored == [3]
    assert not chain.alarms


def test_a_chain_that_cannot_be_opened_is_tried_again():
    chain = Chain(7, opens=[ChainUnavailableError("x")] * 3).run(calls=2)
    assert chain.opened == 4


def test_a_contradiction_ends_the_loop_and_is_an_alarm():
    chain = Chain(7, LogIntegrityError("foreign head")).run()
    assert [str(error) for error in chain.alarms] == ["foreign head"]
    assert (chain.calls, chain.closed) == (2, 1)


def test_it_stops_while_it_waits_for_the_next_anchor():
    assert Chain(7).run(calls=1, seconds=3600).closed == 1


def test_it_stops_while_a_sender_waits_for_its_chain():
    chain = Chain(0)

    def wait():
        chain.enough.set()
        chain.pace.sleep(3600)

    chain.answers = [wait]
    assert chain.run().closed == 1
    assert not chain.alarms


def test_it_stops_while_it_waits_after_a_failure():
    assert Chain(ChainUnavailableError("x")).run(calls=1, seconds=3600).closed == 1


def test_a_chain_that_takes_back_what_was_final_is_tried_again_and_stops_no_writing():
    chain = Chain(7, ChainContradictionError("gone"), ChainContradictionError("gone"), 9).run(calls=5)
    assert chain.anchored == [1, 4]
    assert not chain.alarms
