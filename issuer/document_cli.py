"""Command `hengzheng document`: certificates of this home as PDF/A-3, signed by the institution's seal key.

>>> main(["document", "JY2026-000001", "--out", "out"])
0
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.progress import Progress

from issuer.checking import cut
from issuer.cli import DEFAULT_SEAL_KEY, Gateway, open_desk_store, open_gateway, read_institution
from issuer.documents import Press, is_in_force, require_in_force
from issuer.outputs import find_folder
from issuer.profile import ANY_DAY, InstitutionFile, parse_institution_file
from issuer.rendering.document import Typesetter
from issuer.rendering.pades import PdfSeal, issue_seal
from issuer.store import DeskStore, DocumentBytes, StoredDocument
from issuer.tables import DocumentState
from ledger.anchoring.binding import is_bound
from ledger.cli import HomeOption, JsonOption, PassphraseOption, find_given_passphrase
from ledger.console import make_progress, print_result, run_command
from ledger.core.act import ReasonCode, parse_reason
from ledger.core.errors import InputError, NotFoundError, StateError, UnavailableError
from ledger.core.event import certificate_subject
from ledger.core.ids import CertificateNumber, Digest, InstitutionId, LeafIndex, TreeSize
from ledger.core.statement import DocumentKind, IssueClaims, parse_signed_statement
from ledger.core.status import SubjectState
from ledger.core.supplement import Supplement, encode_supplement, parse_supplement
from ledger.files import PRIVATE_FILE, replace_file
from ledger.home import DEFAULT_HOME, Home, open_home
from ledger.local import read_clock
from ledger.passphrase import Passphrase
from ledger.wire import Entry

app = typer.Typer(add_completion=False)


_CHUNK: Final = 64
_PUBLIC_FILE: Final = 0o644


@app.callback()
def _group() -> None:
    """Keep `document` a word of the command line."""


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    return run_command(app, arguments, name="hengzheng")


@app.command()
def document(
    out: Annotated[Path, typer.Option("--out", help="write files below DIR/certificates")],
    numbers: Annotated[list[str] | None, typer.Argument(help="numbers of certificates")] = None,
    home: HomeOption = DEFAULT_HOME,
    institution: Annotated[
        Path | None,
        typer.Option("--institution", help="the institution's file; else the one kept in the home"),
    ] = None,
    key: Annotated[
        str, typer.Option("--key", help="name of the seal key in the keystore")
    ] = DEFAULT_SEAL_KEY,
    ledger: Annotated[
        str | None, typer.Option("--ledger", help="URL of a ledger; without it, the home's own")
    ] = None,
    passphrase_file: PassphraseOption = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="every certificate in force")] = False,
    holder: Annotated[
        bool, typer.Option("--holder", help="the holder's copy, which holds personal data")
    ] = False,
    unsigned: Annotated[bool, typer.Option("--unsigned", help="leave out the signature")] = False,
    html: Annotated[bool, typer.Option("--html", help="a page to read and print too, never signed")] = False,
    supplement: Annotated[
        Path | None,
        typer.Option(
            "--supplement", help="text file: make a supplement (补充件) that adds it to one certificate"
        ),
    ] = None,
    reason: Annotated[
        str | None, typer.Option("--reason", help=f"of a supplement: one of {', '.join(ReasonCode)}")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make certificates as PDF/A-3 with their proofs inside. Made again, they have the newest proofs.

    A supplement is made once: `amend supplement` then puts its digest into the ledger.
    """
    if bool(numbers) is every:
        raise InputError("give numbers of certificates, or --all", field="arguments")
    added = _read_addition(supplement, reason, numbers, other=holder or html)
    opened = open_home(home)
    passphrase = find_given_passphrase(opened, passphrase_file)
    file = parse_institution_file(
        read_institution(opened, institution), ANY_DAY if opened.development else None
    )
    seal = None if unsigned else _open_seal(opened, file, key, passphrase)
    press = _open_press(opened, file, seal)
    with _open_office(opened, file, passphrase, ledger) as office:
        wanted = office.find([CertificateNumber(number) for number in numbers or []])
        if added is not None:
            path = _print_supplement(office, wanted, press, out, added)
            print_result({"supplement": str(path), "signed": seal is not None}, as_json=as_json)
            return
        with make_progress(quiet=as_json) as progress:
            made = _print_all(office, wanted, press, out, progress, holder=holder, html=html)
    print_result({"documents": made, "signed": seal is not None, "out": str(out)}, as_json=as_json)


