"""Authority evidence: the register leaves on which an institution's authority rests, under one checkpoint.

A bundle carries the leaves of its own institution, the trust list those of every institution. Reading the
evidence means folding its leaves in log order by the same rules as the log itself; the status map of the
checkpoint then shows that nothing newer about any of their subjects was left out.

>>> registers = fold_evidence(evidence, origin, root_digest)
"""

import hashlib
from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final, NoReturn

from ledger.core.canonical import JsonObject
from ledger.core.encoding import encode_base64, parse_base64
from ledger.core.entry import MAX_LEAF_BYTES, Leaf, LeafHeader, parse_leaf, read_time
from ledger.core.errors import InclusionProofError, VerificationError
from ledger.core.event import EventType
from ledger.core.fields import Reader
from ledger.core.fold import build_header, judge_signed_event
from ledger.core.ids import LeafIndex, RootHash, Subject, TreeSize
from ledger.core.map_proof import MAX_MAP_PROOF_BYTES, ProvenStates, open_map_proof
from ledger.core.maphead import get_map_root, require_maphead
from ledger.core.merkle import hash_leaf, verify_multi_proof
from ledger.core.statement import RegisterClaims, SignedStatement, parse_signed_statement
from ledger.core.status import Effect, Registers, SubjectState

MAX_EVIDENCE_LEAVES: Final = 100_000
_MAX_LEAF_TEXT: Final = (MAX_LEAF_BYTES + 2) // 3 * 4
_MAX_MAP_PROOF_TEXT: Final = (MAX_MAP_PROOF_BYTES + 2) // 3 * 4
_MAX_PROOF_HASHES: Final = 64 * MAX_EVIDENCE_LEAVES


@dataclass(frozen=True, slots=True)
class Evidence:
    """Register leaves and one batched inclusion proof for all of them."""

    leaves: tuple[tuple[LeafIndex, bytes], ...]
    """Register leaves, ascending by index."""
    maphead: bytes
    """The last leaf under the checkpoint: it states the status map, see `core.maphead`."""
    proof: tuple[bytes, ...]
    """Hashes of 32 bytes, in the order of `merkle.build_multi_proof`; for all these leaves."""
    map_proof: bytes
    """The newest state of every subject of the register leaves, see `core.map_proof`."""


@dataclass(frozen=True, slots=True)
class Established:
    """What evidence establishes once it has been verified."""

    registers: Registers
    """As of the checkpoint."""
    map_root: bytes
    """Root of the status map under the checkpoint, 32 bytes."""
    proven: ProvenStates
    """What the status map under the checkpoint says of the subjects of the evidence."""
    stated_at: datetime
    """When the log wrote the MAPHEAD, aware UTC; only the log's word."""


def encode_evidence(evidence: Evidence) -> JsonObject:
    """Return the evidence as it stands in bundles and trust lists."""
    return {
        "leaves": [{"index": index, "leaf": encode_base64(raw)} for index, raw in evidence.leaves],
        "maphead": encode_base64(evidence.maphead),
        "proof": [encode_base64(item) for item in evidence.proof],
        "map": encode_base64(evidence.map_proof),
    }


def parse_evidence(reader: Reader) -> Evidence:
    """Parse authority evidence.

    Raises:
        InputError: not such a member.
    """
    items = reader.objects("leaves", least=1, most=MAX_EVIDENCE_LEAVES)
    leaves = tuple(_parse_indexed_leaf(item) for item in items)
    proof = tuple(
        parse_base64(text, size=32) for text in reader.texts("proof", max_bytes=44, most=_MAX_PROOF_HASHES)
    )
    if any(earlier >= later for (earlier, _), (later, _) in pairwise(leaves)):
        reader.refuse("leaves", "expected leaves by ascending index")
    maphead = parse_base64(reader.text("maphead", max_bytes=_MAX_LEAF_TEXT))
    map_proof = parse_base64(reader.text("map", max_bytes=_MAX_MAP_PROOF_TEXT))
    reader.finish()
    return Evidence(leaves, maphead, proof, map_proof)


def _parse_indexed_leaf(reader: Reader) -> tuple[LeafIndex, bytes]:
    index = LeafIndex(reader.integer("index", 0, 2**53 - 1))
    raw = parse_base64(reader.text("leaf", max_bytes=_MAX_LEAF_TEXT))
    reader.finish()
    return index, raw


def verify_evidence_inclusion(evidence: Evidence, tree_size: TreeSize, root_hash: RootHash) -> None:
    """Check that every leaf stands in the tree at its index, the MAPHEAD at the last one.

    Raises:
        InclusionProofError: the proof is misshapen or leads to another root.
    """
    last = LeafIndex(tree_size - 1)
    if evidence.leaves[-1][0] >= last:
        raise InclusionProofError("the evidence has a register leaf where the status map is stated")
    hashes = {index: hash_leaf(raw) for index, raw in evidence.leaves} | {last: hash_leaf(evidence.maphead)}
    verify_multi_proof(hashes, tree_size, evidence.proof, root_hash)


