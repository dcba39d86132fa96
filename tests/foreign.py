"""What a verifier that others wrote says about our credentials (npm, see package.json)."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "tests" / "conformance" / "foreign" / "verify_credential.mjs"
LIBRARY = ROOT / "node_modules" / "@digitalbazaar" / "eddsa-jcs-2022-cryptosuite"


def foreign_answers(credentials: list[dict]) -> list[dict]:
    """Return {verified, proofs, errors} for each credential; skip the test without node, fail in CI."""
    node = shutil.which("node")
    if node is None or not LIBRARY.is_dir():
        message = "node or node_modules is missing (npm ci)"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, f"{number}.json") for number in range(len(credentials))]
        for path, credential in zip(paths, credentials, strict=True):
            path.write_text(json.dumps(credential), encoding="utf-8")
        done = subprocess.run(
            [node, str(SCRIPT), *map(str, paths)], capture_output=True, text=True, timeout=120, check=False
        )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def foreign_verify(credential: dict) -> bool:
    """Say whether every proof of the credential's set verifies there."""
    return foreign_answers([credential])[0]["verified"]
