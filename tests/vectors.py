"""Where the vectors that others wrote are found."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
VECTORS = Path(os.environ.get("HENGZHENG_VECTORS", ROOT.parent / "shared" / "vectors"))


def vector_path(*parts: str) -> Path:
    """Return a file or folder of the vectors; skip the test where it is absent, fail in CI."""
    path = VECTORS.joinpath(*parts)
    if not path.exists():
        message = f"vectors not found: {path} (set HENGZHENG_VECTORS)"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message, allow_module_level=True)
    return path
