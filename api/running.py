"""Running an application as a process: one port, signals in order, the first line of output says where.

>>> with handling_signals(interrupt), listen(LOCAL, 8000) as listener:
...     run_app(app, listener, None, partial(announce, LOCAL, listener, "public", as_json=False))
"""

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

import typer
import uvicorn
from starlette.types import ASGIApp

from api.connection import TimedProtocol
from ledger.console import print_result
from ledger.core.errors import UnavailableError

LOCAL: Final = "127.0.0.1"
CONNECTIONS: Final = 1000
"""Open connections; those that say nothing are closed after some seconds, see `api.connection`."""

KEEP_ALIVE_SECONDS: Final = 5
STOP_SECONDS: Final = 30
"""How long requests that are under way may take after the signal to stop."""


def announce(host: str, listener: socket.socket, role: str, *, as_json: bool) -> None:
    """Say where an application listens, as the first line of output."""
    url = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
    if as_json:
        print_result({"url": url, "role": role}, as_json=True)
    else:
        typer.echo(url)
    sys.stdout.flush()


class _Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()


def run_app(
    app: ASGIApp, listener: socket.socket, proxy: str | None, on_listening: Callable[[], None]
) -> None:
    """Answer requests until the process is told to stop; those under way are finished.

    Args:
        app: what answers.
        listener: see `listen`; closed by its own block.
        proxy: address of the server in front, whose X-Forwarded-For is believed.
        on_listening: called once requests are answered.
    """
    config = uvicorn.Config(
        app,
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
    with handling_signals(_stay):
        _Server(config, on_listening).run([listener])


def interrupt(_number: int, _frame: FrameType | None) -> None:
    """End what is being opened or closed, in order."""
    raise KeyboardInterrupt


def _stay(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: uvicorn stops at a signal by itself, and raises it again afterwards."""


@contextmanager
def handling_signals(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Let SIGTERM and SIGINT do this as long as the block."""
    before = {number: signal.signal(number, handler) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


@contextmanager
def listen(host: str, port: int) -> Iterator[socket.socket]:
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
