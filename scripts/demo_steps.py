#!/usr/bin/env python3
"""The demonstration, step by step, with the commands that a user would type.

Everything lies below one folder and may be run again, also on another day: what was issued is recognised, and
nothing is issued twice.
"""

import argparse
import io
import json
import shlex
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import nullcontext, redirect_stdout
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from api.cli import main as hengzheng
from issuer.day_offset import resolve_date
from issuer.profile import parse_authority_file, parse_institution_file
from ledger.console import escape_what_cannot_be_printed
from ledger.core.authority import (
    KeyContent,
    Register,
    encode_authority_content,
    encode_institution_content,
    encode_key_content,
)
from ledger.core.bundle import parse_bundle
from ledger.core.canonical import JsonObject, as_object, encode_canonical_json
from ledger.core.data import load_rule_book
from ledger.core.policy import parse_policy
from ledger.core.qr import LongForm, compute_code, parse_qr_text
from ledger.core.register_fields import RegisterState
from ledger.core.scope import encode_scope_content
from ledger.core.step import Verdict
from ledger.core.trust import parse_trust_list
from ledger.files import replace_file
from ledger.home import open_home
from ledger.node import open_node
from verifier.chain import look_at_contract
from verifier.picture import read_qr_picture
from verifier.report import DocumentStatus, Report
from verifier.session import Session
from verifier.verify import verify_bundle, verify_statement_alone

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
ZONE = ZoneInfo("Asia/Shanghai")
HOST = "localhost:8000"
SHOWN_ROWS = 3
TRACEABILITY_ROOT = "FJIM"
"""The provincial institute, from whose certificates the values of the examples' standards come."""
DOCUMENTS = 20
"""How many certificates are made as PDF and as DCC XML too."""
WITNESSES = 7
"""BLS keys of the home itself, which certify its checkpoints: they show the form, they witness nothing."""
TITLES = ("number", "instrument", "serial", "QR, offline", "bundle, offline", "bundle, chain", "status")
console = Console(soft_wrap=True, highlight=False, markup=False)


@dataclass(frozen=True, slots=True)
class Row:
    """What the checks of one document said."""

    number: str
    instrument: str
    serial: str
    qr: Report | None
    offline: Report
    on_chain: Report


