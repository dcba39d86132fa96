"""Commands in processes that are killed at a named place or after some time; see `ledger.failpoint`.

A kill is `<failpoint>:<hit>`, or `seconds:<time>` after the start.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

from line import command

import issuer.cli  # noqa: F401 -- loaded once, for all processes of a server that preloads this module
import ledger.chain.client
from api.cli import main
from ledger import failpoint

ledger.chain.client  # noqa: B018 -- likewise
_LIMIT_SECONDS = 900


def run_quickly(processes, words, kill=""):
    """Run a command in a process that has everything loaded already; return its exit code."""
    name, _, hit = kill.partition(":")
    process = processes.Process(target=_run, args=([str(word) for word in words], kill))
    process.start()
    process.join(float(hit) if name == "seconds" else _LIMIT_SECONDS)
    process.kill()
    process.join()
    return process.exitcode


def run_truly(words, kill=""):
    """Run a command as a user does; return its exit code."""
    name, _, hit = kill.partition(":")
    environment = {**os.environ, failpoint.KILL_VARIABLE: "" if name == "seconds" else kill}
    with subprocess.Popen(
        command(*words), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment
    ) as process:
        try:
            return process.wait(float(hit) if name == "seconds" else _LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            return process.wait()


def _run(words, kill):
    if not kill.startswith("seconds"):
        failpoint._PLAN = failpoint._Plan(kill, "") if kill else None
    with Path(os.devnull).open("w", encoding="utf-8") as sys.stdout:
        sys.exit(main(words))
