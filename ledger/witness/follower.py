"""A witness's own copy of one log: every leaf, read from the log's server, replayed, and stored.

    1  the tiles that the server shows have the signed root, and our leaves are a prefix of that tree
    2  further leaves, some thousands at a time, are proved under the signed root before they are looked at
    3  each is replayed: statement signatures, who may, headers, status maps; then stored, in one transaction
    4  at the end: the root is the signed one, and the last leaf states the map

What the log's signed root covers and is wrong is the log's fault, and remembered for ever. What does not belong to
that root (a damaged tile, another server) proves nothing: it is `UnavailableError`, and read again.

>>> follower = Follower(database, policy, source)
>>> follower.follow(checkpoint, note)
"""

from functools import partial
from itertools import islice
from typing import Any, Final

import structlog

from ledger.audit.leaves import (
    fetch_tile,
    read_grown_bundle,
    require_pinned_root,
    require_policy_root,
    require_shown,
)
from ledger.audit.reading import TreeSource
from ledger.core.checkpoint import Checkpoint
from ledger.core.encoding import encode_base64, encode_hex
from ledger.core.entry import HEADER_BYTES, parse_header
from ledger.core.errors import (
    BrokenSignatureError,
    ContradictionError,
    InputError,
    LogIntegrityError,
    StateError,
    UnavailableError,
    VerificationError,
)
from ledger.core.event import EventType
from ledger.core.ids import LeafIndex, RootHash, TreeSize
from ledger.core.merkle import (
    CompactRange,
    build_consistency_proof,
    build_inclusion_proof,
    build_root,
    compute_root,
    hash_leaf,
)
from ledger.core.policy import Policy
from ledger.core.replay import Replay
from ledger.core.signature import PublicKey
from ledger.core.statement import SignedStatement
from ledger.core.status import Status, VerifyStatement, Void
from ledger.core.tiles import ENTRIES, TILE_WIDTH, Tile, TileReader, compute_tile_width
from ledger.failpoint import failpoint
from ledger.store.engine import Database
from ledger.store.witness_queries import WitnessedLog, WitnessQueries

CHUNK: Final = 16 * TILE_WIDTH
"""Leaves that are read, proved, replayed and stored at a time."""

_LOG = structlog.get_logger(__name__)


class LogFaultError(VerificationError):
    """The log has signed what cannot be right; `evidence` shows it to others."""

    def __init__(self, sentence: str, evidence: dict[str, Any]) -> None:
        super().__init__(sentence)
        self.evidence = evidence


