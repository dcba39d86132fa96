"""The verdicts that a device can come to by itself, as templates in a page: its script shows the one that it finds.

>>> list_looks(Language.EN)[0].headline
'Valid'
"""

from dataclasses import dataclass
from typing import Final

from api.negotiation import Language
from api.shown import RELIED_ON, Shown
from api.web.words import LOOKS, say
from verifier.report import DISCLAIMER

FOUND_BY_DEVICES: Final = (
    Shown.VALID,
    Shown.ATTENTION,
    Shown.PENDING,
    Shown.CALIBRATED,
    Shown.PAPER,
    Shown.EXPIRED,
    Shown.SUPERSEDED,
    Shown.FAILED,
    Shown.FAILED_SINCE,
    Shown.WITHDRAWN,
    Shown.CANCELLED,
    Shown.SUSPENDED,
    Shown.NEEDS_REVERIFICATION,
    Shown.NOT_VERIFIED,
    Shown.STICKER_UNUSED,
    Shown.STICKER_PENDING,
    Shown.STICKER_RELEASED,
    Shown.STICKER_REPLACED,
    Shown.NEVER_GIVEN_OUT,
    Shown.TAMPERED,
    Shown.CANNOT_CHECK,
)
"""What evidence shows of a document, a sticker or an instrument."""


@dataclass(frozen=True, slots=True)
class LookOfOne:
    """One verdict in one language, as `templates/looks.html` writes it."""

    shown: str
    style: str
    icon: str
    headline: str
    sentence: str
    limits: str | None
    """What a good verdict does not say."""


def list_looks(language: Language) -> list[LookOfOne]:
    """Return every verdict that a device can come to."""
    return [
        LookOfOne(
            shown.value,
            LOOKS[shown].style,
            LOOKS[shown].icon,
            say(LOOKS[shown].headline, language),
            say(LOOKS[shown].sentence, language),
            say(DISCLAIMER, language) if shown in RELIED_ON else None,
        )
        for shown in FOUND_BY_DEVICES
    ]
