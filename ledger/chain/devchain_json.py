"""Blocks, transactions, receipts and log entries of the development chain as JSON-RPC spells them.

Source: Ethereum execution-apis, schemas Block, Transaction, Receipt, Log.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import rlp  # type: ignore[import-untyped]  # ships no types
from eth.abc import BlockAPI, SignedTransactionAPI

from ledger.chain.devchain_evm import Mined
from ledger.chain.devchain_store import LogRow
from ledger.chain.hexadecimal import encode_data, encode_quantity
from ledger.chain.transactions import compute_contract_address

Header: TypeAlias = Any
"""A header of py-evm's Prague; its published interface lacks the members of the newest forks."""

_DYNAMIC_TYPES = frozenset({2, 4})


def block_json(block: BlockAPI, *, full: bool) -> dict[str, Any]:
    """Return a block with the hashes of its transactions, or with the transactions themselves."""
    header = block.header
    transactions = [
        _transaction(transaction, header) if full else encode_data(transaction.hash)
        for transaction in block.transactions
    ]
    withdrawals = [
        {
            "index": encode_quantity(withdrawal.index),
            "validatorIndex": encode_quantity(withdrawal.validator_index),
            "address": encode_data(withdrawal.address),
            "amount": encode_quantity(withdrawal.amount),
        }
        for withdrawal in block.withdrawals
    ]
    body = {"transactions": transactions, "uncles": [], "withdrawals": withdrawals}
    return {**_header(header), "size": encode_quantity(len(rlp.encode(block))), **body}


def _header(header: Header) -> dict[str, Any]:
    return {
        "hash": encode_data(header.hash),
        "parentHash": encode_data(header.parent_hash),
        "sha3Uncles": encode_data(header.uncles_hash),
        "miner": encode_data(header.coinbase),
        "stateRoot": encode_data(header.state_root),
        "transactionsRoot": encode_data(header.transaction_root),
        "receiptsRoot": encode_data(header.receipt_root),
        "logsBloom": encode_data(header.bloom.to_bytes(256, "big")),
        "difficulty": encode_quantity(header.difficulty),
        "number": encode_quantity(header.block_number),
        "gasLimit": encode_quantity(header.gas_limit),
        "gasUsed": encode_quantity(header.gas_used),
        "timestamp": encode_quantity(header.timestamp),
        "extraData": encode_data(header.extra_data),
        "mixHash": encode_data(header.mix_hash),
        "nonce": encode_data(header.nonce),
        "baseFeePerGas": encode_quantity(header.base_fee_per_gas),
        "withdrawalsRoot": encode_data(header.withdrawals_root),
        "blobGasUsed": encode_quantity(header.blob_gas_used),
        "excessBlobGas": encode_quantity(header.excess_blob_gas),
        "parentBeaconBlockRoot": encode_data(header.parent_beacon_block_root),
        "requestsHash": encode_data(header.requests_hash),
    }


def transaction_json(mined: Mined) -> dict[str, Any]:
    """Return a mined transaction."""
    return _transaction(mined.transaction, mined.header)


def _transaction(transaction: SignedTransactionAPI, header: Header) -> dict[str, Any]:
    kind = _type(transaction)
    common = {
        "hash": encode_data(transaction.hash),
        "type": encode_quantity(kind),
        "blockHash": encode_data(header.hash),
        "blockNumber": encode_quantity(header.block_number),
        "transactionIndex": "0x0",
        "from": encode_data(transaction.sender),
        "to": encode_data(transaction.to) if transaction.to else None,
        "nonce": encode_quantity(transaction.nonce),
        "value": encode_quantity(transaction.value),
        "gas": encode_quantity(transaction.gas),
        "gasPrice": encode_quantity(_effective_gas_price(transaction, header)),
        "input": encode_data(transaction.data),
        "chainId": encode_quantity(transaction.chain_id or 0),
        "r": encode_quantity(transaction.r),
        "s": encode_quantity(transaction.s),
    }
    return {**common, **_typed_members(transaction, kind)}


def _typed_members(transaction: SignedTransactionAPI, kind: int) -> dict[str, Any]:
    """Return what only some types of transactions have."""
    if kind == 0:
        return {"v": encode_quantity(_parity_and_chain(transaction))}
    parity = encode_quantity(transaction.y_parity)
    access = [
        {
            "address": encode_data(address),
            "storageKeys": [encode_data(key.to_bytes(32, "big")) for key in keys],
        }
        for address, keys in transaction.access_list
    ]
    members: dict[str, Any] = {"v": parity, "yParity": parity, "accessList": access}
    if kind in _DYNAMIC_TYPES:
        members["maxFeePerGas"] = encode_quantity(transaction.max_fee_per_gas)
        members["maxPriorityFeePerGas"] = encode_quantity(transaction.max_priority_fee_per_gas)
    return members


def receipt_json(mined: Mined, log: Sequence[LogRow]) -> dict[str, Any]:
    """Return the receipt of a transaction that is alone in its block.

    Args:
        mined: the transaction.
        log: all log entries of its block.
    """
    transaction, receipt, header = mined.transaction, mined.receipt, mined.header
    return {
        "transactionHash": encode_data(transaction.hash),
        "transactionIndex": "0x0",
        "blockHash": encode_data(header.hash),
        "blockNumber": encode_quantity(header.block_number),
        "from": encode_data(transaction.sender),
        "to": encode_data(transaction.to) if transaction.to else None,
        "contractAddress": None if transaction.to else _created(transaction),
        "type": encode_quantity(_type(transaction)),
        "status": "0x1" if receipt.state_root == b"\x01" else "0x0",
        "gasUsed": encode_quantity(receipt.gas_used),
        "cumulativeGasUsed": encode_quantity(receipt.gas_used),
        "effectiveGasPrice": encode_quantity(_effective_gas_price(transaction, header)),
        "logs": [log_json(entry) for entry in log],
        "logsBloom": encode_data(receipt.bloom.to_bytes(256, "big")),
    }


def log_json(entry: LogRow) -> dict[str, Any]:
    """Return one log entry."""
    return {
        "address": encode_data(entry.address),
        "topics": [encode_data(topic) for topic in entry.topics],
        "data": encode_data(entry.data),
        "blockNumber": encode_quantity(entry.block_number),
        "blockHash": encode_data(entry.block_hash),
        "transactionHash": encode_data(entry.transaction_hash),
        "transactionIndex": encode_quantity(entry.transaction_index),
        "logIndex": encode_quantity(entry.log_index),
        "removed": False,
    }


def _created(transaction: SignedTransactionAPI) -> str:
    return encode_data(compute_contract_address(transaction.sender, transaction.nonce))


def _parity_and_chain(transaction: SignedTransactionAPI) -> int:
    """Return `v` of a transaction of type 0. Source: EIP-155."""
    return 35 + 2 * (transaction.chain_id or 0) + transaction.y_parity


def _type(transaction: SignedTransactionAPI) -> int:
    return int(getattr(transaction, "type_id", None) or 0)


def _effective_gas_price(transaction: SignedTransactionAPI, header: Header) -> int:
    """Return what a unit of gas cost. Source: EIP-1559."""
    offered: int = transaction.max_priority_fee_per_gas + header.base_fee_per_gas
    return min(transaction.max_fee_per_gas, offered)
