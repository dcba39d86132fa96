"""The pool: batches under load, an immediate start when idle, refusal when full, and clean ends."""

import threading
import time
from concurrent.futures import wait

import pytest

from ledger.core.errors import InputError, LogIntegrityError, StateError, UnavailableError
from ledger.pool import BATCH, MAX_WAITING, Pool

SECONDS = 10


class FakeLog:
    """Answers each submission with itself; can be held, and can fail."""

    def __init__(self):
        self.batches = []
        self.errors = []
        self.entered = threading.Semaphore(0)
        self.gate = threading.Event()
        self.gate.set()

    def append(self, submissions):
        self.entered.release()
        assert self.gate.wait(SECONDS)
        self.batches.append(list(submissions))
        if self.errors:
            raise self.errors.pop(0)
        return list(submissions)


@pytest.fixture
def log():
    return FakeLog()


@pytest.fixture
def pool(log):
    with Pool(log) as pool:
        yield pool


def hold(log, pool):
    """Let the writer begin a batch and wait in it."""
    log.gate.clear()
    first = pool.submit(["first"])
    assert log.entered.acquire(timeout=SECONDS)
    return first


def test_a_lone_submission_is_written_at_once(pool, log):
    begin = time.monotonic()
    assert pool.submit(["a"]).result(SECONDS) == ["a"]
    assert time.monotonic() - begin < 0.5
    assert log.batches == [["a"]]


def test_what_arrives_during_a_commit_is_the_next_batch(pool, log):
    first = hold(log, pool)
    rest = [pool.submit([number, -number]) for number in range(1, 51)]
    log.gate.set()
    assert [future.result(SECONDS) for future in rest] == [[number, -number] for number in range(1, 51)]
    assert first.result(SECONDS) == ["first"]
    assert [len(batch) for batch in log.batches] == [1, 100]


def test_a_batch_is_never_larger_than_256(pool, log):
    hold(log, pool)
    futures = [pool.submit(list(range(100))) for _ in range(8)]
    log.gate.set()
    wait(futures, SECONDS)
    assert [len(batch) for batch in log.batches] == [1, 200, 200, 200, 200]


def test_what_is_handed_in_together_stays_together_and_in_order(pool, log):
    hold(log, pool)
    big = pool.submit(list(range(BATCH)))
    log.gate.set()
    assert big.result(SECONDS) == list(range(BATCH))
    assert log.batches[1] == list(range(BATCH))


def test_too_many_at_once_are_refused(pool):
    with pytest.raises(InputError):
        pool.submit(list(range(BATCH + 1)))


def test_nothing_is_answered_with_nothing(pool):
    assert pool.submit([]).result(SECONDS) == []


def test_a_full_queue_refuses_and_recovers(pool, log):
    hold(log, pool)
    futures = [pool.submit(list(range(BATCH))) for _ in range(MAX_WAITING // BATCH)]
    with pytest.raises(UnavailableError, match="waiting"):
        pool.submit(["one more"])
    log.gate.set()
    wait(futures, SECONDS)
    assert pool.submit(["one more"]).result(SECONDS) == ["one more"]


@pytest.mark.parametrize("error", [UnavailableError("gone"), StateError("clock"), RuntimeError("bug")])
def test_an_error_is_everybodys_answer_and_the_writer_lives_on(pool, log, error):
    hold(log, pool)
    log.errors = [None or UnavailableError("first"), error]
    futures = [pool.submit([number]) for number in range(3)]
    log.gate.set()
    assert [future.exception(SECONDS) for future in futures] == [error] * 3
    assert pool.submit(["next"]).result(SECONDS) == ["next"]


def test_after_an_integrity_error_nothing_more_is_written(pool, log):
    alarm = LogIntegrityError("contradiction")
    hold(log, pool)
    log.errors = [alarm]
    waiting = pool.submit(["waiting"])
    log.gate.set()
    assert waiting.exception(SECONDS) is alarm
    with pytest.raises(LogIntegrityError):
        pool.submit(["later"])
    assert log.batches == [["first"]]


def test_stopping_writes_what_waits_and_takes_no_more(log):
    pool = Pool(log)
    hold(log, pool)
    waiting = [pool.submit([number]) for number in range(5)]
    stopper = threading.Thread(target=pool.stop)
    stopper.start()
    log.gate.set()
    stopper.join(SECONDS)
    assert [future.result(0) for future in waiting] == [[number] for number in range(5)]
    with pytest.raises(UnavailableError, match="shut down"):
        pool.submit(["late"])


def test_an_integrity_error_while_stopping_ends_the_writing_too(log):
    pool = Pool(log)
    hold(log, pool)
    waiting = pool.submit(["waiting"])
    log.errors = [LogIntegrityError("contradiction")]
    stopper = threading.Thread(target=pool.stop)
    stopper.start()
    while pool._closed is None:
        time.sleep(0.001)
    log.gate.set()
    stopper.join(SECONDS)
    assert isinstance(waiting.exception(0), LogIntegrityError)
    assert log.batches == [["first"]]


def test_stopping_twice_is_harmless(log):
    pool = Pool(log)
    pool.stop()
    pool.stop()


def test_a_caller_who_gave_up_stops_nobody(pool, log):
    hold(log, pool)
    gone, there = pool.submit(["gone"]), pool.submit(["there"])
    gone.cancel()
    log.gate.set()
    assert there.result(SECONDS) == ["there"]


def test_many_threads_get_their_own_answers(pool, log):
    def work(thread):
        own = [(thread, number) for number in range(50)]
        answers.extend(pool.submit([item]).result(SECONDS) == [item] for item in own)

    answers = []
    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 800
    assert sorted(item for batch in log.batches for item in batch) == [
        (t, n) for t in range(16) for n in range(50)
    ]
