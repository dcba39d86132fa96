"""Command `hengzheng template`: an empty table to fill in, for one category of instruments.

>>> main(["template", "WATER_METER_SMALL", "--out", "meters.xlsx"])
0
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from issuer.template import DEFAULT_POINTS, build_template
from issuer.template_files import render_csv, render_xlsx
from issuer.template_kinds import build_calibration_template, build_paper_template
from ledger.cli import JsonOption
from ledger.console import print_result, run_command
from ledger.core.category import Category
from ledger.core.data import load_rule_book
from ledger.core.encoding import parse_date
from ledger.core.errors import InputError
from ledger.local import read_clock

app = typer.Typer(add_completion=False)


@app.callback()
def _group() -> None:
    """Keep `template` a word of the command line."""


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    return run_command(app, arguments, name="hengzheng")


@app.command()
def template(
    category: Annotated[str, typer.Argument(help="code of the category, as WATER_METER_SMALL, or its name")],
    out: Annotated[Path, typer.Option("--out", help="the file: .xlsx or .csv; never replaced")],
    on: Annotated[str | None, typer.Option("--on", help="day of verification, as 2026-11-02; today")] = None,
    points: Annotated[int, typer.Option(help="readings of each indication error")] = DEFAULT_POINTS,
    parts: Annotated[int, typer.Option(help="nozzles, lanes or phases with results of their own")] = 0,
    *,
    calibration: Annotated[
        bool, typer.Option("--calibration", help="for calibration certificates (校准证书)")
    ] = False,
    paper: Annotated[
        bool, typer.Option("--paper", help="for entries of paper certificates (纸质证书登记)")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a table with headings, help, drop-downs and an example, to be filled in and given to `issue`."""
    renderers = {".xlsx": render_xlsx, ".csv": render_csv}
    render = renderers.get(out.suffix.lower())
    if render is None:
        raise InputError("a template is .xlsx or .csv", field="--out")
    day = read_clock().date() if on is None else _read_day(on)
    found = _find_category(category)
    if calibration and paper:
        raise InputError("a table is for one kind of documents", field="--paper")
    if (calibration or paper) and parts:
        raise InputError("is for tables of verifications", field="--parts")
    if paper:
        made = build_paper_template(found, day, load_rule_book())
    elif calibration:
        made = build_calibration_template(found, day, load_rule_book(), points=points)
    else:
        made = build_template(found, day, load_rule_book(), points=points, parts=parts)
    with out.open("xb") as file:
        file.write(render(made))
    members = {"file": str(out), "category": made.title, "regulation": made.regulation}
    print_result({**members, "columns": len(made.columns)}, as_json=as_json)


def _find_category(text: str) -> Category:
    named = {rule.name_zh: rule.category for rule in load_rule_book().rows}
    found = Category.__members__.get(text.upper(), named.get(text))
    if found is None:
        codes = ", ".join(Category.__members__)
        raise InputError(f"no category {text!r}; there are {codes}", field="category")
    return found


def _read_day(text: str) -> date:
    try:
        return parse_date(text)
    except InputError as err:
        raise InputError(err.reason, field="--on") from None
