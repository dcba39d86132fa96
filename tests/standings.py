"""How a ledger may stand towards chain and witnesses, for servers that are told so.

>>> is_read_only(BEHIND)
True
"""

from dataclasses import replace
from datetime import timedelta

from world import NOW

from ledger.boot_check import BOOT, BootState
from ledger.core.ids import TreeSize
from ledger.standing import Standing
from ledger.store.condition_queries import Condition

QUIET = Standing(TreeSize(17), TreeSize(10), NOW, timedelta(seconds=90), None, None, None, None)


def boot(state):
    return Condition(BOOT, state.value, "put the newest copy back", "请恢复最新副本", NOW)


BEHIND = replace(QUIET, boot=boot(BootState.READ_ONLY))
