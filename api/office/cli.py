"""Command `hengzheng office`: the first accounts of an office, before anybody can log in; uploads that are too old.

>>> main(["office", "account", "add", "lin", "--display", "林示例", "--role", "administrator", "--home", "H"])
0
"""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from api.office import enrolment, tidying
from api.office.accounts import Account, parse_display, parse_name, parse_pid
from api.office.report_store import REPORT_KEY
from api.office.roles import TenantKind, parse_roles
from api.office.serving import open_store
from api.office.store import OfficeStore, OfficeWriting
from api.office.tenants import read_tenant
from ledger.cli import HomeOption, JsonOption, PassphraseOption, find_given_passphrase
from ledger.console import print_result, run_command
from ledger.core.encoding import encode_hex
from ledger.core.errors import InputError, NotFoundError
from ledger.core.ids import InstitutionId
from ledger.home import DEFAULT_HOME, open_home
from ledger.keystore import KeyAlgorithm
from ledger.local import read_clock

app = typer.Typer(add_completion=False, no_args_is_help=True)
office_app = typer.Typer(
    help="Accounts and uploads of an office; see `hengzheng serve office`.", no_args_is_help=True
)
account_app = typer.Typer(help="Staff: add, list, reset, disable.", no_args_is_help=True)
app.add_typer(office_app, name="office")
office_app.add_typer(account_app, name="account")

TenantOption = Annotated[
    Path | None,
    typer.Option("--tenant", help="home of the institution or authority, where it is not the office's own"),
]
NameArgument = Annotated[str, typer.Argument(help="name to log in with")]


@dataclass(frozen=True, slots=True)
class _Issuing:
    """What new accounts are made with."""

    clock: Callable[[], datetime]
    randomness: Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class _Opened:
    """An office's database, and the institution that a command is about."""

    store: OfficeStore
    tenant: InstitutionId
    kind: TenantKind
    issuing: _Issuing


def main(arguments: Sequence[str]) -> int:
    """Run one of these commands and return its exit code."""
    return run_command(app, arguments, name="hengzheng")