# --- what is printed --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Office:
    """An institution's desk, open, and its way to the ledger."""

    institution: InstitutionId
    gateway: Gateway
    store: DeskStore
    anchors: bool
    """Whether the ledger anchors at all."""

    def find(self, numbers: Sequence[CertificateNumber]) -> dict[CertificateNumber, LeafIndex]:
        """Return the leaves of the documents with these numbers; without any, of all that are in force.

        Raises:
            NotFoundError: the desk has not issued one of them.
            StateError: it is not in the log, or not in force.
        """
        found: dict[CertificateNumber, LeafIndex] = {}
        for chunk in cut(numbers or self._list_logged(), _CHUNK):
            with self.store.read() as desk:
                known = desk.find_documents(chunk)
            states = self._find_states(chunk)
            for number in dict.fromkeys(chunk):
                if numbers or is_in_force(states[number]):
                    require_in_force(number, states[number])
                    found[number] = _require_leaf(number, known.get(number))
        return found

    def fetch(
        self, leaves: Mapping[CertificateNumber, LeafIndex]
    ) -> Iterator[tuple[CertificateNumber, DocumentBytes, bytes]]:
        """Yield each document with its newest bundle.

        Raises:
            UnavailableError: the ledger has not anchored one of them.
        """
        with self.store.read() as desk:
            stored = {number: desk.fetch(number) for number in leaves}
        if self.anchors:
            _require_anchored(leaves, self.gateway.ledger.anchored_size())
        bundles = self.gateway.ledger.bundles(
            {
                leaf: Entry(stored[number].statement, stored[number].certificate)
                for number, leaf in leaves.items()
            }
        )
        for number, leaf in leaves.items():
            if leaf not in bundles:
                raise UnavailableError(f"the ledger has no proofs of {number} so far; try again later")
            yield number, stored[number], bundles[leaf]

    def _list_logged(self) -> list[CertificateNumber]:
        with self.store.read() as desk:
            return [found.number for found in desk.list_documents(DocumentState.LOGGED)]

    def _find_states(
        self, numbers: Sequence[CertificateNumber]
    ) -> dict[CertificateNumber, SubjectState | None]:
        subjects = {number: certificate_subject(self.institution, number) for number in numbers}
        states = self.gateway.find_states(list(subjects.values()))
        return {number: states.get(subject) for number, subject in subjects.items()}


def _require_leaf(number: CertificateNumber, found: StoredDocument | None) -> LeafIndex:
    if found is None:
        raise NotFoundError(f"the desk has no document {number}")
    if found.leaf_index is None:
        raise StateError(f"{number} is not in the log: {found.reason or 'issue hands it in again'}")
    return found.leaf_index


def _require_anchored(leaves: Mapping[CertificateNumber, LeafIndex], anchored_size: TreeSize) -> None:
    late = [number for number, leaf in leaves.items() if leaf >= anchored_size]
    if late:
        raise UnavailableError(f"{late[0]} is not anchored so far: `hengzheng anchor` first")


def _print_all(
    office: _Office,
    wanted: Mapping[CertificateNumber, LeafIndex],
    press: Press,
    out: Path,
    progress: Progress,
    *,
    holder: bool,
    html: bool,
) -> int:
    """Write all documents, each whole or not at all, and return how many."""
    task = progress.add_task("documents", total=len(wanted))
    mode = PRIVATE_FILE if holder else _PUBLIC_FILE
    for chunk in cut(wanted.items(), _CHUNK):
        for number, stored, bundle in office.fetch(dict(chunk)):
            folder = find_folder(out, number)
            folder.mkdir(parents=True, exist_ok=True)
            name = _name_file(stored, holder=holder, signed=press.seal is not None)
            pdf = press.print_document(stored, bundle, read_clock(), holder=holder)
            replace_file(folder / name, pdf, mode=mode)
            if html:
                page = press.print_page(stored, holder=holder)
                replace_file(
                    (folder / name.removesuffix("-unsigned.pdf")).with_suffix(".html"), page, mode=mode
                )
            progress.advance(task)
    return len(wanted)


