"""Proofs from stored tiles: inclusion, consistency, authority evidence, and whole bundles.

Everything here is read from committed state and changes nothing; any number of provers, in any process,
answer alike. A proof is for the tree size of a signed checkpoint.

>>> prover = Prover(store, "ledger.example/2026")
>>> checkpoint = prover.newest_checkpoint()
>>> prover.bundles([LeafIndex(5)], checkpoint)
[b'{"certificate":...']
"""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Final, Protocol, TypeVar

from ledger.core.anchor import AnchorReceipt
from ledger.core.as_of import LaterState, encode_as_of
from ledger.core.bundle import encode_bundle
from ledger.core.canonical import JsonObject, as_object, parse_canonical_json, reread_canonical_json
from ledger.core.certificate import MAX_CERTIFICATE_BYTES
from ledger.core.encoding import encode_instant
from ledger.core.entry import HEADER_BYTES, Leaf, parse_leaf
from ledger.core.errors import ContentWithheldError, NotFoundError
from ledger.core.event import ISSUE_TYPES
from ledger.core.evidence import Evidence, encode_evidence
from ledger.core.fold import list_touched
from ledger.core.ids import CertificateNumber, Digest, InstitutionId, LeafIndex, Subject, TreeSize
from ledger.core.merkle import (
    build_consistency_proof,
    build_inclusion_proof,
)
from ledger.core.qr import ALPHABET, ShortCode
from ledger.core.quorum import WitnessQuorum
from ledger.core.register_fields import Name
from ledger.core.statement import SignedStatement, parse_signed_statement
from ledger.core.status import SubjectState
from ledger.core.tiles import ENTRIES, TILE_WIDTH, Tile, compute_tile_width, encode_entry_bundle, tile_path
from ledger.core.tlog_proof import TlogProof, encode_tlog_proof
from ledger.cosigning.publishing import (
    CheckpointReading,
    attach_lines,
    find_newest,
    find_published,
    find_witnessed,
)
from ledger.named import Named, find_named, list_related
from ledger.proof_parts import EarlierReceipts, EvidenceReading, ProofParts, TileReading
from ledger.store.records import StoredCheckpoint, StoredEntry, Withheld, compute_statement_name
from ledger.wire import MapAnswer

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_CODE_BITS: Final = 75
_NAME_BITS: Final = 256
_T = TypeVar("_T")


class ProofReading(CheckpointReading, EvidenceReading, Protocol):
    """What is asked of one state of the log."""

    def find_checkpoint_at(self, at_ms: int) -> StoredCheckpoint | None:
        """Return the newest checkpoint that was signed by an instant, milliseconds since 1970-01-01 UTC."""
        ...

    def read_leaves_at(self, indices: Sequence[LeafIndex]) -> Mapping[LeafIndex, bytes]:
        """Return the leaves at these indices; what is not stored is left out."""
        ...

    def read_documents(self, digests: Sequence[Digest]) -> Mapping[Digest, bytes]:
        """Return the documents with these SHA-256 digests; what is not stored is left out."""
        ...

    def count_withheld(self) -> int:
        """Return how many documents are withheld."""
        ...

    def find_withheld(self, digest: Digest) -> Withheld | None:
        """Return why a document is withheld; None: it is not."""
        ...

    def find_entries(self, names: Sequence[bytes]) -> Mapping[bytes, StoredEntry]:
        """Return the entries of statements with these names."""
        ...

    def find_entry_in(self, first: bytes, last: bytes) -> StoredEntry | None:
        """Return the oldest entry whose statement has a name from `first` to `last`."""
        ...

    def find_issue(self, issuer: str, number: str) -> StoredEntry | None:
        """Return the issue with this certificate number."""
        ...

    def find_states(self, wanted: Sequence[Subject]) -> Mapping[Subject, SubjectState]:
        """Return the newest states of these subjects; whoever has none is left out."""
        ...


class ProofStore(Protocol):
    """Where the log lives."""

    def read(self) -> AbstractContextManager[ProofReading]:
        """Open a view of one committed state that does not change while its block is entered."""
        ...


