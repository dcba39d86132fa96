"""How a document stood at a past instant, provable: its bundle from then, and what shows that nothing came after.

The bundle is under the last checkpoint that the log had signed by that instant. `later` is a newer state of the
same log: its first new leaf is of a later time, so that nothing happened in between; and it follows from the older
state, so that its anchor and its witnesses cover that as well. The instants are the log's own, which never go back.

>>> parse_as_of(encode_as_of(as_of)).at
datetime.datetime(2026, 3, 1, 1, 0, tzinfo=datetime.timezone.utc)
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ledger.core.anchor import AnchorReceipt, encode_receipt, parse_receipt
from ledger.core.bundle import MAX_BUNDLE_BYTES, ProofBundle, parse_bundle
from ledger.core.canonical import (
    JsonObject,
    as_object,
    encode_canonical_json,
    parse_canonical_json,
    respell_canonical_json,
)
from ledger.core.checkpoint import Checkpoint
from ledger.core.encoding import encode_base64, encode_instant, parse_base64
from ledger.core.entry import MAX_LEAF_BYTES, parse_leaf
from ledger.core.errors import VerificationError
from ledger.core.fields import Reader
from ledger.core.ids import LeafIndex
from ledger.core.merkle import hash_leaf, verify_consistency, verify_inclusion
from ledger.core.note import MAX_NOTE_BYTES

AS_OF_TYPE: Final = "hengzheng/as-of/v1"
MAX_AS_OF_BYTES: Final = 2 * MAX_BUNDLE_BYTES
_MAX_LEAF_TEXT: Final = (MAX_LEAF_BYTES + 2) // 3 * 4


@dataclass(frozen=True, slots=True)
class LaterState:
    """A newer state of the log; nothing is verified yet."""

    checkpoint: str
    """Signed note."""
    consistency: tuple[bytes, ...]
    """From the bundle's tree to this one, 32 bytes each (RFC 9162 §2.1.4)."""
    leaf: bytes
    """The first leaf that the bundle's tree does not hold."""
    inclusion: tuple[bytes, ...]
    """Of that leaf, 32 bytes each."""
    receipt: AnchorReceipt | None
    """Of this state's anchor."""


@dataclass(frozen=True, slots=True)
class AsOf:
    """A bundle of a past instant; nothing is verified yet."""

    at: datetime
    """Aware UTC, whole milliseconds."""
    bundle: ProofBundle
    later: LaterState | None
    """None: the log has no later state, and how long the older one held is not shown."""


def encode_as_of(at: datetime, bundle: bytes, later: LaterState | None) -> bytes:
    """Return the canonical bytes of the file.

    Args:
        at: the instant, aware UTC, whole milliseconds.
        bundle: as `encode_bundle` returned it.
        later: a newer state of the log.
    """
    inner = as_object(parse_canonical_json(bundle, max_bytes=MAX_BUNDLE_BYTES))
    members: JsonObject = {"type": AS_OF_TYPE, "at": encode_instant(at), "bundle": inner}
    if later is not None:
        members["later"] = _encode_later(later)
    return encode_canonical_json(members)


def _encode_later(later: LaterState) -> JsonObject:
    members: JsonObject = {
        "checkpoint": later.checkpoint,
        "consistency": [encode_base64(item) for item in later.consistency],
        "leaf": encode_base64(later.leaf),
        "inclusion": [encode_base64(item) for item in later.inclusion],
    }
    if later.receipt is not None:
        members["receipt"] = encode_receipt(later.receipt)
    return members


def parse_as_of(raw: bytes) -> AsOf:
    """Parse such a file, strictly; nothing in it is verified yet.

    Raises:
        InputError: not such a file.
    """
    reader = Reader(parse_canonical_json(raw, max_bytes=MAX_AS_OF_BYTES), "as_of")
    reader.text("type", max_bytes=40, pattern=AS_OF_TYPE)
    as_of = AsOf(
        reader.instant("at"),
        parse_bundle(respell_canonical_json(reader.members("bundle"))),
        _parse_later(reader.opt_object("later")),
    )
    reader.finish()
    return as_of


def _parse_later(reader: Reader | None) -> LaterState | None:
    if reader is None:
        return None
    receipt = reader.opt_object("receipt")
    later = LaterState(
        checkpoint=reader.lines("checkpoint", max_bytes=MAX_NOTE_BYTES),
        consistency=_parse_hashes(reader, "consistency"),
        leaf=parse_base64(reader.text("leaf", max_bytes=_MAX_LEAF_TEXT)),
        inclusion=_parse_hashes(reader, "inclusion"),
        receipt=None if receipt is None else parse_receipt(receipt),
    )
    reader.finish()
    return later


def _parse_hashes(reader: Reader, name: str) -> tuple[bytes, ...]:
    return tuple(parse_base64(text, size=32) for text in reader.texts(name, max_bytes=44, most=128))


def verify_nothing_between(at: datetime, older: Checkpoint, newer: Checkpoint, later: LaterState) -> None:
    """Check that a log's state of an instant was the older one.

    Args:
        at: the instant, aware UTC.
        older: verified; whether it was signed by then is for the caller to check.
        newer: what `later.checkpoint` says, verified.
        later: a newer state.

    Raises:
        InputError: the later leaf is malformed.
        VerificationError: the newer state does not follow from the older one, or had begun by then.
    """
    if newer.tree_size <= older.tree_size:
        raise VerificationError("the later state of the log is not a later one")
    sizes, roots = (older.tree_size, newer.tree_size), (older.root_hash, newer.root_hash)
    verify_consistency(*sizes, *roots, later.consistency)
    first = LeafIndex(older.tree_size)
    verify_inclusion(hash_leaf(later.leaf), first, newer.tree_size, later.inclusion, newer.root_hash)
    if parse_leaf(later.leaf).header.sequenced_at <= at:
        raise VerificationError(f"leaf {first} was in the log by then, and this does not show it")
