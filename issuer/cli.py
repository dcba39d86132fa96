"""Command `hengzheng issue`: input files to numbered, sealed, logged documents and their files.

>>> main(["issue", "pumps.jsonl", "--institution", "institution.json", "--out", "out", "--anchor"])
0
"""

import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Protocol
from zoneinfo import ZoneInfo

import typer
from rich.progress import Progress

from issuer.batch import find_form, parse_common, read_input
from issuer.check_report import (
    GivenFile,
    build_check,
    describe_faults,
    describe_inputs,
    render_check,
    require_table,
    spell_read,
)
from issuer.checking import Checked, cut
from issuer.error_workbook import render_error_workbook
from issuer.faults import Fault
from issuer.gateway import Acknowledged, Answer, RefusalKind, Refused
from issuer.issuing import BatchReport, Desk
from issuer.outputs import DocumentFiles, has_newest_bundle, write_outputs
from issuer.profile import ANY_DAY, InstitutionFile, parse_institution_file
from issuer.rendering.qr import write_bulk
from issuer.sticker_desk import release_from_failed
from issuer.store import DeskStore, DocumentBytes, StoredDocument
from issuer.tables import DocumentState
from ledger.anchoring.binding import read_binding
from ledger.cli import HomeOption, JsonOption, PassphraseOption, anchor_newest, find_given_passphrase
from ledger.confined.runner import read_confined
from ledger.console import find_exit_code, make_progress, print_result, run_command
from ledger.core.data import load_rule_book
from ledger.core.encoding import parse_date
from ledger.core.errors import (
    DocumentRefusedError,
    InputError,
    LedgerError,
    StaleVersionError,
    StateError,
    UnavailableError,
)
from ledger.core.ids import CertificateNumber, LeafIndex, Subject, TreeSize
from ledger.core.policy import parse_policy
from ledger.core.status import Registers, SubjectState
from ledger.failpoint import failpoint
from ledger.files import replace_file
from ledger.home import DEFAULT_HOME, Home, open_home
from ledger.local import LocalLedger, open_ledger, read_clock
from ledger.passphrase import Passphrase
from ledger.remote import RemoteLedger
from ledger.store.engine import Database
from ledger.submission import Acknowledgement, Result
from ledger.wire import Entry

app = typer.Typer(add_completion=False)

DEFAULT_SEAL_KEY: Final = "seal"
INSTITUTION_FILE: Final = "institution.json"
_CHUNK: Final = 256
_EXIT_INPUT: Final = 2
_EXIT_UNAVAILABLE: Final = 3
_MAX_FILE_BYTES: Final = 64 * 1024 * 1024
_KINDS: Final = {frozenset({"TIME"}): RefusalKind.NOT_NOW, frozenset({"KEY"}): RefusalKind.KEY}


@app.callback()
def _group() -> None:
    """Keep `issue` a word of the command line."""


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    return run_command(app, arguments, name="hengzheng")


