"""What proofs of every kind are made of: tiles, pages of the status map, authority evidence; kept between proofs.

>>> parts = ProofParts()
>>> parts.build_evidence(reading, parts.maps.open(reading, tree_size), tree_size, InstitutionId("350100-01"))
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

from ledger.core.anchor import AnchorReceipt
from ledger.core.bundle import EarlierAnchor
from ledger.core.entry import parse_leaf
from ledger.core.evidence import Evidence
from ledger.core.fold import list_touched
from ledger.core.ids import InstitutionId, KeyId, LeafIndex, Subject, TreeSize
from ledger.core.merkle import build_inclusion_proof, build_multi_proof
from ledger.core.statement import parse_signed_statement
from ledger.core.tiles import Tile
from ledger.map_history import MapProofs, MapReading, ProvingMap
from ledger.named import Named
from ledger.register_index import RegisterIndex, RegisterReading
from ledger.store.records import StoredEntry
from ledger.tile_cache import TileCache

MAX_TILES: Final = 1024
"""Tiles that a prover keeps in memory, at most about 40 MB."""

MAX_MAP_ITEMS: Final = 250_000
"""Pages and subjects of the status map that a prover keeps between proofs, about 75 MB."""


class TileReading(Protocol):
    """Stored leaves and tiles, at one state of the log."""

    def read_leaves(self, begin: int, end: int) -> Sequence[bytes]:
        """Return the leaves with begin <= index < end; raise `LogIntegrityError` if one is missing."""
        ...

    def read_tiles(self, wanted: Sequence[Tile]) -> Mapping[Tile, bytes]:
        """Return tiles, cut to their widths; raise `LogIntegrityError` if one is missing or too short."""
        ...


class EvidenceReading(RegisterReading, MapReading, TileReading, Protocol):
    """What authority evidence is built from."""


class EarlierReceipts(Protocol):
    """Where leaves were anchored before."""

    def find_earlier(self, leaf_index: LeafIndex, at: datetime) -> AnchorReceipt | None:
        """Return the receipt of the newest final anchor of a time up to `at` that holds a leaf, if there is one."""
        ...


class ProofParts:
    """Parts of proofs from one store. Safe to share between threads."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        self.tiles: Final = TileCache(MAX_TILES)
        self.maps: Final = MapProofs(MAX_MAP_ITEMS)
        self.registers: Final = RegisterIndex()

    def build_evidence(
        self,
        reading: EvidenceReading,
        states: ProvingMap,
        tree_size: TreeSize,
        institution: InstitutionId | None,
        named: Named | None = None,
    ) -> Evidence:
        """Return the register leaves behind an institution's authority, with one proof for all.

        Args:
            reading: of the store.
            states: the status map at this size.
            tree_size: of the checkpoint under which they are proved.
            institution: whose; None: everybody's.
            named: by the document that is to be proved.

        Raises:
            NotFoundError: the institution is not registered at this size.
        """
        self.registers.update(reading, tree_size)
        chosen = self.registers.select(institution, tree_size, named)
        maker = () if named is None or named.maker is None else (named.maker,)
        return self._prove_leaves(reading, states, tree_size, chosen, maker)

    def build_roll_evidence(
        self,
        reading: EvidenceReading,
        states: ProvingMap,
        tree_size: TreeSize,
        roll: str | None,
        speaker: str | None,
    ) -> Evidence:
        """Return the register leaves behind a roll of stickers; of none, those of the root alone.

        Args:
            reading: of the store.
            states: the status map at this size.
            tree_size: of the checkpoint under which they are proved.
            roll: its 7 symbols; None, or one that is not in the log: the root alone.
            speaker: institution or authority that said the last of a sticker.
        """
        self.registers.update(reading, tree_size)
        chosen = self.registers.select_roll(roll, speaker, tree_size)
        return self._prove_leaves(reading, states, tree_size, chosen, ())

    def _prove_leaves(
        self,
        reading: EvidenceReading,
        states: ProvingMap,
        tree_size: TreeSize,
        chosen: Sequence[StoredEntry],
        further: Iterable[Subject],
    ) -> Evidence:
        read = self.tiles.reader(tree_size, reading.read_tiles)
        last = LeafIndex(tree_size - 1)
        proof = build_multi_proof([*(entry.leaf_index for entry in chosen), last], tree_size, read)
        subjects = {subject for entry in chosen for subject in _list_proved(entry)} | set(further)
        return Evidence(
            tuple((entry.leaf_index, entry.leaf) for entry in chosen),
            reading.read_leaves(last, tree_size)[0],
            proof,
            states.prove(subjects),
        )

    def find_earlier(
        self,
        reading: EvidenceReading,
        index: LeafIndex,
        key_id: KeyId,
        tree_size: TreeSize,
        receipts: EarlierReceipts | None,
    ) -> EarlierAnchor | None:
        """Return an anchor from before the time since which the key of a leaf is compromised, if it is."""
        since = self.registers.find_compromise(key_id, tree_size)
        receipt = None if since is None or receipts is None else receipts.find_earlier(index, since)
        if receipt is None:
            return None
        read = self.tiles.reader(receipt.tree_size, reading.read_tiles)
        return EarlierAnchor(build_inclusion_proof(index, receipt.tree_size, read), receipt)


def _list_proved(entry: StoredEntry) -> tuple[Subject, ...]:
    """Return the subjects whose newest state shows that no later register leaf was left out."""
    return list_touched(parse_signed_statement(parse_leaf(entry.leaf).statement_raw).statement)
