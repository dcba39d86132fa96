"""The node that a home talks to: a URL as it is, or a development chain that is started when it is needed.

Commands that run at the same time share one development chain: its port is chosen and written down before the
first start, and kept. Whoever finds it answering uses it; whoever does not starts it, and ends it when done. Ours
ends with its starter even if that is killed; anvil does not, and is found by the next command.

>>> with open_node(home) as url:
...     ChainClient(url).chain_id()
31337
"""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from ledger.anchoring.binding import read_binding
from ledger.chain.client import ChainClient
from ledger.chain.devchain_launch import DevchainProcess, launch_devchain
from ledger.core.errors import ChainUnavailableError, LedgerError, NotFoundError
from ledger.files import replace_file
from ledger.home import Home
from ledger.settings import ANVIL, DEVCHAIN

ANVIL_OPTIONS: Final = ("--hardfork", "prague", "--block-time", "1", "--slots-in-an-epoch", "1")
"""One block a second: without `--block-time` anvil loses transactions."""

_START_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 10.0
_RIVAL_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.05


@contextmanager
def open_node(home: Home) -> Iterator[str]:
    """Yield the URL of the home's node; a development chain runs at least as long as the block.

    Raises:
        ChainUnavailableError: the development chain cannot be started.
        WrongChainError: its directory holds a chain of another format.
        NotFoundError: anvil is not installed.
    """
    node = home.settings.node
    if node not in {DEVCHAIN, ANVIL}:
        yield node
        return
    directory, genesis_hash = home.path / node, _find_genesis(home)
    directory.mkdir(exist_ok=True)
    port = _read_port(directory)
    if port is not None and _answers(port, genesis_hash):
        yield _url(port)
        return
    port = _choose_port(directory)
    start = _run_devchain if node == DEVCHAIN else _run_anvil
    with start(directory, port):
        yield _url(port)


def find_node(home: Home) -> str | None:
    """Return the URL of the home's node; None where it is a development chain that does not run now."""
    node = home.settings.node
    if node not in {DEVCHAIN, ANVIL}:
        return node
    port = _read_port(home.path / node)
    return _url(port) if port is not None and _answers(port, _find_genesis(home)) else None


def _find_genesis(home: Home) -> bytes | None:
    """Return which chain must answer: another home's may have got our port."""
    try:
        return read_binding(home).chain.genesis_hash
    except NotFoundError:
        return None


@contextmanager
def _run_devchain(directory: Path, port: int) -> Iterator[None]:
    process = _launch_devchain(directory, port)
    if process is None:
        yield
        return
    with closing(process):
        yield


def _launch_devchain(directory: Path, port: int) -> DevchainProcess | None:
    """Start the chain, once one that is just ending has ended; None if another command was quicker."""
    end = time.monotonic() + _RIVAL_SECONDS
    while True:
        try:
            return launch_devchain(directory, port=port)
        except ChainUnavailableError:
            if _answers(port):
                return None
            if time.monotonic() >= end:
                raise


@contextmanager
def _run_anvil(directory: Path, port: int) -> Iterator[None]:
    """Run anvil, which saves its state every second and at its end, but not when it is killed."""
    command = [str(_find_anvil()), "--host", "127.0.0.1", "--port", str(port), *ANVIL_OPTIONS]
    command += ["--state", str(directory / "state.json"), "--state-interval", "1", "--silent"]
    with (directory / "chain.log").open("ab") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    try:
        if not _wait_until(lambda: process.poll() is not None or _answers(port), seconds=_START_SECONDS):
            raise ChainUnavailableError("anvil does not answer")
        if process.poll() is not None:
            raise ChainUnavailableError(f"anvil ended; see {directory / 'chain.log'}")
        yield
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _find_anvil() -> Path:
    """Return anvil's native binary, of npm or on the PATH."""
    bundled = sorted(Path.cwd().glob("node_modules/@foundry-rs/anvil-*/bin/anvil"))
    on_path = shutil.which("anvil")
    if bundled or on_path:
        return bundled[0] if bundled else Path(str(on_path))
    raise NotFoundError("anvil is not installed: run `npm ci`, or choose the node devchain or a URL")


def _choose_port(directory: Path) -> int:
    """Return the port that is written down, or a free one that is written down now."""
    port = _read_port(directory)
    if port is not None and _is_free(port):
        return port
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = int(server.getsockname()[1])
    replace_file(directory / "port", f"{port}\n".encode())
    return port


def _read_port(directory: Path) -> int | None:
    """Return the port that is written down; None if there is none that could be meant."""
    with suppress(FileNotFoundError, ValueError):
        port = int((directory / "port").read_text(encoding="ascii"))
        return port if 0 < port < 2**16 else None
    return None


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def _answers(port: int, genesis_hash: bytes | None = None) -> bool:
    if _is_free(port):
        return False
    try:
        with ChainClient(_url(port), timeout_seconds=1.0) as client:
            return client.genesis_hash() == genesis_hash if genesis_hash else client.chain_id() > 0
    except LedgerError:
        return False


def _wait_until(is_so: Callable[[], bool], *, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() >= end:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}"
