"""Command `hengzheng erase`: forget the personal members of a document at its institution's desk.

>>> main(["erase", "JY2026-000001", "--grounds", "个人请求 2026-11-05", "--person", "P-0107", "--yes"])
0
"""

from collections.abc import Sequence
from typing import Annotated

import typer

from issuer.cli import open_desk_store, open_gateway, read_institution
from issuer.erasing import Erasure, erase_personal, find_erasure
from issuer.profile import ANY_DAY, parse_institution_file
from ledger.cli import HomeOption, JsonOption, PassphraseOption, find_given_passphrase
from ledger.console import print_result, run_command
from ledger.core.encoding import encode_instant
from ledger.core.ids import CertificateNumber
from ledger.home import DEFAULT_HOME, open_home
from ledger.local import read_clock

app = typer.Typer(add_completion=False)


@app.callback()
def _group() -> None:
    """Keep `erase` a word of the command line."""


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    return run_command(app, arguments, name="hengzheng")


@app.command()
def erase(
    number: Annotated[str, typer.Argument(help="of the certificate")],
    grounds: Annotated[str, typer.Option("--grounds", help="who asked, and by what right; no name")],
    person: Annotated[str, typer.Option("--person", help="pseudonym of who does it")],
    home: HomeOption = DEFAULT_HOME,
    ledger: Annotated[
        str | None, typer.Option("--ledger", help="URL of a ledger; without it, the home's own")
    ] = None,
    passphrase_file: PassphraseOption = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="do it; without, only say how things stand")] = False,
    as_json: JsonOption = False,
) -> None:
    """Forget applicant, owner, addresses and names of a document for ever; it verifies as before."""
    opened, wanted = open_home(home), CertificateNumber(number)
    passphrase = find_given_passphrase(opened, passphrase_file)
    file = parse_institution_file(read_institution(opened, None), ANY_DAY if opened.development else None)
    with (
        open_gateway(opened, passphrase, ledger) as gateway,
        open_desk_store(opened, file, gateway) as store,
    ):
        with store.read() as desk:
            has_personal = desk.fetch(wanted).disclosure is not None
        with store.database.read() as connection:
            done = find_erasure(connection, wanted)
        if yes:
            done = erase_personal(store.database, wanted, Erasure(grounds, person, read_clock()))
            has_personal = False
    members: dict[str, object] = {"number": number, "holds_personal_members": has_personal}
    if done is not None:
        said = {"grounds": done.grounds, "erased_by": done.erased_by}
        members |= said | {"erased_at": encode_instant(done.erased_at)}
    print_result(members, as_json=as_json)
