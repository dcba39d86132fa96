"""Command `hengzheng dcc`: certificates as DCC XML, and foreign DCCs as evidence for a measurement standard.

Exit codes of `check`: 0 signed, and the signature holds; 1 it does not; 2 not a DCC, or not one that can be judged;
3 unsigned: nothing is proved either way.

>>> main(["dcc", "export", "JY2026-000001", "--home", "hengzheng-home", "--out", "out"])
0
>>> main(["dcc", "check", "weights.xml", "--trust", "root.pem", "--trust", "sub.pem"])
0
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer

from issuer.checking import cut
from issuer.cli import read_institution
from issuer.foreign.dcc import UNSIGNED, ForeignDcc, Item, check_foreign_dcc
from issuer.foreign.dcc_schema import check_schema
from issuer.foreign.safe_xml import MAX_BYTES
from issuer.foreign.signature import Signature
from issuer.foreign.x509_chain import MAX_FILE_BYTES, parse_trusted
from issuer.outputs import write_dcc
from issuer.profile import ANY_DAY, parse_institution_file
from issuer.rendering.dcc import render_dcc
from issuer.store import DeskReading, DeskStore, DocumentBytes
from issuer.tables import DocumentState
from ledger.cli import HomeOption, JsonOption
from ledger.console import make_progress, print_result, run_command
from ledger.core.certificate import parse_certificate
from ledger.core.disclosure import parse_disclosure
from ledger.core.encoding import encode_date, encode_hex, encode_instant, parse_instant
from ledger.core.errors import InputError, NotFoundError, StateError
from ledger.core.ids import CertificateNumber
from ledger.core.step import Sentence
from ledger.home import DEFAULT_HOME, Home, open_home
from ledger.local import read_clock
from ledger.store.engine import Database

app = typer.Typer(add_completion=False)
dcc_app = typer.Typer(
    help="Digital calibration certificates (DCC, XML): export one's own, check others'.", no_args_is_help=True
)
app.add_typer(dcc_app, name="dcc")

EXIT_UNSIGNED: Final = 3
_CHUNK: Final = 256

SIGNED: Final = Sentence("the signature holds, as of its signing time", "签名在签署时有效")


@app.callback()
def _group() -> None:
    """Keep `dcc` a word of the command line."""


def main(arguments: Sequence[str]) -> int:
    """Run one of these commands and return its exit code."""
    return run_command(app, arguments, name="hengzheng")


# --- export -------------------------------------------------------------------------------------------------


@dcc_app.command()
def export(
    numbers: Annotated[list[str], typer.Argument(help="numbers of issued certificates")],
    out: Annotated[Path, typer.Option("--out", help="write files below DIR/certificates")],
    home: HomeOption = DEFAULT_HOME,
    *,
    holder: Annotated[
        bool, typer.Option("--holder", help="the holder's copy, with personal data; a file of its own")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Write issued certificates as DCC 3.3.0 XML; the sealed certificate travels inside."""
    wanted = [CertificateNumber(number) for number in dict.fromkeys(numbers)]
    opened, written = open_home(home), []
    with (
        _open_desk(opened) as desk,
        desk.read() as reading,
        make_progress(quiet=as_json) as progress,
    ):
        _require_logged(reading, wanted, holder=holder)
        for number in progress.track(wanted, description="dcc"):
            content = _render(reading.fetch(number), opened.zone, holder=holder)
            written.append(write_dcc(out, number, content, holder=holder))
    print_result({"documents": len(written), "files": [str(path) for path in written]}, as_json=as_json)


@contextmanager
def _open_desk(home: Home) -> Iterator[DeskStore]:
    file = parse_institution_file(read_institution(home, None), ANY_DAY if home.development else None)
    with closing(Database(home.desk_database_url)) as database:
        store = DeskStore(database, file.content.id, home.origin)
        store.prepare()
        yield store


def _require_logged(reading: DeskReading, numbers: Sequence[CertificateNumber], *, holder: bool) -> None:
    """Refuse, before anything is written, numbers that were never issued, are voided, or wait for the log."""
    for chunk in cut(numbers, _CHUNK):
        requests = reading.find_numbers(chunk)
        missing = [number for number in chunk if number not in requests]
        if missing:
            raise NotFoundError(f"the desk has no document {', '.join(missing)}")
        for document in reading.find(list(requests.values())).values():
            if document.state is not DocumentState.LOGGED:
                raise StateError(f"{document.number} is {document.state}, not logged: it has not been issued")
    for number in numbers if holder else ():
        if reading.fetch(number).disclosure is None:
            raise NotFoundError(f"{number} holds no personal members (any more): there is no holder's copy")