class Stage:
    """The folder of one demonstration, and the commands that are run in it."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.home = out / "home"
        self.commands = out / "commands.txt"
        out.mkdir(parents=True, exist_ok=True)
        self.commands.write_text("", encoding="utf-8")
        self.day = find_base_date(out)

    def run(self, *words: object, quiet: bool = False) -> str:
        """Run a command as a user would, and write it down; stop where it fails. Return what it said, if quiet."""
        arguments = [str(word) for word in words]
        command = f"hengzheng {shlex.join(arguments)}"
        with self.commands.open("a", encoding="utf-8") as file:
            file.write(f"{command}\n")
        if not quiet:
            console.print(f"$ {command}")
        said = io.StringIO()
        with redirect_stdout(said) if quiet else nullcontext():
            code = hengzheng(arguments)
        if code:
            sys.stdout.write(said.getvalue())
            sys.exit(code)
        return said.getvalue()


def main() -> int:
    """Run the demonstration and return 0 if everything came out as it should."""
    parser = argparse.ArgumentParser(description="Issue, anchor and check the examples.")
    parser.add_argument("--out", type=Path, default=Path("demo-out"), help="folder (default: %(default)s)")
    parser.add_argument("--serve", action="store_true", help="serve the pages afterwards, until stopped")
    options = parser.parse_args()
    escape_what_cannot_be_printed()
    started = time.monotonic()
    stage = Stage(options.out)
    rows = play(stage)
    print_table(rows)
    good = all(is_as_it_should_be(row) for row in rows)
    print_files(stage, rows, seconds=time.monotonic() - started)
    console.print("All as it should be." if good else "NOT as it should be: see the table.", style="bold")
    if options.serve and good:
        return serve(stage)
    return 0 if good else 1


def play(stage: Stage) -> list[Row]:
    """Go from an empty folder to documents that anybody can check, and check them."""
    home = stage.home
    say("1. A home: keys, settings, databases, and seven small witnesses' keys for show")
    witnessing = ("--development-witnesses", WITNESSES)
    believing = ("--traceability-root", TRACEABILITY_ROOT)
    stage.run("init", "--home", home, "--development", "--host", HOST, *witnessing, *believing)
    with open_node(open_home(home)) as url:
        say("2. The contract on the development chain, and this log in it")
        stage.run("chain", "deploy", "--home", home)
        say(
            "3. Root, authority, institution, its seal key, scope, persons and standards: drafted, endorsed, signed"
        )
        set_up_authority(stage)
        say("4. Certificates: checked, numbered, sealed, logged, anchored")
        inputs = [
            shorten(path) for path in (*sorted(EXAMPLES.glob("*.jsonl")), *sorted(EXAMPLES.glob("*.csv")))
        ]
        issuing = ("--home", home, "--institution", shorten(EXAMPLES / "institution.json"))
        stage.run("issue", *inputs, *issuing, "--base-date", stage.day, "--out", stage.out, "--anchor")
        for name in ("policy.json", "trust.json"):
            shutil.copyfile(home / name, stage.out / name)
        say("5. Checks: each QR picture offline, each bundle offline and against the chain")
        rows = list(check_everything(stage.out, url))
        say("6. The first certificates as PDF/A-3, signed with the seal key, and as DCC XML; one PDF checked")
        print_documents(stage)
        say("7. The whole log as files, and an audit of every file and every leaf")
        audit_log(stage, url)
        return rows


def say(sentence: str) -> None:
    """Announce a step."""
    console.print(f"\n{sentence}", style="bold")


def shorten(path: Path) -> Path:
    """Return a path as one would type it here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def serve(stage: Stage) -> int:
    """Serve pages and ledger until stopped."""
    first = parse_bundle((find_folders(stage.out)[0] / "bundle.json").read_bytes())
    console.print(f"\na page: http://{HOST}/c/{compute_code(first.statement.raw)}   (Ctrl-C stops)")
    return hengzheng(["serve", "all", "--home", str(stage.home), "--port", HOST.rpartition(":")[2]])


def find_base_date(out: Path) -> date:
    """Return day 0 of the examples: today at the first run, the same ever after."""
    path = out / "demo.json"
    if not path.exists():
        today = datetime.now(UTC).astimezone(ZONE).date()
        replace_file(path, json.dumps({"base_date": today.isoformat()}).encode())
    return date.fromisoformat(json.loads(path.read_bytes())["base_date"])


def set_up_authority(stage: Stage) -> None:
    """Root, authority, institution, its seal key and scope: each drafted, endorsed, signed; then all submitted."""
    folder, home, day = stage.out / "authority", stage.home, stage.day
    folder.mkdir(exist_ok=True)
    for name in ("root", "authority", "seal"):
        stage.run("authority", "keygen", name, "--home", home, quiet=True)
    keys = {name: open_home(home).keystore.label(name).public_key for name in ("authority", "seal")}
    authority = parse_authority_file((EXAMPLES / "authority.json").read_bytes(), keys["authority"], day)
    institution = parse_institution_file((EXAMPLES / "institution.json").read_bytes(), day)
    whole = replace(institution.content, registers=frozenset({Register.PERSON, Register.STANDARD}))
    key = KeyContent(institution.content.id, keys["seal"], RegisterState.ACTIVE)
    decisions = [
        ("delegate", "ROOT", encode_authority_content(authority), ["root", "authority"], "root"),
        ("institution", authority.id, encode_institution_content(whole), [], "authority"),
        ("key", authority.id, encode_key_content(key), ["seal"], "authority"),
    ]
    decisions += [
        ("scope", authority.id, encode_scope_content(scope), [], "authority") for scope in institution.scopes
    ]
    decisions += [
        (event, authority.id, content, [], "authority") for event, content in list_registered(whole.id, day)
    ]
    statements = [decide_root(stage, folder)]
    for number, decision in enumerate(decisions, start=1):
        statements.append(decide(stage, folder / f"{number}-{decision[0]}", *decision))
    console.print(f"(every command stands in {stage.commands})")
    stage.run("authority", "submit", *statements, "--home", home)


