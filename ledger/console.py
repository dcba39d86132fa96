"""What every command shares: errors become one sentence and an exit code, results one JSON object or lines.

Exit codes: 0 done; 1 evidence does not hold; 2 wrong input or wrong moment; 3 out of reach, nothing is lost,
try again; 4 our own records disagree.

>>> run_command(app, ["init", "--json"], name="hengzheng init")
"""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

import click
import structlog
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ledger.core.errors import (
    DocumentRefusedError,
    InputError,
    LedgerError,
    LogIntegrityError,
    StateError,
    UnavailableError,
    VerificationError,
)

EXIT_CODES: Final[Mapping[type[LedgerError], int]] = {
    InputError: 2,
    StateError: 2,
    VerificationError: 1,
    UnavailableError: 3,
    LogIntegrityError: 4,
}


def find_exit_code(err: LedgerError) -> int:
    """Return the exit code of an error, by its branch of the tree."""
    return next((code for branch, code in EXIT_CODES.items() if isinstance(err, branch)), 4)


def run_command(app: typer.Typer, arguments: Sequence[str], *, name: str) -> int:
    """Run a command and return its exit code; no error of ours ends in a traceback."""
    as_json = "--json" in arguments
    configure_logging()
    try:
        result = typer.main.get_command(app).main(list(arguments), prog_name=name, standalone_mode=False)
    except LedgerError as err:
        print_error(err, as_json=as_json)
        return find_exit_code(err)
    except click.ClickException as err:
        if not as_json:
            err.show()
            return err.exit_code
        print_error(InputError(err.format_message(), field="arguments"), as_json=True)
        return 2
    except (click.exceptions.Abort, KeyboardInterrupt):
        Console(stderr=True).print("stopped; the same command goes on where this one ended")
        return 130
    return result if isinstance(result, int) else 0


def configure_logging() -> None:
    """Send log lines to stderr as JSON, one event a line: stdout belongs to results."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def print_result(members: Mapping[str, Any], *, as_json: bool) -> None:
    """Print what a command did: one JSON object, or one line a member."""
    if as_json:
        sys.stdout.write(json.dumps(members, ensure_ascii=False) + "\n")
        return
    for name, value in members.items():
        sys.stdout.write(f"{name.replace('_', ' ')}: {value}\n")


def print_error(err: LedgerError, *, as_json: bool) -> None:
    """Print an error: one JSON object on stdout, or one sentence for people on stderr."""
    if not as_json:
        Console(stderr=True, soft_wrap=True, highlight=False).print(f"error: {err}", markup=False)
        return
    members: dict[str, Any] = {"error": str(err), "kind": type(err).__name__.removesuffix("Error")}
    if isinstance(err, InputError) and err.field is not None:
        members["field"] = err.field
    if isinstance(err, DocumentRefusedError):
        members["reasons"] = [
            {"code": reason.code, "field": reason.field, "en": reason.en, "zh": reason.zh}
            for reason in err.reasons
        ]
    sys.stdout.write(json.dumps(members, ensure_ascii=False) + "\n")


def make_progress(*, quiet: bool) -> Progress:
    """Return a progress bar on stderr; it shows nothing where nobody watches."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=quiet or not console.is_terminal,
    )
