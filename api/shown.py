"""The one verdict of a page.

>>> Shown("VALID")
<Shown.VALID: 'VALID'>
"""

from enum import StrEnum
from typing import Final


class Shown(StrEnum):
    """The one verdict of a page; the harder fact comes first."""

    TAMPERED = "TAMPERED"
    """Evidence does not hold."""
    WITHDRAWN = "WITHDRAWN"
    """By the institution that issued it."""
    CANCELLED = "CANCELLED"
    """By an authority."""
    FAILED = "FAILED"
    """A rejection notice."""
    FAILED_SINCE = "FAILED_SINCE"
    """The instrument failed a later verification."""
    SUSPENDED = "SUSPENDED"
    NEEDS_REVERIFICATION = "NEEDS_REVERIFICATION"
    """The instrument must be verified again."""
    SUPERSEDED = "SUPERSEDED"
    """The instrument has a newer certificate."""
    EXPIRED = "EXPIRED"
    CANNOT_CHECK = "CANNOT_CHECK"
    PENDING = "PENDING"
    """In order, and not witnessed or not anchored yet."""
    ATTENTION = "ATTENTION"
    VALID = "VALID"
    CALIBRATED = "CALIBRATED"
    """A calibration certificate, in order: nothing was verified."""
    PAPER = "PAPER"
    """Entered from a paper certificate: no electronic certificate."""
    CONTENT_WITHHELD = "CONTENT_WITHHELD"
    """The law withholds the document's content; its place in the ledger, and how it stands, are known."""
    NOT_LOGGED = "NOT_LOGGED"
    """Signed by a registered institution, and not in the ledger."""
    NOT_FOUND = "NOT_FOUND"
    """Nobody can have printed this: whoever typed it has made a mistake."""
    UNKNOWN_CODE = "UNKNOWN_CODE"
    """A code without a typing error that this server does not know; nothing shows that nobody has it."""
    NEVER_GIVEN_OUT = "NEVER_GIVEN_OUT"
    """The ledger shows that it has never given this out."""
    NOT_VERIFIED = "NOT_VERIFIED"
    """An instrument of which the ledger holds no verification."""
    STICKER_UNUSED = "STICKER_UNUSED"
    """Given out, and nobody has put it on anything."""
    STICKER_PENDING = "STICKER_PENDING"
    """On an instrument whose certificate is still to come."""
    STICKER_RELEASED = "STICKER_RELEASED"
    """It stands nowhere any more."""
    STICKER_REPLACED = "STICKER_REPLACED"
    """Another one was put where it stood."""


RELIED_ON: Final = (Shown.VALID, Shown.PENDING, Shown.ATTENTION)
"""Verdicts under which everything also says what it does not prove."""
