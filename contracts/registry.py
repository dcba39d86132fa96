"""Calls, answers, events and refusals of `AnchorRegistry` <-> bytes, written out by hand.

Rules: no network, nothing but the standard library (eth_abi would cost the verifier 0.5 s at start), strict
both ways: a word with a bit where none belongs is refused, never masked. The selectors and topics below are
Keccak hashes of the ABI's signatures; a test derives them again from the committed ABI.

Example:
    data = encode_anchor(log_id, size, root, proof)     # put into a transaction to the registry
    head = parse_head(answer)                           # of eth_call with encode_head_call(log_id)
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

WORD_BYTES = 32
ADDRESS_BYTES = 20
MAX_SIZE = 2**64 - 1
"""Tree sizes are uint64 on chain."""

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""Root of a log that was opened and never anchored (RFC 9162 §2.1.1)."""

NO_PREDECESSOR = bytes(WORD_BYTES)
"""Predecessor of a log that continues none."""

OPEN_SELECTOR = bytes.fromhex("be42c1a8")
ANCHOR_SELECTOR = bytes.fromhex("eed96158")
PROPOSE_OPERATOR_SELECTOR = bytes.fromhex("5ee07c20")
ACCEPT_OPERATOR_SELECTOR = bytes.fromhex("88a1bb60")
FREEZE_SELECTOR = bytes.fromhex("ec13cc7b")
HEAD_SELECTOR = bytes.fromhex("f339e3b2")
OPERATOR_OF_SELECTOR = bytes.fromhex("63ea4ab2")
PROPOSED_OPERATOR_OF_SELECTOR = bytes.fromhex("1481f4f0")
VERIFY_LEAF_SELECTOR = bytes.fromhex("5df1dd8c")

OPENED_TOPIC = bytes.fromhex("55ef6b205f3f9ebfb0e9c9674f789de10ae67f4ea3ec27e8ba2eda14d09ca890")
ANCHORED_TOPIC = bytes.fromhex("bea4d11b910aad40d2df2a90d97a3329219b6389f85777c99daad7eb5fafd439")
OPERATOR_PROPOSED_TOPIC = bytes.fromhex("88fbad3225a3fb415d213b68bfdc067c270fe5b94dfb5485f91515807cf31ff7")
OPERATOR_CHANGED_TOPIC = bytes.fromhex("ca740bd5cca56b72a44eb89e8a703e2e1269576576b5b5ce52a1ba317d20d78d")
FROZEN_TOPIC = bytes.fromhex("9a286f986752b82f69dc60571f970dcc36761da12cedec9f57faf4939854c609")

REVERT_SIGNATURES: Mapping[bytes, str] = MappingProxyType(
    {
        bytes.fromhex("540d2c6f"): "HashUnavailable()",
        bytes.fromhex("db3a7e8b"): "InconsistentHeads(uint64,uint64)",
        bytes.fromhex("64709037"): "LogAlreadyOpen(bytes32)",
        bytes.fromhex("c6d97d53"): "LogFrozen(bytes32)",
        bytes.fromhex("fc8c2f64"): "NotOperator(bytes32,address)",
        bytes.fromhex("e4a3e705"): "NotProposedOperator(bytes32,address)",
        bytes.fromhex("c1a05d3d"): "RootDiffers(uint64,bytes32,bytes32)",
        bytes.fromhex("bc82fa6b"): "SizeShrinks(uint64,uint64)",
        bytes.fromhex("3d199f11"): "UnknownLog(bytes32)",
    }
)
"""Selector of each of the contract's custom errors -> its signature."""

DEPLOY_GAS_LIMIT = 1_500_000
"""Enough to deploy the registry (measured 1,072,893)."""

CALL_GAS_LIMIT = 100_000
"""Enough for any call but `anchor` and `verifyLeaf` (measured 69,477 for `open`, less for the others)."""


class RegistryCodecError(ValueError):
    """These bytes are not what the registry says or takes, or a value does not fit its ABI type."""


@dataclass(frozen=True, slots=True)
class RegistryHead:
    """Answer of `head`: the whole public state of one log."""

    size: int
    """Number of leaves, 0 before the first anchor."""
    root: bytes
    """32 bytes; `EMPTY_ROOT` before the first anchor."""
    operator: bytes
    """20 bytes, never zero."""
    is_frozen: bool
    """True once the log is closed for ever."""