def establish(evidence: Evidence, origin: str, root_digest: bytes) -> Established:
    """Fold all leaves of the evidence, and check with the status map that they are all there are.

    Args:
        evidence: leaves whose inclusion the caller has verified.
        origin: origin of the log.
        root_digest: SHA-256 of the ROOT content that the policy pins.

    Raises:
        InputError: a leaf or the map proof is malformed.
        VerificationError: as `fold_evidence`; or the MAPHEAD goes back in time; or the map holds another state
            of a subject than the leaves give.
    """
    header = require_maphead(evidence.maphead)
    registers, states = _fold(evidence, origin, root_digest, None)
    if header.sequenced_at_ms < _read_time(evidence, -1):
        raise VerificationError("the last leaf under the checkpoint is dated before an earlier leaf")
    proven = open_map_proof(evidence.map_proof, get_map_root(header))
    for subject, state in states.items():
        if proven.find(subject) != state:
            raise VerificationError(
                f"the authority evidence ends at leaf {state.last_event} of a subject that has changed since"
            )
    return Established(registers, get_map_root(header), proven, header.sequenced_at)


def fold_evidence(
    evidence: Evidence, origin: str, root_digest: bytes, before: LeafIndex | None = None
) -> Registers:
    """Fold the evidence's leaves and return what they establish.

    Args:
        evidence: leaves whose inclusion the caller has verified.
        origin: origin of the log.
        root_digest: SHA-256 of the ROOT content that the policy pins.
        before: stop at this leaf index, so that keys and scopes are as of that position.

    Raises:
        InputError: a leaf is malformed.
        VerificationError: a leaf is VOID, contradicts its header or goes back in time, or the root is not
            the pinned one.
    """
    return _fold(evidence, origin, root_digest, before)[0]


def _fold(
    evidence: Evidence, origin: str, root_digest: bytes, before: LeafIndex | None
) -> tuple[Registers, dict[Subject, SubjectState]]:
    registers, states = Registers(), dict[Subject, SubjectState]()
    roots, newest_ms = set[bytes](), 0
    for index, raw in evidence.leaves:
        leaf = parse_leaf(raw)
        if leaf.header.sequenced_at_ms < newest_ms:
            _refuse(index, "is dated before an earlier leaf")
        newest_ms = leaf.header.sequenced_at_ms
        signed, claims = _require_register(index, leaf)
        if signed.statement.type is EventType.ROOT:
            roots.add(hashlib.sha256(claims.content).digest())
        if before is None or index < before:
            _fold_leaf(index, leaf.header, signed, registers, states)
    if root_digest not in roots:
        raise VerificationError("the root that the policy pins is not in the authority evidence")
    if registers.root is None or registers.root.origin != origin:
        raise VerificationError("the authority evidence does not begin with this log's root")
    return registers, states


def verify_sequence(evidence: Evidence, index: LeafIndex, sequenced_at_ms: int) -> None:
    """Check that a leaf's time lies between those of its neighbours in the evidence: time never goes back.

    Args:
        evidence: as `fold_evidence` has found it good.
        index: of the leaf.
        sequenced_at_ms: from its header.

    Raises:
        VerificationError: the leaf is dated before an earlier one, or after a later one.
    """
    at = bisect_left(evidence.leaves, index, key=lambda item: item[0])
    if at > 0 and sequenced_at_ms < _read_time(evidence, at - 1):
        raise VerificationError(f"leaf {index} is dated before the earlier leaf {evidence.leaves[at - 1][0]}")
    if at < len(evidence.leaves) and sequenced_at_ms > _read_time(evidence, at):
        raise VerificationError(f"leaf {index} is dated after the later leaf {evidence.leaves[at][0]}")
    if sequenced_at_ms > read_time(evidence.maphead):
        raise VerificationError(f"leaf {index} is dated after the last leaf under the checkpoint")


def _read_time(evidence: Evidence, position: int) -> int:
    return read_time(evidence.leaves[position][1])


def _require_register(index: LeafIndex, leaf: Leaf) -> tuple[SignedStatement, RegisterClaims]:
    signed = parse_signed_statement(leaf.statement_raw)
    claims = signed.statement.claims
    if not isinstance(claims, RegisterClaims):
        _refuse(index, "is not a register event")
    return signed, claims


def _fold_leaf(
    index: LeafIndex,
    header: LeafHeader,
    signed: SignedStatement,
    registers: Registers,
    states: dict[Subject, SubjectState],
) -> None:
    outcome = judge_signed_event(signed, index, header.sequenced_at, registers, states.get)
    if not isinstance(outcome, Effect):
        _refuse(index, f"has no effect: {outcome.reason}")
    if build_header(signed, outcome, header.sequenced_at_ms) != header:
        _refuse(index, "contradicts its own header")
    states.update(outcome.changes)
    if outcome.apply is not None:
        outcome.apply(registers)


def _refuse(index: LeafIndex, why: str) -> NoReturn:
    raise VerificationError(f"authority leaf {index} {why}")
