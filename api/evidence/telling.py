"""The history of an instrument as a pack holds it: each event in words, with its leaf and its proof.

>>> tell_history(history, names, details, zone, inclusions)[0].en.words
'Instrument registered'
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from api.details import Details
from api.negotiation import Language
from api.web.sections import Event, list_events
from ledger.core.encoding import encode_base64, encode_instant
from ledger.core.entry import encode_header
from ledger.core.ids import LeafIndex
from ledger.core.register_fields import Name
from ledger.history import Happening, History


@dataclass(frozen=True, slots=True)
class Told:
    """One event."""

    happening: Happening
    en: Event
    zh: Event
    inclusion: tuple[bytes, ...]
    """Hashes from its leaf to the root of the newest state, 32 bytes each."""


@dataclass(frozen=True, slots=True)
class ToldHistory:
    """The events of an instrument, the oldest first."""

    events: tuple[Told, ...]
    is_cut: bool
    """Whether there are older ones, which are not here."""


def tell_history(
    history: History,
    names: Mapping[str, Name],
    details: Details,
    zone: ZoneInfo,
    inclusions: Mapping[LeafIndex, tuple[bytes, ...]],
) -> ToldHistory:
    """Return a history in both languages.

    Args:
        history: of the instrument.
        names: what those who speak in it are called.
        details: of the document that the pack is about.
        zone: in which days begin.
        inclusions: proof of each leaf; an event without is later than the pack, and left out.
    """
    said = [list_events(history, names, details, zone, language) for language in (Language.EN, Language.ZH)]
    told = [
        Told(happening, en, zh, inclusions[happening.leaf_index])
        for happening, en, zh in zip(history.happenings, *said, strict=True)
        if happening.leaf_index in inclusions
    ]
    return ToldHistory(tuple(reversed(told)), history.is_cut)


def describe_events(events: Sequence[Told]) -> list[dict[str, Any]]:
    """Return events as JSON members."""
    return [
        {
            "leaf_index": told.happening.leaf_index,
            "type": told.happening.signed.statement.type.name,
            "sequenced_at": encode_instant(told.happening.header.sequenced_at),
            "is_own": told.en.is_own,
            **({} if told.en.code is None else {"code": told.en.code}),
            "en": _describe_words(told.en),
            "zh": _describe_words(told.zh),
            "leaf": encode_base64(encode_header(told.happening.header) + told.happening.signed.raw),
            "inclusion": [encode_base64(item) for item in told.inclusion],
        }
        for told in events
    ]


def _describe_words(event: Event) -> dict[str, str]:
    return {"day": event.day, "words": event.words, "notes": event.notes, "speaker": event.speaker}
