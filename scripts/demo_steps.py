#!/usr/bin/env python3
"""The demonstration, step by step, with the commands that a user would type.

Everything lies below one folder and may be run again, also on another day: what was issued is recognised, and
nothing is issued twice.
"""

import argparse
import json
import shlex
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from api.cli import main as hengzheng
from issuer.profile import parse_authority_file, parse_institution_file
from ledger.core.authority import (
    KeyContent,
    RegisterState,
    encode_authority_content,
    encode_institution_content,
    encode_key_content,
    encode_scope_content,
)
from ledger.core.bundle import parse_bundle
from ledger.core.data import load_rule_book
from ledger.core.policy import parse_policy
from ledger.core.qr import LongForm, parse_qr_text
from ledger.core.step import Verdict
from ledger.core.trust import parse_trust_list
from ledger.files import replace_file
from ledger.home import open_home
from ledger.node import open_node
from verifier.chain import look_at_contract
from verifier.picture import read_qr_picture
from verifier.report import DocumentStatus, Report
from verifier.session import Session
from verifier.verify import ChainLook, verify_bundle, verify_statement_alone

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
ZONE = ZoneInfo("Asia/Shanghai")
HOST = "localhost:8000"
SHOWN_ROWS = 36
console = Console(soft_wrap=True, highlight=False)


@dataclass(frozen=True, slots=True)
class Row:
    """What the checks of one document said."""

    number: str
    instrument: str
    serial: str
    qr: Report | None
    offline: Report
    on_chain: Report


def main() -> int:
    """Run the demonstration and return 0 if everything came out as it should."""
    parser = argparse.ArgumentParser(description="Issue, anchor and check the examples.")
    parser.add_argument("--out", type=Path, default=Path("demo-out"), help="folder (default: %(default)s)")
    parser.add_argument("--serve", action="store_true", help="serve the pages afterwards, until stopped")
    options = parser.parse_args()
    started = time.monotonic()
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    home = out / "home"
    day = find_base_date(out)
    run("init", "--home", home, "--development", "--host", HOST)
    with open_node(open_home(home)) as url:
        run("chain", "deploy", "--home", home)
        set_up_authority(out, home, day)
        inputs = sorted(EXAMPLES.glob("*.jsonl")) + sorted(EXAMPLES.glob("*.csv"))
        institution = ("--institution", EXAMPLES / "institution.json")
        run("issue", *inputs, "--home", home, *institution, "--base-date", day, "--out", out, "--anchor")
        for name in ("policy.json", "trust.json"):
            shutil.copyfile(home / name, out / name)
        console.print("\nchecking every QR picture offline, every bundle offline and against the chain ...")
        rows = list(check_everything(out, url))
    print_table(rows)
    good = all(is_as_it_should_be(row) for row in rows)
    print_files(out, rows, seconds=time.monotonic() - started, good=good)
    if options.serve:
        return hengzheng(["serve", "all", "--home", str(home), "--port", HOST.rpartition(":")[2]])
    return 0 if good else 1


def run(*words: object) -> None:
    """Run a command as a user would; stop where it fails."""
    arguments = [str(word) for word in words]
    console.print(f"\n$ hengzheng {shlex.join(arguments)}", markup=False)
    code = hengzheng(arguments)
    if code:
        sys.exit(code)


def find_base_date(out: Path) -> date:
    """Return day 0 of the examples: today at the first run, the same ever after."""
    path = out / "demo.json"
    if not path.exists():
        today = datetime.now(UTC).astimezone(ZONE).date()
        replace_file(path, json.dumps({"base_date": today.isoformat()}).encode())
    return date.fromisoformat(json.loads(path.read_bytes())["base_date"])


def set_up_authority(out: Path, home: Path, day: date) -> None:
    """Root, authority, institution, its seal key and scope: each drafted, endorsed, signed; then all submitted."""
    folder = out / "authority"
    folder.mkdir(exist_ok=True)
    for name in ("root", "authority", "seal"):
        run("authority", "keygen", name, "--home", home)
    keys = {name: open_home(home).keystore.label(name).public_key for name in ("authority", "seal")}
    authority = parse_authority_file((EXAMPLES / "authority.json").read_bytes(), keys["authority"], day)
    institution = parse_institution_file((EXAMPLES / "institution.json").read_bytes(), day)
    key = KeyContent(institution.content.id, keys["seal"], RegisterState.ACTIVE)
    decisions = [
        ("delegate", "ROOT", encode_authority_content(authority), ["root", "authority"], "root"),
        ("institution", authority.id, encode_institution_content(institution.content), [], "authority"),
        ("key", authority.id, encode_key_content(key), ["seal"], "authority"),
    ]
    decisions += [
        ("scope", authority.id, encode_scope_content(scope), [], "authority") for scope in institution.scopes
    ]
    statements = [decide_root(folder, home)]
    for number, decision in enumerate(decisions, start=1):
        statements.append(decide(folder, home, number, *decision))
    run("authority", "submit", *statements, "--home", home)


