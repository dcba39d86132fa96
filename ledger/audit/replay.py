"""The audit itself: every file, every leaf, from public data and the policy alone.

    1  checkpoint: signed by the policy's log key; receipts: signed, for the policy's contract
    2  under `tile/` stands what the checkpoint needs, and nothing else
    3  every leaf in its order: its hash in the tiles, its signature, who may, its header, every MAPHEAD
    4  the root, the map, and the roots at the sizes of the receipts are those that the leaves give
    5  if asked: documents say what their statements say; the contract holds the anchors

It stops at the first contradiction and names it: nothing after it can be believed. An audit that is to go on where
a killed one ended does all of this again, but for signatures that are known to be verified: see `resuming`.

>>> audit_log(source, policy).exit_code
0
"""

from collections.abc import Callable, Iterator
from typing import Final, Protocol

from ledger.audit.counts import Counts
from ledger.audit.documents import Documents
from ledger.audit.leaves import CHECKPOINT, read_entry_bundle, require_pinned_root, require_policy_root
from ledger.audit.reading import TreeSource
from ledger.audit.report import AnchorCount, AuditReport, DocumentCount, Doubt, VoidLeaf
from ledger.audit.resuming import Milestone
from ledger.audit.signatures import SignatureHelp, choose_helpers
from ledger.audit.tree import TreeComparison
from ledger.core.anchor import MAX_ANCHORS_BYTES, AnchorReceipt, parse_anchor_list, verify_receipt
from ledger.core.checkpoint import Checkpoint
from ledger.core.errors import (
    ContradictionError,
    InputError,
    MalformedDocumentError,
    NotFoundError,
    PolicyMismatchError,
    VerificationError,
)
from ledger.core.ids import LeafIndex, TreeSize
from ledger.core.merkle import HASH_SIZE, build_root, hash_leaf
from ledger.core.note import MAX_NOTE_BYTES
from ledger.core.policy import Policy
from ledger.core.replay import Replay
from ledger.core.signature import PublicKey
from ledger.core.statement import SignedStatement, verify_statement
from ledger.core.status import Status, VerifyStatement, Void
from ledger.core.step import Check, Outcome
from ledger.core.tiles import (
    ENTRIES,
    TILE_WIDTH,
    Tile,
    TileReader,
    compute_tile_width,
    list_files,
    tile_path,
)
from ledger.core.trust import open_checkpoint

ANCHORS: Final = "anchors.json"

SAVED_LEAVES: Final = 16 * TILE_WIDTH
"""After so many leaves it is written down how far an audit has come."""

STATUS_OFFSET: Final = 5
"""Of the status in a leaf's header."""


class AuditState(Protocol):
    """Remembers how far an audit has come; what it returns may be believed, see `resuming`."""

    def load(self) -> Milestone | None:
        """Return what was saved last; None if nothing was."""
        ...

    def save(self, milestone: Milestone) -> None:
        """Remember that every leaf so far holds."""
        ...


ContractLook = Callable[[Checkpoint], Check]
"""Looks a tree head up in the policy's contract: PASSED, FAILED, or NOT_CHECKED where nobody can tell."""

OnProgress = Callable[[int, int], None]
"""Is told how many leaves are done, and how many there are."""


def audit_log(
    source: TreeSource,
    policy: Policy,
    documents: Documents | None = None,
    look: ContractLook | None = None,
    on_progress: OnProgress = lambda _done, _all: None,
    *,
    helpers: int | None = 0,
    state: AuditState | None = None,
) -> AuditReport:
    """Audit a published log.

    Args:
        source: its files.
        policy: pins the log, its root, its contract.
        documents: certificates to compare with their statements; None: not looked up.
        look: asks the contract; None: not looked up.
        on_progress: is told how far it has come.
        helpers: processes that verify signatures ahead; None: as many as the log is worth.
        state: where an audit that may be killed writes down how far it has come; None: nowhere.

    Raises:
        NotFoundError: there is no log.
        InputError: the checkpoint is none, or that of another log than the policy's.
        UnavailableError: the source is out of reach.
    """
    try:
        return _audit_from(source, policy, documents, look, on_progress, helpers, state, resume=True)
    except _StaleStateError:
        return _audit_from(source, policy, documents, look, on_progress, helpers, state, resume=False)


def _audit_from(
    source: TreeSource,
    policy: Policy,
    documents: Documents | None,
    look: ContractLook | None,
    on_progress: OnProgress,
    helpers: int | None,
    state: AuditState | None,
    *,
    resume: bool,
) -> AuditReport:
    audit = _Audit(source, policy, documents, state)
    try:
        receipts = source.read(ANCHORS, MAX_ANCHORS_BYTES)  # first, so that the checkpoint is no older
        checkpoint = audit.checkpoint = _read_checkpoint(source, policy)
        audit.read_receipts(receipts, checkpoint)
        count = choose_helpers(checkpoint.tree_size) if helpers is None else helpers
        known = audit.find_milestone(checkpoint) if resume else None
        with SignatureHelp(count, policy.origin) as help_:
            audit.replay_leaves(checkpoint, help_, on_progress, known)
        audit.ask_contract(look)
    except ContradictionError as err:
        return audit.report(err)
    return audit.report()