def _render(found: DocumentBytes, zone: ZoneInfo, *, holder: bool) -> bytes:
    disclosure = parse_disclosure(found.disclosure) if holder and found.disclosure is not None else None
    return render_dcc(parse_certificate(found.certificate), disclosure, zone)


# --- check --------------------------------------------------------------------------------------------------


@dcc_app.command()
def check(
    file: Annotated[Path, typer.Argument(help="a DCC, XML")],
    trust: Annotated[
        list[Path] | None,
        typer.Option("--trust", help="root, or a link of the chain: PEM or DER; may be repeated"),
    ] = None,
    signed_at: Annotated[
        str | None, typer.Option("--signed-at", help="when it was signed, if the signature does not say")
    ] = None,
    xsd: Annotated[
        Path | None, typer.Option("--xsd", help="directory of PTB's schemas: v3.3.0/dcc.xsd and so on")
    ] = None,
    *,
    as_json: JsonOption = False,
) -> int:
    """Read a foreign DCC and check its signature at its signing time. Fetches nothing."""
    trusted = parse_trusted([_read(path, MAX_FILE_BYTES, "--trust") for path in trust or []])
    raw = _read(file, MAX_BYTES, "FILE")
    found = check_foreign_dcc(raw, trusted, read_clock(), signed_at=_parse_time(signed_at))
    if xsd is not None:
        check_schema(raw, found.version, xsd)
    members = describe(found) | {"schema": "followed" if xsd is not None else "not checked"}
    if as_json:
        print_result(members, as_json=True)
    else:
        _print_lines(members)
    return EXIT_UNSIGNED if found.signature is None else 0


def _parse_time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_instant(text)
    except InputError as err:
        raise InputError(err.reason, field="--signed-at") from None


def _read(path: Path, most: int, field: str) -> bytes:
    """Read a file, one byte more than is taken at most: whoever parses it refuses it then."""
    try:
        with path.open("rb") as stream:
            return stream.read(most + 1)
    except OSError as err:
        raise InputError(f"{path} cannot be read: {err.strerror}", field=field) from err


def describe(found: ForeignDcc) -> dict[str, Any]:
    """Return what a foreign DCC says and proves, as JSON."""
    sentence = UNSIGNED if found.signature is None else SIGNED
    return {
        "verdict": _say(sentence),
        "unique_identifier": found.unique_identifier,
        "version": found.version,
        "laboratory": _drop({"name": found.laboratory, "code": found.laboratory_code}),
        "items": [_describe_item(item) for item in found.items],
        "performed_from": encode_date(found.performed_from),
        "performed_until": encode_date(found.performed_until),
        **_drop({"issued_on": None if found.issued_on is None else encode_date(found.issued_on)}),
        **_drop({"replaces": found.replaces}),
        "results": found.result_count,
        "quantities": found.quantity_count,
        "signature": "unsigned" if found.signature is None else _describe_signature(found.signature),
        "remarks": [_say(remark) for remark in found.remarks if remark is not sentence],
        "standard_instrument": {"cert_no": found.unique_identifier, "cert_hash": encode_hex(found.digest)},
    }


def _say(sentence: Sentence) -> dict[str, str]:
    return {"en": sentence.en, "zh": sentence.zh}


def _describe_item(item: Item) -> dict[str, Any]:
    identified = [
        _drop({"issuer": one.issuer, "value": one.value, "name": one.name}) for one in item.identifications
    ]
    members = {"name": item.name, "manufacturer": item.manufacturer, "model": item.model}
    return _drop(members) | {"identifications": identified}


def _describe_signature(signature: Signature) -> dict[str, Any]:
    stamp = signature.time_stamp
    members = {
        "signer": signature.signer,
        "root": signature.root,
        "signed_at": encode_instant(signature.signed_at),
        "time_said_by": signature.time_source,
        "revocation": signature.revocation,
    }
    if stamp is None:
        return members
    trusted = {"stamped_at": encode_instant(stamp.stamped_at), "authority": stamp.authority}
    return members | {"time_stamp": trusted | {"trusted": stamp.is_trusted}}


def _drop(members: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is not there: absent is absent, never null."""
    return {name: value for name, value in members.items() if value is not None}


def _print_lines(members: Mapping[str, Any], indent: str = "") -> None:
    """Print a result for people: one line a member, objects further in, items of lists one after the other."""
    for name, value in members.items():
        label = f"{indent}{name.replace('_', ' ')}:"
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Mapping):
                sys.stdout.write(f"{label}\n")
                _print_lines(item, f"{indent}  ")
            else:
                sys.stdout.write(f"{label} {item}\n")
