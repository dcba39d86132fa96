"""Anchor receipt: what the log says about the transaction that carried one of its tree heads to a chain.

The log key signs every field. Offline a receipt is "stated by the log, not looked up"; only a look at the
contract itself makes it "seen on chain". `ANCHOR_MOVES` is the whole way of a tree head to its receipt.

>>> verify_receipt(parse_receipt(members), log_key)
>>> require_move(AnchorState.INCLUDED, AnchorState.REORGED)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Final

from ledger.core.canonical import JsonObject, JsonValue, encode_canonical_json, parse_canonical_json
from ledger.core.constants import RECEIPT_DOMAIN
from ledger.core.encoding import encode_hex, encode_instant
from ledger.core.errors import LogIntegrityError, MalformedDocumentError
from ledger.core.fields import Reader
from ledger.core.ids import RootHash, TreeSize
from ledger.core.signature import PublicKey, Signer, verify_signature

RECEIPT_TYPE: Final = "hengzheng/receipt/v1"
ANCHORS_TYPE: Final = "hengzheng/anchors/v1"
MAX_RECEIPTS: Final = 200_000
"""Most receipts in one list."""

MAX_ANCHORS_BYTES: Final = 160 * 1024 * 1024

DEVELOPMENT_CHAIN_IDS: Final = frozenset({1337, 31337, 131277322940537})
"""Chain ids that development nodes use: geth and Besu, anvil and Hardhat, eth-tester. Nobody who relies on
certificates may believe such a chain: anybody can make one with any history."""


class AnchorState(StrEnum):
    """Where a tree head is on its way to the chain."""

    DRAFTED = "drafted"
    """Queued; nothing is signed. It moves along with the checkpoint that is to be anchored next."""
    SUBMITTED = "submitted"
    """Signed transactions with one nonce are stored, and sent."""
    INCLUDED = "included"
    """A block holds the event with this size and root."""
    SAFE = "safe"
    """The node's `safe` block has reached that block; asked only where `finalized` is the rule."""
    FINAL = "final"
    """The finality rule holds, and the receipt is signed."""
    REORGED = "reorged"
    """The block is gone, before it was final."""
    REPLACED = "replaced"
    """Another transaction of the account took the nonce, or the nonce went back; it is built anew."""
    FAILED = "failed"
    """Mined without effect; it is built anew."""
    LOST = "lost"
    """The block is gone although it was final: an alarm. The receipt is kept, and handed out to nobody."""
    DISMISSED = "dismissed"
    """A person has seen that it is lost: a newer anchor takes its place."""


ANCHOR_MOVES: Final[Mapping[AnchorState, frozenset[AnchorState]]] = {
    AnchorState.DRAFTED: frozenset({AnchorState.DRAFTED, AnchorState.SUBMITTED, AnchorState.INCLUDED}),
    AnchorState.SUBMITTED: frozenset(
        {AnchorState.SUBMITTED, AnchorState.INCLUDED, AnchorState.REPLACED, AnchorState.FAILED}
    ),
    AnchorState.INCLUDED: frozenset({AnchorState.SAFE, AnchorState.FINAL, AnchorState.REORGED}),
    AnchorState.SAFE: frozenset({AnchorState.FINAL, AnchorState.REORGED}),
    AnchorState.FINAL: frozenset({AnchorState.LOST}),
    AnchorState.REORGED: frozenset(
        {
            AnchorState.DRAFTED,
            AnchorState.SUBMITTED,
            AnchorState.INCLUDED,
            AnchorState.REPLACED,
            AnchorState.FAILED,
        }
    ),
    AnchorState.REPLACED: frozenset({AnchorState.DRAFTED, AnchorState.SUBMITTED, AnchorState.INCLUDED}),
    AnchorState.FAILED: frozenset({AnchorState.DRAFTED, AnchorState.SUBMITTED, AnchorState.INCLUDED}),
    AnchorState.LOST: frozenset({AnchorState.FINAL, AnchorState.DISMISSED}),
    AnchorState.DISMISSED: frozenset({AnchorState.DRAFTED}),
}
"""State -> what may come next. Nothing else ever happens to an anchor; `submitted` to itself is a dearer
transaction, `drafted` to itself a newer checkpoint."""

SETTLED_STATES: Final = frozenset({AnchorState.FINAL, AnchorState.LOST, AnchorState.DISMISSED})
"""Nothing is under way in these; there is at most one anchor in any other."""

UNSENT_STATES: Final = frozenset({AnchorState.DRAFTED, AnchorState.REPLACED, AnchorState.FAILED})
"""A transaction is to be signed in these."""


def require_move(before: AnchorState, after: AnchorState) -> None:
    """Check a move of an anchor against the table.

    Raises:
        LogIntegrityError: it is not in there.
    """
    if after not in ANCHOR_MOVES[before]:
        raise LogIntegrityError(f"no anchor goes from {before} to {after}")


class AnchorGrade(StrEnum):
    """How settled the block was when the receipt was signed."""

    INCLUDED = "included"
    SAFE = "safe"
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class ChainIdentity:
    """Which contract on which chain holds this log's heads."""

    chain_id: int
    genesis_hash: bytes
    """32 bytes: hash of block 0."""
    contract: bytes
    """20 bytes."""
    log_id: bytes
    """32 bytes, as the contract computes it."""

    @property
    def is_development(self) -> bool:
        """Say whether this chain id is one that development nodes use."""
        return self.chain_id in DEVELOPMENT_CHAIN_IDS


