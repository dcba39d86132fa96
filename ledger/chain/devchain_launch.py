"""Start the development chain as a child process and wait until it answers.

>>> with closing(launch_devchain(home / "chain")) as node:      # doctest: +SKIP
...     ChainClient(node.url).chain_id()
31337
"""

import os
import secrets
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from ledger.core.errors import ChainUnavailableError, WrongChainError

_POLL_SECONDS = 0.02
_STOP_SECONDS = 10.0
_WRONG_CHAIN = 2


@dataclass(frozen=True, slots=True)
class DevchainProcess:
    """A development chain that this process started."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def url(self) -> str:
        """Where it answers JSON-RPC."""
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Stop it and wait until it is gone; a block in hand is finished first."""
        self.process.terminate()
        with self.process:  # closes its standard input and waits
            try:
                self.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()


def launch_devchain(
    data: Path, *, port: int = 0, chain_id: int | None = None, timeout_seconds: float = 60.0
) -> DevchainProcess:
    """Start a development chain in a session of its own, so that Ctrl-C in a terminal does not end it first.

    It ends by itself when this process does, however that comes about.

    Args:
        data: directory of the chain; made if absent.
        port: TCP port on 127.0.0.1, 0 for a free one.
        chain_id: of a new chain, or the one that an old chain must have.
        timeout_seconds: how long it may take to answer.

    Raises:
        WrongChainError: the chain there has another id or format.
        ChainUnavailableError: another process serves this chain, the port is taken, or it does not answer
        in time.
    """
    data.mkdir(parents=True, exist_ok=True)
    port_file = data / f"port-{secrets.token_hex(8)}"
    command = [sys.executable, "-P", "-m", "ledger.chain.devchain", "--data", str(data)]
    command += ["--port", str(port), "--port-file", str(port_file), "--until-input-ends"]
    command += [] if chain_id is None else ["--chain-id", str(chain_id)]
    with (data / "chain.log").open("a+b") as log:
        start = log.seek(0, os.SEEK_END)
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
        )
        try:
            found = _wait_for_port(process, port_file, timeout_seconds)
        except BaseException:
            process.kill()
            process.communicate()
            raise
        finally:
            port_file.unlink(missing_ok=True)
        if found is None:
            process.communicate()
            log.seek(start)
            _raise_ended(process.returncode, log.read())
    return DevchainProcess(process, found)


def _wait_for_port(process: subprocess.Popen[bytes], port_file: Path, timeout_seconds: float) -> int | None:
    """Return the port, or None if the process ended instead."""
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        with suppress(FileNotFoundError):
            return int(port_file.read_text(encoding="ascii"))
        if process.poll() is not None:
            return None
        time.sleep(_POLL_SECONDS)
    raise ChainUnavailableError(f"the development chain did not answer within {timeout_seconds:.0f} s")


def _raise_ended(code: int, output: bytes) -> NoReturn:
    """Raise what the last line of its output says."""
    sentence = output.decode(errors="replace").strip().rpartition("\n")[2].removeprefix("devchain: ")
    error = WrongChainError if code == _WRONG_CHAIN else ChainUnavailableError
    raise error(sentence or f"the development chain ended with exit code {code}")
