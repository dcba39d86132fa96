"""`hengzheng witness`: a process of its own that replays logs and cosigns their checkpoints.

    POST /add-checkpoint              C2SP tlog-witness; with a BLS key, a share of a quorum certificate too
    GET  /logs/<hash>/checkpoint      newest checkpoint that was cosigned; hash: SHA-256 of the origin, hex
    GET  /healthz                     what the witness says of each log: sizes, VOID leaves, fault

>>> main(["witness", "init", "--dir", "hengzheng-witness", "--name", "w1.example", "--development"])
0
"""

import logging
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import typer
from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool

from api import problems
from api.app import HEADERS
from api.background import Background
from api.limits import Guard
from api.running import LOCAL, announce, handling_signals, interrupt, listen, run_app
from ledger.audit.reading import HttpSource
from ledger.cli import JsonOption, PassphraseOption
from ledger.console import configure_logging, print_result, run_command
from ledger.core.add_checkpoint import MAX_REQUEST_BYTES
from ledger.core.cosignature import encode_witness
from ledger.core.errors import LogIntegrityError
from ledger.core.ids import RootHash, TreeSize
from ledger.core.policy import ContractPin
from ledger.core.quorum_certificate import encode_bls_witness
from ledger.http_client import make_client
from ledger.local import read_clock
from ledger.passphrase import Passphrase, ask_passphrase, read_passphrase_file
from ledger.store.engine import Database
from ledger.store.witness_queries import prepare_witness_database
from ledger.witness.home import (
    DEFAULT_WITNESS,
    WITNESS_KEY,
    WatchedConfig,
    WitnessHome,
    add_log,
    create_witness,
    find_witness_passphrase,
    load_logs,
    lock_witness,
    open_bls_signer,
    open_witness,
)
from ledger.witness.log_witness import (
    Cosigned,
    LogStanding,
    LogWitness,
    ReadContract,
    RefusalKind,
    Refused,
    WatchedLog,
    describe_log,
    poll_all,
)

app = typer.Typer(add_completion=False, no_args_is_help=True)
witness_app = typer.Typer(help="A witness: replays logs and cosigns their checkpoints.", no_args_is_help=True)
app.add_typer(witness_app, name="witness")

STATUSES: Final = {
    RefusalKind.MALFORMED: 400,
    RefusalKind.NOT_SIGNED: 403,
    RefusalKind.UNKNOWN_LOG: 404,
    RefusalKind.OTHER_SIZE: 409,
    RefusalKind.REFUSED: 422,
}
"""C2SP tlog-witness; they are the specification's, not those of `api.problems`."""

DirectoryOption = Annotated[Path, typer.Option("--dir", help="directory of the witness")]


def main(arguments: Sequence[str]) -> int:
    """Run one of these commands and return its exit code."""
    return run_command(app, arguments, name="hengzheng")


