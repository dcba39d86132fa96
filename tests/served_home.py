"""`hengzheng serve` as a process of its own, for tests.

with serve(line.home, "all", "--anchor-seconds", 1) as server:
    httpx2.get(server.url + "/healthz")
"""

import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from line import command

T = TypeVar("T")
PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Server:
    """A server that listens."""

    url: str
    first_line: str
    process: subprocess.Popen[str]

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Send a signal; return exit code and the rest of its output."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, err


@contextmanager
def serve(home: Path, role: str, *options: object, **environment: str) -> Iterator[Server]:
    """Run the command until the block is left; it listens when the block begins."""
    with _running(command("serve", role, "--home", home, "--port", 0, *options), environment) as server:
        yield server


@contextmanager
def serve_witness(directory: Path, *options: object, **environment: str) -> Iterator[Server]:
    """Run a witness until the block is left; it listens when the block begins."""
    words = command("witness", "serve", "--dir", directory, "--port", 0, *options)
    with _running(words, environment) as server:
        yield server


@contextmanager
def _running(words: list[str], environment: Mapping[str, str] = {}) -> Iterator[Server]:
    process = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
    )
    try:
        line = _read_line(process)
        url = json.loads(line)["url"] if line.startswith("{") else line.strip()
        yield Server(url, line, process)
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=PATIENCE)


def wait_until(look: Callable[[], T | None], seconds: float = PATIENCE) -> T:
    """Return what `look` finds once it finds something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if (found := look()) is not None:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come about in time")


def _read_line(process: subprocess.Popen[str]) -> str:
    ready, _, _ = select.select([process.stdout], [], [], PATIENCE)
    line = process.stdout.readline() if ready else ""
    assert line, process.communicate(timeout=PATIENCE)
    return line
