"""Commands `hengzheng stickers allot`, `withdraw`, `bind`, `unbind` and `list`: verification stickers (检定合格证).

>>> main(["stickers", "bind", "7KQ2-M9X0-01RC-CF83", "--number", "JY2026-000001", "--home", "H"])
0
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from issuer.cli import DEFAULT_SEAL_KEY
from issuer.desk_opening import OpenDesk, open_desk
from issuer.sticker_desk import StickerDesk
from ledger.cli import HomeOption, JsonOption, PassphraseOption
from ledger.console import print_result
from ledger.core.encoding import encode_hex, parse_hex, parse_instant
from ledger.core.errors import InputError
from ledger.core.ids import CertificateNumber, InstrumentId
from ledger.core.qr import format_code
from ledger.core.statement import IssueClaims, parse_signed_statement
from ledger.core.sticker import RollContent, compute_sticker_id, encode_roll_content, parse_sticker_id
from ledger.core.sticker_use import StickerReason
from ledger.files import replace_file
from ledger.home import DEFAULT_HOME

InstitutionOption = Annotated[
    Path | None, typer.Option("--institution", help="the institution's file; kept in the home")
]
KeyOption = Annotated[str, typer.Option("--key", help="name of the seal key in the keystore")]
LedgerOption = Annotated[
    str | None, typer.Option("--ledger", help="URL of a ledger; without it, the home's own")
]
StickerArgument = Annotated[str, typer.Argument(help="the sticker's 16 letters and digits")]
SinceOption = Annotated[
    str | None, typer.Option("--effective-at", help="since when, as 2026-03-01T08:00:00Z; now, if not given")
]


@dataclass(frozen=True, slots=True)
class _Place:
    instrument_id: InstrumentId
    part: str | None


def add_commands(stickers: typer.Typer) -> None:
    """Add these commands to the group `stickers`."""
    for command in (allot, withdraw, bind, unbind):
        stickers.command()(command)
    stickers.command("list")(list_)


def allot(
    count: Annotated[int, typer.Argument(min=1, help="how many stickers the roll has")],
    out: Annotated[
        Path | None, typer.Option("--out", help="write the roll there, to print its sheets")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    institution: InstitutionOption = None,
    key: KeyOption = DEFAULT_SEAL_KEY,
    ledger: LedgerOption = None,
    passphrase_file: PassphraseOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Allot a roll of stickers in advance (发放); each call another one."""
    with open_desk(home, institution, key, ledger, passphrase_file) as desk:
        roll = StickerDesk(desk.make_speaker()).allot(count)
    if out is not None:
        replace_file(out, encode_roll_content(roll))
    print_result(_describe_roll(roll), as_json=as_json)


