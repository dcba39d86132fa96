"""What an audit and a witness both ask of a published log: its leaves, and the root that the policy pins.

>>> leaves = read_entry_bundle(source, Tile(ENTRIES, 0, 256))
"""

from typing import Final

from ledger.audit.reading import TreeSource
from ledger.core.errors import ContradictionError, InputError
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
