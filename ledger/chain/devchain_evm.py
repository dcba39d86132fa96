"""The development chain itself: Ethereum's rules (Prague) from py-evm, over a `NodeStore`.

Differences from a public chain, all of them on purpose:
    * A transaction that is accepted is a block of its own, mined and saved before `submit` returns. There
      is no pool: a nonce that is not the account's next one is refused.
    * Blocks of the same second share their timestamp, so that the chain's clock never runs ahead of the
      wall's.
    * No account owns ether at the start. `fund` credits any address through a withdrawal (EIP-4895), the
      one way in which Ethereum itself creates ether, so there is no rich key that anybody must keep.
    * Blob transactions are refused: there is no second network that could hold the blobs.

Transactions are checked here before py-evm sees them where py-evm does not check: chain id (EIP-155,
EIP-2718), floor price of calldata (EIP-7623).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from eth.abc import (
    BlockAPI,
    BlockHeaderAPI,
    ComputationAPI,
    ReceiptAPI,
    SignedTransactionAPI,
    StateAPI,
    WithdrawalAPI,
)
from eth.chains.base import MiningChain
from eth.constants import ZERO_ADDRESS
from eth.db.atomic import AtomicDB
from eth.estimators.gas import binary_gas_search
from eth.exceptions import (
    CanonicalHeadNotFound,
    HeaderNotFound,
    Revert,
    TransactionNotFound,
    UnrecognizedTransactionType,
)
from eth.typing import HeaderParams
from eth.vm.forks.prague import PragueVM
from eth.vm.forks.shanghai.withdrawals import Withdrawal
from eth.vm.spoof import SpoofTransaction
from eth_keys.exceptions import BadSignature
from eth_typing import Address, BlockNumber, Hash32
from eth_utils.exceptions import ValidationError
from rlp.exceptions import RLPException  # type: ignore[import-untyped]  # ships no types

from ledger.chain.devchain_store import LogRow, NodeStore
from ledger.core.errors import MalformedDocumentError, NotFoundError, StateError

GAS_LIMIT = 30_000_000
"""Of every block, and so of every transaction."""

_GAS_TOLERANCE = 500
"""How far above the smallest sufficient gas an estimate may lie."""

_BLOB_TRANSACTION = b"\x03"
_WEI_PER_GWEI = 10**9
_MAX_FUND_GWEI = 10**15


class RevertedError(StateError):
    """A call or an estimate ended in a revert or in another failure of the EVM."""

    def __init__(self, message: str, data: bytes) -> None:
        super().__init__(message)
        self.data = data
        """What the contract returned with its revert; empty for out of gas and the like."""


class TransactionRefusedError(StateError):
    """The chain does not take this transaction now: nonce, balance, fee, gas or chain id."""


@dataclass(frozen=True, slots=True)
class Call:
    """A message to execute without a transaction."""

    sender: bytes = ZERO_ADDRESS
    to: bytes = b""
    """20 bytes, or empty to create a contract."""
    data: bytes = b""
    value_wei: int = 0
    gas: int | None = None


@dataclass(frozen=True, slots=True)
class Mined:
    """A transaction with the block that holds it and what came of it."""

    header: BlockHeaderAPI
    transaction: SignedTransactionAPI
    receipt: ReceiptAPI


class _SameSecondVM(PragueVM):
    """Prague, but a block may carry its parent's timestamp."""

    @classmethod
    def validate_header(cls, header: BlockHeaderAPI, parent_header: BlockHeaderAPI) -> None:
        super().validate_header(header, parent_header.copy(timestamp=parent_header.timestamp - 1))


