"""What tests of the verifier ask, listened to in a process of their own, and asked again in node.

>>> assert_recorded(record(tmp_path, "tests/unit/verifier/test_witnessing.py"))
"""

import os
import subprocess
import sys
from pathlib import Path

from browser_cases import ROOT, Answer, Case, ask_node, find_differences, load_cases

_QUIET = ("-q", "-n", "0", "-p", "no:cacheprovider", "-p", "browser_recorder")


def record(folder: Path, *runs: str) -> list[tuple[Case, Answer]]:
    """Run tests of the verifier in a process of their own, and return what they asked."""
    file = folder / "cases.jsonl"
    path = f"{ROOT}{os.pathsep}{ROOT / 'tests'}"
    environment = os.environ | {"HENGZHENG_RECORD": str(file), "PYTHONPATH": path}
    environment.pop("HENGZHENG_LONG", None)
    command = [sys.executable, "-P", "-m", "pytest", *_QUIET, *runs]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    return list(load_cases(file))


def assert_recorded(recorded: list[tuple[Case, Answer]]) -> None:
    """Require that node says of each case what was recorded."""
    wanted = [answer for _, answer in recorded]
    assert find_differences(wanted, ask_node([case for case, _ in recorded])) == []
