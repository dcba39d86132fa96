"""JSON-RPC 2.0 in front of the development chain: bytes of a request in, bytes of a reply out; no sockets.

The methods are those that wallets, web3 libraries and this product use on any Ethereum node
(execution-apis), and one of our own, `hengzheng_fund(address, wei?)`. Every accepted transaction is final,
so `safe`, `finalized`, `pending` and `latest` name the same block.

Error codes: -32700 not JSON, -32600 not a request, -32601 unknown method, -32602 wrong parameters, -32000
refused by the chain, -32005 too many results, 3 execution reverted (`data` holds what the contract
returned), -32603 a fault of ours.
"""

import inspect
import logging
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
from eth.abc import BlockHeaderAPI

from ledger.chain.devchain_evm import Call, DevelopmentChain, RevertedError
from ledger.chain.devchain_json import block_json, log_json, receipt_json, transaction_json
from ledger.chain.devchain_store import LogFilter, NodeStore, TooManyLogEntriesError
from ledger.chain.hexadecimal import encode_data, encode_quantity, parse_data, parse_quantity
from ledger.core.errors import InputError, LedgerError, MalformedDocumentError, NotFoundError

CLIENT_VERSION = "hengzheng-devchain/1/py-evm/prague"
MAX_BATCH = 1_000
"""Requests in one batch."""

_MAX_BLOCK_NUMBER = 2**63 - 1
_MAX_ALTERNATIVES = 1_000
_DEFAULT_FUND_WEI = hex(1_000 * 10**18)
_PRIORITY_FEE_WEI = 10**9
_SAME_AS_LATEST = frozenset({"latest", "safe", "finalized", "pending"})
_NULL_IF_ABSENT = frozenset(
    {"eth_getBlockByHash", "eth_getBlockByNumber", "eth_getTransactionByHash", "eth_getTransactionReceipt"}
)
"""These answer null for what is not there; the others answer with an error."""
_LOGGER = logging.getLogger(__name__)

Json = Any
"""What JSON can hold."""


class _UnknownMethodError(InputError):
    """No such method."""


