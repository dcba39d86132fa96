"""Cold starts: a fresh process that checks one bundle, as somebody does who was handed a file.

Each run is the installed command `hengzheng-verify` in a process of its own; what it has read once lies in the
file cache of the system. The first check after the import is timed inside such a process.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Final

from fixture import NOW
from measuring import repeat, time_work

from ledger.core.encoding import encode_instant
from ledger.core.policy import Policy, encode_policy
from ledger.core.trust import TrustList, encode_trust_list

_FIRST_CHECK: Final = """
import sys, time
from verifier.cli import main
started = time.perf_counter()
code = main(sys.argv[1:])
print(time.perf_counter() - started, file=sys.stderr)
sys.exit(code)
"""


class ColdStart:
    """Files of one bundle and of what a verifier believes, and the ways to check it."""

    def __init__(self, folder: Path, bundle: bytes, policy: Policy, trust: TrustList) -> None:
        """Write the files into a folder, which is also the home and state folder of the processes."""
        (folder / "bundle.json").write_bytes(bundle)
        (folder / "policy.json").write_bytes(encode_policy(policy))
        (folder / "trust.json").write_bytes(encode_trust_list(trust))
        self._environment = {**os.environ, "HOME": str(folder), "XDG_STATE_HOME": str(folder)}
        now = encode_instant(NOW + timedelta(minutes=1))
        self._arguments = [
            str(folder / "bundle.json"),
            "--policy",
            str(folder / "policy.json"),
            "--at",
            now,
            "--json",
        ]

    def run_command(self) -> float:
        """Return the seconds that the whole command takes."""
        command = Path(sys.executable).with_name("hengzheng-verify")
        return time_work(lambda: self._run(str(command))).wall

    def run_first_check(self) -> float:
        """Return the seconds from the end of the import to the printed report, files and rule book included."""
        return float(self._run(sys.executable, "-c", _FIRST_CHECK).stderr)

    def start_nothing(self) -> float:
        """Return the seconds that Python itself takes to start and stop."""
        command = [sys.executable, "-c", "pass"]
        return time_work(lambda: subprocess.run(command, check=True)).wall

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *self._arguments],
            check=True,
            capture_output=True,
            text=True,
            env=self._environment,
        )


def measure_starting(cold: ColdStart, rounds: int, seconds: float) -> dict[str, float]:
    """Return the medians of cold starts."""

    def take(run: Callable[[], float]) -> float:
        run()
        return median(repeat(run, rounds=rounds, seconds=seconds))

    return {
        "import_and_verify_cold_s": round(take(cold.run_command), 3),
        "verify_first_cold_ms": round(take(cold.run_first_check) * 1000, 1),
        "python_start_s": round(take(cold.start_nothing), 3),
    }
