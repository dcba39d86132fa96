"""Commands of the ledger role: init, anchor, chain, log.

>>> main(["init", "--home", "hengzheng-home", "--development"])
0
"""

import secrets
import signal
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ledger.anchoring.anchorer import Anchorer
from ledger.anchoring.binding import bind_log, is_bound, load_binding, read_binding
from ledger.anchoring.deployment import Founder
from ledger.anchoring.review import dismiss_lost
from ledger.chain.client import ChainClient
from ledger.chain.payment import give_allowance
from ledger.chain.registry import Registry
from ledger.chain.waiting import Pace
from ledger.console import make_progress, print_result, run_command
from ledger.core.anchor import AnchorReceipt
from ledger.core.encoding import encode_hex, encode_instant, parse_hex
from ledger.core.errors import NotFoundError
from ledger.core.ids import Digest, InstrumentId
from ledger.cosigning.cosigner import Cosigner
from ledger.cosigning.development import create_development_witnesses, open_development_signers
from ledger.cosigning.witnesses import HomeWitnesses, load_witnesses
from ledger.export import Exported, ExportTarget, FolderTarget, export_log
from ledger.home import (
    CHAIN_KEY,
    DEFAULT_HOME,
    LOG_KEY,
    Home,
    create_home,
    find_passphrase,
    lock_ledger,
    open_home,
)
from ledger.local import LocalLedger, open_ledger, read_clock
from ledger.node import open_node
from ledger.passphrase import Passphrase, ask_passphrase, read_passphrase_file
from ledger.receipts import list_receipts
from ledger.standing import describe_standing, read_standing
from ledger.store.anchor_queries import AnchorQueries
from ledger.store.engine import Database
from ledger.store.migrations import require_current
from ledger.store.queries import ReadQueries
from ledger.store.unit_of_work import SqlStore
from ledger.token_uri import parse_token_uri
from ledger.withholding import (
    describe_withheld,
    describe_withheld_photo,
    find_document,
    find_logged_photo,
    withhold,
    withhold_photo,
)

app = typer.Typer(add_completion=False, no_args_is_help=True)
chain_app = typer.Typer(help="The chain: start the development node, deploy the contract, look at it.")
app.add_typer(chain_app, name="chain")
log_app = typer.Typer(help="The log as files.", no_args_is_help=True)
app.add_typer(log_app, name="log")

HomeOption = Annotated[Path, typer.Option("--home", help="directory with keys, databases and settings")]
PassphraseOption = Annotated[
    Path | None, typer.Option("--passphrase-file", help="file with the passphrase of the keystore")
]
JsonOption = Annotated[bool, typer.Option("--json", help="print one JSON object")]

_ORIGIN_BYTES: Final = 4


def main(arguments: Sequence[str]) -> int:
    """Run one of these commands and return its exit code."""
    return run_command(app, arguments, name="hengzheng")


