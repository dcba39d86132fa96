"""Checkpoint: the log's signed statement of its size and root (C2SP tlog-checkpoint).

The signed text is exactly three lines:

    example.com/log
    42
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

Rules it keeps: the origin is also the name of the log's key; no extension lines, because no monitor could
audit them; the size has no leading zeros and is below 2^63; the root has 32 bytes and is that of the empty
tree for size 0.

>>> signer = Ed25519Signer(bytes(32))
>>> checkpoint = Checkpoint("example.com/log", TreeSize(0), EMPTY_ROOT)
>>> note = sign_checkpoint(checkpoint, signer)
>>> verify_checkpoint(note, NoteVerifier("example.com/log", signer.public_key)) == checkpoint
True
"""

import re
from dataclasses import dataclass

from ledger.core.encoding import encode_base64, parse_base64
from ledger.core.errors import MalformedDocumentError, PolicyMismatchError
from ledger.core.ids import RootHash, TreeSize
from ledger.core.merkle import EMPTY_ROOT, HASH_SIZE, MAX_TREE_SIZE
from ledger.core.note import NoteSigner, NoteVerifier, check_key_name, open_note, parse_note, sign_note
from ledger.core.signature import Signer

_TREE_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One tree head of one log.

    Raises:
        MalformedDocumentError: a member is out of range, or the empty tree has another root than it can have.
    """

    origin: str
    """Identity of the log and name of its key, as `example.com/log`: no spaces, no `+`."""
    tree_size: TreeSize
    """0 to 2^63 - 1 leaves."""
    root_hash: RootHash
    """32 bytes."""

    def __post_init__(self) -> None:
        check_key_name(self.origin)
        if not 0 <= self.tree_size <= MAX_TREE_SIZE:
            raise MalformedDocumentError(f"{self.tree_size} is outside 0 to 2^63 - 1", field="tree_size")
        if len(self.root_hash) != HASH_SIZE:
            raise MalformedDocumentError(
                f"has {HASH_SIZE} bytes, not {len(self.root_hash)}", field="root_hash"
            )
        if self.tree_size == 0 and self.root_hash != EMPTY_ROOT:
            raise MalformedDocumentError("is not the root of the empty tree", field="root_hash")


def encode_checkpoint_body(checkpoint: Checkpoint) -> str:
    """Return the three lines that are signed, each ended by a newline (C2SP tlog-checkpoint, "Note text")."""
    return f"{checkpoint.origin}\n{checkpoint.tree_size}\n{encode_base64(checkpoint.root_hash)}\n"


def parse_checkpoint_body(body: str) -> Checkpoint:
    """Return the checkpoint that a note's text states.

    Raises:
        InputError: not the three lines of a checkpoint, or an extension line.
    """
    lines = body.split("\n")
    if len(lines) != 4 or lines[3]:
        raise MalformedDocumentError("a checkpoint is the three lines origin, size and root, and no others")
    origin, size, root, _ = lines
    if not _TREE_SIZE.fullmatch(size):
        raise MalformedDocumentError(
            "is a decimal number without leading zeros, below 2^63", field="tree_size"
        )
    return Checkpoint(origin, TreeSize(int(size)), RootHash(parse_base64(root, size=HASH_SIZE)))


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> str:
    """Return the signed note; the key's name is the origin.

    Raises:
        MalformedDocumentError: the signer's key is not an Ed25519 key.
    """
    return sign_note(encode_checkpoint_body(checkpoint), [NoteSigner(checkpoint.origin, signer)])


def verify_checkpoint(note: str | bytes, log: NoteVerifier) -> Checkpoint:
    """Return the checkpoint that this log signed; lines of witnesses are not looked at.

    Raises:
        InputError: not a signed note, or its text is not a checkpoint.
        PolicyMismatchError: the checkpoint of another log.
        BrokenSignatureError: the log's key did not sign, or its signature does not verify.
    """
    checkpoint = parse_checkpoint_body(parse_note(note).text)
    require_log(checkpoint.origin, log)
    open_note(note, [log])
    return checkpoint


def require_log(origin: str, log: NoteVerifier) -> None:
    """Refuse what is of, or about, another log.

    Raises:
        PolicyMismatchError: it names another origin.
    """
    if origin != log.name:
        raise PolicyMismatchError(f"this is of the log {origin[:80]}, expected {log.name}")
