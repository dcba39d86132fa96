r"""What a log asks of a witness, and what the witness answers (C2SP tlog-witness, `POST /add-checkpoint`).

    old 8                                             the size that the witness cosigned last
    rzFuy5Go7nrpkhBwKy1HWPMM3eO/YePY54fXRoH5Cm4=      consistency proof from there, at most 63 hashes

    ledger.example/2026                               the checkpoint, signed by the log
    13
    YYiZpXV+nKGhFL436ydyxjDf19WnYUtQdkHGUzti3cY=

    — ledger.example/2026 YWKZoAQ/kSqK…

The answer is one or more signature lines. Rules: one spelling each way; nothing is verified here.

>>> parse_request(encode_request(request)) == request
True
"""

import re
from dataclasses import dataclass
from typing import Final

from ledger.core.encoding import encode_base64, parse_base64
from ledger.core.errors import MalformedDocumentError
from ledger.core.ids import TreeSize
from ledger.core.merkle import HASH_SIZE
from ledger.core.note import MAX_SIGNATURES, NoteSignature, parse_line

MAX_HASHES: Final = 63
"""A tree has less than 2^63 leaves."""

MAX_REQUEST_BYTES: Final = 128 * 1024
"""Longest request that is read: the proof takes 3 kB, a signature line with a post-quantum key 3.3 kB."""

MAX_ANSWER_BYTES: Final = 64 * 1024
"""Longest answer that is read."""

_OLD: Final = re.compile(r"old (0|[1-9][0-9]{0,18})")
_SIZE: Final = re.compile(r"(0|[1-9][0-9]{0,18})\n")


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """One request, unverified."""

    old_size: TreeSize
    proof: tuple[bytes, ...]
    """32 bytes each, in the order of RFC 6962 §2.1.2."""
    note: str
    """The signed checkpoint, verbatim."""


def encode_request(request: AddCheckpoint) -> bytes:
    """Return the body of a request (C2SP tlog-witness, "add-checkpoint")."""
    lines = [f"old {request.old_size}", *(encode_base64(item) for item in request.proof), "", request.note]
    return "\n".join(lines).encode()


def parse_request(raw: bytes) -> AddCheckpoint:
    """Take the body of a request apart.

    Raises:
        InputError: not such a body.
    """
    if len(raw) > MAX_REQUEST_BYTES:
        raise MalformedDocumentError(f"a request has at most {MAX_REQUEST_BYTES} bytes")
    try:
        head, blank, note = raw.decode().partition("\n\n")
    except UnicodeDecodeError as err:
        raise MalformedDocumentError("a request is valid UTF-8") from err
    first, *hashes = head.split("\n")
    match = _OLD.fullmatch(first)
    if match is None or not blank:
        raise MalformedDocumentError("a request is `old <size>`, a proof, a blank line and a checkpoint")
    if len(hashes) > MAX_HASHES:
        raise MalformedDocumentError(f"a proof has at most {MAX_HASHES} hashes")
    proof = tuple(parse_base64(line, size=HASH_SIZE) for line in hashes)
    return AddCheckpoint(TreeSize(int(match[1])), proof, note)


def parse_answer(raw: bytes) -> tuple[NoteSignature, ...]:
    """Return the signature lines that a witness answers.

    Raises:
        InputError: not such lines.
    """
    try:
        text = raw[: MAX_ANSWER_BYTES + 1].decode()
    except UnicodeDecodeError as err:
        raise MalformedDocumentError("an answer is valid UTF-8") from err
    lines = text.split("\n")
    if lines[-1] or len(lines) < 2 or len(lines) > MAX_SIGNATURES + 1:
        raise MalformedDocumentError("an answer is one or more signature lines, each ended by a newline")
    return tuple(parse_line(line) for line in lines[:-1])


def parse_size(raw: bytes) -> TreeSize:
    """Return the size that a witness names in a conflict: decimal, ended by a newline.

    Raises:
        InputError: not such a body.
    """
    match = _SIZE.fullmatch(raw[:32].decode("ascii", "replace"))
    if match is None or len(raw) > 32:
        raise MalformedDocumentError("a size is a decimal number without leading zeros, ended by a newline")
    return TreeSize(int(match[1]))
