"""Command `hengzheng desk`: a whole day of an institution's sign-off without pages.

    accept, draft, edit, look      an application, and what is written under it
    submit, check, return          operator and checker, each with their own key
    batch, show, approve, files    the approver: sample, opening, one approval for all
    correct, ask, decide           what was issued is never edited
    list, voided, requests         what there is

Whoever has a registered key signs with it: the home's keystore holds it under a passphrase of its owner, and it
is opened for this one action.

>>> main(["desk", "submit", "--all", "--person", "P-0107", "--checker", "P-0112", "--approver", "P-0003"])
0
"""

import hashlib
import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from issuer.amending import Amender
from issuer.batch import find_form, parse_common, read_input
from issuer.cli import (
    DEFAULT_SEAL_KEY,
    anchor_home,
    pair_common,
    try_to_write,
)
from issuer.drafting import read_request
from issuer.issuing import BatchReport
from issuer.rounds.binding import describe_stickers
from issuer.signing import Seal
from issuer.signoff.approving import Approver
from issuer.signoff.correcting import REQUESTED, Corrections
from issuer.signoff.office import Office, Round
from issuer.signoff.signing_off import Named, SigningOff
from issuer.signoff.states import DraftState
from issuer.signoff.store import SignOffStore
from issuer.signoff.view import (
    describe_application,
    describe_draft,
    describe_faults,
    describe_prospect,
    describe_request,
    describe_round,
    describe_voided,
    describe_whole,
)
from issuer.signoff.writing import Writer
from issuer.signoff_opening import DeskPlace, SignOffDesk, open_signoff_desk, open_signoff_memory
from issuer.store import StoredDocument
from issuer.tables import DocumentState
from ledger.cli import HomeOption, JsonOption, PassphraseOption
from ledger.confined.runner import read_confined
from ledger.console import find_exit_code, make_progress, print_result, run_command
from ledger.core.act import parse_reason
from ledger.core.canonical import JsonObject, as_object, parse_json
from ledger.core.errors import InputError, LedgerError, NotFoundError, StateError, UnavailableError
from ledger.core.ids import CertificateNumber, Digest
from ledger.core.record import Role
from ledger.home import DEFAULT_HOME
from ledger.local import read_clock

app = typer.Typer(add_completion=False)
desk_app = typer.Typer(
    help="Sign-off: from the application to the seal, and corrections; each person with their own key.",
    no_args_is_help=True,
)
app.add_typer(desk_app, name="desk")

_EXIT_INPUT: Final = 2
_MAX_FILE_BYTES: Final = 64 * 1024 * 1024
_ACTS: Final = {word: event_type for event_type, word in REQUESTED.items()}

PersonOption = Annotated[str, typer.Option("--person", help="who acts: a public pseudonym, as P-0107")]
ReasonOption = Annotated[str, typer.Option("--reason", help="why; it is kept for ever")]
IdsArgument = Annotated[list[int] | None, typer.Argument(help="ids of drafts")]
IdArgument = Annotated[int, typer.Argument(help="id of the draft")]
AllOption = Annotated[bool, typer.Option("--all", help="all that wait for this step of this person")]
KeyFileOption = Annotated[
    Path | None, typer.Option("--key-passphrase-file", help="file with the passphrase of this person's key")
]
SealOption = Annotated[str, typer.Option("--key", help="name of the seal key in the keystore")]
InstitutionOption = Annotated[
    Path | None, typer.Option("--institution", help="the institution's file; kept in the home")
]
LedgerOption = Annotated[
    str | None, typer.Option("--ledger", help="URL of a ledger; without it, the home's own")
]
BaseOption = Annotated[
    str | None, typer.Option("--base-date", help="day 0 of day offsets; development homes only")
]


def main(arguments: Sequence[str]) -> int:
    """Run one of these commands and return its exit code."""
    return run_command(app, arguments, name="hengzheng")


# --- applications and drafts --------------------------------------------------------------------------------


