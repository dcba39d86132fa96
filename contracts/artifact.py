"""The committed compiler output of `AnchorRegistry`, as package data; users never compile.

Example:
    artifact = load_artifact()
    artifact.bytecode            # data of the transaction that deploys it
    artifact.deployed_bytecode   # what eth_getCode must answer at its address, byte for byte
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class ContractArtifact:
    """What `scripts/build_contracts` wrote for one contract."""

    name: str
    """Name of the contract in its source."""
    compiler: str
    """Exact compiler version with its commit."""
    evm_version: str
    """EVM target; `paris`, so that the code also runs where later opcodes do not exist."""
    optimizer_runs: int
    """Setting of the optimizer."""
    via_ir: bool
    """Whether the compiler went through its intermediate language."""
    source_sha256: Mapping[str, str]
    """Path of each source -> hex SHA-256 of its bytes."""
    abi: tuple[Mapping[str, Any], ...]
    """The JSON ABI, in the compiler's order."""
    bytecode: bytes
    """Creation code; the constructor takes no argument."""
    deployed_bytecode: bytes
    """Code at the contract's address; it holds no immutable, so every deployment has exactly these bytes."""

    @property
    def code_sha256(self) -> bytes:
        """SHA-256 of the deployed code, 32 bytes: what a policy pins."""
        return hashlib.sha256(self.deployed_bytecode).digest()


def load_artifact() -> ContractArtifact:
    """Read the artefact of `AnchorRegistry` from the package."""
    text = files("contracts").joinpath("artifacts", "AnchorRegistry.json").read_text(encoding="utf-8")
    raw: dict[str, Any] = json.loads(text)
    return ContractArtifact(
        name=raw["contractName"],
        compiler=raw["compiler"],
        evm_version=raw["evmVersion"],
        optimizer_runs=raw["optimizerRuns"],
        via_ir=raw["viaIR"],
        source_sha256=MappingProxyType(raw["sourceSha256"]),
        abi=tuple(raw["abi"]),
        bytecode=bytes.fromhex(raw["bytecode"].removeprefix("0x")),
        deployed_bytecode=bytes.fromhex(raw["deployedBytecode"].removeprefix("0x")),
    )
