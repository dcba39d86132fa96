"""The log: the only writer. Signed statements go in; leaves, tiles, states and a signed checkpoint come out.

One batch is one transaction:

    a  look up what is known of it: a statement that is stored already is answered with its stored leaf
    b  judge the others in their order; what takes effect becomes a leaf, the rest is refused (`sequencing`)
    c  put the new states into the status map, and its root into the batch's last leaf, the MAPHEAD; extend the
       tree, replace the head by compare-and-swap, store leaves, documents, tiles, states and map
    d  read leaves and tiles again, hash them again, compute the root again from the bottom up (`right_edge`)
    e  sign the checkpoint, store it, commit

Rules it keeps: nothing leaves before the commit has returned, and nothing changes in memory either; a batch
begins by comparing its head with the stored one and loads all afresh where they differ, so that after a
failure, or another writer, the log goes on from what is stored, provided that nothing committed is gone; a
batch without a new leaf signs nothing; time never runs backwards in the log. Signatures of statements are
verified at admission, not here.

>>> log = Log(store, "ledger.example/2026", signer, clock)
>>> log.append([Submission(parse_signed_statement(raw), body)])
[Acknowledgement(leaf_index=5, leaf=b'HZL1...')]
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Final, Protocol

from ledger.core.checkpoint import Checkpoint, sign_checkpoint, verify_checkpoint
from ledger.core.entry import LeafHeader, encode_leaf
from ledger.core.errors import InputError, LogIntegrityError, StateError, VerificationError
from ledger.core.ids import LeafIndex
from ledger.core.maphead import build_maphead, get_map_root
from ledger.core.merkle import hash_leaf
from ledger.core.note import NoteVerifier
from ledger.core.replay import replay_registers
from ledger.core.signature import Signer
from ledger.core.status import Registers
from ledger.core.status_map import EMPTY_MAP, Page, PageContent, StatusMap, open_map
from ledger.failpoint import failpoint
from ledger.map_history import read_maphead
from ledger.right_edge import (
    RightEdge,
    TreeReading,
    compute_stored_root,
    load_edge,
    verify_last_leaf,
    verify_stored,
)
from ledger.sequencing import Sequencing, StateReading
from ledger.store.records import (
    Batch,
    Head,
    NewEntry,
    StoredCheckpoint,
    StoredEntry,
    StoredPage,
    compute_leaf_name,
)
from ledger.submission import Result, Submission

MAX_BATCH: Final = 4096
"""Most submissions in one call; callers split longer lists."""

CLOCK_TOLERANCE_MS: Final = 5_000
"""A clock that went back by no more than this counts as standing still."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


class LogTransaction(TreeReading, StateReading, Protocol):
    """One write transaction: it sees one state of the log, and nobody else writes until it has ended."""

    def read_head(self) -> Head:
        """Return the newest tree head."""
        ...

    def read_newest_checkpoint(self) -> StoredCheckpoint | None:
        """Return the newest checkpoint; None in an empty log."""
        ...

    def read_register_leaves(self) -> Sequence[StoredEntry]:
        """Return every leaf of a register event, in order."""
        ...

    def load_pages(self, pages: Sequence[Page]) -> Iterable[PageContent]:
        """Return the contents of pages of the newest status map, in their order."""
        ...

    def write_batch(self, batch: Batch) -> bool:
        """Store a batch, unless the head is no longer `batch.before`; tell which."""
        ...

    def write_checkpoint(self, checkpoint: StoredCheckpoint) -> None:
        """Keep a signed tree head for ever."""
        ...


class LogStore(Protocol):
    """Where the log lives."""

    def write(self) -> AbstractContextManager[LogTransaction]:
        """Open a transaction that is committed when its block is left.

        Everything is then on disk, or nothing is. An exception out of the block means that nothing is known:
        the batch may have been written or not.
        """
        ...


