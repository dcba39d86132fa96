"""What the ledger asks of a chain, over JSON-RPC to one node: bytes in, bytes out, and no surprises.

Rules:
    * This is the only file of the ledger that imports web3, and only when a client is made: web3 takes
      seconds to load. Its provider carries the requests; answers are parsed here, strictly, because a node
      is not trusted to be well-formed, and so that blocks with 97 bytes of extra data (Clique, QBFT), missing
      base fees and the like are no special cases.
    * A request is sent once: no retries, no redirects, no lookups that a contract asks for (EIP-3668). Who
      calls decides what happens next.
    * "The node cannot be reached, or answers nonsense" is `ChainUnavailableError`; "the node says no" is
      `ChainRefusedError` with its code and data; "there is no such thing" is None or `NotFoundError`.
    * Callers decide by re-reading state, never by the text of a refusal: nodes differ.

>>> client = ChainClient("http://127.0.0.1:8545")                          # doctest: +SKIP
>>> client.block("latest").number                                          # doctest: +SKIP
42
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeAlias, TypeVar
from urllib.parse import urlsplit

from ledger.chain.answers import (
    BlockRef,
    Json,
    LogEntry,
    Receipt,
    parse_anything,
    parse_base_fee,
    parse_block,
    parse_hash,
    parse_logs,
    parse_object,
    parse_receipt,
    parse_text,
)
from ledger.chain.finality import Finality, FinalityKind
from ledger.chain.hexadecimal import encode_data, encode_quantity, parse_data, parse_quantity
from ledger.chain.transactions import FeeQuote
from ledger.core.errors import ChainUnavailableError, MalformedDocumentError, NotFoundError, StateError

if TYPE_CHECKING:
    from requests import Session
    from web3 import HTTPProvider

BlockSelector: TypeAlias = int | str | bytes
"""A number, a tag (`latest`, `safe`, `finalized`, `earliest`), or a 32-byte hash."""

_Parsed = TypeVar("_Parsed")

MAX_LOG_BLOCKS = 1_000
"""Blocks asked for in one request for log entries; providers refuse more."""

_LOCAL_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})
_METHOD_NOT_FOUND = -32601
_UNKNOWN_BLOCK = -39001
_REVERTED = 3
_MAX_MESSAGE = 300


class ChainRefusedError(StateError):
    """The node understood the request and said no."""

    def __init__(self, message: str, *, code: int, data: bytes | None = None) -> None:
        super().__init__(f"the node refuses: {message} (code {code})")
        self.code = code
        """The node's JSON-RPC error code; 3 where a contract reverted."""
        self.data = data
        """What the contract returned with its revert (selector and arguments), if the node gave it."""

    @property
    def is_revert(self) -> bool:
        """Whether a contract refused, not the node."""
        return self.code == _REVERTED or bool(self.data)

    @property
    def is_missing_method(self) -> bool:
        """Whether the node has no such method."""
        return self.code == _METHOD_NOT_FOUND


