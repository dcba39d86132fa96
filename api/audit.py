"""`hengzheng audit`: replays a published log from its files alone, and asks the contract if told to.

Exit codes: 0 no contradiction; 1 the first one is named; 2 no such log, or another than the policy's; 3 out of
reach, or a node cannot confirm what it was asked for.

>>> main(["audit", "--from", "log", "--policy", "policy.json"])
0
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from ledger.audit.documents import Documents
from ledger.audit.reading import FIELD, open_source
from ledger.audit.replay import ContractLook, OnProgress, audit_log
from ledger.audit.report import AuditReport, report_members
from ledger.audit.resuming import StateFile, load_key
from ledger.console import make_progress, print_result, run_command
from ledger.core.encoding import encode_hex
from ledger.core.errors import InputError
from ledger.core.policy import Policy
from ledger.files import replace_file
from verifier.cli import DEFAULT_POLICY, load_policy

app = typer.Typer(add_completion=False)

_STATE_NAME: Final = "hengzheng-audit.state"

_NAMED: Final = 20
"""VOID leaves and missing documents that people are told of one by one; JSON has all."""


@app.callback()
def _group() -> None:
    """Keep `audit` a word of the command line."""


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    return run_command(app, arguments, name="hengzheng")


@app.command()
def audit(
    place: Annotated[
        str, typer.Option(FIELD, metavar="URL|FOLDER", help="the log's server, or its exported files")
    ],
    policy: Annotated[Path, typer.Option(help="what to believe")] = DEFAULT_POLICY,
    chain: Annotated[
        str | None, typer.Option(metavar="URL", help="node at which to look every anchor up")
    ] = None,
    documents: Annotated[
        Path | None, typer.Option(help="folder of certificates to compare with their statements")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=0, max=64, help="processes beside this one that verify signatures")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="write the report for people, Chinese and English, to this file")
    ] = None,
    state: Annotated[
        Path | None, typer.Option(help="with --resume: where this is written down; usually beside the report")
    ] = None,
    *,
    resume: Annotated[
        bool, typer.Option("--resume", help="write down how far this has come, and go on from there")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> int:
    """Replay a published log: files, hashes, signatures, who may, states, anchors. Needs no key and no server."""
    if state is not None and not resume:
        raise InputError("is for --resume", field="--state")
    believed = load_policy(policy)
    look = None if chain is None else _open_chain(chain, believed)
    folder = None if documents is None else Documents(documents)
    with open_source(place) as source, _show_progress(quiet=as_json) as on_progress:
        kept = _open_state(state or _place_state(html), believed) if resume else None
        report = audit_log(source, believed, folder, look, on_progress, helpers=workers, state=kept)
    if html is not None:
        _write_page(html, report, place, believed)
    if as_json:
        print_result(report_members(report), as_json=True)
    else:
        for line in describe_report(report):
            typer.echo(line)
    return report.exit_code


def _place_state(html: Path | None) -> Path:
    return Path(_STATE_NAME) if html is None else html.with_name(f"{html.name}.state")


def _open_state(path: Path, policy: Policy) -> StateFile:
    folder = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return StateFile(path, load_key(Path(folder) / "hengzheng" / "audit.key"), policy)


def _write_page(path: Path, report: AuditReport, place: str, policy: Policy) -> None:
    from api.web.audit_page import write_page  # noqa: PLC0415 -- the templates, only when there is a page to write

    replace_file(path, write_page(report, place, policy, datetime.now(UTC)))


def describe_report(report: AuditReport) -> Iterator[str]:
    """Yield the report for people, line by line."""
    if report.development:
        yield "DEVELOPMENT ENVIRONMENT, not for real use / 开发环境，不得用于实际业务"
    found = 0 if report.contradiction is None else 1
    yield f"{report.origin}: {report.entries} entries replayed, {found} contradictions"
    if report.contradiction is not None:
        yield f"CONTRADICTION in {report.contradiction}"
        return
    if report.checkpoint is not None:
        yield f"root hash: {encode_hex(report.checkpoint.root_hash)}"
    yield f"status map: {encode_hex(report.map_root)}, stated by {report.mapheads} MAPHEADs, each right"
    yield f"void leaves: {len(report.void)}, provable and without effect"
    for leaf in report.void[:_NAMED]:
        yield f"  leaf {leaf.leaf_index}: {leaf.reason}"
    for count in report.events:
        yield f"  {count.event}: {count.effective}" + (f", and {count.void} void" if count.void else "")
    yield from _describe_anchors(report)
    yield from _describe_documents(report)


def _describe_anchors(report: AuditReport) -> Iterator[str]:
    anchors = report.anchors
    seen = "not looked up (--chain URL)" if anchors.seen is None else f"{anchors.seen} seen in the contract"
    yield f"anchors: {anchors.receipts} receipts hold, the newest of {anchors.newest_size} leaves; {seen}"
    for doubt in anchors.doubts[:_NAMED]:
        yield f"  {doubt.tree_size} leaves: {doubt.reason}"


def _describe_documents(report: AuditReport) -> Iterator[str]:
    if report.documents is None:
        yield "documents: not looked up (--documents FOLDER)"
        return
    missing = report.documents.missing
    yield f"documents: {report.documents.checked} say what their statements say, {len(missing)} are not there"
    if missing:
        yield f"  missing: those of leaves {', '.join(map(str, missing[:_NAMED]))}"


def _open_chain(url: str, policy: Policy) -> ContractLook:
    from verifier.chain import look_at_contract  # noqa: PLC0415 -- only when asked to look at the chain

    return look_at_contract(url, policy)


@contextmanager
def _show_progress(*, quiet: bool) -> Iterator[OnProgress]:
    """Yield what moves a bar with an estimate of the time left."""
    with make_progress(quiet=quiet) as progress:
        task = progress.add_task("leaves", total=None)
        yield lambda done, of_all: progress.update(task, completed=done, total=of_all)
