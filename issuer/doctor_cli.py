"""The command doctor: re-reads a home's records, of ledger and desk, says what is wrong, mends what is derived.

>>> main(["doctor", "--deep", "--home", "hengzheng-home"])
0
"""

from collections.abc import Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress
from sqlalchemy.engine import make_url

from issuer.deciding.store import has_decisions
from issuer.decision_check import check_decisions
from issuer.desk_check import check_desk
from issuer.rounds.rereading import check_rounds
from issuer.row_check import FoundLeaf
from issuer.saying_check import check_sayings
from issuer.saying_store import has_sayings
from issuer.signoff.rereading import check_signoff
from issuer.store import DeskReading, has_desk
from ledger.anchoring.binding import load_binding
from ledger.boot_check import BootCheck, WriteGate
from ledger.cli import HomeOption, JsonOption, describe_home_standing
from ledger.console import find_exit_code, make_progress, print_result, run_command
from ledger.core.entry import parse_leaf
from ledger.core.errors import InputError, LogIntegrityError, NotFoundError, ReadOnlyError
from ledger.core.status import Status
from ledger.core.trust import parse_trust_list
from ledger.doctor.diagnosis import OnProgress, diagnose
from ledger.doctor.repair import repair as repair_log
from ledger.home import DEFAULT_HOME, Home, lock_ledger, open_home
from ledger.home_policy import read_choice
from ledger.local import read_clock
from ledger.outside import compare_with_outside
from ledger.store.engine import Database
from ledger.store.integrity import check_file
from ledger.store.migrations import migrate, require_current
from ledger.store.records import compute_statement_name
from ledger.store.unit_of_work import SqlStore

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `doctor` a word of the command line."""


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    return run_command(app, arguments, name="hengzheng")


@app.command()
def doctor(
    home: HomeOption = DEFAULT_HOME,
    *,
    deep: Annotated[
        bool, typer.Option("--deep", help="also the database's own pages and indices, and the desk's memory")
    ] = False,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair", help="with --deep: build derived rows anew, if the leaves give the signed roots"
        ),
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Re-read and re-hash the whole log, compare it with what others hold; name the first bad row. Needs no key."""
    if repair and not deep:
        raise InputError("goes with --deep", field="--repair")
    opened = open_home(home)
    with lock_ledger(opened), closing(Database(opened.database_url)) as database:
        (require_current if deep else migrate)(database)
        store = SqlStore(database)
        with suppress(NotFoundError):
            load_binding(opened, store)
        with make_progress(quiet=as_json) as progress:
            members = _repair(store, opened, progress) if repair else {}
            known = _find_checkpoint(opened) if deep else None
            members |= diagnose(store, opened.origin, _show(progress, "leaves"), deep=deep, known=known)
            if deep:
                members |= {"desk": _check_desk(opened, store, progress)}
        refusal = _compare(opened, store)
        members |= describe_home_standing(database) | _describe_policy(opened, store)
    if refusal is not None and as_json:
        members["error"] = refusal.en
    print_result(members, as_json=as_json)
    if refusal is not None and not as_json:
        raise refusal
    return 0 if refusal is None else find_exit_code(refusal)


def _compare(home: Home, store: SqlStore) -> ReadOnlyError | None:
    """Compare the log with contract and witnesses; return why it must not sign, if it must not."""
    check = BootCheck(store, WriteGate(), read_clock)
    compare_with_outside(home, store, check)
    return check.gate.refusal


def _describe_policy(home: Home, store: SqlStore) -> dict[str, Any]:
    """Say which policy the home serves, and whether the root has published another, or none."""
    try:
        choice = read_choice(home, store)
    except NotFoundError:
        return {}
    members: dict[str, Any] = {"version": choice.served.version, "published": choice.is_published}
    if choice.notice is not None:
        members |= {"reason": choice.notice.en, "reason_zh": choice.notice.zh}
    return {"policy": members}


def _show(progress: Progress, what: str) -> OnProgress:
    task = progress.add_task(what, total=None)
    return lambda done, of_all: progress.update(task, completed=done, total=of_all)


def _find_checkpoint(home: Home) -> str | None:
    """Return the checkpoint that the home keeps in a file of its own, beside the database, if there is one.

    Raises:
        LogIntegrityError: the file is damaged.
    """
    if not home.trust_path.exists():
        return None
    try:
        return parse_trust_list(home.trust_path.read_bytes()).checkpoint
    except InputError as err:
        raise LogIntegrityError(
            f"{home.trust_path} is damaged: {err}; `hengzheng anchor` writes it anew"
        ) from err


def _repair(store: SqlStore, home: Home, progress: Progress) -> dict[str, Any]:
    done = repair_log(store, home.origin, _show(progress, "repair"))
    return {"repaired": {"count": done.count, "rows": list(done.rows)}}


def find_leaves(store: SqlStore, statements: Sequence[bytes]) -> dict[bytes, FoundLeaf]:
    """Return where the log holds these statements; what it does not hold is left out."""
    names = {compute_statement_name(raw): raw for raw in statements}
    with store.read() as queries:
        found = queries.find_entries(list(names))
    return {
        names[name]: FoundLeaf(
            entry.leaf_index, has_effect=parse_leaf(entry.leaf).header.status != Status.VOID
        )
        for name, entry in found.items()
    }


def _check_desk(home: Home, store: SqlStore, progress: Progress) -> dict[str, Any] | None:
    """Compare the desk's memory; None if this home has none."""
    url = make_url(home.desk_database_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        return None
    task, find = progress.add_task("desk", total=None), partial(find_leaves, store)

    def show(done: int) -> None:
        progress.update(task, completed=done)

    with closing(Database(home.desk_database_url)) as database, database.read() as connection:
        if connection.dialect.name == "sqlite":
            check_file(connection)
        decided = check_decisions(connection, find, show) if has_decisions(connection) else None
        if not has_desk(connection):
            return None if decided is None else {"decisions": decided}
        reading = DeskReading(connection)
        count = check_desk(reading, find, show)
        sayings = check_sayings(connection, find, show) if has_sayings(connection) else 0
        drafts = check_signoff(connection, reading.read_institution(), show)
        brought = check_rounds(connection, show)
    return {
        "documents": count.documents,
        "acts": count.acts,
        "sayings": sayings,
        "drafts": drafts,
        "rounds": brought.rounds,
        "findings": brought.findings,
    } | ({} if decided is None else {"decisions": decided})