@dataclass(frozen=True, slots=True)
class _Addition:
    """What a supplement adds, and why."""

    paragraphs: tuple[str, ...]
    reason: ReasonCode


def _read_addition(
    path: Path | None, reason: str | None, numbers: Sequence[str] | None, *, other: bool
) -> _Addition | None:
    """Read what is added: every line that is not empty is a paragraph."""
    if path is None:
        if reason is not None:
            raise InputError("belongs to a supplement", field="--reason")
        return None
    if reason is None:
        raise InputError("needed for a supplement", field="--reason")
    if len(numbers or []) != 1 or other:
        raise InputError("a supplement is to one certificate, and has no other form", field="--supplement")
    code = parse_reason(reason, "--reason")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as err:
        raise InputError(f"{path} cannot be read as UTF-8 text", field="--supplement") from err
    lines = tuple(line.strip() for line in text.splitlines() if line.strip())
    if not lines:
        raise InputError(f"{path} is empty: nothing is added", field="--supplement")
    return _Addition(lines, code)


def _print_supplement(
    office: _Office, wanted: Mapping[CertificateNumber, LeafIndex], press: Press, out: Path, added: _Addition
) -> Path:
    """Write a supplement, and return where; one that is there already is never replaced, as it may be logged."""
    ((number, stored, bundle),) = office.fetch(wanted)
    now = read_clock()
    supplement = Supplement(
        issuer=office.institution,
        number=number,
        certificate_digest=Digest(hashlib.sha256(stored.certificate).digest()),
        reason=added.reason,
        paragraphs=added.paragraphs,
        made_on=now.astimezone(press.zone).date(),
    )
    raw = encode_supplement(supplement)
    parse_supplement(raw)
    folder, tail = find_folder(out, number), "" if press.seal is not None else "-unsigned"
    path = folder / f"supplement-{hashlib.sha256(raw).hexdigest()[:8]}{tail}.pdf"
    if path.exists():
        raise StateError(f"{path} is there already: hand that one out, and log it by `amend supplement`")
    pdf = press.print_supplement(stored, bundle, supplement, now)
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(path, pdf, mode=_PUBLIC_FILE)
    return path


def _name_file(stored: DocumentBytes, *, holder: bool, signed: bool) -> str:
    """Return the name of a PDF; what is from paper is no certificate in its name either."""
    claims = parse_signed_statement(stored.statement).statement.claims
    is_paper = isinstance(claims, IssueClaims) and claims.kind is DocumentKind.PAPER
    stem = "paper-entry" if is_paper else "certificate"
    return f"{stem}{'-holder' if holder else ''}{'' if signed else '-unsigned'}.pdf"


# --- what it is printed with ------------------------------------------------------------------------------


@contextmanager
def _open_office(
    home: Home, file: InstitutionFile, passphrase: Passphrase, url: str | None
) -> Iterator[_Office]:
    with open_gateway(home, passphrase, url) as gateway, open_desk_store(home, file, gateway) as store:
        yield _Office(file.content.id, gateway, store, anchors=url is None and is_bound(home))


def _open_seal(home: Home, file: InstitutionFile, key: str, passphrase: Passphrase) -> PdfSeal:
    signer = home.keystore.open_signer(key, passphrase)
    return issue_seal(signer, file.content.id, file.content.name.zh)


def _open_press(home: Home, file: InstitutionFile, seal: PdfSeal | None) -> Press:
    folder = home.settings.font_folder
    typesetter = Typesetter([] if folder is None else [Path(folder)])
    return Press(
        typesetter, seal, file.letterhead, home.settings.host, file.profile.zone, development=home.development
    )
