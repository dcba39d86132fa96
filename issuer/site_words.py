"""Options that the commands of sites and of pledges share, and how they read them.

>>> parse_site_name("M-01", "350102-M7")
SiteName(keeper='350102-M7', id='M-01')
"""

import re
from pathlib import Path
from typing import Annotated

import typer

from issuer.cli import DEFAULT_SEAL_KEY
from ledger.core.errors import InputError
from ledger.core.ids import ID_PATTERN, InstitutionId
from ledger.core.site import SiteName

InstitutionOption = Annotated[
    Path | None, typer.Option("--institution", help="the organisation's file; kept in the home")
]
KeyOption = Annotated[str, typer.Option("--key", help="name of the seal key in the keystore")]
LedgerOption = Annotated[
    str | None, typer.Option("--ledger", help="URL of a ledger; without it, the home's own")
]
SiteOption = Annotated[
    str | None,
    typer.Option("--site", help="one site, as ID, or KEEPER/ID of another keeper; else all of the owner's"),
]
DEFAULT_KEY = DEFAULT_SEAL_KEY


def parse_site_name(text: str, own: InstitutionId) -> SiteName:
    """Return the site that an option names.

    Raises:
        InputError: not an id, or not two.
    """
    keeper, slash, site = text.rpartition("/")
    name = SiteName(InstitutionId(keeper) if slash else own, site)
    if not (re.fullmatch(ID_PATTERN, name.keeper) and re.fullmatch(ID_PATTERN, name.id)):
        raise InputError("expected ID or KEEPER/ID: up to 12 of A-Z, 0-9 and '-'", field="--site")
    return name


def read_file(path: Path) -> bytes:
    """Return the bytes of a file that a command names.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as err:
        raise InputError(f"cannot be read: {err.strerror}", field=str(path)) from err
