"""A store in memory that keeps the database's promises and can break at any step.

    store = MemoryStore()
    store.fail_at("write_checkpoint")             # raises there, nothing is written
    store.fail_at("commit", written=True)         # everything is written, and the caller hears of an error

Each failure happens once. It raises `StoreUnavailableError`, as a database does that goes away.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import RLock

from ledger.core.errors import LogIntegrityError, StoreUnavailableError
from ledger.core.ids import Digest, LeafIndex, Subject, TreeSize
from ledger.core.merkle import HASH_SIZE
from ledger.core.status import SubjectState
from ledger.core.status_map import PAGE_DEPTHS, Page, PageContent
from ledger.core.tiles import Tile
from ledger.store.records import (
    EMPTY_HEAD,
    Batch,
    Head,
    Known,
    NewEntry,
    StoredCheckpoint,
    StoredCosignature,
    StoredEntry,
    Withheld,
    decode_replaced,
    encode_replaced,
)
from ledger.store.tables import FIRST_REGISTER_TYPE, LAST_REGISTER_TYPE

WRITE_STEPS = (
    "begin",
    "read_head",
    "find_known",
    "load_pages",
    "write_batch",
    "read_leaves",
    "read_tile",
    "write_checkpoint",
    "commit",
)
"""Every step of an append at which a `MemoryStore` can fail."""


@dataclass
class MemoryData:
    """Everything that is stored."""

    head: Head = EMPTY_HEAD
    entries: list[NewEntry] = field(default_factory=list)
    documents: dict[Digest, bytes] = field(default_factory=dict)
    withheld: dict[Digest, Withheld] = field(default_factory=dict)
    tiles: dict[tuple[int, int], bytes] = field(default_factory=dict)
    states: dict[Subject, SubjectState] = field(default_factory=dict)
    pages: dict[tuple[int, int], bytes] = field(default_factory=dict)
    replaced: dict[TreeSize, bytes] = field(default_factory=dict)
    checkpoints: dict[TreeSize, StoredCheckpoint] = field(default_factory=dict)
    cosignatures: dict[TreeSize, dict[str, StoredCosignature]] = field(default_factory=dict)
    """Of each size the newest line of each witness, by its vkey."""

    def copy(self) -> "MemoryData":
        return replace(
            self,
            entries=list(self.entries),
            documents=dict(self.documents),
            tiles=dict(self.tiles),
            states=dict(self.states),
            pages=dict(self.pages),
            replaced=dict(self.replaced),
            checkpoints=dict(self.checkpoints),
            cosignatures=dict(self.cosignatures),
        )


class MemoryStore:
    """Stands for `SqlStore`."""

    def __init__(self) -> None:
        self.data = MemoryData()
        self._lock = RLock()
        self._failure: tuple[str, bool] | None = None

    def fail_at(self, step: str, *, written: bool = False) -> None:
        """Fail once, at the next time that this step is reached."""
        assert step in WRITE_STEPS
        assert step == "commit" or not written
        self._failure = step, written

    def pass_step(self, step: str) -> None:
        if self._failure is not None and self._failure[0] == step:
            _, written = self._failure
            if not (step == "commit" and written):
                self._failure = None
                raise StoreUnavailableError(f"injected at {step}")

    @contextmanager
    def read(self) -> Iterator["MemoryTransaction"]:
        yield MemoryTransaction(self, self.data.copy())

    @contextmanager
    def write(self) -> Iterator["MemoryTransaction"]:
        with self._lock:
            self.pass_step("begin")
            transaction = MemoryTransaction(self, self.data.copy())
            yield transaction
            self.pass_step("commit")
            self.data = transaction.data
            if self._failure == ("commit", True):
                self._failure = None
                raise StoreUnavailableError("injected after commit")


class MemoryTransaction:
    """Stands for `WriteQueries`."""

    def __init__(self, store: MemoryStore, data: MemoryData) -> None:
        self._store = store
        self.data = data

    # --- reading --------------------------------------------------------------------------------------------

    def read_head(self) -> Head:
        self._store.pass_step("read_head")
        return self.data.head

    def read_newest_checkpoint(self) -> StoredCheckpoint | None:
        return self.data.checkpoints[max(self.data.checkpoints)] if self.data.checkpoints else None

    def read_checkpoint(self, tree_size: TreeSize) -> StoredCheckpoint | None:
        return self.data.checkpoints.get(tree_size)

    def find_checkpoint_at(self, at_ms: int) -> StoredCheckpoint | None:
        signed = [found for found in self.data.checkpoints.values() if found.signed_at_ms <= at_ms]
        return max(signed, key=lambda found: found.tree_size, default=None)

    def find_witnessed_size(self, witnesses, threshold):
        sizes = [
            size
            for size, lines in self.data.cosignatures.items()
            if len({name for vkey, name in witnesses.items() if vkey in lines}) >= threshold
        ]
        return max(sizes, default=None)

    def read_cosignatures(self, tree_size):
        return dict(self.data.cosignatures.get(tree_size, {}))

    def read_checkpoints(self) -> list[StoredCheckpoint]:
        return [self.data.checkpoints[size] for size in sorted(self.data.checkpoints)]

    def read_leaves(self, begin: int, end: int) -> list[bytes]:
        self._store.pass_step("read_leaves")
        found = self.data.entries[begin:end]
        if [entry.leaf_index for entry in found] != list(range(begin, end)):
            raise LogIntegrityError("leaves are missing")
        return [entry.leaf for entry in found]

    def read_leaves_at(self, indices: Sequence[LeafIndex]) -> dict[LeafIndex, bytes]:
        return {
            index: self.data.entries[index].leaf for index in indices if 0 <= index < len(self.data.entries)
        }

    def read_register_leaves(self, begin: int = 0) -> list[StoredEntry]:
        return [
            _stored(entry)
            for entry in self.data.entries[begin:]
            if FIRST_REGISTER_TYPE <= entry.type <= LAST_REGISTER_TYPE
        ]

    def read_tile(self, tile: Tile) -> bytes:
        self._store.pass_step("read_tile")
        hashes = self.data.tiles.get((tile.level, tile.index), b"")
        if len(hashes) < tile.width * HASH_SIZE:
            raise LogIntegrityError("a tile is missing or too short")
        return hashes[: tile.width * HASH_SIZE]

    def read_tiles(self, wanted: Sequence[Tile]) -> dict[Tile, bytes]:
        return {tile: self.read_tile(tile) for tile in wanted}

    def find_entries(self, names: Sequence[bytes]) -> dict[bytes, StoredEntry]:
        wanted = set(names)
        return {
            entry.statement_name: _stored(entry)
            for entry in self.data.entries
            if entry.statement_name in wanted
        }

    def find_entry_in(self, first: bytes, last: bytes) -> StoredEntry | None:
        return next(
            (_stored(entry) for entry in self.data.entries if first <= entry.statement_name <= last), None
        )

    def find_issue(self, issuer: str, number: str) -> StoredEntry | None:
        found = [entry for entry in self.data.entries if (entry.issuer, entry.number) == (issuer, number)]
        return _stored(found[0]) if found else None

    def find_states(self, wanted: Sequence[Subject]) -> dict[Subject, SubjectState]:
        return {subject: self.data.states[subject] for subject in wanted if subject in self.data.states}

    def load_pages(self, pages: Sequence[Page]) -> list[PageContent]:
        self._store.pass_step("load_pages")
        return [self._load_page(page) for page in pages]

    def _load_page(self, page: Page) -> PageContent:
        deeper = next((depth for depth in PAGE_DEPTHS if depth > page.depth), None)
        if deeper is None:
            return [item for item in self.data.states.items() if int.from_bytes(item[0][:2]) == page.prefix]
        return [
            Page(deeper, prefix, found)
            for (depth, prefix), found in self.data.pages.items()
            if depth == deeper and prefix >> deeper - page.depth == page.prefix
        ]

    def read_replaced_states(self, tree_size: TreeSize) -> dict[Subject, SubjectState | None]:
        found: dict[Subject, SubjectState | None] = {}
        for size in sorted(self.data.replaced, reverse=True):
            found |= decode_replaced(self.data.replaced[size]) if size > tree_size else {}
        return found

    def read_replaced_in(self, tree_size: TreeSize) -> dict[Subject, SubjectState | None]:
        return decode_replaced(self.data.replaced.get(tree_size, b""))

    def read_replaced_sizes(self) -> list[TreeSize]:
        return sorted(self.data.replaced)

    def count_states(self) -> int:
        return len(self.data.states)

    def read_map_pages(self) -> dict[tuple[int, int], bytes]:
        return dict(self.data.pages)

    def read_documents(self, digests: Sequence[Digest]) -> dict[Digest, bytes]:
        return {digest: self.data.documents[digest] for digest in digests if digest in self.data.documents}

    def count_withheld(self) -> int:
        return len(self.data.withheld)

    def find_withheld(self, digest: Digest) -> Withheld | None:
        return self.data.withheld.get(digest)

    # --- writing --------------------------------------------------------------------------------------------

    def find_known(
        self, names: Sequence[bytes], digests: Sequence[Digest], wanted: Sequence[Subject]
    ) -> Known:
        self._store.pass_step("find_known")
        return Known(
            self.find_entries(names), frozenset(self.read_documents(digests)), self.find_states(wanted)
        )

    def write_batch(self, batch: Batch) -> bool:
        self._store.pass_step("write_batch")
        if (self.data.head.tree_size, self.data.head.root_hash) != (
            batch.before.tree_size,
            batch.before.root_hash,
        ):
            return False
        self.data.head = batch.after
        self.data.entries += batch.entries
        self.data.documents = {**batch.documents, **self.data.documents}
        self.data.tiles.update({(tile.level, tile.tile_index): tile.hashes for tile in batch.tiles})
        self.data.states.update(batch.states)
        self.data.pages.update({(page.depth, page.prefix): page.hash for page in batch.pages})
        self.data.replaced[batch.after.tree_size] = encode_replaced(batch.replaced)
        self._check_constraints()
        return True

    def write_checkpoint(self, checkpoint: StoredCheckpoint) -> None:
        self._store.pass_step("write_checkpoint")
        if checkpoint.tree_size in self.data.checkpoints:
            raise LogIntegrityError("one size, one checkpoint")
        self.data.checkpoints[checkpoint.tree_size] = checkpoint

    def _check_constraints(self) -> None:
        entries = self.data.entries
        names = {entry.statement_name for entry in entries}
        numbers = [(entry.issuer, entry.number) for entry in entries if entry.number is not None]
        indices = [entry.leaf_index for entry in entries]
        if (
            len(names) < len(entries)
            or len(set(numbers)) < len(numbers)
            or indices != list(range(len(entries)))
        ):
            raise LogIntegrityError("the store refuses a change")


def _stored(entry: NewEntry) -> StoredEntry:
    return StoredEntry(entry.leaf_index, entry.leaf)
