"""A process that appends to a log and writes files, and waits at its start until it is traced; see `traced.py`."""

import os
import time
from contextlib import closing
from pathlib import Path

from planted import plant
from world import ORIGIN, World, submit

from ledger.core.errors import LedgerError, UnavailableError
from ledger.files import replace_file
from ledger.local import read_clock
from ledger.log import Log
from ledger.store.engine import Database
from ledger.store.unit_of_work import SqlStore

WORLD = World()
BATCHES = (range(1, 3), range(3, 4), range(4, 40))
EXIT_GAVE_UP = 7


def append(url, folder, bug=""):
    """Append every batch; acknowledge each number by a write of its own, as an answer to a client would be."""
    while not (folder / "go").exists():
        time.sleep(0.002)
    plant(bug, None, None)
    acknowledged = os.open(folder / "acknowledged", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with closing(Database(url)) as database:
        store = SqlStore(database)
        is_open = False
        try:
            with store.read() as queries:
                queries.read_head()  # as in a server, somebody reads all the time
            is_open = True
            _append(store, folder, acknowledged)
        except (LedgerError, OSError) as err:
            if is_open:
                _say_what_can_be_read(store, folder, err)
            os._exit(EXIT_GAVE_UP)
    os._exit(0)


def _say_what_can_be_read(store, folder, err):
    """Note whether reads go on after an error."""
    try:
        with store.read() as queries:
            said = f"reads answer with {queries.read_head().tree_size} leaves"
    except UnavailableError:
        said = "reads fail"
    (folder / "said").write_text(f"{said} after {type(err).__name__} {err}")


def _append(store, folder: Path, acknowledged):
    log = Log(store, ORIGIN, WORLD.log_key, read_clock)
    for batch in BATCHES:
        results = submit(log, *(make_statement(number) for number in batch))
        replace_file(folder / "checkpoint", log.checkpoint.encode())
        lines = [f"{number} {result.leaf_index}\n" for number, result in zip(batch, results, strict=True)]
        os.write(acknowledged, "".join(lines).encode())


def make_statement(number):
    return WORLD.issue(number) if number % 3 == 0 else WORLD.bare_issue(number)