@dataclass(frozen=True, slots=True)
class AnchorReceipt:
    """One anchored tree head."""

    chain: ChainIdentity
    tree_size: TreeSize
    root_hash: RootHash
    tx_hash: bytes
    block_number: int
    block_hash: bytes
    anchored_at: datetime
    """Time of the block, aware UTC, whole seconds."""
    grade: AnchorGrade
    signature: bytes
    """64 bytes by the log key."""


def encode_chain_identity(chain: ChainIdentity) -> JsonObject:
    """Return the four members that name a contract."""
    return {
        "chain_id": chain.chain_id,
        "genesis_hash": encode_hex(chain.genesis_hash),
        "contract": encode_hex(chain.contract),
        "log_id": encode_hex(chain.log_id),
    }


def parse_chain_identity(reader: Reader) -> ChainIdentity:
    """Take the four members that name a contract from a reader.

    Raises:
        InputError: a member is missing or malformed.
    """
    return ChainIdentity(
        chain_id=reader.integer("chain_id", 0, 2**53 - 1),
        genesis_hash=reader.hex("genesis_hash", 32),
        contract=reader.hex("contract", 20),
        log_id=reader.hex("log_id", 32),
    )


def sign_receipt(
    chain: ChainIdentity,
    tree_size: TreeSize,
    root_hash: RootHash,
    tx_hash: bytes,
    block_number: int,
    block_hash: bytes,
    anchored_at: datetime,
    grade: AnchorGrade,
    signer: Signer,
) -> AnchorReceipt:
    """Return a receipt signed by the log key."""
    unsigned = AnchorReceipt(
        chain, tree_size, root_hash, tx_hash, block_number, block_hash, anchored_at, grade, b""
    )
    signature = signer.sign(_signed_bytes(unsigned))
    return AnchorReceipt(
        chain, tree_size, root_hash, tx_hash, block_number, block_hash, anchored_at, grade, signature
    )


def verify_receipt(receipt: AnchorReceipt, log_key: PublicKey) -> None:
    """Check the log's signature over every field.

    Raises:
        BrokenSignatureError: not signed by this log.
    """
    verify_signature(log_key, receipt.signature, _signed_bytes(receipt))


def encode_receipt(receipt: AnchorReceipt) -> JsonObject:
    """Return the receipt as it stands in a bundle."""
    return _members(receipt) | {"signature": encode_hex(receipt.signature)}


def parse_receipt(reader: Reader) -> AnchorReceipt:
    """Parse a receipt.

    Raises:
        InputError: not a receipt.
    """
    reader.text("type", max_bytes=40, pattern=RECEIPT_TYPE)
    receipt = AnchorReceipt(
        chain=parse_chain_identity(reader),
        tree_size=TreeSize(reader.integer("tree_size", 1, 2**53 - 1)),
        root_hash=RootHash(reader.hex("root_hash", 32)),
        tx_hash=reader.hex("tx_hash", 32),
        block_number=reader.integer("block_number", 0, 2**53 - 1),
        block_hash=reader.hex("block_hash", 32),
        anchored_at=reader.instant("anchored_at"),
        grade=reader.enum("grade", AnchorGrade),
        signature=reader.hex("signature", 64),
    )
    reader.finish()
    return receipt


@dataclass(frozen=True, slots=True)
class AnchorList:
    """Every receipt that a log has, beside its tiles: `anchors.json`."""

    origin: str
    receipts: tuple[AnchorReceipt, ...]
    """By ascending tree size, each size once."""


def encode_anchor_list(origin: str, receipts: Sequence[AnchorReceipt]) -> bytes:
    """Return the canonical bytes of a list of receipts, which come by ascending tree size."""
    items: list[JsonValue] = [encode_receipt(receipt) for receipt in receipts]
    return encode_canonical_json({"type": ANCHORS_TYPE, "origin": origin, "receipts": items})


def parse_anchor_list(raw: bytes) -> AnchorList:
    """Parse a list of receipts; no signature is checked.

    Raises:
        InputError: not such a file.
    """
    reader = Reader(parse_canonical_json(raw, max_bytes=MAX_ANCHORS_BYTES), "anchors")
    reader.text("type", max_bytes=40, pattern=ANCHORS_TYPE)
    items = reader.objects("receipts", most=MAX_RECEIPTS)
    anchors = AnchorList(reader.text("origin", max_bytes=120), tuple(parse_receipt(item) for item in items))
    reader.finish()
    if any(earlier.tree_size >= later.tree_size for earlier, later in pairwise(anchors.receipts)):
        raise MalformedDocumentError("expected receipts by ascending tree size", field="anchors.receipts")
    return anchors


def _members(receipt: AnchorReceipt) -> JsonObject:
    return encode_chain_identity(receipt.chain) | {
        "type": RECEIPT_TYPE,
        "tree_size": receipt.tree_size,
        "root_hash": encode_hex(receipt.root_hash),
        "tx_hash": encode_hex(receipt.tx_hash),
        "block_number": receipt.block_number,
        "block_hash": encode_hex(receipt.block_hash),
        "anchored_at": encode_instant(receipt.anchored_at),
        "grade": receipt.grade.value,
    }


def _signed_bytes(receipt: AnchorReceipt) -> bytes:
    return RECEIPT_DOMAIN + encode_canonical_json(_members(receipt))
