"""The development chain: a whole Ethereum chain in one process, from Python packages alone.

    python -m ledger.chain.devchain --data DIR [--port N] [--port-file FILE] [--chain-id ID] [--until-input-ends]

It is what `hengzheng` runs against when no node is configured: one process that mines every transaction at
once, keeps all blocks in `DIR/chain.sqlite3`, answers JSON-RPC over HTTP on 127.0.0.1 only, and may be
killed at any moment without losing a block that it acknowledged. It is not a network: nobody but its owner
vouches for it, and policies for production refuse it.

Start and stop: with `--port 0` the system chooses a free port. The port is written to the port file
(atomically, as decimal digits) when the chain answers, and the file is removed on SIGTERM or SIGINT, which
end the process with exit code 0; with `--until-input-ends` so does the end of the standard input, that is of
whoever holds the other end of that pipe. Exit codes otherwise: 2 wrong usage or another chain than asked for, 3 the
directory or the port is taken, 4 a block could not be saved.

HTTP: POST with a `Content-Type` of JSON, a `Content-Length` of at most 2 MiB and a loopback `Host`, so that
no web page can speak to it; connections stay open and are closed after five idle minutes.
"""

import argparse
import logging
import os
import secrets
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from ledger.chain.devchain_store import Identity, open_node_store
from ledger.core.errors import LedgerError, LogIntegrityError, UnavailableError

DEFAULT_CHAIN_ID = 31337
"""The customary id of development chains."""

MAX_BODY_BYTES = 2 * 1024 * 1024
"""A contract of the greatest size and a batch of transactions fit; more is refused before it is read."""

_THREAD_STACK_BYTES = 64 * 1024 * 1024
"""Address space of a thread: contracts may call each other 1,024 levels deep; py-evm recurses with them."""

_IDLE_SECONDS = 300
_HOSTS = frozenset({"127.0.0.1", "localhost"})

Answer = Callable[[bytes], bytes]
"""From the body of a request to the body of its reply."""


class _Handler(BaseHTTPRequestHandler):
    """One connection: reads a request, gives it to the server's `answer`, writes the reply in one piece."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = _IDLE_SECONDS
    server: "_Server"

    def do_POST(self) -> None:
        """Answer one JSON-RPC request or batch."""
        refusal = self._refusal()
        if refusal is not None:
            self.close_connection = True
            self._reply(refusal, refusal.phrase.encode(), "text/plain")
            return
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._reply(HTTPStatus.OK, self.server.answer(body), "application/json")

    def _refusal(self) -> HTTPStatus | None:
        """Return why this request is not read at all."""
        if self.server.is_ending():
            return HTTPStatus.SERVICE_UNAVAILABLE
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            return HTTPStatus.LENGTH_REQUIRED
        if len(length) > len(str(MAX_BODY_BYTES)) or int(length) > MAX_BODY_BYTES:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        if self.headers.get("Host", "").rpartition(":")[0] not in _HOSTS:
            return HTTPStatus.FORBIDDEN
        if self.headers.get_content_type() != "application/json":
            return HTTPStatus.UNSUPPORTED_MEDIA_TYPE
        return None

    def _reply(self, status: HTTPStatus, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: faults are logged where they happen."""


