"""Commands `hengzheng instruments import` and `export`: the ledger of instruments (台账) that a desk is to verify.

>>> main(["instruments", "import", "ledger.xlsx", "--home", "H"])
0
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from issuer.batch import MAX_ROWS, InputForm, check_size, find_form
from issuer.check_report import describe_faults
from issuer.error_workbook import render_error_workbook
from issuer.faults import Fault
from issuer.instrument_store import Decision, InstrumentStore
from issuer.instruments import (
    HEADINGS,
    Comparison,
    Key,
    ListedInstrument,
    ReadInstruments,
    compare_with_known,
    parse_header,
    read_instruments,
)
from issuer.plain_tables import render_plain_csv, render_plain_xlsx, unquote_cell
from issuer.registering_cli import register
from issuer.spreadsheet import read_workbook_table
from issuer.tabular import Line, Table, read_table
from ledger.cli import HomeOption, JsonOption
from ledger.confined.runner import read_confined
from ledger.console import print_result, run_command
from ledger.core.errors import InputError
from ledger.failpoint import failpoint
from ledger.files import replace_file
from ledger.home import DEFAULT_HOME, open_home
from ledger.store.engine import Database

app = typer.Typer(add_completion=False)
instruments_app = typer.Typer(
    help="The ledger of instruments that are to be verified (台账).", no_args_is_help=True
)
app.add_typer(instruments_app, name="instruments")

instruments_app.command()(register)

_EXIT_INPUT: Final = 2
_SHEET: Final = "数据"


def main(arguments: Sequence[str]) -> int:
    """Run one of these commands and return its exit code."""
    return run_command(app, arguments, name="hengzheng")


@instruments_app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="a table, .csv or .xlsx")],
    home: HomeOption = DEFAULT_HOME,
    errors: Annotated[
        Path | None, typer.Option("--errors", help="write the rows with what is wrong, as .xlsx")
    ] = None,
    *,
    partial: Annotated[
        bool, typer.Option("--partial", help="take the good rows although others are bad")
    ] = False,
    update: Annotated[
        bool, typer.Option("--update", help="take over other details of instruments that are there already")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Add instruments to the ledger: all rows of a file, or none. The same file again changes nothing."""
    table = _read(file)
    read = read_instruments(table)
    with _open_store(home) as store:
        counts, faults = _import(store, read, partial=partial, change=update)
    if errors is not None and faults:
        replace_file(errors, render_error_workbook(table, faults))
    members: dict[str, Any] = {**counts, "as": table.source}
    if faults:
        _print_faults(file, faults, members, partial=partial, as_json=as_json)
    else:
        print_result(members, as_json=as_json)
    return _EXIT_INPUT if faults else 0


@instruments_app.command("export")
def export(
    file: Annotated[Path, typer.Argument(help="the file to write, .csv or .xlsx")],
    home: HomeOption = DEFAULT_HOME,
    *,
    as_json: JsonOption = False,
) -> None:
    """Write the ledger of instruments, in the order in which they came; what is imported again changes nothing."""
    form = _require_table(file)
    with _open_store(home) as store:
        listed = store.list_all()
    rows = [list(HEADINGS.values()), *(instrument.list_cells() for instrument in listed)]
    raw = render_plain_csv(rows) if form is InputForm.CSV else render_plain_xlsx(rows, _SHEET)
    replace_file(file, raw)
    print_result({"file": str(file), "instruments": len(listed)}, as_json=as_json)


def _import(
    store: InstrumentStore, read: ReadInstruments, *, partial: bool, change: bool
) -> tuple[dict[str, int], list[Fault]]:
    """Take a file over, unless something is wrong; in one transaction with the look at what is there."""
    found = Comparison([], [], [], [])
    faults: list[Fault] = []

    def decide(known: Mapping[Key, ListedInstrument]) -> Decision:
        nonlocal found, faults
        found = compare_with_known(read.instruments, known)
        faults = sorted([*read.faults, *([] if change else found.faults)], key=lambda fault: fault.row or 0)
        failpoint("instruments.before_commit")
        if faults and not partial:
            return Decision([], [])
        return Decision(found.new, found.changed if change else [])

    taken = store.take(decide)
    counts = {"added": len(taken.new), "changed": len(taken.changed), "unchanged": len(found.unchanged)}
    return counts, faults


def _read(path: Path) -> Table:
    form = _require_table(path)
    try:
        raw = path.read_bytes()
    except OSError as err:
        raise InputError(f"cannot be read: {err.strerror}", field=str(path)) from err
    check_size(raw)
    if form is InputForm.XLSX:
        table = read_workbook_table(raw, read_confined, header=parse_header)
        lines = list(table.lines)
    else:
        table = read_table(raw, header=parse_header)
        lines = [Line(line.number, [*map(unquote_cell, line.cells)]) for line in table.lines]
    if len(lines) > MAX_ROWS:
        raise InputError(f"the file has more than {MAX_ROWS} rows; split it", field="file")
    return replace(table, lines=lines)


def _require_table(path: Path) -> InputForm:
    form = find_form(path.name)
    if form not in {InputForm.CSV, InputForm.XLSX}:
        raise InputError("a ledger of instruments is .csv or .xlsx", field=str(path))
    return form


@contextmanager
def _open_store(home: Path) -> Iterator[InstrumentStore]:
    database = Database(open_home(home).desk_database_url)
    try:
        store = InstrumentStore(database)
        store.prepare()
        yield store
    finally:
        database.close()


def _print_faults(
    file: Path, faults: Sequence[Fault], members: dict[str, Any], *, partial: bool, as_json: bool
) -> None:
    count = len({fault.row for fault in faults})
    sentence = f"{count} bad row{'' if count == 1 else 's'}{'' if partial else '; nothing was taken over'}"
    if as_json:
        listed = describe_faults([(file, fault) for fault in faults])
        print_result({"error": sentence, **members, "faults": listed}, as_json=True)
        return
    for fault in faults:
        typer.echo(f"{file}: {fault.text}; {fault.zh}", err=True)
    typer.echo(f"error: {sentence}", err=True)
    if partial:
        print_result(members, as_json=False)
