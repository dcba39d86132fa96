"""The deployed registry as Python methods, for one in-process EVM; bytes go through the product's codec."""

from collections.abc import Sequence
from itertools import count

from evm import Evm, Receipt, Reverted

from contracts.artifact import load_artifact
from contracts.registry import (
    NO_PREDECESSOR,
    RegistryEvent,
    RegistryHead,
    compute_log_id,
    encode_accept_operator,
    encode_anchor,
    encode_freeze,
    encode_head_call,
    encode_open,
    encode_operator_of_call,
    encode_propose_operator,
    encode_proposed_operator_of_call,
    encode_verify_leaf_call,
    parse_address,
    parse_bool,
    parse_event,
    parse_head,
    parse_revert,
)


class Registry:
    """One deployment; each test opens its own logs in it."""

    def __init__(self, evm: Evm) -> None:
        self.evm = evm
        self.address = evm.deploy(load_artifact().bytecode)
        self.operator, self.other, self.stranger = evm.accounts[:3]
        self._origins = count(1)

    def send(self, data: bytes, sender: bytes | None = None) -> Receipt:
        return self.evm.send(sender or self.operator, self.address, data)

    def events(self, data: bytes, sender: bytes | None = None) -> list[RegistryEvent]:
        return [parse_event(*log) for log in self.send(data, sender).logs]

    def fresh_origin(self) -> bytes:
        return next(self._origins).to_bytes(32, "big")

    def open(self, size: int = 0, root: bytes = b"") -> bytes:
        """Open a log nobody used before; with a size, anchor it there."""
        origin = self.fresh_origin()
        self.send(encode_open(origin))
        log_id = compute_log_id(origin, self.operator, NO_PREDECESSOR)
        if size:
            self.anchor(log_id, size, root)
        return log_id

    def anchor(
        self, log_id: bytes, size: int, root: bytes, proof: Sequence[bytes] = (), sender: bytes | None = None
    ) -> list[RegistryEvent]:
        return self.events(encode_anchor(log_id, size, root, proof), sender)

    def would_accept(self, log_id: bytes, size: int, root: bytes, proof: Sequence[bytes] = ()) -> bool:
        """Ask whether the operator could anchor this now; the log stays as it is."""
        try:
            self.evm.simulate(self.operator, self.address, encode_anchor(log_id, size, root, proof))
        except Reverted as refusal:
            if parse_revert(refusal.data).name not in {"InconsistentHeads", "SizeShrinks", "RootDiffers"}:
                raise
            return False
        return True

    def propose(self, log_id: bytes, operator: bytes, sender: bytes | None = None) -> list[RegistryEvent]:
        return self.events(encode_propose_operator(log_id, operator), sender)

    def accept(self, log_id: bytes, sender: bytes) -> list[RegistryEvent]:
        return self.events(encode_accept_operator(log_id), sender)

    def freeze(self, log_id: bytes, sender: bytes | None = None) -> list[RegistryEvent]:
        return self.events(encode_freeze(log_id), sender)

    def head(self, log_id: bytes) -> RegistryHead:
        return parse_head(self.evm.call(self.address, encode_head_call(log_id)))

    def operator_of(self, log_id: bytes) -> bytes:
        return parse_address(self.evm.call(self.address, encode_operator_of_call(log_id)))

    def proposed_operator_of(self, log_id: bytes) -> bytes:
        return parse_address(self.evm.call(self.address, encode_proposed_operator_of_call(log_id)))

    def has_leaf(self, log_id: bytes, index: int, leaf: bytes, proof: Sequence[bytes]) -> bool:
        return parse_bool(self.evm.call(self.address, encode_verify_leaf_call(log_id, index, leaf, proof)))