@dataclass(frozen=True, slots=True)
class OpenedEvent:
    """A log was opened with size 0."""

    log_id: bytes
    """32 bytes, `compute_log_id` of the other three."""
    origin_hash: bytes
    """32 bytes, `compute_origin_hash` of the checkpoint origin; the contract cannot check it."""
    predecessor: bytes
    """32 bytes: the log that this one continues, as its opener claims, or `NO_PREDECESSOR`."""
    operator: bytes
    """20 bytes: who opened it."""


@dataclass(frozen=True, slots=True)
class AnchoredEvent:
    """A log's head moved forward."""

    log_id: bytes
    """32 bytes."""
    size: int
    """The new number of leaves."""
    root: bytes
    """32 bytes: the new root hash."""


@dataclass(frozen=True, slots=True)
class OperatorProposedEvent:
    """A log was offered to another operator."""

    log_id: bytes
    """32 bytes."""
    operator: bytes
    """20 bytes: who may accept; zero if the offer was withdrawn."""


@dataclass(frozen=True, slots=True)
class OperatorChangedEvent:
    """Another operator took a log over."""

    log_id: bytes
    """32 bytes."""
    previous: bytes
    """20 bytes: the operator until now."""
    current: bytes
    """20 bytes: the operator from now on."""


@dataclass(frozen=True, slots=True)
class FrozenEvent:
    """A log was closed for ever at this head."""

    log_id: bytes
    """32 bytes."""
    size: int
    """The last number of leaves."""
    root: bytes
    """32 bytes: the last root hash."""


RegistryEvent = OpenedEvent | AnchoredEvent | OperatorProposedEvent | OperatorChangedEvent | FrozenEvent


@dataclass(frozen=True, slots=True)
class RegistryRevert:
    """Why the registry refused a call."""

    name: str
    """Name of the custom error, as `InconsistentHeads`."""
    arguments: tuple[bytes, ...]
    """The error's arguments, one 32-byte word each."""


def compute_origin_hash(origin: str) -> bytes:
    """Return what `open` takes for a log: SHA-256 of its checkpoint origin line, without line feed."""
    return hashlib.sha256(origin.encode()).digest()


def compute_log_id(origin_hash: bytes, opener: bytes, predecessor: bytes = NO_PREDECESSOR) -> bytes:
    """Return the id under which `opener` opens this log: SHA-256(origin_hash || opener || predecessor).

    Args:
        origin_hash: 32 bytes, from `compute_origin_hash`.
        opener: 20 bytes, the address that sends `open`; a later change of operator keeps the id.
        predecessor: 32 bytes, the log id that this log continues.

    Raises:
        RegistryCodecError: an argument of another size.
    """
    _require_size("opener", opener, ADDRESS_BYTES)
    return hashlib.sha256(_encode_bytes32(origin_hash) + opener + _encode_bytes32(predecessor)).digest()


def compute_anchor_gas_limit(proof_length: int) -> int:
    """Return a gas limit that is enough for `anchor` with so many proof hashes, in any state of the log.

    Measured: at most 39,000 gas without a proof and 1,500 more for each hash; the rest is for chains that
    price a little differently. Unused gas is not paid.
    """
    return 60_000 + 2_200 * proof_length


def encode_open(origin_hash: bytes, predecessor: bytes = NO_PREDECESSOR) -> bytes:
    """Return the call data of `open`; both arguments are 32 bytes, else RegistryCodecError."""
    return OPEN_SELECTOR + _encode_bytes32(origin_hash) + _encode_bytes32(predecessor)


def encode_anchor(log_id: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]) -> bytes:
    """Return the call data of `anchor`.

    Args:
        log_id: 32 bytes.
        new_size: number of leaves, below 2^64.
        new_root: 32 bytes.
        proof: consistency proof from the size stored on chain to `new_size`, 32 bytes each (RFC 9162
            §2.1.4.1); empty if that size is 0.

    Raises:
        RegistryCodecError: an argument of another size.
    """
    fixed = _encode_bytes32(log_id) + _encode_size(new_size) + _encode_bytes32(new_root)
    return ANCHOR_SELECTOR + fixed + _encode_uint(4 * WORD_BYTES) + _encode_hashes(proof)