@app.command()
def issue(
    files: Annotated[list[Path], typer.Argument(help="documents as .json, .jsonl, .csv or .xlsx")],
    home: HomeOption = DEFAULT_HOME,
    out: Annotated[Path | None, typer.Option("--out", help="write files below DIR/certificates")] = None,
    institution: Annotated[Path | None, typer.Option(help="the institution's file; kept in the home")] = None,
    common: Annotated[list[Path] | None, typer.Option(help="members that the rows of a file share")] = None,
    key: Annotated[str, typer.Option(help="name of the seal key in the keystore")] = DEFAULT_SEAL_KEY,
    person_keys: Annotated[
        list[str] | None,
        typer.Option("--person-key", help="name of the key of a person who signs here too; repeat it"),
    ] = None,
    ledger: Annotated[str | None, typer.Option(help="URL of a ledger; without it, the home's own")] = None,
    base_date: Annotated[
        str | None, typer.Option(help="day 0 of day offsets; development homes only")
    ] = None,
    passphrase_file: PassphraseOption = None,
    errors: Annotated[
        Path | None, typer.Option("--errors", help="write a table's rows with what is wrong, as .xlsx")
    ] = None,
    *,
    check: Annotated[
        bool, typer.Option("--check", help="only say what would be issued, and what not; show three")
    ] = False,
    anchor: Annotated[
        bool, typer.Option("--anchor", help="anchor too; a ledger with a URL does so by itself")
    ] = False,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="issue good rows although others are bad")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Issue documents. The same command again changes nothing, and goes on where a broken one ended."""
    opened = open_home(home)
    passphrase = find_given_passphrase(opened, passphrase_file)
    day = read_base_date(opened, base_date)
    raw = read_institution(opened, institution)
    profile = parse_institution_file(raw, day or ANY_DAY if opened.development else None)
    with make_progress(quiet=as_json) as progress:
        inputs = read_files(list(pair_common(files, common or [])), profile.profile.zone, progress)
    table = require_table(inputs, errors)
    if anchor and ledger is None:
        read_binding(opened)
    with (
        open_gateway(opened, passphrase, ledger) as gateway,
        open_desk_store(opened, profile, gateway) as store,
    ):
        desk = Desk(
            profile.profile,
            opened.keystore.open_signer(key, passphrase),
            opened.origin,
            store,
            gateway,
            load_rule_book(),
            read_clock,
            secrets.token_bytes,
            persons=[opened.keystore.open_signer(name, passphrase) for name in person_keys or ()],
            failpoint=failpoint,
        )
        with make_progress(quiet=as_json) as progress:
            documents, faults = _check(desk, inputs, day, progress)
            if errors is not None and table is not None and faults:
                replace_file(errors, render_error_workbook(table, [fault for _, fault in faults]))
            if check:
                return _print_check(inputs, documents, faults, as_json=as_json)
            if faults and not skip_bad:
                _print_faults(faults, as_json=as_json)
                return _EXIT_INPUT
            keep_file(opened.path / INSTITUTION_FILE, raw)
            if out is not None:
                out.mkdir(parents=True, exist_ok=True)
            signed, logged = (show_count(progress, what, len(documents)) for what in ("sign", "log"))
            report = desk.issue(documents, signed=signed, progress=logged)
            release_from_failed(store.database, gateway, desk.make_seal, read_clock, secrets.token_bytes)
            trouble = report.outage or (anchor_home(gateway.ledger, passphrase) if anchor else None)
            if out is not None:
                trouble = try_to_write(out, opened, store, gateway.ledger, report, progress) or trouble
    known = sum(isinstance(document, StoredDocument) for document in documents)
    return _print_report(report, trouble, faults, describe_inputs(inputs, known), as_json=as_json)


# --- the ledger, as the desk sees it ------------------------------------------------------------------------


class Ledger(Protocol):
    """What an opened ledger and one behind HTTP have in common."""

    @property
    def registers(self) -> Registers:
        """What the register events have established."""
        ...

    def submit(self, entries: Sequence[tuple[bytes, bytes | None]]) -> list[Result]:
        """Admit and append statements with their bodies; one result each, in order; idempotent."""
        ...

    def find_states(self, subjects: Sequence[Subject]) -> Mapping[Subject, SubjectState]:
        """Return the newest states of those subjects that have one."""
        ...

    def anchored_size(self) -> TreeSize:
        """Return how many leaves the newest anchor holds."""
        ...

    def bundles(self, documents: Mapping[LeafIndex, Entry]) -> Mapping[LeafIndex, bytes]:
        """Return the bundles, by its leaf, of each of these documents that has one already."""
        ...

    def entry_proof(self, index: LeafIndex) -> bytes:
        """Return the proof file (C2SP tlog-proof) of a leaf, with its header."""
        ...


@dataclass(frozen=True, slots=True)
class Gateway:
    """Answers the desk's questions from a ledger."""

    ledger: Ledger

    def submit(self, entries: Sequence[tuple[bytes, bytes | None]]) -> list[Answer]:
        """Hand in statements, issues with their certificates."""
        return [_answer(result) for result in self.ledger.submit(list(entries))]

    def find_states(self, subjects: Sequence[Subject]) -> Mapping[Subject, SubjectState]:
        """Return the newest states of those subjects that have one."""
        return self.ledger.find_states(subjects)

    def subject_versions(self, subjects: Collection[Subject]) -> dict[Subject, int]:
        """Return the newest version of each subject that has one."""
        return {subject: state.version for subject, state in self.find_states(list(subjects)).items()}

    def registers(self) -> Registers:
        """Return what the register events have established."""
        return self.ledger.registers


