"""A lot of meters from one workbook to signed, logged, anchored, bundled files: the command, as people run it.

Each round is a home of its own, like that of the demonstration: development chain, seven witnesses' keys, SQLite.
Measured is `hengzheng issue` from its start to its end, as a process of its own: wall time, and processor time of
it and of the process that reads the workbook, which other users of the machine disturb little.
"""

import csv
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import redirect_stdout
from pathlib import Path
from statistics import median
from typing import Any, Final

import xlsxwriter

from ledger.home import open_home
from ledger.node import open_node

_ROOT: Final = Path(__file__).resolve().parents[2]
sys.path.append(str(_ROOT / "scripts"))

from demo_steps import EXAMPLES, HOST, WITNESSES, Stage, set_up_authority  # noqa: E402 -- it lies one folder up

ROUNDS: Final = 3


def measure_workbook(count: int) -> dict[str, Any]:
    """Return the seconds of each round for so many meters, and their median."""
    with tempfile.TemporaryDirectory(prefix="hengzheng-bench-") as folder:
        rounds = [_time_round(Path(folder) / str(number), count) for number in range(ROUNDS)]
    wall, processor = ([round(one[place], 1) for one in rounds] for place in (0, 1))
    figures = {"wall_s": wall, "median_wall_s": median(wall), "processor_s": processor}
    return {"workbook_rows": count, **figures, "median_processor_s": median(processor)}


def _time_round(folder: Path, count: int) -> tuple[float, float]:
    with redirect_stdout(io.StringIO()):
        stage = Stage(folder)
        witnessing = ("--development-witnesses", WITNESSES)
        stage.run("init", "--home", stage.home, "--development", "--host", HOST, *witnessing, quiet=True)
        with open_node(open_home(stage.home)):
            stage.run("chain", "deploy", "--home", stage.home, quiet=True)
            set_up_authority(stage)
            path = _write_lot(folder, count)
            return _time_command(stage, path, count)


def _time_command(stage: Stage, path: Path, count: int) -> tuple[float, float]:
    words = ["issue", path, "--home", stage.home, "--institution", EXAMPLES / "institution.json"]
    words += ["--base-date", stage.day, "--out", stage.out, "--anchor", "--json"]
    program = "from api.cli import run; run()"
    started, before = time.perf_counter(), _count_processor_seconds()
    done = subprocess.run(
        [sys.executable, "-P", "-c", program, *map(str, words)], capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - started, _count_processor_seconds() - before
    report = json.loads(done.stdout)
    bundles = sum(1 for _ in stage.out.glob("certificates/*/bundle.json"))
    if done.returncode or report["logged"] != count or bundles != count:
        raise RuntimeError(f"{report} {bundles} bundles")
    return seconds


def _count_processor_seconds() -> float:
    """Return what all processes that were started here, and have ended, have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _write_lot(folder: Path, count: int) -> Path:
    """Write the meters of the examples as a workbook, again and again under new serial numbers."""
    with (EXAMPLES / "meters.csv").open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    shared = json.loads((EXAMPLES / "meters.common.json").read_bytes())
    shared["lot"]["size"] = count
    (folder / "lot.common.json").write_text(json.dumps(shared), encoding="utf-8")
    with xlsxwriter.Workbook(folder / "lot.xlsx", {"strings_to_formulas": False}) as book:
        sheet = book.add_worksheet("数据")
        for number in range(count + 1):
            row = head if not number else rows[(number - 1) % len(rows)]
            own = [] if not number else [f"lot-{number:06}", f"26{number:08}"]
            for place, cell in enumerate([*own, *row[len(own) :]]):
                sheet.write_string(number, place, cell)
    return folder / "lot.xlsx"