def list_registered(institution: str, day: date) -> Iterator[tuple[str, bytes]]:
    """Return what the authority registers beside: the persons and standards of an institution, approved types."""
    groups = json.loads((EXAMPLES / "registers.json").read_bytes())
    for event, members in groups.items():
        for content in members:
            own = {} if event == "type-approval" else {"institution": institution}
            yield event, encode_canonical_json(place_days(content, day) | own)


def place_days(value: JsonObject, day: date) -> JsonObject:
    """Return a content with dates in the places of day offsets, and with them in its list of instruments."""
    placed = {
        name: resolve_date(item, name, day) if isinstance(item, dict) and "day" in item else item
        for name, item in value.items()
    }
    instruments = placed.get("instruments")
    if isinstance(instruments, list):
        placed["instruments"] = [place_days(as_object(item), day) for item in instruments]
    return placed


def decide_root(stage: Stage, folder: Path) -> Path:
    """Leaf 0, unless it has been signed already."""
    draft, statement = folder / "0-root.json", folder / "0-root.statement"
    if not statement.exists():
        words = ("--root-key", "root", "--home", stage.home, "--out", draft)
        stage.run("authority", "root", *words, quiet=True)
        sign(stage, draft, ["root"], "root")
    return statement


def decide(
    stage: Stage, path: Path, event: str, issuer: str, content: bytes, endorsers: Sequence[str], signer: str
) -> Path:
    """One decision, unless it has been signed already: a statement is never signed twice with other words."""
    draft, source, statement = (path.with_suffix(suffix) for suffix in (".json", ".content", ".statement"))
    if not statement.exists():
        replace_file(source, content)
        words = ("--issuer", issuer, "--home", stage.home, "--out", draft)
        stage.run("authority", "draft", event, source, *words, quiet=True)
        sign(stage, draft, endorsers, signer)
    return statement


def sign(stage: Stage, draft: Path, endorsers: Sequence[str], signer: str) -> None:
    """Endorse a draft with some keys, and sign it with one."""
    for key in endorsers:
        stage.run("authority", "endorse", draft, "--key", key, "--home", stage.home, quiet=True)
    words = ("--key", signer, "--home", stage.home, "--out", draft.with_suffix(".statement"))
    stage.run("authority", "sign", draft, *words, quiet=True)


def check_everything(out: Path, url: str) -> Iterator[Row]:
    """Check each document three ways, with nothing but the files in the folder and the chain."""
    policy = parse_policy((out / "policy.json").read_bytes())
    session = Session(policy, load_rule_book(), parse_trust_list((out / "trust.json").read_bytes()))
    look = look_at_contract(url, policy)
    now = datetime.now(UTC)
    for folder in find_folders(out):
        bundle = parse_bundle((folder / "bundle.json").read_bytes())
        printed = parse_qr_text(read_qr_picture((folder / "qr.png").read_bytes()), host=HOST)
        record = bundle.certificate.record
        yield Row(
            record.number,
            record.instrument.name,
            record.instrument.serial,
            verify_statement_alone(printed.statement, session, now)
            if isinstance(printed, LongForm)
            else None,
            verify_bundle(bundle, session, now),
            verify_bundle(bundle, session, now, look),
        )


def print_documents(stage: Stage) -> None:
    """Make the first certificates as PDF and DCC XML; check the first PDF with what is in the folder alone."""
    folders = find_folders(stage.out)[:DOCUMENTS]
    numbers = [
        parse_bundle((folder / "bundle.json").read_bytes()).certificate.record.number for folder in folders
    ]
    stage.run("document", *numbers, "--home", stage.home, "--out", stage.out)
    stage.run("dcc", "export", *numbers, "--home", stage.home, "--out", stage.out, quiet=True)
    path = folders[0] / "certificate.pdf"
    told = stage.run("verify", path, "--policy", stage.out / "policy.json", "--json", quiet=True)
    console.print(f"{path}: {json.loads(told)['verdict']}")


