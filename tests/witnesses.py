"""Witnesses by name, their cosignatures, and a policy that asks for them.

>>> note = cosign(ledger.checkpoint(), NOW, "w1", "w2")
>>> ledger.session(witnesses=make_quorum("w1", "w2", "w3", threshold=2))
"""

from datetime import datetime

from ledger_in_memory import make_signer

from ledger.core.cosignature import Witness, add_lines, sign_cosignature
from ledger.core.note import NoteSignature, parse_note
from ledger.core.quorum import WitnessQuorum


def make_witness(name: str) -> Witness:
    """Return the witness `<name>.example`."""
    return Witness(f"{name}.example", make_signer(name).public_key)


def make_quorum(*names: str, threshold: int) -> WitnessQuorum:
    return WitnessQuorum(tuple(make_witness(name) for name in names), threshold)


def cosign(note: str, at: datetime, *names: str) -> str:
    """Return a note with one more line by each of these witnesses."""
    body = parse_note(note).text
    lines = [sign_cosignature(body, make_witness(name), make_signer(name), at) for name in names]
    return add_lines(note, lines)


def cosign_falsely(note: str, name: str) -> str:
    """Return a note with a line that names this witness and is not its."""
    witness = make_witness(name)
    return add_lines(note, [NoteSignature(witness.name, witness.key_id, bytes(72))])
