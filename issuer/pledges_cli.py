"""Commands `hengzheng pledges`: what an owner promises of its instruments, in the ledger and as a poster.

>>> main(["pledges", "make", "pledge.json", "--site", "M-01", "--home", "H"])
0
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from issuer.desk_opening import OpenDesk, open_desk
from issuer.rendering.poster import Paper, PosterContent, PosterPress
from issuer.site_words import (
    DEFAULT_KEY,
    InstitutionOption,
    KeyOption,
    LedgerOption,
    SiteOption,
    parse_site_name,
    read_file,
)
from issuer.sites import PledgeDesk, SiteDesk, Stated, parse_promise_file
from ledger.cli import HomeOption, JsonOption, PassphraseOption
from ledger.console import print_result, run_command
from ledger.core.canonical import JsonObject
from ledger.core.errors import InputError
from ledger.core.rules import local_date
from ledger.core.site import SiteName
from ledger.files import replace_file
from ledger.home import DEFAULT_HOME, open_home
from ledger.local import read_clock

app = typer.Typer(add_completion=False)
pledges_app = typer.Typer(
    help="Pledges (诚信计量自我承诺): an owner's own word, not verified.", no_args_is_help=True
)
app.add_typer(pledges_app, name="pledges")


class PaperName(StrEnum):
    """Sizes of a poster."""

    A4 = "a4"
    A3 = "a3"


def main(arguments: Sequence[str]) -> int:
    """Run one of these commands and return its exit code."""
    return run_command(app, arguments, name="hengzheng")


@pledges_app.command("make")
def make(
    file: Annotated[Path, typer.Argument(help="what is promised, as JSON; README says its members")],
    site: SiteOption = None,
    home: HomeOption = DEFAULT_HOME,
    institution: InstitutionOption = None,
    key: KeyOption = DEFAULT_KEY,
    ledger: LedgerOption = None,
    passphrase_file: PassphraseOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Make a pledge, or change the one that stands; the same again changes nothing."""
    raw = read_file(file)
    with _open(home, institution, key, ledger, passphrase_file) as (desk, today):
        promise = parse_promise_file(raw, today)
        stated = PledgeDesk(desk.make_speaker(), today).make(_read_site(site, desk), promise)
    print_result(_describe(stated), as_json=as_json)


@pledges_app.command("withdraw")
def withdraw(
    site: SiteOption = None,
    home: HomeOption = DEFAULT_HOME,
    institution: InstitutionOption = None,
    key: KeyOption = DEFAULT_KEY,
    ledger: LedgerOption = None,
    passphrase_file: PassphraseOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Withdraw a pledge; what was promised stays in the ledger's history."""
    with _open(home, institution, key, ledger, passphrase_file) as (desk, today):
        stated = PledgeDesk(desk.make_speaker(), today).withdraw(_read_site(site, desk))
    print_result(_describe(stated), as_json=as_json)


@pledges_app.command("poster")
def poster(
    site: Annotated[str, typer.Option("--site", help="the site where it hangs, as ID; entered from here")],
    out: Annotated[Path, typer.Option("--out", help="the PDF to write")],
    paper: Annotated[PaperName, typer.Option("--paper", help="its size")] = PaperName.A4,
    home: HomeOption = DEFAULT_HOME,
    institution: InstitutionOption = None,
    key: KeyOption = DEFAULT_KEY,
    ledger: LedgerOption = None,
    passphrase_file: PassphraseOption = None,
    *,
    whole: Annotated[
        bool, typer.Option("--all-sites", help="print the pledge of all sites, not that of this one")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Print the pledge that stands as a poster, with a code that leads to the site's page."""
    opened = open_home(home)
    with _open(home, institution, key, ledger, passphrase_file) as (desk, today):
        speaker, name = desk.make_speaker(), parse_site_name(site, desk.profile.institution)
        place = SiteDesk(speaker).find(name)
        stated = PledgeDesk(speaker, today).find(None if whole else name)
        owner = desk.gateway.registers().institutions.get(desk.profile.institution)
    if owner is None or stated.content.promise is None:
        raise InputError("the owner is not registered in this ledger", field="--institution")
    content = PosterContent(
        owner.name,
        place,
        stated.content.promise,
        stated.content.made_on,
        opened.settings.host,
        development=opened.development,
    )
    folder = opened.settings.font_folder
    press = PosterPress([] if folder is None else [Path(folder)])
    replace_file(out, press.render(content, Paper[paper.name], read_clock()))
    print_result({"file": str(out), "paper": paper.value, "code": content.address}, as_json=as_json)


@contextmanager
def _open(
    home: Path, institution: Path | None, key: str, ledger: str | None, passphrase_file: Path | None
) -> Iterator[tuple[OpenDesk, date]]:
    """Open the desk of an owner, and say what day it is there."""
    with open_desk(home, institution, key, ledger, passphrase_file) as desk:
        yield desk, local_date(read_clock(), desk.profile.zone)


def _read_site(text: str | None, desk: OpenDesk) -> SiteName | None:
    return None if text is None else parse_site_name(text, desk.profile.institution)


def _describe(stated: Stated) -> JsonObject:
    content = stated.content
    members: JsonObject = {
        "owner": content.owner,
        "state": content.state.value,
        "made_on": content.made_on.isoformat(),
        "leaf": stated.saying.leaf_index or 0,
    }
    if content.site is not None:
        members["site"] = f"{content.site.keeper}/{content.site.id}"
    if content.promise is not None and content.promise.until is not None:
        members["until"] = content.promise.until.isoformat()
    return members
