"""Command `hengzheng amend`: what an institution says of a certificate, or a lot, that this home has issued.

>>> main(["amend", "withdraw", "JY2026-000001", "--reason", "WRONG_RESULT"])
0
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from issuer.amending import Amendment, read_act
from issuer.cli import DEFAULT_SEAL_KEY
from issuer.desk_opening import open_desk
from issuer.lots import LotKeeper
from issuer.store import StoredAct
from ledger.cli import HomeOption, JsonOption, PassphraseOption
from ledger.console import print_result, run_command
from ledger.core.act import ReasonCode, parse_reason
from ledger.core.encoding import encode_instant, parse_instant
from ledger.core.errors import InputError
from ledger.core.event import EventType
from ledger.core.ids import CertificateNumber, Digest
from ledger.core.lot import LotStatus
from ledger.files import replace_file
from ledger.home import DEFAULT_HOME
from ledger.local import read_clock

app = typer.Typer(add_completion=False)
amend_app = typer.Typer(
    help="Withdraw, suspend or supplement a certificate, or a whole lot; the ledger keeps what was.",
    no_args_is_help=True,
)
app.add_typer(amend_app, name="amend")

NumberArgument = Annotated[str, typer.Argument(help="number of the certificate")]
ReasonOption = Annotated[str, typer.Option("--reason", help=f"one of {', '.join(ReasonCode)}")]
SinceOption = Annotated[
    str | None, typer.Option("--effective-at", help="since when, as 2026-03-01T08:00:00Z; now, if not given")
]
InstitutionOption = Annotated[
    Path | None, typer.Option("--institution", help="the institution's file; kept in the home")
]
KeyOption = Annotated[str, typer.Option("--key", help="name of the seal key in the keystore")]
LedgerOption = Annotated[
    str | None, typer.Option("--ledger", help="URL of a ledger; without it, the home's own")
]


@app.callback()
def _group() -> None:
    """Keep `amend` a word of the command line."""


def main(arguments: Sequence[str]) -> int:
    """Run one of these commands and return its exit code."""
    return run_command(app, arguments, name="hengzheng")


def _add_command(name: str, event_type: EventType, sentence: str) -> None:
    """Add the command of an act for which number and reason are enough."""

    @amend_app.command(name, help=sentence)
    def act(
        number: NumberArgument,
        reason: ReasonOption,
        effective_at: SinceOption = None,
        home: HomeOption = DEFAULT_HOME,
        institution: InstitutionOption = None,
        key: KeyOption = DEFAULT_SEAL_KEY,
        ledger: LedgerOption = None,
        passphrase_file: PassphraseOption = None,
        *,
        as_json: JsonOption = False,
    ) -> None:
        asked = _read_amendment(event_type, number, reason, effective_at)
        stored = _amend(asked, home, institution, key, ledger, passphrase_file)
        print_result(_describe(stored), as_json=as_json)


_add_command(
    "withdraw",
    EventType.WITHDRAW,
    "Withdraw a certificate that was issued in error (撤回), for ever. The same again changes nothing.",
)
_add_command(
    "suspend",
    EventType.SUSPEND,
    "Suspend a certificate while it is looked into (暂停使用); its authority reinstates it.",
)
_add_command(
    "reverify",
    EventType.REVERIFY_NEEDED,
    "Say that the instrument of a certificate must be verified again (须重新检定); only a verification ends it.",
)
_add_command(
    "opened",
    EventType.OPENED_FOR_REPAIR,
    "Say that the instrument of a certificate was opened for repair (拆封修理); only a verification ends it.",
)


@amend_app.command()
def supplement(
    number: NumberArgument,
    reason: ReasonOption,
    document: Annotated[
        Path, typer.Option("--document", help="file that is handed out with the certificate")
    ],
    effective_at: SinceOption = None,
    home: HomeOption = DEFAULT_HOME,
    institution: InstitutionOption = None,
    key: KeyOption = DEFAULT_SEAL_KEY,
    ledger: LedgerOption = None,
    passphrase_file: PassphraseOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Add a document to a certificate (补充); the ledger holds its digest, whoever issues it the document.

    The proof that the ledger has it is written beside the document, as FILE.act.json.
    """
    digest = Digest(hashlib.sha256(_read_document(document)).digest())
    asked = replace(_read_amendment(EventType.SUPPLEMENT, number, reason, effective_at), document=digest)
    with open_desk(home, institution, key, ledger, passphrase_file) as desk:
        stored = desk.amend(asked)
        proof = desk.prove(stored)
    path = document.with_name(f"{document.name}.act.json")
    replace_file(path, proof)
    print_result({**_describe(stored), "proof": str(path)}, as_json=as_json)


@amend_app.command()
def lot(
    lot_number: Annotated[str, typer.Argument(help="number of the lot, as its certificates name it")],
    status: Annotated[LotStatus, typer.Option("--status", help="failed, suspended or withdrawn")],
    reason: ReasonOption,
    effective_at: SinceOption = None,
    home: HomeOption = DEFAULT_HOME,
    institution: InstitutionOption = None,
    key: KeyOption = DEFAULT_SEAL_KEY,
    ledger: LedgerOption = None,
    passphrase_file: PassphraseOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Say of a whole lot what then holds of each of its members (批). The same again changes nothing."""
    code, since = (
        parse_reason(reason, "--reason"),
        None if effective_at is None else _read_since(effective_at),
    )
    with open_desk(home, institution, key, ledger, passphrase_file) as desk:
        keeper = LotKeeper(desk.gateway, desk.make_seal, read_clock, secrets.token_bytes)
        state = keeper.say(lot_number, status, code, since)
    print_result({"lot": lot_number, "status": state.status.name, "leaf": state.last_event}, as_json=as_json)


def _read_document(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as err:
        raise InputError(f"{path} cannot be read: {err.strerror}", field="--document") from err


def _read_amendment(event_type: EventType, number: str, reason: str, since: str | None) -> Amendment:
    code = parse_reason(reason, "--reason")
    return Amendment(
        event_type, CertificateNumber(number), code, None if since is None else _read_since(since)
    )


def _read_since(text: str) -> datetime:
    try:
        return parse_instant(text)
    except InputError as err:
        raise InputError(err.reason, field="--effective-at") from None


def _amend(
    asked: Amendment,
    home: Path,
    institution: Path | None,
    key: str,
    url: str | None,
    passphrase_file: Path | None,
) -> StoredAct:
    with open_desk(home, institution, key, url, passphrase_file) as desk:
        return desk.amend(asked)


def _describe(stored: StoredAct) -> dict[str, object]:
    act = read_act(stored.statement)
    return {
        "number": stored.number,
        "act": stored.type.name,
        "reason": act.reason.value,
        "effective_at": encode_instant(act.effective_at),
        "leaf": stored.leaf_index,
    }