def audit_log(stage: Stage, url: str) -> None:
    """Export the log and replay it, with nothing but the files in the folder and the chain."""
    out = stage.out
    stage.run("log", "export", out / "log", "--home", stage.home, quiet=True)
    options = ("--chain", url, "--documents", out / "certificates")
    told = stage.run(
        "audit", "--from", out / "log", "--policy", out / "policy.json", *options, "--json", quiet=True
    )
    found = json.loads(told)
    console.print(
        f"{found['entries']} entries replayed, {len(found['contradictions'])} contradictions; "
        f"{found['anchors']['seen']} of {found['anchors']['receipts']} anchors seen in the contract, "
        f"{found['documents']['checked']} documents as logged"
    )


def find_folders(out: Path) -> list[Path]:
    """Return the folder of every document, by number."""
    return sorted((out / "certificates").iterdir())


def is_as_it_should_be(row: Row) -> bool:
    """Certificates are VALID; rejection notices are authentic, FAILED and not to be relied on."""
    reports = (row.offline, row.on_chain)
    genuine = all(report.authentic for report in reports) and (row.qr is None or row.qr.authentic)
    if row.offline.status is DocumentStatus.FAILED:
        return genuine and all(report.verdict is Verdict.INVALID for report in reports)
    return genuine and all(report.verdict is Verdict.VALID for report in reports)


def print_table(rows: Sequence[Row]) -> None:
    """Print the first documents of each kind of instrument, whatever is not VALID, and count the rest."""
    table = Table()
    for title in TITLES:
        table.add_column(title)
    for instrument in dict.fromkeys(row.instrument for row in rows):
        found = [row for row in rows if row.instrument == instrument]
        shown = [row for place, row in enumerate(found) if place < SHOWN_ROWS or is_unusual(row)]
        for row in shown:
            table.add_row(row.number, row.instrument, row.serial, *describe(row))
        for outcome, count in Counter(describe(row) for row in found if row not in shown).items():
            table.add_row(f"{count} more", instrument, "", *outcome)
        table.add_section()
    Console(width=110, highlight=False).print(table)


def is_unusual(row: Row) -> bool:
    """Say whether a document deserves a line of its own."""
    return row.offline.verdict is not Verdict.VALID or row.on_chain.verdict is not Verdict.VALID


def describe(row: Row) -> tuple[str, str, str, str]:
    """Return the cells of a row: what each check said, and the document's state."""
    qr = "short code" if row.qr is None else "authentic" if row.qr.authentic else "NOT AUTHENTIC"
    status = "-" if row.offline.status is None else row.offline.status.value
    return qr, row.offline.verdict.value, row.on_chain.verdict.value, status


def print_files(stage: Stage, rows: Sequence[Row], *, seconds: float) -> None:
    """Say where things lie."""
    out = stage.out
    failed = sum(row.offline.status is DocumentStatus.FAILED for row in rows)
    first = find_folders(out)[0] / "bundle.json"
    console.print(
        f"{len(rows)} documents; {failed} are genuine rejection notices: do not rely on these instruments"
    )
    console.print(f"took              {seconds:.0f} s")
    console.print(
        f"each document     {out}/certificates/<number>/{{certificate.json,bundle.json,qr.png,qr.svg}}"
    )
    console.print(f"the first {DOCUMENTS}      certificate.pdf, signed, and certificate.dcc.xml beside them")
    console.print(f"what to believe   {out}/policy.json, {out}/trust.json")
    console.print(f"the whole log     {out}/log (C2SP tlog-tiles; any static server can serve it)")
    console.print(f"try               .venv/bin/hengzheng verify {first} --policy {out}/policy.json")


if __name__ == "__main__":
    sys.exit(main())
