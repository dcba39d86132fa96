"""The log killed, or out of disk, at the n-th system call of each kind; what is on disk before an answer goes out.

CI takes a slice over all calls, which changes with HENGZHENG_SEED; HENGZHENG_LONG=1 takes every one.
"""

import os
import random
import signal
from collections import Counter
from contextlib import closing, contextmanager

import pytest
from call_worker import BATCHES, EXIT_GAVE_UP, append
from conftest import LONG
from crash_site import PostgresSites, SqliteSites
from log_invariants import assert_sound
from tally import note
from traced import require_strace, run_traced
from world import FOUNDING, ORIGIN, World

from ledger.core.checkpoint import verify_checkpoint
from ledger.core.note import NoteVerifier
from ledger.doctor.derived import raise_difference
from ledger.doctor.diagnosis import LeafPass
from ledger.store.engine import Database
from ledger.store.integrity import check_database
from ledger.store.scan import RawRows
from ledger.store.unit_of_work import SqlStore

pytestmark = pytest.mark.drill

SEED = int(os.environ.get("HENGZHENG_SEED", "1"))
SLICE = {"sqlite": 16, "postgresql": 6}
WORLD = World()
KILLED = ("pwrite64", "fdatasync", "fsync", "rename", "ftruncate", "unlink", "sendto")
FULL = ("pwrite64", "ftruncate")
BROKEN = ("fdatasync", "fsync")
TOTAL = sum(map(len, BATCHES))


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path):
    """Yields a maker of founded databases, each with a folder."""
    require_strace(tmp_path)
    engine = request.param
    if engine == "sqlite":
        sites = SqliteSites(tmp_path)
    else:
        sites = PostgresSites(tmp_path, request.getfixturevalue("postgres"))

    @contextmanager
    def fresh():
        with sites.fresh() as (folder, url, _):
            yield url, folder

    fresh.engine = engine
    return fresh


def make_process(processes, url, folder, bug=""):
    return processes.Process(target=append, args=(url, folder, bug))


def check(url, folder, *, is_finished=False):
    """Whole database, whole file, and everything acknowledged where it was said to be."""
    with closing(Database(url)) as database:
        store = SqlStore(database)
        assert_sound(store)
        head = diagnose_bare(store)
        path = folder / "acknowledged"
        lines = path.read_text().splitlines() if path.exists() else []
        acknowledged = dict(tuple(map(int, line.split())) for line in lines)
        with store.read() as queries:
            for number, index in acknowledged.items():
                name = f"2026-{number:07}" if number % 3 == 0 else f"B-{number:07}"
                assert queries.find_issue("350100-01", name).leaf_index == index, number
            sizes = {item.tree_size for item in queries.read_checkpoints()}
    if (folder / "checkpoint").exists():
        verifier = NoteVerifier(ORIGIN, WORLD.log_key.public_key)
        assert verify_checkpoint((folder / "checkpoint").read_text(), verifier).tree_size in sizes
    if is_finished:
        assert len(acknowledged) == TOTAL
        assert head == FOUNDING + TOTAL + len(BATCHES)


def diagnose_bare(store):
    """Return the size of a log whose statements partly have no documents here, once all else is compared."""
    with store.database.read() as connection:
        check_database(connection)
        log = LeafPass(RawRows(connection), ORIGIN, raise_difference, lambda *_: None, with_documents=False)
        log.run()
    return log.replay.tree.size


def list_calls(processes, place):
    with place() as (url, folder):
        calls, code = run_traced(make_process(processes, url, folder), folder)
        assert code == 0
        check(url, folder, is_finished=True)
    return calls


def choose(runs, count):
    if LONG:
        return runs
    start, step = random.Random(SEED).random(), max(1.0, len(runs) / count)
    return [runs[int((start + at) * step)] for at in range(int(len(runs) / step - start))]


def test_whatever_happens_at_any_system_call_nothing_is_lost(processes, place):
    counts = Counter(name for name, _ in list_calls(processes, place))
    runs = [(name, at, f"signal=KILL:when={at}") for name in KILLED for at in range(1, counts[name] + 1)]
    runs += [(name, at, f"error=ENOSPC:when={at}+") for name in FULL for at in range(1, counts[name] + 1)]
    runs += [(name, at, f"error=EIO:when={at}+") for name in BROKEN for at in range(1, counts[name] + 1)]
    if place.engine == "postgresql":  # its files are the server's; what we call is the connection
        runs += [
            (name, at, f"error=EPIPE:when={at}")
            for name, at, how in runs
            if name == "sendto" and "KILL" in how
        ]
    chosen, failed = choose(runs, SLICE[place.engine]), []
    for name, _, how in chosen:
        with place() as (url, folder):
            try:
                _, code = run_traced(make_process(processes, url, folder), folder, f"{name}:{how}")
                assert code in {-signal.SIGKILL, EXIT_GAVE_UP, 0}, code
                check(url, folder)
                if "ENOSPC" in how and (folder / "said").exists():
                    assert "reads answer" in (folder / "said").read_text(), "I9"
                (folder / "go").touch()
                process = make_process(processes, url, folder)
                process.start()
                process.join()
                assert process.exitcode == 0, "I8"
                check(url, folder, is_finished=True)
            except Exception as err:  # noqa: BLE001 -- the place is named, and the others are tried
                failed.append(f"{name} {how}: {type(err).__name__} {err}"[:300])
    note(
        f"{place.engine}: {dict(counts)} system calls, {len(chosen)} of {len(runs)} runs killed or failed there "
        f"(seed {SEED}): {len(chosen) - len(failed)} of {len(chosen)} sound"
    )
    assert not failed, failed


def find_early_answer(calls):
    """Return how many writes of the write-ahead log were not on disk when an answer went out; None if all were."""
    waiting = answers = 0
    for name, rest in calls:
        if name == "pwrite64" and "ledger.db-wal" in rest:
            waiting += 1
        elif name in {"fdatasync", "fsync"} and "ledger.db-wal" in rest:
            waiting = 0
        elif name == "write" and "/acknowledged" in rest:
            answers += 1
            if waiting:
                return waiting
    assert answers == len(BATCHES)
    return None


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_what_is_answered_is_on_disk_before(processes, place):
    """And where SQLite is told not to sync at each commit, this test says so."""
    assert find_early_answer(list_calls(processes, place)) is None
    with place() as (url, folder):
        calls, code = run_traced(make_process(processes, url, folder, "synchronous_normal"), folder)
        assert code == 0
    assert find_early_answer(calls) > 0
    note("planted synchronous_normal: found, answered before the last sync")
