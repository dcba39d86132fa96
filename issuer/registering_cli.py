"""Command `hengzheng instruments register`: what is known of an instrument, as a statement in the ledger.

>>> main(["instruments", "register", "pump.json", "--home", "H"])
0
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from issuer.cli import DEFAULT_SEAL_KEY
from issuer.desk_opening import open_desk
from issuer.known_instruments import list_issued, parse_registration
from issuer.registering import Given, Picture, Registrar
from ledger.cli import HomeOption, JsonOption, PassphraseOption
from ledger.confined.photos import REGISTERED, remake_photo
from ledger.console import print_result
from ledger.core.encoding import encode_hex, parse_date, parse_hex
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
    photo: Annotated[
        Path | None,
        typer.Option("--photo", help="its photograph with nameplate and seals; no faces, no number plates"),
    ] = None,
    taken_on: Annotated[
        str | None, typer.Option("--taken-on", help="day of the photograph; today if it is left out")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    institution: Annotated[Path | None, typer.Option(help="the institution's file; kept in the home")] = None,
    key: Annotated[str, typer.Option(help="name of the seal key in the keystore")] = DEFAULT_SEAL_KEY,
    ledger: Annotated[str | None, typer.Option(help="URL of a ledger; without it, the home's own")] = None,
    passphrase_file: PassphraseOption = None,
    *,
    no_photo: Annotated[bool, typer.Option("--no-photo", help="register it without a photograph")] = False,
    as_json: JsonOption = False,
) -> None:
    """Register an instrument (器具登记); one that looks like a known one needs somebody's word."""
    given = _read_given(same, different or [], by)
    raw, picture = _read(file), _read_picture(photo, taken_on, is_none=no_photo)
    with open_desk(home, institution, key, ledger, passphrase_file) as desk:
        content = parse_registration(raw, desk.profile.institution)
        registrar = Registrar(desk.make_speaker(), local_date(read_clock(), desk.profile.zone))
        with desk.store.read() as reading:
            others = list(list_issued(reading, content.serial))
        registered, said = registrar.register(content, others, given, picture)
    members: dict[str, Any] = {"instrument": encode_hex(registered.id), "serial": registered.serial}
    members |= {"leaf": said.leaf_index}
    if registered.photo is not None:
        members |= {"photo": encode_hex(registered.photo.digest), "taken_on": str(registered.photo.taken_on)}
    print_result(members, as_json=as_json)


def _read_picture(photo: Path | None, taken_on: str | None, *, is_none: bool) -> Picture | None:
    """Return the photograph, made anew of its pixels alone; None: it stays as it was."""
    if is_none and photo is not None:
        raise InputError("stands beside --no-photo", field="--photo")
    if taken_on is not None and photo is None:
        raise InputError("is the day of a photograph: give one with --photo", field="--taken-on")
    if photo is None:
        return Picture(None) if is_none else None
    try:
        day = None if taken_on is None else parse_date(taken_on)
    except InputError as err:
        raise InputError(err.reason, field="--taken-on") from None
    return Picture(remake_photo(_read(photo), REGISTERED, str(photo)), day)


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