@dataclass(frozen=True, slots=True)
class _State:
    """What the log knows by heart; never changed, only replaced."""

    head: Head
    checkpoint: str
    edge: RightEdge
    map: StatusMap
    maphead: LeafHeader | None
    """The newest leaf; None in an empty log."""
    registers: Registers


class Log:
    """The only writer of one log. Safe to share between threads; batches run one after the other."""

    def __init__(
        self,
        store: LogStore,
        origin: str,
        signer: Signer,
        clock: Callable[[], datetime],
        *,
        keep_void: bool = False,
        require_open: Callable[[], None] | None = None,
    ) -> None:
        """Open the log and compare head, tiles, newest checkpoint and registers with each other.

        Args:
            store: where the log lives.
            origin: name of this log.
            signer: the log key, as leaf 0 names it.
            clock: returns the time, aware UTC.
            keep_void: make VOID leaves of statements without effect too. No honest log does; it is for drills
                of those who must notice.
            require_open: raises while nothing may be signed, see `boot_check`.

        Raises:
            StateError: the store holds another log, or a log under another key.
            LogIntegrityError: the store contradicts itself.
            UnavailableError: the store is out of reach.
        """
        self._store = store
        self._signer = signer
        self._clock = clock
        self._keep_void = keep_void
        self._require_open = require_open
        self._lock = Lock()
        self.origin: Final = origin
        with store.write() as transaction:
            self._state = self._load(transaction)

    @property
    def head(self) -> Head:
        """Return the newest committed tree head."""
        return self._state.head

    @property
    def checkpoint(self) -> str:
        """Return the newest signed checkpoint; empty in an empty log."""
        return self._state.checkpoint

    @property
    def registers(self) -> Registers:
        """Return what the committed register events establish; to be read only."""
        return self._state.registers

    def append(self, submissions: Sequence[Submission]) -> list[Result]:
        """Append what takes effect, and return one result for each submission, in order.

        Args:
            submissions: at most `MAX_BATCH`; what the log holds already is acknowledged again.

        Raises:
            InputError: too many submissions.
            StateError: the clock went back; nothing was appended.
            ReadOnlyError: nothing may be signed now.
            UnavailableError: it is not known whether anything was appended: send the same statements again.
            LogIntegrityError: the store contradicts itself: stop writing.
        """
        if len(submissions) > MAX_BATCH:
            raise InputError(f"a batch has at most {MAX_BATCH} submissions, not {len(submissions)}")
        if self._require_open is not None:
            self._require_open()
        with self._lock:
            with self._store.write() as transaction:
                state = self._state
                if transaction.read_head() != state.head:
                    state = self._load_again(transaction, state.head)
                state, results = self._append(transaction, state, submissions)
                failpoint("log.before_commit")
            failpoint("log.after_commit")
            self._state = state
        return results

    def _append(
        self, transaction: LogTransaction, before: _State, submissions: Sequence[Submission]
    ) -> tuple[_State, list[Result]]:
        now_ms = self._read_clock(before.head)
        work = Sequencing(
            transaction, before.head, before.registers, now_ms, submissions, keep_void=self._keep_void
        )
        results = work.judge()
        if not work.entries:
            return before, results
        self._require_own_root(work.registers)
        status_map = before.map.update(work.states, transaction.load_pages)
        maphead = _build_maphead(before, status_map, now_ms)
        entries = [*work.entries, _make_entry(maphead, before.head.tree_size + len(work.entries))]
        edge, tiles = before.edge.extend([hash_leaf(entry.leaf) for entry in entries])
        head = Head(edge.size, edge.root_hash, now_ms)
        pages = [
            StoredPage(page.depth, page.prefix, page.hash) for page in status_map.list_pages(work.states)
        ]
        batch = Batch(before.head, head, entries, work.documents, tiles, work.states, work.replaced, pages)
        if not transaction.write_batch(batch):
            raise LogIntegrityError("somebody moved the head of the log while its only writer held the lock")
        verify_stored(transaction, before.head, head)
        failpoint("log.verified")
        checkpoint = sign_checkpoint(Checkpoint(self.origin, head.tree_size, head.root_hash), self._signer)
        transaction.write_checkpoint(StoredCheckpoint(head.tree_size, head.root_hash, checkpoint, now_ms))
        return _State(head, checkpoint, edge, status_map, maphead, work.registers), results

    def _read_clock(self, head: Head) -> int:
        """Return the time of a new batch, milliseconds since 1970-01-01 UTC."""
        now_ms = (self._clock() - _EPOCH) // _MILLISECOND
        if now_ms >= head.sequenced_at_ms:
            return now_ms
        if head.sequenced_at_ms - now_ms <= CLOCK_TOLERANCE_MS:
            return head.sequenced_at_ms
        newest = _EPOCH + head.sequenced_at_ms * _MILLISECOND
        raise StateError(
            f"the clock is behind the newest leaf, which is of {newest.isoformat()}: nothing is signed"
        )

    def _load_again(self, transaction: LogTransaction, known: Head) -> _State:
        """Load what has been written since; a store that lost or changed what it had committed is not believed."""
        state = self._load(transaction)
        size = state.head.tree_size
        if size < known.tree_size or compute_stored_root(transaction, known.tree_size) != known.root_hash:
            raise LogIntegrityError(
                f"the store has lost leaves below {known.tree_size} that had been committed"
            )
        return state

    def _load(self, transaction: LogTransaction) -> _State:
        head = transaction.read_head()
        checkpoint = transaction.read_newest_checkpoint()
        registers = replay_registers(
            (entry.leaf_index, entry.leaf) for entry in transaction.read_register_leaves()
        )
        self._require_own_root(registers)
        if checkpoint is not None:
            self._require_own(checkpoint)
        signed = 0 if checkpoint is None else checkpoint.tree_size
        if signed != head.tree_size or (checkpoint is not None and checkpoint.root_hash != head.root_hash):
            raise LogIntegrityError("the newest checkpoint is not that of the newest head")
        note = "" if checkpoint is None else checkpoint.note
        edge = load_edge(transaction, head)
        if not head.tree_size:
            return _State(head, note, edge, EMPTY_MAP, None, registers)
        verify_last_leaf(transaction, head.tree_size)
        maphead = read_maphead(transaction, head.tree_size)
        return _State(head, note, edge, open_map(get_map_root(maphead)), maphead, registers)

    def _require_own_root(self, registers: Registers) -> None:
        root = registers.root
        if root is not None and root.origin != self.origin:
            raise StateError(f"the root is that of the log {root.origin}, not of {self.origin}")
        if root is not None and root.log_key != self._signer.public_key:
            raise StateError("the root names another log key than the one that is to sign")

    def _require_own(self, stored: StoredCheckpoint) -> None:
        try:
            checkpoint = verify_checkpoint(stored.note, NoteVerifier(self.origin, self._signer.public_key))
        except (InputError, VerificationError) as err:
            raise LogIntegrityError("the newest checkpoint is not signed by this log") from err
        if checkpoint != Checkpoint(self.origin, stored.tree_size, stored.root_hash):
            raise LogIntegrityError(
                "the newest checkpoint is stored under another size or root than it states"
            )


def _build_maphead(before: _State, status_map: StatusMap, now_ms: int) -> LeafHeader:
    if before.maphead is None:
        return build_maphead(status_map.root_hash, now_ms, None)
    newest = LeafIndex(before.head.tree_size - 1), before.maphead.version
    return build_maphead(status_map.root_hash, now_ms, newest)


def _make_entry(maphead: LeafHeader, index: int) -> NewEntry:
    leaf = encode_leaf(maphead, b"")
    return NewEntry(LeafIndex(index), compute_leaf_name(leaf), leaf, int(maphead.type), "", None)
