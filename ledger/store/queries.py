"""Every query of the log's database, by name; rows become core objects here and nowhere else.

Both classes wrap the connection of one transaction, see `unit_of_work`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, bindparam, case, func, literal_column, select, update

from ledger.core.errors import LogIntegrityError, WrongChainError
from ledger.core.ids import Digest, LeafIndex, RootHash, Subject, TreeSize
from ledger.core.merkle import HASH_SIZE
from ledger.core.status import Status, SubjectState
from ledger.core.status_map import PAGE_DEPTHS, SUBJECT_BITS, SUBJECT_BYTES, Page, PageContent
from ledger.core.tiles import Tile
from ledger.failpoint import failpoint
from ledger.store.bulk import OnConflict, insert_rows, select_by_keys, select_in_ranges
from ledger.store.records import (
    Batch,
    Head,
    Known,
    StoredCheckpoint,
    StoredCosignature,
    StoredEntry,
    Withheld,
    decode_replaced,
    encode_replaced,
)
from ledger.store.tables import (
    FIRST_REGISTER_TYPE,
    LAST_REGISTER_TYPE,
    checkpoints,
    cosignatures,
    documents,
    entries,
    head,
    map_pages,
    meta,
    replaced_states,
    subjects,
    tiles,
    withheld_documents,
)

_ENTRY: Final = select(entries.c.leaf_index, entries.c.leaf)
_NAMED_ENTRY: Final = select(entries.c.statement_name, entries.c.leaf_index, entries.c.leaf)
_DIGEST: Final = select(documents.c.digest)
_DOCUMENT: Final = select(*documents.c)
_WITHHELD: Final = select(withheld_documents)
_COUNT_WITHHELD: Final = select(func.count()).select_from(withheld_documents)
_STATE: Final = select(*subjects.c)
_CHECKPOINT: Final = select(*checkpoints.c)

# What every batch asks, made once: making a query costs more than asking it.
_HEAD: Final = select(head)
_LEAVES: Final = _ENTRY.where(
    entries.c.leaf_index >= bindparam("begin"), entries.c.leaf_index < bindparam("end")
).order_by(entries.c.leaf_index)
_SWAP_HEAD: Final = (
    update(head)
    .where(head.c.tree_size == bindparam("old_size"), head.c.root_hash == bindparam("old_root"))
    .values(
        tree_size=bindparam("new_size"), root_hash=bindparam("new_root"), sequenced_at_ms=bindparam("now_ms")
    )
)


_PAGES_AT_ONCE: Final = 512
"""Pages that one query asks for; SQLite takes at most 32,766 parameters."""
_STATUSES: Final = frozenset(Status)
_MAX_VERSION: Final = 2**32


@lru_cache(maxsize=8)
def _select_tiles(level: int) -> Select[int, bytes]:
    return select(tiles.c.tile_index, tiles.c.hashes).where(tiles.c.level == literal_column(str(level)))


@lru_cache(maxsize=len(PAGE_DEPTHS))
def _select_pages(depth: int) -> Select[int, bytes]:
    return select(map_pages.c.prefix, map_pages.c.hash).where(map_pages.c.depth == literal_column(str(depth)))


class ReadQueries:
    """What can be asked of one unchanging state of the log."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def read_meta(self) -> dict[str, str]:
        """Return what this database was made for, see `WriteQueries.bind_meta`."""
        return {row.key: row.value for row in self._connection.execute(select(meta.c.key, meta.c.value))}

    # --- head and checkpoints -------------------------------------------------------------------------------

    def read_head(self) -> Head:
        """Return the newest tree head.

        Raises:
            LogIntegrityError: there is none; the first one comes with the tables.
        """
        row = self._connection.execute(_HEAD).one_or_none()
        if row is None:
            raise LogIntegrityError("the database has no tree head")
        return Head(TreeSize(row.tree_size), RootHash(row.root_hash), row.sequenced_at_ms)

    def read_newest_checkpoint(self) -> StoredCheckpoint | None:
        """Return the newest checkpoint; None in an empty log."""
        newest = _CHECKPOINT.order_by(checkpoints.c.tree_size.desc()).limit(1)
        return _to_checkpoint(self._connection.execute(newest).one_or_none())

    def read_checkpoint(self, tree_size: TreeSize) -> StoredCheckpoint | None:
        """Return the checkpoint of exactly this size."""
        wanted = _CHECKPOINT.where(checkpoints.c.tree_size == tree_size)
        return _to_checkpoint(self._connection.execute(wanted).one_or_none())

    def find_checkpoint_at(self, at_ms: int) -> StoredCheckpoint | None:
        """Return the newest checkpoint that was signed by an instant, milliseconds since 1970-01-01 UTC."""
        signed = _CHECKPOINT.where(checkpoints.c.signed_at_ms <= at_ms)
        newest = signed.order_by(checkpoints.c.signed_at_ms.desc(), checkpoints.c.tree_size.desc()).limit(1)
        return _to_checkpoint(self._connection.execute(newest).one_or_none())

    def find_witnessed_size(self, witnesses: Mapping[str, str], threshold: int) -> TreeSize | None:
        """Return the newest size that so many of these witnesses have cosigned; None if there is none.

        Args:
            witnesses: names by vkey, at least one; vkeys of one name count once.
            threshold: how many, at least 1.
        """
        column = cosignatures.c
        name = case(dict(witnesses), value=column.witness)
        wanted = (
            select(column.tree_size)
            .where(column.witness.in_(list(witnesses)))
            .group_by(column.tree_size)
            .having(func.count(name.distinct()) >= threshold)
            .order_by(column.tree_size.desc())
            .limit(1)
        )
        size = self._connection.execute(wanted).scalar_one_or_none()
        return None if size is None else TreeSize(size)

    def read_cosignatures(self, tree_size: TreeSize) -> dict[str, StoredCosignature]:
        """Return the newest line of each witness under the checkpoint of this size, by its vkey."""
        wanted = select(*cosignatures.c).where(cosignatures.c.tree_size == tree_size)
        rows = self._connection.execute(wanted.order_by(cosignatures.c.cosigned_at))
        return {row.witness: StoredCosignature(*row) for row in rows}

    def find_cosigned(self, witness: str) -> tuple[TreeSize, int]:
        """Return the largest size that a witness has cosigned, and its newest time there; zeros without one."""
        wanted = select(cosignatures.c.tree_size, cosignatures.c.cosigned_at).where(
            cosignatures.c.witness == witness
        )
        order = cosignatures.c.tree_size.desc(), cosignatures.c.cosigned_at.desc()
        row = self._connection.execute(wanted.order_by(*order).limit(1)).one_or_none()
        return (TreeSize(0), 0) if row is None else (TreeSize(row.tree_size), row.cosigned_at)

    def read_checkpoints(self) -> Iterator[StoredCheckpoint]:
        """Yield every checkpoint, oldest first."""
        for row in self._connection.execute(_CHECKPOINT.order_by(checkpoints.c.tree_size)):
            yield StoredCheckpoint(*row)

    # --- leaves and tiles -----------------------------------------------------------------------------------

    def read_leaves(self, begin: int, end: int) -> list[bytes]:
        """Return the leaves with begin <= index < end, in order.

        Raises:
            LogIntegrityError: one of them is missing.
        """
        rows = self._connection.execute(_LEAVES, {"begin": begin, "end": end}).all()
        if [row[0] for row in rows] != list(range(begin, end)):
            raise LogIntegrityError(f"leaves are missing between {begin} and {end}")
        return [row[1] for row in rows]

    def read_leaves_at(self, indices: Sequence[LeafIndex]) -> dict[LeafIndex, bytes]:
        """Return the leaves at these indices; what is not stored is left out."""
        rows = select_by_keys(self._connection, _ENTRY, entries.c.leaf_index, indices)
        return {LeafIndex(index): leaf for index, leaf in rows}

    def read_register_leaves(self, begin: int = 0) -> list[StoredEntry]:
        """Return every leaf of a register event from index `begin` on, in order."""
        wanted = _ENTRY.where(
            entries.c.type.between(
                literal_column(str(FIRST_REGISTER_TYPE)), literal_column(str(LAST_REGISTER_TYPE))
            ),
            entries.c.leaf_index >= begin,
        )
        rows = self._connection.execute(wanted.order_by(entries.c.leaf_index))
        return [StoredEntry(*row) for row in rows]

    def read_tile(self, tile: Tile) -> bytes:
        """As `read_tiles`, for one."""
        return self.read_tiles([tile])[tile]

    def read_tiles(self, wanted: Sequence[Tile]) -> dict[Tile, bytes]:
        """Return the contents of tiles, each cut to its width.

        Raises:
            LogIntegrityError: one is missing or too short.
        """
        contents: dict[tuple[int, int], bytes] = {}
        for level in {tile.level for tile in wanted}:
            indices = [tile.index for tile in wanted if tile.level == level]
            rows = select_by_keys(self._connection, _select_tiles(level), tiles.c.tile_index, indices)
            contents |= {(level, index): hashes for index, hashes in rows}
        return {tile: _cut_tile(tile, contents.get((tile.level, tile.index), b"")) for tile in wanted}

    # --- looking up -----------------------------------------------------------------------------------------

    def find_entries(self, names: Sequence[bytes]) -> dict[bytes, StoredEntry]:
        """Return the entries of statements with these names, see `records.compute_statement_name`."""
        rows = select_by_keys(self._connection, _NAMED_ENTRY, entries.c.statement_name, names)
        return {name: StoredEntry(LeafIndex(index), leaf) for name, index, leaf in rows}

    def find_entry_in(self, first: bytes, last: bytes) -> StoredEntry | None:
        """Return the oldest entry whose statement has a name from `first` to `last`, 32 bytes each."""
        wanted = _ENTRY.where(entries.c.statement_name.between(first, last)).order_by(entries.c.leaf_index)
        return _to_entry(self._connection.execute(wanted.limit(1)).one_or_none())

    def find_issue(self, issuer: str, number: str) -> StoredEntry | None:
        """Return the issue with this certificate number."""
        wanted = _ENTRY.where(entries.c.issuer == issuer, entries.c.number == number)
        return _to_entry(self._connection.execute(wanted).one_or_none())

    def find_states(self, wanted: Sequence[Subject]) -> dict[Subject, SubjectState]:
        """Return the newest states of these subjects; whoever has none is left out."""
        rows = select_by_keys(self._connection, _STATE, subjects.c.subject, wanted)
        return to_states(rows)

    # --- the status map -------------------------------------------------------------------------------------

    def load_pages(self, pages: Sequence[Page]) -> list[PageContent]:
        """Return the contents of pages of the newest status map, as `core.status_map` asks for them."""
        contents: dict[tuple[int, int], PageContent] = {}
        for depth in {page.depth for page in pages}:
            prefixes = [page.prefix for page in pages if page.depth == depth]
            for begin in range(0, len(prefixes), _PAGES_AT_ONCE):
                contents |= self._load_some(depth, prefixes[begin : begin + _PAGES_AT_ONCE])
        return [contents[page.depth, page.prefix] for page in pages]

    def _load_some(self, depth: int, prefixes: Sequence[int]) -> dict[tuple[int, int], PageContent]:
        deeper = next((deeper for deeper in PAGE_DEPTHS if deeper > depth), None)
        if deeper is None:
            return self._load_subjects(depth, prefixes)
        found: dict[tuple[int, int], list[Page]] = {(depth, prefix): [] for prefix in prefixes}
        query, column = _select_pages(deeper), map_pages.c.prefix
        ranges = [_list_bounds(prefix, deeper - depth) for prefix in prefixes]
        for prefix, hash_ in select_in_ranges(self._connection, query, column, ranges):
            found[depth, prefix >> deeper - depth].append(Page(deeper, prefix, hash_))
        return {**found}

    def _load_subjects(self, depth: int, prefixes: Sequence[int]) -> dict[tuple[int, int], PageContent]:
        found: dict[tuple[int, int], list[tuple[Subject, SubjectState]]] = {
            (depth, prefix): [] for prefix in prefixes
        }
        bounds = [_list_bounds(prefix, SUBJECT_BITS - depth) for prefix in prefixes]
        ranges = [(first.to_bytes(SUBJECT_BYTES), last.to_bytes(SUBJECT_BYTES)) for first, last in bounds]
        rows = select_in_ranges(self._connection, _STATE, subjects.c.subject, ranges)
        for subject, state in to_states(rows).items():
            found[depth, int.from_bytes(subject[: depth // 8])].append((subject, state))
        return {**found}

    def read_replaced_states(self, tree_size: TreeSize) -> dict[Subject, SubjectState | None]:
        """Return what leads from the newest status map back to that under the checkpoint of this size."""
        later = select(replaced_states.c.states).where(replaced_states.c.tree_size > tree_size)
        found: dict[Subject, SubjectState | None] = {}
        for (raw,) in self._connection.execute(later.order_by(replaced_states.c.tree_size.desc())):
            found |= decode_replaced(raw)
        return found

    def read_replaced_in(self, tree_size: TreeSize) -> dict[Subject, SubjectState | None]:
        """Return what the batch that ends with the checkpoint of this size replaced."""
        wanted = select(replaced_states.c.states).where(replaced_states.c.tree_size == tree_size)
        raw = self._connection.execute(wanted).scalar_one_or_none()
        return {} if raw is None else decode_replaced(raw)

    def read_replaced_sizes(self) -> list[TreeSize]:
        """Return the sizes for which it is stored what their batches replaced, ascending."""
        wanted = select(replaced_states.c.tree_size).order_by(replaced_states.c.tree_size)
        return [TreeSize(size) for (size,) in self._connection.execute(wanted)]

    def count_states(self) -> int:
        """Return how many subjects have a state."""
        return self._connection.execute(select(func.count()).select_from(subjects)).scalar_one()

    def read_map_pages(self) -> dict[tuple[int, int], bytes]:
        """Return the hash of every stored page of the status map, by depth and prefix."""
        rows = self._connection.execute(select(*map_pages.c))
        return {(depth, prefix): found for depth, prefix, found in rows}

    # --- documents ------------------------------------------------------------------------------------------

    def read_documents(self, digests: Sequence[Digest]) -> dict[Digest, bytes]:
        """Return the documents with these SHA-256 digests; what is not stored, or withheld, is left out."""
        rows = select_by_keys(self._connection, _DOCUMENT, documents.c.digest, digests)
        return {Digest(digest): body for digest, body in rows if body}

    def count_withheld(self) -> int:
        """Return how many documents are withheld."""
        return self._connection.execute(_COUNT_WITHHELD).scalar_one()

    def find_withheld(self, digest: Digest) -> Withheld | None:
        """Return why a document is withheld; None: it is not."""
        row = self._connection.execute(_WITHHELD.where(withheld_documents.c.digest == digest)).first()
        return None if row is None else Withheld(row.grounds, row.withheld_at_ms, bytes(row.related))


class WriteQueries(ReadQueries):
    """What the one writer does; nothing of it is seen by others before its transaction is committed."""

    def bind_meta(self, values: Mapping[str, str]) -> None:
        """Write down what this database is for, or compare with what was written.

        Args:
            values: as `{"origin": "ledger.example/2026"}`; what is not named is not compared.

        Raises:
            WrongChainError: the database was made for something else.
        """
        stored = self.read_meta()
        for key, value in values.items():
            if stored.get(key, value) != value:
                raise WrongChainError(f"this database was made for the {key} {stored[key]}, not for {value}")
        insert_rows(self._connection, meta, [item for item in values.items() if item[0] not in stored])

    def find_known(
        self, names: Sequence[bytes], digests: Sequence[Digest], wanted: Sequence[Subject]
    ) -> Known:
        """Return what is stored of a batch that is about to be judged."""
        rows = select_by_keys(self._connection, _DIGEST, documents.c.digest, digests)
        return Known(self.find_entries(names), frozenset(row[0] for row in rows), self.find_states(wanted))

    def write_batch(self, batch: Batch) -> bool:
        """Store a batch, unless the head is no longer `batch.before`; tell which."""
        if not self._swap_head(batch.before, batch.after):
            return False
        failpoint("store.head")
        insert_rows(self._connection, entries, batch.entries)
        failpoint("store.entries")
        insert_rows(self._connection, documents, list(batch.documents.items()), OnConflict.KEEP)
        failpoint("store.documents")
        insert_rows(self._connection, tiles, batch.tiles, OnConflict.REPLACE)
        failpoint("store.tiles")
        insert_rows(self._connection, subjects, to_state_rows(batch.states), OnConflict.REPLACE)
        failpoint("store.subjects")
        insert_rows(self._connection, map_pages, batch.pages, OnConflict.REPLACE)
        failpoint("store.pages")
        row = (batch.after.tree_size, encode_replaced(batch.replaced))
        insert_rows(self._connection, replaced_states, [row])
        failpoint("store.replaced")
        return True

    def withhold_document(self, digest: Digest, withheld: Withheld) -> None:
        """Take the bytes of a stored document away for ever, and write down why."""
        insert_rows(self._connection, withheld_documents, [(digest, *withheld)])
        failpoint("store.withheld")
        self._connection.execute(update(documents).where(documents.c.digest == digest).values(body=b""))

    def write_checkpoint(self, checkpoint: StoredCheckpoint) -> None:
        """Keep a signed tree head for ever."""
        row = checkpoint.tree_size, checkpoint.root_hash, checkpoint.note, checkpoint.signed_at_ms
        insert_rows(self._connection, checkpoints, [row])
        failpoint("store.checkpoint")

    def add_cosignature(self, found: StoredCosignature) -> None:
        """Keep a witness's verified line for ever; the same again changes nothing."""
        insert_rows(self._connection, cosignatures, [tuple(found)], OnConflict.KEEP)
        failpoint("store.cosignature")

    def _swap_head(self, before: Head, after: Head) -> bool:
        values = {
            "old_size": before.tree_size,
            "old_root": before.root_hash,
            "new_size": after.tree_size,
            "new_root": after.root_hash,
            "now_ms": after.sequenced_at_ms,
        }
        found = self._connection.execute(_SWAP_HEAD, values)
        return found.rowcount == 1


def _list_bounds(prefix: int, free: int) -> tuple[int, int]:
    """Return the least and the greatest number that begins with a prefix and has so many more bits."""
    return prefix << free, (prefix + 1 << free) - 1


def _cut_tile(tile: Tile, hashes: bytes) -> bytes:
    if len(hashes) < tile.width * HASH_SIZE:
        raise LogIntegrityError(f"tile {tile.index} of level {tile.level} is missing or too short")
    return hashes[: tile.width * HASH_SIZE]


def _to_entry(row: Row[int, bytes] | None) -> StoredEntry | None:
    return None if row is None else StoredEntry(LeafIndex(row[0]), row[1])


def _to_checkpoint(row: Row[*tuple[Any, ...]] | None) -> StoredCheckpoint | None:
    return None if row is None else StoredCheckpoint(*row)


def to_states(rows: Iterable[Row[*tuple[Any, ...]]]) -> dict[Subject, SubjectState]:
    """Return the states in rows of subject, status, version, last event and current certificate.

    Raises:
        LogIntegrityError: one is of no subject that a leaf could be about.
    """
    return {Subject(row[0]): _to_state(*row[1:]) for row in rows}


def _to_state(status: int, version: int, last_event: int, current: int | None) -> SubjectState:
    if status not in _STATUSES or not 0 < version < _MAX_VERSION or last_event < 0 or (current or 0) < 0:
        raise LogIntegrityError("a stored state is of no subject that a leaf could be about")
    certificate = None if current is None else LeafIndex(current)
    return SubjectState(Status(status), version, LeafIndex(last_event), certificate)


def to_state_rows(states: Mapping[Subject, SubjectState]) -> list[tuple[Any, ...]]:
    """Return what `to_states` reads."""
    return [
        (subject, int(state.status), state.version, state.last_event, state.current_certificate)
        for subject, state in states.items()
    ]