class _Server(ThreadingHTTPServer):
    """Listens on 127.0.0.1 and answers each connection in a thread of its own."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.answer: Answer = lambda _: b""
        self.is_ending: Callable[[], bool] = lambda: False
        """Says whether nothing more is answered, so that nobody relies on a chain that is about to be gone."""

    def server_bind(self) -> None:
        """Bind without asking a name server who we are."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def handle_error(self, request: object, client_address: object) -> None:
        """Let a connection that the other side broke go in silence; log every other fault."""
        error = sys.exception()
        if not isinstance(error, ConnectionError | TimeoutError):
            logging.getLogger(__name__).error("a connection failed", exc_info=error)
        del request, client_address


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve a chain until a signal ends it; return the exit code."""
    options = _parse_arguments(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    try:
        _serve(options)
    except LedgerError as err:
        sys.stderr.write(f"devchain: {err}\n")
        if isinstance(err, LogIntegrityError):
            return 4
        return 3 if isinstance(err, UnavailableError) else 2
    return 0


def _parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m ledger.chain.devchain", description="Serve a development chain."
    )
    parser.add_argument("--data", type=Path, required=True, help="directory of the chain; made if absent")
    parser.add_argument(
        "--port", type=int, default=0, help="TCP port on 127.0.0.1; 0 takes a free one (default)"
    )
    parser.add_argument("--port-file", type=Path, help="where the port is written once the chain answers")
    parser.add_argument(
        "--chain-id", type=int, help=f"of a new chain (default {DEFAULT_CHAIN_ID}); checked on an old one"
    )
    parser.add_argument(
        "--until-input-ends", action="store_true", help="stop at the end of the standard input too"
    )
    options = parser.parse_args(arguments)
    if not 0 <= options.port < 2**16:
        parser.error("--port is not a TCP port")
    if options.chain_id is not None and not 0 < options.chain_id < 2**53:
        parser.error("--chain-id is not a positive integer below 2^53")
    return options


def _serve(options: argparse.Namespace) -> None:
    """Open the chain, answer requests, and close it when a signal or a fault says so."""
    port_file: Path | None = options.port_file
    stop, faults = threading.Event(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if port_file is not None:
        port_file.unlink(missing_ok=True)
    if options.until_input_ends:
        threading.Thread(target=_await_end_of_input, args=(stop,), daemon=True).start()
    fresh = Identity(options.chain_id or DEFAULT_CHAIN_ID, secrets.token_bytes(32), int(time.time()))
    with (
        closing(open_node_store(options.data, chain_id=options.chain_id, fresh=fresh)) as store,
        _bind(options.port) as server,
    ):
        # py-evm takes a second to load: only a process that got the directory and the port pays for it.
        from ledger.chain.devchain_evm import DevelopmentChain  # noqa: PLC0415 - see above
        from ledger.chain.devchain_rpc import JsonRpc  # noqa: PLC0415 - see above

        def fault() -> None:
            faults.set()
            stop.set()

        chain = DevelopmentChain(store, clock=lambda: int(time.time()))
        rpc = JsonRpc(chain, store, on_fault=fault)
        server.answer = rpc.answer
        server.is_ending = lambda: stop.is_set() or (options.until_input_ends and _has_input_ended())
        threading.stack_size(_THREAD_STACK_BYTES)
        thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
        thread.start()
        _announce(server.server_port, chain.chain_id, port_file)
        stop.wait()
        rpc.close()
        server.shutdown()
    if port_file is not None:
        port_file.unlink(missing_ok=True)
    if faults.is_set():
        raise LogIntegrityError("a block could not be saved; see above")


def _has_input_ended() -> bool:
    """Say whether our starter is gone: nobody writes to our input, so that it is only ever readable at its end."""
    return bool(select.select([0], [], [], 0)[0])


def _await_end_of_input(stop: threading.Event) -> None:
    while os.read(0, 1024):
        pass
    stop.set()


def _bind(port: int) -> _Server:
    try:
        return _Server(port)
    except OSError as err:
        raise UnavailableError(f"port {port} on 127.0.0.1 is taken: {err.strerror}") from err


def _announce(port: int, chain_id: int, port_file: Path | None) -> None:
    """Write the port where the parent looks for it, and a line for people."""
    if port_file is not None:
        draft = port_file.with_name(f".{port_file.name}.{os.getpid()}")
        draft.write_text(f"{port}\n", encoding="ascii")
        draft.replace(port_file)
    with suppress(OSError):
        sys.stdout.write(f"development chain {chain_id} answers on http://127.0.0.1:{port}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
