"""Re-reads and re-hashes a stored log, from its leaves to its anchors.

Everything beside the leaves follows from them, or is signed; the first row that says something else is named.
The replay is that of the audit (`core.replay`). The chain is not asked. Rows are read in chunks; what grows with
the log is what the replay itself holds, the newest state of each subject.

>>> diagnose(store, "ledger.example/2026")
{'entries': 1042, 'checkpoints': 17, 'anchors': 3, 'documents': 1037, 'root_hash': '...'}
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection

from ledger.core.act_content import find_attached
from ledger.core.checkpoint import Checkpoint, verify_checkpoint
from ledger.core.encoding import encode_hex
from ledger.core.entry import HEADER_BYTES, NO_CERTIFICATE, parse_header
from ledger.core.errors import DamagedRowError, InputError, LogIntegrityError, VerificationError
from ledger.core.ids import Digest, RootHash, TreeSize
from ledger.core.merkle import HASH_SIZE, hash_leaf
from ledger.core.note import NoteVerifier, parse_note
from ledger.core.replay import Replay, Replayed
from ledger.core.tiles import TILE_WIDTH
from ledger.doctor.conditions import check_conditions
from ledger.doctor.cosignatures import check_cosignatures
from ledger.doctor.derived import (
    DerivedRows,
    Difference,
    Meet,
    is_same,
    is_same_row,
    name_key,
    raise_difference,
    show,
)
from ledger.doctor.outbox import check_outbox
from ledger.doctor.withheld import check_withheld
from ledger.store.integrity import check_database
from ledger.store.scan import CHUNK, RawRow, RawRows
from ledger.store.tables import (
    anchor_attempts,
    anchor_moves,
    anchors,
    checkpoints,
    conditions,
    cosignatures,
    documents,
    entries,
    map_pages,
    replaced_states,
    subjects,
    tiles,
    withheld_documents,
)
from ledger.store.unit_of_work import SqlStore

OnProgress = Callable[[int, int], None]
"""Is told how many leaves are done, and how many there are."""

COUNTED: Final = (
    entries,
    documents,
    withheld_documents,
    checkpoints,
    tiles,
    subjects,
    map_pages,
    replaced_states,
    cosignatures,
    anchors,
    anchor_attempts,
    anchor_moves,
    conditions,
)
"""Tables whose rows a deep report counts: all that grow."""

NOTES: Final[Mapping[str, Mapping[str, str]]] = {
    "anchor_moves": {
        "block_number": "of a block that is gone nobody knows more; of one that stands, the moves after it do",
        "block_hash": "as block_number",
        "reason": "words for people",
        "at_ms": "the sender's clock: the first and the newest time of an anchor, and those of transactions, are "
        "repeated; between them, times are in order",
    },
    "withheld_documents": {
        "grounds": "words for people",
        "withheld_at_ms": "the operator's clock",
        "related": "follows from the bytes that are gone",
    },
    "conditions": {
        "en": "words for people",
        "zh": "words for people",
        "value": "the balance of an account, as a node told it once",
        "at_ms": "when somebody looked",
    },
}
"""Columns, by table, whose values nothing else repeats in every row, and why: what they can be is checked, what
they are cannot. All other columns of all tables are compared.

