"""Proof of how a sticker stands: its id was never given out; or it is not in use, stands somewhere, or stood there.

The roll that an id names is a register: its leaves, and those of its institution, are the file's evidence. An id
whose roll the map does not have, whose number the roll does not have, or whose tag is wrong, was never given out.
Of any other, the map shows whether anything has happened to the sticker. Its last event, a binding or a release,
is in the file then; and the map shows what has become of the place and of the instrument since.

>>> show_sticker(parse_sticker_proof(raw), established, registers).standing
<StickerStanding.BOUND: 'BOUND'>
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, NoReturn

from ledger.core.act_content import parse_act_content
from ledger.core.anchor import AnchorReceipt, encode_receipt, parse_receipt
from ledger.core.bundle import EarlierAnchor, encode_earlier, parse_earlier, parse_inclusion
from ledger.core.canonical import JsonObject, encode_canonical_json, parse_canonical_json
from ledger.core.encoding import encode_base64, parse_base64
from ledger.core.entry import MAX_LEAF_BYTES, LeafHeader, encode_leaf, parse_leaf
from ledger.core.errors import VerificationError
from ledger.core.event import instrument_subject, roll_subject, sticker_subject
from ledger.core.evidence import Established, Evidence, encode_evidence, parse_evidence
from ledger.core.fields import Reader
from ledger.core.fold import build_header, judge_event
from ledger.core.ids import LeafIndex, Subject
from ledger.core.map_proof import ProvenStates, open_map_proof
from ledger.core.note import MAX_NOTE_BYTES
from ledger.core.register_fields import RegisterState
from ledger.core.statement import ActClaims, SignedStatement, parse_signed_statement
from ledger.core.status import Effect, Registers, StateView, Status, SubjectState
from ledger.core.sticker import RollContent, StickerId, find_number, find_roll, is_of_roll
from ledger.core.sticker_use import StickerBinding, StickerReason, StickerRelease, parse_sticker_member

STICKER_PROOF_TYPE: Final = "hengzheng/sticker-proof/v1"
MAX_STICKER_PROOF_BYTES: Final = 2 * 1024 * 1024
_MAX_LEAF_TEXT: Final = (MAX_LEAF_BYTES + 2) // 3 * 4


@dataclass(frozen=True, slots=True)
class StickerEvent:
    """The last thing that happened to a sticker, and its place in the log."""

    leaf_index: LeafIndex
    header: LeafHeader
    statement_raw: bytes
    inclusion: tuple[bytes, ...]
    """Hashes from leaf to root, 32 bytes each (RFC 9162 §2.1.3)."""
    earlier: EarlierAnchor | None = None
    """Where its key was compromised since: that it was anchored before."""


@dataclass(frozen=True, slots=True)
class StickerProof:
    """What shows how one sticker stands; nothing is verified yet."""

    origin: str
    checkpoint: str
    """Signed note under which everything here is proved."""
    sticker: StickerId
    evidence: Evidence
    """Of the roll and its institution; of a roll that is not in the log, the root's alone."""
    event: StickerEvent | None
    """None: nothing has happened to this id."""
    map_proof: bytes
    """Newest states of roll, sticker, place and instrument, as far as the id leads to them."""
    receipt: AnchorReceipt | None


class StickerStanding(StrEnum):
    """How a sticker stands."""

    NEVER_GIVEN_OUT = "NEVER_GIVEN_OUT"
    UNUSED = "UNUSED"
    """Given out, and nobody has put it on anything."""
    BOUND = "BOUND"
    """It stands on an instrument, or on a part of one."""
    REPLACED = "REPLACED"
    """Another one was put where it stood, and nobody has released it."""
    RELEASED = "RELEASED"
    """It stands nowhere any more."""


class MadeUp(StrEnum):
    """Why an id was never given out."""

    NO_ROLL = "NO_ROLL"
    NO_NUMBER = "NO_NUMBER"
    WRONG_TAG = "WRONG_TAG"


@dataclass(frozen=True, slots=True)
class ShownSticker:
    """What a proof shows of a sticker."""

    sticker: StickerId
    standing: StickerStanding
    made_up: MadeUp | None = None
    """Why it was never given out."""
    roll: RollContent | None = None
    """That the id names, whether or not it has given this id out; None: the log has none of this name."""
    binding: StickerBinding | None = None
    """Where it stands, or stood."""
    reason: StickerReason | None = None
    """Of its release."""
    event: LeafIndex | None = None
    """Which leaf says so."""
    since: datetime | None = None
    """When the log took that, aware UTC; only the log's word."""
    speaker: str | None = None
    """Who said it: an institution, or an authority."""
    instrument: SubjectState | None = None
    """Newest state of what it stands on; None: no document about that is in the log."""
    whole: SubjectState | None = None
    """Of the whole instrument, if it stands on a part."""


