"""Proofs of how stickers stand, and that the ledger lacks something, from stored leaves and maps.

>>> StickerProver(store, prover).prove(parse_sticker_id("7KQ2M9X001RCCF83"), checkpoint)
b'{"checkpoint":...'
"""

from ledger.core.absence_proof import (
    AbsenceProof,
    MissingCertificate,
    MissingVerification,
    encode_absence_proof,
    list_missing_subjects,
)
from ledger.core.anchor import AnchorReceipt
from ledger.core.entry import parse_leaf
from ledger.core.errors import InputError, LogIntegrityError, VerificationError
from ledger.core.ids import LeafIndex, TreeSize
from ledger.core.map_proof import open_map_proof
from ledger.core.maphead import get_map_root
from ledger.core.merkle import build_inclusion_proof
from ledger.core.statement import SignedStatement, parse_signed_statement
from ledger.core.sticker import StickerId, find_roll
from ledger.core.sticker_proof import (
    StickerEvent,
    StickerProof,
    encode_sticker_proof,
    list_place_subjects,
    list_roll_subjects,
    read_sticker_event,
)
from ledger.core.sticker_use import StickerBinding
from ledger.map_history import ProvingMap, read_maphead
from ledger.proof_parts import EarlierReceipts
from ledger.proving import ProofReading, ProofStore, Prover
from ledger.store.records import StoredCheckpoint


class StickerProver:
    """Proves from one store. Safe to share between threads.

    Every method raises `UnavailableError` when the store is out of reach, and `LogIntegrityError` when it
    contradicts itself.
    """

    def __init__(self, store: ProofStore, prover: Prover) -> None:
        """Take the store, and the prover over it, whose tiles, maps and registers serve here too."""
        self._store = store
        self._prover = prover

    def prove(
        self,
        sticker: StickerId,
        checkpoint: StoredCheckpoint,
        receipt: AnchorReceipt | None = None,
        receipts: EarlierReceipts | None = None,
    ) -> bytes:
        """Return the proof of how a sticker stands.

        Args:
            sticker: its id, which anybody may have made up.
            checkpoint: what it is proved under.
            receipt: of the anchor of this checkpoint.
            receipts: of older anchors; None: none are looked for.
        """
        size, parts = checkpoint.tree_size, self._prover.parts
        with self._store.read() as reading:
            states = parts.maps.open(reading, size)
            subjects = list_roll_subjects(sticker)
            index = self._find_last_event(reading, states, size, sticker)
            event, signed = None, None
            if index is not None:
                event, signed, binding = self._read_event(reading, size, index, receipts)
                subjects += list_place_subjects(binding)
            speaker = None if signed is None else signed.statement.issuer
            proof = StickerProof(
                self._prover.origin,
                checkpoint.note,
                sticker,
                parts.build_roll_evidence(reading, states, size, find_roll(sticker), speaker),
                event,
                states.prove(subjects),
                receipt,
            )
        return encode_sticker_proof(proof)

    def prove_absence(
        self,
        missing: MissingCertificate | MissingVerification,
        checkpoint: StoredCheckpoint,
        receipt: AnchorReceipt | None = None,
    ) -> bytes:
        """Return the file that shows that the ledger lacks something; whether it does is for the caller to know."""
        size, parts = checkpoint.tree_size, self._prover.parts
        with self._store.read() as reading:
            states = parts.maps.open(reading, size)
            evidence = parts.build_roll_evidence(reading, states, size, None, None)
            shown = states.prove(list_missing_subjects(missing))
        return encode_absence_proof(
            AbsenceProof(self._prover.origin, checkpoint.note, missing, evidence, shown, receipt)
        )

    @staticmethod
    def _find_last_event(
        reading: ProofReading, states: ProvingMap, size: TreeSize, sticker: StickerId
    ) -> LeafIndex | None:
        """Return which leaf said the last of a sticker, by the map at this size; None: nothing was said."""
        _, subject = list_roll_subjects(sticker)
        root = get_map_root(read_maphead(reading, size))
        try:
            state = open_map_proof(states.prove([subject]), root).find(subject)
        except VerificationError as err:
            raise LogIntegrityError(f"the status map of {size} leaves contradicts itself: {err}") from err
        return None if state is None else state.last_event

    def _read_event(
        self,
        reading: ProofReading,
        size: TreeSize,
        index: LeafIndex,
        receipts: EarlierReceipts | None,
    ) -> tuple[StickerEvent, SignedStatement, StickerBinding]:
        parts = self._prover.parts
        (raw,) = reading.read_leaves(index, index + 1)
        try:
            leaf = parse_leaf(raw)
            signed = parse_signed_statement(leaf.statement_raw)
            content = read_sticker_event(signed)
        except (InputError, VerificationError) as err:
            raise LogIntegrityError(f"leaf {index} cannot be read: {err}") from err
        parts.registers.update(reading, size)
        event = StickerEvent(
            index,
            leaf.header,
            leaf.statement_raw,
            build_inclusion_proof(index, size, parts.tiles.reader(size, reading.read_tiles)),
            parts.find_earlier(reading, index, signed.key_id, size, receipts),
        )
        return event, signed, content if isinstance(content, StickerBinding) else content.binding
