"""Bundles as they are handed out: under the newest anchor, else under the published or the newest checkpoint.

A bundle shows how its document stood at that anchor: whoever asks again later gets a newer one.

>>> build_bundles(prover, receipts, [LeafIndex(5)])
{5: b'{"certificate":...'}
"""

from collections.abc import Collection, Sequence
from typing import Protocol

from ledger.core.anchor import AnchorReceipt
from ledger.core.ids import LeafIndex
from ledger.proof_parts import EarlierReceipts
from ledger.proving import Prover
from ledger.store.records import StoredCheckpoint


class ReceiptFinding(EarlierReceipts, Protocol):
    """Where leaves are anchored."""

    def find(self, leaf_index: LeafIndex) -> AnchorReceipt | None:
        """Return the receipt of the newest final anchor, if it holds a leaf; None if that is not anchored yet."""
        ...


def find_checkpoint(
    prover: Prover, receipts: ReceiptFinding, leaf_index: LeafIndex
) -> tuple[StoredCheckpoint, AnchorReceipt | None]:
    """Return under which checkpoint a leaf is proved, and the receipt of its anchor.

    Raises:
        NotFoundError: the log is empty.
    """
    receipt = receipts.find(leaf_index)
    if receipt is None:
        return prover.checkpoint_over(leaf_index), None
    return prover.checkpoint(receipt.tree_size), receipt


def find_published(prover: Prover, receipts: ReceiptFinding) -> tuple[StoredCheckpoint, AnchorReceipt | None]:
    """Return the checkpoint that everybody reads, and the receipt of its anchor, if it has one.

    Raises:
        NotFoundError: the log is empty.
    """
    checkpoint = prover.published_checkpoint()
    return checkpoint, find_receipt(receipts, checkpoint)


def find_receipt(receipts: ReceiptFinding, checkpoint: StoredCheckpoint) -> AnchorReceipt | None:
    """Return the receipt of the anchor of this very checkpoint, if the newest anchor is that."""
    receipt = receipts.find(LeafIndex(checkpoint.tree_size - 1))
    return receipt if receipt is not None and receipt.tree_size == checkpoint.tree_size else None


def find_bundles(prover: Prover, receipts: ReceiptFinding, names: Sequence[bytes]) -> list[bytes]:
    """Return the bundles of statements, by their names, in this order; see `build_bundles`.

    Raises:
        NotFoundError: one is not in the log, or is no issue.
    """
    indices = prover.find_indices(names)
    bundles = build_bundles(prover, receipts, indices)
    return [bundles[index] for index in indices]


def build_bundles(
    prover: Prover, receipts: ReceiptFinding, indices: Collection[LeafIndex]
) -> dict[LeafIndex, bytes]:
    """Return the bundle of each of these issues.

    Args:
        prover: over the log's store.
        receipts: over the same store.
        indices: leaves of issues; some hundreds at a time, since all of it is held in memory.

    Raises:
        NotFoundError: one is no issue in the log.
    """
    bundles: dict[LeafIndex, bytes] = {}
    left = sorted(set(indices))
    while left:
        checkpoint, receipt = find_checkpoint(prover, receipts, left[0])
        held = [index for index in left if index < checkpoint.tree_size] or left
        bundles.update(zip(held, prover.bundles(held, checkpoint, receipt, receipts), strict=True))
        left = left[len(held) :]
    return bundles