@office_app.command("report-key")
def report_key(
    home: HomeOption = DEFAULT_HOME,
    passphrase_file: PassphraseOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Make the key to which reports to an authority are sealed, or show it; one that is there is kept."""
    opened = open_home(home)
    tenant, kind = read_tenant(opened)
    if kind is not TenantKind.AUTHORITY:
        raise InputError("reports are taken by authorities: this home is an institution's", field="home")
    if REPORT_KEY not in opened.keystore:
        passphrase = find_given_passphrase(opened, passphrase_file)
        opened.keystore.create(REPORT_KEY, KeyAlgorithm.X25519, passphrase)
    members = {"setting": f"{tenant}={opened.keystore.label(REPORT_KEY).public}"}
    print_result(members, as_json=as_json)


@account_app.command("add")
def add(
    name: NameArgument,
    display: Annotated[str, typer.Option(help="as colleagues know the person")],
    roles: Annotated[list[str], typer.Option("--role", help="operator, checker, approver, administrator, …")],
    pid: Annotated[str, typer.Option(help="the person's pseudonym in the register")] = "",
    home: HomeOption = DEFAULT_HOME,
    tenant: TenantOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Make an account, and print the code with which its person chooses a password."""
    with _open(home, tenant) as opened:
        parsed = parse_roles(roles, opened.kind)
        with opened.store.write() as writing:
            account, code = enrolment.add_account(
                opened.issuing,
                writing,
                opened.tenant,
                parse_name(name),
                parse_display(display),
                parse_pid(pid, parsed),
                parsed,
            )
            _note(opened, writing, "account-added", account, " ".join(sorted(parsed)))
        _print(account, code, as_json=as_json)


@account_app.command("reset")
def reset(
    name: NameArgument,
    home: HomeOption = DEFAULT_HOME,
    tenant: TenantOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Forget how somebody logs in, and print a new code."""
    with _open(home, tenant) as opened:
        with opened.store.write() as writing:
            account = _find(opened, name, writing)
            code = enrolment.start_again(opened.issuing, writing, account)
            _note(opened, writing, "account-reset", account)
        _print(account, code, as_json=as_json)


@account_app.command("disable")
def disable(
    name: NameArgument,
    home: HomeOption = DEFAULT_HOME,
    tenant: TenantOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Let somebody in no more; whoever is logged in with the account is logged out."""
    with _open(home, tenant) as opened:
        with opened.store.write() as writing:
            account = replace(_find(opened, name, writing), is_active=False)
            writing.change_account(account)
            _note(opened, writing, "account-disabled", account)
        print_result({"account": account.name, "state": "disabled"}, as_json=as_json)


@account_app.command("list")
def list_(
    home: HomeOption = DEFAULT_HOME, tenant: TenantOption = None, *, as_json: JsonOption = False
) -> None:
    """List the accounts of an institution."""
    with _open(home, tenant) as opened, opened.store.read() as reading:
        found = [
            {
                "name": one.name,
                "display": one.display,
                "pid": one.pid or "",
                "roles": sorted(one.roles),
                "state": _state(one),
            }
            for one in reading.list_accounts(opened.tenant)
        ]
    if as_json:
        print_result({"institution": opened.tenant, "accounts": found}, as_json=True)
        return
    for one in found:
        typer.echo(f"{one['name']}: {one['display']}, {' '.join(one['roles'])}, {one['state']}")


@office_app.command("tidy")
def tidy(
    home: HomeOption = DEFAULT_HOME,
    days: Annotated[
        int | None, typer.Option(min=0, help="older than this; without it, the setting upload_days")
    ] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Delete uploads that nobody used, and empty those that were used. A served office does this every hour."""
    office = open_home(home)
    keep_for = timedelta(days=office.settings.upload_days if days is None else days)
    with open_store(office) as store:
        done = tidying.tidy(store, read_clock(), keep_for)
    deleted = [_describe(one) for one in done if not one.was_used]
    emptied = [_describe(one) for one in done if one.was_used]
    if as_json:
        print_result({"days": keep_for.days, "deleted": deleted, "emptied": emptied}, as_json=True)
        return
    for one in deleted:
        typer.echo(f"{one['import']} 已删除 deleted ({one['institution']}, SHA-256 {one['sha256']})")
    for one in emptied:
        typer.echo(
            f"{one['import']} 仅留数量 only counts kept ({one['institution']}, SHA-256 {one['sha256']})"
        )
    typer.echo(
        f"{keep_for.days}日前 older than {keep_for.days} days: "
        f"删除 deleted {len(deleted)}, 清空 emptied {len(emptied)}"
    )


def _describe(one: tidying.Tidied) -> dict[str, str]:
    return {"import": one.id, "institution": one.tenant, "sha256": encode_hex(one.digest)}


def _state(account: Account) -> str:
    if not account.is_active:
        return "disabled"
    return "enrolling" if account.is_enrolling else "active"


def _find(opened: _Opened, name: str, writing: OfficeWriting) -> Account:
    """Return the account of a name.

    Raises:
        NotFoundError: the institution has none.
    """
    found = writing.find_credentials(opened.tenant, name)
    if found is None:
        raise NotFoundError(f"{opened.tenant} has no account {name!r}")
    return found.account


def _note(opened: _Opened, writing: OfficeWriting, event: str, account: Account, detail: str = "") -> None:
    writing.note(
        event,
        opened.issuing.clock(),
        tenant=opened.tenant,
        name=account.name,
        address="console",
        detail=detail,
    )


def _print(account: Account, code: str, *, as_json: bool) -> None:
    print_result(
        {
            "account": account.name,
            "institution": account.tenant,
            "code": code,
            "good_for_days": enrolment.GOOD_FOR.days,
        },
        as_json=as_json,
    )


@contextmanager
def _open(home: Path, tenant: Path | None) -> Iterator[_Opened]:
    office = open_home(home)
    identity, kind = read_tenant(office if tenant is None else open_home(tenant))
    with open_store(office) as store:
        yield _Opened(store, identity, kind, _Issuing(read_clock, secrets.token_bytes))