class DevelopmentChain:
    """Blocks, accounts and contracts over a node store. Not for threads: the caller holds a lock."""

    def __init__(self, store: NodeStore, *, clock: Callable[[], int]) -> None:
        """Open the chain in this store, and write its genesis block first if there is none.

        Args:
            store: nodes and log index; committed once a block.
            clock: seconds since 1970-01-01 UTC.
        """
        self.chain_id = store.identity.chain_id
        self._store = store
        self._chain = _open_chain(store, clock)
        self.genesis_hash: bytes = self._chain.chaindb.get_canonical_block_hash(BlockNumber(0))

    # Blocks

    def head(self) -> BlockHeaderAPI:
        """Return the header of the newest block."""
        return self._chain.chaindb.get_canonical_head()

    def header_by_number(self, number: int) -> BlockHeaderAPI:
        """Return a header; `NotFoundError` if the chain is shorter."""
        if number > self.head().block_number:
            raise NotFoundError(f"no block {number}")
        return self._chain.chaindb.get_canonical_block_header_by_number(BlockNumber(number))

    def header_by_hash(self, block_hash: bytes) -> BlockHeaderAPI:
        """Return a header; `NotFoundError` if no block has this hash (32 bytes)."""
        try:
            return self._chain.chaindb.get_block_header_by_hash(Hash32(block_hash))
        except HeaderNotFound as err:
            raise NotFoundError("no block with this hash") from err

    def block(self, header: BlockHeaderAPI) -> BlockAPI:
        """Return the whole block of a header."""
        return self._chain.get_block_by_header(header)

    def mined(self, transaction_hash: bytes) -> Mined:
        """Return a mined transaction; `NotFoundError` if this chain never saw it."""
        try:
            number, index = self._chain.chaindb.get_transaction_index(Hash32(transaction_hash))
        except TransactionNotFound as err:
            raise NotFoundError("no transaction with this hash") from err
        return Mined(
            self._chain.chaindb.get_canonical_block_header_by_number(BlockNumber(number)),
            self._chain.get_canonical_transaction_by_index(number, index),
            self._chain.get_transaction_receipt_by_index(number, index),
        )

    # Accounts as of a block; states of old blocks are never thrown away

    def nonce(self, address: bytes, header: BlockHeaderAPI) -> int:
        """Return how many transactions this account has sent."""
        return self._state(header).get_nonce(Address(address))

    def balance_wei(self, address: bytes, header: BlockHeaderAPI) -> int:
        """Return what this account owns."""
        return self._state(header).get_balance(Address(address))

    def code(self, address: bytes, header: BlockHeaderAPI) -> bytes:
        """Return the contract's code; empty for an account without."""
        return self._state(header).get_code(Address(address))

    def base_fee_wei(self) -> int:
        """Return the price of a unit of gas that the next block asks for (EIP-1559)."""
        return cast("int", self._chain.create_header_from_parent(self.head()).base_fee_per_gas)

    def call(self, call: Call, header: BlockHeaderAPI) -> bytes:
        """Return what the contract answers, as if in the block after this header, changing nothing.

        Raises:
            RevertedError: the contract reverted, or ran out of gas.
            TransactionRefusedError: the sender cannot pay the value.
        """
        with self._chain.get_vm(header).in_costless_state() as state:
            computation = _run(state, self._message(call, state.get_nonce(Address(call.sender))))
        _raise_if_failed(computation)
        return computation.output

    def estimate_gas(self, call: Call, header: BlockHeaderAPI) -> int:
        """Return an amount of gas that suffices, at most 500 above the smallest.

        Raises:
            RevertedError: no amount of gas would do.
            TransactionRefusedError: the sender cannot pay the value.
        """
        self.call(call, header)
        with self._chain.get_vm(header).in_costless_state() as state:
            message = self._message(call, state.get_nonce(Address(call.sender)))
            estimate: int = binary_gas_search(state, message, tolerance=_GAS_TOLERANCE)
        return max(estimate, _floor_gas(call.data))

    # Changes

    def submit(self, raw: bytes) -> bytes:
        """Mine a signed transaction in a block of its own, save it, and return its hash (32 bytes).

        Raises:
            MalformedDocumentError: not a signed transaction of type 0, 1, 2 or 4.
            TransactionRefusedError: wrong chain id, nonce, balance, fee or gas.
            sqlite3.Error: it is not known whether the block was saved; the process must end.
        """
        transaction = self._decode(raw)
        try:
            self._check(transaction)
            self._mine([transaction])
        except (ValidationError, BadSignature) as err:
            raise TransactionRefusedError(str(err)) from err
        return transaction.hash

    def fund(self, address: bytes, amount_wei: int) -> bytes:
        """Credit an address in a block of its own, and return the block's hash.

        Args:
            address: 20 bytes.
            amount_wei: a whole number of gwei, up to a million ether.

        Raises:
            MalformedDocumentError: another amount.
        """
        gwei, rest = divmod(amount_wei, _WEI_PER_GWEI)
        if rest or not 0 < gwei <= _MAX_FUND_GWEI:
            raise MalformedDocumentError("the amount is not a whole number of gwei up to a million ether")
        withdrawal = Withdrawal(
            index=self.head().block_number, validator_index=0, address=Address(address), amount=gwei
        )
        return self._mine([], [withdrawal])

    def _mine(
        self, transactions: Sequence[SignedTransactionAPI], withdrawals: Sequence[WithdrawalAPI] = ()
    ) -> bytes:
        try:
            result, receipts, _ = self._chain.mine_all(
                transactions, parent_header=self.head(), withdrawals=withdrawals
            )
            block = result.imported_block
            self._store.commit(_log_rows(block, receipts))
        except BaseException:
            self._store.discard()
            raise
        return cast("bytes", block.hash)

    def _decode(self, raw: bytes) -> SignedTransactionAPI:
        if raw[:1] == _BLOB_TRANSACTION:
            raise MalformedDocumentError("blob transactions are not taken by this development chain")
        try:
            return PragueVM.get_transaction_builder().decode(raw)
        except (RLPException, ValidationError, UnrecognizedTransactionType, IndexError, TypeError) as err:
            raise MalformedDocumentError("not a signed transaction") from err

    def _check(self, transaction: SignedTransactionAPI) -> None:
        """Refuse what py-evm would not, or would only say in its own words."""
        if transaction.chain_id != self.chain_id:
            raise TransactionRefusedError(
                f"the transaction is signed for chain {transaction.chain_id}, this is chain {self.chain_id}"
            )
        if self._is_mined(transaction.hash):
            raise TransactionRefusedError("already known")
        transaction.check_signature_validity()
        expected = self.nonce(transaction.sender, self.head())
        if transaction.nonce != expected:
            side = "low" if transaction.nonce < expected else "high"
            raise TransactionRefusedError(f"nonce too {side}: {transaction.nonce} where {expected} is next")
        if transaction.gas < _floor_gas(transaction.data):
            raise TransactionRefusedError(f"gas limit {transaction.gas} is below the floor of the calldata")

    def _is_mined(self, transaction_hash: bytes) -> bool:
        try:
            self._chain.chaindb.get_transaction_index(Hash32(transaction_hash))
        except TransactionNotFound:
            return False
        return True

    @staticmethod
    def _message(call: Call, nonce: int) -> SignedTransactionAPI:
        gas = GAS_LIMIT if call.gas is None else min(call.gas, GAS_LIMIT)
        unsigned = PragueVM.create_unsigned_transaction(
            nonce=nonce, gas_price=0, gas=gas, to=Address(call.to), value=call.value_wei, data=call.data
        )
        return cast("SignedTransactionAPI", SpoofTransaction(unsigned, from_=call.sender))

    def _state(self, header: BlockHeaderAPI) -> StateAPI:
        return self._chain.get_vm(header).state


