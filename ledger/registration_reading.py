"""What the log holds of an instrument's registrations: the newest, those before it, and the photographs they name.

Each is found by the subject of the registration, and an older one by the index in the header of the next. What
takes no effect is in no such chain, so a picture that only a VOID leaf names is not found.

>>> with store.read() as reading:
...     list_registrations(reading, instrument)[0].content.serial
'SN20240001'
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ledger.core.entry import Leaf
from ledger.core.errors import InputError, LogIntegrityError
from ledger.core.event import EventType, registration_subject
from ledger.core.ids import Digest, InstrumentId, LeafIndex
from ledger.core.photo import Photograph
from ledger.core.registration import InstrumentContent, parse_instrument_content
from ledger.core.statement import ActClaims, parse_signed_statement
from ledger.place_reading import PlaceReading, read_leaf

MOST_REGISTRATIONS: Final = 50
"""Versions that are read, from the newest back."""


@dataclass(frozen=True, slots=True)
class LoggedRegistration:
    """One version of what is registered of an instrument."""

    index: LeafIndex
    leaf: Leaf
    speaker: str
    """Institution that registered it."""
    content: InstrumentContent

    @property
    def sequenced_at(self) -> datetime:
        """Return when the log took it, aware UTC."""
        return self.leaf.header.sequenced_at


def list_registrations(reading: PlaceReading, instrument: InstrumentId) -> list[LoggedRegistration]:
    """Return what was registered of an instrument, the newest first; nothing: nobody has.

    Raises:
        LogIntegrityError: what is stored cannot be read.
    """
    subject = registration_subject(instrument)
    state = reading.find_states([subject]).get(subject)
    index, found = None if state is None else state.last_event, list[LoggedRegistration]()
    while index is not None and len(found) < MOST_REGISTRATIONS:
        leaf = read_leaf(reading, index)
        found.append(_read(leaf, index))
        index = leaf.header.prev
    return found


def find_photo(registrations: Iterable[LoggedRegistration], speaker: str) -> Photograph | None:
    """Return the picture that an institution's newest registration names; None: it names none.

    Any institution may register any instrument: the word of one neither adds to nor takes away what another shows.
    """
    for each in registrations:
        if each.speaker == speaker:
            return each.content.photo
    return None


def find_naming(
    registrations: Iterable[LoggedRegistration], digest: Digest, speaker: str | None = None
) -> LoggedRegistration | None:
    """Return the newest registration that names a picture, by this institution if one is given; None: none does."""
    for each in registrations:
        is_theirs = speaker is None or each.speaker == speaker
        if is_theirs and each.content.photo is not None and each.content.photo.digest == digest:
            return each
    return None


def _read(leaf: Leaf, index: LeafIndex) -> LoggedRegistration:
    try:
        statement = parse_signed_statement(leaf.statement_raw).statement
        if statement.type is EventType.INSTRUMENT and isinstance(statement.claims, ActClaims):
            content = parse_instrument_content(statement.claims.content)
            return LoggedRegistration(index, leaf, statement.issuer, content)
    except InputError as err:
        raise LogIntegrityError(f"leaf {index} cannot be read: {err}") from err
    raise LogIntegrityError(f"leaf {index} registers no instrument")
