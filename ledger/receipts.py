"""Where on the chain a leaf is anchored, as the store knows it.

A leaf is proved under the newest final anchor that holds it, so that a bundle shows what has happened to its
document since the issue.

>>> Receipts(store).find(LeafIndex(5)).tree_size
1042
"""

from datetime import datetime

from ledger.core.anchor import AnchorReceipt
from ledger.core.ids import LeafIndex, TreeSize
from ledger.store.anchor_queries import AnchorQueries
from ledger.store.unit_of_work import SqlStore


class Receipts:
    """Reads final anchors. Safe to share between threads."""

    def __init__(self, store: SqlStore) -> None:
        self._database = store.database

    def find(self, leaf_index: LeafIndex) -> AnchorReceipt | None:
        """Return the receipt of the newest final anchor, if it holds a leaf; None if that is not anchored yet.

        Raises:
            UnavailableError: the store is out of reach.
        """
        with self._database.read() as connection:
            anchor = AnchorQueries(connection).find_newest_final()
        return None if anchor is None or anchor.tree_size <= leaf_index else anchor.receipt

    def find_earlier(self, leaf_index: LeafIndex, at: datetime) -> AnchorReceipt | None:
        """Return the receipt of the newest final anchor of a time up to `at` that holds a leaf, if there is one.

        Raises:
            UnavailableError: the store is out of reach.
        """
        earlier = (one for one in self.list_all() if one.anchored_at <= at and one.tree_size > leaf_index)
        return max(earlier, key=lambda one: one.anchored_at, default=None)

    def list_all(self) -> list[AnchorReceipt]:
        """Return the receipt of every final anchor, oldest first.

        Raises:
            UnavailableError: the store is out of reach.
        """
        with self._database.read() as connection:
            return list_receipts(AnchorQueries(connection))

    def newest_size(self) -> TreeSize:
        """Return how many leaves are anchored; 0 if none.

        Raises:
            UnavailableError: the store is out of reach.
        """
        with self._database.read() as connection:
            anchor = AnchorQueries(connection).find_newest_final()
        return TreeSize(0) if anchor is None else anchor.tree_size


def list_receipts(queries: AnchorQueries) -> list[AnchorReceipt]:
    """Return the receipts of all final anchors, oldest first."""
    return [anchor.receipt for anchor in queries.read_final() if anchor.receipt is not None]
