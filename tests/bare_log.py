"""A stored log of any size in an instant: leaves that say nothing, the tiles over them, a signed checkpoint.

>>> store = make_bare_store(65_537)
>>> Prover(store, ORIGIN).tile(Tile(2, 0, 1))
"""

from fakes import MemoryData, MemoryStore
from world import ORIGIN, make_signer

from ledger.core.checkpoint import Checkpoint, sign_checkpoint
from ledger.core.ids import LeafIndex, TreeSize
from ledger.core.merkle import MemoryTree, hash_leaf
from ledger.core.tiles import list_new_tiles
from ledger.store.records import Head, NewEntry, StoredCheckpoint

LOG_KEY = make_signer("log")


def bare_leaf(index: int) -> bytes:
    """Return a leaf whose length varies from 3 to 9 bytes."""
    return index.to_bytes(3) + b"leaves"[: index % 7]


def make_bare_store(size: int) -> MemoryStore:
    store = MemoryStore()
    leaves = [bare_leaf(index) for index in range(size)]
    tree = MemoryTree([hash_leaf(leaf) for leaf in leaves])
    head = Head(TreeSize(size), tree.root(), 0)
    note = sign_checkpoint(Checkpoint(ORIGIN, head.tree_size, head.root_hash), LOG_KEY)
    store.data = MemoryData(
        head=head,
        entries=[NewEntry(LeafIndex(at), leaf, leaf, 0, "", None) for at, leaf in enumerate(leaves)],
        tiles={
            (tile.level, tile.index): b"".join(
                tree.read(8 * tile.level, 256 * tile.index + at) for at in range(tile.width)
            )
            for tile in list_new_tiles(TreeSize(0), head.tree_size)
        },
        checkpoints={head.tree_size: StoredCheckpoint(head.tree_size, head.root_hash, note, 0)}
        if size
        else {},
    )
    return store
