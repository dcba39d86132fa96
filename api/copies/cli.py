"""`hengzheng scans`: how often codes were scanned at a site, and how many scans were of what nobody was given.

Pages that were handed out are counted, and callers as far as a day's salt tells them apart; nobody can be found
again from either.

>>> main(["scans", "--home", "hengzheng-home", "--days", "7"])
0
"""

from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import UTC, timedelta
from typing import Annotated, Any

import typer

from api.copies.rules import CodeKind, Seen
from api.copies.store import ScanStore, Tally
from api.reports.directory import Directory, read_takers
from api.reports.store import ReportStore
from ledger.cli import HomeOption, JsonOption
from ledger.console import print_result, run_command
from ledger.core.calendar_rules import days_from_date
from ledger.core.errors import StateError
from ledger.core.qr import parse_code
from ledger.home import DEFAULT_HOME, open_home
from ledger.local import read_clock
from ledger.proving import Prover
from ledger.store.engine import Database
from ledger.store.unit_of_work import SqlStore

app = typer.Typer(add_completion=False)


@app.callback()
def _group() -> None:
    """Keep `scans` a word of the command line."""


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    return run_command(app, arguments, name="hengzheng")


@app.command()
def scans(
    home: HomeOption = DEFAULT_HOME,
    code: Annotated[
        str | None, typer.Option(help="a sticker or a short code, by days; else all codes")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=400, help="so many days back, today included")] = 30,
    *,
    as_json: JsonOption = False,
) -> None:
    """Say how often codes were scanned at this home's public site."""
    opened = open_home(home)
    if not opened.settings.reports:
        raise StateError(f"{opened.path} counts no scans: nobody takes reports there (setting reports)")
    first = days_from_date(read_clock().astimezone(UTC).date() - timedelta(days=days - 1))
    with (
        closing(Database(opened.reports_database_url, moves_log=False)) as database,
        closing(Database(opened.database_url, moves_log=False)) as log,
    ):
        store = ScanStore(ReportStore(database, opened.origin), opened.origin)
        tallies = store.list_counts(first, None if code is None else parse_code(code))
        places = store.list_places(first * 24, CodeKind.ROLL)
        ledger = SqlStore(log)
        directory = Directory(ledger, Prover(ledger, opened.origin), read_takers(opened.settings.reports))
        if code is not None:
            result: dict[str, Any] = {"days": [_describe_day(one) for one in tallies]}
        else:
            known = [one for one in tallies if one.kind is not CodeKind.ROLL]
            unknown = [one for one in tallies if one.kind is CodeKind.ROLL]
            result = {
                "codes": _sum_codes(known),
                "never_given_out": _sum_unknown(unknown, directory),
                "never_given_out_places": _sum_places(places),
            }
    print_result(result, as_json=as_json)


def _describe_day(one: Tally) -> dict[str, Any]:
    day = {"kind": one.kind.value, "standing": one.standing.value, "scans": one.scans, "callers": one.callers}
    return {"days_since_1970": one.day, **day}


def _sum_codes(tallies: Iterable[Tally]) -> list[dict[str, Any]]:
    """Return each code with its sums, the most scanned first; `callers` of different days are counted anew."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for one in tallies:
        empty = {"kind": one.kind.value, "code": one.code, "standing": one.standing.value}
        row = found.setdefault((one.kind, one.code), {**empty, "scans": 0, "callers": 0})
        row["scans"] += one.scans
        row["callers"] += one.callers
    return sorted(found.values(), key=lambda row: (-row["scans"], row["code"]))


def _sum_unknown(tallies: Iterable[Tally], directory: Directory) -> list[dict[str, Any]]:
    """Return scans of what nobody was given, by the division of whose roll the id looks like."""
    found: dict[str, dict[str, Any]] = {}
    for one in tallies:
        holder = directory.find_holder(one.code)
        facts = {"institution": holder, "division": holder and directory.find_division(holder)}
        members = {name: value for name, value in facts.items() if value is not None}
        row = found.setdefault(one.code, {"roll": one.code, **members, "scans": 0, "callers": 0})
        row["scans"] += one.scans
        row["callers"] += one.callers
    return sorted(found.values(), key=lambda row: (-row["scans"], row["roll"]))


def _sum_places(places: Iterable[tuple[str, Seen]]) -> list[dict[str, Any]]:
    found: dict[str, int] = {}
    for _, one in places:
        found[str(one.cell)] = found.get(str(one.cell), 0) + one.count
    return [{"cell": cell, "callers": count} for cell, count in sorted(found.items())]