@witness_app.command("init")
def witness_init(
    name: Annotated[str, typer.Option(help="name in its signature lines, for ever")],
    directory: DirectoryOption = DEFAULT_WITNESS,
    passphrase_file: PassphraseOption = None,
    *,
    development: Annotated[
        bool, typer.Option("--development", help="nobody relies on what it signs")
    ] = False,
    bls: Annotated[
        bool, typer.Option("--bls", help="with a BLS key too, for quorum certificates; also later")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a witness: its directory, keys and database. The same again changes nothing; --bls adds that key."""
    passphrase = None
    if passphrase_file is not None:
        passphrase = read_passphrase_file(passphrase_file)
    elif not development:
        passphrase = ask_passphrase(twice=not directory.exists())
    home = create_witness(directory, name=name, development=development, passphrase=passphrase, bls=bls)
    database = Database(home.database_url)
    prepare_witness_database(database, home.name)
    database.close()
    print_result(_describe(home), as_json=as_json)


@witness_app.command("add")
def witness_add(
    policy: Annotated[Path, typer.Option(help="the log's policy file, which this witness is to believe")],
    url: Annotated[str, typer.Option(help="the log's server: https, or http of this machine")],
    node: Annotated[
        str | None, typer.Option(help="URL of a node at which to read the log's contract too")
    ] = None,
    directory: DirectoryOption = DEFAULT_WITNESS,
    *,
    as_json: JsonOption = False,
) -> None:
    """Watch a log from the next start on; the same log again changes its address."""
    config = add_log(open_witness(directory), policy.read_bytes(), url=url, node=node)
    print_result({"origin": config.policy.origin, "url": config.url}, as_json=as_json)


@witness_app.command("show")
def witness_show(directory: DirectoryOption = DEFAULT_WITNESS, *, as_json: JsonOption = False) -> None:
    """Say what the witness is called, its keys as vkeys, and what it says of each log. Needs no key."""
    home = open_witness(directory)
    print_result(_describe(home), as_json=as_json)


@witness_app.command("serve")
def witness_serve(
    directory: DirectoryOption = DEFAULT_WITNESS,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 takes any free one")] = 8010,
    host: Annotated[str, typer.Option(help="address to listen at")] = LOCAL,
    poll_seconds: Annotated[
        int, typer.Option(min=0, help="from one look at the logs to the next; 0: none")
    ] = 60,
    passphrase_file: PassphraseOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Replay and cosign until stopped. The first line of output says where."""
    configure_logging(logging.INFO)
    home = open_witness(directory)
    with ExitStack() as stack:
        stack.enter_context(handling_signals(interrupt))
        listener = stack.enter_context(listen(host, port))
        stack.enter_context(lock_witness(home))
        witness = stack.enter_context(_open(home, _find_passphrase(home, passphrase_file)))
        if poll_seconds:
            stack.enter_context(_Polling(witness, poll_seconds))
        on_listening = partial(announce, host, listener, "witness", as_json=as_json)
        run_app(create_witness_app(witness), listener, None, on_listening)


# --- over HTTP ----------------------------------------------------------------------------------------------


def create_witness_app(witness: LogWitness) -> Guard:
    """Return the application, behind its limits."""
    api = FastAPI(title="Hengzheng witness", docs_url=None, redoc_url=None, openapi_url=None)

    @api.post("/add-checkpoint")
    async def add_checkpoint(request: Request) -> Response:
        return _answer(await run_in_threadpool(witness.add_checkpoint, await request.body()))

    @api.get("/logs/{origin_hash}/checkpoint")
    def read_checkpoint(origin_hash: str) -> Response:
        return _text(witness.newest(origin_hash), 200)

    @api.get("/healthz")
    def read_health() -> Response:
        standings = [_describe_log(standing) for standing in witness.list_standings()]
        return Response(orjson.dumps({"status": "ok", "logs": standings}), media_type="application/json")

    problems.install(api)
    return Guard(api, {"/add-checkpoint": MAX_REQUEST_BYTES}, HEADERS)


def _answer(found: Cosigned | Refused) -> Response:
    if isinstance(found, Cosigned):
        return _text(found.lines, 200)
    if found.kind is RefusalKind.OTHER_SIZE:
        return Response(f"{found.cosigned_size}\n", STATUSES[found.kind], media_type="text/x.tlog.size")
    return _text(f"{found.sentence}\n", STATUSES[found.kind])


def _text(content: str, status: int) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(content, status, headers, media_type="text/plain; charset=utf-8")


# --- opening ------------------------------------------------------------------------------------------------


@contextmanager
def _open(home: WitnessHome, passphrase: Passphrase) -> Iterator[LogWitness]:
    signer = home.keystore.open_signer(WITNESS_KEY, passphrase)
    bls = open_bls_signer(home, passphrase)
    with ExitStack() as stack:
        database = Database(home.database_url)
        stack.callback(database.close)
        prepare_witness_database(database, home.name)
        logs = [stack.enter_context(_watch(config)) for config in load_logs(home)]
        yield LogWitness(database, home.identity, signer, logs, read_clock, home.evidence, bls)


@contextmanager
def _watch(config: WatchedConfig) -> Iterator[WatchedLog]:
    contract = config.policy.contract
    with make_client(config.url, field="url") as client:
        look = None if config.node is None or contract is None else _look_at(config.node, contract)
        yield WatchedLog(config.policy, HttpSource(client), look)


def _look_at(node: str, pin: ContractPin) -> ReadContract:
    """Return what reads the log's head from its contract."""

    def read() -> tuple[TreeSize, RootHash]:
        from ledger.chain.client import ChainClient  # noqa: PLC0415 - web3 is slow to load, and few look
        from ledger.chain.registry import Registry  # noqa: PLC0415 - as above

        with ChainClient(node) as client:
            registry = Registry(client, pin.chain)
            registry.require_chain()
            head = registry.read_head()
        return TreeSize(head.size), RootHash(head.root)

    return read


def _find_passphrase(home: WitnessHome, path: Path | None) -> Passphrase:
    if path is not None:
        return read_passphrase_file(path)
    return find_witness_passphrase(home) if home.development else ask_passphrase()


class _Polling(Background):
    """Looks at the logs again and again, as long as the block."""

    def __init__(self, witness: LogWitness, seconds: float) -> None:
        super().__init__("polling")
        self._witness = witness
        self._seconds = seconds

    def _run(self) -> None:
        while True:
            try:
                poll_all(self._witness)
            except LogIntegrityError:
                signal.raise_signal(signal.SIGTERM)
                raise
            if self._stopping.wait(self._seconds):
                return


# --- what it says of itself -----------------------------------------------------------------------------------


def _describe(home: WitnessHome) -> dict[str, Any]:
    database = Database(home.database_url)
    try:
        prepare_witness_database(database, home.name)
        logs = [describe_log(database, config.policy.origin) for config in load_logs(home)]
    finally:
        database.close()
    bls = home.bls
    return {
        "witness": str(home.path),
        "name": home.name,
        "vkey": encode_witness(home.identity),
        **({} if bls is None else {"bls": encode_bls_witness(bls)}),
        "environment": "development" if home.development else "production",
        "logs": [_describe_log(standing) for standing in logs],
    }


def _describe_log(standing: LogStanding) -> dict[str, Any]:
    return {name: value for name, value in asdict(standing).items() if value is not None}
