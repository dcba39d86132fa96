"""`hengzheng query`: what auditors ask of a ledger, straight from its database; nothing is written to the log.

Rows go to stdout, page by page, so that any number of them takes the same memory. The catalogue that answers lies
beside the log and is brought up to date first.

>>> main(["query", "--home", "hengzheng-home", "--category", "TAXIMETER", "--status", "SUSPENDED"])
leaf_index,event,...
"""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from typing import Annotated, Final

import orjson
import typer

from api.auditing import (
    MAX_PROVED,
    Auditor,
    Form,
    Question,
    encode_csv,
    encode_jsonl,
    parse_question,
    write_rows,
)
from ledger.catalogue.catalogue import Catalogue
from ledger.cli import HomeOption
from ledger.console import make_progress, run_command
from ledger.core.errors import InputError
from ledger.home import DEFAULT_HOME, Home, lock_catalogue, open_home
from ledger.local import read_clock
from ledger.proving import Prover
from ledger.receipts import Receipts
from ledger.store.engine import Database
from ledger.store.migrations import require_current
from ledger.store.unit_of_work import SqlStore
from verifier.checks import find_stated_status

app = typer.Typer(add_completion=False)

PAGE: Final = 10_000
"""Rows that are read at a time."""


@app.callback()
def _group() -> None:
    """Keep `query` a word of the command line."""


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    return run_command(app, arguments, name="hengzheng")


@app.command()
def query(
    home: HomeOption = DEFAULT_HOME,
    institution: Annotated[str | None, typer.Option(help="id of an institution")] = None,
    category: Annotated[str | None, typer.Option(help="category of instruments, as TAXIMETER")] = None,
    event: Annotated[str | None, typer.Option(help="what happened, as ISSUE or SUSPEND")] = None,
    region: Annotated[
        str | None, typer.Option(help="first digits of the institution's division code")
    ] = None,
    status: Annotated[
        str | None, typer.Option(help="of the certificate, as SUSPENDED; VOID: no effect")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(metavar="DATE", help="as things stood when this day ended")
    ] = None,
    verified_from: Annotated[str | None, typer.Option(metavar="DATE", help="first verification date")] = None,
    verified_to: Annotated[str | None, typer.Option(metavar="DATE", help="last verification date")] = None,
    sequenced_from: Annotated[str | None, typer.Option(metavar="DATE", help="first day in the log")] = None,
    sequenced_to: Annotated[str | None, typer.Option(metavar="DATE", help="last day in the log")] = None,
    used: Annotated[
        str | None,
        typer.Option(help="named by the certificate, as standard/350000-01/350000-03"),
    ] = None,
    output: Annotated[Form | None, typer.Option("--format", help="csv if nothing else is said")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="most rows; all if nothing is said")] = None,
    *,
    proof: Annotated[bool, typer.Option("--proof", help="every row with its proof")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """List what the log holds: filtered, as it stands now or stood on a day, with proofs if asked. Needs no key."""
    words = {
        "institution": institution,
        "category": category,
        "event": event,
        "region": region,
        "status": status,
        "as_of": as_of,
        "verified_from": verified_from,
        "verified_to": verified_to,
        "sequenced_from": sequenced_from,
        "sequenced_to": sequenced_to,
        "used": used,
    }
    form = _choose_form(output, as_json=as_json)
    with open_auditor(open_home(home)) as auditor:
        with make_progress(quiet=as_json) as progress:
            task = progress.add_task("catalogue", total=None)
            auditor.follow(lambda done, of_all: progress.update(task, completed=done, total=of_all))
        given = {name: value for name, value in words.items() if value is not None}
        question = parse_question(given, auditor, field=_name)
        page = MAX_PROVED if proof else PAGE
        try:
            _print_all(auditor, replace(question, limit=page, proof=proof, form=form), limit)
        except BrokenPipeError:  # as `| head` does it: who reads has read enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def open_auditor(home: Home) -> Iterator[Auditor]:
    """Open a home's log for reading, and its catalogue; no key is needed.

    Raises:
        StateError: a database is not of this log, or not of this version.
        UnavailableError: a database is out of reach.
    """
    with (
        closing(Database(home.database_url)) as database,
        closing(Database(home.audit_database_url)) as audit,
    ):
        require_current(database)
        store = SqlStore(database)
        catalogue = Catalogue(
            store, audit, home.origin, find_stated_status, alone=partial(lock_catalogue, home)
        )
        prover = Prover(store, home.origin)
        yield Auditor(catalogue, prover, Receipts(store), home.zone, read_clock, time.monotonic)


def _name(parameter: str) -> str:
    """Return how a parameter is called on the command line."""
    return f"--{parameter.replace('_', '-')}"


def _choose_form(output: Form | None, *, as_json: bool) -> Form:
    if as_json and output not in {None, Form.JSON}:
        raise InputError("--json prints one JSON object, and no other format", field="--format")
    return Form.JSON if as_json else output or Form.CSV


def _print_all(auditor: Auditor, question: Question, limit: int | None) -> None:
    """Print every page, as it comes."""
    out, left, is_first = sys.stdout, limit, True
    if question.form is Form.JSON:
        out.write(f'{{"tree_size": {question.view.tree_size}, "entries": [')
    later: Question | None = question
    while later is not None and left != 0:
        asked = later if left is None else replace(later, limit=min(later.limit, left))
        page = auditor.read(asked)
        rows = write_rows(auditor, page, proof=question.proof)
        match question.form:
            case Form.CSV:
                out.write(encode_csv(rows, proof=question.proof, title=is_first).decode())
            case Form.JSONL:
                out.write(encode_jsonl(rows).decode())
            case Form.JSON:
                lines = [orjson.dumps(members).decode() for members in rows]
                out.write(("" if is_first or not lines else ", ") + ", ".join(lines))
        left, later, is_first = None if left is None else left - len(page), asked.after_page(page), False
    out.write("]}\n" if question.form is Form.JSON else "")
    out.flush()
