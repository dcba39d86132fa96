"""The confined process: what it can do (read one file, answer), and that it can do nothing else."""

import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
from sheets import workbook

from ledger.confined import runner
from ledger.confined.runner import Limits, read_confined
from ledger.core.errors import InputError, UnavailableError

ROOT = Path(__file__).resolve().parents[2]
SMALL = Limits(memory_bytes=256 * 1024**2, cpu_seconds=2, wall_seconds=4, answer_bytes=1024**2)


@pytest.fixture(autouse=True)
def readers(monkeypatch):
    """Let the process find readers of ours that misbehave."""
    monkeypatch.setattr(runner, "_ROOT", ROOT / "tests")


def read(name, raw=b"", limits=SMALL):
    return read_confined(f"foreign_readers:{name}", raw, limits)


def test_it_reads_and_answers():
    assert read("echo", "检定".encode()) == ["检定", 6]
    assert read("nothing") == []


def test_workbooks_are_read_there(monkeypatch):
    monkeypatch.setattr(runner, "_ROOT", ROOT)
    rows = read_confined("issuer.workbook.reader:read_workbook", workbook([["no"], ["检"]]))
    assert rows == [{"sheet": "数据"}, [1, ["no"]], [2, ["检"]]]


@pytest.mark.parametrize(
    ("name", "text"), [("refuse", "row 2: is not what it says"), ("refuse_whole", "file: is nothing")]
)
def test_a_refusal_comes_back_and_no_row_with_it(name, text):
    with pytest.raises(InputError) as caught:
        read(name)
    assert str(caught.value) == text


def test_what_fails_inside_is_an_input_error_without_its_words():
    with pytest.raises(
        InputError, match=r"file: could not be read \(KeyError\); nothing was taken"
    ) as caught:
        read("fail")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["eat", "eat_slowly", "spin", "talk"])
def test_limits_end_it(name):
    started = time.monotonic()
    with pytest.raises(
        InputError, match=r"file: needs more memory or time|could not be read within the time"
    ):
        read(name)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("name", "enough"),
    [
        ("eat", replace(SMALL, memory_bytes=1024**3)),
        ("say_much", replace(SMALL, answer_bytes=4 * 1024**2)),
    ],
)
def test_each_limit_by_itself_makes_the_difference(name, enough):
    with pytest.raises(InputError, match="needs more memory or time to be read than is allowed"):
        read(name)
    assert read(name, limits=enough)


def test_a_reader_that_never_answers_is_killed():
    started = time.monotonic()
    with pytest.raises(
        InputError, match="could not be read within the time allowed; nothing was taken from it"
    ):
        read("sleep", limits=Limits(wall_seconds=1))
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("name", ["end", "crash", "lie", "babble"])
def test_an_answer_without_its_end_counts_for_nothing(name):
    with pytest.raises(InputError, match="nothing was taken from it"):
        read(name)


@pytest.mark.parametrize(
    "what", ["open", "write", "connect", "socket", "pipe", "dup", "run", "raise a limit"]
)
def test_it_can_reach_nothing(what):
    [outcome] = read("attempt", what.encode())
    assert outcome in {"OSError", "PermissionError", "ValueError", "BlockingIOError"}
    assert not Path("/tmp/hengzheng-confined").exists()


def test_it_is_given_nothing():
    secret, other = os.pipe()
    os.set_inheritable(secret, True)  # noqa: FBT003 -- a positional parameter
    try:
        [seen] = read("look")
    finally:
        os.close(secret)
        os.close(other)
    assert seen["open"] == [0, 1, 2]
    assert seen["isolated"] == 1
    assert seen["cwd"] == "/"
    assert not {name for name in seen["environment"] if name != "LC_CTYPE"}


def test_this_process_keeps_its_own_limits_and_has_no_child_left(monkeypatch):
    import resource

    started = []

    class Remembered(runner.subprocess.Popen):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            started.append(self)

    monkeypatch.setattr(runner.subprocess, "Popen", Remembered)
    before = resource.getrlimit(resource.RLIMIT_AS)
    with pytest.raises(InputError):
        read("spin")
    assert resource.getrlimit(resource.RLIMIT_AS) == before
    (process,) = started
    with pytest.raises(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)


def test_where_no_process_can_be_started_nothing_is_said_of_the_file(monkeypatch):
    monkeypatch.setattr(runner.sys, "executable", "/nowhere/python")
    with pytest.raises(UnavailableError, match="no process could be started to read the file"):
        read("echo")


def test_killed_from_outside_is_not_read(monkeypatch):
    real = runner.subprocess.Popen.wait

    def kill_first(process, timeout=None):
        process.send_signal(signal.SIGKILL)
        return real(process, timeout)

    monkeypatch.setattr(runner.subprocess.Popen, "wait", kill_first)
    with pytest.raises(InputError, match="needs more memory or time"):
        read("echo")
