"""Links: what is found out later about the identity of instruments.

Two registrations turn out to be one instrument (*same as*), or one registration to be several instruments
(*split*). Each instrument is named with its newest certificate, so that everybody can see whose word it was that
is now corrected.

>>> parse_same_as(encode_same_as(content)) == content
True
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ledger.core.act import Decision, NamedInstrument, ReasonCode, encode_decision, parse_opt_decision
from ledger.core.canonical import JsonObject, encode_canonical_json, parse_canonical_json
from ledger.core.encoding import encode_hex, encode_instant, parse_hex
from ledger.core.errors import InputError
from ledger.core.event import EventType
from ledger.core.fields import Reader
from ledger.core.ids import ID_PATTERN, CertificateNumber, InstitutionId, InstrumentId, Subject

MAX_SUCCESSORS: Final = 16
_INSTRUMENT_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class SameAs:
    """Two registrations are one instrument: from now on what happens to one happens to both."""

    instrument: NamedInstrument
    other: NamedInstrument
    reason: ReasonCode
    effective_at: datetime
    """Aware UTC, whole milliseconds; informs."""
    decision: Decision | None = None

    @property
    def subject(self) -> Subject:
        """Return the first of the two, which the statement is about."""
        return self.instrument.subject


@dataclass(frozen=True, slots=True)
class Split:
    """One registration is several instruments: which of them its documents are about is open."""

    instrument: NamedInstrument
    into: tuple[InstrumentId, ...]
    """Instruments that it is found to be, beside itself; each once, ascending."""
    reason: ReasonCode
    effective_at: datetime
    """Aware UTC, whole milliseconds; informs."""
    decision: Decision | None = None

    @property
    def subject(self) -> Subject:
        """Return the instrument that is several."""
        return self.instrument.subject


def parse_link(event_type: EventType, raw: bytes) -> SameAs | Split:
    """Parse the content of a link.

    Raises:
        InputError: not such a content.
    """
    return parse_same_as(raw) if event_type is EventType.INSTRUMENT_SAME_AS else parse_split(raw)


def encode_same_as(content: SameAs) -> bytes:
    """Return the canonical bytes of a SAME_AS content."""
    return _encode(content, {"other": _encode_named(content.other)})


def parse_same_as(raw: bytes) -> SameAs:
    """Parse a SAME_AS content.

    Raises:
        InputError: not such a content, or it names one instrument twice.
    """
    reader = Reader(parse_canonical_json(raw), "content")
    content = SameAs(
        instrument=_parse_named(reader.object("instrument")),
        other=_parse_named(reader.object("other")),
        reason=reader.enum("reason", ReasonCode),
        effective_at=reader.instant("effective_at"),
        decision=parse_opt_decision(reader),
    )
    if content.instrument.subject == content.other.subject:
        reader.refuse("other", "is the same instrument already")
    reader.finish()
    return content


def encode_split(content: Split) -> bytes:
    """Return the canonical bytes of a SPLIT content."""
    return _encode(content, {"into": [encode_hex(item) for item in content.into]})


def parse_split(raw: bytes) -> Split:
    """Parse a SPLIT content.

    Raises:
        InputError: not such a content, or it names the instrument itself, or one twice.
    """
    reader = Reader(parse_canonical_json(raw), "content")
    texts = reader.texts("into", max_bytes=2 * _INSTRUMENT_BYTES, most=MAX_SUCCESSORS)
    content = Split(
        instrument=_parse_named(reader.object("instrument")),
        into=tuple(_parse_id(reader, text) for text in texts),
        reason=reader.enum("reason", ReasonCode),
        effective_at=reader.instant("effective_at"),
        decision=parse_opt_decision(reader),
    )
    if not texts or texts != sorted(set(texts)):
        reader.refuse("into", "expected at least one, each once, in order")
    if content.instrument.instrument_id in content.into:
        reader.refuse("into", "names the instrument itself")
    reader.finish()
    return content


def _parse_id(reader: Reader, text: str) -> InstrumentId:
    try:
        return InstrumentId(parse_hex(text, size=_INSTRUMENT_BYTES))
    except InputError as err:
        reader.refuse("into", err.reason)


def _encode(content: SameAs | Split, members: JsonObject) -> bytes:
    members |= {
        "instrument": _encode_named(content.instrument),
        "reason": content.reason.value,
        "effective_at": encode_instant(content.effective_at),
    }
    if content.decision is not None:
        members["decision"] = encode_decision(content.decision)
    return encode_canonical_json(members)


def _encode_named(named: NamedInstrument) -> JsonObject:
    members: JsonObject = {
        "certificate": {"issuer": named.issuer, "number": named.number},
        "id": encode_hex(named.instrument_id),
    }
    return members if named.part is None else members | {"part": named.part}


def _parse_named(reader: Reader) -> NamedInstrument:
    certificate = reader.object("certificate")
    named = NamedInstrument(
        issuer=InstitutionId(certificate.text("issuer", max_bytes=12, pattern=ID_PATTERN)),
        number=CertificateNumber(certificate.text("number", max_bytes=64)),
        instrument_id=InstrumentId(reader.hex("id", _INSTRUMENT_BYTES)),
        part=reader.opt_text("part", max_bytes=8),
    )
    certificate.finish()
    reader.finish()
    return named
