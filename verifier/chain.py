"""Step 16, a look at the contract itself: read-only, and only when somebody names a node.

Rules: the policy says which chain, genesis block, contract, code and finality count, never the bundle; what the
node cannot or will not say is NOT_CHECKED, only a contradiction is FAILED.

>>> look = look_at_contract("http://127.0.0.1:8545", policy)
>>> look(checkpoint).reason.en
'anchored in block 17 of chain 31337'
"""

from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from typing import Final

from contracts.registry import (
    ANCHORED_TOPIC,
    WORD_BYTES,
    AnchoredEvent,
    RegistryCodecError,
    RegistryHead,
    encode_head_call,
    parse_anchored_event,
    parse_head,
    parse_revert,
)
from ledger.core.checkpoint import Checkpoint
from ledger.core.errors import ChainUnavailableError
from ledger.core.policy import ContractPin, Policy
from ledger.core.step import Check, Step, failed, not_checked, passed
from verifier.node import (
    TIMEOUT_SECONDS,
    Json,
    Node,
    NonsenseError,
    RefusedError,
    parse_block_number,
    parse_data,
    parse_list,
    parse_members,
)

MAX_LOG_REQUESTS: Final = 256
"""Requests for events before the search is given up."""

_REMEMBERED: Final = 1024


def look_at_contract(
    url: str, policy: Policy, *, timeout_seconds: float = TIMEOUT_SECONDS
) -> Callable[[Checkpoint], Check]:
    """Return what looks up a checkpoint in the policy's contract; each checkpoint is looked up once.

    Args:
        url: `http://` or `https://` address of a node, without credentials before the host.
        policy: pins the contract.
        timeout_seconds: for one answer of the node.

    Raises:
        InputError: not such an address.
    """
    node = Node(url, timeout_seconds)

    @lru_cache(maxsize=_REMEMBERED)
    def look(checkpoint: Checkpoint) -> Check:
        if policy.contract is None:
            return not_checked(Step.CHAIN, "the policy names no contract", "策略未指定合约")
        try:
            return _look(node, policy.contract, checkpoint)
        except (RefusedError, NonsenseError) as err:
            return not_checked(Step.CHAIN, str(err), "节点拒绝应答或应答无法识别")
        except ChainUnavailableError as err:
            return not_checked(Step.CHAIN, str(err), "节点无法连接")

    return look


# --- the look ---------------------------------------------------------------------------------------------


def _look(node: Node, pin: ContractPin, checkpoint: Checkpoint) -> Check:
    wrong = _check_identity(node, pin)
    if wrong is not None:
        return wrong
    head = _read_head(node, pin)
    if head is None:
        return failed(Step.CHAIN, "the contract does not know this ledger", "合约中没有此账本")
    size = checkpoint.tree_size
    if head.size < size:
        return not_checked(
            Step.CHAIN,
            f"not anchored yet: the contract holds {head.size} leaves, the checkpoint has {size}",
            f"尚未上链：合约为{head.size}条，账本状态为{size}条",
        )
    if head.size == size and head.root != checkpoint.root_hash:
        return _other_root(size)
    return _check_event(node, pin, checkpoint)


def _check_identity(node: Node, pin: ContractPin) -> Check | None:
    """Compare chain, genesis block and code with the policy; None if they are equal."""
    if node.is_syncing():
        return not_checked(Step.CHAIN, "the node is still catching up", "节点仍在同步")
    chain_id = node.ask_quantity("eth_chainId")
    if chain_id != pin.chain.chain_id:
        return failed(
            Step.CHAIN,
            f"the node serves chain {chain_id}, the policy names chain {pin.chain.chain_id}",
            f"节点所在链为{chain_id}，策略指定的链为{pin.chain.chain_id}",
        )
    if node.read_block("0x0")[1] != pin.chain.genesis_hash:
        return failed(
            Step.CHAIN, "the node serves another chain: its genesis block differs", "节点的创世区块与策略不符"
        )
    code = parse_data(node.ask("eth_getCode", _encode(pin.chain.contract), "latest"))
    if sha256(code).digest() != pin.code_hash:
        return failed(Step.CHAIN, "the contract's code is not what the policy names", "合约代码与策略不符")
    return None


