import threading

import pytest

from api.comparing_loop import ComparingLoop
from ledger.core.errors import StoreUnavailableError

ENOUGH = 10.0


@pytest.mark.parametrize("trouble", [False, StoreUnavailableError("x")])
def test_it_asks_until_the_chain_has_answered_and_not_once_more(trouble):
    answers, calls, done = [trouble, trouble, True], [], threading.Event()

    def compare():
        answer = answers.pop(0)
        calls.append(answer)
        if isinstance(answer, Exception):
            raise answer
        if answer:
            done.set()
        return answer

    with ComparingLoop(compare, seconds=0.001):
        assert done.wait(ENOUGH)
    assert len(calls) == 3


def test_it_asks_more_and_more_seldom(monkeypatch):
    loop, waited = ComparingLoop(lambda: False, seconds=5.0), []

    def wait(seconds):
        waited.append(seconds)
        return len(waited) == 9

    monkeypatch.setattr(loop._stopping, "wait", wait)
    loop._run()
    assert waited == [5, 10, 20, 40, 80, 160, 300, 300, 300]


def test_it_stops_while_it_waits():
    with ComparingLoop(lambda: True, seconds=3600) as loop:
        thread = loop._thread
    assert not thread.is_alive()