def _answer(result: Result) -> Answer:
    if isinstance(result, Acknowledgement):
        return Acknowledged(result.leaf_index)
    return Refused(_find_kind(result.error), str(result.error), _say_zh(result.error))


def _say_zh(err: LedgerError) -> str | None:
    reasons = err.reasons if isinstance(err, DocumentRefusedError) else ()
    return "；".join(reason.zh for reason in reasons) or None


def _find_kind(err: LedgerError) -> RefusalKind:
    """Say what the desk does about a refusal; clocks that disagree come to agree by waiting."""
    if isinstance(err, StaleVersionError):
        return RefusalKind.STALE_VERSION
    if isinstance(err, DocumentRefusedError):
        codes = frozenset(reason.code for reason in err.reasons)
        return _KINDS.get(codes, RefusalKind.FINAL)
    return RefusalKind.FINAL


@contextmanager
def open_gateway(home: Home, passphrase: Passphrase | None, url: str | None) -> Iterator[Gateway]:
    """Open the ledger behind a URL, or the home's own where there is none, which needs the passphrase.

    Raises:
        InputError: the home's own, and no passphrase.
        ReadOnlyError: the home's own ledger must not sign; nothing is numbered then.
    """
    if url is None:
        if passphrase is None:
            raise InputError("is needed to open the home's own ledger", field="passphrase")
        with open_ledger(home, passphrase) as local:
            local.gate.require_open()
            yield Gateway(local)
        return
    policy = parse_policy(_read(home.policy_path))
    with RemoteLedger(url, policy) as remote:
        yield Gateway(remote)


@contextmanager
def open_desk_store(home: Home, institution: InstitutionFile, gateway: Gateway) -> Iterator[DeskStore]:
    """Open the desk's database, which is made for one institution for ever: one that the log knows."""
    if institution.content.id not in gateway.registers().institutions:
        raise InputError(f"the log knows no institution {institution.content.id}", field="institution.id")
    database = Database(home.desk_database_url)
    try:
        store = DeskStore(database, institution.content.id, home.origin)
        store.prepare()
        yield store
    finally:
        database.close()


# --- input --------------------------------------------------------------------------------------------------


def read_base_date(home: Home, text: str | None) -> date | None:
    """Return day 0 of day offsets.

    Raises:
        InputError: no date, or no development home.
    """
    if text is None:
        return None
    if not home.development:
        raise InputError("day offsets are for development homes only", field="--base-date")
    try:
        return parse_date(text)
    except InputError as err:
        raise InputError(err.reason, field="--base-date") from None


def read_institution(home: Home, path: Path | None) -> bytes:
    """Read the institution's file: the one given, or the one kept from the time before."""
    kept = home.path / INSTITUTION_FILE
    if path is None and not kept.exists():
        raise InputError("the first time, say who issues", field="--institution")
    return _read(path or kept)


def keep_file(path: Path, raw: bytes) -> None:
    """Write a file unless it holds these bytes already."""
    if not path.exists() or path.read_bytes() != raw:
        replace_file(path, raw)


