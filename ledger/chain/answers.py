"""What a node answers, parsed: blocks, receipts and events as bytes and integers.

A node is not trusted to be well-formed. Members that nobody here needs are ignored, members that are needed
must be there and spell what they should: anything else is `MalformedDocumentError`, whatever JSON it is.

Source: Ethereum execution-apis, schemas Block, Receipt, Log.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ledger.chain.hexadecimal import parse_data, parse_quantity
from ledger.core.errors import MalformedDocumentError

Json: TypeAlias = Any
"""What a node answered, before it is parsed."""

_RECEIPT_MEMBERS = ("transactionHash", "blockNumber", "blockHash", "status", "gasUsed", "logs")
_NO_ADDRESS = (None, "", "0x")


@dataclass(frozen=True, slots=True)
class BlockRef:
    """Which block."""

    number: int
    hash: bytes
    """32 bytes."""
    timestamp: int
    """Seconds since 1970-01-01 UTC, as the block's maker says; FISCO BCOS counts milliseconds."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One event of a contract, as mined."""

    address: bytes
    """20 bytes: the contract."""
    topics: tuple[bytes, ...]
    """At most four of 32 bytes; the first names the event."""
    data: bytes
    block_number: int
    block_hash: bytes
    tx_hash: bytes
    log_index: int
    """Position in the block."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came of a mined transaction; not a promise that its block stays."""

    tx_hash: bytes
    block_number: int
    block_hash: bytes
    succeeded: bool
    """False: mined and paid for, but reverted."""
    gas_used: int
    gas_price_wei: int | None
    """What a unit of gas cost, where the node says it."""
    contract_address: bytes | None
    """20 bytes: the contract that the transaction created."""
    logs: tuple[LogEntry, ...]


def parse_object(answer: Json, *names: str) -> Mapping[str, Json]:
    """Return a JSON object that has at least these members."""
    if not isinstance(answer, Mapping) or not all(name in answer for name in names):
        raise MalformedDocumentError("not an object, or without a member that it must have")
    return answer


def parse_anything(answer: Json) -> None:
    """Accept any answer."""
    del answer


def parse_text(answer: Json) -> str:
    """Return a string."""
    if not isinstance(answer, str):
        raise MalformedDocumentError("not a string")
    return answer


def parse_hash(answer: Json) -> bytes:
    """Return the 32 bytes of a hash."""
    return parse_data(answer, size=32)


def parse_address(answer: Json) -> bytes:
    """Return the 20 bytes of an address."""
    return parse_data(answer, size=20)


def parse_block(answer: Json) -> BlockRef | None:
    """Return a block; None for null."""
    if answer is None:
        return None
    parse_object(answer, "number", "hash", "timestamp")
    return BlockRef(
        parse_quantity(answer["number"]), parse_hash(answer["hash"]), parse_quantity(answer["timestamp"])
    )


def parse_base_fee(answer: Json) -> int | None:
    """Return the base fee of a block in wei; None on chains that have none."""
    fee = parse_object(answer).get("baseFeePerGas")
    return None if fee is None else parse_quantity(fee)


def parse_logs(answer: Json) -> tuple[LogEntry, ...]:
    """Return a list of events."""
    return tuple(map(parse_log, _parse_list(answer)))


def parse_log(answer: Json) -> LogEntry:
    """Return one event."""
    parse_object(
        answer, "address", "topics", "data", "blockNumber", "blockHash", "transactionHash", "logIndex"
    )
    return LogEntry(
        address=parse_address(answer["address"]),
        topics=tuple(map(parse_hash, _parse_list(answer["topics"]))),
        data=parse_data(answer["data"]),
        block_number=parse_quantity(answer["blockNumber"]),
        block_hash=parse_hash(answer["blockHash"]),
        tx_hash=parse_hash(answer["transactionHash"]),
        log_index=parse_quantity(answer["logIndex"]),
    )


def parse_receipt(answer: Json) -> Receipt | None:
    """Return a receipt; None for null, and for a transaction that is in no block yet."""
    if answer is None or parse_object(answer, *_RECEIPT_MEMBERS)["blockHash"] is None:
        return None
    price, created = answer.get("effectiveGasPrice"), answer.get("contractAddress")
    return Receipt(
        tx_hash=parse_hash(answer["transactionHash"]),
        block_number=parse_quantity(answer["blockNumber"]),
        block_hash=parse_hash(answer["blockHash"]),
        succeeded=parse_quantity(answer["status"]) == 1,
        gas_used=parse_quantity(answer["gasUsed"]),
        gas_price_wei=None if price is None else parse_quantity(price),
        contract_address=None if created in _NO_ADDRESS else parse_address(created),
        logs=parse_logs(answer["logs"]),
    )


def _parse_list(answer: Json) -> list[Json]:
    if not isinstance(answer, list):
        raise MalformedDocumentError("not a list")
    return answer
