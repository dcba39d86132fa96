"""Named places where a drill may end the process, to show that what is on disk is enough to go on.

Without these variables of the environment a failpoint does nothing:

    HENGZHENG_FAILPOINT=log.before_commit:3   kills the process (SIGKILL) at the third time it comes by there
    HENGZHENG_FAILPOINT_LOG=<path>            writes the name of every failpoint that is passed, one a line

A record of one run lists every place to kill at; see `tests/integration/test_log_crash.py`.

>>> failpoint("log.before_commit")
"""

import os
import signal
from collections import Counter
from pathlib import Path

KILL_VARIABLE = "HENGZHENG_FAILPOINT"
LOG_VARIABLE = "HENGZHENG_FAILPOINT_LOG"


class _Plan:
    """What the environment asks for."""

    def __init__(self, kill: str, log: str) -> None:
        self._name, _, count = kill.partition(":")
        self._hit = int(count or 1)
        self._log = Path(log) if log else None
        self._passed: Counter[str] = Counter()

    def visit(self, name: str) -> None:
        if self._log is not None:
            with self._log.open("a", encoding="ascii") as stream:
                stream.write(f"{name}\n")
        self._passed[name] += 1
        if name == self._name and self._passed[name] == self._hit:
            os.kill(os.getpid(), signal.SIGKILL)


def _read_plan() -> _Plan | None:
    kill, log = os.environ.get(KILL_VARIABLE, ""), os.environ.get(LOG_VARIABLE, "")
    return _Plan(kill, log) if kill or log else None


_PLAN = _read_plan()


def failpoint(name: str) -> None:
    """Do nothing, unless the environment asks to stop here.

    Args:
        name: `<module>.<place>`, the same at one place only.
    """
    if _PLAN is not None:
        _PLAN.visit(name)