def encode_propose_operator(log_id: bytes, operator: bytes) -> bytes:
    """Return the call data of `proposeOperator`: 32-byte log, 20-byte address (zero withdraws the offer)."""
    return PROPOSE_OPERATOR_SELECTOR + _encode_bytes32(log_id) + _encode_address(operator)


def encode_accept_operator(log_id: bytes) -> bytes:
    """Return the call data of `acceptOperator`, which the proposed address must send."""
    return ACCEPT_OPERATOR_SELECTOR + _encode_bytes32(log_id)


def encode_freeze(log_id: bytes) -> bytes:
    """Return the call data of `freeze`, from which there is no way back."""
    return FREEZE_SELECTOR + _encode_bytes32(log_id)


def encode_head_call(log_id: bytes) -> bytes:
    """Return the call data of the view `head`; `parse_head` reads the answer."""
    return HEAD_SELECTOR + _encode_bytes32(log_id)


def encode_operator_of_call(log_id: bytes) -> bytes:
    """Return the call data of the view `operatorOf`; `parse_address` reads the answer."""
    return OPERATOR_OF_SELECTOR + _encode_bytes32(log_id)


def encode_proposed_operator_of_call(log_id: bytes) -> bytes:
    """Return the call data of the view `proposedOperatorOf`; `parse_address` reads the answer."""
    return PROPOSED_OPERATOR_OF_SELECTOR + _encode_bytes32(log_id)


def encode_verify_leaf_call(log_id: bytes, leaf_index: int, leaf: bytes, proof: Sequence[bytes]) -> bytes:
    """Return the call data of the view `verifyLeaf`; `parse_bool` reads the answer.

    Args:
        log_id: 32 bytes.
        leaf_index: zero-based, below 2^64.
        leaf: the whole leaf, not its hash.
        proof: inclusion proof under the size stored on chain, 32 bytes each (RFC 9162 §2.1.3.1).

    Raises:
        RegistryCodecError: an argument of another size.
    """
    padded_leaf = _encode_uint(len(leaf)) + leaf + bytes(-len(leaf) % WORD_BYTES)
    leaf_offset = 4 * WORD_BYTES
    offsets = _encode_uint(leaf_offset) + _encode_uint(leaf_offset + len(padded_leaf))
    fixed = _encode_bytes32(log_id) + _encode_size(leaf_index) + offsets
    return VERIFY_LEAF_SELECTOR + fixed + padded_leaf + _encode_hashes(proof)


def parse_head(answer: bytes) -> RegistryHead:
    """Return the head that `head` answered; RegistryCodecError on any other bytes, empty ones included."""
    size, root, operator, is_frozen = _split_words(answer, 4)
    head = RegistryHead(_parse_size(size), root, _parse_address(operator), _parse_bool(is_frozen))
    if not any(head.operator):
        raise RegistryCodecError("a head without operator belongs to no log")
    return head


def parse_address(answer: bytes) -> bytes:
    """Return the 20 bytes that `operatorOf` or `proposedOperatorOf` answered; zero stands for nobody."""
    return _parse_address(*_split_words(answer, 1))


def parse_bool(answer: bytes) -> bool:
    """Return what `verifyLeaf` answered; RegistryCodecError on anything but 0 and 1."""
    return _parse_bool(*_split_words(answer, 1))


def parse_event(topics: Sequence[bytes], data: bytes) -> RegistryEvent:
    """Return the event that a log record of the registry carries.

    Args:
        topics: the record's topics, 32 bytes each. That the record comes from the registry's address is for
            the caller to check.
        data: the record's data.

    Raises:
        RegistryCodecError: no event of the registry, or not in its exact form.
    """
    if not topics or bytes(topics[0]) not in _EVENT_FORMS:
        raise RegistryCodecError("not an event of the registry")
    topic_count, word_count, build = _EVENT_FORMS[bytes(topics[0])]
    if len(topics) != topic_count:
        raise RegistryCodecError(f"an event with {len(topics)} topics instead of {topic_count}")
    return build(*(_encode_bytes32(topic) for topic in topics[1:]), *_split_words(data, word_count))