@desk_app.command()
def accept(
    applicant: Annotated[str, typer.Option(help="name of whoever applies")],
    what: Annotated[str, typer.Option(help="what is to be verified")],
    received_on: Annotated[str, typer.Option(help="day of the application, as 2026-11-02")],
    person: PersonOption,
    code: Annotated[str | None, typer.Option(help="unified social credit code of the applicant")] = None,
    note: Annotated[str | None, typer.Option(help="anything else worth keeping")] = None,
    request_id: Annotated[str | None, typer.Option(help="the same request again is the same one")] = None,
    home: HomeOption = DEFAULT_HOME,
    institution: InstitutionOption = None,
    ledger: LedgerOption = None,
    passphrase_file: PassphraseOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Accept an application (受理). The same again changes nothing."""
    value: JsonObject = {
        "applicant": {"name": applicant, **({} if code is None else {"code": code})},
        "what": what,
        "received_on": received_on,
        **({} if note is None else {"note": note}),
        **({} if request_id is None else {"request_id": request_id}),
    }
    where = DeskPlace(home, institution, ledger=ledger, passphrase_file=passphrase_file)
    with open_signoff_desk(where) as desk:
        accepted = Writer(desk.office).accept(value, person)
    print_result(describe_application(accepted), as_json=as_json)


@desk_app.command()
def draft(
    files: Annotated[list[Path], typer.Argument(help="documents as .json, .jsonl, .csv or .xlsx")],
    application: Annotated[int, typer.Option(help="id of the application")],
    person: PersonOption,
    common: Annotated[list[Path] | None, typer.Option(help="members that the rows of a file share")] = None,
    home: HomeOption = DEFAULT_HOME,
    institution: InstitutionOption = None,
    ledger: LedgerOption = None,
    passphrase_file: PassphraseOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Make a draft of each document; all of them, or none. The same again changes nothing."""
    where = DeskPlace(home, institution, ledger=ledger, passphrase_file=passphrase_file)
    with open_signoff_desk(where) as desk:
        values = [
            value
            for path, shared in pair_common(files, common or [])
            for value in _read_values(path, shared, desk.office)
        ]
        made = Writer(desk.office).create(values, person, application=application)
    members = {"drafts": [one.id for one in made]}
    print_result(
        members if as_json else {"drafts": len(made), "ids": _spell_ids(members["drafts"])}, as_json=as_json
    )


@desk_app.command()
def edit(
    draft_id: IdArgument,
    file: Annotated[Path, typer.Argument(help="the new content, as .json")],
    person: PersonOption,
    sequence: Annotated[int | None, typer.Option(help="the sequence that was seen; else any")] = None,
    home: HomeOption = DEFAULT_HOME,
    institution: InstitutionOption = None,
    ledger: LedgerOption = None,
    passphrase_file: PassphraseOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Give a draft another content; what it was stays readable."""
    where = DeskPlace(home, institution, ledger=ledger, passphrase_file=passphrase_file)
    with open_signoff_desk(where) as desk:
        value = as_object(parse_json(_read(file)))
        changed = Writer(desk.office).edit(draft_id, value, person, expected=sequence)
    print_result(describe_draft(changed), as_json=as_json)


@desk_app.command()
def look(
    file: Annotated[Path, typer.Argument(help="a document, as .json")],
    person: PersonOption,
    home: HomeOption = DEFAULT_HOME,
    institution: InstitutionOption = None,
    ledger: LedgerOption = None,
    passphrase_file: PassphraseOption = None,
    base_date: BaseOption = None,
    *,
    as_json: JsonOption = False,
) -> int:
    """Say everything that stands against a document now; nothing is changed."""
    where = DeskPlace(home, institution, ledger=ledger, passphrase_file=passphrase_file, base_date=base_date)
    with open_signoff_desk(where) as desk:
        faults, _ = Writer(desk.office).look(as_object(parse_json(_read(file))), person)
    if as_json:
        print_result({"faults": describe_faults(faults)}, as_json=True)
    for fault in [] if as_json else faults:
        typer.echo(f"{fault.text_zh}; {fault.text}")
    return _EXIT_INPUT if faults else 0


@desk_app.command()
def discard(
    ids: Annotated[list[int], typer.Argument(help="ids of drafts")],
    person: PersonOption,
    reason: ReasonOption,
    home: HomeOption = DEFAULT_HOME,
    institution: InstitutionOption = None,
    ledger: LedgerOption = None,
    passphrase_file: PassphraseOption = None,
    *,
    as_json: JsonOption = False,
) -> int:
    """Give drafts up; they stay readable."""
    where = DeskPlace(home, institution, ledger=ledger, passphrase_file=passphrase_file)
    with open_signoff_desk(where) as desk:
        done = Writer(desk.office).discard(ids, person, reason)
    return _print_round(done, as_json=as_json)


# --- signatures ---------------------------------------------------------------------------------------------


@desk_app.command()
def submit(
    person: PersonOption,
    checker: Annotated[str, typer.Option(help="who will check")],
    approver: Annotated[str, typer.Option(help="who will approve")],
    ids: IdsArgument = None,
    key_passphrase_file: KeyFileOption = None,
    home: HomeOption = DEFAULT_HOME,
    institution: InstitutionOption = None,
    key: SealOption = DEFAULT_SEAL_KEY,
    ledger: LedgerOption = None,
    passphrase_file: PassphraseOption = None,
    base_date: BaseOption = None,
    *,
    all_: AllOption = False,
    as_json: JsonOption = False,
) -> int:
    """Submit drafts: rules asked, numbers given, the operator's signature; nothing in them changes any more."""
    where = DeskPlace(home, institution, key, ledger, passphrase_file, base_date)
    with open_signoff_desk(where) as desk:
        chosen = _choose(desk.office.store, ids, DraftState.DRAFT, Role.OPERATOR, person, whole=all_)
        signer = desk.open_person(person, key_passphrase_file)
        done = SigningOff(desk.office).submit(chosen, signer, Named(checker, approver))
    return _print_round(done, as_json=as_json)


@desk_app.command()
def check(
    person: PersonOption,
    ids: IdsArgument = None,
    key_passphrase_file: KeyFileOption = None,
    home: HomeOption = DEFAULT_HOME,
    institution: InstitutionOption = None,
    key: SealOption = DEFAULT_SEAL_KEY,
    ledger: LedgerOption = None,
    passphrase_file: PassphraseOption = None,
    *,
    all_: AllOption = False,
    as_json: JsonOption = False,
) -> int:
    """Check drafts (核验): the gate is asked again, then the checker signs."""
    where = DeskPlace(home, institution, key, ledger, passphrase_file)
    with open_signoff_desk(where) as desk:
        chosen = _choose(desk.office.store, ids, DraftState.SUBMITTED, Role.CHECKER, person, whole=all_)
        signer = desk.open_person(person, key_passphrase_file)
        done = SigningOff(desk.office).check(chosen, signer)
    return _print_round(done, as_json=as_json)


@desk_app.command("return")
def return_(
    ids: Annotated[list[int], typer.Argument(help="ids of drafts")],
    person: PersonOption,
    reason: ReasonOption,
    home: HomeOption = DEFAULT_HOME,
    institution: InstitutionOption = None,
    ledger: LedgerOption = None,
    passphrase_file: PassphraseOption = None,
    *,
    as_json: JsonOption = False,
) -> int:
    """Return drafts to their operators (退回): their numbers are void for ever, a new revision is open."""
    where = DeskPlace(home, institution, ledger=ledger, passphrase_file=passphrase_file)
    with open_signoff_desk(where) as desk:
        done = SigningOff(desk.office).give_back(ids, person, reason)
    return _print_round(done, as_json=as_json)


@desk_app.command()
def batch(
    person: PersonOption,
    ids: IdsArgument = None,
    home: HomeOption = DEFAULT_HOME,
    institution: InstitutionOption = None,
    ledger: LedgerOption = None,
    passphrase_file: PassphraseOption = None,
    *,
    all_: AllOption = False,
    as_json: JsonOption = False,
) -> None:
    """Put checked drafts together for one approval, and draw those that must be opened first."""
    where = DeskPlace(home, institution, ledger=ledger, passphrase_file=passphrase_file)
    with open_signoff_desk(where) as desk:
        chosen = _choose(desk.office.store, ids, DraftState.CHECKED, Role.APPROVER, person, whole=all_)
        approver = Approver(desk.office)
        prospect = approver.look(approver.draw(chosen, person).id)
    print_result(describe_prospect(prospect), as_json=as_json)


@desk_app.command()
def approve(
    batch_id: Annotated[int, typer.Argument(help="id of the batch")],
    person: PersonOption,
    decided: Annotated[
        list[int] | None,
        typer.Option("--decided", help="a draft in conflict to approve all the same; repeat it"),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="write files below DIR/certificates")] = None,
    key_passphrase_file: KeyFileOption = None,
    home: HomeOption = DEFAULT_HOME,
    institution: InstitutionOption = None,
    key: SealOption = DEFAULT_SEAL_KEY,
    ledger: LedgerOption = None,
    passphrase_file: PassphraseOption = None,
    *,
    anchor: Annotated[
        bool, typer.Option("--anchor", help="anchor too; a ledger with a URL does so by itself")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Approve a batch (批准) whose sample was opened: signatures, seals, into the ledger. Again: what is left."""
    where = DeskPlace(home, institution, key, ledger, passphrase_file)
    with open_signoff_desk(where) as desk:
        signer = desk.open_person(person, key_passphrase_file)
        done = Approver(desk.office).approve(batch_id, signer, desk.open_seal(), decided=decided or ())
        numbers = [one.number for one in done.done if one.number is not None]
        trouble = done.outage or _finish(desk, numbers, out, anchor=anchor, as_json=as_json)
    members: dict[str, Any] = {}
    if done.held:
        members["held"] = dict(done.held)
    if done.voided:
        members["voided"] = dict(done.voided)
    if done.stickers:
        members["stickers"] = describe_stickers(done.stickers)
    if trouble is not None:
        members["queued_because"] = str(trouble)
    code = _print_round(done, as_json=as_json, more=members)
    if trouble is not None or done.held:
        return find_exit_code(trouble or UnavailableError(""))
    return _EXIT_INPUT if done.voided else code


@desk_app.command()
def files(
    out: Annotated[Path, typer.Option("--out", help="write files below DIR/certificates")],
    numbers: Annotated[list[str] | None, typer.Argument(help="certificate numbers")] = None,
    home: HomeOption = DEFAULT_HOME,
    institution: InstitutionOption = None,
    ledger: LedgerOption = None,
    passphrase_file: PassphraseOption = None,
    *,
    all_: Annotated[bool, typer.Option("--all", help="of every document that the ledger has")] = False,
    as_json: JsonOption = False,
) -> int:
    """Write certificate, bundle and QR code of documents that the ledger has; again: the newest proofs."""
    where = DeskPlace(home, institution, ledger=ledger, passphrase_file=passphrase_file)
    with open_signoff_desk(where) as desk:
        chosen = [CertificateNumber(number) for number in numbers or ()]
        if all_:
            with desk.office.store.read() as reading:
                chosen = [one.number for one in reading.list_documents(DocumentState.LOGGED)]
        trouble = _finish(desk, chosen, out, anchor=False, as_json=as_json)
    members: dict[str, Any] = {"documents": len(chosen)}
    if trouble is not None:
        members["queued_because"] = str(trouble)
    print_result(members, as_json=as_json)
    return 0 if trouble is None else find_exit_code(trouble)


def _finish(
    desk: SignOffDesk, numbers: Sequence[CertificateNumber], out: Path | None, *, anchor: bool, as_json: bool
) -> LedgerError | None:
    """Anchor and write, where that is asked for; return why something of it must wait."""
    trouble: UnavailableError | StateError | None = None
    if anchor and desk.passphrase is not None:
        trouble = anchor_home(desk.gateway.ledger, desk.passphrase)
    if out is None:
        return trouble
    out.mkdir(parents=True, exist_ok=True)
    with desk.office.store.read() as reading:
        found: dict[CertificateNumber, StoredDocument] = {}
        for start in range(0, len(numbers), 256):
            found |= reading.find_documents(numbers[start : start + 256])
    missing = [number for number in numbers if number not in found]
    if missing:
        raise NotFoundError(f"the desk has no document {missing[0]}")
    report = BatchReport(tuple(found[number] for number in dict.fromkeys(numbers)), None, {})
    with make_progress(quiet=as_json) as progress:
        written = try_to_write(out, desk.home, desk.office.store, desk.gateway.ledger, report, progress)
    return written or trouble


# --- corrections --------------------------------------------------------------------------------------------


@desk_app.command()
def correct(
    number: Annotated[str, typer.Argument(help="number of the certificate")],
    person: PersonOption,
    reason: Annotated[str, typer.Option("--reason", help="a reason code, as TYPO")],
    note: Annotated[str, typer.Option("--note", help="what is wrong, in one line")],
    home: HomeOption = DEFAULT_HOME,
    institution: InstitutionOption = None,
    ledger: LedgerOption = None,
    passphrase_file: PassphraseOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Begin a new document in the place of a wrong one (换发): a draft filled in from it, to be edited."""
    code = parse_reason(reason, "--reason")
    where = DeskPlace(home, institution, ledger=ledger, passphrase_file=passphrase_file)
    with open_signoff_desk(where) as desk:
        begun = Corrections(desk.office).begin(CertificateNumber(number), code, note, person)
    members: dict[str, Any] = {**describe_draft(begun.draft), "content": begun.content}
    if begun.request is not None:
        members["withdrawal"] = describe_request(begun.request)
    print_result(members, as_json=as_json)


@desk_app.command()
def ask(
    act: Annotated[str, typer.Argument(help=f"one of {', '.join(_ACTS)}")],
    number: Annotated[str, typer.Argument(help="number of the certificate")],
    person: PersonOption,
    reason: Annotated[str, typer.Option("--reason", help="a reason code, as FAILED_SPOT_CHECK")],
    note: Annotated[str, typer.Option("--note", help="what happened, in one line")],
    document: Annotated[Path | None, typer.Option("--document", help="of a supplement: the file")] = None,
    home: HomeOption = DEFAULT_HOME,
    institution: InstitutionOption = None,
    ledger: LedgerOption = None,
    passphrase_file: PassphraseOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Ask that something be done to an issued document; somebody else decides."""
    if act not in _ACTS:
        raise InputError(f"is one of {', '.join(_ACTS)}", field="act")
    digest = None if document is None else Digest(hashlib.sha256(_read(document)).digest())
    code = parse_reason(reason, "--reason")
    where = DeskPlace(home, institution, ledger=ledger, passphrase_file=passphrase_file)
    with open_signoff_desk(where) as desk:
        found = Corrections(desk.office).ask(
            _ACTS[act], CertificateNumber(number), code, note, person, digest
        )
    print_result(describe_request(found), as_json=as_json)


@desk_app.command()
def decide(
    request: Annotated[int, typer.Argument(help="id of the request")],
    person: PersonOption,
    refuse: Annotated[str | None, typer.Option("--refuse", help="refuse it, and why")] = None,
    home: HomeOption = DEFAULT_HOME,
    institution: InstitutionOption = None,
    key: SealOption = DEFAULT_SEAL_KEY,
    ledger: LedgerOption = None,
    passphrase_file: PassphraseOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Grant what somebody else has asked, and do it; or refuse it. The same again changes nothing."""
    where = DeskPlace(home, institution, key, ledger, passphrase_file)
    with open_signoff_desk(where) as desk:
        corrections = Corrections(desk.office)
        if refuse is not None:
            decided = corrections.refuse(request, person, refuse)
        else:
            decided = corrections.grant(request, person, _make_amender(desk))
        members = describe_request(decided)
        if members["act"] == "cancel" and refuse is None:
            members["for_the_authority"] = corrections.describe_cancellation(decided)
    print_result(members, as_json=as_json)


def _make_amender(desk: SignOffDesk) -> Amender:
    signer, office = desk.open_seal(), desk.office

    def make_seal() -> Seal:
        return Seal(signer, office.origin, office.profile.institution, read_clock())

    return Amender(office.store, desk.gateway, make_seal, read_clock, secrets.token_bytes)


# --- what there is ------------------------------------------------------------------------------------------


@desk_app.command("list")
def list_(
    state: Annotated[DraftState | None, typer.Option("--state", help="only drafts in this state")] = None,
    person: Annotated[str | None, typer.Option("--person", help="only those of this person")] = None,
    role: Annotated[Role | None, typer.Option("--role", help="and only in this role")] = None,
    after: Annotated[int, typer.Option(help="only beyond this id")] = 0,
    home: HomeOption = DEFAULT_HOME,
    *,
    as_json: JsonOption = False,
) -> None:
    """List drafts and where they stand, in the order of their ids."""
    with open_signoff_memory(home) as store, store.read() as reading:
        found = [
            describe_draft(one) for one in reading.list_drafts(state, role=role, person=person, after=after)
        ]
    _print_rows("drafts", found, ("draft", "state", "number", "operator", "title"), as_json=as_json)


@desk_app.command()
def show(
    draft_id: IdArgument,
    person: Annotated[str | None, typer.Option("--person", help="who looks; it is noted")] = None,
    home: HomeOption = DEFAULT_HOME,
    institution: InstitutionOption = None,
    ledger: LedgerOption = None,
    passphrase_file: PassphraseOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Show all of a draft; with --person it counts as opened by them."""
    where = DeskPlace(home, institution, ledger=ledger, passphrase_file=passphrase_file)
    with open_signoff_desk(where) as desk:
        if person is not None:
            Approver(desk.office).open(draft_id, person)
        with desk.office.store.read() as reading:
            members = describe_whole(reading, reading.fetch_draft(draft_id), desk.office)
    print_result(members, as_json=as_json)


@desk_app.command()
def voided(home: HomeOption = DEFAULT_HOME, *, as_json: JsonOption = False) -> None:
    """List the numbers that were given and will never be used (作废), with the reasons."""
    with open_signoff_memory(home) as store, store.read() as reading:
        found = [describe_voided(one) for one in reading.find_voided()]
    _print_rows("voided", found, ("number", "person", "at", "reason"), as_json=as_json)


@desk_app.command()
def requests(
    number: Annotated[str | None, typer.Argument(help="only of this certificate")] = None,
    home: HomeOption = DEFAULT_HOME,
    *,
    as_json: JsonOption = False,
) -> None:
    """List what was asked to be done to issued documents, and what was decided."""
    with open_signoff_memory(home) as store, store.read() as reading:
        wanted = None if number is None else CertificateNumber(number)
        found = [describe_request(one) for one in reading.list_requests(wanted)]
    _print_rows("requests", found, ("request", "act", "number", "state", "asked_by"), as_json=as_json)


# --- input and output ---------------------------------------------------------------------------------------


def _choose(
    store: SignOffStore,
    ids: Sequence[int] | None,
    state: DraftState,
    role: Role,
    person: str,
    *,
    whole: bool,
) -> list[int]:
    """Return the drafts that are named, or all that wait for a person's step."""
    if whole == bool(ids):
        raise InputError("name drafts, or say --all", field="arguments")
    if ids:
        return list(ids)
    found: list[int] = []
    with store.read() as reading:
        while page := reading.list_drafts(state, role=role, person=person, after=found[-1] if found else 0):
            found += [one.id for one in page]
    return found


def _read_values(path: Path, shared: Path | None, office: Office) -> Iterator[JsonObject]:
    """Yield the documents of a file; the first row that cannot be read is refused by its number.

    Each has a request id, that of the row as it was given: an office's batch import knows it by the same.
    """
    members = None if shared is None else parse_common(_read(shared))
    found = read_input(_read(path), find_form(path.name), read_confined, members, office.profile.zone)
    for row in found.rows:
        if row.error is not None or row.value is None:
            place = str(path) if row.number is None else f"{path}, row {row.number}"
            raise InputError("nothing is there" if row.error is None else str(row.error), field=place)
        yield {"request_id": read_request(row.value, office.profile.institution).id, **row.value}


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_FILE_BYTES + 1)
    except OSError as err:
        raise InputError(f"cannot be read: {err.strerror}", field=str(path)) from err
    if len(raw) > _MAX_FILE_BYTES:
        raise InputError(f"larger than {_MAX_FILE_BYTES} bytes", field=str(path))
    return raw


def _print_round(done: Round, *, as_json: bool, more: Mapping[str, Any] | None = None) -> int:
    """Print what became of several drafts; return the exit code, 2 where any was refused."""
    members = describe_round(done) | dict(more or {})
    if as_json:
        print_result(members, as_json=True)
    else:
        for one in members["refused"]:
            typer.echo(f"draft {one['draft']}: {one['error']}", err=True)
        numbers = _spell_ids([one["draft"] for one in members["done"]])
        counts = {"done": len(members["done"]), "drafts": numbers, "refused": len(members["refused"])}
        print_result(counts | dict(more or {}), as_json=False)
    return _EXIT_INPUT if done.refused else 0


def _print_rows(
    name: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool
) -> None:
    if as_json:
        print_result({name: rows}, as_json=True)
        return
    for row in rows:
        typer.echo("\t".join(str(row.get(column, "-")) for column in columns))


def _spell_ids(ids: Sequence[int]) -> str:
    """Return ids as people read them: 1-3, 7."""
    spans: list[list[int]] = []
    for id_ in sorted(set(ids)):
        if spans and spans[-1][1] == id_ - 1:
            spans[-1][1] = id_
        else:
            spans.append([id_, id_])
    return ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in spans) or "-"
