"""`hengzheng serve`: opens a home, puts the roles together and runs them until the process is told to stop.

It binds 127.0.0.1 unless told otherwise: TLS, names and rates are for a server in front of it, and so is the
question who may ask the role auditor, which is therefore never part of another role.

>>> main(["serve", "all", "--home", "hengzheng-home", "--port", "8000"])
0
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import structlog
import typer
from starlette.types import ASGIApp

from api.anchoring_loop import AnchoringLoop
from api.app import LedgerParts, Parts, PublicParts, create_app
from api.comparing_loop import ComparingLoop
from api.copies.opening import open_watch
from api.cosigning_loop import CosigningLoop
from api.policy_loop import CurrentApp, PolicyKeeping, PolicyLoop
from api.query import open_auditor
from api.reports.opening import open_intake
from api.running import LOCAL, announce, handling_signals, interrupt, listen, run_app
from api.searching_loop import SearchingLoop
from ledger.anchoring.binding import read_binding
from ledger.cli import (
    HomeOption,
    JsonOption,
    PassphraseOption,
    find_given_passphrase,
    make_cosigner,
    open_anchorer,
)
from ledger.console import configure_logging, run_command
from ledger.core.errors import NotFoundError, StateError, UnavailableError
from ledger.core.policy import Policy, encode_policy, parse_policy
from ledger.home import DEFAULT_HOME, Home, lock_search, open_home
from ledger.intake import Intake
from ledger.local import LocalLedger, open_ledger, read_clock
from ledger.passphrase import Passphrase
from ledger.pool import Pool
from ledger.proving import Prover
from ledger.receipts import Receipts
from ledger.register_list import RegisterList
from ledger.search.search import Search
from ledger.standing import Standing, read_standing
from ledger.store.engine import Database
from ledger.store.migrations import require_current
from ledger.store.unit_of_work import SqlStore

app = typer.Typer(add_completion=False)


class Role(StrEnum):
    """What is served, see `api.app`."""

    PUBLIC = "public"
    LEDGER = "ledger"
    AUDITOR = "auditor"
    OFFICE = "office"
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
    cosign_seconds: Annotated[
        int, typer.Option(min=1, help="from one round of the home's witnesses to the next")
    ] = 5,
    passphrase_file: PassphraseOption = None,
    ledger: Annotated[
        str | None, typer.Option(help="office: URL of the ledger; without it, the home's own")
    ] = None,
    tenants: Annotated[
        list[Path] | None,
        typer.Option("--tenant", help="office: home of one more institution or authority; repeat it"),
    ] = None,
    url: Annotated[
        str | None, typer.Option("--url", help="office: where browsers reach it; https, or this machine")
    ] = None,
    key: Annotated[str, typer.Option(help="office: name of the seal key in each keystore")] = "seal",
    auditor: Annotated[
        str | None, typer.Option(help="office: URL of the role auditor, for authorities; see --ledger")
    ] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Serve a home over HTTP until stopped. The first line of output says where."""
    configure_logging(logging.INFO)
    opened = open_home(home)
    with ExitStack() as stack:
        stack.enter_context(handling_signals(interrupt))
        listener = stack.enter_context(listen(host, port))
        on_listening = partial(announce, host, listener, role.value, as_json=as_json)
        if role is Role.OFFICE:
            # an office alone loads the issuer, which no public-facing process does
            from api.office.application import create_office  # noqa: PLC0415 -- see above
            from api.office.serving import open_office, taking_reports  # noqa: PLC0415 -- see above
            from api.office.tidying import TidyingLoop  # noqa: PLC0415 -- see above

            site = url or f"http://localhost:{listener.getsockname()[1]}"
            homes = open_office(
                opened, tenants or [], passphrase_file, site, ledger=ledger, seal_key=key, auditor=auditor
            )
            office = stack.enter_context(homes)
            stack.enter_context(taking_reports(office, passphrase_file))
            stack.enter_context(TidyingLoop(office.store, office.clock, timedelta(days=office.upload_days)))
            run_app(create_office(office), listener, proxy, on_listening)
            return
        if role is Role.PUBLIC:
            parts = stack.enter_context(_open_public(opened))
        elif role is Role.AUDITOR:
            _warn_of_strangers(host)
            parts = stack.enter_context(_open_for_auditors(opened))
        else:
            passphrase = find_given_passphrase(opened, passphrase_file)
            parts = stack.enter_context(
                _open_ledger(opened, passphrase, role, anchor_seconds, cosign_seconds)
            )
        run_app(stack.enter_context(_following(opened, parts)), listener, proxy, on_listening)


@contextmanager
def _following(home: Home, parts: Parts) -> Iterator[ASGIApp]:
    """Make the application; where it judges by a policy, let it follow the one in the home."""
    current = CurrentApp(create_app(parts))
    if parts.public is None:
        yield current
        return
    follow = partial(_renew, home, parts)
    with PolicyLoop(
        home.policy_path, parts.public.policy, lambda policy: current.exchange(create_app(follow(policy)))
    ):
        yield current


