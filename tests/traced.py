"""Processes under strace: their system calls counted, killed or failed at the n-th.

calls = trace(process, ["pwrite64"], output)                          # record
trace(process, ["pwrite64"], output, "pwrite64:signal=KILL:when=7")   # kill at the seventh
"""

import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

CALLS = ("pwrite64", "fdatasync", "fsync", "rename", "ftruncate", "unlink", "sendto", "write")
_LINE = re.compile(r"^(?:\d+ +)?(\w+)\((.*)$")
_SECONDS = 20


def require_strace(folder):
    """Skip, with the reason, where there is no strace or nobody may trace."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed: apt install strace")
    command = ["strace", "-qq", "-o", str(folder / "probe"), "-e", "trace=write", "true"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"strace may not trace here: {done.stderr.strip()[-200:]}")


def run_traced(process, folder, inject="", calls=CALLS):
    """Start a process that waits for the file `go`, trace it to its end; return calls and exit code."""
    output = folder / "calls"
    process.start()
    command = ["strace", "-f", "-qq", "-y", "-s", "0", "-o", str(output), "-e", f"trace={','.join(calls)}"]
    command += ["-e", f"inject={inject}"] if inject else []
    with subprocess.Popen([*command, "-p", str(process.pid)], stderr=subprocess.DEVNULL) as tracer:
        _wait_until_traced(process.pid)
        (folder / "go").touch()
        process.join(_SECONDS)
        process.kill()
        process.join()
        tracer.wait(_SECONDS)
    (folder / "go").unlink()
    lines = [_LINE.match(line) for line in output.read_text(errors="replace").splitlines()]
    return [(line[1], line[2]) for line in lines if line], process.exitcode


def _wait_until_traced(pid):
    end = time.monotonic() + _SECONDS
    while "TracerPid:\t0\n" in Path(f"/proc/{pid}/status").read_text(encoding="ascii"):
        assert time.monotonic() < end, "strace does not attach"
        time.sleep(0.002)