Rows that are gone are missed likewise, but for two: a line of a witness is missed only if the checkpoint beside
the database has it, a condition never."""


def ignore_progress(done: int, of_all: int) -> None:
    """Show nothing."""
    del done, of_all


def diagnose(
    store: SqlStore,
    origin: str,
    on_progress: OnProgress = ignore_progress,
    *,
    deep: bool = False,
    known: str | None = None,
) -> dict[str, Any]:
    """Replay the whole log from its stored leaves and compare every row with what follows from them.

    Args:
        store: nobody else writes meanwhile.
        origin: of the log.
        on_progress: is told how far it has come.
        deep: ask the database about its pages, indices and triggers first, and count every table.
        known: a signed checkpoint from elsewhere: a database that is older than it, or another, is refused.

    Returns:
        Counts of what was found in order.

    Raises:
        LogIntegrityError: the first contradiction; `DamagedRowError` where one row is to blame.
        UnavailableError: the store is out of reach.
    """
    with store.database.read() as connection:
        said = check_database(connection) if deep else None
        rows = RawRows(connection)
        check_withheld(rows)
        log = LeafPass(rows, origin, raise_difference, on_progress)
        log.run()
        seen = None if known is None else (log.check_known(known), known)
        log.check_documents()
        check_cosignatures(rows, seen)
        anchored = check_outbox(rows, log.replay, log.roots)
        check_conditions(rows)
        counts = {table.name: rows.count(table) for table in COUNTED} if deep else {}
    result = {
        "entries": log.replay.tree.size,
        "checkpoints": len(log.roots),
        "anchors": anchored,
        "documents": log.documents,
        "root_hash": encode_hex(log.replay.tree.root()),
    }
    return result | {"database_check": said, "rows": counts} if deep else result


def replay_and_mend(connection: Connection, origin: str, meet: Meet, on_progress: OnProgress) -> RootHash:
    """Replay the log, compare leaves and checkpoints, and hand every difference of derived rows to `meet`.

    Raises:
        LogIntegrityError: the leaves themselves, or the checkpoints, are not in order.
    """
    log = LeafPass(RawRows(connection), origin, meet, on_progress, with_documents=False)
    log.run()
    return RootHash(log.replay.tree.root())


class LeafPass:
    """One way through all leaves, batch by batch."""

    def __init__(
        self,
        rows: RawRows,
        origin: str,
        meet: Meet,
        on_progress: OnProgress,
        *,
        with_documents: bool = True,
    ) -> None:
        """Take what is to be read.

        Args:
            rows: of the log's tables.
            origin: of the log.
            meet: is told of derived rows that are not what the leaves give.
            on_progress: is told how far it has come.
            with_documents: compare the documents that leaves name.
        """
        self.replay = Replay()
        self.roots: dict[TreeSize, RootHash] = {}
        """Root under every checkpoint, as signed and as the leaves give it."""
        self.documents = 0
        self._photos = set[Digest]()
        """Pictures that registrations name: a later version may name the same."""
        self._rows = rows
        self._origin = origin
        self._derived = DerivedRows(rows, meet)
        self._on_progress = on_progress
        self._with_documents = with_documents
        self._good = 0
        """So many leaves are those under a signed root."""

    def run(self) -> None:
        """Take every leaf, then compare what follows from all.

        Raises:
            LogIntegrityError: the first contradiction.
        """
        of_all = self._rows.count(entries)
        stored: list[RawRow] = []
        replayed: list[Replayed] = []
        ends: list[tuple[RawRow, RootHash]] = []
        for row in self._read_entries():
            item = self._take(row, stored)
            stored.append(row)
            replayed.append(item)
            if item.signed is None:
                size, time = TreeSize(self.replay.tree.size), item.leaf.header.sequenced_at_ms
                ends.append(((size, time), RootHash(self.replay.tree.root())))
                if len(stored) >= CHUNK:
                    self._take_batches(stored, replayed, ends)
                    self._on_progress(size, of_all)
                    stored, replayed, ends = [], [], []
        self._take_batches(stored, replayed, ends)
        self._require_end(bool(replayed and replayed[-1].signed is not None))
        self._on_progress(of_all, of_all)
        self._derived.finish(self.replay)

    def check_documents(self) -> None:
        """Find documents that no leaf names.

        Raises:
            DamagedRowError: there is one.
        """
        if self._rows.count(documents) == self.documents + len(self._photos):
            return
        certificates = (
            parse_header(row[2][:HEADER_BYTES]).certificate_digest for row in self._rows.scan(entries)
        )
        named = self._photos.union(certificates)
        for row in self._rows.scan(documents):
            if row[0] not in named:
                key = name_key(documents, row[:1])
                raise DamagedRowError("documents", key, "", "absent", "no leaf names such a document")
        raise LogIntegrityError("the table documents has more rows than leaves name, or cannot be read")

    def check_known(self, note: str) -> TreeSize:
        """Compare a signed checkpoint that was kept elsewhere with the log as it is now; return its size.

        Raises:
            LogIntegrityError: the log has lost leaves since, or has others.
        """
        size, root = self.replay.tree.size, self.replay.registers.root
        if root is None:
            raise LogIntegrityError("a checkpoint has been signed, but the database has no log")
        try:
            known = verify_checkpoint(note, NoteVerifier(self._origin, root.log_key))
        except (InputError, VerificationError) as err:
            raise LogIntegrityError(
                f"the checkpoint kept beside the database is not this log's: {err}"
            ) from err
        if known.tree_size > size:
            raise LogIntegrityError(
                f"a checkpoint of {known.tree_size} leaves has been signed, the database has {size}: "
                "it is an older backup"
            )
        if self.roots.get(known.tree_size) != known.root_hash:
            raise LogIntegrityError(
                f"the checkpoint of {known.tree_size} leaves kept beside the database has another root"
            )
        return known.tree_size

    # --- leaves ---------------------------------------------------------------------------------------------

    def _read_entries(self) -> Iterator[RawRow]:
        for row in self._rows.scan(entries):
            index = self.replay.tree.size
            if not is_same(index, row[0]):
                self._raise_missing(index)
            if not isinstance(row[2], bytes):
                raise DamagedRowError("entries", f"leaf_index {index}", "leaf", "bytes")
            yield row

    def _raise_missing(self, index: int) -> None:
        reason = "the leaves after it, a checkpoint or the head need it"
        raise DamagedRowError("entries", f"leaf_index {index}", "", "there", reason)

    def _take(self, row: RawRow, before: Sequence[RawRow]) -> Replayed:
        try:
            return self.replay.take(row[2])
        except VerificationError as err:
            index = self.replay.tree.size
            self._blame_leaf(index, before)
            known = self._read_hash(index)
            expected = "a leaf whose hash is " + encode_hex(known) if known else "a leaf that can be replayed"
            raise DamagedRowError("entries", f"leaf_index {index}", "leaf", expected, str(err)) from err

    def _read_hash(self, index: int) -> bytes | None:
        """Return the hash of a leaf as a tile has it, if one has."""
        key = (0, index // TILE_WIDTH)
        row = self._rows.find(tiles, [key]).get(key)
        place = index % TILE_WIDTH * HASH_SIZE
        found = row[2][place : place + HASH_SIZE] if row and isinstance(row[2], bytes) else b""
        return found if len(found) == HASH_SIZE else None

    # --- batches --------------------------------------------------------------------------------------------

    def _take_batches(
        self, stored: Sequence[RawRow], replayed: Sequence[Replayed], ends: Sequence[tuple[RawRow, RootHash]]
    ) -> None:
        """Compare checkpoints first: they say whether leaf or derived row is to blame."""
        found = self._rows.find(checkpoints, [end[:1] for end, _ in ends])
        for (size, time), root in ends:
            self._check_checkpoint(size, root, time, found.get((size,)), stored)
            self.roots[size] = root
            self._good = size
        if self._with_documents:
            self._check_bodies(replayed)
        self._derived.take(stored, replayed)

    def _check_checkpoint(
        self, size: TreeSize, root: RootHash, time: int, row: RawRow | None, stored: Sequence[RawRow]
    ) -> None:
        if row is None:
            reason = f"leaf {size - 1} states the status map under a checkpoint"
            raise DamagedRowError("checkpoints", f"tree_size {size}", "", "there", reason)
        checkpoint = self._open_note(size, row[2])
        if checkpoint != Checkpoint(self._origin, size, root):
            self._blame_leaf(size, stored)
            expected = f"a checkpoint of {size} leaves with the root {encode_hex(root)}"
            raise DamagedRowError("checkpoints", f"tree_size {size}", "note", expected)
        expected_row = (size, root, row[2], time)
        if not is_same_row(expected_row, row):
            raise Difference(checkpoints, (size,), expected_row, row).describe()

    def _open_note(self, size: TreeSize, note: object) -> Checkpoint:
        root = self.replay.registers.root
        key, expected = f"tree_size {size}", f"a checkpoint signed by the log {self._origin} and nobody else"
        if root is None or not isinstance(note, str):
            raise DamagedRowError("checkpoints", key, "note", expected)
        try:
            checkpoint = verify_checkpoint(note, NoteVerifier(self._origin, root.log_key))
            signatures = len(parse_note(note).signatures)
        except (InputError, VerificationError) as err:
            raise DamagedRowError("checkpoints", key, "note", expected, str(err)) from err
        if signatures != 1:
            raise DamagedRowError("checkpoints", key, "note", expected, f"it has {signatures} signatures")
        return checkpoint

    def _blame_leaf(self, size: TreeSize, stored: Sequence[RawRow]) -> None:
        """Name the leaf of which a tile has another hash, if there is one."""
        for row in stored:
            if self._good <= row[0] < size:
                known = self._read_hash(row[0])
                if known is not None and known != hash_leaf(row[2]):
                    expected = "a leaf whose hash is " + encode_hex(known)
                    reason = f"the leaves up to {size} do not lead to a signed root"
                    raise DamagedRowError("entries", f"leaf_index {row[0]}", "leaf", expected, reason)

    def _check_bodies(self, replayed: Sequence[Replayed]) -> None:
        named = [(item.index, find_attached(item.signed.statement)) for item in replayed if item.signed]
        wanted = [(index, digest) for index, digest in named if digest is not None]
        keys = [(digest,) for _, digest in wanted]
        found, withheld = self._rows.find(documents, keys), self._rows.find(withheld_documents, keys)
        for index, digest in wanted:
            row = found.get((digest,))
            key = name_key(documents, (digest,))
            if row is None:
                raise DamagedRowError("documents", key, "", "there", f"leaf {index} names it")
            if row[1] == b"" and (digest,) in withheld:
                continue
            if not isinstance(row[1], bytes) or hashlib.sha256(row[1]).digest() != digest:
                raise DamagedRowError("documents", key, "body", f"bytes whose SHA-256 is {show(digest)}")
        certificates = {item.leaf.header.certificate_digest for item in replayed if item.signed}
        self._photos.update(digest for _, digest in wanted if digest not in certificates)
        self.documents += len(certificates - {NO_CERTIFICATE})

    def _require_end(self, is_open: bool) -> None:
        """Check that nothing stored is about leaves that are not there."""
        size = self.replay.tree.size
        newest = max((row[0] for row in self._rows.scan(checkpoints) if isinstance(row[0], int)), default=0)
        if newest > size:
            self._raise_missing(size)
        if is_open:
            reason = f"the MAPHEAD that ends the batch, as leaf {size - 1} does not"
            raise DamagedRowError("entries", f"leaf_index {size}", "", "there", reason)
        for row in self._rows.scan(checkpoints):
            if row[0] not in self.roots:
                key = name_key(checkpoints, row[:1])
                raise DamagedRowError("checkpoints", key, "", "absent", "no batch ended at this size")
