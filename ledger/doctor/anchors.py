"""Follows the moves of anchors from the first on: each must be one that the table of moves has.

>>> history = follow_moves(rows, roots, {1, 2})
>>> history.ways[1].newest.state
<AnchorState.FINAL: 'final'>
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ledger.core.anchor import ANCHOR_MOVES, SETTLED_STATES, AnchorState
from ledger.core.errors import DamagedRowError
from ledger.core.ids import RootHash, TreeSize
from ledger.doctor.derived import is_same, show
from ledger.store.scan import RawRow, RawRows
from ledger.store.tables import anchor_moves

HASH_BYTES: Final = 32

PLACED_STATES: Final = SETTLED_STATES | {AnchorState.INCLUDED, AnchorState.SAFE}
"""An anchor names its transaction and block in these, and in no other."""

_STANDING: Final = PLACED_STATES - {AnchorState.INCLUDED}
"""These come after `included`, about the same transaction and block."""

_ABOUT_NONE: Final = frozenset({AnchorState.DRAFTED, AnchorState.REPLACED})
"""Moves to these are about no transaction."""


@dataclass(frozen=True, slots=True)
class Move:
    """One move, every column of it."""

    id: int
    anchor_id: Any
    tree_size: TreeSize
    state: AnchorState
    tx_hash: bytes | None
    block_number: int | None
    block_hash: bytes | None
    reason: str
    at_ms: int

    def damaged(self, column: str, expected: str, reason: str = "") -> DamagedRowError:
        """Return the error that names this row."""
        return DamagedRowError("anchor_moves", f"id {show(self.id)}", column, expected, reason)


@dataclass(slots=True)
class Way:
    """What the moves of one anchor say of it."""

    first: Move
    newest: Move


@dataclass(slots=True)
class History:
    """Where all moves have led."""

    ways: dict[Any, Way] = field(default_factory=dict)
    """By id of the anchor."""
    submitted: dict[bytes, list[Move]] = field(default_factory=dict)
    """By transaction: the moves that sent it on its way."""


def follow_moves(rows: RawRows, roots: Mapping[TreeSize, RootHash], anchor_ids: Collection[Any]) -> History:
    """Follow every move of every anchor, in their order.

    Args:
        rows: of the log's tables.
        roots: root under every checkpoint.
        anchor_ids: of the anchors that are stored.

    Raises:
        DamagedRowError: the first move that cannot have been.
    """
    history, newest_ms = History(), 0
    for number, row in enumerate(rows.scan(anchor_moves), start=1):
        move = _open(row, number)
        if move.anchor_id not in anchor_ids:
            raise move.damaged("anchor_id", "the id of an anchor")
        if move.tree_size not in roots:
            raise move.damaged("tree_size", "the size of a checkpoint")
        if not isinstance(move.at_ms, int) or move.at_ms < newest_ms:
            raise move.damaged("at_ms", f"{newest_ms} or later", "the move before it is of then")
        newest_ms = move.at_ms
        _follow(history, move)
    return history


def _open(row: RawRow, number: int) -> Move:
    """Return a row as a move; the state is one of the known, and the words are there."""
    if not is_same(number, row[0]):
        raise DamagedRowError("anchor_moves", f"id {number}", "", "there", "moves are numbered without a gap")
    move = Move(*row)
    if move.state not in set(AnchorState):
        raise move.damaged("state", f"one of {', '.join(AnchorState)}")
    if not isinstance(move.reason, str):
        raise move.damaged("reason", "words")
    return replace(move, state=AnchorState(move.state))


def _follow(history: History, move: Move) -> None:
    way = history.ways.get(move.anchor_id)
    before = None if way is None else way.newest
    _check_state(move, before)
    if before is not None and move.state is not AnchorState.DRAFTED and move.tree_size != before.tree_size:
        raise move.damaged("tree_size", str(before.tree_size), f"move {before.id} says so")
    _check_place(move, before)
    _check_transaction(move, before, history)
    if way is None:
        history.ways[move.anchor_id] = Way(move, move)
    else:
        way.newest = move
    if move.state is AnchorState.SUBMITTED and move.tx_hash is not None:
        history.submitted.setdefault(move.tx_hash, []).append(move)


def _check_state(move: Move, before: Move | None) -> None:
    allowed = {AnchorState.DRAFTED} if before is None else ANCHOR_MOVES[before.state]
    if move.state not in allowed:
        since = "it is the anchor's first" if before is None else f"move {before.id} led to {before.state}"
        raise move.damaged("state", " or ".join(sorted(allowed)), since)


def _check_place(move: Move, before: Move | None) -> None:
    """Check the block: there where the head stands in one, and the same as long as it stands there."""
    if move.state in _STANDING and before is not None:
        for column in ("block_number", "block_hash"):
            if not is_same(getattr(before, column), getattr(move, column)):
                raise move.damaged(column, show(getattr(before, column)), f"move {before.id} says so")
    elif move.state is AnchorState.INCLUDED:
        if not isinstance(move.block_number, int) or move.block_number < 0:
            raise move.damaged("block_number", "the number of a block")
        if not _is_hash(move.block_hash):
            raise move.damaged("block_hash", "the hash of a block")
    else:
        for column in ("block_number", "block_hash"):
            if getattr(move, column) is not None:
                raise move.damaged(column, "None", f"{move.state} is about no block")


def _check_transaction(move: Move, before: Move | None, history: History) -> None:
    if move.state in _ABOUT_NONE:
        if move.tx_hash is not None:
            raise move.damaged("tx_hash", "None", f"{move.state} is about no transaction")
        return
    if not _is_hash(move.tx_hash):
        raise move.damaged("tx_hash", "the hash of a transaction")
    is_kept = move.state in _STANDING or move.state is AnchorState.REORGED
    if is_kept and before is not None and not is_same(before.tx_hash, move.tx_hash):
        raise move.damaged("tx_hash", show(before.tx_hash), f"move {before.id} says so")
    if move.state is AnchorState.FAILED and move.tx_hash not in history.submitted:
        raise move.damaged("tx_hash", "the hash of a transaction that was submitted")


def _is_hash(value: object) -> bool:
    return isinstance(value, bytes) and len(value) == HASH_BYTES
