"""A process that appends to a log and is killed at a failpoint; started by `test_log_crash.py`."""

import os
import signal
from collections import Counter
from pathlib import Path

from world import ORIGIN, Clock, World, submit

from ledger import failpoint
from ledger.log import Log
from ledger.store.engine import Database
from ledger.store.unit_of_work import SqlStore

BATCHES = (range(3), range(3, 260))
"""Numbers of the issues in each batch: the second one fills a tile."""


class Killer:
    """Kills this process at the n-th time that any failpoint is passed."""

    def __init__(self, hit: int) -> None:
        self._left = hit

    def visit(self, name: str) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def append_batches(url: str, acknowledged: Path, hit: int) -> None:
    """Append every batch; write down each acknowledgement once it is given."""
    failpoint._PLAN = Killer(hit)
    log = Log(SqlStore(Database(url)), ORIGIN, World().log_key, Clock())
    with acknowledged.open("a", buffering=1) as stream:
        for batch in BATCHES:
            results = submit(log, *(make_statement(number) for number in batch))
            stream.writelines(
                f"{number} {result.leaf_index}\n" for number, result in zip(batch, results, strict=True)
            )


def make_statement(number: int):
    world = World()
    return world.issue(number) if number % 100 == 0 else world.bare_issue(number)


def read_acknowledged(path: Path) -> dict[int, int]:
    """Return leaf index by number; a number with two indices fails."""
    if not path.exists():
        return {}
    pairs = {tuple(map(int, line.split())) for line in path.read_text().splitlines()}
    assert max(Counter(number for number, _ in pairs).values(), default=1) == 1
    return dict(pairs)
