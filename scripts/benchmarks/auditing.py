"""The replay audit: an exported log, every file, every leaf with its signature, the fold, every MAPHEAD."""

import tempfile
from pathlib import Path

from fixture import ORIGIN, World
from measuring import Figures, Stopwatch, repeat, summarise, time_work
from sequencing import append_all, make_submissions

from ledger.audit.reading import FolderSource
from ledger.audit.replay import audit_log
from ledger.core.policy import Policy
from ledger.export import FolderTarget, export_log


def export_new_log(entries: int, folder: Path) -> Policy:
    """Write the files of a new log of so many issues, 256 a checkpoint; return what an auditor believes."""
    with tempfile.TemporaryDirectory(prefix="hengzheng-bench-") as home, World(Path(home)) as world:
        append_all(world.log, make_submissions(entries))
        with world.store.read() as reading:
            export_log(reading, [], ORIGIN, FolderTarget(folder))
        return world.policy


def audit_folder(folder: Path, policy: Policy, helpers: int = 0) -> int:
    """Audit a log and return how many leaves it has; a contradiction is an error of the bench."""
    report = audit_log(FolderSource(folder), policy, helpers=helpers)
    if report.contradiction is not None:
        raise report.contradiction
    return report.entries


def measure_auditing(entries: int, rounds: int, seconds: float) -> Figures:
    """Return the figures of auditing a log of so many issues."""
    with tempfile.TemporaryDirectory(prefix="hengzheng-bench-") as name:
        folder = Path(name)
        policy = export_new_log(entries, folder)

        def work() -> Stopwatch:
            return time_work(lambda: audit_folder(folder, policy))

        return summarise(entries, repeat(work, rounds=rounds, seconds=seconds))
