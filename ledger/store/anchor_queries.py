"""Every query of the anchoring tables, by name: the outbox of tree heads, their signed transactions, their moves.

A move is stored with the state that it leads to, in one transaction, and only if `core.anchor` allows it. Moves
are numbered from 1 without a gap, and no move is dated before the one in front of it, whatever the clock says: so
one that is lost is missed.

>>> with database.write() as connection:
...     anchor = AnchorQueries(connection).add_draft(checkpoint.tree_size, checkpoint.root_hash, now)
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from ledger.core.anchor import (
    SETTLED_STATES,
    AnchorReceipt,
    AnchorState,
    encode_receipt,
    parse_receipt,
    require_move,
)
from ledger.core.canonical import encode_canonical_json, parse_canonical_json
from ledger.core.errors import LogIntegrityError
from ledger.core.fields import Reader
from ledger.core.ids import RootHash, TreeSize
from ledger.store.bulk import OnConflict, insert_rows
from ledger.store.tables import anchor_attempts, anchor_moves, anchors

_ANCHOR: Final = select(*anchors.c)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class StoredAnchor:
    """One tree head on its way to the chain."""

    id: int
    tree_size: TreeSize
    root_hash: RootHash
    state: AnchorState
    tx_hash: bytes | None = None
    """32 bytes; set once it is included, then the transaction that did it."""
    block_number: int | None = None
    block_hash: bytes | None = None
    receipt: AnchorReceipt | None = None
    """Set once it is final; kept where that block is lost."""


@dataclass(frozen=True, slots=True)
class StoredAttempt:
    """One signed transaction for an anchor; attempts with one nonce exclude each other."""

    tx_hash: bytes
    nonce: int
    raw: bytes
    max_fee_wei: int
    priority_fee_wei: int | None
    """None: a transaction with one gas price."""


@dataclass(frozen=True, slots=True)
class AnchorMove:
    """One move of one anchor, as it is kept."""

    tree_size: TreeSize
    state: AnchorState
    """Where it led."""
    tx_hash: bytes | None
    block_number: int | None
    reason: str
    at: datetime
    """Aware UTC."""


class AnchorQueries:
    """What the sender reads and writes, in the transaction of one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find_open(self) -> StoredAnchor | None:
        """Return the anchor that is under way; there is at most one.

        Raises:
            LogIntegrityError: there are several.
        """
        rows = self._connection.execute(_ANCHOR.where(anchors.c.state.not_in(SETTLED_STATES))).all()
        if len(rows) > 1:
            raise LogIntegrityError(f"{len(rows)} anchors are under way at once, but there is one sender")
        return _to_anchor(rows[0]) if rows else None

    def read_final(self) -> list[StoredAnchor]:
        """Return every final anchor, oldest first."""
        final = _ANCHOR.where(anchors.c.state == AnchorState.FINAL).order_by(anchors.c.tree_size)
        return [_to_anchor(row) for row in self._connection.execute(final)]

    def find_newest_final(self) -> StoredAnchor | None:
        """Return the final anchor with the most leaves."""
        return self._find_newest(AnchorState.FINAL)

    def find_newest_lost(self) -> StoredAnchor | None:
        """Return the lost anchor with the most leaves."""
        return self._find_newest(AnchorState.LOST)

    def read_lost_up_to(self, tree_size: TreeSize) -> list[StoredAnchor]:
        """Return the lost anchors with at most so many leaves."""
        lost = _ANCHOR.where(anchors.c.state == AnchorState.LOST, anchors.c.tree_size <= tree_size)
        return [_to_anchor(row) for row in self._connection.execute(lost)]

    def find_size(self, tree_size: TreeSize) -> StoredAnchor | None:
        """Return the anchor of exactly this size, whatever has come of it."""
        return self._find(_ANCHOR.where(anchors.c.tree_size == tree_size))

    def find_judged_below(self, tree_size: TreeSize) -> StoredAnchor | None:
        """Return the final or lost anchor with the most leaves, fewer than so many."""
        judged = _ANCHOR.where(
            anchors.c.tree_size < tree_size, anchors.c.state.in_((AnchorState.FINAL, AnchorState.LOST))
        )
        return self._find(judged.order_by(anchors.c.tree_size.desc()).limit(1))

    def read_moves(self) -> list[AnchorMove]:
        """Return every move of every anchor, in their order."""
        rows = self._connection.execute(select(*anchor_moves.c).order_by(anchor_moves.c.id))
        return [
            AnchorMove(
                TreeSize(row.tree_size),
                AnchorState(row.state),
                row.tx_hash,
                row.block_number,
                row.reason,
                _EPOCH + row.at_ms * _MILLISECOND,
            )
            for row in rows
        ]

    def find_attempts(self, anchor: StoredAnchor) -> list[StoredAttempt]:
        """Return an anchor's transactions with the nonce that was signed last, cheapest first."""
        moves, attempts = anchor_moves.c, anchor_attempts.c
        submitted = moves.anchor_id == anchor.id, moves.state == AnchorState.SUBMITTED
        newest = select(moves.tx_hash).where(*submitted).order_by(moves.id.desc()).limit(1)
        nonce = select(attempts.nonce).where(attempts.tx_hash == newest.scalar_subquery())
        wanted = select(*attempts).where(
            attempts.anchor_id == anchor.id, attempts.nonce == nonce.scalar_subquery()
        )
        return list(map(_to_attempt, self._connection.execute(wanted.order_by(attempts.max_fee_per_gas))))

    def add_draft(self, tree_size: TreeSize, root_hash: RootHash, now: datetime) -> StoredAnchor:
        """Queue a tree head.

        Args:
            tree_size: number of leaves.
            root_hash: 32 bytes.
            now: aware UTC.
        """
        at, state = self._date(now), AnchorState.DRAFTED
        values = {"tree_size": tree_size, "root_hash": root_hash, "state": state.value}
        self._connection.execute(insert(anchors).values(**values, created_at_ms=at, updated_at_ms=at))
        draft = _to_anchor(self._connection.execute(_ANCHOR.where(anchors.c.tree_size == tree_size)).one())
        self._add_move(draft, None, "queued", at)
        return draft

    def save(
        self,
        before: StoredAnchor,
        after: StoredAnchor,
        now: datetime,
        reason: str = "",
        tx_hash: bytes | None = None,
    ) -> None:
        """Take one move with an anchor, and keep it.

        Args:
            before: as it was read.
            after: as it is to be.
            now: aware UTC.
            reason: why, in plain words; empty where the state says it.
            tx_hash: 32 bytes, the transaction that the move is about; the anchor's own otherwise.

        Raises:
            LogIntegrityError: the table of moves does not have it, or the anchor is not as it was known before:
                somebody else sends as well.
        """
        require_move(before.state, after.state)
        receipt, at = after.receipt, self._date(now)
        result = self._connection.execute(
            update(anchors)
            .where(anchors.c.id == before.id, anchors.c.state == before.state.value)
            .values(
                tree_size=after.tree_size,
                root_hash=after.root_hash,
                state=after.state.value,
                tx_hash=after.tx_hash,
                block_number=after.block_number,
                block_hash=after.block_hash,
                block_time=None if receipt is None else int(receipt.anchored_at.timestamp()),
                receipt=None if receipt is None else encode_canonical_json(encode_receipt(receipt)),
                updated_at_ms=at,
            )
        )
        if result.rowcount != 1:
            raise LogIntegrityError(f"the anchor of {before.tree_size} leaves was changed by another process")
        self._add_move(after, tx_hash or after.tx_hash, reason, at)

    def add_attempt(self, anchor: StoredAnchor, attempt: StoredAttempt, now: datetime) -> None:
        """Store a signed transaction, before it is sent; the same one again counts as tried last."""
        fees = attempt.max_fee_wei, attempt.priority_fee_wei
        row = attempt.tx_hash, anchor.id, attempt.nonce, attempt.raw, *fees, self._date(now)
        insert_rows(self._connection, anchor_attempts, [row], OnConflict.REPLACE)

    def _date(self, now: datetime) -> int:
        """Return the time of what is stored now, in milliseconds: not before that of the newest move."""
        newest = select(anchor_moves.c.at_ms).order_by(anchor_moves.c.id.desc()).limit(1)
        return max((now - _EPOCH) // _MILLISECOND, self._connection.execute(newest).scalar_one_or_none() or 0)

    def _add_move(self, anchor: StoredAnchor, tx_hash: bytes | None, reason: str, at_ms: int) -> None:
        next_id = select(func.coalesce(func.max(anchor_moves.c.id), 0) + 1)
        self._connection.execute(
            insert(anchor_moves).values(
                id=next_id.scalar_subquery(),
                anchor_id=anchor.id,
                tree_size=anchor.tree_size,
                state=anchor.state.value,
                tx_hash=tx_hash,
                block_number=anchor.block_number,
                block_hash=anchor.block_hash,
                reason=reason,
                at_ms=at_ms,
            )
        )

    def _find_newest(self, state: AnchorState) -> StoredAnchor | None:
        wanted = _ANCHOR.where(anchors.c.state == state)
        return self._find(wanted.order_by(anchors.c.tree_size.desc()).limit(1))

    def _find(self, query: Select[*tuple[Any, ...]]) -> StoredAnchor | None:
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _to_anchor(row)


def _to_anchor(row: Row[*tuple[Any, ...]]) -> StoredAnchor:
    return StoredAnchor(
        row.id,
        TreeSize(row.tree_size),
        RootHash(row.root_hash),
        AnchorState(row.state),
        row.tx_hash,
        row.block_number,
        row.block_hash,
        None if row.receipt is None else parse_receipt(Reader(parse_canonical_json(row.receipt), "receipt")),
    )


def _to_attempt(row: Row[*tuple[Any, ...]]) -> StoredAttempt:
    return StoredAttempt(row.tx_hash, row.nonce, row.raw, row.max_fee_per_gas, row.priority_fee_per_gas)
