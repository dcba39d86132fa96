"""How costs grow with the log: one log of issues that grows through powers of ten, measured at each.

Unlike the other measures each stage runs once: it takes minutes. A stage that would not end in the time that is
left, judged by ten times the stage before it, is left out and named.

>>> measure_curve((10**4, 10**5, 10**6, 10**7), 30 * 60)["10000"]["append_us"]
121.3
"""

import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

from auditing import audit_folder
from fixture import ORIGIN, World
from growing import measure_inclusion
from mapping import MEGABYTE, count_bytes, open_log
from measuring import Stopwatch, time_work
from sequencing import append_all, make_submissions

from ledger.core.ids import LeafIndex
from ledger.export import FolderTarget, export_log
from ledger.pool import BATCH

SAMPLED: Final = 20 * BATCH
"""Entries at the end of a stage that are timed."""

PIECE: Final = 40 * BATCH
"""Entries that are prepared at a time."""

HELPERS: Final = (0, 2)
"""Audits are run with so many processes beside them."""

_STARTS: Final = 3
_FOUNDING: Final = 10
"""Leaves of the register events, and their MAPHEADs."""


def measure_curve(sizes: Sequence[int], seconds: float) -> dict[str, Any]:
    """Return what entries, proofs, memory, starts and audits cost in a log of each of these sizes.

    Args:
        sizes: entries, ascending.
        seconds: no stage begins that would not end in this time.
    """
    end, found = time.monotonic() + seconds, dict[str, Any]()
    entries, last = 0, 0.0
    with tempfile.TemporaryDirectory(prefix="hengzheng-bench-") as folder, World(Path(folder)) as world:
        for size in sizes:
            expected = last * size / max(entries, 1)
            if time.monotonic() + expected > end:
                found[str(size)] = {"left_out": f"would take about {expected:.0f} s"}
                break
            started = time.monotonic()
            found[str(size)] = _measure_stage(world, Path(folder), entries, size)
            entries, last = size, time.monotonic() - started
    return found


def _measure_stage(world: World, folder: Path, entries: int, size: int) -> dict[str, Any]:
    """Let a log grow from so many entries to a size, and measure it there."""
    sampled = min(SAMPLED, size - entries)
    for first in range(entries, size - sampled, PIECE):
        append_all(world.log, make_submissions(min(PIECE, size - sampled - first), first=first))
    newest = make_submissions(sampled, first=size - sampled)
    appending = time_work(lambda: append_all(world.log, newest))
    root = world.log._state.map.root  # noqa: SLF001 -- what the running log holds in memory
    starts = [time_work(lambda: open_log(world)).wall for _ in range(_STARTS)]
    return {
        "append_us": round(appending.processor / sampled * 1e6, 1),
        "append_per_wall_s": round(sampled / appending.wall),
        "start_s": round(median(starts), 3),
        "map_mb": round(count_bytes(root) / MEGABYTE, 1),
        "disk_bytes_per_entry": round(
            sum(file.stat().st_size for file in folder.glob("ledger.sqlite3*")) / size
        ),
        "inclusion_proof_bytes": measure_inclusion(size)["longest"],
        "map_proof_bytes": len(world.prover.map_proof(LeafIndex(_FOUNDING + size // 2))),
        "audit": _measure_audits(world, size),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def _measure_audits(world: World, size: int) -> dict[str, Any]:
    """Audit the exported log, with and without processes that verify signatures ahead."""
    with tempfile.TemporaryDirectory(prefix="hengzheng-bench-") as name:
        target = Path(name)
        with world.store.read() as reading:
            export_log(reading, [], ORIGIN, FolderTarget(target))
        return {
            f"workers_{helpers}": _describe_audit(
                lambda helpers=helpers: audit_folder(target, world.policy, helpers), size
            )
            for helpers in HELPERS
        }


def _describe_audit(work: Callable[[], object], size: int) -> dict[str, float]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    watch: Stopwatch = time_work(work)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    beside = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "wall_s": round(watch.wall, 1),
        "processor_s": round(watch.processor, 1),
        "processor_s_of_workers": max(round(beside, 1), 0.0),
        "cores_used": round((watch.processor + beside) / watch.wall, 2),
        "entries_per_wall_s": round(size / watch.wall),
    }
