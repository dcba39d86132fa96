"""Command `hengzheng evidence`: the evidence pack of one document, from a home's log or from proof files alone.

>>> main(["evidence", "YEQY-V3V1-MXZY-RY9B", "--home", "hengzheng-home", "-o", "pack.zip"])
0
>>> main(["evidence", "bundle.json", "--policy", "policy.json", "-o", "pack.zip"])
0
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from api.evidence.archive import read_manifest
from api.evidence.desk import EvidenceDesk, Shelf
from api.evidence.pack import Source, make_pack
from api.evidence.printing import print_copy
from api.verdicts import Verdicts
from ledger.cli import HomeOption, JsonOption
from ledger.console import print_result, run_command
from ledger.core.bundle import MAX_BUNDLE_BYTES
from ledger.core.data import load_rule_book
from ledger.core.errors import InputError
from ledger.core.policy import encode_policy, parse_policy
from ledger.core.qr import parse_code
from ledger.core.trust import MAX_TRUST_BYTES, parse_trust_list
from ledger.files import replace_file
from ledger.home import DEFAULT_HOME, Home, open_home
from ledger.local import read_clock
from ledger.proving import Prover
from ledger.receipts import Receipts
from ledger.register_list import RegisterList
from ledger.standing import is_read_only, read_standing
from ledger.store.engine import Database
from ledger.store.migrations import require_current
from ledger.store.unit_of_work import SqlStore
from verifier.cli import DEFAULT_POLICY, load_policy
from verifier.session import Session

app = typer.Typer(add_completion=False)

_OF_FILES: Final = ("--newest", "--policy", "--trust")


@app.callback()
def _group() -> None:
    """Keep `evidence` a word of the command line."""


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    return run_command(app, arguments, name="hengzheng")


@app.command()
def evidence(
    document: Annotated[
        str, typer.Argument(help="short code of a document in the home's log, or bundle.json")
    ],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="file to write")] = None,
    home: HomeOption = DEFAULT_HOME,
    newest: Annotated[
        Path | None, typer.Option(help="of a file: the same document's bundle under the newest state")
    ] = None,
    policy: Annotated[Path | None, typer.Option(help="of a file: what to believe; else the home's")] = None,
    trust: Annotated[Path | None, typer.Option(help="of a file: trust list to go with it")] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Put everything about one document into one ZIP that checks itself offline. Needs no key and no network."""
    if Path(document).is_file():
        raw = _pack_files(Path(document), newest, policy or home / DEFAULT_POLICY.name, trust)
    else:
        _refuse_options(newest, policy, trust)
        raw = _pack_logged(document, home)
    members = read_manifest(raw)
    place = out or Path(f"hengzheng-{members['code']}.zip")
    replace_file(place, raw)
    print_result(_describe(members, place, raw), as_json=as_json)


def _describe(members: dict[str, Any], place: Path, raw: bytes) -> dict[str, Any]:
    names = [each["name"] for each in members["absent"]]
    told = {name: members[name] for name in ("code", "shown", "verdict", "as_of")}
    return {"pack": str(place), "bytes": len(raw), **told, "absent": names}


def _refuse_options(*given: Path | None) -> None:
    """Refuse what is for files where a document is named by its code."""
    for name, value in zip(_OF_FILES, given, strict=True):
        if value is not None:
            raise InputError("is for a pack from a file; a home has its own", field=name)


def _pack_files(bundle: Path, newest: Path | None, policy: Path, trust: Path | None) -> bytes:
    believed = load_policy(policy)
    source = Source(
        _read(bundle, "document", MAX_BUNDLE_BYTES),
        None if newest is None else _read(newest, "--newest", MAX_BUNDLE_BYTES),
        encode_policy(believed),
        None if trust is None else _read_trust(trust),
        None,
        believed.hosts[0],
    )
    return make_pack(source, Session(believed, load_rule_book(), None), print_copy)


def _read_trust(path: Path) -> bytes:
    raw = _read(path, "--trust", MAX_TRUST_BYTES)
    parse_trust_list(raw)
    return raw


def _pack_logged(code: str, home: Path) -> bytes:
    try:
        named = parse_code(code)
    except InputError as err:
        raise InputError("neither a file nor the code of a document", field="document") from err
    with _open_desk(open_home(home)) as desk:
        return desk.make(desk.gather_by_code(named))


@contextmanager
def _open_desk(home: Home) -> Iterator[EvidenceDesk]:
    """Open a home's log for reading; no key is needed."""
    policy = parse_policy(_read(home.policy_path, "policy", MAX_BUNDLE_BYTES))
    with closing(Database(home.database_url)) as database:
        require_current(database)
        store = SqlStore(database)
        prover, receipts = Prover(store, home.origin, policy.witnesses), Receipts(store)

        def is_behind() -> bool:
            with database.read() as connection:
                return is_read_only(read_standing(connection, read_clock()))

        verdicts = Verdicts(store, prover, receipts, policy, read_clock, is_behind)
        registers = RegisterList(store, prover, home.origin)
        yield EvidenceDesk(Shelf(verdicts, prover, registers, policy, home.settings.host, is_behind))


def _read(path: Path, field: str, most: int) -> bytes:
    """Return a file that is no longer than that.

    Raises:
        InputError: it is longer, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(most + 1)
    except OSError as err:
        raise InputError(f"cannot read {path}: {err.strerror}", field=field) from err
    if len(raw) > most:
        raise InputError(f"{path} is longer than {most} bytes", field=field)
    return raw
