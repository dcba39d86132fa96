"""Re-reads and re-hashes a stored log, from its leaves to its anchors.

Everything beside the leaves follows from them; whatever says something else is named. The chain is not asked.

>>> diagnose(store, "ledger.example/2026")
{'entries': 1042, 'checkpoints': 17, 'anchors': 3, 'documents': 1037, 'root_hash': '...'}
"""

import hashlib
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, Final

from ledger.core.anchor import verify_receipt
from ledger.core.checkpoint import verify_checkpoint
from ledger.core.encoding import encode_hex
from ledger.core.entry import NO_CERTIFICATE
from ledger.core.errors import InputError, LogIntegrityError, VerificationError
from ledger.core.ids import Digest, RootHash, TreeSize
from ledger.core.merkle import HASH_SIZE, hash_leaf
from ledger.core.note import NoteVerifier, parse_note
from ledger.core.replay import Replay
from ledger.core.status_map import EMPTY_MAP, load_nothing
from ledger.core.tiles import Tile
from ledger.publishing import verify_stored
from ledger.right_edge import EMPTY_EDGE
from ledger.store.anchor_queries import AnchorQueries, StoredAnchor
from ledger.store.queries import ReadQueries
from ledger.store.records import StoredCheckpoint, StoredTile, compute_leaf_name
from ledger.store.unit_of_work import SqlStore

_CHUNK: Final = 1024


def diagnose(store: SqlStore, origin: str) -> dict[str, Any]:
    """Replay the whole log from its stored leaves and compare everything with what follows from them.

    Returns:
        Counts of what was found in order.

    Raises:
        LogIntegrityError: the first contradiction, with the index or size where it is.
        UnavailableError: the store is out of reach.
    """
    with store.database.read() as connection:
        queries = ReadQueries(connection)
        head = queries.read_head()
        checkpoints = {item.tree_size: item for item in queries.read_checkpoints()}
        found = _Comparison(queries, origin, checkpoints)
        for begin in range(0, head.tree_size, _CHUNK):
            found.take(begin, queries.read_leaves(begin, min(begin + _CHUNK, head.tree_size)))
        if found.log.tree.size != head.tree_size or found.log.tree.root() != head.root_hash:
            raise LogIntegrityError(f"the head says {head.tree_size} leaves, the leaves say otherwise")
        if max(checkpoints, default=0) != head.tree_size:
            raise LogIntegrityError(f"the newest checkpoint is not that of the head, {head.tree_size} leaves")
        found.check_states()
        found.check_map()
        anchors = [found.check_anchor(anchor) for anchor in AnchorQueries(connection).read_final()]
    return {
        "entries": head.tree_size,
        "checkpoints": len(checkpoints),
        "anchors": len(anchors),
        "documents": found.documents,
        "root_hash": encode_hex(head.root_hash),
    }