# --- the file -----------------------------------------------------------------------------------------------


def encode_sticker_proof(proof: StickerProof) -> bytes:
    """Return the canonical bytes of the file."""
    members: JsonObject = {
        "type": STICKER_PROOF_TYPE,
        "origin": proof.origin,
        "checkpoint": proof.checkpoint,
        "sticker": proof.sticker,
        "evidence": encode_evidence(proof.evidence),
        "map": encode_base64(proof.map_proof),
    }
    if proof.event is not None:
        members["event"] = _encode_event(proof.event)
    if proof.receipt is not None:
        members["receipt"] = encode_receipt(proof.receipt)
    return encode_canonical_json(members)


def _encode_event(event: StickerEvent) -> JsonObject:
    members: JsonObject = {
        "index": event.leaf_index,
        "leaf": encode_base64(encode_leaf(event.header, event.statement_raw)),
        "inclusion": [encode_base64(item) for item in event.inclusion],
    }
    return members if event.earlier is None else members | {"earlier": encode_earlier(event.earlier)}


def parse_sticker_proof(raw: bytes) -> StickerProof:
    """Parse a sticker proof, strictly; nothing in it is verified yet.

    Raises:
        InputError: not such a file.
    """
    reader = Reader(parse_canonical_json(raw, max_bytes=MAX_STICKER_PROOF_BYTES), "sticker_proof")
    reader.text("type", max_bytes=40, pattern=STICKER_PROOF_TYPE)
    receipt = reader.opt_object("receipt")
    proof = StickerProof(
        origin=reader.text("origin", max_bytes=120),
        checkpoint=reader.lines("checkpoint", max_bytes=MAX_NOTE_BYTES),
        sticker=parse_sticker_member(reader),
        evidence=parse_evidence(reader.object("evidence")),
        event=_parse_event(reader.opt_object("event")),
        map_proof=parse_base64(reader.text("map", max_bytes=MAX_STICKER_PROOF_BYTES)),
        receipt=None if receipt is None else parse_receipt(receipt),
    )
    reader.finish()
    return proof


def _parse_event(reader: Reader | None) -> StickerEvent | None:
    if reader is None:
        return None
    leaf = parse_leaf(parse_base64(reader.text("leaf", max_bytes=_MAX_LEAF_TEXT)))
    event = StickerEvent(
        leaf_index=LeafIndex(reader.integer("index", 0, 2**53 - 1)),
        header=leaf.header,
        statement_raw=leaf.statement_raw,
        inclusion=parse_inclusion(reader),
        earlier=parse_earlier(reader.opt_object("earlier")),
    )
    reader.finish()
    return event


# --- what it shows ------------------------------------------------------------------------------------------


def list_roll_subjects(sticker: StickerId) -> tuple[Subject, ...]:
    """Return the subjects whose states a proof shows of every id: of its roll, and of the sticker."""
    return roll_subject(find_roll(sticker)), sticker_subject(sticker)


def list_place_subjects(binding: StickerBinding) -> tuple[Subject, ...]:
    """Return the subjects whose states a proof shows beside these, once a sticker was put on something."""
    return binding.placement, binding.instrument, instrument_subject(binding.instrument_id)


def read_sticker_event(signed: SignedStatement) -> StickerBinding | StickerRelease:
    """Return what a statement says of a sticker.

    Raises:
        InputError: its content is not one of its type.
        VerificationError: it says nothing of a sticker.
    """
    statement = signed.statement
    if isinstance(statement.claims, ActClaims):
        content = parse_act_content(statement.type, statement.claims.content)
        if isinstance(content, StickerBinding | StickerRelease):
            return content
    raise VerificationError("the leaf says nothing of a sticker")


