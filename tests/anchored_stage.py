"""A chain in memory with a log that was anchored at three sizes, and the verifier's look at it.

>>> stage = Stage()
>>> serve(monkeypatch, stage)
>>> stage.look(stage.checkpoints[0]).reason.en
'anchored in block 2 of chain 7777'
"""

import json

from chain_helpers import make_policy
from fake_chain import CHAIN_ID, FakeChain
from world import ORIGIN

from contracts.artifact import load_artifact
from contracts.registry import compute_origin_hash
from ledger.chain.transactions import Account
from ledger.core.anchor import ChainIdentity
from ledger.core.checkpoint import Checkpoint
from ledger.core.merkle import MemoryTree, build_consistency_proof, hash_leaf
from ledger.core.policy import ContractPin
from verifier.chain import look_at_contract
from verifier.node import Node

URL = "http://127.0.0.1:1"
SIZES = (3, 7, 20)


class Stage:
    """A chain with a log that was anchored at three sizes, in blocks 3, 13 and 23 of 33."""

    def __init__(self) -> None:
        self.chain = FakeChain(Account(bytes(31) + b"\x01"))
        contract, log_id = self.chain.found_log(compute_origin_hash(ORIGIN))
        tree, self.checkpoints, size = MemoryTree(), [], 0
        for wanted in SIZES:
            tree.extend([hash_leaf(bytes([number])) for number in range(tree.size, wanted)])
            proof = build_consistency_proof(size, wanted, tree.read) if size else ()
            self.chain.run_foreign(log_id, wanted, tree.root(), proof)
            self.checkpoints.append(Checkpoint(ORIGIN, wanted, tree.root()))
            size = wanted
            for _ in range(9):
                self.chain.mine()
        identity = ChainIdentity(CHAIN_ID, self.chain.blocks[0].hash, contract, log_id)
        self.pin = ContractPin(identity, load_artifact().code_sha256, "immediate")

    def look(self, checkpoint=None, *, pin=None):
        policy = make_policy(pin or self.pin)
        return look_at_contract(URL, policy)(checkpoint or self.checkpoints[-1])


def serve(monkeypatch, stage):
    """Let the verifier's requests end at this chain."""

    def post(_node, body):
        request = json.loads(body)
        return json.dumps(stage.chain.answer(request["method"], request["params"])).encode()

    monkeypatch.setattr(Node, "_post", post)
