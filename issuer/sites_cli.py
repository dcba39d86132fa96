"""Commands `hengzheng sites`: places of business where instruments are used, entered in the ledger.

>>> main(["sites", "register", "market.json", "--home", "H"])
0
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from issuer.cli import read_institution
from issuer.desk_opening import open_desk
from issuer.profile import ANY_DAY, parse_institution_file
from issuer.site_words import DEFAULT_KEY, InstitutionOption, KeyOption, LedgerOption, read_file
from issuer.sites import SiteDesk, parse_site_file
from ledger.cli import HomeOption, JsonOption, PassphraseOption
from ledger.console import print_result, run_command
from ledger.core.canonical import JsonObject
from ledger.core.register_fields import name_members
from ledger.core.site import SiteContent
from ledger.home import DEFAULT_HOME, open_home

app = typer.Typer(add_completion=False)
sites_app = typer.Typer(help="Sites (经营场所): where instruments are used, and which.", no_args_is_help=True)
app.add_typer(sites_app, name="sites")


def main(arguments: Sequence[str]) -> int:
    """Run one of these commands and return its exit code."""
    return run_command(app, arguments, name="hengzheng")


@sites_app.command("register")
def register(
    file: Annotated[Path, typer.Argument(help="the site, as JSON; README says its members")],
    home: HomeOption = DEFAULT_HOME,
    institution: InstitutionOption = None,
    key: KeyOption = DEFAULT_KEY,
    ledger: LedgerOption = None,
    passphrase_file: PassphraseOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Enter a site (经营场所登记), or a new version of it; the same again changes nothing."""
    raw, opened = read_file(file), open_home(home)
    keeper = parse_institution_file(
        read_institution(opened, institution), ANY_DAY if opened.development else None
    ).content
    content = parse_site_file(raw, keeper)
    with open_desk(home, institution, key, ledger, passphrase_file) as desk:
        said = SiteDesk(desk.make_speaker()).register(content)
    page = f"https://{opened.settings.host}/site/{content.site.keeper}/{content.site.id}"
    print_result({**describe_site(content), "leaf": said.leaf_index, "page": page}, as_json=as_json)


@sites_app.command("list")
def list_(
    home: HomeOption = DEFAULT_HOME,
    institution: InstitutionOption = None,
    key: KeyOption = DEFAULT_KEY,
    ledger: LedgerOption = None,
    passphrase_file: PassphraseOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """List the sites that were entered from here, as they stand now."""
    with open_desk(home, institution, key, ledger, passphrase_file) as desk:
        entered = SiteDesk(desk.make_speaker()).list_entered()
    listed = [{**describe_site(content), "leaf": said.leaf_index} for content, said in entered]
    print_result({"sites": listed}, as_json=as_json)


def describe_site(content: SiteContent) -> JsonObject:
    """Return what a command says of a site."""
    return {
        "site": f"{content.site.keeper}/{content.site.id}",
        "name": name_members(content.name),
        "state": content.state.value,
        "instruments": len(content.instruments),
        "fair_scales": len(content.fair_scales),
    }
