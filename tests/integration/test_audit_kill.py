"""An audit in a process of its own is killed, again and again, and the same command comes to the same end."""

import json
import os
import signal
import subprocess
import time

import pytest
from api_world import ApiWorld
from fakes import MemoryStore
from line import command, run_process
from world import ORIGIN, Clock, World, submit

from ledger.core.policy import encode_policy
from ledger.export import FolderTarget, export_log
from ledger.log import Log

LEAVES = 12_300
PATIENCE = 120


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """An exported log of 12,000 leaves, and its policy."""
    folder, world, store = tmp_path_factory.mktemp("long"), World(), MemoryStore()
    log = Log(store, ORIGIN, world.log_key, Clock())
    submit(log, *world.founding())
    for start in range(0, LEAVES, 4096):
        submit(log, *map(world.bare_issue, range(start, min(start + 4096, LEAVES))))
    with store.read() as reading:
        export_log(reading, [], ORIGIN, FolderTarget(folder / "log"))
    with ApiWorld(world=world) as api:
        (folder / "policy.json").write_bytes(encode_policy(api.policy))
    return folder


def test_a_killed_audit_comes_to_the_same_end(published, tmp_path):
    words = ["audit", "--from", published / "log", "--policy", published / "policy.json", "--json"]
    whole = run_process(*words)
    assert whole.code == 0, whole
    state, reached = tmp_path / "state", []
    environment = {"XDG_STATE_HOME": str(tmp_path / "keys")}
    resume = [*words, "--resume", "--state", state]
    for least in (1, 5000):
        process = subprocess.Popen(
            command(*resume),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **environment},
        )
        end = time.monotonic() + PATIENCE
        while size(state) < least and process.poll() is None:
            assert time.monotonic() < end
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE)
        reached.append(size(state))
    assert 0 < reached[0] < whole.members["entries"]
    assert reached == sorted(reached)
    resumed = run_process(*resume, **environment)
    assert (resumed.code, resumed.members) == (0, whole.members)
    assert size(state) == whole.members["entries"]


def size(state):
    """Return how many leaves a state file speaks of; it is whole whenever it is there."""
    return json.loads(state.read_bytes())["tree_size"] if state.exists() else 0
