"""A fork proof: two signed checkpoints of one log that cannot both be true.

>>> verify_fork(parse_fork(raw), NoteVerifier(origin, log_key))
'the log has signed two different states of 8 leaves'
"""

from dataclasses import dataclass
from typing import Final

from ledger.core.canonical import encode_canonical_json, parse_canonical_json
from ledger.core.checkpoint import require_log, verify_checkpoint
from ledger.core.errors import VerificationError
from ledger.core.fields import Reader
from ledger.core.note import MAX_NOTE_BYTES, NoteVerifier

FORK_TYPE: Final = "hengzheng/fork/v1"
MAX_FORK_BYTES: Final = 4 * MAX_NOTE_BYTES


@dataclass(frozen=True, slots=True)
class Fork:
    """Two signed notes; nothing is verified yet."""

    origin: str
    first: str
    second: str


def encode_fork(fork: Fork) -> bytes:
    """Return the canonical bytes of the file."""
    members = {"type": FORK_TYPE, "origin": fork.origin, "first": fork.first, "second": fork.second}
    return encode_canonical_json(dict(members))


def parse_fork(raw: bytes) -> Fork:
    """Parse a fork proof, strictly; nothing in it is verified yet.

    Raises:
        InputError: not such a file.
    """
    reader = Reader(parse_canonical_json(raw, max_bytes=MAX_FORK_BYTES), "fork")
    reader.text("type", max_bytes=40, pattern=FORK_TYPE)
    fork = Fork(
        reader.text("origin", max_bytes=120),
        reader.lines("first", max_bytes=MAX_NOTE_BYTES),
        reader.lines("second", max_bytes=MAX_NOTE_BYTES),
    )
    reader.finish()
    return fork


def verify_fork(fork: Fork, log: NoteVerifier) -> str:
    """Return in which way the log has contradicted itself.

    Args:
        fork: parsed, not verified.
        log: who must have signed both.

    Raises:
        InputError: one of them is not a checkpoint.
        PolicyMismatchError: it is about another log, or one of them is of another.
        VerificationError: not signed by this log, or the two agree.
    """
    require_log(fork.origin, log)
    first, second = verify_checkpoint(fork.first, log), verify_checkpoint(fork.second, log)
    if first.tree_size != second.tree_size:
        raise VerificationError("the two checkpoints are of different sizes: one may follow from the other")
    if first.root_hash == second.root_hash:
        raise VerificationError("the two checkpoints are the same")
    return f"the log has signed two different states of {first.tree_size} leaves"
