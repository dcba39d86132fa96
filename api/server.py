"""`hengzheng serve`: opens a home, puts the roles together and runs them until the process is told to stop.

It binds 127.0.0.1 unless told otherwise: TLS, names and rates are for a server in front of it.

>>> main(["serve", "all", "--home", "hengzheng-home", "--port", "8000"])
0
"""

import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from functools import partial
from types import FrameType
from typing import Annotated, Final

import typer
import uvicorn

from api.anchoring_loop import AnchoringLoop
from api.app import LedgerParts, Parts, PublicParts, create_app
from api.comparing_loop import ComparingLoop
from api.connection import TimedProtocol
from ledger.binding import read_binding
from ledger.cli import HomeOption, JsonOption, PassphraseOption, find_given_passphrase, open_anchorer
from ledger.console import configure_logging, print_result, run_command
from ledger.core.errors import NotFoundError, UnavailableError
from ledger.core.policy import Policy, parse_policy
from ledger.home import DEFAULT_HOME, Home, open_home
from ledger.intake import Intake
from ledger.local import open_ledger, read_clock
from ledger.passphrase import Passphrase
from ledger.pool import Pool
from ledger.proving import Prover
from ledger.receipts import Receipts
from ledger.register_list import RegisterList
from ledger.standing import Standing, read_standing
from ledger.store.engine import Database
from ledger.store.migrations import require_current
from ledger.store.unit_of_work import SqlStore

app = typer.Typer(add_completion=False)

LOCAL: Final = "127.0.0.1"
CONNECTIONS: Final = 1000
"""Open connections; those that say nothing are closed after some seconds, see `api.connection`."""

KEEP_ALIVE_SECONDS: Final = 5
STOP_SECONDS: Final = 30
"""How long requests that are under way may take after the signal to stop."""


class Role(StrEnum):
    """What is served, see `api.app`."""

    PUBLIC = "public"
    LEDGER = "ledger"
    ALL = "all"


@app.callback()
def _group() -> None:
    """Keep `serve` a word of the command line."""


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    return run_command(app, arguments, name="hengzheng")


@app.command()
def serve(
    role: Annotated[Role, typer.Argument(help="what is served")],
    home: HomeOption = DEFAULT_HOME,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 takes any free one")] = 8000,
    host: Annotated[str, typer.Option(help="address to listen at")] = LOCAL,
    proxy: Annotated[
        str | None, typer.Option(help="address of the server in front, whose X-Forwarded-For is believed")
    ] = None,
    anchor_seconds: Annotated[
        int, typer.Option(min=0, help="from one anchor to the next; 0: none from here")
    ] = 60,
    passphrase_file: PassphraseOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Serve a home over HTTP until stopped. The first line of output says where."""
    configure_logging(logging.INFO)
    opened = open_home(home)
    with ExitStack() as stack:
        stack.enter_context(_handling_signals(_interrupt))
        listener = stack.enter_context(_listen(host, port))
        if role is Role.PUBLIC:
            parts = stack.enter_context(_open_public(opened))
        else:
            passphrase = find_given_passphrase(opened, passphrase_file)
            parts = stack.enter_context(_open_ledger(opened, passphrase, role, anchor_seconds))
        url = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"

        def announce() -> None:
            if as_json:
                print_result({"url": url, "role": role.value}, as_json=True)
            else:
                typer.echo(url)
            sys.stdout.flush()

        _run(parts, listener, proxy, announce)


# --- opening ------------------------------------------------------------------------------------------------


@contextmanager
def _open_public(home: Home) -> Iterator[Parts]:
    """Open what the role public needs: no key, and nothing is written."""
    policy = _load_policy(home)
    database = Database(home.database_url)
    try:
        require_current(database)
        store = SqlStore(database)
        prover = Prover(store, home.origin)
        public = PublicParts(store, policy, home.settings.host, read_clock)
        yield Parts(
            prover,
            Receipts(store),
            RegisterList(store, prover, home.origin),
            public=public,
            read_standing=partial(_read_standing, database),
        )
    finally:
        database.close()


@contextmanager
def _open_ledger(home: Home, passphrase: Passphrase, role: Role, anchor_seconds: int) -> Iterator[Parts]:
    """Open the ledger as its only process, with its pool, and anchor from time to time if it has a contract."""
    with ExitStack() as stack:
        ledger = stack.enter_context(open_ledger(home, passphrase))
        if not ledger.is_compared:
            stack.enter_context(ComparingLoop(ledger.compare))
        intake = Intake(ledger, stack.enter_context(Pool(ledger.log)), read_clock)
        public = None
        if role is Role.ALL:
            if not home.policy_path.exists():
                ledger.write_policy()
            public = PublicParts(ledger.store, _load_policy(home), home.settings.host, read_clock)
        if anchor_seconds and _has_contract(home) and ledger.gate.refusal is None:
            stack.enter_context(
                AnchoringLoop(
                    partial(open_anchorer, ledger, passphrase),
                    seconds=anchor_seconds,
                    on_anchored=ledger.write_policy,
                    on_alarm=ledger.halt,
                )
            )
        yield Parts(
            ledger.prover,
            Receipts(ledger.store),
            RegisterList(ledger.store, ledger.prover, home.origin),
            public=public,
            ledger=LedgerParts(intake, ledger.find_states),
            read_standing=partial(_read_standing, ledger.store.database),
        )


def _read_standing(database: Database) -> Standing:
    with database.read() as connection:
        return read_standing(connection, read_clock())


def _load_policy(home: Home) -> Policy:
    try:
        return parse_policy(home.policy_path.read_bytes())
    except FileNotFoundError:
        raise NotFoundError(f"{home.path} has no policy yet: run `hengzheng anchor`") from None


def _has_contract(home: Home) -> bool:
    try:
        read_binding(home)
    except NotFoundError:
        return False
    return True


# --- running ------------------------------------------------------------------------------------------------


class _Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()


def _run(parts: Parts, listener: socket.socket, proxy: str | None, announce: Callable[[], None]) -> None:
    """Answer requests until the process is told to stop; those under way are finished."""
    config = uvicorn.Config(
        create_app(parts),
        http=TimedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=proxy is not None,
        forwarded_allow_ips=proxy,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    with _handling_signals(_stay):
        _Server(config, announce).run([listener])


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """End what is being opened or closed, in order."""
    raise KeyboardInterrupt


def _stay(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: uvicorn stops at a signal by itself, and raises it again afterwards."""


@contextmanager
def _handling_signals(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


@contextmanager
def _listen(host: str, port: int) -> Iterator[socket.socket]:
    """Bind a port before anything is opened, so that a busy one costs nothing.

    Raises:
        UnavailableError: the port is taken, or the address is not of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as err:
        raise UnavailableError(f"cannot listen at {host} port {port}: {os.strerror(err.errno or 0)}") from err
    with listener:
        yield listener
