"""What every command shares: errors become one sentence and an exit code, results one JSON object or lines.

Exit codes: 0 done; 1 evidence does not hold; 2 wrong input or wrong moment; 3 out of reach, nothing is lost,
try again; 4 our own records disagree.

>>> run_command(app, ["init", "--json"], name="hengzheng init")
"""

import gc
import json
import logging
import sys
from collections.abc import Mapping, Sequence
from io import TextIOWrapper
from typing import Any, Final

import structlog
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ledger.core.errors import (
    DamagedRowError,
    DocumentRefusedError,
    InputError,
    LedgerError,
    LogIntegrityError,
    ReadOnlyError,
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

EXIT_STOPPED: Final = 130
"""As a shell has it for SIGINT."""

NEW_OBJECTS: Final = 50_000
"""How many more containers begin a run of Python's garbage collector. A ledger, or an audit of one, holds millions
that stay; by Python's own measure, 700, they would be walked again and again."""

_WRONG_PATH: Final = (
    FileExistsError,
    FileNotFoundError,
    IsADirectoryError,
    NotADirectoryError,
    PermissionError,
)


def find_exit_code(err: LedgerError) -> int:
    """Return the exit code of an error, by its branch of the tree."""
    return next((code for branch, code in EXIT_CODES.items() if isinstance(err, branch)), 4)


def run_command(app: typer.Typer, arguments: Sequence[str], *, name: str) -> int:
    """Run a command and return its exit code; no error of ours ends in a traceback."""
    as_json = "--json" in arguments
    configure_logging()
    escape_what_cannot_be_printed()
    collect_garbage_seldom()
    try:
        result = typer.main.get_command(app).main(list(arguments), prog_name=name, standalone_mode=False)
    except LedgerError as err:
        return print_error(err, as_json=as_json)
    except typer.TyperException as err:
        sentence = err.format_message() or "a command is missing"
        return print_error(InputError(sentence, field="arguments"), as_json=as_json)
    except OSError as err:
        return print_error(_name_file(err), as_json=as_json)
    except typer.Abort:
        result = EXIT_STOPPED
    if result == EXIT_STOPPED:
        _print_sentence("stopped; the same command goes on where this one ended", {}, as_json=as_json)
    return result if isinstance(result, int) else 0


def collect_garbage_seldom() -> None:
    """Let this process hold a large ledger at less cost."""
    gc.set_threshold(NEW_OBJECTS)


def escape_what_cannot_be_printed() -> None:
    """Let no terminal's character set turn a result into a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def configure_logging(level: int = logging.WARNING) -> None:
    """Send log lines from this level on to stderr as JSON, one event a line: stdout belongs to results."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
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
    else:
        for name, value in members.items():
            sys.stdout.write(f"{name.replace('_', ' ')}: {value}\n")
    sys.stdout.flush()


def print_error(err: LedgerError, *, as_json: bool) -> int:
    """Print an error, as one JSON object on stdout or one sentence for people on stderr; return its exit code."""
    _print_sentence(str(err), describe_error(err), as_json=as_json)
    return find_exit_code(err)


def describe_error(err: LedgerError) -> dict[str, Any]:
    """Return what a program may want to know of an error beside its sentence."""
    members: dict[str, Any] = {"kind": type(err).__name__.removesuffix("Error")}
    if isinstance(err, InputError) and err.field is not None:
        members["field"] = err.field
    if isinstance(err, ReadOnlyError):
        members["zh"] = err.zh
    if isinstance(err, DamagedRowError):
        members |= {"table": err.table, "key": err.key, "column": err.column, "expected": err.expected}
    if isinstance(err, DocumentRefusedError):
        members["reasons"] = [
            {"code": reason.code, "field": reason.field, "en": reason.en, "zh": reason.zh}
            for reason in err.reasons
        ]
    return members


def _print_sentence(sentence: str, members: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_result({"error": sentence, **members}, as_json=True)
    else:
        Console(stderr=True, soft_wrap=True, highlight=False).print(f"error: {sentence}", markup=False)


def _name_file(err: OSError) -> LedgerError:
    """Return what a fault of the file system means: a wrong path, or a disk that fails or is full."""
    reason, path = err.strerror or str(err), None if err.filename is None else str(err.filename)
    if isinstance(err, _WRONG_PATH):
        return InputError(reason, field=path)
    return UnavailableError(reason if path is None else f"{path}: {reason}")


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
