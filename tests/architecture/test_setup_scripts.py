"""scripts/install and scripts/test against stand-ins for their tools: sentences, counts and exit codes."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
TOOLS = ("ruff", "mypy", "lint-imports", "codespell")
JUNIT = '<testsuites><testsuite tests="{}" failures="{}" errors="{}" skipped="{}"/></testsuites>'


def _program(path: Path, body: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def _run(tree: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": f"{tree}/fakes:{os.defpath}", "HOME": str(tree)}
    return subprocess.run(
        command,
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture
def checks(tmp_path):
    """Return a function that runs scripts/test on a tree where each tool does as told.

    It returns the exit code, the last line, how many skips are counted above that line, and the whole output.
    """
    (tmp_path / "scripts").mkdir()
    shutil.copy(SCRIPTS / "test", tmp_path / "scripts")
    _program(tmp_path / "fakes" / "npm", "exit 1")

    def run(*, install=0, pytest_code=0, junit=(4, 0, 0, 1), **codes: int):
        _program(tmp_path / "scripts" / "install", f"exit {install}")
        for tool in TOOLS:
            _program(tmp_path / ".venv" / "bin" / tool, f"exit {codes.get(tool.replace('-', '_'), 0)}")
        report = f"echo '{JUNIT.format(*junit)}' > test-artifacts/pytest.xml;" if junit else ""
        fake_pytest = f'if [ "$1" = -m ]; then {report} exit {pytest_code}; fi'
        _program(tmp_path / ".venv" / "bin" / "python", f'{fake_pytest}\nexec {sys.executable} "$@"')
        done = _run(tmp_path, "./scripts/test")
        skips = re.findall(r"^Skipped: (\d+) ", done.stdout, re.MULTILINE)
        return done.returncode, done.stdout.splitlines()[-1], sum(map(int, skips)), done.stdout

    return run


def test_everything_in_order(checks):
    *found, output = checks()
    assert found == [0, "8 passed, 0 failed", 3]
    assert "npm ci failed" in output
    assert "needs npm's solc" in output


@pytest.mark.parametrize("tool", ["mypy", "lint_imports", "codespell"])
def test_a_tool_that_complains_is_a_failure(checks, tool):
    *found, output = checks(**{tool: 1})
    assert found == [1, "7 passed, 1 failed", 3]
    assert "Failed: " in output


def test_format_and_lint_are_two_checks(checks):
    assert checks(ruff=1)[:3] == (1, "6 passed, 2 failed", 3)


def test_failing_and_breaking_tests_are_counted(checks):
    assert checks(pytest_code=1, junit=(10, 2, 1, 3))[:3] == (1, "9 passed, 3 failed", 5)


def test_failures_of_tools_and_tests_add_up(checks):
    assert checks(mypy=2, pytest_code=1, junit=(5, 1, 0, 0))[:3] == (1, "8 passed, 2 failed", 2)


def test_no_test_collected_is_a_failure(checks):
    assert checks(pytest_code=5, junit=(0, 0, 0, 0))[:3] == (1, "5 passed, 1 failed", 2)


def test_a_bad_end_without_a_named_failure_is_a_failure(checks):
    assert checks(pytest_code=2, junit=(4, 0, 0, 0))[:3] == (1, "9 passed, 1 failed", 2)


@pytest.mark.parametrize("pytest_code", [0, 3, 139])
def test_a_missing_report_is_a_failure(checks, pytest_code):
    assert checks(pytest_code=pytest_code, junit=None)[:3] == (1, "5 passed, 1 failed", 2)


def test_a_report_of_an_earlier_run_is_not_believed(checks):
    checks()
    assert checks(pytest_code=4, junit=None)[:3] == (1, "5 passed, 1 failed", 2)


def test_without_an_installation_nothing_is_checked(checks):
    *found, output = checks(install=2)
    assert found == [1, "0 passed, 1 failed", 0]
    assert "== " not in output


@pytest.fixture
def install(tmp_path):
    """Return a function that runs scripts/install where every Python on the path is a stand-in."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(SCRIPTS / "install", tmp_path / "scripts")
    for name in ("requirements.lock", "requirements-dev.lock", "pyproject.toml"):
        (tmp_path / name).write_text("x==1\n")

    def run(*arguments: str, python="exit 1"):
        for name in ("python3", "python3.11", "python3.12", "python3.13"):
            _program(tmp_path / "fakes" / name, python)
        done = _run(tmp_path, "./scripts/install", *arguments)
        assert not (tmp_path / ".venv").exists()
        return done.returncode, done.stderr

    return run


def test_an_old_python_is_named(install):
    code, said = install("run", python='[ "$1" = -V ] && echo Python 3.10.13')
    assert code == 2
    assert "Python 3.11, 3.12 or 3.13 is needed, found: Python 3.10.13" in said


def test_a_missing_venv_module_names_the_package_to_install(install):
    code, said = install("dev", python='case "$2" in *ensurepip*) exit 1;; *print*) echo 3.12;; esac')
    assert code == 2
    assert "apt install python3.12-venv" in said


def test_a_full_disk_is_told_before_anything_is_written(install, tmp_path):
    _program(tmp_path / "fakes" / "df", "echo head; echo disk 9 9 10240 9 /")
    code, said = install("dev", python="exit 0")
    assert code == 2
    assert "there are 10 MB" in said


@pytest.mark.parametrize("arguments", [(), ("all",)])
def test_wrong_usage_of_install_is_told(install, arguments):
    code, said = install(*arguments)
    assert code == 2
    assert "scripts/install run" in said
