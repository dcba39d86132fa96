"""Which checkpoint the log publishes, and with which lines of witnesses.

Where witnesses are named, the published checkpoint is the newest that a quorum of them has cosigned; until there is
one, the newest of all. What is logged and not witnessed yet is proved under the newest checkpoint, and says so.

>>> find_published(reading, quorum).tree_size
1042
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from ledger.core.cosignature import add_lines, encode_witness
from ledger.core.errors import NotFoundError
from ledger.core.ids import TreeSize
from ledger.core.note import NoteSignature
from ledger.core.quorum import WitnessQuorum
from ledger.store.records import StoredCheckpoint, StoredCosignature


class CheckpointReading(Protocol):
    """Checkpoints and cosignatures, at one state of the log."""

    def read_newest_checkpoint(self) -> StoredCheckpoint | None:
        """Return the newest checkpoint; None in an empty log."""
        ...

    def read_checkpoint(self, tree_size: TreeSize) -> StoredCheckpoint | None:
        """Return the checkpoint of exactly this size."""
        ...

    def find_witnessed_size(self, witnesses: Sequence[str], threshold: int) -> TreeSize | None:
        """Return the newest size that so many of these witnesses have cosigned; None if there is none."""
        ...

    def read_cosignatures(self, tree_size: TreeSize) -> Mapping[str, StoredCosignature]:
        """Return the newest line of each witness under the checkpoint of this size, by its vkey."""
        ...


def find_witnessed(reading: CheckpointReading, quorum: WitnessQuorum) -> StoredCheckpoint | None:
    """Return the newest checkpoint with a quorum, with its lines; None if there is none."""
    size = reading.find_witnessed_size([encode_witness(one) for one in quorum.witnesses], quorum.threshold)
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
    """Return a checkpoint whose note has the lines of the named witnesses, in their order."""
    if quorum is None:
        return checkpoint
    stored = reading.read_cosignatures(checkpoint.tree_size)
    lines = [
        NoteSignature(witness.name, witness.key_id, stored[vkey].signature)
        for witness in quorum.witnesses
        if (vkey := encode_witness(witness)) in stored
    ]
    return replace(checkpoint, note=add_lines(checkpoint.note, lines)) if lines else checkpoint


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
            f"no checkpoint has been cosigned by {quorum.threshold} of {len(quorum.witnesses)} witnesses yet"
        )
    return found
