"""kill -9 of a batch at every write step and at any time; then the same command again.

No number twice and none skipped, nothing acknowledged is lost, every file is whole, the log is consistent, each
tree head is anchored once. CI takes a small batch in quick processes; the drill takes 5,000 certificates in real
ones, with the development chain that each command starts for itself, on both engines.
"""

import random
import signal
from contextlib import contextmanager

import pytest
from line import FOUNDED, Line, write_meters
from line_invariants import assert_complete, assert_sound
from line_worker import run_quickly, run_truly
from servers import dev_chain, postgres_server
from sheets import write_meter_workbook

FEW, MANY, LOT = 300, 5000, 10_000
"""Certificates: two, twenty and forty batches."""

DESK_AND_LOG = (
    "desk.before_signing",
    "desk.before_commit",
    "desk.signed",
    "store.head",
    "store.entries",
    "store.documents",
    "store.tiles",
    "store.subjects",
    "store.pages",
    "store.replaced",
    "log.verified",
    "store.checkpoint",
    "log.before_commit",
    "log.after_commit",
    "desk.submitted",
    "desk.before_recording",
    "desk.recorded",
)
"""What each batch passes, in order."""

ANCHORING = (
    "anchoring.before_queue",
    "anchoring.queued",
    "anchoring.before_outbox",
    "anchoring.outbox",
    "anchoring.sent",
    "anchoring.before_included",
    "anchoring.included",
    "anchoring.before_final",
    "anchoring.final",
)

TWICE = (
    "desk.signed:1+desk.submitted:2",
    "log.after_commit:2+log.before_commit:1",
    "anchoring.sent:1+anchoring.before_included:1",
)
"""Killed again while it recovers."""

ELSEWHERE = {
    "store.head",
    "store.tiles",
    "store.subjects",
    "store.pages",
    "anchoring.queued",
    "anchoring.before_included",
}
"""The tests of log and sender kill there, on both engines; the drill does so here too."""

SHORT = [
    *(f"{name}:{1 + place % 2}" for place, name in enumerate(DESK_AND_LOG) if name not in ELSEWHERE),
    *(f"{name}:1" for name in ANCHORING if name not in ELSEWHERE),
    f"issue.written:{FEW // 2}",
    "seconds:0.7",
    TWICE[0],
]
SHORT_POSTGRES = [
    "desk.before_commit:2",
    "log.before_commit:1",
    "log.after_commit:2",
    "desk.before_recording:2",
    "anchoring.outbox:1",
]
LONG = [
    *(f"{name}:{random.Random(name).randint(1, 20)}" for name in DESK_AND_LOG),
    *(f"{name}:1" for name in ANCHORING),
    f"issue.written:{random.Random(1).randint(1, MANY)}",
    *(f"seconds:{random.Random(place).uniform(1, 7):.1f}" for place in range(5)),
    *TWICE,
]


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    with dev_chain(tmp_path_factory.mktemp("chain")) as node:
        yield node.url


@pytest.fixture(scope="module")
def postgres():
    """A server that keeps what it has acknowledged; a killed client is all that it sees."""
    with postgres_server(fsync="on", synchronous_commit="on") as server:
        yield server


@contextmanager
def open_line(out, engine, postgres, node=()):
    """Yield a founded line on one engine."""
    if engine == "sqlite":
        line = Line(out, node)
        with line.chain():
            line.found()
        yield line
    else:
        with postgres().fresh_database() as url:
            line = Line(out, ["--database", url, "--desk-database", url, *node])
            with line.chain():
                line.found()
            yield line


def kill_and_finish(line, count, kills, execute, write=write_meters):
    """Kill the command at each of these moments, run it to its end, and compare."""
    suffix = "jsonl" if write is write_meters else "xlsx"
    words = [*line.issue_words(write(line.out / f"meters.{suffix}", count)), "--home", line.home]
    logged = {}
    for kill in kills.split("+"):
        assert execute(words, kill) == -signal.SIGKILL
        now = assert_sound(line)
        assert logged.items() <= now.items()
        logged = now
    assert execute(words) == 0
    with line.chain() as url:
        complete = assert_complete(line, count, url)
        assert logged.items() <= complete.items()
        assert len(line.statements()) == 5 + count
        assert line.events(url) == [len(line.leaves())]


@pytest.mark.parametrize(
    ("engine", "kills"),
    [*(("sqlite", kill) for kill in SHORT), *(("postgresql", kill) for kill in SHORT_POSTGRES)],
)
def test_killed_anywhere_the_same_command_ends_what_was_begun(
    processes, chain, request, tmp_path, engine, kills
):
    def execute(words, kill=""):
        return run_quickly(processes, words, kill)

    def postgres():
        return request.getfixturevalue("postgres")

    with open_line(tmp_path, engine, postgres, ["--node", chain]) as line:
        kill_and_finish(line, FEW, kills, execute)


@pytest.mark.slow
@pytest.mark.parametrize("kills", LONG)
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_killed_anywhere_a_large_batch_is_ended(request, tmp_path, engine, kills):
    with open_line(tmp_path, engine, lambda: request.getfixturevalue("postgres")) as line:
        kill_and_finish(line, MANY, kills, run_truly)


STAGES = [
    "issue.read:1",
    "issue.checked:1",
    "desk.before_commit:2",
    "desk.signed:1",
    "log.before_commit:2",
    "desk.submitted:1",
    "anchoring.sent:1",
    "issue.bundled:2",
    f"issue.written:{FEW // 3}",
    "seconds:0.4",
    "issue.read:1+issue.bundled:1",
]
"""Read, checked, signed, logged, bundled, written; and while the file is being read by its own process."""


@pytest.mark.parametrize("kills", STAGES)
def test_killed_in_any_stage_a_workbook_is_issued_without_doubles(processes, chain, tmp_path, kills):
    def execute(words, kill=""):
        return run_quickly(processes, words, kill)

    with open_line(tmp_path, "sqlite", None, ["--node", chain]) as line:
        kill_and_finish(line, FEW, kills, execute, write_meter_workbook)


@pytest.mark.slow
@pytest.mark.parametrize("kills", [*STAGES[:-3], f"issue.written:{LOT // 3}", "seconds:4", "seconds:12"])
def test_killed_in_any_stage_ten_thousand_meters_are_issued_without_doubles(tmp_path, kills):
    with open_line(tmp_path, "sqlite", None) as line:
        kill_and_finish(line, LOT, kills, run_truly, write_meter_workbook)


@pytest.mark.parametrize(
    "place", ["deployment.sent:1", "deployment.deployed:1", "deployment.sent:2", "deployment.opened:1"]
)
def test_killed_while_it_deploys_the_next_one_finds_what_is_there(processes, chain, tmp_path, place):
    line = Line(tmp_path, ["--node", chain])
    line.init()
    words = ["chain", "deploy", "--home", line.home]
    assert run_quickly(processes, words, place) == -signal.SIGKILL
    assert run_quickly(processes, words) == 0
    assert line.run("chain", "show")["tree_size"] == 0
    line.set_up_authority()
    line.issue(write_meters(tmp_path / "meters.jsonl", 1))
    assert line.events(chain) == [FOUNDED + 2]