def decide_root(folder: Path, home: Path) -> Path:
    """Leaf 0, unless it has been signed already."""
    draft, statement = folder / "0-root.json", folder / "0-root.statement"
    if not statement.exists():
        run("authority", "root", "--root-key", "root", "--home", home, "--out", draft)
        run("authority", "endorse", draft, "--key", "root", "--home", home)
        run("authority", "sign", draft, "--key", "root", "--home", home, "--out", statement)
    return statement


def decide(
    folder: Path,
    home: Path,
    number: int,
    event: str,
    issuer: str,
    content: bytes,
    endorsers: Sequence[str],
    signer: str,
) -> Path:
    """One decision, unless it has been signed already: a statement is never signed twice with other words."""
    name = f"{number}-{event}"
    draft, statement = folder / f"{name}.json", folder / f"{name}.statement"
    if not statement.exists():
        replace_file(folder / f"{name}.content.json", content)
        source = folder / f"{name}.content.json"
        run("authority", "draft", event, source, "--issuer", issuer, "--home", home, "--out", draft)
        for key in endorsers:
            run("authority", "endorse", draft, "--key", key, "--home", home)
        run("authority", "sign", draft, "--key", signer, "--home", home, "--out", statement)
    return statement


def check_everything(out: Path, url: str) -> Iterator[Row]:
    """Check each document three ways, with nothing but the files in the folder and the chain."""
    policy = parse_policy((out / "policy.json").read_bytes())
    session = Session(policy, load_rule_book(), parse_trust_list((out / "trust.json").read_bytes()))
    look = remember(look_at_contract(url, policy))
    now = datetime.now(UTC)
    for folder in sorted((out / "certificates").iterdir()):
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


def remember(look: ChainLook) -> ChainLook:
    """Look at each checkpoint once."""
    seen = {}

    def look_once(checkpoint):  # noqa: ANN001, ANN202 -- as ChainLook
        if checkpoint not in seen:
            seen[checkpoint] = look(checkpoint)
        return seen[checkpoint]

    return look_once


def is_as_it_should_be(row: Row) -> bool:
    """Certificates are VALID; rejection notices are authentic, FAILED and not to be relied on."""
    reports = (row.offline, row.on_chain)
    genuine = all(report.authentic for report in reports) and (row.qr is None or row.qr.authentic)
    if row.offline.status is DocumentStatus.FAILED:
        return genuine and all(report.verdict is Verdict.INVALID for report in reports)
    return genuine and all(report.verdict is Verdict.VALID for report in reports)


def print_table(rows: Sequence[Row]) -> None:
    """Print the first rows one by one, the rest counted."""
    table = Table()
    for title in (
        "number",
        "instrument",
        "serial",
        "QR, offline",
        "bundle, offline",
        "bundle, chain",
        "status",
    ):
        table.add_column(title)
    for row in rows[:SHOWN_ROWS]:
        table.add_row(row.number, row.instrument, row.serial, *describe(row))
    for outcome, count in Counter(describe(row) for row in rows[SHOWN_ROWS:]).items():
        table.add_row(f"{count} more", "", "", *outcome)
    Console(width=132, highlight=False).print(table)


def describe(row: Row) -> tuple[str, str, str, str]:
    """Return the cells of a row: what each check said, and the document's state."""
    qr = "short code" if row.qr is None else "authentic" if row.qr.authentic else "NOT AUTHENTIC"
    status = "-" if row.offline.status is None else row.offline.status.value
    return qr, row.offline.verdict.value, row.on_chain.verdict.value, status


def print_files(out: Path, rows: Sequence[Row], *, seconds: float, good: bool) -> None:
    """Say where things lie, and how it ended."""
    failed = sum(row.offline.status is DocumentStatus.FAILED for row in rows)
    console.print(f"{len(rows)} documents, of which {failed} rejection notices, in {seconds:.0f} s")
    console.print(f"certificates, bundles, QR pictures: {out}/certificates/<number>/")
    console.print(f"what to believe: {out}/policy.json and {out}/trust.json")
    first = min((out / "certificates").iterdir()) / "bundle.json"
    console.print(f"try: .venv/bin/hengzheng verify {first} --policy {out}/policy.json", markup=False)
    console.print("all as it should be" if good else "NOT as it should be: see the table")


if __name__ == "__main__":
    sys.exit(main())