@app.command()
def init(
    home: HomeOption = DEFAULT_HOME,
    origin: Annotated[str | None, typer.Option(help="name of the log, for ever")] = None,
    host: Annotated[str | None, typer.Option(help="name of the public site, printed in QR codes")] = None,
    node: Annotated[str | None, typer.Option(help="devchain, anvil, or the URL of a node")] = None,
    finality: Annotated[
        str | None, typer.Option(help="immediate, depth:N, tag:safe or tag:finalized")
    ] = None,
    database: Annotated[str | None, typer.Option(help="SQLAlchemy URL of the ledger's database")] = None,
    desk_database: Annotated[str | None, typer.Option(help="SQLAlchemy URL of the desk's database")] = None,
    traceability_roots: Annotated[
        list[str] | None,
        typer.Option(
            "--traceability-root", help="where chains of standards may end, for its policy; repeat it"
        ),
    ] = None,
    passphrase_file: PassphraseOption = None,
    log_token: Annotated[
        str | None, typer.Option("--log-token", help="PKCS#11 URI of the token that is to hold the log key")
    ] = None,
    *,
    development: Annotated[
        bool, typer.Option("--development", help="nobody relies on what it signs")
    ] = False,
    development_witnesses: Annotated[
        int | None,
        typer.Option(min=1, max=32, help="BLS keys in the home that certify its checkpoints, for show only"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a home: its keys, settings and databases. The same again changes nothing."""
    given = {
        "host": host,
        "node": node,
        "finality": finality,
        "database": database,
        "desk_database": desk_database,
        "traceability_roots": traceability_roots or None,
    }
    passphrase = _find_new_passphrase(home, passphrase_file, development=development)
    made = create_home(
        home,
        origin=origin or _find_origin(home),
        development=development,
        passphrase=passphrase,
        settings={name: value for name, value in given.items() if value is not None},
        log_token=None if log_token is None else parse_token_uri(log_token),
    )
    if development_witnesses is not None:
        create_development_witnesses(made, development_witnesses)
    with open_ledger(made, passphrase or find_given_passphrase(made, passphrase_file)):
        pass
    members = {
        "home": str(made.path),
        "origin": made.origin,
        "log_key": made.keystore.label(LOG_KEY).public_key.multikey,
        "chain_account": f"0x{encode_hex(made.keystore.label(CHAIN_KEY).address)}",
        "host": made.settings.host,
        "environment": "development" if made.development else "production",
    }
    print_result(members, as_json=as_json)


@app.command()
def anchor(
    home: HomeOption = DEFAULT_HOME,
    passphrase_file: PassphraseOption = None,
    *,
    status: Annotated[
        bool, typer.Option("--status", help="only say how anchoring stands; asks no node, needs no key")
    ] = False,
    after_reorg: Annotated[
        bool,
        typer.Option("--after-reorg", help="another node says too that a final block is gone: anchor again"),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Anchor the newest checkpoint; write policy and trust list for verifiers."""
    opened = open_home(home)
    if status:
        with closing(Database(opened.database_url)) as database:
            require_current(database)
            print_result(describe_home_standing(database), as_json=as_json)
        return
    passphrase = find_given_passphrase(opened, passphrase_file)
    with open_ledger(opened, passphrase) as ledger:
        if after_reorg:
            ledger.gate.require_open()
            dismiss_lost(ledger.store, read_clock)
        receipt = anchor_newest(ledger, passphrase)
        ledger.write_policy()
    members = {
        "tree_size": receipt.tree_size,
        "root_hash": encode_hex(receipt.root_hash),
        "chain_id": receipt.chain.chain_id,
        "block_number": receipt.block_number,
        "transaction": f"0x{encode_hex(receipt.tx_hash)}",
        "anchored_at": encode_instant(receipt.anchored_at),
        "grade": receipt.grade.value,
    }
    print_result(members, as_json=as_json)


@log_app.command("export")
def log_export(
    place: Annotated[
        str,
        typer.Argument(
            metavar="DIR|s3://BUCKET/PREFIX", help="what an earlier export wrote there is added to"
        ),
    ],
    home: HomeOption = DEFAULT_HOME,
    *,
    as_json: JsonOption = False,
) -> None:
    """Write checkpoint, tiles, entries and receipts as files for auditors and mirrors. Needs no key of ours."""
    opened = open_home(home)
    with closing(Database(opened.database_url)) as database, _open_target(place) as target:
        require_current(database)
        exported = _export(database, opened, target, quiet=as_json)
    members = {
        "origin": opened.origin,
        "tree_size": exported.checkpoint.tree_size,
        "root_hash": encode_hex(exported.checkpoint.root_hash),
        "receipts": exported.receipts,
        "written": exported.written,
        "removed": exported.removed,
    }
    print_result(members, as_json=as_json)


@log_app.command("withhold")
def log_withhold(
    number: Annotated[str, typer.Argument(help="of the certificate")],
    issuer: Annotated[str, typer.Option("--institution", help="that issued it")],
    grounds: Annotated[
        str, typer.Option("--grounds", help="the decision that demands it: by whom, when, its number")
    ],
    home: HomeOption = DEFAULT_HOME,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="do it; without, only say what would be done")] = False,
    as_json: JsonOption = False,
) -> None:
    """Take the bytes of a document away for ever, as the law demands: its leaf, digest and state stay."""
    opened = open_home(home)
    with lock_ledger(opened), closing(Database(opened.database_url)) as database:
        require_current(database)
        found = find_document(SqlStore(database), issuer, number)
        if yes:
            found = withhold(database, found, grounds, read_clock())
    print_result(describe_withheld(found), as_json=as_json)


@log_app.command("withhold-photo")
def log_withhold_photo(
    digest: Annotated[str, typer.Argument(help="SHA-256 of the photograph, as in its address")],
    instrument: Annotated[str, typer.Option("--instrument", help="id of the instrument that it shows")],
    grounds: Annotated[
        str, typer.Option("--grounds", help="the decision that demands it: by whom, when, its number")
    ],
    home: HomeOption = DEFAULT_HOME,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="do it; without, only say what would be done")] = False,
    as_json: JsonOption = False,
) -> None:
    """Take the bytes of a photograph away for ever; the registration that names it stays."""
    opened = open_home(home)
    ids = InstrumentId(parse_hex(instrument, size=16)), Digest(parse_hex(digest, size=32))
    with lock_ledger(opened), closing(Database(opened.database_url)) as database:
        require_current(database)
        found = find_logged_photo(SqlStore(database), *ids)
        if yes:
            found = withhold_photo(database, found, grounds, read_clock())
    print_result(describe_withheld_photo(found), as_json=as_json)


