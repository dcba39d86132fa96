"""The committed artefact: what it says, that it comes from these sources, and that it can be built again."""

import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from contracts.artifact import load_artifact

ROOT = Path(__file__).resolve().parents[2]
ARTIFACTS = ROOT / "contracts" / "artifacts"


def test_artifact_names_its_compiler_and_target():
    artifact = load_artifact()
    assert artifact.name == "AnchorRegistry"
    assert artifact.compiler == "0.8.37+commit.f401782d"
    assert artifact.evm_version == "paris"
    assert artifact.optimizer_runs == 1_000_000
    assert artifact.bytecode.endswith(artifact.deployed_bytecode)
    assert len(artifact.deployed_bytecode) < 24_576


def test_artifact_cannot_be_changed_by_its_reader():
    artifact = load_artifact()
    with pytest.raises(dataclasses.FrozenInstanceError):
        artifact.bytecode = b""
    with pytest.raises(TypeError):
        artifact.source_sha256["x"] = "y"


def test_code_hash_is_that_of_the_deployed_code():
    artifact = load_artifact()
    assert artifact.code_sha256 == hashlib.sha256(artifact.deployed_bytecode).digest()


def test_artifact_was_made_of_the_committed_sources():
    recorded = load_artifact().source_sha256
    assert set(recorded) == {
        f"contracts/src/{path.name}" for path in (ROOT / "contracts" / "src").glob("*.sol")
    }
    for name, digest in recorded.items():
        assert hashlib.sha256((ROOT / name).read_bytes()).hexdigest() == digest, name


def test_compiler_input_holds_the_committed_sources_and_settings():
    artifact = load_artifact()
    given = json.loads((ARTIFACTS / "AnchorRegistry.input.json").read_text(encoding="utf-8"))
    assert set(given["sources"]) == set(artifact.source_sha256)
    for name, source in given["sources"].items():
        assert source["content"] == (ROOT / name).read_text(encoding="utf-8")
    settings = given["settings"]
    assert settings["evmVersion"] == artifact.evm_version
    assert settings["viaIR"] == artifact.via_ir
    assert settings["optimizer"] == {"enabled": True, "runs": artifact.optimizer_runs}
    assert settings["metadata"] == {"bytecodeHash": "none", "appendCBOR": False}


def test_sources_and_lock_pin_one_compiler():
    for path in (ROOT / "contracts" / "src").glob("*.sol"):
        assert path.read_text(encoding="utf-8").startswith(
            "// SPDX-License-Identifier: Apache-2.0\npragma solidity 0.8.37;\n"
        )
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    assert lock["packages"]["node_modules/solc"]["version"] == "0.8.37"
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]


# ---- building again ----------------------------------------------------------------------------------


@pytest.fixture
def compiler():
    """Skip where nobody installed the compiler; CI must have it."""
    if shutil.which("node") and (ROOT / "node_modules" / "solc").is_dir():
        return
    message = "the Solidity compiler is not installed (npm ci); users never need it"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture
def checkout(tmp_path, compiler):
    """A copy of everything the build reads, with the compiler linked in."""
    shutil.copytree(ROOT / "contracts", tmp_path / "contracts", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "build_contracts", tmp_path / "scripts")
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    return tmp_path


def build(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    program = root / "scripts" / "build_contracts"
    return subprocess.run([str(program), *options], capture_output=True, text=True, check=False, timeout=120)


def test_committed_artifact_is_what_the_sources_compile_to(compiler):
    result = build(ROOT, "--check")
    assert (result.returncode, result.stderr) == (0, "")


def test_building_twice_gives_the_same_bytes_elsewhere(checkout):
    shutil.rmtree(checkout / "contracts" / "artifacts")
    (checkout / "contracts" / "artifacts").mkdir()
    assert build(checkout).returncode == 0
    for name in ("AnchorRegistry.json", "AnchorRegistry.input.json"):
        assert (checkout / "contracts" / "artifacts" / name).read_bytes() == (ARTIFACTS / name).read_bytes()


def _flip_last_code_byte(root):
    path = root / "contracts" / "artifacts" / "AnchorRegistry.json"
    text = path.read_text(encoding="utf-8")
    end = text.rindex('"\n}')
    path.write_text(text[: end - 1] + ("0" if text[end - 1] != "0" else "1") + text[end:], encoding="utf-8")


def _change_the_source(root):
    path = root / "contracts" / "src" / "AnchorRegistry.sol"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("if (newSize < size)", "if (newSize <= size)"), encoding="utf-8")


def _change_a_comment(root):
    path = root / "contracts" / "src" / "IAnchorRegistry.sol"
    path.write_text(path.read_text(encoding="utf-8") + "// more\n", encoding="utf-8")


def _drop_the_input(root):
    (root / "contracts" / "artifacts" / "AnchorRegistry.input.json").unlink()


@pytest.mark.parametrize(
    "spoil", [_flip_last_code_byte, _change_the_source, _change_a_comment, _drop_the_input]
)
def test_check_finds_any_difference(checkout, spoil):
    spoil(checkout)
    before = {path: path.read_bytes() for path in (checkout / "contracts").rglob("*") if path.is_file()}
    result = build(checkout, "--check")
    assert result.returncode == 1
    assert "differs" in result.stderr
    assert before == {path: path.read_bytes() for path in before}


def test_a_compiler_warning_stops_the_build(checkout):
    path = checkout / "contracts" / "src" / "AnchorRegistry.sol"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("uint256 fn = index;", "uint256 fn = index;\n        uint256 unused;"), encoding="utf-8"
    )
    result = build(checkout)
    assert result.returncode == 1
    assert "Unused local variable" in result.stderr


def test_unknown_options_are_refused(compiler):
    result = build(ROOT, "--chekc")
    assert result.returncode == 1
    assert "usage" in result.stderr
