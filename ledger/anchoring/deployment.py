"""Putting a log on a chain, once: the registry contract, and the log in it.

Rules: each step looks first at what is there, so that a killed run is simply repeated; what counts is
the state of the chain, not the answer to a transaction; nothing is believed before its block is final.

>>> founder = Founder(client, account, parse_finality("immediate"))
>>> binding = founder.open_log(founder.deploy_registry(), "ledger.example/2026")
"""

from collections.abc import Callable

import structlog

from contracts.artifact import load_artifact
from contracts.registry import (
    CALL_GAS_LIMIT,
    DEPLOY_GAS_LIMIT,
    compute_log_id,
    compute_origin_hash,
    encode_open,
)
from ledger.anchoring.binding import ChainBinding
from ledger.chain.client import ChainClient, ChainRefusedError
from ledger.chain.finality import Finality
from ledger.chain.payment import DEFAULT_MAX_FEE_WEI, quote_fees
from ledger.chain.registry import Registry
from ledger.chain.transactions import Account, build_transaction, compute_contract_address
from ledger.chain.waiting import Pace, Wait
from ledger.core.anchor import ChainIdentity
from ledger.core.errors import StateError, WrongChainError
from ledger.failpoint import failpoint

_LOG = structlog.get_logger(__name__)


class Founder:
    """Who makes contract and log with one account. For one thread at a time."""

    def __init__(
        self,
        client: ChainClient,
        account: Account,
        finality: Finality,
        *,
        max_fee_wei: int = DEFAULT_MAX_FEE_WEI,
        pace: Pace | None = None,
    ) -> None:
        self._client = client
        self._account = account
        self._finality = finality
        self._max_fee_wei = max_fee_wei
        self._pace = pace or Pace()

    def deploy_registry(self) -> bytes:
        """Return the address (20 bytes) of a registry contract that this account deployed, now or before.

        A fresh account deploys with its first transaction: that is where an earlier run is looked for.

        Raises:
            UnavailableError: the node is out of reach or too slow, gas costs too much, or there are no funds.
        """
        artifact = load_artifact()
        first = compute_contract_address(self._account.address, 0)
        nonce = self._client.nonce(self._account.address)
        if nonce and self._client.code(first) == artifact.deployed_bytecode:
            return first
        contract = compute_contract_address(self._account.address, nonce)
        self._achieve(
            lambda: self._client.code(contract) == artifact.deployed_bytecode,
            "the registry contract is not deployed",
            to=None,
            data=artifact.bytecode,
            gas=DEPLOY_GAS_LIMIT,
        )
        failpoint("deployment.deployed")
        return contract

    def open_log(self, contract: bytes, origin: str) -> ChainBinding:
        """Return the place of this origin's log in a contract, opened now or before.

        Args:
            contract: 20 bytes.
            origin: name of the log.

        Raises:
            WrongChainError: the contract is not the registry of this version.
            StateError: the log was opened before, and handed on to another operator or frozen.
            UnavailableError: as `deploy_registry`.
        """
        origin_hash = compute_origin_hash(origin)
        log_id = compute_log_id(origin_hash, self._account.address)
        chain = ChainIdentity(self._client.chain_id(), self._client.genesis_hash(), contract, log_id)
        registry = Registry(self._client, chain)
        registry.require_chain()
        first_block = 0
        if not _is_open(registry):
            first_block = self._client.block("latest").number
            self._achieve(
                lambda: _is_open(registry),
                "the log is not opened on chain",
                to=contract,
                data=encode_open(origin_hash),
                gas=CALL_GAS_LIMIT,
            )
        head = registry.read_head()
        if head.operator != self._account.address or head.is_frozen:
            raise StateError("the log was opened before, and handed on to another operator or frozen")
        failpoint("deployment.opened")
        return ChainBinding(chain, load_artifact().code_sha256, first_block)

    def _achieve(
        self, is_done: Callable[[], bool], state: str, *, to: bytes | None, data: bytes, gas: int
    ) -> None:
        """Send a transaction, and wait until what it is for is done and final."""
        signed = build_transaction(
            self._account,
            chain_id=self._client.chain_id(),
            nonce=self._client.nonce(self._account.address),
            to=to,
            data=data,
            gas=gas,
            fees=quote_fees(self._client, self._account.address, gas, self._max_fee_wei),
        )
        wait = Wait(self._pace)
        seen_at: int | None = None
        while True:
            if not is_done():
                seen_at = None
                if wait.is_send_due():
                    wait.refusal = self._send(signed.raw)
            elif seen_at is None:
                seen_at = self._client.block("latest").number
            if seen_at is not None and self._client.is_final(seen_at, self._finality) and is_done():
                return
            wait.pause(f"{state} and final")

    def _send(self, raw: bytes) -> str:
        """Send a transaction; return why the node did not take it: perhaps it has it already."""
        try:
            self._client.send_raw(raw)
        except ChainRefusedError as err:
            _LOG.info("not taken", reason=str(err))
            return str(err)
        failpoint("deployment.sent")
        return ""


def _is_open(registry: Registry) -> bool:
    try:
        registry.read_head()
    except WrongChainError:
        return False
    return True