@chain_app.command("run")
def chain_run(home: HomeOption = DEFAULT_HOME, *, as_json: JsonOption = False) -> None:
    """Run the home's development chain until it is stopped."""
    with open_node(open_home(home)) as url:
        print_result({"url": url}, as_json=as_json)
        _wait_for_signal()


@chain_app.command("deploy")
def chain_deploy(
    home: HomeOption = DEFAULT_HOME, passphrase_file: PassphraseOption = None, *, as_json: JsonOption = False
) -> None:
    """Deploy the registry contract, open this log in it, and write down which one it is."""
    opened = open_home(home)
    passphrase = find_given_passphrase(opened, passphrase_file)
    with open_ledger(opened, passphrase) as ledger:
        bind_to_chain(ledger, passphrase)
    print_result(_describe_binding(opened), as_json=as_json)


@chain_app.command("show")
def chain_show(home: HomeOption = DEFAULT_HOME, *, as_json: JsonOption = False) -> None:
    """Say what the contract holds for this log now."""
    opened = open_home(home)
    binding = read_binding(opened)
    with open_node(opened) as url, ChainClient(url) as client:
        registry = Registry(client, binding.chain, binding.first_block)
        registry.require_chain()
        head = registry.read_head()
    members = _describe_binding(opened) | {
        "tree_size": head.size,
        "root_hash": encode_hex(head.root),
        "frozen": head.is_frozen,
    }
    print_result(members, as_json=as_json)


# --- what other commands use too --------------------------------------------------------------------------


def find_given_passphrase(home: Home, path: Path | None) -> Passphrase:
    """Return the passphrase: from the file given, from a development home, or from the person there.

    Raises:
        InputError: none of them gives one.
    """
    if path is not None:
        return read_passphrase_file(path)
    return find_passphrase(home) if home.development else ask_passphrase()


def bind_to_chain(ledger: LocalLedger, passphrase: Passphrase) -> None:
    """Deploy the contract and open the log in it, unless that has been done.

    Raises:
        UnavailableError: the node is out of reach, or the account has no funds.
        WrongChainError: home and database were made for another chain.
        ReadOnlyError: this ledger must not sign.
    """
    ledger.gate.require_open()
    home = ledger.home
    with open_node(home) as url, ChainClient(url) as client:
        if is_bound(home):
            binding = load_binding(home, ledger.store)
            Registry(client, binding.chain, binding.first_block).require_chain()
            return
        account = home.keystore.open_account(CHAIN_KEY, passphrase)
        if home.development:
            give_allowance(client, account.address)
        founder = Founder(client, account, home.finality, max_fee_wei=home.settings.max_fee_wei)
        bind_log(home, ledger.store, founder.open_log(founder.deploy_registry(), home.origin))