def _open_chain(store: NodeStore, clock: Callable[[], int]) -> MiningChain:
    identity = store.identity

    class Chain(MiningChain):
        chain_id = identity.chain_id
        vm_configuration = ((BlockNumber(0), _SameSecondVM),)

        def create_header_from_parent(self, parent_header: BlockHeaderAPI, **params: Any) -> BlockHeaderAPI:  # noqa: ANN401 - header fields
            fixed = {"gas_limit": GAS_LIMIT, "timestamp": max(clock(), parent_header.timestamp)}
            return super().create_header_from_parent(parent_header, **{**fixed, **params})

    base = AtomicDB(cast("Any", store))
    try:
        return Chain(base)
    except CanonicalHeadNotFound:
        genesis: dict[str, HeaderParams] = {
            "coinbase": ZERO_ADDRESS,
            "difficulty": 0,
            "extra_data": identity.entropy,
            "gas_limit": GAS_LIMIT,
            "timestamp": identity.created_at,
        }
        chain = cast("MiningChain", Chain.from_genesis(base, genesis, {}))
        store.commit()
        return chain


def _run(state: StateAPI, message: SignedTransactionAPI) -> ComputationAPI:
    try:
        return state.apply_transaction(message)
    except ValidationError as err:
        raise TransactionRefusedError(str(err)) from err


def _raise_if_failed(computation: ComputationAPI) -> None:
    if not computation.is_error:
        return
    if isinstance(computation.error, Revert):
        raise RevertedError("execution reverted", computation.output)
    raise RevertedError(f"execution failed: {type(computation.error).__name__}", b"")


def _floor_gas(data: bytes) -> int:
    """Return the least gas that a transaction with this data pays. Source: EIP-7623."""
    zeros = data.count(0)
    return 21_000 + 10 * (zeros + 4 * (len(data) - zeros))


def _log_rows(block: BlockAPI, receipts: Sequence[ReceiptAPI]) -> list[LogRow]:
    """Return the log entries of a block with at most one transaction."""
    return [
        LogRow(
            block_number=block.number,
            log_index=position,
            transaction_index=0,
            block_hash=block.hash,
            transaction_hash=transaction.hash,
            address=entry.address,
            topics=tuple(topic.to_bytes(32, "big") for topic in entry.topics),
            data=entry.data,
        )
        for transaction, receipt in zip(block.transactions, receipts, strict=True)
        for position, entry in enumerate(receipt.logs)
    ]