def _renew(home: Home, parts: Parts, policy: Policy) -> Parts:
    """Return the parts under another policy; whoever writes the ledger keeps the witnesses that it asks."""
    if parts.public is None:
        return parts
    renewed = replace(parts, public=replace(parts.public, policy=policy))
    if parts.ledger is not None:
        return renewed
    store = parts.public.store
    prover = Prover(store, home.origin, policy.witnesses)
    return replace(renewed, prover=prover, registers=RegisterList(store, prover, home.origin))


# --- opening ------------------------------------------------------------------------------------------------


@contextmanager
def _open_public(home: Home) -> Iterator[Parts]:
    """Open what the role public needs: no key; what consumers report, and what people search, is written."""
    policy = _load_policy(home)
    with closing(Database(home.database_url)) as database, ExitStack() as stack:
        require_current(database)
        store = SqlStore(database)
        prover = Prover(store, home.origin, policy.witnesses)
        intake = stack.enter_context(open_intake(home, store, prover))
        watch = stack.enter_context(open_watch(home, intake))
        search = stack.enter_context(_open_search(home, store))
        public = PublicParts(
            store, policy, home.settings.host, read_clock, reports=intake, watch=watch, search=search
        )
        yield Parts(
            prover,
            Receipts(store),
            RegisterList(store, prover, home.origin),
            public=public,
            read_standing=partial(_read_standing, database),
        )


@contextmanager
def _open_search(home: Home, store: SqlStore) -> Iterator[Search]:
    """Open what people search without a code, and keep it up to date; where it is away, from when it is back."""
    with closing(Database(home.search_database_url)) as database:
        search = Search(store, database, home.origin, alone=partial(lock_search, home))
        try:
            search.prepare()
        except (StateError, UnavailableError) as err:
            sentence = "nothing is found until the database of the search can be used"
            structlog.get_logger(__name__).warning(sentence, error=str(err))
        with SearchingLoop(search.follow):
            yield search


def _warn_of_strangers(host: str) -> None:
    if host not in {LOCAL, "::1", "localhost"}:
        sentence = "whoever reaches this address is an auditor: let a server in front of it decide who does"
        structlog.get_logger(__name__).warning(sentence, host=host)


@contextmanager
def _open_for_auditors(home: Home) -> Iterator[Parts]:
    """Open what the role auditor needs: no key; the log is only read, its catalogue is written."""
    with closing(Database(home.database_url)) as database, open_auditor(home) as auditor:
        store = SqlStore(database)
        prover = Prover(store, home.origin)
        registers = RegisterList(store, prover, home.origin)
        auditor.follow()
        yield Parts(prover, Receipts(store), registers, auditor=auditor)


@contextmanager
def _open_ledger(
    home: Home, passphrase: Passphrase, role: Role, anchor_seconds: int, cosign_seconds: int
) -> Iterator[Parts]:
    """Open the ledger as its only process, with its pool; ask its witnesses, and anchor if it has a contract."""
    with ExitStack() as stack:
        ledger = stack.enter_context(open_ledger(home, passphrase))
        if not ledger.is_compared:
            stack.enter_context(ComparingLoop(ledger.compare))
        intake = Intake(ledger, stack.enter_context(Pool(ledger.log)), read_clock)
        public = None
        if role is Role.ALL:
            _keep_policy(ledger)
            reports = stack.enter_context(open_intake(home, ledger.store, ledger.prover))
            watch = stack.enter_context(open_watch(home, reports))
            search = stack.enter_context(_open_search(home, ledger.store))
            policy = _load_policy(home)
            public = PublicParts(
                ledger.store,
                policy,
                home.settings.host,
                read_clock,
                reports=reports,
                watch=watch,
                search=search,
            )
        _warn_of_settings(ledger)
        stack.enter_context(
            PolicyKeeping(lambda: None if ledger.registers.root is None else _keep_policy(ledger))
        )
        if ledger.witnesses is not None:
            cosigner = make_cosigner(ledger, ledger.witnesses)
            stack.enter_context(CosigningLoop(cosigner, seconds=cosign_seconds))
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


def _keep_policy(ledger: LocalLedger) -> None:
    """Let the home hold the policy that is to be served."""
    path, served = ledger.home.policy_path, ledger.choose_policy().served
    if not path.exists() or path.read_bytes() != encode_policy(served):
        ledger.write_policy()


def _warn_of_settings(ledger: LocalLedger) -> None:
    """Say where the settings ask for another policy than is published."""
    notice = None if ledger.registers.root is None else ledger.choose_policy().notice
    if notice is not None:
        structlog.get_logger(__name__).warning(notice.en, zh=notice.zh)


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