@contextmanager
def open_anchorer(
    ledger: LocalLedger, passphrase: Passphrase, pace: Pace | None = None
) -> Iterator[Anchorer]:
    """Yield the sender of this ledger; a development chain runs as long as the block.

    Raises:
        NotFoundError: the log is in no contract yet.
        WrongChainError: home and database were made for different chains.
        ChainUnavailableError: the development chain cannot be started.
        ReadOnlyError: this ledger must not sign.
    """
    ledger.gate.require_open()
    home = ledger.home
    binding = load_binding(home, ledger.store)
    account = home.keystore.open_account(CHAIN_KEY, passphrase)
    with open_node(home) as url, ChainClient(url) as client:
        registry = Registry(client, binding.chain, binding.first_block)
        yield Anchorer(
            ledger.store,
            registry,
            account,
            ledger.signer,
            home.finality,
            read_clock,
            max_fee_wei=home.settings.max_fee_wei,
            pace=pace,
            quorum=None if ledger.witnesses is None else ledger.witnesses.quorum,
        )


def anchor_newest(ledger: LocalLedger, passphrase: Passphrase) -> AnchorReceipt:
    """Anchor the newest checkpoint and wait until it is final.

    Raises:
        LedgerError: see `Anchorer.anchor_newest`.
    """
    if ledger.witnesses is not None:
        make_cosigner(ledger, ledger.witnesses).ask_all()
    with open_anchorer(ledger, passphrase) as anchorer:
        return anchorer.anchor_newest()


def describe_home_standing(database: Database) -> dict[str, Any]:
    """Return how a ledger stands towards chain and witnesses, for operators."""
    with database.read() as connection:
        return describe_standing(read_standing(connection, read_clock()), inside=True)


def make_cosigner(ledger: LocalLedger, witnesses: HomeWitnesses) -> Cosigner:
    """Return what asks the witnesses of this ledger, and signs with those that are its own for development.

    Raises:
        InputError: one of those keys cannot be opened.
    """
    signers = open_development_signers(ledger.home, witnesses)
    return Cosigner(ledger.store, ledger.prover, witnesses, read_clock, signers, ledger.compare)


def _find_new_passphrase(home: Path, path: Path | None, *, development: bool) -> Passphrase | None:
    """Return what a new home's keys are encrypted with; None where it makes one up, or is there already."""
    if path is not None:
        return read_passphrase_file(path)
    return None if development or home.exists() else ask_passphrase(twice=True)


def _find_origin(home: Path) -> str:
    """Return the origin of the home that is there, or a new name that no other log has."""
    try:
        return open_home(home).origin
    except NotFoundError:
        return f"hengzheng.local/{secrets.token_hex(_ORIGIN_BYTES)}"


@contextmanager
def _open_target(place: str) -> Iterator[ExportTarget]:
    if "://" not in place:
        yield FolderTarget(Path(place))
        return
    from ledger.object_target import open_bucket  # noqa: PLC0415 -- only when there is a bucket to write to

    with open_bucket(place) as target:
        yield target


def _export(database: Database, home: Home, target: ExportTarget, *, quiet: bool) -> Exported:
    witnesses = load_witnesses(home)
    with database.read() as connection, make_progress(quiet=quiet) as progress:
        task = progress.add_task("files")
        return export_log(
            ReadQueries(connection),
            list_receipts(AnchorQueries(connection)),
            home.origin,
            target,
            lambda done, of_all: progress.update(task, completed=done, total=of_all),
            quorum=None if witnesses is None else witnesses.quorum,
        )


def _describe_binding(home: Home) -> dict[str, object]:
    binding = read_binding(home)
    return {
        "chain_id": binding.chain.chain_id,
        "contract": f"0x{encode_hex(binding.chain.contract)}",
        "log_id": encode_hex(binding.chain.log_id),
    }


def _wait_for_signal() -> None:
    """Return when the process is told to stop."""
    stops = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, stops)
    signal.sigwait(stops)
