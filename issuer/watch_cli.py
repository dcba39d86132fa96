"""Command `hengzheng watch`: an institution, or an authority, watches the ledger for what it has signed itself.

Exit codes with `--once`: 0 nothing against the log; 1 something is, and what shows it is written; 2 wrong usage;
3 out of reach, or the server does not show what the log has signed.

>>> main(["watch", "--ledger", "https://ledger.example.cn", "--home", "hengzheng-home", "--once"])
0
"""

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from issuer.cli import read_institution
from issuer.deciding.store import has_decisions, list_logged_decisions
from issuer.profile import ANY_DAY, parse_institution_file
from issuer.saying_store import has_sayings, list_logged_sayings
from issuer.store import DeskReading, DeskStore, has_desk
from ledger.cli import JsonOption
from ledger.console import make_progress, print_error, print_result, run_command
from ledger.core.encoding import encode_hex
from ledger.core.errors import InputError, UnavailableError
from ledger.core.policy import Policy, parse_policy
from ledger.files import make_private_directory
from ledger.home import Home, open_home
from ledger.local import read_clock
from ledger.store.engine import Database
from ledger.watch.source import open_log_server
from ledger.watch.watcher import OwnStatement, Round, Tell, Watcher, parse_own_statement

app = typer.Typer(add_completion=False)

MAX_STATEMENT_BYTES: Final = 65_535
EXIT_FOUND: Final = 1
DEFAULT_SECONDS: Final = 60.0


@app.callback()
def _group() -> None:
    """Keep `watch` a word of the command line."""


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    return run_command(app, arguments, name="hengzheng")


@app.command()
def watch(
    ledger: Annotated[str, typer.Option("--ledger", help="URL of the ledger, or of its public site")],
    policy: Annotated[
        Path | None, typer.Option("--policy", help="what to believe; without it, the home's own")
    ] = None,
    state: Annotated[
        Path, typer.Option("--state", help="directory for what was seen, and for findings")
    ] = Path("hengzheng-watch"),
    home: Annotated[
        Path | None, typer.Option("--home", help="home whose desk has issued; its statements are watched")
    ] = None,
    statements: Annotated[
        Path | None, typer.Option("--statements", help="directory of signed statements that are watched")
    ] = None,
    every: Annotated[
        float, typer.Option("--every", min=1, metavar="SECONDS", help="how long between two rounds")
    ] = DEFAULT_SECONDS,
    *,
    once: Annotated[bool, typer.Option("--once", help="one round, then say by exit code")] = False,
    as_json: JsonOption = False,
) -> None:
    """Check every own statement, and one proof of the status map for all of them, against each new checkpoint."""
    opened = None if home is None else open_home(home)
    believed = _read_policy(policy, opened)
    if opened is None and statements is None:
        raise InputError("say what to watch: --home, --statements or both", field="arguments")
    make_private_directory(state)
    with (
        _open_desk(opened, believed) as desk,
        closing(Database(_database_url(state))) as database,
        open_log_server(ledger) as server,
    ):
        watcher = Watcher(database, believed, server, state)

        def look() -> Round:
            with make_progress(quiet=as_json) as progress:
                own = _list_own(desk, statements)
                return watcher.look(own, read_clock(), _tell_with(progress.add_task, progress.update))

        if once:
            raise typer.Exit(_report(look(), as_json=as_json))
        _run(look, every, as_json=as_json)


def _run(look: Callable[[], Round], seconds: float, *, as_json: bool) -> None:
    """Look again and again until somebody stops it; a server out of reach is told and asked again."""
    while True:
        try:
            _report(look(), as_json=as_json)
        except UnavailableError as err:
            print_error(err, as_json=as_json)
        time.sleep(seconds)


# --- what is watched --------------------------------------------------------------------------------------


