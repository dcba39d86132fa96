"""Which checkpoint the log publishes, and with which lines of witnesses.

Where witnesses are named, the published checkpoint is the newest that a quorum of them has cosigned; until there is
one, the newest of all. What is logged and not witnessed yet is proved under the newest checkpoint, and says so.

>>> find_published(reading, quorum).tree_size
1042
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Protocol

from ledger.core.cosignature import add_lines, encode_witness, parse_witness, verify_cosignature
from ledger.core.errors import InputError, NotFoundError
from ledger.core.ids import TreeSize
from ledger.core.note import NoteSignature, parse_note
from ledger.core.quorum import WitnessQuorum
from ledger.core.quorum_certificate import (
    MINUTE,
    BlsWitness,
    build_certificate,
    encode_bls_witness,
    parse_bls_witness,
    verify_share,
)
from ledger.store.records import StoredCheckpoint, StoredCosignature


class CheckpointReading(Protocol):
    """Checkpoints and cosignatures, at one state of the log."""

    def read_newest_checkpoint(self) -> StoredCheckpoint | None:
        """Return the newest checkpoint; None in an empty log."""
        ...

    def read_checkpoint(self, tree_size: TreeSize) -> StoredCheckpoint | None:
        """Return the checkpoint of exactly this size."""
        ...

    def find_witnessed_size(self, witnesses: Mapping[str, str], threshold: int) -> TreeSize | None:
        """Return the newest size that so many names have cosigned, by their vkeys; None if there is none."""
        ...

    def read_cosignatures(self, tree_size: TreeSize) -> Mapping[str, StoredCosignature]:
        """Return the newest signature of each witness under the checkpoint of this size, by its vkey."""
        ...


def find_witnessed(reading: CheckpointReading, quorum: WitnessQuorum) -> StoredCheckpoint | None:
    """Return the newest checkpoint with a quorum, with its lines; None if there is none."""
    size = reading.find_witnessed_size(quorum.names_by_vkey, quorum.threshold)
    found = None if size is None else reading.read_checkpoint(size)
    return None if found is None else attach_lines(reading, found, quorum)


def find_published(reading: CheckpointReading, quorum: WitnessQuorum | None) -> StoredCheckpoint | None:
    """Return the checkpoint that the log publishes; None in an empty log."""
    found = None if quorum is None else find_witnessed(reading, quorum)
    return found or find_newest(reading, quorum)


def find_newest(reading: CheckpointReading, quorum: WitnessQuorum | None) -> StoredCheckpoint | None:
    """Return the newest checkpoint, with the lines that it has so far; None in an empty log."""
    found = reading.read_newest_checkpoint()
    return None if found is None else attach_lines(reading, found, quorum)


def attach_lines(
    reading: CheckpointReading, checkpoint: StoredCheckpoint, quorum: WitnessQuorum | None
) -> StoredCheckpoint:
    """Return a checkpoint whose note has the lines of the named witnesses, in their order, then certificates."""
    if quorum is None:
        return checkpoint
    stored = reading.read_cosignatures(checkpoint.tree_size)
    lines = [
        NoteSignature(witness.name, witness.key_id, stored[vkey].signature)
        for witness in quorum.witnesses
        if (vkey := encode_witness(witness)) in stored
    ]
    lines += _certify(checkpoint, stored, quorum.bls)
    return replace(checkpoint, note=add_lines(checkpoint.note, lines)) if lines else checkpoint


def verify_stored(stored: StoredCosignature, vkey: str, body: str) -> int:
    """Check what is stored of a witness's signature; return its time, POSIX seconds.

    Args:
        stored: of either kind of key.
        vkey: says which kind.
        body: text of the checkpoint.

    Raises:
        InputError: not the vkey of a witness.
        VerificationError: the signature does not hold.
    """
    try:
        witness = parse_witness(vkey)
    except InputError:
        verify_share(stored.signature, body, stored.cosigned_at // MINUTE, parse_bls_witness(vkey))
        return stored.cosigned_at - stored.cosigned_at % MINUTE
    line = NoteSignature(witness.name, witness.key_id, stored.signature)
    return int(verify_cosignature(line, body, witness).cosigned_at.timestamp())


def _certify(
    checkpoint: StoredCheckpoint, stored: Mapping[str, StoredCosignature], witnesses: tuple[BlsWitness, ...]
) -> list[NoteSignature]:
    """Return one certificate for each minute in which some of these witnesses have signed last, newest first."""
    found = {one: stored[vkey] for one in witnesses if (vkey := encode_bls_witness(one)) in stored}
    times = sorted({share.cosigned_at for share in found.values()}, reverse=True)
    return [
        _build_certificate(
            checkpoint.note,
            at,
            tuple((one, share.signature) for one, share in found.items() if share.cosigned_at == at),
            witnesses,
        )
        for at in times
    ]


@lru_cache(maxsize=64)
def _build_certificate(
    note: str, seconds: int, shares: tuple[tuple[BlsWitness, bytes], ...], witnesses: tuple[BlsWitness, ...]
) -> NoteSignature:
    """Add signatures up once, not for every reader of the checkpoint."""
    return build_certificate(parse_note(note).text, seconds // MINUTE, dict(shares), witnesses)


def find_anchorable(reading: CheckpointReading, quorum: WitnessQuorum | None) -> StoredCheckpoint | None:
    """Return the newest checkpoint that may go to the chain; None in an empty log.

    Raises:
        NotFoundError: no checkpoint has a quorum yet.
    """
    if quorum is None:
        return reading.read_newest_checkpoint()
    found = find_witnessed(reading, quorum)
    if found is None:
        raise NotFoundError(
            f"no checkpoint has been cosigned by {quorum.threshold} of {len(quorum.names)} witnesses yet"
        )
    return found