def _read_checkpoint(source: TreeSource, policy: Policy) -> Checkpoint:
    raw = source.read(CHECKPOINT, MAX_NOTE_BYTES)
    if raw is None:
        raise NotFoundError("there is no log: it would have a file named checkpoint")
    try:
        return open_checkpoint(raw.decode(), policy)
    except PolicyMismatchError:
        raise
    except InputError as err:
        raise MalformedDocumentError(err.reason, field=CHECKPOINT) from err
    except UnicodeDecodeError as err:
        raise MalformedDocumentError("is not valid UTF-8", field=CHECKPOINT) from err
    except VerificationError as err:
        raise ContradictionError(str(err), file=CHECKPOINT) from err


class _StaleStateError(Exception):
    """Ends an audit whose state turns out to be of other leaves; it begins anew."""


class _Audit:
    """One audit under way."""

    def __init__(
        self,
        source: TreeSource,
        policy: Policy,
        documents: Documents | None,
        state: AuditState | None,
    ) -> None:
        self.checkpoint: Checkpoint | None = None
        """Once it has been verified."""
        self._source = source
        self._policy = policy
        self._documents = documents
        self._state = state
        self._counts = Counts()
        self._replay = Replay()
        self._receipts: dict[TreeSize, AnchorReceipt] = {}
        self._mapheads = 0
        self._void: list[VoidLeaf] = []
        self._seen: int | None = None
        self._doubts: list[Doubt] = []

    # --- receipts -------------------------------------------------------------------------------------------

    def read_receipts(self, raw: bytes | None, checkpoint: Checkpoint) -> None:
        """Verify every receipt by itself; their roots are compared when the replay comes to them."""
        if raw is None:
            raise ContradictionError("is missing", file=ANCHORS)
        try:
            anchors = parse_anchor_list(raw)
        except InputError as err:
            raise ContradictionError(str(err), file=ANCHORS) from err
        if anchors.origin != self._policy.origin:
            raise ContradictionError(f"is of the log {anchors.origin}", file=ANCHORS)
        for receipt in anchors.receipts:
            self._verify_receipt(receipt, checkpoint)
        self._receipts = {receipt.tree_size: receipt for receipt in anchors.receipts}

    def _verify_receipt(self, receipt: AnchorReceipt, checkpoint: Checkpoint) -> None:
        name = f"the receipt of {receipt.tree_size} leaves"
        try:
            verify_receipt(receipt, self._policy.log_key)
        except VerificationError as err:
            raise ContradictionError(f"{name}: {err}", file=ANCHORS) from err
        contract = self._policy.contract
        if contract is not None and receipt.chain != contract.chain:
            raise ContradictionError(f"{name} is of another contract than the policy's", file=ANCHORS)
        if receipt.tree_size > checkpoint.tree_size:
            raise ContradictionError(f"{name} is newer than the checkpoint", file=ANCHORS)

    def ask_contract(self, look: ContractLook | None) -> None:
        """Look every receipt up in the policy's contract."""
        if look is None:
            return
        self._seen = 0
        for receipt in self._receipts.values():
            check = look(Checkpoint(self._policy.origin, receipt.tree_size, receipt.root_hash))
            if check.outcome is Outcome.FAILED:
                sentence = f"the receipt of {receipt.tree_size} leaves: {check.reason.en}"
                raise ContradictionError(sentence, file=ANCHORS)
            if check.outcome is Outcome.PASSED:
                self._seen += 1
            else:
                self._doubts.append(Doubt(receipt.tree_size, check.reason.en))

    # --- leaves ---------------------------------------------------------------------------------------------

    def find_milestone(self, checkpoint: Checkpoint) -> Milestone | None:
        """Return how far an earlier audit had come, if the log's hashes give its root at that size."""
        milestone = None if self._state is None else self._state.load()
        if milestone is None or milestone.tree_size > checkpoint.tree_size:
            return None

        def fetch(tile: Tile) -> bytes:
            raw = self._source.read(tile_path(tile), TILE_WIDTH * HASH_SIZE)
            if raw is None or len(raw) != tile.width * HASH_SIZE:
                raise ContradictionError("is missing or cut off", file=tile_path(tile))
            return raw

        try:
            root = build_root(milestone.tree_size, TileReader(checkpoint.tree_size, fetch).read)
        except (ContradictionError, InputError):  # the audit itself will come to it, and name it
            return None
        return milestone if root == milestone.root_hash else None

    def replay_leaves(
        self,
        checkpoint: Checkpoint,
        help_: SignatureHelp,
        on_progress: OnProgress,
        known: Milestone | None = None,
    ) -> None:
        """Compare every file with what the leaves give, and every leaf with what the earlier ones give."""
        size = checkpoint.tree_size
        stranger = self._source.find_stranger({tile_path(tile) for tile in list_files(size)})
        if stranger is not None:
            raise ContradictionError(f"does not belong to a log of {size} leaves", file=stranger)
        bundles = self._read_leaves(size)
        if known is not None:
            self._replay_known(bundles, known, on_progress, size)
        ahead = help_.run_ahead(bundles, self._replay.registers)
        for (file, leaves), verifiers in ahead:
            for leaf, verify in zip(leaves, verifiers, strict=True):
                self._take(file, leaf, verify)
            on_progress(self._replay.tree.size, size)
            if self._replay.tree.size % SAVED_LEAVES == 0:
                self._save()
        if self._replay.tree.root() != checkpoint.root_hash:
            raise ContradictionError("states another root than the leaves give", file=CHECKPOINT)
        require_policy_root(self._replay.registers, self._policy)
        if self._replay.maphead != size - 1:
            raise ContradictionError("its last leaf does not state the status map", file=CHECKPOINT)
        self._save()

    def _replay_known(
        self,
        bundles: Iterator[tuple[str, tuple[bytes, ...]]],
        known: Milestone,
        on_progress: OnProgress,
        size: TreeSize,
    ) -> None:
        """Replay the bundles up to a milestone; the signatures of statements that took effect are verified."""
        while self._replay.tree.size < known.tree_size:
            file, leaves = next(bundles)
            for leaf in leaves:
                is_known = self._replay.tree.size < known.tree_size and not _is_void(leaf)
                self._take(file, leaf, _accept_verified if is_known else verify_statement)
                if self._replay.tree.size == known.tree_size and self._replay.tree.root() != known.root_hash:
                    raise _StaleStateError
            on_progress(self._replay.tree.size, size)

    def _save(self) -> None:
        if self._state is not None:
            tree = self._replay.tree
            self._state.save(Milestone(tree.size, tree.root()))

    def _read_leaves(self, size: TreeSize) -> Iterator[tuple[str, tuple[bytes, ...]]]:
        """Yield every entry bundle with its path; its hashes have been compared with the tiles."""
        tree = TreeComparison(self._source)
        for index in range((size + TILE_WIDTH - 1) // TILE_WIDTH):
            bundle = Tile(ENTRIES, index, compute_tile_width(ENTRIES, index, size))
            leaves = read_entry_bundle(self._source, bundle)
            tree.take([hash_leaf(leaf) for leaf in leaves])
            if bundle.index * TILE_WIDTH + bundle.width == size:
                tree.finish()
            yield tile_path(bundle), leaves

    def _take(self, file: str, leaf: bytes, verify: VerifyStatement) -> None:
        index = LeafIndex(self._replay.tree.size)
        try:
            replayed = self._replay.take(leaf, verify)
        except VerificationError as err:
            raise ContradictionError(str(err), file=file, leaf_index=index) from err
        if index == 0:
            require_pinned_root(self._replay.registers, self._policy, file)
        self._counts.take(replayed)
        if isinstance(replayed.outcome, Void):
            self._void.append(VoidLeaf(index, replayed.outcome.reason))
        if replayed.signed is None:
            self._mapheads += 1
        elif self._documents is not None:
            self._documents.check(index, replayed.signed.statement)
        receipt = self._receipts.get(self._replay.tree.size)
        if receipt is not None:
            self._compare_receipt(receipt)

    def _compare_receipt(self, receipt: AnchorReceipt) -> None:
        """Compare a receipt with the leaves so far, which are those that it is of."""
        name = f"the receipt of {receipt.tree_size} leaves"
        if self._replay.tree.root() != receipt.root_hash:
            raise ContradictionError(f"{name} states another root than the leaves give", file=ANCHORS)
        if self._replay.maphead != receipt.tree_size - 1:
            raise ContradictionError(f"{name} is of no checkpoint: its last leaf is no MAPHEAD", file=ANCHORS)

    # --- the end --------------------------------------------------------------------------------------------

    def report(self, contradiction: ContradictionError | None = None) -> AuditReport:
        """Return what was found so far."""
        documents = self._documents
        return AuditReport(
            origin=self._policy.origin,
            checkpoint=self.checkpoint,
            development=self._policy.development,
            entries=self._replay.tree.size,
            mapheads=self._mapheads,
            map_root=self._replay.map.root_hash,
            void=tuple(self._void),
            anchors=AnchorCount(
                len(self._receipts), self._seen, tuple(self._doubts), TreeSize(max(self._receipts, default=0))
            ),
            documents=None
            if documents is None
            else DocumentCount(documents.checked, tuple(documents.missing)),
            contradiction=contradiction,
            events=self._counts.list_events(),
            institutions=self._counts.list_institutions(),
            certificates=self._counts.count_certificates(self._replay.states),
            lots=self._counts.count_lots(self._replay.states),
        )


def _is_void(leaf: bytes) -> bool:
    """Say whether a header calls its leaf VOID: such a signature may be the reason, and is always verified."""
    return leaf[STATUS_OFFSET : STATUS_OFFSET + 1] == bytes([Status.VOID])


def _accept_verified(_signed: SignedStatement, _key: PublicKey, _origin: str) -> None:
    """Accept a signature that an earlier audit has verified."""
