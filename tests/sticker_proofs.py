"""Proofs of stickers, and of absences, from a ledger in memory; any part may be another.

>>> parse_sticker_proof(prove_sticker(StickerLedger(), FIRST)).event is None
True
"""

from typing import Any

from ledger_in_memory import MemoryLedger

from ledger.core.absence_proof import (
    AbsenceProof,
    MissingCertificate,
    MissingVerification,
    encode_absence_proof,
    list_missing_subjects,
)
from ledger.core.entry import HEADER_BYTES, parse_header, parse_leaf
from ledger.core.event import EventType
from ledger.core.evidence import Evidence
from ledger.core.ids import LeafIndex
from ledger.core.map_proof import build_map_proof
from ledger.core.merkle import build_inclusion_proof
from ledger.core.register_content import parse_content
from ledger.core.statement import RegisterClaims, parse_signed_statement
from ledger.core.status_map import load_nothing
from ledger.core.sticker import RollContent, StickerId, find_roll
from ledger.core.sticker_proof import (
    StickerEvent,
    StickerProof,
    encode_sticker_proof,
    list_place_subjects,
    list_roll_subjects,
    read_sticker_event,
)
from ledger.core.sticker_use import StickerBinding

_ROOT_TYPES = {EventType.ROOT, EventType.POLICY}


def choose_evidence(ledger: MemoryLedger, roll: str | None, size: int) -> Evidence:
    """Return the register leaves that a proof about a roll holds: those of one institution, or the root's alone."""
    chosen, is_known = set[int](), False
    for index, leaf in enumerate(ledger.leaves[:size]):
        event_type = EventType(leaf[4])
        is_known |= event_type is EventType.STICKER_ALLOTTED and _read_roll(leaf).roll == roll
        if event_type in _ROOT_TYPES:
            chosen.add(index)
    wanted = {EventType.DELEGATE, EventType.INSTITUTION, EventType.KEY, EventType.KEY_COMPROMISED_FROM}
    if is_known:
        chosen |= {
            index
            for index, leaf in enumerate(ledger.leaves[:size])
            if EventType(leaf[4]) in wanted
            and b'"350000-01"' not in leaf
            and (leaf[4] != EventType.DELEGATE or b'"CN-35"' in leaf)
        }
        chosen |= {
            index
            for index, leaf in enumerate(ledger.leaves[:size])
            if leaf[4] == EventType.STICKER_ALLOTTED and _read_roll(leaf).roll == roll
        }
    return ledger.evidence(size, only=frozenset(chosen))


def _read_roll(leaf: bytes) -> RollContent:
    statement = parse_signed_statement(parse_leaf(leaf).statement_raw).statement
    assert isinstance(statement.claims, RegisterClaims)
    content = parse_content(statement.type, statement.claims.content)
    assert isinstance(content, RollContent)
    return content


def find_event(ledger: MemoryLedger, sticker: StickerId, size: int) -> int | None:
    """Return which leaf said the last of a sticker under a checkpoint."""
    found = [
        index
        for index, leaf in enumerate(ledger.leaves[:size])
        if leaf[4] in {EventType.STICKER_BOUND, EventType.STICKER_UNBOUND}
        and parse_header(leaf[:HEADER_BYTES]).subject == list_roll_subjects(sticker)[1]
        and parse_header(leaf[:HEADER_BYTES]).version
    ]
    return max(found, default=None)


def make_event(ledger: MemoryLedger, index: int, size: int) -> StickerEvent:
    """Return a leaf as a proof holds it."""
    leaf = parse_leaf(ledger.leaves[index])
    inclusion = build_inclusion_proof(LeafIndex(index), size, ledger.tree().read)
    return StickerEvent(LeafIndex(index), leaf.header, leaf.statement_raw, inclusion)


def make_sticker_proof(
    ledger: MemoryLedger, sticker: StickerId, size: int | None = None, **changes: Any
) -> StickerProof:
    """Return an honest proof, but for the changes; `event` may be the index of another leaf."""
    size = size or ledger.publish()
    index = changes.pop("index", find_event(ledger, sticker, size))
    subjects, event = list_roll_subjects(sticker), None
    if index is not None:
        event = make_event(ledger, index, size)
        content = read_sticker_event(parse_signed_statement(event.statement_raw))
        binding = content if isinstance(content, StickerBinding) else content.binding
        subjects += list_place_subjects(binding)
    given: dict[str, Any] = {
        "origin": ledger.origin,
        "checkpoint": ledger.checkpoint(size),
        "sticker": sticker,
        "evidence": choose_evidence(ledger, find_roll(sticker), size),
        "event": event,
        "map_proof": build_map_proof(ledger.maps[size], subjects, load_nothing),
        "receipt": ledger.receipt(size),
    }
    return StickerProof(**given | changes)


def prove_sticker(ledger: MemoryLedger, sticker: StickerId, size: int | None = None, **changes: Any) -> bytes:
    return encode_sticker_proof(make_sticker_proof(ledger, sticker, size, **changes))


def make_absence_proof(
    ledger: MemoryLedger,
    missing: MissingCertificate | MissingVerification,
    size: int | None = None,
    **changes: Any,
) -> AbsenceProof:
    """Return what would show that the ledger lacks something, whether or not it does."""
    size = size or ledger.publish()
    given: dict[str, Any] = {
        "origin": ledger.origin,
        "checkpoint": ledger.checkpoint(size),
        "missing": missing,
        "evidence": choose_evidence(ledger, None, size),
        "map_proof": build_map_proof(ledger.maps[size], list_missing_subjects(missing), load_nothing),
        "receipt": ledger.receipt(size),
    }
    return AbsenceProof(**given | changes)


def prove_absence(
    ledger: MemoryLedger,
    missing: MissingCertificate | MissingVerification,
    size: int | None = None,
    **changes: Any,
) -> bytes:
    return encode_absence_proof(make_absence_proof(ledger, missing, size, **changes))
