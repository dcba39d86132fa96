"""Whether the blocks of final anchors still stand, asked before each new anchor.

A block that was final and is gone is an alarm: the chain, or its node, has broken its word. The receipt is not
changed for that; its anchor becomes `lost`, nobody is given the receipt any more, and nothing is anchored until
the same block stands again (a node that was wrong for a while) or a person has looked and says so
(`dismiss_lost`). Issuing goes on. A node that is merely behind has broken nothing.

>>> require_standing(store, client, clock)
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import structlog

from ledger.chain.client import ChainClient
from ledger.core.anchor import AnchorState
from ledger.core.errors import ChainContradictionError, ChainUnavailableError
from ledger.core.ids import TreeSize
from ledger.store.anchor_queries import AnchorQueries, StoredAnchor
from ledger.store.unit_of_work import SqlStore

_LOG = structlog.get_logger(__name__)


def require_standing(store: SqlStore, client: ChainClient, clock: Callable[[], datetime]) -> None:
    """Look at final anchors from the newest on, until one stands; what it stands on stands too.

    Args:
        store: the log's database.
        client: a node of the log's chain, which has been made sure of.
        clock: returns the time, aware UTC.

    Raises:
        ChainContradictionError: the block of a final anchor is gone.
        ChainUnavailableError: the node cannot be asked, or has not come that far.
    """
    below, standing = TreeSize(2**53), TreeSize(0)
    while (anchor := _find_judged_below(store, below)) is not None:
        if _stands(client, anchor):
            standing = anchor.tree_size
            break
        if anchor.state is AnchorState.FINAL:
            _move(store, anchor, AnchorState.LOST, f"block {anchor.block_number} is gone", clock)
        below = anchor.tree_size
    _restore(store, standing, clock)
    with store.database.read() as connection:
        lost = AnchorQueries(connection).find_newest_lost()
    if lost is not None:
        raise ChainContradictionError(
            f"block {lost.block_number}, which was final, is gone from the chain, and with it the anchor of "
            f"{lost.tree_size} leaves; nothing more is anchored. Look with another node: if the block is there, "
            "name that node in the setting `node`; if the chain has gone back, run `hengzheng anchor --after-reorg`"
        )


def dismiss_lost(store: SqlStore, clock: Callable[[], datetime]) -> list[TreeSize]:
    """Note that a person has seen what is lost, so that anchoring goes on; return the sizes."""
    sizes: list[TreeSize] = []
    while True:
        with store.database.read() as connection:
            lost = AnchorQueries(connection).find_newest_lost()
        if lost is None:
            return sizes
        _move(store, lost, AnchorState.DISMISSED, "seen by a person", clock)
        sizes.append(lost.tree_size)


def _stands(client: ChainClient, anchor: StoredAnchor) -> bool:
    """Return whether the chain still has an anchor's block."""
    newest = client.block("latest").number
    number = anchor.block_number or 0
    if newest < number:
        raise ChainUnavailableError(
            f"the node is behind: it shows {newest} blocks, the anchor of {anchor.tree_size} leaves was final in "
            f"block {number}"
        )
    return client.block(number).hash == anchor.block_hash


def _find_judged_below(store: SqlStore, tree_size: TreeSize) -> StoredAnchor | None:
    with store.database.read() as connection:
        return AnchorQueries(connection).find_judged_below(tree_size)


def _restore(store: SqlStore, standing: TreeSize, clock: Callable[[], datetime]) -> None:
    """Take back what was said of blocks that stand again."""
    with store.database.read() as connection:
        lost = AnchorQueries(connection).read_lost_up_to(standing)
    for anchor in lost:
        _move(store, anchor, AnchorState.FINAL, "its block stands again", clock)


def _move(
    store: SqlStore, anchor: StoredAnchor, state: AnchorState, reason: str, clock: Callable[[], datetime]
) -> None:
    _LOG.critical("final anchor", tree_size=anchor.tree_size, state=state.value, reason=reason)
    with store.database.write() as connection:
        AnchorQueries(connection).save(anchor, replace(anchor, state=state), clock(), reason)
