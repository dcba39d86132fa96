"""Command `hengzheng instruments register`: what is known of an instrument, as a statement in the ledger.

>>> main(["instruments", "register", "pump.json", "--home", "H"])
0
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from issuer.cli import DEFAULT_SEAL_KEY
from issuer.desk_opening import open_desk
from issuer.known_instruments import list_issued, parse_registration
from issuer.registering import Given, Registrar
from ledger.cli import HomeOption, JsonOption, PassphraseOption
from ledger.console import print_result
from ledger.core.encoding import encode_hex, parse_hex
from ledger.core.errors import InputError
from ledger.core.ids import InstrumentId
from ledger.core.rules import local_date
from ledger.home import DEFAULT_HOME
from ledger.local import read_clock

_INSTRUMENT_BYTES = 16


def register(
    file: Annotated[Path, typer.Argument(help="what is known of the instrument, as JSON")],
    same: Annotated[
        str | None, typer.Option("--same", help="id of the known instrument that this one is")
    ] = None,
    different: Annotated[
        list[str] | None, typer.Option("--different", help="id of one that it is not; repeat it")
    ] = None,
    by: Annotated[str, typer.Option("--by", help="who found that out, by pseudonym")] = "",
    home: HomeOption = DEFAULT_HOME,
    institution: Annotated[Path | None, typer.Option(help="the institution's file; kept in the home")] = None,
    key: Annotated[str, typer.Option(help="name of the seal key in the keystore")] = DEFAULT_SEAL_KEY,
    ledger: Annotated[str | None, typer.Option(help="URL of a ledger; without it, the home's own")] = None,
    passphrase_file: PassphraseOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Register an instrument (器具登记); one that looks like a known one needs somebody's word."""
    given = _read_given(same, different or [], by)
    raw = _read(file)
    with open_desk(home, institution, key, ledger, passphrase_file) as desk:
        content = parse_registration(raw, desk.profile.institution)
        registrar = Registrar(desk.make_speaker(), local_date(read_clock(), desk.profile.zone))
        with desk.store.read() as reading:
            others = list(list_issued(reading, content.serial))
        registered, said = registrar.register(content, others, given)
    members = {"instrument": encode_hex(registered.id), "serial": registered.serial, "leaf": said.leaf_index}
    print_result(members, as_json=as_json)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as err:
        raise InputError(f"cannot be read: {err.strerror}", field=str(file)) from err


def _read_given(same: str | None, different: Sequence[str], by: str) -> Given:
    ids = frozenset(_parse_id(text, "--different") for text in different)
    return Given(None if same is None else _parse_id(same, "--same"), ids, by)


def _parse_id(text: str, option: str) -> InstrumentId:
    try:
        return InstrumentId(parse_hex(text, size=_INSTRUMENT_BYTES))
    except InputError as err:
        raise InputError(err.reason, field=option) from None
