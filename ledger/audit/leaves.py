"""What an audit and a witness both ask of a published log: its leaves, and the root that the policy pins.

>>> leaves = read_entry_bundle(source, Tile(ENTRIES, 0, 256))
"""

from collections.abc import Sequence
from typing import Final

from ledger.audit.reading import TreeSource
from ledger.core.checkpoint import Checkpoint
from ledger.core.errors import ContradictionError, InputError, UnavailableError, VerificationError
from ledger.core.ids import RootHash, TreeSize
from ledger.core.merkle import HASH_SIZE, verify_consistency
from ledger.core.policy import Policy
from ledger.core.status import Registers
from ledger.core.tiles import MAX_ENTRY_BYTES, TILE_WIDTH, Tile, parse_entry_bundle, tile_path

CHECKPOINT: Final = "checkpoint"

MAX_ENTRY_BUNDLE_BYTES: Final = TILE_WIDTH * (MAX_ENTRY_BYTES + 2)


def read_entry_bundle(source: TreeSource, bundle: Tile) -> tuple[bytes, ...]:
    """Return the leaves of an entry bundle.

    Raises:
        ContradictionError: it is missing, or none.
        UnavailableError: the source is out of reach.
    """
    file = tile_path(bundle)
    raw = source.read(file, MAX_ENTRY_BUNDLE_BYTES)
    if raw is None:
        raise ContradictionError("is missing", file=file)
    try:
        return parse_entry_bundle(raw, bundle.width)
    except InputError as err:
        raise ContradictionError(err.reason, file=file) from err


def read_grown_bundle(source: TreeSource, bundle: Tile) -> tuple[bytes, ...]:
    """Return the leaves of a bundle; of a partial one that has grown since, the first of the whole one.

    Raises:
        ContradictionError: it is missing, or none.
        UnavailableError: the source is out of reach.
    """
    try:
        return read_entry_bundle(source, bundle)
    except ContradictionError:
        if bundle.width == TILE_WIDTH:
            raise
    whole = Tile(bundle.level, bundle.index, TILE_WIDTH)
    return read_entry_bundle(source, whole)[: bundle.width]


def fetch_tile(source: TreeSource, tile: Tile) -> bytes:
    """Return the hashes of a tile; of a partial one that has grown since, the first of the whole one.

    Raises:
        ContradictionError: it is missing.
        UnavailableError: the source is out of reach.
    """
    whole = Tile(tile.level, tile.index, TILE_WIDTH)
    for wanted in dict.fromkeys((tile, whole)):
        found = source.read(tile_path(wanted), TILE_WIDTH * HASH_SIZE)
        if found is not None:
            return found[: tile.width * HASH_SIZE]
    raise ContradictionError("is missing", file=tile_path(tile))


def require_shown(
    size: TreeSize, root_hash: RootHash, checkpoint: Checkpoint, proof: Sequence[bytes]
) -> None:
    """Check that what a server shows belongs to the tree that the log has signed.

    Args:
        size: of the beginning that is shown.
        root_hash: of that beginning.
        checkpoint: verified.
        proof: of consistency from there.

    Raises:
        UnavailableError: it does not; whose fault that is, nobody can tell.
    """
    try:
        verify_consistency(size, checkpoint.tree_size, root_hash, checkpoint.root_hash, proof)
    except VerificationError as err:
        raise UnavailableError(
            f"the log's server shows other leaves than those of the signed tree of {checkpoint.tree_size}"
        ) from err


def require_pinned_root(registers: Registers, policy: Policy, file: str) -> None:
    """Compare what leaf 0 has established with the policy; a later version of the root is compared at the end.

    Args:
        registers: after leaf 0.
        policy: pins root, origin and log key.
        file: where leaf 0 was read.

    Raises:
        ContradictionError: another root, or that of another log.
    """
    root = registers.root
    if root is None or (policy.root_version == 1 and policy.root_digest not in registers.roots):
        raise ContradictionError("is not the root that the policy pins", file=file, leaf_index=0)
    if (root.origin, root.log_key) != (policy.origin, policy.log_key):
        raise ContradictionError("is the root of another log", file=file, leaf_index=0)


def require_policy_root(registers: Registers, policy: Policy) -> None:
    """Require that the root that a policy pins is, or was, this log's.

    Args:
        registers: after the last leaf.
        policy: pins a version of the root.

    Raises:
        ContradictionError: the log has never had it.
    """
    if policy.root_digest not in registers.roots:
        raise ContradictionError("its log has never had the root that the policy pins", file=CHECKPOINT)
