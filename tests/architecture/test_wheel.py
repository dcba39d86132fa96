"""What users get: five packages with their data, and names that clash with nobody else's."""

import importlib.metadata
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"api", "contracts", "issuer", "ledger", "verifier"}
DATA_SUFFIXES = {
    ".wasm",
    ".json",
    ".csv",
    ".sol",
    ".svg",
    ".html",
    ".css",
    ".js",
    ".mako",
    ".md",
    ".typed",
    ".typ",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel from a copy, so that the tree stays clean; needs no network."""
    tree = tmp_path_factory.mktemp("tree")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tree / package, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", "dist"]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = (tree / "dist").iterdir()
    return built


@pytest.fixture(scope="module")
def content(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return {Path(name) for name in archive.namelist()}


def test_the_wheel_holds_exactly_five_packages(content):
    assert {path.parts[0] for path in content if not path.parts[0].endswith(".dist-info")} == PACKAGES


def test_the_wheel_holds_every_module_and_data_file(content):
    wanted = {
        path.relative_to(ROOT)
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.suffix in DATA_SUFFIXES | {".py"} and "__pycache__" not in path.parts
    }
    assert not wanted - content


def test_every_file_of_the_packages_is_code_or_data_that_the_wheel_takes():
    forgotten = [
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix not in DATA_SUFFIXES | {".py", ".pyc"}
    ]
    assert not forgotten, "add the suffix to package-data in pyproject.toml and to DATA_SUFFIXES here"


def test_check_wheel_contents_finds_nothing(wheel):
    command = [
        sys.executable,
        "-m",
        "check_wheel_contents",
        "--config",
        str(ROOT / "pyproject.toml"),
        str(wheel),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_licence_travels_with_the_wheel(content):
    assert any(path.name == "LICENSE" and ".dist-info" in path.parts[0] for path in content)


def test_no_other_installed_distribution_ships_these_names():
    clashes = {
        f"{distribution.name}: {file}"
        for distribution in importlib.metadata.distributions()
        if distribution.name != "hengzheng"
        for file in distribution.files or ()
        if file.parts[0] in PACKAGES or file.parts[0] in {f"{name}.py" for name in PACKAGES}
    }
    assert not clashes