def _read_head(node: Node, pin: ContractPin) -> RegistryHead | None:
    """Return what the contract holds now; None if it does not know the log."""
    call = {"to": _encode(pin.chain.contract), "data": _encode(encode_head_call(pin.chain.log_id))}
    try:
        return parse_head(parse_data(node.ask("eth_call", call, "latest")))
    except RefusedError as err:
        if not _says_unknown_log(err):
            raise
        return None
    except RegistryCodecError as err:
        raise NonsenseError("the node answers nonsense for the contract") from err


def _says_unknown_log(refusal: RefusedError) -> bool:
    try:
        return refusal.data is not None and parse_revert(refusal.data).name == "UnknownLog"
    except RegistryCodecError:
        return False


def _check_event(node: Node, pin: ContractPin, checkpoint: Checkpoint) -> Check:
    """Find the event that anchored this size, and ask whether its block is final."""
    latest = node.read_block("latest")[0]
    found = _find_event(node, pin, checkpoint.tree_size, latest)
    if found is None:
        return not_checked(Step.CHAIN, "the node shows no event for this state", "节点未提供此状态的存证事件")
    event, block_number = found
    if event.root != checkpoint.root_hash:
        return _other_root(checkpoint.tree_size)
    if block_number > _find_final_block(node, pin.finality, latest):
        return not_checked(
            Step.CHAIN,
            f"seen in block {block_number}, which is not final yet",
            f"已在区块{block_number}中找到，尚未最终确认",
        )
    return passed(
        Step.CHAIN,
        f"anchored in block {block_number} of chain {pin.chain.chain_id}",
        f"已在链{pin.chain.chain_id}的区块{block_number}中核对",
    )


def _find_event(
    node: Node, pin: ContractPin, tree_size: int, latest: int
) -> tuple[AnchoredEvent, int] | None:
    """Return the event of this size and its block: the whole chain at once, or newest pages first."""
    topics = [_encode(ANCHORED_TOPIC), _encode(pin.chain.log_id), _encode(tree_size.to_bytes(WORD_BYTES))]
    wanted = {"address": _encode(pin.chain.contract), "topics": topics}
    last, span = latest, latest + 1
    for _ in range(MAX_LOG_REQUESTS):
        first = max(0, last - span + 1)
        try:
            entries = node.ask("eth_getLogs", wanted | {"fromBlock": hex(first), "toBlock": hex(last)})
        except RefusedError:
            if span == 1:
                raise
            span = (span + 1) // 2
            continue
        for entry in parse_list(entries):
            found = _parse_entry(entry, pin)
            if found is not None and found[0].size == tree_size and first <= found[1] <= last:
                return found
        if first == 0:
            return None
        last = first - 1
    raise NonsenseError("the node shows too few blocks at once to search its events")


def _find_final_block(node: Node, finality: str, latest: int) -> int:
    """Return the newest block number that is final by the policy's rule; -1 if the node names none."""
    kind, _, value = finality.partition(":")
    if kind == "depth":
        return latest - int(value)
    if kind == "immediate":
        return latest
    try:
        return node.read_block(value)[0]
    except (RefusedError, NonsenseError):
        return -1


def _other_root(tree_size: int) -> Check:
    return failed(
        Step.CHAIN,
        f"the contract holds another root for {tree_size} leaves",
        f"合约中{tree_size}条对应的根哈希不同",
    )


def _parse_entry(entry: Json, pin: ContractPin) -> tuple[AnchoredEvent, int] | None:
    """Return an event of this log and its block; None for any other event."""
    parse_members(entry, "address", "topics", "data", "blockNumber")
    topics = [parse_data(topic) for topic in parse_list(entry["topics"])]
    try:
        event = parse_anchored_event(topics, parse_data(entry["data"]))
    except RegistryCodecError:
        return None
    if parse_data(entry["address"]) != pin.chain.contract or event.log_id != pin.chain.log_id:
        return None
    return event, parse_block_number(entry["blockNumber"])


def _encode(data: bytes) -> str:
    return "0x" + data.hex()
