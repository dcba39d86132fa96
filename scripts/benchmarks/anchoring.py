"""Gas of anchors, from the committed byte code on an in-process EVM; call data and the 21,000 are included.

Steady state: each log was anchored before, so both of its storage slots hold something. Trees of any size cost
nothing: a perfect subtree that no proof looks into has an invented hash.
"""

import hashlib
import random
from collections.abc import Sequence
from typing import Any, Final

import eth_tester

from contracts.artifact import load_artifact
from contracts.registry import (
    CALL_GAS_LIMIT,
    DEPLOY_GAS_LIMIT,
    compute_anchor_gas_limit,
    compute_log_id,
    encode_anchor,
    encode_open,
)
from ledger.core.ids import TreeSize
from ledger.core.merkle import SubtreeReader, build_consistency_proof, build_root, hash_node

STEPS: Final = (
    (1_000, 2_000),
    (1_001_000, 1_002_000),
    (1_000_012_345, 1_001_012_345),
)
_LARGEST_BITS: Final = 30


def invent_tree(*cuts: int) -> SubtreeReader:
    """Return the reader of a tree in which proofs between these sizes can be asked for."""

    def read(level: int, index: int) -> bytes:
        low, high = index << level, (index + 1) << level
        if any(low < cut < high for cut in cuts):
            return hash_node(read(level - 1, 2 * index), read(level - 1, 2 * index + 1))
        return hashlib.sha256(low.to_bytes(16) + high.to_bytes(16)).digest()

    return read


def draw_pairs(count: int) -> list[tuple[int, int]]:
    """Return steps between random sizes up to 2^30, small ones as likely as large ones; always the same."""
    source = random.Random(20260101)  # noqa: S311 -- a fixed sample, not a secret
    pairs = []
    for _ in range(count):
        new = source.randint(2, 2 ** source.randint(1, _LARGEST_BITS))
        pairs.append((source.randint(1, new - 1), new))
    return pairs


class Registry:
    """The contract on a chain in this process, with one log that was opened and never anchored."""

    def __init__(self) -> None:
        self._chain: Any = eth_tester.EthereumTester(eth_tester.PyEVMBackend())
        self._sender = self._chain.get_accounts()[0]
        deployed = self._send("", load_artifact().bytecode, DEPLOY_GAS_LIMIT)
        self._address: str = deployed["contract_address"]
        origin_hash = hashlib.sha256(b"bench").digest()
        self._send(self._address, encode_open(origin_hash), CALL_GAS_LIMIT)
        self._log_id = compute_log_id(origin_hash, bytes.fromhex(self._sender[2:]))
        self._opened = self._chain.take_snapshot()

    def measure(self, old: int, new: int) -> int:
        """Return the gas of an anchor from a size to a larger one."""
        read = invent_tree(old, new)
        proof = build_consistency_proof(TreeSize(old), TreeSize(new), read)
        try:
            self._anchor(old, build_root(TreeSize(old), read), ())
            return self._anchor(new, build_root(TreeSize(new), read), proof)
        finally:
            self._chain.revert_to_snapshot(self._opened)

    def _anchor(self, size: int, root: bytes, proof: Sequence[bytes]) -> int:
        data = encode_anchor(self._log_id, size, root, proof)
        return int(self._send(self._address, data, compute_anchor_gas_limit(len(proof)))["gas_used"])

    def _send(self, to: str, data: bytes, gas: int) -> dict[str, Any]:
        transaction = {"from": self._sender, "to": to, "data": "0x" + data.hex(), "gas": gas}
        receipt: dict[str, Any] = self._chain.get_transaction_receipt(
            self._chain.send_transaction(transaction)
        )
        if receipt["status"] != 1:
            raise RuntimeError("the contract refused a transaction of the bench")
        return receipt


def measure_anchoring(pairs: int) -> dict[str, int]:
    """Return the gas of the named steps, and the most that any of so many random steps took."""
    registry = Registry()
    gas = {f"{old}->{new}": registry.measure(old, new) for old, new in STEPS}
    gas["worst_of_random"] = max(registry.measure(old, new) for old, new in draw_pairs(pairs))
    return gas