@contextmanager
def _open_desk(home: Home | None, policy: Policy) -> Iterator[Database | None]:
    if home is None:
        yield None
        return
    if home.origin != policy.origin:
        message = f"the home is of the log {home.origin}, the policy of {policy.origin}"
        raise InputError(message, field="--policy")
    with closing(Database(home.desk_database_url)) as database:
        if not _has_decided(database):
            file = parse_institution_file(read_institution(home, None), ANY_DAY if home.development else None)
            DeskStore(database, file.content.id, home.origin).prepare()
        yield database


def _has_decided(database: Database) -> bool:
    """Tell whether a desk is an authority's, which has no institution's file."""
    with database.read() as connection:
        return has_decisions(connection) and not has_desk(connection)


def _list_own(desk: Database | None, folder: Path | None) -> Iterable[OwnStatement]:
    """Yield the statements of the desk, with their leaves, and those in files."""
    return chain(
        () if desk is None else _list_logged(desk), () if folder is None else _read_statements(folder)
    )


def _list_logged(desk: Database) -> Iterator[OwnStatement]:
    """Yield what the log has taken: issues, acts, what was said of instruments and stickers, decisions."""
    with desk.read() as connection:
        issued = DeskReading(connection).list_logged() if has_desk(connection) else ()
        said = list_logged_sayings(connection) if has_sayings(connection) else ()
        decided = list_logged_decisions(connection) if has_decisions(connection) else ()
        for index, raw in chain(issued, said, decided):
            yield OwnStatement(raw, index)


def _read_statements(folder: Path) -> Iterator[OwnStatement]:
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.name.startswith("."):
            with path.open("rb") as file:
                yield parse_own_statement(file.read(MAX_STATEMENT_BYTES + 1), str(path))


def _read_policy(path: Path | None, home: Home | None) -> Policy:
    if path is None and home is None:
        raise InputError("say what to believe, or whose home it is", field="--policy")
    found = path or (home.policy_path if home is not None else Path())
    try:
        return parse_policy(found.read_bytes())
    except OSError as err:
        raise InputError(f"{found} cannot be read: {err.strerror}", field="--policy") from err


def _database_url(state: Path) -> str:
    if "?" in str(state.resolve()):
        raise InputError("a '?' in it cannot be part of a database address", field="--state")
    return f"sqlite:///{state.resolve() / 'watch.db'}"


# --- what is said -----------------------------------------------------------------------------------------


def _tell_with(add_task: Callable[..., Any], update: Callable[..., None]) -> Tell:
    tasks: dict[str, Any] = {}

    def tell(what: str, done: int, total: int) -> None:
        if what not in tasks:
            tasks[what] = add_task(what, total=total)
        update(tasks[what], completed=done, total=total)

    return tell


def _report(found: Round, *, as_json: bool) -> int:
    """Print what a round has found; return the exit code."""
    members = _describe(found)
    if as_json:
        sys.stdout.write(json.dumps(members, ensure_ascii=False) + "\n")
    else:
        print_result(
            {name: members[name] for name in members if not isinstance(members[name], list)}, as_json=False
        )
        for item in members["news"]:
            sys.stdout.write(
                f"news: leaf {item['leaf']}, {item['event']}, changed subject {item['subject'][:16]}: "
                f"{item['status']}\n"
            )
        for item in members["alarms"]:
            where = f" ({item['file']})" if "file" in item else ""
            sys.stdout.write(f"ALARM: {item['sentence']}{where}\n")
    sys.stdout.flush()
    return 0 if found.is_quiet else EXIT_FOUND


def _describe(found: Round) -> dict[str, Any]:
    return {
        "tree_size": found.tree_size,
        "root_hash": encode_hex(found.root_hash),
        "own": found.own,
        "checked": found.checked,
        "waiting": found.waiting,
        "subjects": found.subjects,
        "changed_by_others": found.changed_by_others,
        "news": [
            {
                "leaf": item.leaf_index,
                "event": item.event.name,
                "subject": encode_hex(item.subject),
                "status": item.status.name,
            }
            for item in found.news
        ],
        "alarms": [
            {"sentence": item.sentence} | ({} if item.file is None else {"file": str(item.file)})
            for item in found.alarms
        ],
    }
