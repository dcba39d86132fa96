"""Re-reads the outbox of anchors: moves, receipts, transactions, and the contract they are for.

>>> check_outbox(rows, replay, roots)
3
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ledger.chain.transactions import TransactionFields, parse_transaction
from ledger.core.anchor import (
    SETTLED_STATES,
    AnchorReceipt,
    AnchorState,
    ChainIdentity,
    encode_chain_identity,
    encode_receipt,
    parse_receipt,
    verify_receipt,
)
from ledger.core.canonical import encode_canonical_json, parse_canonical_json
from ledger.core.encoding import encode_hex
from ledger.core.errors import DamagedRowError, InputError, VerificationError
from ledger.core.fields import Reader
from ledger.core.ids import RootHash, TreeSize
from ledger.core.replay import Replay
from ledger.doctor.anchors import PLACED_STATES, History, Move, Way, follow_moves
from ledger.doctor.derived import Difference, is_same, is_same_row, name_key, show
from ledger.store.scan import RawRow, RawRows, get_key
from ledger.store.tables import anchor_attempts, anchors, meta

_WORD: Final = 32
_SELECTOR: Final = 4


def check_outbox(rows: RawRows, replay: Replay, roots: Mapping[TreeSize, RootHash]) -> int:
    """Compare every anchor with its moves, checkpoint and receipt, every transaction with what it says.

    Args:
        rows: of the log's tables.
        replay: at its end.
        roots: root under every checkpoint.

    Returns:
        How many anchors are final.

    Raises:
        DamagedRowError: the first row that is not what it must be.
    """
    chains: set[ChainIdentity] = set()
    final = 0
    under_way: list[RawRow] = []
    history = follow_moves(rows, roots, {row[0] for row in rows.scan(anchors)})
    for row in rows.scan(anchors):
        final += row[3] == AnchorState.FINAL
        receipt = _check_anchor(row, history, replay, roots)
        if receipt is not None:
            chains.add(receipt.chain)
            _check_chain(rows, receipt.chain)
        elif under_way:
            settled = " or ".join(sorted(SETTLED_STATES))
            raise _damaged(row, "state", settled, "another anchor is under way, and there is one sender")
        else:
            under_way.append(row)
    contracts = {chain.contract for chain in chains}
    missing = dict(history.submitted)
    unsent: list[bytes] = []
    for row in rows.scan(anchor_attempts):
        _check_attempt(row, history, roots, contracts)
        if missing.pop(row[0], None) is None:
            unsent.append(row[0])
    _require_pairs(missing, unsent)
    return final


def _require_pairs(missing: Mapping[bytes, Sequence[Move]], unsent: Sequence[bytes]) -> None:
    """Check that every transaction was sent by a move, and that every one that was sent is stored."""
    for tx_hash, moves in missing.items():
        if unsent:  # what is stored proves its own hash
            raise moves[0].damaged("tx_hash", " or ".join(map(show, unsent)), "no such transaction is stored")
        key = name_key(anchor_attempts, (tx_hash,))
        raise DamagedRowError("anchor_attempts", key, "", "there", f"move {moves[0].id} of an anchor sent it")
    for tx_hash in unsent:
        key = name_key(anchor_attempts, (tx_hash,))
        raise DamagedRowError("anchor_attempts", key, "", "absent", "no move of an anchor sent it")


def _check_anchor(
    row: RawRow, history: History, replay: Replay, roots: Mapping[TreeSize, RootHash]
) -> AnchorReceipt | None:
    values = dict(zip(anchors.columns.keys(), row, strict=True))
    way = history.ways.get(row[0])
    if way is None:
        raise _damaged(row, "id", "the id of an anchor that was queued", "no move is of it")
    expected = values | _list_moved(way)
    expected |= {"root_hash": roots[way.newest.tree_size], "block_time": None}
    receipt = None
    if way.newest.state in SETTLED_STATES:
        receipt = _open_receipt(row, values["receipt"], replay)
        expected |= _list_receipt(receipt)
    else:
        expected |= {"receipt": None}
    wanted = tuple(expected.values())
    if not is_same_row(wanted, row):
        at = next(at for at, value in enumerate(wanted) if not is_same(value, row[at]))
        reason = f"is {show(row[at])}; move {way.newest.id}, checkpoint or receipt say otherwise"
        raise _damaged(row, anchors.columns.keys()[at], show(wanted[at]), reason)
    if receipt is not None and receipt.tx_hash != way.newest.tx_hash:
        raise way.newest.damaged("tx_hash", show(receipt.tx_hash), "the receipt says so")
    return receipt


def _list_moved(way: Way) -> dict[str, Any]:
    """Return the columns of an anchor that repeat its moves."""
    newest = way.newest
    return {
        "tree_size": newest.tree_size,
        "state": newest.state.value,
        "tx_hash": newest.tx_hash if newest.state in PLACED_STATES else None,
        "block_number": newest.block_number,
        "block_hash": newest.block_hash,
        "created_at_ms": way.first.at_ms,
        "updated_at_ms": newest.at_ms,
    }


def _open_receipt(row: RawRow, raw: Any, replay: Replay) -> AnchorReceipt:  # noqa: ANN401 -- as stored
    root = replay.registers.root
    if root is None or not isinstance(raw, bytes):
        raise _damaged(row, "receipt", "a receipt signed by the log")
    try:
        receipt = parse_receipt(Reader(parse_canonical_json(raw), "receipt"))
        verify_receipt(receipt, root.log_key)
    except (InputError, VerificationError) as err:
        raise _damaged(row, "receipt", "a receipt signed by the log", str(err)) from err
    return receipt


def _list_receipt(receipt: AnchorReceipt) -> dict[str, Any]:
    """Return the columns that repeat what a receipt says."""
    return {
        "tree_size": receipt.tree_size,
        "root_hash": receipt.root_hash,
        "tx_hash": receipt.tx_hash,
        "block_number": receipt.block_number,
        "block_hash": receipt.block_hash,
        "block_time": int(receipt.anchored_at.timestamp()),
        "receipt": encode_canonical_json(encode_receipt(receipt)),
    }


def _check_chain(rows: RawRows, chain: ChainIdentity) -> None:
    """Compare what the database was made for with what a receipt says."""
    stored = {row[0]: row[1] for row in rows.scan(meta)}
    for name, value in encode_chain_identity(chain).items():
        if stored.get(name) != str(value):
            raise DamagedRowError("meta", f"key {name!r}", "value", repr(str(value)), "a receipt says so")


def _check_attempt(
    row: RawRow, history: History, roots: Mapping[TreeSize, RootHash], contracts: set[bytes]
) -> None:
    values = dict(zip(anchor_attempts.columns.keys(), row, strict=True))
    key = name_key(anchor_attempts, get_key(anchor_attempts, row))
    if not isinstance(values["raw"], bytes):
        raise DamagedRowError("anchor_attempts", key, "raw", "a signed transaction")
    try:
        sent = parse_transaction(values["raw"])
    except InputError as err:
        raise DamagedRowError("anchor_attempts", key, "raw", "a signed transaction", str(err)) from err
    expected = values | {
        "tx_hash": sent.hash,
        "nonce": sent.nonce,
        "max_fee_per_gas": sent.fees.max_fee_wei,
        "priority_fee_per_gas": sent.fees.priority_fee_wei,
    }
    wanted = tuple(expected.values())
    if not is_same_row(wanted, row):
        raise Difference(anchor_attempts, get_key(anchor_attempts, row), wanted, row).describe()
    moves = history.submitted.get(sent.hash, [])
    repeated = {"anchor_id": "anchor_id", "created_at_ms": "at_ms"}
    for column, of_move in repeated.items():
        said = [getattr(move, of_move) for move in moves]
        if moves and not any(is_same(value, values[column]) for value in said):
            shown = " or ".join(sorted(map(show, said)))
            raise DamagedRowError("anchor_attempts", key, column, shown, f"move {moves[0].id} sent it")
    _check_call(key, sent, moves, roots, contracts)


def _check_call(
    key: str,
    sent: TransactionFields,
    moves: Sequence[Move],
    roots: Mapping[TreeSize, RootHash],
    contracts: set[bytes],
) -> None:
    """Check that a transaction anchors the head that its moves are about, in the contract of the receipts."""
    words = sent.data[_SELECTOR:]
    size, root = int.from_bytes(words[_WORD : 2 * _WORD]), words[2 * _WORD : 3 * _WORD]
    if roots.get(TreeSize(size)) != root:
        expected = f"a transaction that anchors one of our heads, not {encode_hex(root)} at {size} leaves"
        raise DamagedRowError("anchor_attempts", key, "raw", expected)
    for move in moves:
        if move.tree_size != size:
            raise move.damaged("tree_size", str(size), "its transaction says so")
    if contracts and sent.to not in contracts:
        expected = "a transaction to the contract of the receipts"
        raise DamagedRowError("anchor_attempts", key, "raw", expected)


def _damaged(row: RawRow, column: str, expected: str, reason: str = "") -> DamagedRowError:
    return DamagedRowError("anchors", name_key(anchors, get_key(anchors, row)), column, expected, reason)
