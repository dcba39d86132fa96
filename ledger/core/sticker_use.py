"""STICKER_BOUND and STICKER_UNBOUND: which instrument, or which part of one, a sticker stands on.

A sticker is bound when it is put on, which may be before the certificate is issued, and shows the newest state of
what it stands on. What stands on an instrument now is the sticker that was bound to it last: so an older one,
peeled off and forgotten, or glued to something else, shows by itself that another has taken its place.

>>> parse_binding(encode_binding(content)) == content
True
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from ledger.core.act import Decision, encode_decision, parse_opt_decision
from ledger.core.canonical import JsonObject, encode_canonical_json, parse_canonical_json
from ledger.core.encoding import encode_hex, encode_instant
from ledger.core.errors import InputError
from ledger.core.event import instrument_subject, placement_subject, sticker_subject
from ledger.core.fields import Reader
from ledger.core.ids import InstrumentId, Subject
from ledger.core.qr import CODE_SYMBOLS
from ledger.core.sticker import StickerId, parse_sticker_id

_INSTRUMENT_BYTES: Final = 16
_PART_BYTES: Final = 8


class StickerReason(StrEnum):
    """Why a sticker stands on an instrument no longer: codes only, for what is logged is never erased."""

    VERIFICATION_FAILED = "VERIFICATION_FAILED"
    """What fails bears no sticker (检定不合格)."""
    REPLACED = "REPLACED"
    """Another one was put on."""
    DAMAGED = "DAMAGED"
    LOST = "LOST"
    WRONG_INSTRUMENT = "WRONG_INSTRUMENT"
    TYPO = "TYPO"
    INSTRUMENT_SCRAPPED = "INSTRUMENT_SCRAPPED"
    COPIED = "COPIED"
    """It was seen in two places (疑似复制)."""
    COURT_OR_AUTHORITY_ORDER = "COURT_OR_AUTHORITY_ORDER"


@dataclass(frozen=True, slots=True)
class StickerBinding:
    """A sticker was put on an instrument, or on a part of one."""

    sticker: StickerId
    instrument_id: InstrumentId
    """16 bytes."""
    part: str | None
    effective_at: datetime
    """When it was put on, by the word of who speaks; aware UTC, whole milliseconds; informs."""

    @property
    def subject(self) -> Subject:
        """Return the sticker, which the statement is about."""
        return sticker_subject(self.sticker)

    @property
    def placement(self) -> Subject:
        """Return the place for a sticker on this instrument, or this part."""
        return placement_subject(self.instrument_id, self.part)

    @property
    def instrument(self) -> Subject:
        """Return the instrument, or the part of it, whose state the sticker shows."""
        return instrument_subject(self.instrument_id, self.part)


@dataclass(frozen=True, slots=True)
class StickerRelease:
    """A sticker stands there no longer."""

    binding: StickerBinding
    """As it was; its `effective_at` is that of the release."""
    reason: StickerReason
    decision: Decision | None = None

    @property
    def subject(self) -> Subject:
        """Return the sticker."""
        return self.binding.subject

    @property
    def effective_at(self) -> datetime:
        """Return since when, aware UTC."""
        return self.binding.effective_at


def encode_binding(content: StickerBinding) -> bytes:
    """Return the canonical bytes of a STICKER_BOUND content."""
    return encode_canonical_json(_encode_members(content))


def parse_binding(raw: bytes) -> StickerBinding:
    """Parse a STICKER_BOUND content.

    Raises:
        InputError: not such a content.
    """
    reader = Reader(parse_canonical_json(raw), "content")
    content = _parse_members(reader)
    reader.finish()
    return content


def encode_release(content: StickerRelease) -> bytes:
    """Return the canonical bytes of a STICKER_UNBOUND content."""
    members = _encode_members(content.binding) | {"reason": content.reason.value}
    if content.decision is not None:
        members["decision"] = encode_decision(content.decision)
    return encode_canonical_json(members)


def parse_release(raw: bytes) -> StickerRelease:
    """Parse a STICKER_UNBOUND content.

    Raises:
        InputError: not such a content.
    """
    reader = Reader(parse_canonical_json(raw), "content")
    binding = _parse_members(reader)
    content = StickerRelease(binding, reader.enum("reason", StickerReason), parse_opt_decision(reader))
    reader.finish()
    return content


def _encode_members(content: StickerBinding) -> JsonObject:
    members: JsonObject = {
        "sticker": content.sticker,
        "instrument": encode_hex(content.instrument_id),
        "effective_at": encode_instant(content.effective_at),
    }
    return members if content.part is None else members | {"part": content.part}


def _parse_members(reader: Reader) -> StickerBinding:
    return StickerBinding(
        sticker=parse_sticker_member(reader),
        instrument_id=InstrumentId(reader.hex("instrument", _INSTRUMENT_BYTES)),
        part=reader.opt_text("part", max_bytes=_PART_BYTES),
        effective_at=reader.instant("effective_at"),
    )


def parse_sticker_member(reader: Reader) -> StickerId:
    """Return the member `sticker`, spelled as it is printed but for the hyphens; raises InputError."""
    text = reader.text("sticker", max_bytes=CODE_SYMBOLS)
    try:
        sticker = parse_sticker_id(text)
    except InputError as err:
        reader.refuse("sticker", err.reason)
    if sticker != text:
        reader.refuse("sticker", "expected 16 letters and digits in upper case, without hyphens")
    return sticker
