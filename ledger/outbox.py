"""Re-reads the outbox of anchors: receipts, transactions, and the contract they are for.

>>> check_outbox(rows, replay, roots)
3
"""

from collections.abc import Mapping
from typing import Any, Final

from ledger.chain.transactions import TransactionFields, parse_transaction
from ledger.core.anchor import (
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
from ledger.derived import Difference, is_same_row, name_key
from ledger.store.scan import RawRow, RawRows, get_key
from ledger.store.tables import anchor_attempts, anchors, meta

NOTES: Final = {"anchors": ("id", "created_at_ms", "updated_at_ms"), "anchor_attempts": ("created_at_ms",)}
"""Columns that nothing signed and no leaf repeats: when the sender did what, and in which order."""

_WORD: Final = 32
_SELECTOR: Final = 4


def check_outbox(rows: RawRows, replay: Replay, roots: Mapping[TreeSize, RootHash]) -> int:
    """Compare every anchor with its checkpoint and receipt, every transaction with what it says.

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
    ids: dict[Any, Any] = {}
    final = 0
    waiting: dict[Any, RawRow] = {}
    for row in rows.scan(anchors):
        ids[row[0]] = row[4]
        if row[3] == AnchorState.SUBMITTED:
            waiting[row[0]] = row
        receipt = _check_anchor(row, replay, roots)
        if receipt is not None:
            final += 1
            chains.add(receipt.chain)
            _check_chain(rows, receipt.chain)
    contracts = {chain.contract for chain in chains}
    for row in rows.scan(anchor_attempts):
        _check_attempt(row, ids, roots, contracts)
        waiting.pop(row[1], None)
    for row in waiting.values():
        raise _damaged(row, "state", "an earlier one", "no transaction of it is stored")
    return final


def _check_anchor(row: RawRow, replay: Replay, roots: Mapping[TreeSize, RootHash]) -> AnchorReceipt | None:
    values = dict(zip(anchors.columns.keys(), row, strict=True))
    size = values["tree_size"]
    if size not in roots:
        raise _damaged(row, "tree_size", "the size of a checkpoint")
    if values["state"] not in set(AnchorState):
        raise _damaged(row, "state", f"one of {', '.join(AnchorState)}")
    if (values["state"] == AnchorState.FINAL) != (values["receipt"] is not None):
        raise _damaged(row, "state", "final exactly where there is a receipt")
    expected = values | {"root_hash": roots[size]}
    receipt = None
    if values["receipt"] is None:
        expected |= _list_unknown(values["state"])
    else:
        receipt = _open_receipt(row, values["receipt"], replay)
        expected |= _list_receipt(receipt)
    wanted = tuple(expected.values())
    if not is_same_row(wanted, row):
        raise Difference(anchors, get_key(anchors, row), wanted, row).describe()
    return receipt


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


def _list_unknown(state: str) -> dict[str, None]:
    """Return the columns that are empty as long as an anchor has not come further than this."""
    if state in {AnchorState.DRAFTED, AnchorState.SUBMITTED}:
        return dict.fromkeys(("tx_hash", "block_number", "block_hash", "block_time"))
    return {"block_time": None}


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
    row: RawRow, ids: Mapping[Any, Any], roots: Mapping[TreeSize, RootHash], contracts: set[bytes]
) -> None:
    values = dict(zip(anchor_attempts.columns.keys(), row, strict=True))
    key = name_key(anchor_attempts, get_key(anchor_attempts, row))
    if not isinstance(values["raw"], bytes):
        raise DamagedRowError("anchor_attempts", key, "raw", "a signed transaction")
    try:
        sent = parse_transaction(values["raw"])
    except InputError as err:
        raise DamagedRowError("anchor_attempts", key, "raw", "a signed transaction", str(err)) from err
    owners = [number for number, tx_hash in ids.items() if tx_hash == sent.hash]
    if values["anchor_id"] not in (owners or ids):
        raise DamagedRowError("anchor_attempts", key, "anchor_id", "the id of an anchor")
    expected = values | {
        "tx_hash": sent.hash,
        "nonce": sent.nonce,
        "max_fee_per_gas": sent.fees.max_fee_wei,
        "priority_fee_per_gas": sent.fees.priority_fee_wei,
    }
    wanted = tuple(expected.values())
    if not is_same_row(wanted, row):
        raise Difference(anchor_attempts, get_key(anchor_attempts, row), wanted, row).describe()
    _check_call(key, sent, roots, contracts)


def _check_call(
    key: str, sent: TransactionFields, roots: Mapping[TreeSize, RootHash], contracts: set[bytes]
) -> None:
    """Check that a transaction anchors a head of this log, in the contract that the receipts name."""
    words = sent.data[_SELECTOR:]
    size, root = int.from_bytes(words[_WORD : 2 * _WORD]), words[2 * _WORD : 3 * _WORD]
    if roots.get(TreeSize(size)) != root:
        expected = f"a transaction that anchors one of our heads, not {encode_hex(root)} at {size} leaves"
        raise DamagedRowError("anchor_attempts", key, "raw", expected)
    if contracts and sent.to not in contracts:
        expected = "a transaction to the contract of the receipts"
        raise DamagedRowError("anchor_attempts", key, "raw", expected)


def _damaged(row: RawRow, column: str, expected: str, reason: str = "") -> DamagedRowError:
    return DamagedRowError("anchors", name_key(anchors, get_key(anchors, row)), column, expected, reason)