class ChainClient:
    """One node at one URL. For one thread at a time."""

    def __init__(self, url: str, timeout_seconds: float = 5.0) -> None:
        """Prepare a connection; nothing is sent yet.

        Args:
            url: `http://` or `https://`; may hold credentials, which no message repeats.
            timeout_seconds: how long the node may be silent before it counts as out of reach.

        Raises:
            MalformedDocumentError: not such a URL.
        """
        host, self._place = _parse_url(url)
        self._session, self._provider = _open(url, timeout_seconds, direct=host in _LOCAL_HOSTS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection back."""
        self._session.close()

    # Which chain

    def chain_id(self) -> int:
        """Return the EIP-155 chain id."""
        return self._ask(parse_quantity, "eth_chainId")

    def genesis_hash(self) -> bytes:
        """Return the 32-byte hash of block 0, which tells two chains with one id apart."""
        return self.block(0).hash

    def client_version(self) -> str:
        """Return what the node calls itself, for people."""
        return self._ask(parse_text, "web3_clientVersion")

    # Blocks and finality

    def block(self, selector: BlockSelector) -> BlockRef:
        """Return a block.

        Raises:
            NotFoundError: there is none, or the node knows no such tag (networks without consensus clients).
        """
        by_hash = isinstance(selector, bytes)
        method = "eth_getBlockByHash" if by_hash else "eth_getBlockByNumber"
        try:
            found = self._ask(parse_block, method, _encode_selector(selector), False)  # noqa: FBT003 - JSON
        except ChainRefusedError as err:
            if not _says_unknown_block(err):
                raise
            found = None
        if found is None:
            raise NotFoundError("the node knows no such block")
        return found

    def newest_final_block(self, finality: Finality) -> BlockRef | None:
        """Return the newest block that is final by this rule; None if the node names none (yet)."""
        if finality.kind is FinalityKind.DEPTH:
            number = self.block("latest").number - finality.depth
            return self.block(number) if number >= 0 else None
        try:
            return self.block("latest" if finality.kind is FinalityKind.IMMEDIATE else finality.tag)
        except NotFoundError:
            return None

    def is_final(self, block_number: int, finality: Finality) -> bool:
        """Return whether a height is final by this rule now; ask for the block itself as well."""
        newest = self.newest_final_block(finality)
        return newest is not None and block_number <= newest.number

    # Accounts and contracts

    def balance(self, address: bytes) -> int:
        """Return what an account (20 bytes) owns, in wei."""
        return self._ask(parse_quantity, "eth_getBalance", encode_data(address), "latest")

    def nonce(self, address: bytes, *, pending: bool = False) -> int:
        """Return how many transactions an account has sent; with `pending`, counting the node's pool."""
        tag = "pending" if pending else "latest"
        return self._ask(parse_quantity, "eth_getTransactionCount", encode_data(address), tag)

    def code(self, address: bytes) -> bytes:
        """Return the code of a contract; empty for an account without."""
        return self._ask(parse_data, "eth_getCode", encode_data(address), "latest")

    def call(
        self, to: bytes, data: bytes, *, block: int | str = "latest", sender: bytes | None = None
    ) -> bytes:
        """Return what a contract answers; nothing changes.

        Args:
            to: 20 bytes, the contract.
            data: selector and arguments.
            block: number or tag of the block whose state is read.
            sender: 20 bytes, who the contract believes is asking.

        Raises:
            ChainRefusedError: the contract reverted (see `is_revert`), or the node does not know the block.
        """
        message = {"to": encode_data(to), "data": encode_data(data)}
        if sender is not None:
            message["from"] = encode_data(sender)
        return self._ask(parse_data, "eth_call", message, _encode_selector(block))

    def estimate_gas(self, sender: bytes, to: bytes | None, data: bytes) -> int:
        """Return the gas that a transaction would use now; it may be wrong by the time it is mined."""
        message = {"from": encode_data(sender), "data": encode_data(data)}
        if to is not None:
            message["to"] = encode_data(to)
        return self._ask(parse_quantity, "eth_estimateGas", message)

    def logs(
        self, address: bytes, topics: Sequence[bytes | None], from_block: int, to_block: int
    ) -> Iterator[LogEntry]:
        """Yield the events of a contract in the order of the chain, asking for 1,000 blocks at a time.

        A page that the node refuses is halved, down to one block; later pages keep the smaller size.

        Args:
            address: 20 bytes, the contract.
            topics: wanted topics by place, 32 bytes each; None accepts any.
            from_block: first block.
            to_block: last block, inclusive; a block that exists, because some nodes refuse heights to come.

        Raises:
            ChainRefusedError: the node refuses even one block.
        """
        wanted = {
            "address": encode_data(address),
            "topics": [None if topic is None else encode_data(topic) for topic in topics],
        }
        size = MAX_LOG_BLOCKS
        while from_block <= to_block:
            last = min(from_block + size, to_block + 1) - 1
            page = {"fromBlock": encode_quantity(from_block), "toBlock": encode_quantity(last)}
            try:
                entries = self._ask(parse_logs, "eth_getLogs", wanted | page)
            except ChainRefusedError as err:
                if size == 1 or err.is_missing_method:
                    raise
                size = max(1, min(size, last - from_block + 1) // 2)
                continue
            self._check_page(entries, address, from_block, last)
            yield from entries
            from_block = last + 1

    def _check_page(self, entries: Sequence[LogEntry], address: bytes, first: int, last: int) -> None:
        """Refuse an answer to another question."""
        if any(entry.address != address or not first <= entry.block_number <= last for entry in entries):
            raise ChainUnavailableError(
                f"the node at {self._place} answers with events that were not asked for"
            )

    # Transactions

    def fees(self) -> FeeQuote:
        """Return what gas costs now, with room for the base fee to double.

        A chain whose newest block has no base fee gets a plain gas price (type 0), which may be zero.
        """
        base_fee = self._ask(parse_base_fee, "eth_getBlockByNumber", "latest", False)  # noqa: FBT003 - JSON
        gas_price = self._ask(parse_quantity, "eth_gasPrice")
        if base_fee is None:
            return FeeQuote(gas_price, None)
        priority = self._priority_fee(max(0, gas_price - base_fee))
        return FeeQuote(2 * base_fee + priority, priority)

    def _priority_fee(self, otherwise: int) -> int:
        try:
            return self._ask(parse_quantity, "eth_maxPriorityFeePerGas")
        except ChainRefusedError:
            return otherwise

    def send_raw(self, raw: bytes) -> bytes:
        """Give a signed transaction to the node, once, and return the 32-byte hash that the node gives it.

        Raises:
            ChainRefusedError: the node does not take it; it may still hold it from an earlier try.
            ChainUnavailableError: it is not known whether the node took it.
        """
        return self._ask(parse_hash, "eth_sendRawTransaction", encode_data(raw))

    def receipt(self, tx_hash: bytes) -> Receipt | None:
        """Return the receipt of a transaction (hash of 32 bytes); None while it is not in a block."""
        return self._ask(parse_receipt, "eth_getTransactionReceipt", encode_data(tx_hash))

    def fund(self, address: bytes, amount_wei: int) -> None:
        """Give ether to an address (20 bytes) on a development node: ours, or anvil.

        Raises:
            ChainRefusedError: the node is not a development node.
        """
        wei = encode_quantity(amount_wei)
        try:
            self._ask(parse_data, "hengzheng_fund", encode_data(address), wei)
        except ChainRefusedError as err:
            if not err.is_missing_method:
                raise
            self._ask(parse_anything, "anvil_setBalance", encode_data(address), wei)

    # Requests

    def _ask(self, parse: Callable[[Json], _Parsed], method: str, *params: Json) -> _Parsed:
        """Send one request, and return its parsed answer."""
        answer = self._request(method, params)
        try:
            if answer.get("error") is not None:
                raise _parse_refusal(answer["error"])
            return parse(parse_object(answer, "result")["result"])
        except MalformedDocumentError as err:
            raise ChainUnavailableError(f"the node at {self._place} answers {method} with nonsense") from err

    def _request(self, method: str, params: Sequence[Json]) -> Mapping[str, Json]:
        from requests import HTTPError, Timeout  # noqa: PLC0415 - loaded with web3 by then
        from web3.exceptions import Web3Exception  # noqa: PLC0415 - see the module's rules
        from web3.types import RPCEndpoint  # noqa: PLC0415 - see the module's rules

        try:
            answer: Json = self._provider.make_request(RPCEndpoint(method), list(params))
        except Timeout as err:
            raise ChainUnavailableError(f"the node at {self._place} does not answer in time") from err
        except HTTPError as err:
            status = None if err.response is None else err.response.status_code
            raise ChainUnavailableError(f"the node at {self._place} answers HTTP {status}") from err
        except (OSError, ValueError, Web3Exception) as err:
            raise ChainUnavailableError(f"the node at {self._place} cannot be reached or understood") from err
        if not isinstance(answer, Mapping):
            raise ChainUnavailableError(f"the node at {self._place} does not speak JSON-RPC")
        return answer


def _parse_url(url: str) -> tuple[str, str]:
    """Return host, and host and port for people, of an http or https URL."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as err:
        raise MalformedDocumentError("not an http or https URL", field="chain url") from err
    if parts.scheme not in {"http", "https"} or not host:
        raise MalformedDocumentError("not an http or https URL", field="chain url")
    return host, host if port is None else f"{host}:{port}"


def _open(url: str, timeout_seconds: float, *, direct: bool) -> "tuple[Session, HTTPProvider]":
    """Return a provider that sends each request once, and its session.

    Args:
        url: of the node.
        timeout_seconds: for connecting, and for each wait for an answer.
        direct: the node is on this machine, so that no proxy of the environment may stand between.
    """
    from requests import Session  # noqa: PLC0415 - loaded with web3
    from web3 import HTTPProvider  # noqa: PLC0415 - see the module's rules

    session = Session()
    session.max_redirects = 0
    session.trust_env = not direct
    arguments = {"timeout": timeout_seconds}
    provider = HTTPProvider(
        url, request_kwargs=arguments, session=session, exception_retry_configuration=None
    )
    return session, provider


def _encode_selector(selector: BlockSelector) -> str:
    if isinstance(selector, bytes):
        return encode_data(selector)
    return selector if isinstance(selector, str) else encode_quantity(selector)


def _says_unknown_block(error: ChainRefusedError) -> bool:
    """Return whether a node refuses for want of such a block, as geth, Besu and Erigon say it."""
    text = str(error).lower()
    return error.code == _UNKNOWN_BLOCK or "block not found" in text or "unknown block" in text


def _parse_refusal(error: Json) -> ChainRefusedError:
    data = parse_object(error).get("data")
    if isinstance(data, Mapping):
        data = data.get("data")
    try:
        revert = parse_data(data)
    except MalformedDocumentError:
        revert = None
    message = "".join(each for each in str(error.get("message")) if each.isprintable())[:_MAX_MESSAGE]
    code = error.get("code")
    return ChainRefusedError(message, code=code if isinstance(code, int) else 0, data=revert)
