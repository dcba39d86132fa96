"""A proof in one file (C2SP tlog-proof): index, inclusion proof, checkpoint; its suffix is `.tlog-proof`.

    c2sp.org/tlog-proof@v1
    extra SFpMMSEQAAAAAAGcpwQYCA…
    index 5
    rzFuy5Go7nrpkhBwKy1HWPMM3eO/YePY54fXRoH5Cm4=

    ledger.example/2026
    8
    YYiZpXV+nKGhFL436ydyxjDf19WnYUtQdkHGUzti3cY=

    — ledger.example/2026 YWKZoAQ/kSqK…

Rules it keeps: one spelling each way; the extra data, which nothing signs, is only a help to find the leaf's
bytes: our log puts the leaf's 128-byte header there, which whoever holds the statement lacks.

>>> proof = parse_tlog_proof(raw)
>>> verify_tlog_proof(proof, proof.extra + statement_raw, log).tree_size
8
"""

import re
from dataclasses import dataclass
from typing import Final

from ledger.core.checkpoint import Checkpoint, verify_checkpoint
from ledger.core.encoding import encode_base64, parse_base64
from ledger.core.errors import MalformedDocumentError
from ledger.core.ids import LeafIndex
from ledger.core.merkle import HASH_SIZE, MAX_TREE_SIZE, hash_leaf, verify_inclusion
from ledger.core.note import MAX_NOTE_BYTES, NoteVerifier

HEADER_LINE: Final = "c2sp.org/tlog-proof@v1"
MAX_HASHES: Final = 63
"""A tree has less than 2^63 leaves."""

MAX_EXTRA_BYTES: Final = 65_535
_MAX_BYTES: Final = MAX_NOTE_BYTES + 2 * MAX_EXTRA_BYTES
_INDEX: Final = re.compile(r"index (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class TlogProof:
    """One proof; nothing is verified yet.

    Raises:
        MalformedDocumentError: a member is out of range.
    """

    leaf_index: LeafIndex
    inclusion: tuple[bytes, ...]
    """Sibling hashes from leaf to root, 32 bytes each."""
    checkpoint: str
    """The signed note, verbatim."""
    extra: bytes = b""
    """Whatever an application needs to find the leaf's bytes; nothing signs it. Empty: no such line."""

    def __post_init__(self) -> None:
        if not 0 <= self.leaf_index < MAX_TREE_SIZE:
            raise MalformedDocumentError("is outside 0 to 2^63 - 2", field="index")
        if len(self.inclusion) > MAX_HASHES or any(len(item) != HASH_SIZE for item in self.inclusion):
            raise MalformedDocumentError(f"a proof has at most {MAX_HASHES} hashes of {HASH_SIZE} bytes")
        if len(self.extra) > MAX_EXTRA_BYTES or not 0 < len(self.checkpoint) <= MAX_NOTE_BYTES:
            raise MalformedDocumentError("a proof has a checkpoint, and at most 65,535 bytes of extra data")


def encode_tlog_proof(proof: TlogProof) -> str:
    """Return the proof as the text of its file (C2SP tlog-proof, "Format")."""
    extra = [f"extra {encode_base64(proof.extra)}"] if proof.extra else []
    hashes = [encode_base64(item) for item in proof.inclusion]
    return "\n".join([HEADER_LINE, *extra, f"index {proof.leaf_index}", *hashes, "", proof.checkpoint])


def parse_tlog_proof(raw: bytes) -> TlogProof:
    """Parse a proof file; the checkpoint is left as it stands.

    Raises:
        InputError: not such a file.
    """
    head, blank, checkpoint = _decode(raw).partition("\n\n")
    header, *lines = head.split("\n")
    if header != HEADER_LINE or not blank:
        raise MalformedDocumentError(
            f"a proof begins with {HEADER_LINE} and holds a checkpoint after a blank line"
        )
    extra = b""
    if lines and lines[0].startswith("extra "):
        extra = parse_base64(lines.pop(0).removeprefix("extra "))
        if not extra:
            raise MalformedDocumentError("where there is no extra data there is no such line", field="extra")
    match = _INDEX.fullmatch(lines[0]) if lines else None
    if match is None:
        raise MalformedDocumentError("is a decimal number without leading zeros", field="index")
    hashes = tuple(parse_base64(line, size=HASH_SIZE) for line in lines[1:])
    return TlogProof(LeafIndex(int(match[1])), hashes, checkpoint, extra)


def verify_tlog_proof(proof: TlogProof, leaf: bytes, log: NoteVerifier) -> Checkpoint:
    """Check that a leaf is in the log, and return the checkpoint under which it is.

    Args:
        proof: parsed.
        leaf: the leaf's bytes: header, then statement.
        log: whose checkpoint it must be; lines of witnesses are not looked at.

    Raises:
        InputError: the checkpoint is none, or one of another log.
        BrokenSignatureError: the log did not sign the checkpoint.
        InclusionProofError: the leaf is not at that index under it.
    """
    checkpoint = verify_checkpoint(proof.checkpoint, log)
    verify_inclusion(
        hash_leaf(leaf), proof.leaf_index, checkpoint.tree_size, proof.inclusion, checkpoint.root_hash
    )
    return checkpoint


def _decode(raw: bytes) -> str:
    if len(raw) > _MAX_BYTES:
        raise MalformedDocumentError(f"a proof has at most {_MAX_BYTES} bytes")
    try:
        return raw.decode()
    except UnicodeDecodeError as err:
        raise MalformedDocumentError("a proof is valid UTF-8") from err
