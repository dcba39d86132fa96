r"""Cosignatures: witnesses' timestamped signatures over a checkpoint (C2SP tlog-cosignature, Ed25519).

    — w1.example GsqknQAAAABpo4GAVMdx…       key id (4) ‖ POSIX time (8) ‖ Ed25519 signature (64)

A witness says with it that, at this time, this is the largest tree that it has seen of this log, and that all it
had seen before is a part of it. Rules it keeps: lines stand in any order, the log's need not be the first; lines
of unknown keys are ignored; a line of a known witness must hold, or the whole note falls; of several lines of one
witness the newest counts.

>>> line = sign_cosignature("ledger.example/2026\n8\nMu2a…\n", Witness(name, signer.public_key), signer, at)
>>> [found.witness.name for found in open_cosignatures(note + encode_line(line), [witness])]
['w1.example']
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from ledger.core.errors import BrokenSignatureError, MalformedDocumentError
from ledger.core.note import (
    NoteSignature,
    SignedNote,
    check_key_name,
    compute_note_key_id,
    encode_line,
    parse_note,
    read_vkey,
    spell_vkey,
)
from ledger.core.signature import Algorithm, PublicKey, Signer, verify_signature

COSIGNATURE_TYPE: Final = 4
"""Signature type byte of cosignature/v1."""

MAX_COSIGNED_SECONDS: Final = 253_402_300_799
"""Latest time that is read: the end of the year 9999."""

_TIME_BYTES: Final = 8
_SIGNATURE_BYTES: Final = 64


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness's Ed25519 key under its name; the name is not signed, so no key serves two witnesses.

    Raises:
        MalformedDocumentError: a bad name, or not an Ed25519 key.
    """

    name: str
    key: PublicKey

    def __post_init__(self) -> None:
        check_key_name(self.name)
        if self.key.algorithm is not Algorithm.ED25519:
            raise MalformedDocumentError("witnesses sign with Ed25519 keys only")

    @property
    def key_id(self) -> bytes:
        """The 4 bytes that, with the name, say which witness made a line."""
        return compute_note_key_id(self.name, COSIGNATURE_TYPE, self.key.raw)


@dataclass(frozen=True, slots=True)
class Cosignature:
    """One verified line of a known witness."""

    witness: Witness
    cosigned_at: datetime
    """Aware UTC, whole seconds; the witness's clock."""
    line: NoteSignature


def encode_witness(witness: Witness) -> str:
    """Return the vkey of a witness: `<name>+<key id, 8 hex digits>+<base64 of 0x04 and key>`."""
    return spell_vkey(witness.name, COSIGNATURE_TYPE, witness.key)


def parse_witness(vkey: str) -> Witness:
    """Return the witness that a vkey stands for.

    Raises:
        InputError: another form or signature type, a bad name, a key id that is not this key's, a key that
            the admission rule refuses.
    """
    return Witness(*read_vkey(vkey, COSIGNATURE_TYPE))


def sign_cosignature(body: str, witness: Witness, signer: Signer, cosigned_at: datetime) -> NoteSignature:
    """Return a witness's line over a checkpoint.

    Args:
        body: text of the checkpoint, ended by a newline, without signature lines.
        witness: under whose name; its key is the signer's.
        signer: Ed25519.
        cosigned_at: aware UTC; cut to whole seconds.
    """
    seconds = int(cosigned_at.timestamp())
    signature = signer.sign(_compute_message(body, seconds))
    return NoteSignature(witness.name, witness.key_id, seconds.to_bytes(_TIME_BYTES) + signature)


def verify_cosignature(line: NoteSignature, body: str, witness: Witness) -> Cosignature:
    """Check one line of this witness.

    Raises:
        BrokenSignatureError: it does not hold, or is not a time and a signature.
    """
    raw = line.signature
    seconds = int.from_bytes(raw[:_TIME_BYTES])
    if len(raw) != _TIME_BYTES + _SIGNATURE_BYTES or seconds > MAX_COSIGNED_SECONDS:
        raise BrokenSignatureError(f"the cosignature of {witness.name} is no time and signature")
    try:
        verify_signature(witness.key, raw[_TIME_BYTES:], _compute_message(body, seconds))
    except BrokenSignatureError as err:
        raise BrokenSignatureError(f"the cosignature of {witness.name} does not hold") from err
    return Cosignature(witness, datetime.fromtimestamp(seconds, UTC), line)


def open_cosignatures(note: str | bytes, witnesses: Iterable[Witness]) -> tuple[Cosignature, ...]:
    """Return what known witnesses have signed of a note: of each the newest, in their order.

    The log's own signature is not looked at, see `checkpoint.verify_checkpoint`.

    Args:
        note: the whole note; lines of others are ignored.
        witnesses: known ones.

    Raises:
        InputError: not a signed note.
        BrokenSignatureError: a line of a known witness does not hold.
    """
    parsed = parse_note(note)
    found = (_find_newest(parsed, witness) for witness in witnesses)
    return tuple(item for item in found if item is not None)


def add_lines(note: str, lines: Sequence[NoteSignature]) -> str:
    """Return a signed note with further signature lines at its end; nothing is verified.

    Args:
        note: as `note.encode_note` gives it.
        lines: any number.
    """
    return note + "".join(encode_line(line) for line in lines)


def _find_newest(parsed: SignedNote, witness: Witness) -> Cosignature | None:
    name = witness.name, witness.key_id
    lines = [line for line in parsed.signatures if (line.name, line.key_id) == name]
    found = [verify_cosignature(line, parsed.text, witness) for line in lines]
    return max(found, key=lambda item: item.cosigned_at, default=None)


def _compute_message(body: str, seconds: int) -> bytes:
    """Return what a witness signs (C2SP tlog-cosignature, "Ed25519 signed message")."""
    return f"cosignature/v1\ntime {seconds}\n{body}".encode()