class Follower:
    """Follows one log. For one thread at a time."""

    def __init__(self, database: Database, policy: Policy, source: TreeSource) -> None:
        """Read nothing yet.

        Args:
            database: of the witness.
            policy: pins the log.
            source: its files; the operator of the witness has chosen it.
        """
        self._database = database
        self._policy = policy
        self._source = source
        self._replay: Replay | None = None

    @property
    def replayed(self) -> int:
        """Return how many leaves are in memory; for progress only."""
        return 0 if self._replay is None else self._replay.tree.size

    def follow(self, checkpoint: Checkpoint, note: str) -> None:
        """Bring the copy up to a checkpoint that the log has signed, or compare it with what is there.

        Args:
            checkpoint: verified, and written down as seen.
            note: its signed note.

        Raises:
            LogFaultError: what the log has signed is wrong.
            UnavailableError: the server is out of reach, or does not show the tree that the log has signed.
            LogIntegrityError: the witness's own records disagree.
        """
        try:
            self._follow(checkpoint, note)
        except (ContradictionError, InputError) as err:
            self._replay = None
            raise UnavailableError(f"the log's server does not show what the log has signed: {err}") from err
        except BaseException:
            self._replay = None
            raise

    def compute_root_at(self, tree_size: TreeSize) -> RootHash | None:
        """Return the root of the first leaves of the copy; None if it has fewer.

        Raises:
            LogIntegrityError: the witness's own records disagree.
        """
        log = self._read_log()
        if tree_size > log.replayed_size:
            return None
        if tree_size == log.replayed_size:
            return log.replayed_root
        with self._database.read() as connection:
            chunks = WitnessQueries(connection).read_leaves(log)
            hashes = (hash_leaf(leaf) for chunk in chunks for leaf in chunk)
            return compute_root(islice(hashes, tree_size))

    # --- following ------------------------------------------------------------------------------------------

    def _follow(self, checkpoint: Checkpoint, note: str) -> None:
        size, log = checkpoint.tree_size, self._read_log()
        if size > log.replayed_size:
            replay, reader = self._load(log), TileReader(size, partial(fetch_tile, self._source))
            self._require_extension(log, checkpoint, note, reader)
            while replay.tree.size < size:
                self._take_chunk(replay, checkpoint, note, reader)
            require_policy_root(replay.registers, self._policy)
        elif self.compute_root_at(size) != checkpoint.root_hash:
            raise LogFaultError(
                f"the log has signed another state of its first {size} leaves than it had before",
                {"checkpoints": [self._find_note(log, log.replayed_size), note]},
            )
        if size and not self._is_maphead(LeafIndex(size - 1)):
            raise LogFaultError(
                f"the last leaf under {size} leaves does not state the status map", {"checkpoints": [note]}
            )

    def _require_extension(
        self, log: WitnessedLog, checkpoint: Checkpoint, note: str, reader: TileReader
    ) -> None:
        """Compare the tree that the log has signed with the leaves that are known.

        Raises:
            VerificationError: it has another beginning.
            UnavailableError: the server shows another tree than the signed one.
        """
        old, new = log.replayed_size, checkpoint.tree_size
        if not old:
            return
        shown, proof = build_root(old, reader.read), build_consistency_proof(old, new, reader.read)
        require_shown(old, shown, checkpoint, proof)
        if shown != log.replayed_root:
            raise LogFaultError(
                f"the log has signed a tree of {new} leaves that does not extend the {old} leaves it had before",
                {
                    "checkpoints": [self._find_note(log, old), note],
                    "old_root": encode_hex(log.replayed_root),
                    "old_root_of_new_tree": encode_hex(shown),
                    "consistency": [encode_base64(item) for item in proof],
                },
            )

    def _take_chunk(self, replay: Replay, checkpoint: Checkpoint, note: str, reader: TileReader) -> None:
        """Read, prove, replay and store the next leaves."""
        log, begin, size = self._read_log(), replay.tree.size, checkpoint.tree_size
        end = TreeSize(min(size, (begin // CHUNK + 1) * CHUNK))
        leaves = self._read_leaves(begin, end, size)
        edge = CompactRange.from_hashes(begin, replay.tree.hashes)
        edge.extend([hash_leaf(leaf) for leaf in leaves])
        proof = build_consistency_proof(end, size, reader.read)
        require_shown(end, edge.root(), checkpoint, proof)
        void: dict[LeafIndex, str] = {}
        for at, leaf in enumerate(leaves, start=begin):
            try:
                reason = self._take(replay, leaf)
            except ContradictionError:  # of the policy and the log: either may be the wrong one
                raise
            except VerificationError as err:
                raise LogFaultError(
                    str(err), _show_leaf(LeafIndex(at), leaf, checkpoint, note, reader)
                ) from err
            if reason:
                void[LeafIndex(at)] = reason
                _LOG.error("void leaf", origin=self._policy.origin, leaf_index=at, reason=reason)
        failpoint("witness.replayed")
        with self._database.write() as connection:
            try:
                WitnessQueries(connection).add_leaves(log, leaves, void, edge.root())
            except StateError as err:
                raise UnavailableError(str(err)) from err
        failpoint("witness.leaves_stored")

    def _take(self, replay: Replay, leaf: bytes) -> str:
        """Replay one leaf; return why it has no effect, or an empty text.

        Raises:
            VerificationError: it is wrong.
        """
        replayed = replay.take(leaf)
        if replayed.index == 0:
            require_pinned_root(replay.registers, self._policy, "tile/entries")
        return replayed.outcome.reason if isinstance(replayed.outcome, Void) else ""

    # --- the log's server -----------------------------------------------------------------------------------

    def _read_leaves(self, begin: int, end: int, size: TreeSize) -> list[bytes]:
        leaves: list[bytes] = []
        for index in range(begin // TILE_WIDTH, (end + TILE_WIDTH - 1) // TILE_WIDTH):
            leaves += read_grown_bundle(
                self._source, Tile(ENTRIES, index, compute_tile_width(ENTRIES, index, size))
            )
        skipped = begin % TILE_WIDTH
        return leaves[skipped : skipped + end - begin]

    # --- the copy -------------------------------------------------------------------------------------------

    def _read_log(self) -> WitnessedLog:
        with self._database.write() as connection:
            return WitnessQueries(connection).require_log(self._policy.origin)

    def _load(self, log: WitnessedLog) -> Replay:
        """Return the replay of what is stored; signatures of stored leaves were verified before."""
        if self._replay is not None and self._replay.tree.size == log.replayed_size:
            return self._replay
        replay = Replay()
        try:
            with self._database.read() as connection:
                for leaves in WitnessQueries(connection).read_leaves(log):
                    for leaf in leaves:
                        replay.take(leaf, _recall(leaf))
        except VerificationError as err:
            raise LogIntegrityError(f"a leaf that the witness has stored is damaged: {err}") from err
        if replay.tree.root() != log.replayed_root:
            raise LogIntegrityError(
                f"the witness's leaves of {log.origin} are not those that it has replayed"
            )
        self._replay = replay
        return replay

    def _is_maphead(self, index: LeafIndex) -> bool:
        log = self._read_log()
        with self._database.read() as connection:
            raw = WitnessQueries(connection).read_leaf(log, index)
        return parse_header(raw[:HEADER_BYTES]).type is EventType.MAPHEAD

    def _find_note(self, log: WitnessedLog, tree_size: TreeSize) -> str:
        with self._database.read() as connection:
            return WitnessQueries(connection).find_newest_seen(log, tree_size)


def _show_leaf(
    index: LeafIndex, leaf: bytes, checkpoint: Checkpoint, note: str, reader: TileReader
) -> dict[str, Any]:
    """Return what proves that a leaf stands in the tree that the log has signed."""
    inclusion = build_inclusion_proof(index, checkpoint.tree_size, reader.read)
    return {
        "checkpoints": [note],
        "leaf": {"index": index, "leaf": encode_base64(leaf)},
        "inclusion": [encode_base64(item) for item in inclusion],
    }


def _recall(leaf: bytes) -> VerifyStatement:
    """Return what knows of a stored leaf's signature what its header says: only VOID leaves can lack one."""
    is_void = parse_header(leaf[:HEADER_BYTES]).status == Status.VOID

    def verify(_signed: SignedStatement, _key: PublicKey, _origin: str) -> None:
        if is_void:
            raise BrokenSignatureError("void")

    return verify
