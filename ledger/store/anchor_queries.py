"""Every query of the anchoring tables, by name: the outbox of tree heads and of their signed transactions.

>>> with database.write() as connection:
...     anchor = AnchorQueries(connection).add_draft(checkpoint.tree_size, checkpoint.root_hash, now)
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, insert, select, update

from ledger.core.anchor import AnchorReceipt, encode_receipt, parse_receipt
from ledger.core.canonical import encode_canonical_json, parse_canonical_json
from ledger.core.errors import LogIntegrityError
from ledger.core.fields import Reader
from ledger.core.ids import RootHash, TreeSize
from ledger.store.bulk import OnConflict, insert_rows
from ledger.store.tables import anchor_attempts, anchors

_ANCHOR: Final = select(*anchors.c)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


class AnchorState(StrEnum):
    """Where a tree head is on its way; the transitions are a table in `ledger.anchoring`."""

    DRAFTED = "drafted"
    SUBMITTED = "submitted"
    INCLUDED = "included"
    FINAL = "final"


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
    """Set once it is final."""


@dataclass(frozen=True, slots=True)
class StoredAttempt:
    """One signed transaction for an anchor; attempts with one nonce exclude each other."""

    tx_hash: bytes
    nonce: int
    raw: bytes
    max_fee_wei: int
    priority_fee_wei: int | None
    """None: a transaction with one gas price."""


class AnchorQueries:
    """What the sender reads and writes, in the transaction of one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find_open(self) -> StoredAnchor | None:
        """Return the anchor that is not final yet; there is at most one.

        Raises:
            LogIntegrityError: there are several.
        """
        rows = self._connection.execute(_ANCHOR.where(anchors.c.state != AnchorState.FINAL)).all()
        if len(rows) > 1:
            raise LogIntegrityError(f"{len(rows)} anchors are under way at once, but there is one sender")
        return _to_anchor(rows[0]) if rows else None

    def read_final(self) -> list[StoredAnchor]:
        """Return every final anchor, oldest first."""
        final = _ANCHOR.where(anchors.c.state == AnchorState.FINAL).order_by(anchors.c.tree_size)
        return [_to_anchor(row) for row in self._connection.execute(final)]

    def find_newest_final(self) -> StoredAnchor | None:
        """Return the final anchor with the most leaves."""
        final = _ANCHOR.where(anchors.c.state == AnchorState.FINAL)
        return self._find(final.order_by(anchors.c.tree_size.desc()).limit(1))

    def find_final(self, tree_size: TreeSize) -> StoredAnchor | None:
        """Return the final anchor of exactly this size."""
        return self._find(
            _ANCHOR.where(anchors.c.tree_size == tree_size, anchors.c.state == AnchorState.FINAL)
        )

    def find_attempts(self, anchor: StoredAnchor) -> list[StoredAttempt]:
        """Return an anchor's transactions with the nonce that was tried last, cheapest first."""
        wanted = select(*anchor_attempts.c).where(anchor_attempts.c.anchor_id == anchor.id)
        order = anchor_attempts.c.created_at_ms, anchor_attempts.c.nonce, anchor_attempts.c.max_fee_per_gas
        rows = self._connection.execute(wanted.order_by(*order)).all()
        return [_to_attempt(row) for row in rows if row.nonce == rows[-1].nonce]

    def add_draft(self, tree_size: TreeSize, root_hash: RootHash, now: datetime) -> StoredAnchor:
        """Queue a tree head.

        Args:
            tree_size: number of leaves.
            root_hash: 32 bytes.
            now: aware UTC.
        """
        at = _to_ms(now)
        values = {"tree_size": tree_size, "root_hash": root_hash, "state": AnchorState.DRAFTED.value}
        self._connection.execute(insert(anchors).values(**values, created_at_ms=at, updated_at_ms=at))
        return _to_anchor(self._connection.execute(_ANCHOR.where(anchors.c.tree_size == tree_size)).one())

    def save(self, before: StoredAnchor, after: StoredAnchor, now: datetime) -> None:
        """Take one step with an anchor.

        Raises:
            LogIntegrityError: it is not as it was known before: somebody else sends as well.
        """
        receipt = after.receipt
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
                updated_at_ms=_to_ms(now),
            )
        )
        if result.rowcount != 1:
            raise LogIntegrityError(f"the anchor of {before.tree_size} leaves was changed by another process")

    def add_attempt(self, anchor: StoredAnchor, attempt: StoredAttempt, now: datetime) -> None:
        """Store a signed transaction, before it is sent; the same one again counts as tried last."""
        fees = attempt.max_fee_wei, attempt.priority_fee_wei
        row = attempt.tx_hash, anchor.id, attempt.nonce, attempt.raw, *fees, _to_ms(now)
        insert_rows(self._connection, anchor_attempts, [row], OnConflict.REPLACE)

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


def _to_ms(instant: datetime) -> int:
    return (instant - _EPOCH) // _MILLISECOND