class JsonRpc:
    """Answers requests one at a time, from any thread.

    After `sqlite3.Error` nobody knows whether the last block was saved: `on_fault` is called, and must end
    the process.
    """

    def __init__(self, chain: DevelopmentChain, store: NodeStore, *, on_fault: Callable[[], None]) -> None:
        self._chain = chain
        self._store = store
        self._on_fault = on_fault
        self._lock = threading.Lock()
        self._methods: Mapping[str, Callable[..., Json]] = {
            "eth_blockNumber": lambda: encode_quantity(chain.head().block_number),
            "eth_call": self._call,
            "eth_chainId": lambda: encode_quantity(chain.chain_id),
            "eth_estimateGas": self._estimate_gas,
            "eth_gasPrice": lambda: encode_quantity(chain.base_fee_wei() + _PRIORITY_FEE_WEI),
            "eth_getBalance": lambda address, block="latest": encode_quantity(
                chain.balance_wei(_address(address), self._header(block))
            ),
            "eth_getBlockByHash": self._block_by_hash,
            "eth_getBlockByNumber": self._block_by_number,
            "eth_getCode": lambda address, block="latest": encode_data(
                chain.code(_address(address), self._header(block))
            ),
            "eth_getLogs": self._logs,
            "eth_getTransactionByHash": lambda tx_hash: transaction_json(chain.mined(_hash(tx_hash))),
            "eth_getTransactionCount": lambda address, block="latest": encode_quantity(
                chain.nonce(_address(address), self._header(block))
            ),
            "eth_getTransactionReceipt": self._receipt,
            "eth_maxPriorityFeePerGas": lambda: encode_quantity(_PRIORITY_FEE_WEI),
            "eth_sendRawTransaction": lambda raw: encode_data(chain.submit(parse_data(raw))),
            "eth_syncing": lambda: False,
            "hengzheng_fund": lambda address, wei=_DEFAULT_FUND_WEI: encode_data(
                chain.fund(_address(address), parse_quantity(wei))
            ),
            "net_version": lambda: str(chain.chain_id),
            "web3_clientVersion": lambda: CLIENT_VERSION,
        }

    def answer(self, body: bytes) -> bytes:
        """Return the reply to one request or one batch; empty if nothing in it wants a reply."""
        try:
            request = orjson.loads(body)
        except orjson.JSONDecodeError:
            return orjson.dumps(_error(None, -32700, "not JSON"))
        if not isinstance(request, list):
            reply = self._answer_one(request)
            return b"" if reply is None else orjson.dumps(reply)
        if not 0 < len(request) <= MAX_BATCH:
            return orjson.dumps(_error(None, -32600, f"a batch holds 1 to {MAX_BATCH} requests"))
        replies = [reply for reply in map(self._answer_one, request) if reply is not None]
        return orjson.dumps(replies) if replies else b""

    def close(self) -> None:
        """Wait for the request in hand, and answer no other."""
        self._lock.acquire()

    def _answer_one(self, request: Json) -> dict[str, Json] | None:
        if not isinstance(request, dict) or request.get("jsonrpc") != "2.0":
            return _error(None, -32600, "not a JSON-RPC 2.0 request")
        identifier = request.get("id")
        if not isinstance(identifier, str | int | None) or not isinstance(request.get("method"), str):
            return _error(None, -32600, "not a JSON-RPC 2.0 request")
        reply = self._run(identifier, request["method"], request.get("params", []))
        return reply if "id" in request else None

    def _run(self, identifier: str | int | None, method: str, params: Json) -> dict[str, Json]:
        try:
            with self._lock:
                result = self._dispatch(method, params)
        except _UnknownMethodError as err:
            return _error(identifier, -32601, str(err))
        except InputError as err:
            return _error(identifier, -32602, str(err))
        except RevertedError as err:
            return _error(identifier, 3, str(err), encode_data(err.data))
        except TooManyLogEntriesError as err:
            return _error(identifier, -32005, str(err))
        except LedgerError as err:
            return _error(identifier, -32000, str(err))
        except sqlite3.Error:
            _LOGGER.exception("the chain's file cannot be read or written; this process ends")
            self._on_fault()
            return _error(identifier, -32603, "the chain's file cannot be read or written")
        except Exception:
            _LOGGER.exception("%s failed", method)
            return _error(identifier, -32603, "internal fault, see the chain's own log")
        return {"jsonrpc": "2.0", "id": identifier, "result": result}

    def _dispatch(self, method: str, params: Json) -> Json:
        if method not in self._methods:
            raise _UnknownMethodError(f"the method {method[:60]} does not exist on this chain")
        if not isinstance(params, list):
            raise MalformedDocumentError("params is not a list")
        function = self._methods[method]
        try:
            inspect.signature(function).bind(*params)
        except TypeError as err:
            raise MalformedDocumentError(f"{len(params)} parameters are too few or too many") from err
        try:
            return function(*params)
        except NotFoundError:
            if method in _NULL_IF_ABSENT:
                return None
            raise

    # Blocks and transactions

    def _header(self, selector: Json) -> BlockHeaderAPI:
        """Return the header that a tag, a number or an EIP-1898 object names."""
        if isinstance(selector, dict) and len(selector) == 1:
            if "blockHash" in selector:
                return self._chain.header_by_hash(_hash(selector["blockHash"]))
            selector = selector.get("blockNumber")
        return self._chain.header_by_number(self._block_number(selector))

    def _block_number(self, selector: Json) -> int:
        if isinstance(selector, str) and selector in _SAME_AS_LATEST:
            return self._chain.head().block_number
        return min(0 if selector == "earliest" else parse_quantity(selector), _MAX_BLOCK_NUMBER)

    def _block_by_number(self, selector: Json, full: Json = False) -> Json:
        return block_json(self._chain.block(self._header(selector)), full=full is True)

    def _block_by_hash(self, block_hash: Json, full: Json = False) -> Json:
        header = self._chain.header_by_hash(_hash(block_hash))
        return block_json(self._chain.block(header), full=full is True)

    def _receipt(self, tx_hash: Json) -> Json:
        mined = self._chain.mined(_hash(tx_hash))
        return receipt_json(mined, self._store.find_log_of_block(mined.header.block_number))

    # Calls

    def _call(self, message: Json, block: Json = "latest") -> Json:
        return encode_data(self._chain.call(_parse_call(message), self._header(block)))

    def _estimate_gas(self, message: Json, block: Json = "latest") -> Json:
        return encode_quantity(self._chain.estimate_gas(_parse_call(message), self._header(block)))

    # Log

    def _logs(self, wanted: Json) -> Json:
        if not isinstance(wanted, dict):
            raise MalformedDocumentError("the filter is not an object")
        first, last = self._block_range(wanted)
        found = self._store.find_log(
            LogFilter(
                first, last, _alternatives(wanted.get("address"), 20), _parse_topics(wanted.get("topics"))
            )
        )
        return [log_json(entry) for entry in found]

    def _block_range(self, wanted: Mapping[str, Json]) -> tuple[int, int]:
        if wanted.get("blockHash") is not None:
            number = self._chain.header_by_hash(_hash(wanted["blockHash"])).block_number
            return number, number
        first, last = (self._block_number(_or_latest(wanted.get(name))) for name in ("fromBlock", "toBlock"))
        if first > last:
            raise MalformedDocumentError("fromBlock is after toBlock")
        return first, last


def _or_latest(selector: Json) -> Json:
    return "latest" if selector is None else selector


def _error(identifier: str | int | None, code: int, message: str, data: str | None = None) -> dict[str, Json]:
    error: dict[str, Json] = {"code": code, "message": message}
    if data is not None:
        error["data"] = data
    return {"jsonrpc": "2.0", "id": identifier, "error": error}


def _address(value: Json) -> bytes:
    return parse_data(value, size=20)


def _hash(value: Json) -> bytes:
    return parse_data(value, size=32)


def _parse_call(message: Json) -> Call:
    if not isinstance(message, dict):
        raise MalformedDocumentError("the message is not an object")
    default = Call()
    data = message.get("input") or message.get("data")
    return Call(
        sender=_address(message["from"]) if message.get("from") else default.sender,
        to=_address(message["to"]) if message.get("to") else default.to,
        data=parse_data(data) if data else default.data,
        value_wei=parse_quantity(message["value"]) if message.get("value") else default.value_wei,
        gas=parse_quantity(message["gas"]) if message.get("gas") else None,
    )


def _alternatives(value: Json, size: int) -> tuple[bytes, ...]:
    """Return the accepted values of one place of a filter; nothing stands for anything."""
    if value is None:
        return ()
    values: Sequence[Json] = value if isinstance(value, list) else [value]
    if len(values) > _MAX_ALTERNATIVES:
        raise MalformedDocumentError(f"more than {_MAX_ALTERNATIVES} alternatives")
    return tuple(parse_data(each, size=size) for each in values)


def _parse_topics(value: Json) -> tuple[tuple[bytes, ...], ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > 4:
        raise MalformedDocumentError("topics is not a list of at most four")
    return tuple(_alternatives(each, 32) for each in value)
