"""The sender: newest checkpoint -> transaction -> final block -> signed receipt; resumes from what is stored.

    state      what is stored                         next
    drafted    size and root of the newest            submitted; included, if the contract holds this head
               checkpoint; moves along with it
    submitted  signed transactions with one nonce,    included; drafted, if the nonce went to another
               stored before any of them is sent      transaction, or this one had no effect
    included   the transaction and the block whose    final; submitted, if the block is gone
               event names this size and root
    final      the receipt, signed by the log key     -
               once the finality rule holds

Rules it keeps: one sender, and one anchor under way at a time; what the contract holds is read from it before
each try, and the proof is built from there; a head that our own log does not contain is an alarm and is never
overwritten; what a node refuses is decided by reading again, never by its words; a transaction that is not
mined is sent again as it is, then with an eighth more fees and the same nonce. A size goes into the contract
once: it takes an equal head again without an event, so that a retry is harmless.

>>> anchorer = Anchorer(store, registry, account, log_signer, finality, clock)
>>> anchorer.anchor_newest().block_number
17
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import structlog

from contracts.registry import RegistryHead, compute_anchor_gas_limit, encode_anchor
from ledger.chain.answers import BlockRef, LogEntry
from ledger.chain.client import ChainRefusedError
from ledger.chain.finality import Finality
from ledger.chain.payment import DEFAULT_MAX_FEE_WEI, quote_fees
from ledger.chain.registry import Registry
from ledger.chain.transactions import Account, FeeQuote, build_transaction
from ledger.chain.waiting import Pace, Wait
from ledger.core.anchor import AnchorGrade, AnchorReceipt, sign_receipt
from ledger.core.errors import (
    ChainUnavailableError,
    LogIntegrityError,
    NotFoundError,
    StateError,
)
from ledger.core.ids import TreeSize
from ledger.core.merkle import build_consistency_proof, build_root
from ledger.core.quorum import WitnessQuorum
from ledger.core.signature import Signer
from ledger.core.tiles import TileReader
from ledger.failpoint import failpoint
from ledger.publishing import find_anchorable
from ledger.store.anchor_queries import AnchorQueries, AnchorState, StoredAnchor, StoredAttempt
from ledger.store.queries import ReadQueries
from ledger.store.unit_of_work import SqlStore

_LAST_SECOND: Final = 253_402_300_799
"""End of the year 9999: a block time above it is in milliseconds (FISCO BCOS)."""

_LOG = structlog.get_logger(__name__)


class Anchorer:
    """The one sender of one log. For one thread at a time."""

    def __init__(
        self,
        store: SqlStore,
        registry: Registry,
        account: Account,
        signer: Signer,
        finality: Finality,
        clock: Callable[[], datetime],
        *,
        max_fee_wei: int = DEFAULT_MAX_FEE_WEI,
        pace: Pace | None = None,
        quorum: WitnessQuorum | None = None,
    ) -> None:
        """Take everything that sending needs; nothing is read or sent yet.

        Args:
            store: the log's database.
            registry: the log's place on the chain.
            account: the log's operator there; no other program sends with it.
            signer: the log key, which signs receipts.
            finality: when a block counts as final.
            clock: returns the time, aware UTC.
            max_fee_wei: more is not paid for a unit of gas.
            pace: how long to wait for what.
            quorum: only what it has cosigned is anchored; None: the log has no witnesses.
        """
        self._store = store
        self._registry = registry
        self._client = registry.client
        self._account = account
        self._signer = signer
        self._finality = finality
        self._clock = clock
        self._max_fee_wei = max_fee_wei
        self._pace = pace or Pace()
        self._quorum = quorum

    def anchor_newest(self) -> AnchorReceipt:
        """Anchor the checkpoint that is the newest now, or a newer one; wait until it is final.

        Whatever was under way is finished first. If the newest checkpoint is anchored, nothing is sent.

        Raises:
            NotFoundError: the log has no checkpoint.
            ChainUnavailableError: the node is out of reach, or the deadline has passed; the work is queued.
            UnavailableError: gas costs too much or the account owns too little; the work is queued.
            WrongChainError: the node serves another chain or contract.
            StateError: the account is not the log's operator, or the log is frozen.
            LogIntegrityError: the contract holds a head that is not of our log, or our own records disagree.
        """
        wait = Wait(self._pace)
        self._resume(wait)
        return self._finish(self._queue_newest(), wait)

    def resume(self) -> AnchorReceipt | None:
        """Finish what is queued or under way; return its receipt, or None if there was nothing.

        Raises:
            LedgerError: as `anchor_newest`.
        """
        return self._resume(Wait(self._pace))

    def _resume(self, wait: Wait) -> AnchorReceipt | None:
        with self._store.database.read() as connection:
            if AnchorQueries(connection).find_open() is None:
                return None
        return self._finish(self._queue_newest(), wait)

    # --- steps ----------------------------------------------------------------------------------------------

    def _queue_newest(self) -> StoredAnchor:
        """Return what is under way, else the newest checkpoint's anchor: a draft, or final."""
        failpoint("anchoring.before_queue")
        with self._store.database.write() as connection:
            queries, now = AnchorQueries(connection), self._clock()
            under_way = queries.find_open()
            if under_way is not None and under_way.state is not AnchorState.DRAFTED:
                return under_way
            newest = find_anchorable(ReadQueries(connection), self._quorum)
            if newest is None:
                raise NotFoundError("the log has no checkpoint to anchor yet")
            size, root = newest.tree_size, newest.root_hash
            final = queries.find_final(size)
            if final is not None:
                anchor = final  # a draft beside it waits for its witnesses
            elif under_way is None:
                anchor = queries.add_draft(size, root, now)
            else:
                anchor = replace(under_way, tree_size=size, root_hash=root)
                queries.save(under_way, anchor, now)
        failpoint("anchoring.queued")
        return anchor

    def _finish(self, anchor: StoredAnchor, wait: Wait) -> AnchorReceipt:
        """Take steps until an anchor is final."""
        if anchor.receipt is not None:
            return anchor.receipt
        steps = {
            AnchorState.DRAFTED: self._submit,
            AnchorState.SUBMITTED: self._await_inclusion,
            AnchorState.INCLUDED: self._await_finality,
        }
        self._registry.require_chain()
        while anchor.receipt is None:
            wait.begin_step()
            anchor = steps[anchor.state](anchor, wait)
            if anchor.state is AnchorState.DRAFTED:
                wait.pause(_describe(anchor))
        return anchor.receipt

    def _submit(self, anchor: StoredAnchor, _wait: Wait) -> StoredAnchor:
        """Sign a transaction for a draft, unless the contract holds this head already."""
        proof = self._build_proof(anchor)
        if proof is not None:
            gas = compute_anchor_gas_limit(len(proof))
            fees = quote_fees(self._client, self._account.address, gas, self._max_fee_wei)
            nonce = _plausible(self._client.nonce(self._account.address))
            return self._sign(anchor, proof, nonce, fees)
        entry = self._registry.find_anchored(anchor.tree_size, anchor.root_hash)
        if entry is None:
            raise ChainUnavailableError("the contract holds this head, but the node does not show its event")
        return self._include(anchor, entry)

    def _await_inclusion(self, anchor: StoredAnchor, wait: Wait) -> StoredAnchor:
        """Send until a block holds one of the anchor's transactions, or none can get there any more."""
        attempts = self._read_attempts(anchor)
        if not attempts:
            raise LogIntegrityError(f"the transaction that anchors {anchor.tree_size} leaves is missing")
        sent = 0
        while (found := self._look_for(anchor, attempts)) is None:
            if wait.is_send_due():
                if sent > 1:
                    attempts = self._raise_fees(anchor, attempts)
                wait.refusal = self._send(attempts[-1])
                sent += 1
            wait.pause(_describe(anchor))
        return found

    def _await_finality(self, anchor: StoredAnchor, wait: Wait) -> StoredAnchor:
        """Read the event again until its block is final."""
        while True:
            block_number, block_hash, tx_hash = _place(anchor)
            is_final = self._client.is_final(block_number, self._finality)
            entry = self._find_event(anchor, tx_hash)
            if entry is None:
                return self._restart(anchor)
            if entry.block_hash != block_hash:
                anchor = self._include(anchor, entry)
            elif is_final and (block := self._client.block(block_number)).hash == block_hash:
                return self._complete(anchor, block)
            wait.pause(_describe(anchor))

    # --- the chain ------------------------------------------------------------------------------------------

    def _build_proof(self, anchor: StoredAnchor) -> tuple[bytes, ...] | None:
        """Return the consistency proof from the contract's head; None if that is this anchor's head or newer.

        Raises:
            LogIntegrityError: the contract's head is not of our log.
        """
        head = self._registry.read_head()
        self._check_operator(head)
        with self._store.database.read() as connection:
            queries = ReadQueries(connection)
            own_size = queries.read_head().tree_size
            read = TileReader(own_size, queries.read_tile).read
            final = AnchorQueries(connection).find_newest_final()
            if head.size > own_size or build_root(TreeSize(head.size), read) != head.root:
                _LOG.critical(
                    "foreign head", head_size=head.size, head_root=head.root.hex(), own_size=own_size
                )
                raise LogIntegrityError(
                    f"the contract holds {head.size} leaves that our log of {own_size} does not contain"
                )
            if final is not None and final.tree_size > head.size:
                _LOG.error("final anchor missing", head_size=head.size, final_size=final.tree_size)
                raise ChainUnavailableError(
                    f"the node is behind: it shows {head.size} leaves, {final.tree_size} were final before"
                )
            if build_root(anchor.tree_size, read) != anchor.root_hash:
                raise LogIntegrityError(f"the tiles do not give the checkpoint of {anchor.tree_size} leaves")
            if head.size >= anchor.tree_size:
                return None
            return build_consistency_proof(TreeSize(head.size), anchor.tree_size, read) if head.size else ()

    def _check_operator(self, head: RegistryHead) -> None:
        if head.operator != self._account.address:
            raise StateError(
                f"the log's operator on chain is 0x{head.operator.hex()}, not 0x{self._account.address.hex()}"
            )
        if head.is_frozen:
            raise StateError("the log is frozen on chain: nothing can be anchored in it any more")

    def _send(self, attempt: StoredAttempt) -> str:
        """Give a stored transaction to the node; return why it was not taken, which decides nothing."""
        try:
            self._client.send_raw(attempt.raw)
        except ChainRefusedError as err:
            _LOG.info("not taken", tx_hash=attempt.tx_hash.hex(), reason=str(err))
            return str(err)
        failpoint("anchoring.sent")
        return ""

    def _find_event(self, anchor: StoredAnchor, tx_hash: bytes) -> LogEntry | None:
        receipt = self._client.receipt(tx_hash)
        if receipt is None:
            return None
        return self._registry.find_anchored_in(receipt, anchor.tree_size, anchor.root_hash)

    def _look_for(self, anchor: StoredAnchor, attempts: list[StoredAttempt]) -> StoredAnchor | None:
        """Return what came of the anchor's transactions; None while they are on their way."""
        next_nonce = self._client.nonce(self._account.address)
        for attempt in attempts:
            receipt = self._client.receipt(attempt.tx_hash)
            if receipt is None:
                continue
            entry = self._registry.find_anchored_in(receipt, anchor.tree_size, anchor.root_hash)
            if entry is not None:
                return self._include(anchor, entry)
            drafted = self._draft_again(anchor, "mined without effect")
            if not receipt.succeeded:
                raise ChainUnavailableError("the contract refused the anchor's transaction; it is built anew")
            return drafted
        if next_nonce > attempts[-1].nonce:
            return self._draft_again(anchor, "another transaction took the nonce")
        return None

    def _raise_fees(self, anchor: StoredAnchor, attempts: list[StoredAttempt]) -> list[StoredAttempt]:
        """Return the attempts, and one that pays at least an eighth more if that is allowed and of use."""
        last = attempts[-1]
        tried = FeeQuote(last.max_fee_wei, last.priority_fee_wei)
        fees = tried.bumped().at_least(self._client.fees())
        if fees == tried or fees.max_fee_wei > self._max_fee_wei:
            return attempts
        proof = self._build_proof(anchor)
        if proof is None:
            return attempts
        self._sign(anchor, proof, last.nonce, fees)
        return self._read_attempts(anchor)

    # --- stored steps ---------------------------------------------------------------------------------------

    def _sign(
        self, anchor: StoredAnchor, proof: tuple[bytes, ...], nonce: int, fees: FeeQuote
    ) -> StoredAnchor:
        """Store a signed transaction; it is sent afterwards."""
        chain = self._registry.chain
        transaction = build_transaction(
            self._account,
            chain_id=chain.chain_id,
            nonce=nonce,
            to=chain.contract,
            data=encode_anchor(chain.log_id, anchor.tree_size, anchor.root_hash, proof),
            gas=compute_anchor_gas_limit(len(proof)),
            fees=fees,
        )
        attempt = StoredAttempt(
            transaction.hash, nonce, transaction.raw, fees.max_fee_wei, fees.priority_fee_wei
        )
        submitted = replace(anchor, state=AnchorState.SUBMITTED)
        failpoint("anchoring.before_outbox")
        with self._store.database.write() as connection:
            queries, now = AnchorQueries(connection), self._clock()
            queries.add_attempt(anchor, attempt, now)
            queries.save(anchor, submitted, now)
        failpoint("anchoring.outbox")
        _LOG.info("anchor submitted", tree_size=anchor.tree_size, tx_hash=transaction.hash.hex(), nonce=nonce)
        return submitted

    def _include(self, anchor: StoredAnchor, entry: LogEntry) -> StoredAnchor:
        _LOG.info("anchor included", tree_size=anchor.tree_size, block_number=entry.block_number)
        included = replace(
            anchor,
            state=AnchorState.INCLUDED,
            tx_hash=entry.tx_hash,
            block_number=_plausible(entry.block_number),
            block_hash=entry.block_hash,
        )
        return self._save(anchor, included)

    def _restart(self, anchor: StoredAnchor) -> StoredAnchor:
        """Go back to sending: the block that held the anchor is gone."""
        _LOG.warning("anchor vanished", tree_size=anchor.tree_size, block_number=anchor.block_number)
        state = AnchorState.SUBMITTED if self._read_attempts(anchor) else AnchorState.DRAFTED
        return self._save(
            anchor, replace(anchor, state=state, tx_hash=None, block_number=None, block_hash=None)
        )

    def _draft_again(self, anchor: StoredAnchor, reason: str) -> StoredAnchor:
        _LOG.warning("anchor drafted again", tree_size=anchor.tree_size, reason=reason)
        return self._save(anchor, replace(anchor, state=AnchorState.DRAFTED))

    def _complete(self, anchor: StoredAnchor, block: BlockRef) -> StoredAnchor:
        block_number, block_hash, tx_hash = _place(anchor)
        receipt = sign_receipt(
            self._registry.chain,
            anchor.tree_size,
            anchor.root_hash,
            tx_hash,
            block_number,
            block_hash,
            _parse_block_time(block),
            AnchorGrade.SAFE if self._finality.tag == AnchorGrade.SAFE else AnchorGrade.FINAL,
            self._signer,
        )
        _LOG.info("anchor final", tree_size=anchor.tree_size, block_number=block_number)
        return self._save(anchor, replace(anchor, state=AnchorState.FINAL, receipt=receipt))

    def _save(self, before: StoredAnchor, after: StoredAnchor) -> StoredAnchor:
        failpoint(f"anchoring.before_{after.state}")
        with self._store.database.write() as connection:
            AnchorQueries(connection).save(before, after, self._clock())
        failpoint(f"anchoring.{after.state}")
        return after

    def _read_attempts(self, anchor: StoredAnchor) -> list[StoredAttempt]:
        with self._store.database.read() as connection:
            return AnchorQueries(connection).find_attempts(anchor)


def _describe(anchor: StoredAnchor) -> str:
    return f"the anchor of {anchor.tree_size} leaves is {anchor.state} and not final"


def _place(anchor: StoredAnchor) -> tuple[int, bytes, bytes]:
    """Return block number, block hash and transaction of an anchor that is included."""
    if anchor.block_number is None or anchor.block_hash is None or anchor.tx_hash is None:
        raise LogIntegrityError(f"the anchor of {anchor.tree_size} leaves is included nowhere")
    return anchor.block_number, anchor.block_hash, anchor.tx_hash


def _plausible(number: int) -> int:
    """Return a nonce or block number as it is, if a chain can have come that far."""
    if number >= 2**53:
        raise ChainUnavailableError("the node answers with a number that no chain has reached")
    return number


def _parse_block_time(block: BlockRef) -> datetime:
    """Return the time of a block: seconds, or milliseconds on FISCO BCOS."""
    seconds = block.timestamp if block.timestamp <= _LAST_SECOND else block.timestamp // 1000
    if seconds > _LAST_SECOND:
        raise ChainUnavailableError("the node answers with a time after the year 9999")
    return datetime.fromtimestamp(seconds, UTC)