def withdraw(
    roll: Annotated[str, typer.Argument(help="the roll's 7 letters and digits")],
    home: HomeOption = DEFAULT_HOME,
    institution: InstitutionOption = None,
    key: KeyOption = DEFAULT_SEAL_KEY,
    ledger: LedgerOption = None,
    passphrase_file: PassphraseOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Withdraw what is left of a roll, as lost or damaged: none of it is put on any more."""
    with open_desk(home, institution, key, ledger, passphrase_file) as desk:
        found = StickerDesk(desk.make_speaker()).withdraw(roll.upper())
    print_result(_describe_roll(found), as_json=as_json)


def bind(
    sticker: StickerArgument,
    number: Annotated[
        str | None, typer.Option("--number", help="of a certificate of this desk: its instrument is meant")
    ] = None,
    instrument: Annotated[str | None, typer.Option("--instrument", help="the instrument's id")] = None,
    part: Annotated[str | None, typer.Option("--part", help="nozzle, lane or phase")] = None,
    effective_at: SinceOption = None,
    home: HomeOption = DEFAULT_HOME,
    institution: InstitutionOption = None,
    key: KeyOption = DEFAULT_SEAL_KEY,
    ledger: LedgerOption = None,
    passphrase_file: PassphraseOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Say on what a sticker was put (粘贴); the one before is released. The same again changes nothing."""
    found, since = parse_sticker_id(sticker), _read_since(effective_at)
    with open_desk(home, institution, key, ledger, passphrase_file) as desk:
        place = _find_place(desk, number, instrument, part)
        said = StickerDesk(desk.make_speaker()).bind(found, place.instrument_id, place.part, since)
    members: dict[str, Any] = {"sticker": format_code(found), "instrument": encode_hex(place.instrument_id)}
    members |= (
        {"leaf": said.leaf_index} if place.part is None else {"part": place.part, "leaf": said.leaf_index}
    )
    print_result(members, as_json=as_json)


def unbind(
    sticker: StickerArgument,
    reason: Annotated[str, typer.Option("--reason", help=f"one of {', '.join(StickerReason)}")],
    effective_at: SinceOption = None,
    home: HomeOption = DEFAULT_HOME,
    institution: InstitutionOption = None,
    key: KeyOption = DEFAULT_SEAL_KEY,
    ledger: LedgerOption = None,
    passphrase_file: PassphraseOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Say that a sticker stands there no longer (停用). The same again changes nothing."""
    found, code, since = parse_sticker_id(sticker), _parse_reason(reason), _read_since(effective_at)
    with open_desk(home, institution, key, ledger, passphrase_file) as desk:
        said = StickerDesk(desk.make_speaker()).release(found, code, since)
    print_result(
        {"sticker": format_code(found), "reason": code.value, "leaf": said.leaf_index}, as_json=as_json
    )


def list_(
    home: HomeOption = DEFAULT_HOME,
    institution: InstitutionOption = None,
    key: KeyOption = DEFAULT_SEAL_KEY,
    ledger: LedgerOption = None,
    passphrase_file: PassphraseOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """List the rolls, and where stickers stand."""
    with open_desk(home, institution, key, ledger, passphrase_file) as desk:
        stickers = StickerDesk(desk.make_speaker())
        rolls, bound = stickers.list_rolls(), stickers.list_bound()
    listed = [
        {"sticker": format_code(each.sticker), "instrument": encode_hex(each.instrument_id)}
        | ({} if each.part is None else {"part": each.part})
        for each in bound
    ]
    print_result({"rolls": [_describe_roll(roll) for roll in rolls], "bound": listed}, as_json=as_json)


def _describe_roll(roll: RollContent) -> dict[str, Any]:
    return {
        "roll": roll.roll,
        "count": roll.count,
        "first": format_code(compute_sticker_id(roll, 0)),
        "state": roll.state.value,
    }


def _find_place(desk: OpenDesk, number: str | None, instrument: str | None, part: str | None) -> _Place:
    """Return what a sticker is put on, by a certificate's number or the instrument's id."""
    if (number is None) == (instrument is None):
        raise InputError("say on what the sticker stands: --number or --instrument", field="--instrument")
    if instrument is not None:
        try:
            return _Place(InstrumentId(parse_hex(instrument, size=16)), part)
        except InputError as err:
            raise InputError(err.reason, field="--instrument") from None
    with desk.store.read() as reading:
        statement = reading.fetch(CertificateNumber(number or "")).statement
    claims = parse_signed_statement(statement).statement.claims
    if not isinstance(claims, IssueClaims):
        raise InputError("is no certificate", field="--number")
    return _Place(claims.instrument_id, part if part is not None else claims.part)


def _parse_reason(text: str) -> StickerReason:
    try:
        return StickerReason(text.upper())
    except ValueError:
        raise InputError(f"{text[:40]!r} is none of {', '.join(StickerReason)}", field="--reason") from None


def _read_since(text: str | None) -> datetime | None:
    try:
        return None if text is None else parse_instant(text)
    except InputError as err:
        raise InputError(err.reason, field="--effective-at") from None
