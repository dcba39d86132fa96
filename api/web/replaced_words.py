"""How the page of a replaced document looks and what it says: a slip of the pen is not a wrong result.

>>> say_replacing(replacing, Language.EN)
'Replaced by certificate 2026-0000101. Reason: wrong result.'
"""

from typing import Final

from api.negotiation import Language
from api.replacing import Replacing
from api.shown import Shown
from api.web.detail_words import REASONS
from api.web.words import LOOKS, Look, say
from ledger.core.act import ReasonCode
from ledger.core.step import Sentence

WRONG: Final = frozenset({ReasonCode.WRONG_RESULT, ReasonCode.WRONG_INSTRUMENT})
"""Reasons that make what a document says of its instrument untrue."""

CORRECTED: Final = Look(
    "corrected",
    LOOKS[Shown.SUPERSEDED].icon,
    Sentence("Replaced", "已被代替"),
    Sentence(
        "Another certificate has taken the place of this one. Go by that.", "本证书已换发，请以现行证书为准。"
    ),
)
MISTAKEN: Final = Look(
    "mistaken",
    LOOKS[Shown.CANCELLED].icon,
    Sentence("Wrong, and replaced", "证书有误，已换发"),
    Sentence(
        "This certificate was wrong. Do not rely on it; see the certificate in force.",
        "原证书有误，请勿据此使用，请查看现行证书。",
    ),
)


def choose_look(shown: Shown, replacing: Replacing | None) -> Look:
    """Return how a document looks; `replacing`: what took its place, where one did."""
    if replacing is None:
        return LOOKS[shown]
    return MISTAKEN if replacing.reason in WRONG else CORRECTED


def say_replacing(replacing: Replacing, language: Language) -> str:
    """Return which document took its place, and why."""
    number, reason = replacing.number, replacing.reason
    words = Sentence(f"Replaced by certificate {number}.", f"已被证书{number}代替。")
    if reason is not None:
        why = REASONS[reason]
        words = Sentence(f"{words.en} Reason: {why.en}.", f"已被证书{number}代替，原因：{why.zh}。")
    return say(words, language)
