"""A process that anchors and is killed at a failpoint; started by `test_anchoring_crash.py`."""

import os
import signal

from chain_helpers import make_anchorer
from world import Clock

from ledger import failpoint
from ledger.chain.client import ChainClient
from ledger.store.engine import Database
from ledger.store.unit_of_work import SqlStore


class Killer:
    """Kills this process at the n-th time that any failpoint is passed; never for 0."""

    def __init__(self, hit: int) -> None:
        self._left = hit

    def visit(self, name: str) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def anchor(database_url: str, node_url: str, account, binding, hit: int) -> None:
    """Anchor the newest checkpoint."""
    failpoint._PLAN = Killer(hit)
    with ChainClient(node_url) as client:
        store = SqlStore(Database(database_url))
        make_anchorer(store, client, account, binding, Clock()).anchor_newest()
