"""The sender: newest checkpoint -> transaction -> final block -> signed receipt; resumes from what is stored.

    state      what is stored                         next (the whole table: `core.anchor.ANCHOR_MOVES`)
    drafted    size and root of the checkpoint that   submitted; included, if the contract holds this head
               is to be anchored; moves along with it
    submitted  signed transactions with one nonce,    included; replaced, if the nonce went to another
               stored before any of them is sent      transaction; failed, if this one had no effect
    included   the transaction and the block whose    final, perhaps by way of safe; reorged, if the block
               event names this size and root         is gone
    reorged    the transactions that were sent        submitted: the same one goes out again, as no node need
                                                      remember it; included, if the contract holds the head
    replaced,  as drafted                             as drafted: built anew from what the contract holds
    failed
    final      the receipt, signed by the log key     lost, if that block is gone: see `review`
               once the finality rule holds

Rules it keeps: one sender, and one anchor under way at a time; what the contract holds is read from it before
each try, and the proof is built from there; a head that our own log does not contain is an alarm and is never
overwritten; what a node refuses is decided by reading again, never by its words; a transaction that is not
mined is sent again as it is, then with an eighth more fees and the same nonce. A size goes into the contract
once: it takes an equal head again without an event, so that a retry is harmless. An anchor is final once receipt,
event, block and the contract's head agree; where a node contradicts itself, nothing is graded.

>>> anchorer = Anchorer(store, registry, account, log_signer, finality, clock)
>>> anchorer.anchor_newest().block_number
17
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

import structlog

from contracts.registry import RegistryHead, compute_anchor_gas_limit, encode_anchor
from ledger.anchoring.review import require_standing
from ledger.chain.answers import BlockRef, LogEntry
from ledger.chain.client import ChainRefusedError
from ledger.chain.finality import Finality, FinalityKind, parse_finality
from ledger.chain.payment import DEFAULT_MAX_FEE_WEI, describe_price, find_shortage, quote_fees
from ledger.chain.registry import Registry
from ledger.chain.transactions import Account, FeeQuote, build_transaction
from ledger.chain.waiting import Pace, Wait
from ledger.core.anchor import (
    SETTLED_STATES,
    UNSENT_STATES,
    AnchorGrade,
    AnchorReceipt,
    AnchorState,
    sign_receipt,
)
from ledger.core.errors import (
    ChainUnavailableError,
    LedgerError,
    LogIntegrityError,
    NotFoundError,
    StateError,
    UnavailableError,
)
from ledger.core.ids import TreeSize
from ledger.core.merkle import build_consistency_proof, build_root
from ledger.core.quorum import WitnessQuorum
from ledger.core.signature import Signer
from ledger.core.tiles import TileReader
from ledger.cosigning.publishing import find_anchorable
from ledger.failpoint import failpoint
from ledger.standing import ANCHORING, AnchoringState
from ledger.store.anchor_queries import AnchorQueries, StoredAnchor, StoredAttempt
from ledger.store.condition_queries import Condition, ConditionQueries
from ledger.store.queries import ReadQueries
from ledger.store.records import StoredCheckpoint
from ledger.store.unit_of_work import SqlStore

_LAST_SECOND: Final = 253_402_300_799
"""End of the year 9999: a block time above it is in milliseconds (FISCO BCOS)."""

_STATE_ZH: Final = {
    AnchoringState.OK: "已存证",
    AnchoringState.WAITING: "等待中，将自动重试",
    AnchoringState.ALARM: "告警，需要人工处理",
}
_SAFE: Final = parse_finality("tag:safe")
_LOG = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Call:
    """What the contract is to be told."""

    data: bytes
    gas: int


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
        self._balance: str | None = None

    def anchor_newest(self) -> AnchorReceipt:
        """Anchor the checkpoint that is the newest now, or a newer one; wait until it is final.

        Whatever was under way is finished first. If the newest checkpoint is anchored, nothing is sent. Once
        the work is queued, and before anything is sent, the blocks of older anchors are looked at again.

        Raises:
            NotFoundError: the log has no checkpoint.
            ChainUnavailableError: the node is out of reach, or the deadline has passed; the work is queued.
            UnavailableError: gas costs too much or the account owns too little; the work is queued.
            WrongChainError: the node serves another chain or contract.
            StateError: the account is not the log's operator, or the log is frozen.
            LogIntegrityError: the contract holds a head that is not of our log, or our own records disagree.
            ChainContradictionError: a block that was final is gone, or the node contradicts itself.
        """
        with self._noting():
            wait = Wait(self._pace)
            first = self._queue_newest()
            self._require_standing()
            receipt = self._finish(first, wait)
            was_sent = first.state not in UNSENT_STATES | SETTLED_STATES
            return self._finish(self._queue_newest(), wait) if was_sent else receipt

    def resume(self) -> AnchorReceipt | None:
        """Finish what is queued or under way; return its receipt, or None if there was nothing.

        Raises:
            LedgerError: as `anchor_newest`.
        """
        if not self._is_under_way():
            return None
        with self._noting():
            queued = self._queue_newest()
            self._require_standing()
            return self._finish(queued, Wait(self._pace))

    @contextmanager
    def _noting(self) -> Iterator[None]:
        """Write down what comes of a try, for whoever watches."""
        try:
            yield
        except NotFoundError:
            raise
        except LedgerError as err:
            is_alarm = isinstance(err, LogIntegrityError)
            with suppress(UnavailableError):
                self._note(AnchoringState.ALARM if is_alarm else AnchoringState.WAITING, str(err))
            raise
        self._note(AnchoringState.OK, "anchored")

    def _note(self, state: AnchoringState, en: str) -> None:
        zh = f"{_STATE_ZH[state]}（{en}）" if state is not AnchoringState.OK else _STATE_ZH[state]
        with self._store.database.write() as connection:
            queries = ConditionQueries(connection)
            known = queries.find(ANCHORING)
            balance = self._balance or (known.value if known is not None else None)
            queries.put(Condition(ANCHORING, state.value, en, zh, self._clock(), balance))

    def _is_under_way(self) -> bool:
        with self._store.database.read() as connection:
            return AnchorQueries(connection).find_open() is not None

    def _require_standing(self) -> None:
        """Look at final blocks again, if there are any."""
        with self._store.database.read() as connection:
            queries = AnchorQueries(connection)
            if queries.find_newest_final() is None and queries.find_newest_lost() is None:
                return
        self._registry.require_chain()
        require_standing(self._store, self._client, self._clock)

    # --- steps ----------------------------------------------------------------------------------------------

    def _queue_newest(self) -> StoredAnchor:
        """Return what is under way, else the anchor of the checkpoint that is next: a draft, or final."""
        failpoint("anchoring.before_queue")
        with self._store.database.write() as connection:
            queries, now = AnchorQueries(connection), self._clock()
            under_way = queries.find_open()
            if under_way is not None and under_way.state not in UNSENT_STATES:
                return under_way
            picked = find_anchorable(ReadQueries(connection), self._quorum)
            if picked is None:
                raise NotFoundError("the log has no checkpoint to anchor yet")
            anchor = _draft(queries, under_way, picked, now)
        failpoint("anchoring.queued")
        return anchor

    def _finish(self, anchor: StoredAnchor, wait: Wait) -> AnchorReceipt:
        """Take steps until an anchor is final."""
        if anchor.receipt is not None:
            return anchor.receipt
        steps = {
            AnchorState.DRAFTED: self._submit,
            AnchorState.REPLACED: self._submit,
            AnchorState.FAILED: self._submit,
            AnchorState.SUBMITTED: self._await_inclusion,
            AnchorState.INCLUDED: self._await_finality,
            AnchorState.SAFE: self._await_finality,
            AnchorState.REORGED: self._send_again,
        }
        self._registry.require_chain()
        self._balance = str(self._client.balance(self._account.address))
        while anchor.receipt is None:
            wait.begin_step()
            anchor = steps[anchor.state](anchor, wait)
            if anchor.state in UNSENT_STATES or anchor.state is AnchorState.REORGED:
                wait.pause(_describe(anchor))
        return anchor.receipt

    def _submit(self, anchor: StoredAnchor, wait: Wait) -> StoredAnchor:
        """Sign a transaction, unless the contract holds this head already."""
        call = self._build_call(anchor)
        if call is None:
            return self._adopt(anchor, wait)
        fees = quote_fees(self._client, self._account.address, call.gas, self._max_fee_wei)
        return self._sign(anchor, call, self._read_nonce(), fees)

    def _adopt(self, anchor: StoredAnchor, wait: Wait) -> StoredAnchor:
        """Take the event that put this head into the contract, whoever sent it."""
        entry = self._registry.find_anchored(anchor.tree_size, anchor.root_hash)
        if entry is not None:
            wait.contradiction = ""
            return self._include(anchor, entry)
        wait.contradiction = "the contract holds this head, but the node does not show its event"
        wait.pause(_describe(anchor))
        return anchor

    def _send_again(self, anchor: StoredAnchor, wait: Wait) -> StoredAnchor:
        """Find out what a reorg has left: the head, another block with our transaction, or nothing."""
        call, attempts = self._build_call(anchor), self._read_attempts(anchor)
        if call is None:
            return self._adopt(anchor, wait)
        if not attempts:
            return self._move(anchor, AnchorState.DRAFTED, "it was not our transaction that is gone")
        if (found := self._look_for(anchor, attempts)) is not None:
            return found
        last = attempts[-1]
        if call.data in last.raw:
            return self._move(anchor, AnchorState.SUBMITTED, "the same transaction again", last.tx_hash)
        fees = FeeQuote(last.max_fee_wei, last.priority_fee_wei).bumped()
        market = quote_fees(self._client, self._account.address, call.gas, self._max_fee_wei)
        return self._sign(anchor, call, self._read_nonce(), fees.at_least(market))

    def _await_inclusion(self, anchor: StoredAnchor, wait: Wait) -> StoredAnchor:
        """Send until a block holds one of the anchor's transactions, or none can get there any more."""
        attempts = self._read_attempts(anchor)
        if not attempts:
            raise LogIntegrityError(f"the transaction that anchors {anchor.tree_size} leaves is missing")
        sent = 0
        while (found := self._look_for(anchor, attempts)) is None:
            if wait.is_send_due():
                wait.refusal = ""
                if sent and self._read_nonce() < attempts[-1].nonce:
                    return self._build_anew(anchor, AnchorState.REPLACED, "a nonce before it is free again")
                if sent > 1:
                    attempts = self._raise_fees(anchor, attempts, wait)
                wait.refusal = self._send(attempts[-1]) or wait.refusal
                sent += 1
            wait.pause(_describe(anchor))
        return found

    def _await_finality(self, anchor: StoredAnchor, wait: Wait) -> StoredAnchor:
        """Read the event again until its block is final, or gone."""
        while True:
            block_number, block_hash, tx_hash = _place(anchor)
            is_final = self._client.is_final(block_number, self._finality)
            entry = self._find_event(anchor, tx_hash)
            wait.contradiction = ""
            if entry is None and self._is_logged(anchor, block_number, block_hash):
                wait.contradiction = f"block {block_number} has an event that its receipt does not show"
            elif entry is None or (entry.block_number, entry.block_hash) != (block_number, block_hash):
                return self._lose_block(anchor)
            elif is_final:
                block = self._client.block(block_number)
                wait.contradiction = self._find_contradiction(anchor, entry, block)
                if not wait.contradiction:
                    return self._complete(anchor, block)
            elif anchor.state is AnchorState.INCLUDED and self._is_safe(block_number):
                anchor = self._move(anchor, AnchorState.SAFE)
            wait.pause(_describe(anchor))

    def _is_logged(self, anchor: StoredAnchor, block_number: int, block_hash: bytes) -> bool:
        """Return whether a block, if the chain still has it, shows the event of an anchor."""
        if block_number > self._client.block("latest").number:
            return False
        entry = self._registry.find_anchored(anchor.tree_size, anchor.root_hash, block_number)
        return entry is not None and entry.block_hash == block_hash

    def _is_safe(self, block_number: int) -> bool:
        """Return whether the node's `safe` block has got there; asked only on the way to `finalized`."""
        is_asked = self._finality.kind is FinalityKind.TAG and self._finality != _SAFE
        return is_asked and self._client.is_final(block_number, _SAFE)

    def _find_contradiction(self, anchor: StoredAnchor, entry: LogEntry, block: BlockRef) -> str:
        """Return in what receipt, block, events and contract contradict each other; empty if in nothing."""
        if block.hash != entry.block_hash:
            return f"its receipt is of another block {block.number} than its chain"
        logged = self._registry.find_anchored(anchor.tree_size, anchor.root_hash, block.number)
        if logged is None or (logged.block_hash, logged.tx_hash) != (entry.block_hash, entry.tx_hash):
            return f"its receipt shows an event that block {block.number} does not have"
        if self._build_call(anchor) is not None:
            return "its receipt shows an event, but the contract does not hold the head"
        return ""

    # --- the chain ------------------------------------------------------------------------------------------

    def _build_call(self, anchor: StoredAnchor) -> _Call | None:
        """Return the call that leads from the contract's head to this anchor's; None if it is there, or further.

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
                    f"the contract holds {head.size} leaves that our log of {own_size} does not contain: this is "
                    "an old copy of the log, or somebody else has its keys; put the newest copy back, or begin a "
                    "new log"
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
            first = TreeSize(head.size)
            proof = build_consistency_proof(first, anchor.tree_size, read) if first else ()
        data = encode_anchor(self._registry.chain.log_id, anchor.tree_size, anchor.root_hash, proof)
        return _Call(data, compute_anchor_gas_limit(len(proof)))

    def _read_nonce(self) -> int:
        return _plausible(self._client.nonce(self._account.address))

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
            fees = FeeQuote(attempt.max_fee_wei, attempt.priority_fee_wei)
            least = compute_anchor_gas_limit(0)
            return find_shortage(self._client, self._account.address, least, fees) or str(err)
        failpoint("anchoring.sent")
        return ""

    def _find_event(self, anchor: StoredAnchor, tx_hash: bytes) -> LogEntry | None:
        receipt = self._client.receipt(tx_hash)
        if receipt is None:
            return None
        return self._registry.find_anchored_in(receipt, anchor.tree_size, anchor.root_hash)

    def _look_for(self, anchor: StoredAnchor, attempts: list[StoredAttempt]) -> StoredAnchor | None:
        """Return what came of the anchor's transactions; None while they are on their way."""
        next_nonce = self._read_nonce()
        for attempt in attempts:
            receipt = self._client.receipt(attempt.tx_hash)
            if receipt is None:
                continue
            entry = self._registry.find_anchored_in(receipt, anchor.tree_size, anchor.root_hash)
            if entry is not None:
                return self._include(anchor, entry)
            failed = self._build_anew(anchor, AnchorState.FAILED, "mined without effect", attempt.tx_hash)
            if not receipt.succeeded:
                raise ChainUnavailableError("the contract refused the anchor's transaction; it is built anew")
            return failed
        if next_nonce > attempts[-1].nonce:
            return self._build_anew(anchor, AnchorState.REPLACED, "another transaction took the nonce")
        return None

    def _raise_fees(
        self, anchor: StoredAnchor, attempts: list[StoredAttempt], wait: Wait
    ) -> list[StoredAttempt]:
        """Return the attempts, and one that pays at least an eighth more if that is allowed and of use."""
        last = attempts[-1]
        tried = FeeQuote(last.max_fee_wei, last.priority_fee_wei)
        fees = tried.bumped().at_least(self._client.fees())
        call = self._build_call(anchor)
        if fees == tried or call is None:
            return attempts
        too_dear = describe_price(fees, self._max_fee_wei) if fees.max_fee_wei > self._max_fee_wei else ""
        wait.refusal = too_dear or find_shortage(self._client, self._account.address, call.gas, fees)
        if wait.refusal:
            return attempts
        self._sign(anchor, call, last.nonce, fees)
        return self._read_attempts(anchor)

    # --- stored steps ---------------------------------------------------------------------------------------

    def _sign(self, anchor: StoredAnchor, call: _Call, nonce: int, fees: FeeQuote) -> StoredAnchor:
        """Store a signed transaction; it is sent afterwards."""
        chain = self._registry.chain
        transaction = build_transaction(
            self._account,
            chain_id=chain.chain_id,
            nonce=nonce,
            to=chain.contract,
            data=call.data,
            gas=call.gas,
            fees=fees,
        )
        tx_hash = transaction.hash
        attempt = StoredAttempt(tx_hash, nonce, transaction.raw, fees.max_fee_wei, fees.priority_fee_wei)
        submitted = replace(anchor, state=AnchorState.SUBMITTED)
        failpoint("anchoring.before_outbox")
        with self._store.database.write() as connection:
            queries, now = AnchorQueries(connection), self._clock()
            queries.add_attempt(anchor, attempt, now)
            queries.save(anchor, submitted, now, f"nonce {nonce}, {fees.max_fee_wei} wei", tx_hash)
        failpoint("anchoring.outbox")
        _LOG.info("anchor submitted", tree_size=anchor.tree_size, tx_hash=tx_hash.hex(), nonce=nonce)
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

    def _lose_block(self, anchor: StoredAnchor) -> StoredAnchor:
        """Note that the block which held the anchor is gone."""
        _LOG.warning("anchor reorged", tree_size=anchor.tree_size, block_number=anchor.block_number)
        reorged = replace(anchor, state=AnchorState.REORGED, tx_hash=None, block_number=None, block_hash=None)
        return self._save(anchor, reorged, f"block {anchor.block_number} is gone", anchor.tx_hash)

    def _build_anew(
        self, anchor: StoredAnchor, state: AnchorState, reason: str, tx_hash: bytes | None = None
    ) -> StoredAnchor:
        _LOG.warning("anchor built anew", tree_size=anchor.tree_size, reason=reason)
        return self._move(anchor, state, reason, tx_hash)

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

    def _move(
        self, anchor: StoredAnchor, state: AnchorState, reason: str = "", tx_hash: bytes | None = None
    ) -> StoredAnchor:
        return self._save(anchor, replace(anchor, state=state), reason, tx_hash)

    def _save(
        self, before: StoredAnchor, after: StoredAnchor, reason: str = "", tx_hash: bytes | None = None
    ) -> StoredAnchor:
        failpoint(f"anchoring.before_{after.state}")
        with self._store.database.write() as connection:
            AnchorQueries(connection).save(before, after, self._clock(), reason, tx_hash)
        failpoint(f"anchoring.{after.state}")
        return after

    def _read_attempts(self, anchor: StoredAnchor) -> list[StoredAttempt]:
        with self._store.database.read() as connection:
            return AnchorQueries(connection).find_attempts(anchor)


def _draft(
    queries: AnchorQueries, under_way: StoredAnchor | None, picked: StoredCheckpoint, now: datetime
) -> StoredAnchor:
    """Return the draft for a checkpoint, or its anchor that is final or lost already."""
    size, root = picked.tree_size, picked.root_hash
    settled = queries.find_size(size)
    if settled is not None and settled.receipt is not None and settled.state is not AnchorState.DISMISSED:
        return settled  # a draft of more leaves waits for its witnesses
    known = under_way or settled
    if known is None:
        return queries.add_draft(size, root, now)
    if known.tree_size == size and known.state is not AnchorState.DISMISSED:
        return known
    draft = StoredAnchor(known.id, size, root, AnchorState.DRAFTED)
    queries.save(known, draft, now, "moved along" if known is under_way else "anchored again")
    return draft


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
