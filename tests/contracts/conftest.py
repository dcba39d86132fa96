"""The registry on two in-process EVMs, deployed once a run; every test opens logs of its own."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))  # the helpers of this folder, which is not a package

from evm import PyEvm, Reverted, Revm
from registry_driver import Registry

from contracts.registry import parse_revert


@pytest.fixture(scope="session")
def pyevm_registry() -> Registry:
    return Registry(PyEvm())


@pytest.fixture(scope="session")
def revm_registry() -> Registry:
    pytest.importorskip("pyrevm", reason="pyrevm has no wheel for Python 3.13; py-evm ran these tests")
    return Registry(Revm())


@pytest.fixture(scope="session", params=["py-evm", "revm"])
def registry(request: pytest.FixtureRequest) -> Registry:
    """The deployed registry, once on each EVM."""
    name = {"py-evm": "pyevm_registry", "revm": "revm_registry"}[request.param]
    return request.getfixturevalue(name)


@pytest.fixture(scope="session")
def refused():
    """`with refused("UnknownLog", word, ...)`: the block must revert with this error and arguments."""

    @contextmanager
    def expect(name: str, *arguments: bytes | int) -> Iterator[None]:
        with pytest.raises(Reverted) as caught:
            yield
        revert = parse_revert(caught.value.data)
        words = [
            value.to_bytes(32, "big") if isinstance(value, int) else value.rjust(32, b"\0")
            for value in arguments
        ]
        assert (revert.name, list(revert.arguments)) == (name, words)

    return expect