class Prover:
    """Answers from the stored log. Safe to share between threads.

    Every method raises `UnavailableError` when the store is out of reach, and `LogIntegrityError` when it
    contradicts itself.
    """

    def __init__(self, store: ProofStore, origin: str, quorum: WitnessQuorum | None = None) -> None:
        """Read nothing yet.

        Args:
            store: where the log lives.
            origin: name of the log.
            quorum: whose lines stand under checkpoints; None: the log has no witnesses.
        """
        self._store = store
        self.origin: Final = origin
        self.quorum: Final = quorum
        self.parts: Final = ProofParts()
        self._tiles = self.parts.tiles
        self._maps = self.parts.maps
        self._known_size = 0

    # --- looking up -----------------------------------------------------------------------------------------

    def newest_checkpoint(self) -> StoredCheckpoint:
        """Return the newest checkpoint, with the lines of witnesses that it has so far.

        Raises:
            NotFoundError: the log is empty.
        """
        with self._store.read() as reading:
            return _require(find_newest(reading, self.quorum), "the log is empty")

    def published_checkpoint(self) -> StoredCheckpoint:
        """Return the checkpoint that everybody reads: where there are witnesses, the newest with a quorum.

        Raises:
            NotFoundError: the log is empty.
        """
        with self._store.read() as reading:
            return _require(find_published(reading, self.quorum), "the log is empty")

    def witnessed_size(self) -> TreeSize:
        """Return how many leaves a quorum of witnesses has cosigned; 0 if none."""
        with self._store.read() as reading:
            found = None if self.quorum is None else find_witnessed(reading, self.quorum)
        return TreeSize(0) if found is None else found.tree_size

    def checkpoint_over(self, leaf_index: LeafIndex) -> StoredCheckpoint:
        """Return the published checkpoint if it holds a leaf, else the newest.

        Raises:
            NotFoundError: the log is empty.
        """
        with self._store.read() as reading:
            return _require(_find_over(reading, leaf_index, self.quorum), "the log is empty")

    def checkpoint(self, tree_size: TreeSize) -> StoredCheckpoint:
        """Return the checkpoint of exactly this size, with its lines.

        Raises:
            NotFoundError: none was signed.
        """
        with self._store.read() as reading:
            found = _require(reading.read_checkpoint(tree_size), f"no checkpoint has size {tree_size}")
            return attach_lines(reading, found, self.quorum)

    def find_statement(self, raw: bytes) -> StoredEntry:
        """Return the entry of a signed statement, as printed in a QR code.

        Raises:
            NotFoundError: it is not in the log.
        """
        name = compute_statement_name(raw)
        with self._store.read() as reading:
            return _require(reading.find_entries([name]).get(name), "this statement is not in the ledger")

    def find_indices(self, names: Sequence[bytes]) -> list[LeafIndex]:
        """Return the leaves of statements, by their names, see `store.records`; some hundreds at a time.

        Raises:
            NotFoundError: one is not in the log.
        """
        with self._store.read() as reading:
            found = reading.find_entries(names)
        absent = "one of these statements is not in the ledger"
        return [_require(found.get(name), absent).leaf_index for name in names]

    def find_code(self, code: ShortCode) -> StoredEntry:
        """Return the entry whose statement has this short code; the oldest, if ever two had the same.

        Raises:
            NotFoundError: none has.
        """
        first, last = _find_names(code)
        with self._store.read() as reading:
            return _require(reading.find_entry_in(first, last), "no statement in the ledger has this code")

    def find_issue(self, issuer: InstitutionId, number: CertificateNumber) -> StoredEntry:
        """Return the issue of a certificate number.

        Raises:
            NotFoundError: there is none.
        """
        with self._store.read() as reading:
            found = reading.find_issue(issuer, number)
        return _require(found, f"institution {issuer} has no certificate {number} in the ledger")

    def find_state(self, subject: Subject) -> SubjectState:
        """Return the newest state of an instrument, a certificate or a registered thing.

        Raises:
            NotFoundError: nothing has happened to it.
        """
        with self._store.read() as reading:
            return _require(reading.find_states([subject]).get(subject), "the ledger knows nothing of this")

    def read_document(self, digest: Digest) -> bytes:
        """Return the published bytes of a certificate.

        Raises:
            NotFoundError: they are not stored.
            ContentWithheldError: they have been taken away.
        """
        with self._store.read() as reading:
            return _read_documents(reading, [digest])[digest]

    # --- tiles ----------------------------------------------------------------------------------------------

    def tile(self, tile: Tile) -> bytes:
        """Return the content of a tile or an entry bundle, full or partial.

        Raises:
            NotFoundError: the newest checkpoint does not reach that far.
        """
        with self._store.read() as reading:
            newest = reading.read_head().tree_size
            if compute_tile_width(tile.level, tile.index, newest) < tile.width:
                raise NotFoundError(f"the newest checkpoint, of {newest} leaves, has no {tile_path(tile)}")
            return read_tile(reading, tile)

    # --- proofs ---------------------------------------------------------------------------------------------

    def inclusion(self, leaf_index: LeafIndex, tree_size: TreeSize) -> tuple[bytes, ...]:
        """Return the inclusion proof of a leaf, 32 bytes a hash (RFC 9162 §2.1.3.1).

        Raises:
            MalformedDocumentError: no such leaf in a tree of this size.
            NotFoundError: the log has not reached this size.
        """
        self._require_size(tree_size)
        return build_inclusion_proof(leaf_index, tree_size, self._tiles.reader(tree_size, self._fetch))

    def inclusions(self, indices: Sequence[LeafIndex], tree_size: TreeSize) -> list[tuple[bytes, ...]]:
        """As `inclusion`, for many leaves at one size."""
        self._require_size(tree_size)
        proofs: list[tuple[bytes, ...]] = []
        for start in range(0, len(indices), TILE_WIDTH):
            some = indices[start : start + TILE_WIDTH]
            read = self._tiles.reader(tree_size, self._fetch, ahead=some)
            proofs += [build_inclusion_proof(index, tree_size, read) for index in some]
        return proofs

    def consistency(self, old_size: TreeSize, new_size: TreeSize) -> tuple[bytes, ...]:
        """Return the proof that the smaller tree is a prefix of the larger (RFC 9162 §2.1.4.1).

        Raises:
            MalformedDocumentError: sizes out of order, or the smaller one is 0.
            NotFoundError: the log has not reached the larger size.
        """
        self._require_size(new_size)
        return build_consistency_proof(old_size, new_size, self._tiles.reader(new_size, self._fetch))

    def tlog_proof(self, leaf_index: LeafIndex) -> str:
        """Return a proof file of any leaf under a checkpoint; its extra data is the leaf's header.

        The checkpoint is the published one if that reaches so far, else the newest.

        Raises:
            NotFoundError: the newest checkpoint does not reach that far.
        """
        with self._store.read() as reading:
            checkpoint = _find_over(reading, leaf_index, self.quorum)
            if checkpoint is None or not 0 <= leaf_index < checkpoint.tree_size:
                raise NotFoundError(f"the log has no leaf {leaf_index}")
            read = self._tiles.reader(checkpoint.tree_size, reading.read_tiles)
            inclusion = build_inclusion_proof(leaf_index, checkpoint.tree_size, read)
            (leaf,) = reading.read_leaves(leaf_index, leaf_index + 1)
        return encode_tlog_proof(TlogProof(leaf_index, inclusion, checkpoint.note, leaf[:HEADER_BYTES]))

    def statement(self, leaf_index: LeafIndex) -> bytes:
        """Return the signed statement of a leaf; a MAPHEAD has none, which is empty.

        Raises:
            NotFoundError: the log has no such leaf.
        """
        with self._store.read() as reading:
            found = reading.read_leaves_at([leaf_index]).get(leaf_index)
        return _require(found, f"the log has no leaf {leaf_index}")[HEADER_BYTES:]

    def map_proof(self, leaf_index: LeafIndex) -> bytes:
        """Return the proof, under the newest status map, of every subject that a leaf's statement is about.

        With `tlog_proof` it shows any leaf and what has become of its subjects; bundles are for issues.

        Raises:
            NotFoundError: the newest checkpoint does not reach that far.
        """
        with self._store.read() as reading:
            size = reading.read_head().tree_size
            if not 0 <= leaf_index < size:
                raise NotFoundError(f"the log has no leaf {leaf_index}")
            leaf = parse_leaf(reading.read_leaves(leaf_index, leaf_index + 1)[0])
            subjects: tuple[Subject, ...] = (leaf.header.subject,)
            if leaf.statement_raw:
                subjects = list_touched(parse_signed_statement(leaf.statement_raw).statement)
            return self._maps.open(reading, size).prove(subjects)

    def map_answer(self, subjects: Sequence[Subject]) -> MapAnswer:
        """Return what the status map under the published checkpoint has of these subjects, with proof.

        Args:
            subjects: any, at most some thousand at a time.

        Raises:
            NotFoundError: the log is empty.
        """
        with self._store.read() as reading:
            published = _require(find_published(reading, self.quorum), "the log is empty")
            size = published.tree_size
            last = LeafIndex(size - 1)
            return MapAnswer(
                published.note,
                reading.read_leaves(last, size)[0],
                build_inclusion_proof(last, size, self._tiles.reader(size, reading.read_tiles)),
                self._maps.open(reading, size).prove(subjects),
            )

    def find_name(self, speaker: str) -> Name | None:
        """Return what an institution or an authority is called now; None: the ledger knows none of this id."""
        with self._store.read() as reading:
            self.parts.registers.update(reading, reading.read_head().tree_size)
        return self.parts.registers.find_name(speaker)

    def evidence(self, institution: InstitutionId | None, tree_size: TreeSize) -> Evidence:
        """Return the register leaves behind an institution's authority, with one proof for all.

        Args:
            institution: whose; None: everybody's, as in a trust list.
            tree_size: of the checkpoint under which they are proved.

        Raises:
            NotFoundError: the institution is not registered at this size, or the log has not reached it.
        """
        self._require_size(tree_size)
        with self._store.read() as reading:
            states = self._maps.open(reading, tree_size)
            return self.parts.build_evidence(reading, states, tree_size, institution)

    def bundles(
        self,
        indices: Sequence[LeafIndex],
        checkpoint: StoredCheckpoint,
        receipt: AnchorReceipt | None = None,
        receipts: EarlierReceipts | None = None,
    ) -> list[bytes]:
        """Return one proof bundle for each of these issues.

        Args:
            indices: leaves of issues; some hundreds at a time, since all of it is held in memory.
            checkpoint: what they are proved under.
            receipt: of the anchor of this checkpoint.
            receipts: of older anchors, for documents whose key was compromised since; None: none are looked for.

        Raises:
            NotFoundError: there is no such leaf under this checkpoint, or its document is not stored.
            ContentWithheldError: a document has been taken away.
        """
        self._require_size(checkpoint.tree_size)
        with self._store.read() as reading:
            read = self._tiles.reader(checkpoint.tree_size, reading.read_tiles, ahead=indices)
            leaves = _read_issues(reading, indices, checkpoint.tree_size)
            bodies = _read_documents(reading, [leaf.header.certificate_digest for leaf in leaves])
            statements = [parse_signed_statement(leaf.statement_raw) for leaf in leaves]
            credentials = [_read_credential(bodies, leaf.header.certificate_digest) for leaf in leaves]
            touched = list(map(_list_shown, statements, credentials))
            states = self._maps.open(reading, checkpoint.tree_size)
            states.prepare(chain.from_iterable(touched))
            evidence: dict[tuple[str, Named], JsonObject] = {}
            bundles = []
            documents = zip(indices, leaves, statements, credentials, touched, strict=True)
            for index, leaf, signed, credential, subjects in documents:
                issuer = InstitutionId(signed.statement.issuer)
                needed = issuer, find_named(issuer, credential)
                if needed not in evidence:
                    found = self.parts.build_evidence(reading, states, checkpoint.tree_size, *needed)
                    evidence[needed] = encode_evidence(found)
                bundle = encode_bundle(
                    origin=self.origin,
                    credential=credential,
                    statement_raw=leaf.statement_raw,
                    leaf_index=index,
                    header=leaf.header,
                    inclusion=build_inclusion_proof(index, checkpoint.tree_size, read),
                    checkpoint=checkpoint.note,
                    evidence=evidence[needed],
                    map_proof=states.prove(subjects),
                    receipt=receipt,
                    earlier=self.parts.find_earlier(
                        reading, index, signed.key_id, checkpoint.tree_size, receipts
                    ),
                )
                bundles.append(bundle)
        return bundles

    def checkpoint_at(self, at: datetime) -> StoredCheckpoint:
        """Return the last checkpoint that was signed by an instant, aware UTC.

        Raises:
            NotFoundError: the log was empty then.
        """
        with self._store.read() as reading:
            found = reading.find_checkpoint_at((at - _EPOCH) // _MILLISECOND)
        return _require(found, f"the ledger was empty at {encode_instant(at)}")

    def as_of(
        self,
        leaf_index: LeafIndex,
        at: datetime,
        newer: StoredCheckpoint,
        receipt: AnchorReceipt | None = None,
        receipts: EarlierReceipts | None = None,
    ) -> bytes:
        """Return proof of how a document stood at a past instant, see `core.as_of`.

        Args:
            leaf_index: leaf of its issue.
            at: the instant, aware UTC, whole milliseconds.
            newer: a checkpoint that shows what came after.
            receipt: of that checkpoint's anchor; it may be the one of the instant itself.
            receipts: as for `bundles`.

        Raises:
            NotFoundError: the document was not in the log then, or its document is not stored.
        """
        older = self.checkpoint_at(at)
        if older.tree_size <= leaf_index:
            raise NotFoundError(f"this was not in the ledger at {encode_instant(at)}")
        own = receipt if newer.tree_size == older.tree_size else None
        (bundle,) = self.bundles([leaf_index], older, own, receipts)
        if newer.tree_size <= older.tree_size:
            return encode_as_of(at, bundle, None)
        first = LeafIndex(older.tree_size)
        with self._store.read() as reading:
            (leaf,) = reading.read_leaves(first, first + 1)
        later = LaterState(
            checkpoint=newer.note,
            consistency=self.consistency(older.tree_size, newer.tree_size),
            leaf=leaf,
            inclusion=self.inclusion(first, newer.tree_size),
            receipt=receipt,
        )
        return encode_as_of(at, bundle, later)

    def _require_size(self, tree_size: TreeSize) -> None:
        if tree_size > self._known_size:
            with self._store.read() as reading:
                self._known_size = reading.read_head().tree_size
        if tree_size > self._known_size:
            raise NotFoundError(f"the log has not reached {tree_size} leaves")

    def _fetch(self, tiles: Sequence[Tile]) -> Mapping[Tile, bytes]:
        with self._store.read() as reading:
            return reading.read_tiles(tiles)


def read_tile(reading: TileReading, tile: Tile) -> bytes:
    """Return the content of a tile or an entry bundle that the log has.

    Raises:
        LogIntegrityError: a part of it is missing.
    """
    if tile.level != ENTRIES:
        return reading.read_tiles([tile])[tile]
    begin = tile.index * TILE_WIDTH
    return encode_entry_bundle(reading.read_leaves(begin, begin + tile.width))


def _find_over(
    reading: CheckpointReading, leaf_index: LeafIndex, quorum: WitnessQuorum | None
) -> StoredCheckpoint | None:
    published = find_published(reading, quorum)
    if published is None or leaf_index < published.tree_size:
        return published
    return find_newest(reading, quorum)


def _require(found: _T | None, sentence: str) -> _T:
    if found is None:
        raise NotFoundError(sentence)
    return found


def _find_names(code: ShortCode) -> tuple[bytes, bytes]:
    """Return the first and the last name of a statement that begin with the 75 bits of a code."""
    bits = 0
    for symbol in code[: _CODE_BITS // 5]:
        bits = bits << 5 | ALPHABET.index(symbol)
    free = _NAME_BITS - _CODE_BITS
    first = bits << free
    return first.to_bytes(_NAME_BITS // 8), (first | (1 << free) - 1).to_bytes(_NAME_BITS // 8)


def _read_issues(reading: ProofReading, indices: Sequence[LeafIndex], tree_size: TreeSize) -> list[Leaf]:
    stored = reading.read_leaves_at(indices)
    leaves = []
    for index in indices:
        leaf = parse_leaf(_require(stored.get(index), f"the log has no leaf {index}"))
        if index >= tree_size or leaf.header.type not in ISSUE_TYPES:
            raise NotFoundError(f"leaf {index} is no issue under a checkpoint of {tree_size} leaves")
        leaves.append(leaf)
    return leaves


def _list_shown(signed: SignedStatement, credential: JsonObject) -> tuple[Subject, ...]:
    """Return the subjects whose newest states say how a document stands."""
    return (*list_touched(signed.statement), *list_related(signed.statement, credential))


def _read_documents(reading: ProofReading, digests: Sequence[Digest]) -> Mapping[Digest, bytes]:
    """Return the bytes of documents, of each.

    Raises:
        NotFoundError: one is not stored.
        ContentWithheldError: one has been taken away.
    """
    bodies = reading.read_documents(digests)
    for digest in digests:
        if digest not in bodies:
            if reading.find_withheld(digest) is not None:
                raise ContentWithheldError(f"the content of document {digest.hex()} is withheld by law")
            raise NotFoundError(f"no document has the digest {digest.hex()}")
    return bodies


def _read_credential(bodies: Mapping[Digest, bytes], digest: Digest) -> JsonObject:
    """Return a document that admission has read strictly, which its digest shows.

    One that was changed in the store is read strictly again; whoever verifies the bundle will see what it is.
    """
    body = bodies[digest]
    if hashlib.sha256(body).digest() == digest:
        return as_object(reread_canonical_json(body))
    return as_object(parse_canonical_json(body, max_bytes=MAX_CERTIFICATE_BYTES))