def show_sticker(proof: StickerProof, established: Established, before: Registers) -> ShownSticker:
    """Return what a proof shows.

    Args:
        proof: whose evidence, and whose event's place and signature, the caller has verified.
        established: what the evidence gives.
        before: registers at the event's own position; without an event, any.

    Raises:
        InputError: the map proof, or the event's content, is malformed.
        VerificationError: the parts contradict each other, or do not show all of it.
    """
    proven = open_map_proof(proof.map_proof, established.map_root)
    roll = established.registers.rolls.get(find_roll(proof.sticker))
    if (proven.find(roll_subject(find_roll(proof.sticker))) is None) is not (roll is None):
        _refuse("the evidence and the status map disagree about the roll")
    made_up = find_made_up(proof.sticker, roll)
    if made_up is not None or roll is None:
        if proof.event is not None:
            _refuse("the file has an event of a sticker that was never given out")
        return ShownSticker(proof.sticker, StickerStanding.NEVER_GIVEN_OUT, made_up=made_up, roll=roll)
    state = proven.find(sticker_subject(proof.sticker))
    if proof.event is None:
        if state is not None:
            _refuse(f"the file leaves out leaf {state.last_event}, which says where the sticker stands")
        return ShownSticker(proof.sticker, StickerStanding.UNUSED, roll=roll)
    return _show_event(proof.sticker, proof.event, roll, state, proven, before)


def find_made_up(sticker: StickerId, roll: RollContent | None) -> MadeUp | None:
    """Return why an id was never given out; None: it was.

    Args:
        sticker: the id.
        roll: that it names; None: the log has none of this name.
    """
    if roll is None:
        return MadeUp.NO_ROLL
    if is_of_roll(sticker, roll):
        return None
    return MadeUp.WRONG_TAG if find_number(sticker) < roll.count else MadeUp.NO_NUMBER


def _show_event(
    sticker: StickerId,
    event: StickerEvent,
    roll: RollContent,
    state: SubjectState | None,
    proven: ProvenStates,
    before: Registers,
) -> ShownSticker:
    signed = parse_signed_statement(event.statement_raw)
    content = read_sticker_event(signed)
    binding = content if isinstance(content, StickerBinding) else content.binding
    if binding.sticker != sticker:
        _refuse(f"leaf {event.leaf_index} is about another sticker")
    _require_effect(event, signed, binding, before)
    header = event.header
    if state != SubjectState(Status(header.status), header.version, event.leaf_index, None):
        _refuse(f"the status map does not have leaf {event.leaf_index} as the last event of this sticker")
    return ShownSticker(
        sticker,
        _find_standing(content, event.leaf_index, proven.find(binding.placement)),
        roll=roll,
        binding=binding,
        reason=content.reason if isinstance(content, StickerRelease) else None,
        event=event.leaf_index,
        since=header.sequenced_at,
        speaker=signed.statement.issuer,
        instrument=proven.find(binding.instrument),
        whole=None if binding.part is None else proven.find(instrument_subject(binding.instrument_id)),
    )


def _require_effect(
    event: StickerEvent, signed: SignedStatement, binding: StickerBinding, before: Registers
) -> None:
    """Require that the fold gives the leaf the effect that its header states."""
    header, at = event.header, event.header.sequenced_at
    view = _view_before(event, signed, binding)
    outcome = judge_event(signed, event.leaf_index, at, before, view)
    if not isinstance(outcome, Effect):
        _refuse(f"leaf {event.leaf_index} has no effect: {outcome.reason}")
    is_later = header.prev is None or header.prev < event.leaf_index
    if not is_later or build_header(signed, outcome, header.sequenced_at_ms) != header:
        _refuse(f"leaf {event.leaf_index} contradicts its own header")


def _view_before(event: StickerEvent, signed: SignedStatement, binding: StickerBinding) -> StateView:
    """See sticker and place as the statement expects them; that it was so is for the status map to prove."""
    version, prev = signed.statement.expected_version, event.header.prev
    if version == 0 or prev is None:
        return lambda _: None
    is_release = event.header.status == Status.INACTIVE
    own = SubjectState(Status.ACTIVE if is_release else Status.INACTIVE, version, prev, None)
    place = SubjectState(Status.ACTIVE, version, prev, None)
    known = {binding.subject: own, binding.placement: place}
    return known.get


def _find_standing(
    content: StickerBinding | StickerRelease, index: LeafIndex, place: SubjectState | None
) -> StickerStanding:
    if place is None:
        _refuse("the status map does not know the place of a sticker that was put on")
    if isinstance(content, StickerRelease):
        return StickerStanding.RELEASED
    if place.last_event > index:
        return StickerStanding.REPLACED
    if place.last_event < index or place.status is not Status.ACTIVE:
        _refuse("the status map contradicts the binding of the sticker")
    return StickerStanding.BOUND


def can_be_bound(shown: ShownSticker) -> bool:
    """Tell whether a sticker that stands nowhere can still be put on something."""
    is_free = shown.standing in {StickerStanding.UNUSED, StickerStanding.RELEASED}
    return is_free and shown.roll is not None and shown.roll.state is RegisterState.ACTIVE


def _refuse(why: str) -> NoReturn:
    raise VerificationError(why)