class _Comparison:
    """What follows from the leaves read so far, beside what is stored."""

    def __init__(
        self, queries: ReadQueries, origin: str, checkpoints: Mapping[TreeSize, StoredCheckpoint]
    ) -> None:
        self._queries = queries
        self._origin = origin
        self._checkpoints = checkpoints
        self.log = Replay()
        self._edge = EMPTY_EDGE
        self._map = EMPTY_MAP
        self.documents = 0

    def take(self, begin: int, leaves: Sequence[bytes]) -> None:
        """Judge some leaves in their order, then look at all that is stored beside them."""
        digests = [self._take(leaf) for leaf in leaves]
        self._check_documents(begin, digests)
        self._check_names(begin, leaves)
        self._edge, tiles = self._edge.extend([hash_leaf(leaf) for leaf in leaves])
        self._check_tiles(tiles)

    def check_states(self) -> None:
        """Compare the newest states, when all leaves have been taken."""
        left = iter(self.log.states)
        while some := list(islice(left, _CHUNK)):
            stored = self._queries.find_states(some)
            for subject in some:
                if stored.get(subject) != self.log.states[subject]:
                    raise LogIntegrityError(f"the state of {encode_hex(subject)} is not what the leaves give")
        if self._queries.count_states() != len(self.log.states):
            raise LogIntegrityError("a state is stored of a subject that no leaf is about")

    def check_map(self) -> None:
        """Compare the pages of the newest map, and the way back from it, when all leaves have been taken."""
        if self._queries.read_replaced_sizes() != list(self._checkpoints):
            raise LogIntegrityError(
                "what batches replaced is not stored for every checkpoint, and for no other"
            )
        pages = {(page.depth, page.prefix): page.hash for page in self.log.map.list_pages(self.log.states)}
        if pages != self._queries.read_map_pages():
            raise LogIntegrityError("the stored pages of the status map are not those that the leaves give")

    def check_anchor(self, anchor: StoredAnchor) -> StoredAnchor:
        """Compare an anchor with the checkpoint that it is of, and its receipt with both."""
        checkpoint = self._checkpoints.get(anchor.tree_size)
        receipt, root = anchor.receipt, self.log.registers.root
        if checkpoint is None or checkpoint.root_hash != anchor.root_hash or receipt is None or root is None:
            raise LogIntegrityError(f"the anchor of {anchor.tree_size} leaves is of no checkpoint")
        try:
            verify_receipt(receipt, root.log_key)
        except VerificationError as err:
            raise LogIntegrityError(f"the receipt of {anchor.tree_size} leaves does not hold: {err}") from err
        if (receipt.tree_size, receipt.root_hash) != (anchor.tree_size, anchor.root_hash):
            raise LogIntegrityError(f"the receipt of {anchor.tree_size} leaves is of another tree head")
        return anchor

    def _check_documents(self, begin: int, digests: Sequence[Digest]) -> None:
        named = [digest for digest in digests if digest != NO_CERTIFICATE]
        bodies = self._queries.read_documents(named)
        for offset, digest in enumerate(digests):
            body = bodies.get(digest, b"")
            if digest != NO_CERTIFICATE and hashlib.sha256(body).digest() != digest:
                raise LogIntegrityError(f"the document of leaf {begin + offset} is missing or damaged")
        self.documents += len(named)

    def _check_names(self, begin: int, leaves: Sequence[bytes]) -> None:
        names = [compute_leaf_name(leaf) for leaf in leaves]
        found = self._queries.find_entries(names)
        for offset, name in enumerate(names):
            if name not in found or found[name].leaf_index != begin + offset:
                raise LogIntegrityError(f"leaf {begin + offset} is not found by its statement")

    def _check_tiles(self, tiles: Sequence[StoredTile]) -> None:
        for tile in tiles:
            name = Tile(tile.level, tile.tile_index, len(tile.hashes) // HASH_SIZE)
            if self._queries.read_tile(name) != tile.hashes:
                raise LogIntegrityError(f"tile {tile.tile_index} of level {tile.level} is damaged")

    def _take(self, raw: bytes) -> Digest:
        """Replay a leaf, and compare the checkpoint that ends with it."""
        try:
            replayed = self.log.take(raw)
        except VerificationError as err:
            raise LogIntegrityError(str(err)) from err
        self._check_checkpoint()
        is_maphead = replayed.signed is None
        return NO_CERTIFICATE if is_maphead else replayed.leaf.header.certificate_digest

    def _check_checkpoint(self) -> None:
        found = self._checkpoints.get(self.log.tree.size)
        if found is None or self.log.registers.root is None:
            return
        log = NoteVerifier(self._origin, self.log.registers.root.log_key)
        try:
            checkpoint = verify_checkpoint(found.note, log)
        except (InputError, VerificationError) as err:
            raise LogIntegrityError(
                f"the checkpoint of {self.log.tree.size} leaves does not hold: {err}"
            ) from err
        self._check_cosignatures(found)
        self._check_replaced(TreeSize(self.log.tree.size))
        root_hash = RootHash(self.log.tree.root())
        if (checkpoint.tree_size, checkpoint.root_hash, found.root_hash) != (
            self.log.tree.size,
            root_hash,
            root_hash,
        ):
            raise LogIntegrityError(f"the checkpoint of {self.log.tree.size} leaves names another root")

    def _check_cosignatures(self, checkpoint: StoredCheckpoint) -> None:
        """Check the newest line of each witness."""
        text = parse_note(checkpoint.note).text
        for vkey, stored in self._queries.read_cosignatures(checkpoint.tree_size).items():
            try:
                cosigned_at = verify_stored(stored, vkey, text)
            except (InputError, VerificationError) as err:
                raise LogIntegrityError(
                    f"a cosignature of {checkpoint.tree_size} leaves does not hold: {err}"
                ) from err
            if cosigned_at != stored.cosigned_at:
                raise LogIntegrityError(f"a cosignature of {checkpoint.tree_size} leaves has another time")

    def _check_replaced(self, tree_size: TreeSize) -> None:
        """Check that the last leaf states the map, and that the stored way back leads to the map before."""
        if self.log.maphead != tree_size - 1:
            raise LogIntegrityError(f"the last leaf under {tree_size} leaves does not state the status map")
        before, self._map = self._map, self.log.map
        back = self._map.update(self._queries.read_replaced_in(tree_size), load_nothing)
        if back.root_hash != before.root_hash:
            raise LogIntegrityError(f"what the batch up to {tree_size} leaves replaced is not what is stored")