def pair_common(files: Sequence[Path], common: Sequence[Path]) -> Iterator[tuple[Path, Path | None]]:
    """Pair each file with what its rows share: given in the same order, or found beside it."""
    if common and len(common) != len(files):
        raise InputError(f"{len(common)} files for {len(files)} inputs; give one for each", field="--common")
    for number, path in enumerate(files):
        beside = path.with_name(f"{path.stem}.common.json")
        yield path, common[number] if common else beside if beside.exists() else None


def read_files(
    pairs: Sequence[tuple[Path, Path | None]], zone: ZoneInfo, progress: Progress
) -> list[GivenFile]:
    """Read all files whole, so that nothing is issued of any if one cannot be read."""
    show = show_count(progress, "read", len(pairs))
    given = []
    for count, (path, shared) in enumerate(pairs, start=1):
        members = None if shared is None else parse_common(_read(shared))
        found = read_input(_read(path), find_form(path.name), read_confined, members, zone)
        given.append(GivenFile(path, found))
        failpoint("issue.read")
        show(count)
    return given


def _check(
    desk: Desk, inputs: Sequence[GivenFile], day: date | None, progress: Progress
) -> tuple[list[Checked], list[tuple[Path, Fault]]]:
    """Check all files as one batch, so that what two of them have in common is found before anything is issued."""
    checking = desk.start_check(base_date=day)
    documents: list[Checked] = []
    faults: list[tuple[Path, Fault]] = []
    for given in inputs:
        show = show_count(progress, f"check {given.path.name}", len(given.file.rows))
        checked = checking.check_rows(given.file.rows, show)
        documents += checked.documents
        faults += [(given.path, fault) for fault in checked.faults]
    failpoint("issue.checked")
    return documents, faults


def show_count(progress: Progress, what: str, total: int) -> Callable[[int], None]:
    """Return what moves a new bar to a count."""
    task = progress.add_task(what, total=total)

    def show(done: int) -> None:
        progress.update(task, completed=done)

    return show


# --- output -------------------------------------------------------------------------------------------------


def try_to_write(
    out: Path, home: Home, store: DeskStore, ledger: Ledger, report: BatchReport, progress: Progress
) -> UnavailableError | None:
    """Write the files of documents that the log has; return why there are bundles still to come, if so."""
    try:
        return _write(out, home, store, ledger, report, progress)
    except UnavailableError as err:
        return err


def _write(
    out: Path, home: Home, store: DeskStore, ledger: Ledger, report: BatchReport, progress: Progress
) -> UnavailableError | None:
    """Write the files of every document that the log has; return why there are bundles still to come, if so."""
    numbers = {
        document.leaf_index: document.number
        for document in report.documents
        if document.leaf_index is not None
    }
    bundle, write = (progress.add_task(what, total=len(numbers)) for what in ("bundle", "write"))
    source = _BundleSource(out, ledger)
    for chunk in cut(sorted(numbers), _CHUNK):
        with store.read() as desk:
            stored = {index: desk.fetch(numbers[index]) for index in chunk}
        bundles = source.find({index: (numbers[index], found) for index, found in stored.items()})
        failpoint("issue.bundled")
        progress.advance(bundle, len(chunk))
        for index, found in stored.items():
            files = DocumentFiles(numbers[index], found.certificate, found.statement, bundles.get(index))
            write_outputs(out, files, home.settings.host, writer=write_bulk)
            failpoint("issue.written")
            progress.advance(write)
    return source.trouble


