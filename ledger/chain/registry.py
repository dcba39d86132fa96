"""One log in the registry contract of one chain: what the contract says about it, as objects.

Rules: an answer that the contract cannot have given is the node's fault, `ChainUnavailableError`; a node of
another chain, or without this contract or log, is `WrongChainError`. Nothing is sent from here.

>>> registry = Registry(client, binding.chain, first_block=binding.first_block)
>>> registry.require_chain()
>>> registry.read_head().size
1042
"""

from dataclasses import dataclass

from contracts.artifact import load_artifact
from contracts.registry import (
    ANCHORED_TOPIC,
    WORD_BYTES,
    AnchoredEvent,
    RegistryCodecError,
    RegistryHead,
    RegistryRevert,
    encode_head_call,
    parse_anchored_event,
    parse_head,
    parse_revert,
)
from ledger.chain.answers import LogEntry, Receipt
from ledger.chain.client import ChainClient, ChainRefusedError
from ledger.core.anchor import ChainIdentity
from ledger.core.errors import ChainUnavailableError, WrongChainError


@dataclass(frozen=True, slots=True)
class Registry:
    """The contract's view of one log. For one thread at a time, as its client."""

    client: ChainClient
    chain: ChainIdentity
    first_block: int = 0
    """No event of the log is older."""

    def require_chain(self) -> None:
        """Check that the node serves this chain, and that the contract there is ours.

        Raises:
            WrongChainError: another chain, or other code at the contract's address.
            ChainUnavailableError: the node cannot be asked.
        """
        found = self.client.chain_id()
        if found != self.chain.chain_id:
            raise WrongChainError(
                f"the node serves chain {found}, this log is anchored on {self.chain.chain_id}"
            )
        if self.client.genesis_hash() != self.chain.genesis_hash:
            raise WrongChainError(
                f"the node serves another chain with the id {found}: its genesis block differs"
            )
        if self.client.code(self.chain.contract) != load_artifact().deployed_bytecode:
            raise WrongChainError(
                f"0x{self.chain.contract.hex()} is not the registry contract of this version"
            )

    def read_head(self) -> RegistryHead:
        """Return what the contract holds for this log in the newest block.

        Raises:
            WrongChainError: the contract does not know the log.
            ChainUnavailableError: the node cannot be asked, or answers nonsense.
        """
        try:
            return parse_head(self.client.call(self.chain.contract, encode_head_call(self.chain.log_id)))
        except RegistryCodecError as err:
            raise ChainUnavailableError("the node answers nonsense for the head of this log") from err
        except ChainRefusedError as err:
            refusal = parse_refusal(err)
            if refusal is None or refusal.name != "UnknownLog":
                raise
            raise WrongChainError(f"the contract does not know the log {self.chain.log_id.hex()}") from err

    def find_anchored(
        self, tree_size: int, root_hash: bytes, block_number: int | None = None
    ) -> LogEntry | None:
        """Return the event with which this tree head went into the contract; None if there is none (yet).

        Args:
            tree_size: number of leaves.
            root_hash: 32 bytes.
            block_number: the only block to look in.

        Raises:
            ChainUnavailableError: the node cannot be asked, or answers nonsense.
        """
        topics = [ANCHORED_TOPIC, self.chain.log_id, tree_size.to_bytes(WORD_BYTES)]
        first, last = self.first_block, block_number
        if last is None:
            last = self.client.block("latest").number
        else:
            first = last
        entries = self.client.logs(self.chain.contract, topics, first, last)
        return next((entry for entry in entries if self._carries(entry, tree_size, root_hash)), None)

    def find_anchored_in(self, receipt: Receipt, tree_size: int, root_hash: bytes) -> LogEntry | None:
        """Return that event if it is among those of one transaction."""
        return next((entry for entry in receipt.logs if self._carries(entry, tree_size, root_hash)), None)

    def _carries(self, entry: LogEntry, tree_size: int, root_hash: bytes) -> bool:
        if entry.address != self.chain.contract:
            return False
        try:
            event = parse_anchored_event(entry.topics, entry.data)
        except RegistryCodecError:
            return False
        return event == AnchoredEvent(self.chain.log_id, tree_size, root_hash)


def parse_refusal(error: ChainRefusedError) -> RegistryRevert | None:
    """Return why the contract refused a call; None if it was not the contract, or it gave no reason."""
    if error.data is None:
        return None
    try:
        return parse_revert(error.data)
    except RegistryCodecError:
        return None
