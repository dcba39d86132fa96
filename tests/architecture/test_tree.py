"""Rules about the files of the tree itself: addresses, locks, scripts, Python versions."""

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock")

REGISTRY = re.compile(
    r"pypi[.]org|pythonhosted[.]org|npmjs[.](?:org|com)|yarnpkg[.]com|npm[m]irror|(?:deb|security)[.]debian[.]org"
    r"|pypi[.]tuna|mirrors?[.]aliyun|proxy[.]golang[.]org"
)
DOT, SLASH = ".", "/"  # so that the patterns do not find the examples below
MACHINE_PATH = re.compile(r"(?<![\w.~/$}-])/(?:work|root|home|Users|mnt)/\w")


def _tracked() -> list[Path]:
    """Return every file that is committed or would be, as git sees it."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: what is tracked cannot be told")
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [path for name in listing.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def _lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}"
        for path in _tracked()
        for number, line in enumerate(path.read_text(errors="ignore").splitlines(), start=1)
        if pattern.search(line)
    ]


def _pins(lock: str) -> dict[str, str]:
    """Return requirement line (without hashes) -> the hashes below it."""
    text = (ROOT / lock).read_text().replace("\\\n", " ")
    return {line.split(" --hash")[0].strip(): line for line in text.splitlines() if line.strip()}


def test_no_registry_is_named_in_the_tree():
    assert not _lines_with(REGISTRY)


def test_no_path_of_somebodys_machine_is_named_in_the_tree():
    assert not _lines_with(MACHINE_PATH)


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (REGISTRY, f"https://files{DOT}pythonhosted{DOT}org/x"),
        (REGISTRY, f"index-url = pypi{DOT}org"),
        (MACHINE_PATH, f"see {SLASH}home/somebody/notes"),
        (MACHINE_PATH, f'"{SLASH}work/main/.venv"'),
    ],
)
def test_the_patterns_find_what_they_look_for(pattern, line):
    assert pattern.search(line)


@pytest.mark.parametrize("line", ["demo-out/home/x", "https://q.example/home/x", "$DIR/home/policy.json"])
def test_a_folder_called_home_is_no_machine_path(line):
    assert not MACHINE_PATH.search(line)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_is_pinned_and_hashed(lock):
    pins = _pins(lock)
    assert len(pins) > 50
    assert not [pin for pin in pins if not re.match(r"[a-z0-9][a-z0-9._-]*==\d\S*( ; .+)?$", pin)]
    assert not [pin for pin, line in pins.items() if not re.search(r"--hash=sha256:[0-9a-f]{64}", line)]


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_files_name_no_address(lock):
    assert not re.search(r"://|^\s*-(?!-hash)", (ROOT / lock).read_text(), re.MULTILINE)


def test_both_locks_agree():
    run, dev = ({pin.partition(" ;")[0] for pin in _pins(lock)} for lock in LOCKS)
    assert not run - dev


def test_npm_lock_names_no_address():
    assert '"resolved"' not in (ROOT / "package-lock.json").read_text()


def test_npm_lock_is_whole():
    """`npm ci` refuses a lock that lacks packages, as one made from an incomplete registry."""
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    held = {place.rpartition("node_modules/")[2] for place in packages}
    needed = {
        name
        for package in packages.values()
        for kind in ("dependencies", "devDependencies", "optionalDependencies")
        for name in package.get(kind, {})
    }
    assert not needed - held


def test_every_script_can_be_run():
    scripts = [path for path in (ROOT / "scripts").iterdir() if path.is_file()]
    assert len(scripts) > 2
    assert not [path.name for path in scripts if not os.access(path, os.X_OK)]
    assert not [path.name for path in scripts if not path.read_bytes().startswith(b"#!")]


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "Makefile", "CHANGELOG.md"])
def test_every_script_that_is_named_exists(page):
    named = set(re.findall(r"\./scripts/(\w+)", (ROOT / page).read_text()))
    assert not {name for name in named if not (ROOT / "scripts" / name).is_file()}


def test_ci_runs_what_people_run():
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == "exec ./scripts/test"


def test_the_supported_python_versions_are_the_same_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["requires-python"] == ">=3.11,<3.14"
    assert project["tool"]["ruff"]["target-version"] == "py311"
    assert project["tool"]["mypy"]["python_version"] == "3.11"
    assert "(3, 11) <= sys.version_info < (3, 14)" in (ROOT / "scripts" / "install").read_text()
    assert "--python-version 3.11 " in (ROOT / "scripts" / "lock").read_text()
