"""A chain in memory with one registry contract; its node can refuse, stall, lie, lose blocks and go away.

    chain = FakeChain()
    client = chain.client()                # a real `ChainClient`, whose requests end here
    chain.pace(deadline=60)                # waiting moves the chain's clock and mines blocks
    chain.fail_at(3)                       # the third request from now is not answered
    chain.reorg(2)                         # the two newest blocks are gone, and so are their transactions

Every request is JSON in and JSON out, so that what reads the answers is tested with it.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import rlp
from eth_hash.auto import keccak

from contracts.artifact import load_artifact
from contracts.registry import (
    ANCHOR_SELECTOR,
    ANCHORED_TOPIC,
    EMPTY_ROOT,
    HEAD_SELECTOR,
    OPEN_SELECTOR,
    REVERT_SIGNATURES,
    compute_log_id,
)
from ledger.chain.client import ChainClient
from ledger.chain.transactions import Account, compute_contract_address
from ledger.chain.waiting import Pace
from ledger.core.errors import ChainUnavailableError, VerificationError
from ledger.core.merkle import verify_consistency

CHAIN_ID = 7_777
BLOCK_SECONDS = 1.0
ETHER = 10**18
_SELECTOR = {name.partition("(")[0]: selector for selector, name in REVERT_SIGNATURES.items()}


class RevertError(Exception):
    """The contract refuses."""


@dataclass(frozen=True)
class Sent:
    """One transaction, taken apart."""

    raw: bytes
    nonce: int
    priority_fee: int | None
    max_fee: int
    gas: int
    to: bytes
    data: bytes
    sender: bytes

    @property
    def hash(self) -> bytes:
        return keccak(self.raw)


@dataclass
class Block:
    number: int
    hash: bytes
    timestamp: int
    transactions: list[Sent]


@dataclass
class State:
    """What follows from the blocks."""

    nonces: dict[bytes, int] = field(default_factory=dict)
    codes: dict[bytes, bytes] = field(default_factory=dict)
    logs: dict[bytes, list] = field(default_factory=dict)
    """Log id -> [size, root, operator, is frozen]."""
    receipts: dict[bytes, dict] = field(default_factory=dict)


class FakeChain:
    """The chain, and the only node of it."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.now = 1_790_000_000.0
        self.base_fee = 10**9
        self.balance = 1_000 * ETHER
        self.has_base_fee = True
        self.is_mining = True
        self.seconds = 1
        """How block times are multiplied: 1,000 on chains that count milliseconds."""
        self.frozen = False
        self.pool: dict[int, Sent] = {}
        self.sent: list[Sent] = []
        """Everything that was given to the node, in order."""
        self.requests: list[str] = []
        self.overrides: dict[str, Callable] = {}
        """Method -> function of the true answer and the parameters that gives another answer."""
        self._forks = 0
        self._fail_at = 0
        self._fail_after = False
        self.blocks = [Block(0, hashlib.sha256(b"genesis").digest(), int(self.now), [])]

    # --- what tests do with it ------------------------------------------------------------------------------

    def client(self) -> ChainClient:
        return _FakeClient(self)

    def pace(self, **seconds: float) -> Pace:
        return Pace(**seconds, monotonic=lambda: self.now, sleep=self.wait)

    def wait(self, seconds: float) -> None:
        """Let time pass; a block is mined at every full second."""
        before, self.now = int(self.now), self.now + seconds
        if self.is_mining:
            for _ in range(min(int(self.now) - before, 5)):
                self.mine()

    def mine(self) -> None:
        """Mine what the pool holds and can be mined."""
        taken = []
        nonces = dict(self.state().nonces)
        for nonce in sorted(self.pool):
            transaction = self.pool[nonce]
            if nonces.get(transaction.sender, 0) == nonce and transaction.max_fee >= self.base_fee:
                nonces[transaction.sender] = nonce + 1
                taken.append(self.pool[nonce])
        for transaction in taken:
            del self.pool[transaction.nonce]
        number = len(self.blocks)
        content = b"".join(transaction.raw for transaction in taken)
        block_hash = hashlib.sha256(b"%d %d " % (number, self._forks) + content).digest()
        self.blocks.append(Block(number, block_hash, int(self.now) * self.seconds, taken))

    def reorg(self, depth: int, *, keep: bool = False) -> None:
        """Lose the newest blocks; their transactions are lost too, unless they are kept for the next block."""
        self._forks += 1
        lost = self.blocks[-depth:]
        del self.blocks[-depth:]
        self.pool.clear()
        if keep:
            self.pool = {each.nonce: each for block in lost for each in block.transactions}

    def fail_at(self, request: int, *, after: bool = False) -> None:
        """Do not answer one request, counted from 1; `after`: do what it asks first."""
        self.requests.clear()
        self._fail_at, self._fail_after = request, after

    def found_log(self, origin_hash: bytes) -> tuple[bytes, bytes]:
        """Deploy the contract and open a log at once; return contract and log id."""
        contract = compute_contract_address(self.account.address, 0)
        log_id = compute_log_id(origin_hash, self.account.address)
        deploy = Sent(b"deploy", 0, 1, self.base_fee, 0, b"", load_artifact().bytecode, self.account.address)
        opening = Sent(
            b"open",
            1,
            1,
            self.base_fee,
            0,
            contract,
            OPEN_SELECTOR + origin_hash + bytes(32),
            self.account.address,
        )
        self.pool |= {0: deploy, 1: opening}
        self.mine()
        return contract, log_id

    def run_foreign(self, log_id: bytes, size: int, root: bytes, proof: tuple[bytes, ...] = ()) -> None:
        """Anchor something with the operator's key, as a second copy of it would."""
        from contracts.registry import encode_anchor

        nonce = self.state().nonces[self.account.address]
        contract = compute_contract_address(self.account.address, 0)
        data = encode_anchor(log_id, size, root, proof)
        raw = b"foreign" + nonce.to_bytes(4) + data
        self.pool[nonce] = Sent(raw, nonce, 1, self.base_fee, 0, contract, data, self.account.address)
        self.mine()

    def events(self) -> list[tuple[int, bytes]]:
        """Return size and root of every Anchored event, oldest first."""
        found = (log for receipt in self.state().receipts.values() for log in receipt["logs"])
        return [
            (int(log["topics"][2], 16), bytes.fromhex(log["data"][2:]))
            for log in found
            if log["topics"][0] == _hex(ANCHORED_TOPIC)
        ]

    # --- the contract ---------------------------------------------------------------------------------------

    def state(self) -> State:
        state = State()
        for block in self.blocks:
            for index, transaction in enumerate(block.transactions):
                self._run(state, block, index, transaction)
        return state

    def _run(self, state: State, block: Block, index: int, sent: Sent) -> None:
        state.nonces[sent.sender] = sent.nonce + 1
        created = None
        events: list[tuple[list[bytes], bytes]] = []
        try:
            if not sent.to:
                created = compute_contract_address(sent.sender, sent.nonce)
                state.codes[created] = load_artifact().deployed_bytecode
            else:
                events = self._call(state, sent)
            status = "0x1"
        except RevertError:
            status = "0x0"
        place = {
            "blockNumber": hex(block.number),
            "blockHash": _hex(block.hash),
            "transactionHash": _hex(sent.hash),
        }
        state.receipts[sent.hash] = place | {
            "status": status,
            "gasUsed": "0x5208",
            "contractAddress": None if created is None else _hex(created),
            "logs": [
                place
                | {
                    "address": _hex(sent.to),
                    "topics": [*map(_hex, topics)],
                    "data": _hex(data),
                    "logIndex": hex(index),
                }
                for topics, data in events
            ],
        }

    def _call(self, state: State, sent: Sent) -> list[tuple[list[bytes], bytes]]:
        selector, words = sent.data[:4], [sent.data[i : i + 32] for i in range(4, len(sent.data), 32)]
        if selector == OPEN_SELECTOR:
            log_id = compute_log_id(words[0], sent.sender, words[1])
            if log_id in state.logs:
                raise RevertError
            state.logs[log_id] = [0, EMPTY_ROOT, sent.sender, False]
            return []
        assert selector == ANCHOR_SELECTOR
        log_id, size, root, proof = words[0], int.from_bytes(words[1]), words[2], tuple(words[5:])
        log = state.logs[log_id]
        if (size, root) == (log[0], log[1]):
            return []
        if size <= log[0] or log[2] != sent.sender or log[3]:
            raise RevertError
        try:
            if log[0]:
                verify_consistency(log[0], size, log[1], root, proof)
        except VerificationError:
            raise RevertError from None
        log[:2] = [size, root]
        return [([ANCHORED_TOPIC, log_id, words[1]], root)]

    # --- the node -------------------------------------------------------------------------------------------

    def answer(self, method: str, params: list):
        self.requests.append(method)
        fails = len(self.requests) == self._fail_at
        if fails:
            self._fail_at = 0
        if fails and not self._fail_after:
            raise ChainUnavailableError("injected")
        try:
            result = getattr(self, re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", method))(*params)
            if method in self.overrides:
                result = self.overrides[method](result, *params)
        except LookupError as err:
            return {"error": {"code": -32000, "message": str(err)}}
        except RevertError as err:
            return {"error": {"code": 3, "message": "reverted", "data": str(err)}}
        if fails:
            raise ChainUnavailableError("injected")
        return {"jsonrpc": "2.0", "id": 1, "result": result}

    def _block(self, selector: str) -> Block | None:
        tags = {"latest": -1, "safe": -2, "finalized": -3, "earliest": 0}
        place = tags[selector] if selector in tags else int(selector, 16)
        return self.blocks[place] if -len(self.blocks) <= place < len(self.blocks) else None

    def eth_chain_id(self):
        return hex(CHAIN_ID)

    def eth_syncing(self):
        return False

    def eth_get_block_by_number(self, selector, _full):
        block = self._block(selector)
        return block and {
            "number": hex(block.number),
            "hash": _hex(block.hash),
            "timestamp": hex(block.timestamp),
            "baseFeePerGas": hex(self.base_fee) if self.has_base_fee else None,
        }

    def eth_get_balance(self, _address, _block):
        return hex(self.balance)

    def eth_get_transaction_count(self, address, _block):
        return hex(self.state().nonces.get(bytes.fromhex(address[2:]), 0))

    def eth_get_code(self, address, _block):
        return _hex(self.state().codes.get(bytes.fromhex(address[2:]), b""))

    def eth_gas_price(self):
        return hex(self.base_fee + 1 if self.has_base_fee else self.base_fee)

    def eth_max_priority_fee_per_gas(self):
        return hex(1)

    def eth_call(self, message, _block):
        data = bytes.fromhex(message["data"][2:])
        assert data[:4] == HEAD_SELECTOR
        log = self.state().logs.get(data[4:36])
        if log is None:
            raise RevertError(_hex(_SELECTOR["UnknownLog"] + data[4:36]))
        size, root, operator, is_frozen = log
        return _hex(
            size.to_bytes(32)
            + root
            + operator.rjust(32, b"\0")
            + bytes(31)
            + bytes([is_frozen or self.frozen])
        )

    def eth_get_logs(self, wanted):
        first, last = int(wanted["fromBlock"], 16), int(wanted["toBlock"], 16)
        found = (log for receipt in self.state().receipts.values() for log in receipt["logs"])
        return [
            log
            for log in found
            if first <= int(log["blockNumber"], 16) <= last
            and log["address"] == wanted["address"]
            and all(
                want in {None, topic} for want, topic in zip(wanted["topics"], log["topics"], strict=False)
            )
        ]

    def eth_get_transaction_receipt(self, tx_hash):
        return self.state().receipts.get(bytes.fromhex(tx_hash[2:]))

    def eth_send_raw_transaction(self, raw):
        sent = _parse_transaction(bytes.fromhex(raw[2:]), self.account.address)
        self.sent.append(sent)
        if sent.nonce < self.state().nonces.get(sent.sender, 0):
            raise LookupError("nonce too low")
        rival = self.pool.get(sent.nonce)
        if rival is not None and rival.raw == sent.raw:
            raise LookupError("already known")
        if rival is not None and sent.max_fee < rival.max_fee * 1.125:
            raise LookupError("replacement transaction underpriced")
        self.pool[sent.nonce] = sent
        return _hex(sent.hash)


class _FakeClient(ChainClient):
    def __init__(self, chain: FakeChain) -> None:
        self._chain = chain
        self._place = "fake"

    def _request(self, method, params):
        return self._chain.answer(method, list(params))

    def close(self):
        pass


def _parse_transaction(raw: bytes, sender: bytes) -> Sent:
    """Take a signed transaction apart; its signature is not checked."""
    if raw[0] == 2:
        _, nonce, priority, max_fee, gas, to, _, data, *_ = rlp.decode(raw[1:])
        tip = int.from_bytes(priority)
    else:
        nonce, max_fee, gas, to, _, data, *_ = rlp.decode(raw)
        tip = None
    return Sent(
        raw, int.from_bytes(nonce), tip, int.from_bytes(max_fee), int.from_bytes(gas), to, data, sender
    )


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