@dataclass(slots=True)
class _BundleSource:
    """Gets bundles that are not in their folders yet; asks no more once the ledger is out of reach."""

    out: Path
    ledger: Ledger
    _anchored_size: TreeSize | None = None
    _missing: int = 0
    _outage: UnavailableError | None = None

    def find(
        self, documents: Mapping[LeafIndex, tuple[CertificateNumber, DocumentBytes]]
    ) -> Mapping[LeafIndex, bytes]:
        """Return the bundles that are to be written, of those documents that have one."""
        if self._outage is not None:
            return {}
        try:
            wanted = self._choose(documents)
            bundles = self.ledger.bundles(wanted)
        except UnavailableError as err:
            self._outage = err
            return {}
        self._missing += len(wanted) - len(bundles)
        return bundles

    def _choose(
        self, documents: Mapping[LeafIndex, tuple[CertificateNumber, DocumentBytes]]
    ) -> dict[LeafIndex, Entry]:
        if self._anchored_size is None:
            self._anchored_size = self.ledger.anchored_size()
        return {
            index: Entry(found.statement, found.certificate)
            for index, (number, found) in documents.items()
            if not has_newest_bundle(
                self.out, number, (found.statement, found.certificate), self._anchored_size
            )
        }

    @property
    def trouble(self) -> UnavailableError | None:
        """Return why bundles are missing, if some are."""
        if self._outage is not None or not self._missing:
            return self._outage
        what = "1 bundle is" if self._missing == 1 else f"{self._missing} bundles are"
        why = "the ledger has not anchored so far; the same command fetches what is missing"
        return UnavailableError(f"{what} still to come: {why}")


def _print_check(
    inputs: Sequence[GivenFile],
    documents: Sequence[Checked],
    faults: Sequence[tuple[Path, Fault]],
    *,
    as_json: bool,
) -> int:
    """Print the result of a check; return the exit code: 0 if every row may be issued, else 2."""
    members = build_check(inputs, documents, faults)
    if as_json:
        print_result(members, as_json=True)
    else:
        typer.echo(render_check(members))
    return _EXIT_INPUT if faults else 0


def _print_faults(faults: Sequence[tuple[Path, Fault]], *, as_json: bool) -> None:
    rows = len({(path, fault.row) for path, fault in faults})
    sentence = f"{rows} bad row{'' if rows == 1 else 's'}; nothing was issued"
    if as_json:
        print_result({"error": sentence, "faults": describe_faults(faults)}, as_json=True)
        return
    for path, fault in faults:
        typer.echo(f"{path}: {fault.text}", err=True)
    typer.echo(f"error: {sentence}", err=True)


def anchor_home(ledger: Ledger, passphrase: Passphrase) -> UnavailableError | StateError | None:
    """Anchor the home's own log; return why that was not done. A ledger behind HTTP anchors by itself."""
    if not isinstance(ledger, LocalLedger):
        return None
    try:
        anchor_newest(ledger, passphrase)
    except (UnavailableError, StateError) as err:
        return err
    ledger.write_policy()
    return None


def _print_report(
    report: BatchReport,
    trouble: UnavailableError | StateError | None,
    faults: Sequence[tuple[Path, Fault]],
    inputs: Mapping[str, Any],
    *,
    as_json: bool,
) -> int:
    counts = {state.value: len(report.list_in(state)) for state in DocumentState}
    members: dict[str, Any] = {"documents": len(report.documents), **counts}
    members |= inputs
    if "read" in members and not as_json:
        members["read"] = "; ".join(map(spell_read, members["read"]))
    if faults:
        members["faults"] = describe_faults(faults) if as_json else len(faults)
    voided = {document.number: document.reason for document in report.list_in(DocumentState.VOIDED)}
    if voided or report.held:
        members["refused"] = voided | dict(report.held)
    if isinstance(trouble, UnavailableError):
        members["queued_because"] = str(trouble)
    elif trouble is not None:
        members["error"] = str(trouble)
    print_result(members, as_json=as_json)
    if trouble is not None:
        return find_exit_code(trouble)
    if report.held:
        return _EXIT_UNAVAILABLE
    return _EXIT_INPUT if voided or faults else 0


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_FILE_BYTES + 1)
    except OSError as err:
        raise InputError(f"cannot be read: {err.strerror}", field=str(path)) from err
    if len(raw) > _MAX_FILE_BYTES:
        raise InputError(f"larger than {_MAX_FILE_BYTES} bytes", field=str(path))
    return raw