def parse_anchored_event(topics: Sequence[bytes], data: bytes) -> AnchoredEvent:
    """Return the `Anchored` event of a log record; RegistryCodecError on every other, see `parse_event`."""
    event = parse_event(topics, data)
    if not isinstance(event, AnchoredEvent):
        raise RegistryCodecError(f"not an Anchored event but {type(event).__name__}")
    return event


def parse_revert(data: bytes) -> RegistryRevert:
    """Return the refusal that revert data carries; RegistryCodecError if it is none of the registry's own."""
    signature = REVERT_SIGNATURES.get(bytes(data[:4]))
    if signature is None:
        raise RegistryCodecError("not a refusal of the registry")
    name, _, types = signature.rstrip(")").partition("(")
    count = len(types.split(",")) if types else 0
    return RegistryRevert(name, _split_words(data[4:], count))


def _opened(log_id: bytes, origin_hash: bytes, predecessor: bytes, operator: bytes) -> OpenedEvent:
    return OpenedEvent(log_id, origin_hash, predecessor, _parse_address(operator))


def _anchored(log_id: bytes, size: bytes, root: bytes) -> AnchoredEvent:
    return AnchoredEvent(log_id, _parse_size(size), root)


def _operator_proposed(log_id: bytes, operator: bytes) -> OperatorProposedEvent:
    return OperatorProposedEvent(log_id, _parse_address(operator))


def _operator_changed(log_id: bytes, previous: bytes, current: bytes) -> OperatorChangedEvent:
    return OperatorChangedEvent(log_id, _parse_address(previous), _parse_address(current))


def _frozen(log_id: bytes, size: bytes, root: bytes) -> FrozenEvent:
    return FrozenEvent(log_id, _parse_size(size), root)


_EVENT_FORMS: Mapping[bytes, tuple[int, int, Callable[..., RegistryEvent]]] = MappingProxyType(
    {
        OPENED_TOPIC: (4, 1, _opened),
        ANCHORED_TOPIC: (3, 1, _anchored),
        OPERATOR_PROPOSED_TOPIC: (3, 0, _operator_proposed),
        OPERATOR_CHANGED_TOPIC: (4, 0, _operator_changed),
        FROZEN_TOPIC: (2, 2, _frozen),
    }
)
"""First topic -> number of topics, number of data words, and what makes the event of the other words."""


def _require_size(name: str, value: bytes, size: int) -> None:
    if len(value) != size:
        raise RegistryCodecError(f"{name} has {len(value)} bytes instead of {size}")


def _encode_bytes32(value: bytes) -> bytes:
    _require_size("a hash or id", value, WORD_BYTES)
    return bytes(value)


def _encode_address(value: bytes) -> bytes:
    _require_size("an address", value, ADDRESS_BYTES)
    return bytes(WORD_BYTES - ADDRESS_BYTES) + value


def _encode_uint(value: int) -> bytes:
    return value.to_bytes(WORD_BYTES, "big")


def _encode_size(value: int) -> bytes:
    if not 0 <= value <= MAX_SIZE:
        raise RegistryCodecError(f"{value} is not an unsigned 64-bit number")
    return _encode_uint(value)


def _encode_hashes(hashes: Sequence[bytes]) -> bytes:
    return _encode_uint(len(hashes)) + b"".join(_encode_bytes32(item) for item in hashes)


def _split_words(data: bytes, count: int) -> tuple[bytes, ...]:
    _require_size("the answer", data, count * WORD_BYTES)
    return tuple(bytes(data[i : i + WORD_BYTES]) for i in range(0, len(data), WORD_BYTES))


def _parse_uint(word: bytes, bits: int) -> int:
    value = int.from_bytes(word, "big")
    if value >> bits:
        raise RegistryCodecError(f"a number of more than {bits} bits")
    return value


def _parse_size(word: bytes) -> int:
    return _parse_uint(word, 64)


def _parse_address(word: bytes) -> bytes:
    return _parse_uint(word, 8 * ADDRESS_BYTES).to_bytes(ADDRESS_BYTES, "big")


def _parse_bool(word: bytes) -> bool:
    return bool(_parse_uint(word, 1))
